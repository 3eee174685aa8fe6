//! How the losses of the samples become one number.

use kerox_graph::{Graph, Value};
use kerox_tensor::DType;

use crate::Result;

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
}

impl Reduction {
    /// Words of files and values; Keras 3's `mean` words included.
    pub const WORDS: &'static [(&'static str, Reduction)] = &[
        ("auto", Reduction::Auto),
        ("none", Reduction::None),
        ("sum", Reduction::Sum),
        ("sum_over_batch_size", Reduction::SumOverBatchSize),
    ];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Reduction::Auto => "auto",
            Reduction::None => "none",
            Reduction::Sum => "sum",
            Reduction::SumOverBatchSize => "sum_over_batch_size",
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
        let mut weighted = losses;
        if let Some(weight) = sample_weight {
            let weight = g.cast(weight, dtype)?;
            let weight = fit_rank(g, weight, losses)?;
            weighted = g.multiply(weighted, weight)?;
        }
        if let Some(mask) = mask {
            let mask = g.cast(mask, dtype)?;
            let mask = fit_rank(g, mask, losses)?;
            weighted = g.multiply(weighted, mask)?;
            let ones = g.ones_like(mask)?;
            let (total, valid) = (g.reduce_sum(ones, &[], false)?, g.reduce_sum(mask, &[], false)?);
            let scale = g.div_no_nan(total, valid)?;
            weighted = g.multiply(weighted, scale)?;
        }
        Ok(match self {
            Reduction::None => weighted,
            Reduction::Sum => g.reduce_sum(weighted, &[], false)?,
            Reduction::Auto | Reduction::SumOverBatchSize => {
                let sum = g.reduce_sum(weighted, &[], false)?;
                let ones = g.ones_like(losses)?;
                let count = g.reduce_sum(ones, &[], false)?;
                g.div_no_nan(sum, count)?
            }
        })
    }
}

/// Brings weights to the rank of what they weigh: a last axis of 1 is dropped, missing axes are added at the end.
pub(crate) fn fit_rank(g: &mut Graph, weight: Value, like: Value) -> Result<Value> {
    let (Some(have), Some(want)) = (g.dims(weight).rank(), g.dims(like).rank()) else { return Ok(weight) };
    let mut weight = weight;
    if have == want + 1 {
        weight = g.squeeze(weight, &[-1])?;
    }
    for _ in have..want {
        weight = g.expand_dims(weight, -1)?;
    }
    debug_assert!(g.dtype(weight) != DType::Variant);
    Ok(weight)
}
