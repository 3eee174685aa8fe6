//! Writing a SavedModel from plain data.

mod checkpoint;
mod files;
mod main_graph;
mod names;
mod numbering;
mod object_graph;
mod signatures;
mod table;

use kerox_tensor::{DType, Tensor};
use serde_json::Value;

pub use files::SavedModelFiles;
pub use table::TextTable;

use self::table::TableData;
use crate::messages::{DataType, FunctionDef, VariableAggregation, VariableSynchronization};
use crate::{ArgSpec, Error, Result, Structured};

/// An object of a [`SavedModelBuilder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

/// Collects objects, functions and signatures and makes a SavedModel of them that Keras, `tf.saved_model.load`, the
/// C++ loader and `TFSMLayer` read.
///
/// Node numbers, checkpoint keys and paths follow from the names by which objects are reached: add children in the
/// order in which TensorFlow tracks them. State that must be found by its name alone, but is no object of the loaded
/// model, goes to [`SavedModelBuilder::checkpoint_child`]: Keras gives an optimizer that is only in the checkpoint its
/// state back, and loses it when the optimizer is an object as well.
///
/// # Example
/// ```
/// use kerox_format_savedmodel::{SavedModelBuilder, SavedModel};
/// use kerox_tensor::Tensor;
///
/// let mut builder = SavedModelBuilder::new("_generic_user_object");
/// let weight = builder.variable("weight", Tensor::from_vec(vec![1f32, 2.0], [2])?, true);
/// builder.child(SavedModelBuilder::ROOT, "weight", weight);
/// let files = builder.build()?;
/// assert_eq!(files.tensors[0].0, "weight/.ATTRIBUTES/VARIABLE_VALUE");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SavedModelBuilder {
    nodes: Vec<Node>,
    functions: Vec<FunctionDef>,
    concrete: Vec<Concrete>,
    signatures: Vec<(String, String)>,
    assets: Vec<(String, Vec<u8>)>,
    tags: Vec<String>,
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    children: Vec<(String, NodeId)>,
    checkpoint_children: Vec<(String, NodeId)>,
    slots: Vec<(NodeId, String, NodeId)>,
}

#[derive(Clone, Debug)]
enum Kind {
    User {
        identifier: String,
        producer: i32,
        metadata: Option<Value>,
    },
    Variable(Box<VariableData>),
    Table(Box<TableData>),
    Asset {
        place: usize,
    },
    /// An empty table that changes, in the checkpoint alone: the type of its keys.
    Counts(DType),
    Function {
        traces: Vec<String>,
        spec: ArgSpec,
    },
    Bare {
        function: String,
        keywords: Vec<String>,
        positional: i64,
        spec: ArgSpec,
    },
}

#[derive(Clone, Debug)]
struct VariableData {
    name: String,
    value: Tensor,
    trainable: bool,
    synchronization: VariableSynchronization,
    aggregation: VariableAggregation,
}

#[derive(Clone, Debug)]
struct Concrete {
    name: String,
    captures: Vec<NodeId>,
    args: Vec<Structured>,
    kwargs: Vec<(String, Structured)>,
    output: Structured,
}

impl SavedModelBuilder {
    /// The root object.
    pub const ROOT: NodeId = NodeId(0);

    /// A model whose root has this identifier: `_tf_keras_sequential`, `_tf_keras_network`, `_tf_keras_model`, or
    /// `_generic_user_object`.
    pub fn new(identifier: impl Into<String>) -> SavedModelBuilder {
        let mut builder = SavedModelBuilder {
            nodes: Vec::new(),
            functions: Vec::new(),
            concrete: Vec::new(),
            signatures: Vec::new(),
            assets: Vec::new(),
            tags: vec!["serve".to_owned()],
        };
        builder.object(identifier);
        builder
    }

    fn add(&mut self, kind: Kind) -> NodeId {
        let (children, checkpoint_children, slots) = Default::default();
        self.nodes.push(Node { kind, children, checkpoint_children, slots });
        NodeId(self.nodes.len() - 1)
    }

    /// An object of a class, by the class's identifier.
    pub fn object(&mut self, identifier: impl Into<String>) -> NodeId {
        self.add(Kind::User { identifier: identifier.into(), producer: 1, metadata: None })
    }

    /// The version of an object's class; 1 unless changed, 2 for Keras's optimizers.
    pub fn set_producer(&mut self, object: NodeId, version: i32) {
        if let Some(Node { kind: Kind::User { producer, .. }, .. }) = self.nodes.get_mut(object.0) {
            *producer = version;
        }
    }

    /// What Keras is to know of an object: an entry of `keras_metadata.pb`.
    pub fn set_metadata(&mut self, object: NodeId, json: Value) {
        if let Some(Node { kind: Kind::User { metadata, .. }, .. }) = self.nodes.get_mut(object.0) {
            *metadata = Some(json);
        }
    }

    /// A Python list of objects.
    pub fn list(&mut self, elements: &[NodeId]) -> NodeId {
        let list = self.object("trackable_list_wrapper");
        for (place, &element) in elements.iter().enumerate() {
            self.child(list, place.to_string(), element);
        }
        list
    }

    /// A Python dictionary of objects.
    pub fn dict(&mut self, entries: &[(&str, NodeId)]) -> NodeId {
        let dict = self.object("trackable_dict_wrapper");
        for &(key, element) in entries {
            self.child(dict, key, element);
        }
        dict
    }

