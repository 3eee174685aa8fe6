//! `LeakyReLU`, `ELU`, `ThresholdedReLU`: functions with one number.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use super::relu::as_f32;
use crate::activations::functions;
use crate::arguments::one_input;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

/// `x` from 0 on, `alpha * x` below.
///
/// # Shapes
/// input and output alike.
///
/// # Errors
/// `alpha` below 0.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, activation::LeakyReLU};
/// let y = LeakyReLU::new(0.1).on(&Input([10]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.LeakyReLU`; Keras 3 calls the number `negative_slope`.
#[derive(Debug)]
pub struct LeakyReLU {
    base: Base,
    alpha: f64,
}

/// `x` from 0 on, `alpha * (exp(x) - 1)` below.
///
/// # Shapes
/// input and output alike.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, activation::ELU};
/// let y = ELU::new(1.0).on(&Input([10]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ELU`.
#[derive(Debug)]
pub struct ELU {
    base: Base,
    alpha: f64,
}

/// `x` above `theta`, 0 elsewhere.
///
/// # Shapes
/// input and output alike.
///
/// # Errors
/// `theta` below 0.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, activation::ThresholdedReLU};
/// let y = ThresholdedReLU::new(1.0).on(&Input([10]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ThresholdedReLU` of Keras 2.
#[derive(Debug)]
pub struct ThresholdedReLU {
    base: Base,
    theta: f64,
}

fn thresholded(cx: &mut Call<'_>, x: Value, theta: f64) -> Result<Value> {
    let dtype = cx.g.dtype(x);
    let theta = cx.g.number(theta, dtype)?;
    let is_above = cx.g.greater(x, theta)?;
    let is_above = cx.g.cast(is_above, dtype)?;
    Ok(cx.g.multiply(x, is_above)?)
}

macro_rules! layers {
    ($($layer:ident $class:literal $field:ident $default:literal ($least:expr) ($read:expr) ($apply:expr);)*) => {$(
        impl $layer {
            /// In the registry.
            pub const ENTRY: LayerEntry = LayerEntry {
                class_name: $class,
                aliases: &[],
                module: "keras.layers",
                from_config: $layer::from_config,
            };

            /// With that number.
            pub fn new($field: f64) -> $layer {
                $layer { base: Base::new($class), $field }
            }

            fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
                let base = Base::from_config($class, fields)?;
                let keys: &[&str] = $read;
                let $field = match fields.any(keys) {
                    Some(node) => node.float()?,
                    None => $default,
                };
                let mut layer = $layer { base, $field };
                layer.base.keep_rest(fields);
                Ok(layer.into())
            }
        }

        impl Default for $layer {
            fn default() -> $layer {
                $layer::new($default)
            }
        }

        impl Layer for $layer {
            fn base(&self) -> &Base {
                &self.base
            }

            fn base_mut(&mut self) -> &mut Base {
                &mut self.base
            }

            fn build(&self, _: &mut Build, _: &[ValueInfo]) -> Result<()> {
                let least: f64 = $least;
                if self.$field < least {
                    let expected = "a number that is not negative";
                    return Err(argument_error(&self.base, stringify!($field), expected, self.$field.to_string()));
                }
                Ok(())
            }

            fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
                let x = one_input(self, args)?;
                let apply: fn(&mut Call<'_>, Value, f64) -> Result<Value> = $apply;
                Ok(vec![apply(cx, x, self.$field)?])
            }

            fn config(&self) -> Result<Config> {
                Ok(self.base.config().with(stringify!($field), as_f32(self.$field)).with_rest(self.base.rest()))
            }

            fn supports_masking(&self) -> bool {
                true
            }

            fn casts_integers(&self) -> bool {
                true
            }
        }
    )*};
}
// A line expands to the constructors and `impl Layer` of one layer: class, field, its default and least value, the keys
// under which it stands in files, what is computed.
layers! {
    LeakyReLU "LeakyReLU" alpha 0.3 (f64::NEG_INFINITY) (&["alpha", "negative_slope"]) (|cx, x, a| Ok(cx.g.leaky_relu(x, a)?));
    ELU "ELU" alpha 1.0 (f64::NEG_INFINITY) (&["alpha"]) (|cx, x, alpha| functions::elu(cx.g, x, alpha));
    ThresholdedReLU "ThresholdedReLU" theta 1.0 (0.0) (&["theta"]) (thresholded);
}
