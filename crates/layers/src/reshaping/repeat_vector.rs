//! `RepeatVector`: a vector at every step.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use crate::arguments::{axes_of_rank, input_dims, one_input};
use crate::registry::LayerEntry;
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

/// Repeats each sample `n` times.
///
/// # Shapes
/// input `[batch, channels]`, output `[batch, n, channels]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, reshaping::RepeatVector};
/// let y = RepeatVector::new(3).on(&Input([32]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3, 32)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RepeatVector`.
#[derive(Debug)]
pub struct RepeatVector {
    base: Base,
    n: usize,
}

impl RepeatVector {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "RepeatVector",
        aliases: &[],
        module: "keras.layers",
        from_config: RepeatVector::from_config,
    };

    /// That many times.
    pub fn new(n: usize) -> RepeatVector {
        RepeatVector { base: Base::new("RepeatVector"), n }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("RepeatVector", fields)?;
        let mut layer = RepeatVector { base, n: fields.required("n")?.unsigned()? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for RepeatVector {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        axes_of_rank(self, &input_dims(inputs), 2, "[batch, channels]").map(drop)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let x = cx.g.expand_dims(x, 1)?;
        Ok(vec![cx.g.tile(x, &[1, self.n as i64, 1])?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("n", self.n).with_rest(self.base.rest()))
    }
}
