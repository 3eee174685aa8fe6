//! Functional models: a graph of layers between inputs and outputs.

use std::sync::Arc;

use kerox_config_json::{Config, ModelConfig};
use kerox_graph::{Dim, Dims, Value};

use super::topology::Topology;
use crate::call::input_error;
use crate::core::{AddLoss, AddMetric};
use crate::keras_tensor::Values;
use crate::{Arg, Args, Base, Call, CallNode, Error, KerasTensor, Layer, LayerExt, LayerRef, Result, Tracked};

/// A model that is a graph of layers between symbolic inputs and outputs. Layers may be shared, and are shared with
/// every other model they are part of.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Dense, models::Functional};
/// let x = Input([4]);
/// let y = Dense::new(2).on(&x)?;
/// let model = Functional::new([x], [y])?;
/// assert_eq!(model.layers().len(), 2);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.Model(inputs, outputs)`.
pub struct Functional {
    base: Base,
    inputs: Vec<KerasTensor>,
    outputs: Vec<KerasTensor>,
    input_structure: Arg<KerasTensor>,
    output_structure: Arg<KerasTensor>,
    calls: Vec<Arc<CallNode>>,
    layers: Vec<LayerRef>,
    is_linear: bool,
}

impl Functional {
    /// A model of everything between `inputs` and `outputs`. Where an input is a tensor in the midst of another model,
    /// a new input layer takes its place.
    ///
    /// # Errors
    /// [`Error::Topology`] where an output does not depend on the inputs alone or two layers have one name.
    pub fn new(
        inputs: impl IntoIterator<Item = KerasTensor>,
        outputs: impl IntoIterator<Item = KerasTensor>,
    ) -> Result<Functional> {
        let tree = |tensors: Vec<KerasTensor>| Args::inputs(tensors).args.swap_remove(0);
        Functional::with_structure(tree(inputs.into_iter().collect()), tree(outputs.into_iter().collect()))
    }

    /// A model whose inputs and outputs are lists or dictionaries of tensors.
    ///
    /// # Errors
    /// As [`Functional::new`].
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{Arg, Input, LayerExt, core::Dense, models::Functional};
    /// let x = Input([4]);
    /// let y = Dense::new(2).on(&x)?;
    /// let dictionary = |key: &str, tensor| Arg::Map(vec![(key.to_string(), Arg::Tensor(tensor))]);
    /// let model = Functional::with_structure(dictionary("x", x), dictionary("y", y))?;
    /// assert_eq!(model.outputs().len(), 1);
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    pub fn with_structure(inputs: Arg<KerasTensor>, outputs: Arg<KerasTensor>) -> Result<Functional> {
        let (inputs, outputs) = super::rewire::rewire(inputs, outputs);
        let flat = |tree: &Arg<KerasTensor>| -> Vec<KerasTensor> { tree.tensors().into_iter().cloned().collect() };
        let (input_structure, output_structure) = (inputs, outputs);
        let (inputs, outputs) = (flat(&input_structure), flat(&output_structure));
        let topology = Topology::new("model", &inputs, &outputs)?;
        let base = Base::new("Functional");
        base.set_built(inputs.iter().map(|t| t.shape().clone()).collect());
        Ok(Functional {
            base,
            inputs,
            outputs,
            input_structure,
            output_structure,
            calls: topology.calls,
            layers: topology.layers,
            is_linear: topology.is_linear,
        })
    }

    /// The inputs as they were given: one tensor, a list or a dictionary.
    pub fn input_structure(&self) -> &Arg<KerasTensor> {
        &self.input_structure
    }

    /// The outputs as they were given: one tensor, a list or a dictionary.
    pub fn output_structure(&self) -> &Arg<KerasTensor> {
        &self.output_structure
    }

    /// Whether the model is one layer after the other, each called once with one input.
    pub fn is_linear(&self) -> bool {
        self.is_linear
    }

    /// The inputs in order.
    pub fn inputs(&self) -> &[KerasTensor] {
        &self.inputs
    }

    /// The outputs in order.
    pub fn outputs(&self) -> &[KerasTensor] {
        &self.outputs
    }

    /// The layers from the inputs to the outputs, in Keras's order.
    pub fn layers(&self) -> &[LayerRef] {
        &self.layers
    }

    /// The calls the model is made of, each after those it depends on.
    pub fn calls(&self) -> &[Arc<CallNode>] {
        &self.calls
    }

    /// The number of a call among the calls of its layer in this model: the node index of configurations.
    pub fn call_index(&self, node: &Arc<CallNode>) -> usize {
        self.calls.iter().filter(|n| n.layer == node.layer && n.node_index < node.node_index).count()
    }
}

