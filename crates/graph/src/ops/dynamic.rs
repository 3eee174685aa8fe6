//! What operations share that are interpreted.

use std::cell::Cell;

use kerox_tensor::{DType, Shape, Tensor};

use super::dispatch::{argument, for_any};
use crate::{Dims, Error, Graph, Infer, Op, Resource, Result, Run, RunContext, RuntimeValue, ValueInfo};

/// Runs an operation that overrides [`Op::interpret`] as a step of a plan.
pub(super) fn run_interpreted(op: &dyn Op, run: &mut Run<'_, '_>) -> Result<()> {
    let inputs = run.inputs.iter().map(|v| v.tensor().map(RuntimeValue::Tensor)).collect::<Result<_>>()?;
    let results = op.interpret(&mut RunContext::new(op.name().into()), inputs)?;
    for (i, (output, result)) in run.outputs.iter_mut().zip(results).enumerate() {
        let result = result.into_tensor()?;
        if result.shape() != output.shape || result.dtype() != output.dtype() {
            let planned = format!("{} {}", output.dtype(), output.shape);
            let found = format!("{} {}", result.dtype(), result.shape());
            return Err(argument(op.name(), "", &format!("output {i}"), planned, found));
        }
        for_any!(result.dtype(), op.name(), T => {
            output.slice::<T>()?.clone_from_slice(result.as_slice::<T>()?);
            Ok::<(), Error>(())
        })?;
    }
    Ok(())
}

/// The value a reference stands for; all else as it is.
pub(super) fn dereference(value: RuntimeValue) -> Result<RuntimeValue> {
    match value {
        RuntimeValue::Resource(Resource::Reference(variable)) => Ok(variable.value().into()),
        other => Ok(other),
    }
}

/// The inputs of a node while it is interpreted, taken one after the other.
pub(super) struct Arguments {
    op: &'static str,
    node: String,
    inputs: std::vec::IntoIter<RuntimeValue>,
    taken: usize,
}

impl Arguments {
    pub fn new(op: &'static str, cx: &RunContext, inputs: Vec<RuntimeValue>) -> Arguments {
        Arguments { op, node: cx.node_name().to_string(), inputs: inputs.into_iter(), taken: 0 }
    }

    pub fn value(&mut self) -> Result<RuntimeValue> {
        self.taken += 1;
        let missing = argument(self.op, &self.node, "inputs", format!("at least {}", self.taken), "fewer");
        self.inputs.next().ok_or(missing)
    }

    pub fn tensor(&mut self) -> Result<Tensor> {
        self.value()?.into_tensor()
    }

    /// Integers of either width.
    pub fn ints(&mut self) -> Result<Vec<i64>> {
        let tensor = self.tensor()?;
        ints(&tensor).ok_or_else(|| self.wrong("an integer type", tensor.dtype().to_string()))
    }

    /// One integer.
    pub fn int(&mut self) -> Result<i64> {
        match self.ints()?[..] {
            [one] => Ok(one),
            ref other => Err(self.wrong("one number", format!("{} numbers", other.len()))),
        }
    }

    /// One byte string.
    pub fn bytes(&mut self) -> Result<Vec<u8>> {
        let tensor = self.tensor()?;
        match tensor.as_slice::<Vec<u8>>()? {
            [one] => Ok(one.clone()),
            other => Err(self.wrong("one string", format!("{} strings", other.len()))),
        }
    }

    /// All that are left.
    pub fn rest(&mut self) -> Vec<RuntimeValue> {
        self.inputs.by_ref().collect()
    }

    /// An error about the input taken last.
    pub fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        argument(self.op, &self.node, &format!("input {}", self.taken.saturating_sub(1)), expected, found)
    }
}

/// The elements of an integer tensor.
pub(super) fn ints(tensor: &Tensor) -> Option<Vec<i64>> {
    fn wide<T: Copy + Into<i64>>(values: &[T]) -> Vec<i64> {
        values.iter().map(|&v| v.into()).collect()
    }
    Some(match tensor.dtype() {
        DType::I64 => tensor.as_slice::<i64>().ok()?.to_vec(),
        DType::I32 => wide(tensor.as_slice::<i32>().ok()?),
        DType::I16 => wide(tensor.as_slice::<i16>().ok()?),
        DType::I8 => wide(tensor.as_slice::<i8>().ok()?),
        DType::U8 => wide(tensor.as_slice::<u8>().ok()?),
        DType::U16 => wide(tensor.as_slice::<u16>().ok()?),
        _ => return None,
    })
}

/// Integers as a tensor of type int32 or int64.
pub(super) fn int_tensor(values: Vec<i64>, dtype: DType, shape: impl Into<Shape>) -> Result<Tensor> {
    Ok(match dtype {
        DType::I64 => Tensor::from_vec(values, shape)?,
        _ => Tensor::from_vec(values.into_iter().map(|v| v as i32).collect::<Vec<i32>>(), shape)?,
    })
}

