//! The arguments that all architectures share, and what is built from them.

use std::path::PathBuf;

use kerox_layers::{Activation, KerasTensor, LayerExt, models::Functional};
use kerox_train::Model;

use super::preprocess_input::Mode;
use super::{Error, Result};
use crate::saving::ModelSaving;

/// What tells one architecture from another.
pub(super) struct Architecture {
    /// Keras's name of the function.
    pub name: &'static str,
    /// Height and width of the images where none are given.
    pub default_size: usize,
    /// Images of less height or width are refused.
    pub min_size: usize,
    /// What images have to go through; `None` where the model does it.
    pub mode: Option<Mode>,
    /// Arguments that not all architectures have.
    pub own_arguments: &'static [&'static str],
    /// The layers.
    pub layers: fn(&Application, KerasTensor) -> Result<KerasTensor>,
    /// The model's name, given the number of rows of the images.
    pub model_name: fn(&Application, Option<usize>) -> String,
}

/// An architecture of `keras.applications` with its arguments; [`Application::build`] makes the model.
///
/// # Example
/// ```
/// use kerox::applications::VGG16;
/// let model = VGG16().include_top(false).pooling("avg").input_shape([32, 32, 3]).build()?;
/// assert_eq!(model.network().outputs()?[0].shape().to_string(), "(None, 512)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.applications` of Keras 2.15. Differs: weights are a file or none, images have their channels last, and an
/// unknown kind of pooling is an error.
#[derive(Clone)]
pub struct Application {
    pub(super) architecture: &'static Architecture,
    pub(super) include_top: bool,
    weights: Option<PathBuf>,
    input_tensor: Option<KerasTensor>,
    input_shape: Option<Vec<Option<usize>>>,
    pub(super) pooling: Option<String>,
    pub(super) classes: usize,
    pub(super) classifier_activation: Activation,
    pub(super) alpha: f64,
    pub(super) depth_multiplier: usize,
    pub(super) dropout: f64,
    given: Vec<&'static str>,
}

impl Application {
    pub(super) fn of(architecture: &'static Architecture) -> Application {
        Application {
            architecture,
            include_top: true,
            weights: None,
            input_tensor: None,
            input_shape: None,
            pooling: None,
            classes: 1000,
            classifier_activation: "softmax".into(),
            alpha: 1.0,
            depth_multiplier: 1,
            dropout: 1e-3,
            given: Vec::new(),
        }
    }

