//! An activation from a closure.

use std::sync::Arc;

use kerox_graph::Value;

use super::Activate;
use crate::{Call, Result};

/// An activation made by [`from_fn`].
pub struct ActivationFunction<F> {
    name: String,
    function: F,
}

/// An activation from a function of one value. Files know it by its name.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, WeightOptions, activations, core::Dense};
/// let squared = activations::from_fn("squared", |cx, x| Ok(cx.g.multiply(x, x)?));
/// let layer = Dense::new(3).activation(squared);
/// # let _ = layer;
/// ```
///
/// # Source
/// A function given as `activation`.
pub fn from_fn<F>(name: impl Into<String>, function: F) -> Arc<dyn Activate>
where
    F: Fn(&mut Call<'_>, Value) -> Result<Value> + Send + Sync + 'static,
{
    Arc::new(ActivationFunction { name: name.into(), function })
}

impl<F> Activate for ActivationFunction<F>
where
    F: Fn(&mut Call<'_>, Value) -> Result<Value> + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn apply(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        (self.function)(cx, x)
    }
}
