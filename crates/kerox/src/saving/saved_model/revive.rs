//! Layers of a SavedModel by their configurations, and those of unknown classes by their functions.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use kerox_config_json::{
    Config, CustomObjects, Fields, ModelConfig, ModelDocument, Node, Value as Json, custom_object_scope,
};
use kerox_format_savedmodel::Object;
use kerox_graph::{Dims, Graph, ValueInfo};
use kerox_graph_def::GraphModel;
use kerox_layers::activations::Activation;
use kerox_layers::registry::{self, LayerEntry};
use kerox_layers::{Args, Call, LayerNode, LayerRef, Tracked};
use kerox_tensor::DType;

use super::super::package::Package;
use super::super::{Error, Result};
use super::read::SavedKeras;
use super::read_model::{input_shapes, object, pairs};
use super::revived_layer::RevivedLayer;
use crate::saved_model::Traces;

/// The class by which a configuration refers to a layer that has been revived.
const REVIVED: &str = "kerox>Revived";

/// Layers inside layers.
const MAX_DEPTH: usize = 64;
/// Elements of lists and dictionaries in a whole model.
const MAX_ELEMENTS: usize = 1 << 20;

thread_local! {
    /// Revived layers by the numbers of their objects, while a configuration that refers to them is built.
    static RESTORED: RefCell<Option<Rc<Reviver>>> = const { RefCell::new(None) };
}

/// Makes layers out of a SavedModel's objects, each once.
pub(super) struct Reviver {
    path: std::path::PathBuf,
    keras: Arc<SavedKeras>,
    graph: OnceLock<Arc<GraphModel>>,
    restored: RefCell<HashMap<usize, LayerRef>>,
    /// Objects that are being made.
    open: RefCell<HashSet<usize>>,
    /// Elements of lists that were looked at: lists that share lists multiply.
    visits: Cell<usize>,
}

/// Children that Keras adds to every layer for itself.
fn is_bookkeeping(name: &str) -> bool {
    matches!(
        name,
        "variables"
            | "trainable_variables"
            | "non_trainable_variables"
            | "regularization_losses"
            | "keras_api"
            | "__call__"
            | "call_and_return_all_conditional_losses"
            | "call_and_return_conditional_losses"
            | "_default_save_signature"
            | "signatures"
            | "optimizer"
            | "layers"
            | "metrics"
            | "layer_metrics"
            | "layer_regularization_losses"
            | "loss"
    )
}

impl Reviver {
    pub fn new(package: &Package, keras: &Arc<SavedKeras>) -> Rc<Reviver> {
        Rc::new(Reviver {
            path: package.path.clone(),
            keras: keras.clone(),
            graph: OnceLock::new(),
            restored: RefCell::default(),
            open: RefCell::default(),
            visits: Cell::new(0),
        })
    }

