//! `RandomFlip`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Transform};
use super::pixels::{chance, check_word};
use crate::{Base, Call, Result};

/// Mirrors each image in training with probability one half.
///
/// # Arguments
/// `mode`: `horizontal` (left and right are exchanged), `vertical`, or `horizontal_and_vertical` (each for itself).
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomFlip};
/// let y = RandomFlip::new("horizontal").seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomFlip`.
pub type RandomFlip = Augmentation<Flip>;

/// What [`RandomFlip`] does.
#[derive(Clone, Debug)]
pub struct Flip {
    mode: String,
}

impl RandomFlip {
    /// In that mode.
    pub fn new(mode: &str) -> RandomFlip {
        Augmentation::of(Flip { mode: mode.into() })
    }
}

impl Transform for Flip {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let mut y = x;
        for (word, axis) in [("horizontal", 2), ("vertical", 1)] {
            if self.mode.contains(word) {
                let is_chosen = chance(cx, y, generator, (0.5, 0.5))?;
                let mirrored = cx.g.reverse(y, &[axis])?;
                y = cx.g.select(is_chosen, mirrored, y)?;
            }
        }
        Ok(y)
    }
}

impl Augment for Flip {
    const CLASS: &'static str = "RandomFlip";

    fn read(fields: &Fields<'_>) -> Result<Flip> {
        Ok(Flip { mode: fields.str_or("mode", "horizontal_and_vertical")?.into() })
    }

    fn write(&self, config: Config) -> Config {
        config.with("mode", self.mode.as_str())
    }

    fn check(&self, base: &Base) -> Result<()> {
        check_word(base, "mode", &self.mode, &["horizontal", "vertical", "horizontal_and_vertical"])
    }
}
