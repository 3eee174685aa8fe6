//! Configs: Keras's JSON objects of constructor arguments.

use serde_json::{Number, Value};

use crate::{Error, Field, Result};

/// The arguments of a constructor in the order of Keras's `get_config()`.
pub type Config = serde_json::Map<String, Value>;

/// `{"module", "class_name", "config", "registered_name"}`.
pub(crate) fn object(module: &str, class_name: &str, config: Config) -> Value {
    let mut object = Config::new();
    object.insert("module".into(), module.into());
    object.insert("class_name".into(), class_name.into());
    object.insert("config".into(), Value::Object(config));
    object.insert("registered_name".into(), Value::Null);
    Value::Object(object)
}

/// Keras's automatic name of a class: `RMSprop` becomes `rm_sprop`.
pub(crate) fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> = class_name.chars().collect();
    let mut name = String::new();
    for (i, &letter) in letters.iter().enumerate() {
        let begins_word = letter.is_uppercase() && letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        let ends_word = letter.is_uppercase() && i > 0 && letters[i - 1].is_lowercase();
        if i > 0 && (begins_word || ends_word) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// A number, `null` where JSON has none for it.
pub(crate) fn float(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// A number, without fraction where it has none.
fn count(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { (value as i64).into() } else { float(value) }
}

pub(crate) fn optional(value: Option<f64>) -> Value {
    value.map_or(Value::Null, float)
}

pub(crate) fn write_field(field: &Field<'_>) -> Value {
    match field {
        Field::Hyper(value) | Field::Float(value) => float(**value),
        Field::OptionalFloat(value) => optional(**value),
        Field::Int(value) => (**value).into(),
        Field::Count(value) => count(**value),
        Field::OptionalString(value) => value.as_deref().map_or(Value::Null, Value::from),
        Field::Counts(values) => Value::Array(values.iter().map(|v| count(*v)).collect()),
        Field::Floats(values) => Value::Array(values.iter().map(|v| float(*v)).collect()),
        Field::Bool(value) => (**value).into(),
        Field::Strings(values) => Value::Array(values.iter().map(|v| v.as_str().into()).collect()),
    }
}

/// Sets an argument from its value in a config.
pub(crate) fn read_field(class: &str, key: &str, field: Field<'_>, value: &Value) -> Result<()> {
    let wrong = |expected: &str| {
        Err(Error::Argument {
            class: class.into(),
            argument: key.into(),
            expected: expected.into(),
            found: shorten(value.to_string()),
        })
    };
    let floats = || value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>());
    match field {
        Field::Hyper(out) | Field::Float(out) | Field::Count(out) => match value.as_f64() {
            Some(number) => *out = number,
            None => return wrong("a number"),
        },
        Field::OptionalFloat(out) => match (value.as_f64(), value.is_null()) {
            (None, false) => return wrong("a number or null"),
            (number, _) => *out = number,
        },
        Field::Int(out) => match value.as_i64() {
            Some(number) => *out = number,
            None => return wrong("a whole number"),
        },
        Field::OptionalString(out) => match (value.as_str(), value.is_null()) {
            (None, false) => return wrong("a string or null"),
            (text, _) => *out = text.map(str::to_string),
        },
        Field::Counts(out) | Field::Floats(out) => match floats() {
            Some(numbers) => *out = numbers,
            None => return wrong("a list of numbers"),
        },
        Field::Bool(out) => match value.as_bool() {
            Some(flag) => *out = flag,
            None => return wrong("true or false"),
        },
        Field::Strings(out) => {
            let strings = value.as_array().map(|list| list.iter().map(|s| s.as_str().map(str::to_string)).collect());
            match strings {
                Some(Some(strings)) => *out = strings,
                _ if value.is_null() => out.clear(),
                _ => return wrong("a list of strings"),
            }
        }
    }
    Ok(())
}

/// Sets all arguments that a config names; keys that are neither arguments nor in `others` are refused.
pub(crate) fn read_fields(
    class: &str,
    config: &Config,
    fields: &mut dyn FnMut(&mut dyn FnMut(&'static str, Field<'_>)),
    others: &[&str],
) -> Result<()> {
    let mut known: Vec<&str> = others.to_vec();
    let mut result = Ok(());
    fields(&mut |key, field| {
        known.push(key);
        if let (Ok(()), Some(value)) = (&result, config.get(key)) {
            result = read_field(class, key, field, value);
        }
    });
    result?;
    match config.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Error::UnknownKey { class: class.into(), key: shorten(key.clone()), known: known.join(", ") }),
        None => Ok(()),
    }
}

/// Values from files go into messages up to a length.
fn shorten(mut text: String) -> String {
    if text.chars().count() > 80 {
        text = text.chars().take(77).collect::<String>() + "...";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_become_keras_3_names() {
        for (class, name) in [
            ("SGD", "sgd"),
            ("RMSprop", "rm_sprop"),
            ("AdamW", "adam_w"),
            ("ScheduleFreeAdamW", "schedule_free_adam_w"),
        ] {
            assert_eq!(snake_case(class), name);
        }
    }
}
