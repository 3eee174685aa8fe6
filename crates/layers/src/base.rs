//! What every layer has: name, `trainable`, dtype policy, weights.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, RwLock, RwLockReadGuard, Weak};

use kerox_config_json::dialect::{KERAS3, policy_name};
use kerox_config_json::names::UniqueNames;
use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Dims;
use kerox_tensor::trackable::CreateHooks;
use kerox_tensor::{DType, Trackable, Variable};

use crate::quantization::QUANTIZED;
use crate::{CallNode, Constraint, Quantization, Regularizer, Result};

thread_local! {
    static NAMES: RefCell<UniqueNames> = RefCell::new(UniqueNames::new());
}

/// Forgets the automatic names given so far in this thread, so that the next Dense is `dense` again.
///
/// # Source
/// `keras.backend.clear_session`.
pub fn clear_session() {
    NAMES.with(|names| names.borrow_mut().clear());
}

/// The next automatic name for a class in this thread: `dense`, `dense_1`, ...; input layers count from 1.
pub fn unique_name(class_name: &str) -> String {
    NAMES.with(|names| {
        let mut names = names.borrow_mut();
        match class_name {
            "InputLayer" => names.from_one("input"),
            "Functional" => names.next("model"),
            // Keras's class has another name than the one it is exported under.
            "GroupQueryAttention" => names.of_class("GroupedQueryAttention"),
            _ => names.of_class(class_name),
        }
    })
}

/// The next name with that stem in this thread; names given to [`observe_name`] are skipped.
pub(crate) fn unique_stem(stem: &str) -> String {
    NAMES.with(|names| names.borrow_mut().next(stem))
}

/// Keeps a name from being given to an operation.
pub(crate) fn observe_name(name: &str) {
    NAMES.with(|names| names.borrow_mut().reserve(name));
}

/// The types a layer computes and keeps its variables in.
///
/// # Source
/// `keras.mixed_precision.Policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DTypePolicy {
    /// `float32`, `mixed_float16`, ...
    pub name: String,
    /// What inputs are cast to.
    pub compute: DType,
    /// What variables are made of.
    pub variable: DType,
    /// How the weights of layers that can are quantized.
    pub quantization: Option<Quantization>,
}

impl DTypePolicy {
    /// A policy without quantization.
    pub fn new(name: impl Into<String>, compute: DType, variable: DType) -> DTypePolicy {
        DTypePolicy { name: name.into(), compute, variable, quantization: None }
    }

    /// The policy of that name; `None` where there is none.
    pub fn from_name(name: &str) -> Option<DTypePolicy> {
        if let Some((mode, source)) = name.split_once("_from_") {
            let quantization = Some(Quantization::from_name(mode)?);
            let source = DTypePolicy::from_name(source).filter(|source| source.quantization.is_none())?;
            return Some(DTypePolicy { name: name.to_string(), quantization, ..source });
        }
        let (compute, variable) = match name {
            "mixed_float16" => (DType::F16, DType::F32),
            "mixed_bfloat16" => (DType::BF16, DType::F32),
            _ => {
                let dtype = DType::from_name(name)?;
                (dtype, dtype)
            }
        };
        Some(DTypePolicy::new(name, compute, variable))
    }
}

impl Default for DTypePolicy {
    fn default() -> DTypePolicy {
        DTypePolicy::new("float32", DType::F32, DType::F32)
    }
}

/// A variable of a layer.
#[derive(Clone, Debug)]
pub struct Weight {
    /// The attribute under which the layer keeps it; checkpoints name it so.
    pub attr: String,
    /// The variable.
    pub variable: Variable,
    /// Whether it is trained when its layer is.
    pub trainable: bool,
    /// What its size adds to the loss.
    pub regularizer: Option<Regularizer>,
    /// What is done to it after each update.
    pub constraint: Option<Constraint>,
}

