//! The functions of a SavedModel under construction.

use std::collections::HashSet;

use kerox_format_savedmodel::messages::{AttrValue, DataType, FunctionDef, OpDef};
use kerox_graph::{Dims, Graph, NodeId, Value};
use kerox_tensor::DType;

use super::capture::Capture;
use super::define::{ArgNames, Definition, arg, shape_attr};
use super::node::{NodeParts, node_def};
use crate::{Error, Result};

/// Functions by name.
///
/// # Example
/// ```
/// use kerox_graph::{Dims, Graph};
/// use kerox_graph_def::export::{Capture, FunctionLibrary};
/// use kerox_tensor::{DType, Tensor, Variable};
///
/// let mut g = Graph::new();
/// let x = g.placeholder("x", DType::F32, Dims::from([None, Some(2)]))?;
/// let bias = Variable::new("bias", Tensor::zeros(DType::F32, [2])?, true);
/// let read = g.read(&bias)?;
/// let y = g.bias_add(x, read)?;
/// let mut library = FunctionLibrary::new();
/// let function = library.add("__inference_f", &g, &[("x".into(), x)], &[("y".into(), y)], &[])?;
/// assert_eq!(function.captures, [Capture::Variable(bias)]);
/// assert_eq!(library.functions()[0].node_def[1].op, "BiasAdd");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct FunctionLibrary {
    functions: Vec<FunctionDef>,
    names: HashSet<String>,
}

/// A function of a [`FunctionLibrary`].
#[derive(Clone, Debug)]
pub struct ExportedFunction {
    /// The name in the library.
    pub name: String,
    /// The variables and tables behind its last arguments.
    pub captures: Vec<Capture>,
    /// Types and shapes of its arguments, without the variables.
    pub inputs: Vec<(DType, Dims)>,
    /// Types and shapes of its results.
    pub outputs: Vec<(DType, Dims)>,
    /// Whether it changes a variable or draws random numbers.
    pub is_stateful: bool,
}

impl FunctionLibrary {
    /// Without functions.
    pub fn new() -> FunctionLibrary {
        FunctionLibrary::default()
    }

    /// The functions in the order in which they were added, bodies before those that use them.
    pub fn functions(&self) -> &[FunctionDef] {
        &self.functions
    }

    /// The functions.
    pub fn into_functions(self) -> Vec<FunctionDef> {
        self.functions
    }

    fn unique(&mut self, wanted: &str) -> String {
        let (mut name, mut count) = (wanted.to_string(), 0);
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        name
    }

    /// Adds a graph as a function of that name, made unique by a number; gives what callers have to know of it.
    ///
    /// # Errors
    /// [`Error::Export`] where TensorFlow has no operations for it.
    pub fn add(
        &mut self,
        name: &str,
        graph: &Graph,
        inputs: &[(String, Value)],
        outputs: &[(String, Value)],
        effects: &[NodeId],
    ) -> Result<ExportedFunction> {
        let name = self.unique(name);
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        let infos = |ends: &[(String, Value)]| -> Vec<(DType, Dims)> {
            ends.iter().map(|(_, v)| (graph.dtype(*v), graph.dims(*v).clone())).collect()
        };
        let (input_infos, output_infos) = (infos(&inputs), infos(&outputs));
        let (captures, gives_captures) = (None, false);
        let definition = Definition { name: name.clone(), graph, inputs, outputs, effects, captures, gives_captures };
        let defined = self.define(definition)?;
        let is_stateful = defined.def.signature.as_ref().is_some_and(|signature| signature.is_stateful);
        self.functions.push(defined.def);
        Ok(ExportedFunction {
            name,
            captures: defined.captures,
            inputs: input_infos,
            outputs: output_infos,
            is_stateful,
        })
    }

    /// Adds a function that calls another one and gives some of its results under names.
    ///
    /// # Arguments
    /// `inputs`: its arguments, and which arguments of the other they are; all have to be there. `outputs`: its
    /// results, and which results of the other they are.
    ///
    /// # Errors
    /// [`Error::Export`] where an argument of the other is missing.
    pub fn wrap(
        &mut self,
        name: &str,
        of: &ExportedFunction,
        inputs: &[(String, usize)],
        outputs: &[(String, usize)],
    ) -> Result<ExportedFunction> {
        let name = self.unique(name);
        let mut names = ArgNames::new();
        let mut def = FunctionDef::default();
        let mut signature = OpDef { name: name.clone(), is_stateful: of.is_stateful, ..OpDef::default() };
        let mut given = vec![String::new(); of.inputs.len()];
        let mut input_infos = Vec::with_capacity(inputs.len());
        for (at, (wanted, place)) in inputs.iter().enumerate() {
            let (Some((dtype, dims)), Some(slot)) = (of.inputs.get(*place), given.get_mut(*place)) else { continue };
            *slot = names.unique(wanted);
            signature.input_arg.push(arg(slot, (*dtype).into()));
            def.arg_attr.insert(at as u32, shape_attr(dims));
            input_infos.push((*dtype, dims.clone()));
        }
        if given.iter().any(String::is_empty) {
            let expected = format!("{} arguments of `{}`", of.inputs.len(), of.name);
            return Err(Error::export("function", &name, expected, inputs.len().to_string()));
        }
        for capture in &of.captures {
            let handle = names.unique(&capture.argument());
            signature.input_arg.push(arg(&handle, DataType::DT_RESOURCE));
            given.push(handle);
        }
        let op = if of.is_stateful { "StatefulPartitionedCall" } else { "PartitionedCall" };
        let types = of.inputs.iter().map(|(dtype, _)| DataType::from(*dtype));
        let types = types.chain(of.captures.iter().map(|_| DataType::DT_RESOURCE));
        let results = of.outputs.iter().map(|(dtype, _)| DataType::from(*dtype));
        let call = node_def(NodeParts {
            name: names.unique("call"),
            op,
            attrs: vec![
                ("Tin", AttrValue::dtypes(types)),
                ("Tout", AttrValue::dtypes(results)),
                ("f", AttrValue::func(&of.name)),
            ],
            inputs: given,
            input_infos: &[],
            output_infos: &[],
            resources: 0,
        })?;
        let mut names = ArgNames::new();
        let mut infos = Vec::with_capacity(outputs.len());
        for (wanted, at) in outputs {
            let Some((dtype, dims)) = of.outputs.get(*at) else { continue };
            let result = names.unique(wanted);
            signature.output_arg.push(arg(&result, (*dtype).into()));
            def.ret.insert(result, format!("{}:output:{at}", call.name));
            infos.push((*dtype, dims.clone()));
        }
        if of.is_stateful {
            signature.control_output.push(call.name.clone());
            def.control_ret.insert(call.name.clone(), call.name.clone());
        }
        def.node_def.push(call);
        def.signature = Some(Box::new(signature));
        self.functions.push(def);
        Ok(ExportedFunction { name, inputs: input_infos, outputs: infos, ..of.clone() })
    }

    /// Adds the body of an operation; gives its name. Equal bodies are not shared: TensorFlow's gradient of a loop names
    /// its functions after the loop's own, which then have to differ.
    pub(super) fn push_body(&mut self, wanted: &str, mut def: FunctionDef) -> String {
        let name = self.unique(wanted);
        if let Some(signature) = &mut def.signature {
            signature.name.clone_from(&name);
        }
        self.functions.push(def);
        name
    }
}
