//! `StringLookup` and `IntegerLookup`: tokens as their places in a vocabulary.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_graph::ops::{
    IndexLookup, OutOfVocabulary, TableHandle, TokenLookup, TokenWeights, Tokens, Vocabulary, Weights,
};
use kerox_tensor::{DType, Shape, Tensor, Variable};

use super::hashing::{salt, salt_json};
use super::output_mode::{Encoding, encode, index_policy};
use super::token_counts::TokenCounts;
use super::{AdaptData, OutputMode, vocabulary_text};
use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, Layer, LayerRef, LayerState, Result};

/// Tokens as their places in a vocabulary, or the tokens at places.
///
/// The places are: the mask token at 0 (with output mode `int`, where there is one), then `num_oov_indices` places for
/// tokens that are in no vocabulary, then the vocabulary.
///
/// # Arguments
/// * `max_tokens`: the most places, all of them counted.
/// * `num_oov_indices`: 1 by default. With 0 an unknown token is an error; with more than 1 the place is found by a
///   hash (of integers by the remainder, or FarmHash with `oov_method("farmhash")`).
/// * `mask_token`, `oov_token`: the tokens at the special places; `[UNK]` or -1 for unknown ones.
/// * `vocabulary`: a list, with or without the special tokens, or the path of a file with one token a line.
/// * `idf_weights`: the weights of the tokens, with output mode `tf_idf`.
/// * `invert`: whether places are given and tokens come out.
/// * `output_mode`: `int` (the default), `one_hot`, `multi_hot`, `count` or `tf_idf`.
/// * `pad_to_max_tokens`: whether rows have `max_tokens` elements even where the vocabulary is smaller.
///
/// # Shapes
/// input and output alike with `int`; else input `[batch]` or `[batch, n]`, output `[batch, places]`.
///
/// # Errors
/// Repeated tokens, special tokens in wrong places, more tokens than `max_tokens`, a layer without a vocabulary that
/// is run, an unknown token without a place.
///
/// # Example
/// ```
/// use kerox_layers::{core::InputLayer, LayerExt, preprocessing::StringLookup};
/// use kerox_tensor::DType;
/// let lookup = StringLookup::new().vocabulary(["a", "b"])?.output_mode("multi_hot");
/// assert_eq!(lookup.get_vocabulary(), ["[UNK]", "a", "b"]);
/// let y = lookup.on(&InputLayer::new([5]).input_dtype(DType::String).tensor())?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.StringLookup`, `keras.layers.IntegerLookup`; `sparse` has no effect, outputs are dense. The path of a
/// vocabulary in a file's configuration is kept, but only [`Lookup::set_vocabulary_file`] reads files.
#[derive(Debug)]
pub struct Lookup<const STRINGS: bool> {
    base: Base,
    options: Options,
    /// Given to the constructor: a list, a path, or nothing.
    given: Json,
    given_weights: Json,
    vocabulary: Arc<Vocabulary>,
    weights: Arc<Weights>,
    /// Number of places, once known.
    size: Mutex<Option<usize>>,
}

/// Of strings.
pub type StringLookup = Lookup<true>;
/// Of integers.
pub type IntegerLookup = Lookup<false>;

#[derive(Clone, Debug)]
struct Options {
    invert: bool,
    max_tokens: Option<usize>,
    num_oov_indices: usize,
    oov_token: Json,
    mask_token: Json,
    output_mode: OutputMode,
    sparse: bool,
    pad_to_max_tokens: bool,
    vocabulary_dtype: String,
    encoding: String,
    oov_method: String,
    salt: Option<[u64; 2]>,
}

impl<const STRINGS: bool> Default for Lookup<STRINGS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const STRINGS: bool> Lookup<STRINGS> {
    const CLASS: &'static str = if STRINGS { "StringLookup" } else { "IntegerLookup" };

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// With everything at its default, to be adapted.
    pub fn new() -> Self {
        let mut base = Base::new(Self::CLASS);
        index_policy(&mut base, OutputMode::Int);
        Lookup {
            base,
            options: Options {
                invert: false,
                max_tokens: None,
                num_oov_indices: 1,
                oov_token: if STRINGS { "[UNK]".into() } else { Json::Int(-1) },
                mask_token: Json::Null,
                output_mode: OutputMode::Int,
                sparse: false,
                pad_to_max_tokens: false,
                vocabulary_dtype: "int64".into(),
                encoding: "utf-8".into(),
                oov_method: "floormod".into(),
                salt: None,
            },
            given: Json::Null,
            given_weights: Json::Null,
            vocabulary: Arc::default(),
            weights: Arc::default(),
            size: Mutex::new(None),
        }
    }

