//! The trait all layers implement, and the handle by which they are shared.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use kerox_config_json::Config;
use kerox_graph::{Dims, Value, ValueInfo};
use kerox_tensor::trackable::CreateHook;
use kerox_tensor::{Child, Shape, Tensor, Trackable, Variable};

use crate::{Args, Base, Build, Call, DTypePolicy, Error, KerasTensor, Result, Weight};

/// A layer: something with weights that adds operations to a graph.
///
/// [`Layer::call`] never computes: it is given symbolic values and adds operations to a graph. From that come output
/// shapes, gradients, the compiled plan and what is exported.
///
/// # Source
/// `keras.layers.Layer`.
pub trait Layer: Any + Send + Sync {
    /// What all layers have.
    fn base(&self) -> &Base;

    /// What all layers have, to be set while the layer is under construction.
    fn base_mut(&mut self) -> &mut Base;

    /// Adds operations to the graph; gives the outputs in order.
    ///
    /// # Errors
    /// [`Error::Input`] where the inputs do not fit.
    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>>;

    /// Makes the weights for inputs of these types and shapes. Is called once, before the first `call`.
    ///
    /// # Errors
    /// [`Error::Argument`] or [`Error::Input`] where they cannot be made.
    fn build(&self, _cx: &mut Build, _inputs: &[ValueInfo]) -> Result<()> {
        Ok(())
    }

    /// The class, as files name it.
    fn class_name(&self) -> &str {
        self.base().class_name()
    }

    /// The constructor's arguments as Keras 2.15's `get_config` gives them.
    ///
    /// # Errors
    /// Where the layer cannot be described by plain data.
    fn config(&self) -> Result<Config>;

    /// The layers inside this one under the attributes by which checkpoints reach them.
    fn sublayers(&self) -> Vec<(String, Tracked)> {
        Vec::new()
    }

    /// Whether the variables made inside this layer carry its name as prefix. Sequential and functional models do not.
    fn is_name_scope(&self) -> bool {
        true
    }

    /// Whether a mask on the input goes through to the outputs.
    fn supports_masking(&self) -> bool {
        false
    }

    /// Whether `call` has set the masks of its outputs by itself ([`Call::set_mask`]).
    fn computes_masks(&self) -> bool {
        false
    }

    /// Whether the configuration of this layer is one of a model, to be written with its layers.
    fn is_model(&self) -> bool {
        false
    }

    /// What the size of the output adds to the loss.
    fn activity_regularizer(&self) -> Option<&crate::Regularizer> {
        None
    }

    /// Whether inputs of floating type are cast to the policy's compute type.
    fn autocast(&self) -> bool {
        true
    }

    /// Whether inputs of integers are cast to the policy's compute type, too: those of layers that multiply by weights.
    fn casts_integers(&self) -> bool {
        false
    }

    /// The weights of a layer, given the trainable ones first, as `get_weights` lists them.
    fn in_order(&self, weights: Vec<Weight>) -> Vec<Weight> {
        weights
    }

    /// The type of input the layer takes where a model starts with it: integers for an Embedding.
    fn input_dtype(&self) -> kerox_tensor::DType {
        self.base().policy().variable
    }

    /// What the layer keeps beside its weights and files have to hold too: a vocabulary.
    fn state(&self) -> Option<&dyn crate::LayerState> {
        None
    }

    /// How the layer adapts a kernel that is not trained; `None` where it trains its kernel.
    fn lora(&self) -> Option<&crate::Lora> {
        None
    }

    /// Adds to the layer's configuration what it has learnt, for files that have no other place for it.
    ///
    /// # Errors
    /// Where it cannot be described by plain data.
    fn learnt(&self, _config: &mut Config) -> Result<()> {
        Ok(())
    }

    /// Is called where a file has a weight in another shape than the layer's: a new variable of that shape, where the
    /// weight's shape is open. All others stay, and the file does not fit.
    fn open_weight(&self, _attr: &str, _shape: &Shape) -> Option<Variable> {
        None
    }

    /// Takes a variable that [`Layer::open_weight`] made in the place of the one there was.
    fn adopt_weight(&self, _attr: &str, _variable: Variable) {}

