//! Where the architectures of two files differ, and what their models were compiled with.

use kerox_config_json::{Form, Value as Json};

use super::super::{Result, compiled};
use super::sides::Side;

/// A line for each place.
pub(super) fn differences(a: &Side, b: &Side) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let same = a.package.config == b.package.config && a.package.training_config == b.package.training_config;
    if same || a.package.config.is_none() || b.package.config.is_none() {
        return Ok(lines);
    }
    for form in [Form::Keras3Keras, Form::Keras2Keras] {
        // As the layers write themselves, defaults and all, in a dialect that has all their classes.
        if let (Some(x), Some(y)) = (built(a, form), built(b, form)) {
            compare_json("$", &x, &y, &mut lines);
            if let (Some(x), Some(y)) = (compiled_with(a, form), compiled_with(b, form)) {
                compare_json("$.compile_config", &x, &y, &mut lines);
            }
            return Ok(lines);
        }
    }
    // Classes that are not known here: as the files have them.
    let written = |side: &Side| side.package.document().ok().and_then(|doc| doc.write(Form::Keras3Keras).ok());
    let (x, y) = match (written(a), written(b)) {
        (Some(x), Some(y)) => (x, y),
        _ => (a.package.config_json()?.unwrap_or(Json::Null), b.package.config_json()?.unwrap_or(Json::Null)),
    };
    compare_json("$", &x, &y, &mut lines);
    Ok(lines)
}

fn built(side: &Side, form: Form) -> Option<Json> {
    let model = side.model().ok()?;
    kerox_layers::models::to_document(model.network()).ok()?.write(form).ok()
}

/// The optimizer and the loss: generations of Keras write the same metrics under different names.
fn compiled_with(side: &Side, form: Form) -> Option<Json> {
    side.package.training_config.as_ref()?;
    let written = compiled::to_config(side.model().ok()?).ok()??.write(form).ok()?;
    let kept = ["optimizer", "loss", "loss_weights"].into_iter();
    let kept = kept.filter_map(|key| Some((key.to_owned(), written.get(key)?.clone())));
    Some(Json::Map(kept.collect()))
}

/// Keys that say who wrote a file, not what the model is.
const ORIGIN: &[&str] = &[
    "keras_version",
    "backend",
    "keras3",
    "compile_config",
    "build_config",
    "build_input_shape",
    "module",
    "registered_name",
    "shared_object_id",
];

fn compare_json(place: &str, a: &Json, b: &Json, lines: &mut Vec<String>) {
    match (a, b) {
        (Json::Map(x), Json::Map(y)) => {
            for (key, value) in x.iter().filter(|(key, _)| !ORIGIN.contains(key)) {
                let place = format!("{place}.{key}");
                match y.get(key) {
                    Some(other) => compare_json(&place, value, other, lines),
                    None if value.is_null() => {}
                    None => lines.push(format!("{place}: {} / nothing", short(value))),
                }
            }
            for (key, value) in
                y.iter().filter(|(key, value)| !ORIGIN.contains(key) && !x.contains_key(key) && !value.is_null())
            {
                lines.push(format!("{place}.{key}: nothing / {}", short(value)));
            }
        }
        (Json::List(x), Json::List(y)) if x.len() == y.len() => {
            for (i, (value, other)) in x.iter().zip(y).enumerate() {
                compare_json(&format!("{place}[{i}]"), value, other, lines);
            }
        }
        (Json::List(x), Json::List(y)) => lines.push(format!("{place}: {} entries / {}", x.len(), y.len())),
        _ if a == b || (a.as_f64().is_some() && a.as_f64() == b.as_f64()) => {}
        _ => lines.push(format!("{place}: {} / {}", short(a), short(b))),
    }
}

fn short(value: &Json) -> String {
    let text = value.to_json(kerox_config_json::Style::Python);
    if text.chars().count() > 80 { format!("{}...", text.chars().take(77).collect::<String>()) } else { text }
}
