//! `RandomElasticTransform`.

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::Distribution;
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::blur::{gaussian, smooth};
use super::pixels::{chance, check_word, known_size, scale, shift, uniform_scalar};
use super::projection::Sampling;
use crate::{Base, Call, Result};

/// Bends some images in training as if they were printed on rubber: each pixel is moved by smoothed noise.
///
/// # Arguments
/// `factor`: the probability, drawn between two numbers in [0, 1], or up to one. `scale`: how much, likewise.
/// `fill_mode`: `reflect`, `mirror`, `wrap`, `constant` (with `fill_value`) or `nearest`; `interpolation`: `bilinear` or
/// `nearest`; `value_range`: the least and the greatest value of a pixel.
///
/// # Shapes
/// images of known height and width.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomElasticTransform};
/// let y = RandomElasticTransform::new(0.5).scale(0.5).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomElasticTransform` of Keras 3; Simard et al., 2003.
pub type RandomElasticTransform = Augmentation<Elastic>;

/// What [`RandomElasticTransform`] does.
#[derive(Clone, Debug)]
pub struct Elastic {
    factor: Factor,
    scale: Factor,
    sampling: Sampling,
    value_range: Factor,
}

impl RandomElasticTransform {
    /// With a probability in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomElasticTransform {
        let (factor, scale) = (factor.into(), Factor::from(1.0));
        Augmentation::of(Elastic { factor, scale, sampling: Sampling::new(), value_range: bytes() })
    }

    /// How much; up to 1 by default.
    #[must_use]
    pub fn scale(self, scale: impl Into<Factor>) -> RandomElasticTransform {
        self.with(|kind| kind.scale = scale.into())
    }

    /// What lies beyond the borders: `reflect` by default.
    #[must_use]
    pub fn fill_mode(self, mode: &str) -> RandomElasticTransform {
        self.with(|kind| kind.sampling.fill_mode = mode.into())
    }

    /// `bilinear` (the default) or `nearest`.
    #[must_use]
    pub fn interpolation(self, interpolation: &str) -> RandomElasticTransform {
        self.with(|kind| kind.sampling.interpolation = interpolation.into())
    }
}

/// Pixels `[batch, height * width, channels]` at whole coordinates `[batch, height, width, 1]`.
pub(super) fn pixels_at(
    cx: &mut Call<'_>,
    flat: Value,
    [height, width]: [usize; 2],
    [y, x]: [Value; 2],
    sampling: &Sampling,
) -> Result<Value> {
    let dtype = cx.g.dtype(flat);
    let mut is_inside = None;
    let mut places = Vec::with_capacity(2);
    for (at, size) in [(y, height as f64), (x, width as f64)] {
        let place = match sampling.fill_mode.as_str() {
            "wrap" => {
                let size = cx.g.number(size, dtype)?;
                cx.g.floor_mod(at, size)?
            }
            "mirror" | "reflect" => mirrored(cx, at, size, sampling.fill_mode == "reflect")?,
            _ => {
                let (least, most) = (cx.g.number(0.0, dtype)?, cx.g.number(size - 1.0, dtype)?);
                let (is_after, is_before) = (cx.g.greater_equal(at, least)?, cx.g.less_equal(at, most)?);
                let is_between = cx.g.logical_and(is_after, is_before)?;
                is_inside = Some(match is_inside {
                    Some(other) => cx.g.logical_and(other, is_between)?,
                    None => is_between,
                });
                at
            }
        };
        places.push(cx.g.clip_by_value(place, 0.0, size - 1.0)?);
    }
    let row = cx.g.cast(places[0], DType::I32)?;
    let column = cx.g.cast(places[1], DType::I32)?;
    let columns = cx.g.number(width as f64, DType::I32)?;
    let place = cx.g.multiply(row, columns)?;
    let place = cx.g.add(place, column)?;
    let place = cx.g.reshape_keeping_batch(place, &[(height * width) as i64])?;
    let pixels = cx.g.gather_batched(flat, place, 1, 1)?;
    let channels = cx.g.dims(flat).axes().and_then(|axes| axes.get(2).copied().flatten()).unwrap_or(1);
    let pixels = cx.g.reshape_keeping_batch(pixels, &[height as i64, width as i64, channels as i64])?;
    match is_inside.filter(|_| sampling.fill_mode == "constant") {
        Some(is_inside) => {
            let fill = cx.g.number(sampling.fill_value.as_f64().unwrap_or(0.0), dtype)?;
            Ok(cx.g.select(is_inside, pixels, fill)?)
        }
        None => Ok(pixels),
    }
}

