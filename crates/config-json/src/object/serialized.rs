//! `{module, class_name, config, registered_name}` and its older and shorter forms.

use crate::node::Path;
use crate::registry::registered_name;
use crate::{Config, CustomObjects, Fields, Lookup, Node, Registry, Result, Value};

/// A serialized object of any dialect.
///
/// | form in the file | read as |
/// |---|---|
/// | `"relu"` | `class_name` `relu`, empty config, `shorthand` |
/// | `{"class_name", "config"}` | without module (Keras up to 2.11, layers in HDF5) |
/// | `{"module", "class_name", "config", "registered_name", ..}` | all of it |
/// | `{"module": "builtins", "class_name": "function", "config": "my_activation", ..}` | `class_name` `function`, config a string |
///
/// # Example
/// ```
/// use kerox_config_json::{Node, Object, Value};
/// let value = Value::parse(r#"{"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": null}"#)?;
/// let object = Object::read(&Node::root(&value))?;
/// assert_eq!(object.name(), "Zeros");
/// assert_eq!(object.to_value(), value);
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// Python module: absent, `null` or a name.
    pub module: Option<Option<String>>,
    /// The class, or `function`; for a shorthand the string itself.
    pub class_name: String,
    /// What `get_config` gave: nearly always an object, a string for functions.
    pub config: Value,
    /// `package>Name`: absent, `null` or a name.
    pub registered_name: Option<Option<String>>,
    /// Identity among shared objects.
    pub shared_object_id: Option<i64>,
    /// Shapes the object was built with.
    pub build_config: Option<Value>,
    /// Arguments of `compile`.
    pub compile_config: Option<Value>,
    /// Every other key, in order (`name`, `inbound_nodes`, keys of other versions).
    pub extra: Config,
    /// Written as a bare string.
    pub shorthand: bool,
    /// Where it was read; the root for objects made here.
    pub path: Path,
}

impl PartialEq for Object {
    /// Compares everything but the place in the document.
    fn eq(&self, other: &Object) -> bool {
        self.to_value() == other.to_value()
    }
}

impl Object {
    /// An object without module: `{"class_name", "config"}`.
    pub fn new(class_name: impl Into<String>, config: impl Into<Value>) -> Object {
        Object { class_name: class_name.into(), config: config.into(), ..Object::default() }
    }

    /// One of Keras's own: module, class, config and a `registered_name` of `null`.
    pub fn builtin(module: impl Into<String>, class_name: impl Into<String>, config: impl Into<Value>) -> Object {
        Object { module: Some(Some(module.into())), registered_name: Some(None), ..Object::new(class_name, config) }
    }

    /// A registered custom object: module `null`, and the registered name (`package>Name`).
    pub fn registered(
        class_name: impl Into<String>,
        config: impl Into<Value>,
        registered_name: impl Into<String>,
    ) -> Object {
        Object {
            module: Some(None),
            registered_name: Some(Some(registered_name.into())),
            ..Object::new(class_name, config)
        }
    }

