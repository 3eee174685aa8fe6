//! Texts as tokens.

use kerox_tensor::{DType, Tensor};

use super::dispatch::argument;
use super::dynamic::Arguments;
use crate::{Dims, Infer, Op, Result, Run, RunContext, RuntimeValue, ValueInfo};

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
        self.ngrams.iter().filter(|&&n| n > 0).flat_map(|&n| words.windows(n).map(|part| part.join(&b' '))).collect()
    }
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
