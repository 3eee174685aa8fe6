//! `inbound_nodes`: how a file says on what a layer is called.
//!
//! | form | dialect |
//! |---|---|
//! | `[["x", 0, 0], ["y", 0, 0]]` | Keras 1 |
//! | `[["x", 0, 0, {"training": false}]]` | Keras 2; keyword arguments repeat on every tensor |
//! | `["x", 0, 0, {"y": ["w", 0, 0]}]` | Keras 2, operations (`TFOpLambda`) |
//! | `["_CONSTANT_VALUE", -1, 2.0, {..}]` | Keras 2, a constant first argument |
//! | `{"a": ["x", 0, 0, {}]}` | Keras 2, a dictionary first argument |
//! | `{"args": [..], "kwargs": {..}}` with `__keras_tensor__` | Keras 3 |

use std::collections::HashMap;

use super::{Arg, LayerCall, TensorRef, TensorSpec};
use crate::node::nearest;
use crate::{Config, Encoded, Error, Node, Result, Value};

/// The layers' names and their indices.
pub(super) type Names = HashMap<String, usize>;

pub(super) const CONSTANT: &str = "_CONSTANT_VALUE";

/// Reads one call of `layer`.
pub(super) fn read_call(node: &Node, layer: &str, names: &Names) -> Result<LayerCall> {
    let reader = Reader { layer, names };
    match node.value() {
        Value::Map(map) if map.contains_key("args") && map.contains_key("kwargs") => {
            let args = node.required("args")?.list()?.iter().map(|arg| reader.encoded(arg)).collect::<Result<_>>()?;
            let kwargs = node.required("kwargs")?;
            let kwargs = reader.map(&kwargs, |reader, value| reader.encoded(value))?;
            Ok(LayerCall::new(args, kwargs))
        }
        Value::List(items) if items.is_empty() => Ok(LayerCall::default()),
        _ => {
            let mut kwargs = None;
            let flat = is_ref(node.value());
            let mut first = reader.first_argument(node, &mut kwargs)?;
            if let Arg::List(items) = &mut first
                && items.len() == 1
            {
                first = items.swap_remove(0);
            }
            Ok(LayerCall { args: vec![first], kwargs: kwargs.unwrap_or_default(), flat })
        }
    }
}

/// Reads `input_layers` or `output_layers`: a tree of `[layer, call, tensor]`.
pub(super) fn read_ends(node: &Node, model: &str, names: &Names) -> Result<Arg> {
    let reader = Reader { layer: model, names };
    let arg = reader.ends(node)?;
    if arg.tensors().is_empty() && !matches!(&arg, Arg::List(items) if items.is_empty()) {
        return Err(node.expected("a list of layer name, node index and tensor index"));
    }
    Ok(arg)
}

/// `[name, call, tensor]` or `[name, call, tensor, kwargs]`.
fn is_ref(value: &Value) -> bool {
    let Value::List(items) = value else { return false };
    match items.as_slice() {
        [Value::String(name), Value::Int(-1), _] | [Value::String(name), Value::Int(-1), _, Value::Map(_)] => {
            name == CONSTANT
        }
        [Value::String(_), Value::Int(_), Value::Int(_)] => true,
        [Value::String(_), Value::Int(_), Value::Int(_), Value::Map(_) | Value::Null] => true,
        _ => false,
    }
}

struct Reader<'a> {
    layer: &'a str,
    names: &'a Names,
}