/// The part of a layer that is the same for all.
pub struct Base {
    class_name: &'static str,
    name: OnceLock<String>,
    trainable: AtomicBool,
    policy: DTypePolicy,
    batch_input_shape: Option<Dims>,
    is_keras3: bool,
    rest: Config,
    weights: RwLock<Vec<Weight>>,
    built: RwLock<Option<Vec<Dims>>>,
    calls: AtomicUsize,
    nodes: RwLock<Vec<Weak<CallNode>>>,
    /// Restores that wait for variables of this layer.
    pub hooks: CreateHooks,
    /// The layer as a node of object graphs, the same for all of them: restores that wait find it again.
    pub(crate) node: OnceLock<Arc<dyn Trackable>>,
}

impl Base {
    /// A layer of that class with everything at its default.
    pub fn new(class_name: &'static str) -> Base {
        Base {
            class_name,
            name: OnceLock::new(),
            trainable: AtomicBool::new(true),
            policy: crate::mixed_precision::global_policy(),
            batch_input_shape: None,
            is_keras3: false,
            rest: Config::new(),
            weights: RwLock::default(),
            built: RwLock::default(),
            calls: AtomicUsize::new(0),
            nodes: RwLock::default(),
            hooks: CreateHooks::default(),
            node: OnceLock::new(),
        }
    }

    /// Reads what is common to all layers: `name`, `trainable`, `dtype`, `batch_input_shape`.
    ///
    /// # Errors
    /// [`kerox_config_json::Error::Field`] where one of them is of the wrong kind.
    pub fn from_config(class_name: &'static str, fields: &Fields<'_>) -> Result<Base> {
        let mut base = Base::new(class_name);
        if let Some(name) = fields.opt_str("name")? {
            base.set_name(name);
        }
        base.set_trainable(fields.bool_or("trainable", true)?);
        if let Some(node) = fields.get("dtype") {
            // Keras 3 writes a policy object, older versions its name.
            let name = match policy_name(node.value()) {
                Some(name) => name,
                None => node.str()?.to_owned(),
            };
            base.policy = DTypePolicy::from_name(&name).ok_or_else(|| node.expected("the name of a dtype policy"))?;
            if base.policy.quantization.is_some() && !QUANTIZED.contains(&class_name) {
                return Err(node.expected("a policy without quantization for this class").into());
            }
        }
        if let Some(node) = fields.any(&["batch_input_shape", "batch_shape"]) {
            base.batch_input_shape = match node.shape() {
                Ok(shape) => Some(shape.into_iter().collect()),
                // Keras looks at the shapes of first layers alone and writes what others were given, `[null, [35]]`.
                Err(_) if node.value().as_list().is_some() => None,
                Err(error) => return Err(error.into()),
            };
        }
        base.is_keras3 = fields.bool_or(KERAS3, false)?;
        Ok(base)
    }

    /// Keeps the keys nobody read, so that they survive being written again.
    pub fn keep_rest(&mut self, fields: &Fields<'_>) {
        self.rest = fields.rest();
    }

    /// Keeps keys that have no meaning here, so that they survive being written again.
    pub fn set_rest(&mut self, rest: Config) {
        self.rest = rest;
    }

    /// The keys of the configuration that nobody knew.
    pub fn rest(&self) -> &Config {
        &self.rest
    }

    /// `name`, `trainable`, `dtype`, `batch_input_shape`: the beginning of every layer's configuration.
    pub fn config(&self) -> Config {
        let config = Config::new()
            .with("name", self.name())
            .with("trainable", self.trainable())
            .with("dtype", self.policy.name.as_str());
        let config = match &self.batch_input_shape {
            Some(dims) => config.with("batch_input_shape", dims_to_json(dims)),
            None => config,
        };
        if self.is_keras3 { config.with(KERAS3, true) } else { config }
    }

    /// Whether the layer comes from a file of Keras 3 and computes as it does there, where Keras 2 does otherwise.
    pub fn is_keras3(&self) -> bool {
        self.is_keras3
    }

