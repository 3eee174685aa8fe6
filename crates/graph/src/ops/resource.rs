//! Variables behind handles and, as TensorFlow 1 has them, behind references.

use std::sync::Arc;

use kerox_tensor::{DType, Shape, Tensor, Variable};

use super::binary::{Binary, BinaryKind};
use super::declaration::Declaration;
use super::dispatch::argument;
use super::dynamic::{Arguments, run_interpreted};
use super::index::Gather;
use crate::plan::MAX_BYTES;
use crate::{Attr, Attrs, Dims, Infer, Op, Resource, Result, Run, RunContext, RuntimeValue, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "VarHandleOp", signature: " -> resource", build: |a| build_variable(a, false) },
    Declaration { name: "VariableV2", signature: " -> ref", build: |a| build_variable(a, true) },
    Declaration { name: "Variable", signature: " -> ref", build: |a| build_variable(a, true) },
    Declaration { name: "ReadVariableOp", signature: "resource -> value", build: |a| handle(a, HandleKind::Read) },
    Declaration {
        name: "VarIsInitializedOp",
        signature: "resource -> is_initialized",
        build: |a| handle(a, HandleKind::IsInitialized),
    },
    Declaration {
        name: "DisableCopyOnRead",
        signature: "resource -> ",
        build: |a| handle(a, HandleKind::DisableCopyOnRead),
    },
    Declaration { name: "VariableShape", signature: "input -> output", build: |a| handle(a, HandleKind::Shape) },
    Declaration {
        name: "ResourceGather",
        signature: "resource, indices -> output",
        build: |a| handle(a, HandleKind::Gather { batch_dims: a.int_or("batch_dims", 0)? }),
    },
    Declaration {
        name: "AssignVariableOp",
        signature: "resource, value -> ",
        build: |a| update(a, Update::Replace, false),
    },
    Declaration {
        name: "AssignAddVariableOp",
        signature: "resource, value -> ",
        build: |a| update(a, Update::Add, false),
    },
    Declaration {
        name: "AssignSubVariableOp",
        signature: "resource, value -> ",
        build: |a| update(a, Update::Subtract, false),
    },
    Declaration { name: "Assign", signature: "ref, value -> output_ref", build: |a| update(a, Update::Replace, true) },
    Declaration { name: "AssignAdd", signature: "ref, value -> output_ref", build: |a| update(a, Update::Add, true) },
    Declaration {
        name: "AssignSub",
        signature: "ref, value -> output_ref",
        build: |a| update(a, Update::Subtract, true),
    },
    Declaration {
        name: "IsVariableInitialized",
        signature: "ref -> is_initialized",
        build: |a| handle(a, HandleKind::IsInitialized),
    },
];

fn build_variable(attrs: &Attrs, by_reference: bool) -> Result<Arc<dyn Op>> {
    let (dtype, dims) = (attrs.dtype("dtype")?, attrs.shape("shape")?);
    let shared_name = attrs.string_or("shared_name", "")?;
    let shape = dims.shape().ok_or_else(|| attrs.wrong("shape", "a known shape", attrs.get("shape")))?;
    if shape.checked_elements()?.saturating_mul(dtype.size().unwrap_or(24)) > MAX_BYTES {
        return Err(attrs.wrong("shape", &format!("at most {MAX_BYTES} bytes"), attrs.get("shape")));
    }
    let name = if shared_name.is_empty() { attrs.node() } else { &shared_name };
    let variable = Variable::new(name, Tensor::zeros(dtype, shape)?, true);
    Ok(Arc::new(VarHandle { variable, shared_name, by_reference }))
}

/// `VarHandleOp` and `VariableV2`: a variable. The same operation in several nodes or graphs is the same variable;
/// one built from attributes makes a variable of zeros.
#[derive(Clone, Debug)]
pub struct VarHandle {
    /// The variable.
    pub variable: Variable,
    /// The name under which it is found by all graphs.
    pub shared_name: String,
    /// Whether the output is a reference that can be used like a tensor (`VariableV2`).
    pub by_reference: bool,
}

impl Op for VarHandle {
    fn name(&self) -> &'static str {
        if self.by_reference { "VariableV2" } else { "VarHandleOp" }
    }
    fn attrs(&self, _: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("dtype", Attr::Type(self.variable.dtype())),
            ("shape", Attr::Shape(Dims::from(self.variable.shape()))),
            ("shared_name", Attr::String(self.shared_name.clone().into_bytes())),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(0)?;
        Ok(vec![if self.by_reference {
            ValueInfo::new(self.variable.dtype(), self.variable.shape())
        } else {
            ValueInfo::new(DType::Resource, Dims::scalar())
        }])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, _: &mut RunContext, _: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let variable = self.variable.clone();
        Ok(vec![RuntimeValue::Resource(if self.by_reference {
            Resource::Reference(variable)
        } else {
            Resource::Variable(variable)
        })])
    }
    fn gradient(&self, _: &mut crate::Grad<'_>) -> Result<Vec<Option<crate::Value>>> {
        Ok(Vec::new())
    }
    fn is_pure(&self) -> bool {
        false
    }
}

fn variable(arguments: &mut Arguments) -> Result<Variable> {
    match arguments.value()? {
        RuntimeValue::Resource(Resource::Variable(variable) | Resource::Reference(variable)) => Ok(variable),
        _ => Err(arguments.wrong("a variable", "something else")),
    }
}

/// What is asked of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleKind {
    /// `ReadVariableOp`
    Read,
    /// `VarIsInitializedOp`: always, since variables begin as zeros at least.
    IsInitialized,
    /// `DisableCopyOnRead`: nothing, values are shared anyway.
    DisableCopyOnRead,
    /// `VariableShape`
    Shape,
    /// `ResourceGather`: slices of the variable along the axis behind the batch.
    Gather {
        /// Leading axes that variable and indices share.
        batch_dims: i64,
    },
}

