//! What functions use that is not among their arguments.

use std::any::Any;
use std::sync::Arc;

use kerox_graph::ops::{Assign, ReadVariable, TableHandle};
use kerox_graph::{Attr, Graph, Node, Op, ValueInfo};
use kerox_tensor::Variable;

/// A variable or table that a function uses; its handle is one of the function's last arguments.
#[derive(Clone, Debug)]
pub enum Capture {
    /// A variable.
    Variable(Variable),
    /// A lookup table.
    Table(TableHandle),
}

impl PartialEq for Capture {
    fn eq(&self, other: &Capture) -> bool {
        match (self, other) {
            (Capture::Variable(a), Capture::Variable(b)) => a == b,
            (Capture::Table(a), Capture::Table(b)) => a == b,
            _ => false,
        }
    }
}

impl Capture {
    /// What the argument is called.
    pub(super) fn argument(&self) -> String {
        match self {
            Capture::Variable(variable) => format!("{}_resource", variable.name()),
            Capture::Table(_) => "table_handle".into(),
        }
    }
}

/// The variable that a node reads.
pub(super) fn read_of(node: &Node) -> Option<&Variable> {
    (&*node.op as &dyn Any).downcast_ref::<ReadVariable>().map(|op| &op.variable)
}

/// The variable that a node assigns.
pub(super) fn assign_of(node: &Node) -> Option<&Variable> {
    (&*node.op as &dyn Any).downcast_ref::<Assign>().map(|op| &op.variable)
}

/// The table that a node is.
pub(super) fn table_of(node: &Node) -> Option<&TableHandle> {
    (&*node.op as &dyn Any).downcast_ref::<TableHandle>()
}

/// The bodies that an operation calls.
pub(super) fn bodies(op: &dyn Op, infos: (&[ValueInfo], &[ValueInfo])) -> Vec<(String, Arc<Graph>)> {
    let mut found = Vec::new();
    for (_, attr) in op.attrs(infos.0, infos.1) {
        let mut take = |attr: &Attr| {
            if let Attr::Func(name, Some(body)) = attr {
                found.push((name.clone(), body.clone()));
            }
        };
        match &attr {
            Attr::List(items) => items.iter().for_each(take),
            attr => take(attr),
        }
    }
    found
}

/// What a graph uses, bodies inside included, in the order of first use.
pub(super) fn captures(graph: &Graph, found: &mut Vec<Capture>) {
    for node in graph.nodes() {
        let variable = read_of(node).or_else(|| assign_of(node)).cloned().map(Capture::Variable);
        let own = variable.or_else(|| table_of(node).cloned().map(Capture::Table));
        match own {
            Some(capture) if !found.contains(&capture) => found.push(capture),
            Some(_) => {}
            None => {
                let inputs: Vec<_> = node.inputs.iter().map(|&v| graph.info(v).clone()).collect();
                bodies(&*node.op, (&inputs, &node.outputs)).iter().for_each(|(_, body)| captures(body, found));
            }
        }
    }
}
