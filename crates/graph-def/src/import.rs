//! From nodes to a graph: bodies, calls, and how slots become values.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kerox_graph::{Dims, Graph, Value, ops};
use kerox_tensor::{DType, Variable};

use crate::attrs::dims_of;
use crate::handle::{Handle, Slot};
use crate::library::{Body, Library, Source};
use crate::order::order;
use crate::scan::{MAX_DEPTH, roots_of};
use crate::state::State;
use crate::{Error, Result};

/// Nodes one graph may have after inlining: calls inside calls multiply.
const MAX_NODES: usize = 1 << 18;

/// The import of one graph.
pub(crate) struct Importer<'s, 'a> {
    pub library: &'s Library<'a>,
    pub state: &'s State,
    /// Functions that are being inlined.
    calls: Vec<String>,
    nodes: usize,
    /// Variables that an earlier node assigns: what was read before is not their value.
    pub written: HashSet<u64>,
    /// Whether loops of known lengths are inlined.
    pub unrolls: bool,
}

/// The slots of the nodes of a body.
pub(crate) type Slots = HashMap<usize, Vec<Slot>>;

impl<'s, 'a> Importer<'s, 'a> {
    pub fn new(library: &'s Library<'a>, state: &'s State) -> Importer<'s, 'a> {
        Importer { library, state, calls: Vec::new(), nodes: 0, written: HashSet::new(), unrolls: false }
    }

    /// Imports what `roots` of a body need, and gives a slot for each root that is an output.
    pub fn body(
        &mut self,
        g: &mut Graph,
        body: &Body<'a>,
        arguments: &[Slot],
        roots: &[Source],
        fed: &HashMap<Source, Slot>,
    ) -> Result<Vec<Slot>> {
        let fed_sources: HashSet<Source> = fed.keys().copied().collect();
        let ordered = order(self.library, body, roots, &fed_sources)?;
        self.nodes += ordered.len();
        if self.nodes > MAX_NODES {
            let expected = format!("at most {MAX_NODES} nodes with those of all calls");
            return Err(Error::invalid("function", body.name(), expected, "more"));
        }
        let mut slots = Slots::with_capacity(ordered.len());
        for at in ordered {
            let node = &body.nodes[at];
            let mut inputs = Vec::with_capacity(node.input.len());
            for (k, input) in node.input.iter().enumerate() {
                if crate::order::skips_input(&node.op, k) {
                    continue;
                }
                let source = body.source(self.library, input, &node.name)?;
                inputs.extend(self.slot(body, source, arguments, fed, &slots, &node.name)?);
            }
            let outputs = self.node(g, body, node, inputs)?;
            slots.insert(at, outputs);
        }
        let mut results = Vec::new();
        for &root in roots {
            results.extend(self.slot(body, root, arguments, fed, &slots, body.name())?);
        }
        Ok(results)
    }

    fn slot(
        &self,
        body: &Body<'a>,
        source: Source,
        arguments: &[Slot],
        fed: &HashMap<Source, Slot>,
        slots: &Slots,
        user: &str,
    ) -> Result<Option<Slot>> {
        if let Some(slot) = fed.get(&source) {
            return Ok(Some(slot.clone()));
        }
        match source {
            Source::Control(_) => Ok(None),
            Source::Argument(usize::MAX) => Ok(None),
            Source::Argument(at) => match arguments.get(at) {
                Some(slot) => Ok(Some(slot.clone())),
                None => Err(Error::invalid("node", user, format!("argument {at}"), arguments.len().to_string())),
            },
            Source::Output(at, output) => match slots.get(&at).and_then(|outputs| outputs.get(output)) {
                Some(slot) => Ok(Some(slot.clone())),
                None => {
                    let node = &body.nodes[at];
                    let found = format!("output {output} of `{}` ({})", node.name, node.op);
                    Err(Error::invalid("node", user, "inputs that are outputs of nodes", found))
                }
            },
        }
    }

    /// Inlines a function.
    pub fn call(&mut self, g: &mut Graph, name: &str, arguments: &[Slot], user: &str) -> Result<Vec<Slot>> {
        let library = self.library;
        let Some(body) = library.function(name) else {
            return Err(Error::invalid("node", user, "functions of the library", format!("`{name}`")));
        };
        if self.calls.iter().any(|open| open == name) {
            let path = format!("{} -> {name}", self.calls.join(" -> "));
            return Err(Error::invalid("function", name, "functions that do not call themselves", path));
        }
        if self.calls.len() >= MAX_DEPTH {
            return Err(Error::invalid("function", name, format!("at most {MAX_DEPTH} calls inside calls"), "more"));
        }
        let wanted = body.function.and_then(|f| f.signature.as_ref()).map_or(0, |s| s.input_arg.len());
        if wanted != arguments.len() {
            let expected = format!("{wanted} arguments of function `{name}`");
            return Err(Error::invalid("node", user, expected, arguments.len().to_string()));
        }
        let roots = roots_of(library, body)?;
        self.calls.push(name.to_owned());
        g.enter_scope(user);
        let result = self.body(g, body, arguments, &roots, &HashMap::new());
        g.leave_scope();
        self.calls.pop();
        result
    }

