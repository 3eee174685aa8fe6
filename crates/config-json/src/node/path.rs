//! Where a value stands in its document.

use std::fmt;
use std::sync::Arc;

/// A JSON path such as `$.config.layers[3].config.units`; cheap to extend and to clone.
#[derive(Clone, Debug, Default)]
pub struct Path(Option<Arc<Step>>);

#[derive(Debug)]
struct Step {
    before: Path,
    step: Kind,
}

#[derive(Debug)]
enum Kind {
    Root(String),
    Key(String),
    Index(usize),
}

impl Path {
    /// The root of a document, `$`.
    pub fn root() -> Path {
        Path(None)
    }

    /// A root with a name of its own, for documents inside others (`$.config`, `model_config`).
    pub fn named(name: impl Into<String>) -> Path {
        Path(Some(Arc::new(Step { before: Path(None), step: Kind::Root(name.into()) })))
    }

    /// The path of the value under a key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Path {
        Path(Some(Arc::new(Step { before: self.clone(), step: Kind::Key(key.into()) })))
    }

    /// The path of an item of a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Path {
        Path(Some(Arc::new(Step { before: self.clone(), step: Kind::Index(index) })))
    }

    /// The last key on the path, for messages that name a field; `$` at the root.
    pub fn field(&self) -> String {
        let mut path = self;
        while let Some(step) = &path.0 {
            match &step.step {
                Kind::Key(key) | Kind::Root(key) => return key.clone(),
                Kind::Index(_) => path = &step.before,
            }
        }
        "$".into()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = Vec::new();
        let mut path = self;
        while let Some(step) = &path.0 {
            steps.push(&step.step);
            path = &step.before;
        }
        if !matches!(steps.last(), Some(Kind::Root(_))) {
            f.write_str("$")?;
        }
        for step in steps.into_iter().rev() {
            match step {
                Kind::Root(name) => f.write_str(name)?,
                Kind::Index(index) => write!(f, "[{index}]")?,
                Kind::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Kind::Key(key) => write!(f, "[{}]", crate::Value::from(key.as_str()))?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        let path = Path::root().key("config").key("layers").index(3).key("odd key");
        assert_eq!(path.to_string(), "$.config.layers[3][\"odd key\"]");
        assert_eq!(Path::named("model_config").key("a").to_string(), "model_config.a");
        assert_eq!(Path::root().key("kernel_size").index(1).field(), "kernel_size");
        assert_eq!(Path::root().to_string(), "$");
    }
}
