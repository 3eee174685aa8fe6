//! `RandomHeight`, `RandomWidth`.

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::{Interpolation, Resize};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::pixels::{check_word, length, uniform_scalar};
use crate::{Base, Call, Result};

/// Stretches or squeezes images in training along their height, all in a batch alike.
///
/// # Arguments
/// `factor`: the part by which height grows, between two numbers of at least -1, or between minus and plus one number.
/// `interpolation`: `bilinear` (the default), `nearest`, `bicubic` or `area`.
///
/// # Shapes
/// input `[batch, height, width, channels]`, output `[batch, new height, width, channels]`; a new height that is random
/// is known only when the layer runs, so that a plan of known shapes cannot hold it.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomHeight};
/// let y = RandomHeight::new(0.2).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().rank(), Some(4));
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomHeight` of Keras 2.
pub type RandomHeight = Augmentation<Stretch<1>>;

/// Stretches or squeezes images in training along their width, as [`RandomHeight`] does along their height.
///
/// # Source
/// `keras.layers.RandomWidth` of Keras 2.
pub type RandomWidth = Augmentation<Stretch<2>>;

/// What [`RandomHeight`] (axis 1) and [`RandomWidth`] (axis 2) do.
#[derive(Clone, Debug)]
pub struct Stretch<const AXIS: usize> {
    factor: Factor,
    interpolation: String,
}

const INTERPOLATIONS: [(&str, Interpolation); 4] = [
    ("bilinear", Interpolation::Bilinear),
    ("nearest", Interpolation::Nearest),
    ("bicubic", Interpolation::Bicubic),
    ("area", Interpolation::Area),
];

impl<const AXIS: usize> Augmentation<Stretch<AXIS>> {
    /// By up to that part, or between two parts.
    pub fn new(factor: impl Into<Factor>) -> Self {
        Augmentation::of(Stretch { factor: factor.into(), interpolation: "bilinear".into() })
    }

    /// How pixels between pixels are made; `bilinear` by default.
    #[must_use]
    pub fn interpolation(self, interpolation: &str) -> Self {
        self.with(|kind| kind.interpolation = interpolation.into())
    }
}

impl<const AXIS: usize> Transform for Stretch<AXIS> {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let (low, high) = self.factor.range(f64::NEG_INFINITY);
        let known = cx.g.dims(x).axes().and_then(|axes| axes.get(AXIS).copied().flatten());
        // A factor that is not random gives a length that is known.
        let fixed = known.filter(|_| low == high).map(|length| length as f32 * (1.0 + low) as f32);
        let mut size = Vec::with_capacity(2);
        for axis in [1, 2] {
            let mut length = length(cx, x, axis, DType::F32)?;
            if axis == AXIS {
                length = match fixed {
                    Some(length) => cx.g.number(f64::from(length.trunc()), DType::F32)?,
                    None => {
                        let factor = uniform_scalar(cx, generator, (1.0 + low, 1.0 + high), DType::F32)?;
                        cx.g.multiply(length, factor)?
                    }
                };
            }
            let length = cx.g.cast(length, DType::I32)?;
            size.push(cx.g.reshape(length, &[1])?);
        }
        let size = cx.g.concat(&size, 0)?;
        let known = INTERPOLATIONS.iter().find(|(name, _)| *name == self.interpolation);
        let interpolation = known.map_or(Interpolation::Bilinear, |(_, interpolation)| *interpolation);
        let y = cx.g.add_single(Resize { interpolation }, &[x, size])?;
        Ok(cx.g.cast(y, cx.g.dtype(x))?)
    }
}

impl<const AXIS: usize> Augment for Stretch<AXIS> {
    const CLASS: &'static str = ["", "RandomHeight", "RandomWidth"][AXIS];

    fn read(fields: &Fields<'_>) -> Result<Self> {
        let interpolation = fields.str_or("interpolation", "bilinear")?.to_lowercase();
        Ok(Stretch { factor: Factor::read(fields, "factor", None)?, interpolation })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("interpolation", self.interpolation.as_str())
    }

    fn check(&self, base: &Base) -> Result<()> {
        let is_one_number = self.factor.numbers().is_some_and(|(_, other)| other.is_none());
        self.factor.check(base, "factor", if is_one_number { (0.0, 1.0) } else { (-1.0, f64::INFINITY) })?;
        check_word(base, "interpolation", &self.interpolation, &INTERPOLATIONS.map(|(name, _)| name))
    }
}
