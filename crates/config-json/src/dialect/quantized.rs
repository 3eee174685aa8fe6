//! Dtype policies of quantized layers, which Keras 3 alone has: an object in files, a name such as `int8_from_float32`
//! everywhere else.

use crate::{Config, Object, Value};

/// How the mode begins, and the class of its policies.
const CLASSES: [(&str, &str); 6] = [
    ("int4/", "Int4DTypePolicy"),
    ("gptq/", "GPTQDTypePolicy"),
    ("awq/", "AWQDTypePolicy"),
    ("float8", FLOAT8),
    ("int8", "QuantizedDTypePolicy"),
    ("int4", "QuantizedDTypePolicy"),
];

/// The class whose policies have a length beside the mode; in names it stands behind the mode where it is not Keras's.
const FLOAT8: &str = "QuantizedFloat8DTypePolicy";
const HISTORY: (&str, i64) = ("amax_history_length", 1024);

/// Whether the class is one of them.
pub(super) fn is_policy(class_name: &str) -> bool {
    CLASSES.iter().any(|(_, class)| *class == class_name)
}

/// The name of a policy with such a configuration; `None` where it says something else.
pub(super) fn name(class_name: &str, config: &Config) -> Option<String> {
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let (mode, source) = (text("mode")?, text("source_name")?);
    match (class_name, config.len(), config.get(HISTORY.0).map(Value::as_i64)) {
        (FLOAT8, 2, None) => Some(format!("{mode}_from_{source}")),
        (FLOAT8, 3, Some(Some(length))) if length == HISTORY.1 => Some(format!("{mode}_from_{source}")),
        (FLOAT8, 3, Some(Some(length))) => Some(format!("{mode}/{length}_from_{source}")),
        (FLOAT8, ..) => None,
        (_, 2, _) => Some(format!("{mode}_from_{source}")),
        _ => None,
    }
}

/// The policy of that name as Keras 3 writes it; `None` where it is not that of a quantized layer.
pub(super) fn policy(name: &str) -> Option<Value> {
    let (mode, source) = name.split_once("_from_")?;
    let (_, class_name) = CLASSES.iter().find(|(start, _)| mode.starts_with(start))?;
    let (mode, length) = match mode.split_once('/') {
        Some((mode, length)) if *class_name == FLOAT8 => (mode, length.parse().ok()?),
        _ => (mode, HISTORY.1),
    };
    let length = (*class_name == FLOAT8).then_some(length);
    let config = Config::new().with("mode", mode).with("source_name", source).with_some(HISTORY.0, length);
    Some(Object::builtin("keras.dtype_policies", *class_name, config).to_value())
}
