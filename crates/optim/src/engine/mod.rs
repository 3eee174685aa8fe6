//! The part of an optimizer that is the same for every algorithm.

mod apply;
mod average;
mod build;
mod clip;
mod config;
mod kernel;
mod sparse;
mod state;
mod track;

use std::sync::{Arc, Mutex, MutexGuard};

use kerox_tensor::trackable::CreateHooks;
use kerox_tensor::{Tensor, Trackable, Variable};

use crate::algorithm::Rule;
use crate::cells::MAX_SLOTS;
use crate::options::{LearningRate, Options};
use crate::{Config, Entry, Error, Form, GradientView, Migrated, Optimizer, Result, SavedState};

pub(crate) use state::State;

/// One optimizer: an algorithm, the shared arguments, and what they have accumulated.
pub(crate) struct Engine {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) options: Options,
    pub(crate) iterations: Variable,
    /// The constant learning rate, or what Keras 2.15 last computed from its schedule.
    pub(crate) rate: Option<Variable>,
    pub(crate) state: Mutex<State>,
    pub(crate) hooks: CreateHooks,
}

impl Engine {
    pub fn new(rule: Box<dyn Rule>, mut options: Options) -> Result<Engine> {
        let class = rule.class_name().to_string();
        if class == "RMSprop" && options.form == Form::Keras2 && !options.ema_overwrite_set {
            options.ema_overwrite_frequency = Some(100);
        }
        options.check(&class)?;
        let slots = rule.slots(options.form).len();
        if slots > MAX_SLOTS {
            return Err(Error::Argument {
                class,
                argument: "slots".into(),
                expected: format!("at most {MAX_SLOTS}"),
                found: slots.to_string(),
            });
        }
        let form = options.form;
        let name = options.name.clone().unwrap_or_else(|| match form {
            Form::Keras3 => kerox_config_json::names::snake_case(&class),
            _ => class.clone(),
        });
        let scope = if form == Form::Keras2 { String::new() } else { format!("{name}/") };
        let iteration = if form == Form::Legacy { "iter" } else { "iteration" };
        let iterations = Variable::new(format!("{scope}{iteration}"), Tensor::scalar(0i64), false);
        let rate = match &options.learning_rate {
            LearningRate::Constant(rate) => {
                Some(Variable::new(format!("{scope}learning_rate"), Tensor::scalar(*rate as f32), false))
            }
            LearningRate::Schedule(schedule) if form == Form::Keras2 => {
                let first = schedule.learning_rate(0) as f32;
                Some(Variable::new("current_learning_rate", Tensor::scalar(first), false))
            }
            LearningRate::Schedule(_) => None,
        };
        let state = Mutex::new(State::new(rule, &options, &name));
        Ok(Engine { class, name, options, iterations, rate, state, hooks: CreateHooks::default() })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn steps_taken(&self) -> i64 {
        self.iterations.read().to_scalar::<i64>().unwrap_or(0)
    }

    /// The learning rate after `iterations` steps, and whether a schedule decided it.
    pub(crate) fn rate_at(&self, iterations: i64) -> f64 {
        match &self.options.learning_rate {
            LearningRate::Schedule(schedule) => schedule.learning_rate(iterations) as f32 as f64,
            LearningRate::Constant(rate) => self.rate.as_ref().and_then(scalar).unwrap_or(*rate),
        }
    }
}

/// The value of a floating-point scalar variable.
pub(crate) fn scalar(variable: &Variable) -> Option<f64> {
    let value = variable.read();
    value.to_scalar::<f32>().map(f64::from).or_else(|_| value.to_scalar::<f64>()).ok()
}

/// Writes a floating-point scalar variable in place.
pub(crate) fn set_scalar(variable: &Variable, value: f64) {
    let mut tensor = variable.write();
    if let Ok(slot) = tensor.as_mut_slice::<f32>() {
        slot[0] = value as f32;
    } else if let Ok(slot) = tensor.as_mut_slice::<f64>() {
        slot[0] = value;
    }
}

impl Optimizer for Engine {
    fn in_form(&self, form: Form) -> Result<Arc<dyn Optimizer>> {
        let mut options = Options { form, jit_compile: false, ..self.options.clone() };
        if let (LearningRate::Constant(_), Some(rate)) = (&options.learning_rate, self.rate.as_ref().and_then(scalar)) {
            options.learning_rate = LearningRate::Constant(rate);
        }
        // A name that only says the class is spelled anew.
        let usual = [self.class.clone(), kerox_config_json::names::snake_case(&self.class)];
        options.name = Some(self.name.clone()).filter(|name| !usual.contains(name));
        Ok(Arc::new(Engine::new(self.state().rule.clone_box(), options)?))
    }

