//! A JSON value as Python's `json` module sees it.

mod config;
mod convert;
mod float;
mod parse;
mod write;

pub use config::Config;
pub use float::python_float;
pub use parse::Limits;
pub use write::Style;

use crate::{Error, Result};

/// A JSON value that keeps what Python's `json` keeps: key order, int against float, integers of any size,
/// `NaN` and infinities.
///
/// Equality ignores the order of keys (as Python's `dict` does) and tells `1` from `1.0`.
///
/// # Example
/// ```
/// use kerox_config_json::Value;
/// let value = Value::parse("[1, 1.0, 1e-07, NaN, 18446744073709551616]")?;
/// assert_eq!(value.to_string(), "[1, 1.0, 1e-07, NaN, 18446744073709551616]");
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// `null`, Python's `None`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not fit 64 bits, in decimal.
    BigInt(Box<str>),
    /// A number with a fraction or an exponent, or `NaN`, `Infinity`, `-Infinity`.
    Float(f64),
    /// A string.
    String(String),
    /// An array, Python's `list`.
    List(Vec<Value>),
    /// An object, Python's `dict`.
    Map(Config),
}

impl Value {
    /// Reads one JSON text with the default [`Limits`].
    ///
    /// # Errors
    /// [`Error::Syntax`] with line, column and byte; [`Error::Limit`] for hostile nesting or size.
    pub fn parse(text: &str) -> Result<Value> {
        parse::parse(text.as_bytes(), &Limits::default())
    }

    /// Reads one JSON text from bytes, which must be UTF-8 (a byte order mark is skipped).
    ///
    /// # Errors
    /// As [`Value::parse`], and [`Error::Encoding`].
    pub fn parse_bytes(bytes: &[u8], limits: &Limits) -> Result<Value> {
        parse::parse(bytes, limits)
    }

    /// Reads a document that may have been encoded twice: a JSON string that holds the JSON text (what
    /// `json.dump(model.to_json(), file)` leaves behind).
    ///
    /// # Errors
    /// As [`Value::parse_bytes`]; positions inside the inner text count from its own start.
    ///
    /// # Example
    /// ```
    /// use kerox_config_json::{Limits, Value};
    /// let value = Value::parse_document(br#""{\"class_name\": \"Sequential\"}""#, &Limits::default())?;
    /// assert_eq!(value.to_string(), r#"{"class_name": "Sequential"}"#);
    /// # Ok::<(), kerox_config_json::Error>(())
    /// ```
    pub fn parse_document(bytes: &[u8], limits: &Limits) -> Result<Value> {
        let mut value = parse::parse(bytes, limits)?;
        for _ in 0..2 {
            match &value {
                Value::String(inner) if inner.trim_start().starts_with(['{', '[', '"']) => {
                    value = parse::parse(inner.as_bytes(), limits)?;
                }
                _ => break,
            }
        }
        Ok(value)
    }

    /// Writes the value as `json.dumps` does in the given style.
    pub fn to_json(&self, style: Style) -> String {
        let mut text = String::new();
        write::write(self, style, 0, &mut text);
        text
    }

    /// The name of the kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a bool",
            Value::Int(_) | Value::BigInt(_) => "an integer",
            Value::Float(_) => "a float",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }

    /// A short text for messages: scalars as JSON (cut at 60 characters), lists and objects by size.
    pub fn describe(&self) -> String {
        match self {
            Value::List(items) if items.len() > 8 => format!("a list of {} values", items.len()),
            Value::List(items) if items.iter().any(|item| matches!(item, Value::List(_) | Value::Map(_))) => {
                format!("a list of {} values", items.len())
            }
            Value::Map(map) => match map.get("class_name").and_then(Value::as_str) {
                Some(class_name) => format!("an object of class `{}`", cut(class_name)),
                None => format!("an object with {} keys", map.len()),
            },
            Value::String(text) => Value::String(cut(text)).to_string(),
            Value::BigInt(digits) => cut(digits),
            other => other.to_string(),
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// The value of a bool.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self { Some(*value) } else { None }
    }

    /// An integer, or a float without fraction.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Float(value) if value.fract() == 0.0 && value.abs() < 9.0e15 => Some(*value as i64),
            _ => None,
        }
    }

    /// Any number as a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(value) => Some(*value as f64),
            Value::BigInt(digits) => digits.parse().ok(),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Value::List(items) = self { Some(items) } else { None }
    }

    /// The entries of an object.
    pub fn as_map(&self) -> Option<&Config> {
        if let Value::Map(map) = self { Some(map) } else { None }
    }

    /// The entries of an object, to change.
    pub fn as_map_mut(&mut self) -> Option<&mut Config> {
        if let Value::Map(map) = self { Some(map) } else { None }
    }

    /// The value under a key, when this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }
}

impl std::str::FromStr for Value {
    type Err = Error;

    fn from_str(text: &str) -> Result<Value> {
        Value::parse(text)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json(Style::Python))
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}
