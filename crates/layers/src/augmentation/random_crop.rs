//! `RandomCrop`.

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::{Interpolation, Slice};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Transform};
use super::pixels::{known_size, uniform_scalar};
use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// Cuts a random piece out of the images in training, the same of all in a batch. Otherwise, and where the images are
/// smaller than the piece, the largest middle part of its proportions is resized.
///
/// # Shapes
/// input `[batch, height, width, channels]` of known height and width, output `[batch, new height, new width,
/// channels]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomCrop};
/// let y = RandomCrop::new(24, 24).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 24, 24, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomCrop`, `keras.preprocessing.image.smart_resize`.
pub type RandomCrop = Augmentation<Crop>;

/// What [`RandomCrop`] does.
#[derive(Clone, Debug)]
pub struct Crop {
    height: usize,
    width: usize,
}

impl RandomCrop {
    /// To that many pixels.
    pub fn new(height: usize, width: usize) -> RandomCrop {
        Augmentation::of(Crop { height, width })
    }
}

impl Transform for Crop {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let (height, width) = known_size(cx, Crop::CLASS, x)?;
        if height < self.height || width < self.width {
            return self.at_rest(cx, x, generator);
        }
        let zero = cx.g.ints(&[0])?;
        let mut begin = vec![zero];
        for spare in [height - self.height, width - self.width] {
            let start = uniform_scalar(cx, generator, (0.0, spare as f64 + 1.0), DType::F32)?;
            // A number close below the end may have been rounded to it.
            let start = cx.g.clip_by_value(start, 0.0, spare as f64)?;
            let start = cx.g.floor(start)?;
            let start = cx.g.cast(start, DType::I32)?;
            begin.push(cx.g.reshape(start, &[1])?);
        }
        begin.push(zero);
        let begin = cx.g.concat(&begin, 0)?;
        let size = cx.g.ints(&[-1, self.height as i64, self.width as i64, -1])?;
        Ok(cx.g.add_single(Slice, &[x, begin, size])?)
    }

    fn at_rest(&self, cx: &mut Call<'_>, x: Value, _: &Generator) -> Result<Value> {
        let (height, width) = known_size(cx, Crop::CLASS, x)?;
        let part = |length: usize, target: usize, other: usize, other_target: usize| {
            let fitting = (other * target) as f32 / other_target.max(1) as f32;
            let cut = length.min(fitting as usize);
            (((length - cut) as f32 / 2.0) as i64, cut as i64)
        };
        let (top, rows) = part(height, self.height, width, self.width);
        let (left, columns) = part(width, self.width, height, self.height);
        let y = cx.g.slice(x, &[0, top, left, 0], &[-1, rows, columns, -1])?;
        Ok(cx.g.resize(y, [self.height, self.width], Interpolation::Bilinear)?)
    }
}

impl Augment for Crop {
    const CLASS: &'static str = "RandomCrop";

    fn read(fields: &Fields<'_>) -> Result<Crop> {
        Ok(Crop { height: fields.positive("height")?, width: fields.positive("width")? })
    }

    fn write(&self, config: Config) -> Config {
        config.with("height", self.height).with("width", self.width)
    }

    fn check(&self, base: &Base) -> Result<()> {
        for (argument, length) in [("height", self.height), ("width", self.width)] {
            if length == 0 {
                return Err(argument_error(base, argument, "a positive integer", "0"));
            }
        }
        Ok(())
    }
}