    /// The layer as a cell of recurrent layers, if it is one.
    fn as_cell(&self) -> Option<&dyn crate::rnn::Cell> {
        None
    }

    /// Sets the states of stateful recurrent layers to zeros, here and in every layer inside.
    ///
    /// # Source
    /// `keras.Model.reset_states`.
    fn reset_states(&self) {
        for layer in self.layers_inside() {
            layer.reset_states();
        }
    }

    /// The variables that hold the states of a stateful recurrent layer: one or a list for each cell, as Keras keeps them.
    /// They are not weights.
    ///
    /// # Source
    /// `keras.layers.RNN.states`.
    fn states(&self) -> Vec<Tracked> {
        Vec::new()
    }

    /// Freezes or unfreezes the layer and every layer in it.
    fn set_trainable(&self, trainable: bool) {
        self.base().set_trainable(trainable);
        for layer in self.layers_inside() {
            layer.set_trainable(trainable);
        }
    }

    /// The layers directly inside this one, in the order in which they were tracked.
    fn layers_inside(&self) -> Vec<LayerRef> {
        let mut layers = Vec::new();
        for (_, tracked) in self.sublayers() {
            tracked.collect(&mut layers);
        }
        layers
    }
}

/// Something a layer or model holds under an attribute.
#[derive(Clone)]
pub enum Tracked {
    /// A layer.
    Layer(LayerRef),
    /// A variable made by hand.
    Variable(Variable),
    /// A list or dictionary: elements are reached by index or key.
    Container(Vec<(String, Tracked)>),
    /// Anything else with a state of its own.
    Object(Arc<dyn Trackable>),
}

impl Tracked {
    /// A list: its elements are reached as `0`, `1`, ...
    pub fn list(elements: impl IntoIterator<Item = Tracked>) -> Tracked {
        Tracked::Container(elements.into_iter().enumerate().map(|(i, t)| (i.to_string(), t)).collect())
    }

    fn collect(&self, layers: &mut Vec<LayerRef>) {
        match self {
            // One layer may be held under several attributes.
            Tracked::Layer(layer) if !layers.contains(layer) => layers.push(layer.clone()),
            Tracked::Container(elements) => elements.iter().for_each(|(_, t)| t.collect(layers)),
            _ => {}
        }
    }

    fn collect_variables(&self, attr: &str, weights: &mut Vec<Weight>) {
        match self {
            Tracked::Variable(variable) => weights.push(Weight {
                attr: attr.to_owned(),
                variable: variable.clone(),
                trainable: variable.trainable(),
                regularizer: None,
                constraint: None,
            }),
            Tracked::Container(elements) => {
                elements.iter().for_each(|(key, tracked)| tracked.collect_variables(key, weights));
            }
            _ => {}
        }
    }

    /// The variables made by hand in it.
    pub fn variables(&self) -> Vec<Variable> {
        let mut weights = Vec::new();
        self.collect_variables("", &mut weights);
        weights.into_iter().map(|weight| weight.variable).collect()
    }

    /// The edge of a checkpoint's object graph.
    pub fn to_child(&self) -> Child {
        match self {
            Tracked::Layer(layer) => Child::Object(layer.node()),
            Tracked::Variable(variable) => Child::Variable(variable.clone()),
            Tracked::Container(elements) => Child::Object(Arc::new(ContainerNode(elements.clone()))),
            Tracked::Object(object) => Child::Object(object.clone()),
        }
    }
}

/// Gives each weight of a layer the value in its place. Nothing is changed unless everything fits.
///
/// # Errors
/// [`Error::WeightCount`] and [`Error::WeightShape`] where number or shapes differ.
pub fn assign_weights(layer: &str, weights: &[Weight], values: &[Tensor]) -> Result<()> {
    if weights.len() != values.len() {
        return Err(Error::WeightCount { layer: layer.into(), expected: weights.len(), found: values.len() });
    }
    let mut cast = Vec::with_capacity(values.len());
    for (weight, value) in weights.iter().zip(values) {
        let variable = &weight.variable;
        if variable.shape() != value.shape() {
            return Err(Error::WeightShape {
                layer: layer.into(),
                weight: variable.name().into(),
                expected: Dims::from(variable.shape()).to_string(),
                found: Dims::from(value.shape()).to_string(),
            });
        }
        cast.push(if value.dtype() == variable.dtype() { value.clone() } else { value.cast(variable.dtype())? });
    }
    for (weight, value) in weights.iter().zip(cast) {
        weight.variable.assign(value)?;
    }
    Ok(())
}

