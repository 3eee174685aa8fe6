//! Runs graphs without a static plan: loops, tensor lists, tables, shapes that depend on elements.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use kerox_tensor::{DType, Tensor, Variable, flush_subnormals};

use crate::plan::evaluate;
use crate::{Dims, Error, Graph, Infer, NodeId, Op, Result, Value, ValueInfo};

/// A list of tensors, the value behind TensorFlow's `TensorList*` operations. Elements not yet set are `None`.
#[derive(Clone, Debug)]
pub struct TensorList {
    /// The type of the elements.
    pub dtype: DType,
    /// What the shapes of the elements have in common.
    pub element: Dims,
    /// The elements.
    pub items: Vec<Option<Tensor>>,
}

/// What a resource handle stands for.
#[derive(Clone)]
pub enum Resource {
    /// A variable.
    Variable(Variable),
    /// A variable that stands for its value where a tensor is expected: TensorFlow 1's reference types.
    Reference(Variable),
    /// Something else with a name of its own: a lookup table.
    Object(Arc<dyn Any + Send + Sync>),
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Variable(variable) | Resource::Reference(variable) => variable.fmt(f),
            Resource::Object(_) => f.write_str("Object"),
        }
    }
}

/// A value during interpretation.
#[derive(Clone, Debug)]
pub enum RuntimeValue {
    /// A tensor.
    Tensor(Tensor),
    /// A list of tensors.
    List(Arc<TensorList>),
    /// A handle to a variable or table.
    Resource(Resource),
}

impl RuntimeValue {
    /// The tensor this is.
    ///
    /// # Errors
    /// [`kerox_tensor::Error::NoStorage`] where it is none.
    pub fn into_tensor(self) -> Result<Tensor> {
        match self {
            RuntimeValue::Tensor(tensor) => Ok(tensor),
            RuntimeValue::List(_) => Err(kerox_tensor::Error::NoStorage { dtype: DType::Variant }.into()),
            RuntimeValue::Resource(Resource::Reference(variable)) => Ok(variable.value()),
            RuntimeValue::Resource(_) => Err(kerox_tensor::Error::NoStorage { dtype: DType::Resource }.into()),
        }
    }
}

impl From<Tensor> for RuntimeValue {
    fn from(tensor: Tensor) -> RuntimeValue {
        RuntimeValue::Tensor(tensor)
    }
}

/// Which nodes of a graph have to run for some outputs, and when each value is dead.
struct Schedule {
    nodes: Vec<NodeId>,
    /// Per entry of `nodes`: the values that nobody reads after it.
    dead: Vec<Vec<Value>>,
}

impl Schedule {
    fn new(g: &Graph, fed: &[Value], fetches: &[Value], effects: &[NodeId]) -> Schedule {
        let mut needed = vec![false; g.nodes().len()];
        for id in fetches.iter().map(|v| v.node).chain(effects.iter().copied()) {
            needed[id.index()] = true;
        }
        for i in (0..needed.len()).rev() {
            if needed[i] && !fed.iter().any(|v| v.node.index() == i) {
                for input in &g.nodes()[i].inputs {
                    needed[input.node.index()] = true;
                }
            }
        }
        let nodes: Vec<NodeId> = (0..needed.len())
            .filter(|&i| needed[i] && !fed.iter().any(|v| v.node.index() == i))
            .map(|i| NodeId(i as u32))
            .collect();
        let mut last: HashMap<Value, usize> = HashMap::new();
        for (at, &id) in nodes.iter().enumerate() {
            last.extend(g.node(id).inputs.iter().map(|&v| (v, at)));
        }
        let mut dead = vec![Vec::new(); nodes.len()];
        for (value, at) in last {
            if !fetches.contains(&value) {
                dead[at].push(value);
            }
        }
        Schedule { nodes, dead }
    }
}

