//! Layers as nodes of a checkpoint's object graph.

use std::sync::Weak;

use kerox_tensor::trackable::CreateHook;
use kerox_tensor::{Child, Shape, Trackable, Variable};

use super::{Layer, LayerRef, Tracked};

/// A layer as a node of a checkpoint's object graph.
pub struct LayerNode(pub LayerRef);

impl Trackable for LayerNode {
    fn children(&self) -> Vec<(String, Child)> {
        let mut children: Vec<(String, Child)> =
            self.0.base().weights().iter().map(|w| (w.attr.clone(), Child::Variable(w.variable.clone()))).collect();
        let kept = self.0.state().map(|state| state.variables()).unwrap_or_default();
        children.extend(kept.into_iter().map(|(name, variable)| (name, Child::Variable(variable))));
        children.extend(self.0.sublayers().iter().map(|(name, tracked)| (name.clone(), tracked.to_child())));
        children
    }
    fn on_create(&self, hook: CreateHook) {
        self.0.base().hooks.push(hook);
    }
    fn open_child(&self, name: &str, shape: &Shape) -> Option<Variable> {
        self.0.open_weight(name, shape)
    }
    fn adopt_child(&self, name: &str, variable: Variable) {
        self.0.adopt_weight(name, variable);
    }
    fn identity(&self) -> usize {
        self.0.id()
    }
}

/// A layer as a node of object graphs that lives as long as the layer and does not keep it alive.
pub(super) struct LayerView(pub Weak<dyn Layer>);

impl LayerView {
    fn layer(&self) -> Option<LayerNode> {
        self.0.upgrade().map(|layer| LayerNode(LayerRef(layer)))
    }
}

impl Trackable for LayerView {
    fn children(&self) -> Vec<(String, Child)> {
        self.layer().map(|layer| layer.children()).unwrap_or_default()
    }
    fn on_create(&self, hook: CreateHook) {
        if let Some(layer) = self.layer() {
            layer.on_create(hook);
        }
    }
    fn open_child(&self, name: &str, shape: &Shape) -> Option<Variable> {
        self.layer()?.open_child(name, shape)
    }
    fn adopt_child(&self, name: &str, variable: Variable) {
        if let Some(layer) = self.layer() {
            layer.adopt_child(name, variable);
        }
    }
    fn identity(&self) -> usize {
        self.0.as_ptr().cast::<()>() as usize
    }
}

pub(super) struct ContainerNode(pub Vec<(String, Tracked)>);

impl Trackable for ContainerNode {
    fn children(&self) -> Vec<(String, Child)> {
        self.0.iter().map(|(name, tracked)| (name.clone(), tracked.to_child())).collect()
    }
}
