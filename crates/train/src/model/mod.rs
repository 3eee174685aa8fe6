//! The model as users see it: a network of layers with what it was compiled with.

mod compile;
mod engine;
mod evaluate;
mod fit;
mod fit_data;
mod fit_options;
mod fit_source;
mod fit_state;
mod predict;
mod rows;
mod run_options;
mod step;
mod trace;

use kerox_graph::{Graph, Value, ValueInfo};
use kerox_layers::models::{Functional, Sequential, Summary};
use kerox_layers::{Args, Call, LayerRef};
use kerox_tensor::{DType, Tensor};

pub use compile::{
    CompileArgs, Compiled, IntoLoss, IntoMetrics, LossArg, LossSpec, LossWeights, MetricSpec, MetricsArg,
};
pub use evaluate::Evaluate;
pub use fit_options::{Fit, ValidationData, ValidationFreq, Verbose};
pub use predict::Predict;

use crate::callbacks::History;
use crate::{Error, Result};

/// A network of layers that can be compiled, trained, evaluated and asked for predictions.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, core::Dense, models::Sequential};
/// use kerox_tensor::Tensor;
/// use kerox_train::{Fit, Model};
///
/// let mut model = Model::new(Sequential::new().with(Dense::new(1).input_shape([2])));
/// model.compile("sgd", "mean_squared_error", ())?;
/// let (x, y) = (Tensor::full(1f32, [8, 2])?, Tensor::full(3f32, [8, 1])?);
/// let history = model.fit(&x, &y, Fit::default().epochs(3).verbose(0))?;
/// assert!(history.get("loss")[2] < history.get("loss")[0]);
/// # Ok::<(), kerox_train::Error>(())
/// ```
///
/// # Source
/// `keras.Model`.
pub struct Model {
    network: LayerRef,
    compiled: Option<Compiled>,
    traces: trace::Traces,
    /// Set by callbacks to end training after the present epoch.
    pub stop_training: bool,
    /// The history of the latest `fit`.
    pub history: Option<History>,
    /// Where a run is to go on: set by callbacks at the beginning of training.
    pub(crate) resume: Option<kerox_config_json::Value>,
}

impl Model {
    /// Wraps a network: a [`Sequential`], a [`Functional`] or a layer of one's own.
    pub fn new(network: impl Into<LayerRef>) -> Model {
        Model {
            network: network.into(),
            compiled: None,
            traces: trace::Traces::default(),
            stop_training: false,
            history: None,
            resume: None,
        }
    }

    /// A model of everything between symbolic inputs and outputs: `keras.Model(inputs, outputs)`.
    ///
    /// # Errors
    /// [`kerox_layers::Error::Topology`] where an output does not depend on the inputs alone.
    pub fn functional(
        inputs: impl IntoIterator<Item = kerox_layers::KerasTensor>,
        outputs: impl IntoIterator<Item = kerox_layers::KerasTensor>,
    ) -> Result<Model> {
        Ok(Model::new(Functional::new(inputs, outputs)?))
    }

    /// The network.
    pub fn network(&self) -> &LayerRef {
        &self.network
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.network.name()
    }

    /// What the model was compiled with.
    pub fn compiled(&self) -> Option<&Compiled> {
        self.compiled.as_ref()
    }

    /// What the model was compiled with, to be changed: a restored optimizer, say.
    pub fn compiled_mut(&mut self) -> Option<&mut Compiled> {
        self.traces.clear();
        self.compiled.as_mut()
    }

    /// The optimizer.
    ///
    /// # Errors
    /// [`Error::NotCompiled`].
    pub fn optimizer(&self) -> Result<&std::sync::Arc<dyn kerox_optim::Optimizer>> {
        self.compiled.as_ref().and_then(|c| c.args.optimizer.as_ref()).ok_or(Error::NotCompiled)
    }

    /// The layers, as Keras lists them: without the input layer for Sequential models.
    pub fn layers(&self) -> Vec<LayerRef> {
        self.network.layers_inside()
    }

    /// The layer of that name.
    ///
    /// # Errors
    /// [`kerox_layers::Error::NoSuchLayer`], with the names there are.
    pub fn get_layer(&self, name: &str) -> Result<LayerRef> {
        let layers = self.layers();
        layers.iter().find(|layer| layer.name() == name).cloned().ok_or_else(|| {
            let names: Vec<String> = layers.iter().map(|layer| format!("'{}'", layer.name())).collect();
            kerox_layers::Error::NoSuchLayer { name: name.into(), existing: format!("[{}]", names.join(", ")) }.into()
        })
    }

