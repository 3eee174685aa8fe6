//! An ordered map from key to value: a JSON object, and what `get_config` gives.

use indexmap::IndexMap;

use crate::Value;

/// A JSON object that keeps the order of its keys; the currency of every `get_config` and `from_config`.
///
/// # Example
/// ```
/// use kerox_config_json::{Config, Value};
/// let config = Config::new().with("name", "dense").with("units", 64).with("rate", 0.5f32).with("seed", None::<i64>);
/// assert_eq!(
///     Value::from(config).to_string(),
///     r#"{"name": "dense", "units": 64, "rate": 0.5, "seed": null}"#,
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config(Box<IndexMap<String, Value>>);

impl Config {
    /// An empty map.
    pub fn new() -> Config {
        Config::default()
    }

    /// Adds or replaces an entry, and gives the map back.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Config {
        self.insert(key, value);
        self
    }

    /// Adds an entry only when there is a value; `None` leaves the key out.
    #[must_use]
    pub fn with_some(mut self, key: impl Into<String>, value: Option<impl Into<Value>>) -> Config {
        if let Some(value) = value {
            self.insert(key, value);
        }
        self
    }

    /// Adds all entries of another map that are not here yet: what was kept aside comes back at the end.
    #[must_use]
    pub fn with_rest(mut self, rest: &Config) -> Config {
        for (key, value) in rest.iter() {
            if !self.contains_key(key) {
                self.insert(key, value.clone());
            }
        }
        self
    }

    /// Adds an entry, or replaces the value of a key and leaves it in its place.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }

    /// Takes an entry out and keeps the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key)
    }

    /// Gives a key another name in the same place. Does nothing when `old` is absent; an entry already called `new`
    /// is replaced.
    pub fn rename(&mut self, old: &str, new: &str) {
        if old == new || !self.contains_key(old) {
            return;
        }
        self.0.shift_remove(new);
        if let Some((at, _, value)) = self.0.shift_remove_full(old) {
            self.0.shift_insert(at, new.to_owned(), value);
        }
    }

    /// Puts the named keys first, in that order; keys not named follow as they were, names without an entry are skipped.
    pub fn sort_by_names(&mut self, names: &[&str]) {
        let mut at = 0;
        for name in names {
            if let Some(found) = self.0.get_index_of(*name)
                && found >= at
            {
                self.0.move_index(found, at);
                at += 1;
            }
        }
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The value under a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(key)
    }

    /// Whether the key is present (also with `null`).
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Entries in order, values to change.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(key, value)| (key.as_str(), value))
    }

    /// Keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The index of a key and its value, for cursors that live as long as the map.
    pub(crate) fn get_full(&self, key: &str) -> Option<(usize, &str, &Value)> {
        self.0.get_full(key).map(|(at, key, value)| (at, key.as_str(), value))
    }
}

impl IntoIterator for Config {
    type Item = (String, Value);
    type IntoIter = indexmap::map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Config {
        let mut config = Config::new();
        for (key, value) in entries {
            config.insert(key, value);
        }
        config
    }
}

impl std::fmt::Display for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Value::Map(self.clone()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abc() -> Config {
        Config::new().with("a", 1).with("b", 2).with("c", 3)
    }

    #[test]
    fn rename_keeps_the_place() {
        let mut config = abc();
        config.rename("b", "x");
        assert_eq!(config.to_string(), r#"{"a": 1, "x": 2, "c": 3}"#);
        config.rename("c", "a");
        assert_eq!(config.to_string(), r#"{"x": 2, "a": 3}"#);
        config.rename("none", "y");
        assert_eq!(config.len(), 2);
    }

    #[test]
    fn sort_puts_named_keys_first() {
        let mut config = abc();
        config.sort_by_names(&["c", "zz", "a"]);
        assert_eq!(config.to_string(), r#"{"c": 3, "a": 1, "b": 2}"#);
    }

    #[test]
    fn replacing_keeps_the_place_and_rest_comes_last() {
        let config = abc().with("a", 9).with_rest(&Config::new().with("b", 7).with("d", 4));
        assert_eq!(config.to_string(), r#"{"a": 9, "b": 2, "c": 3, "d": 4}"#);
    }
}