    /// The functions, opened when the first layer needs them.
    pub fn graph(&self) -> Result<Arc<GraphModel>> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph.clone());
        }
        let tags: Vec<&str> = self.keras.tags.iter().map(String::as_str).collect();
        let opened = Arc::new(kerox_graph_def::saved_model::load(&self.path, &tags)?);
        Ok(self.graph.get_or_init(|| opened).clone())
    }

    fn wrong(&self, id: usize, expected: impl Into<String>, found: impl Into<String>, help: &str) -> Error {
        let node = self.keras.nodes.get(&id);
        let name = node.and_then(|n| n.name()).unwrap_or("?").to_owned();
        let class = node.and_then(|n| n.class_name()).unwrap_or("?").to_owned();
        Error::Content {
            operation: "load a model from",
            path: self.path.clone(),
            expected: format!("{} layer `{name}` of class `{class}` (object {id})", expected.into()),
            found: found.into(),
            help: help.into(),
        }
    }

    /// A Sequential or functional model; layers that cannot be made of their configurations are revived.
    pub fn network(self: &Rc<Self>, id: usize, mut config: ModelConfig) -> Result<LayerRef> {
        let meta = self.keras.meta_graph()?;
        let owner = meta.objects()?.and_then(|objects| objects.get(id));
        self.substitute(owner, &mut config)?;
        let entry = LayerEntry { class_name: "Revived", aliases: &[], module: "", from_config: restored };
        let before = RESTORED.replace(Some(self.clone()));
        let scope = CustomObjects::new().with(REVIVED, entry);
        let network = custom_object_scope(scope, || kerox_layers::models::from_config(&config));
        RESTORED.set(before);
        Ok(network?)
    }

    fn substitute(self: &Rc<Self>, owner: Option<Object<'_>>, config: &mut ModelConfig) -> Result<()> {
        let layers = match config {
            ModelConfig::Sequential(config) => &mut config.layers,
            ModelConfig::Functional(config) => &mut config.layers,
        };
        for layer in layers {
            let is_it = |object: &Object<'_>| {
                self.keras.nodes.get(&object.id).and_then(|node| node.name()) == Some(layer.name.as_str())
            };
            let object = owner.and_then(|owner| owner.children().map(|(_, child)| child).find(is_it));
            if let Some(model) = &mut layer.model {
                self.substitute(object, model)?;
                continue;
            }
            let made = registry::deserialize_object(&layer.object).and_then(|_| activations(&layer.object.config));
            let Err(error) = made else { continue };
            let Some(object) = object else { return Err(error.into()) };
            self.revive(object.id)?;
            let id = i64::try_from(object.id).unwrap_or(i64::MAX);
            let config = Config::new().with("name", layer.name.as_str()).with("object", id);
            layer.object = kerox_config_json::Object::new(REVIVED, config);
        }
        Ok(())
    }

    /// A layer: by its configuration where its class is known, else by its functions.
    fn layer(self: &Rc<Self>, object: Object<'_>) -> Result<LayerRef> {
        if let Some(layer) = self.restored.borrow().get(&object.id) {
            return Ok(layer.clone());
        }
        if let Some(layer) = self.by_config(object)? {
            self.restored.borrow_mut().insert(object.id, layer.clone());
            return Ok(layer);
        }
        self.revive(object.id)
    }

    /// A layer of a known class, built and filled; nothing where that does not lead to all of its weights.
    fn by_config(self: &Rc<Self>, saved: Object<'_>) -> Result<Option<LayerRef>> {
        let Some(node) = self.keras.nodes.get(&saved.id) else { return Ok(None) };
        let class_name = node.class_name().unwrap_or_default();
        let described = object(class_name, &node.metadata);
        let layer = match ModelConfig::is_model(&described.class_name, &described.config) {
            true => {
                let document = described.to_value().to_json(kerox_config_json::Style::default());
                let Ok(ModelDocument { model: Some(config), .. }) = ModelDocument::parse(document.as_bytes()) else {
                    return Ok(None);
                };
                self.network(saved.id, config)?
            }
            false => match (registry::deserialize_object(&described), activations(&described.config)) {
                (Ok(layer), Ok(())) => layer,
                _ => return Ok(None),
            },
        };
        if layer.weights().is_empty() {
            let shapes = node.metadata.get("build_input_shape").map(input_shapes).unwrap_or_default();
            let mut g = Graph::new();
            let info = |shape: &Vec<Option<usize>>| {
                ValueInfo::new(layer.input_dtype(), shape.iter().copied().collect::<Dims>())
            };
            let inputs = shapes.iter().map(info).map(|info| g.placeholder("input", info.dtype, info.dims));
            let inputs = inputs.collect::<kerox_graph::Result<Vec<_>>>().unwrap_or_default();
            let built = !inputs.is_empty() && Call::new(&mut g, false).apply(&layer, &Args::inputs(inputs)).is_ok();
            if !built && saved.child("variables").is_none_or(|list| !list.elements().is_empty()) {
                return Ok(None);
            }
        }
        let graph = self.graph()?;
        let found = pairs(&LayerNode(layer.clone()), saved);
        let own: HashSet<u64> = layer.weights().iter().map(|weight| weight.variable.id()).collect();
        if found.iter().filter(|(_, variable)| own.contains(&variable.id())).count() != own.len() {
            return Ok(None);
        }
        let mut values = Vec::with_capacity(found.len());
        for (object, variable) in found {
            let Some(value) = graph.variable_of(object)? else { return Ok(None) };
            if value.shape() != variable.shape() || value.dtype() != variable.dtype() {
                return Ok(None);
            }
            values.push((object, variable, value.value()));
        }
        for (object, variable, value) in values {
            variable.assign(value)?;
            graph.bind(object, &variable);
        }
        Ok(Some(layer))
    }

    /// A layer or model of an unknown class, by its functions.
    pub fn revive(self: &Rc<Self>, id: usize) -> Result<LayerRef> {
        if let Some(layer) = self.restored.borrow().get(&id) {
            return Ok(layer.clone());
        }
        let depth = self.open.borrow().len();
        if depth >= MAX_DEPTH || !self.open.borrow_mut().insert(id) {
            let found = if depth >= MAX_DEPTH { "more than 64 layers inside layers" } else { "one that holds itself" };
            return Err(self.wrong(id, "layers inside layers that end, for", found, "save the model again"));
        }
        let layer = self.revive_new(id);
        self.open.borrow_mut().remove(&id);
        let layer = layer?;
        self.restored.borrow_mut().insert(id, layer.clone());
        Ok(layer)
    }

    fn revive_new(self: &Rc<Self>, id: usize) -> Result<LayerRef> {
        let graph = self.graph()?;
        let meta = self.keras.meta_graph()?;
        let saved = meta.objects()?.and_then(|objects| objects.get(id));
        let (Some(saved), Some(node)) = (saved, self.keras.nodes.get(&id)) else {
            return Err(self.wrong(id, "what Keras saved of the", "nothing", "save the model again"));
        };
        let function = saved
            .child("keras_api")
            .and_then(|api| api.child("call_and_return_conditional_losses"))
            .or_else(|| saved.child("call_and_return_conditional_losses"))
            .filter(|function| !function.concrete_functions().is_empty());
        let (function, with_losses) = match function {
            Some(function) => (Some(function), true),
            None => (saved.child("__call__").filter(|f| !f.concrete_functions().is_empty()), false),
        };
        let function = function.ok_or_else(|| Error::UnknownLayer {
            path: self.path.clone(),
            name: node.name().unwrap_or("?").to_owned(),
            class_name: node.class_name().unwrap_or("?").to_owned(),
            object: id,
        })?;
        let traces = Traces::read(&meta, function, with_losses)?;
        let mut weights = Vec::new();
        let mut children = Vec::new();
        for (name, child) in saved.children().filter(|(name, _)| !is_bookkeeping(name)) {
            match child.variable() {
                Some(_) => {
                    let variable = graph.variable_of(child.id)?;
                    weights.extend(variable.map(|variable| (name.to_owned(), variable)));
                }
                None => children.extend(self.tracked(child, 0)?.map(|tracked| (name.to_owned(), tracked))),
            }
        }
        let layer = RevivedLayer::new(node, graph, traces, weights, children);
        Ok(LayerRef::from(layer))
    }

    /// What a layer holds under an attribute, if it is of its weights.
    fn tracked(self: &Rc<Self>, object: Object<'_>, depth: usize) -> Result<Option<Tracked>> {
        self.visits.set(self.visits.get() + 1);
        if self.visits.get() > MAX_ELEMENTS {
            let found = format!("more than {MAX_ELEMENTS}");
            return Err(self.wrong(
                object.id,
                "a reasonable number of elements of the lists of the",
                found,
                "save the model again",
            ));
        }
        if object.variable().is_some() {
            return Ok(self.graph()?.variable_of(object.id)?.map(Tracked::Variable));
        }
        let identifier = object.identifier().unwrap_or_default();
        if identifier.starts_with("_tf_keras_") {
            let is_layer = identifier != "_tf_keras_metric" && self.keras.nodes.contains_key(&object.id);
            return Ok(if is_layer { Some(Tracked::Layer(self.layer(object)?)) } else { None });
        }
        if !identifier.starts_with("trackable_") || depth >= MAX_DEPTH {
            return Ok(None);
        }
        let mut elements = Vec::new();
        for (name, element) in object.children() {
            elements.extend(self.tracked(element, depth + 1)?.map(|tracked| (name.to_owned(), tracked)));
        }
        Ok((!elements.is_empty()).then_some(Tracked::Container(elements)))
    }
}

