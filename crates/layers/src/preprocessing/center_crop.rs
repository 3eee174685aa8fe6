//! `CenterCrop`: the middle of images.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_tensor::DType;

use super::image_size::{ResizeMethod, int, largest_part, lengths, middle, resize_images};
use super::resizing::{from_batch, to_batch};
use crate::arguments::one_input;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Result};

/// The part of that size in the middle of images. An image that is smaller in one direction is cut to the shape of
/// the target and made larger.
///
/// # Shapes
/// input `[batch, height, width, channels]` or `[height, width, channels]`, output alike with the new size; with
/// channels first `[batch, channels, height, width]`.
///
/// # Errors
/// A size of 0, inputs with other than 3 or 4 axes.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::CenterCrop};
/// let y = CenterCrop::new(20, 24).on(&Input([32, 32, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 20, 24, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.CenterCrop`.
#[derive(Debug)]
pub struct CenterCrop {
    base: Base,
    height: usize,
    width: usize,
    data_format: DataFormat,
}

impl CenterCrop {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "CenterCrop",
        aliases: &[],
        module: "keras.layers",
        from_config: CenterCrop::from_config,
    };

    /// Of that size.
    pub fn new(height: usize, width: usize) -> CenterCrop {
        CenterCrop { base: Base::new("CenterCrop"), height, width, data_format: DataFormat::ChannelsLast }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> CenterCrop {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = CenterCrop {
            base: Base::from_config("CenterCrop", fields)?,
            height: fields.positive("height")?,
            width: fields.positive("width")?,
            data_format: DataFormat::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for CenterCrop {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        for (argument, length) in [("height", self.height), ("width", self.width)] {
            if length == 0 || length > i32::MAX as usize {
                return Err(argument_error(&self.base, argument, "a positive number of pixels", length.to_string()));
            }
        }
        let (x, is_single) = to_batch(self, cx, x, self.data_format)?;
        let known = match cx.g.dims(x).axes() {
            Some(&[_, Some(height), Some(width), _]) => Some(height >= self.height && width >= self.width),
            _ => None,
        };
        let own = lengths(cx.g, x)?;
        let target = [int(cx.g, self.height)?, int(cx.g, self.width)?];
        let y = match known {
            Some(true) => middle(cx.g, x, target)?,
            _ => {
                let smaller = largest_part(cx.g, own, [self.height, self.width])?;
                let part = match known {
                    Some(_) => smaller,
                    // An image that is large enough is cut to the size, and has it then.
                    None => {
                        let fits = [cx.g.greater_equal(own[0], target[0])?, cx.g.greater_equal(own[1], target[1])?];
                        let fits = cx.g.logical_and(fits[0], fits[1])?;
                        [cx.g.select(fits, target[0], smaller[0])?, cx.g.select(fits, target[1], smaller[1])?]
                    }
                };
                let cut = middle(cx.g, x, part)?;
                let size = cx.g.ints(&[self.height as i64, self.width as i64])?;
                resize_images(cx.g, cut, size, ResizeMethod::Bilinear, false)?
            }
        };
        Ok(vec![from_batch(cx, y, is_single, self.data_format)?])
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.base.config().with("height", self.height as i64).with("width", self.width as i64);
        if self.data_format == DataFormat::ChannelsFirst {
            config.insert("data_format", self.data_format.name());
        }
        Ok(config.with_rest(self.base.rest()))
    }

    fn input_dtype(&self) -> DType {
        self.base.policy().compute
    }
}
