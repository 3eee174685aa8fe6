//! The part of a graph that is needed, with concrete shapes and folded constants.

use std::collections::HashMap;
use std::sync::Arc;

use kerox_tensor::{Buffer, DType, Shape, Tensor};
use smallvec::SmallVec;

use crate::ops::{Cast, Const};
use crate::{Data, Dims, Error, Graph, Infer, NodeId, Op, Result, Run, Value, ValueInfo, View, ViewMut};

/// Constants larger than this many bytes are computed at run time instead of being kept.
const FOLD_LIMIT: usize = 1 << 20;

/// Gives the concrete graph; its `inputs` are the feeds, its `outputs` the fetches.
pub(super) fn specialise(
    g: &Graph,
    feeds: &[Value],
    shapes: &[Shape],
    fetches: &[Value],
    effects: &[NodeId],
) -> Result<Graph> {
    let mut concrete = Graph::new();
    let mut map: HashMap<Value, Value> = HashMap::new();
    for (i, &feed) in feeds.iter().enumerate() {
        let (node, info) = (g.node(feed.node), g.info(feed));
        let shape = shapes.get(i).filter(|shape| info.dims.admits(shape)).ok_or_else(|| Error::Feed {
            name: node.name.clone(),
            expected: format!("{} {}", info.dtype, info.dims),
            found: shapes.get(i).map_or("nothing".into(), |s| format!("shape {s}")),
        })?;
        let placeholder = concrete.placeholder(&node.name, info.dtype, Dims::from(shape))?;
        concrete.inputs.push(placeholder);
        map.insert(feed, placeholder);
    }
    let needed = needed(g, &map, fetches, effects);
    for (i, node) in g.nodes().iter().enumerate() {
        let id = NodeId(i as u32);
        if !needed[i] || g.values(id).first().is_some_and(|v| map.contains_key(v)) {
            continue;
        }
        let inputs: Vec<Value> = node.inputs.iter().map(|v| map[v]).collect();
        let outputs = specialise_node(&mut concrete, &node.name, &node.op, &inputs)?;
        for (output, value) in outputs.iter().enumerate() {
            let dtype = concrete.dtype(*value);
            if matches!(dtype, DType::Resource | DType::Variant) {
                let found = format!("a {dtype}, which has none");
                return Err(Error::UnknownShape { op: node.op.name().into(), node: node.name.clone(), found });
            }
            map.insert(Value { node: id, output: output as u32 }, *value);
        }
        if effects.contains(&id) {
            concrete.effects.push(NodeId(concrete.nodes().len() as u32 - 1));
        }
    }
    concrete.outputs = fetches.iter().map(|v| map[v]).collect();
    Ok(concrete)
}

fn needed(g: &Graph, fed: &HashMap<Value, Value>, fetches: &[Value], effects: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; g.nodes().len()];
    let roots = fetches.iter().map(|v| v.node).chain(effects.iter().copied());
    for root in roots {
        needed[root.index()] = true;
    }
    for i in (0..needed.len()).rev() {
        let is_fed = fed.contains_key(&Value { node: NodeId(i as u32), output: 0 });
        if needed[i] && !is_fed {
            for input in &g.nodes()[i].inputs {
                needed[input.node.index()] = true;
            }
        }
    }
    needed
}

