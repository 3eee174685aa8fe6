//! Batch renormalization: in training a batch is normalized as statistics of many batches would normalize it.

use kerox_config_json::{Config, Value as Json};
use kerox_graph::{Graph, Value};
use kerox_tensor::{DType, Shape, Tensor};

use super::BatchNormalization;
use crate::initializers::Initialize;
use crate::registry::argument_error;
use crate::{Initializer, Result};

/// The bounds that there are.
const BOUNDS: [&str; 3] = ["rmin", "rmax", "dmax"];

impl BatchNormalization {
    fn bound(&self, key: &str) -> Option<f64> {
        self.renorm_clipping.get(key).and_then(Json::as_f64)
    }

    /// Whether renormalization can be done as it is told.
    pub(super) fn check_renorm(&self) -> Result<()> {
        if !self.renorm {
            return Ok(());
        }
        let refuse =
            |argument, expected: &str, found: String| Err(argument_error(&self.base, argument, expected, found));
        if self.fused == Some(true) {
            return refuse(
                "fused",
                "false beside `renorm`, which TensorFlow's fused operation does not do",
                "true".into(),
            );
        }
        for (key, bound) in self.renorm_clipping.iter() {
            if !BOUNDS.contains(&key) || !bound.is_null() && bound.as_f64().is_none() {
                let expected = "numbers under the keys `rmin`, `rmax` and `dmax`";
                return refuse("renorm_clipping", expected, self.renorm_clipping.to_string());
            }
        }
        let is_reversed = matches!((self.bound("rmin"), self.bound("rmax")), (Some(low), Some(high)) if low > high);
        if self.base.is_keras3() && (is_reversed || self.bound("dmax").is_some_and(|bound| bound < 0.0)) {
            let expected = "`rmax` of at least `rmin` and `dmax` of at least 0";
            return refuse("renorm_clipping", expected, self.renorm_clipping.to_string());
        }
        Ok(())
    }

    /// `(x r + d) gamma + beta` is what the moving statistics make of an input of which those of the batch make `x`; gives
    /// `r gamma` and `d gamma + beta`, and moves all statistics towards the batch's.
    pub(super) fn renormalize(&self, g: &mut Graph, moments: [Value; 2], scales: [Value; 2]) -> Result<[Value; 2]> {
        let ([mean, variance], [gamma, beta]) = (moments, scales);
        let dtype = g.dtype(mean);
        if dtype == DType::F64 && !self.base.is_keras3() {
            let expected = "false in training of type float64, where Keras 2.15 fails";
            return Err(argument_error(&self.base, "renorm", expected, "true"));
        }
        let epsilon = g.number(self.epsilon, dtype)?;
        let stddev = g.add(variance, epsilon)?;
        let stddev = g.sqrt(stddev)?;
        let (average, spread) = (self.statistic(g, "renorm_mean")?, self.statistic(g, "renorm_stddev")?);
        let least = g.number(self.epsilon.sqrt(), dtype)?;
        let spread = g.maximum(spread, least)?;
        let mut r = g.divide(stddev, spread)?;
        let d = g.subtract(mean, average)?;
        let mut d = g.divide(d, spread)?;
        if let Some(bound) = self.bound("rmin") {
            let bound = g.number(bound, dtype)?;
            r = g.maximum(r, bound)?;
        }
        if let Some(bound) = self.bound("rmax") {
            let bound = g.number(bound, dtype)?;
            r = g.minimum(r, bound)?;
        }
        if let Some(bound) = self.bound("dmax") {
            let (low, high) = (g.number(-bound, dtype)?, g.number(bound, dtype)?);
            d = g.maximum(d, low)?;
            d = g.minimum(d, high)?;
        }
        self.move_statistic(g, "renorm_mean", mean, self.renorm_momentum)?;
        self.move_statistic(g, "renorm_stddev", stddev, self.renorm_momentum)?;
        self.move_statistic(g, "moving_mean", mean, self.momentum)?;
        let moving = self.move_statistic(g, "moving_stddev", stddev, self.momentum)?;
        let variance = g.square(moving)?;
        let variance = g.subtract(variance, epsilon)?;
        let variance = g.relu(variance)?;
        self.set_statistic(g, "moving_variance", variance)?;
        let (factor, offset) = (g.multiply(r, gamma)?, g.multiply(d, gamma)?);
        Ok([factor, g.add(offset, beta)?])
    }
}

/// The square roots of what another initializer makes: of the moving variance the first standard deviation.
#[derive(Debug)]
pub(super) struct SquareRoot(pub(super) Initializer);

impl Initialize for SquareRoot {
    fn class_name(&self) -> &str {
        "SquareRoot"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let value = self.0.sample(shape, dtype)?.cast(DType::F64)?;
        let roots: Vec<f64> = value.as_slice::<f64>()?.iter().map(|x| x.sqrt()).collect();
        Ok(Tensor::from_vec(roots, shape.clone())?.cast(dtype)?)
    }
}
