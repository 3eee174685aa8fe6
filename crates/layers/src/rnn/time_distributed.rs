//! `TimeDistributed`: a layer applied to each step.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Dim, Dims, Value, ValueInfo};

use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, deserialize, serialize};
use crate::{Arg, Args, Base, Build, Call, Layer, LayerRef, Result, Tracked};

/// Applies a layer to each step of a sequence, with the same weights.
///
/// # Shapes
/// input `[batch, steps, ...]`, output `[batch, steps, ...]` with the layer's output in the place of the last axes.
///
/// Batch and steps become one axis, as in Keras 2. In training, layers from files of Keras 3 whose inner layer changes its
/// own weights (`BatchNormalization`) call it once for each step, as it does there, and add nothing for activities to the loss.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Dense, rnn::TimeDistributed};
/// let x = Input([7, 3, 2]);
/// let y = TimeDistributed::new(Dense::new(4)).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 7, 3, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.TimeDistributed`.
#[derive(Debug)]
pub struct TimeDistributed {
    base: Base,
    layer: LayerRef,
}

impl TimeDistributed {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "TimeDistributed",
        aliases: &[],
        module: "keras.layers",
        from_config: TimeDistributed::from_config,
    };

    /// Of that layer.
    pub fn new(layer: impl Into<LayerRef>) -> TimeDistributed {
        TimeDistributed { base: Base::new("TimeDistributed"), layer: layer.into() }
    }

    /// The layer applied to each step.
    pub fn layer(&self) -> &LayerRef {
        &self.layer
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("TimeDistributed", fields)?;
        let mut layer = TimeDistributed { base, layer: deserialize(&fields.required("layer")?)? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The axes of an input `[batch, steps, ...]`.
    fn axes(&self, dims: &Dims) -> Result<Vec<Dim>> {
        match dims.axes() {
            Some(axes) if axes.len() >= 3 || (axes.len() == 2 && !axes.is_empty()) => Ok(axes.to_vec()),
            _ => {
                let expected = "a sequence `[batch, steps, ...]`".into();
                Err(input_error(self, expected, format!("shape {dims}")))
            }
        }
    }

    /// `[batch, steps, ...]` with both first axes as one.
    fn merge(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let axes = self.axes(cx.g.dims(x))?;
        let rest: Option<Vec<i64>> = axes[2..].iter().map(|d| d.map(|d| d as i64)).collect();
        let batch = axes[0].zip(axes[1]).and_then(|(a, b)| a.checked_mul(b));
        if let Some(rest) = rest {
            let first = match batch {
                Some(batch) => batch as i64,
                None if rest.contains(&0) => return self.merge_by_shape(cx, x, axes.len()),
                None => -1,
            };
            let lengths: Vec<i64> = std::iter::once(first).chain(rest).collect();
            return Ok(cx.g.reshape(x, &lengths)?);
        }
        self.merge_by_shape(cx, x, axes.len())
    }

    fn merge_by_shape(&self, cx: &mut Call<'_>, x: Value, rank: usize) -> Result<Value> {
        let shape = cx.g.shape_of(x)?;
        let first = cx.g.slice(shape, &[0], &[2])?;
        let first = cx.g.reduce_prod(first, &[0], true)?;
        let rest = cx.g.slice(shape, &[2], &[rank as i64 - 2])?;
        let shape = cx.g.concat(&[first, rest], 0)?;
        Ok(cx.g.reshape_to(x, shape)?)
    }

    /// The steps, where each is a call of its own.
    fn unstack(&self, cx: &mut Call<'_>, x: Value) -> Result<Option<Vec<Value>>> {
        let is_changed = self.base.is_keras3() && cx.training && !self.layer.non_trainable_weights().is_empty();
        let is_known = self.axes(cx.g.dims(x))?[1].is_some_and(|steps| steps > 0);
        Ok(if is_changed && is_known { Some(cx.g.unstack(x, 1)?) } else { None })
    }

    /// One call for each step, with the mask of that step.
    fn call_steps(&self, cx: &mut Call<'_>, steps: Vec<Value>, mask: Option<Value>) -> Result<Vec<Value>> {
        let masks = mask.map(|mask| cx.g.unstack(mask, 1)).transpose()?;
        let losses = cx.losses.len();
        let mut outputs = Vec::with_capacity(steps.len());
        for (i, &step) in steps.iter().enumerate() {
            cx.set_mask(step, masks.as_ref().map(|masks| masks[i]));
            outputs.push(cx.apply_one(&self.layer, step)?);
        }
        cx.losses.truncate(losses);
        let y = cx.g.stack(&outputs, 1)?;
        cx.set_mask(y, mask);
        Ok(vec![y])
    }

    /// What came out of the layer with batch and steps as two axes again.
    fn split(&self, cx: &mut Call<'_>, y: Value, x: Value) -> Result<Value> {
        let outer = self.axes(cx.g.dims(x))?;
        let rest: Option<Vec<i64>> =
            cx.g.dims(y).axes().and_then(|axes| axes.get(1..)?.iter().map(|d| d.map(|d| d as i64)).collect());
        if let (Some(rest), Some(steps)) = (&rest, outer[1])
            && (steps > 0 && !rest.contains(&0) || outer[0].is_some())
        {
            let batch = outer[0].map_or(-1, |batch| batch as i64);
            let lengths: Vec<i64> = [batch, steps as i64].into_iter().chain(rest.iter().copied()).collect();
            return Ok(cx.g.reshape(y, &lengths)?);
        }
        let rank = cx.g.dims(y).rank().unwrap_or(1) as i64;
        let shape = cx.g.shape_of(x)?;
        let first = cx.g.slice(shape, &[0], &[2])?;
        let inner = cx.g.shape_of(y)?;
        let rest = cx.g.slice(inner, &[1], &[rank - 1])?;
        let shape = cx.g.concat(&[first, rest], 0)?;
        Ok(cx.g.reshape_to(y, shape)?)
    }
}

impl Layer for TimeDistributed {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let nothing = || input_error(self, "a sequence".into(), "nothing".into());
        let input = inputs.first().ok_or_else(nothing)?;
        let axes = self.axes(&input.dims)?;
        let batch = axes[0].zip(axes[1]).and_then(|(a, b)| a.checked_mul(b));
        let dims: Dims = std::iter::once(batch).chain(axes[2..].iter().copied()).collect();
        // The variables carry this layer's name, not that of the layer inside.
        cx.build_unscoped(&self.layer, &[ValueInfo::new(input.dtype, dims)])
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let mask = args.get(1, "mask").and_then(|arg| arg.tensors().first().map(|&&v| v)).or_else(|| cx.mask(x));
        let merged = self.merge(cx, x)?;
        let mut inner = Args::one(merged);
        inner.kwargs = args.kwargs.iter().filter(|(name, _)| name != "mask").cloned().collect();
        if let Some(mask) = mask {
            // A mask of whole steps says nothing about what is in a step.
            if cx.g.dims(mask).rank().is_some_and(|rank| rank > 2) {
                let mask = self.merge(cx, mask)?;
                inner = inner.with("mask", Arg::Tensor(mask));
            }
        }
        let losses = cx.losses.len();
        let outputs = match self.unstack(cx, x)? {
            Some(steps) => return self.call_steps(cx, steps, mask),
            None => cx.apply(&self.layer, &inner)?,
        };
        if self.base.is_keras3() {
            cx.losses.truncate(losses);
        }
        let mut split = Vec::with_capacity(outputs.len());
        for y in outputs {
            let inner_mask = cx.mask(y).filter(|_| mask.is_some());
            let y = self.split(cx, y, x)?;
            let outer_mask = match inner_mask {
                Some(inner_mask) => Some(self.split(cx, inner_mask, x)?),
                None => mask.filter(|&mask| cx.g.dims(mask).rank() == Some(2)),
            };
            cx.set_mask(y, outer_mask);
            split.push(y);
        }
        Ok(split)
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("layer", serialize(&self.layer)?).with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("layer".into(), Tracked::Layer(self.layer.clone()))]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
