//! Learning rates as functions of the number of steps.

mod cosine_decay;
mod cosine_decay_restarts;
mod exponential_decay;
mod from_fn;
mod inverse_time_decay;
mod linear_cosine_decay;
mod piecewise_constant_decay;
mod polynomial_decay;
mod schedule;

use std::sync::Arc;

pub use cosine_decay::CosineDecay;
pub use cosine_decay_restarts::CosineDecayRestarts;
pub use exponential_decay::ExponentialDecay;
pub use from_fn::{FnSchedule, from_fn};
pub use inverse_time_decay::InverseTimeDecay;
pub use linear_cosine_decay::LinearCosineDecay;
pub use piecewise_constant_decay::PiecewiseConstantDecay;
pub use polynomial_decay::PolynomialDecay;
pub use schedule::Schedule;

use kerox_config_json::dialect::keras3_schedule_name;
use kerox_config_json::registry::get_registered_object;
use kerox_config_json::{Config, Value};

use crate::config;
use crate::{Error, Field, Form, Result};

/// A schedule whose arguments are listed, so that configs are read and written from one declaration.
trait Declared: Schedule + Clone + Default + 'static {
    /// Keras's class name.
    const CLASS: &'static str;
    fn fields(&mut self, visit: &mut dyn FnMut(&'static str, Field<'_>));
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

fn write<S: Declared>(schedule: &S, form: Form) -> Config {
    let mut config = Config::new();
    schedule.clone().fields(&mut |key, field| {
        let value = match field {
            Field::OptionalString(None) if form == Form::Keras3 => keras3_schedule_name(S::CLASS).into(),
            field => config::write_field(&field),
        };
        config.insert(key, value);
    });
    config
}

fn read<S: Declared>(given: &Config) -> Result<Arc<dyn Schedule>> {
    let mut schedule = S::default();
    config::read_fields(S::CLASS, given, &mut |visit| schedule.fields(visit), &[])?;
    schedule.check()?;
    Ok(Arc::new(schedule))
}

/// A schedule's constructor: the entry for `custom_objects`.
pub type ScheduleConstructor = fn(&Config) -> Result<Arc<dyn Schedule>>;

/// Every schedule, by class name.
const SCHEDULES: &[(&str, ScheduleConstructor)] = &[
    (CosineDecay::CLASS, read::<CosineDecay>),
    (CosineDecayRestarts::CLASS, read::<CosineDecayRestarts>),
    (ExponentialDecay::CLASS, read::<ExponentialDecay>),
    (InverseTimeDecay::CLASS, read::<InverseTimeDecay>),
    (LinearCosineDecay::CLASS, read::<LinearCosineDecay>),
    (PiecewiseConstantDecay::CLASS, read::<PiecewiseConstantDecay>),
    (PolynomialDecay::CLASS, read::<PolynomialDecay>),
];

/// The class names of the schedules there are.
pub fn class_names() -> Vec<&'static str> {
    SCHEDULES.iter().map(|(name, _)| *name).collect()
}

/// Writes `{module, class_name, config, registered_name}`; one of the user's goes by its registered name.
///
/// # Source
/// `keras.optimizers.schedules.serialize`.
pub fn serialize(schedule: &dyn Schedule, form: Form) -> Value {
    let (class_name, config) = (schedule.class_name(), schedule.config(form));
    match SCHEDULES.iter().any(|(name, _)| *name == class_name) {
        true => config::object("keras.optimizers.schedules", class_name, config),
        false => config::custom_object::<ScheduleConstructor>(class_name, config),
    }
}

/// Reads `{class_name, config}` in any dialect.
///
/// # Errors
/// As [`from_config`]; [`Error::Argument`] for what is no such object.
///
/// # Source
/// `keras.optimizers.schedules.deserialize`.
pub fn deserialize(saved: &Value) -> Result<Arc<dyn Schedule>> {
    let text = |key: &str| saved.get(key).and_then(Value::as_str);
    match (text("registered_name").or_else(|| text("class_name")), saved.get("config").and_then(Value::as_map)) {
        (Some(name), Some(config)) => from_config(name, config),
        _ => Err(Error::Argument {
            class: "schedule".into(),
            argument: "config".into(),
            expected: "an object with class_name and config".into(),
            found: saved.describe(),
        }),
    }
}

/// Makes a schedule from class name and config.
///
/// # Errors
/// [`Error::UnknownClass`], [`Error::UnknownKey`], [`Error::Argument`].
///
/// # Example
/// ```
/// use kerox_optim::{Config, schedules};
///
/// let config = Config::new().with("initial_learning_rate", 0.1).with("decay_steps", 1000).with("decay_rate", 0.96);
/// assert_eq!(schedules::from_config("ExponentialDecay", &config)?.learning_rate(0), 0.1f32 as f64);
/// # Ok::<(), kerox_optim::Error>(())
/// ```
pub fn from_config(class_name: &str, config: &Config) -> Result<Arc<dyn Schedule>> {
    let bare = class_name.rsplit('>').next().unwrap_or(class_name);
    let custom = [class_name, bare].into_iter().find_map(get_registered_object::<ScheduleConstructor>);
    if let Some(make) = custom {
        return make(config);
    }
    match SCHEDULES.iter().find(|(name, _)| *name == bare) {
        Some((_, make)) => make(config),
        None => Err(Error::UnknownClass {
            kind: "learning-rate schedule",
            name: class_name.into(),
            known: class_names().join(", "),
            hint: String::new(),
        }),
    }
}
