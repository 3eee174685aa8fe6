//! The functions of a model, with their nodes by name.

use std::collections::HashMap;

use kerox_format_savedmodel::messages::{FunctionDef, NodeDef};
use kerox_format_savedmodel::ops::{Attrs, OpRegistry, OpSpec};
use kerox_format_savedmodel::{MetaGraph, NodeInput};

use crate::{Error, Result};

/// The nodes of the graph or of one function.
#[derive(Clone, Debug)]
pub(crate) struct Body<'a> {
    /// The function; `None` for the graph outside of functions.
    pub function: Option<&'a FunctionDef>,
    /// The nodes.
    pub nodes: &'a [NodeDef],
    by_name: HashMap<&'a str, usize>,
    arguments: HashMap<&'a str, usize>,
}

/// What an input of a node refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// An argument of the function.
    Argument(usize),
    /// An output of a node, counted over all its outputs.
    Output(usize, usize),
    /// A node that has to run before.
    Control(usize),
}

impl<'a> Body<'a> {
    fn new(function: Option<&'a FunctionDef>, nodes: &'a [NodeDef]) -> Result<Body<'a>> {
        let mut by_name = HashMap::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            if by_name.insert(node.name.as_str(), at).is_some() {
                return Err(Error::invalid("node", &node.name, "names given once", "two nodes of that name"));
            }
        }
        let signature = function.and_then(|f| f.signature.as_deref());
        let arguments =
            signature.iter().flat_map(|s| &s.input_arg).enumerate().map(|(at, arg)| (arg.name.as_str(), at)).collect();
        Ok(Body { function, nodes, by_name, arguments })
    }

    /// The function's name, or what stands for the graph.
    pub fn name(&self) -> &'a str {
        self.function.and_then(|f| f.signature.as_ref()).map_or("graph", |s| s.name.as_str())
    }

    /// The place of a node.
    pub fn node(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// What an input refers to. `user` is for errors.
    pub fn source(&self, library: &Library<'a>, input: &str, user: &str) -> Result<Source> {
        let parsed = NodeInput::parse(input)?;
        let missing = || {
            let expected = format!("inputs among the nodes of {}", self.name());
            Error::invalid("node", user, expected, format!("`{input}`"))
        };
        if let NodeInput::Tensor { node, index: 0 } = parsed
            && let Some(&at) = self.arguments.get(node)
        {
            return Ok(Source::Argument(at));
        }
        if let NodeInput::Control { node } = parsed
            && self.arguments.contains_key(node)
        {
            // The argument is there before the function starts: nothing to wait for.
            return Ok(Source::Argument(usize::MAX));
        }
        let at = self.node(parsed.node()).ok_or_else(missing)?;
        match parsed {
            NodeInput::Control { .. } => Ok(Source::Control(at)),
            NodeInput::Tensor { index, .. } => Ok(Source::Output(at, index)),
            NodeInput::Output { output, index, .. } => {
                let node = &self.nodes[at];
                let signature = Attrs::new(node, library.spec(&node.op)).signature()?;
                let place = signature.output(output, index).ok_or_else(missing)?;
                Ok(Source::Output(at, place))
            }
        }
    }
}

/// Everything that nodes of a model can name.
#[derive(Debug)]
pub(crate) struct Library<'a> {
    registry: OpRegistry,
    /// The graph outside of functions.
    pub main: Body<'a>,
    functions: HashMap<&'a str, Body<'a>>,
    /// The version of the graph's writer.
    pub producer: i32,
}

impl<'a> Library<'a> {
    /// The library of a meta graph.
    pub fn new(meta: &MetaGraph<'a>) -> Result<Library<'a>> {
        let graph = meta.graph();
        let main = Body::new(None, graph.map_or(&[], |graph| &graph.node))?;
        let mut functions = HashMap::new();
        for def in graph.iter().filter_map(|g| g.library.as_deref()).flat_map(|library| &library.function) {
            if let Some(signature) = &def.signature {
                functions.insert(signature.name.as_str(), Body::new(Some(def), &def.node_def)?);
            }
        }
        let producer = graph.and_then(|g| g.versions.as_ref()).map_or(0, |v| v.producer);
        Ok(Library { registry: meta.ops(), main, functions, producer })
    }

    /// An operation or function by name.
    pub fn spec(&self, name: &str) -> Option<&OpSpec> {
        self.registry.get(name)
    }

    /// A function.
    pub fn function(&self, name: &str) -> Option<&Body<'a>> {
        self.functions.get(name)
    }
}
