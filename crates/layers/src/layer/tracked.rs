//! What layers and models hold under their attributes.

use std::sync::Arc;

use kerox_tensor::{Child, Trackable, Variable};

use super::LayerRef;
use super::node::ContainerNode;
use crate::Weight;

/// Something a layer or model holds under an attribute.
#[derive(Clone)]
pub enum Tracked {
    /// A layer.
    Layer(LayerRef),
    /// A variable made by hand.
    Variable(Variable),
    /// A list or dictionary: elements are reached by index or key.
    Container(Vec<(String, Tracked)>),
    /// Anything else with a state of its own.
    Object(Arc<dyn Trackable>),
}

impl Tracked {
    /// A list: its elements are reached as `0`, `1`, ...
    pub fn list(elements: impl IntoIterator<Item = Tracked>) -> Tracked {
        Tracked::Container(elements.into_iter().enumerate().map(|(i, t)| (i.to_string(), t)).collect())
    }

    pub(super) fn collect(&self, layers: &mut Vec<LayerRef>) {
        match self {
            // One layer may be held under several attributes.
            Tracked::Layer(layer) if !layers.contains(layer) => layers.push(layer.clone()),
            Tracked::Container(elements) => elements.iter().for_each(|(_, t)| t.collect(layers)),
            _ => {}
        }
    }

    pub(super) fn collect_variables(&self, attr: &str, weights: &mut Vec<Weight>) {
        match self {
            Tracked::Variable(variable) => weights.push(Weight {
                attr: attr.to_owned(),
                variable: variable.clone(),
                trainable: variable.trainable(),
                regularizer: None,
                constraint: None,
            }),
            Tracked::Container(elements) => {
                elements.iter().for_each(|(key, tracked)| tracked.collect_variables(key, weights));
            }
            _ => {}
        }
    }

    /// The variables made by hand in it.
    pub fn variables(&self) -> Vec<Variable> {
        let mut weights = Vec::new();
        self.collect_variables("", &mut weights);
        weights.into_iter().map(|weight| weight.variable).collect()
    }

    /// The edge of a checkpoint's object graph.
    pub fn to_child(&self) -> Child {
        match self {
            Tracked::Layer(layer) => Child::Object(layer.node()),
            Tracked::Variable(variable) => Child::Variable(variable.clone()),
            Tracked::Container(elements) => Child::Object(Arc::new(ContainerNode(elements.clone()))),
            Tracked::Object(object) => Child::Object(object.clone()),
        }
    }
}
