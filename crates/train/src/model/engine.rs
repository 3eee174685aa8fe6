//! What computes a step: a plan, or an interpreter where shapes depend on elements.

use std::sync::Arc;

use kerox_graph::ops::Assign;
use kerox_graph::{Executor, Graph, Interpreter, NodeId, Plan, Value, View};
use kerox_tensor::{Shape, Tensor, Variable};

use crate::Result;

/// What computes a step.
pub(super) enum Engine {
    /// A plan for its shapes, that allocates nothing.
    Planned(Executor),
    /// Node by node: the number of tokens of texts is known only when they are there.
    Interpreted(Interpreted),
}

/// A graph that is interpreted, with the results of the latest run.
pub(super) struct Interpreted {
    graph: Arc<Graph>,
    feeds: Vec<Value>,
    /// The outputs, then what is assigned.
    fetches: Vec<Value>,
    outputs: usize,
    assigned: Vec<Variable>,
    results: Vec<Tensor>,
}

impl Engine {
    /// A plan, or where there is none an interpreter.
    pub fn new(
        graph: &Graph,
        feeds: &[Value],
        shapes: &[Shape],
        fetches: &[Value],
        effects: &[NodeId],
    ) -> Result<Engine> {
        match Plan::compile(graph, feeds, shapes, fetches, effects) {
            Err(kerox_graph::Error::UnknownShape { .. }) => {
                let mut all = fetches.to_vec();
                let mut assigned = Vec::new();
                for &effect in effects {
                    let node = graph.node(effect);
                    let op: &dyn std::any::Any = &*node.op;
                    if let (Some(assign), Some(&value)) = (op.downcast_ref::<Assign>(), node.inputs.first()) {
                        assigned.push(assign.variable.clone());
                        all.push(value);
                    }
                }
                Ok(Engine::Interpreted(Interpreted {
                    graph: Arc::new(graph.clone()),
                    feeds: feeds.to_vec(),
                    fetches: all,
                    outputs: fetches.len(),
                    assigned,
                    results: Vec::new(),
                }))
            }
            plan => Ok(Engine::Planned(Executor::new(plan?))),
        }
    }

    /// Computes the outputs and changes no variable.
    pub fn compute(&mut self, feeds: &[&Tensor]) -> Result<()> {
        match self {
            Engine::Planned(executor) => Ok(executor.compute(feeds)?),
            Engine::Interpreted(it) => {
                let interpreter = Interpreter::new(&it.graph, &it.feeds, &it.fetches, &[]);
                let results = interpreter.run(feeds.iter().map(|&t| t.clone().into()).collect())?;
                it.results =
                    results.into_iter().map(|value| value.into_tensor()).collect::<kerox_graph::Result<_>>()?;
                Ok(())
            }
        }
    }

    /// Assigns the variables as the latest [`Engine::compute`] found.
    pub fn commit(&mut self) -> Result<()> {
        match self {
            Engine::Planned(executor) => Ok(executor.commit()?),
            Engine::Interpreted(it) => {
                for (variable, value) in it.assigned.iter().zip(it.results.iter().skip(it.outputs)) {
                    variable.assign(value.clone())?;
                }
                Ok(())
            }
        }
    }

    /// Output `i` of the latest run.
    ///
    /// # Panics
    /// Where there is no such output.
    pub fn output(&self, i: usize) -> View<'_> {
        match self {
            Engine::Planned(executor) => executor.output(i).view(),
            Engine::Interpreted(it) => View::of(&it.results[i]),
        }
    }
}
