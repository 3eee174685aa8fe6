//! `TextVectorization`: texts as numbers.

use std::path::Path;

use kerox_config_json::dialect::KERAS3;
use kerox_config_json::{Config, Fields, Object, Value as Json};
use kerox_graph::Value;
use kerox_graph::ops::{
    Partition, RaggedToTensor, StringKind, StringMap, StringNGrams, TextSplit, Tokenize, Tokens, join_ngrams,
};
use kerox_tensor::{DType, Tensor};

use super::lookup::StringLookup;
use super::output_mode::with_leading_axes;
use super::token_counts::TokenCounts;
use super::{AdaptData, OutputMode};
use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, DTypePolicy, Layer, LayerRef, LayerState, Result, Tracked};

/// Texts as numbers: each is standardized, taken apart into tokens, which may be joined to n-grams, and these looked up.
///
/// # Arguments
/// * `max_tokens`: the most places of the vocabulary, special ones counted.
/// * `standardize`: `lower_and_strip_punctuation` (the default), `lower`, `strip_punctuation` or nothing.
/// * `split`: `whitespace` (the default), `character` or nothing.
/// * `ngrams`: a number `n` for all n-grams of 1 to `n` tokens, or a list of numbers.
/// * `output_mode`: `int` (the default), `multi_hot`, `count` or `tf_idf`.
/// * `output_sequence_length`: with `int`, the number of columns: rows are cut off or filled up with 0. Else as many as
///   the longest row of the batch has.
/// * `pad_to_max_tokens`, `vocabulary`, `idf_weights`: as in [`StringLookup`].
///
/// # Shapes
/// input `[batch]` or `[batch, ..., 1]`; output `[batch, ..., tokens]` with `int`, else `[batch, ..., places]`. Without
/// splitting the texts along the last axis of the input `[batch, ..., texts]` are the tokens: the output of `int` has the
/// shape of the input, or with `ngrams` as many columns as there are n-grams of them.
///
/// # Errors
/// Inputs of another shape; functions in place of the named standardizations and splits, which are Python code; a layer
/// without a vocabulary that is run.
///
/// # Example
/// ```
/// use kerox_layers::preprocessing::TextVectorization;
/// let vectorize = TextVectorization::new().output_sequence_length(4);
/// vectorize.adapt(["The cat sat.", "The dog, the cat"])?;
/// assert_eq!(vectorize.get_vocabulary(), ["", "[UNK]", "the", "cat", "sat", "dog"]);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.TextVectorization`. Rows of unequal length are filled up with zeros, with `ragged` too.
#[derive(Debug)]
pub struct TextVectorization {
    base: Base,
    standardize: Option<Standardize>,
    split: Option<TextSplit>,
    /// As files have it: a number, a list of them, or null.
    ngrams: Json,
    output_mode: OutputMode,
    output_sequence_length: Option<usize>,
    pad_to_max_tokens: bool,
    ragged: bool,
    sparse: bool,
    encoding: String,
    max_tokens: Option<usize>,
    lookup: LayerRef,
}

/// What is done to texts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standardize {
    Lower,
    StripPunctuation,
    Both,
}