/// An operation on a handle that changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct ReadHandle {
    /// What is asked.
    pub kind: HandleKind,
    /// The type of the result.
    pub dtype: DType,
}

fn handle(attrs: &Attrs, kind: HandleKind) -> Result<Arc<dyn Op>> {
    let dtype = match kind {
        HandleKind::Read | HandleKind::Gather { .. } => attrs.dtype("dtype")?,
        HandleKind::Shape => attrs.dtype_or("out_type", DType::I32)?,
        HandleKind::IsInitialized | HandleKind::DisableCopyOnRead => DType::Bool,
    };
    Ok(Arc::new(ReadHandle { kind, dtype }))
}

impl Op for ReadHandle {
    fn name(&self) -> &'static str {
        match self.kind {
            HandleKind::Read => "ReadVariableOp",
            HandleKind::IsInitialized => "VarIsInitializedOp",
            HandleKind::DisableCopyOnRead => "DisableCopyOnRead",
            HandleKind::Shape => "VariableShape",
            HandleKind::Gather { .. } => "ResourceGather",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        match self.kind {
            HandleKind::Read => vec![("dtype", Attr::Type(self.dtype))],
            HandleKind::Shape => vec![("out_type", Attr::Type(self.dtype))],
            HandleKind::Gather { batch_dims } => vec![
                ("dtype", Attr::Type(self.dtype)),
                ("Tindices", Attr::Type(inputs[1].dtype)),
                ("batch_dims", Attr::Int(batch_dims)),
            ],
            _ => Vec::new(),
        }
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(if matches!(self.kind, HandleKind::Gather { .. }) { 2 } else { 1 })?;
        let dims = match self.kind {
            HandleKind::DisableCopyOnRead => return Ok(Vec::new()),
            HandleKind::IsInitialized => Dims::scalar(),
            HandleKind::Shape => Dims::of_rank(1),
            _ => Dims::unknown(),
        };
        Ok(vec![ValueInfo::new(self.dtype, dims)])
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Err(argument(self.name(), "", "operation", "an interpreter", "a plan"))
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let variable = variable(&mut a)?;
        if matches!(self.kind, HandleKind::Read | HandleKind::Gather { .. }) && variable.dtype() != self.dtype {
            return Err(a.wrong(self.dtype.to_string(), variable.dtype().to_string()));
        }
        Ok(match self.kind {
            HandleKind::Read => vec![variable.value().into()],
            HandleKind::IsInitialized => vec![Tensor::scalar(true).into()],
            HandleKind::DisableCopyOnRead => Vec::new(),
            HandleKind::Shape => {
                let lengths = variable.shape().iter().map(|&n| n as i64).collect();
                vec![super::dynamic::int_tensor(lengths, self.dtype, [variable.shape().rank()])?.into()]
            }
            HandleKind::Gather { batch_dims } => {
                let indices = a.tensor()?;
                let axis = if batch_dims < 0 { batch_dims + indices.rank() as i64 } else { batch_dims };
                let inputs = vec![variable.value().into(), indices.into(), Tensor::scalar(axis as i32).into()];
                cx.run_static(&Gather { batch_dims }, inputs)?
            }
        })
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// How a variable changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The value takes its place.
    Replace,
    /// The value is added.
    Add,
    /// The value is subtracted.
    Subtract,
}

/// `AssignVariableOp`, `AssignAddVariableOp`, `AssignSubVariableOp`; on references `Assign`, `AssignAdd`, `AssignSub`,
/// which give the reference again.
#[derive(Clone, Copy, Debug)]
pub struct UpdateVariable {
    /// How it changes.
    pub update: Update,
    /// Whether the first input is a reference.
    pub by_reference: bool,
}

fn update(_: &Attrs, update: Update, by_reference: bool) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(UpdateVariable { update, by_reference }))
}

impl Op for UpdateVariable {
    fn name(&self) -> &'static str {
        match (self.update, self.by_reference) {
            (Update::Replace, false) => "AssignVariableOp",
            (Update::Add, false) => "AssignAddVariableOp",
            (Update::Subtract, false) => "AssignSubVariableOp",
            (Update::Replace, true) => "Assign",
            (Update::Add, true) => "AssignAdd",
            (Update::Subtract, true) => "AssignSub",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![(if self.by_reference { "T" } else { "dtype" }, Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        Ok(if self.by_reference { vec![ValueInfo { known: None, ..cx.input(0)?.clone() }] } else { Vec::new() })
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Err(argument(self.name(), "", "operation", "an interpreter", "a plan"))
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let variable = variable(&mut a)?;
        let value = a.tensor()?;
        let kind = match self.update {
            Update::Replace => None,
            Update::Add => Some(BinaryKind::Add),
            Update::Subtract => Some(BinaryKind::Sub),
        };
        let value = match kind {
            None => value,
            Some(kind) if value.shape() == variable.shape() => {
                let sum = cx.run_static(&Binary(kind), vec![variable.value().into(), value.into()])?;
                Arguments::new(self.name(), cx, sum).tensor()?
            }
            Some(_) => return Err(a.wrong(shape_text(variable.shape()), shape_text(value.shape()))),
        };
        variable.assign(value)?;
        let reference = RuntimeValue::Resource(Resource::Reference(variable));
        Ok(if self.by_reference { vec![reference] } else { Vec::new() })
    }
    fn is_pure(&self) -> bool {
        false
    }
}

fn shape_text(shape: &Shape) -> String {
    format!("shape {shape}")
}