    /// The most places.
    #[must_use]
    pub fn max_tokens(mut self, max_tokens: usize) -> Self {
        self.options.max_tokens = Some(max_tokens);
        self
    }

    /// Number of places for unknown tokens.
    #[must_use]
    pub fn num_oov_indices(mut self, count: usize) -> Self {
        self.options.num_oov_indices = count;
        self
    }

    /// The token that stands for nothing.
    #[must_use]
    pub fn mask_token(mut self, token: impl Into<Json>) -> Self {
        self.options.mask_token = token.into();
        self
    }

    /// The token that stands for unknown ones.
    #[must_use]
    pub fn oov_token(mut self, token: impl Into<Json>) -> Self {
        self.options.oov_token = token.into();
        self
    }

    /// Whether places are given and tokens come out.
    #[must_use]
    pub fn invert(mut self, invert: bool) -> Self {
        self.options.invert = invert;
        self
    }

    /// What is given: `int` (the default), `one_hot`, `multi_hot`, `count` or `tf_idf`.
    #[must_use]
    pub fn output_mode(mut self, mode: impl Into<OutputMode>) -> Self {
        self.options.output_mode = mode.into();
        index_policy(&mut self.base, self.options.output_mode);
        self
    }

    /// Whether rows have `max_tokens` elements.
    #[must_use]
    pub fn pad_to_max_tokens(mut self, pad: bool) -> Self {
        self.options.pad_to_max_tokens = pad;
        self
    }

    /// How unknown integers find their place: `floormod` (the default) or `farmhash`.
    #[must_use]
    pub fn oov_method(mut self, method: &str) -> Self {
        self.options.oov_method = method.into();
        self
    }

    /// The key of SipHash for places of unknown tokens.
    #[must_use]
    pub fn salt(mut self, salt: [u64; 2]) -> Self {
        self.options.salt = Some(salt);
        self
    }

    /// The vocabulary; special tokens are given before it.
    ///
    /// # Errors
    /// As [`Lookup::set_vocabulary`].
    pub fn vocabulary<T: Into<Json>>(mut self, tokens: impl IntoIterator<Item = T>) -> Result<Self> {
        self.given = Json::List(tokens.into_iter().map(Into::into).collect());
        let tokens = self.tokens_of(&self.given)?;
        self.set_vocabulary(tokens)?;
        Ok(self)
    }

    /// The vocabulary with the weights of its tokens, for output mode `tf_idf`.
    ///
    /// # Errors
    /// As [`Lookup::set_vocabulary_and_weights`].
    pub fn vocabulary_and_weights<T: Into<Json>>(
        mut self,
        tokens: impl IntoIterator<Item = T>,
        idf_weights: &[f32],
    ) -> Result<Self> {
        self = self.output_mode(OutputMode::TfIdf);
        self.given = Json::List(tokens.into_iter().map(Into::into).collect());
        self.given_weights = Json::List(idf_weights.iter().map(|&w| Json::Float(f64::from(w))).collect());
        let tokens = self.tokens_of(&self.given)?;
        self.set_vocabulary_and_weights(tokens, idf_weights)?;
        Ok(self)
    }

    /// The vocabulary of a file with one token a line, special tokens not among them.
    ///
    /// # Errors
    /// As [`Lookup::set_vocabulary_file`].
    pub fn vocabulary_file(mut self, path: impl AsRef<Path>) -> Result<Self> {
        self.given = path.as_ref().to_string_lossy().into_owned().into();
        self.set_vocabulary_file(path)?;
        Ok(self)
    }

