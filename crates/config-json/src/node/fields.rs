//! Reading an object field by field, remembering what was read.

use std::cell::RefCell;

use super::{Node, Path, suggest};
use crate::{Config, Error, Result};

/// The fields of one object. What was never asked for is [`rest`](Fields::rest): a reader keeps it aside and writes
/// it back, so that keys of other versions survive a round trip.
///
/// The getters in `_or` give the default when the key is missing; `opt_` give `None` when it is missing or `null`.
///
/// # Example
/// ```
/// use kerox_config_json::{Config, Fields};
/// let config = Config::new().with("rate", 0.25).with("seed", None::<i64>).with("from_the_future", 1);
/// let fields = Fields::of(&config);
/// assert_eq!(fields.float("rate")?, 0.25);
/// assert_eq!(fields.opt_int("seed")?, None);
/// assert_eq!(fields.rest().to_string(), r#"{"from_the_future": 1}"#);
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    config: &'a Config,
    path: Path,
    read: RefCell<Vec<bool>>,
}

impl<'a> Fields<'a> {
    /// The fields of an object at a path.
    pub fn new(config: &'a Config, path: Path) -> Fields<'a> {
        let read = RefCell::new(vec![false; config.len()]);
        Fields { config, path, read }
    }

    /// The fields of an object that is not part of a document; paths start at `$`.
    pub fn of(config: &'a Config) -> Fields<'a> {
        Fields::new(config, Path::root())
    }

    /// The object itself.
    pub fn config(&self) -> &'a Config {
        self.config
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The field, when present (also with `null`).
    pub fn present(&self, key: &str) -> Option<Node<'a>> {
        let (at, _, value) = self.config.get_full(key)?;
        if let Some(read) = self.read.borrow_mut().get_mut(at) {
            *read = true;
        }
        Some(Node::at(value, self.path.key(key)))
    }

    /// The field, when present and not `null`.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.present(key)?.not_null()
    }

