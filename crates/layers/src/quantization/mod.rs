//! Weights kept in few bits, as Keras 3's `quantize` leaves them in files.
//!
//! A layer whose dtype policy is quantized ([`DTypePolicy::quantization`](crate::DTypePolicy)) has no float kernel: it keeps
//! integers and what brings them back to floats. Its product is that of the floats; where inputs are quantized too,
//! they are first rounded to the numbers that their integers stand for, with the gradient of what they were. Layers of 8-bit
//! floats have a float kernel, and round whatever they multiply.

mod float8;
mod inputs;
mod kernel;
mod numbers;
mod quantize;
mod table;

pub(crate) use float8::Float8;
pub(crate) use inputs::{InputGradient, InputQuantizer};
pub(crate) use kernel::QuantizedKernel;
use kerox_graph::Value;
use kerox_tensor::{DType, Tensor};
pub use quantize::quantize;
pub(crate) use table::QuantizedTable;

use crate::registry::argument_error;
use crate::{Base, Call, Error, Result};

/// How the weights of a layer are quantized.
///
/// # Example
/// ```
/// use kerox_layers::{DTypePolicy, Quantization};
/// let policy = DTypePolicy::from_name("int4/128_from_mixed_bfloat16").unwrap();
/// assert_eq!(policy.quantization, Some(Quantization::Int4 { block_size: Some(128) }));
/// assert_eq!(DTypePolicy::from_name("int8_from_float32").unwrap().quantization, Some(Quantization::Int8));
/// ```
///
/// # Source
/// `keras.dtype_policies.QuantizedDTypePolicy`, `Int4DTypePolicy`, `GPTQDTypePolicy`, `AWQDTypePolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantization {
    /// A byte each, and a scale for each output.
    Int8,
    /// Half a byte each; a scale for each output, or a scale and a zero for each block of that many inputs.
    Int4 {
        /// The length of the blocks.
        block_size: Option<usize>,
    },
    /// Floats whose numbers are rounded to what 8-bit floats can hold when they are multiplied, as are gradients.
    Float8 {
        /// The number of steps of training whose largest numbers are kept.
        amax_history_length: usize,
    },
    /// 2, 3, 4 or 8 bits each, a scale and a zero for each group of that many inputs (Frantar et al. 2022).
    Gptq {
        /// The bits of a number; only 4 of them are packed.
        weight_bits: u8,
        /// The length of the groups; all inputs where there is none.
        group_size: Option<usize>,
    },
    /// 4 bits each, a scale and a zero for each group, and a factor for each input (Lin et al. 2023).
    Awq {
        /// The length of the groups; all inputs where there is none.
        group_size: Option<usize>,
    },
}

impl Quantization {
    /// Of a mode as policies are named: `int8`, `int4/128`, `gptq/4/-1`; `None` where there is no such mode.
    pub fn from_name(mode: &str) -> Option<Quantization> {
        let size = |text: &str| match text {
            "-1" => Some(None),
            _ => text.parse().ok().filter(|&size: &usize| size > 0).map(Some),
        };
        let parts: Vec<&str> = mode.split('/').collect();
        match parts[..] {
            ["int8"] => Some(Quantization::Int8),
            ["int4"] => Some(Quantization::Int4 { block_size: None }),
            ["float8"] => Some(Quantization::Float8 { amax_history_length: FLOAT8_HISTORY }),
            ["float8", length] => Some(Quantization::Float8 { amax_history_length: size(length)?? }),
            ["int4", block] => Some(Quantization::Int4 { block_size: size(block)? }),
            ["gptq", bits @ ("2" | "3" | "4" | "8"), group] => {
                Some(Quantization::Gptq { weight_bits: bits.parse().ok()?, group_size: size(group)? })
            }
            ["awq", "4", group] => Some(Quantization::Awq { group_size: size(group)? }),
            _ => None,
        }
    }

    /// The mode as policies are named, with blocks of -1 where there are none.
    pub fn name(&self) -> String {
        let size = |size: &Option<usize>| size.map_or("-1".to_string(), |size| size.to_string());
        match self {
            Quantization::Int8 => "int8".into(),
            Quantization::Int4 { block_size } => format!("int4/{}", size(block_size)),
            Quantization::Float8 { amax_history_length: FLOAT8_HISTORY } => "float8".into(),
            Quantization::Float8 { amax_history_length } => format!("float8/{amax_history_length}"),
            Quantization::Gptq { weight_bits, group_size } => format!("gptq/{weight_bits}/{}", size(group_size)),
            Quantization::Awq { group_size } => format!("awq/4/{}", size(group_size)),
        }
    }
}

/// The length that Keras gives the history of 8-bit floats.
const FLOAT8_HISTORY: usize = 1024;

/// The error for kinds of quantization that are learnt from data.
fn needs_data(base: &Base, mode: Quantization) -> Error {
    let expected = "`int8`, `int4` or `float8`, which need no data to learn from";
    argument_error(base, "mode", expected, format!("`{}`", mode.name()))
}

/// The classes that have quantized weights.
pub(crate) const QUANTIZED: [&str; 4] = ["Dense", "EinsumDense", "Embedding", "ReversibleEmbedding"];

/// Numbers of 4 bits out of bytes that hold two each along an axis, the earlier in the low half; the first `length` of
/// them, as floats. They are -8 to 7 in signed bytes, 0 to 15 in others.
fn unpack(cx: &mut Call<'_>, packed: Value, length: usize, axis: i64) -> Result<Value> {
    let signed = cx.g.dtype(packed) == DType::I8;
    let bytes = cx.g.cast(packed, DType::F32)?;
    let sixteen = cx.g.number(16.0, DType::F32)?;
    let high = cx.g.divide(bytes, sixteen)?;
    let high = cx.g.floor(high)?;
    let above = cx.g.multiply(high, sixteen)?;
    let mut low = cx.g.subtract(bytes, above)?;
    if signed {
        let eight = cx.g.number(8.0, DType::F32)?;
        let negative = cx.g.greater_equal(low, eight)?;
        let less = cx.g.subtract(low, sixteen)?;
        low = cx.g.select(negative, less, low)?;
    }
    let halves = cx.g.concat(&[low, high], axis)?;
    let pairs = length.div_ceil(2);
    let order: Vec<i32> = (0..length).map(|i| (i / 2 + i % 2 * pairs) as i32).collect();
    let order = cx.g.constant(Tensor::from_vec(order, [length])?)?;
    Ok(cx.g.gather(halves, order, axis)?)
}

/// `(numbers - zero) * scale`, where the group of each place along the axis says which scale and zero it has.
fn of_groups(
    cx: &mut Call<'_>,
    numbers: Value,
    [scale, zero, groups]: [Value; 3],
    axis: i64,
    compute: DType,
) -> Result<Value> {
    let groups = cx.g.cast(groups, DType::I32)?;
    let scale = cx.g.gather(scale, groups, axis)?;
    let zero = cx.g.gather(zero, groups, axis)?;
    let zero = cx.g.cast(zero, compute)?;
    let numbers = cx.g.cast(numbers, compute)?;
    let above = cx.g.subtract(numbers, zero)?;
    Ok(cx.g.multiply(above, scale)?)
}
