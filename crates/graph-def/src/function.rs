//! A signature or function, imported and ready to run.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan, Value};
use kerox_tensor::{DType, Shape, Tensor};

use crate::{Error, Result};

/// Plans that are kept, one for the shapes of each call.
const MAX_PLANS: usize = 8;

/// A signature or function of a model as a graph of its own.
///
/// It runs by a plan where all shapes follow from those of the inputs, else node by node.
#[derive(Debug)]
pub struct GraphFunction {
    name: String,
    graph: Graph,
    inputs: Vec<(String, Value)>,
    outputs: Vec<(String, Value)>,
    defaults: HashMap<String, Tensor>,
    /// Whether every value is of a type that plans hold.
    is_plain: bool,
    /// By the shapes of the inputs; `None` where there is no plan for them.
    plans: Mutex<HashMap<Vec<Shape>, Option<Executor>>>,
}

impl GraphFunction {
    pub(crate) fn new(
        name: String,
        graph: Graph,
        inputs: Vec<(String, Value)>,
        outputs: Vec<(String, Value)>,
        defaults: HashMap<String, Tensor>,
    ) -> GraphFunction {
        let types = || graph.nodes().iter().flat_map(|node| &node.outputs).map(|info| info.dtype);
        let is_plain = graph.effects.is_empty()
            && !types().any(|dtype| matches!(dtype, DType::String | DType::Resource | DType::Variant));
        GraphFunction { name, graph, inputs, outputs, defaults, is_plain, plans: Mutex::default() }
    }

    /// The name of the signature or function.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The graph; [`GraphFunction::input_values`] and [`GraphFunction::output_values`] are its ends. It reads the
    /// model's variables, so that gradients with respect to them train the model.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Names and values of the inputs.
    pub fn input_values(&self) -> &[(String, Value)] {
        &self.inputs
    }

    /// Names and values of the outputs.
    pub fn output_values(&self) -> &[(String, Value)] {
        &self.outputs
    }

    /// Name, type and shape of each input. The first axis of a signature's inputs may have any length, as in
    /// TensorFlow, also where the signature was traced for a fixed number of samples.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, DType, &Dims)> {
        self.inputs.iter().map(|(name, v)| (name.as_str(), self.graph.dtype(*v), self.graph.dims(*v)))
    }

    /// Name, type and shape of each output.
    pub fn outputs(&self) -> impl Iterator<Item = (&str, DType, &Dims)> {
        self.outputs.iter().map(|(name, v)| (name.as_str(), self.graph.dtype(*v), self.graph.dims(*v)))
    }

    /// Whether the graph needs tables.
    pub(crate) fn uses_resources(&self) -> bool {
        self.graph.nodes().iter().flat_map(|node| &node.outputs).any(|info| info.dtype == DType::Resource)
    }

    /// Runs the graph.
    ///
    /// # Errors
    /// [`Error::Argument`] where an input is missing, unknown, given twice, or of another type or shape; errors of the
    /// operations.
    pub fn call(&self, inputs: &[(&str, Tensor)]) -> Result<Vec<(String, Tensor)>> {
        let feeds = self.feeds(inputs)?;
        let results = match self.run_plan(&feeds)? {
            Some(results) => results,
            None => self.interpret(feeds)?,
        };
        Ok(self.outputs.iter().map(|(name, _)| name.clone()).zip(results).collect())
    }

    pub(crate) fn wrong(&self, expected: String, found: String) -> Error {
        Error::Argument { operation: "call", name: self.name.clone(), expected, found }
    }

    fn feeds(&self, inputs: &[(&str, Tensor)]) -> Result<Vec<Tensor>> {
        let names = || {
            let names: Vec<String> = self.inputs.iter().map(|(name, _)| format!("`{name}`")).collect();
            if names.is_empty() { "no inputs".to_owned() } else { format!("the inputs {}", names.join(", ")) }
        };
        if let Some((name, _)) = inputs.iter().find(|(name, _)| !self.inputs.iter().any(|(known, _)| known == name)) {
            return Err(self.wrong(names(), format!("`{name}`")));
        }
        let mut feeds = Vec::with_capacity(self.inputs.len());
        for (name, value) in &self.inputs {
            let mut given = inputs.iter().filter(|(given, _)| given == name);
            let tensor = match (given.next(), given.next()) {
                (Some((_, tensor)), None) => tensor.clone(),
                (Some(_), Some(_)) => return Err(self.wrong(format!("`{name}` once"), "it twice".into())),
                (None, _) => match self.defaults.get(name) {
                    Some(tensor) => tensor.clone(),
                    None => return Err(self.wrong(names(), format!("no `{name}`"))),
                },
            };
            let info = self.graph.info(*value);
            if tensor.dtype() != info.dtype || !info.dims.admits(tensor.shape()) {
                let found = format!("{} {}", tensor.dtype(), tensor.shape());
                return Err(self.wrong(format!("`{name}` as {} {}", info.dtype, info.dims), found));
            }
            feeds.push(tensor);
        }
        Ok(feeds)
    }

    fn run_plan(&self, feeds: &[Tensor]) -> Result<Option<Vec<Tensor>>> {
        if !self.is_plain {
            return Ok(None);
        }
        let shapes: Vec<Shape> = feeds.iter().map(|tensor| tensor.shape().clone()).collect();
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= MAX_PLANS && !plans.contains_key(&shapes) {
            plans.clear();
        }
        let values = |ends: &[(String, Value)]| ends.iter().map(|(_, v)| *v).collect::<Vec<_>>();
        let plan = plans.entry(shapes.clone()).or_insert_with(|| {
            // A graph without a plan for these shapes, or wrong for them, is for the interpreter to judge.
            Plan::compile(&self.graph, &values(&self.inputs), &shapes, &values(&self.outputs), &[])
                .ok()
                .map(Executor::new)
        });
        let Some(executor) = plan else { return Ok(None) };
        executor.run(&feeds.iter().collect::<Vec<_>>())?;
        let outputs = (0..self.outputs.len()).map(|k| executor.output(k).tensor());
        Ok(Some(outputs.collect::<kerox_graph::Result<_>>()?))
    }

    fn interpret(&self, feeds: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let values = |ends: &[(String, Value)]| ends.iter().map(|(_, v)| *v).collect::<Vec<_>>();
        let (inputs, outputs) = (values(&self.inputs), values(&self.outputs));
        let interpreter = Interpreter::new(&self.graph, &inputs, &outputs, &self.graph.effects);
        let results = interpreter.run(feeds.into_iter().map(Into::into).collect())?;
        Ok(results.into_iter().map(|value| value.into_tensor()).collect::<kerox_graph::Result<_>>()?)
    }
}
