//! `Equalization`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::histogram::histogram;
use super::pixels::{change_range, scale};
use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// Makes all values of a channel about equally frequent, in training: each becomes its rank among those of the batch.
///
/// # Arguments
/// `bins`: how many values are told apart; 256 by default. `value_range`: the least and the greatest value of a pixel.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::Equalization};
/// let y = Equalization::new().on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Equalization` of Keras 3, which counts over the whole batch as well.
pub type Equalization = Augmentation<Equalize>;

/// What [`Equalization`] does.
#[derive(Clone, Debug)]
pub struct Equalize {
    bins: usize,
    value_range: Factor,
}

impl Equalize {
    pub(super) fn new(value_range: Factor) -> Equalize {
        Equalize { bins: 256, value_range }
    }
}

impl Equalization {
    /// With 256 bins for values from 0 to 255.
    pub fn new() -> Equalization {
        Augmentation::of(Equalize::new(bytes()))
    }

    /// How many values are told apart; 256 by default.
    #[must_use]
    pub fn bins(self, bins: usize) -> Equalization {
        self.with(|kind| kind.bins = bins)
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> Equalization {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Default for Equalization {
    fn default() -> Equalization {
        Equalization::new()
    }
}

impl Equalize {
    /// One channel `[batch, height, width, 1]` of values from 0 to 255.
    fn channel(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let dtype = cx.g.dtype(x);
        let last = self.bins as f64 - 1.0;
        let most = cx.g.number(255.0, dtype)?;
        let bin = scale(cx, x, last)?;
        let bin = cx.g.divide(bin, most)?;
        let bin = cx.g.clip_by_value(bin, 0.0, last)?;
        let bin = cx.g.cast(bin, DType::I32)?;
        let count = cx.g.ints(&[self.bins as i64])?;
        let counts = histogram(cx, bin, count, dtype)?;
        let sums = cx.g.cumsum(counts, 0, false, false)?;
        let zero = cx.g.number(0.0, dtype)?;
        let total = cx.g.slice(sums, &[last as i64], &[1])?;
        let is_some = cx.g.greater(sums, zero)?;
        let lowest = cx.g.select(is_some, sums, total)?;
        let lowest = cx.g.reduce_min(lowest, &[0], true)?;
        let above = cx.g.subtract(sums, lowest)?;
        let above = scale(cx, above, 255.0)?;
        let width = cx.g.subtract(total, lowest)?;
        let ranks = cx.g.div_no_nan(above, width)?;
        let ranks = cx.g.unary(kerox_graph::ops::Function::Round, ranks)?;
        let ranks = cx.g.clip_by_value(ranks, 0.0, 255.0)?;
        let place = cx.g.divide(x, most)?;
        let place = scale(cx, place, last)?;
        let place = cx.g.clip_by_value(place, 0.0, last)?;
        let place = cx.g.cast(place, DType::I32)?;
        let ranked = cx.g.gather(ranks, place, 0)?;
        // Where all pixels are in one bin there is nothing to make equal.
        let is_used = cx.g.greater(counts, zero)?;
        let used = cx.g.cast(is_used, dtype)?;
        let used = cx.g.reduce_sum(used, &[0], false)?;
        let one = cx.g.number(1.0, dtype)?;
        let is_plain = cx.g.less_equal(used, one)?;
        Ok(cx.g.select(is_plain, x, ranked)?)
    }
}

impl Transform for Equalize {
    fn apply(&self, cx: &mut Call<'_>, x: Value, _: &Generator) -> Result<Value> {
        let range = self.value_range.range(0.0);
        let channels = cx.g.dims(x).axes().and_then(|axes| axes.get(3).copied().flatten());
        let Some(channels) = channels.filter(|&n| n > 0) else {
            let found = format!("shape {}", cx.g.dims(x));
            return Err(super::pixels::wrong_images(Equalize::CLASS, "images of known channels", found));
        };
        let x = change_range(cx, x, range, (0.0, 255.0))?;
        let mut equalized = Vec::with_capacity(channels);
        for channel in cx.g.split(x, channels, 3)? {
            equalized.push(self.channel(cx, channel)?);
        }
        let y = cx.g.concat(&equalized, 3)?;
        change_range(cx, y, (0.0, 255.0), range)
    }
}

impl Augment for Equalize {
    const CLASS: &'static str = "Equalization";
    const HAS_SEED: bool = false;

    fn read(fields: &Fields<'_>) -> Result<Equalize> {
        Ok(Equalize { bins: fields.positive_or("bins", 256)?, value_range: value_range(fields)? })
    }

    fn write(&self, config: Config) -> Config {
        config.with("bins", self.bins).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        // Counts beyond this are exact no more.
        if (1..=1 << 24).contains(&self.bins) {
            return Ok(());
        }
        Err(argument_error(base, "bins", "an integer from 1 to 16777216", self.bins.to_string()))
    }
}
