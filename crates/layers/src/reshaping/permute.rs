//! `Permute`: axes in another order.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};

use crate::arguments::{input_dims, one_input};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

/// Puts the axes of each sample in another order.
///
/// # Shapes
/// input `[batch, a, b, ...]`; axis `i` of the output is axis `dims[i - 1]` of the input, counted from 1.
///
/// # Errors
/// `dims` that does not name each axis once.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, reshaping::Permute};
/// let y = Permute::new([2, 1]).on(&Input([10, 64]))?;
/// assert_eq!(y.shape().to_string(), "(None, 64, 10)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Permute`.
#[derive(Debug)]
pub struct Permute {
    base: Base,
    dims: Vec<i64>,
}

impl Permute {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Permute", aliases: &[], module: "keras.layers", from_config: Permute::from_config };

    /// In that order, counted from 1.
    pub fn new(dims: impl IntoIterator<Item = i64>) -> Permute {
        Permute { base: Base::new("Permute"), dims: dims.into_iter().collect() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = Permute { base: Base::from_config("Permute", fields)?, dims: fields.required("dims")?.ints()? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for Permute {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if sorted.iter().zip(1..).any(|(&a, b)| a != b) {
            let expected = format!("each of 1 to {} once", self.dims.len());
            return Err(argument_error(&self.base, "dims", expected, format!("{:?}", self.dims)));
        }
        let dims = input_dims(inputs);
        match dims.rank() {
            Some(rank) if rank == self.dims.len() + 1 => Ok(()),
            _ => Err(input_error(self, format!("{} axes", self.dims.len() + 1), format!("shape {dims}"))),
        }
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let perm: Vec<i64> = std::iter::once(0).chain(self.dims.iter().copied()).collect();
        Ok(vec![cx.g.transpose(x, &perm)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("dims", Json::from(self.dims.clone())).with_rest(self.base.rest()))
    }
}
