//! `StringLookup` and `IntegerLookup`: tokens as their places in a vocabulary.

mod adapt;
mod config;
mod layer;
mod state;
mod vocabulary;

use std::path::Path;
use std::sync::{Arc, Mutex};

use kerox_config_json::Value as Json;
use kerox_graph::ops::{Vocabulary, Weights};

use super::OutputMode;
use super::output_mode::index_policy;
use crate::registry::{LayerEntry, argument_error};
use crate::{Base, Result};

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

    /// The first place for unknown tokens.
    fn oov_start(&self) -> usize {
        usize::from(!self.options.mask_token.is_null() && self.options.output_mode == OutputMode::Int)
    }

    /// The first place of the vocabulary.
    fn token_start(&self) -> usize {
        self.oov_start() + self.options.num_oov_indices
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LayerState;

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
