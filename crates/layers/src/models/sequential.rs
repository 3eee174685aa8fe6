//! `Sequential`: one layer after the other.

use std::sync::RwLock;

use kerox_config_json::{Config, ModelConfig};
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
    chain: RwLock<Option<Chain>>,
}

/// The symbolic input and the output of each layer.
type Chain = (KerasTensor, Vec<KerasTensor>);

impl Default for Sequential {
    fn default() -> Sequential {
        Sequential::new()
    }
}

impl Sequential {
    /// Without layers.
    pub fn new() -> Sequential {
        Sequential { base: Base::new("Sequential"), layers: RwLock::default(), chain: RwLock::default() }
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
        self.changed();
    }

    fn changed(&self) {
        self.base.clear_built();
        *self.chain.write().unwrap_or_else(|p| p.into_inner()) = None;
    }

    /// Takes the last layer off and gives it back, to be used elsewhere with its weights.
    ///
    /// # Errors
    /// [`Error::Topology`] where there is none.
    pub fn pop(&self) -> Result<LayerRef> {
        let mut layers = self.layers.write().unwrap_or_else(|p| p.into_inner());
        let is_layer = layers.last().is_some_and(|layer| layer.downcast::<InputLayer>().is_none());
        let popped = if is_layer { layers.pop() } else { None };
        drop(layers);
        self.changed();
        popped.ok_or_else(|| Error::Topology {
            model: self.base.name().into(),
            expected: "a layer to take off".into(),
            found: "no layers in the model".into(),
        })
    }

    /// The layers in order, without an [`InputLayer`] at the beginning.
    pub fn layers(&self) -> Vec<LayerRef> {
        let mut layers = self.all_layers();
        if layers.first().is_some_and(|layer| layer.downcast::<InputLayer>().is_some()) {
            layers.remove(0);
        }
        layers
    }

    /// The layers in order, with an [`InputLayer`] at the beginning if there is one.
    pub fn all_layers(&self) -> Vec<LayerRef> {
        self.layers.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    /// Type and shape of the input, if an [`InputLayer`] or the first layer says so or the model is built.
    pub fn input_info(&self) -> Option<ValueInfo> {
        let layers = self.all_layers();
        let first = layers.first()?;
        if let Some(input) = first.downcast::<InputLayer>() {
            return Some(ValueInfo::new(input.data_type(), input.dims()));
        }
        // Of models inside, the first layer proper is asked, as Keras does.
        let mut deepest = first.clone();
        loop {
            let inner = match (deepest.downcast::<Sequential>(), deepest.downcast::<Functional>()) {
                (Some(model), _) => model.layers().first().cloned(),
                (_, Some(model)) => model.layers().first().cloned(),
                _ => break,
            };
            let Some(inner) = inner else { break };
            deepest = inner;
        }
        if let Some(dims) = deepest.base().batch_input_shape() {
            let dtype = deepest.downcast::<InputLayer>().map_or_else(|| deepest.input_dtype(), InputLayer::data_type);
            return Some(ValueInfo::new(dtype, dims.clone()));
        }
        let built = self.base.built().and_then(|shapes| shapes.first().cloned())?;
        Some(ValueInfo::new(deepest.input_dtype(), built))
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
            Some(info) if self.base.built().is_none() => {
                self.symbolic()?;
                self.base.set_built(vec![info.dims]);
                Ok(())
            }
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

    /// A symbolic input and the output of each layer: what sub-models are made of.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] where the shape of the input is not known; those of the layers.
    pub fn symbolic(&self) -> Result<(KerasTensor, Vec<KerasTensor>)> {
        if let Some(chain) = &*self.chain.read().unwrap_or_else(|p| p.into_inner()) {
            return Ok(chain.clone());
        }
        let info = self.input_info().ok_or(Error::NotBuilt)?;
        let given = self.all_layers().first().and_then(super::config::input_tensor);
        let input = given.unwrap_or_else(|| {
            let mut input = InputLayer::of(info.dims, info.dtype);
            input.base_mut().set_name(self.input_name());
            input.tensor()
        });
        let mut tensors: Vec<KerasTensor> = Vec::new();
        let layers = self.layers();
        for (i, layer) in layers.iter().enumerate() {
            let mut next = layer.call(tensors.last().unwrap_or(&input))?;
            if next.len() != 1 && i + 1 < layers.len() {
                return Err(Error::Topology {
                    model: self.base.name().into(),
                    expected: "layers with one output each".into(),
                    found: format!("{} outputs of `{}`", next.len(), layer.name()),
                });
            }
            tensors.push(next.swap_remove(0));
        }
        let chain = (input, tensors);
        *self.chain.write().unwrap_or_else(|p| p.into_inner()) = Some(chain.clone());
        Ok(chain)
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
        let config = super::config::sequential_config(self)?;
        super::config::bare(&ModelConfig::Sequential(config))
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
