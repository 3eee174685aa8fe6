//! `RandomPerspective`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::pixels::{chance, check_word, length, scale, shift, uniform_of};
use super::projection::Sampling;
use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// Moves the corners of some images in training, and all between them, as a change of the point of view does.
///
/// # Arguments
/// `factor`: the probability, drawn between two numbers in [0, 1], or up to one. `scale`: a number in [0, 1]; a corner
/// is moved by up to half of that part of its distance from the first one. `interpolation`: `bilinear` or `nearest`;
/// `fill_value`: what lies beyond the borders.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomPerspective};
/// let y = RandomPerspective::new(1.0).scale(0.3).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomPerspective` of Keras 3.
pub type RandomPerspective = Augmentation<Perspective>;

/// What [`RandomPerspective`] does.
#[derive(Clone, Debug)]
pub struct Perspective {
    factor: Factor,
    scale: Factor,
    sampling: Sampling,
}

impl RandomPerspective {
    /// With a probability in that range and corners moved by up to half of the sides.
    pub fn new(factor: impl Into<Factor>) -> RandomPerspective {
        let sampling = Sampling { fill_mode: "constant".into(), ..Sampling::new() };
        Augmentation::of(Perspective { factor: factor.into(), scale: 1.0.into(), sampling })
    }

    /// How far corners are moved; 1 by default.
    #[must_use]
    pub fn scale(self, scale: f64) -> RandomPerspective {
        self.with(|kind| kind.scale = scale.into())
    }

    /// `bilinear` (the default) or `nearest`.
    #[must_use]
    pub fn interpolation(self, interpolation: &str) -> RandomPerspective {
        self.with(|kind| kind.sampling.interpolation = interpolation.into())
    }

    /// The value beyond the borders; 0 by default.
    #[must_use]
    pub fn fill_value(self, value: f64) -> RandomPerspective {
        self.with(|kind| kind.sampling.fill_value = value.into())
    }
}

/// A product of two values minus one of two others.
fn cross(cx: &mut Call<'_>, a: Value, b: Value, c: Value, d: Value) -> Result<Value> {
    let (plus, minus) = (cx.g.multiply(a, b)?, cx.g.multiply(c, d)?);
    Ok(cx.g.subtract(plus, minus)?)
}

/// The projection that takes four points to the corners of a rectangle from the origin to `(width, height)`.
///
/// The points are `[x, y]` of the corners at the origin, along the width, along the height and opposite to the origin.
/// The projection of the unit square to four points has a closed form; its adjugate is the way back.
///
/// # Source
/// Heckbert, "Fundamentals of texture mapping and image warping", 1989.
pub(super) fn to_rectangle(
    cx: &mut Call<'_>,
    points: [[Value; 2]; 4],
    [width, height]: [Value; 2],
) -> Result<[Option<Value>; 8]> {
    let [[x0, y0], [x1, y1], [x3, y3], [x2, y2]] = points;
    let (dx1, dx2) = (cx.g.subtract(x1, x2)?, cx.g.subtract(x3, x2)?);
    let (dy1, dy2) = (cx.g.subtract(y1, y2)?, cx.g.subtract(y3, y2)?);
    let sum = |cx: &mut Call<'_>, a: Value, b: Value, c: Value, d: Value| -> Result<Value> {
        let (first, second) = (cx.g.subtract(a, b)?, cx.g.subtract(c, d)?);
        Ok(cx.g.add(first, second)?)
    };
    let (sx, sy) = (sum(cx, x0, x1, x2, x3)?, sum(cx, y0, y1, y2, y3)?);
    let determinant = cross(cx, dx1, dy2, dx2, dy1)?;
    let g = cross(cx, sx, dy2, dx2, sy)?;
    let g = cx.g.divide(g, determinant)?;
    let h = cross(cx, dx1, sy, sx, dy1)?;
    let h = cx.g.divide(h, determinant)?;
    // The matrix [a b c; d e f; g h 1] takes the unit square to the points.
    let edge = |cx: &mut Call<'_>, to: Value, from: Value, factor: Value| -> Result<Value> {
        let step = cx.g.subtract(to, from)?;
        let bend = cx.g.multiply(factor, to)?;
        Ok(cx.g.add(step, bend)?)
    };
    let (a, b, c) = (edge(cx, x1, x0, g)?, edge(cx, x3, x0, h)?, x0);
    let (d, e, f) = (edge(cx, y1, y0, g)?, edge(cx, y3, y0, h)?, y0);
    let ones = cx.g.ones_like(a)?;
    let rows = [
        [cross(cx, e, ones, f, h)?, cross(cx, c, h, b, ones)?, cross(cx, b, f, c, e)?],
        [cross(cx, f, g, d, ones)?, cross(cx, a, ones, c, g)?, cross(cx, c, d, a, f)?],
        [cross(cx, d, h, e, g)?, cross(cx, b, g, a, h)?, cross(cx, a, e, b, d)?],
    ];
    let last = rows[2][2];
    let mut result = [None; 8];
    for (i, row) in rows.iter().enumerate() {
        for (j, &entry) in row.iter().enumerate().filter(|(j, _)| i * 3 + j < 8) {
            let mut entry = cx.g.divide(entry, last)?;
            if i < 2 {
                entry = cx.g.multiply(entry, if i == 0 { width } else { height })?;
            }
            result[i * 3 + j] = Some(entry);
        }
    }
    Ok(result)
}

impl Transform for Perspective {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let mut last = Vec::with_capacity(2);
        for axis in [2, 1] {
            let length = length(cx, x, axis, DType::F32)?;
            last.push(shift(cx, length, -1.0)?);
        }
        let half = 0.5 * self.scale.pair().0;
        let mut points = Vec::with_capacity(4);
        for corner in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] {
            let mut point = Vec::with_capacity(2);
            for (at, length) in corner.into_iter().zip(&last) {
                let part = uniform_of(cx, x, generator, &[1], (1.0 - half, 1.0 + half), DType::F32)?;
                let start = scale(cx, *length, at)?;
                point.push(cx.g.multiply(start, part)?);
            }
            points.push([point[0], point[1]]);
        }
        let points = [points[0], points[1], points[2], points[3]];
        let columns = to_rectangle(cx, points, [last[0], last[1]])?;
        let moved = self.sampling.project(cx, x, columns)?;
        let is_chosen = chance(cx, x, generator, self.factor.range(0.0))?;
        Ok(cx.g.select(is_chosen, moved, x)?)
    }
}

impl Augment for Perspective {
    const CLASS: &'static str = "RandomPerspective";

    fn read(fields: &Fields<'_>) -> Result<Perspective> {
        let scale = fields.get("scale").map(|node| node.float().map(|_| node.value().clone())).transpose()?;
        Ok(Perspective {
            factor: Factor::read(fields, "factor", Some(1.0.into()))?,
            scale: Factor(scale.unwrap_or(Json::from(1.0))),
            sampling: Sampling { fill_mode: "constant".into(), ..Sampling::read(fields)? },
        })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("factor", self.factor.0.clone())
            .with("scale", self.scale.0.clone())
            .with("interpolation", self.sampling.interpolation.as_str())
            .with("fill_value", self.sampling.fill_value.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))?;
        check_word(base, "interpolation", &self.sampling.interpolation, &["nearest", "bilinear"])?;
        let scale = self.scale.pair().0;
        if (0.0..=1.0).contains(&scale) {
            return Ok(());
        }
        Err(argument_error(base, "scale", "a number in [0, 1]", scale.to_string()))
    }
}
