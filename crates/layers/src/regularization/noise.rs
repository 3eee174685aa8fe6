//! `GaussianNoise`, `GaussianDropout`: random numbers in training.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_graph::ops::Distribution;

use super::dropout::Seeded;
use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

macro_rules! layers {
    ($($(#[$doc:meta])* $layer:ident $class:literal $field:ident $apply:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $layer {
            base: Base,
            $field: f64,
            seeded: Seeded,
        }

        impl $layer {
            /// In the registry.
            pub const ENTRY: LayerEntry = LayerEntry {
                class_name: $class,
                aliases: &[],
                module: "keras.layers",
                from_config: $layer::from_config,
            };

            /// Of that strength.
            pub fn new($field: f64) -> $layer {
                $layer { base: Base::new($class), $field, seeded: Seeded::default() }
            }

            /// For repeatable numbers.
            #[must_use]
            pub fn seed(mut self, seed: i64) -> $layer {
                self.seeded = Seeded::new(Some(seed));
                self
            }

            fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
                let base = Base::from_config($class, fields)?;
                let mut layer =
                    $layer { base, $field: fields.float(stringify!($field))?, seeded: Seeded::read(fields)? };
                layer.base.keep_rest(fields);
                Ok(layer.into())
            }
        }

        impl Layer for $layer {
            fn base(&self) -> &Base {
                &self.base
            }

            fn base_mut(&mut self) -> &mut Base {
                &mut self.base
            }

            fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
                let x = one_input(self, args)?;
                if !cx.training || self.$field == 0.0 {
                    return Ok(vec![x]);
                }
                let apply: fn(&mut Call<'_>, Value, f64, &Seeded) -> Result<Value> = $apply;
                Ok(vec![apply(cx, x, self.$field, &self.seeded)?])
            }

            fn config(&self) -> Result<Config> {
                let config = self.base.config().with(stringify!($field), self.$field);
                Ok(config.with("seed", self.seeded.json()).with_rest(self.base.rest()))
            }

            fn supports_masking(&self) -> bool {
                true
            }
        }
    )*};
}
// An entry expands to a layer: class, its number, what it does in training.
layers! {
    /// Adds normally distributed numbers of standard deviation `stddev` in training.
    ///
    /// # Shapes
    /// input and output alike.
    ///
    /// # Source
    /// `keras.layers.GaussianNoise`; as in Keras 2 every number is a standard deviation, and that which is not a number
    /// makes what comes out such.
    GaussianNoise "GaussianNoise" stddev |cx, x, stddev, seeded| {
        let noise = normal(cx, x, 0.0, stddev, seeded)?;
        Ok(cx.g.add(x, noise)?)
    };
    /// Multiplies in training with normally distributed numbers of mean 1 and variance `rate / (1 - rate)`.
    ///
    /// # Shapes
    /// input and output alike.
    ///
    /// # Source
    /// `keras.layers.GaussianDropout`; as in Keras 2 a rate outside (0, 1) does nothing.
    GaussianDropout "GaussianDropout" rate |cx, x, rate, seeded| {
        if !(rate > 0.0 && rate < 1.0) {
            return Ok(x);
        }
        let noise = normal(cx, x, 1.0, (rate / (1.0 - rate)).sqrt(), seeded)?;
        Ok(cx.g.multiply(x, noise)?)
    };
}

fn normal(cx: &mut Call<'_>, x: Value, mean: f64, stddev: f64, seeded: &Seeded) -> Result<Value> {
    let dtype = cx.g.dtype(x);
    let shape = cx.g.shape_of(x)?;
    let noise = cx.g.random(shape, Distribution::Normal, dtype, seeded.generator())?;
    let (mean, stddev) = (cx.g.number(mean, dtype)?, cx.g.number(stddev, dtype)?);
    let noise = cx.g.multiply(noise, stddev)?;
    Ok(cx.g.add(noise, mean)?)
}
