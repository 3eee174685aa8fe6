//! Operations of Keras 3 that TensorFlow does not have, or has with other rules.
//!
//! | file | what it holds |
//! |---|---|
//! | `elementwise.rs` | what looks at one element of each tensor at a time |
//! | `reductions.rs` | sums, extremes, norms along axes |
//! | `arrangement.rs` | what moves, repeats, picks and sorts elements |
//! | `matrices.rs`, `vectors.rs` | decompositions and norms; distances and correlations |
//! | `images.rs`, `scaling.rs`, `windows.rs` | colours, edges, projections; sizes; patches and frames |
//! | `fourier.rs` | Fourier transforms, complex numbers |
//! | `finds.rs` | what is found by values: counts, places, distinct elements |
//! | `views.rs` | axes named in patterns, bits as other types |
//! | `scatters.rs` | slices put into tensors and gathered into segments |
//! | `pieces.rs` | parts, diagonals and grids |
//! | `bits.rs` | bits of whole numbers |
//! | `products.rs` | sums of products |
//! | `numbers.rs` | `numpy`'s rarer functions of one element |
//! | `neural.rs` | convolutions, normalizations, attention, losses |
//! | `statistics.rs` | means with weights, middles, differences, and sums without what is not a number |

mod arrangement;
mod bits;
mod elementwise;
mod finds;
pub(super) mod fourier;
mod images;
mod matrices;
mod neural;
mod numbers;
mod pieces;
mod products;
mod reductions;
mod scaling;
mod scatters;
mod statistics;
mod vectors;
mod views;
mod windows;

use kerox_graph::Value;
use kerox_graph::ops::Function;

use super::inputs::Inputs;
use crate::Result;

pub(super) use arrangement::{axis_of, in_order as sorted_places, length, rank};
pub(super) use matrices::pseudoinverse;
pub(super) use neural::in_rows;
pub(super) use pieces::on_diagonal;
pub(super) use reductions::norm_of;
pub(super) use windows::patches;

/// Adds what an operation computes.
pub(super) type Build = fn(&mut Inputs<'_, '_>) -> Result<Vec<Value>>;

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
    ("Erfinv", Function::Erfinv),
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

const TABLES: [&[(&str, Build)]; 18] = [
    arrangement::OPERATIONS,
    bits::OPERATIONS,
    elementwise::OPERATIONS,
    finds::OPERATIONS,
    fourier::OPERATIONS,
    images::OPERATIONS,
    matrices::OPERATIONS,
    neural::OPERATIONS,
    numbers::OPERATIONS,
    pieces::OPERATIONS,
    products::OPERATIONS,
    reductions::OPERATIONS,
    scaling::OPERATIONS,
    scatters::OPERATIONS,
    statistics::OPERATIONS,
    vectors::OPERATIONS,
    views::OPERATIONS,
    windows::OPERATIONS,
];

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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kerox_config_json::Value as Json;

    use super::super::table::check;

    const COMPLEX: &str = "the eigenvalues of matrices that are not symmetric, which are complex";
    const PYTHON: &str = "functions of Python as arguments: Keras 3.15 itself cannot save such a model, or load it";
    const NO_TENSOR: &str = "no tensor goes in, or none comes out";
    const BROKEN: &str = "Keras 3.15 itself cannot run it, or read it from a file, on TensorFlow";

    /// Operations of Keras 3 that are refused by name, and why.
    const UNKNOWN: &[(&str, &[&str])] = &[
        (COMPLEX, &["Eig"]),
        (
            PYTHON,
            &["AssociativeScan", "Cond", "ForiLoop", "JVP", "Map", "Scan", "Switch", "VectorizedMap", "WhileLoop"],
        ),
        (NO_TENSOR, &["Arange", "Function", "Ndim", "SegmentReduction"]),
        (BROKEN, &["AdaptiveAveragePool", "AdaptiveMaxPool", "ConvTranspose", "Histogram", "ViewAsComplex"]),
    ];

    #[test]
    fn every_class_of_keras_is_known_or_listed() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/operations/classes.json");
        let golden = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut refused = Vec::new();
        for (_, classes) in golden.as_map().unwrap().iter() {
            let names = classes.as_list().unwrap().iter().map(|name| name.as_str().unwrap());
            refused.extend(names.filter(|name| check(name).is_err()));
        }
        let mut listed: Vec<&str> = UNKNOWN.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        refused.sort_unstable();
        listed.sort_unstable();
        assert_eq!(refused, listed);
    }

    #[test]
    fn what_keras_refuses_itself_is_recorded() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/operations/refused.json");
        let golden = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        let reasons = UNKNOWN.iter().filter(|(reason, _)| [PYTHON, BROKEN].contains(reason));
        let mut listed: Vec<&str> = reasons.flat_map(|(_, names)| names.iter().copied()).collect();
        listed.sort_unstable();
        let recorded: Vec<&str> =
            golden.as_map().unwrap().iter().filter(|(_, error)| !error.is_null()).map(|(name, _)| name).collect();
        assert_eq!(listed, recorded);
    }
}