    /// A function as a graph of its own. Of its arguments, those in `given` are known while importing; the others
    /// become its inputs. Gives the slots of its results, too.
    pub fn graph_of(&mut self, name: &str, given: &[Option<Slot>], user: &str) -> Result<(Graph, Vec<Slot>)> {
        let library = self.library;
        let Some(body) = library.function(name) else {
            return Err(Error::invalid("node", user, "functions of the library", format!("`{name}`")));
        };
        let mut g = Graph::new();
        let mut arguments = Vec::with_capacity(given.len());
        let signature = body.function.and_then(|f| f.signature.as_ref());
        for (at, slot) in given.iter().enumerate() {
            let argument = match slot {
                Some(slot) => slot.clone(),
                None => {
                    let arg = signature.and_then(|s| s.input_arg.get(at)).ok_or_else(|| {
                        let found = format!("{} given", given.len());
                        Error::invalid("function", name, format!("an argument {at}"), found)
                    })?;
                    let dtype = arg.r#type.dtype().ok_or_else(|| {
                        let found = format!("{:?}", arg.r#type);
                        Error::invalid("function", name, format!("a known type of argument `{}`", arg.name), found)
                    })?;
                    let value = g.placeholder(&arg.name, dtype, Dims::unknown())?;
                    g.inputs.push(value);
                    Slot::Value(value)
                }
            };
            arguments.push(argument);
        }
        // What this graph reads is read when it runs.
        let written = std::mem::take(&mut self.written);
        let results = self.call(&mut g, name, &arguments, user);
        self.written.extend(written);
        Ok((g, results?))
    }

    /// The value behind a slot: variables are read, stored tensors become constants.
    pub fn value(&mut self, g: &mut Graph, slot: &Slot, user: &str) -> Result<Value> {
        match slot {
            Slot::Value(value) => Ok(*value),
            Slot::Variable(handle) if handle.is_ref => self.read(g, handle),
            Slot::Variable(handle) => {
                let found = format!("the handle of variable `{}`", handle.name);
                Err(Error::invalid("node", user, "inputs that are tensors", found))
            }
            Slot::List(list) => self.list_value(g, list, user),
            Slot::Stored(stored) => {
                let value = self.state.read(stored)?;
                Ok(g.add_single(ops::Const { value }, &[])?)
            }
        }
    }

    /// The value of a variable at this place of the graph.
    pub fn read(&mut self, g: &mut Graph, handle: &Handle) -> Result<Value> {
        let variable = self.state.variable(handle, false)?;
        self.read_variable(g, &variable)
    }

    fn read_variable(&mut self, g: &mut Graph, variable: &Variable) -> Result<Value> {
        if !self.written.contains(&variable.id()) {
            return Ok(g.read(variable)?);
        }
        let op = Arc::new(ops::ReadVariable { variable: variable.clone() });
        let id = g.add_node(&format!("{}/Read/ReadVariableOp", variable.name()), op, &[])?;
        Ok(g.values(id)[0])
    }

    /// Adds what a graph is fed with in place of an output of a node.
    pub fn feed(&mut self, g: &mut Graph, name: &str, body: &Body<'a>, source: Source) -> Result<Slot> {
        let Source::Output(at, output) = source else {
            return Err(Error::invalid("input", name, "an output of a node", "none"));
        };
        let node = &body.nodes[at];
        let attrs = kerox_format_savedmodel::ops::Attrs::new(node, self.library.spec(&node.op));
        let types: Vec<_> = attrs.signature()?.outputs.iter().flat_map(|port| port.types.clone()).collect();
        let dtype: DType = types.get(output).and_then(|dtype| dtype.dtype()).ok_or_else(|| {
            Error::invalid(
                "input",
                name,
                "an output of a known type",
                format!("`{}:{output}` ({})", node.name, node.op),
            )
        })?;
        let dims = match node.op.as_str() {
            "Placeholder" | "PlaceholderV2" | "PlaceholderWithDefault" => self.placeholder_dims(node)?,
            _ => Dims::unknown(),
        };
        Ok(Slot::Value(g.placeholder(name, dtype, any_batch(&dims))?))
    }

    /// The shape of a placeholder; old graphs write that of a scalar where they know none.
    pub fn placeholder_dims(&self, node: &kerox_format_savedmodel::messages::NodeDef) -> Result<Dims> {
        let attrs = kerox_format_savedmodel::ops::Attrs::new(node, self.library.spec(&node.op));
        let dims = match attrs.shape("shape") {
            Ok(shape) => dims_of(&node.name, shape)?,
            Err(_) => Dims::unknown(),
        };
        let is_old = node.op == "Placeholder" && self.library.producer <= 21 && dims.rank() == Some(0);
        Ok(if is_old { Dims::unknown() } else { dims })
    }
}

/// The shape with any length of the first axis: TensorFlow runs a signature on whatever number of samples it is given,
/// also where it was traced for a number, and leaves it to the operations whether they can.
fn any_batch(dims: &Dims) -> Dims {
    match dims.axes() {
        Some([_, rest @ ..]) => std::iter::once(None).chain(rest.iter().copied()).collect(),
        _ => dims.clone(),
    }
}
