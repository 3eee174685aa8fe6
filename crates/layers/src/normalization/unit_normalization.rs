//! `UnitNormalization`: vectors of length 1.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;

use crate::arguments::{axis_from_start, one_input};
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Divides by the root of the sum of squares along `axis`.
///
/// # Shapes
/// input and output alike.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, normalization::UnitNormalization};
/// let y = UnitNormalization::new().on(&Input([3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.UnitNormalization`.
#[derive(Debug)]
pub struct UnitNormalization {
    base: Base,
    axes: Vec<i64>,
    axis_json: Json,
}

impl UnitNormalization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "UnitNormalization",
        aliases: &[],
        module: "keras.layers",
        from_config: UnitNormalization::from_config,
    };

    /// Along the last axis.
    pub fn new() -> UnitNormalization {
        UnitNormalization { base: Base::new("UnitNormalization"), axes: vec![-1], axis_json: Json::Int(-1) }
    }

    /// Along these axes; the last by default.
    #[must_use]
    pub fn axis(mut self, axes: impl IntoIterator<Item = i64>) -> UnitNormalization {
        self.axes = axes.into_iter().collect();
        self.axis_json = Json::from(self.axes.clone());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = UnitNormalization::new();
        layer.base = Base::from_config("UnitNormalization", fields)?;
        if let Some(node) = fields.get("axis") {
            layer.axes = if node.int().is_ok() { vec![node.int()?] } else { node.ints()? };
            layer.axis_json = node.value().clone();
        }
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Default for UnitNormalization {
    fn default() -> UnitNormalization {
        UnitNormalization::new()
    }
}

impl Layer for UnitNormalization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let rank = cx.g.dims(x).rank().unwrap_or_default();
        let axes: Result<Vec<i64>> =
            self.axes.iter().map(|&axis| Ok(axis_from_start(&self.base, "axis", axis, rank)? as i64)).collect();
        let squares = cx.g.square(x)?;
        let sum = cx.g.reduce_sum(squares, &axes?, true)?;
        let least = cx.g.number(1e-12, cx.g.dtype(x))?;
        let sum = cx.g.maximum(sum, least)?;
        let factor = cx.g.rsqrt(sum)?;
        Ok(vec![cx.g.multiply(x, factor)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("axis", self.axis_json.clone()).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn casts_integers(&self) -> bool {
        true
    }
}