/// Runs a graph node by node.
///
/// # Example
/// ```
/// use kerox_graph::{Dims, Graph, Interpreter};
/// use kerox_tensor::{DType, Tensor};
///
/// let mut g = Graph::new();
/// let x = g.placeholder("x", DType::F32, Dims::unknown())?;
/// let y = g.add(x, x)?;
/// let result = Interpreter::new(&g, &[x], &[y], &[]).run(vec![Tensor::scalar(2f32).into()])?;
/// assert_eq!(result[0].clone().into_tensor()?.to_scalar::<f32>()?, 4.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Interpreter<'g> {
    g: &'g Graph,
    feeds: Vec<Value>,
    fetches: Vec<Value>,
    schedule: Schedule,
    limits: Limits,
    files: Option<ReadFile>,
}

/// Gives the contents of a file a graph names, such as the vocabulary of a table.
pub type ReadFile = Arc<dyn Fn(&str) -> Result<Vec<u8>> + Send + Sync>;

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: 64, rounds: 10_000_000 }
    }
}

/// Bounds on graphs that would not end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Calls inside calls.
    pub depth: usize,
    /// Rounds of one loop.
    pub rounds: usize,
}

impl<'g> Interpreter<'g> {
    /// Prepares to compute `fetches` and run `effects` from `feeds`.
    pub fn new(g: &'g Graph, feeds: &[Value], fetches: &[Value], effects: &[NodeId]) -> Interpreter<'g> {
        Interpreter {
            g,
            feeds: feeds.to_vec(),
            fetches: fetches.to_vec(),
            schedule: Schedule::new(g, feeds, fetches, effects),
            limits: Limits::default(),
            files: None,
        }
    }

    /// Lets loops take at most that many rounds instead of ten million.
    pub fn with_max_rounds(mut self, rounds: usize) -> Self {
        self.limits.rounds = rounds;
        self
    }

    /// Lets the graph read files through `read`; without it, tables cannot be filled from files.
    pub fn with_files(mut self, read: ReadFile) -> Self {
        self.files = Some(read);
        self
    }

    /// Computes the fetches.
    ///
    /// # Errors
    /// [`Error::Feed`] where a feed does not fit its placeholder, [`Error::Limit`] where a loop or recursion does not
    /// end, errors of the operations.
    pub fn run(&self, feeds: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut cx = RunContext::new(String::new());
        cx.limits = self.limits;
        cx.files.clone_from(&self.files);
        flush_subnormals(|| run_nodes(&mut cx, self.g, &self.schedule, &self.feeds, feeds, &self.fetches))
    }
}

fn run_nodes(
    cx: &mut RunContext,
    g: &Graph,
    schedule: &Schedule,
    feeds: &[Value],
    fed: Vec<RuntimeValue>,
    fetches: &[Value],
) -> Result<Vec<RuntimeValue>> {
    if feeds.len() != fed.len() {
        return Err(Error::Feed {
            name: cx.node.clone(),
            expected: format!("{} values", feeds.len()),
            found: fed.len().to_string(),
        });
    }
    let mut values: HashMap<Value, RuntimeValue> = HashMap::with_capacity(schedule.nodes.len());
    for (&feed, value) in feeds.iter().zip(fed) {
        let info = g.info(feed);
        if let RuntimeValue::Tensor(tensor) = &value
            && (tensor.dtype() != info.dtype || !info.dims.admits(tensor.shape()))
        {
            return Err(Error::Feed {
                name: g.node(feed.node).name.clone(),
                expected: format!("{} {}", info.dtype, info.dims),
                found: format!("{} {}", tensor.dtype(), tensor.shape()),
            });
        }
        values.insert(feed, value);
    }
    for (&id, dead) in schedule.nodes.iter().zip(&schedule.dead) {
        let node = g.node(id);
        let missing = || Error::Feed { name: node.name.clone(), expected: "a value".into(), found: "nothing".into() };
        // A value read for the last time is moved, so that lists are changed in place.
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (k, input) in node.inputs.iter().enumerate() {
            let is_last = dead.contains(input) && !node.inputs[k + 1..].contains(input);
            let value = if is_last { values.remove(input) } else { values.get(input).cloned() };
            inputs.push(value.ok_or_else(missing)?);
        }
        cx.node.clone_from(&node.name);
        let outputs = node.op.interpret(cx, inputs).map_err(|error| error.of_node(node.op.name(), &node.name))?;
        for (output, value) in outputs.into_iter().enumerate() {
            values.insert(Value { node: id, output: output as u32 }, value);
        }
    }
    fetches
        .iter()
        .map(|v| {
            values.get(v).cloned().ok_or_else(|| Error::Feed {
                name: g.node(v.node).name.clone(),
                expected: "a value".into(),
                found: "nothing".into(),
            })
        })
        .collect()
}

/// What operations need while they are interpreted.
pub struct RunContext {
    schedules: HashMap<usize, (Arc<Graph>, Arc<Schedule>)>,
    depth: usize,
    limits: Limits,
    node: String,
    files: Option<ReadFile>,
}

impl RunContext {
    /// A context outside of an interpreter, for one node.
    pub(crate) fn new(node: String) -> RunContext {
        RunContext { schedules: HashMap::new(), depth: 0, limits: Limits::default(), node, files: None }
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// [`Error::Argument`] where the interpreter was given no [`Interpreter::with_files`], and the reader's errors.
    pub fn read_file(&self, name: &str) -> Result<Vec<u8>> {
        match &self.files {
            Some(read) => read(name),
            None => Err(Error::Argument {
                op: "read file".into(),
                node: self.node.clone(),
                argument: format!("`{name}`"),
                expected: "an interpreter that may read files".into(),
                found: "none; give it a reader by `with_files`".into(),
            }),
        }
    }

    /// The name of the node that is running.
    pub fn node_name(&self) -> &str {
        &self.node
    }

    /// The number of rounds a loop may take.
    pub fn max_rounds(&self) -> usize {
        self.limits.rounds
    }

    /// Runs the body of a function.
    ///
    /// # Errors
    /// [`Error::Limit`] where calls are nested too deeply, errors of the body.
    pub fn call(&mut self, body: &Arc<Graph>, arguments: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        if self.depth >= self.limits.depth {
            return Err(Error::Limit {
                node: self.node.clone(),
                what: "nested calls".into(),
                limit: self.limits.depth,
            });
        }
        let key = Arc::as_ptr(body) as usize;
        // The graph is kept beside its schedule: an address is a key only while the graph lives.
        let (_, schedule) = self.schedules.entry(key).or_insert_with(|| {
            let schedule = Schedule::new(body, &body.inputs, &body.outputs, &body.effects);
            (body.clone(), Arc::new(schedule))
        });
        let schedule = schedule.clone();
        self.depth += 1;
        let result = run_nodes(self, body, &schedule, &body.inputs, arguments, &body.outputs);
        self.depth -= 1;
        result
    }

    /// Runs an operation on tensors through [`Op::infer`] and [`Op::run`].
    ///
    /// # Errors
    /// Where an input is no tensor or does not fit.
    pub fn run_static(&mut self, op: &dyn Op, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let tensors: Vec<Tensor> = inputs.into_iter().map(RuntimeValue::into_tensor).collect::<Result<_>>()?;
        let infos: Vec<ValueInfo> = tensors.iter().map(|t| ValueInfo::constant(t.clone())).collect();
        let outputs = op.infer(&Infer::new(op.name(), &self.node, &infos))?;
        drop(infos);
        if op.is_alias() {
            let shape = outputs[0].dims.shape().unwrap_or_else(|| tensors[0].shape().clone());
            return Ok(vec![tensors[0].reshape(shape)?.into()]);
        }
        let known: Option<Vec<Tensor>> = outputs.iter().map(|info| info.tensor().cloned()).collect();
        let results = match known {
            Some(known) if !known.is_empty() => known,
            _ => evaluate(op, &tensors, &outputs)?,
        };
        Ok(results.into_iter().map(RuntimeValue::Tensor).collect())
    }
}