    fn tokens_of(&self, list: &Json) -> Result<Tokens> {
        vocabulary_text::from_json(&kerox_config_json::Node::root(list).list()?, STRINGS)
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut base = Base::from_config(Self::CLASS, fields)?;
        let output_mode = OutputMode::read(fields, OutputMode::Int)?;
        index_policy(&mut base, output_mode);
        let json = |key: &str, default: Json| match fields.present(key) {
            Some(node) => node.value().clone(),
            None => default,
        };
        let mut layer = Self::new();
        layer.options = Options {
            invert: fields.bool_or("invert", false)?,
            max_tokens: fields.opt_positive("max_tokens")?,
            num_oov_indices: fields.unsigned_or("num_oov_indices", 1)?,
            oov_token: json("oov_token", layer.options.oov_token.clone()),
            mask_token: json("mask_token", Json::Null),
            output_mode,
            sparse: fields.bool_or("sparse", false)?,
            pad_to_max_tokens: fields.bool_or("pad_to_max_tokens", false)?,
            vocabulary_dtype: fields.str_or("vocabulary_dtype", "int64")?.into(),
            encoding: fields.str_or("encoding", "utf-8")?.into(),
            oov_method: fields.str_or("oov_method", "floormod")?.into(),
            salt: salt(fields)?,
        };
        layer.base = base;
        // Older versions wrote these, and a vocabulary that is elsewhere.
        fields.ignore("has_static_table");
        fields.ignore("has_input_vocabulary");
        layer.given_weights = json("idf_weights", Json::Null);
        layer.given = json("vocabulary", Json::Null);
        layer.size = Mutex::new(fields.opt_positive("vocabulary_size")?);
        if let Some(node) = fields.get("vocabulary").filter(|node| node.value().as_list().is_some()) {
            let tokens = vocabulary_text::from_json(&node.list()?, STRINGS)?;
            let weights = match fields.get("idf_weights") {
                Some(node) => {
                    let list = node.list()?;
                    Some(list.iter().map(|w| Ok(w.float()? as f32)).collect::<Result<Vec<f32>>>()?)
                }
                None => None,
            };
            if !tokens.is_empty() {
                layer.set(tokens, weights.as_deref())?;
            }
        } else if let Some(node) = fields.get("vocabulary") {
            node.str()?;
        }
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn special(&self, json: &Json, argument: &str) -> Result<Option<Tokens>> {
        Ok(match json {
            Json::Null => None,
            Json::String(text) if STRINGS => Some(Tokens::Strings(vec![text.clone().into_bytes()])),
            other => match other.as_i64().filter(|_| !STRINGS) {
                Some(number) => Some(Tokens::Ints(vec![number])),
                None => {
                    let expected = if STRINGS { "a string" } else { "an integer" };
                    return Err(argument_error(&self.base, argument, expected, other.describe()));
                }
            },
        })
    }

    fn mask(&self) -> Result<Option<Tokens>> {
        self.special(&self.options.mask_token, "mask_token")
    }

    fn oov(&self) -> Result<Option<Tokens>> {
        self.special(&self.options.oov_token, "oov_token")
    }

    /// The first place for unknown tokens.
    fn oov_start(&self) -> usize {
        usize::from(!self.options.mask_token.is_null() && self.options.output_mode == OutputMode::Int)
    }

    /// The first place of the vocabulary.
    fn token_start(&self) -> usize {
        self.oov_start() + self.options.num_oov_indices
    }

    /// What comes out, unless tokens do. In Keras 3 the policy has no say in it.
    fn output_dtype(&self) -> DType {
        match self.base.is_keras3() {
            true if self.options.output_mode == OutputMode::TfIdf => DType::F32,
            true => DType::I64,
            false => self.base.policy().compute,
        }
    }

    fn check_options(&self) -> Result<()> {
        let (options, base) = (&self.options, &self.base);
        if options.max_tokens.is_some_and(|n| n <= 1) {
            return Err(argument_error(base, "max_tokens", "more than 1, or none", "1 or less"));
        }
        if options.pad_to_max_tokens && options.max_tokens.is_none() {
            return Err(argument_error(base, "max_tokens", "a number, as `pad_to_max_tokens` is true", "none"));
        }
        if options.invert && options.output_mode != OutputMode::Int {
            let found = format!("`{}`", options.output_mode.name());
            return Err(argument_error(base, "output_mode", "`int`, as `invert` is true", found));
        }
        if !matches!(options.oov_method.as_str(), "floormod" | "farmhash") {
            let found = format!("`{}`", options.oov_method);
            return Err(argument_error(base, "oov_method", "`floormod` or `farmhash`", found));
        }
        Ok(())
    }

    /// The vocabulary with its special tokens, in the order of places; empty before there is one.
    pub fn get_vocabulary(&self) -> Vec<String> {
        let Some(tokens) = self.all_tokens() else { return Vec::new() };
        (0..tokens.len()).map(|i| tokens.text(i)).collect()
    }

    /// The vocabulary with its special tokens, in the order of places.
    pub fn all_tokens(&self) -> Option<Tokens> {
        let tokens = self.vocabulary.tokens()?;
        let (mask, oov) = (self.mask().ok().flatten(), self.oov().ok().flatten());
        Some(match tokens {
            Tokens::Strings(tokens) => {
                let first = |t: &Option<Tokens>| match t {
                    Some(Tokens::Strings(list)) => list.first().cloned().unwrap_or_default(),
                    _ => Vec::new(),
                };
                let mut all = vec![first(&mask); self.oov_start()];
                all.extend(vec![first(&oov); self.options.num_oov_indices]);
                all.extend(tokens);
                Tokens::Strings(all)
            }
            Tokens::Ints(tokens) => {
                let first = |t: &Option<Tokens>| match t {
                    Some(Tokens::Ints(list)) => list.first().copied().unwrap_or_default(),
                    _ => 0,
                };
                let mut all = vec![first(&mask); self.oov_start()];
                all.extend(vec![first(&oov); self.options.num_oov_indices]);
                all.extend(tokens);
                Tokens::Ints(all)
            }
        })
    }

    /// The number of places; `None` before there is a vocabulary.
    pub fn vocabulary_size(&self) -> Option<usize> {
        let known = self.vocabulary.count().map(|n| n + self.token_start());
        known.or(*self.size.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The weights of the places, with output mode `tf_idf`.
    pub fn idf_weights(&self) -> Option<Vec<f32>> {
        self.weights.get()
    }

    /// Replaces the vocabulary, which may begin with the special tokens.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where a token comes twice, a special token stands elsewhere, there are too many, or
    /// output mode `tf_idf` wants weights.
    ///
    /// # Source
    /// `keras.layers.StringLookup.set_vocabulary`.
    pub fn set_vocabulary(&self, tokens: Tokens) -> Result<()> {
        self.set(tokens, None)
    }

    /// Replaces the vocabulary and the weights of its tokens.
    ///
    /// # Errors
    /// As [`Lookup::set_vocabulary`]; where there is not one weight a token.
    pub fn set_vocabulary_and_weights(&self, tokens: Tokens, idf_weights: &[f32]) -> Result<()> {
        self.set(tokens, Some(idf_weights))
    }

    /// Replaces the vocabulary by the lines of a file, special tokens not among them.
    ///
    /// # Errors
    /// As [`Lookup::set_vocabulary`]; where the file cannot be read. Output mode `tf_idf` has no files.
    pub fn set_vocabulary_file(&self, path: impl AsRef<Path>) -> Result<()> {
        if self.options.output_mode == OutputMode::TfIdf {
            let expected = "an output mode other than `tf_idf`, whose weights are in no file";
            return Err(argument_error(&self.base, "vocabulary", expected, "a path"));
        }
        let tokens = vocabulary_text::from_file(&self.base, path.as_ref(), STRINGS)?;
        self.check_tokens(&tokens)?;
        self.put_size(&tokens);
        let name = path.as_ref().file_name().map_or_else(|| "vocabulary.txt".into(), |name| name.to_string_lossy());
        self.vocabulary.set_file(tokens, name);
        Ok(())
    }

    fn set(&self, tokens: Tokens, weights: Option<&[f32]>) -> Result<()> {
        self.check_options()?;
        let is_weighted = self.options.output_mode == OutputMode::TfIdf;
        if is_weighted != weights.is_some() {
            let (expected, found) = match is_weighted {
                true => ("weights, one a token, as the output mode is `tf_idf`", "none"),
                false => ("none, as the output mode is not `tf_idf`", "some"),
            };
            return Err(argument_error(&self.base, "idf_weights", expected, found));
        }
        if tokens.is_empty() {
            return Err(argument_error(&self.base, "vocabulary", "at least one token", "none"));
        }
        let start = self.token_start();
        let mut special = vec![self.mask()?; self.oov_start()];
        special.extend(vec![self.oov()?; self.options.num_oov_indices]);
        let has_special = special.len() <= tokens.len()
            && special.iter().enumerate().all(|(i, token)| token.as_ref().is_some_and(|t| t.text(0) == tokens.text(i)));
        let tokens = if has_special { without_first(tokens, start) } else { tokens };
        self.check_tokens(&tokens)?;
        if let Some(weights) = weights {
            let expected = tokens.len() + if has_special { start } else { 0 };
            if weights.len() != expected {
                let expected = format!("{expected} weights, one a token");
                return Err(argument_error(&self.base, "idf_weights", expected, weights.len().to_string()));
            }
            let mean = weights.iter().sum::<f32>() / weights.len() as f32;
            let mut all = if has_special { Vec::new() } else { vec![mean; start] };
            all.extend(weights);
            self.put_weights(all)?;
        }
        self.put(tokens)
    }

    fn put_weights(&self, mut weights: Vec<f32>) -> Result<()> {
        if let Some(max) = self.options.max_tokens.filter(|_| self.options.pad_to_max_tokens) {
            weights.resize(max.max(weights.len()), 0.0);
        }
        Ok(self.weights.set(weights)?)
    }

    fn check_tokens(&self, tokens: &Tokens) -> Result<()> {
        let wrong = |expected: &str, found: String| Err(argument_error(&self.base, "vocabulary", expected, found));
        let repeated = tokens.repeated();
        if !repeated.is_empty() {
            let shown: Vec<String> = repeated.iter().take(5).map(|t| format!("`{t}`")).collect();
            return wrong("each token once", format!("{} more than once", shown.join(", ")));
        }
        let holds = |special: Option<Tokens>| {
            special.filter(|s| (0..tokens.len()).any(|i| tokens.text(i) == s.text(0))).map(|s| s.text(0))
        };
        if let Some(found) = holds(self.mask()?) {
            return wrong("the mask token at its place or not at all", format!("`{found}` among the tokens"));
        }
        if let Some(found) = holds(self.oov()?).filter(|_| self.options.invert) {
            return wrong(
                "the token of unknown ones at its place or not at all",
                format!("`{found}` among the tokens"),
            );
        }
        if let Some(max) = self.options.max_tokens {
            let size = tokens.len() + self.token_start();
            if size > max {
                let expected = format!("at most {max} places, which is `max_tokens`");
                return wrong(&expected, format!("{size} with the special ones"));
            }
        }
        Ok(())
    }

    fn put(&self, tokens: Tokens) -> Result<()> {
        self.put_size(&tokens);
        self.vocabulary.set(tokens);
        Ok(())
    }

    fn put_size(&self, tokens: &Tokens) {
        let size = tokens.len() + self.token_start();
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = Some(size);
    }

    /// Learns the vocabulary: the most frequent tokens first, of equally frequent ones the greater first. A batch of
    /// one axis counts as one document for `tf_idf`, a row of any other is one.
    ///
    /// # Errors
    /// Where the vocabulary was given, or the data are of another type.
    ///
    /// # Source
    /// `keras.layers.StringLookup.adapt`.
    pub fn adapt(&self, data: impl Into<AdaptData>) -> Result<()> {
        let mut counts = TokenCounts::default();
        for batch in data.into().into_batches() {
            let tokens = self.batch_tokens(&batch)?;
            let row = if batch.rank() < 2 { tokens.len() } else { batch.shape()[1..].iter().product() };
            counts.add_rows(&tokens, row);
        }
        self.finish(counts)
    }

    fn batch_tokens(&self, batch: &Tensor) -> Result<Tokens> {
        let tokens = Tokens::of(batch).filter(|tokens| matches!(tokens, Tokens::Strings(_)) == STRINGS);
        let expected = if STRINGS { "strings" } else { "integers" };
        tokens.ok_or_else(|| argument_error(&self.base, "adapt", expected, batch.dtype().to_string()))
    }

    /// Makes the vocabulary of what was counted.
    pub(super) fn finish(&self, counts: TokenCounts) -> Result<()> {
        self.check_options()?;
        if !self.given.is_null() {
            let expected = "a layer that was given no vocabulary";
            return Err(argument_error(&self.base, "adapt", expected, "`vocabulary`"));
        }
        let special = [self.mask()?, self.oov()?];
        let special: Vec<String> = special.iter().flatten().map(|token| token.text(0)).collect();
        let most = self.options.max_tokens.map(|max| max.saturating_sub(self.token_start()));
        let (tokens, documents) = counts.most_frequent(STRINGS, &special, most);
        if tokens.is_empty() {
            return Err(argument_error(&self.base, "adapt", "at least one token", "none"));
        }
        if self.options.output_mode == OutputMode::TfIdf {
            let total = counts.documents() as f64;
            let idf: Vec<f32> = documents.iter().map(|&n| (1.0 + total / (1.0 + n as f64)).ln() as f32).collect();
            let mean = idf.iter().sum::<f32>() / idf.len() as f32;
            let mut all = vec![mean; self.token_start()];
            all.extend(idf);
            self.put_weights(all)?;
        }
        self.put(tokens)
    }

    /// What becomes of tokens, or of places.
    fn lookup(&self) -> Result<TokenLookup> {
        let options = &self.options;
        if options.invert {
            let unknown = self.oov()?.unwrap_or(match STRINGS {
                true => Tokens::Strings(vec![Vec::new()]),
                false => Tokens::Ints(vec![-1]),
            });
            return Ok(TokenLookup::Tokens { unknown, mask: self.mask()? });
        }
        let first = self.oov_start() as i64;
        let hash = |key| OutOfVocabulary::Hash { first, count: options.num_oov_indices as u64, key };
        let unknown = match options.num_oov_indices {
            0 => OutOfVocabulary::Refuse,
            1 => OutOfVocabulary::Index(first),
            _ if STRINGS || options.oov_method == "farmhash" => hash(options.salt),
            n => OutOfVocabulary::Modulo { first, count: n as i64 },
        };
        // Masked tokens are left out of counts: no place is so large.
        let masked = if options.output_mode == OutputMode::Int { 0 } else { i64::MAX };
        Ok(TokenLookup::Places { unknown, mask: self.mask()?.map(|mask| (mask, masked)) })
    }

    fn operation(&self) -> Result<IndexLookup> {
        Ok(IndexLookup {
            vocabulary: self.vocabulary.clone(),
            first: self.token_start() as i64,
            lookup: self.lookup()?,
            owner: self.base.name().to_string(),
        })
    }
}

fn without_first(tokens: Tokens, n: usize) -> Tokens {
    match tokens {
        Tokens::Strings(list) => Tokens::Strings(list.into_iter().skip(n).collect()),
        Tokens::Ints(list) => Tokens::Ints(list.into_iter().skip(n).collect()),
    }
}

impl<const STRINGS: bool> Layer for Lookup<STRINGS> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        self.check_options()?;
        let mut x = one_input(self, args)?;
        let options = &self.options;
        let dtype = self.output_dtype();
        let found = cx.g.dtype(x);
        let is_int = matches!(found, DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::U8 | DType::U16);
        if (options.invert || !STRINGS) && found != DType::I64 {
            if !is_int && !found.is_float() {
                return Err(input_error(self, "integers".into(), found.to_string()));
            }
            x = cx.g.cast(x, DType::I64)?;
        }
        if STRINGS && !options.invert && found != DType::String {
            return Err(input_error(self, "strings".into(), found.to_string()));
        }
        let places = cx.g.add_single(self.operation()?, &[x])?;
        if options.invert {
            return Ok(vec![places]);
        }
        if options.output_mode == OutputMode::Int {
            return Ok(vec![cx.g.cast(places, dtype)?]);
        }
        let depth = match (options.pad_to_max_tokens, options.max_tokens) {
            (true, Some(max)) => Some(max),
            _ => self.vocabulary_size(),
        };
        let Some(depth) = depth else {
            let mode = options.output_mode.name();
            let expected = format!("a vocabulary before the layer is called with output mode `{mode}`: call `adapt`");
            return Err(argument_error(&self.base, "vocabulary", expected, "none"));
        };
        let encoding = Encoding::new(self, options.output_mode, depth).dtype(dtype);
        let counts = encode(self, cx, places, encoding, None)?;
        if options.output_mode != OutputMode::TfIdf {
            return Ok(vec![counts]);
        }
        let owner = self.base.name().to_string();
        let weights = cx.g.add_single(TokenWeights { weights: self.weights.clone(), count: depth, owner }, &[])?;
        let weights = cx.g.cast(weights, dtype)?;
        Ok(vec![cx.g.multiply(counts, weights)?])
    }

    fn config(&self) -> Result<Config> {
        let options = &self.options;
        let mut config = self
            .base
            .config()
            .with("invert", options.invert)
            .with("max_tokens", options.max_tokens.map(|n| n as i64))
            .with("num_oov_indices", options.num_oov_indices as i64)
            .with("oov_token", options.oov_token.clone())
            .with("mask_token", options.mask_token.clone())
            .with("output_mode", options.output_mode.name())
            .with("sparse", options.sparse)
            .with("pad_to_max_tokens", options.pad_to_max_tokens);
        if !STRINGS {
            config.insert("vocabulary_dtype", options.vocabulary_dtype.as_str());
        }
        config.insert("idf_weights", self.given_weights.clone());
        config.insert("vocabulary", self.given.clone());
        config.insert("vocabulary_size", self.vocabulary_size().map(|n| n as i64));
        if options.oov_method != "floormod" || options.salt.is_some() {
            config.insert("oov_method", options.oov_method.as_str());
            config.insert("salt", salt_json(options.salt));
        }
        if STRINGS {
            config.insert("encoding", options.encoding.as_str());
        }
        Ok(config.with_rest(self.base.rest()))
    }

    fn state(&self) -> Option<&dyn LayerState> {
        Some(self)
    }

    fn open_weight(&self, attr: &str, shape: &Shape) -> Option<Variable> {
        let is_idf = attr == "idf_weights" && shape.rank() == 1 && self.options.output_mode == OutputMode::TfIdf;
        let zeros = Tensor::zeros(DType::F32, shape.clone()).ok().filter(|_| is_idf)?;
        Some(Variable::new("Variable", zeros, false))
    }

    fn adopt_weight(&self, _: &str, variable: Variable) {
        self.weights.put(variable);
    }

    fn learnt(&self, config: &mut Config) -> Result<()> {
        let Some(tokens) = self.all_tokens().filter(|_| self.given.as_list().is_none()) else { return Ok(()) };
        config.insert("vocabulary", vocabulary_text::to_json(&tokens));
        if let Some(weights) = self.weights.get() {
            // Those beyond the vocabulary are made again.
            let weights = weights.into_iter().take(tokens.len()).map(|w| Json::Float(f64::from(w)));
            config.insert("idf_weights", Json::List(weights.collect()));
        }
        Ok(())
    }

    fn autocast(&self) -> bool {
        false
    }

    fn input_dtype(&self) -> DType {
        if STRINGS && !self.options.invert { DType::String } else { DType::I64 }
    }
}

impl<const STRINGS: bool> LayerState for Lookup<STRINGS> {
    fn arrays(&self) -> Vec<(String, Tensor)> {
        self.variables().into_iter().map(|(name, variable)| (name, variable.value())).collect()
    }