    /// A variable. `name` is TensorFlow's, without `:0`: `dense/kernel`.
    pub fn variable(&mut self, name: impl Into<String>, value: Tensor, trainable: bool) -> NodeId {
        self.add(Kind::Variable(Box::new(VariableData {
            name: name.into(),
            value,
            trainable,
            synchronization: VariableSynchronization::VARIABLE_SYNCHRONIZATION_AUTO,
            aggregation: VariableAggregation::VARIABLE_AGGREGATION_NONE,
        })))
    }

    /// How copies of a variable are kept equal and become one: Keras's metrics have `ON_READ` and `SUM`.
    pub fn set_distribution(
        &mut self,
        variable: NodeId,
        synchronization: VariableSynchronization,
        aggregation: VariableAggregation,
    ) {
        if let Some(Node { kind: Kind::Variable(data), .. }) = self.nodes.get_mut(variable.0) {
            data.synchronization = synchronization;
            data.aggregation = aggregation;
        }
    }

    /// Gives `child` a name in `parent`, in the model and in its checkpoint.
    pub fn child(&mut self, parent: NodeId, name: impl Into<String>, child: NodeId) {
        if let Some(node) = self.nodes.get_mut(parent.0) {
            node.children.push((name.into(), child));
        }
    }

    /// Gives `child` a name in `parent` in the checkpoint only.
    pub fn checkpoint_child(&mut self, parent: NodeId, name: impl Into<String>, child: NodeId) {
        if let Some(node) = self.nodes.get_mut(parent.0) {
            node.checkpoint_children.push((name.into(), child));
        }
    }

    /// A slot variable of an optimizer in the legacy form.
    pub fn slot(&mut self, optimizer: NodeId, original: NodeId, name: impl Into<String>, slot: NodeId) {
        if let Some(node) = self.nodes.get_mut(optimizer.0) {
            node.slots.push((original, name.into(), slot));
        }
    }

    /// Adds a function to the library. Its last arguments are resources, the captured variables.
    pub fn function_def(&mut self, function: FunctionDef) {
        self.functions.push(function);
    }

    /// Says how a function of the library is called: what it captures (its last arguments), arguments by position and
    /// by keyword, and the structure of its result.
    pub fn concrete_function(
        &mut self,
        name: impl Into<String>,
        captures: &[NodeId],
        args: Vec<Structured>,
        kwargs: Vec<(String, Structured)>,
        output: Structured,
    ) {
        self.concrete.push(Concrete { name: name.into(), captures: captures.to_vec(), args, kwargs, output });
    }

    /// A `tf.function` with its traces, concrete functions each.
    pub fn function(&mut self, traces: &[&str], spec: ArgSpec) -> NodeId {
        self.add(Kind::Function { traces: traces.iter().map(|&name| name.to_owned()).collect(), spec })
    }

    /// One concrete function, callable alone: names of its arguments, and how many may be given by position.
    pub fn bare_function(&mut self, name: &str, keywords: &[&str], positional: i64, spec: ArgSpec) -> NodeId {
        let keywords = keywords.iter().map(|&keyword| keyword.to_owned()).collect();
        self.add(Kind::Bare { function: name.to_owned(), keywords, positional, spec })
    }

    /// A signature that computes a concrete function. The function takes tensors by keyword only and gives a
    /// dictionary of tensors: their keys are the names users see.
    pub fn signature(&mut self, name: impl Into<String>, function: impl Into<String>) {
        self.signatures.push((name.into(), function.into()));
    }

    /// The tags of the graph; `serve` unless changed.
    pub fn tags(&mut self, tags: &[&str]) {
        self.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    }

    /// Checks everything and makes the files.
    ///
    /// # Errors
    /// [`Error::Build`] for names that lead nowhere, functions whose arguments and captured variables do not fit,
    /// signatures that are no dictionaries of tensors, and names used twice.
    pub fn build(&self) -> Result<SavedModelFiles> {
        files::build(self)
    }

    fn variable_data(&self, node: NodeId) -> Option<&VariableData> {
        match &self.nodes.get(node.0)?.kind {
            Kind::Variable(data) => Some(data),
            _ => None,
        }
    }

    fn table_data(&self, node: NodeId) -> Option<&TableData> {
        match &self.nodes.get(node.0)?.kind {
            Kind::Table(data) => Some(data),
            _ => None,
        }
    }

    /// The type of the argument by which a function gets an object; `None` for objects that it cannot get.
    fn captured_type(&self, node: NodeId) -> Option<DataType> {
        match &self.nodes.get(node.0)?.kind {
            Kind::Variable(_) | Kind::Table(_) => Some(DataType::DT_RESOURCE),
            Kind::Asset { .. } => Some(DataType::DT_STRING),
            Kind::Counts(_) | Kind::User { .. } | Kind::Function { .. } | Kind::Bare { .. } => None,
        }
    }

    fn concrete_named(&self, name: &str) -> Result<&Concrete> {
        let found = self.concrete.iter().find(|concrete| concrete.name == name);
        found.ok_or_else(|| Error::build("function", format!("`{name}`"), "a concrete function", "none"))
    }
}

impl VariableData {
    fn dtype(&self) -> DType {
        self.value.dtype()
    }
}
