//! Loss scaling for mixed precision.

use std::sync::{Arc, Mutex};

use kerox_config_json::{Config, Value};
use kerox_tensor::trackable::{CreateHook, TrackableList};
use kerox_tensor::{Child, Slot, Tensor, Trackable, Variable};

use crate::config;
use crate::engine::{scalar, set_scalar};
use crate::{Entry, Error, Form, GradientView, IntoOptimizer, Migrated, Optimizer, Result, SavedState, Target, Values};

/// Wraps an optimizer: the loss is multiplied by [`Optimizer::loss_scale`] before gradients are taken, and gradients are
/// divided by it before the step, so that small half-precision gradients do not vanish.
///
/// A step with an infinite or NaN gradient leaves the weights alone and halves the scale; after `dynamic_growth_steps`
/// good steps it is doubled. Keras 2.15 counts a skipped step in `iterations` and keeps the scale at 1 at least, Keras 3
/// does neither.
///
/// # Example
/// ```
/// use kerox_optim::{GradientView, LossScaleOptimizer, Optimizer, SGD};
/// use kerox_tensor::{Tensor, Variable};
///
/// let optimizer = LossScaleOptimizer::new(SGD::new(1.0)).initial_scale(4.0).build_wrapper()?;
/// let w = Variable::new("w", Tensor::from_vec(vec![1f32], [1])?, true);
/// optimizer.apply_slices(&[w.clone()], &[GradientView::from(&[2f32][..])])?;
/// assert_eq!(w.value().as_slice::<f32>()?, [0.5]);
/// optimizer.apply_slices(&[w.clone()], &[GradientView::from(&[f32::INFINITY][..])])?;
/// assert_eq!((w.value().as_slice::<f32>()?[0], optimizer.loss_scale()), (0.5, 2.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// keras/src/mixed_precision/loss_scale_optimizer.py of Keras 2.15, keras/src/optimizers/loss_scale_optimizer.py of Keras 3
pub struct LossScaleOptimizer<O = Arc<dyn Optimizer>> {
    inner: O,
    dynamic: bool,
    initial_scale: f64,
    dynamic_growth_steps: i64,
    name: Option<String>,
}

impl<O: IntoOptimizer> LossScaleOptimizer<O> {
    /// A dynamic scale that begins with 32768.
    pub fn new(inner_optimizer: O) -> LossScaleOptimizer<O> {
        LossScaleOptimizer {
            inner: inner_optimizer,
            dynamic: true,
            initial_scale: 32768.0,
            dynamic_growth_steps: 2000,
            name: None,
        }
    }

    /// Keras 2.15: whether the scale changes.
    pub fn dynamic(mut self, dynamic: bool) -> Self {
        self.dynamic = dynamic;
        self
    }

    /// The first scale.
    pub fn initial_scale(mut self, initial_scale: f64) -> Self {
        self.initial_scale = initial_scale;
        self
    }

    /// Good steps after which the scale is doubled.
    pub fn dynamic_growth_steps(mut self, dynamic_growth_steps: i64) -> Self {
        self.dynamic_growth_steps = dynamic_growth_steps;
        self
    }

    /// Keras 3: the wrapper's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes the optimizer.
    ///
    /// # Errors
    /// [`Error::Argument`] of the wrapped optimizer, of a scale that is not positive, of a fixed scale in Keras 3.
    pub fn build_wrapper(self) -> Result<Arc<dyn Optimizer>> {
        let inner = self.inner.into_optimizer()?;
        let form = inner.form();
        let wrong = |argument: &str, expected: &str, found: String| {
            let class = inner_class(form).into();
            Err(Error::Argument { class, argument: argument.into(), expected: expected.into(), found })
        };
        if !(self.initial_scale > 0.0 && self.initial_scale.is_finite()) {
            return wrong("initial_scale", "a positive number", self.initial_scale.to_string());
        }
        if self.dynamic_growth_steps < 1 {
            return wrong(
                "dynamic_growth_steps",
                "a whole number of at least 1",
                self.dynamic_growth_steps.to_string(),
            );
        }
        if form == Form::Keras3 && !self.dynamic {
            let expected = "true; set loss_scale_factor of the wrapped optimizer for a fixed scale";
            return wrong("dynamic", expected, "false".into());
        }
        if inner.class_name().starts_with("LossScaleOptimizer") {
            return wrong("inner_optimizer", "an optimizer that is no wrapper", inner.class_name());
        }
        let name = self.name.unwrap_or_else(|| match form {
            Form::Keras3 => "loss_scale_optimizer".into(),
            _ => inner.name(),
        });
        let variable = |keras2: &str, keras3: &str, value: Tensor| {
            let label = if form == Form::Keras3 { format!("{name}/{keras3}") } else { keras2.to_string() };
            Variable::new(label, value, false)
        };
        Ok(Arc::new(Wrapper {
            scale: variable("current_loss_scale", "dynamic_scale", Tensor::scalar(self.initial_scale as f32)),
            good_steps: variable("good_steps", "step_counter", Tensor::scalar(0i64)),
            // Keras 3's wrapper has these from its base class and never uses them.
            own_iterations: variable("iteration", "iteration", Tensor::scalar(0i64)),
            own_rate: variable("learning_rate", "learning_rate", Tensor::scalar(0f32)),
            step: Mutex::new(()),
            dynamic: self.dynamic,
            initial_scale: self.initial_scale,
            growth: self.dynamic_growth_steps,
            name,
            inner,
        }))
    }
}

