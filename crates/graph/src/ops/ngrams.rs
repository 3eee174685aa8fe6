//! Tokens that follow each other, joined.

use std::sync::Arc;

use kerox_tensor::{DType, Tensor};

use super::declaration::Declaration;
use super::dynamic::{Arguments, run_interpreted};
use crate::{Attr, Attrs, Infer, Op, Result, Run, RunContext, RuntimeValue, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[Declaration {
    name: "StringNGrams",
    signature: "data, data_splits -> ngrams, ngrams_splits",
    build: StringNGrams::build,
}];

/// `StringNGrams(tokens, splits)`: within each row, as many tokens as a width joined, for one width after the other;
/// and where each row begins. Rows are not padded.
#[derive(Clone, Debug)]
pub struct StringNGrams {
    /// What is put between tokens.
    pub separator: Vec<u8>,
    /// The numbers of tokens joined.
    pub widths: Vec<usize>,
}

/// N-grams that one call may give.
const MAX_NGRAMS: usize = 1 << 28;

impl StringNGrams {
    fn build(attrs: &Attrs) -> Result<Arc<dyn Op>> {
        if attrs.int_or("pad_width", 0)? != 0 {
            return Err(attrs.wrong("pad_width", "0", attrs.get("pad_width")));
        }
        if attrs.bool_or("preserve_short_sequences", false)? {
            return Err(attrs.wrong("preserve_short_sequences", "false", attrs.get("preserve_short_sequences")));
        }
        if attrs.dtype_or("Tsplits", DType::I64)? != DType::I64 {
            return Err(attrs.wrong("Tsplits", "int64", attrs.get("Tsplits")));
        }
        let widths: Option<Vec<usize>> =
            attrs.ints("ngram_widths")?.into_iter().map(|n| usize::try_from(n).ok().filter(|&n| n > 0)).collect();
        let widths = widths.ok_or_else(|| attrs.wrong("ngram_widths", "positive", attrs.get("ngram_widths")))?;
        Ok(Arc::new(StringNGrams { separator: attrs.string("separator")?.into_bytes(), widths }))
    }
}

impl Op for StringNGrams {
    fn name(&self) -> &'static str {
        "StringNGrams"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("separator", Attr::String(self.separator.clone())),
            ("ngram_widths", Attr::List(self.widths.iter().map(|&n| Attr::Int(n as i64)).collect())),
            ("left_pad", Attr::String(Vec::new())),
            ("right_pad", Attr::String(Vec::new())),
            ("pad_width", Attr::Int(0)),
            ("preserve_short_sequences", Attr::Bool(false)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.of_dtype(0, DType::String)?;
        cx.of_dtype(1, DType::I64)?;
        Ok(vec![ValueInfo::new(DType::String, [None]), ValueInfo::new(DType::I64, cx.dims(1)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let (tokens, splits) = (a.tensor()?, a.tensor()?);
        let (tokens, splits) = (tokens.as_slice::<Vec<u8>>()?, splits.as_slice::<i64>()?);
        let (mut ngrams, mut starts) = (Vec::new(), Vec::with_capacity(splits.len()));
        starts.extend(splits.first().map(|_| 0i64));
        for pair in splits.windows(2) {
            let range = usize::try_from(pair[0]).ok().zip(usize::try_from(pair[1]).ok());
            let Some(row) = range.and_then(|(from, to)| tokens.get(from..to)) else {
                let expected = format!("splits in ascending order in 0..={}", tokens.len());
                return Err(a.wrong(expected, format!("{} and {}", pair[0], pair[1])));
            };
            for &width in &self.widths {
                ngrams.extend(row.windows(width).map(|part| part.join(&self.separator[..])));
                if ngrams.len() > MAX_NGRAMS {
                    return Err(a.wrong(format!("at most {MAX_NGRAMS} n-grams"), "more"));
                }
            }
            starts.push(ngrams.len() as i64);
        }
        let (count, rows) = (ngrams.len(), starts.len());
        Ok(vec![Tensor::from_vec(ngrams, [count])?.into(), Tensor::from_vec(starts, [rows])?.into()])
    }
}