    /// An object of a kind: one of Keras's own where the kind's table has the class, else a custom one under the name
    /// it was registered by, or under its class.
    pub fn of_kind<T: Clone + Send + Sync + 'static>(
        table: &Registry<T>,
        module: &str,
        class_name: &str,
        config: impl Into<Value>,
    ) -> Object {
        match table.canonical(class_name) {
            Some(_) => Object::builtin(module, class_name, config),
            None => {
                let name = registered_name::<T>(class_name).unwrap_or_else(|| class_name.to_owned());
                Object::registered(class_name, config, name)
            }
        }
    }

    /// A function of the user's, by the name it is registered under.
    pub fn function(name: impl Into<String>) -> Object {
        Object {
            module: Some(Some("builtins".into())),
            registered_name: Some(Some("function".into())),
            ..Object::new("function", Value::String(name.into()))
        }
    }

    /// Whether the object is a custom one: written without module.
    pub fn is_custom(&self) -> bool {
        matches!(self.module, Some(None))
    }

    /// A name that stands for an object with its defaults: `"relu"`.
    pub fn shorthand(name: impl Into<String>) -> Object {
        Object { shorthand: true, ..Object::new(name, Config::new()) }
    }

    /// Whether a value has the form of a serialized object.
    pub fn is_object(value: &Value) -> bool {
        value.as_map().is_some_and(|map| {
            map.get("class_name").is_some_and(|name| name.as_str().is_some())
                && (map.contains_key("config") || map.contains_key("module"))
        })
    }

    /// Reads an object: a string, or an object with `class_name`.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) when it is neither, or when one of its keys has the wrong kind.
    pub fn read(node: &Node) -> Result<Object> {
        if let Value::String(name) = node.value() {
            return Ok(Object { path: node.path().clone(), ..Object::shorthand(name) });
        }
        if !matches!(node.value(), Value::Map(_)) {
            return Err(node.expected("a name or an object with `class_name` and `config`"));
        }
        let fields = node.fields()?;
        let class_name = fields.str("class_name")?.to_owned();
        let text = |key: &str| -> Result<Option<Option<String>>> {
            let Some(node) = fields.present(key) else { return Ok(None) };
            node.not_null().map(|n| n.str().map(str::to_owned)).transpose().map(Some)
        };
        Ok(Object {
            module: text("module")?,
            class_name,
            config: fields.present("config").map_or_else(|| Config::new().into(), |n| n.value().clone()),
            registered_name: text("registered_name")?,
            shared_object_id: fields.opt_int("shared_object_id")?,
            build_config: fields.present("build_config").map(|n| n.value().clone()),
            compile_config: fields.present("compile_config").map(|n| n.value().clone()),
            extra: fields.rest(),
            shorthand: false,
            path: node.path().clone(),
        })
    }

    /// Reads an object that may be `null`.
    ///
    /// # Errors
    /// As [`Object::read`].
    pub fn read_optional(node: Option<Node>) -> Result<Option<Object>> {
        node.and_then(Node::not_null).map(|node| Object::read(&node)).transpose()
    }

    /// The name to look the object up by: the function's name for functions, else the class without package.
    pub fn name(&self) -> &str {
        if self.class_name == "function"
            && let Some(name) = self.config.as_str()
        {
            return name;
        }
        self.class_name.rsplit_once('>').map_or(&self.class_name, |(_, name)| name)
    }

    /// The names for a registry; a `package>Name` in the place of the class counts as registered name.
    pub fn lookup<'a>(&'a self, custom: Option<&'a CustomObjects>) -> Lookup<'a> {
        let in_class = self.class_name.contains('>').then_some(self.class_name.as_str());
        Lookup {
            class_name: self.name(),
            module: self.module.as_ref().and_then(|module| module.as_deref()),
            registered_name: self.registered_name.as_ref().and_then(|name| name.as_deref()).or(in_class),
            path: self.path.clone(),
            custom,
        }
    }

    /// The configuration to read field by field.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) when it is no object.
    pub fn fields(&self) -> Result<Fields<'_>> {
        let path = self.path.key("config");
        Node::at(&self.config, path).fields()
    }

    /// The object as JSON: keys in Keras's order, those not known at the end.
    pub fn to_value(&self) -> Value {
        if self.shorthand {
            return Value::String(self.class_name.clone());
        }
        let mut map = Config::new();
        if let Some(module) = &self.module {
            map.insert("module", module.clone());
        }
        map.insert("class_name", self.class_name.as_str());
        map.insert("config", self.config.clone());
        if let Some(name) = &self.registered_name {
            map.insert("registered_name", name.clone());
        }
        for (key, value) in [("build_config", &self.build_config), ("compile_config", &self.compile_config)] {
            if let Some(value) = value {
                map.insert(key, value.clone());
            }
        }
        if let Some(id) = self.shared_object_id {
            map.insert("shared_object_id", id);
        }
        map.with_rest(&self.extra).into()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Value {
        object.to_value()
    }
}

impl From<&Object> for Value {
    fn from(object: &Object) -> Value {
        object.to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Object {
        Object::read(&Node::root(&Value::parse(text).unwrap())).unwrap()
    }

    #[test]
    fn forms() {
        for text in [
            r#""relu""#,
            r#"{"class_name": "Zeros", "config": {}}"#,
            r#"{"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}, "registered_name": null, "build_config": {"input_shape": [null, 2]}, "name": "d", "inbound_nodes": []}"#,
            r#"{"module": "builtins", "class_name": "function", "config": "custom_activation", "registered_name": "function"}"#,
            r#"{"module": null, "class_name": "CL", "config": {"a": 2}, "registered_name": "my>CL"}"#,
        ] {
            assert_eq!(read(text).to_value().to_string(), text);
        }
    }

    #[test]
    fn names() {
        assert_eq!(read(r#"{"class_name": "Custom>Adam", "config": {}}"#).name(), "Adam");
        let function = read(
            r#"{"module": "builtins", "class_name": "function", "config": "swish2", "registered_name": "function"}"#,
        );
        assert_eq!(function.name(), "swish2");
        let adam = read(r#"{"class_name": "Custom>Adam", "config": {}}"#);
        assert_eq!(adam.lookup(None).registered_name, Some("Custom>Adam"));
        assert!(adam.lookup(None).may_be_builtin());
    }

    #[test]
    fn wrong_kinds() {
        let value = Value::parse(r#"{"class_name": 3}"#).unwrap();
        assert_eq!(
            Object::read(&Node::root(&value)).unwrap_err().to_string(),
            "read config field `class_name` at $.class_name: expected a string, found 3"
        );
        let value = Value::from(5);
        assert_eq!(
            Object::read(&Node::root(&value)).unwrap_err().to_string(),
            "read config field `$` at $: expected a name or an object with `class_name` and `config`, found 5"
        );
    }
}
