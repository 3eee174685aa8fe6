//! Images in another size.

use kerox_graph::ops::{Interpolation, Resize, ResizeKernel, Slice};
use kerox_graph::{Graph, Value};
use kerox_tensor::DType;

use crate::registry::argument_error;
use crate::{Base, Result};

/// How pixels between pixels are made.
///
/// # Source
/// Keras's `interpolation`; `tf.image.ResizeMethod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeMethod {
    /// Between the two nearest pixels of each axis.
    Bilinear,
    /// The pixel that covers the point.
    Nearest,
    /// Between the four nearest pixels of each axis.
    Bicubic,
    /// The mean of the area that becomes one pixel.
    Area,
    /// Lanczos's sinc over 3 pixels.
    Lanczos3,
    /// Lanczos's sinc over 5 pixels.
    Lanczos5,
    /// A Gaussian.
    Gaussian,
    /// Mitchell's and Netravali's cubic.
    MitchellCubic,
}

impl ResizeMethod {
    /// Every method under Keras's name.
    pub const ALL: [(&'static str, ResizeMethod); 8] = [
        ("bilinear", ResizeMethod::Bilinear),
        ("nearest", ResizeMethod::Nearest),
        ("bicubic", ResizeMethod::Bicubic),
        ("area", ResizeMethod::Area),
        ("lanczos3", ResizeMethod::Lanczos3),
        ("lanczos5", ResizeMethod::Lanczos5),
        ("gaussian", ResizeMethod::Gaussian),
        ("mitchellcubic", ResizeMethod::MitchellCubic),
    ];

    /// The method of that name.
    pub(crate) fn find(base: &Base, name: &str) -> Result<ResizeMethod> {
        let name = name.to_ascii_lowercase();
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, method)| *method).ok_or_else(|| {
            let known: Vec<String> = Self::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
            argument_error(base, "interpolation", format!("one of {}", known.join(", ")), format!("`{name}`"))
        })
    }
}

/// Images `[batch, height, width, channels]` in the size that integers `[height, width]` give. With `antialias`, a
/// filter reaches over as many pixels as become one (not with `nearest` and `area`). The result has the type of the
/// images.
///
/// # Errors
/// [`kerox_graph::Error::Argument`] where the images have other than 4 axes.
///
/// # Source
/// `tf.image.resize`.
pub fn resize_images(g: &mut Graph, x: Value, size: Value, method: ResizeMethod, antialias: bool) -> Result<Value> {
    let dtype = g.dtype(x);
    let wide = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let x = g.cast(x, wide)?;
    let plain = |g: &mut Graph, interpolation| g.add_single(Resize { interpolation }, &[x, size]);
    let y = match (method, antialias) {
        (ResizeMethod::Nearest, _) => plain(g, Interpolation::Nearest)?,
        (ResizeMethod::Area, _) => plain(g, Interpolation::Area)?,
        (ResizeMethod::Bilinear, false) => plain(g, Interpolation::Bilinear)?,
        (ResizeMethod::Bicubic, false) => plain(g, Interpolation::Bicubic)?,
        (ResizeMethod::Bilinear, true) => g.scale_to(x, size, ResizeKernel::Triangle, true)?,
        (ResizeMethod::Bicubic, true) => g.scale_to(x, size, ResizeKernel::KeysCubic, true)?,
        (ResizeMethod::Lanczos3, _) => g.scale_to(x, size, ResizeKernel::Lanczos3, antialias)?,
        (ResizeMethod::Lanczos5, _) => g.scale_to(x, size, ResizeKernel::Lanczos5, antialias)?,
        (ResizeMethod::Gaussian, _) => g.scale_to(x, size, ResizeKernel::Gaussian, antialias)?,
        (ResizeMethod::MitchellCubic, _) => g.scale_to(x, size, ResizeKernel::MitchellCubic, antialias)?,
    };
    Ok(g.cast(y, dtype)?)
}

/// Height and width of images `[batch, height, width, channels]` as integer scalars, known or not.
pub(super) fn lengths(g: &mut Graph, x: Value) -> Result<[Value; 2]> {
    let shape = g.shape_of(x)?;
    let mut one = |axis: i64| -> Result<Value> {
        let part = g.slice(shape, &[axis], &[1])?;
        Ok(g.reshape(part, &[])?)
    };
    Ok([one(1)?, one(2)?])
}

/// An integer scalar.
pub(super) fn int(g: &mut Graph, value: usize) -> Result<Value> {
    Ok(g.number(value as f64, DType::I32)?)
}

/// The largest part in the middle of images that has the shape of the target: height and width.
pub(super) fn largest_part(g: &mut Graph, [height, width]: [Value; 2], target: [usize; 2]) -> Result<[Value; 2]> {
    let [th, tw] = [int(g, target[0])?, int(g, target[1])?];
    let part = |g: &mut Graph, own: Value, other: Value, a: Value, b: Value| -> Result<Value> {
        let product = g.multiply(other, a)?;
        let fitting = g.floor_div(product, b)?;
        let fitting = g.minimum(own, fitting)?;
        let one = int(g, 1)?;
        Ok(g.maximum(fitting, one)?)
    };
    Ok([part(g, height, width, th, tw)?, part(g, width, height, tw, th)?])
}

/// A part in the middle of images `[batch, height, width, channels]`.
pub(super) fn middle(g: &mut Graph, x: Value, part: [Value; 2]) -> Result<Value> {
    let own = lengths(g, x)?;
    let two = int(g, 2)?;
    let (zero, all) = (int(g, 0)?, g.number(-1.0, DType::I32)?);
    let mut starts = vec![zero];
    for (own, part) in own.into_iter().zip(part) {
        let left = g.subtract(own, part)?;
        starts.push(g.floor_div(left, two)?);
    }
    starts.push(zero);
    let begin = g.stack(&starts, 0)?;
    let size = g.stack(&[all, part[0], part[1], all], 0)?;
    Ok(g.add_single(Slice, &[x, begin, size])?)
}