    /// Keras's name of the architecture.
    pub fn name(&self) -> &'static str {
        self.architecture.name
    }

    /// Height and width of the images it was designed for.
    pub fn default_size(&self) -> usize {
        self.architecture.default_size
    }

    /// How images have to be prepared; `None` where the model takes them as they are, from 0 to 255.
    pub fn mode(&self) -> Option<Mode> {
        self.architecture.mode
    }

    /// Whether the layers that classify are part of the model; true by default.
    #[must_use]
    pub fn include_top(mut self, include_top: bool) -> Application {
        self.include_top = include_top;
        self
    }

    /// A file to load the weights from, of any format; they are random where none is given.
    #[must_use]
    pub fn weights(mut self, path: impl Into<PathBuf>) -> Application {
        self.weights = Some(path.into());
        self
    }

    /// The images, if they come from other layers.
    #[must_use]
    pub fn input_tensor(mut self, tensor: &KerasTensor) -> Application {
        self.input_tensor = Some(tensor.clone());
        self
    }

    /// The shape `[height, width, channels]` of the images; height and width may be `None` where the layers that
    /// classify are left out.
    #[must_use]
    pub fn input_shape<D: Into<Option<usize>>>(mut self, shape: impl IntoIterator<Item = D>) -> Application {
        self.input_shape = Some(shape.into_iter().map(Into::into).collect());
        self
    }

    /// What becomes of the last feature maps where the layers that classify are left out: `avg` or `max`.
    #[must_use]
    pub fn pooling(mut self, pooling: &str) -> Application {
        self.pooling = Some(pooling.into());
        self
    }

    /// Number of classes; 1000 by default.
    #[must_use]
    pub fn classes(mut self, classes: usize) -> Application {
        self.classes = classes;
        self
    }

    /// The activation of the last layer; `softmax` by default, [`Activation::Linear`] for logits.
    #[must_use]
    pub fn classifier_activation(mut self, activation: impl Into<Activation>) -> Application {
        self.classifier_activation = activation.into();
        self
    }

    /// Factor to the width of MobileNets; 1 by default.
    #[must_use]
    pub fn alpha(mut self, alpha: f64) -> Application {
        self.alpha = alpha;
        self.given.push("alpha");
        self
    }

    /// Kernels for each channel of MobileNet; 1 by default.
    #[must_use]
    pub fn depth_multiplier(mut self, depth_multiplier: usize) -> Application {
        self.depth_multiplier = depth_multiplier;
        self.given.push("depth_multiplier");
        self
    }

    /// Fraction in [0, 1) that the last dropout of MobileNet drops; 0.001 by default.
    #[must_use]
    pub fn dropout(mut self, dropout: f64) -> Application {
        self.dropout = dropout;
        self.given.push("dropout");
        self
    }

    /// Makes the model.
    ///
    /// # Shapes
    /// input `[batch, height, width, channels]`, output `[batch, classes]`; without the top `[batch, new height, new
    /// width, channels]`, or `[batch, channels]` where it is pooled.
    ///
    /// # Errors
    /// [`Error::Argument`] with the argument that does not fit; [`Error::Saving`] where the weights do not.
    pub fn build(self) -> Result<Model> {
        self.check()?;
        let shape = self.shape()?;
        crate::saving::install();
        let x = match &self.input_tensor {
            Some(tensor) => tensor.clone(),
            None => kerox_layers::Input(shape.clone()),
        };
        let inputs = match &self.input_tensor {
            Some(tensor) => sources(tensor),
            None => vec![x.clone()],
        };
        let rows = match &self.input_tensor {
            Some(tensor) if self.input_shape.is_none() && self.include_top => self.rows_named(tensor),
            _ => shape[0],
        };
        let y = (self.architecture.layers)(&self, x)?;
        let network = Functional::new(inputs, [y])?.name((self.architecture.model_name)(&self, rows));
        let model = Model::new(network);
        if let Some(path) = &self.weights {
            model.load_weights(path)?;
        }
        Ok(model)
    }

    /// An error about one of the arguments.
    pub(super) fn wrong(&self, argument: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::Argument {
            architecture: self.name().into(),
            argument: argument.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    fn check(&self) -> Result<()> {
        if let Some(argument) = self.given.iter().find(|a| !self.architecture.own_arguments.contains(a)) {
            return Err(self.wrong(argument, "nothing: this architecture has no such argument", "a value"));
        }
        if self.classes == 0 {
            return Err(self.wrong("classes", "at least 1", "0"));
        }
        if let Some(other) = self.pooling.as_deref().filter(|pooling| !["avg", "max"].contains(pooling)) {
            return Err(self.wrong("pooling", "`avg` or `max`", format!("`{other}`")));
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(self.wrong("alpha", "a number above 0", self.alpha.to_string()));
        }
        if self.depth_multiplier == 0 {
            return Err(self.wrong("depth_multiplier", "at least 1", "0"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(self.wrong("dropout", "a fraction in [0, 1)", self.dropout.to_string()));
        }
        let activation = self.classifier_activation.name();
        if self.weights.is_some() && self.include_top && !["softmax", "linear"].contains(&activation) {
            let expected = "`softmax` or none, as weights are given";
            return Err(self.wrong("classifier_activation", expected, format!("`{activation}`")));
        }
        Ok(())
    }

    /// The shape of the images without the batch.
    fn shape(&self) -> Result<Vec<Option<usize>>> {
        let size = self.architecture.default_size;
        let Some(shape) = &self.input_shape else {
            return Ok(match self.include_top {
                true => vec![Some(size), Some(size), Some(3)],
                false => vec![None, None, Some(3)],
            });
        };
        let found = || format!("{:?}", kerox_graph::Dims::from_iter(shape.iter().copied()));
        let &[height, width, channels] = &shape[..] else {
            return Err(self.wrong("input_shape", "height, width and channels", found()));
        };
        if channels.is_none_or(|channels| channels == 0) {
            return Err(self.wrong("input_shape", "a known number of channels, which stand last", found()));
        }
        let least = self.architecture.min_size;
        if [height, width].into_iter().flatten().any(|length| length < least) {
            return Err(self.wrong("input_shape", format!("at least {least} rows and columns"), found()));
        }
        if self.include_top && (height.is_none() || width.is_none()) {
            let expected = "a known height and width, as the top is included";
            return Err(self.wrong("input_shape", expected, found()));
        }
        if let Some(tensor) = &self.input_tensor {
            let given = tensor.shape().axes().and_then(|axes| axes.get(1..)).map(<[_]>::to_vec);
            if given.as_ref() != Some(shape) {
                let expected = format!("the shape {} of `input_tensor` without its batch", tensor.shape());
                return Err(self.wrong("input_shape", expected, found()));
            }
        }
        Ok(shape.clone())
    }

    /// The number of rows by which Keras names a model that is given its images.
    fn rows_named(&self, tensor: &KerasTensor) -> Option<usize> {
        match tensor.shape().axes() {
            Some(&[_, Some(rows), Some(columns), _])
                if rows == columns && self.name() == "MobileNetV2" && [96, 128, 160, 192, 224].contains(&rows) =>
            {
                Some(rows)
            }
            _ => Some(self.architecture.default_size),
        }
    }
}

/// The inputs that a tensor is computed from.
fn sources(tensor: &KerasTensor) -> Vec<KerasTensor> {
    let (mut found, mut seen, mut open) = (Vec::new(), std::collections::HashSet::new(), vec![tensor.clone()]);
    while let Some(tensor) = open.pop() {
        if !seen.insert(tensor.id()) {
            continue;
        }
        let before: Vec<KerasTensor> = tensor.node.args.tensors().into_iter().cloned().collect();
        match before.is_empty() {
            true => found.push(tensor),
            false => open.extend(before.into_iter().rev()),
        }
    }
    found
}
