//! What documents of Keras 3 say in the words of Keras 2 and mean otherwise.

use super::activations::{KERAS3_HARD_SIGMOID, is_activation};
use super::keras3_layers;
use crate::model::{Form, Generation};
use crate::{Config, Error, Result, Value};

/// The argument `activity_regularizer` of Keras 3's `MultiHeadAttention` in neutral form: there it is given to the
/// projections inside, in Keras 2 to the layer.
const PROJECTIONS: &str = "projections_activity_regularizer";

const BATCH_NORMALIZATION: &str = "BatchNormalization";
const MULTI_HEAD_ATTENTION: &str = "MultiHeadAttention";

/// The class of a built-in layer of Keras 3 whose configuration [`read_keras3`] changes.
fn other_class(map: &Config) -> Option<&str> {
    let is_own = map.get("registered_name").is_none_or(Value::is_null);
    let config = map.get("config")?.as_map()?;
    let class_name = map.get("class_name")?.as_str().filter(|_| is_own)?;
    match class_name {
        BATCH_NORMALIZATION if !config.contains_key("fused") => Some(class_name),
        MULTI_HEAD_ATTENTION
            if config.get("activity_regularizer").is_some_and(|value| !value.is_null())
                || config.get("attention_axes").is_some_and(has_negative) =>
        {
            Some(class_name)
        }
        _ => None,
    }
}

fn has_negative(axes: &Value) -> bool {
    match axes {
        Value::List(axes) => axes.iter().any(has_negative),
        axis => axis.as_i64().is_some_and(|axis| axis < 0),
    }
}

/// Counts the attended axes from the end of the projected query, which has one more axis than what Keras 3 counts, or
/// back.
fn move_negative(config: &mut Config, by: i64) {
    let moved = |axis: &Value| match axis.as_i64() {
        Some(number) if number < 0 => Value::from(number.saturating_add(by)),
        _ => axis.clone(),
    };
    if let Some(axes) = config.get_mut("attention_axes") {
        *axes = match &*axes {
            Value::List(axes) => Value::List(axes.iter().map(moved).collect()),
            axis => moved(axis),
        };
    }
}

/// Whether a document of Keras 3 has something in it that [`read_keras3`] changes.
pub(crate) fn differs_in_keras3(value: &Value) -> bool {
    let differs = |(key, item): (&str, &Value)| {
        is_activation(key) && item.as_str() == Some("hard_sigmoid") || differs_in_keras3(item)
    };
    match value {
        Value::List(items) => items.iter().any(differs_in_keras3),
        Value::Map(map) => other_class(map).is_some() || keras3_layers::is_different(map) || map.iter().any(differs),
        _ => false,
    }
}

/// Gives what a document of Keras 3 means otherwise than Keras 2 its neutral form: activations their names,
/// `BatchNormalization` the argument `fused` of Keras 2 (without it the moving variance is the biased one and masks
/// count), and `MultiHeadAttention` another name for the regularizer that it hands on, and axes from the end counted
/// with that of the heads. Layers that compute otherwise under the same name are marked.
///
/// # Example
/// ```
/// use kerox_config_json::{Value, dialect::read_keras3};
/// let mut layer = Value::parse(r#"{"class_name": "BatchNormalization", "config": {"axis": -1}}"#)?;
/// read_keras3(&mut layer);
/// assert_eq!(layer.to_string(), r#"{"class_name": "BatchNormalization", "config": {"axis": -1, "fused": false}}"#);
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
pub fn read_keras3(value: &mut Value) {
    match value {
        Value::List(items) => items.iter_mut().for_each(read_keras3),
        Value::Map(map) => {
            let class_name = other_class(map).map(str::to_owned);
            if let (Some(class_name), Some(Value::Map(config))) = (class_name, map.get_mut("config")) {
                match class_name.as_str() {
                    BATCH_NORMALIZATION => drop(config.insert("fused", false)),
                    _ => {
                        if config.get("activity_regularizer").is_some_and(|value| !value.is_null()) {
                            config.rename("activity_regularizer", PROJECTIONS);
                        }
                        move_negative(config, -1);
                    }
                }
            }
            keras3_layers::mark(map);
            for (key, item) in map.iter_mut() {
                if is_activation(key) && item.as_str() == Some("hard_sigmoid") {
                    *item = KERAS3_HARD_SIGMOID.into();
                } else {
                    read_keras3(item);
                }
            }
        }
        _ => {}
    }
}

