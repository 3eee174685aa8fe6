//! `AlphaDropout`: dropout for self-normalizing networks.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::ops::Distribution;
use kerox_graph::{Dim, Value};

use super::dropout::{Seeded, noise_lengths};
use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Drops a fraction in training such that mean and variance of self-normalizing inputs stay: what is dropped becomes the
/// negative saturation of SELU, and the result is scaled and shifted.
///
/// # Shapes
/// input and output alike.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, regularization::AlphaDropout};
/// let y = AlphaDropout::new(0.1).seed(7).on(&Input([32]))?;
/// assert_eq!(y.shape().to_string(), "(None, 32)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.AlphaDropout`; Klambauer et al., 2017. As in Keras 2 a rate outside (0, 1) does nothing.
#[derive(Debug)]
pub struct AlphaDropout {
    base: Base,
    rate: f64,
    noise_shape: Option<Vec<Dim>>,
    seeded: Seeded,
}

impl AlphaDropout {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "AlphaDropout",
        aliases: &[],
        module: "keras.layers",
        from_config: AlphaDropout::from_config,
    };

    /// Drops that fraction.
    pub fn new(rate: f64) -> AlphaDropout {
        AlphaDropout { base: Base::new("AlphaDropout"), rate, noise_shape: None, seeded: Seeded::default() }
    }

    /// The shape of the decisions: `Some(1)` along an axis that shares one, `None` where there is one for each element.
    #[must_use]
    pub fn noise_shape(mut self, shape: impl IntoIterator<Item = Dim>) -> AlphaDropout {
        self.noise_shape = Some(shape.into_iter().collect());
        self
    }

    /// For repeatable decisions.
    #[must_use]
    pub fn seed(mut self, seed: i64) -> AlphaDropout {
        self.seeded = Seeded::new(Some(seed));
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = AlphaDropout {
            base: Base::from_config("AlphaDropout", fields)?,
            rate: fields.float("rate")?,
            noise_shape: fields.opt_shape("noise_shape")?,
            seeded: Seeded::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for AlphaDropout {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let (x, rate) = (one_input(self, args)?, self.rate);
        if !(cx.training && rate > 0.0 && rate < 1.0) {
            return Ok(vec![x]);
        }
        let saturation = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;
        let dtype = cx.g.dtype(x);
        let shape = noise_lengths(cx, &self.base, x, self.noise_shape.as_deref())?;
        let uniform = cx.g.random(shape, Distribution::Uniform, dtype, self.seeded.generator())?;
        let limit = cx.g.number(rate, dtype)?;
        let is_kept = cx.g.greater_equal(uniform, limit)?;
        let saturated = cx.g.number(saturation, dtype)?;
        let y = cx.g.select(is_kept, x, saturated)?;
        let a = ((1.0 - rate) * (1.0 + rate * saturation * saturation)).powf(-0.5);
        let (scale, shift) = (cx.g.number(a, dtype)?, cx.g.number(-a * saturation * rate, dtype)?);
        let y = cx.g.multiply(y, scale)?;
        Ok(vec![cx.g.add(y, shift)?])
    }

    fn config(&self) -> Result<Config> {
        let noise_shape = self.noise_shape.as_ref().map(|shape| Json::from(shape.clone()));
        let config = self.base.config().with("rate", self.rate).with_some("noise_shape", noise_shape);
        Ok(config.with("seed", self.seeded.json()).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerox_graph::{Executor, Graph, Plan};
    use kerox_tensor::Tensor;

    fn in_training(layer: AlphaDropout) -> Vec<f32> {
        let x = Tensor::from_vec(vec![0.5f32; 24], [4, 6]).unwrap();
        let mut g = Graph::new();
        let input = g.placeholder("x", x.dtype(), x.shape().into()).unwrap();
        let args = Args { args: vec![crate::Arg::Tensor(input)], kwargs: Vec::new() };
        let y = Call::new(&mut g, true).apply(&layer.into(), &args).unwrap();
        let plan = Plan::compile(&g, &[input], &[x.shape().clone()], &y, &[]).unwrap();
        let mut executor = Executor::new(plan);
        executor.run(&[&x]).unwrap();
        executor.output(0).tensor().unwrap().as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn rows_share_a_decision() {
        let y = in_training(AlphaDropout::new(0.5).noise_shape([None, Some(1)]).seed(3));
        assert!(y.chunks(6).all(|row| row.iter().all(|&v| v == row[0])), "{y:?}");
        assert!(y.iter().any(|&v| v != y[0]), "{y:?}");
    }

    #[test]
    fn what_is_no_fraction_drops_nothing() {
        for rate in [-0.1, 0.0, 1.0, 1.5, f64::NAN, f64::INFINITY] {
            assert_eq!(in_training(AlphaDropout::new(rate)), vec![0.5; 24], "{rate}");
        }
    }
}
