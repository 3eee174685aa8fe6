//! Functions of losses and metrics under the names that Keras 3 knows.

use crate::{Config, Object, Value};

/// Names of Keras 2 that Keras 3 does not know: the name that it does.
const RENAMED: &[(&str, &str)] = &[
    ("cosine_proximity", "cosine_similarity"),
    ("huber_loss", "huber"),
    ("kullback_leibler_divergence", "kl_divergence"),
    ("logcosh", "log_cosh"),
];

/// Short names, which Keras 3 understands in `compile` and not when it reads a loss from HDF5.
const SHORT: &[(&str, &str)] = &[
    ("BCE", "binary_crossentropy"),
    ("KLD", "kl_divergence"),
    ("MAE", "mean_absolute_error"),
    ("MAPE", "mean_absolute_percentage_error"),
    ("MSE", "mean_squared_error"),
    ("MSLE", "mean_squared_logarithmic_error"),
    ("bce", "binary_crossentropy"),
    ("kld", "kl_divergence"),
    ("mae", "mean_absolute_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("mse", "mean_squared_error"),
    ("msle", "mean_squared_logarithmic_error"),
];

/// Losses that Keras 3 has no metric of the same name for: as a metric they are a function in a wrapper.
const NO_METRIC: &[&str] =
    &["binary_focal_crossentropy", "categorical_focal_crossentropy", "huber", "kld", "KLD", "log_cosh"];

fn in_table(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, theirs)| *theirs)
}

/// A loss by name, as Keras 3 finds it.
pub(crate) fn keras3_loss(name: &str, is_h5: bool) -> Option<&'static str> {
    in_table(RENAMED, name).or_else(|| in_table(SHORT, name).filter(|_| is_h5))
}

/// A metric by name, where Keras 3 does not find it: the function in a wrapper that bears the name.
pub(crate) fn keras3_metric(name: &str) -> Option<Object> {
    let function = in_table(RENAMED, name).or_else(|| {
        NO_METRIC.iter().find(|known| **known == name).map(|known| in_table(SHORT, known).unwrap_or(known))
    })?;
    let config = Config::new().with("name", name).with("dtype", "float32").with("fn", function);
    let mut object = Object::builtin("keras.metrics", "MeanMetricWrapper", config);
    wrap_for_keras3(&mut object);
    Some(object)
}

/// A function that is a metric, under its own name: Keras 3 has an object where Keras 2 has the function's name.
pub(crate) fn wrap_for_keras3(object: &mut Object) {
    let Value::Map(config) = &mut object.config else { return };
    let Some(function) = config.get("fn").and_then(Value::as_str).map(str::to_owned) else { return };
    let function = in_table(RENAMED, &function).unwrap_or(&function);
    // Keras 3 has the first as a class alone, and takes the second for the loss, which has the other sign.
    let class = match function {
        "accuracy" => Some("Accuracy"),
        "cosine_similarity" => Some("CosineSimilarity"),
        _ => None,
    };
    if let Some(class) = class {
        config.remove("fn");
        object.class_name = class.into();
    } else {
        let function = Object::function(function).to_value();
        config.insert("fn", function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(keras3_loss("mse", true), Some("mean_squared_error"));
        assert_eq!(keras3_loss("mse", false), None);
        assert_eq!(keras3_loss("huber_loss", false), Some("huber"));
        assert!(keras3_metric("mse").is_none());
        let metric = keras3_metric("kld").unwrap();
        let function = metric.config.get("fn").and_then(|function| function.get("config"));
        assert_eq!(function.and_then(Value::as_str), Some("kl_divergence"));
        assert_eq!(keras3_metric("cosine_proximity").unwrap().class_name, "CosineSimilarity");
    }
}
