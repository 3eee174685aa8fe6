//! Values as text, as Python's `json.dumps` writes it.

use crate::{Value, python_float};

/// How JSON text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// `json.dumps(value)`: separators `, ` and `: `. What Keras writes.
    #[default]
    Python,
    /// `json.dumps(value, separators=(",", ":"))`.
    Compact,
    /// `json.dumps(value, indent=n)`.
    Indent(usize),
}

pub(super) fn write(value: &Value, style: Style, level: usize, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Int(value) => text.push_str(&value.to_string()),
        Value::BigInt(digits) => text.push_str(digits),
        Value::Float(value) => text.push_str(&python_float(*value)),
        Value::String(value) => write_string(value, text),
        Value::List(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                separate(i, style, level + 1, text);
                write(item, style, level + 1, text);
            }
            close(items.is_empty(), style, level, text);
            text.push(']');
        }
        Value::Map(map) => {
            text.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                separate(i, style, level + 1, text);
                write_string(key, text);
                text.push_str(if style == Style::Compact { ":" } else { ": " });
                write(item, style, level + 1, text);
            }
            close(map.is_empty(), style, level, text);
            text.push('}');
        }
    }
}

fn separate(i: usize, style: Style, level: usize, text: &mut String) {
    match style {
        Style::Python if i > 0 => text.push_str(", "),
        Style::Compact if i > 0 => text.push(','),
        Style::Python | Style::Compact => {}
        Style::Indent(width) => {
            text.push_str(if i > 0 { ",\n" } else { "\n" });
            text.extend(std::iter::repeat_n(' ', width * level));
        }
    }
}

fn close(empty: bool, style: Style, level: usize, text: &mut String) {
    if let (Style::Indent(width), false) = (style, empty) {
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', width * level));
    }
}

fn write_string(value: &str, text: &mut String) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        let value = Value::parse(r#"{"a": [1, {}], "b": [], "c": {"d": null}}"#).unwrap();
        assert_eq!(value.to_json(Style::Compact), r#"{"a":[1,{}],"b":[],"c":{"d":null}}"#);
        // json.dumps(value, indent=2)
        let indented = "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": [],\n  \"c\": {\n    \"d\": null\n  }\n}";
        assert_eq!(value.to_json(Style::Indent(2)), indented);
    }

    #[test]
    fn strings_are_ascii() {
        // json.dumps('é€😀\x00\x1f\x7f\u2028"\\/\b\f\n\r\t')
        let value = Value::from("é€😀\0\u{1f}\u{7f}\u{2028}\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(value.to_string(), r#""\u00e9\u20ac\ud83d\ude00\u0000\u001f\u007f\u2028\"\\/\b\f\n\r\t""#);
    }
}
