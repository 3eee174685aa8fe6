//! Texts as code points, and back.

use std::sync::Arc;

use kerox_tensor::{DType, Tensor};

use super::declaration::Declaration;
use super::dynamic::{Arguments, run_interpreted};
use crate::{Attr, Attrs, Dims, Infer, Op, Result, Run, RunContext, RuntimeValue, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "UnicodeDecode",
        signature: "input -> row_splits, char_values",
        build: |a| {
            plain(a, "input_encoding")?;
            if a.bool_or("replace_control_characters", false)? {
                return Err(a.wrong("replace_control_characters", "false", a.get("replace_control_characters")));
            }
            Ok(Arc::new(UnicodeDecode))
        },
    },
    Declaration {
        name: "UnicodeEncode",
        signature: "input_values, input_splits -> output",
        build: |a| {
            plain(a, "output_encoding")?;
            Ok(Arc::new(UnicodeEncode))
        },
    },
];

/// What stands for bytes that are no character.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Refuses encodings other than UTF-8, and ways to handle errors other than TensorFlow's default.
fn plain(attrs: &Attrs, encoding: &str) -> Result<()> {
    if !attrs.string(encoding)?.eq_ignore_ascii_case("utf-8") {
        return Err(attrs.wrong(encoding, "UTF-8", attrs.get(encoding)));
    }
    if attrs.string_or("errors", "replace")? != "replace" {
        return Err(attrs.wrong("errors", "`replace`", attrs.get("errors")));
    }
    if attrs.int_or("replacement_char", 65533)? != i64::from(u32::from(REPLACEMENT)) {
        return Err(attrs.wrong("replacement_char", "65533", attrs.get("replacement_char")));
    }
    if attrs.dtype_or("Tsplits", DType::I64)? != DType::I64 {
        return Err(attrs.wrong("Tsplits", "int64", attrs.get("Tsplits")));
    }
    Ok(())
}

fn text(s: &str) -> Attr {
    Attr::String(s.as_bytes().to_vec())
}

/// `UnicodeDecode(texts)`: where each text begins among all characters, and their code points. What is not UTF-8 is
/// U+FFFD.
#[derive(Clone, Copy, Debug)]
pub struct UnicodeDecode;

impl Op for UnicodeDecode {
    fn name(&self) -> &'static str {
        "UnicodeDecode"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("input_encoding", text("UTF-8")), ("Tsplits", Attr::Type(DType::I64))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        cx.of_dtype(0, DType::String)?;
        Ok(vec![ValueInfo::new(DType::I64, [None]), ValueInfo::new(DType::I32, [None])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let texts = Arguments::new(self.name(), cx, inputs).tensor()?;
        let (mut splits, mut points) = (vec![0i64], Vec::new());
        for text in texts.as_slice::<Vec<u8>>()? {
            points.extend(String::from_utf8_lossy(text).chars().map(|c| u32::from(c) as i32));
            splits.push(points.len() as i64);
        }
        let (rows, count) = (splits.len(), points.len());
        Ok(vec![Tensor::from_vec(splits, [rows])?.into(), Tensor::from_vec(points, [count])?.into()])
    }
}

/// `UnicodeEncode(code points, splits)`: a text from each split to the next. What is no character is U+FFFD.
#[derive(Clone, Copy, Debug)]
pub struct UnicodeEncode;

impl Op for UnicodeEncode {
    fn name(&self) -> &'static str {
        "UnicodeEncode"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("output_encoding", text("UTF-8")), ("Tsplits", Attr::Type(DType::I64))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.of_dtype(0, DType::I32)?;
        cx.of_dtype(1, DType::I64)?;
        let splits = cx.dims(1)?.axes().and_then(|axes| axes.first().copied().flatten());
        Ok(vec![ValueInfo::new(DType::String, Dims::from([splits.map(|n| n.saturating_sub(1))]))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let (points, splits) = (a.tensor()?, a.tensor()?);
        let (points, splits) = (points.as_slice::<i32>()?, splits.as_slice::<i64>()?);
        let mut texts = Vec::with_capacity(splits.len().saturating_sub(1));
        for pair in splits.windows(2) {
            let range = usize::try_from(pair[0]).ok().zip(usize::try_from(pair[1]).ok());
            let Some(part) = range.and_then(|(from, to)| points.get(from..to)) else {
                let expected = format!("splits in ascending order in 0..={}", points.len());
                return Err(a.wrong(expected, format!("{} and {}", pair[0], pair[1])));
            };
            let character = |&point: &i32| u32::try_from(point).ok().and_then(char::from_u32).unwrap_or(REPLACEMENT);
            texts.push(part.iter().map(character).collect::<String>().into_bytes());
        }
        let count = texts.len();
        Ok(vec![Tensor::from_vec(texts, [count])?.into()])
    }
}
