//! Models in one neutral form, whatever dialect they were written in.
//!
//! ```text
//! ModelDocument                  what a file holds: class, build and compile configs, version
//! └─ ModelConfig
//!    ├─ Sequential { layers }            each a LayerConfig without calls
//!    └─ Functional { layers, inputs, outputs }
//!       └─ LayerConfig { object, model, calls }
//!          └─ LayerCall { args, kwargs }  trees of constants and TensorRefs
//! ```
//!
//! A [`TensorRef`] counts calls from 0 in every dialect. Files count those of nested models from 1 (Keras 2, because a
//! model's own construction is call 0 there) or from both (Keras 3: from 0 between layers, from 1 in `output_layers`).
//! Configurations of layers are Keras 2.15's (see [`crate::dialect`]).

mod calls;
mod compile;
mod document;
mod order;
mod read;
mod write;

pub use compile::CompileConfig;
pub use document::{Form, Generation, ModelDocument};
pub use write::TensorSpecs;

use crate::{Config, Object, Path, Value};

/// A model's architecture.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelConfig {
    /// Layers one after the other.
    Sequential(SequentialConfig),
    /// A graph of layers.
    Functional(FunctionalConfig),
}

impl ModelConfig {
    /// The model's name, when the file gives one (a Sequential stored as a bare list has none).
    pub fn name(&self) -> Option<&str> {
        match self {
            ModelConfig::Sequential(model) => model.name.as_deref(),
            ModelConfig::Functional(model) => Some(&model.name),
        }
    }

    /// The layers in the file's order.
    pub fn layers(&self) -> &[LayerConfig] {
        match self {
            ModelConfig::Sequential(model) => &model.layers,
            ModelConfig::Functional(model) => &model.layers,
        }
    }

    /// `Sequential` or `Functional`.
    pub fn class_name(&self) -> &'static str {
        match self {
            ModelConfig::Sequential(_) => "Sequential",
            ModelConfig::Functional(_) => "Functional",
        }
    }
}

/// Layers one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct SequentialConfig {
    /// Name; absent when the file stores a bare list of layers.
    pub name: Option<String>,
    /// Layers in order; an explicit input is the first one, class `InputLayer`.
    pub layers: Vec<LayerConfig>,
    /// Every other key (`trainable`, `dtype`, `build_input_shape`), kept for writing.
    pub extra: Config,
}

/// A graph of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionalConfig {
    /// Name.
    pub name: String,
    /// Whether the model's weights are trained, when the file says so.
    pub trainable: Option<bool>,
    /// Layers in the file's order; inputs are layers of class `InputLayer`.
    pub layers: Vec<LayerConfig>,
    /// The model's inputs.
    pub inputs: Arg,
    /// The model's outputs.
    pub outputs: Arg,
    /// Every other key, kept for writing.
    pub extra: Config,
}

/// One layer of a model.
#[derive(Clone, Debug)]
pub struct LayerConfig {
    /// Name, unique within the model.
    pub name: String,
    /// Module, class and configuration. For a nested model the configuration is in `model` and empty here.
    pub object: Object,
    /// The nested model, when this layer is one.
    pub model: Option<Box<ModelConfig>>,
    /// Calls of the layer, in order; empty in a Sequential and for inputs.
    pub calls: Vec<LayerCall>,
    /// Where the layer stands in the document.
    pub path: Path,
}

impl PartialEq for LayerConfig {
    /// Compares everything but the place in the document.
    fn eq(&self, other: &LayerConfig) -> bool {
        (&self.name, &self.object, &self.model, &self.calls) == (&other.name, &other.object, &other.model, &other.calls)
    }
}

/// One call of a layer in a graph.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LayerCall {
    /// Positional arguments; Keras 2 stores only the first one as such.
    pub args: Vec<Arg>,
    /// Keyword arguments in order.
    pub kwargs: Vec<(String, Arg)>,
    /// The call as it was read differs from how the dialect usually spells it (a flat Keras 2 call).
    pub(crate) flat: bool,
}

impl LayerCall {
    /// A call with these arguments.
    pub fn new(args: Vec<Arg>, kwargs: Vec<(String, Arg)>) -> LayerCall {
        LayerCall { args, kwargs, flat: false }
    }

    /// An argument by position (the first is 0) or by name: Keras 2 names all but the first, Keras 3 stores them as the
    /// user wrote them.
    pub fn argument(&self, position: usize, name: &str) -> Option<&Arg> {
        let named = || self.kwargs.iter().find(|(key, _)| key == name).map(|(_, arg)| arg);
        self.args.get(position).or_else(named)
    }

    /// All tensors among the arguments, in order.
    pub fn tensors(&self) -> Vec<&TensorRef> {
        let mut found = Vec::new();
        for arg in self.args.iter().chain(self.kwargs.iter().map(|(_, arg)| arg)) {
            arg.collect(&mut found);
        }
        found
    }
}

/// An argument: a tree of tensors and constants.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// An output of a layer of the same model.
    Tensor(TensorRef),
    /// Anything else, as it stands in the file.
    Constant(Value),
    /// A list with at least one tensor inside.
    List(Vec<Arg>),
    /// A tuple with at least one tensor inside.
    Tuple(Vec<Arg>),
    /// A dictionary with at least one tensor inside.
    Map(Vec<(String, Arg)>),
}

impl Arg {
    /// All tensors inside, in order (dictionaries in the order of their keys in the file).
    pub fn tensors(&self) -> Vec<&TensorRef> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a TensorRef>) {
        match self {
            Arg::Tensor(tensor) => found.push(tensor),
            Arg::Constant(_) => {}
            Arg::List(items) | Arg::Tuple(items) => items.iter().for_each(|item| item.collect(found)),
            Arg::Map(items) => items.iter().for_each(|(_, item)| item.collect(found)),
        }
    }

    pub(crate) fn for_each_mut(&mut self, change: &mut dyn FnMut(&mut TensorRef)) {
        match self {
            Arg::Tensor(tensor) => change(tensor),
            Arg::Constant(_) => {}
            Arg::List(items) | Arg::Tuple(items) => items.iter_mut().for_each(|item| item.for_each_mut(change)),
            Arg::Map(items) => items.iter_mut().for_each(|(_, item)| item.for_each_mut(change)),
        }
    }
}

/// One output of one call of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorRef {
    /// Index into the model's layers.
    pub layer: usize,
    /// Which of the layer's calls, from 0; an input has one.
    pub call: usize,
    /// Which of the call's outputs, from 0.
    pub tensor: usize,
    /// Shape and element type, when the file gives them (Keras 3).
    pub spec: Option<TensorSpec>,
}

impl TensorRef {
    /// The first output of the first call of a layer.
    pub fn of(layer: usize) -> TensorRef {
        TensorRef { layer, call: 0, tensor: 0, spec: None }
    }
}

/// Shape and element type of a symbolic tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// Sizes; `None` for an axis of any size.
    pub shape: Vec<Option<usize>>,
    /// Element type, such as `float32`.
    pub dtype: String,
}
