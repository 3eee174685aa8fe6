//! A model whose operations are being rewritten.

use std::collections::{HashMap, HashSet};

use crate::model::{Arg, Form, FunctionalConfig, LayerCall, LayerConfig, TensorRef, TensorSpec, TensorSpecs};
use crate::{Config, Error, Object, Value};

/// A model, what is known of its tensors, and the names that are taken.
pub(super) struct Graph<'a> {
    pub model: FunctionalConfig,
    form: Form,
    /// Of every tensor that some layer, or the model's end, takes.
    known: HashMap<(usize, usize, usize), TensorSpec>,
    given: TensorSpecs<'a>,
    names: HashSet<String>,
}

impl<'a> Graph<'a> {
    pub fn new(model: &FunctionalConfig, form: Form, given: TensorSpecs<'a>) -> Graph<'a> {
        let calls = model.layers.iter().flat_map(|layer| &layer.calls);
        let tensors = calls.flat_map(LayerCall::tensors).chain(model.outputs.tensors());
        let known = tensors.filter_map(|t| Some(((t.layer, t.call, t.tensor), t.spec.clone()?))).collect();
        let names = model.layers.iter().map(|layer| layer.name.clone()).collect();
        Graph { model: model.clone(), form, known, given, names }
    }

    /// Shape and type of a tensor.
    pub fn spec(&self, tensor: &TensorRef) -> Option<TensorSpec> {
        let known = || self.known.get(&(tensor.layer, tensor.call, tensor.tensor)).cloned();
        let given = || {
            let name = &self.model.layers.get(tensor.layer)?.name;
            (self.given)(name, tensor.call, tensor.tensor)
        };
        tensor.spec.clone().or_else(known).or_else(given)
    }

    /// Shape and type of what a call gives first.
    pub fn output(&self, layer: usize, call: usize) -> Option<TensorSpec> {
        self.spec(&TensorRef { layer, call, tensor: 0, spec: None })
    }

    /// Adds a layer with one call, and gives what comes out.
    pub fn add(&mut self, stem: &str, mut object: Object, call: LayerCall, spec: Option<TensorSpec>) -> TensorRef {
        let mut count = 0;
        let mut name = stem.to_owned();
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{stem}_{count}");
        }
        if let Value::Map(config) = &mut object.config {
            config.insert("name", name.as_str());
        }
        let layer = self.model.layers.len();
        let path = object.path.clone();
        self.model.layers.push(LayerConfig { name, object, model: None, calls: vec![call], path });
        TensorRef { layer, call: 0, tensor: 0, spec }
    }

    /// Those of the layers that nothing takes.
    pub fn unused(&self, layers: &[usize]) -> Vec<usize> {
        let taken: HashSet<usize> = self.taken().collect();
        layers.iter().copied().filter(|at| !taken.contains(at)).collect()
    }

    fn taken(&self) -> impl Iterator<Item = usize> + '_ {
        let calls = self.model.layers.iter().flat_map(|layer| &layer.calls);
        calls.flat_map(LayerCall::tensors).chain(self.model.outputs.tensors()).map(|tensor| tensor.layer)
    }

    /// Takes out those of the layers that nothing takes any more, and gives their indices; those of `before` stay.
    pub fn remove_unused(&mut self, layers: &[usize], before: &[usize]) -> HashSet<usize> {
        let mut removed = HashSet::new();
        loop {
            let found = self.unused(layers);
            let found: Vec<usize> =
                found.into_iter().filter(|at| !before.contains(at) && !removed.contains(at)).collect();
            if found.is_empty() {
                break;
            }
            for at in found {
                self.model.layers[at].calls.clear();
                removed.insert(at);
            }
        }
        let mut place = Vec::with_capacity(self.model.layers.len());
        let mut left = 0;
        for at in 0..self.model.layers.len() {
            place.push(left);
            left += usize::from(!removed.contains(&at));
        }
        let mut at = 0;
        self.model.layers.retain(|_| {
            at += 1;
            !removed.contains(&(at - 1))
        });
        let mut moved = |tensor: &mut TensorRef| tensor.layer = place.get(tensor.layer).copied().unwrap_or(usize::MAX);
        let calls = self.model.layers.iter_mut().flat_map(|layer| &mut layer.calls);
        for arg in calls.flat_map(|call| call.args.iter_mut().chain(call.kwargs.iter_mut().map(|(_, arg)| arg))) {
            arg.for_each_mut(&mut moved);
        }
        self.model.inputs.for_each_mut(&mut moved);
        self.model.outputs.for_each_mut(&mut moved);
        removed
    }

    /// The other Keras cannot do what a layer does.
    pub fn refuse(&self, at: usize, operation: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        let name = self.model.layers.get(at).map_or("", |layer| &layer.name);
        Error::Dialect {
            class_name: format!("`{operation}` (layer `{name}`)"),
            dialect: self.form.dialect(),
            expected: expected.into(),
            found: found.into(),
            help: "write it in its own dialect, or replace the operation by a layer".into(),
        }
    }
}

/// An operation of Keras 3.
pub(super) fn operation(module: &str, class_name: &str, config: Config) -> Object {
    let mut object = Object::builtin(format!("keras.src.ops.{module}"), class_name, config);
    object.registered_name = Some(Some(class_name.to_owned()));
    object
}

/// A function of TensorFlow in a graph of Keras 2.
pub(super) fn function(function: &str, name: &str) -> Object {
    let class_name = if function == "__operators__.getitem" { "SlicingOpLambda" } else { "TFOpLambda" };
    let config =
        Config::new().with("name", name).with("trainable", true).with("dtype", "float32").with("function", function);
    let mut object = Object::builtin("keras.src.layers.core.tf_op_layer", class_name, config);
    object.registered_name = Some(Some(class_name.to_owned()));
    object
}

/// The constant of an argument; nothing for tensors.
pub(super) fn constant(arg: &Arg) -> Option<&Value> {
    match arg {
        Arg::Constant(value) => Some(value),
        _ => None,
    }
}

/// Whether an argument says nothing.
pub(super) fn is_null(arg: &Arg) -> bool {
    constant(arg).is_some_and(Value::is_null)
}

/// A default of the table.
pub(super) fn default(text: &str) -> Value {
    Value::parse(text).unwrap_or_default()
}

/// Whether two constants are the same number, word or list.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().is_some_and(|number| b.as_f64() == Some(number))
}
