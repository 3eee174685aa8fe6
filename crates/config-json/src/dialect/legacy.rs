//! Optimizers of `keras.optimizers.legacy` as those that Keras 3 has.

use crate::{Config, Error, Object, Result, Value};

/// Legacy optimizers that go another way than the current ones of the same name, where an argument is not at a value:
/// class, argument, that value, and what differs.
const APART: &[(&str, &str, f64, &str)] = &[
    ("Adagrad", "epsilon", 0.0, "adds `epsilon` to the root, which Keras 3 adds under it"),
    ("Nadam", "decay", 1.0, "lets its momentum rise at another pace"),
];

/// Turns the arguments of a legacy optimizer into those of the current one that does the same steps: `decay` becomes the
/// schedule that divides the learning rate by `1 + decay * step`.
///
/// # Errors
/// [`Error::Dialect`] where the current one does other steps.
pub(crate) fn leave_legacy(class_name: &str, config: &mut Config) -> Result<()> {
    let number = |key: &str| config.get(key).and_then(Value::as_f64);
    let refuse = |expected: String, found: String| {
        Err(Error::Dialect {
            class_name: format!("optimizer `{class_name}`"),
            dialect: "keras3",
            expected,
            found,
            help: "compile with the current optimizer of this name".into(),
        })
    };
    let differs = APART.iter().find(|(class, key, same, _)| *class == class_name && number(key) != Some(*same));
    if let Some((.., how)) = differs {
        return refuse("an optimizer that does the same steps".into(), format!("a legacy optimizer, which {how}"));
    }
    if class_name == "RMSprop" && number("momentum") == Some(0.0) && number("epsilon") != Some(0.0) {
        let found = "a legacy optimizer without momentum, which adds `epsilon` to the root, not under it";
        return refuse("an optimizer that does the same steps".into(), found.into());
    }
    let decay = config.remove("decay").and_then(|decay| decay.as_f64()).unwrap_or(0.0);
    if class_name == "Nadam" || decay == 0.0 {
        return Ok(());
    }
    let rate = config.get("learning_rate").cloned().unwrap_or_default();
    if rate.as_f64().is_none() {
        return refuse("a schedule or `decay`".into(), format!("a schedule and a `decay` of {decay}"));
    }
    let schedule = Config::new()
        .with("initial_learning_rate", rate)
        .with("decay_steps", 1)
        .with("decay_rate", decay)
        .with("staircase", false)
        .with("name", "InverseTimeDecay");
    config.insert(
        "learning_rate",
        Object::builtin("keras.optimizers.schedules", "InverseTimeDecay", schedule).to_value(),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(class_name: &str, config: &str) -> Result<String> {
        let Value::Map(mut config) = Value::parse(config)? else { panic!("a configuration") };
        leave_legacy(class_name, &mut config)?;
        Ok(Value::from(config).to_string())
    }

    #[test]
    fn decay_is_a_schedule() {
        assert_eq!(left("SGD", r#"{"learning_rate": 0.1, "decay": 0.0}"#).unwrap(), r#"{"learning_rate": 0.1}"#);
        let found = left("SGD", r#"{"learning_rate": 0.1, "decay": 0.01}"#).unwrap();
        assert!(
            found.contains(r#""class_name": "InverseTimeDecay""#) && found.contains(r#""decay_rate": 0.01"#),
            "{found}"
        );
    }

    #[test]
    fn other_steps_are_refused() {
        for (class_name, config) in [
            ("Adagrad", r#"{"learning_rate": 0.1, "decay": 0.0, "epsilon": 1e-7}"#),
            ("Nadam", r#"{"learning_rate": 0.1, "decay": 0.004}"#),
            ("RMSprop", r#"{"learning_rate": 0.1, "decay": 0.0, "momentum": 0.0, "epsilon": 1e-7}"#),
        ] {
            let error = left(class_name, config).unwrap_err().to_string();
            assert!(error.contains(&format!("`{class_name}`")) && error.contains("a legacy optimizer"), "{error}");
        }
        assert!(left("RMSprop", r#"{"decay": 0.0, "momentum": 0.5, "epsilon": 1e-7}"#).is_ok());
    }
}
