//! Helpers for sequences, texts, labels and images.

#[cfg(feature = "image")]
pub mod image;
mod normalize;
mod pad_sequences;
mod text_to_word_sequence;
mod to_categorical;
mod tokenizer;

pub use normalize::normalize;
pub use pad_sequences::{PadSequences, Side, pad_sequences, pad_tensors};
pub use text_to_word_sequence::{WordSequence, text_to_word_sequence};
pub use to_categorical::to_categorical;
pub use tokenizer::{MatrixMode, Tokenizer};

use kerox_train::{Error, Result};

/// The error of an argument.
fn wrong(operation: &str, argument: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::Argument {
        operation: operation.into(),
        argument: argument.into(),
        expected: expected.into(),
        found: found.into(),
    }
}
