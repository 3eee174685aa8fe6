//! What can go wrong with graphs.

/// The result of graph operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation cannot take these inputs or attributes.
    #[error("{op} `{node}` {argument}: expected {expected}, found {found}")]
    Argument {
        /// The operation's TensorFlow name.
        op: String,
        /// The node, or empty while it is being added.
        node: String,
        /// Input or attribute.
        argument: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The gradient of an operation was asked for that has none.
    #[error("differentiate {op} `{node}`: expected an operation with a gradient, found none for {op}")]
    NoGradient {
        /// The operation's TensorFlow name.
        op: String,
        /// The node.
        node: String,
    },
    /// A value without a static shape where one is needed to plan memory.
    #[error("plan {op} `{node}`: expected a known shape, found {found}; run it with an interpreter")]
    UnknownShape {
        /// The operation's TensorFlow name.
        op: String,
        /// The node.
        node: String,
        /// What is known of the shape.
        found: String,
    },
    /// A fed tensor that contradicts what the graph or plan was made for.
    #[error("feed `{name}`: expected {expected}, found {found}")]
    Feed {
        /// The placeholder.
        name: String,
        /// Type and shape it was planned for.
        expected: String,
        /// Type and shape given.
        found: String,
    },
    /// A loop or call nested or repeated beyond what is allowed.
    #[error("run `{node}`: expected at most {limit} {what}, found more; the graph may not end")]
    Limit {
        /// The node.
        node: String,
        /// What is counted.
        what: String,
        /// How many are allowed.
        limit: usize,
    },
    /// A tensor error inside a kernel.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
}

impl Error {
    /// Names the node where only the operation is known: a kernel is not told whose it is.
    pub(crate) fn of_node(self, op: &str, name: &str) -> Error {
        match self {
            Error::Limit { node, what, limit } if node == op => Error::Limit { node: name.into(), what, limit },
            Error::Argument { op, node, argument, expected, found } if node.is_empty() => {
                Error::Argument { op, node: name.into(), argument, expected, found }
            }
            other => other,
        }
    }
}
