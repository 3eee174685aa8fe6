//! `Hashing`: strings and integers in buckets.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_graph::ops::{AsString, StringKind, StringMap};
use kerox_tensor::{DType, Tensor};

use super::OutputMode;
use super::output_mode::{Encoding, encode, index_policy};
use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Each string or integer as the number of a bucket, by its hash: FarmHash's fingerprint, or SipHash with a salt.
///
/// # Arguments
/// * `num_bins`: the number of buckets, that of the mask included.
/// * `mask_value`: the input that goes to bucket 0, where no other goes then.
/// * `salt`: a number, or two, that make another hash.
/// * `output_mode`: `int` (the default), `one_hot`, `multi_hot` or `count`.
///
/// # Shapes
/// input and output alike with `int`; else input `[batch]` or `[batch, n]`, output `[batch, num_bins]`.
///
/// # Errors
/// Inputs that are neither strings nor integers.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, core::InputLayer, preprocessing::Hashing};
/// use kerox_tensor::DType;
/// let x = InputLayer::new([3]).input_dtype(DType::String).tensor();
/// let y = Hashing::new(8).salt([133, 137]).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Hashing`; the numbers are TensorFlow's `StringToHashBucketFast` and `StringToHashBucketStrong`.
#[derive(Debug)]
pub struct Hashing {
    base: Base,
    num_bins: usize,
    mask_value: Json,
    salt: Option<[u64; 2]>,
    output_mode: OutputMode,
    sparse: bool,
}

impl Hashing {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Hashing", aliases: &[], module: "keras.layers", from_config: Hashing::from_config };

    /// That many buckets.
    pub fn new(num_bins: usize) -> Hashing {
        let mut base = Base::new("Hashing");
        index_policy(&mut base, OutputMode::Int);
        Hashing { base, num_bins, mask_value: Json::Null, salt: None, output_mode: OutputMode::Int, sparse: false }
    }

    /// The input of bucket 0: a string or integer.
    #[must_use]
    pub fn mask_value(mut self, value: impl Into<Json>) -> Hashing {
        self.mask_value = value.into();
        self
    }

    /// The key of SipHash.
    #[must_use]
    pub fn salt(mut self, salt: [u64; 2]) -> Hashing {
        self.salt = Some(salt);
        self
    }

    /// What is given: `int` (the default), `one_hot`, `multi_hot` or `count`.
    #[must_use]
    pub fn output_mode(mut self, mode: impl Into<OutputMode>) -> Hashing {
        self.output_mode = mode.into();
        index_policy(&mut self.base, self.output_mode);
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut base = Base::from_config("Hashing", fields)?;
        let output_mode = OutputMode::read(fields, OutputMode::Int)?;
        index_policy(&mut base, output_mode);
        let mut layer = Hashing {
            base,
            num_bins: fields.positive("num_bins")?,
            mask_value: fields.get("mask_value").map_or(Json::Null, |node| node.value().clone()),
            salt: salt(fields)?,
            output_mode,
            sparse: fields.bool_or("sparse", false)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

/// One number, that stands for two of it, or two.
pub(super) fn salt(fields: &Fields<'_>) -> Result<Option<[u64; 2]>> {
    let Some(node) = fields.get("salt") else { return Ok(None) };
    if let Ok(one) = node.int() {
        return Ok(Some([one as u64; 2]));
    }
    match node.ints()?[..] {
        [a, b] => Ok(Some([a as u64, b as u64])),
        _ => Err(node.expected("one integer or two").into()),
    }
}

pub(super) fn salt_json(salt: Option<[u64; 2]>) -> Json {
    salt.map_or(Json::Null, |key| Json::List(key.iter().map(|&k| Json::Int(k as i64)).collect()))
}

impl Layer for Hashing {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        use OutputMode::*;
        self.output_mode.check(&self.base, &[Int, OneHot, MultiHot, Count])?;
        let found = cx.g.dtype(x);
        let is_text = found == DType::String;
        if !is_text && !matches!(found, DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::U8 | DType::U16) {
            return Err(input_error(self, "strings or integers".into(), found.to_string()));
        }
        let masked = match &self.mask_value {
            Json::Null => None,
            Json::String(text) if is_text => {
                let value = cx.g.constant(Tensor::scalar(text.clone().into_bytes()))?;
                Some(cx.g.equal(x, value)?)
            }
            value => match value.as_i64().filter(|_| !is_text) {
                Some(number) => {
                    let number = cx.g.number(number as f64, found)?;
                    Some(cx.g.equal(x, number)?)
                }
                None => {
                    let expected = format!("a value of the type of the inputs, {found}");
                    return Err(argument_error(&self.base, "mask_value", expected, value.describe()));
                }
            },
        };
        let bins = match (masked.is_some(), self.num_bins) {
            (_, 0) => return Err(argument_error(&self.base, "num_bins", "a positive integer", "0")),
            // Bucket 0 is kept for the mask alone.
            (true, n) if n > 1 => n as u64 - 1,
            (_, n) => n as u64,
        };
        let text = match is_text {
            true => x,
            false => {
                let plain = AsString { precision: None, scientific: false, shortest: false, width: 0, fill: "".into() };
                cx.g.add_single(plain, &[x])?
            }
        };
        let kind = match self.salt {
            Some(key) => StringKind::HashStrong(bins, key),
            None => StringKind::HashFast(bins),
        };
        let mut buckets = cx.g.add_single(StringMap(kind), &[text])?;
        if let Some(masked) = masked {
            if self.num_bins > 1 {
                let one = cx.g.number(1.0, DType::I64)?;
                buckets = cx.g.add(buckets, one)?;
            }
            let zeros = cx.g.zeros_like(buckets)?;
            buckets = cx.g.select(masked, zeros, buckets)?;
        }
        if self.output_mode == Int {
            return Ok(vec![cx.g.cast(buckets, self.base.policy().compute)?]);
        }
        Ok(vec![encode(self, cx, buckets, Encoding::new(self, self.output_mode, self.num_bins), None)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("num_bins", self.num_bins as i64)
            .with("salt", salt_json(self.salt))
            .with("mask_value", self.mask_value.clone())
            .with("output_mode", self.output_mode.name())
            .with("sparse", self.sparse)
            .with_rest(self.base.rest()))
    }

    fn autocast(&self) -> bool {
        false
    }

    fn input_dtype(&self) -> DType {
        DType::String
    }
}
