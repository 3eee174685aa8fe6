//! `InputLayer`: where data comes in.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Dims, Value, ValueInfo};
use kerox_tensor::DType;

use crate::registry::LayerEntry;
use crate::{Args, Base, Call, KerasTensor, Layer, LayerExt, LayerRef, Result};

/// Where data comes into a model. It does nothing; it knows type and shape.
///
/// # Shapes
/// input and output `[batch, ...]` as given.
///
/// # Source
/// `keras.layers.InputLayer`.
#[derive(Debug)]
pub struct InputLayer {
    base: Base,
    dtype: DType,
    sparse: bool,
    ragged: bool,
}

impl InputLayer {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "InputLayer",
        aliases: &[],
        module: "keras.layers",
        from_config: InputLayer::from_config,
    };

    /// For inputs of that shape, without the batch axis.
    pub fn new<D: Into<Option<usize>>>(shape: impl IntoIterator<Item = D>) -> InputLayer {
        let layer = InputLayer { base: Base::new("InputLayer"), dtype: DType::F32, sparse: false, ragged: false };
        LayerExt::input_shape(layer, shape)
    }

    /// For inputs of that shape, batch axis included.
    pub fn of(dims: Dims, dtype: DType) -> InputLayer {
        let mut layer = InputLayer { base: Base::new("InputLayer"), dtype, sparse: false, ragged: false };
        layer.base.set_batch_input_shape(Some(dims));
        layer
    }

    /// The type of the data.
    #[must_use]
    pub fn input_dtype(mut self, dtype: DType) -> InputLayer {
        self.dtype = dtype;
        self
    }

    /// The symbolic tensor that comes out.
    pub fn tensor(self) -> KerasTensor {
        let info = ValueInfo::new(self.dtype, self.dims());
        let layer = LayerRef::from(self);
        layer.base().set_built(vec![info.dims.clone()]);
        KerasTensor::record(&layer, Args::default(), vec![info]).swap_remove(0)
    }

    /// The shape, batch included.
    pub fn dims(&self) -> Dims {
        self.base.batch_input_shape().cloned().unwrap_or_default()
    }

    /// The type of the data.
    pub fn data_type(&self) -> DType {
        self.dtype
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut base = Base::new("InputLayer");
        if let Some(name) = fields.opt_str("name")? {
            base.set_name(name);
        }
        if let Some(node) = fields.any(&["batch_input_shape", "batch_shape"]) {
            base.set_batch_input_shape(Some(node.shape()?.into_iter().collect()));
        }
        let dtype = match fields.get("dtype") {
            Some(node) => DType::from_name(node.str()?).ok_or_else(|| node.expected("the name of a type"))?,
            None => DType::F32,
        };
        let (sparse, ragged) = (fields.bool_or("sparse", false)?, fields.bool_or("ragged", false)?);
        fields.ignore("optional");
        base.keep_rest(fields);
        Ok(InputLayer { base, dtype, sparse, ragged }.into())
    }
}

impl Layer for InputLayer {
    fn base(&self) -> &Base {
        &self.base
    }
    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }
    fn call(&self, _: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        Ok(args.first().into_iter().copied().collect())
    }
    fn config(&self) -> Result<Config> {
        Ok(Config::new()
            .with("batch_input_shape", crate::base::dims_to_json(&self.dims()))
            .with("dtype", self.dtype.name())
            .with("sparse", self.sparse)
            .with("ragged", self.ragged)
            .with("name", Json::from(self.base.name()))
            .with_rest(self.base.rest()))
    }
    fn supports_masking(&self) -> bool {
        true
    }
    fn autocast(&self) -> bool {
        false
    }
}

/// Starts a functional model: the symbolic tensor of a new [`InputLayer`] of that shape, without the batch axis.
///
/// # Source
/// `keras.Input`.
#[allow(non_snake_case, reason = "Keras's name")]
pub fn Input<D: Into<Option<usize>>>(shape: impl IntoIterator<Item = D>) -> KerasTensor {
    InputLayer::new(shape).tensor()
}
