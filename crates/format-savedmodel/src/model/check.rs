//! Whether everything that a meta graph names is there.
//!
//! | what | has to be |
//! |---|---|
//! | an operation of a node | one that is known, that the model declares, or one of its functions |
//! | inputs of a node | outputs of nodes of the same graph or arguments of the same function, as many as the operation takes |
//! | functions in attributes | in the library |
//! | results of a function | outputs of its nodes or its arguments |
//! | tensors of signatures, of the initializer and of the saver | outputs of nodes outside of functions, of the type that the signature says |
//! | functions of objects | in the library, with arguments for all that they capture |
//! | assets | names inside of the directory `assets` |

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::{MetaGraph, Signature};
use crate::NodeInput;
use crate::messages::attr_value::Value;
use crate::messages::saved_object_graph::Kind;
use crate::messages::{ArgDef, AttrValue, DataType, FunctionDef, NodeDef};
use crate::ops::{Attrs, NodeSignature, OpRegistry};

/// Something that a meta graph names and that is not there, or not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where: a node of a function, a signature, an object.
    pub place: String,
    /// What was expected there, and what was found.
    pub what: String,
}

/// Flaws that are listed; one damaged byte can make thousands.
const MOST: usize = 100;

impl MetaGraph<'_> {
    /// Checks that everything that graph, functions, signatures and objects name is there. At most 100 flaws are listed;
    /// an empty list means that there is none.
    pub fn check(&self) -> Vec<Flaw> {
        let mut check = Check { meta: self, registry: self.ops(), looked_at: Cell::new(0), flaws: Vec::new() };
        check.all();
        check.flaws.truncate(MOST);
        check.flaws
    }
}

struct Check<'m, 'a> {
    meta: &'m MetaGraph<'a>,
    registry: OpRegistry,
    /// Tensors of nodes that were looked at.
    looked_at: Cell<usize>,
    flaws: Vec<Flaw>,
}

/// Tensors that are looked at: nodes of hostile files may claim a million each.
const MOST_TENSORS: usize = 1 << 26;

/// A graph or the body of a function.
struct Body<'a> {
    place: String,
    nodes: HashMap<&'a str, &'a NodeDef>,
    arguments: HashMap<&'a str, &'a ArgDef>,
    is_function: bool,
}