impl Standardize {
    const WORDS: [(&'static str, Standardize); 3] = [
        ("lower_and_strip_punctuation", Standardize::Both),
        ("lower", Standardize::Lower),
        ("strip_punctuation", Standardize::StripPunctuation),
    ];
}

const SPLITS: [(&str, TextSplit); 2] = [("whitespace", TextSplit::Whitespace), ("character", TextSplit::Character)];

fn name_of<T: PartialEq + Copy>(words: &[(&'static str, T)], value: Option<T>) -> Json {
    value.and_then(|value| words.iter().find(|(_, v)| *v == value)).map_or(Json::Null, |(name, _)| (*name).into())
}

impl Default for TextVectorization {
    fn default() -> TextVectorization {
        TextVectorization::new()
    }
}

impl TextVectorization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "TextVectorization",
        aliases: &[],
        module: "keras.layers",
        from_config: TextVectorization::from_config,
    };

    /// With everything at its default, to be adapted.
    pub fn new() -> TextVectorization {
        let mut base = Base::new("TextVectorization");
        base.set_policy(text_policy());
        TextVectorization {
            base,
            standardize: Some(Standardize::Both),
            split: Some(TextSplit::Whitespace),
            ngrams: Json::Null,
            output_mode: OutputMode::Int,
            output_sequence_length: None,
            pad_to_max_tokens: false,
            ragged: false,
            sparse: false,
            encoding: "utf-8".into(),
            max_tokens: None,
            lookup: StringLookup::new().mask_token("").into(),
        }
    }

    /// The most places of the vocabulary.
    #[must_use]
    pub fn max_tokens(mut self, max_tokens: usize) -> TextVectorization {
        self.max_tokens = Some(max_tokens);
        self.renew()
    }

    /// What is done to texts first: `lower_and_strip_punctuation`, `lower`, `strip_punctuation`; nothing by any other
    /// word.
    #[must_use]
    pub fn standardize(mut self, name: &str) -> TextVectorization {
        self.standardize = Standardize::WORDS.iter().find(|(word, _)| *word == name).map(|(_, value)| *value);
        self
    }

    /// How texts are taken apart: `whitespace` or `character`; not at all by any other word.
    #[must_use]
    pub fn split(mut self, name: &str) -> TextVectorization {
        self.split = SPLITS.iter().find(|(word, _)| *word == name).map(|(_, value)| *value);
        self
    }

    /// Joins up to that many tokens, or as many as a list says.
    #[must_use]
    pub fn ngrams(mut self, ngrams: impl Into<Json>) -> TextVectorization {
        self.ngrams = ngrams.into();
        self
    }

    /// What is given: `int` (the default), `multi_hot`, `count` or `tf_idf`.
    #[must_use]
    pub fn output_mode(mut self, mode: impl Into<OutputMode>) -> TextVectorization {
        self.output_mode = mode.into();
        self.renew()
    }

    /// The number of columns with output mode `int`.
    #[must_use]
    pub fn output_sequence_length(mut self, length: usize) -> TextVectorization {
        self.output_sequence_length = Some(length);
        self
    }

    /// Whether rows have `max_tokens` elements.
    #[must_use]
    pub fn pad_to_max_tokens(mut self, pad: bool) -> TextVectorization {
        self.pad_to_max_tokens = pad;
        self.renew()
    }

    /// The vocabulary; the special tokens are given before it. Is called after the other arguments.
    ///
    /// # Errors
    /// As [`super::Lookup::set_vocabulary`].
    pub fn vocabulary<'a>(mut self, tokens: impl IntoIterator<Item = &'a str>) -> Result<TextVectorization> {
        self.lookup = self.plain_lookup().vocabulary(tokens)?.into();
        Ok(self)
    }

    /// The vocabulary of a file with one token a line. Is called after the other arguments.
    ///
    /// # Errors
    /// As [`super::Lookup::set_vocabulary_file`].
    pub fn vocabulary_file(mut self, path: impl AsRef<Path>) -> Result<TextVectorization> {
        self.lookup = self.plain_lookup().vocabulary_file(path)?.into();
        Ok(self)
    }

    /// A lookup layer as the present arguments want it.
    fn plain_lookup(&self) -> StringLookup {
        let mut lookup = StringLookup::new().mask_token("").output_mode(self.output_mode);
        if let Some(max) = self.max_tokens {
            lookup = lookup.max_tokens(max);
        }
        lookup.pad_to_max_tokens(self.pad_to_max_tokens)
    }

