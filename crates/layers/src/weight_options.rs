//! What a layer is told about one of its weights, and the builder methods that tell it.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_tensor::Shape;

use crate::{Activation, Constraint, Initializer, Regularizer, Result, WeightSpec};

/// Initializer, regularizer and constraint of one weight of a layer: `kernel_initializer`, `kernel_regularizer` and
/// `kernel_constraint` for a kernel.
///
/// # Example
/// ```
/// use kerox_layers::WeightOptions;
/// let options = WeightOptions::new("glorot_uniform");
/// assert!(options.regularizer.is_none());
/// ```
#[derive(Clone, Debug)]
pub struct WeightOptions {
    /// The first value.
    pub initializer: Initializer,
    /// What its size adds to the loss.
    pub regularizer: Option<Regularizer>,
    /// What is done to it after each update.
    pub constraint: Option<Constraint>,
}

impl WeightOptions {
    /// With that initializer and nothing else.
    pub fn new(initializer: impl Into<Initializer>) -> WeightOptions {
        WeightOptions { initializer: initializer.into(), regularizer: None, constraint: None }
    }

    /// Reads `<weight>_initializer`, `<weight>_regularizer` and `<weight>_constraint`.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where one of them is of the wrong kind or unknown.
    pub fn read(fields: &Fields<'_>, weight: &str, initializer: &str) -> Result<WeightOptions> {
        Ok(WeightOptions {
            initializer: match fields.present(&format!("{weight}_initializer")) {
                // Keras then begins weights of floats with this one, whatever the class has for a default.
                Some(node) if node.value().is_null() => "glorot_uniform".into(),
                Some(node) => Initializer::from_json(&node)?,
                None => initializer.into(),
            },
            regularizer: Regularizer::optional(fields, &format!("{weight}_regularizer"))?,
            constraint: Constraint::optional(fields, &format!("{weight}_constraint"))?,
        })
    }

    /// A trainable weight made as told.
    pub fn spec(&self, attr: &str, shape: impl Into<Shape>) -> WeightSpec {
        WeightSpec::new(attr, shape, &self.initializer).regularizer(&self.regularizer).constraint(&self.constraint)
    }
}

/// Writes options in the order in which Keras does: all initializers, all regularizers, all constraints.
pub(crate) trait ConfigExt: Sized {
    /// `<weight>_initializer` of each.
    fn with_initializers(self, weights: &[(&str, &WeightOptions)]) -> Result<Self>;
    /// `<weight>_regularizer` of each.
    fn with_regularizers(self, weights: &[(&str, &WeightOptions)]) -> Self;
    /// `activity_regularizer`.
    fn with_activity_regularizer(self, regularizer: &Option<Regularizer>) -> Self;
    /// `<weight>_constraint` of each.
    fn with_constraints(self, weights: &[(&str, &WeightOptions)]) -> Self;
    /// All of the above.
    fn with_weights(self, weights: &[(&str, &WeightOptions)], activity: &Option<Regularizer>) -> Result<Self> {
        let config = self.with_initializers(weights)?.with_regularizers(weights);
        Ok(config.with_activity_regularizer(activity).with_constraints(weights))
    }
}

impl ConfigExt for Config {
    fn with_initializers(mut self, weights: &[(&str, &WeightOptions)]) -> Result<Config> {
        for (name, options) in weights {
            self.insert(format!("{name}_initializer"), options.initializer.to_json()?);
        }
        Ok(self)
    }

    fn with_regularizers(mut self, weights: &[(&str, &WeightOptions)]) -> Config {
        for (name, options) in weights {
            self.insert(format!("{name}_regularizer"), regularizer_json(&options.regularizer));
        }
        self
    }

    fn with_activity_regularizer(self, regularizer: &Option<Regularizer>) -> Config {
        self.with("activity_regularizer", regularizer_json(regularizer))
    }

    fn with_constraints(mut self, weights: &[(&str, &WeightOptions)]) -> Config {
        for (name, options) in weights {
            let constraint = options.constraint.as_ref().map_or(Json::Null, Constraint::to_json);
            self.insert(format!("{name}_constraint"), constraint);
        }
        self
    }
}

