//! What is known of an operation by name, for importers, exporters and tests.

use std::sync::Arc;

use super::dispatch::argument;
use crate::{Attrs, Op, Result};

/// An operation in the table: its TensorFlow name, its signature and how it is built from a node's attributes.
#[derive(Clone, Copy)]
pub struct Declaration {
    /// TensorFlow's name.
    pub name: &'static str,
    /// Names of inputs and outputs as TensorFlow's OpDef has them: `x, y -> z`. A repeated argument is followed by
    /// the attribute that says how often (`values[N]`) or of which types (`args{Tin}`) it comes.
    pub signature: &'static str,
    /// Makes the operation from the attributes of a node.
    pub build: fn(&Attrs) -> Result<Arc<dyn Op>>,
}

impl std::fmt::Debug for Declaration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name, self.signature)
    }
}

impl Declaration {
    /// Names of the outputs, with the attribute that counts a repeated one.
    pub fn outputs(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        arguments(self.signature.split_once("->").map_or("", |(_, outputs)| outputs))
    }

    /// Names of the inputs, with the attribute that counts a repeated one.
    pub fn inputs(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        arguments(self.signature.split_once("->").map_or("", |(inputs, _)| inputs))
    }
}

fn arguments(list: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    list.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|argument| match argument.find(['[', '{']) {
        Some(at) => (&argument[..at], argument.get(at + 1..argument.len() - 1)),
        None => (argument, None),
    })
}

/// The operation of that TensorFlow name.
pub fn find(name: &str) -> Option<&'static Declaration> {
    declarations().find(|declaration| declaration.name == name)
}

/// Every operation that has a TensorFlow name.
pub fn declarations() -> impl Iterator<Item = &'static Declaration> {
    super::FAMILIES.iter().copied().flatten()
}

/// Makes an operation from a node's name and attributes.
///
/// # Errors
/// [`crate::Error::Argument`] where there is no such operation (with the nearest name there is) or its attributes do
/// not fit.
///
/// # Example
/// ```
/// use kerox_graph::{ops, Attr, Attrs};
/// let op = ops::build("MatMul", &Attrs::new("MatMul", "dense/MatMul").with("transpose_b", Attr::Bool(true)))?;
/// assert_eq!(op.name(), "MatMul");
/// assert!(ops::build("MatMull", &Attrs::new("MatMull", "")).unwrap_err().to_string().contains("`MatMul`"));
/// # Ok::<(), kerox_graph::Error>(())
/// ```
pub fn build(name: &str, attrs: &Attrs) -> Result<Arc<dyn Op>> {
    if let Some(declaration) = find(name) {
        return (declaration.build)(attrs);
    }
    let nearest = declarations().map(|d| d.name).min_by_key(|known| distance(known, name)).unwrap_or("");
    Err(argument(
        name,
        attrs.node(),
        "operation",
        format!("one this library knows (the nearest is `{nearest}`)"),
        format!("`{name}`"),
    ))
}

/// Edits from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let next = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}
