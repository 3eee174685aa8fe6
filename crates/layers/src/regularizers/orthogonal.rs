//! Rows or columns of a matrix at right angles.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};

use super::{Regularize, Regularizer};
use crate::{Error, Result};

/// Which vectors of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrthogonalMode {
    /// Its rows.
    Rows,
    /// Its columns.
    Columns,
}

const MODES: [(&str, OrthogonalMode); 2] = [("rows", OrthogonalMode::Rows), ("columns", OrthogonalMode::Columns)];

/// `factor / pairs * sum(|cos(a, b)|)` over all pairs of rows or columns of a matrix.
///
/// # Source
/// `keras.regularizers.OrthogonalRegularizer`.
#[derive(Clone, Copy, Debug)]
pub struct OrthogonalRegularizer {
    /// Factor.
    pub factor: f64,
    /// Which vectors.
    pub mode: OrthogonalMode,
}

impl OrthogonalRegularizer {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Regularizer> {
        let mode = fields.one_of_or("mode", &MODES, OrthogonalMode::Rows)?;
        Ok(OrthogonalRegularizer { factor: fields.float_or("factor", 0.01)?, mode }.into())
    }
}

impl Regularize for OrthogonalRegularizer {
    fn class_name(&self) -> &str {
        "OrthogonalRegularizer"
    }
    fn config(&self) -> Config {
        let mode = if self.mode == OrthogonalMode::Rows { "rows" } else { "columns" };
        Config::new().with("factor", f64::from(self.factor as f32)).with("mode", mode)
    }
    fn penalty(&self, g: &mut Graph, x: Value) -> Result<Value> {
        let dims = g.dims(x).clone();
        let Some([Some(rows), Some(columns)]) = dims.axes() else {
            return Err(Error::Argument {
                layer: String::new(),
                class_name: "OrthogonalRegularizer".into(),
                argument: "inputs".into(),
                expected: "a matrix".into(),
                found: format!("shape {dims}"),
            });
        };
        let (axis, n) = match self.mode {
            OrthogonalMode::Rows => (1, *rows),
            OrthogonalMode::Columns => (0, *columns),
        };
        let dtype = g.dtype(x);
        let squares = g.square(x)?;
        let squares = g.reduce_sum(squares, &[axis], true)?;
        // As `tf.math.l2_normalize`.
        let epsilon = g.number(1e-12, dtype)?;
        let squares = g.maximum(squares, epsilon)?;
        let factor = g.rsqrt(squares)?;
        let unit = g.multiply(x, factor)?;
        let cosines = match self.mode {
            OrthogonalMode::Rows => g.matmul(unit, unit, false, true)?,
            OrthogonalMode::Columns => g.matmul(unit, unit, true, false)?,
        };
        let mut others: Vec<f64> = vec![1.0; n * n];
        (0..n).for_each(|i| others[i * n + i] = 0.0);
        let others = g.constant(kerox_tensor::Tensor::from_vec(others, [n, n])?)?;
        let others = g.cast(others, dtype)?;
        let sizes = g.abs(cosines)?;
        let sizes = g.multiply(sizes, others)?;
        let sum = g.reduce_sum(sizes, &[0, 1], false)?;
        let pairs = (n as f64 * (n as f64 - 1.0) / 2.0).max(1.0);
        // Each pair stands in the matrix twice.
        let factor = g.number(f64::from(self.factor as f32) * 0.5 / pairs, dtype)?;
        Ok(g.multiply(factor, sum)?)
    }
}
