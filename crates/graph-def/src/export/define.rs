//! A graph as a `FunctionDef`.

use std::collections::{HashMap, HashSet};

use kerox_format_savedmodel::messages::{ArgAttrs, ArgDef, AttrValue, DataType, FunctionDef, NodeDef, OpDef};
use kerox_graph::{Attr, Dims, Graph, Node, NodeId, Value};
use kerox_tensor::DType;

use super::attrs::{attr_of, shape_of};
use super::capture::{Capture, assign_of, bodies, captures, read_of, table_of};
use super::library::FunctionLibrary;
use super::lower::{Lowered, lower};
use super::node::{NodeParts, is_stateful, node_def, output_names};
use crate::{Error, Result};

/// What a function is made from.
pub(super) struct Definition<'a> {
    pub name: String,
    pub graph: &'a Graph,
    pub inputs: Vec<(String, Value)>,
    pub outputs: Vec<(String, Value)>,
    pub effects: &'a [NodeId],
    /// Variables and tables that are handed in; `None` for those that the graph uses.
    pub captures: Option<Vec<Capture>>,
    /// Whether the handles are results too: the body of a loop gives back all it was given.
    pub gives_captures: bool,
}

/// A function and what is behind its last arguments.
pub(super) struct Defined {
    pub def: FunctionDef,
    pub captures: Vec<Capture>,
}

/// Names of arguments and results: lower-case letters, digits and `_`, each once.
pub(super) struct ArgNames(HashSet<String>);

impl ArgNames {
    pub fn new() -> ArgNames {
        ArgNames(HashSet::new())
    }

    pub fn unique(&mut self, wanted: &str) -> String {
        let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let mut base: String = wanted.chars().map(clean).collect();
        if !base.starts_with(|c: char| c.is_ascii_lowercase()) {
            base.insert_str(0, "arg_");
        }
        let (mut name, mut count) = (base.clone(), 0);
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }
}

/// Names of nodes as TensorFlow allows them, each once and none that of an argument.
struct NodeNames(HashSet<String>);

impl NodeNames {
    fn unique(&mut self, wanted: &str) -> String {
        let clean = |c: char| if c.is_ascii_alphanumeric() || "_./-".contains(c) { c } else { '_' };
        let mut base: String = wanted.chars().map(clean).collect();
        if !base.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.') {
            base.insert(0, 'n');
        }
        let (mut name, mut count) = (base.clone(), 0);
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        name
    }
}

/// An argument of a function.
pub(super) fn arg(name: &str, dtype: DataType) -> ArgDef {
    ArgDef { name: name.into(), r#type: dtype, ..ArgDef::default() }
}

/// What is known of an argument's shape.
pub(super) fn shape_attr(dims: &Dims) -> ArgAttrs {
    let mut attrs = ArgAttrs::default();
    attrs.attr.insert("_output_shapes".into(), AttrValue::shapes([shape_of(dims)]));
    attrs
}

impl FunctionLibrary {
    pub(super) fn define(&mut self, definition: Definition<'_>) -> Result<Defined> {
        let values = |ends: &[(String, Value)]| ends.iter().map(|(_, v)| *v).collect::<Vec<Value>>();
        let lowered =
            lower(definition.graph, &values(&definition.inputs), &values(&definition.outputs), definition.effects)?;
        let captures = definition.captures.unwrap_or_else(|| {
            let mut found = Vec::new();
            captures(&lowered.graph, &mut found);
            found
        });
        let mut writer = Writer::new(&lowered, &captures, &definition.inputs);
        writer.nodes(self)?;
        let def = writer.finish(definition.name, &definition.outputs, definition.gives_captures);
        Ok(Defined { def, captures })
    }

    /// A body inside a graph as a function of its own, which is handed these variables and tables.
    fn body(&mut self, name: &str, body: &Graph, captures: &[Capture], gives_captures: bool) -> Result<String> {
        let ends = |values: &[Value], name: &str| -> Vec<(String, Value)> {
            values
                .iter()
                .map(|&v| {
                    let node = &body.nodes()[v.node.index()].name;
                    (if name.is_empty() { node.clone() } else { name.to_string() }, v)
                })
                .collect()
        };
        let defined = self.define(Definition {
            name: String::new(),
            graph: body,
            inputs: ends(&body.inputs, ""),
            outputs: ends(&body.outputs, "identity"),
            effects: &body.effects,
            captures: Some(captures.to_vec()),
            gives_captures,
        })?;
        Ok(self.push_body(name, defined.def))
    }
}

/// A function under construction.
struct Writer<'a> {
    lowered: &'a Lowered,
    captures: &'a [Capture],
    names: NodeNames,
    /// The names of arguments: inputs, then captured variables.
    arguments: Vec<String>,
    tensors: HashMap<(usize, u32), String>,
    /// Nodes that read a variable, so that assignments come after them.
    reads: HashMap<u64, Vec<String>>,
    /// The names of nodes that are run for what they change.
    controls: Vec<String>,
    is_stateful: bool,
    def: FunctionDef,
}