/// Whole coordinates seen in mirrors at 0 and behind `size` pixels; with `is_reflected` the last pixel comes twice.
///
/// # Source
/// `map_coordinates` of Keras 3.15 on TensorFlow, whose mirrors stand elsewhere than scipy's.
pub(crate) fn mirrored(cx: &mut Call<'_>, at: Value, size: f64, is_reflected: bool) -> Result<Value> {
    let dtype = cx.g.dtype(at);
    let (one, double) = (cx.g.number(size, dtype)?, cx.g.number(2.0 * size, dtype)?);
    let at = cx.g.abs(at)?;
    let at = cx.g.floor_mod(at, double)?;
    let is_under = cx.g.less(at, one)?;
    let back = cx.g.subtract(double, at)?;
    let back = if is_reflected { shift(cx, back, -1.0)? } else { back };
    Ok(cx.g.select(is_under, at, back)?)
}

/// Images at coordinates between pixels.
fn sample(cx: &mut Call<'_>, images: Value, size: [usize; 2], at: [Value; 2], sampling: &Sampling) -> Result<Value> {
    let [height, width] = size;
    let channels = cx.g.dims(images).axes().and_then(|axes| axes.get(3).copied().flatten()).unwrap_or(1);
    let flat = cx.g.reshape_keeping_batch(images, &[(height * width) as i64, channels as i64])?;
    if sampling.interpolation == "nearest" {
        let at = [
            cx.g.unary(kerox_graph::ops::Function::Round, at[0])?,
            cx.g.unary(kerox_graph::ops::Function::Round, at[1])?,
        ];
        return pixels_at(cx, flat, size, at, sampling);
    }
    let low = [cx.g.floor(at[0])?, cx.g.floor(at[1])?];
    let mut sum = None;
    for corner in 0..4 {
        let (mut place, mut weight) = (Vec::with_capacity(2), None);
        for axis in 0..2 {
            let fraction = cx.g.subtract(at[axis], low[axis])?;
            let (at, part) = if corner >> axis & 1 == 1 {
                (shift(cx, low[axis], 1.0)?, fraction)
            } else {
                let rest = scale(cx, fraction, -1.0)?;
                (low[axis], shift(cx, rest, 1.0)?)
            };
            place.push(at);
            weight = Some(match weight {
                Some(weight) => cx.g.multiply(weight, part)?,
                None => part,
            });
        }
        let mut term = pixels_at(cx, flat, size, [place[0], place[1]], sampling)?;
        if let Some(weight) = weight {
            term = cx.g.multiply(term, weight)?;
        }
        sum = Some(match sum {
            Some(sum) => cx.g.add(sum, term)?,
            None => term,
        });
    }
    Ok(sum.unwrap_or(images))
}

