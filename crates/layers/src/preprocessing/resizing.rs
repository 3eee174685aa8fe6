//! `Resizing`: images in another size.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_graph::ops::{Pad, PadMode};

use super::image_size::{ResizeMethod, int, largest_part, lengths, middle, resize_images};
use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Result};

/// Images brought to one size.
///
/// # Arguments
/// * `height`, `width`: the size in pixels.
/// * `interpolation`: `bilinear` (the default), `nearest`, `bicubic`, `area`, `lanczos3`, `lanczos5`, `gaussian` or
///   `mitchellcubic`.
/// * `crop_to_aspect_ratio`: whether the largest part in the middle that has the shape of the target is taken.
/// * `pad_to_aspect_ratio`: whether images are filled up to that shape by `fill_value` first (of Keras 3).
/// * `antialias`: whether pixels that become one are all taken into account (of Keras 3).
///
/// # Shapes
/// input `[batch, height, width, channels]` or `[height, width, channels]`, output alike with the new size; with
/// channels first `[batch, channels, height, width]`.
///
/// # Errors
/// An unknown interpolation, inputs with other than 3 or 4 axes, both ways to keep the aspect ratio.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::Resizing};
/// let y = Resizing::new(32, 48).interpolation("lanczos3").on(&Input([None, None, Some(3)]))?;
/// assert_eq!(y.shape().to_string(), "(None, 32, 48, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Resizing`, `tf.image.resize`.
#[derive(Debug)]
pub struct Resizing {
    base: Base,
    height: usize,
    width: usize,
    interpolation: String,
    crop_to_aspect_ratio: bool,
    pad_to_aspect_ratio: bool,
    fill_mode: String,
    fill_value: f64,
    antialias: bool,
    data_format: DataFormat,
}

impl Resizing {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Resizing", aliases: &[], module: "keras.layers", from_config: Resizing::from_config };

    /// To that size.
    pub fn new(height: usize, width: usize) -> Resizing {
        Resizing {
            base: Base::new("Resizing"),
            height,
            width,
            interpolation: "bilinear".into(),
            crop_to_aspect_ratio: false,
            pad_to_aspect_ratio: false,
            fill_mode: "constant".into(),
            fill_value: 0.0,
            antialias: false,
            data_format: DataFormat::ChannelsLast,
        }
    }

    /// How pixels between pixels are made.
    #[must_use]
    pub fn interpolation(mut self, name: &str) -> Resizing {
        self.interpolation = name.into();
        self
    }

    /// Whether the largest part in the middle that has the shape of the target is taken.
    #[must_use]
    pub fn crop_to_aspect_ratio(mut self, crop: bool) -> Resizing {
        self.crop_to_aspect_ratio = crop;
        self
    }

    /// Whether images are filled up to the shape of the target.
    #[must_use]
    pub fn pad_to_aspect_ratio(mut self, pad: bool) -> Resizing {
        self.pad_to_aspect_ratio = pad;
        self
    }

    /// What images are filled up with.
    #[must_use]
    pub fn fill_value(mut self, value: f64) -> Resizing {
        self.fill_value = value;
        self
    }

