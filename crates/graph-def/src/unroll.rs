//! Loops of a known number of rounds, round by round.
//!
//! A function that becomes a part of a model has to have a plan and gradients, which loops over lists of tensors have
//! not. Where the conditions of a loop are constants its rounds are inlined one after the other, and the lists it reads
//! and fills are known while importing: what is left are slices, the operations of the rounds, and a stack.

use std::collections::HashMap;
use std::sync::Arc;

use kerox_format_savedmodel::messages::NodeDef;
use kerox_graph::{Attr, Attrs, Graph, Interpreter, Value, ops};
use kerox_tensor::Tensor;

use crate::handle::Slot;
use crate::import::Importer;
use crate::{Error, Result};

/// Rounds above this number stay a loop.
const MAX_ROUNDS: usize = 4096;

/// A list of tensors whose elements are known while importing.
#[derive(Debug, PartialEq)]
pub(crate) struct List {
    /// The elements; none where nothing was set.
    pub values: Vec<Option<Value>>,
    /// The list as a value of the graph, as it was made.
    origin: Value,
    /// Whether elements were set since.
    changed: bool,
}

impl Importer<'_, '_> {
    /// An operation on lists, where what it needs is known; nothing where it has to run.
    pub(crate) fn list_operation(
        &mut self,
        g: &mut Graph,
        node: &NodeDef,
        attrs: &Attrs,
        inputs: &[Slot],
    ) -> Result<Option<Slot>> {
        let int = |g: &Graph, slot: Option<&Slot>| match slot {
            Some(Slot::Value(value)) => constant_int(g, *value),
            _ => None,
        };
        let list = match inputs.first() {
            Some(Slot::List(list)) => Some(list.clone()),
            _ => None,
        };
        let made = |this: &mut Self, g: &mut Graph, values: Vec<Option<Value>>| -> Result<Option<Slot>> {
            let op = ops::build(&node.op, attrs)?;
            let inputs = inputs.iter().map(|slot| this.value(g, slot, &node.name)).collect::<Result<Vec<_>>>()?;
            let id = g.add_node(&node.name, op, &inputs)?;
            let Some(&origin) = g.values(id).first() else { return Ok(None) };
            Ok(Some(Slot::List(Arc::new(List { values, origin, changed: false }))))
        };
        match (node.op.as_str(), list) {
            ("TensorListReserve", _) => match int(g, inputs.get(1)).and_then(|n| usize::try_from(n).ok()) {
                Some(count) if count <= MAX_ROUNDS => made(self, g, vec![None; count]),
                _ => Ok(None),
            },
            ("TensorListFromTensor", _) => {
                let Some(Slot::Value(tensor)) = inputs.first() else { return Ok(None) };
                let length = g.dims(*tensor).axes().and_then(|axes| *axes.first()?);
                match length {
                    Some(length) if length <= MAX_ROUNDS => {
                        let values = g.unstack(*tensor, 0)?;
                        made(self, g, values.into_iter().map(Some).collect())
                    }
                    _ => Ok(None),
                }
            }
            ("TensorListGetItem", Some(list)) => {
                let at = int(g, inputs.get(1)).and_then(|at| usize::try_from(at).ok());
                Ok(at.and_then(|at| *list.values.get(at)?).map(Slot::Value))
            }
            ("TensorListSetItem", Some(list)) => {
                let at = int(g, inputs.get(1)).and_then(|at| usize::try_from(at).ok());
                let (Some(at), Some(Slot::Value(item))) = (at.filter(|at| *at < list.values.len()), inputs.get(2))
                else {
                    return Ok(None);
                };
                let mut values = list.values.clone();
                values[at] = Some(*item);
                Ok(Some(Slot::List(Arc::new(List { values, origin: list.origin, changed: true }))))
            }
            ("TensorListStack", Some(list)) => Ok(stacked(g, &list)?.map(Slot::Value)),
            ("TensorListLength", Some(list)) => {
                let length = i32::try_from(list.values.len()).unwrap_or(i32::MAX);
                Ok(Some(Slot::Value(g.add_single(ops::Const { value: Tensor::scalar(length) }, &[])?)))
            }
            ("Identity", Some(_)) => Ok(inputs.first().cloned()),
            _ => Ok(None),
        }
    }

    /// The list as a value of the graph.
    pub(crate) fn list_value(&mut self, g: &mut Graph, list: &List, user: &str) -> Result<Value> {
        if !list.changed {
            return Ok(list.origin);
        }
        let mut handle = list.origin;
        let attrs = Attrs::new("TensorListSetItem", user);
        for (at, value) in list.values.iter().enumerate() {
            let Some(value) = *value else { continue };
            let at = i32::try_from(at).unwrap_or(i32::MAX);
            let at = g.add_single(ops::Const { value: Tensor::scalar(at) }, &[])?;
            let mut attrs = attrs.clone();
            attrs.insert("element_dtype", Attr::Type(g.dtype(value)));
            let id = g.add_node("TensorListSetItem", ops::build("TensorListSetItem", &attrs)?, &[handle, at, value])?;
            handle = *g.values(id).first().ok_or_else(|| Error::invalid("node", user, "a list", "no value"))?;
        }
        Ok(handle)
    }