/// Adds a node, or the constants it is known to give, or the node in f32 between casts.
fn specialise_node(g: &mut Graph, name: &str, op: &Arc<dyn Op>, inputs: &[Value]) -> Result<Vec<Value>> {
    let infos: Vec<ValueInfo> = inputs.iter().map(|&v| g.info(v).clone()).collect();
    if op.is_pure()
        && let Some(constants) = fold(name, op, &infos)?
    {
        return constants.into_iter().map(|t| g.constant(t)).collect();
    }
    let half = infos.iter().any(|info| is_half(info.dtype));
    if !half || op.takes_half() || op.is_alias() {
        let id = g.add_node(name, op.clone(), inputs)?;
        return Ok(g.values(id));
    }
    let wanted = op.infer(&Infer::new(op.name(), name, &infos))?;
    let wide: Vec<Value> = inputs
        .iter()
        .map(|&v| if is_half(g.dtype(v)) { g.add_single(Cast { to: DType::F32 }, &[v]) } else { Ok(v) })
        .collect::<Result<_>>()?;
    let id = g.add_node(name, op.clone(), &wide)?;
    let outputs = g.values(id);
    outputs
        .into_iter()
        .zip(wanted)
        .map(|(v, info)| if g.dtype(v) != info.dtype { g.add_single(Cast { to: info.dtype }, &[v]) } else { Ok(v) })
        .collect()
}

/// The outputs, where everything they depend on is known.
fn fold(name: &str, op: &Arc<dyn Op>, inputs: &[ValueInfo]) -> Result<Option<Vec<Tensor>>> {
    let outputs = op.infer(&Infer::new(op.name(), name, inputs))?;
    let known: Option<Vec<Tensor>> = outputs.iter().map(|info| info.tensor().cloned()).collect();
    if known.as_ref().is_some_and(|tensors| !tensors.is_empty()) {
        return Ok(known);
    }
    let small = |info: &ValueInfo| {
        info.dims.shape().is_some_and(|s| {
            s.checked_elements().is_ok_and(|n| n.saturating_mul(info.dtype.size().unwrap_or(64)) <= FOLD_LIMIT)
        })
    };
    if outputs.is_empty() || inputs.is_empty() || !outputs.iter().all(small) {
        return Ok(None);
    }
    // What the kernel does not look at need not be known, only its shape.
    let mut arguments: SmallVec<[Argument<'_>; 8]> = SmallVec::new();
    for (i, info) in inputs.iter().enumerate() {
        arguments.push(match (info.tensor(), info.dims.shape()) {
            (Some(tensor), _) => Argument::Tensor(tensor),
            (None, Some(shape)) if !op.reads(i) => Argument::Shape(shape),
            _ => return Ok(None),
        });
    }
    evaluate_arguments(&**op, &arguments, &outputs).map(Some)
}

/// An input of a kernel that runs outside a plan.
enum Argument<'a> {
    Tensor(&'a Tensor),
    Shape(Shape),
}

impl Argument<'_> {
    fn view(&self) -> View<'_> {
        match self {
            Argument::Tensor(tensor) => View::of(tensor),
            Argument::Shape(shape) => View { shape, data: Data::ShapeOnly },
        }
    }
}