    fn variables(&self) -> Vec<(String, Variable)> {
        let variable = self.weights.variable().filter(|_| self.options.output_mode == OutputMode::TfIdf);
        variable.map(|variable| ("idf_weights".to_string(), variable)).into_iter().collect()
    }

    fn set_arrays(&self, arrays: &[(String, Tensor)]) -> Result<()> {
        if let Some((_, array)) = arrays.iter().find(|(name, _)| name == "idf_weights") {
            let array = array.cast(DType::F32)?;
            self.weights.set(array.as_slice::<f32>()?.to_vec())?;
        }
        Ok(())
    }

    fn tables(&self) -> Result<Vec<(String, TableHandle)>> {
        match self.vocabulary.is_set() {
            true => Ok(vec![("lookup_table".into(), self.operation()?.table()?)]),
            false => Ok(Vec::new()),
        }
    }

    fn set_tables(&self, tables: &[(String, Tensor, Tensor)]) -> Result<()> {
        let Some((_, keys, values)) = tables.iter().find(|(name, ..)| name == "lookup_table") else { return Ok(()) };
        let (tokens, places) = if self.options.invert { (values, keys) } else { (keys, values) };
        let wrong = |expected: String, found: String| Err(argument_error(&self.base, "vocabulary", expected, found));
        let (Some(tokens), Some(Tokens::Ints(places))) = (Tokens::of(tokens), Tokens::of(places)) else {
            return wrong("tokens and their places".into(), format!("{} and {}", tokens.dtype(), places.dtype()));
        };
        if matches!(tokens, Tokens::Strings(_)) != STRINGS {
            return wrong(if STRINGS { "strings" } else { "integers" }.into(), tokens.dtype().to_string());
        }
        if tokens.is_empty() {
            // The layer was not adapted yet.
            return Ok(());
        }
        let mut order: Vec<(i64, usize)> = places.into_iter().zip(0..).collect();
        order.sort_unstable();
        let first = self.token_start() as i64;
        if let Some((place, _)) = order.iter().zip(first..).find_map(|(at, expected)| (at.0 != expected).then_some(*at))
        {
            return wrong(format!("tokens at the places from {first} on"), format!("one at {place}"));
        }
        let tokens = match tokens {
            Tokens::Strings(all) => Tokens::Strings(order.iter().filter_map(|(_, at)| all.get(*at).cloned()).collect()),
            Tokens::Ints(all) => Tokens::Ints(order.iter().filter_map(|(_, at)| all.get(*at).copied()).collect()),
        };
        self.check_tokens(&tokens)?;
        match self.given.as_str().map(Path::new).and_then(Path::file_name) {
            Some(name) => {
                self.put_size(&tokens);
                self.vocabulary.set_file(tokens, name.to_string_lossy());
                Ok(())
            }
            None => self.put(tokens),
        }
    }

