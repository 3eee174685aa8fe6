//! Lookup layers from configurations.

use std::sync::Mutex;

use kerox_config_json::{Fields, Value as Json};
use kerox_graph::ops::Tokens;

use super::super::hashing::salt;
use super::super::output_mode::index_policy;
use super::super::{OutputMode, vocabulary_text};
use super::{Lookup, Options};
use crate::{Base, LayerRef, Result};

impl<const STRINGS: bool> Lookup<STRINGS> {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
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

    pub(super) fn tokens_of(&self, list: &Json) -> Result<Tokens> {
        vocabulary_text::from_json(&kerox_config_json::Node::root(list).list()?, STRINGS)
    }
}
