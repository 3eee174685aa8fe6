//! Operations of Keras 3 that TensorFlow does not have, or has with other rules.
//!
//! | file | what it holds |
//! |---|---|
//! | `elementwise.rs` | what looks at one element of each tensor at a time |
//! | `reductions.rs` | sums, extremes, norms along axes |
//! | `arrangement.rs` | what moves, repeats, picks and sorts elements |
//! | `products.rs` | sums of products |

mod arrangement;
mod elementwise;
mod products;
mod reductions;

use kerox_graph::Value;
use kerox_graph::ops::Function;

use super::inputs::Inputs;
use crate::Result;

/// Adds what an operation computes.
type Build = fn(&mut Inputs<'_, '_>) -> Result<Vec<Value>>;

/// Functions of one tensor of floating-point numbers.
const FLOATING: &[(&str, Function)] = &[
    ("Arccos", Function::Acos),
    ("Arccosh", Function::Acosh),
    ("Arcsin", Function::Asin),
    ("Arcsinh", Function::Asinh),
    ("Arctan", Function::Atan),
    ("Arctanh", Function::Atanh),
    ("Cos", Function::Cos),
    ("Cosh", Function::Cosh),
    ("Erf", Function::Erf),
    ("Erfc", Function::Erfc),
    ("Exp", Function::Exp),
    ("Expm1", Function::Expm1),
    ("HardSigmoid", Function::HardSigmoid3),
    ("HardSilu", Function::HardSwish),
    ("Log", Function::Log),
    ("Log1p", Function::Log1p),
    ("LogSigmoid", Function::LogSigmoid),
    ("Reciprocal", Function::Reciprocal),
    ("Rsqrt", Function::Rsqrt),
    ("Selu", Function::Selu),
    ("Sigmoid", Function::Sigmoid),
    ("Silu", Function::Swish),
    ("Sin", Function::Sin),
    ("Sinh", Function::Sinh),
    ("Softplus", Function::Softplus),
    ("Softsign", Function::Softsign),
    ("Sqrt", Function::Sqrt),
    ("Tan", Function::Tan),
    ("Tanh", Function::Tanh),
];

const TABLES: [&[(&str, Build)]; 4] =
    [arrangement::OPERATIONS, elementwise::OPERATIONS, products::OPERATIONS, reductions::OPERATIONS];

fn find(class_name: &str) -> Option<Build> {
    TABLES.iter().flat_map(|table| table.iter()).find(|(name, _)| *name == class_name).map(|(_, build)| *build)
}

fn floating(class_name: &str) -> Option<Function> {
    FLOATING.iter().find(|(name, _)| *name == class_name).map(|(_, function)| *function)
}

/// Whether the class is one of these operations.
pub(super) fn is_known(class_name: &str) -> bool {
    floating(class_name).is_some() || find(class_name).is_some()
}

/// How many operations there are here.
pub(super) fn count() -> usize {
    FLOATING.len() + TABLES.iter().map(|table| table.len()).sum::<usize>()
}

/// Adds the operations of a class; nothing where it is none of these.
pub(super) fn build(class_name: &str, i: &mut Inputs<'_, '_>) -> Result<Option<Vec<Value>>> {
    if let Some(function) = floating(class_name) {
        let x = i.x_as_float()?;
        return Ok(Some(vec![i.cx.g.unary(function, x)?]));
    }
    find(class_name).map(|build| build(i)).transpose()
}

/// An argument that the configuration alone has: no call gives that many by position.
const IN_CONFIG: usize = usize::MAX;
