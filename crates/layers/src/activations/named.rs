//! The activations Keras knows by name.

use kerox_graph::Value;
use kerox_graph::ops::Function as Op;

use kerox_config_json::dialect::KERAS3_HARD_SIGMOID;

use super::functions as f;
use crate::{Call, Result};

/// A built-in activation.
pub type Function = fn(&mut Call<'_>, Value) -> Result<Value>;

/// Names and functions, sorted by name. What has arguments has Keras's defaults.
const TABLE: &[(&str, Function)] = &[
    ("celu", |cx, x| f::celu(cx.g, x, 1.0)),
    ("elu", |cx, x| f::elu(cx.g, x, 1.0)),
    ("exponential", |cx, x| Ok(cx.g.exp(x)?)),
    ("gelu", |cx, x| Ok(cx.g.gelu(x, false)?)),
    ("glu", |cx, x| f::glu(cx.g, x, -1)),
    ("hard_shrink", |cx, x| f::hard_shrink(cx.g, x, 0.5)),
    // Files of both generations say `hard_sigmoid`, and mean different functions: Keras 3's is renamed when it is read.
    ("hard_sigmoid", |cx, x| Ok(cx.g.hard_sigmoid(x)?)),
    (KERAS3_HARD_SIGMOID, |cx, x| f::keras3_hard_sigmoid(cx.g, x)),
    ("hard_silu", |cx, x| Ok(cx.g.unary(Op::HardSwish, x)?)),
    ("hard_swish", |cx, x| Ok(cx.g.unary(Op::HardSwish, x)?)),
    ("hard_tanh", |cx, x| f::hard_tanh(cx.g, x)),
    ("leaky_relu", |cx, x| Ok(cx.g.leaky_relu(x, 0.2)?)),
    ("linear", |_, x| Ok(x)),
    ("log_sigmoid", |cx, x| Ok(cx.g.log_sigmoid(x)?)),
    ("log_softmax", |cx, x| Ok(cx.g.log_softmax(x, -1)?)),
    ("mish", |cx, x| Ok(cx.g.mish(x)?)),
    ("relu", |cx, x| Ok(cx.g.relu(x)?)),
    ("relu6", |cx, x| Ok(cx.g.relu6(x)?)),
    ("selu", |cx, x| Ok(cx.g.selu(x)?)),
    ("sigmoid", f::sigmoid),
    ("silu", |cx, x| Ok(cx.g.silu(x)?)),
    ("soft_shrink", |cx, x| f::soft_shrink(cx.g, x, 0.5)),
    ("softmax", |cx, x| f::softmax(cx, x, -1)),
    ("softmax_v2", |cx, x| f::softmax(cx, x, -1)),
    ("softplus", |cx, x| Ok(cx.g.softplus(x)?)),
    ("softsign", |cx, x| Ok(cx.g.softsign(x)?)),
    ("sparse_plus", |cx, x| f::sparse_plus(cx.g, x)),
    ("sparse_sigmoid", |cx, x| f::sparse_sigmoid(cx.g, x)),
    ("sparsemax", |cx, x| f::sparsemax(cx.g, x, -1)),
    ("squareplus", |cx, x| f::squareplus(cx.g, x, 4.0)),
    ("swish", |cx, x| Ok(cx.g.silu(x)?)),
    ("tanh", |cx, x| Ok(cx.g.tanh(x)?)),
    ("tanh_shrink", |cx, x| f::tanh_shrink(cx.g, x)),
];

/// Every name [`by_name`] knows, sorted.
pub const NAMES: &[&str] = &{
    let mut names = [""; TABLE.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = TABLE[i].0;
        i += 1;
    }
    names
};

/// The activation of that name.
///
/// # Example
/// ```
/// assert!(kerox_layers::activations::by_name("swish").is_some());
/// assert!(kerox_layers::activations::by_name("swishh").is_none());
/// ```
///
/// # Source
/// `keras.activations`.
pub fn by_name(name: &str) -> Option<Function> {
    TABLE.binary_search_by_key(&name, |(name, _)| name).ok().map(|at| TABLE[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sorted() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
