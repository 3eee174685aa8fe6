//! Images seen through a projection of the plane.

use std::sync::Arc;

use kerox_tensor::kernels::{Float, Number};

use super::declaration::Declaration;
use super::dispatch::for_float;
use super::movement::dims_of;
use super::solve::Inverse;
use crate::{Attr, Attrs, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "ImageProjectiveTransformV2",
        signature: "images, transforms, output_shape -> transformed_images",
        build,
    },
    Declaration {
        name: "ImageProjectiveTransformV3",
        signature: "images, transforms, output_shape, fill_value -> transformed_images",
        build,
    },
];

fn build(attrs: &Attrs) -> Result<Arc<dyn Op>> {
    let word = |name: &str, default: &str| -> Result<String> {
        Ok(match attrs.get(name) {
            Some(Attr::String(bytes)) => String::from_utf8_lossy(bytes).to_uppercase(),
            _ => default.to_owned(),
        })
    };
    let is_nearest = match word("interpolation", "NEAREST")?.as_str() {
        "NEAREST" => true,
        "BILINEAR" => false,
        _ => return Err(attrs.wrong("interpolation", "NEAREST or BILINEAR", attrs.get("interpolation"))),
    };
    let fill = match word("fill_mode", "CONSTANT")?.as_str() {
        "CONSTANT" => FillMode::Constant,
        "REFLECT" => FillMode::Reflect,
        "WRAP" => FillMode::Wrap,
        "NEAREST" => FillMode::Nearest,
        _ => return Err(attrs.wrong("fill_mode", "CONSTANT, REFLECT, WRAP or NEAREST", attrs.get("fill_mode"))),
    };
    Ok(Arc::new(Projective { fill, is_nearest }))
}

/// What lies beyond the borders of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillMode {
    /// One value everywhere.
    Constant,
    /// The image mirrored at its border: `dcba|abcd|dcba`.
    Reflect,
    /// The image again: `abcd|abcd|abcd`.
    Wrap,
    /// The pixel at the border: `aaaa|abcd|dddd`.
    Nearest,
}

impl FillMode {
    /// As TensorFlow's attribute has it.
    fn name(self) -> &'static str {
        match self {
            FillMode::Constant => "CONSTANT",
            FillMode::Reflect => "REFLECT",
            FillMode::Wrap => "WRAP",
            FillMode::Nearest => "NEAREST",
        }
    }

    /// The coordinate inside an axis of `length` pixels that stands for `at`.
    fn map(self, at: f32, length: usize) -> f32 {
        let (n, last) = (length as f32, length as f32 - 1.0);
        let mapped = match self {
            FillMode::Constant => return at,
            FillMode::Nearest => at,
            _ if (0.0..=last).contains(&at) => at,
            _ if length <= 1 => 0.0,
            FillMode::Reflect => {
                let period = 2.0 * n;
                if at < 0.0 {
                    let at = if at < period { period * (-at / period).trunc() + at } else { at };
                    if at < -n { at + period } else { -at - 1.0 }
                } else {
                    let at = at - period * (at / period).trunc();
                    if at >= n { period - at - 1.0 } else { at }
                }
            }
            FillMode::Wrap => {
                if at < 0.0 {
                    at + n * ((-at / last).trunc() + 1.0)
                } else {
                    at - n * (at / last).trunc()
                }
            }
        };
        if mapped.is_nan() { mapped } else { mapped.clamp(0.0, last) }
    }
}

/// `ImageProjectiveTransformV3(images, transforms, output_shape, fill_value)`: the pixel at `(x, y)` of the output is
/// the one at `((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)` of the input with `k = c0 x + c1 y + 1`, where
/// `[a0, a1, a2, b0, b1, b2, c0, c1]` is the image's row of `transforms`.
#[derive(Clone, Copy, Debug)]
pub struct Projective {
    /// What lies beyond the borders.
    pub fill: FillMode,
    /// Whether the nearest pixel is taken instead of a mean of four.
    pub is_nearest: bool,
}

/// A pixel that goes into one of the output, and its weight; `None` stands for the fill value.
type Tap = (Option<(usize, usize)>, f32);

impl Projective {
    /// The pixels that make the one at `(x, y)` of the output, and how many there are.
    fn taps(&self, transform: &[f32], (x, y): (usize, usize), (height, width): (usize, usize)) -> ([Tap; 4], usize) {
        let nothing: Tap = (None, 0.0);
        let (x, y) = (x as f32, y as f32);
        let k = transform[6] * x + transform[7] * y + 1.0;
        if k == 0.0 {
            return ([(None, 1.0), nothing, nothing, nothing], 1);
        }
        let at_x = self.fill.map((transform[0] * x + transform[1] * y + transform[2]) / k, width);
        let at_y = self.fill.map((transform[3] * x + transform[4] * y + transform[5]) / k, height);
        let pixel = |y: f32, x: f32| -> Option<(usize, usize)> {
            let is_inside = y >= 0.0 && y < height as f32 && x >= 0.0 && x < width as f32;
            is_inside.then_some((y as usize, x as usize))
        };
        if self.is_nearest {
            return ([(pixel(at_y.round(), at_x.round()), 1.0), nothing, nothing, nothing], 1);
        }
        let (y0, x0) = (at_y.floor(), at_x.floor());
        let (y1, x1) = (y0 + 1.0, x0 + 1.0);
        let taps = [
            (pixel(y0, x0), (y1 - at_y) * (x1 - at_x)),
            (pixel(y0, x1), (y1 - at_y) * (at_x - x0)),
            (pixel(y1, x0), (at_y - y0) * (x1 - at_x)),
            (pixel(y1, x1), (at_y - y0) * (at_x - x0)),
        ];
        (taps, 4)
    }

