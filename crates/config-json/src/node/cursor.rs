//! A borrowed value with its path.

use super::{Fields, Path, suggest};
use crate::{Error, Result, Value};

/// A value together with its JSON path, so that every error says where it was.
///
/// # Example
/// ```
/// use kerox_config_json::{Node, Value};
/// let value = Value::parse(r#"{"config": {"units": "abc"}}"#)?;
/// let error = Node::root(&value).required("config")?.required("units")?.positive().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "read config field `units` at $.config.units: expected a positive integer, found \"abc\"",
/// );
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Node<'a> {
    value: &'a Value,
    path: Path,
}

impl<'a> Node<'a> {
    /// The root of a document, path `$`.
    pub fn root(value: &'a Value) -> Node<'a> {
        Node { value, path: Path::root() }
    }

    /// A value at a known path.
    pub fn at(value: &'a Value, path: Path) -> Node<'a> {
        Node { value, path }
    }

    /// The value itself.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// The node, or nothing when it is `null`.
    pub fn not_null(self) -> Option<Node<'a>> {
        if self.is_null() { None } else { Some(self) }
    }

    /// The value under a key; nothing when this is no object or has no such key.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key)?;
        Some(Node { value, path: self.path.key(key) })
    }

    /// The value under a key that must be there.
    ///
    /// # Errors
    /// [`Error::Field`] when this is no object or the key is missing.
    pub fn required(&self, key: &str) -> Result<Node<'a>> {
        match self.get(key) {
            Some(node) => Ok(node),
            None => {
                let Value::Map(map) = self.value else { return Err(self.expected("an object")) };
                let known = suggest::nearest(key, map.keys());
                Err(Error::Field {
                    field: key.to_owned(),
                    path: self.path.key(key).to_string(),
                    expected: "a value".into(),
                    found: "no such key".into(),
                    help: suggest::did_you_mean(&known).into(),
                })
            }
        }
    }

    /// The items of a list.
    ///
    /// # Errors
    /// [`Error::Field`] when it is no list. The encoded tuples and shapes of Keras are read too.
    pub fn list(&self) -> Result<Vec<Node<'a>>> {
        let (items, path) = self.items().ok_or_else(|| self.expected("a list"))?;
        Ok(items.iter().enumerate().map(|(i, value)| Node { value, path: path.index(i) }).collect())
    }

    /// Items of a plain list or of `{"class_name": "__tuple__" | "TensorShape", "items": [..]}`, without copying.
    fn items(&self) -> Option<(&'a [Value], Path)> {
        match self.value {
            Value::List(items) => Some((items, self.path.clone())),
            Value::Map(map) => {
                let class_name = map.get("class_name")?.as_str()?;
                matches!(class_name, "__tuple__" | "TensorShape")
                    .then(|| map.get("items")?.as_list())
                    .flatten()
                    .map(|items| (items, self.path.key("items")))
            }
            _ => None,
        }
    }

    /// The entries of an object, to be read by name.
    ///
    /// # Errors
    /// [`Error::Field`] when it is no object.
    pub fn fields(&self) -> Result<Fields<'a>> {
        match self.value {
            Value::Map(map) => Ok(Fields::new(map, self.path.clone())),
            _ => Err(self.expected("an object")),
        }
    }

    /// A bool; `0` and `1` are read too, as Python takes them.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn bool(&self) -> Result<bool> {
        match self.value {
            Value::Bool(value) => Ok(*value),
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            _ => Err(self.expected("true or false")),
        }
    }

    /// An integer; a float without fraction is read too.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn int(&self) -> Result<i64> {
        self.value.as_i64().ok_or_else(|| self.expected("an integer"))
    }

    /// An integer that is at least 1.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn positive(&self) -> Result<usize> {
        let value = self.value.as_i64().filter(|v| *v > 0).and_then(|v| usize::try_from(v).ok());
        value.ok_or_else(|| self.expected("a positive integer"))
    }

    /// An integer that is at least 0.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn unsigned(&self) -> Result<usize> {
        let value = self.value.as_i64().and_then(|v| usize::try_from(v).ok());
        value.ok_or_else(|| self.expected("an integer of at least 0"))
    }

    /// Any number.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn float(&self) -> Result<f64> {
        self.value.as_f64().ok_or_else(|| self.expected("a number"))
    }

    /// A number in a closed range.
    ///
    /// # Errors
    /// [`Error::Field`], also for `NaN`.
    pub fn float_in(&self, low: f64, high: f64) -> Result<f64> {
        let value = self.value.as_f64().filter(|v| (low..=high).contains(v));
        value.ok_or_else(|| {
            self.expected(format!("a number from {} to {}", crate::python_float(low), crate::python_float(high)))
        })
    }

    /// A string.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn str(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    /// A list of integers.
    ///
    /// # Errors
    /// [`Error::Field`], at the item.
    pub fn ints(&self) -> Result<Vec<i64>> {
        self.list()?.iter().map(Node::int).collect()
    }

    /// `n` positive integers, or one that stands for all of them: `3` is `[3, 3]` for `n = 2`.
    ///
    /// # Errors
    /// [`Error::Field`] when a number is below 1 or the list has another length.
    pub fn positive_tuple(&self, n: usize) -> Result<Vec<usize>> {
        match self.items() {
            None => Ok(vec![self.positive().map_err(|_| self.expected(tuple_text(n, "positive integer")))?; n]),
            Some((items, _)) if items.len() == n => self.list()?.iter().map(Node::positive).collect(),
            Some(_) => Err(self.expected(tuple_text(n, "positive integer"))),
        }
    }

    /// `n` integers of at least 0, or one that stands for all of them.
    ///
    /// # Errors
    /// [`Error::Field`] when a number is negative or the list has another length.
    pub fn unsigned_tuple(&self, n: usize) -> Result<Vec<usize>> {
        match self.items() {
            None => Ok(vec![self.unsigned().map_err(|_| self.expected(tuple_text(n, "integer of at least 0")))?; n]),
            Some((items, _)) if items.len() == n => self.list()?.iter().map(Node::unsigned).collect(),
            Some(_) => Err(self.expected(tuple_text(n, "integer of at least 0"))),
        }
    }

    /// A shape: sizes, `null` for an axis of any size.
    ///
    /// # Errors
    /// [`Error::Field`] when an item is neither `null` nor an integer of at least 0.
    pub fn shape(&self) -> Result<Vec<Option<usize>>> {
        self.list()?
            .iter()
            .map(|item| match item.value {
                Value::Null => Ok(None),
                // `-1` is how the proto forms inside Keras metadata spell an unknown size.
                Value::Int(-1) => Ok(None),
                _ => item.unsigned().map(Some).map_err(|_| item.expected("null or an integer of at least 0")),
            })
            .collect()
    }

    /// One of a fixed set of words.
    ///
    /// # Errors
    /// [`Error::Field`] with all words, and the nearest one when it looks like a slip.
    ///
    /// # Example
    /// ```
    /// use kerox_config_json::{Node, Value};
    /// let value = Value::from("smae");
    /// let error = Node::root(&value).one_of(&[("valid", 0), ("same", 1)]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "read config field `$` at $: expected `valid` or `same`, found \"smae\"; did you mean `same`?",
    /// );
    /// ```
    pub fn one_of<T: Clone>(&self, words: &[(&str, T)]) -> Result<T> {
        let all = || words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        let Value::String(text) = self.value else { return Err(self.expected(all())) };
        if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
            return Ok(value.clone());
        }
        let near = suggest::nearest(text, words.iter().map(|(word, _)| *word));
        Err(self.expected_with_help(all(), suggest::did_you_mean(&near)))
    }

    /// The error that this node is not what it must be.
    pub fn expected(&self, expected: impl Into<String>) -> Error {
        self.expected_with_help(expected, "")
    }

    /// The error that this node is not what it must be, with advice.
    pub fn expected_with_help(&self, expected: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Field {
            field: self.path.field(),
            path: self.path.to_string(),
            expected: expected.into(),
            found: self.value.describe(),
            help: help.into().into(),
        }
    }
}

