//! Models made anew from the architecture of others.

use kerox_config_json::{Lookup, Node};

use super::{Functional, Sequential};
use crate::core::InputLayer;
use crate::keras_tensor::CallNode;
use crate::{Arg, Args, Error, KerasTensor, Layer, LayerRef, Result, registry};
use std::collections::HashMap;
use std::sync::Arc;

/// A model of new layers with new weights and the same architecture and names.
///
/// # Errors
/// Where a layer cannot be described by plain data, or is no model.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, LayerRef, core::Dense, models::{self, Sequential}};
/// let model = LayerRef::from(Sequential::new().with(Dense::new(2).input_dim(3)));
/// let clone = models::clone_model(&model)?;
/// assert_eq!(clone.name(), model.name());
/// clone.set_weights(&model.get_weights())?;
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.models.clone_model`.
pub fn clone_model(model: &LayerRef) -> Result<LayerRef> {
    clone_model_with(model, clone_layer)
}

/// As [`clone_model`], with each layer made by a function of the layer it stands for. The function may give the layer
/// itself, which is then shared. Input layers are made anew without asking.
///
/// # Errors
/// Those of the function; as [`clone_model`].
pub fn clone_model_with(model: &LayerRef, mut clone: impl FnMut(&LayerRef) -> Result<LayerRef>) -> Result<LayerRef> {
    match (model.downcast::<Sequential>(), model.downcast::<Functional>()) {
        (Some(model), _) => sequential(model, &mut clone),
        (_, Some(model)) => functional(model, &mut clone),
        _ => Err(Error::Topology {
            model: model.name().into(),
            expected: "a Sequential or functional model".into(),
            found: format!("a `{}`", model.class_name()),
        }),
    }
}

/// A new layer of the same class and configuration.
fn clone_layer(layer: &LayerRef) -> Result<LayerRef> {
    if layer.is_model() && (layer.downcast::<Sequential>().is_some() || layer.downcast::<Functional>().is_some()) {
        return clone_model(layer);
    }
    let value = registry::serialize(layer)?;
    // A class that files cannot name is still known here by its own.
    let lookup = Lookup::class(layer.class_name());
    registry::registry().find(&lookup)?;
    registry::deserialize(&Node::root(&value))
}

fn sequential(model: &Sequential, clone: &mut dyn FnMut(&LayerRef) -> Result<LayerRef>) -> Result<LayerRef> {
    model.ensure_built()?;
    let mut new = Sequential::new();
    copy_base(model, &mut new);
    for layer in model.all_layers() {
        new.add(if layer.downcast::<InputLayer>().is_some() { clone_layer(&layer)? } else { clone(&layer)? });
    }
    new.ensure_built()?;
    Ok(new.into())
}

fn functional(model: &Functional, clone: &mut dyn FnMut(&LayerRef) -> Result<LayerRef>) -> Result<LayerRef> {
    let mut layers: HashMap<usize, LayerRef> = HashMap::new();
    let mut tensors: HashMap<(usize, usize), KerasTensor> = HashMap::new();
    let id = |node: &Arc<CallNode>, index| KerasTensor { node: node.clone(), index }.id();
    let missing = |tensor: &KerasTensor| Error::Topology {
        model: model.base().name().into(),
        expected: "inputs for every layer".into(),
        found: format!("none for `{}`", tensor.node.layer.name()),
    };
    for layer in model.layers() {
        let new = if layer.downcast::<InputLayer>().is_some() { clone_layer(layer)? } else { clone(layer)? };
        layers.insert(layer.id(), new);
    }
    for node in model.calls() {
        let Some(layer) = layers.get(&node.layer.id()) else { continue };
        if let Some(input) = super::config::input_tensor(layer) {
            tensors.insert(id(node, 0), input);
            continue;
        }
        let args: Args<KerasTensor> =
            node.args.try_map(|tensor| tensors.get(&tensor.id()).cloned().ok_or_else(|| missing(tensor)))?;
        for (index, tensor) in layer.call(args)?.into_iter().enumerate() {
            tensors.insert(id(node, index), tensor);
        }
    }
    let swap = |tree: &Arg<KerasTensor>| {
        tree.try_map(&mut |tensor: &KerasTensor| tensors.get(&tensor.id()).cloned().ok_or_else(|| missing(tensor)))
    };
    let mut new = Functional::with_structure(swap(model.input_structure())?, swap(model.output_structure())?)?;
    copy_base(model, &mut new);
    Ok(new.into())
}

fn copy_base(from: &dyn Layer, to: &mut dyn Layer) {
    let base = to.base_mut();
    base.set_name(from.base().name());
    base.set_trainable(from.base().trainable());
    base.set_policy(from.base().policy().clone());
    base.set_rest(from.base().rest().clone());
}
