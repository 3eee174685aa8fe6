//! The arguments every optimizer has, and the builder that sets them.

use std::sync::Arc;

use crate::algorithm::Rule;
use crate::engine::Engine;
use crate::{Algorithm, Error, Form, IntoOptimizer, Optimizer, Result, Schedule};

/// Where the learning rate comes from.
#[derive(Clone)]
pub enum LearningRate {
    /// A number; held in a float32 variable once the optimizer exists.
    Constant(f64),
    /// A function of the number of steps taken.
    Schedule(Arc<dyn Schedule>),
}

impl From<f64> for LearningRate {
    fn from(value: f64) -> Self {
        LearningRate::Constant(value)
    }
}

impl<S: Schedule + 'static> From<S> for LearningRate {
    fn from(schedule: S) -> Self {
        LearningRate::Schedule(Arc::new(schedule))
    }
}

impl From<Arc<dyn Schedule>> for LearningRate {
    fn from(schedule: Arc<dyn Schedule>) -> Self {
        LearningRate::Schedule(schedule)
    }
}

/// The arguments all optimizers share.
#[derive(Clone)]
pub(crate) struct Options {
    pub form: Form,
    pub name: Option<String>,
    pub learning_rate: LearningRate,
    pub decay: f64,
    pub weight_decay: Option<f64>,
    pub clipnorm: Option<f64>,
    pub clipvalue: Option<f64>,
    pub global_clipnorm: Option<f64>,
    pub use_ema: bool,
    pub ema_momentum: f64,
    pub ema_overwrite_frequency: Option<i64>,
    pub jit_compile: bool,
    pub loss_scale_factor: Option<f64>,
    pub gradient_accumulation_steps: Option<i64>,
    /// `ema_overwrite_frequency` was set, or stays at the class's default.
    pub ema_overwrite_set: bool,
}

impl Options {
    pub fn new(learning_rate: LearningRate) -> Options {
        Options {
            form: Form::Keras2,
            name: None,
            learning_rate,
            decay: 0.0,
            weight_decay: None,
            clipnorm: None,
            clipvalue: None,
            global_clipnorm: None,
            use_ema: false,
            ema_momentum: 0.99,
            ema_overwrite_frequency: None,
            jit_compile: false,
            loss_scale_factor: None,
            gradient_accumulation_steps: None,
            ema_overwrite_set: false,
        }
    }

    /// The checks of Keras's constructors.
    pub fn check(&self, class: &str) -> Result<()> {
        let wrong = |argument: &str, expected: &str, found: String| {
            Err(Error::Argument { class: class.into(), argument: argument.into(), expected: expected.into(), found })
        };
        let set: Vec<&str> =
            [("clipnorm", self.clipnorm), ("global_clipnorm", self.global_clipnorm), ("clipvalue", self.clipvalue)]
                .iter()
                .filter_map(|(name, value)| value.map(|_| *name))
                .collect();
        if self.form == Form::Keras3 && set.len() > 1 || set.starts_with(&["clipnorm", "global_clipnorm"]) {
            return wrong(set[0], "no other clipping argument beside it", format!("also `{}`", set[1]));
        }
        if self.use_ema {
            crate::algorithm::in_range(class, "ema_momentum", self.ema_momentum, 0.0..=1.0)?;
        }
        // Keras takes 0 for none.
        if let Some(frequency) = self.ema_overwrite_frequency.filter(|&f| f < 0) {
            return wrong("ema_overwrite_frequency", "a whole number of at least 1", frequency.to_string());
        }
        if let Some(steps) = self.gradient_accumulation_steps.filter(|&s| s != 0 && s < 2) {
            return wrong("gradient_accumulation_steps", "a whole number of at least 2", steps.to_string());
        }
        if self.loss_scale_factor == Some(0.0) {
            return wrong("loss_scale_factor", "a number other than 0", "0".into());
        }
        for (argument, size) in
            [("clipnorm", self.clipnorm), ("global_clipnorm", self.global_clipnorm), ("clipvalue", self.clipvalue)]
        {
            if self.form == Form::Legacy {
                crate::algorithm::in_range(class, argument, size.unwrap_or(0.0), 0.0..=f64::INFINITY)?;
            }
        }
        if self.decay < 0.0 {
            return wrong("decay", "a number of at least 0", self.decay.to_string());
        }
        let legacy = self.form == Form::Legacy;
        for (argument, given, belongs) in [
            ("decay", self.decay != 0.0, legacy),
            ("weight_decay", self.weight_decay.is_some(), !legacy),
            ("use_ema", self.use_ema, !legacy),
            ("loss_scale_factor", self.loss_scale_factor.is_some(), self.form == Form::Keras3),
            ("gradient_accumulation_steps", self.gradient_accumulation_steps.is_some(), self.form == Form::Keras3),
        ] {
            if given && !belongs {
                return wrong(argument, "another form of the optimizer", format!("the {} form", self.form));
            }
        }
        Ok(())
    }
}