impl Functional {
    /// The inputs in the model's order. A dictionary is taken apart by the names of the input layers, unless the model
    /// was made with one.
    fn given(&self, args: &Args<Value>) -> Result<Vec<Value>> {
        let (Some(Arg::Map(entries)), false) = (args.args.first(), matches!(self.input_structure, Arg::Map(_))) else {
            return Ok(args.first().into_iter().copied().collect());
        };
        let one = |tensor: &KerasTensor| -> Result<Value> {
            let name = tensor.node.layer.name();
            let found = entries.iter().find(|(key, _)| key == name).and_then(|(_, arg)| arg.tensors().first().copied());
            found.copied().ok_or_else(|| {
                let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                input_error(self, format!("an input `{name}`"), format!("inputs `{}`", keys.join("`, `")))
            })
        };
        self.inputs.iter().map(one).collect()
    }
}

impl Functional {
    /// Adds a value of the model, or one computed from such, to its loss.
    ///
    /// # Errors
    /// [`Error::Topology`] where the value depends on other inputs than the model's.
    ///
    /// # Source
    /// `keras.Model.add_loss`.
    pub fn add_loss(&mut self, loss: &KerasTensor) -> Result<()> {
        let end = AddLoss::new().on(loss)?;
        self.connect(vec![end])
    }

    /// Reports the mean of a value of the model, or of one computed from such, as a metric.
    ///
    /// # Errors
    /// [`Error::Topology`] where the value depends on other inputs than the model's.
    ///
    /// # Source
    /// `keras.Model.add_metric` with `aggregation="mean"`.
    pub fn add_metric(&mut self, value: &KerasTensor, name: &str) -> Result<()> {
        let end = AddMetric::new(name).on(value)?;
        self.connect(vec![end])
    }

    /// Takes in what leads to these tensors, which are no outputs. Their layers follow those there are.
    pub(crate) fn connect(&mut self, ends: Vec<KerasTensor>) -> Result<()> {
        let mut all = self.outputs.clone();
        // What was taken in before stays.
        all.extend(
            self.calls
                .iter()
                .filter(|node| !node.outputs.is_empty())
                .map(|node| KerasTensor { node: node.clone(), index: 0 }),
        );
        all.extend(ends);
        let topology = Topology::new("model", &self.inputs, &all)?;
        self.is_linear = false;
        self.calls = topology.calls;
        for layer in topology.layers {
            if !self.layers.contains(&layer) {
                self.layers.push(layer);
            }
        }
        Ok(())
    }
}

impl Drop for Functional {
    /// Lets go of the calls from the last to the first: each holds those before it, and letting go of the last alone
    /// would go as deep as the model.
    fn drop(&mut self) {
        self.outputs.clear();
        self.output_structure = Arg::None;
        while self.calls.pop().is_some() {}
    }
}

/// Whether a value of shape `found` can be an input declared with shape `expected`, whatever the batch.
fn admits(expected: &Dims, found: &Dims) -> bool {
    let (Some([_, expected @ ..]), Some([_, found @ ..])) = (expected.axes(), found.axes()) else { return true };
    let fits = |(a, b): (&Dim, &Dim)| a.is_none() || b.is_none() || a == b;
    expected.len() == found.len() && expected.iter().zip(found).all(fits)
}

impl Layer for Functional {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let given = self.given(args)?;
        if given.len() != self.inputs.len() {
            let found = format!("{} inputs", given.len());
            return Err(input_error(self, format!("{} inputs", self.inputs.len()), found));
        }
        let mut values = Values::new();
        for (tensor, &value) in self.inputs.iter().zip(&given) {
            let (expected, found) = (tensor.shape(), cx.g.dims(value));
            if !admits(expected, found) {
                let name = tensor.node.layer.name();
                return Err(input_error(
                    self,
                    format!("shape {expected} for input `{name}`"),
                    format!("shape {found}"),
                ));
            }
            values.insert(tensor.id(), value);
        }
        for node in &self.calls {
            let id = |index| (Arc::as_ptr(node).cast::<()>() as usize, index);
            if (0..node.outputs.len()).all(|index| values.contains_key(&id(index))) {
                continue;
            }
            let missing = || Error::Topology {
                model: self.base.name().into(),
                expected: "inputs for every layer".into(),
                found: format!("none for `{}`", node.layer.name()),
            };
            let args = node.args.try_map(|t| values.get(&t.id()).copied().ok_or_else(missing))?;
            for (index, value) in cx.apply(&node.layer, &args)?.into_iter().enumerate() {
                values.insert(id(index), value);
            }
        }
        let missing = || input_error(self, "all outputs".into(), "fewer".into());
        self.outputs.iter().map(|t| values.get(&t.id()).copied().ok_or_else(missing)).collect()
    }

    fn config(&self) -> Result<Config> {
        let config = super::config::functional_config(self)?;
        super::config::bare(&ModelConfig::Functional(config))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        super::numbered(&self.layers)
    }

    fn layers_inside(&self) -> Vec<LayerRef> {
        self.layers.clone()
    }

    fn is_name_scope(&self) -> bool {
        false
    }

    fn is_model(&self) -> bool {
        true
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for Functional {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.base.fmt(f)
    }
}