fn regularizer_json(regularizer: &Option<Regularizer>) -> Json {
    regularizer.as_ref().map_or(Json::Null, Regularizer::to_json)
}

/// What is done to the result of a layer.
#[derive(Clone, Debug, Default)]
pub struct OutputOptions {
    /// Applied to the result.
    pub activation: Activation,
    /// What the size of the result adds to the loss.
    pub activity_regularizer: Option<Regularizer>,
}

impl OutputOptions {
    /// Reads `activation` and `activity_regularizer`.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where one of them is of the wrong kind.
    pub fn read(fields: &Fields<'_>) -> Result<OutputOptions> {
        Ok(OutputOptions {
            activation: Activation::from_json(fields.get("activation"))?,
            activity_regularizer: Regularizer::optional(fields, "activity_regularizer")?,
        })
    }
}

/// Builder methods of layers with a kernel.
pub trait KernelOptions: Sized {
    /// Where the options are kept.
    fn kernel_options(&mut self) -> &mut WeightOptions;

    /// The first value of the kernel.
    #[must_use]
    fn kernel_initializer(mut self, initializer: impl Into<Initializer>) -> Self {
        self.kernel_options().initializer = initializer.into();
        self
    }

    /// What the size of the kernel adds to the loss.
    #[must_use]
    fn kernel_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.kernel_options().regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the kernel after each update.
    #[must_use]
    fn kernel_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.kernel_options().constraint = Some(constraint.into());
        self
    }
}

/// Builder methods of layers with a bias.
pub trait BiasOptions: Sized {
    /// Where the options are kept.
    fn bias_options(&mut self) -> &mut WeightOptions;

    /// The first value of the bias; zeros by default.
    #[must_use]
    fn bias_initializer(mut self, initializer: impl Into<Initializer>) -> Self {
        self.bias_options().initializer = initializer.into();
        self
    }

    /// What the size of the bias adds to the loss.
    #[must_use]
    fn bias_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.bias_options().regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the bias after each update.
    #[must_use]
    fn bias_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.bias_options().constraint = Some(constraint.into());
        self
    }
}

/// Builder methods of layers with an activation.
pub trait ActivationOptions: Sized {
    /// Where the options are kept.
    fn output_options(&mut self) -> &mut OutputOptions;

    /// What is done to the result; nothing by default.
    #[must_use]
    fn activation(mut self, activation: impl Into<Activation>) -> Self {
        self.output_options().activation = activation.into();
        self
    }

    /// What the size of the result adds to the loss.
    #[must_use]
    fn activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.output_options().activity_regularizer = Some(regularizer.into());
        self
    }
}

/// Builder methods of layers that scale by `gamma` and shift by `beta`.
pub trait ScaleOptions: Sized {
    /// Where the options of `gamma` are kept.
    fn gamma_options(&mut self) -> &mut WeightOptions;

    /// Where the options of `beta` are kept.
    fn beta_options(&mut self) -> &mut WeightOptions;

    /// The first value of the factor; ones by default.
    #[must_use]
    fn gamma_initializer(mut self, initializer: impl Into<Initializer>) -> Self {
        self.gamma_options().initializer = initializer.into();
        self
    }

    /// What the size of the factor adds to the loss.
    #[must_use]
    fn gamma_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.gamma_options().regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the factor after each update.
    #[must_use]
    fn gamma_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.gamma_options().constraint = Some(constraint.into());
        self
    }

    /// The first value of the shift; zeros by default.
    #[must_use]
    fn beta_initializer(mut self, initializer: impl Into<Initializer>) -> Self {
        self.beta_options().initializer = initializer.into();
        self
    }

    /// What the size of the shift adds to the loss.
    #[must_use]
    fn beta_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.beta_options().regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the shift after each update.
    #[must_use]
    fn beta_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.beta_options().constraint = Some(constraint.into());
        self
    }
}
