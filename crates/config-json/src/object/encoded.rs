//! Values that Keras wraps because JSON has no form for them.
//!
//! | form | meaning |
//! |---|---|
//! | `{"class_name": "__tuple__", "items": [..]}` | tuple (SavedModel metadata, K3 arguments use `config.value`) |
//! | `{"class_name": "TensorShape", "items": [null, 8]}` | shape |
//! | `{"class_name": "TypeSpec", "type_spec": "tf.TensorSpec", "serialized": [shape, dtype, name]}` | signature |
//! | `{"class_name": "__typespec__", "spec_name", "module", "config": [..]}` | signature in `.keras` |
//! | `{"class_name": "__numpy__" or "__tensor__", "config": {"value": [..], "dtype": ".."}}` | array |
//! | `{"class_name": "__bytes__", "config": {"value": ".."}}` | bytes |
//! | `{"class_name": "__keras_tensor__", "config": {"shape", "dtype", "keras_history"}}` | tensor of the model |
//! | `{"class_name": "__lambda__", ..}` | Python code: refused |

use crate::{Error, Node, Object, Result, Value};

/// Where a symbolic tensor comes from: the `keras_history` of a `__keras_tensor__`.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorHistory {
    /// Name of the layer that made it.
    pub layer: String,
    /// Which call of the layer.
    pub node_index: usize,
    /// Which of the call's outputs.
    pub tensor_index: usize,
    /// Shape, when the file gives one.
    pub shape: Option<Vec<Option<usize>>>,
    /// Element type, when the file gives one.
    pub dtype: Option<String>,
}

