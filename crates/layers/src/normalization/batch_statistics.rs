//! What BatchNormalization computes: with the batch's statistics in training, which move its averages.

use kerox_graph::{Graph, Value};

use super::BatchNormalization;
use crate::call::input_error;
use crate::{Args, Call, Result};

impl BatchNormalization {
    /// A statistic as it is at this point: called again in one model, the layer goes on from what the call before gave.
    pub(super) fn statistic(&self, g: &mut Graph, attr: &str) -> Result<Value> {
        let variable = self.base.variable(attr).ok_or(crate::Error::NotBuilt)?;
        let value = g.current(&variable)?;
        self.used(g, value)
    }

    pub(super) fn set_statistic(&self, g: &mut Graph, attr: &str, value: Value) -> Result<()> {
        let variable = self.base.variable(attr).ok_or(crate::Error::NotBuilt)?;
        let value = g.cast(value, variable.dtype())?;
        g.assign(&variable, value)?;
        Ok(())
    }

    /// Moves a statistic towards a batch's; gives where it is then.
    pub(super) fn move_statistic(&self, g: &mut Graph, attr: &str, batch: Value, momentum: f64) -> Result<Value> {
        let old = self.statistic(g, attr)?;
        let dtype = g.dtype(old);
        let batch = g.cast(batch, dtype)?;
        let lengths = g.dims(old).axes().unwrap_or_default();
        let lengths: Vec<i64> = lengths.iter().map(|length| length.map_or(-1, |length| length as i64)).collect();
        let batch = g.reshape(batch, &lengths)?;
        let (keep, take) = (g.number(momentum, dtype)?, g.number(1.0 - momentum, dtype)?);
        let (old, batch) = (g.multiply(old, keep)?, g.multiply(batch, take)?);
        let new = g.add(old, batch)?;
        self.set_statistic(g, attr, new)?;
        Ok(new)
    }

    /// One axis, last: by the fused operation.
    pub(super) fn fused_operation(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        parameters: [Value; 4],
        is_training: bool,
        rank: usize,
    ) -> Result<Value> {
        let out = cx.g.batch_norm(x, parameters, self.epsilon as f32, 1.0, is_training)?;
        if is_training {
            let mut variance = out.variance;
            if !self.is_fused(rank, cx.g.dtype(x)) {
                // The operation gives the unbiased variance; back to the biased one: (n - 1) / n, 0 where n is 1.
                let dtype = cx.g.dtype(variance);
                let (all, channels) = (cx.g.size_of(x)?, cx.g.size_of(variance)?);
                let n = cx.g.floor_div(all, channels)?;
                let n = cx.g.cast(n, dtype)?;
                let one = cx.g.number(1.0, dtype)?;
                let less = cx.g.subtract(n, one)?;
                let factor = cx.g.div_no_nan(less, n)?;
                variance = cx.g.multiply(variance, factor)?;
            }
            self.update(cx, out.mean, variance)?;
        }
        Ok(out.y)
    }

    fn update(&self, cx: &mut Call<'_>, mean: Value, variance: Value) -> Result<()> {
        self.move_statistic(cx.g, "moving_mean", mean, self.momentum)?;
        self.move_statistic(cx.g, "moving_variance", variance, self.momentum)?;
        Ok(())
    }

    /// Mean and variance along axes, of the positions that a mask leaves.
    fn moments(&self, cx: &mut Call<'_>, x: Value, mask: Option<Value>, along: &[i64]) -> Result<(Value, Value)> {
        let Some(mask) = mask else {
            let mean = cx.g.reduce_mean(x, along, true)?;
            let squares = cx.g.squared_difference(x, mean)?;
            return Ok((mean, cx.g.reduce_mean(squares, along, true)?));
        };
        let (kept, ones) = (cx.g.cast(mask, cx.g.dtype(x))?, cx.g.fill_like(x, 1.0)?);
        let kept = cx.g.multiply(ones, kept)?;
        let mut count = cx.g.reduce_sum(kept, along, true)?;
        if self.base.is_keras3() {
            let least = cx.g.number(1e-7, cx.g.dtype(x))?;
            count = cx.g.add(count, least)?;
        }
        let mean_of = |cx: &mut Call<'_>, x: Value| -> Result<Value> {
            let sum = cx.g.multiply(x, kept)?;
            let sum = cx.g.reduce_sum(sum, along, true)?;
            Ok(cx.g.div_no_nan(sum, count)?)
        };
        let mean = mean_of(cx, x)?;
        let squares = cx.g.squared_difference(x, mean)?;
        Ok((mean, mean_of(cx, squares)?))
    }

    /// Any axes: by means and broadcasts.
    pub(super) fn composed(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        [mut gamma, mut beta, mean, variance]: [Value; 4],
        mask: Option<Value>,
        is_training: bool,
        axes: &[usize],
    ) -> Result<Value> {
        let rank = cx.g.dims(x).rank().unwrap_or_default();
        let others: Vec<i64> = (0..rank).filter(|axis| !axes.contains(axis)).map(|axis| axis as i64).collect();
        let (mean, variance) = match is_training {
            true => self.moments(cx, x, mask, &others)?,
            false => (mean, variance),
        };
        if is_training {
            let moments = [cx.g.stop_gradient(mean)?, cx.g.stop_gradient(variance)?];
            if self.renorm {
                [gamma, beta] = self.renormalize(cx.g, moments, [gamma, beta])?;
            } else {
                self.update(cx, moments[0], moments[1])?;
            }
        }
        let dtype = cx.g.dtype(x);
        let epsilon = cx.g.number(self.epsilon, dtype)?;
        let root = cx.g.add(variance, epsilon)?;
        let factor = cx.g.rsqrt(root)?;
        let factor = cx.g.multiply(factor, gamma)?;
        let y = cx.g.subtract(x, mean)?;
        let y = cx.g.multiply(y, factor)?;
        Ok(cx.g.add(y, beta)?)
    }

    /// The mask of an input that has a say, with as many axes as the input.
    pub(super) fn mask(
        &self,
        cx: &mut Call<'_>,
        args: &Args<Value>,
        input: Value,
        rank: usize,
    ) -> Result<Option<Value>> {
        let given = args.get(2, "mask").and_then(|arg| arg.tensors().first().map(|&&v| v));
        let Some(mask) = given.or_else(|| cx.mask(input)) else { return Ok(None) };
        if !cx.training || !self.base.trainable() || self.is_fused(rank, cx.g.dtype(input)) {
            return Ok(None);
        }
        if cx.g.dims(mask).rank() != Some(rank - 1) {
            let expected = format!("a mask of {} axes, one less than the input", rank - 1);
            return Err(input_error(self, expected, format!("shape {}", cx.g.dims(mask))));
        }
        Ok(Some(cx.g.expand_dims(mask, -1)?))
    }
}
