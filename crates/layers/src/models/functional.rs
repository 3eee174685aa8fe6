//! Functional models: a graph of layers between inputs and outputs.

use std::sync::Arc;

use kerox_config_json::Config;
use kerox_graph::{Dim, Dims, Value};

use super::topology::Topology;
use crate::call::input_error;
use crate::keras_tensor::Values;
use crate::{Args, Base, Call, CallNode, Error, KerasTensor, Layer, LayerRef, Result, Tracked};

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
    calls: Vec<Arc<CallNode>>,
    layers: Vec<LayerRef>,
}

impl Functional {
    /// A model of everything between `inputs` and `outputs`.
    ///
    /// # Errors
    /// [`Error::Topology`] where an output does not depend on the inputs alone or two layers have one name.
    pub fn new(
        inputs: impl IntoIterator<Item = KerasTensor>,
        outputs: impl IntoIterator<Item = KerasTensor>,
    ) -> Result<Functional> {
        let (inputs, outputs): (Vec<_>, Vec<_>) = (inputs.into_iter().collect(), outputs.into_iter().collect());
        let topology = Topology::new("model", &inputs, &outputs)?;
        let base = Base::new("Functional");
        base.set_built(inputs.iter().map(|t| t.shape().clone()).collect());
        Ok(Functional { base, inputs, outputs, calls: topology.calls, layers: topology.layers })
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
        let given = args.first();
        if given.len() != self.inputs.len() {
            let found = format!("{} inputs", given.len());
            return Err(input_error(self, format!("{} inputs", self.inputs.len()), found));
        }
        let mut values = Values::new();
        for (tensor, &&value) in self.inputs.iter().zip(&given) {
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
        super::config::functional(self)
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
