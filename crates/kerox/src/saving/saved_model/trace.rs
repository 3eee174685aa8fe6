//! A layer's call as a graph, and its arguments as Python's.

use kerox_config_json::Value as Json;
use kerox_format_savedmodel::{Structured, TensorSpec};
use kerox_graph::{Dims, Graph, NodeId, Value, ValueInfo};
use kerox_layers::{Arg, Args, Call, CallRecord, LayerRef};
use kerox_tensor::DType;

use crate::saving::Result;

/// A tensor that goes in: name, type and shape.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub name: String,
    pub info: ValueInfo,
}

/// With what a layer is called, and whether for training.
#[derive(Clone, Debug)]
pub(super) struct Arguments {
    pub args: Args<Input>,
    /// Masks of the tensors of the first argument.
    pub masks: Vec<Option<Input>>,
    pub training: bool,
}

/// A layer's call.
pub(super) struct Trace {
    pub graph: Graph,
    /// Arguments in the order in which Python flattens them, masks last.
    pub inputs: Vec<(String, Value)>,
    pub outputs: Vec<Value>,
    pub losses: Vec<Value>,
    pub effects: Vec<NodeId>,
    pub records: Vec<CallRecord>,
}

/// Dictionaries in the order of their keys, as Python flattens them.
fn sorted<T: Clone>(arg: &Arg<T>) -> Arg<T> {
    match arg {
        Arg::List(items) => Arg::List(items.iter().map(sorted).collect()),
        Arg::Map(entries) => {
            let mut entries: Vec<(String, Arg<T>)> =
                entries.iter().map(|(key, arg)| (key.clone(), sorted(arg))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Arg::Map(entries)
        }
        other => other.clone(),
    }
}

/// Names the tensors of an argument: as the argument, numbered where there are several.
fn named(name: &str, arg: &Arg<ValueInfo>) -> Arg<Input> {
    let arg = sorted(arg);
    let is_one = matches!(arg, Arg::Tensor(_));
    let mut count = 0;
    let result = arg.try_map(&mut |info: &ValueInfo| {
        let name = if is_one { name.to_string() } else { format!("{name}_{count}") };
        count += 1;
        Ok::<_, std::convert::Infallible>(Input { name, info: info.clone() })
    });
    match result {
        Ok(arg) => arg,
        Err(never) => match never {},
    }
}

impl Arguments {
    /// Those a layer was called with: the first is `inputs`, further ones are counted or have their keyword.
    pub fn of(record: &CallRecord, training: bool, with_masks: bool) -> Arguments {
        let positional = record.args.args.iter().enumerate();
        let args = positional.map(|(i, arg)| match i {
            0 => named("inputs", arg),
            i => named(&format!("args_{i}"), arg),
        });
        // Whether it is for training is what a trace is made for.
        let kwargs = record.args.kwargs.iter().filter(|(name, _)| name != "training");
        let kwargs = kwargs.map(|(name, arg)| (name.clone(), named(name, arg)));
        let mask = |(i, info): (usize, &Option<ValueInfo>)| {
            let name = if record.masks.len() == 1 { "mask".to_string() } else { format!("mask_{i}") };
            info.clone().map(|info| Input { name, info })
        };
        Arguments {
            args: Args { args: args.collect(), kwargs: kwargs.collect() },
            masks: record.masks.iter().enumerate().filter(|_| with_masks).map(mask).collect(),
            training,
        }
    }

    /// Names of the arguments of Python's function, without `training` and `mask`.
    pub fn names(&self) -> Vec<String> {
        let positional = (0..self.args.args.len()).map(|i| match i {
            0 => "inputs".to_string(),
            i => format!("args_{i}"),
        });
        positional.chain(self.args.kwargs.iter().map(|(name, _)| name.clone())).collect()
    }

    /// The values of these arguments.
    pub fn structured(&self) -> Vec<Structured> {
        self.args.args.iter().chain(self.args.kwargs.iter().map(|(_, arg)| arg)).map(structured).collect()
    }

    /// The value of `mask`: one, a list of them, or `None`.
    pub fn structured_masks(&self) -> Structured {
        let one = |mask: &Option<Input>| mask.as_ref().map_or(Structured::None, spec);
        match self.masks.as_slice() {
            [] => Structured::None,
            [mask] => one(mask),
            masks => Structured::List(masks.iter().map(one).collect()),
        }
    }
}

/// A tensor as Python's `TensorSpec`.
pub(super) fn tensor_spec(name: &str, dtype: DType, dims: &Dims) -> TensorSpec {
    let shape = dims.axes().map(|axes| axes.iter().map(|axis| axis.map(|n| n as u64)).collect());
    TensorSpec { name: name.into(), shape, dtype: dtype.into() }
}

fn spec(input: &Input) -> Structured {
    Structured::Tensor(tensor_spec(&input.name, input.info.dtype, &input.info.dims))
}

/// An argument as a Python value.
pub(super) fn structured(arg: &Arg<Input>) -> Structured {
    match arg {
        Arg::Tensor(input) => spec(input),
        Arg::List(items) => Structured::List(items.iter().map(structured).collect()),
        Arg::Map(entries) => {
            Structured::Dict(entries.iter().map(|(key, arg)| (key.clone(), structured(arg))).collect())
        }
        Arg::Const(value) => constant(value),
        Arg::None => Structured::None,
    }
}

fn constant(value: &Json) -> Structured {
    match value {
        Json::Bool(b) => Structured::Bool(*b),
        Json::String(s) => Structured::Str(s.clone()),
        Json::List(items) => Structured::List(items.iter().map(constant).collect()),
        Json::Map(map) => Structured::Dict(map.iter().map(|(key, v)| (key.to_string(), constant(v))).collect()),
        value => match (value.as_i64(), value.as_f64()) {
            (Some(i), _) => Structured::Int(i),
            (None, Some(f)) => Structured::Float(f),
            _ => Structured::None,
        },
    }
}

/// Calls a layer in a graph of its own.
pub(super) fn trace(layer: &LayerRef, arguments: &Arguments, record: bool) -> Result<Trace> {
    let mut g = Graph::new();
    let mut inputs = Vec::new();
    let args = arguments.args.try_map(|input| {
        let value = g.placeholder(&input.name, input.info.dtype, input.info.dims.clone())?;
        inputs.push((input.name.clone(), value));
        Ok::<Value, kerox_graph::Error>(value)
    })?;
    let mut masks = Vec::new();
    for mask in &arguments.masks {
        masks.push(match mask {
            Some(mask) => {
                let value = g.placeholder(&mask.name, mask.info.dtype, mask.info.dims.clone())?;
                inputs.push((mask.name.clone(), value));
                Some(value)
            }
            None => None,
        });
    }
    let mut cx = Call::new(&mut g, arguments.training);
    cx.keep_loops();
    if record {
        cx.record();
    }
    for (&input, mask) in args.first().into_iter().zip(masks) {
        cx.set_mask(input, mask);
    }
    let outputs = cx.apply(layer, &args)?;
    let mut losses = std::mem::take(&mut cx.losses);
    if layer.activity_regularizer().is_some() {
        // Who calls the layer adds these by itself.
        losses.truncate(losses.len().saturating_sub(outputs.len()));
    }
    let records = cx.records().to_vec();
    let effects = g.effects.clone();
    Ok(Trace { graph: g, inputs, outputs, losses, effects, records })
}
