//! A SavedModel as a layer.

use std::path::Path;
use std::sync::Arc;

use kerox_config_json::Config;
use kerox_graph::Value;
use kerox_layers::{Args, Base, Call, Error, Layer, Tracked, Weight};

use super::{GraphModel, Result, Traces, layer_error};

/// A SavedModel of any origin as a layer: a signature of it, or a function as [`GraphModel::functions`] names them.
///
/// Its variables are weights of the layer, and train where the operations have gradients. A function that takes
/// `training` is called by the trace made for it; while the layer is frozen, by the one for inference.
///
/// # Arguments
/// - `call_endpoint`: the signature or function; `serving_default`.
/// - `trainable`: whether training changes the variables ([`kerox_layers::LayerExt::trainable`]); true.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saved_model::TFSMLayer;
/// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/savedmodel/mlp");
///
/// let features = TFSMLayer::new(dir)?.call_endpoint("__call__")?.trainable(false);
/// let mut model = Sequential::new().add(features).add(Dense::new(2));
/// let y = model.predict(&Tensor::full(0.5f32, [3, 8])?, Predict::default().verbose(0))?;
/// assert_eq!(y[0].shape()[..], [3, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.layers.TFSMLayer` (Keras 3), `hub.KerasLayer`.
pub struct TFSMLayer {
    base: Base,
    graph: Arc<GraphModel>,
    endpoint: Endpoint,
    name: String,
}

enum Endpoint {
    /// A signature with the names of its inputs.
    Signature(Vec<String>),
    Function(Traces),
}

impl TFSMLayer {
    /// Opens the SavedModel with the tag `serve`, or the only one.
    ///
    /// # Errors
    /// As [`super::load`].
    pub fn new(dir: impl AsRef<Path>) -> Result<TFSMLayer> {
        let graph = super::load(&dir, &["serve"]).or_else(|error| super::load(&dir, &[]).map_err(|_| error))?;
        TFSMLayer::of(Arc::new(graph))
    }

    /// The layer of a SavedModel that is open already.
    ///
    /// # Errors
    /// Where a value of a variable cannot be read.
    pub fn of(graph: Arc<GraphModel>) -> Result<TFSMLayer> {
        let base = Base::new("TFSMLayer");
        for variable in graph.variables()? {
            let trainable = variable.trainable();
            let attr = variable.name().replace('/', "_");
            base.push_weight(Weight { attr, variable, trainable, regularizer: None, constraint: None });
        }
        let first = graph.signatures().iter().find(|s| s.name == "serving_default").or(graph.signatures().first());
        let (name, inputs) = match first {
            Some(signature) => (signature.name.clone(), signature.inputs.iter().map(|i| i.name.clone()).collect()),
            None => (String::new(), Vec::new()),
        };
        Ok(TFSMLayer { base, graph, endpoint: Endpoint::Signature(inputs), name })
    }

    /// The signature or function to call.
    ///
    /// # Errors
    /// [`super::Error::Argument`] where there is none of that name.
    pub fn call_endpoint(mut self, name: &str) -> Result<TFSMLayer> {
        if let Some(signature) = self.graph.signatures().iter().find(|s| s.name == name) {
            self.endpoint = Endpoint::Signature(signature.inputs.iter().map(|i| i.name.clone()).collect());
            self.name = name.to_owned();
            return Ok(self);
        }
        let meta = self.graph.meta_graph()?;
        let root = meta.objects()?.and_then(|objects| objects.root());
        let found = root.and_then(|root| name.split('.').try_fold(root, |object, step| object.child(step)));
        let traces = match found.filter(|object| !object.concrete_functions().is_empty()) {
            Some(function) => Traces::read(&meta, function, false)?,
            None => {
                let functions =
                    self.graph.functions()?.into_iter().map(|f| f.path).filter(|p| !p.contains("signatures"));
                let mut names: Vec<String> = self.graph.signatures().iter().map(|s| s.name.clone()).collect();
                names.extend(functions);
                names.dedup();
                names.truncate(20);
                return Err(super::Error::Argument {
                    operation: "use endpoint",
                    name: name.into(),
                    expected: format!("a signature or function: {}", names.join(", ")),
                    found: "none of that name".into(),
                });
            }
        };
        drop(meta);
        self.endpoint = Endpoint::Function(traces);
        self.name = name.to_owned();
        Ok(self)
    }

    /// The SavedModel.
    pub fn graph(&self) -> &Arc<GraphModel> {
        &self.graph
    }
}

impl Layer for TFSMLayer {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> kerox_layers::Result<Vec<Value>> {
        let names = match &self.endpoint {
            Endpoint::Function(traces) => {
                // A frozen SavedModel keeps its statistics.
                let training = cx.training;
                cx.training = training && self.base.trainable();
                let outputs = traces.call(&self.graph, self, cx, args);
                cx.training = training;
                return outputs;
            }
            Endpoint::Signature(names) => names,
        };
        let wrong = |found: String| Error::Input {
            layer: self.base.name().into(),
            class_name: "TFSMLayer".into(),
            expected: format!("the inputs of signature `{}`: {}", self.name, names.join(", ")),
            found,
        };
        // Inputs by name where they are a dictionary, else in the order of their names.
        let inputs: Vec<(String, Value)> = match args.args.first() {
            Some(kerox_layers::Arg::Map(entries)) => {
                entries.iter().flat_map(|(key, arg)| arg.tensors().into_iter().map(|&v| (key.clone(), v))).collect()
            }
            _ => names.iter().cloned().zip(args.first().into_iter().copied()).collect(),
        };
        if inputs.len() != names.len() || args.first().len() != names.len() {
            return Err(wrong(format!("{} inputs", args.first().len())));
        }
        let inputs: Vec<(&str, Value)> = inputs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let outputs = self.graph.inline_signature(cx.g, &self.name, &inputs).map_err(|e| layer_error(self, e))?;
        Ok(outputs.into_iter().map(|(_, value)| value).collect())
    }

    fn config(&self) -> kerox_layers::Result<Config> {
        let dir = self.graph.saved_model().dir().to_string_lossy().into_owned();
        Ok(self.base.config().with("filepath", dir).with("call_endpoint", self.name.as_str()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        Vec::new()
    }

    fn autocast(&self) -> bool {
        false
    }
}
