//! Graphs: nodes in topological order.

use std::collections::HashMap;
use std::sync::Arc;

use kerox_tensor::{DType, Variable};

use crate::ops::{Assign, Placeholder, ReadVariable};
use crate::{Dims, Error, Infer, Op, Result, ValueInfo};

/// The number of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An output of a node: a tensor that will be. Means something only together with its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub output: u32,
}

/// An operation applied to values.
#[derive(Clone, Debug)]
pub struct Node {
    /// Unique in the graph; scopes are separated by `/`.
    pub name: String,
    /// The operation with its attributes.
    pub op: Arc<dyn Op>,
    /// What it is applied to.
    pub inputs: Vec<Value>,
    /// What is known of its outputs.
    pub outputs: Vec<ValueInfo>,
}

/// A graph under construction or complete. Nodes are only ever added, and after the nodes they use: their order is
/// topological. The outputs of a graph are whatever values the caller keeps; a function body names them in
/// [`Graph::inputs`] and [`Graph::outputs`].
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    names: HashMap<String, u32>,
    scopes: Vec<String>,
    reads: HashMap<u64, Value>,
    assigned: HashMap<u64, Value>,
    /// The parameters, where the graph is the body of a function.
    pub inputs: Vec<Value>,
    /// The results, where the graph is the body of a function.
    pub outputs: Vec<Value>,
    /// Nodes that are run for what they change: assignments.
    pub effects: Vec<NodeId>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// The nodes in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node.
    ///
    /// # Panics
    /// Where it belongs to another graph that is larger.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// What is known of a value.
    ///
    /// # Panics
    /// As [`Graph::node`].
    pub fn info(&self, value: Value) -> &ValueInfo {
        &self.nodes[value.node.index()].outputs[value.output as usize]
    }

    /// The shape of a value as far as known.
    ///
    /// # Panics
    /// As [`Graph::node`].
    pub fn dims(&self, value: Value) -> &Dims {
        &self.info(value).dims
    }

    /// The type of a value.
    ///
    /// # Panics
    /// As [`Graph::node`].
    pub fn dtype(&self, value: Value) -> DType {
        self.info(value).dtype
    }

    /// The generators of random numbers that runs of the graph draw from, each once, in the order of the nodes.
    pub fn generators(&self) -> Vec<crate::Generator> {
        let mut found: Vec<crate::Generator> = Vec::new();
        for generator in self.nodes.iter().filter_map(|node| node.op.generator()) {
            if !found.iter().any(|known| known.is_same(generator)) {
                found.push(generator.clone());
            }
        }
        found
    }

    /// The values a node gives.
    pub fn values(&self, id: NodeId) -> Vec<Value> {
        (0..self.node(id).outputs.len() as u32).map(|output| Value { node: id, output }).collect()
    }

    /// Applies an operation; the node is named after it within the present scope.
    ///
    /// # Errors
    /// [`Error::Argument`] where the inputs do not fit; the graph is left as it was.
    pub fn add_op(&mut self, op: impl Op, inputs: &[Value]) -> Result<Vec<Value>> {
        let name = op.name().to_string();
        let id = self.add_node(&name, Arc::new(op), inputs)?;
        Ok(self.values(id))
    }

    /// Applies an operation with one output.
    ///
    /// # Errors
    /// As [`Graph::add_op`].
    ///
    /// # Panics
    /// Where the operation has no output.
    pub fn add_single(&mut self, op: impl Op, inputs: &[Value]) -> Result<Value> {
        Ok(self.add_op(op, inputs)?[0])
    }

    /// Applies an operation in a node of that name (made unique by `_1`, `_2`, ...) within the present scope.
    ///
    /// # Errors
    /// As [`Graph::add_op`].
    pub fn add_node(&mut self, name: &str, op: Arc<dyn Op>, inputs: &[Value]) -> Result<NodeId> {
        let infos: Vec<ValueInfo> = inputs.iter().map(|&v| self.info(v).clone()).collect();
        let outputs = op.infer(&Infer::new(op.name(), name, &infos))?;
        let name = self.unique_name(name);
        let id = NodeId(u32::try_from(self.nodes.len()).map_err(|_| Error::Limit {
            node: name.clone(),
            what: "nodes".into(),
            limit: u32::MAX as usize,
        })?);
        self.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs });
        Ok(id)
    }

    /// Adds something the graph is fed with.
    ///
    /// # Errors
    /// None at present.
    pub fn placeholder(&mut self, name: &str, dtype: DType, dims: Dims) -> Result<Value> {
        let id = self.add_node(name, Arc::new(Placeholder { dtype, dims }), &[])?;
        Ok(Value { node: id, output: 0 })
    }

    /// The value of a variable; read once however often it is asked for.
    ///
    /// # Errors
    /// None at present.
    pub fn read(&mut self, variable: &Variable) -> Result<Value> {
        if let Some(&value) = self.reads.get(&variable.id()) {
            return Ok(value);
        }
        let id = self.add_node(
            &format!("{}/Read/ReadVariableOp", variable.name()),
            Arc::new(ReadVariable { variable: variable.clone() }),
            &[],
        )?;
        let value = Value { node: id, output: 0 };
        self.reads.insert(variable.id(), value);
        Ok(value)
    }

    /// What a variable holds after the assignments added so far.
    ///
    /// # Errors
    /// None at present.
    pub fn current(&mut self, variable: &Variable) -> Result<Value> {
        match self.assigned.get(&variable.id()) {
            Some(&value) => Ok(value),
            None => self.read(variable),
        }
    }

    /// Assigns a variable at the end of each run, and keeps the node among [`Graph::effects`].
    ///
    /// # Errors
    /// [`Error::Argument`] where type or shape differ.
    pub fn assign(&mut self, variable: &Variable, value: Value) -> Result<NodeId> {
        let id = self.add_node("AssignVariableOp", Arc::new(Assign { variable: variable.clone() }), &[value])?;
        self.effects.push(id);
        self.assigned.insert(variable.id(), value);
        Ok(id)
    }

    /// Runs `body` with the names of new nodes prefixed by `scope/`.
    pub fn scoped<T>(&mut self, scope: &str, body: impl FnOnce(&mut Graph) -> T) -> T {
        self.scopes.push(scope.to_string());
        let result = body(self);
        self.scopes.pop();
        result
    }

    /// Prefixes the names of new nodes by `scope/` until [`Graph::leave_scope`].
    pub fn enter_scope(&mut self, scope: &str) {
        self.scopes.push(scope.to_string());
    }

    /// Ends what [`Graph::enter_scope`] began last.
    pub fn leave_scope(&mut self) {
        self.scopes.pop();
    }

    /// Copies the nodes of `body` into this graph, its inputs replaced by `arguments`, and gives its outputs.
    ///
    /// # Errors
    /// [`Error::Argument`] where number, types or shapes of the arguments do not fit.
    pub fn inline(&mut self, body: &Graph, arguments: &[Value]) -> Result<Vec<Value>> {
        if body.inputs.len() != arguments.len() {
            return Err(Error::Argument {
                op: "PartitionedCall".into(),
                node: String::new(),
                argument: "inputs".into(),
                expected: body.inputs.len().to_string(),
                found: arguments.len().to_string(),
            });
        }
        let mut map: HashMap<Value, Value> = body.inputs.iter().copied().zip(arguments.iter().copied()).collect();
        for (i, node) in body.nodes.iter().enumerate() {
            let id = NodeId(i as u32);
            if map.contains_key(&Value { node: id, output: 0 }) && !node.outputs.is_empty() {
                continue;
            }
            let inputs: Vec<Value> = node.inputs.iter().map(|v| map[v]).collect();
            let new = self.add_node(&node.name, node.op.clone(), &inputs)?;
            for output in 0..node.outputs.len() as u32 {
                map.insert(Value { node: id, output }, Value { node: new, output });
            }
            if body.effects.contains(&id) {
                self.effects.push(new);
            }
        }
        Ok(body.outputs.iter().map(|v| map[v]).collect())
    }

    fn unique_name(&mut self, name: &str) -> String {
        let mut full = String::new();
        for scope in &self.scopes {
            full.push_str(scope);
            full.push('/');
        }
        full.push_str(name);
        loop {
            let Some(count) = self.names.get_mut(&full) else {
                self.names.insert(full.clone(), 0);
                return full;
            };
            *count += 1;
            let numbered = format!("{full}_{count}");
            if !self.names.contains_key(&numbered) {
                self.names.insert(numbered.clone(), 0);
                return numbered;
            }
        }
    }
}
