//! Configurations of any dialect to the neutral form.

use super::{keras1, quantized};
use crate::{Config, Object, Result, Value};

/// Classes that Keras 3.0 wrote under another name.
const CLASS_NAMES: &[(&str, &str)] = &[("OrthogonalInitializer", "Orthogonal"), ("IdentityInitializer", "Identity")];

/// Arguments that Keras 3 spells differently: class, Keras 3, neutral.
pub(super) const KERAS3_ARGUMENTS: &[(&str, &str, &str)] =
    &[("InputLayer", "batch_shape", "batch_input_shape"), ("LeakyReLU", "negative_slope", "alpha")];

/// Optimizer arguments of Keras up to 2.2.
const OLD_ARGUMENTS: &[(&str, &str)] = &[("lr", "learning_rate")];

const OPTIMIZERS: &[&str] =
    &["SGD", "RMSprop", "Adam", "Adadelta", "Adagrad", "Adamax", "Nadam", "Ftrl", "AdamW", "Adafactor", "Lion"];

/// Rewrites an object, and every object inside its configuration, to the neutral form.
///
/// # Errors
/// [`Error::Field`](crate::Error::Field) when a Keras 1 argument has no counterpart.
///
/// # Example
/// ```
/// use kerox_config_json::{Config, Object, dialect::normalize};
/// let mut object = Object::new("Convolution1D", Config::new().with("nb_filter", 8).with("filter_length", 3));
/// normalize(&mut object)?;
/// assert_eq!(object.to_value().to_string(), r#"{"class_name": "Conv1D", "config": {"filters": 8, "kernel_size": [3]}}"#);
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
pub fn normalize(object: &mut Object) -> Result<()> {
    if object.shorthand {
        return Ok(());
    }
    if let Some((_, now)) = CLASS_NAMES.iter().find(|(old, _)| *old == object.class_name) {
        object.class_name = (*now).into();
    }
    keras1::convert(object)?;
    let class_name = object.class_name.clone();
    let path = object.path.key("config");
    let Value::Map(config) = &mut object.config else { return Ok(()) };
    for (_, theirs, neutral) in KERAS3_ARGUMENTS.iter().filter(|(class, ..)| *class == class_name) {
        config.rename(theirs, neutral);
    }
    let optimizer = class_name.rsplit('>').next().unwrap_or(&class_name);
    if OPTIMIZERS.contains(&optimizer) {
        for (old, now) in OLD_ARGUMENTS {
            if !config.contains_key(now) {
                config.rename(old, now);
            }
        }
    }
    for (key, value) in config.iter_mut() {
        // The layers of nested models are normalized when they are read as layers.
        if !(is_model(&class_name) && key == "layers") {
            normalize_value(value, &path.key(key))?;
        }
    }
    Ok(())
}

fn is_model(class_name: &str) -> bool {
    matches!(class_name, "Sequential" | "Functional" | "Model")
}

fn normalize_value(value: &mut Value, path: &crate::Path) -> Result<()> {
    if let Some(name) = policy_name(value) {
        *value = Value::String(name);
        return Ok(());
    }
    if let Some(items) = tuple_items(value) {
        *value = Value::List(items.to_vec());
    }
    if keras1::is_regularizer_or_constraint(value) {
        keras1::convert_penalty(value);
        return Ok(());
    }
    if Object::is_object(value) {
        let mut object = Object::read(&crate::Node::at(value, path.clone()))?;
        normalize(&mut object)?;
        // A model inside another layer: nobody reads its layers one by one.
        let is_model = is_model(&object.class_name);
        if let Some(layers) =
            object.config.as_map_mut().filter(|_| is_model).and_then(|config| config.get_mut("layers"))
        {
            normalize_value(layers, &path.key("config").key("layers"))?;
        }
        *value = object.to_value();
        return Ok(());
    }
    match value {
        Value::List(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                normalize_value(item, &path.index(i))?;
            }
        }
        Value::Map(map) => {
            for (key, item) in map.iter_mut() {
                let path = path.key(key);
                normalize_value(item, &path)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The items of a tuple or shape as the metadata of a SavedModel have it: other files hold lists.
fn tuple_items(value: &Value) -> Option<&[Value]> {
    match value.get("class_name")?.as_str()? {
        "__tuple__" | "TensorShape" => value.get("items")?.as_list(),
        _ => None,
    }
}

/// The name of a dtype policy in an object that says nothing more: `mixed_float16`, `int8_from_float32`.
///
/// # Example
/// ```
/// use kerox_config_json::{Value, dialect::{dtype_policy, policy_name}};
/// let written = dtype_policy("int4/128_from_float32".into());
/// assert_eq!(written.get("class_name").unwrap().as_str(), Some("Int4DTypePolicy"));
/// assert_eq!(policy_name(&written).as_deref(), Some("int4/128_from_float32"));
/// ```
pub fn policy_name(value: &Value) -> Option<String> {
    let map = value.as_map()?;
    let class_name = map.get("class_name")?.as_str()?;
    let config: &Config = map.get("config")?.as_map()?;
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    match class_name {
        "DTypePolicy" | "Policy" | "PolicyV1" if config.len() == 1 => text("name").map(str::to_owned),
        class if quantized::is_policy(class) => quantized::name(class, config),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_are_lists() {
        let text = r#"{"axis": {"class_name": "__tuple__", "items": [1, {"class_name": "__tuple__", "items": []}]},
            "shape": {"class_name": "TensorShape", "items": [null, 2]}}"#;
        let Value::Map(config) = Value::parse(text).unwrap() else { panic!() };
        let mut object = Object::new("LayerNormalization", config);
        normalize(&mut object).unwrap();
        assert_eq!(object.config.to_string(), r#"{"axis": [1, []], "shape": [null, 2]}"#);
    }

    #[test]
    fn models_inside_layers_are_normalized() {
        let text = r#"{"layer": {"class_name": "Sequential", "config": {"layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [null, 2]}}]}}}"#;
        let mut object = Object::new("TimeDistributed", Value::parse(text).unwrap());
        normalize(&mut object).unwrap();
        assert!(object.config.to_string().contains(r#"{"batch_input_shape": [null, 2]}"#), "{}", object.config);
    }
}
