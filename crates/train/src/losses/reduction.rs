//! How the losses of the samples become one number.

use super::{spread, sum_all};
use crate::Result;
use kerox_graph::{Graph, Value};

/// How the losses of the samples become one number.
///
/// # Source
/// `keras.losses.Reduction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The same as [`Reduction::SumOverBatchSize`].
    #[default]
    Auto,
    /// They stay as they are.
    None,
    /// Their sum.
    Sum,
    /// Their sum divided by their number (weights do not change the divisor).
    SumOverBatchSize,
    /// The same, under Keras 3's name.
    Mean,
    /// Their weighted sum divided by the sum of the weights, of Keras 3.
    MeanWithSampleWeight,
}

impl Reduction {
    /// Words of files and values; Keras 3's `mean` words included.
    pub const WORDS: &'static [(&'static str, Reduction)] = &[
        ("auto", Reduction::Auto),
        ("none", Reduction::None),
        ("sum", Reduction::Sum),
        ("sum_over_batch_size", Reduction::SumOverBatchSize),
        ("mean", Reduction::Mean),
        ("mean_with_sample_weight", Reduction::MeanWithSampleWeight),
    ];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Reduction::Auto => "auto",
            Reduction::None => "none",
            Reduction::Sum => "sum",
            Reduction::SumOverBatchSize => "sum_over_batch_size",
            Reduction::Mean => "mean",
            Reduction::MeanWithSampleWeight => "mean_with_sample_weight",
        }
    }

    /// Weighs and reduces `losses`. A mask leaves samples out: the weights of the others are scaled up so that the
    /// result is their mean.
    ///
    /// # Errors
    /// Where weights or mask do not fit.
    pub fn apply(
        self,
        g: &mut Graph,
        losses: Value,
        sample_weight: Option<Value>,
        mask: Option<Value>,
    ) -> Result<Value> {
        let dtype = g.dtype(losses);
        let mut weights = None;
        if let Some(mask) = mask {
            let mask = g.cast(mask, dtype)?;
            let mut mask = fit_rank(g, mask, losses)?;
            if !matches!(self, Reduction::None | Reduction::Sum) {
                let ones = g.ones_like(mask)?;
                let (total, valid) = (sum_all(g, ones)?, sum_all(g, mask)?);
                let scale = g.div_no_nan(total, valid)?;
                mask = g.multiply(mask, scale)?;
            }
            weights = Some(mask);
        }
        if let Some(weight) = sample_weight {
            let weight = g.cast(weight, dtype)?;
            let weight = fit_rank(g, weight, losses)?;
            weights = Some(match weights {
                Some(mask) => g.multiply(mask, weight)?,
                None => weight,
            });
        }
        let weighted = match weights {
            Some(weights) => g.multiply(losses, weights)?,
            None => losses,
        };
        Ok(match self {
            Reduction::None => weighted,
            Reduction::Sum => sum_all(g, weighted)?,
            Reduction::Auto | Reduction::SumOverBatchSize | Reduction::Mean | Reduction::MeanWithSampleWeight => {
                let sum = sum_all(g, weighted)?;
                let each = match (self, weights) {
                    (Reduction::MeanWithSampleWeight, Some(weights)) => spread(g, weights, weighted)?,
                    _ => g.ones_like(weighted)?,
                };
                let count = sum_all(g, each)?;
                g.div_no_nan(sum, count)?
            }
        })
    }
}

/// Brings weights to the rank of what they weigh: a last axis of 1 is dropped, missing axes are added at the end. What
/// is one number for the whole batch is weighed by each of them.
pub(crate) fn fit_rank(g: &mut Graph, weight: Value, like: Value) -> Result<Value> {
    let (Some(have), Some(want)) = (g.dims(weight).rank(), g.dims(like).rank()) else { return Ok(weight) };
    let mut weight = weight;
    if have == want + 1 && want > 0 {
        weight = g.squeeze(weight, &[-1])?;
    }
    for _ in have..want {
        weight = g.expand_dims(weight, -1)?;
    }
    Ok(weight)
}
