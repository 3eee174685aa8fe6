//! Texts as tokens.

use kerox_tensor::{DType, Tensor};

use super::dispatch::argument;
use super::dynamic::Arguments;
use super::ngrams::StringNGrams;
use super::ragged::{Bincount, Partition, RaggedToTensor};
use super::slice::Index;
use super::strings::StringSplit;
use super::unicode::{UnicodeDecode, UnicodeEncode};
use crate::{Dims, Graph, Infer, Op, Result, Run, RunContext, RuntimeValue, Value, ValueInfo};

/// Where texts are taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextSplit {
    /// At white space.
    Whitespace,
    /// Into characters of UTF-8; bytes that are none become U+FFFD.
    Character,
}

/// `_Tokenize(texts)`: a vector of texts as a matrix of tokens, a row a text, filled up with empty strings.
#[derive(Clone, Debug)]
pub struct Tokenize {
    /// Where texts are taken apart.
    pub split: TextSplit,
    /// Numbers of tokens that are joined by spaces, each number after the other: `[1, 2]` gives tokens, then pairs.
    pub ngrams: Vec<usize>,
    /// Columns of the matrix: longer rows are cut off. As many as the longest row has, where `None`.
    pub length: Option<usize>,
}

/// Tokens a matrix may have.
const MAX_TOKENS: usize = 1 << 28;

impl Tokenize {
    /// The tokens of a text.
    pub fn tokens(&self, text: &[u8]) -> Vec<Vec<u8>> {
        let words: Vec<&[u8]> = match self.split {
            TextSplit::Whitespace => {
                text.split(|&b| b.is_ascii_whitespace() || b == 0x0b).filter(|word| !word.is_empty()).collect()
            }
            TextSplit::Character => text
                .utf8_chunks()
                .flat_map(|chunk| {
                    let mut characters: Vec<&[u8]> =
                        chunk.valid().split("").filter(|c| !c.is_empty()).map(str::as_bytes).collect();
                    if !chunk.invalid().is_empty() {
                        characters.push("\u{fffd}".as_bytes());
                    }
                    characters
                })
                .collect(),
        };
        if self.ngrams.is_empty() {
            return words.into_iter().map(<[u8]>::to_vec).collect();
        }
        join_ngrams(&words, &self.ngrams)
    }
}

/// The n-grams of a row of tokens, joined by spaces: all of the first width, then all of the next.
pub fn join_ngrams<T: AsRef<[u8]>>(tokens: &[T], widths: &[usize]) -> Vec<Vec<u8>> {
    let join = |part: &[T]| part.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>().join(&b' ');
    widths.iter().filter(|&&n| n > 0).flat_map(|&n| tokens.windows(n).map(join)).collect()
}