    fn renew(mut self) -> TextVectorization {
        self.lookup = self.plain_lookup().into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut base = Base::from_config("TextVectorization", fields)?;
        base.set_policy(text_policy());
        let help = "a function is Python code, which is never run: standardize and split before the layer";
        fn word<T: Clone>(fields: &Fields<'_>, key: &str, words: &[(&str, T)], help: &str) -> Result<Option<T>> {
            match fields.present(key) {
                None => Ok(words.first().map(|(_, value)| value.clone())),
                Some(node) if node.is_null() => Ok(None),
                Some(node) if node.value().as_str().is_some() => Ok(Some(node.one_of(words)?)),
                Some(node) => Err(node.expected_with_help("one of Keras's own by name", help).into()),
            }
        }
        let output_mode = OutputMode::read(fields, OutputMode::Int)?;
        let max_tokens = fields.opt_positive("max_tokens")?;
        let pad_to_max_tokens = fields.bool_or("pad_to_max_tokens", false)?;
        let sparse = fields.bool_or("sparse", false)?;
        let keep = |key: &str| fields.get(key).map_or(Json::Null, |node| node.value().clone());
        let inner = Config::new()
            .with("max_tokens", max_tokens.map(|n| n as i64))
            .with("mask_token", "")
            .with("output_mode", output_mode.name())
            .with("sparse", sparse)
            .with("pad_to_max_tokens", pad_to_max_tokens)
            .with("vocabulary", keep("vocabulary"))
            .with("idf_weights", keep("idf_weights"))
            .with("vocabulary_size", keep("vocabulary_size"))
            .with(KERAS3, base.is_keras3());
        fields.ignore("has_input_vocabulary");
        let object = Object::builtin("keras.layers", "StringLookup", inner);
        if let Some(node) = fields.get("ngrams")
            && node.positive().is_err()
        {
            node.ints()?;
        }
        let mut layer = TextVectorization {
            base,
            standardize: word(fields, "standardize", &Standardize::WORDS, help)?,
            split: word(fields, "split", &SPLITS, help)?,
            ngrams: keep("ngrams"),
            output_mode,
            output_sequence_length: fields.opt_positive("output_sequence_length")?,
            pad_to_max_tokens,
            ragged: fields.bool_or("ragged", false)?,
            sparse,
            encoding: fields.str_or("encoding", "utf-8")?.into(),
            max_tokens,
            lookup: (StringLookup::ENTRY.from_config)(&object.fields()?)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The layer that holds the vocabulary.
    pub fn lookup(&self) -> &StringLookup {
        static NONE: std::sync::OnceLock<StringLookup> = std::sync::OnceLock::new();
        // It is made as a `StringLookup` everywhere above.
        self.lookup.downcast::<StringLookup>().unwrap_or_else(|| NONE.get_or_init(StringLookup::new))
    }

    /// The vocabulary with its special tokens, in the order of places.
    pub fn get_vocabulary(&self) -> Vec<String> {
        self.lookup().get_vocabulary()
    }

    /// The number of places; `None` before there is a vocabulary.
    pub fn vocabulary_size(&self) -> Option<usize> {
        self.lookup().vocabulary_size()
    }

    /// Replaces the vocabulary.
    ///
    /// # Errors
    /// As [`super::Lookup::set_vocabulary`].
    pub fn set_vocabulary<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let tokens = tokens.into_iter().map(|token| token.as_bytes().to_vec()).collect();
        self.lookup().set_vocabulary(Tokens::Strings(tokens))
    }

    /// Learns the vocabulary from texts; each text is a document for `tf_idf`.
    ///
    /// # Errors
    /// Where the vocabulary was given, or the data are no strings of shape `[batch]` or `[batch, 1]`.
    ///
    /// # Source
    /// `keras.layers.TextVectorization.adapt`.
    pub fn adapt(&self, data: impl Into<AdaptData>) -> Result<()> {
        let ngrams = self.widths()?;
        let tokenize = self.split.map(|split| Tokenize { split, ngrams: ngrams.clone(), length: None });
        let mut counts = TokenCounts::default();
        for batch in data.into().into_batches() {
            let wrong = |found: String| argument_error(&self.base, "adapt", "texts `[batch]` or `[batch, 1]`", found);
            if batch.dtype() != DType::String {
                return Err(wrong(batch.dtype().to_string()));
            }
            if batch.rank() > 1 && self.split.is_some() && batch.shape().last() != Some(&1) {
                return Err(wrong(format!("shape {}", batch.shape())));
            }
            let texts: Vec<Vec<u8>> = batch.as_slice::<Vec<u8>>()?.iter().map(|text| self.standardized(text)).collect();
            match &tokenize {
                Some(tokenize) => texts.iter().for_each(|text| counts.add_document(tokenize.tokens(text))),
                None if ngrams.is_empty() => {
                    let row = if batch.rank() < 2 { texts.len() } else { batch.shape()[1..].iter().product() };
                    counts.add_rows(&Tokens::Strings(texts), row);
                }
                None => {
                    let row = batch.shape().last().copied().unwrap_or(1).max(1);
                    texts.chunks(row).for_each(|row| counts.add_document(join_ngrams(row, &ngrams)));
                }
            }
        }
        self.lookup().finish(counts)
    }

    fn standardized(&self, text: &[u8]) -> Vec<u8> {
        match self.standardize {
            None => text.to_vec(),
            Some(Standardize::Lower) => text.to_ascii_lowercase(),
            Some(Standardize::StripPunctuation) => text.iter().copied().filter(|b| !b.is_ascii_punctuation()).collect(),
            Some(Standardize::Both) => {
                text.iter().filter(|b| !b.is_ascii_punctuation()).map(u8::to_ascii_lowercase).collect()
            }
        }
    }

    /// The numbers of tokens that are joined; none where tokens stay as they are.
    fn widths(&self) -> Result<Vec<usize>> {
        let ngrams: Vec<i64> = match &self.ngrams {
            Json::Null => Vec::new(),
            Json::Int(most) => (1..=*most).collect(),
            other => kerox_config_json::Node::root(other).ints()?,
        };
        let known = |n: i64| usize::try_from(n).ok().filter(|&n| n > 0 && n < 1 << 16);
        let numbers: Option<Vec<usize>> = ngrams.into_iter().map(known).collect();
        numbers
            .filter(|numbers| numbers.len() < 1 << 16)
            .ok_or_else(|| argument_error(&self.base, "ngrams", "positive integers", self.ngrams.to_string()))
    }

    /// The places of unsplit texts, whose last axis is a row of tokens.
    fn unsplit(&self, cx: &mut Call<'_>, mut x: Value, widths: Vec<usize>) -> Result<Value> {
        if !widths.is_empty() && cx.g.dims(x).rank() != Some(0) {
            x = self.joined(cx, x, widths)?;
        }
        let places = cx.apply_one(&self.lookup, x)?;
        if self.output_mode == OutputMode::Int { self.resized(cx, places) } else { Ok(places) }
    }

    /// The n-grams along the last axis.
    fn joined(&self, cx: &mut Call<'_>, x: Value, widths: Vec<usize>) -> Result<Value> {
        let dims = cx.g.dims(x).clone();
        let columns = dims.axes().and_then(|axes| axes.last().copied()).flatten();
        let made = columns.map(|columns| widths.iter().map(|&n| (columns + 1).saturating_sub(n)).sum::<usize>());
        let texts = cx.g.reshape(x, &[-1])?;
        let count = cx.g.size_of(texts)?;
        let count = cx.g.cast(count, DType::I64)?;
        let shape = cx.g.shape_of(x)?;
        let rank = dims.rank().unwrap_or(1) as i64;
        let step = cx.g.slice(shape, &[rank - 1], &[1])?;
        let step = cx.g.reshape(step, &[])?;
        let step = cx.g.cast(step, DType::I64)?;
        let zero = cx.g.constant(Tensor::scalar(0i64))?;
        let end = cx.g.add(count, step)?;
        let splits = cx.g.range(zero, end, step)?;
        let ngrams = cx.g.add_op(StringNGrams { separator: b" ".to_vec(), widths }, &[texts, splits])?;
        let whole = cx.g.constant(Tensor::from_vec(vec![-1, made.map_or(-1, |n| n as i64)], [2])?)?;
        let nothing = cx.g.constant(Tensor::scalar(Vec::<u8>::new()))?;
        let dense = RaggedToTensor { partitions: vec![Partition::RowSplits] };
        let rows = cx.g.add_single(dense, &[whole, ngrams[0], nothing, ngrams[1]])?;
        match rank {
            1 => Ok(cx.g.reshape(rows, &[-1])?),
            2 => Ok(rows),
            _ => with_leading_axes(cx, rows, x),
        }
    }

    /// Rows of unsplit texts, cut off or filled up to a number of columns.
    fn resized(&self, cx: &mut Call<'_>, places: Value) -> Result<Value> {
        let Some(length) = self.output_sequence_length else { return Ok(places) };
        let dims = cx.g.dims(places).clone();
        let columns = match dims.axes() {
            Some([_, .., Some(columns)]) => *columns,
            _ => {
                let expected = "rows of known length, as `output_sequence_length` is set and `split` is not".into();
                return Err(input_error(self, expected, format!("shape {dims}")));
            }
        };
        let rank = dims.rank().unwrap_or(1);
        if columns > length {
            let mut sizes = vec![-1; rank];
            sizes[rank - 1] = length as i64;
            return Ok(cx.g.slice(places, &vec![0; rank], &sizes)?);
        }
        let mut paddings = vec![(0, 0); rank];
        paddings[rank - 1] = (0, (length - columns) as i64);
        Ok(cx.g.pad(places, &paddings)?)
    }
}

fn text_policy() -> DTypePolicy {
    DTypePolicy::new("string", DType::String, DType::String)
}

impl Layer for TextVectorization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        use OutputMode::*;
        let mut x = one_input(self, args)?;
        self.output_mode.check(&self.base, &[Int, MultiHot, Count, TfIdf])?;
        let dims = cx.g.dims(x).clone();
        if cx.g.dtype(x) != DType::String {
            return Err(input_error(self, "strings".into(), cx.g.dtype(x).to_string()));
        }
        if matches!(self.standardize, Some(Standardize::Lower | Standardize::Both)) {
            x = cx.g.add_single(StringMap(StringKind::Lower(false)), &[x])?;
        }
        if matches!(self.standardize, Some(Standardize::StripPunctuation | Standardize::Both)) {
            x = cx.g.add_single(StringMap(StringKind::StripPunctuation), &[x])?;
        }
        let ngrams = self.widths()?;
        let Some(split) = self.split else { return Ok(vec![self.unsplit(cx, x, ngrams)?]) };
        let length = self.output_sequence_length.filter(|_| self.output_mode == Int);
        let texts = x;
        x = match dims.axes() {
            Some([]) => cx.g.expand_dims(x, 0)?,
            Some([_]) => x,
            Some([.., last]) if last.is_none_or(|last| last == 1) => cx.g.reshape(x, &[-1])?,
            _ => return Err(input_error(self, "texts `[batch]` or `[batch, ..., 1]`".into(), format!("shape {dims}"))),
        };
        let tokens = cx.g.add_single(Tokenize { split, ngrams, length }, &[x])?;
        let mut places = cx.apply_one(&self.lookup, tokens)?;
        match dims.rank() {
            Some(0) => places = cx.g.squeeze(places, &[0])?,
            Some(rank) if rank > 2 => places = with_leading_axes(cx, places, texts)?,
            _ => {}
        }
        Ok(vec![places])
    }

    fn config(&self) -> Result<Config> {
        let lookup = self.lookup.config()?;
        let of_lookup = |key: &str| lookup.get(key).cloned().unwrap_or(Json::Null);
        Ok(self
            .base
            .config()
            .with("max_tokens", self.max_tokens.map(|n| n as i64))
            .with("standardize", name_of(&Standardize::WORDS, self.standardize))
            .with("split", name_of(&SPLITS, self.split))
            .with("ngrams", self.ngrams.clone())
            .with("output_mode", self.output_mode.name())
            .with("output_sequence_length", self.output_sequence_length.map(|n| n as i64))
            .with("pad_to_max_tokens", self.pad_to_max_tokens)
            .with("sparse", self.sparse)
            .with("ragged", self.ragged)
            .with("vocabulary", of_lookup("vocabulary"))
            .with("idf_weights", of_lookup("idf_weights"))
            .with("encoding", self.encoding.as_str())
            .with("vocabulary_size", of_lookup("vocabulary_size"))
            .with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("_lookup_layer".to_string(), Tracked::Layer(self.lookup.clone()))]
    }

    fn state(&self) -> Option<&dyn LayerState> {
        Some(self)
    }

    fn learnt(&self, config: &mut Config) -> Result<()> {
        self.lookup.learnt(config)
    }

    fn autocast(&self) -> bool {
        false
    }

    fn input_dtype(&self) -> DType {
        DType::String
    }
}

impl LayerState for TextVectorization {
    fn arrays(&self) -> Vec<(String, Tensor)> {
        self.lookup().arrays()
    }

    fn set_arrays(&self, arrays: &[(String, Tensor)]) -> Result<()> {
        self.lookup().set_arrays(arrays)
    }

    fn counts_as_weight(&self) -> bool {
        self.lookup().counts_as_weight()
    }

    fn assets(&self) -> Vec<(String, Vec<u8>)> {
        self.lookup().assets()
    }

    fn set_assets(&self, assets: &[(String, Vec<u8>)]) -> Result<()> {
        self.lookup().set_assets(assets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_functions_are_refused() {
        let config = Config::new().with("standardize", Config::new().with("class_name", "function"));
        let error = TextVectorization::from_config(&Fields::of(&config)).unwrap_err().to_string();
        assert!(error.contains("standardize") && error.contains("Python code"), "{error}");
    }

    #[test]
    fn numbers_of_ngrams_are_checked() {
        let error = TextVectorization::new().ngrams(vec![0]).adapt(["a"]).unwrap_err().to_string();
        assert!(error.contains("positive integers"), "{error}");
    }
}