impl Reader<'_> {
    fn graph_error(&self, node: &Node, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::Graph {
            layer: self.layer.to_owned(),
            path: node.path().to_string(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// The first argument of a Keras 1 or 2 call; its keyword arguments are taken from the first tensor.
    fn first_argument(&self, node: &Node, kwargs: &mut Option<Vec<(String, Arg)>>) -> Result<Arg> {
        if is_ref(node.value()) {
            let items = node.list()?;
            if let (None, Some(given)) = (&kwargs, items.get(3).filter(|given| !given.is_null())) {
                *kwargs = Some(self.map(given, |reader, value| reader.keyword(value))?);
            }
            return match items.as_slice() {
                [name, _, value, ..] if name.value().as_str() == Some(CONSTANT) => {
                    Ok(Arg::Constant(value.value().clone()))
                }
                _ => self.tensor(node),
            };
        }
        match node.value() {
            Value::List(_) => {
                let items = node.list()?;
                Ok(Arg::List(items.iter().map(|item| self.first_argument(item, kwargs)).collect::<Result<_>>()?))
            }
            Value::Map(map) => {
                let mut entries = Vec::with_capacity(map.len());
                for (key, value) in map.iter() {
                    let value = Node::at(value, node.path().key(key));
                    entries.push((key.to_owned(), self.first_argument(&value, kwargs)?));
                }
                Ok(Arg::Map(entries))
            }
            _ => Err(self.graph_error(
                node,
                "a call such as [\"layer\", 0, 0, {}] or {\"args\": [], \"kwargs\": {}}",
                node.value().describe(),
            )),
        }
    }

    /// A keyword argument of a Keras 2 call: tensors are lists of three whose first item names a layer.
    fn keyword(&self, node: &Node) -> Result<Arg> {
        let arg = match node.value() {
            value if is_ref(value) && self.names_a_layer(value) => return self.tensor(node),
            Value::List(_) => Arg::List(node.list()?.iter().map(|item| self.keyword(item)).collect::<Result<_>>()?),
            Value::Map(map) if !map.contains_key("class_name") => {
                Arg::Map(self.map(node, |reader, value| reader.keyword(value))?)
            }
            _ => return Ok(Arg::Constant(node.value().clone())),
        };
        Ok(if arg.tensors().is_empty() { Arg::Constant(node.value().clone()) } else { arg })
    }

    fn names_a_layer(&self, value: &Value) -> bool {
        let name = value.as_list().and_then(<[Value]>::first).and_then(Value::as_str);
        name.is_some_and(|name| self.names.contains_key(name))
    }

    /// An argument of a Keras 3 call.
    fn encoded(&self, node: &Node) -> Result<Arg> {
        let arg = match node.value() {
            Value::List(_) => Arg::List(node.list()?.iter().map(|item| self.encoded(item)).collect::<Result<_>>()?),
            Value::Map(map) => match map.get("class_name").and_then(Value::as_str) {
                Some("__keras_tensor__" | "__tuple__" | "__lambda__") => match Encoded::read(node)? {
                    Encoded::KerasTensor(history) => {
                        let layer = self.layer_index(node, &history.layer)?;
                        let spec = match (history.shape, history.dtype) {
                            (Some(shape), Some(dtype)) => Some(TensorSpec { shape, dtype }),
                            _ => None,
                        };
                        let (call, tensor) = (history.node_index, history.tensor_index);
                        return Ok(Arg::Tensor(TensorRef { layer, call, tensor, spec }));
                    }
                    Encoded::Tuple(items) => {
                        Arg::Tuple(items.iter().map(|item| self.encoded(&item.0)).collect::<Result<_>>()?)
                    }
                    _ => return Ok(Arg::Constant(node.value().clone())),
                },
                Some(_) => return Ok(Arg::Constant(node.value().clone())),
                None => Arg::Map(self.map(node, |reader, value| reader.encoded(value))?),
            },
            _ => return Ok(Arg::Constant(node.value().clone())),
        };
        Ok(if arg.tensors().is_empty() { Arg::Constant(node.value().clone()) } else { arg })
    }

    fn map(&self, node: &Node, read: impl Fn(&Self, &Node) -> Result<Arg>) -> Result<Vec<(String, Arg)>> {
        let Value::Map(map) = node.value() else { return Err(node.expected("an object of keyword arguments")) };
        map.iter()
            .map(|(key, value)| Ok((key.to_owned(), read(self, &Node::at(value, node.path().key(key)))?)))
            .collect()
    }

    fn ends(&self, node: &Node) -> Result<Arg> {
        match node.value() {
            value if is_ref(value) => self.tensor(node),
            Value::List(_) => Ok(Arg::List(node.list()?.iter().map(|item| self.ends(item)).collect::<Result<_>>()?)),
            Value::Map(map) if map.contains_key("class_name") => {
                Ok(Arg::Tuple(node.list()?.iter().map(|item| self.ends(item)).collect::<Result<_>>()?))
            }
            Value::Map(_) => Ok(Arg::Map(self.map(node, |reader, value| reader.ends(value))?)),
            _ => Err(node.expected("a list of layer name, node index and tensor index")),
        }
    }

    fn tensor(&self, node: &Node) -> Result<Arg> {
        let items = node.list()?;
        let [layer, call, tensor, ..] = items.as_slice() else {
            return Err(node.expected("a list of layer name, node index and tensor index"));
        };
        let index = self.layer_index(layer, layer.str()?)?;
        Ok(Arg::Tensor(TensorRef { layer: index, call: call.unsigned()?, tensor: tensor.unsigned()?, spec: None }))
    }

    fn layer_index(&self, node: &Node, name: &str) -> Result<usize> {
        self.names.get(name).copied().ok_or_else(|| {
            let known = nearest(name, self.names.keys().map(String::as_str));
            let near = known.first().map_or_else(String::new, |near| format!(" (nearest: `{near}`)"));
            let name = Value::from(name).describe();
            self.graph_error(node, "the name of a layer of this model", format!("{name}{near}"))
        })
    }
}

/// Recurrent layers: Keras 2 lists their initial states after the input, Keras 3 names them.
const RECURRENT: &[&str] = &[
    "LSTM",
    "GRU",
    "SimpleRNN",
    "RNN",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "CuDNNLSTM",
    "CuDNNGRU",
    "ConvRNN2D",
];

/// Names of positional arguments after the first, which Keras 2 stores by name.
const POSITIONAL: &[(&[&str], &[&str])] = &[
    (&["MultiHeadAttention", "GroupedQueryAttention"], &["value", "key"]),
    (RECURRENT, &["initial_state", "mask", "training"]),
    (&["TimeDistributed", "BatchNormalization"], &["training", "mask"]),
    (&["Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"], &["training"]),
];

/// The name of a positional argument, counted from 1 after the first.
pub(super) fn positional_name(class_name: &str, position: usize) -> Option<&'static str> {
    let (_, names) = POSITIONAL.iter().find(|(classes, _)| classes.contains(&class_name))?;
    names.get(position.checked_sub(1)?).copied()
}

/// Keras 2: `[x, state, state]` of a recurrent layer becomes `x, initial_state=[state, state]`.
pub(super) fn name_states(class_name: &str, n_constants: usize, call: &mut LayerCall) {
    if !RECURRENT.contains(&class_name) {
        return;
    }
    let [Arg::List(items)] = call.args.as_mut_slice() else { return };
    if items.len() < 2 {
        return;
    }
    let mut states = items.split_off(1);
    let constants = states.split_off(states.len().saturating_sub(n_constants));
    let inputs = items.swap_remove(0);
    call.args = vec![inputs];
    for (name, tensors) in [("initial_state", states), ("constants", constants)] {
        if !tensors.is_empty() {
            call.kwargs.push((name.into(), Arg::List(tensors)));
        }
    }
}

/// The reverse of [`name_states`].
pub(super) fn list_states(class_name: &str, call: &LayerCall) -> LayerCall {
    let mut call = call.clone();
    if !RECURRENT.contains(&class_name) || call.args.len() != 1 {
        return call;
    }
    let mut all = vec![call.args[0].clone()];
    for name in ["initial_state", "constants"] {
        let found = call.kwargs.iter().position(|(key, arg)| key == name && !arg.tensors().is_empty());
        match found.map(|at| call.kwargs.remove(at).1) {
            Some(Arg::List(items) | Arg::Tuple(items)) => all.extend(items),
            Some(one) => all.push(one),
            None => {}
        }
    }
    if all.len() > 1 {
        call.args = vec![Arg::List(all)];
    }
    call
}

/// A map of arguments as JSON, with a function that writes tensors.
pub(super) fn arg_to_value(arg: &Arg, tensor: &dyn Fn(&TensorRef) -> Value, tuples: bool) -> Value {
    let many = |items: &[Arg]| Value::List(items.iter().map(|item| arg_to_value(item, tensor, tuples)).collect());
    match arg {
        Arg::Tensor(reference) => tensor(reference),
        Arg::Constant(value) => value.clone(),
        Arg::List(items) => many(items),
        Arg::Tuple(items) if tuples => Config::new()
            .with("class_name", "__tuple__")
            .with("config", Config::new().with("value", many(items)))
            .into(),
        Arg::Tuple(items) => many(items),
        Arg::Map(items) => {
            items.iter().map(|(key, item)| (key.clone(), arg_to_value(item, tensor, tuples))).collect::<Config>().into()
        }
    }
}
