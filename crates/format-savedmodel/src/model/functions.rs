//! The functions of a model.

use std::collections::HashMap;

use crate::messages::saved_object_graph::SavedConcreteFunction;
use crate::messages::{FunctionDef, MetaGraphDef};
use crate::{Error, Result, Structured};

/// The function library of a meta graph, by name.
#[derive(Clone, Debug, Default)]
pub struct Functions<'a> {
    by_name: HashMap<&'a str, &'a FunctionDef>,
    concrete: HashMap<&'a str, &'a SavedConcreteFunction>,
}

/// A function with what it captures and how it is called.
#[derive(Clone, Debug)]
pub struct ConcreteFunction<'a> {
    /// The graph.
    pub def: &'a FunctionDef,
    /// Numbers of the objects whose values are the last arguments, in order.
    pub captures: Vec<usize>,
    /// Arguments by position.
    pub args: Vec<Structured>,
    /// Arguments by keyword.
    pub kwargs: Vec<(String, Structured)>,
    /// The result.
    pub output: Structured,
}

impl<'a> Functions<'a> {
    pub(super) fn new(meta_graph: &'a MetaGraphDef) -> Functions<'a> {
        let library = meta_graph.graph_def.iter().filter_map(|graph| graph.library.as_ref());
        let named = |def: &'a FunctionDef| Some((def.signature.as_ref()?.name.as_str(), def));
        let by_name = library.flat_map(|library| &library.function).filter_map(named).collect();
        let objects = meta_graph.object_graph_def.iter().flat_map(|objects| &objects.concrete_functions);
        Functions { by_name, concrete: objects.map(|(name, function)| (name.as_str(), function)).collect() }
    }

    /// The graph of a function.
    pub fn get(&self, name: &str) -> Option<&'a FunctionDef> {
        self.by_name.get(name).copied()
    }

    /// Number of functions.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// A function with what it captures and how it is called.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not in the library, or not among the concrete functions, or captures more than it
    /// has arguments.
    pub fn concrete(&self, name: &str) -> Result<ConcreteFunction<'a>> {
        let place = || format!("`{name}`");
        let def = self.get(name).ok_or_else(|| Error::invalid("function", place(), "one of the library", "none"))?;
        let of_objects = self.concrete.get(name);
        let saved = of_objects.ok_or_else(|| Error::invalid("function", place(), "a concrete function", "none"))?;
        let captures: Vec<usize> = saved.bound_inputs.iter().filter_map(|&id| usize::try_from(id).ok()).collect();
        let arguments = def.signature.as_ref().map_or(0, |signature| signature.input_arg.len());
        if captures.len() > arguments {
            let (expected, found) = (format!("at most {arguments} captured inputs"), captures.len().to_string());
            return Err(Error::invalid("function", place(), expected, found));
        }
        let missing = || Error::invalid("function", place(), "arguments as tuple and dictionary", "another value");
        let input = saved.canonicalized_input_signature.as_deref().ok_or_else(missing)?;
        let (args, kwargs) = match Structured::decode(input)? {
            Structured::Tuple(parts) => match <[Structured; 2]>::try_from(parts) {
                Ok([Structured::Tuple(args), Structured::Dict(kwargs)]) => (args, kwargs),
                _ => return Err(missing()),
            },
            _ => return Err(missing()),
        };
        let output = saved.output_signature.as_deref().map_or(Ok(Structured::None), Structured::decode)?;
        Ok(ConcreteFunction { def, captures, args, kwargs, output })
    }
}