/// A value with Keras's wrappers taken off one level.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoded<'a> {
    /// Null, bool, number or string.
    Scalar(&'a Value),
    /// A list; its items are encoded in turn.
    List(Vec<PathedValue<'a>>),
    /// A tuple; its items are encoded in turn.
    Tuple(Vec<PathedValue<'a>>),
    /// A plain object that is not a serialized one.
    Map(&'a crate::Config),
    /// A shape; `None` when the rank is unknown.
    Shape(Option<Vec<Option<usize>>>),
    /// A type specification, kept as it is.
    TypeSpec(&'a crate::Config),
    /// An array or a constant tensor: nested lists of numbers, and the element type.
    Array {
        /// Nested lists, or a scalar.
        value: &'a Value,
        /// Element type as written, such as `float32`.
        dtype: &'a str,
        /// `__tensor__` (true) or `__numpy__` (false).
        is_tensor: bool,
    },
    /// Bytes, as the text Keras decoded them to.
    Bytes(&'a str),
    /// A function by name, with the module it lives in.
    Function {
        /// The function's name.
        name: &'a str,
        /// Python module.
        module: Option<&'a str>,
    },
    /// A symbolic tensor of the model.
    KerasTensor(TensorHistory),
    /// A dtype policy by name: `float32`, `mixed_float16`.
    DTypePolicy(&'a str),
    /// Any other serialized object.
    Object(Box<Object>),
}

/// An item of an encoded list, which knows its path.
#[derive(Clone, Debug)]
pub struct PathedValue<'a>(pub Node<'a>);

impl PartialEq for PathedValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.value() == other.0.value()
    }
}

impl<'a> Encoded<'a> {
    /// Takes the wrapper off a value.
    ///
    /// # Errors
    /// [`Error::Code`] for `__lambda__`; [`Error::Field`] when a wrapper lacks what it wraps.
    pub fn read(node: &Node<'a>) -> Result<Encoded<'a>> {
        let items = |node: &Node<'a>| Ok::<_, Error>(node.list()?.into_iter().map(PathedValue).collect());
        let map = match node.value() {
            Value::List(_) => return Ok(Encoded::List(items(node)?)),
            Value::Map(map) => map,
            scalar => return Ok(Encoded::Scalar(scalar)),
        };
        let Some(class_name) = map.get("class_name").and_then(Value::as_str) else { return Ok(Encoded::Map(map)) };
        let config = |key: &str| node.required("config")?.required(key);
        match class_name {
            "__tuple__" if map.contains_key("items") => Ok(Encoded::Tuple(items(&node.required("items")?)?)),
            "__tuple__" => Ok(Encoded::Tuple(items(&config("value")?)?)),
            "TensorShape" => match node.required("items")?.not_null() {
                Some(items) => Ok(Encoded::Shape(Some(items.shape()?))),
                None => Ok(Encoded::Shape(None)),
            },
            "__tensorshape__" => Ok(Encoded::Shape(Some(node.required("config")?.shape()?))),
            "TypeSpec" | "__typespec__" => Ok(Encoded::TypeSpec(map)),
            "__numpy__" | "__tensor__" => Ok(Encoded::Array {
                value: config("value")?.value(),
                dtype: config("dtype")?.str()?,
                is_tensor: class_name == "__tensor__",
            }),
            "__ndarray__" | "ndarray" if map.contains_key("value") => Ok(Encoded::Array {
                value: node.required("value")?.value(),
                dtype: node.get("dtype").map_or(Ok("float32"), |n| n.str())?,
                is_tensor: false,
            }),
            "__bytes__" => Ok(Encoded::Bytes(config("value")?.str()?)),
            "__ellipsis__" => Ok(Encoded::Map(map)),
            "__lambda__" => Err(refuse_code(node, class_name)),
            "__keras_tensor__" => Ok(Encoded::KerasTensor(keras_tensor(node)?)),
            "function" => Ok(Encoded::Function {
                name: match node.required("config")?.value() {
                    Value::String(name) => name,
                    _ => node.required("registered_name")?.str()?,
                },
                module: node.get("module").and_then(Node::not_null).map(|n| n.str()).transpose()?,
            }),
            "DTypePolicy" | "Policy" | "PolicyV1" => Ok(Encoded::DTypePolicy(config("name")?.str()?)),
            _ => Object::read(node).map(|object| Encoded::Object(Box::new(object))),
        }
    }
}

/// The error for Python code inside a file.
pub(crate) fn refuse_code(node: &Node, class_name: &str) -> Error {
    Error::Code {
        what: format!("config field `{}`", node.path().field()),
        path: node.path().to_string(),
        class_name: format!("`{class_name}`"),
        help: "write the function in Rust and register it under its name with `register_keras_serializable`".into(),
    }
}

fn keras_tensor(node: &Node) -> Result<TensorHistory> {
    let config = node.required("config")?;
    let history = config.required("keras_history")?;
    let items = history.list()?;
    let [layer, node_index, tensor_index] = items.as_slice() else {
        return Err(history.expected("a list of layer name, node index and tensor index"));
    };
    Ok(TensorHistory {
        layer: layer.str()?.to_owned(),
        node_index: node_index.unsigned()?,
        tensor_index: tensor_index.unsigned()?,
        shape: config.get("shape").and_then(Node::not_null).and_then(|n| n.shape().ok()),
        dtype: config.get("dtype").and_then(|n| n.value().as_str().map(str::to_owned)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, test: impl Fn(Result<Encoded>)) {
        let value = Value::parse(text).unwrap();
        test(Encoded::read(&Node::root(&value)));
    }

    #[test]
    fn wrappers() {
        check(r#"{"class_name": "TensorShape", "items": [null, 784]}"#, |e| {
            assert_eq!(e.unwrap(), Encoded::Shape(Some(vec![None, Some(784)])));
        });
        check(r#"{"class_name": "__tuple__", "items": [1, 2]}"#, |e| {
            assert!(matches!(e.unwrap(), Encoded::Tuple(items) if items.len() == 2));
        });
        check(r#"{"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float32"}}"#, |e| {
            assert!(matches!(e.unwrap(), Encoded::Array { dtype: "float32", is_tensor: false, .. }));
        });
        check(
            r#"{"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_float16"}, "registered_name": null}"#,
            |e| {
                assert_eq!(e.unwrap(), Encoded::DTypePolicy("mixed_float16"));
            },
        );
        check(
            r#"{"module": "builtins", "class_name": "function", "config": "f", "registered_name": "function"}"#,
            |e| {
                assert_eq!(e.unwrap(), Encoded::Function { name: "f", module: Some("builtins") });
            },
        );
        check(
            r#"{"class_name": "__keras_tensor__", "config": {"shape": [null, 4], "dtype": "float32", "keras_history": ["a", 0, 1]}}"#,
            |e| {
                let Encoded::KerasTensor(t) = e.unwrap() else { panic!("no tensor") };
                assert_eq!((t.layer.as_str(), t.node_index, t.tensor_index), ("a", 0, 1));
                assert_eq!(t.shape, Some(vec![None, Some(4)]));
            },
        );
        check(r#"{"class_name": "Zeros", "config": {}}"#, |e| {
            assert!(matches!(e.unwrap(), Encoded::Object(o) if o.class_name == "Zeros"));
        });
    }

    #[test]
    fn code_is_refused_by_name() {
        check(r#"{"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}"#, |e| {
            assert_eq!(
                e.unwrap_err().to_string(),
                "read config field `$` at $: expected plain configuration, found Python code of `__lambda__`; code from \
                 a file is never run: write the function in Rust and register it under its name with \
                 `register_keras_serializable`"
            );
        });
    }
}