/// Looks up the activations that a configuration names; layers do so when they are called.
fn activations(config: &Json) -> kerox_layers::Result<()> {
    for (_, value) in config.as_map().into_iter().flat_map(Config::iter).filter(|(key, _)| key.ends_with("activation"))
    {
        let activation = Activation::from_json(Node::root(value).not_null())?;
        if matches!(activation, Activation::Named(_)) {
            let mut g = Graph::new();
            let x = g.placeholder("x", DType::F32, Dims::from([None, Some(2)]))?;
            activation.apply(&mut Call::new(&mut g, false), x)?;
        }
    }
    Ok(())
}

/// The revived layer that a configuration refers to.
fn restored(fields: &Fields<'_>) -> kerox_layers::Result<LayerRef> {
    let node = fields.required("object")?;
    let id = usize::try_from(node.int()?).unwrap_or(usize::MAX);
    let found = RESTORED.with_borrow(|reviver| reviver.as_ref()?.restored.borrow().get(&id).cloned());
    found.ok_or_else(|| node.expected("the number of an object of the SavedModel that is being loaded").into())
}

/// The configuration that Keras saved, where the class gave one.
pub(super) fn saved_config(metadata: &Json) -> Option<Config> {
    metadata.get("config").and_then(Json::as_map).filter(|config| !config.is_empty()).cloned()
}