    /// A loop round by round; nothing where the number of rounds is not known.
    pub(crate) fn unrolled(&mut self, g: &mut Graph, node: &NodeDef, inputs: &[Slot]) -> Result<Option<Vec<Slot>>> {
        use kerox_format_savedmodel::messages::attr_value::Value as AttrValue;
        let function = |name: &str| match node.attr.get(name).and_then(|attr| attr.value.as_ref()) {
            Some(AttrValue::Func(function)) => Some(function.name.as_str()),
            _ => None,
        };
        let (Some(cond), Some(body)) = (function("cond"), function("body")) else { return Ok(None) };
        let mut state = inputs.to_vec();
        for _ in 0..=MAX_ROUNDS {
            let goes_on = match self.call(g, cond, &state, &node.name)?.first() {
                Some(Slot::Value(value)) => constant(g, *value).and_then(|tensor| tensor.to_scalar::<bool>().ok()),
                _ => None,
            };
            match goes_on {
                Some(true) => {}
                Some(false) => return Ok(Some(state)),
                None => return Ok(None),
            }
            state = self.call(g, body, &state, &node.name)?;
            if state.len() != inputs.len() {
                let expected = format!("{} results of `{body}`", inputs.len());
                return Err(Error::invalid("node", &node.name, expected, state.len().to_string()));
            }
            for slot in &mut state {
                if let Slot::Value(value) = slot {
                    // Counters stay constants.
                    if g.dims(*value).rank() == Some(0)
                        && g.info(*value).tensor().is_none()
                        && let Some(tensor) = constant(g, *value)
                    {
                        *slot = Slot::Value(g.add_single(ops::Const { value: tensor }, &[])?);
                    }
                }
            }
        }
        Ok(None)
    }
}

/// The elements of a list as one tensor; nothing where none was set.
fn stacked(g: &mut Graph, list: &List) -> Result<Option<Value>> {
    let Some(any) = list.values.iter().copied().flatten().next() else { return Ok(None) };
    let mut values = Vec::with_capacity(list.values.len());
    for value in &list.values {
        values.push(match value {
            Some(value) => *value,
            None => g.zeros_like(any)?,
        });
    }
    Ok(Some(g.stack(&values, 0)?))
}

fn constant_int(g: &Graph, value: Value) -> Option<i64> {
    if let Some(ints) = g.info(value).ints()
        && let [Some(only)] = ints[..]
    {
        return Some(only);
    }
    constant(g, value)?.cast(kerox_tensor::DType::I64).ok()?.to_scalar::<i64>().ok()
}

/// The value, where it follows from constants alone.
pub(crate) fn constant(g: &Graph, value: Value) -> Option<Tensor> {
    const MOST: usize = 256;
    let known = |value: Value| -> Option<Tensor> {
        let info = g.info(value);
        if let Some(tensor) = info.tensor() {
            return Some(tensor.clone());
        }
        let ints: Vec<i64> = info.ints()?.into_iter().collect::<Option<_>>()?;
        let shape = info.dims.shape()?;
        Tensor::from_vec(ints, shape).ok()?.cast(info.dtype).ok()
    };
    if let Some(tensor) = known(value) {
        return Some(tensor);
    }
    // What it is made of, inputs before users.
    let mut small = Graph::new();
    let mut made: HashMap<Value, Value> = HashMap::new();
    let mut stack = vec![(value, false)];
    while let Some((at, ready)) = stack.pop() {
        if made.contains_key(&at) {
            continue;
        }
        if let Some(value) = known(at) {
            made.insert(at, small.add_single(ops::Const { value }, &[]).ok()?);
            continue;
        }
        let node = g.node(at.node);
        if node.inputs.is_empty() || !node.op.is_pure() || small.nodes().len() > MOST {
            return None;
        }
        if !ready {
            stack.push((at, true));
            stack.extend(node.inputs.iter().map(|input| (*input, false)));
            continue;
        }
        let inputs: Vec<Value> = node.inputs.iter().map(|input| made.get(input).copied()).collect::<Option<_>>()?;
        let id = small.add_node("n", node.op.clone(), &inputs).ok()?;
        for (output, new) in small.values(id).into_iter().enumerate() {
            made.insert(Value { node: at.node, output: output as u32 }, new);
        }
    }
    let found = *made.get(&value)?;
    let results = Interpreter::new(&small, &[], &[found], &[]).run(Vec::new()).ok()?;
    results.into_iter().next()?.into_tensor().ok()
}
