//! The activations Keras knows by name.

use kerox_graph::Value;

use crate::call::Logits;
use crate::{Call, Result};

/// A built-in activation.
pub type Function = fn(&mut Call<'_>, Value) -> Result<Value>;

/// Every name [`by_name`] knows, sorted.
pub const NAMES: &[&str] = &["linear", "relu", "sigmoid", "softmax", "tanh"];

/// The activation of that name.
///
/// # Source
/// `keras.activations`.
pub fn by_name(name: &str) -> Option<Function> {
    Some(match name {
        "linear" => |_, x| Ok(x),
        "relu" => |cx, x| Ok(cx.g.relu(x)?),
        "tanh" => |cx, x| Ok(cx.g.tanh(x)?),
        "sigmoid" => |cx, x| {
            let y = cx.g.sigmoid(x)?;
            cx.set_logits(y, Logits::Sigmoid(x));
            Ok(y)
        },
        "softmax" => |cx, x| {
            let y = cx.g.softmax(x, -1)?;
            cx.set_logits(y, Logits::Softmax(x));
            Ok(y)
        },
        _ => return None,
    })
}