/// Runs a kernel on tensors.
pub(crate) fn evaluate(op: &dyn Op, inputs: &[Tensor], outputs: &[ValueInfo]) -> Result<Vec<Tensor>> {
    let arguments: SmallVec<[Argument<'_>; 8]> = inputs.iter().map(Argument::Tensor).collect();
    evaluate_arguments(op, &arguments, outputs)
}

fn evaluate_arguments(op: &dyn Op, inputs: &[Argument<'_>], outputs: &[ValueInfo]) -> Result<Vec<Tensor>> {
    if op.takes_half() || op.is_alias() || !outputs_or_inputs_are_half(inputs, outputs) {
        return run_once(op, inputs, outputs);
    }
    // In single precision, rounded at the end, as between the casts of a plan.
    let wide: Vec<Option<Tensor>> = inputs
        .iter()
        .map(|argument| match argument {
            Argument::Tensor(tensor) if is_half(tensor.dtype()) => Ok(Some(tensor.cast(DType::F32)?)),
            _ => Ok(None),
        })
        .collect::<Result<_>>()?;
    let arguments: SmallVec<[Argument<'_>; 8]> = inputs
        .iter()
        .zip(&wide)
        .map(|(argument, wide)| match (wide, argument) {
            (Some(tensor), _) => Argument::Tensor(tensor),
            (None, Argument::Tensor(tensor)) => Argument::Tensor(tensor),
            (None, Argument::Shape(shape)) => Argument::Shape(shape.clone()),
        })
        .collect();
    let wider =
        |info: &ValueInfo| ValueInfo::new(if is_half(info.dtype) { DType::F32 } else { info.dtype }, info.dims.clone());
    let found = run_once(op, &arguments, &outputs.iter().map(wider).collect::<Vec<_>>())?;
    let narrow = |(tensor, info): (Tensor, &ValueInfo)| {
        if tensor.dtype() == info.dtype { Ok(tensor) } else { Ok(tensor.cast(info.dtype)?) }
    };
    found.into_iter().zip(outputs).map(narrow).collect()
}

fn is_half(dtype: DType) -> bool {
    matches!(dtype, DType::F16 | DType::BF16)
}

/// Whether half precision goes in, or comes out of what only looks at a shape.
fn outputs_or_inputs_are_half(inputs: &[Argument<'_>], outputs: &[ValueInfo]) -> bool {
    inputs.iter().any(|argument| match argument {
        Argument::Tensor(tensor) => is_half(tensor.dtype()),
        Argument::Shape(_) => outputs.iter().any(|info| is_half(info.dtype)),
    })
}

fn run_once(op: &dyn Op, inputs: &[Argument<'_>], outputs: &[ValueInfo]) -> Result<Vec<Tensor>> {
    let shapes: SmallVec<[Shape; 4]> = outputs
        .iter()
        .map(|info| {
            info.dims.shape().ok_or_else(|| Error::UnknownShape {
                op: op.name().into(),
                node: String::new(),
                found: info.dims.to_string(),
            })
        })
        .collect::<Result<_>>()?;
    let mut buffers: SmallVec<[Buffer; 4]> = outputs
        .iter()
        .zip(&shapes)
        .map(|(info, shape)| {
            check_size(op.name(), info.dtype, shape)?;
            Ok(Buffer::zeros(info.dtype, shape.checked_elements()?)?)
        })
        .collect::<Result<_>>()?;
    let views: SmallVec<[View<'_>; 8]> = inputs.iter().map(Argument::view).collect();
    let input_shapes: Vec<&Shape> = views.iter().map(|view| view.shape).collect();
    let output_shapes: Vec<&Shape> = shapes.iter().collect();
    let scratch_dtype = outputs.first().map_or(DType::F32, |info| info.dtype);
    let mut scratch = Buffer::zeros(scratch_dtype, op.scratch(&input_shapes, &output_shapes))?;
    {
        let mut out: SmallVec<[ViewMut<'_>; 4]> =
            buffers.iter_mut().zip(&shapes).map(|(buffer, shape)| ViewMut { shape, buffer }).collect();
        op.run(&mut Run { inputs: &views, outputs: &mut out, scratch: &mut scratch })?;
    }
    buffers.into_iter().zip(shapes).map(|(buffer, shape)| Ok(Tensor::from_buffer(buffer, shape)?)).collect()
}

/// The largest tensor an operation or a variable may be, in bytes: a graph from outside can claim any shape. 8 GB, or half of
/// what 32 bits can address.
pub(crate) const MAX_BYTES: usize = match 1usize.checked_shl(33) {
    Some(bytes) => bytes,
    None => usize::MAX / 2,
};

/// Refuses an output larger than [`MAX_BYTES`] before it is allocated.
pub(super) fn check_size(op: &str, dtype: DType, shape: &Shape) -> Result<()> {
    let bytes = shape.checked_elements()?.saturating_mul(dtype.size().unwrap_or(24));
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Error::Limit { node: format!("{op} of shape {shape}"), what: "bytes in one tensor".into(), limit: MAX_BYTES })
}

impl Graph {
    /// Adds a constant.
    ///
    /// # Errors
    /// None at present.
    pub fn constant(&mut self, value: Tensor) -> Result<Value> {
        self.add_single(Const { value }, &[])
    }
}
