//! Maps that keep the order of the file.

use std::collections::HashMap;
use std::ops::Deref;

use super::{MapKey, Value};

/// A protobuf map: pairs in the order of the file, a key at most once.
///
/// Small maps, which nearly all are, are searched one by one; from 17 pairs on there is an index.
///
/// # Example
/// ```
/// use kerox_format_savedmodel::wire::Map;
///
/// let mut map: Map<String, i64> = Map::default();
/// map.insert("b".into(), 1);
/// map.insert("a".into(), 2);
/// map.insert("b".into(), 3);
/// assert_eq!(map.get("b"), Some(&3));
/// assert_eq!(map.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
/// ```
#[derive(Clone, Debug)]
pub struct Map<K, V> {
    pairs: Vec<(K, V)>,
    #[allow(clippy::box_collection, reason = "every node has a map, few have an index")]
    index: Option<Box<HashMap<K, usize>>>,
}

/// Pairs up to which a map is searched one by one.
const UNINDEXED: usize = 16;

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Map { pairs: Vec::new(), index: None }
    }
}

impl<K: MapKey, V> Map<K, V> {
    /// Sets a key's value; a key already there keeps its place.
    pub fn insert(&mut self, key: K, value: V) {
        match self.position(&key) {
            Some(at) => self.pairs[at].1 = value,
            None => {
                if let Some(index) = &mut self.index {
                    index.insert(key.clone(), self.pairs.len());
                }
                self.pairs.push((key, value));
                if self.index.is_none() && self.pairs.len() > UNINDEXED {
                    let keys = self.pairs.iter().enumerate().map(|(at, (key, _))| (key.clone(), at));
                    self.index = Some(Box::new(keys.collect()));
                }
            }
        }
    }

    fn position<Q: ?Sized + std::hash::Hash + Eq>(&self, key: &Q) -> Option<usize>
    where
        K: std::borrow::Borrow<Q>,
    {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.pairs.iter().position(|(k, _)| k.borrow() == key),
        }
    }

    /// The value of a key.
    pub fn get<Q: ?Sized + std::hash::Hash + Eq>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.position(key).map(|at| &self.pairs[at].1)
    }

    /// The value of a key, writable.
    pub fn get_mut<Q: ?Sized + std::hash::Hash + Eq>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.position(key).map(|at| &mut self.pairs[at].1)
    }

    /// Puts the pairs into the order of their keys, and those of maps inside the values.
    pub fn sort(&mut self)
    where
        V: Value,
    {
        self.pairs.iter_mut().for_each(|(_, value)| value.sort_maps());
        self.pairs.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(index) = &mut self.index {
            **index = self.pairs.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
        }
    }

    /// Takes a key out; the others keep their order.
    pub fn remove<Q: ?Sized + std::hash::Hash + Eq>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let at = self.position(key)?;
        let (_, value) = self.pairs.remove(at);
        if let Some(index) = &mut self.index {
            index.retain(|_, place| *place != at);
            index.values_mut().filter(|place| **place > at).for_each(|place| *place -= 1);
        }
        Some(value)
    }

    /// Whether a key is there.
    pub fn contains_key<Q: ?Sized + std::hash::Hash + Eq>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.position(key).is_some()
    }
}

/// The pairs in the order of the file.
impl<K, V> Deref for Map<K, V> {
    type Target = [(K, V)];
    fn deref(&self) -> &[(K, V)] {
        &self.pairs
    }
}

/// Equal keys and values; the order does not count.
impl<K: MapKey, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<K: MapKey, V: Value> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Map::default();
        pairs.into_iter().for_each(|(key, value)| map.insert(key, value));
        map
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = &'a (K, V);
    type IntoIter = std::slice::Iter<'a, (K, V)>;
    fn into_iter(self) -> Self::IntoIter {
        self.pairs.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_maps_find_and_forget() {
        let mut map: Map<i32, i64> = (0..100).map(|k| (k, i64::from(k) * 2)).collect();
        assert_eq!(map.remove(&40), Some(80));
        assert_eq!(map.get(&40), None);
        assert_eq!(map.get(&99), Some(&198));
        assert_eq!(map[40], (41, 82));
        map.insert(99, 1);
        assert_eq!(map.len(), 99);
        assert_eq!(map.get(&99), Some(&1));
    }

    #[test]
    fn order_does_not_count() {
        let a: Map<i32, i64> = [(1, 2), (3, 4)].into_iter().collect();
        let b: Map<i32, i64> = [(3, 4), (1, 2)].into_iter().collect();
        assert_eq!(a, b);
    }
}
