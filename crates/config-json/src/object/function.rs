//! Functions inside configurations: by name they are found, as code they are refused.

use super::encoded::refuse_code;
use crate::{Fields, Node, Result, Value};

/// The function of a `Lambda` layer (or of any field) by name.
///
/// | form | result |
/// |---|---|
/// | `"relu"` | the name |
/// | `{"module", "class_name": "function", "config": "name"}` | the name |
/// | `{"class_name": "__lambda__", ..}` | refused |
/// | `["4wEAAAA...", null, null]` with `function_type` `lambda` | refused |
///
/// # Errors
/// [`Error::Code`](crate::Error::Code) for marshalled Python code, which is never decoded;
/// [`Error::Field`](crate::Error::Field) for anything else.
///
/// # Example
/// ```
/// use kerox_config_json::{Config, Fields, function_name};
/// let config = Config::new().with("function", "my_scaling").with("function_type", "function");
/// assert_eq!(function_name(&Fields::of(&config), "function")?, "my_scaling");
/// let config = Config::new().with("function", vec!["4wEAAA=="]).with("function_type", "lambda");
/// assert!(function_name(&Fields::of(&config), "function").is_err());
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
pub fn function_name<'a>(fields: &Fields<'a>, key: &str) -> Result<&'a str> {
    let node = fields.required(key)?;
    let kind = fields.get(&format!("{key}_type"));
    if kind.is_some_and(|kind| kind.value().as_str() == Some("lambda")) {
        return Err(refuse_code(&node, "Lambda"));
    }
    match node.value() {
        Value::String(name) => Ok(name),
        Value::List(_) => Err(refuse_code(&node, "Lambda")),
        Value::Map(map) => match map.get("class_name").and_then(Value::as_str) {
            Some("__lambda__") => Err(refuse_code(&node, "__lambda__")),
            Some("function") => named(&node),
            _ => Err(node.expected("a function by name")),
        },
        _ => Err(node.expected("a function by name")),
    }
}

fn named<'a>(node: &Node<'a>) -> Result<&'a str> {
    match node.required("config")?.value() {
        Value::String(name) => Ok(name),
        _ => node.required("registered_name")?.str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<String> {
        let value = Value::parse(text).unwrap();
        function_name(&Node::root(&value).fields()?, "function").map(str::to_owned)
    }

    #[test]
    fn forms() {
        let named = r#"{"function": {"module": "builtins", "class_name": "function", "config": "euclid", "registered_name": "function"}}"#;
        assert_eq!(check(named).unwrap(), "euclid");
        assert_eq!(check(r#"{"function": "euclid", "function_type": "function"}"#).unwrap(), "euclid");
        for code in [
            r#"{"function": {"class_name": "__lambda__", "config": {"value": "4wE="}}}"#,
            r#"{"function": ["4wE=", null, null], "function_type": "lambda"}"#,
            r#"{"function": "4wE=", "function_type": "lambda"}"#,
        ] {
            let message = check(code).unwrap_err().to_string();
            assert!(
                message.starts_with("read config field `function` at $.function: expected plain configuration"),
                "{message}"
            );
        }
        assert!(check(r#"{"function": 5}"#).is_err());
    }
}