/// Each pixel moved by noise `[batch, height, width, 1]` that is smoothed and counts `alpha` times, down and along.
///
/// # Errors
/// [`crate::Error::Input`] where height and width are not known.
pub(crate) fn bend(
    cx: &mut Call<'_>,
    class: &str,
    x: Value,
    noise: [Value; 2],
    (gaussian, length): (Value, usize),
    alpha: Value,
    sampling: &Sampling,
) -> Result<Value> {
    let (height, width) = known_size(cx, class, x)?;
    let dtype = cx.g.dtype(x);
    let mut at = noise;
    for (axis, at) in at.iter_mut().enumerate() {
        let noise = smooth(cx, class, *at, [length, length], [gaussian, gaussian])?;
        let step = cx.g.multiply(noise, alpha)?;
        let size = [height, width][axis];
        let places: Vec<f64> = (0..size).map(|i| i as f64).collect();
        let places = cx.g.constant(kerox_tensor::Tensor::from_vec(places, [size])?)?;
        let places = cx.g.cast(places, dtype)?;
        let places = cx.g.reshape(places, if axis == 0 { &[1, -1, 1, 1] } else { &[1, 1, -1, 1] })?;
        *at = cx.g.add(step, places)?;
    }
    sample(cx, x, [height, width], at, sampling)
}

impl Transform for Elastic {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let (low, high) = self.scale.range(0.0);
        if high == 0.0 || self.factor.range(0.0).1 == 0.0 {
            return Ok(x);
        }
        let dtype = cx.g.dtype(x);
        let (height, width) = known_size(cx, Elastic::CLASS, x)?;
        let strength = uniform_scalar(cx, generator, (low, high), dtype)?;
        let alpha = scale(cx, strength, 0.1 * height.max(width) as f64)?;
        let widest = 0.05 * height.min(width) as f64;
        let sigma = scale(cx, strength, widest)?;
        // The kernel has the odd length next to 6 whole standard deviations, of which the largest there can be is made.
        let whole = cx.g.floor(sigma)?;
        let radius = scale(cx, whole, 3.0)?;
        let length = 6 * (widest * high) as usize + 1;
        let least = cx.g.number(1e-6, dtype)?;
        let width_of_gaussian = cx.g.maximum(sigma, least)?;
        let vector = gaussian(cx, length, width_of_gaussian, Some(radius))?;
        let shape = cx.g.shape_of(x)?;
        let batch = cx.g.slice(shape, &[0], &[1])?;
        let tail = cx.g.ints(&[height as i64, width as i64, 1])?;
        let shape = cx.g.concat(&[batch, tail], 0)?;
        let mut noise = || -> Result<Value> {
            let noise = cx.g.random(shape, Distribution::Normal, dtype, generator)?;
            Ok(cx.g.multiply(noise, sigma)?)
        };
        let noise = [noise()?, noise()?];
        let bent = bend(cx, Elastic::CLASS, x, noise, (vector, length), alpha, &self.sampling)?;
        let is_chosen = chance(cx, x, generator, self.factor.range(0.0))?;
        let y = cx.g.select(is_chosen, bent, x)?;
        let (low, high) = self.value_range.range(0.0);
        Ok(cx.g.clip_by_value(y, low, high)?)
    }
}

impl Augment for Elastic {
    const CLASS: &'static str = "RandomElasticTransform";

    fn read(fields: &Fields<'_>) -> Result<Elastic> {
        Ok(Elastic {
            factor: Factor::read(fields, "factor", Some(1.0.into()))?,
            scale: Factor::read(fields, "scale", Some(1.0.into()))?,
            sampling: Sampling::read(fields)?,
            value_range: value_range(fields)?,
        })
    }

    fn write(&self, config: Config) -> Config {
        let config = config.with("factor", self.factor.0.clone()).with("scale", self.scale.0.clone());
        config
            .with("interpolation", self.sampling.interpolation.as_str())
            .with("fill_mode", self.sampling.fill_mode.as_str())
            .with("fill_value", self.sampling.fill_value.clone())
            .with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))?;
        self.scale.check(base, "scale", (0.0, 1.0))?;
        let modes = ["constant", "nearest", "wrap", "mirror", "reflect"];
        check_word(base, "fill_mode", &self.sampling.fill_mode, &modes)?;
        check_word(base, "interpolation", &self.sampling.interpolation, &["nearest", "bilinear"])
    }
}