impl<'a> Writer<'a> {
    fn new(lowered: &'a Lowered, captures: &'a [Capture], inputs: &[(String, Value)]) -> Writer<'a> {
        let mut names = ArgNames::new();
        let mut arguments: Vec<String> = inputs.iter().map(|(name, _)| names.unique(name)).collect();
        arguments.extend(captures.iter().map(|capture| names.unique(&capture.argument())));
        let tensors = lowered.inputs.iter().zip(&arguments);
        let tensors = tensors.map(|(v, name)| ((v.node.index(), v.output), name.clone())).collect();
        Writer {
            lowered,
            captures,
            names: NodeNames(names.0),
            arguments,
            tensors,
            reads: HashMap::new(),
            controls: Vec::new(),
            is_stateful: false,
            def: FunctionDef::default(),
        }
    }

    fn handle(&self, capture: &Capture) -> String {
        let first = self.lowered.inputs.len();
        let at = self.captures.iter().position(|other| other == capture).map(|at| first + at);
        at.and_then(|at| self.arguments.get(at)).cloned().unwrap_or_default()
    }

    fn nodes(&mut self, library: &mut FunctionLibrary) -> Result<()> {
        let graph = &self.lowered.graph;
        for (at, node) in graph.nodes().iter().enumerate() {
            if self.tensors.contains_key(&(at, 0)) {
                continue;
            }
            if node.op.name() == "Placeholder" {
                let expected = "values that follow from the arguments";
                return Err(Error::export("node", &node.name, expected, "one that has to be fed"));
            }
            if let Some(table) = table_of(node) {
                let handle = self.handle(&Capture::Table(table.clone()));
                self.tensors.insert((at, 0), handle);
                continue;
            }
            let name = self.names.unique(&node.name);
            let inputs: Vec<String> =
                node.inputs.iter().map(|v| self.tensors[&(v.node.index(), v.output)].clone()).collect();
            let def = self.node(library, node, name, inputs)?;
            self.is_stateful |= is_stateful(&def.op);
            for (output, tensor) in output_names(&def)?.into_iter().enumerate().take(node.outputs.len()) {
                self.tensors.insert((at, output as u32), tensor);
            }
            if let Some(variable) = read_of(node) {
                self.reads.entry(variable.id()).or_default().push(def.name.clone());
            }
            if self.lowered.effects.iter().any(|id| id.index() == at) {
                self.controls.push(def.name.clone());
            }
            self.def.node_def.push(def);
        }
        Ok(())
    }

    fn node(
        &mut self,
        library: &mut FunctionLibrary,
        node: &Node,
        name: String,
        mut inputs: Vec<String>,
    ) -> Result<NodeDef> {
        let mut infos: Vec<_> = node.inputs.iter().map(|&v| self.lowered.graph.info(v).clone()).collect();
        let mut resources = 0;
        let mut op = node.op.name();
        let mut attrs = node.op.attrs(&infos, &node.outputs);
        let mut functions: Vec<(String, String)> = Vec::new();
        if let Some(variable) = read_of(node) {
            inputs.push(self.handle(&Capture::Variable(variable.clone())));
            resources = 1;
        } else if let Some(variable) = assign_of(node) {
            inputs.insert(0, self.handle(&Capture::Variable(variable.clone())));
            infos.insert(0, kerox_graph::ValueInfo::new(DType::Resource, Dims::scalar()));
            inputs.extend(self.reads.get(&variable.id()).into_iter().flatten().map(|read| format!("^{read}")));
        } else {
            let bodies = bodies(&*node.op, (&infos, &node.outputs));
            if !bodies.is_empty() {
                let mut used = Vec::new();
                bodies.iter().for_each(|(_, body)| captures(body, &mut used));
                for (at, (old, body)) in bodies.iter().enumerate() {
                    // The condition of a loop gives nothing but its answer.
                    let gives = matches!(op, "While" | "StatelessWhile") && at > 0;
                    functions.push((old.clone(), library.body(old, body, &used, gives)?));
                }
                if !used.is_empty() {
                    resources = used.len();
                    inputs.extend(used.iter().map(|capture| self.handle(capture)));
                    op = stateful_form(op);
                    hand_through(&mut attrs, resources);
                }
            }
        }
        let attrs = attrs
            .into_iter()
            .map(|(key, attr)| Ok((key, attr_of(&name, key, &attr, &functions)?)))
            .collect::<Result<Vec<_>>>()?;
        node_def(NodeParts { name, op, attrs, inputs, input_infos: &infos, output_infos: &node.outputs, resources })
    }

    fn finish(mut self, name: String, outputs: &[(String, Value)], gives_captures: bool) -> FunctionDef {
        let mut signature = OpDef { name, is_stateful: self.is_stateful, ..OpDef::default() };
        for (at, (argument, v)) in self.arguments.iter().zip(&self.lowered.inputs).enumerate() {
            signature.input_arg.push(arg(argument, self.lowered.graph.dtype(*v).into()));
            self.def.arg_attr.insert(at as u32, shape_attr(self.lowered.graph.dims(*v)));
        }
        let handles = &self.arguments[self.lowered.inputs.len()..];
        signature.input_arg.extend(handles.iter().map(|handle| arg(handle, DataType::DT_RESOURCE)));
        let mut names = ArgNames::new();
        for ((wanted, _), v) in outputs.iter().zip(&self.lowered.outputs) {
            let result = names.unique(wanted);
            signature.output_arg.push(arg(&result, self.lowered.graph.dtype(*v).into()));
            self.def.ret.insert(result, self.tensors[&(v.node.index(), v.output)].clone());
        }
        for handle in handles.iter().filter(|_| gives_captures) {
            let result = names.unique("handle");
            signature.output_arg.push(arg(&result, DataType::DT_RESOURCE));
            self.def.ret.insert(result, handle.clone());
        }
        for control in &self.controls {
            signature.control_output.push(control.clone());
            self.def.control_ret.insert(control.clone(), control.clone());
        }
        self.def.signature = Some(Box::new(signature));
        self.def
    }
}

/// The operation for bodies that use variables.
fn stateful_form(op: &'static str) -> &'static str {
    match op {
        "PartitionedCall" => "StatefulPartitionedCall",
        "StatelessWhile" => "While",
        "StatelessIf" => "If",
        "StatelessCase" => "Case",
        other => other,
    }
}

/// Adds handles to the types that go into a call, and through a loop.
fn hand_through(attrs: &mut [(&'static str, Attr)], resources: usize) {
    let loops = attrs.iter().any(|(name, _)| *name == "T");
    for (name, attr) in attrs {
        let Attr::List(items) = attr else { continue };
        match *name {
            "T" | "Tin" => items.extend((0..resources).map(|_| Attr::Type(DType::Resource))),
            "output_shapes" if loops => items.extend((0..resources).map(|_| Attr::Shape(Dims::scalar()))),
            _ => {}
        }
    }
}
