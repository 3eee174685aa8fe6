//! What can go wrong while training.

/// The result of training operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Training, testing or saving a compile state before there is one.
    #[error("You must compile your model before training/testing. Use `model.compile(optimizer, loss)`.")]
    NotCompiled,
    /// Arrays that do not go together.
    #[error("Data cardinality is ambiguous: {sizes}. Make sure all arrays contain the same number of samples.")]
    Cardinality {
        /// `x sizes: 64, y sizes: 10`.
        sizes: String,
    },
    /// Data that the model cannot take.
    #[error("{operation} `{what}`: expected {expected}, found {found}")]
    Data {
        /// `fit`, `evaluate`, `predict`.
        operation: String,
        /// Which array or argument.
        what: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// An argument out of its range.
    #[error("{operation} argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// `compile`, `fit`, a callback's class.
        operation: String,
        /// The argument.
        argument: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A loss that is no number any more. The weights are those before the batch.
    #[error(
        "fit epoch {epoch} batch {batch}: expected a finite loss, found {loss}; the weights are those before this batch: lower the learning rate, clip gradients, or look for NaN in the data"
    )]
    NotFinite {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch in the epoch, counted from 1.
        batch: usize,
        /// The loss.
        loss: f64,
    },
    /// A run that was told to end, by [`crate::callbacks::Interruption`].
    #[error("run epoch {epoch} batch {batch}: interrupted; the weights are those after this batch")]
    Interrupted {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The last batch that was trained on in it, counted from 1.
        batch: usize,
    },
    /// A callback that failed.
    #[error("{callback} {event}")]
    Callback {
        /// The callback's class.
        callback: String,
        /// What it was doing.
        event: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Reading or writing a file or the console.
    #[error("{operation} `{path}`")]
    Io {
        /// What was tried.
        operation: String,
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A layer.
    #[error(transparent)]
    Layer(#[from] kerox_layers::Error),
    /// An operation.
    #[error(transparent)]
    Graph(#[from] kerox_graph::Error),
    /// An optimizer.
    #[error(transparent)]
    Optimizer(#[from] kerox_optim::Error),
    /// A configuration.
    #[error(transparent)]
    Config(#[from] kerox_config_json::Error),
    /// A tensor.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
}

impl Error {
    /// An error about data.
    pub(crate) fn data(
        operation: &str,
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Data { operation: operation.into(), what: what.into(), expected: expected.into(), found: found.into() }
    }

    /// An error about an argument.
    pub(crate) fn argument(
        operation: &str,
        argument: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Argument {
            operation: operation.into(),
            argument: argument.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}