    fn counters(&self) -> Vec<(String, Option<DType>)> {
        let tokens = Some(if STRINGS { DType::String } else { DType::I64 });
        match (self.given.is_null(), self.options.output_mode) {
            (false, _) => Vec::new(),
            (true, OutputMode::TfIdf) => vec![
                ("token_counts".into(), tokens),
                ("token_document_counts".into(), tokens),
                ("num_documents".into(), None),
            ],
            (true, _) => vec![("token_counts".into(), tokens)],
        }
    }

    fn counts_as_weight(&self) -> bool {
        self.given.is_null() || self.options.output_mode == OutputMode::TfIdf
    }

    fn assets(&self) -> Vec<(String, Vec<u8>)> {
        // A vocabulary that was given stands in the configuration.
        let tokens = self.all_tokens().filter(|_| self.given.as_list().is_none());
        tokens.map(|tokens| ("vocabulary.txt".to_string(), vocabulary_text::to_text(&tokens))).into_iter().collect()
    }

    fn set_assets(&self, assets: &[(String, Vec<u8>)]) -> Result<()> {
        let Some((_, text)) = assets.iter().find(|(name, _)| name == "vocabulary.txt") else { return Ok(()) };
        let weights = self.weights.get();
        let tokens = vocabulary_text::from_text(&self.base, text, STRINGS)?;
        match self.options.output_mode {
            OutputMode::TfIdf => {
                // The weights are those of all places and came before.
                let weights = weights.unwrap_or_default();
                let weights: Vec<f32> = weights.into_iter().take(tokens.len()).collect();
                self.set(tokens, Some(&weights))
            }
            _ => self.set(tokens, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn vocabularies_that_do_not_fit_are_refused() {
        assert!(message(StringLookup::new().vocabulary(["a", "b", "a"])).contains("`a` more than once"));
        assert!(message(StringLookup::new().vocabulary(Vec::<&str>::new())).contains("at least one token"));
        assert!(message(StringLookup::new().max_tokens(2).vocabulary(["a", "b"])).contains("3 with the special ones"));
        assert!(message(StringLookup::new().mask_token("").vocabulary(["a", ""])).contains("mask token"));
        assert!(message(StringLookup::new().pad_to_max_tokens(true).vocabulary(["a"])).contains("`max_tokens`"));
        assert!(message(StringLookup::new().invert(true).output_mode("count").vocabulary(["a"])).contains("`int`"));
        assert!(message(IntegerLookup::new().vocabulary(["a"])).contains("integer"));
        assert!(message(StringLookup::new().output_mode("tf_idf").vocabulary(["a"])).contains("`idf_weights`"));
        assert!(message(StringLookup::new().vocabulary(["a"]).unwrap().adapt(["b"])).contains("no vocabulary"));
    }

    #[test]
    fn special_tokens_are_found() {
        let lookup = StringLookup::new().mask_token("").vocabulary(["", "[UNK]", "x"]).unwrap();
        assert_eq!(lookup.get_vocabulary(), ["", "[UNK]", "x"]);
        assert_eq!(lookup.vocabulary_size(), Some(3));
    }

    #[test]
    fn assets_are_read_again() {
        let lookup = StringLookup::new().output_mode("tf_idf");
        lookup.adapt(["a", "b", "b"]).unwrap();
        let again = StringLookup::new().output_mode("tf_idf");
        again.set_arrays(&lookup.arrays()).unwrap();
        again.set_assets(&lookup.assets()).unwrap();
        assert_eq!(again.get_vocabulary(), ["[UNK]", "b", "a"]);
        assert_eq!(again.idf_weights(), lookup.idf_weights());
    }

    #[test]
    fn a_file_is_a_vocabulary() {
        let path = std::env::temp_dir().join(format!("kerox-vocabulary-{}.txt", std::process::id()));
        std::fs::write(&path, "x\r\ny\n").unwrap();
        let lookup = StringLookup::new().vocabulary_file(&path).unwrap();
        assert_eq!(lookup.get_vocabulary(), ["[UNK]", "x", "y"]);
        assert!(message(IntegerLookup::new().vocabulary_file(&path)).contains("line 1"));
        std::fs::remove_file(&path).unwrap();
        assert!(message(StringLookup::new().vocabulary_file(&path)).contains("can be read"));
    }
}