    /// Hands each pixel of the output (its number and image) with its taps to `f`.
    fn each(
        &self,
        transforms: &[f32],
        image: (usize, usize),
        output: [usize; 3],
        mut f: impl FnMut(usize, usize, &[Tap]),
    ) {
        let [batch, height, width] = output;
        for n in 0..batch {
            // One transform may stand for all images.
            let row = if transforms.len() == 8 { transforms } else { &transforms[n * 8..n * 8 + 8] };
            for y in 0..height {
                for x in 0..width {
                    let (taps, count) = self.taps(row, (x, y), image);
                    f((n * height + y) * width + x, n, &taps[..count]);
                }
            }
        }
    }
}

impl Op for Projective {
    fn name(&self) -> &'static str {
        "ImageProjectiveTransformV3"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let interpolation = if self.is_nearest { "NEAREST" } else { "BILINEAR" };
        vec![
            ("dtype", Attr::Type(inputs[0].dtype)),
            ("fill_mode", Attr::String(self.fill.name().into())),
            ("interpolation", Attr::String(interpolation.into())),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        if !(3..=4).contains(&cx.inputs().len()) {
            return Err(cx.wrong("inputs", "3 or 4", cx.inputs().len().to_string()));
        }
        let images = cx.of_rank(0, 4)?;
        let transforms = cx.of_rank(1, 2)?;
        cx.of_dtype(1, kerox_tensor::DType::F32)?;
        let axes = images.axes().unwrap_or(&[None; 4]).to_vec();
        match transforms.axes() {
            Some(&[rows, columns]) if columns.is_none_or(|c| c == 8) => {
                if let (Some(rows), Some(batch)) = (rows, axes[0])
                    && rows != 1
                    && rows != batch
                {
                    return Err(cx.wrong("transforms", format!("1 or {batch} rows"), rows.to_string()));
                }
            }
            _ => return Err(cx.wrong("transforms", "(batch, 8)", transforms.to_string())),
        }
        let size = dims_of(cx, 2)?.unwrap_or(Dims::of_rank(2));
        let Some(&[height, width]) = size.axes() else {
            return Err(cx.wrong("output_shape", "height and width", size.to_string()));
        };
        Ok(vec![ValueInfo::new(cx.float(0)?, [axes[0], height, width, axes[3]])])
    }
    fn reads(&self, input: usize) -> bool {
        input != 2
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (images, transforms) = (run.input(0), run.input(1).slice::<f32>()?);
        let fill = match run.inputs.get(3) {
            Some(fill) => fill.slice::<f32>()?.first().copied().unwrap_or(0.0),
            None => 0.0,
        };
        let (height, width, channels) = (images.shape[1], images.shape[2], images.shape[3]);
        let output = &mut run.outputs[0];
        let shape = [output.shape[0], output.shape[1], output.shape[2]];
        for_float!(output.dtype(), self.name(), T => {
            let (x, y) = (images.slice::<T>()?, output.slice::<T>()?);
            let fill = T::from_f64(f64::from(fill));
            self.each(transforms, (height, width), shape, |at, n, taps| {
                let out = &mut y[at * channels..(at + 1) * channels];
                out.fill(T::ZERO);
                for &(pixel, weight) in taps {
                    let weight = T::from_f64(f64::from(weight));
                    match pixel {
                        Some((row, column)) => {
                            let from = ((n * height + row) * width + column) * channels;
                            for (out, &x) in out.iter_mut().zip(&x[from..from + channels]) {
                                *out = out.plus(weight.times(x));
                            }
                        }
                        None => out.iter_mut().for_each(|out| *out = out.plus(weight.times(fill))),
                    }
                }
            });
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        // As TensorFlow's: the gradient seen through the inverse projections, not what each pixel counts for the result.
        let (images, transforms, dy) = (cx.inputs[0], cx.inputs[1], cx.upstream(0)?);
        let g = &mut *cx.g;
        let first = g.slice(transforms, &[0, 0], &[-1, 1])?;
        let ones = g.ones_like(first)?;
        let rows = g.concat(&[transforms, ones], 1)?;
        let matrices = g.reshape(rows, &[-1, 3, 3])?;
        let inverses = g.add_single(Inverse::default(), &[matrices])?;
        let rows = g.reshape(inverses, &[-1, 9])?;
        let last = g.slice(rows, &[0, 8], &[-1, 1])?;
        let rows = g.divide(rows, last)?;
        let inverses = g.slice(rows, &[0, 0], &[-1, 8])?;
        let shape = g.shape_of(images)?;
        let size = g.slice(shape, &[1], &[2])?;
        let nothing = g.number(0.0, kerox_tensor::DType::F32)?;
        let mut gradients = vec![None; cx.inputs.len()];
        gradients[0] = Some(g.add_single(*self, &[dy, inverses, size, nothing])?);
        Ok(gradients)
    }
}

impl Graph {
    /// Images `[batch, height, width, channels]` seen through projections of the plane, one row of 8 numbers for each.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where `x` has other than 4 axes or the projections are not `[batch, 8]`.
    pub fn project(
        &mut self,
        x: Value,
        transforms: Value,
        (fill, is_nearest): (FillMode, bool),
        fill_value: f64,
    ) -> Result<Value> {
        let shape = self.shape_of(x)?;
        let size = self.slice(shape, &[1], &[2])?;
        let fill_value = self.number(fill_value, kerox_tensor::DType::F32)?;
        self.add_single(Projective { fill, is_nearest }, &[x, transforms, size, fill_value])
    }
}