    /// Whether pixels that become one are all taken into account.
    #[must_use]
    pub fn antialias(mut self, antialias: bool) -> Resizing {
        self.antialias = antialias;
        self
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Resizing {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = Resizing {
            base: Base::from_config("Resizing", fields)?,
            height: fields.positive("height")?,
            width: fields.positive("width")?,
            interpolation: fields.str_or("interpolation", "bilinear")?.into(),
            crop_to_aspect_ratio: fields.bool_or("crop_to_aspect_ratio", false)?,
            pad_to_aspect_ratio: fields.bool_or("pad_to_aspect_ratio", false)?,
            fill_mode: fields.str_or("fill_mode", "constant")?.into(),
            fill_value: fields.float_or("fill_value", 0.0)?,
            antialias: fields.bool_or("antialias", false)?,
            data_format: DataFormat::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// Images filled up on both sides to the shape of the target.
    fn filled(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let own = lengths(cx.g, x)?;
        let (th, tw) = (int(cx.g, self.height)?, int(cx.g, self.width)?);
        let two = int(cx.g, 2)?;
        let zero = int(cx.g, 0)?;
        let mut rows = vec![zero, zero];
        for (i, (to, other)) in [(th, tw), (tw, th)].into_iter().enumerate() {
            let product = cx.g.multiply(own[1 - i], to)?;
            let whole = cx.g.floor_div(product, other)?;
            let whole = cx.g.maximum(own[i], whole)?;
            let missing = cx.g.subtract(whole, own[i])?;
            let before = cx.g.floor_div(missing, two)?;
            rows.push(before);
            rows.push(cx.g.subtract(missing, before)?);
        }
        rows.extend([zero, zero]);
        let paddings = cx.g.stack(&rows, 0)?;
        let paddings = cx.g.reshape(paddings, &[4, 2])?;
        let value = cx.g.number(self.fill_value, cx.g.dtype(x))?;
        Ok(cx.g.add_single(Pad { mode: PadMode::Value }, &[x, paddings, value])?)
    }
}

impl Layer for Resizing {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let dtype = cx.g.dtype(x);
        for (argument, length) in [("height", self.height), ("width", self.width)] {
            if length == 0 || length > i32::MAX as usize {
                return Err(argument_error(&self.base, argument, "a positive number of pixels", length.to_string()));
            }
        }
        if self.fill_mode != "constant" {
            let found = format!("`{}`", self.fill_mode);
            return Err(argument_error(&self.base, "fill_mode", "`constant`", found));
        }
        if self.crop_to_aspect_ratio && self.pad_to_aspect_ratio {
            let expected = "false, as `crop_to_aspect_ratio` is true";
            return Err(argument_error(&self.base, "pad_to_aspect_ratio", expected, "true"));
        }
        let method = ResizeMethod::find(&self.base, &self.interpolation)?;
        let (x, is_single) = to_batch(self, cx, x, self.data_format)?;
        let mut x = x;
        if self.crop_to_aspect_ratio {
            let own = lengths(cx.g, x)?;
            let part = largest_part(cx.g, own, [self.height, self.width])?;
            x = middle(cx.g, x, part)?;
        } else if self.pad_to_aspect_ratio {
            x = self.filled(cx, x)?;
        }
        let size = cx.g.ints(&[self.height as i64, self.width as i64])?;
        let mut y = resize_images(cx.g, x, size, method, self.antialias)?;
        if self.base.is_keras3() && dtype.is_integer() {
            y = cx.g.round(y)?;
            y = cx.g.cast(y, dtype)?;
        }
        Ok(vec![from_batch(cx, y, is_single, self.data_format)?])
    }

    fn config(&self) -> Result<Config> {
        let mut config = self
            .base
            .config()
            .with("height", self.height as i64)
            .with("width", self.width as i64)
            .with("interpolation", self.interpolation.as_str())
            .with("crop_to_aspect_ratio", self.crop_to_aspect_ratio);
        // Arguments of Keras 3 that change something.
        if self.pad_to_aspect_ratio {
            config.insert("pad_to_aspect_ratio", true);
            config.insert("fill_mode", self.fill_mode.as_str());
            config.insert("fill_value", self.fill_value);
        }
        if self.antialias {
            config.insert("antialias", true);
        }
        if self.data_format == DataFormat::ChannelsFirst {
            config.insert("data_format", self.data_format.name());
        }
        Ok(config.with_rest(self.base.rest()))
    }
}

/// Images in the layer's compute type as `[batch, height, width, channels]`, and whether there was a single one.
pub(super) fn to_batch(layer: &dyn Layer, cx: &mut Call<'_>, x: Value, format: DataFormat) -> Result<(Value, bool)> {
    let dims = cx.g.dims(x).clone();
    let compute = layer.base().policy().compute;
    let x = cx.g.cast(x, compute)?;
    let (x, is_single) = match dims.rank() {
        Some(4) => (x, false),
        Some(3) => (cx.g.expand_dims(x, 0)?, true),
        _ => {
            let expected = "images `[batch, height, width, channels]` or `[height, width, channels]`".into();
            return Err(input_error(layer, expected, format!("shape {dims}")));
        }
    };
    Ok((format.to_last(cx.g, x)?, is_single))
}

/// The reverse of [`to_batch`].
pub(super) fn from_batch(cx: &mut Call<'_>, y: Value, is_single: bool, format: DataFormat) -> Result<Value> {
    let y = format.restore(cx.g, y)?;
    Ok(if is_single { cx.g.squeeze(y, &[0])? } else { y })
}
