//! What every graph is made of: inputs, constants, variables, and values as they are.

use std::sync::Arc;

use kerox_tensor::{DType, Tensor, Variable};

use super::declaration::Declaration;

use crate::{Attr, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "Placeholder",
        signature: " -> output",
        build: |a| {
            let dims = if a.has("shape") { a.shape("shape")? } else { Dims::unknown() };
            Ok(Arc::new(Placeholder { dtype: a.dtype("dtype")?, dims }))
        },
    },
    Declaration {
        name: "Const",
        signature: " -> output",
        build: |a| Ok(Arc::new(Const { value: a.tensor("value")? })),
    },
    Declaration { name: "Identity", signature: "input -> output", build: |_| Ok(Arc::new(Identity)) },
    Declaration { name: "Snapshot", signature: "input -> output", build: |_| Ok(Arc::new(Identity)) },
    Declaration { name: "PreventGradient", signature: "input -> output", build: |_| Ok(Arc::new(Identity)) },
    Declaration { name: "StopGradient", signature: "input -> output", build: |_| Ok(Arc::new(StopGradient)) },
    Declaration { name: "Cast", signature: "x -> y", build: |a| Ok(Arc::new(Cast { to: a.dtype("DstT")? })) },
];

/// `Placeholder`: a value that is fed.
#[derive(Clone, Debug)]
pub struct Placeholder {
    /// Its type.
    pub dtype: DType,
    /// Its shape as far as known.
    pub dims: Dims,
}

impl Op for Placeholder {
    fn name(&self) -> &'static str {
        "Placeholder"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("dtype", Attr::Type(self.dtype)), ("shape", Attr::Shape(self.dims.clone()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(0)?;
        Ok(vec![ValueInfo::new(self.dtype, self.dims.clone())])
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Err(Infer::new(self.name(), "", &[]).wrong("value", "a fed value", "none"))
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(Vec::new())
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// `Const`: a value known from the start.
#[derive(Clone, Debug)]
pub struct Const {
    /// The value.
    pub value: Tensor,
}

impl Op for Const {
    fn name(&self) -> &'static str {
        "Const"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("dtype", Attr::Type(self.value.dtype())), ("value", Attr::Tensor(self.value.clone()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(0)?;
        Ok(vec![ValueInfo::constant(self.value.clone())])
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Ok(())
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(Vec::new())
    }
}

/// `ReadVariableOp` of a variable known while building.
#[derive(Clone, Debug)]
pub struct ReadVariable {
    /// The variable.
    pub variable: Variable,
}

impl Op for ReadVariable {
    fn name(&self) -> &'static str {
        "ReadVariableOp"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("dtype", Attr::Type(self.variable.dtype()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(0)?;
        Ok(vec![ValueInfo::new(self.variable.dtype(), self.variable.shape())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let value = self.variable.read();
        *run.outputs[0].buffer = value.buffer().clone();
        Ok(())
    }
    fn interpret(&self, _: &mut crate::RunContext, _: Vec<crate::RuntimeValue>) -> Result<Vec<crate::RuntimeValue>> {
        Ok(vec![self.variable.value().into()])
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(Vec::new())
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// `AssignVariableOp` of a variable known while building. In a plan all assignments happen at the end of the run.
#[derive(Clone, Debug)]
pub struct Assign {
    /// The variable.
    pub variable: Variable,
}

impl Op for Assign {
    fn name(&self) -> &'static str {
        "AssignVariableOp"
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("dtype", Attr::Type(self.variable.dtype()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let input = cx.input(0)?;
        if input.dtype != self.variable.dtype() || input.dims.merge(&Dims::from(self.variable.shape())).is_none() {
            return Err(cx.wrong(
                &format!("variable `{}`", self.variable.name()),
                format!("{} {}", self.variable.dtype(), Dims::from(self.variable.shape())),
                format!("{} {}", input.dtype, input.dims),
            ));
        }
        Ok(Vec::new())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        Ok(self.variable.assign(run.input(0).tensor()?)?)
    }
    fn interpret(
        &self,
        _: &mut crate::RunContext,
        inputs: Vec<crate::RuntimeValue>,
    ) -> Result<Vec<crate::RuntimeValue>> {
        for input in inputs {
            self.variable.assign(input.into_tensor()?)?;
        }
        Ok(Vec::new())
    }
    fn is_pure(&self) -> bool {
        false
    }
    fn takes_half(&self) -> bool {
        true
    }
}

/// `Identity`: the value as it is.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Op for Identity {
    fn name(&self) -> &'static str {
        "Identity"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![cx.input(0)?.clone()])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        super::shape::copy(run)
    }
    fn interpret(
        &self,
        _: &mut crate::RunContext,
        inputs: Vec<crate::RuntimeValue>,
    ) -> Result<Vec<crate::RuntimeValue>> {
        inputs.into_iter().map(super::dynamic::dereference).collect()
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![cx.upstream[0]])
    }
    fn is_alias(&self) -> bool {
        true
    }
}

/// `StopGradient`: the value as it is, through which no gradient flows.
#[derive(Clone, Copy, Debug)]
pub struct StopGradient;

impl Op for StopGradient {
    fn name(&self) -> &'static str {
        "StopGradient"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        Identity.infer(cx)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        Identity.run(run)
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
    fn is_alias(&self) -> bool {
        true
    }
}

/// `Cast`: the elements converted to another type; floats are truncated towards zero on the way to integers.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// The type to convert to.
    pub to: DType,
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "Cast"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("SrcT", Attr::Type(inputs[0].dtype)), ("DstT", Attr::Type(self.to))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let input = cx.input(0)?;
        if let (Some(ints), DType::I32 | DType::I64) = (input.ints(), self.to) {
            return Ok(vec![ValueInfo::of_ints(self.to, input.dims.clone(), ints)]);
        }
        Ok(vec![ValueInfo::new(self.to, input.dims.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        super::cast::cast(run)
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let from = cx.g.dtype(cx.inputs[0]);
        if !from.is_float() || !self.to.is_float() {
            return Ok(vec![None]);
        }
        let upstream = cx.upstream(0)?;
        Ok(vec![Some(cx.g.cast(upstream, from)?)])
    }
    fn takes_half(&self) -> bool {
        true
    }
}

impl Graph {
    /// The value as it is, in a node of its own.
    ///
    /// # Errors
    /// None at present.
    pub fn identity(&mut self, x: Value) -> Result<Value> {
        self.add_single(Identity, &[x])
    }

    /// The value as it is, through which no gradient flows.
    ///
    /// # Errors
    /// None at present.
    pub fn stop_gradient(&mut self, x: Value) -> Result<Value> {
        self.add_single(StopGradient, &[x])
    }

    /// The elements as another type; no node is added where they have it already.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where one of the types is no number.
    pub fn cast(&mut self, x: Value, to: DType) -> Result<Value> {
        if self.dtype(x) == to { Ok(x) } else { self.add_single(Cast { to }, &[x]) }
    }
}
