//! A loss from a closure.

use std::fmt;

use kerox_graph::Value;
use kerox_layers::Call;

use super::LossFunction;
use crate::Result;

/// The function of a loss made by [`super::Loss::from_fn`].
pub struct FnLoss<F> {
    name: String,
    function: F,
}

impl<F> FnLoss<F>
where
    F: Fn(&mut Call<'_>, Value, Value) -> Result<Value> + Send + Sync,
{
    /// With the name that files know it by.
    pub fn new(name: impl Into<String>, function: F) -> FnLoss<F> {
        FnLoss { name: name.into(), function }
    }
}

impl<F> fmt::Debug for FnLoss<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FnLoss").field(&self.name).finish()
    }
}

impl<F> LossFunction for FnLoss<F>
where
    F: Fn(&mut Call<'_>, Value, Value) -> Result<Value> + Send + Sync,
{
    fn class_name(&self) -> &str {
        "function"
    }
    fn function_name(&self) -> &str {
        &self.name
    }
    fn is_function(&self) -> bool {
        true
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        (self.function)(cx, y_true, y_pred)
    }
}
