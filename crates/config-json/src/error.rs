//! What can go wrong with a configuration.

/// The result of reading and writing configurations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate; every message says what was tried, where, what was expected and what was found.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON.
    #[error("parse JSON at line {line} column {column} (byte {offset}): expected {expected}, found {found}")]
    Syntax {
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// Byte offset from the start of the document.
        offset: usize,
        /// What would have been right.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The bytes are not UTF-8.
    #[error(
        "parse JSON at byte {offset}: expected UTF-8 text, found byte 0x{byte:02x}; is this the JSON member of the file?"
    )]
    Encoding {
        /// Offset of the first byte that is not UTF-8.
        offset: usize,
        /// That byte.
        byte: u8,
    },
    /// The document exceeds a bound that protects against hostile files.
    #[error(
        "parse JSON at byte {offset}: expected at most {limit} {what}, found more; raise the limit with `Limits` if the file is trusted"
    )]
    Limit {
        /// What is counted: `bytes`, `nested levels`, `values`, `digits in one number`.
        what: &'static str,
        /// The bound.
        limit: usize,
        /// Byte offset at which it was passed.
        offset: usize,
    },
    /// A field holds something other than it must.
    #[error("read config field `{field}` at {path}: expected {expected}, found {found}{}", help_text(.help))]
    Field {
        /// The field's name.
        field: String,
        /// Its JSON path.
        path: String,
        /// What is allowed.
        expected: String,
        /// What is there.
        found: String,
        /// What to do; may be empty.
        help: Box<str>,
    },
    /// A class that nobody registered.
    #[error("{message} Found at {path} while reading {kind} `{class_name}`; {help}")]
    Unknown {
        /// `layer`, `optimizer`, ...
        kind: &'static str,
        /// The class as written in the file.
        class_name: String,
        /// Its JSON path.
        path: String,
        /// Keras's own sentence.
        message: Box<str>,
        /// How to register it, and the nearest known names.
        help: Box<str>,
    },
    /// Python code inside the file.
    #[error(
        "read {what} at {path}: expected plain configuration, found Python code of {class_name}; code from a file is never run: {help}"
    )]
    Code {
        /// What was being read.
        what: String,
        /// Its JSON path.
        path: String,
        /// The class that carries the code (`Lambda`, `__lambda__`).
        class_name: String,
        /// What to do.
        help: Box<str>,
    },
    /// The layers of a model do not form a graph.
    #[error("read model graph of layer `{layer}` at {path}: expected {expected}, found {found}")]
    Graph {
        /// The layer at which it was noticed.
        layer: String,
        /// JSON path.
        path: String,
        /// What a graph needs.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The target dialect has no form for something.
    #[error("write {class_name} as {dialect}: expected {expected}, found {found}; {help}")]
    Dialect {
        /// The object's class.
        class_name: String,
        /// The dialect asked for.
        dialect: &'static str,
        /// What the dialect can hold.
        expected: String,
        /// What the object holds.
        found: String,
        /// What to do.
        help: Box<str>,
    },
}

fn help_text(help: &str) -> String {
    if help.is_empty() { String::new() } else { format!("; {help}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole() {
        let field = Error::Field {
            field: "units".into(),
            path: "$.config.layers[3].config.units".into(),
            expected: "a positive integer".into(),
            found: "\"abc\"".into(),
            help: "".into(),
        };
        assert_eq!(
            field.to_string(),
            "read config field `units` at $.config.layers[3].config.units: expected a positive integer, found \"abc\""
        );
        let encoding = Error::Encoding { offset: 3, byte: 0xff };
        assert_eq!(
            encoding.to_string(),
            "parse JSON at byte 3: expected UTF-8 text, found byte 0xff; is this the JSON member of the file?"
        );
        assert!(std::mem::size_of::<Error>() <= 128);
    }
}