    /// The class.
    pub fn class_name(&self) -> &'static str {
        self.class_name
    }

    /// The name: as set, else the next automatic one.
    pub fn name(&self) -> &str {
        self.name.get_or_init(|| unique_name(self.class_name))
    }

    /// Sets the name. A layer that has been named already keeps its name.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = OnceLock::from(name.into());
    }

    /// Whether the layer is to be trained.
    pub fn trainable(&self) -> bool {
        self.trainable.load(Ordering::Relaxed)
    }

    /// Freezes or unfreezes this layer (not those inside it: that is [`crate::Layer::set_trainable`]).
    pub fn set_trainable(&self, trainable: bool) {
        self.trainable.store(trainable, Ordering::Relaxed);
    }

    /// The types the layer computes and keeps its variables in.
    pub fn policy(&self) -> &DTypePolicy {
        &self.policy
    }

    /// Sets the types the layer computes and keeps its variables in.
    pub fn set_policy(&mut self, policy: DTypePolicy) {
        self.policy = policy;
    }

    /// The shape of the input, batch included, if it was given to the constructor.
    pub fn batch_input_shape(&self) -> Option<&Dims> {
        self.batch_input_shape.as_ref()
    }

    /// Says the shape of the input, batch included.
    pub fn set_batch_input_shape(&mut self, dims: Option<Dims>) {
        self.batch_input_shape = dims;
    }

    /// The shapes of the inputs the layer was built for; `None` before.
    pub fn built(&self) -> Option<Vec<Dims>> {
        self.built.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    pub(crate) fn set_built(&self, inputs: Vec<Dims>) {
        *self.built.write().unwrap_or_else(|p| p.into_inner()) = Some(inputs);
        self.hooks.created();
    }

    /// Forgets that the layer was built: its parts have changed.
    pub(crate) fn clear_built(&self) {
        *self.built.write().unwrap_or_else(|p| p.into_inner()) = None;
    }

    /// The layer's own weights in the order in which they were made.
    pub fn weights(&self) -> RwLockReadGuard<'_, Vec<Weight>> {
        self.weights.read().unwrap_or_else(|p| p.into_inner())
    }

    /// Adds a weight that has been made.
    pub fn push_weight(&self, weight: Weight) {
        self.weights.write().unwrap_or_else(|p| p.into_inner()).push(weight);
    }

    /// Puts a weight in the place of that of its attribute, or adds it.
    pub fn put_weight(&self, weight: Weight) {
        let mut weights = self.weights.write().unwrap_or_else(|p| p.into_inner());
        match weights.iter_mut().find(|w| w.attr == weight.attr) {
            Some(old) => *old = weight,
            None => weights.push(weight),
        }
    }

    /// The variable kept under that attribute.
    pub fn variable(&self, attr: &str) -> Option<Variable> {
        self.weights().iter().find(|w| w.attr == attr).map(|w| w.variable.clone())
    }

    /// The applications of the layer to symbolic tensors that are still in use, in order.
    pub(crate) fn nodes(&self) -> Vec<Arc<CallNode>> {
        self.nodes.read().unwrap_or_else(|p| p.into_inner()).iter().filter_map(Weak::upgrade).collect()
    }

    /// Notes an application of the layer to symbolic tensors.
    pub(crate) fn push_node(&self, node: &Arc<CallNode>) {
        let mut nodes = self.nodes.write().unwrap_or_else(|p| p.into_inner());
        nodes.retain(|node| node.strong_count() > 0);
        nodes.push(Arc::downgrade(node));
    }

    /// Numbers the applications of the layer to symbolic tensors: Keras's node index.
    pub(crate) fn next_call(&self) -> usize {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.class_name, self.name.get().map_or("?", |n| n))
    }
}

/// A shape as JSON: `[null, 784]`.
pub fn dims_to_json(dims: &Dims) -> Json {
    match dims.axes() {
        Some(axes) => Json::from(axes.iter().map(|d| Json::from(d.map(|d| d as i64))).collect::<Vec<Json>>()),
        None => Json::Null,
    }
}
