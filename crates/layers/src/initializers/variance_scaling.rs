//! Random numbers whose spread follows from the shape.

use std::sync::Arc;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_tensor::{DType, Shape, Tensor};

use super::Initialize;
use super::random::{Spread, bits, draw, floats, read_seed};
use crate::Result;

/// Numbers of inputs and outputs of a unit whose weights have that shape.
///
/// # Example
/// ```
/// use kerox_layers::initializers::fans;
/// assert_eq!(fans(&[3, 3, 16, 32]), (144, 288));
/// assert_eq!(fans(&[7]), (7, 7));
/// ```
///
/// # Source
/// `keras.initializers.compute_fans`.
pub fn fans(shape: &[usize]) -> (usize, usize) {
    match *shape {
        [] => (1, 1),
        [n] => (n, n),
        [input, output] => (input, output),
        [ref field @ .., input, output] => {
            let field: usize = field.iter().fold(1, |a, &b| a.saturating_mul(b));
            (field.saturating_mul(input), field.saturating_mul(output))
        }
    }
}

/// What the variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Number of inputs.
    FanIn,
    /// Number of outputs.
    FanOut,
    /// The mean of both.
    FanAvg,
}

/// How the numbers are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanDistribution {
    /// Normally, cut at two standard deviations.
    TruncatedNormal,
    /// Normally.
    UntruncatedNormal,
    /// Evenly.
    Uniform,
}

const MODES: [(&str, FanMode); 3] =
    [("fan_in", FanMode::FanIn), ("fan_out", FanMode::FanOut), ("fan_avg", FanMode::FanAvg)];
const DISTRIBUTIONS: [(&str, FanDistribution); 4] = [
    ("truncated_normal", FanDistribution::TruncatedNormal),
    ("untruncated_normal", FanDistribution::UntruncatedNormal),
    ("uniform", FanDistribution::Uniform),
    ("normal", FanDistribution::TruncatedNormal),
];

/// Numbers of variance `scale / n`, `n` being the number of inputs, of outputs or their mean.
///
/// # Source
/// `keras.initializers.VarianceScaling`.
#[derive(Clone, Debug)]
pub struct VarianceScaling {
    /// Positive factor.
    pub scale: f64,
    /// What the variance is divided by.
    pub mode: FanMode,
    /// How the numbers are distributed.
    pub distribution: FanDistribution,
    /// For repeatable numbers.
    pub seed: Option<i64>,
    class_name: &'static str,
}

/// Constructors of the named kinds.
macro_rules! kinds {
    ($($name:ident $read:ident $class:literal $scale:literal $mode:ident $distribution:ident $doc:literal;)*) => {
        impl VarianceScaling {
            $(
                #[doc = $doc]
                pub fn $name(seed: Option<i64>) -> VarianceScaling {
                    VarianceScaling {
                        scale: $scale,
                        mode: FanMode::$mode,
                        distribution: FanDistribution::$distribution,
                        seed,
                        class_name: $class,
                    }
                }

                pub(super) fn $read(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
                    Ok(Arc::new(VarianceScaling::$name(read_seed(fields)?)))
                }
            )*
        }
    };
}
// A line expands to `pub fn glorot_uniform(seed) -> VarianceScaling` and the function that reads its configuration.
kinds! {
    glorot_uniform read_glorot_uniform "GlorotUniform" 1.0 FanAvg Uniform "Keras's `GlorotUniform`.";
    glorot_normal read_glorot_normal "GlorotNormal" 1.0 FanAvg TruncatedNormal "Keras's `GlorotNormal`.";
    he_uniform read_he_uniform "HeUniform" 2.0 FanIn Uniform "Keras's `HeUniform`.";
    he_normal read_he_normal "HeNormal" 2.0 FanIn TruncatedNormal "Keras's `HeNormal`.";
    lecun_uniform read_lecun_uniform "LecunUniform" 1.0 FanIn Uniform "Keras's `LecunUniform`.";
    lecun_normal read_lecun_normal "LecunNormal" 1.0 FanIn TruncatedNormal "Keras's `LecunNormal`.";
}

impl VarianceScaling {
    /// Of any kind.
    pub fn new(scale: f64, mode: FanMode, distribution: FanDistribution) -> VarianceScaling {
        VarianceScaling { scale, mode, distribution, seed: None, class_name: "VarianceScaling" }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        let scale = fields.float_or("scale", 1.0)?;
        if scale.is_nan() || scale <= 0.0 {
            return Err(fields.error("scale", "a number above 0", "").into());
        }
        Ok(Arc::new(VarianceScaling {
            scale,
            mode: fields.one_of_or("mode", &MODES, FanMode::FanIn)?,
            distribution: fields.one_of_or("distribution", &DISTRIBUTIONS, FanDistribution::TruncatedNormal)?,
            seed: read_seed(fields)?,
            class_name: "VarianceScaling",
        }))
    }
}

impl Initialize for VarianceScaling {
    fn class_name(&self) -> &str {
        self.class_name
    }
    fn config(&self) -> Config {
        let seed = Json::from(self.seed);
        if self.class_name != "VarianceScaling" {
            return Config::new().with("seed", seed);
        }
        let mode = MODES.iter().find(|(_, mode)| *mode == self.mode).map_or("", |(name, _)| name);
        let distribution =
            DISTRIBUTIONS.iter().find(|(_, kind)| *kind == self.distribution).map_or("", |(name, _)| name);
        Config::new().with("scale", self.scale).with("mode", mode).with("distribution", distribution).with("seed", seed)
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let (inputs, outputs) = fans(shape);
        let n = match self.mode {
            FanMode::FanIn => inputs as f64,
            FanMode::FanOut => outputs as f64,
            FanMode::FanAvg => (inputs as f64 + outputs as f64) / 2.0,
        };
        let variance = self.scale / n.max(1.0);
        let (spread, factor) = match self.distribution {
            // The standard deviation of the standard normal distribution cut at -2 and 2.
            FanDistribution::TruncatedNormal => (Spread::Truncated, variance.sqrt() / 0.879_625_661_034_239_8),
            FanDistribution::UntruncatedNormal => (Spread::Normal, variance.sqrt()),
            FanDistribution::Uniform => (Spread::Uniform, (3.0 * variance).sqrt()),
        };
        let numbers = draw(spread, shape, bits(self.seed))?;
        floats(numbers.into_iter().map(|x| factor * x).collect(), shape, dtype)
    }
}