    /// The values of all weights, in Keras's order.
    pub fn get_weights(&self) -> Vec<Tensor> {
        self.network.weights_by_layer().iter().map(|w| w.variable.value()).collect()
    }

    /// Replaces the values of all weights, in Keras's order. Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// [`kerox_layers::Error::Weights`].
    pub fn set_weights(&self, values: &[Tensor]) -> Result<()> {
        Ok(kerox_layers::assign_weights(self.network.name(), &self.network.weights_by_layer(), values)?)
    }

    /// Builds the model where the shape of its input is known.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn ensure_built(&self) -> Result<()> {
        if let Some(sequential) = self.network.downcast::<Sequential>() {
            sequential.ensure_built()?;
        }
        Ok(())
    }

    /// Builds the model for inputs of these shapes, batch included.
    ///
    /// # Errors
    /// Those of the layers.
    ///
    /// # Source
    /// `keras.Model.build`.
    pub fn build(&self, shapes: &[&[Option<usize>]]) -> Result<()> {
        let mut g = Graph::new();
        let known = self.input_infos();
        let inputs: Vec<Value> = shapes
            .iter()
            .enumerate()
            .map(|(i, shape)| {
                let dtype = known.get(i).map_or(DType::F32, |(_, info)| info.dtype);
                g.placeholder("input", dtype, shape.iter().copied().collect())
            })
            .collect::<Result<_, _>>()?;
        Call::new(&mut g, false).apply(&self.network, &Args::inputs(inputs))?;
        Ok(())
    }

    /// Computes the outputs for one batch: `model(x)` of Keras.
    ///
    /// # Errors
    /// Where the inputs do not fit.
    pub fn call(&mut self, x: impl crate::data::IntoArrays) -> Result<Vec<Tensor>> {
        self.predict_on_batch(x)
    }

    /// Names, types and shapes of the inputs, as far as known before any data.
    pub fn input_infos(&self) -> Vec<(String, ValueInfo)> {
        if let Some(model) = self.network.downcast::<Functional>() {
            return model
                .inputs()
                .iter()
                .map(|t| (t.node.layer.name().to_string(), ValueInfo::new(t.dtype(), t.shape().clone())))
                .collect();
        }
        if let Some(model) = self.network.downcast::<Sequential>() {
            return model.input_info().map(|info| (model.input_name(), info)).into_iter().collect();
        }
        Vec::new()
    }

    /// The names of the outputs, for logs and for targets given by name.
    pub fn output_names(&self, outputs: usize) -> Vec<String> {
        if let Some(model) = self.network.downcast::<Functional>() {
            return unique_names(model.outputs().iter().map(|t| t.node.layer.name().to_string()));
        }
        if let Some(last) = self.network.downcast::<Sequential>().and_then(|model| model.layers().pop())
            && outputs == 1
        {
            return vec![last.name().to_string()];
        }
        (1..=outputs).map(|i| format!("output_{i}")).collect()
    }

    /// The table of the layers, as Keras 2.15 prints it.
    ///
    /// # Errors
    /// [`kerox_layers::Error::NotBuilt`] before the weights exist.
    ///
    /// # Source
    /// `keras.Model.summary`.
    pub fn summary(&self) -> Result<String> {
        self.summary_with(&Summary::new())
    }

    /// The table of the layers, with Keras's arguments and in the text of other versions.
    ///
    /// # Errors
    /// As [`Model::summary`].
    pub fn summary_with(&self, summary: &Summary) -> Result<String> {
        self.ensure_built()?;
        Ok(summary.text(&self.network)?)
    }

    /// Drops what was traced: weights, layers or the compile state have changed.
    pub fn reset_traces(&mut self) {
        self.traces.clear();
    }
}

/// Makes repeated names unique as Keras does: `dense`, `dense_1`.
fn unique_names(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        let mut candidate = name.clone();
        let mut i = 1;
        while unique.contains(&candidate) {
            candidate = format!("{name}_{i}");
            i += 1;
        }
        unique.push(candidate);
    }
    unique
}
