//! What a lookup layer keeps in files beside its configuration.

use std::path::Path;

use kerox_graph::ops::{TableHandle, Tokens};
use kerox_tensor::{DType, Tensor, Variable};

use super::super::{OutputMode, vocabulary_text};
use super::Lookup;
use crate::registry::argument_error;
use crate::{LayerState, Result};

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
