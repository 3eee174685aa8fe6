//! A model as the root of a checkpoint's object graph.

use std::sync::Arc;

use kerox_layers::{LayerNode, LayerRef};
use kerox_optim::Optimizer;
use kerox_tensor::trackable::CreateHook;
use kerox_tensor::{Child, Trackable};
use kerox_train::Model;

/// A model as the root of a checkpoint's object graph: its layers, then `optimizer`.
///
/// # Source
/// `keras.Model._trackable_children`.
pub struct ModelNode {
    network: LayerRef,
    optimizer: Option<Arc<dyn Optimizer>>,
}

impl ModelNode {
    /// The root of a model.
    pub fn of(model: &Model) -> Arc<dyn Trackable> {
        let optimizer = model.compiled().and_then(|compiled| compiled.args.optimizer.clone());
        Arc::new(ModelNode { network: model.network().clone(), optimizer })
    }

    /// The root of a model with an optimizer in place of its own.
    pub(super) fn with_optimizer(model: &Model, optimizer: Option<Arc<dyn Optimizer>>) -> Arc<dyn Trackable> {
        Arc::new(ModelNode { network: model.network().clone(), optimizer })
    }

    /// The root of a model without its optimizer.
    pub fn network(network: &LayerRef) -> Arc<dyn Trackable> {
        Arc::new(ModelNode { network: network.clone(), optimizer: None })
    }
}

impl Trackable for ModelNode {
    fn children(&self) -> Vec<(String, Child)> {
        let mut children = LayerNode(self.network.clone()).children();
        if let Some(optimizer) = &self.optimizer {
            children.push(("optimizer".into(), Child::Object(optimizer.clone().as_trackable())));
        }
        children
    }

    fn on_create(&self, hook: CreateHook) {
        self.network.base().hooks.push(hook);
    }
}
