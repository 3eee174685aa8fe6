//! Configs: Keras's JSON objects of constructor arguments.

use kerox_config_json::{Config, Object, Value};

use crate::{Error, Field, Result};

/// `{"module", "class_name", "config", "registered_name"}`.
pub(crate) fn object(module: &str, class_name: &str, config: Config) -> Value {
    let object = Config::new().with("module", module).with("class_name", class_name).with("config", config);
    object.with("registered_name", ()).into()
}

/// A class of the user's: module `null`, and the name it is registered under.
pub(crate) fn custom_object<T: 'static>(class_name: &str, config: Config) -> Value {
    let registered = kerox_config_json::registry::registered_name::<T>(class_name);
    Object::registered(class_name, config, registered.unwrap_or_else(|| class_name.to_owned())).to_value()
}

/// A number, without fraction where it has none.
fn count(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { (value as i64).into() } else { value.into() }
}

pub(crate) fn write_field(field: &Field<'_>) -> Value {
    match field {
        Field::Hyper(value) | Field::Float(value) => (**value).into(),
        Field::OptionalFloat(value) => (**value).into(),
        Field::Int(value) => (**value).into(),
        Field::Count(value) => count(**value),
        Field::OptionalString(value) => value.as_deref().into(),
        Field::Counts(values) => Value::List(values.iter().map(|v| count(*v)).collect()),
        Field::Floats(values) => values.as_slice().into(),
        Field::Bool(value) => (**value).into(),
        Field::Strings(values) => values.as_slice().into(),
    }
}

/// Sets an argument from its value in a config.
pub(crate) fn read_field(class: &str, key: &str, field: Field<'_>, value: &Value) -> Result<()> {
    let wrong = |expected: &str| {
        Err(Error::Argument {
            class: class.into(),
            argument: key.into(),
            expected: expected.into(),
            found: value.describe(),
        })
    };
    let floats = || value.as_list().and_then(|list| list.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>());
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
            let strings = value.as_list().map(|list| list.iter().map(|s| s.as_str().map(str::to_string)).collect());
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
    match config.keys().find(|key| !known.contains(key)) {
        Some(key) => Err(Error::UnknownKey { class: class.into(), key: shorten(key), known: known.join(", ") }),
        None => Ok(()),
    }
}

/// Text from files goes into messages up to a length.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(77) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.into(),
    }
}