/// An optimizer in the making: an algorithm with the arguments all optimizers share.
///
/// [`crate::Adam`] and the others are this builder around their algorithm. Setters carry Keras's argument names.
///
/// # Example
/// ```
/// use kerox_optim::{Adam, Form, IntoOptimizer, schedules::ExponentialDecay};
///
/// let adam = Adam::new(0.001).beta_1(0.8).amsgrad(true).clipnorm(1.0).into_optimizer()?;
/// let scheduled = Adam::new(ExponentialDecay::new(0.1, 1000.0, 0.96)).into_optimizer()?;
/// let legacy = Adam::new(0.001).form(Form::Legacy).decay(1e-4).into_optimizer()?;
/// assert_eq!(adam.config().get("beta_1"), Some(&0.8.into()));
/// assert!(scheduled.set_learning_rate(0.1).is_err());
/// assert_eq!(legacy.config().get("decay"), Some(&1e-4.into()));
/// # Ok::<(), kerox_optim::Error>(())
/// ```
#[derive(Clone)]
pub struct Builder<A> {
    pub(crate) algorithm: A,
    pub(crate) options: Options,
}

impl<A: Algorithm> Builder<A> {
    /// An optimizer of any algorithm.
    pub fn of(algorithm: A, learning_rate: impl Into<LearningRate>) -> Builder<A> {
        Builder { algorithm, options: Options::new(learning_rate.into()) }
    }

    /// The generation of Keras to follow; [`Form::Keras2`] where not set.
    pub fn form(mut self, form: Form) -> Self {
        self.options.form = form;
        self
    }

    /// The optimizer's name; its class's where not set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Learning rate or schedule.
    pub fn learning_rate(mut self, learning_rate: impl Into<LearningRate>) -> Self {
        self.options.learning_rate = learning_rate.into();
        self
    }

    /// Legacy form: the learning rate is divided by `1 + decay * iterations`.
    pub fn decay(mut self, decay: f64) -> Self {
        self.options.decay = decay;
        self
    }

    /// Each step first takes this part, times the learning rate, off the weights.
    pub fn weight_decay(mut self, weight_decay: impl Into<Option<f64>>) -> Self {
        self.options.weight_decay = weight_decay.into();
        self
    }

    /// Scales each gradient down to this norm at most.
    pub fn clipnorm(mut self, clipnorm: impl Into<Option<f64>>) -> Self {
        self.options.clipnorm = clipnorm.into();
        self
    }

    /// Clamps each element of the gradients to this absolute value.
    pub fn clipvalue(mut self, clipvalue: impl Into<Option<f64>>) -> Self {
        self.options.clipvalue = clipvalue.into();
        self
    }

    /// Scales all gradients down so that their common norm is this at most.
    pub fn global_clipnorm(mut self, global_clipnorm: impl Into<Option<f64>>) -> Self {
        self.options.global_clipnorm = global_clipnorm.into();
        self
    }

    /// Keeps an exponential moving average of the weights.
    pub fn use_ema(mut self, use_ema: bool) -> Self {
        self.options.use_ema = use_ema;
        self
    }

    /// Part of the old average in the new one.
    pub fn ema_momentum(mut self, ema_momentum: f64) -> Self {
        self.options.ema_momentum = ema_momentum;
        self
    }

    /// The averages replace the weights every so many steps.
    pub fn ema_overwrite_frequency(mut self, frequency: impl Into<Option<i64>>) -> Self {
        self.options.ema_overwrite_frequency = frequency.into();
        self.options.ema_overwrite_set = true;
        self
    }

    /// Is kept for configs and has no effect.
    pub fn jit_compile(mut self, jit_compile: bool) -> Self {
        self.options.jit_compile = jit_compile;
        self
    }

    /// Keras 3: gradients are of a loss multiplied by this number.
    pub fn loss_scale_factor(mut self, factor: impl Into<Option<f64>>) -> Self {
        self.options.loss_scale_factor = factor.into();
        self
    }

    /// Keras 3: weights change every so many steps, by the mean of the gradients.
    pub fn gradient_accumulation_steps(mut self, steps: impl Into<Option<i64>>) -> Self {
        self.options.gradient_accumulation_steps = steps.into();
        self
    }
}

impl<A: Algorithm> IntoOptimizer for Builder<A> {
    fn into_optimizer(self) -> Result<Arc<dyn Optimizer>> {
        self.algorithm.check(self.options.form)?;
        let rule: Box<dyn Rule> = Box::new(self.algorithm);
        Ok(Arc::new(Engine::new(rule, self.options)?))
    }
}
