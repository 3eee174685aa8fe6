//! What training prints.

mod bar;
mod logger;

pub use bar::Progbar;
pub use logger::ProgbarLogger;

/// Which version's text is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleStyle {
    /// TensorFlow 2.9's.
    Keras29,
    /// Keras 2.15's.
    #[default]
    Keras215,
    /// Keras 3's, with colours.
    Keras3,
}
