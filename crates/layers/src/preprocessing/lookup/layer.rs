//! What lookup layers compute and say of themselves.

use kerox_config_json::{Config, Value as Json};
use kerox_graph::Value;
use kerox_graph::ops::{IndexLookup, OutOfVocabulary, TokenLookup, TokenWeights, Tokens};
use kerox_tensor::{DType, Shape, Tensor, Variable};

use super::super::hashing::salt_json;
use super::super::output_mode::{Encoding, encode};
use super::super::{OutputMode, vocabulary_text};
use super::Lookup;
use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::argument_error;
use crate::{Args, Base, Call, Layer, LayerState, Result};

impl<const STRINGS: bool> Lookup<STRINGS> {
    /// What comes out, unless tokens do. In Keras 3 the policy has no say in it.
    fn output_dtype(&self) -> DType {
        match self.base.is_keras3() {
            true if self.options.output_mode == OutputMode::TfIdf => DType::F32,
            true => DType::I64,
            false => self.base.policy().compute,
        }
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

    pub(super) fn operation(&self) -> Result<IndexLookup> {
        Ok(IndexLookup {
            vocabulary: self.vocabulary.clone(),
            first: self.token_start() as i64,
            lookup: self.lookup()?,
            owner: self.base.name().to_string(),
        })
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
