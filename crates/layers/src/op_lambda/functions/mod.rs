//! Functions of TensorFlow in models of Keras 2 whose names or arguments no operation of Keras 3 has.
//!
//! | file | what it holds |
//! |---|---|
//! | `tensors.rs` | numbers, norms, places, constants by shape |
//! | `layers.rs` | convolutions, pooling and cross entropies of tensors that are all given |
//! | `matrices.rs` | `tf.linalg` |
//! | `images.rs` | `tf.image` |
//! | `random.rs` | `tf.random` and what else draws random numbers |
//! | `signal.rs` | `tf.signal` |
//! | `raw.rs` | what is one operation of TensorFlow each |

mod images;
mod layers;
mod matrices;
mod random;
mod raw;
mod signal;
mod tensors;

use kerox_graph::Value;

use super::inputs::Inputs;
use super::operations::Build;
use crate::Result;

/// Functions that compute what an operation of Keras 3 does, by the names of arguments that it has.
const AS_OPERATION: &[(&str, &str)] = &[
    ("bitwise.bitwise_and", "BitwiseAnd"),
    ("bitwise.bitwise_or", "BitwiseOr"),
    ("bitwise.bitwise_xor", "BitwiseXor"),
    ("bitwise.invert", "BitwiseInvert"),
    ("bitwise.left_shift", "LeftShift"),
    ("bitwise.right_shift", "RightShift"),
    ("image.hsv_to_rgb", "HSVToRGB"),
    ("image.rgb_to_grayscale", "RGBToGrayscale"),
    ("image.rgb_to_hsv", "RGBToHSV"),
    ("image.ssim", "SSIM"),
    ("linalg.cholesky", "Cholesky"),
    ("linalg.cross", "Cross"),
    ("linalg.det", "Det"),
    ("linalg.logdet", "Logdet"),
    ("linalg.matrix_rank", "MatrixRank"),
    ("linspace", "Linspace"),
    ("math.angle", "Angle"),
    ("math.conj", "Conj"),
    ("math.erfinv", "Erfinv"),
    ("math.imag", "Imag"),
    ("math.real", "Real"),
    ("math.unsorted_segment_max", "SegmentMax"),
    ("math.unsorted_segment_min", "SegmentMin"),
    ("math.unsorted_segment_prod", "SegmentProd"),
    ("math.unsorted_segment_sum", "SegmentSum"),
    ("nn.depth_to_space", "DepthToSpace"),
    ("nn.space_to_depth", "SpaceToDepth"),
    ("searchsorted", "SearchSorted"),
    ("tensor_scatter_nd_update", "ScatterUpdate"),
];

const TABLES: [&[(&str, Build)]; 6] = [
    images::FUNCTIONS,
    layers::FUNCTIONS,
    matrices::FUNCTIONS,
    random::FUNCTIONS,
    signal::FUNCTIONS,
    tensors::FUNCTIONS,
];

/// The name within `tf` of TensorFlow 2.
fn plain(function: &str) -> &str {
    function.strip_prefix("compat.v1.").unwrap_or(function)
}

fn find(function: &str) -> Option<Build> {
    let name = plain(function);
    TABLES.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == name).map(|(_, build)| *build)
}

fn operation(function: &str) -> Option<&'static str> {
    let name = plain(function);
    AS_OPERATION.iter().find(|(known, _)| *known == name).map(|(_, class_name)| *class_name)
}

/// Whether the function is one of these.
pub(super) fn is_known(function: &str) -> bool {
    find(function).is_some() || operation(function).is_some() || raw::is_known(plain(function))
}

/// How many functions there are here.
pub(super) fn count() -> usize {
    AS_OPERATION.len() + raw::COUNT + TABLES.iter().map(|table| table.len()).sum::<usize>()
}

/// Adds what a function computes; nothing where it is none of these.
pub(super) fn build(function: &str, i: &mut Inputs<'_, '_>) -> Result<Option<Vec<Value>>> {
    if let Some(class_name) = operation(function) {
        return super::operations::build(class_name, i);
    }
    match find(function) {
        Some(build) => build(i).map(Some),
        None => raw::build(plain(function), i),
    }
}

/// No call gives that many arguments by position: those are known by name alone.
const BY_NAME: usize = usize::MAX;

/// An argument as a value.
fn given(i: &mut Inputs<'_, '_>, at: usize, names: &[&str], like: Option<kerox_tensor::DType>) -> Result<Value> {
    let arg = i.arg(at, names).ok_or_else(|| i.wrong(format!("argument `{}`", names[0]), "none"))?;
    i.value(&arg, like)
}

/// A tensor and another value of its type.
fn two(i: &mut Inputs<'_, '_>, names: [&[&str]; 2]) -> Result<(Value, Value)> {
    let (Some(a), Some(b)) = (i.arg(0, names[0]), i.arg(1, names[1])) else {
        return Err(i.wrong(format!("arguments `{}` and `{}`", names[0][0], names[1][0]), "fewer"));
    };
    let like = a.tensors().first().or(b.tensors().first()).map(|&&value| i.cx.g.dtype(value));
    Ok((i.value(&a, like)?, i.value(&b, like)?))
}

/// What a word is, in the case of the table.
fn word(i: &Inputs<'_, '_>, names: &[&str], default: &str) -> Result<String> {
    let value = i.json(BY_NAME, names)?;
    Ok(value.as_ref().and_then(kerox_config_json::Value::as_str).unwrap_or(default).to_owned())
}
