//! `Flatten`: all axes but the batch become one.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;

use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Result};

/// Makes one axis of all axes but the batch. Where the channels are first, they are put last before.
///
/// # Shapes
/// input `[batch, ...]`, output `[batch, elements]`; an input `[batch]` becomes `[batch, 1]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, reshaping::Flatten};
/// let y = Flatten::new().on(&Input([28, 28]))?;
/// assert_eq!(y.shape().to_string(), "(None, 784)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Flatten`.
#[derive(Debug)]
pub struct Flatten {
    base: Base,
    data_format: DataFormat,
}

impl Flatten {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Flatten", aliases: &[], module: "keras.layers", from_config: Flatten::from_config };

    /// With channels last.
    pub fn new() -> Flatten {
        Flatten { base: Base::new("Flatten"), data_format: DataFormat::ChannelsLast }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Flatten {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let (base, data_format) = (Base::from_config("Flatten", fields)?, DataFormat::read(fields)?);
        let mut layer = Flatten { base, data_format };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Default for Flatten {
    fn default() -> Flatten {
        Flatten::new()
    }
}

impl Layer for Flatten {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let x = self.data_format.to_last(cx.g, x)?;
        let dims = cx.g.dims(x).clone();
        let rest = dims.axes().and_then(|axes| axes.get(1..)?.iter().copied().product::<Option<usize>>());
        // An empty batch leaves nothing from which an unknown length could be found, so it is said where known.
        let y = match rest {
            Some(elements) if dims.rank() > Some(0) => cx.g.reshape_keeping_batch(x, &[elements as i64])?,
            _ => cx.g.reshape_keeping_batch(x, &[-1])?,
        };
        Ok(vec![y])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("data_format", self.data_format.name()).with_rest(self.base.rest()))
    }

    fn autocast(&self) -> bool {
        true
    }
}