impl dyn Layer {
    /// The name.
    pub fn name(&self) -> &str {
        self.base().name()
    }

    /// Whether the layer is to be trained.
    pub fn trainable(&self) -> bool {
        self.base().trainable()
    }

    /// The weights that training changes: the layer's own, then those of the layers inside.
    pub fn trainable_weights(&self) -> Vec<Weight> {
        if !self.trainable() {
            return Vec::new();
        }
        let own = self.own_weights().into_iter().filter(|w| w.trainable).collect();
        self.gather(own, <dyn Layer>::trainable_weights)
    }

    /// The weights that training leaves alone. Those of a frozen layer are its trainable ones followed by the others.
    pub fn non_trainable_weights(&self) -> Vec<Weight> {
        if self.trainable() {
            let own = self.own_weights().into_iter().filter(|w| !w.trainable).collect();
            return self.gather(own, <dyn Layer>::non_trainable_weights);
        }
        let (mut own, others): (Vec<Weight>, Vec<Weight>) = self.own_weights().into_iter().partition(|w| w.trainable);
        own.extend(others);
        self.gather(own, <dyn Layer>::weights)
    }

    /// All weights in Keras's order: of a model layer by layer, of any other layer the trainable ones first, so that
    /// freezing a part changes the order.
    ///
    /// # Source
    /// `keras.layers.Layer.weights`, `keras.Model.weights`.
    pub fn weights(&self) -> Vec<Weight> {
        if self.is_model() { self.weights_by_layer() } else { self.in_order(self.legacy_weights()) }
    }

    /// All weights, layer by layer, then those of this layer's own: the order of `keras.Model.weights`, for
    /// subclassed models too.
    pub fn weights_by_layer(&self) -> Vec<Weight> {
        let mut weights: Vec<Weight> = self.layers_inside().iter().flat_map(|layer| layer.weights()).collect();
        let (own, others): (Vec<Weight>, Vec<Weight>) = self.own_weights().into_iter().partition(|w| w.trainable);
        weights.extend(own);
        weights.extend(others);
        dedup(weights)
    }

    /// All weights, trainable ones first, then the others: the order in HDF5 files, of nested models too. Freezing a
    /// part changes the order.
    ///
    /// # Source
    /// `keras.src.saving.legacy.hdf5_format._legacy_weights`.
    pub fn legacy_weights(&self) -> Vec<Weight> {
        let mut weights = self.trainable_weights();
        weights.extend(self.non_trainable_weights());
        dedup(weights)
    }

    /// The weights made by `build`, then the variables held in fields.
    fn own_weights(&self) -> Vec<Weight> {
        let mut weights = self.base().weights().clone();
        for (attr, tracked) in self.sublayers() {
            tracked.collect_variables(&attr, &mut weights);
        }
        weights
    }

    fn gather(&self, mut weights: Vec<Weight>, of: impl Fn(&dyn Layer) -> Vec<Weight>) -> Vec<Weight> {
        for layer in self.layers_inside() {
            weights.extend(of(&*layer));
        }
        dedup(weights)
    }

    /// The values of all weights in Keras's order.
    pub fn get_weights(&self) -> Vec<Tensor> {
        self.weights().iter().map(|w| w.variable.value()).collect()
    }

    /// Gives weights whose shapes are open those of the values that are to come, in the order of `weights`.
    pub fn reshape_weights(&self, weights: &[Weight], shapes: &[&Shape]) {
        if weights.len() != shapes.len() {
            return;
        }
        self.reshape_own(weights, shapes);
        for layer in self.layers_inside() {
            layer.reshape_weights(weights, shapes);
        }
    }

