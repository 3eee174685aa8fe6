//! The tokens that a lookup layer knows, with the special ones before them.

use std::path::Path;
use std::sync::PoisonError;

use kerox_config_json::Value as Json;
use kerox_graph::ops::Tokens;

use super::super::{OutputMode, vocabulary_text};
use super::Lookup;
use crate::Result;
use crate::registry::argument_error;

impl<const STRINGS: bool> Lookup<STRINGS> {
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

    pub(super) fn mask(&self) -> Result<Option<Tokens>> {
        self.special(&self.options.mask_token, "mask_token")
    }

    pub(super) fn oov(&self) -> Result<Option<Tokens>> {
        self.special(&self.options.oov_token, "oov_token")
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

    pub(super) fn set(&self, tokens: Tokens, weights: Option<&[f32]>) -> Result<()> {
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

    pub(super) fn put_weights(&self, mut weights: Vec<f32>) -> Result<()> {
        if let Some(max) = self.options.max_tokens.filter(|_| self.options.pad_to_max_tokens) {
            weights.resize(max.max(weights.len()), 0.0);
        }
        Ok(self.weights.set(weights)?)
    }

    pub(super) fn check_tokens(&self, tokens: &Tokens) -> Result<()> {
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

    pub(super) fn put(&self, tokens: Tokens) -> Result<()> {
        self.put_size(&tokens);
        self.vocabulary.set(tokens);
        Ok(())
    }

    pub(super) fn put_size(&self, tokens: &Tokens) {
        let size = tokens.len() + self.token_start();
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = Some(size);
    }
}

fn without_first(tokens: Tokens, n: usize) -> Tokens {
    match tokens {
        Tokens::Strings(list) => Tokens::Strings(list.into_iter().skip(n).collect()),
        Tokens::Ints(list) => Tokens::Ints(list.into_iter().skip(n).collect()),
    }
}