/// Gives the arguments that [`read_keras3`] has changed their words in a form; `translate` when they come from the other
/// generation.
///
/// # Errors
/// [`Error::Dialect`] when that Keras cannot say it.
pub(super) fn express(class_name: &str, config: &mut Config, form: Form, translate: bool) -> Result<()> {
    let keras3 = form.generation() == Generation::Keras3;
    if class_name == BATCH_NORMALIZATION && keras3 {
        config.remove("fused");
    } else if class_name == BATCH_NORMALIZATION && config.get("renorm").and_then(Value::as_bool) != Some(true) {
        // Keras 2 writes these only where they have a say.
        for key in ["renorm", "renorm_clipping", "renorm_momentum"] {
            config.remove(key);
        }
    }
    if class_name != MULTI_HEAD_ATTENTION {
        return Ok(());
    }
    if keras3 {
        move_negative(config, 1);
    }
    let is_given = |key: &str| config.get(key).is_some_and(|value| !value.is_null());
    let found = match (is_given(PROJECTIONS), is_given("activity_regularizer")) {
        (true, true) => "one for the layer and one for its projections",
        (true, false) if !keras3 => "one for the projections, as in Keras 3",
        (false, true) if keras3 && translate => "one for the layer alone, as in Keras 2",
        (true, false) => {
            config.remove("activity_regularizer");
            config.rename(PROJECTIONS, "activity_regularizer");
            return Ok(());
        }
        (false, _) => {
            config.remove(PROJECTIONS);
            return Ok(());
        }
    };
    Err(Error::Dialect {
        class_name: format!("`{class_name}`"),
        dialect: form.dialect(),
        expected: "no `activity_regularizer`, which means something else in each Keras".into(),
        found: found.into(),
        help: "take it out, or write the model in its own dialect".into(),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Form, ModelDocument};

    fn document(layer: &str) -> ModelDocument {
        let text = format!(
            r#"{{"class_name": "Sequential", "config": {{"name": "s", "layers": [{{"class_name": "InputLayer", "config":
            {{"batch_shape": [null, 2], "name": "i"}}}}, {layer}]}}, "keras_version": "3.15.1"}}"#
        );
        ModelDocument::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_biased_variance_of_keras_3_is_said_to_keras_2() {
        let layer =
            r#"{"class_name": "BatchNormalization", "config": {"name": "b", "axis": -1}, "registered_name": null}"#;
        let document = document(layer);
        let written = |form| document.write(form).unwrap().to_string();
        assert!(!written(Form::Keras3Keras).contains("fused"));
        for form in [Form::Keras2H5, Form::Keras2Keras] {
            assert!(written(form).contains(r#""fused": false"#));
        }
    }

    #[test]
    fn a_regularizer_of_projections_is_said_to_keras_3_alone() {
        let layer = r#"{"class_name": "MultiHeadAttention", "config": {"name": "m", "num_heads": 1, "key_dim": 2,
            "activity_regularizer": {"class_name": "L2", "config": {"l2": 0.1}}}}"#;
        let document = document(layer);
        let text = document.write(Form::Keras3Keras).unwrap().to_string();
        assert!(text.contains(r#""activity_regularizer": {"#) && !text.contains("projections"), "{text}");
        assert_eq!(
            document.write(Form::Keras2Keras).unwrap_err().to_string(),
            "write `MultiHeadAttention` as keras2: expected no `activity_regularizer`, which means something else in each \
             Keras, found one for the projections, as in Keras 3; take it out, or write the model in its own dialect"
        );
    }
}
