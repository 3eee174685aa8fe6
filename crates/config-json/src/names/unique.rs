//! Counting names: `dense`, `dense_1`, `dense_2`.

use std::collections::{HashMap, HashSet};

use super::snake_case;

/// Gives each object of a graph a name of its own, as Keras counts per class.
///
/// # Example
/// ```
/// use kerox_config_json::names::UniqueNames;
/// let mut names = UniqueNames::new();
/// assert_eq!(names.of_class("Dense"), "dense");
/// assert_eq!(names.of_class("Dense"), "dense_1");
/// assert_eq!(names.from_one("input"), "input_1");
/// ```
#[derive(Clone, Debug, Default)]
pub struct UniqueNames {
    counts: HashMap<String, usize>,
    from_one: HashMap<String, usize>,
    taken: HashSet<String>,
}

impl UniqueNames {
    /// No name is in use.
    pub fn new() -> UniqueNames {
        UniqueNames::default()
    }

    /// The next automatic name of a class.
    pub fn of_class(&mut self, class_name: &str) -> String {
        self.next(&snake_case(class_name))
    }

    /// The next name with this stem: first without a number, then `_1`, `_2`. Names given to [`reserve`](Self::reserve)
    /// are skipped.
    pub fn next(&mut self, stem: &str) -> String {
        let count = self.counts.entry(stem.to_owned()).or_default();
        loop {
            let name = if *count == 0 { stem.to_owned() } else { format!("{stem}_{count}") };
            *count += 1;
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }

    /// The next name with this stem that is numbered from one, as Keras 2 names its inputs: `input_1`, `input_2`.
    pub fn from_one(&mut self, stem: &str) -> String {
        let count = self.from_one.entry(stem.to_owned()).or_default();
        loop {
            *count += 1;
            let name = format!("{stem}_{count}");
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }

    /// Marks a name that the user chose, so that no automatic name collides with it.
    pub fn reserve(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    /// Forgets all counts: `keras.backend.clear_session()`.
    pub fn clear(&mut self) {
        *self = UniqueNames::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_per_class() {
        let mut names = UniqueNames::new();
        names.reserve("dense_1");
        let given: Vec<_> = ["Dense", "Conv2D", "Dense", "Dense"].map(|c| names.of_class(c)).into();
        assert_eq!(given, ["dense", "conv2d", "dense_2", "dense_3"]);
        assert_eq!([names.from_one("input"), names.from_one("input")], ["input_1", "input_2"]);
        names.clear();
        assert_eq!(names.of_class("Dense"), "dense");
    }
}