    /// The first of several spellings that is present and not `null`; all of them count as read.
    pub fn any(&self, keys: &[&str]) -> Option<Node<'a>> {
        keys.iter().map(|key| self.get(key)).fold(None, Option::or)
    }

    /// The field, which must be present and not `null`.
    ///
    /// # Errors
    /// [`Error::Field`] that names the nearest key that is there.
    pub fn required(&self, key: &str) -> Result<Node<'a>> {
        if let Some(node) = self.get(key) {
            return Ok(node);
        }
        let near = suggest::nearest(key, self.config.keys().filter(|k| *k != key));
        Err(Error::Field {
            field: key.to_owned(),
            path: self.path.key(key).to_string(),
            expected: "a value".into(),
            found: if self.config.contains_key(key) { "null".into() } else { "no such key".into() },
            help: suggest::did_you_mean(&near).into(),
        })
    }

    /// Marks a field as known, so that it is not part of the rest.
    pub fn ignore(&self, key: &str) {
        self.present(key);
    }

    /// The entries that were never asked for, in order.
    pub fn rest(&self) -> Config {
        let read = self.read.borrow();
        let unread = self.config.iter().zip(read.iter()).filter(|(_, read)| !**read);
        unread.map(|((key, value), _)| (key, value.clone())).collect()
    }

    /// A required string. See [`Node::str`].
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn str(&self, key: &str) -> Result<&'a str> {
        self.required(key)?.str()
    }

    /// A string or the default.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn str_or(&self, key: &str, default: &'a str) -> Result<&'a str> {
        self.get(key).map_or(Ok(default), |n| n.str())
    }

    /// A string, when given.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn opt_str(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key).map(|n| n.str()).transpose()
    }

    /// A bool or the default.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn bool_or(&self, key: &str, default: bool) -> Result<bool> {
        self.get(key).map_or(Ok(default), |n| n.bool())
    }

    /// A bool, when given.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn opt_bool(&self, key: &str) -> Result<Option<bool>> {
        self.get(key).map(|n| n.bool()).transpose()
    }

    /// A required integer.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn int(&self, key: &str) -> Result<i64> {
        self.required(key)?.int()
    }

    /// An integer or the default.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn int_or(&self, key: &str, default: i64) -> Result<i64> {
        self.get(key).map_or(Ok(default), |n| n.int())
    }

    /// An integer, when given.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn opt_int(&self, key: &str) -> Result<Option<i64>> {
        self.get(key).map(|n| n.int()).transpose()
    }

    /// A required integer of at least 1.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn positive(&self, key: &str) -> Result<usize> {
        self.required(key)?.positive()
    }

    /// An integer of at least 1, or the default.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn positive_or(&self, key: &str, default: usize) -> Result<usize> {
        self.get(key).map_or(Ok(default), |n| n.positive())
    }

    /// An integer of at least 1, when given.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn opt_positive(&self, key: &str) -> Result<Option<usize>> {
        self.get(key).map(|n| n.positive()).transpose()
    }

    /// An integer of at least 0, or the default.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn unsigned_or(&self, key: &str, default: usize) -> Result<usize> {
        self.get(key).map_or(Ok(default), |n| n.unsigned())
    }

    /// A required number.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn float(&self, key: &str) -> Result<f64> {
        self.required(key)?.float()
    }

    /// A number or the default.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn float_or(&self, key: &str, default: f64) -> Result<f64> {
        self.get(key).map_or(Ok(default), |n| n.float())
    }

    /// A number, when given.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn opt_float(&self, key: &str) -> Result<Option<f64>> {
        self.get(key).map(|n| n.float()).transpose()
    }

    /// A shape, when given. See [`Node::shape`].
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn opt_shape(&self, key: &str) -> Result<Option<Vec<Option<usize>>>> {
        self.get(key).map(|n| n.shape()).transpose()
    }

    /// One of a set of words, or the default. See [`Node::one_of`].
    ///
    /// # Errors
    /// [`Error::Field`] with the nearest word.
    pub fn one_of_or<T: Clone>(&self, key: &str, words: &[(&str, T)], default: T) -> Result<T> {
        self.get(key).map_or(Ok(default), |n| n.one_of(words))
    }

    /// `n` positive integers (or one for all), or the default.
    ///
    /// # Errors
    /// [`Error::Field`].
    pub fn positive_tuple_or(&self, key: &str, n: usize, default: &[usize]) -> Result<Vec<usize>> {
        self.get(key).map_or(Ok(default.to_vec()), |node| node.positive_tuple(n))
    }

    /// An error about a field, for rules that span several.
    pub fn error(&self, key: &str, expected: impl Into<String>, help: impl Into<String>) -> Error {
        let found = self.config.get(key).map_or_else(|| "no such key".to_owned(), crate::Value::describe);
        Error::Field {
            field: key.to_owned(),
            path: self.path.key(key).to_string(),
            expected: expected.into(),
            found,
            help: help.into().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    #[test]
    fn defaults_and_rest() {
        let value =
            Value::parse(r#"{"a": null, "lr": 0.5, "learning_rate": 0.25, "x": 1, "padding": "same"}"#).unwrap();
        let fields = Node::root(&value).fields().unwrap();
        assert_eq!(fields.int_or("a", 7).unwrap(), 7);
        assert_eq!(fields.any(&["learning_rate", "lr"]).unwrap().float().unwrap(), 0.25);
        assert!(fields.one_of_or("padding", &[("valid", false), ("same", true)], false).unwrap());
        assert_eq!(fields.rest().to_string(), r#"{"x": 1}"#);
        assert_eq!(
            fields.float("learning_rates").unwrap_err().to_string(),
            "read config field `learning_rates` at $.learning_rates: expected a value, found no such key; \
             did you mean `learning_rate`?"
        );
        assert_eq!(
            fields.float("a").unwrap_err().to_string(),
            "read config field `a` at $.a: expected a value, found null; did you mean `x`?"
        );
    }
}
