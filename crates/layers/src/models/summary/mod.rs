//! `summary()`: a model as a table of its layers.

mod keras2;
mod rows;

use crate::{LayerRef, Result};

/// Whose text a summary is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SummaryStyle {
    /// Keras 2.13 to 2.15: blank lines between layers, sizes in bytes.
    #[default]
    Keras215,
    /// TensorFlow 2.7 to 2.12: blank lines between layers, thousands separated by commas, no sizes.
    Tf29,
    /// TensorFlow 2.0 to 2.6: rules between layers, long names cut off.
    Tf25,
}

/// How a summary is to look.
///
/// # Example
/// ```
/// use kerox_layers::models::{Summary, SummaryStyle};
/// let wide = Summary::new().line_length(120).expand_nested(true).style(SummaryStyle::Tf29);
/// # drop(wide);
/// ```
///
/// # Source
/// The arguments of `keras.Model.summary`.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Summary {
    line_length: Option<usize>,
    positions: Option<Vec<f64>>,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Option<(String, String)>,
    unbuilt: bool,
    style: SummaryStyle,
}

impl Summary {
    /// As Keras prints it without arguments.
    pub fn new() -> Summary {
        Summary::default()
    }

    /// Length of a line in characters; 65 for layers one after the other and 98 for graphs if not given.
    pub fn line_length(mut self, characters: usize) -> Summary {
        self.line_length = Some(characters);
        self
    }

    /// Where columns end: fractions of the line if the last is at most 1, else characters.
    pub fn positions(mut self, positions: impl IntoIterator<Item = f64>) -> Summary {
        self.positions = Some(positions.into_iter().collect());
        self
    }

    /// Whether the layers of models inside are listed as well.
    pub fn expand_nested(mut self, expand: bool) -> Summary {
        self.expand_nested = expand;
        self
    }

    /// Whether a column says which layers are trained.
    pub fn show_trainable(mut self, show: bool) -> Summary {
        self.show_trainable = show;
        self
    }

    /// The first and the last layer to list, by name or by the beginning of a name.
    pub fn layer_range(mut self, first: impl Into<String>, last: impl Into<String>) -> Summary {
        self.layer_range = Some((first.into(), last.into()));
        self
    }

    /// Whether layers whose weights do not exist yet are listed, with `?` for a shape and `unbuilt` for a number, as Keras 3
    /// lists them. Keras 2 refuses.
    ///
    /// ```
    /// use kerox_layers::{LayerRef, core::Dense, models::{Sequential, Summary}};
    /// let model = LayerRef::from(Sequential::new().with(Dense::new(10)));
    /// assert!(Summary::new().text(&model).is_err());
    /// assert!(Summary::new().unbuilt(true).text(&model)?.contains("unbuilt"));
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    pub fn unbuilt(mut self, list: bool) -> Summary {
        self.unbuilt = list;
        self
    }

    /// Whose text it is.
    pub fn style(mut self, style: SummaryStyle) -> Summary {
        self.style = style;
        self
    }

    /// The text, with a line break after every line.
    ///
    /// # Errors
    /// [`crate::Error::NotBuilt`] before the weights exist, unless told to list such layers; [`crate::Error::NoSuchLayer`] where the range names no
    /// layer.
    pub fn text(&self, model: &LayerRef) -> Result<String> {
        keras2::text(self, &rows::Table::of(model, self.layer_range.as_ref(), self.unbuilt)?)
    }
}

/// The table of a model as Keras 2.15 prints it.
///
/// # Errors
/// [`crate::Error::NotBuilt`] before the weights exist.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, LayerRef, core::Dense, models::{self, Sequential}};
/// let model = LayerRef::from(Sequential::new().with(Dense::new(10).input_dim(784)));
/// assert!(models::summary(&model)?.contains("Total params: 7850 (30.66 KB)"));
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.Model.summary`.
pub fn summary(model: &LayerRef) -> Result<String> {
    Summary::new().text(model)
}