impl Op for Tokenize {
    fn name(&self) -> &'static str {
        "_Tokenize"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        cx.of_dtype(0, DType::String)?;
        let texts = cx.of_rank(0, 1)?;
        let batch = texts.axes().and_then(|axes| axes.first().copied()).flatten();
        Ok(vec![ValueInfo::new(DType::String, Dims::from([batch, self.length]))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let output = &mut run.outputs[0];
        let width = output.shape.last().copied().unwrap_or(0);
        let rows = output.slice::<Vec<u8>>()?;
        rows.iter_mut().for_each(Vec::clear);
        if width > 0 {
            for (row, text) in rows.chunks_exact_mut(width).zip(input.slice::<Vec<u8>>()?) {
                row.iter_mut().zip(self.tokens(text)).for_each(|(cell, token)| *cell = token);
            }
        }
        Ok(())
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let texts = Arguments::new(self.name(), cx, inputs).tensor()?;
        let mut rows: Vec<Vec<Vec<u8>>> = texts.as_slice::<Vec<u8>>()?.iter().map(|text| self.tokens(text)).collect();
        let width = self.length.unwrap_or_else(|| rows.iter().map(Vec::len).max().unwrap_or(0));
        if rows.len().saturating_mul(width) > MAX_TOKENS {
            let found = format!("{} texts of up to {width} tokens", rows.len());
            return Err(argument(self.name(), "", "input", format!("at most {MAX_TOKENS} tokens"), found));
        }
        rows.iter_mut().for_each(|row| row.resize(width, Vec::new()));
        let shape = [rows.len(), width];
        Ok(vec![Tensor::from_vec(rows.into_iter().flatten().collect::<Vec<_>>(), shape)?.into()])
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let (mut tokens, mut splits) = match self.split {
            TextSplit::Whitespace => words(g, inputs[0])?,
            TextSplit::Character => characters(g, inputs[0])?,
        };
        if !self.ngrams.is_empty() {
            let ngrams = StringNGrams { separator: b" ".to_vec(), widths: self.ngrams.clone() };
            let made = g.add_op(ngrams, &[tokens, splits])?;
            (tokens, splits) = (made[0], made[1]);
        }
        let length = self.length.map_or(-1, |n| i64::try_from(n).unwrap_or(i64::MAX));
        let shape = g.constant(Tensor::from_vec(vec![-1, length], [2])?)?;
        let nothing = g.constant(Tensor::scalar(Vec::<u8>::new()))?;
        let dense = RaggedToTensor { partitions: vec![Partition::RowSplits] };
        Ok(Some(vec![g.add_single(dense, &[shape, tokens, nothing, splits])?]))
    }
}

/// The words of all texts, and where in them each text begins.
fn words(g: &mut Graph, texts: Value) -> Result<(Value, Value)> {
    let blank = g.constant(Tensor::scalar(Vec::<u8>::new()))?;
    let parts = g.add_op(StringSplit { max_splits: None }, &[texts, blank])?;
    let [indices, words, shape] = parts[..] else { return Err(argument("Tokenize", "", "parts", "3", "others")) };
    let rows = g.strided_slice(indices, &[Index::ALL, Index::At(0)])?;
    let count = g.strided_slice(shape, &[Index::At(0)])?;
    let none = g.constant(Tensor::from_vec(Vec::<i64>::new(), [0])?)?;
    let lengths = g.add_single(Bincount { dense: true, binary: false }, &[rows, count, none])?;
    let ends = g.cumsum(lengths, 0, false, false)?;
    let zero = g.constant(Tensor::from_vec(vec![0i64], [1])?)?;
    Ok((words, g.concat(&[zero, ends], 0)?))
}

/// The characters of all texts, and where in them each text begins.
fn characters(g: &mut Graph, texts: Value) -> Result<(Value, Value)> {
    let decoded = g.add_op(UnicodeDecode, &[texts])?;
    let (splits, characters) = (decoded[0], decoded[1]);
    let count = g.size_of(characters)?;
    let count = g.cast(count, DType::I64)?;
    let (zero, one) = (g.constant(Tensor::scalar(0i64))?, g.constant(Tensor::scalar(1i64))?);
    let end = g.add(count, one)?;
    let each = g.range(zero, end, one)?;
    Ok((g.add_single(UnicodeEncode, &[characters, each])?, splits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(split: TextSplit, ngrams: &[usize], text: &[u8], expected: &[&[u8]]) {
        let tokenize = Tokenize { split, ngrams: ngrams.to_vec(), length: None };
        assert_eq!(tokenize.tokens(text), expected);
    }

    #[test]
    fn texts_are_taken_apart() {
        check(TextSplit::Whitespace, &[], b" a  bc\td ", &[b"a", b"bc", b"d"]);
        check(TextSplit::Whitespace, &[1, 2], b"a b c", &[b"a", b"b", b"c", b"a b", b"b c"]);
        check(TextSplit::Whitespace, &[3], b"a b", &[]);
        check(TextSplit::Character, &[], "é!".as_bytes(), &["é".as_bytes(), b"!"]);
        check(TextSplit::Character, &[], b"a\xffb", &[b"a", "\u{fffd}".as_bytes(), b"b"]);
        check(TextSplit::Whitespace, &[], b"", &[]);
    }
}