    fn reshape_own(&self, weights: &[Weight], shapes: &[&Shape]) {
        for own in self.own_weights() {
            let at = weights.iter().position(|w| w.variable == own.variable);
            if let Some(shape) = at.and_then(|at| shapes.get(at)).filter(|shape| **shape != own.variable.shape())
                && let Some(variable) = self.open_weight(&own.attr, shape)
            {
                self.adopt_weight(&own.attr, variable);
            }
        }
    }

    /// Replaces the values of all weights, in Keras's order. Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// [`Error::WeightCount`] and [`Error::WeightShape`] where number or shapes differ.
    pub fn set_weights(&self, values: &[Tensor]) -> Result<()> {
        let shapes: Vec<&Shape> = values.iter().map(Tensor::shape).collect();
        self.reshape_weights(&self.weights(), &shapes);
        assign_weights(self.name(), &self.weights(), values)
    }

    /// Number of numbers in the weights.
    ///
    /// # Errors
    /// [`Error::NotBuilt`] before there are any.
    pub fn count_params(&self) -> Result<usize> {
        if self.base().built().is_none() && self.weights().is_empty() {
            return Err(Error::NotBuilt);
        }
        Ok(self.weights().iter().map(|w| w.variable.shape().elements()).sum())
    }

    /// The layer inside of that name.
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`] with the names there are.
    ///
    /// # Source
    /// `keras.Model.get_layer(name)`.
    pub fn get_layer(&self, name: &str) -> Result<LayerRef> {
        let layers = self.layers_inside();
        let found = layers.iter().find(|layer| layer.name() == name).cloned();
        found.ok_or_else(|| no_such_layer(name, &layers))
    }

    /// The layer inside at that position.
    ///
    /// # Errors
    /// [`Error::NoSuchIndex`].
    ///
    /// # Source
    /// `keras.Model.get_layer(index=...)`.
    pub fn get_layer_at(&self, index: usize) -> Result<LayerRef> {
        let mut layers = self.layers_inside();
        match index < layers.len() {
            true => Ok(layers.swap_remove(index)),
            false => Err(Error::NoSuchIndex { index, layers: layers.len() }),
        }
    }

    /// What came out when the layer was first applied to symbolic tensors: where a model can be cut off. Of a model
    /// its outputs.
    ///
    /// # Errors
    /// [`Error::NotConnected`] where it has not been.
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{LayerExt, LayerRef, core::Dense, models::{Functional, Sequential}};
    /// let model = Sequential::new().with(Dense::new(8).name("features").input_dim(4)).with(Dense::new(2));
    /// let (input, _) = model.symbolic()?;
    /// let features = Functional::new([input], LayerRef::from(model).get_layer("features")?.outputs()?)?;
    /// assert_eq!(features.outputs()[0].shape().to_string(), "(None, 8)");
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    ///
    /// # Source
    /// `keras.layers.Layer.output`.
    pub fn outputs(&self) -> Result<Vec<KerasTensor>> {
        if let Some(model) = self.downcast::<crate::models::Functional>() {
            return Ok(model.outputs().to_vec());
        }
        if let Some(model) = self.downcast::<crate::models::Sequential>() {
            let (input, tensors) = model.symbolic()?;
            return Ok(vec![tensors.into_iter().next_back().unwrap_or(input)]);
        }
        let node = self.base().nodes().into_iter().next();
        let node = node.ok_or_else(|| Error::NotConnected { layer: self.name().into(), what: "output".into() })?;
        Ok((0..node.outputs.len()).map(|index| KerasTensor { node: node.clone(), index }).collect())
    }

    /// The only (or first) of [`outputs`](Self::outputs).
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs).
    pub fn output(&self) -> Result<KerasTensor> {
        let not = || Error::NotConnected { layer: self.name().into(), what: "output".into() };
        self.outputs()?.into_iter().next().ok_or_else(not)
    }

    /// What the layer was first applied to; of a model its inputs.
    ///
    /// # Errors
    /// [`Error::NotConnected`] where it has not been applied to symbolic tensors.
    ///
    /// # Source
    /// `keras.layers.Layer.input`.
    pub fn inputs(&self) -> Result<Vec<KerasTensor>> {
        if let Some(model) = self.downcast::<crate::models::Functional>() {
            return Ok(model.inputs().to_vec());
        }
        if let Some(model) = self.downcast::<crate::models::Sequential>() {
            return Ok(vec![model.symbolic()?.0]);
        }
        let node = self.base().nodes().into_iter().next();
        let node = node.ok_or_else(|| Error::NotConnected { layer: self.name().into(), what: "input".into() })?;
        let tensors: Vec<KerasTensor> = node.args.tensors().into_iter().cloned().collect();
        // An input layer is applied to nothing: its input is what comes out of it.
        Ok(if tensors.is_empty() { vec![KerasTensor { node, index: 0 }] } else { tensors })
    }

    /// The only (or first) of [`inputs`](Self::inputs).
    ///
    /// # Errors
    /// As [`inputs`](Self::inputs).
    pub fn input(&self) -> Result<KerasTensor> {
        let not = || Error::NotConnected { layer: self.name().into(), what: "input".into() };
        self.inputs()?.into_iter().next().ok_or_else(not)
    }

    /// The applications of the layer to symbolic tensors that are still in use, in order.
    ///
    /// # Source
    /// `keras.layers.Layer.inbound_nodes`.
    pub fn inbound_nodes(&self) -> Vec<Arc<crate::CallNode>> {
        self.base().nodes()
    }

    /// The layer as the concrete type it is.
    pub fn downcast<L: Layer>(&self) -> Option<&L> {
        (self as &dyn Any).downcast_ref()
    }
}

/// The error of a name that no layer has.
pub(crate) fn no_such_layer(name: &str, layers: &[LayerRef]) -> Error {
    let names: Vec<String> = layers.iter().map(|layer| format!("'{}'", layer.name())).collect();
    Error::NoSuchLayer { name: name.into(), existing: format!("[{}]", names.join(", ")) }
}

fn dedup(mut weights: Vec<Weight>) -> Vec<Weight> {
    let mut seen = std::collections::HashSet::new();
    weights.retain(|w| seen.insert(w.variable.id()));
    weights
}

/// A shared handle to a layer.
#[derive(Clone)]
pub struct LayerRef(Arc<dyn Layer>);

impl LayerRef {
    /// Applies the layer to symbolic tensors: the functional API.
    ///
    /// # Errors
    /// [`Error::Input`] where they do not fit.
    pub fn call(&self, inputs: impl Into<Args<KerasTensor>>) -> Result<Vec<KerasTensor>> {
        KerasTensor::call(self, inputs.into())
    }

    /// Applies the layer to symbolic tensors and gives the only (or first) output.
    ///
    /// # Errors
    /// As [`LayerRef::call`].
    pub fn on(&self, inputs: impl Into<Args<KerasTensor>>) -> Result<KerasTensor> {
        Ok(self.call(inputs)?.swap_remove(0))
    }

    /// The layer as a node of object graphs. It does not keep the layer alive.
    pub fn node(&self) -> Arc<dyn Trackable> {
        self.base().node.get_or_init(|| Arc::new(LayerView(Arc::downgrade(&self.0)))).clone()
    }

    /// A number that is the same for all handles to one layer.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }
}

impl<L: Layer> From<L> for LayerRef {
    fn from(layer: L) -> LayerRef {
        // Automatic names are given in the order in which layers are put to use.
        layer.base().name();
        LayerRef(Arc::new(layer))
    }
}

impl<L: Layer> From<Arc<L>> for LayerRef {
    fn from(layer: Arc<L>) -> LayerRef {
        layer.base().name();
        LayerRef(layer)
    }
}

impl Deref for LayerRef {
    type Target = dyn Layer;
    fn deref(&self) -> &dyn Layer {
        &*self.0
    }
}

impl PartialEq for LayerRef {
    fn eq(&self, other: &LayerRef) -> bool {
        self.id() == other.id()
    }
}

impl fmt::Debug for LayerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base().fmt(f)
    }
}

/// A layer as a node of a checkpoint's object graph.
pub struct LayerNode(pub LayerRef);

impl Trackable for LayerNode {
    fn children(&self) -> Vec<(String, Child)> {
        let mut children: Vec<(String, Child)> =
            self.0.base().weights().iter().map(|w| (w.attr.clone(), Child::Variable(w.variable.clone()))).collect();
        let kept = self.0.state().map(|state| state.variables()).unwrap_or_default();
        children.extend(kept.into_iter().map(|(name, variable)| (name, Child::Variable(variable))));
        children.extend(self.0.sublayers().iter().map(|(name, tracked)| (name.clone(), tracked.to_child())));
        children
    }
    fn on_create(&self, hook: CreateHook) {
        self.0.base().hooks.push(hook);
    }
    fn open_child(&self, name: &str, shape: &Shape) -> Option<Variable> {
        self.0.open_weight(name, shape)
    }
    fn adopt_child(&self, name: &str, variable: Variable) {
        self.0.adopt_weight(name, variable);
    }
    fn identity(&self) -> usize {
        self.0.id()
    }
}

/// A layer as a node of object graphs that lives as long as the layer and does not keep it alive.
struct LayerView(Weak<dyn Layer>);

impl LayerView {
    fn layer(&self) -> Option<LayerNode> {
        self.0.upgrade().map(|layer| LayerNode(LayerRef(layer)))
    }
}

impl Trackable for LayerView {
    fn children(&self) -> Vec<(String, Child)> {
        self.layer().map(|layer| layer.children()).unwrap_or_default()
    }
    fn on_create(&self, hook: CreateHook) {
        if let Some(layer) = self.layer() {
            layer.on_create(hook);
        }
    }
    fn open_child(&self, name: &str, shape: &Shape) -> Option<Variable> {
        self.layer()?.open_child(name, shape)
    }
    fn adopt_child(&self, name: &str, variable: Variable) {
        if let Some(layer) = self.layer() {
            layer.adopt_child(name, variable);
        }
    }
    fn identity(&self) -> usize {
        self.0.as_ptr().cast::<()>() as usize
    }
}

struct ContainerNode(Vec<(String, Tracked)>);

impl Trackable for ContainerNode {
    fn children(&self) -> Vec<(String, Child)> {
        self.0.iter().map(|(name, tracked)| (name.clone(), tracked.to_child())).collect()
    }
}

/// The constructor arguments all layers share, in builder form.
pub trait LayerExt: Layer + Sized {
    /// The name; an automatic one where none is given.
    #[must_use]
    fn name(mut self, name: impl Into<String>) -> Self {
        self.base_mut().set_name(name);
        self
    }

    /// Whether the layer is to be trained (the default).
    #[must_use]
    fn trainable(self, trainable: bool) -> Self {
        self.set_trainable(trainable);
        self
    }

    /// The type or policy to compute in: `float32`, `float64`, `mixed_float16`, ... Unknown names are left to the
    /// call to report.
    #[must_use]
    fn dtype(mut self, name: &str) -> Self {
        let policy = DTypePolicy::from_name(name).unwrap_or_else(|| {
            let unknown = kerox_tensor::DType::Variant;
            DTypePolicy::new(name, unknown, unknown)
        });
        self.base_mut().set_policy(policy);
        self
    }

    /// The shape of the input without the batch axis; unknown lengths are `None`.
    #[must_use]
    fn input_shape<D: Into<Option<usize>>>(self, shape: impl IntoIterator<Item = D>) -> Self {
        let dims: Vec<Option<usize>> = std::iter::once(None).chain(shape.into_iter().map(Into::into)).collect();
        self.batch_input_shape(dims)
    }

    /// The shape of the input with the batch axis.
    #[must_use]
    fn batch_input_shape(mut self, shape: impl IntoIterator<Item = Option<usize>>) -> Self {
        self.base_mut().set_batch_input_shape(Some(Dims::from_iter(shape)));
        self
    }

    /// Length of the only axis of the input beside the batch.
    #[must_use]
    fn input_dim(self, length: usize) -> Self {
        self.input_shape([length])
    }

    /// Applies the layer to symbolic tensors and gives the only (or first) output: the functional API.
    ///
    /// # Errors
    /// [`Error::Input`] where they do not fit.
    fn on(self, inputs: impl Into<Args<KerasTensor>>) -> Result<KerasTensor> {
        LayerRef::from(self).on(inputs)
    }
}

impl<L: Layer> LayerExt for L {}
