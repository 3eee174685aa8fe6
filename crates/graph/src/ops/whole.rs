//! Operations that make whole tensors of whole tensors, each two functions in a table: the shape rule and the values.
//!
//! They are for what is rare in models and costs little beside the rest: nothing is computed in place or in parallel.

use std::sync::Arc;

use kerox_tensor::{Shape, Tensor};

use super::dispatch::argument;
use super::dynamic::{ints, run_interpreted};
use crate::{Attr, Attrs, Error, Grad, Graph, Infer, Op, Result, Run, RunContext, RuntimeValue, Value, ValueInfo};

/// What an operation's outputs are, as far as its inputs tell.
pub(super) type Rule = fn(&Infer<'_>, &Attrs) -> Result<Vec<ValueInfo>>;
/// The outputs of an operation.
pub(super) type Compute = fn(&Given<'_>) -> Result<Vec<Tensor>>;
/// The gradients of an operation's inputs.
pub(super) type Gradient = fn(&Attrs, &mut Grad<'_>) -> Result<Vec<Option<Value>>>;

/// One operation of a table.
pub(super) struct Entry {
    pub name: &'static str,
    /// Its attributes; `T=1` is the type of input 1.
    pub attrs: &'static [&'static str],
    pub rule: Rule,
    pub compute: Compute,
    /// Nothing where TensorFlow has none.
    pub gradient: Option<Gradient>,
}

/// An operation of a table, with the attributes it was built with.
#[derive(Clone)]
pub(super) struct Whole {
    entry: &'static Entry,
    attrs: Attrs,
}

impl Whole {
    /// The operation of a table that the attributes are for.
    pub fn build(table: &'static [Entry], attrs: &Attrs) -> Result<Arc<dyn Op>> {
        let entry = table.iter().find(|entry| entry.name == attrs.op());
        let missing = || argument(attrs.op(), attrs.node(), "operation", "one of its family", attrs.op());
        Ok(Arc::new(Whole { entry: entry.ok_or_else(missing)?, attrs: attrs.clone() }))
    }
}

/// Makes the table's entries of a family from lines of name, signature, attributes, rule, values and gradient.
macro_rules! whole {
    ($($name:literal $signature:literal [$($attr:literal)*] $rule:expr, $compute:expr, $gradient:expr;)*) => {
        static TABLE: &[$crate::ops::whole::Entry] = &[$(
            $crate::ops::whole::Entry {
                name: $name,
                attrs: &[$($attr),*],
                rule: $rule,
                compute: $compute,
                gradient: $gradient,
            },
        )*];
        /// The table's entries of this family.
        pub(super) const OPS: &[$crate::ops::declaration::Declaration] = &[$(
            $crate::ops::declaration::Declaration {
                name: $name,
                signature: $signature,
                build: |attrs| $crate::ops::whole::Whole::build(TABLE, attrs),
            },
        )*];
    };
}
pub(super) use whole;

impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.entry.name)
    }
}

impl Op for Whole {
    fn name(&self) -> &'static str {
        self.entry.name
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let attr = |name: &'static str| match name.split_once('=') {
            Some((name, at)) => Some((name, Attr::Type(inputs.get(at.parse::<usize>().ok()?)?.dtype))),
            None => Some((name, self.attrs.get(name)?.clone())),
        };
        self.entry.attrs.iter().filter_map(|&name| attr(name)).collect()
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        (self.entry.rule)(cx, &self.attrs)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let inputs = inputs.into_iter().map(RuntimeValue::into_tensor).collect::<Result<Vec<Tensor>>>()?;
        let given = Given { name: self.entry.name, node: cx.node_name(), attrs: &self.attrs, inputs: &inputs };
        Ok((self.entry.compute)(&given)?.into_iter().map(RuntimeValue::Tensor).collect())
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        match self.entry.gradient {
            Some(gradient) => gradient(&self.attrs, cx),
            None => Err(Error::NoGradient { op: self.entry.name.into(), node: cx.node_name().into() }),
        }
    }
}

/// What an operation computes from.
pub(super) struct Given<'a> {
    name: &'static str,
    node: &'a str,
    pub attrs: &'a Attrs,
    pub inputs: &'a [Tensor],
}

/// Elements a result may have.
const MAX_ELEMENTS: usize = 1 << 31;

impl<'a> Given<'a> {
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Input `i`.
    pub fn input(&self, i: usize) -> Result<&'a Tensor> {
        self.inputs
            .get(i)
            .ok_or_else(|| self.wrong("inputs", format!("at least {}", i + 1), self.inputs.len().to_string()))
    }

    /// The whole numbers of input `i`.
    pub fn ints(&self, i: usize) -> Result<Vec<i64>> {
        let tensor = self.input(i)?;
        ints(tensor).ok_or_else(|| self.wrong(&format!("input {i}"), "whole numbers", tensor.dtype().to_string()))
    }

    /// The one whole number of input `i`.
    pub fn int(&self, i: usize) -> Result<i64> {
        match self.ints(i)?[..] {
            [one] => Ok(one),
            ref other => Err(self.wrong(&format!("input {i}"), "one number", format!("{} numbers", other.len()))),
        }
    }

    /// The elements of input `i` as doubles.
    pub fn floats(&self, i: usize) -> Result<Vec<f64>> {
        Ok(self.input(i)?.cast(kerox_tensor::DType::F64)?.as_slice::<f64>()?.to_vec())
    }

    /// The one number of input `i`.
    pub fn float(&self, i: usize) -> Result<f64> {
        match self.floats(i)?[..] {
            [one] => Ok(one),
            ref other => Err(self.wrong(&format!("input {i}"), "one number", format!("{} numbers", other.len()))),
        }
    }

    /// Rows and columns of input `i`, a matrix.
    pub fn matrix(&self, i: usize) -> Result<(usize, usize)> {
        match self.input(i)?.shape()[..] {
            [rows, columns] => Ok((rows, columns)),
            _ => Err(self.wrong(&format!("input {i}"), "a matrix", self.input(i)?.shape().to_string())),
        }
    }

    /// A shape whose elements fit into memory.
    pub fn shape(&self, lengths: impl IntoIterator<Item = usize>) -> Result<Shape> {
        let shape: Shape = lengths.into_iter().collect();
        match shape.checked_elements()? {
            elements if elements <= MAX_ELEMENTS => Ok(shape),
            elements => Err(self.wrong("result", format!("at most {MAX_ELEMENTS} elements"), elements.to_string())),
        }
    }

    pub fn wrong(&self, what: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        argument(self.name, self.node, what, expected, found)
    }
}

impl Graph {
    /// The outputs of the operation that attributes are for.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such operation, or attributes or inputs do not fit.
    ///
    /// # Example
    /// ```
    /// use kerox_graph::{Attr, Attrs, Graph};
    /// use kerox_tensor::{DType, Tensor};
    /// let mut g = Graph::new();
    /// let x = g.constant(Tensor::from_vec(vec![1.0f32, 2.0], [2])?)?;
    /// let y = g.add_built(&Attrs::new("MatrixDiag", "").with("T", Attr::Type(DType::F32)), &[x])?;
    /// assert_eq!(g.dims(y[0]).to_string(), "(2, 2)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_built(&mut self, attrs: &Attrs, inputs: &[Value]) -> Result<Vec<Value>> {
        let node = self.add_node(attrs.op(), super::build(attrs.op(), attrs)?, inputs)?;
        Ok(self.values(node))
    }
}