impl<'a> Check<'_, 'a> {
    fn flaw(&mut self, place: impl Into<String>, expected: &str, found: impl Into<String>) {
        if self.flaws.len() <= MOST {
            let what = format!("expected {expected}, found {}", found.into());
            self.flaws.push(Flaw { place: place.into(), what });
        }
    }

    fn all(&mut self) {
        let graph = self.meta.graph();
        let main = self.body(None, graph.map_or(&[], |graph| &graph.node));
        let library = graph.iter().filter_map(|graph| graph.library.as_deref());
        for def in library.flat_map(|library| &library.function) {
            let body = self.body(Some(def), &def.node_def);
            self.results(def, &body);
        }
        self.signatures(&main);
        self.objects();
        if let Err(error) = self.meta.assets() {
            self.flaws.push(Flaw { place: "assets".into(), what: error.to_string() });
        }
    }

    /// Looks at every node.
    fn body(&mut self, function: Option<&'a FunctionDef>, nodes: &'a [NodeDef]) -> Body<'a> {
        let signature = function.and_then(|def| def.signature.as_deref());
        let place = match (function, signature) {
            (None, _) => "graph".to_owned(),
            (_, Some(signature)) => format!("function `{}`", signature.name),
            (_, None) => "function".to_owned(),
        };
        if function.is_some() && signature.is_none() {
            self.flaw(&place, "a signature", "none");
        }
        let arguments = signature.iter().flat_map(|s| &s.input_arg).map(|arg| (arg.name.as_str(), arg)).collect();
        let mut body = Body { place, nodes: HashMap::new(), arguments, is_function: function.is_some() };
        for node in nodes {
            if body.nodes.insert(&node.name, node).is_some() {
                self.flaw(&body.place, "names given once", format!("two nodes `{}`", node.name));
            }
        }
        for node in nodes {
            self.node(&body, node);
        }
        body
    }

    fn node(&mut self, body: &Body<'a>, node: &'a NodeDef) {
        let place = || format!("{}, node `{}`", body.place, node.name);
        let mut called = Vec::new();
        for (name, value) in node.attr.iter().filter(|(name, _)| !name.starts_with('_')) {
            functions_in(value, &mut called);
            if let Some(missing) =
                called.drain(..).find(|name| !name.is_empty() && self.meta.functions().get(name).is_none())
            {
                self.flaw(place(), &format!("a function of the library in `{name}`"), format!("`{missing}`"));
            }
        }
        let (mut tensors, mut known) = (0, true);
        for input in &node.input {
            match self.source(body, input) {
                Ok(Source::Control) => {}
                Ok(_) => tensors += 1,
                Err(expected) => {
                    known = false;
                    self.flaw(place(), &expected, format!("the input `{input}`"));
                }
            }
        }
        let Some(spec) = self.registry.get(&node.op) else {
            return self.flaw(
                place(),
                "an operation that is known or a function of the library",
                format!("`{}`", node.op),
            );
        };
        if self.looked_at.get() >= MOST_TENSORS {
            return;
        }
        match Attrs::new(node, Some(spec)).signature() {
            Err(error) => self.flaws.push(Flaw { place: place(), what: error.to_string() }),
            Ok(signature) => {
                let taken: usize = signature.inputs.iter().map(|port| port.types.len()).sum();
                self.looked_at.set(self.looked_at.get() + taken);
                // An input that leads nowhere has been listed.
                if known && taken != tensors {
                    self.flaw(place(), &format!("{taken} inputs of `{}`", node.op), tensors.to_string());
                }
            }
        }
    }

    /// What goes into a node and comes out, where that can be known.
    fn signature(&self, node: &'a NodeDef) -> Option<NodeSignature<'_>> {
        let spec = self.registry.get(&node.op).filter(|_| self.looked_at.get() < MOST_TENSORS)?;
        let signature = Attrs::new(node, Some(spec)).signature().ok()?;
        let count = signature.inputs.iter().chain(&signature.outputs).map(|port| port.types.len() + 1).sum::<usize>();
        self.looked_at.set(self.looked_at.get() + count);
        Some(signature)
    }

    /// What an input refers to; else what was expected.
    fn source(&self, body: &Body<'a>, input: &str) -> Result<Source, String> {
        let parsed = NodeInput::parse(input).map_err(|_| "the name of a tensor".to_owned())?;
        if let Some(arg) = body.arguments.get(parsed.node()) {
            return match parsed {
                NodeInput::Control { .. } => Ok(Source::Control),
                NodeInput::Tensor { index, .. } if index == 0 || is_list(arg) => Ok(Source::Tensor(None)),
                _ => Err(format!("a tensor of the argument `{}`", arg.name)),
            };
        }
        let Some(node) = body.nodes.get(parsed.node()) else {
            let expected = if body.is_function { "a node or argument of the function" } else { "a node of the graph" };
            return Err(expected.to_owned());
        };
        if matches!(parsed, NodeInput::Control { .. }) {
            return Ok(Source::Control);
        }
        let Some(signature) = self.signature(node) else { return Ok(Source::Tensor(None)) };
        let types: Vec<DataType> = signature.outputs.iter().flat_map(|port| port.types.iter().copied()).collect();
        let place = match parsed {
            NodeInput::Control { .. } => None,
            NodeInput::Tensor { index, .. } => Some(index).filter(|index| *index < types.len()),
            NodeInput::Output { output, index, .. } => signature.output(output, index),
        };
        match place {
            Some(place) => Ok(Source::Tensor(types.get(place).copied())),
            None => Err(format!("one of the {} outputs of `{}` ({})", types.len(), node.name, node.op)),
        }
    }

    fn results(&mut self, def: &'a FunctionDef, body: &Body<'a>) {
        let outputs = def.signature.iter().flat_map(|signature| &signature.output_arg);
        let names: HashSet<&str> = outputs.map(|arg| arg.name.as_str()).collect();
        let mut missing: Vec<&&str> = names.iter().filter(|name| def.ret.get::<str>(name).is_none()).collect();
        missing.sort();
        for name in missing {
            self.flaw(&body.place, &format!("what the result `{name}` is"), "nothing");
        }
        for (name, tensor) in def.ret.iter() {
            match self.source(body, tensor) {
                Ok(Source::Tensor(_)) => {}
                Ok(Source::Control) => {
                    self.flaw(&body.place, &format!("a tensor as the result `{name}`"), format!("`{tensor}`"))
                }
                Err(expected) => {
                    self.flaw(&body.place, &format!("{expected} as the result `{name}`"), format!("`{tensor}`"));
                }
            }
        }
        for (name, node) in def.control_ret.iter() {
            if !body.nodes.contains_key(node.as_str()) {
                self.flaw(&body.place, &format!("a node for `{name}`"), format!("`{node}`"));
            }
        }
    }

    fn signatures(&mut self, main: &Body<'a>) {
        for (name, def) in &self.meta.def.signature_def {
            // The names of the initializer's are those of nodes.
            if name.starts_with("__saved_model") {
                continue;
            }
            let signature = Signature::new(name, def);
            // Other manners of serving say what is inside of the examples that they take.
            let is_plain = signature.method.is_empty() || signature.method == "tensorflow/serving/predict";
            for (kind, tensors) in [("input", &signature.inputs), ("output", &signature.outputs)] {
                for tensor in tensors {
                    let place = format!("signature `{name}`, {kind} `{}`", tensor.name);
                    for reference in &tensor.tensors {
                        match self.source(main, reference) {
                            Ok(Source::Tensor(Some(dtype)))
                                if is_plain
                                    && tensor.tensors.len() == 1
                                    && dtype.without_ref() != tensor.dtype.without_ref() =>
                            {
                                let expected = format!("`{reference}` of type {:?}", tensor.dtype);
                                self.flaw(place.clone(), &expected, format!("{dtype:?}"));
                            }
                            Ok(_) => {}
                            Err(expected) => self.flaw(place.clone(), &expected, format!("`{reference}`")),
                        }
                    }
                }
            }
        }
        let saver = self.meta.saver();
        let named = [
            ("the initializer", self.meta.init_op()),
            ("the saver's file name", saver.map(|saver| saver.filename_tensor_name.as_str())),
            ("the saver's result", saver.map(|saver| saver.save_tensor_name.as_str())),
            ("the restoring of variables", saver.map(|saver| saver.restore_op_name.as_str())),
        ];
        for (what, reference) in named {
            let Some(reference) = reference.filter(|name| !name.is_empty()) else { continue };
            // A node that runs; of a tensor's name, its node.
            let node = reference.trim_start_matches('^').split(':').next().unwrap_or_default();
            if !main.nodes.contains_key(node) {
                self.flaw(what, "a node of the graph", format!("`{reference}`"));
            }
        }
    }

    fn objects(&mut self) {
        let objects = match self.meta.objects() {
            Ok(Some(objects)) => objects,
            Ok(None) => return,
            Err(error) => return self.flaws.push(Flaw { place: "objects".into(), what: error.to_string() }),
        };
        let concrete = self.meta.def.object_graph_def.iter().flat_map(|graph| &graph.concrete_functions);
        let concrete: HashMap<&str, usize> = concrete.map(|(name, f)| (name.as_str(), f.bound_inputs.len())).collect();
        let mut sorted: Vec<(&&str, &usize)> = concrete.iter().collect();
        sorted.sort();
        for (name, captured) in sorted {
            let place = format!("function `{name}`");
            match self.meta.functions().get(name) {
                None => self.flaw(place, "a function of the library", "none of that name"),
                Some(def) => {
                    let arguments = def.signature.as_ref().map_or(0, |signature| signature.input_arg.len());
                    if *captured > arguments {
                        self.flaw(place, &format!("at most {arguments} captured inputs"), captured.to_string());
                    }
                }
            }
        }
        for object in objects.iter() {
            let names: Vec<&str> = match &object.def.kind {
                Some(Kind::Function(function)) => function.concrete_functions.iter().map(String::as_str).collect(),
                Some(Kind::BareConcreteFunction(function)) => vec![&function.concrete_function_name],
                Some(Kind::CapturedTensor(tensor)) => vec![&tensor.concrete_function],
                _ => Vec::new(),
            };
            for name in names.into_iter().filter(|name| !concrete.contains_key(name)) {
                self.flaw(format!("object {}", object.id), "one of the concrete functions", format!("`{name}`"));
            }
        }
    }
}

/// What an input refers to.
enum Source {
    /// A tensor, and its type where it is known.
    Tensor(Option<DataType>),
    /// A node that has to run before.
    Control,
}

/// Whether an argument of a function is a list of tensors.
fn is_list(arg: &ArgDef) -> bool {
    !arg.number_attr.is_empty() || !arg.type_list_attr.is_empty()
}

/// The names of functions in an attribute, those in attributes of functions too.
fn functions_in<'a>(value: &'a AttrValue, found: &mut Vec<&'a str>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let functions = match &value.value {
            Some(Value::Func(function)) => std::slice::from_ref(&**function),
            Some(Value::List(list)) => &list.func[..],
            _ => &[],
        };
        for function in functions {
            found.push(&function.name);
            open.extend(function.attr.iter().map(|(_, value)| value));
        }
    }
}
