//! What training prints.

use crate::callbacks::Callback;

/// Which version's text is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleStyle {
    /// TensorFlow 2.9's.
    Keras29,
    /// Keras 2.15's.
    #[default]
    Keras215,
    /// Keras 3's.
    Keras3,
}

/// Prints progress bars and epoch lines.
///
/// # Source
/// `keras.callbacks.ProgbarLogger`.
#[derive(Debug)]
pub struct ProgbarLogger {
    #[expect(dead_code, reason = "chooses the text")]
    style: ConsoleStyle,
}

impl ProgbarLogger {
    /// In that style.
    pub fn new(style: ConsoleStyle) -> ProgbarLogger {
        ProgbarLogger { style }
    }
}

impl Callback for ProgbarLogger {
    fn class_name(&self) -> &str {
        "ProgbarLogger"
    }
}
