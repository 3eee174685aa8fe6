//! `Sequential`: one layer after the other.

use std::sync::RwLock;

use kerox_config_json::Config;
use kerox_graph::{Graph, Value, ValueInfo};

use super::Functional;
use crate::core::InputLayer;
use crate::{Args, Base, Build, Call, Error, KerasTensor, Layer, LayerRef, Result, Tracked};

/// Layers that are applied one after the other.
///
/// The model is built as soon as the shape of its input is known: from an [`InputLayer`] or `input_shape` of the first
/// layer when it is first used, else from the first data.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, core::Dense, models::Sequential};
/// let model = Sequential::new().with(Dense::new(8).activation("relu").input_shape([4])).with(Dense::new(2));
/// model.ensure_built()?;
/// assert_eq!(model.layers().len(), 2);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.Sequential`.
pub struct Sequential {
    base: Base,
    layers: RwLock<Vec<LayerRef>>,
}

impl Default for Sequential {
    fn default() -> Sequential {
        Sequential::new()
    }
}

impl Sequential {
    /// Without layers.
    pub fn new() -> Sequential {
        Sequential { base: Base::new("Sequential"), layers: RwLock::default() }
    }

    /// Appends a layer.
    #[must_use]
    pub fn with(self, layer: impl Into<LayerRef>) -> Sequential {
        self.add(layer);
        self
    }

    /// Appends a layer.
    pub fn add(&self, layer: impl Into<LayerRef>) {
        self.layers.write().unwrap_or_else(|p| p.into_inner()).push(layer.into());
        self.base.clear_built();
    }

    /// Takes the last layer off.
    pub fn pop(&self) -> Option<LayerRef> {
        let mut layers = self.layers.write().unwrap_or_else(|p| p.into_inner());
        let is_layer = layers.last().is_some_and(|layer| layer.downcast::<InputLayer>().is_none());
        if is_layer { layers.pop() } else { None }
    }

    /// The layers in order, without an [`InputLayer`] at the beginning.
    pub fn layers(&self) -> Vec<LayerRef> {
        let layers = self.layers.read().unwrap_or_else(|p| p.into_inner());
        let skip = usize::from(layers.first().is_some_and(|layer| layer.downcast::<InputLayer>().is_some()));
        layers[skip..].to_vec()
    }

    /// Type and shape of the input, if an [`InputLayer`] or the first layer says so or the model is built.
    pub fn input_info(&self) -> Option<ValueInfo> {
        let layers = self.layers.read().unwrap_or_else(|p| p.into_inner());
        let first = layers.first()?;
        if let Some(input) = first.downcast::<InputLayer>() {
            return Some(ValueInfo::new(input.data_type(), input.dims()));
        }
        if let Some(dims) = first.base().batch_input_shape() {
            return Some(ValueInfo::new(first.input_dtype(), dims.clone()));
        }
        // A model as the first layer brings its own input.
        if let Some(inner) = first.downcast::<Sequential>() {
            return inner.input_info();
        }
        if let Some(inner) = first.downcast::<Functional>() {
            return inner.inputs().first().map(|t| ValueInfo::new(t.dtype(), t.shape().clone()));
        }
        let built = self.base.built().and_then(|shapes| shapes.first().cloned())?;
        Some(ValueInfo::new(first.input_dtype(), built))
    }

    /// The name of the input: that of the [`InputLayer`], or `<first layer>_input`.
    pub fn input_name(&self) -> String {
        let layers = self.layers.read().unwrap_or_else(|p| p.into_inner());
        match layers.first() {
            Some(first) if first.downcast::<InputLayer>().is_some() => first.name().to_string(),
            Some(first) => format!("{}_input", first.name()),
            None => "input".to_string(),
        }
    }

    /// Builds the layers where the shape of the input is known.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn ensure_built(&self) -> Result<()> {
        match self.input_info() {
            Some(info) if self.base.built().is_none() => self.build_for(&[info]),
            _ => Ok(()),
        }
    }

    /// Builds the layers for an input of that shape, batch included.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn build_for(&self, inputs: &[ValueInfo]) -> Result<()> {
        let mut g = Graph::new();
        let values: Vec<Value> = inputs
            .iter()
            .map(|info| g.placeholder("input", info.dtype, info.dims.clone()))
            .collect::<Result<_, _>>()?;
        self.call(&mut Call::new(&mut g, false), &Args::inputs(values))?;
        self.base.set_built(inputs.iter().map(|info| info.dims.clone()).collect());
        Ok(())
    }

    /// A new symbolic input and the output of each layer: what sub-models are made of.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] where the shape of the input is not known; those of the layers.
    pub fn symbolic(&self) -> Result<(KerasTensor, Vec<KerasTensor>)> {
        let info = self.input_info().ok_or(Error::NotBuilt)?;
        let mut input = InputLayer::of(info.dims, info.dtype);
        input.base_mut().set_name(self.input_name());
        let input = input.tensor();
        let mut tensors: Vec<KerasTensor> = Vec::new();
        for layer in self.layers() {
            let next = layer.on(tensors.last().unwrap_or(&input))?;
            tensors.push(next);
        }
        Ok((input, tensors))
    }
}

impl Layer for Sequential {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        self.build_for(inputs)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let mut values: Vec<Value> = args.first().into_iter().copied().collect();
        for layer in self.layers() {
            values = cx.apply(&layer, &Args::inputs(values))?;
        }
        Ok(values)
    }

    fn config(&self) -> Result<Config> {
        super::config::sequential(self)
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        super::numbered(&self.layers())
    }

    fn layers_inside(&self) -> Vec<LayerRef> {
        self.layers()
    }

    fn is_name_scope(&self) -> bool {
        false
    }

    fn is_model(&self) -> bool {
        true
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for Sequential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.base.fmt(f)
    }
}
