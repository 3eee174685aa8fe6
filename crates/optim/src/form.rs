//! The three shapes in which Keras's optimizers exist in files.

use std::fmt;

/// Which generation of Keras an optimizer follows: arithmetic, names and order of its variables, config keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// `keras.optimizers` of Keras 2.11 to 2.15.
    #[default]
    Keras2,
    /// `keras.optimizers.legacy`, which was the only form before Keras 2.11.
    Legacy,
    /// `keras.optimizers` of Keras 3.
    Keras3,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 3] = [Form::Keras2, Form::Legacy, Form::Keras3];
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Keras2 => "Keras 2.15",
            Form::Legacy => "Keras legacy",
            Form::Keras3 => "Keras 3",
        })
    }
}
