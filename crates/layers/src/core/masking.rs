//! `Masking`: steps that hold one number throughout are left out.

use kerox_config_json::{Config, Fields, Node, Value as Json};
use kerox_graph::Value;
use kerox_tensor::Tensor;

use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Masks the steps whose numbers all are `mask_value`, and sets them to 0.
///
/// # Shapes
/// input and output `[batch, steps, channels]` alike; the mask is `[batch, steps]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Masking};
/// let y = Masking::new(0.0).on(&Input([10, 8]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10, 8)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Masking`.
#[derive(Debug)]
pub struct Masking {
    base: Base,
    /// One number, or one for each channel.
    mask_value: Vec<f64>,
    written: Json,
}

impl Masking {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Masking", aliases: &[], module: "keras.layers", from_config: Masking::from_config };

    /// Steps of that number.
    pub fn new(mask_value: f64) -> Masking {
        Masking { base: Base::new("Masking"), mask_value: vec![mask_value], written: mask_value.into() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("Masking", fields)?;
        let written = fields.get("mask_value").map_or(Json::Float(0.0), |node| node.value().clone());
        let mask_value = match fields.get("mask_value") {
            Some(node) => numbers(&node)?,
            None => vec![0.0],
        };
        let mut layer = Masking { base, mask_value, written };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

/// A number, or the numbers of a tensor or array as Keras 3 writes them into configurations.
fn numbers(node: &Node<'_>) -> Result<Vec<f64>> {
    let is_array = |name: &str| matches!(name, "__tensor__" | "__numpy__");
    if node.value().get("class_name").and_then(Json::as_str).is_some_and(is_array) {
        return numbers(&node.required("config")?.required("value")?);
    }
    if node.value().as_list().is_none() {
        return Ok(vec![node.float()?]);
    }
    let mut all = Vec::new();
    for item in node.list()? {
        all.extend(numbers(&item)?);
    }
    if all.is_empty() {
        return Err(node.expected("at least one number").into());
    }
    Ok(all)
}

impl Layer for Masking {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let dtype = cx.g.dtype(x);
        let number = match self.mask_value[..] {
            [number] => cx.g.number(number, dtype)?,
            ref numbers => {
                let list = cx.g.constant(Tensor::from_vec(numbers.to_vec(), [numbers.len()])?)?;
                cx.g.cast(list, dtype)?
            }
        };
        let differs = cx.g.not_equal(x, number)?;
        let mask = cx.g.reduce_any(differs, &[-1], false)?;
        let factor = cx.g.expand_dims(mask, -1)?;
        let factor = cx.g.cast(factor, dtype)?;
        let y = cx.g.multiply(x, factor)?;
        cx.set_mask(y, Some(mask));
        Ok(vec![y])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("mask_value", self.written.clone()).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
