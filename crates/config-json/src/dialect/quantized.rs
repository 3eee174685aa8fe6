//! Dtype policies of quantized layers, which Keras 3 alone has: an object in files, a name such as `int8_from_float32`
//! everywhere else.

use crate::{Config, Object, Value};

/// How the mode begins, and the class of its policies.
const CLASSES: [(&str, &str); 5] = [
    ("int4/", "Int4DTypePolicy"),
    ("gptq/", "GPTQDTypePolicy"),
    ("awq/", "AWQDTypePolicy"),
    ("int8", "QuantizedDTypePolicy"),
    ("int4", "QuantizedDTypePolicy"),
];

/// Whether the class is one of them.
pub(super) fn is_policy(class_name: &str) -> bool {
    CLASSES.iter().any(|(_, class)| *class == class_name)
}

/// The name of a policy.
pub(super) fn name(mode: &str, source: &str) -> String {
    format!("{mode}_from_{source}")
}

/// The policy of that name as Keras 3 writes it; `None` where it is not that of a quantized layer.
pub(super) fn policy(name: &str) -> Option<Value> {
    let (mode, source) = name.split_once("_from_")?;
    let (_, class_name) = CLASSES.iter().find(|(start, _)| mode.starts_with(start))?;
    let config = Config::new().with("mode", mode).with("source_name", source);
    Some(Object::builtin("keras.dtype_policies", *class_name, config).to_value())
}
