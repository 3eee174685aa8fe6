//! A layer whose class is not known here: it computes by the functions that were traced when it was saved.

use std::sync::Arc;

use kerox_config_json::{Config, Value as Json};
use kerox_format_savedmodel::KerasNode;
use kerox_graph::Value;
use kerox_graph_def::GraphModel;
use kerox_layers::{Args, Base, Call, Error, Layer, Result, Tracked, Weight};
use kerox_tensor::Variable;

use super::revive::saved_config;
use crate::saved_model::Traces;

/// A layer or model of a class that is not known here, loaded from a SavedModel.
///
/// It computes by the functions traced when it was saved: one for training, one for inference where the class makes a
/// difference. It has the weights of the original and trains where its operations have gradients. Made by
/// [`load_model`](crate::saving::load_model).
///
/// # Source
/// `keras.saving.legacy.saved_model.load.RevivedLayer`, `RevivedNetwork`.
pub struct RevivedLayer {
    base: Base,
    class_name: String,
    config: Option<Config>,
    is_model: bool,
    graph: Arc<GraphModel>,
    traces: Traces,
    children: Vec<(String, Tracked)>,
}

impl RevivedLayer {
    pub(super) fn new(
        node: &KerasNode,
        graph: Arc<GraphModel>,
        traces: Traces,
        weights: Vec<(String, Variable)>,
        children: Vec<(String, Tracked)>,
    ) -> RevivedLayer {
        let mut base = Base::new("RevivedLayer");
        if let Some(name) = node.name() {
            base.set_name(name);
        }
        base.set_trainable(node.metadata.get("trainable").and_then(Json::as_bool).unwrap_or(true));
        for (attr, variable) in weights {
            let trainable = variable.trainable();
            base.push_weight(Weight { attr, variable, trainable, regularizer: None, constraint: None });
        }
        let is_model = ["_tf_keras_model", "_tf_keras_network", "_tf_keras_sequential"];
        RevivedLayer {
            base,
            class_name: node.class_name().unwrap_or("RevivedLayer").to_owned(),
            config: saved_config(&node.metadata),
            is_model: is_model.contains(&node.identifier.as_str()),
            graph,
            traces,
            children,
        }
    }

    /// The SavedModel whose functions the layer calls.
    pub fn graph(&self) -> &Arc<GraphModel> {
        &self.graph
    }
}

impl Layer for RevivedLayer {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn class_name(&self) -> &str {
        &self.class_name
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        self.traces.call(&self.graph, self, cx, args)
    }

    fn config(&self) -> Result<Config> {
        self.config.clone().ok_or_else(|| Error::Argument {
            layer: self.base.name().into(),
            class_name: self.class_name.clone(),
            argument: "config".into(),
            expected: "a class with `get_config`, to be described by plain data".into(),
            found: "one without; save the model as a SavedModel".into(),
        })
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        self.children.clone()
    }

    fn is_model(&self) -> bool {
        self.is_model
    }

    // The functions take what the original layer was given.
    fn autocast(&self) -> bool {
        false
    }
}