    fn class_name(&self) -> String {
        self.class.clone()
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn form(&self) -> Form {
        self.options.form
    }

    fn build(&self, variables: &[Variable]) -> Result<()> {
        self.build_in_scope(variables, &self.name)
    }

    fn build_in_scope(&self, variables: &[Variable], scope: &str) -> Result<()> {
        let created = self.state().build(self, variables, scope)?;
        if created {
            self.hooks.created();
        }
        Ok(())
    }

    fn built(&self) -> bool {
        self.state().built
    }

    fn apply_scaled(&self, variables: &[Variable], gradients: &[GradientView<'_>], factor: f64) -> Result<()> {
        self.step(variables, gradients, factor)
    }

    fn iterations(&self) -> Variable {
        self.iterations.clone()
    }

    fn learning_rate(&self) -> f64 {
        match (&self.options.learning_rate, &self.rate) {
            // Keras 2.15 shows the rate of the last step.
            (_, Some(rate)) => scalar(rate).unwrap_or(0.0),
            (_, None) => self.rate_at(self.steps_taken()),
        }
    }

    fn set_learning_rate(&self, learning_rate: f64) -> Result<()> {
        match (&self.options.learning_rate, &self.rate) {
            (LearningRate::Constant(_), Some(rate)) => {
                set_scalar(rate, learning_rate);
                Ok(())
            }
            (LearningRate::Schedule(schedule), _) => {
                Err(Error::Scheduled { optimizer: self.name.clone(), schedule: schedule.class_name().to_string() })
            }
            (LearningRate::Constant(_), None) => Ok(()),
        }
    }

    fn learning_rate_variable(&self) -> Option<Variable> {
        self.rate.clone()
    }

    fn variables(&self) -> Vec<Variable> {
        self.state().listed(self)
    }

    fn layout(&self, form: Form, variables: &[Variable]) -> Vec<Entry> {
        let name = match form {
            Form::Keras3 if self.options.form != form => kerox_config_json::names::snake_case(&self.class),
            Form::Keras2 | Form::Legacy if self.options.form == Form::Keras3 => self.class.clone(),
            _ => self.name.clone(),
        };
        let mut entries = crate::layout::layout(&*self.state().rule, &self.options, form, variables, &name);
        entries.retain(|entry| entry.listed);
        entries
    }

    fn model_variables(&self) -> Vec<Variable> {
        self.state().variables.clone()
    }

    fn slot(&self, variable: &Variable, role: &str) -> Option<Variable> {
        self.state().slot(variable, role)
    }

    fn config(&self) -> Config {
        self.write_config()
    }

    fn module(&self) -> &'static str {
        match self.options.form {
            Form::Legacy => "keras.optimizers.legacy",
            Form::Keras3 => "keras.optimizers",
            // These four have no second name under `experimental`.
            Form::Keras2 if ["Adam", "AdamW", "Adafactor", "Lion"].contains(&self.class.as_str()) => "keras.optimizers",
            Form::Keras2 => "keras.optimizers.experimental",
        }
    }

    fn finalize_variable_values(&self, variables: &[Variable]) {
        self.state().overwrite_with_averages(variables);
    }

    fn exclude_from_weight_decay(&self, variables: &[Variable], names: &[&str]) -> Result<()> {
        self.state().exclude_from_weight_decay(self, variables, names)
    }

    fn loss_scale(&self) -> f64 {
        self.options.loss_scale_factor.unwrap_or(1.0)
    }

    fn set_weights(&self, tensors: &[Tensor]) -> Result<()> {
        crate::migrate::set_weights(self, tensors)
    }

    fn load_state(&self, saved: &SavedState) -> Result<Migrated> {
        crate::migrate::load_state(self, saved)
    }

    fn as_trackable(self: Arc<Self>) -> Arc<dyn Trackable> {
        self
    }
}