impl LossScaleOptimizer {
    /// From a config of this form, which holds the wrapped optimizer.
    pub(crate) fn from_config(given: &Config, form: Form) -> Result<Arc<dyn Optimizer>> {
        let class = inner_class(form);
        let given = &current_names(given);
        let Some(inner) = given.get("inner_optimizer") else {
            return Err(Error::Argument {
                class: class.into(),
                argument: "inner_optimizer".into(),
                expected: "the wrapped optimizer's class and config".into(),
                found: "nothing".into(),
            });
        };
        let nested = inner.get("class_name").and_then(Value::as_str).unwrap_or_default();
        if nested.contains("LossScaleOptimizer") {
            return Err(Error::Argument {
                class: class.into(),
                argument: "inner_optimizer".into(),
                expected: "an optimizer that is no wrapper".into(),
                found: config::shorten(nested),
            });
        }
        let mut wrapper = LossScaleOptimizer::new(crate::deserialize(inner, Some(form))?);
        for (key, value) in given.iter() {
            use crate::Field;
            let field = match key {
                "inner_optimizer" => continue,
                "name" => Field::OptionalString(&mut wrapper.name),
                "dynamic" => Field::Bool(&mut wrapper.dynamic),
                // Null stands for "not dynamic, hence no growth".
                "dynamic_growth_steps" if value.is_null() => continue,
                "dynamic_growth_steps" => Field::Int(&mut wrapper.dynamic_growth_steps),
                "initial_scale" => Field::Float(&mut wrapper.initial_scale),
                // Keras 3 once wrote the base class's arguments, at their defaults.
                "weight_decay"
                | "clipnorm"
                | "global_clipnorm"
                | "clipvalue"
                | "ema_overwrite_frequency"
                | "loss_scale_factor"
                | "gradient_accumulation_steps"
                | "use_ema"
                | "ema_momentum"
                    if value.is_null() || value == &Value::Bool(false) || value.as_f64() == Some(0.99) =>
                {
                    continue;
                }
                _ => {
                    return Err(Error::UnknownKey {
                        class: class.into(),
                        key: config::shorten(key),
                        known: "name, inner_optimizer, dynamic, initial_scale, dynamic_growth_steps".into(),
                    });
                }
            };
            config::read_field(class, key, field, value)?;
        }
        wrapper.build_wrapper()
    }
}

impl<O: IntoOptimizer> IntoOptimizer for LossScaleOptimizer<O> {
    fn into_optimizer(self) -> Result<Arc<dyn Optimizer>> {
        self.build_wrapper()
    }
}

/// The configuration with today's names: up to TensorFlow 2.3 there were `optimizer` and an object `loss_scale`.
fn current_names(given: &Config) -> Config {
    let mut config = given.clone();
    if !config.contains_key("inner_optimizer") {
        config.rename("optimizer", "inner_optimizer");
    }
    let Some(scale) = config.get("loss_scale").filter(|scale| scale.get("class_name").is_some()).cloned() else {
        return config;
    };
    config.remove("loss_scale");
    config.insert("dynamic", scale.get("class_name").and_then(Value::as_str) != Some("FixedLossScale"));
    for (old, new) in [
        ("initial_loss_scale", "initial_scale"),
        ("loss_scale_value", "initial_scale"),
        ("increment_period", "dynamic_growth_steps"),
    ] {
        if let Some(value) = scale.get("config").and_then(|config| config.get(old)) {
            config.insert(new, value.clone());
        }
    }
    config
}

fn inner_class(form: Form) -> &'static str {
    if form == Form::Keras2 { "LossScaleOptimizerV3" } else { "LossScaleOptimizer" }
}

struct Wrapper {
    inner: Arc<dyn Optimizer>,
    name: String,
    dynamic: bool,
    initial_scale: f64,
    growth: i64,
    scale: Variable,
    good_steps: Variable,
    own_iterations: Variable,
    own_rate: Variable,
    /// Held during a step.
    step: Mutex<()>,
}

impl Wrapper {
    fn keras3(&self) -> bool {
        self.inner.form() == Form::Keras3
    }

