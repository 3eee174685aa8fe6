//! Random numbers of fixed spread.

use std::sync::Arc;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Generator;
use kerox_tensor::{Buffer, DType, Shape, Tensor, bf16, f16};

use super::Initialize;
use crate::Result;

/// How numbers are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// Evenly between -1 and 1.
    Uniform,
    /// Normally.
    Normal,
    /// Normally, drawn again beyond two standard deviations.
    Truncated,
}

/// Draws as many numbers as the shape has elements.
pub(super) fn draw(spread: Spread, shape: &Shape, seed: Option<u64>) -> Result<Vec<f64>> {
    let n = shape.checked_elements()?;
    let generator = Generator::new(seed.unwrap_or_else(crate::random::next_seed));
    // 53 bits between 0 and 1, neither of them included.
    let mut words = Words { generator, buffer: [0; 256], at: 256 };
    let mut numbers = Vec::with_capacity(n);
    match spread {
        Spread::Uniform => numbers.extend((0..n).map(|_| 2.0 * words.unit() - 1.0)),
        Spread::Normal => numbers.extend((0..n).map(|_| words.normal())),
        Spread::Truncated => {
            while numbers.len() < n {
                let x = words.normal();
                if x.abs() <= 2.0 {
                    numbers.push(x);
                }
            }
        }
    }
    Ok(numbers)
}

struct Words {
    generator: Generator,
    buffer: [u32; 256],
    at: usize,
}

impl Words {
    fn word(&mut self) -> u32 {
        if self.at == self.buffer.len() {
            self.generator.fill(&mut self.buffer);
            self.at = 0;
        }
        self.at += 1;
        self.buffer[self.at - 1]
    }

    fn unit(&mut self) -> f64 {
        let bits = u64::from(self.word()) << 21 | u64::from(self.word()) >> 11;
        (bits as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// One number by Box and Muller's method.
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.unit(), self.unit());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// A tensor of floats of any type.
pub(super) fn floats(numbers: Vec<f64>, shape: &Shape, dtype: DType) -> Result<Tensor> {
    let buffer = match dtype {
        DType::F64 => return Ok(Tensor::from_vec(numbers, shape.clone())?),
        DType::F16 => Buffer::F16(numbers.into_iter().map(f16::from_f64).collect()),
        DType::BF16 => Buffer::BF16(numbers.into_iter().map(bf16::from_f64).collect()),
        _ => {
            // Fresh zeros lie in large pages where the system has them; what is left of the longer numbers would not.
            let mut tensor = Tensor::zeros(DType::F32, shape.clone())?;
            tensor.as_mut_slice::<f32>()?.iter_mut().zip(numbers).for_each(|(to, from)| *to = from as f32);
            return Ok(tensor);
        }
    };
    Ok(Tensor::from_buffer(buffer, shape.clone())?)
}

/// A seed as configurations hold it: an integer, nothing, or (Keras 3) an object with a seed.
pub(super) fn read_seed(fields: &Fields<'_>) -> Result<Option<i64>> {
    let Some(node) = fields.get("seed") else { return Ok(None) };
    match node.get("config").and_then(|config| config.get("seed")) {
        Some(seed) => Ok(seed.not_null().map(|seed| seed.int()).transpose()?),
        None => Ok(Some(node.int()?)),
    }
}

/// A seed for the generator.
pub(super) fn bits(seed: Option<i64>) -> Option<u64> {
    seed.map(|seed| seed as u64)
}

/// Evenly between two bounds.
///
/// # Source
/// `keras.initializers.RandomUniform`.
#[derive(Clone, Debug)]
pub struct RandomUniform {
    /// Lower bound.
    pub minval: f64,
    /// Upper bound, not included.
    pub maxval: f64,
    /// For repeatable numbers.
    pub seed: Option<i64>,
}

/// Normally distributed.
///
/// # Source
/// `keras.initializers.RandomNormal`.
#[derive(Clone, Debug)]
pub struct RandomNormal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub stddev: f64,
    /// For repeatable numbers.
    pub seed: Option<i64>,
}

/// Normally distributed, numbers beyond two standard deviations drawn again.
///
/// # Source
/// `keras.initializers.TruncatedNormal`.
#[derive(Clone, Debug)]
pub struct TruncatedNormal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation before numbers are cut.
    pub stddev: f64,
    /// For repeatable numbers.
    pub seed: Option<i64>,
}

impl Default for RandomUniform {
    fn default() -> RandomUniform {
        RandomUniform { minval: -0.05, maxval: 0.05, seed: None }
    }
}

impl Default for RandomNormal {
    fn default() -> RandomNormal {
        RandomNormal { mean: 0.0, stddev: 0.05, seed: None }
    }
}

impl Default for TruncatedNormal {
    fn default() -> TruncatedNormal {
        TruncatedNormal { mean: 0.0, stddev: 0.05, seed: None }
    }
}

impl RandomUniform {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        Ok(Arc::new(RandomUniform {
            minval: fields.float_or("minval", -0.05)?,
            maxval: fields.float_or("maxval", 0.05)?,
            seed: read_seed(fields)?,
        }))
    }
}

impl RandomNormal {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        let (mean, stddev) = (fields.float_or("mean", 0.0)?, fields.float_or("stddev", 0.05)?);
        Ok(Arc::new(RandomNormal { mean, stddev, seed: read_seed(fields)? }))
    }
}

impl TruncatedNormal {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        let (mean, stddev) = (fields.float_or("mean", 0.0)?, fields.float_or("stddev", 0.05)?);
        Ok(Arc::new(TruncatedNormal { mean, stddev, seed: read_seed(fields)? }))
    }
}

fn normal_config(mean: f64, stddev: f64, seed: Option<i64>) -> Config {
    Config::new().with("mean", mean).with("stddev", stddev).with("seed", Json::from(seed))
}

fn normal(spread: Spread, mean: f64, stddev: f64, seed: Option<i64>, shape: &Shape) -> Result<Vec<f64>> {
    Ok(draw(spread, shape, bits(seed))?.into_iter().map(|x| mean + stddev * x).collect())
}

impl Initialize for RandomUniform {
    fn class_name(&self) -> &str {
        "RandomUniform"
    }
    fn config(&self) -> Config {
        Config::new().with("minval", self.minval).with("maxval", self.maxval).with("seed", Json::from(self.seed))
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let (middle, half) = ((self.maxval + self.minval) / 2.0, (self.maxval - self.minval) / 2.0);
        let numbers = draw(Spread::Uniform, shape, bits(self.seed))?;
        floats(numbers.into_iter().map(|x| middle + half * x).collect(), shape, dtype)
    }
}

impl Initialize for RandomNormal {
    fn class_name(&self) -> &str {
        "RandomNormal"
    }
    fn config(&self) -> Config {
        normal_config(self.mean, self.stddev, self.seed)
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        floats(normal(Spread::Normal, self.mean, self.stddev, self.seed, shape)?, shape, dtype)
    }
}

impl Initialize for TruncatedNormal {
    fn class_name(&self) -> &str {
        "TruncatedNormal"
    }
    fn config(&self) -> Config {
        normal_config(self.mean, self.stddev, self.seed)
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        floats(normal(Spread::Truncated, self.mean, self.stddev, self.seed, shape)?, shape, dtype)
    }
}