fn tuple_text(n: usize, what: &str) -> String {
    let article = if what.starts_with('i') { "an" } else { "a" };
    format!("{article} {what} or a list of {n}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(text: &str, read: impl Fn(&Node) -> Result<T>) -> String {
        let value = Value::parse(text).unwrap();
        read(&Node::at(&value, Path::root().key("f"))).unwrap_err().to_string()
    }

    #[test]
    fn wrong_kinds() {
        assert_eq!(message("true", |n| n.int()), "read config field `f` at $.f: expected an integer, found true");
        assert_eq!(
            message("0", |n| n.positive()),
            "read config field `f` at $.f: expected a positive integer, found 0"
        );
        assert_eq!(
            message("[1, 2, 3]", |n| n.positive_tuple(2)),
            "read config field `f` at $.f: expected a positive integer or a list of 2, found [1, 2, 3]"
        );
        assert_eq!(
            message("[1, 0]", |n| n.positive_tuple(2)),
            "read config field `f` at $.f[1]: expected a positive integer, found 0"
        );
        assert_eq!(
            message("1.5", |n| n.float_in(0.0, 1.0)),
            "read config field `f` at $.f: expected a number from 0.0 to 1.0, found 1.5"
        );
        assert_eq!(
            message("NaN", |n| n.float_in(0.0, 1.0).map(|_| ())),
            "read config field `f` at $.f: expected a number from 0.0 to 1.0, found NaN"
        );
        assert_eq!(
            message("{\"unit\": 1}", |n| n.required("units").map(|_| ())),
            "read config field `units` at $.f.units: expected a value, found no such key; did you mean `unit`?"
        );
        assert_eq!(
            message("{\"class_name\": \"Lambda\"}", |n| n.float()),
            "read config field `f` at $.f: expected a number, found an object of class `Lambda`"
        );
    }

    #[test]
    fn forms_python_allows() {
        let value = Value::parse(r#"{"a": 64.0, "b": 1, "c": [null, 5, -1], "d": 3}"#).unwrap();
        let node = Node::root(&value);
        assert_eq!(node.required("a").unwrap().positive().unwrap(), 64);
        assert!(node.required("b").unwrap().bool().unwrap());
        assert_eq!(node.required("c").unwrap().shape().unwrap(), [None, Some(5), None]);
        assert_eq!(node.required("d").unwrap().positive_tuple(3).unwrap(), [3, 3, 3]);
        assert_eq!(node.required("d").unwrap().float().unwrap(), 3.0);
        let tuple = Value::parse(r#"{"class_name": "__tuple__", "items": [2, 4]}"#).unwrap();
        assert_eq!(Node::root(&tuple).positive_tuple(2).unwrap(), [2, 4]);
        let shape = Value::parse(r#"{"class_name": "TensorShape", "items": [null, 784]}"#).unwrap();
        assert_eq!(Node::root(&shape).shape().unwrap(), [None, Some(784)]);
    }
}