/// Whether a condition holds: a bool or number by its value, a string where it is not empty, and anything with axes
/// where it has elements.
pub(super) fn truth(tensor: &Tensor) -> Result<bool> {
    if tensor.rank() > 0 {
        return Ok(!tensor.is_empty());
    }
    Ok(match tensor.dtype() {
        DType::Bool => tensor.to_scalar::<bool>()?,
        DType::F32 => tensor.to_scalar::<f32>()? != 0.0,
        DType::F64 => tensor.to_scalar::<f64>()? != 0.0,
        DType::String => !tensor.to_scalar::<Vec<u8>>()?.is_empty(),
        found => match ints(tensor).as_deref() {
            Some(&[value]) => value != 0,
            _ => return Err(argument("If", "", "condition", "a bool, number or string", found.to_string())),
        },
    })
}

/// The shape integers stand for, where -1 is unknown, and a scalar -1 an unknown rank.
pub(super) fn partial(ints: &[Option<i64>], is_scalar: bool) -> Dims {
    if is_scalar {
        return Dims::unknown();
    }
    ints.iter().map(|i| i.and_then(|i| usize::try_from(i).ok())).collect()
}

/// [`partial`] of input `i`, as far as known.
pub(super) fn partial_input(cx: &Infer<'_>, i: usize) -> Result<Dims> {
    let is_vector = cx.dims(i)?.rank() == Some(1);
    Ok(match cx.ints(i)? {
        Some(ints) if is_vector => partial(&ints, false),
        _ => Dims::unknown(),
    })
}

/// [`partial`] of a tensor.
pub(super) fn partial_tensor(tensor: &Tensor) -> Dims {
    let ints: Vec<Option<i64>> = ints(tensor).unwrap_or_default().into_iter().map(Some).collect();
    partial(&ints, tensor.rank() != 1)
}

/// Nodes that one inference may visit in bodies of functions; bodies that call each other could otherwise multiply.
const BODY_NODES: usize = 200_000;
/// What a body costs of them besides its nodes.
const BODY_COST: usize = 100;
/// Bodies inside bodies that are inferred anew.
const BODY_DEPTH: usize = 32;

thread_local! {
    static INFERRING: Cell<(usize, usize)> = const { Cell::new((0, BODY_NODES)) };
}

/// What is known of the outputs of a function for these arguments.
pub(super) fn infer_body(cx: &Infer<'_>, body: &Graph, arguments: &[ValueInfo]) -> Result<Vec<ValueInfo>> {
    if body.inputs.len() != arguments.len() {
        return Err(cx.wrong("arguments", body.inputs.len().to_string(), arguments.len().to_string()));
    }
    let (depth, left) = INFERRING.get();
    if depth >= BODY_DEPTH || left < body.nodes().len() + BODY_COST {
        return Ok(body.outputs.iter().map(|&v| body.info(v).clone()).collect());
    }
    INFERRING.set((depth + 1, left - body.nodes().len() - BODY_COST));
    let result = infer_nodes(cx, body, arguments);
    let (_, left) = INFERRING.get();
    INFERRING.set((depth, if depth == 0 { BODY_NODES } else { left }));
    result
}

fn infer_nodes(cx: &Infer<'_>, body: &Graph, arguments: &[ValueInfo]) -> Result<Vec<ValueInfo>> {
    let mut infos: Vec<Vec<ValueInfo>> = Vec::with_capacity(body.nodes().len());
    for (at, node) in body.nodes().iter().enumerate() {
        if let Some(i) = body.inputs.iter().position(|v| v.node.index() == at) {
            let (given, declared) = (&arguments[i], &node.outputs[0]);
            let dims = given.dims.merge(&declared.dims).filter(|_| given.dtype == declared.dtype);
            let Some(dims) = dims else {
                let expected = format!("{} {}", declared.dtype, declared.dims);
                return Err(cx.wrong(&format!("argument {i}"), expected, format!("{} {}", given.dtype, given.dims)));
            };
            infos.push(vec![ValueInfo { dtype: given.dtype, dims, known: given.known.clone() }]);
            continue;
        }
        let inputs: Vec<ValueInfo> =
            node.inputs.iter().map(|v| infos[v.node.index()][v.output as usize].clone()).collect();
        infos.push(node.op.infer(&Infer::new(node.op.name(), &node.name, &inputs))?);
    }
    Ok(body.outputs.iter().map(|v| infos[v.node.index()][v.output as usize].clone()).collect())
}

/// What is true of both values.
pub(super) fn common(cx: &Infer<'_>, a: &ValueInfo, b: &ValueInfo) -> Result<ValueInfo> {
    if a.dtype != b.dtype {
        return Err(cx.wrong("branches", a.dtype.to_string(), b.dtype.to_string()));
    }
    let dims = match (a.dims.axes(), b.dims.axes()) {
        (Some(x), Some(y)) if x.len() == y.len() => {
            x.iter().zip(y).map(|(&x, &y)| if x == y { x } else { None }).collect()
        }
        _ => Dims::unknown(),
    };
    Ok(ValueInfo::new(a.dtype, dims))
}
