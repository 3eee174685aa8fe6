//! Names of graph nodes, each once.

use std::collections::HashSet;

/// Hands out names that no node has yet.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// `wanted`, with the characters that nodes cannot have replaced, and with `_1`, `_2`, ... where it is taken.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let mut clean: String =
            wanted.chars().map(|c| if c.is_ascii_alphanumeric() || "_./-\\>".contains(c) { c } else { '_' }).collect();
        if !clean.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.') {
            clean.insert(0, '.');
        }
        let mut name = clean.clone();
        let mut count = 0;
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{clean}_{count}");
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_unique() {
        let mut names = Names::default();
        assert_eq!(names.unique("dense/kernel"), "dense/kernel");
        assert_eq!(names.unique("dense/kernel"), "dense/kernel_1");
        assert_eq!(names.unique("_a b"), "._a_b");
    }
}
