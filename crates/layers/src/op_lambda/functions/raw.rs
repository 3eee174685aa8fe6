//! Functions that are one operation of TensorFlow each: their arguments in the order of Python, and what becomes of them.

use kerox_graph::{Attr, Attrs, Value};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::{BY_NAME, given};
use crate::Result;

/// What an argument becomes.
#[derive(Clone, Copy)]
enum As {
    /// An input.
    Tensor,
    /// An input of the first one's type.
    Like,
    /// An input of whole numbers.
    Ints,
    /// An input, a number where it is not given.
    Number(f64),
    /// An attribute, with its value where it is not given.
    Int(i64),
    Float(f32),
    Bool(bool),
    Word(&'static str),
    Type(DType),
    /// An attribute that has to be given.
    Count,
    Text,
    TypeOf,
    Keys,
}
use As::{Bool, Count, Float, Int, Ints, Keys, Like, Number, Tensor, Text, Type, TypeOf, Word};

/// The name of an argument, that of an attribute where it is another, and what it becomes.
type Argument = (&'static str, &'static str, As);

/// Of an input no other name is needed.
const fn input(name: &'static str, what: As) -> Argument {
    (name, "", what)
}

/// An attribute of the argument's name.
const fn attr(name: &'static str, what: As) -> Argument {
    (name, name, what)
}

/// A function of TensorFlow.
struct Function {
    name: &'static str,
    op: &'static str,
    arguments: &'static [Argument],
    /// How many outputs the function gives.
    outputs: usize,
}

const fn row(name: &'static str, op: &'static str, arguments: &'static [Argument]) -> Function {
    Function { name, op, arguments, outputs: usize::MAX }
}

const X: &[Argument] = &[input("x", Tensor)];
const INPUT: &[Argument] = &[input("input", Tensor)];
const LETTERS: &[Argument] = &[input("input", Tensor), attr("encoding", Word(""))];
const SEGMENTS: &[Argument] = &[input("data", Tensor), input("segment_ids", Ints)];
const TWO: &[Argument] = &[input("x", Tensor), input("y", Like)];

const FUNCTIONS: &[Function] = &[
    row("bitcast", "Bitcast", &[input("input", Tensor), attr("type", TypeOf)]),
    row(
        "batch_to_space_nd",
        "BatchToSpaceND",
        &[input("input", Tensor), input("block_shape", Ints), input("crops", Ints)],
    ),
    row(
        "space_to_batch_nd",
        "SpaceToBatchND",
        &[input("input", Tensor), input("block_shape", Ints), input("paddings", Ints)],
    ),
    row("dtypes.complex", "Complex", &[input("real", Tensor), input("imag", Like)]),
    row(
        "dynamic_partition",
        "DynamicPartition",
        &[input("data", Tensor), input("partitions", Ints), attr("num_partitions", Count)],
    ),
    row(
        "image.combined_non_max_suppression",
        "CombinedNonMaxSuppression",
        &[
            input("boxes", Tensor),
            input("scores", Like),
            input("max_output_size_per_class", Ints),
            input("max_total_size", Ints),
            input("iou_threshold", Number(0.5)),
            input("score_threshold", Number(f64::NEG_INFINITY)),
            attr("pad_per_class", Bool(false)),
            attr("clip_boxes", Bool(true)),
        ],
    ),
    row(
        "image.crop_and_resize",
        "CropAndResize",
        &[
            input("image", Tensor),
            input("boxes", Number(0.0)),
            input("box_indices", Ints),
            input("crop_size", Ints),
            attr("method", Word("bilinear")),
            attr("extrapolation_value", Float(0.0)),
        ],
    ),
    row(
        "image.non_max_suppression",
        "NonMaxSuppressionV3",
        &[
            input("boxes", Tensor),
            input("scores", Like),
            input("max_output_size", Ints),
            input("iou_threshold", Number(0.5)),
            input("score_threshold", Number(f64::NEG_INFINITY)),
        ],
    ),
    Function {
        name: "image.non_max_suppression_with_scores",
        op: "NonMaxSuppressionV5",
        arguments: &[
            input("boxes", Tensor),
            input("scores", Like),
            input("max_output_size", Ints),
            input("iou_threshold", Number(0.5)),
            input("score_threshold", Number(f64::NEG_INFINITY)),
            input("soft_nms_sigma", Number(0.0)),
        ],
        outputs: 2,
    },
    row("io.decode_base64", "DecodeBase64", INPUT),
    row(
        "io.decode_raw",
        "DecodeRaw",
        &[input("input_bytes", Tensor), attr("out_type", TypeOf), attr("little_endian", Bool(true))],
    ),
    row("io.encode_base64", "EncodeBase64", &[input("input", Tensor), attr("pad", Bool(false))]),
    row(
        "linalg.band_part",
        "MatrixBandPart",
        &[input("input", Tensor), input("num_lower", Ints), input("num_upper", Ints)],
    ),
    row("linalg.lu", "Lu", INPUT),
    row("linalg.tensor_diag", "Diag", &[input("diagonal", Tensor)]),
    row("linalg.tensor_diag_part", "DiagPart", INPUT),
    row("math.bessel_i0", "BesselI0", X),
    row("math.bessel_i0e", "BesselI0e", X),
    row("math.bessel_i1", "BesselI1", X),
    row("math.bessel_i1e", "BesselI1e", X),
    row("math.digamma", "Digamma", X),
    row("math.invert_permutation", "InvertPermutation", X),
    row("math.lgamma", "Lgamma", X),
    row("math.multiply_no_nan", "MulNoNan", TWO),
    row("math.ndtri", "Ndtri", X),
    row("math.nextafter", "NextAfter", &[input("x1", Tensor), input("x2", Like)]),
    row("math.segment_max", "SegmentMax", SEGMENTS),
    row("math.segment_mean", "SegmentMean", SEGMENTS),
    row("math.segment_min", "SegmentMin", SEGMENTS),
    row("math.segment_prod", "SegmentProd", SEGMENTS),
    row("math.segment_sum", "SegmentSum", SEGMENTS),
    row("math.xdivy", "Xdivy", TWO),
    row("math.xlog1py", "Xlog1py", TWO),
    row("math.xlogy", "Xlogy", TWO),
    row(
        "quantization.fake_quant_with_min_max_args",
        "FakeQuantWithMinMaxArgs",
        &[
            input("inputs", Tensor),
            attr("min", Float(-6.0)),
            attr("max", Float(6.0)),
            attr("num_bits", Int(8)),
            attr("narrow_range", Bool(false)),
        ],
    ),
    row("quantization.fake_quant_with_min_max_vars", "FakeQuantWithMinMaxVars", FAKE),
    row("quantization.fake_quant_with_min_max_vars_per_channel", "FakeQuantWithMinMaxVarsPerChannel", FAKE),
    row("realdiv", "RealDiv", TWO),
    row(
        "reverse_sequence",
        "ReverseSequence",
        &[
            input("input", Tensor),
            input("seq_lengths", Ints),
            ("seq_axis", "seq_dim", Count),
            ("batch_axis", "batch_dim", Int(0)),
        ],
    ),
    row("scatter_nd", "ScatterNd", &[input("indices", Ints), input("updates", Tensor), input("shape", Ints)]),
    row("signal.fft", "FFT", INPUT),
    row("signal.fft2d", "FFT2D", INPUT),
    row("signal.fft3d", "FFT3D", INPUT),
    row("signal.ifft", "IFFT", INPUT),
    row("signal.ifft2d", "IFFT2D", INPUT),
    row("signal.ifft3d", "IFFT3D", INPUT),
    row(
        "strings.as_string",
        "AsString",
        &[
            input("input", Tensor),
            attr("precision", Int(-1)),
            attr("scientific", Bool(false)),
            attr("shortest", Bool(false)),
            attr("width", Int(-1)),
            attr("fill", Word("")),
        ],
    ),
    row("strings.length", "StringLength", &[input("input", Tensor), attr("unit", Word("BYTE"))]),
    row("strings.lower", "StringLower", LETTERS),
    row("strings.regex_full_match", "StaticRegexFullMatch", &[input("input", Tensor), attr("pattern", Text)]),
    row(
        "strings.regex_replace",
        "StaticRegexReplace",
        &[input("input", Tensor), attr("pattern", Text), attr("rewrite", Text), attr("replace_global", Bool(true))],
    ),
    row("strings.strip", "StringStrip", INPUT),
    row(
        "strings.substr",
        "Substr",
        &[input("input", Tensor), input("pos", Ints), input("len", Ints), attr("unit", Word("BYTE"))],
    ),
    row("strings.to_hash_bucket", "StringToHashBucket", &[input("input", Tensor), attr("num_buckets", Count)]),
    row("strings.to_hash_bucket_fast", "StringToHashBucketFast", &[input("input", Tensor), attr("num_buckets", Count)]),
    row(
        "strings.to_hash_bucket_strong",
        "StringToHashBucketStrong",
        &[input("input", Tensor), attr("num_buckets", Count), attr("key", Keys)],
    ),
    row("strings.to_number", "StringToNumber", &[input("input", Tensor), attr("out_type", Type(DType::F32))]),
    row(
        "strings.unicode_transcode",
        "UnicodeTranscode",
        &[
            input("input", Tensor),
            attr("input_encoding", Text),
            attr("output_encoding", Text),
            attr("errors", Word("replace")),
            attr("replacement_char", Int(65533)),
            attr("replace_control_characters", Bool(false)),
        ],
    ),
    row("strings.upper", "StringUpper", LETTERS),
    row("truncatediv", "TruncateDiv", TWO),
    row("truncatemod", "TruncateMod", TWO),
    row("unique", "Unique", &[input("x", Tensor), ("out_idx", "out_idx", Type(DType::I32))]),
    row("unique_with_counts", "UniqueWithCounts", &[input("x", Tensor), ("out_idx", "out_idx", Type(DType::I32))]),
    row("unravel_index", "UnravelIndex", &[input("indices", Tensor), input("dims", Ints)]),
];

const FAKE: &[Argument] = &[
    input("inputs", Tensor),
    input("min", Like),
    input("max", Like),
    attr("num_bits", Int(8)),
    attr("narrow_range", Bool(false)),
];

fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Whether the function is one of these.
pub(super) fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// How many functions there are here.
pub(super) const COUNT: usize = FUNCTIONS.len();

/// Adds the operation of a function; nothing where it is none of these.
pub(super) fn build(name: &str, i: &mut Inputs<'_, '_>) -> Result<Option<Vec<Value>>> {
    let Some(function) = find(name) else { return Ok(None) };
    let mut inputs: Vec<Value> = Vec::new();
    let mut attrs = Attrs::new(function.op, "");
    for (at, &(name, attribute, what)) in function.arguments.iter().enumerate() {
        // The first argument may come under any name that first arguments have.
        if at == 0 {
            inputs.push(match i.arg(0, &[name]) {
                Some(arg) => i.value(&arg, matches!(what, Ints).then_some(DType::I32))?,
                None => i.x()?,
            });
            attrs = attrs.with("T", Attr::Type(i.cx.g.dtype(inputs[0])));
            continue;
        }
        let like = inputs.first().map(|&first| i.cx.g.dtype(first));
        let missing = |i: &Inputs<'_, '_>| i.wrong(format!("argument `{name}`"), "none");
        let value = match what {
            Tensor => None,
            Like => Some(given(i, at, &[name], like)?),
            Ints => Some(given(i, at, &[name], Some(DType::I32))?),
            Number(default) => Some(match i.arg(at, &[name]) {
                Some(arg) => i.value(&arg, Some(DType::F32))?,
                None => i.cx.g.number(default, DType::F32)?,
            }),
            _ => None,
        };
        if attribute.is_empty() {
            inputs.push(match value {
                Some(value) => value,
                None => given(i, at, &[name], None)?,
            });
            continue;
        }
        let json = i.json(at, &[name])?.filter(|json| !json.is_null());
        let text = json.as_ref().and_then(|json| json.as_str()).map(|text| text.as_bytes().to_vec());
        let value = match what {
            Int(default) => Attr::Int(i.int(at, &[name], default)?),
            Float(default) => Attr::Float(i.float(at, &[name], f64::from(default))? as f32),
            Bool(default) => Attr::Bool(json.as_ref().map_or(Some(default), |json| json.as_bool()).unwrap_or(default)),
            Word(default) => Attr::String(text.unwrap_or_else(|| default.as_bytes().to_vec())),
            Type(default) => Attr::Type(i.dtype(at, &[name])?.unwrap_or(default)),
            Count => match json {
                Some(_) => Attr::Int(i.int(at, &[name], 0)?),
                None => return Err(missing(i)),
            },
            Text => Attr::String(text.ok_or_else(|| missing(i))?),
            TypeOf => Attr::Type(i.dtype(at, &[name])?.ok_or_else(|| missing(i))?),
            Keys => Attr::List(i.ints(at, &[name])?.ok_or_else(|| missing(i))?.into_iter().map(Attr::Int).collect()),
            _ => return Err(i.wrong("an attribute", format!("`{name}`"))),
        };
        attrs = attrs.with(attribute, value);
    }
    let mut outputs = i.cx.g.add_built(&attrs, &inputs)?;
    outputs.truncate(function.outputs);
    Ok(Some(outputs))
}

/// The diagonals that functions of matrices are about: `k`, as one number or two.
pub(super) fn diagonals(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let ks = i.ints(BY_NAME, &["k"])?.unwrap_or_else(|| vec![0]);
    match ks[..] {
        [k] => Ok(i.cx.g.number(k as f64, DType::I32)?),
        _ => Ok(i.cx.g.ints(&ks)?),
    }
}

/// The last version of an operation on diagonals, with the function's sides.
pub(super) fn on_diagonals(i: &mut Inputs<'_, '_>, op: &str, inputs: &[Value]) -> Result<Vec<Value>> {
    let align = i.json(BY_NAME, &["align"])?;
    let align = align.as_ref().and_then(|align| align.as_str()).unwrap_or("RIGHT_LEFT");
    let attrs = Attrs::new(op, "").with("T", Attr::Type(i.cx.g.dtype(inputs[0])));
    Ok(i.cx.g.add_built(&attrs.with("align", Attr::String(align.as_bytes().to_vec())), inputs)?)
}
