//! `Softmax`: exponentials divided by their sum.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_tensor::DType;

use crate::activations::functions;
use crate::arguments::axis_from_start;
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Exponentials divided by their sum along one or several axes; what a second input or `mask` says is false gets no
/// share.
///
/// # Shapes
/// input and output alike; the mask broadcasts to the input.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, activation::Softmax};
/// let y = Softmax::new().on(&Input([10]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Softmax`.
#[derive(Debug)]
pub struct Softmax {
    base: Base,
    axes: Vec<i64>,
    is_list: bool,
}

impl Softmax {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Softmax", aliases: &[], module: "keras.layers", from_config: Softmax::from_config };

    /// Along the last axis.
    pub fn new() -> Softmax {
        Softmax { base: Base::new("Softmax"), axes: vec![-1], is_list: false }
    }

    /// Along that axis.
    #[must_use]
    pub fn axis(mut self, axis: i64) -> Softmax {
        (self.axes, self.is_list) = (vec![axis], false);
        self
    }

    /// Along several axes at once.
    #[must_use]
    pub fn axes(mut self, axes: impl IntoIterator<Item = i64>) -> Softmax {
        (self.axes, self.is_list) = (axes.into_iter().collect(), true);
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let (axes, is_list) = match fields.get("axis") {
            Some(node) if node.int().is_ok() => (vec![node.int()?], false),
            Some(node) => (node.ints()?, true),
            None => (vec![-1], false),
        };
        let mut layer = Softmax { base: Base::from_config("Softmax", fields)?, axes, is_list };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

/// Adds a large negative number where the mask is false.
pub(crate) fn apply_mask(cx: &mut Call<'_>, x: Value, mask: Value) -> Result<Value> {
    let dtype = cx.g.dtype(x);
    let large = if matches!(dtype, DType::F16) { -6.55e4 / 2.0 } else { -1e9 };
    let mask = cx.g.cast(mask, dtype)?;
    let (one, large) = (cx.g.number(1.0, dtype)?, cx.g.number(large, dtype)?);
    let out = cx.g.subtract(one, mask)?;
    let add = cx.g.multiply(out, large)?;
    Ok(cx.g.add(x, add)?)
}

impl Default for Softmax {
    fn default() -> Softmax {
        Softmax::new()
    }
}

impl Layer for Softmax {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let mut x = match args.first()[..] {
            [&x] => x,
            ref found => return Err(input_error(self, "one input".into(), format!("{} inputs", found.len()))),
        };
        let given = args.get(1, "mask").and_then(|arg| arg.tensors().first().copied().copied());
        if let Some(mask) = given.or_else(|| cx.mask(x)) {
            x = apply_mask(cx, x, mask)?;
        }
        if let [axis] = self.axes[..] {
            let rank = cx.g.dims(x).rank().unwrap_or(1);
            axis_from_start(&self.base, "axis", axis, rank)?;
            return Ok(vec![functions::softmax(cx, x, axis)?]);
        }
        let rank = cx.g.dims(x).rank().unwrap_or(1);
        let axes: Result<Vec<i64>> =
            self.axes.iter().map(|&axis| Ok(axis_from_start(&self.base, "axis", axis, rank)? as i64)).collect();
        let axes = axes?;
        let largest = cx.g.reduce_max(x, &axes, true)?;
        let largest = cx.g.stop_gradient(largest)?;
        let y = cx.g.subtract(x, largest)?;
        let y = cx.g.exp(y)?;
        let sum = cx.g.reduce_sum(y, &axes, true)?;
        Ok(vec![cx.g.divide(y, sum)?])
    }

    fn config(&self) -> Result<Config> {
        let axis = if self.is_list { Json::from(self.axes.clone()) } else { Json::from(self.axes[0]) };
        Ok(self.base.config().with("axis", axis).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
