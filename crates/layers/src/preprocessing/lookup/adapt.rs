//! Vocabularies learnt from data.

use kerox_graph::ops::Tokens;
use kerox_tensor::Tensor;

use super::super::token_counts::TokenCounts;
use super::super::{AdaptData, OutputMode};
use super::Lookup;
use crate::Result;
use crate::registry::argument_error;

impl<const STRINGS: bool> Lookup<STRINGS> {
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
    pub(in crate::preprocessing) fn finish(&self, counts: TokenCounts) -> Result<()> {
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
}
