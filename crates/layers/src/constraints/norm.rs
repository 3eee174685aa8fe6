//! Constraints on the lengths of vectors.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_tensor::{Buffer, Tensor};

use super::{Constrain, Constraint};
use crate::{Error, Result};

/// Keras's epsilon.
const EPSILON: f64 = 1e-7;

/// Vectors longer than `max_value` are shortened to it.
///
/// # Source
/// `keras.constraints.MaxNorm`.
#[derive(Clone, Debug)]
pub struct MaxNorm {
    max_value: Json,
    axis: Json,
}

/// Vectors are brought, by the fraction `rate` of the way, to a length between two bounds.
///
/// # Source
/// `keras.constraints.MinMaxNorm`.
#[derive(Clone, Debug)]
pub struct MinMaxNorm {
    min_value: Json,
    max_value: Json,
    rate: Json,
    axis: Json,
}

/// Vectors are brought to length 1.
///
/// # Source
/// `keras.constraints.UnitNorm`.
#[derive(Clone, Debug)]
pub struct UnitNorm {
    axis: Json,
}

impl MaxNorm {
    /// The axes along which a vector lies: `[0]` for the kernel of a Dense, `[0, 1, 2]` for that of a Conv2D.
    pub fn new(max_value: f64, axes: &[i64]) -> MaxNorm {
        MaxNorm { max_value: max_value.into(), axis: axes_json(axes) }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Constraint> {
        Ok(MaxNorm { max_value: number(fields, "max_value", 2.into())?, axis: axis(fields)? }.into())
    }
}

impl MinMaxNorm {
    /// The axes are those along which a vector lies.
    pub fn new(min_value: f64, max_value: f64, rate: f64, axes: &[i64]) -> MinMaxNorm {
        MinMaxNorm {
            min_value: min_value.into(),
            max_value: max_value.into(),
            rate: rate.into(),
            axis: axes_json(axes),
        }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Constraint> {
        Ok(MinMaxNorm {
            min_value: number(fields, "min_value", 0.0.into())?,
            max_value: number(fields, "max_value", 1.0.into())?,
            rate: number(fields, "rate", 1.0.into())?,
            axis: axis(fields)?,
        }
        .into())
    }
}

impl UnitNorm {
    /// The axes are those along which a vector lies.
    pub fn new(axes: &[i64]) -> UnitNorm {
        UnitNorm { axis: axes_json(axes) }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Constraint> {
        Ok(UnitNorm { axis: axis(fields)? }.into())
    }
}

fn axes_json(axes: &[i64]) -> Json {
    match axes {
        [axis] => Json::from(*axis),
        _ => Json::from(axes),
    }
}

/// A number kept as it is written: 2 is not 2.0.
fn number(fields: &Fields<'_>, key: &str, default: Json) -> Result<Json> {
    Ok(match fields.get(key) {
        Some(node) => {
            node.float()?;
            node.value().clone()
        }
        None => default,
    })
}

fn axis(fields: &Fields<'_>) -> Result<Json> {
    let Some(node) = fields.get("axis") else { return Ok(Json::from(0)) };
    if node.int().is_err() {
        node.ints()?;
    }
    Ok(node.value().clone())
}

fn value(number: &Json) -> f64 {
    kerox_config_json::Node::root(number).float().unwrap_or(0.0)
}

/// Multiplies each vector along the axes by what `factor` makes of its length.
fn scale(weight: &mut Tensor, class_name: &str, axis: &Json, factor: impl Fn(f64) -> f64) -> Result<()> {
    let node = kerox_config_json::Node::root(axis);
    let axes = node.int().map(|axis| vec![axis]).or_else(|_| node.ints())?;
    let shape = weight.shape().clone();
    let rank = shape.rank();
    let mut along = vec![false; rank];
    for &axis in &axes {
        let at = usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).unwrap_or(rank);
        *along.get_mut(at).ok_or_else(|| Error::Argument {
            layer: String::new(),
            class_name: class_name.into(),
            argument: "axis".into(),
            expected: format!("an axis in -{rank}..{rank}"),
            found: axis.to_string(),
        })? = true;
    }
    // The number of the vector an element belongs to: its position with the vectors' axes left out.
    let (mut strides, mut vectors) = (vec![0; rank], 1);
    for axis in (0..rank).rev().filter(|&axis| !along[axis]) {
        strides[axis] = vectors;
        vectors *= shape[axis];
    }
    let place = |i: usize| {
        let mut rest = i;
        let mut at = 0;
        for axis in (0..rank).rev() {
            at += rest % shape[axis] * strides[axis];
            rest /= shape[axis];
        }
        at
    };
    macro_rules! apply {
        ($elements:expr, $float:ty) => {{
            let mut squares = vec![0.0f64; vectors];
            for (i, &x) in $elements.iter().enumerate() {
                squares[place(i)] += f64::from(x) * f64::from(x);
            }
            let factors: Vec<f64> = squares.iter().map(|square| factor(square.sqrt())).collect();
            for (i, x) in $elements.iter_mut().enumerate() {
                *x = (f64::from(*x) * factors[place(i)]) as $float;
            }
        }};
    }
    match weight.buffer_mut() {
        Buffer::F32(elements) => apply!(elements, f32),
        Buffer::F64(elements) => apply!(elements, f64),
        _ => {}
    }
    Ok(())
}

impl Constrain for MaxNorm {
    fn class_name(&self) -> &str {
        "MaxNorm"
    }
    fn config(&self) -> Config {
        Config::new().with("max_value", self.max_value.clone()).with("axis", self.axis.clone())
    }
    fn apply(&self, weight: &mut Tensor) -> Result<()> {
        let max = value(&self.max_value);
        scale(weight, "MaxNorm", &self.axis, |norm| norm.clamp(0.0, max.max(0.0)) / (EPSILON + norm))
    }
}

impl Constrain for MinMaxNorm {
    fn class_name(&self) -> &str {
        "MinMaxNorm"
    }
    fn config(&self) -> Config {
        Config::new()
            .with("min_value", self.min_value.clone())
            .with("max_value", self.max_value.clone())
            .with("rate", self.rate.clone())
            .with("axis", self.axis.clone())
    }
    fn apply(&self, weight: &mut Tensor) -> Result<()> {
        let (min, max, rate) = (value(&self.min_value), value(&self.max_value), value(&self.rate));
        scale(weight, "MinMaxNorm", &self.axis, |norm| {
            let desired = rate * norm.min(max).max(min) + (1.0 - rate) * norm;
            desired / (EPSILON + norm)
        })
    }
}

impl Constrain for UnitNorm {
    fn class_name(&self) -> &str {
        "UnitNorm"
    }
    fn config(&self) -> Config {
        Config::new().with("axis", self.axis.clone())
    }
    fn apply(&self, weight: &mut Tensor) -> Result<()> {
        scale(weight, "UnitNorm", &self.axis, |norm| 1.0 / (EPSILON + norm))
    }
}
