//! Operations that pass values on, look at them, or do nothing.

use std::sync::Arc;

use kerox_tensor::DType;

use super::declaration::Declaration;
use super::dispatch::{argument, for_any, for_float};
use super::dynamic::{dereference, truth};
use crate::{Attr, Grad, Infer, Op, Result, Run, RunContext, RuntimeValue, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "NoOp", signature: " -> ", build: |_| Ok(Arc::new(NoOp)) },
    Declaration { name: "IdentityN", signature: "input{T} -> output{T}", build: |_| Ok(Arc::new(IdentityN)) },
    Declaration {
        name: "CheckNumerics",
        signature: "tensor -> output",
        build: |a| Ok(Arc::new(CheckNumerics { message: a.string_or("message", "")? })),
    },
    Declaration {
        name: "CheckNumericsV2",
        signature: "tensor -> output",
        build: |a| Ok(Arc::new(CheckNumerics { message: a.string_or("message", "")? })),
    },
    Declaration { name: "Assert", signature: "condition, data{T} -> ", build: |_| Ok(Arc::new(Assert)) },
    Declaration { name: "Print", signature: "input, data{U} -> output", build: |_| Ok(Arc::new(Print { v2: false })) },
    Declaration { name: "PrintV2", signature: "input -> ", build: |_| Ok(Arc::new(Print { v2: true })) },
];

/// `NoOp`: nothing; other nodes wait for it.
#[derive(Clone, Copy, Debug)]
pub struct NoOp;

impl Op for NoOp {
    fn name(&self) -> &'static str {
        "NoOp"
    }
    fn infer(&self, _: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        Ok(Vec::new())
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Ok(())
    }
    fn interpret(&self, _: &mut RunContext, _: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        Ok(Vec::new())
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// Copies input `i` to output `i`.
fn pass(run: &mut Run<'_, '_>, i: usize) -> Result<()> {
    let input = run.input(i);
    let output = &mut run.outputs[i];
    for_any!(output.dtype(), "Identity", T => {
        output.slice::<T>()?.clone_from_slice(input.slice::<T>()?);
        Ok(())
    })
}

/// `IdentityN`: some values as they are.
#[derive(Clone, Copy, Debug)]
pub struct IdentityN;

impl Op for IdentityN {
    fn name(&self) -> &'static str {
        "IdentityN"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::List(inputs.iter().map(|i| Attr::Type(i.dtype)).collect()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        Ok(cx.inputs().to_vec())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        (0..run.inputs.len()).try_for_each(|i| pass(run, i))
    }
    fn interpret(&self, _: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        inputs.into_iter().map(dereference).collect()
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(cx.upstream.to_vec())
    }
}

/// `CheckNumerics`: the value as it is; an error where it has infinities or NaNs.
#[derive(Clone, Debug)]
pub struct CheckNumerics {
    /// What the error begins with.
    pub message: String,
}

impl Op for CheckNumerics {
    fn name(&self) -> &'static str {
        "CheckNumerics"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let message = Attr::String(self.message.clone().into_bytes());
        vec![("T", Attr::Type(inputs[0].dtype)), ("message", message)]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(cx.float(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        pass(run, 0)?;
        for_float!(run.dtype(), self.name(), T => {
            match run.outputs[0].slice::<T>()?.iter().find(|v| !v.is_finite()) {
                None => Ok(()),
                Some(v) => Err(argument(self.name(), "", &self.message, "finite numbers", v.to_string())),
            }
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![cx.upstream[0]])
    }
}

/// `Assert(condition, data...)`: an error that shows the data where the condition does not hold.
#[derive(Clone, Copy, Debug)]
pub struct Assert;

impl Op for Assert {
    fn name(&self) -> &'static str {
        "Assert"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::List(inputs[1..].iter().map(|i| Attr::Type(i.dtype)).collect()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.of_dtype(0, DType::Bool)?;
        Ok(Vec::new())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        super::dynamic::run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut inputs = inputs.into_iter().map(RuntimeValue::into_tensor);
        if inputs.next().transpose()?.is_none_or(|condition| truth(&condition).unwrap_or(false)) {
            return Ok(Vec::new());
        }
        let mut found = String::new();
        for data in inputs {
            let data = data?;
            let text = match data.as_slice::<Vec<u8>>() {
                Ok(strings) => strings.iter().take(3).map(|s| String::from_utf8_lossy(s)).collect::<Vec<_>>().join(" "),
                Err(_) => format!("{data:?}"),
            };
            found.extend(text.chars().take(200));
            found.push(' ');
        }
        Err(argument("Assert", cx.node_name(), "condition", "true", format!("false: {}", found.trim_end())))
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// `Print` and `PrintV2`: the value as it is. Nothing is printed: a graph from a file does not write to the terminal.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    /// Whether this is `PrintV2`, which has no output.
    pub v2: bool,
}

impl Op for Print {
    fn name(&self) -> &'static str {
        if self.v2 { "PrintV2" } else { "Print" }
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let input = cx.input(0)?.clone();
        Ok(if self.v2 { Vec::new() } else { vec![input] })
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        if self.v2 { Ok(()) } else { pass(run, 0) }
    }
    fn interpret(&self, _: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let outputs = if self.v2 { 0 } else { 1 };
        inputs.into_iter().take(outputs).map(dereference).collect()
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let mut downstream = vec![None; cx.inputs.len()];
        if let (Some(first), Some(dy)) = (downstream.first_mut(), cx.upstream.first()) {
            *first = *dy;
        }
        Ok(downstream)
    }
    fn is_pure(&self) -> bool {
        false
    }
}
