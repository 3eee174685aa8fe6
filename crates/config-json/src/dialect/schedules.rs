//! Names of learning-rate schedules.

use crate::model::{Form, Generation};
use crate::{Config, Value};

/// What Keras 3 puts for the name of a schedule that was not given one; Keras 2 leaves it `null`.
const NAMES: &[(&str, &str)] = &[
    ("CosineDecay", "CosineDecay"),
    ("CosineDecayRestarts", "SGDRDecay"),
    ("ExponentialDecay", "ExponentialDecay"),
    ("InverseTimeDecay", "InverseTimeDecay"),
    ("LinearCosineDecay", "LinearCosineDecay"),
    ("PiecewiseConstantDecay", "PiecewiseConstant"),
    ("PolynomialDecay", "PolynomialDecay"),
];

/// The name that Keras 3 gives a schedule of this class.
///
/// # Example
/// ```
/// use kerox_config_json::dialect::keras3_schedule_name;
/// assert_eq!(keras3_schedule_name("CosineDecayRestarts"), Some("SGDRDecay"));
/// assert_eq!(keras3_schedule_name("Warmup"), None);
/// ```
pub fn keras3_schedule_name(class_name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(class, _)| *class == class_name).map(|(_, name)| *name)
}

/// Gives the schedule of an optimizer that comes from the other Keras the name that this one would have given it.
pub(crate) fn express_schedule(optimizer: &mut Config, form: Form) {
    let Some(Value::Map(schedule)) = optimizer.get_mut("learning_rate") else { return };
    let Some(usual) = schedule.get("class_name").and_then(Value::as_str).and_then(keras3_schedule_name) else { return };
    let Some(config) = schedule.get_mut("config").and_then(Value::as_map_mut) else { return };
    match (config.get("name"), form.generation()) {
        (Some(Value::Null), Generation::Keras3) => drop(config.insert("name", usual)),
        (Some(Value::String(name)), Generation::Keras2) if name == usual => drop(config.insert("name", Value::Null)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: Value, form: Form, expected: Value) {
        let schedule = Config::new().with("name", name);
        let schedule = Config::new().with("class_name", "CosineDecayRestarts").with("config", schedule);
        let mut optimizer = Config::new().with("learning_rate", schedule);
        express_schedule(&mut optimizer, form);
        let schedule = optimizer.get("learning_rate").and_then(|schedule| schedule.get("config"));
        assert_eq!(schedule.and_then(|config| config.get("name")), Some(&expected));
    }

    #[test]
    fn only_the_usual_name_comes_and_goes() {
        check(Value::Null, Form::Keras3Keras, "SGDRDecay".into());
        check("mine".into(), Form::Keras3Keras, "mine".into());
        check("SGDRDecay".into(), Form::Keras2Keras, Value::Null);
        check("mine".into(), Form::Keras2H5, "mine".into());
    }
}
