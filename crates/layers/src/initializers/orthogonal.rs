//! Orthogonal matrices and the identity.

use std::sync::Arc;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_tensor::{DType, Shape, Tensor};

use super::random::{Spread, bits, draw, floats, read_seed};
use super::{Initialize, unfit};
use crate::Result;

/// A random matrix whose rows or columns, whichever are fewer, are orthogonal and have length `gain`. All axes but the
/// last together are its rows.
///
/// # Source
/// `keras.initializers.Orthogonal`; Saxe et al., 2014.
#[derive(Clone, Debug)]
pub struct Orthogonal {
    /// Factor.
    pub gain: f64,
    /// For repeatable numbers.
    pub seed: Option<i64>,
}

/// Ones on the diagonal of a matrix, times `gain`.
///
/// # Source
/// `keras.initializers.Identity`.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Factor.
    pub gain: f64,
}

impl Default for Orthogonal {
    fn default() -> Orthogonal {
        Orthogonal { gain: 1.0, seed: None }
    }
}

impl Default for Identity {
    fn default() -> Identity {
        Identity { gain: 1.0 }
    }
}

impl Orthogonal {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        Ok(Arc::new(Orthogonal { gain: fields.float_or("gain", 1.0)?, seed: read_seed(fields)? }))
    }
}

impl Identity {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        Ok(Arc::new(Identity { gain: fields.float_or("gain", 1.0)? }))
    }
}

/// Makes the `n` vectors of length `m` in `a` (row by row) orthonormal. Gram and Schmidt's method, twice over each
/// vector, which is as exact as Householder's.
fn orthonormalize(a: &mut [f64], n: usize, m: usize) {
    for i in 0..n {
        let (done, rest) = a.split_at_mut(i * m);
        let row = &mut rest[..m];
        for _ in 0..2 {
            for other in done.chunks_exact(m) {
                let dot: f64 = row.iter().zip(other).map(|(x, y)| x * y).sum();
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= dot * y);
            }
        }
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|x| *x /= norm.max(f64::MIN_POSITIVE));
    }
}

impl Initialize for Orthogonal {
    fn class_name(&self) -> &str {
        "Orthogonal"
    }
    fn config(&self) -> Config {
        Config::new().with("gain", self.gain).with("seed", Json::from(self.seed))
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let [ref lead @ .., columns] = shape[..] else {
            return Err(unfit("Orthogonal", "at least 2 axes", shape));
        };
        if lead.is_empty() {
            return Err(unfit("Orthogonal", "at least 2 axes", shape));
        }
        let rows: usize = lead.iter().product();
        let (n, m) = (rows.min(columns), rows.max(columns));
        let mut vectors = draw(Spread::Normal, shape, bits(self.seed))?;
        if n == 0 {
            return floats(vectors, shape, dtype);
        }
        orthonormalize(&mut vectors, n, m);
        let numbers = if rows <= columns {
            vectors.into_iter().map(|x| x * self.gain).collect()
        } else {
            (0..rows * columns).map(|i| vectors[(i % columns) * m + i / columns] * self.gain).collect()
        };
        floats(numbers, shape, dtype)
    }
}

impl Initialize for Identity {
    fn class_name(&self) -> &str {
        "Identity"
    }
    fn config(&self) -> Config {
        Config::new().with("gain", self.gain)
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let [_, columns] = shape[..] else { return Err(unfit("Identity", "2 axes", shape)) };
        let n = shape.checked_elements()?;
        let gain = self.gain;
        let numbers = (0..n).map(|i| if i / columns == i % columns { gain } else { 0.0 }).collect();
        floats(numbers, shape, dtype)
    }
}
