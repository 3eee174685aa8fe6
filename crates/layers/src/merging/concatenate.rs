//! `Concatenate`: inputs one after the other.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_tensor::DType;

use super::of_one_type;
use crate::arguments::axis_from_start;
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Puts inputs one after the other along an axis.
///
/// # Shapes
/// inputs that are alike but for the axis, output with the sum of their lengths there. Where an input has a mask, those
/// of all are put together (of ones where there is none) and the result is true where all along the last axis are.
///
/// # Errors
/// Shapes that differ along another axis.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, merging::Concatenate};
/// let y = Concatenate::new().on([&Input([4, 3]), &Input([4, 5])])?;
/// assert_eq!(y.shape().to_string(), "(None, 4, 8)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Concatenate`.
#[derive(Debug)]
pub struct Concatenate {
    base: Base,
    axis: i64,
}

impl Concatenate {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Concatenate",
        aliases: &[],
        module: "keras.layers",
        from_config: Concatenate::from_config,
    };

    /// Along the last axis.
    pub fn new() -> Concatenate {
        Concatenate { base: Base::new("Concatenate"), axis: -1 }
    }

    /// The axis; the last by default.
    #[must_use]
    pub fn axis(mut self, axis: i64) -> Concatenate {
        self.axis = axis;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer =
            Concatenate { base: Base::from_config("Concatenate", fields)?, axis: fields.int_or("axis", -1)? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The mask of the result.
    fn merge_masks(&self, cx: &mut Call<'_>, inputs: &[Value], axis: usize) -> Result<Option<Value>> {
        let masks: Vec<Option<Value>> = inputs.iter().map(|&x| cx.mask(x)).collect();
        if masks.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut parts = Vec::with_capacity(inputs.len());
        for (&x, mask) in inputs.iter().zip(masks) {
            let ones = cx.g.ones_like(x)?;
            let ones = cx.g.cast(ones, DType::Bool)?;
            parts.push(match mask {
                // A mask with fewer axes counts for all elements along the missing one.
                Some(mask) if cx.g.dims(mask).rank() < cx.g.dims(x).rank() => {
                    let mask = cx.g.expand_dims(mask, -1)?;
                    cx.g.logical_and(ones, mask)?
                }
                Some(mask) => mask,
                None => ones,
            });
        }
        let all = cx.g.concat(&parts, axis as i64)?;
        Ok(Some(match self.base.is_keras3() {
            true => cx.g.reduce_any(all, &[-1], false)?,
            false => cx.g.reduce_all(all, &[-1], false)?,
        }))
    }
}

impl Default for Concatenate {
    fn default() -> Concatenate {
        Concatenate::new()
    }
}

impl Layer for Concatenate {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let inputs: Vec<Value> = args.first().into_iter().copied().collect();
        let inputs = of_one_type(cx, &self.base, &inputs)?;
        let Some(&first) = inputs.first() else {
            return Err(input_error(self, "at least 1 input".into(), "no input".into()));
        };
        let rank = cx.g.dims(first).rank().unwrap_or(1);
        let axis = axis_from_start(&self.base, "axis", self.axis, rank)?;
        let without = |cx: &Call<'_>, x: Value| -> Option<kerox_graph::Dims> {
            let axes = cx.g.dims(x).axes()?;
            Some(axes.iter().enumerate().map(|(i, &d)| if i == axis { None } else { d }).collect())
        };
        for &x in &inputs[1..] {
            if let (Some(a), Some(b)) = (without(cx, first), without(cx, x))
                && a.merge(&b).is_none()
            {
                let shapes: Vec<String> = inputs.iter().map(|&x| cx.g.dims(x).to_string()).collect();
                let expected = format!("shapes that are alike but for axis {}", self.axis);
                return Err(input_error(self, expected, shapes.join(" and ")));
            }
        }
        let y = if inputs.len() == 1 { cx.g.identity(first)? } else { cx.g.concat(&inputs, axis as i64)? };
        let mask = self.merge_masks(cx, &inputs, axis)?;
        cx.set_mask(y, mask);
        Ok(vec![y])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("axis", self.axis).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