    fn set_good_steps(&self, steps: i64) {
        if let Ok(slot) = self.good_steps.write().as_mut_slice::<i64>() {
            slot[0] = steps;
        }
    }

    /// The wrapper's own variables in Keras 3's order.
    fn own(&self) -> Vec<Variable> {
        let mut own = vec![self.own_iterations.clone(), self.own_rate.clone()];
        if self.inner.built() {
            own.extend([self.good_steps.clone(), self.scale.clone()]);
        }
        own
    }
}

fn is_finite(gradient: &GradientView<'_>) -> bool {
    match gradient.values() {
        None => true,
        Some(Values::F16(v)) => v.iter().all(|x| x.is_finite()),
        Some(Values::BF16(v)) => v.iter().all(|x| x.is_finite()),
        Some(Values::F32(v)) => v.iter().all(|x| x.is_finite()),
        Some(Values::F64(v)) => v.iter().all(|x| x.is_finite()),
    }
}

impl Optimizer for Wrapper {
    fn class_name(&self) -> String {
        inner_class(self.inner.form()).into()
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn form(&self) -> Form {
        self.inner.form()
    }

    fn build(&self, variables: &[Variable]) -> Result<()> {
        match self.inner.form() {
            Form::Keras3 => self.build_in_scope(variables, &self.name),
            // The wrapper of Keras 2.15 builds outside the optimizer's name scope.
            Form::Keras2 => self.inner.build_in_scope(variables, ""),
            Form::Legacy => self.inner.build(variables),
        }
    }

    fn build_in_scope(&self, variables: &[Variable], scope: &str) -> Result<()> {
        if self.keras3() {
            return self.inner.build_in_scope(variables, &format!("{scope}/{}", self.inner.name()));
        }
        self.inner.build_in_scope(variables, scope)
    }

    fn built(&self) -> bool {
        self.inner.built()
    }

    fn apply_scaled(&self, variables: &[Variable], gradients: &[GradientView<'_>], factor: f64) -> Result<()> {
        let _one_step = self.step.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !self.inner.built() && !variables.is_empty() {
            self.build(variables)?;
        }
        let scale = self.loss_scale();
        if !self.dynamic || gradients.iter().all(is_finite) {
            self.inner.apply_scaled(variables, gradients, factor / scale)?;
            if self.dynamic {
                let good = self.good_steps.read().to_scalar::<i64>().unwrap_or(0).saturating_add(1);
                // Keras 3 asks for equality, so that a counter beyond the limit goes on counting.
                let grown = if self.keras3() { good == self.growth } else { good >= self.growth };
                self.set_good_steps(if grown { 0 } else { good });
                if grown && (self.keras3() || ((scale * 2.0) as f32).is_finite()) {
                    set_scalar(&self.scale, scale * 2.0);
                }
            }
            return Ok(());
        }
        self.set_good_steps(0);
        if self.keras3() {
            set_scalar(&self.scale, scale * 0.5);
        } else {
            set_scalar(&self.scale, (scale / 2.0).max(1.0));
            if let Ok(taken) = self.inner.iterations().write().as_mut_slice::<i64>() {
                taken[0] = taken[0].wrapping_add(1);
            }
        }
        Ok(())
    }

    fn iterations(&self) -> Variable {
        self.inner.iterations()
    }

    fn learning_rate(&self) -> f64 {
        self.inner.learning_rate()
    }

    fn set_learning_rate(&self, learning_rate: f64) -> Result<()> {
        self.inner.set_learning_rate(learning_rate)
    }

    fn learning_rate_variable(&self) -> Option<Variable> {
        self.inner.learning_rate_variable()
    }

    fn variables(&self) -> Vec<Variable> {
        let inner = self.inner.variables();
        if self.keras3() { self.own().into_iter().chain(inner).collect() } else { inner }
    }

    fn layout(&self, form: Form, variables: &[Variable]) -> Vec<Entry> {
        let inner = self.inner.layout(form, variables);
        if form != Form::Keras3 {
            return inner;
        }
        // The wrapper's four come first; they have no target in the wrapped optimizer.
        let own = [&self.own_iterations, &self.own_rate, &self.good_steps, &self.scale].map(|variable| Entry {
            target: Target::Wrapper,
            name: variable.name().to_string(),
            shape: variable.shape().clone(),
            dtype: variable.dtype(),
            listed: true,
            optional: true,
        });
        own.into_iter().chain(inner).collect()
    }

    fn model_variables(&self) -> Vec<Variable> {
        self.inner.model_variables()
    }

    fn slot(&self, variable: &Variable, role: &str) -> Option<Variable> {
        self.inner.slot(variable, role)
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        if self.keras3() {
            config.insert("name", self.name.as_str());
        }
        config.insert("inner_optimizer", self.inner.serialize());
        if !self.keras3() {
            config.insert("dynamic", self.dynamic);
        }
        config.insert("initial_scale", self.initial_scale);
        config.insert("dynamic_growth_steps", self.dynamic.then_some(self.growth));
        config
    }

    fn module(&self) -> &'static str {
        if self.keras3() { "keras.optimizers" } else { "keras.mixed_precision" }
    }

    fn finalize_variable_values(&self, variables: &[Variable]) {
        self.inner.finalize_variable_values(variables)
    }

    fn exclude_from_weight_decay(&self, variables: &[Variable], names: &[&str]) -> Result<()> {
        self.inner.exclude_from_weight_decay(variables, names)
    }

    fn loss_scale(&self) -> f64 {
        scalar(&self.scale).unwrap_or(self.initial_scale)
    }

    fn set_weights(&self, tensors: &[Tensor]) -> Result<()> {
        if !self.keras3() {
            return self.inner.set_weights(tensors);
        }
        let own = self.own();
        if tensors.len() < own.len() {
            return Err(Error::StateCount {
                optimizer: self.name.clone(),
                layout: "weights in the order of the Keras 3 form".into(),
                expected: own.len() + self.inner.variables().len(),
                found: tensors.len(),
                hint: String::new(),
            });
        }
        let (mine, rest) = tensors.split_at(own.len());
        for (variable, tensor) in own.iter().zip(mine) {
            if tensor.shape() != variable.shape() || tensor.dtype() != variable.dtype() {
                return Err(Error::StateShape {
                    optimizer: self.name.clone(),
                    variable: variable.name().into(),
                    place: "the wrapper's variables".into(),
                    expected: format!("{} {}", variable.dtype(), variable.shape()),
                    found: format!("{} {}", tensor.dtype(), tensor.shape()),
                });
            }
        }
        self.inner.set_weights(rest)?;
        for (variable, tensor) in own.iter().zip(mine) {
            variable.assign(tensor.clone())?;
        }
        Ok(())
    }

    fn load_state(&self, saved: &SavedState) -> Result<Migrated> {
        let (rest, own) = saved.without_wrapper();
        let writes = own
            .into_iter()
            .filter_map(|(role, tensor)| match role {
                "scale" => Some((&self.scale, tensor)),
                "good_steps" => Some((&self.good_steps, tensor)),
                _ => None,
            })
            .filter(|(variable, tensor)| tensor.shape() == variable.shape() && tensor.dtype() == variable.dtype())
            .collect::<Vec<_>>();
        let mut report = self.inner.load_state(&rest)?;
        for (variable, tensor) in writes {
            variable.assign(tensor)?;
            report.filled.push(variable.name().to_string());
        }
        Ok(report)
    }

    fn as_trackable(self: Arc<Self>) -> Arc<dyn Trackable> {
        self
    }
}

impl Trackable for Wrapper {
    fn children(&self) -> Vec<(String, Child)> {
        if !self.keras3() {
            // The wrapper takes the wrapped optimizer's place and adds its scale.
            let mut children = self.inner.children();
            if self.dynamic {
                let state = ScaleState { scale: self.scale.clone(), good_steps: self.good_steps.clone() };
                children.push(("loss_scale".into(), Child::Object(Arc::new(state))));
            }
            return children;
        }
        let list = |variables: Vec<Variable>| {
            Child::Object(Arc::new(TrackableList(variables.into_iter().map(Child::Variable).collect())))
        };
        let mut children = vec![("_variables".to_string(), list(self.own()))];
        if self.inner.built() {
            children.push(("_trainable_variables".into(), list(self.inner.model_variables())));
        }
        children.push(("_iterations".into(), Child::Variable(self.own_iterations.clone())));
        children.push(("_learning_rate".into(), Child::Variable(self.own_rate.clone())));
        children.push(("inner_optimizer".into(), Child::Object(self.inner.clone().as_trackable())));
        if self.inner.built() {
            children.push(("step_counter".into(), Child::Variable(self.good_steps.clone())));
            children.push(("dynamic_scale".into(), Child::Variable(self.scale.clone())));
        }
        children
    }

    fn slots(&self) -> Vec<Slot> {
        self.inner.slots()
    }

    fn on_create(&self, hook: CreateHook) {
        self.inner.on_create(hook);
    }
}

/// Keras 2.15's node for the scale.
struct ScaleState {
    scale: Variable,
    good_steps: Variable,
}

impl Trackable for ScaleState {
    fn children(&self) -> Vec<(String, Child)> {
        vec![
            ("current_loss_scale".into(), Child::Variable(self.scale.clone())),
            ("good_steps".into(), Child::Variable(self.good_steps.clone())),
        ]
    }
}
