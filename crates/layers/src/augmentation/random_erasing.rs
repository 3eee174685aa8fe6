//! `RandomErasing`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::ops::Distribution;
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{chance, scale, uniform};
use super::rectangle::rectangle;
use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// Fills a random rectangle of some images in training.
///
/// # Arguments
/// `factor`: the probability, drawn between two numbers in [0, 1], or up to one. `scale`: the squares of the
/// rectangle's sides as parts of those of the image, drawn between two numbers in [0, 1]. `fill_value`: a number, one
/// for each of three channels, or nothing for noise. `value_range`: the least and the greatest value of a pixel.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomErasing};
/// let y = RandomErasing::new(1.0).scale((0.1, 0.2)).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomErasing` of Keras 3; Zhong et al., 2017.
pub type RandomErasing = Augmentation<Erasing>;

/// What [`RandomErasing`] does.
#[derive(Clone, Debug)]
pub struct Erasing {
    factor: Factor,
    scale: Factor,
    fill_value: Json,
    value_range: Factor,
}

impl RandomErasing {
    /// With a probability in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomErasing {
        let (factor, scale) = (factor.into(), Factor::from((0.02, 0.33)));
        Augmentation::of(Erasing { factor, scale, fill_value: Json::Null, value_range: bytes() })
    }

    /// The squares of the sides as parts of those of the image; 0.02 to 0.33 by default.
    #[must_use]
    pub fn scale(self, scale: impl Into<Factor>) -> RandomErasing {
        self.with(|kind| kind.scale = scale.into())
    }

    /// What the rectangle is filled with, one number for all channels; noise by default.
    #[must_use]
    pub fn fill_value(self, value: f64) -> RandomErasing {
        self.with(|kind| kind.fill_value = value.into())
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomErasing {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Erasing {
    fn fill(&self) -> Option<Vec<f64>> {
        match &self.fill_value {
            Json::List(list) => list.iter().map(Json::as_f64).collect(),
            number => number.as_f64().map(|number| vec![number]),
        }
    }
}

impl Transform for Erasing {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let dtype = cx.g.dtype(x);
        let mut sides = Vec::with_capacity(2);
        for _ in 0..2 {
            let square = uniform(cx, x, generator, self.scale.range(0.0))?;
            sides.push(cx.g.sqrt(square)?);
        }
        let is_inside = rectangle(cx, x, generator, sides[0], sides[1])?;
        let is_chosen = chance(cx, x, generator, self.factor.range(0.0))?;
        let (low, high) = self.value_range.range(0.0);
        let filling = match self.fill() {
            Some(numbers) => {
                let n = numbers.len();
                let shape = if n == 1 { vec![] } else { vec![n] };
                let filling = cx.g.constant(kerox_tensor::Tensor::from_vec(numbers, shape)?)?;
                cx.g.cast(filling, dtype)?
            }
            None => {
                let shape = cx.g.shape_of(x)?;
                let noise = cx.g.random(shape, Distribution::Normal, dtype, generator)?;
                scale(cx, noise, high)?
            }
        };
        let filling = cx.g.clip_by_value(filling, low, high)?;
        let erased = cx.g.select(is_inside, filling, x)?;
        Ok(cx.g.select(is_chosen, erased, x)?)
    }
}

impl Augment for Erasing {
    const CLASS: &'static str = "RandomErasing";

    fn read(fields: &Fields<'_>) -> Result<Erasing> {
        Ok(Erasing {
            factor: Factor::read(fields, "factor", Some(1.0.into()))?,
            scale: Factor::read(fields, "scale", Some((0.02, 0.33).into()))?,
            fill_value: fields.get("fill_value").map_or(Json::Null, |node| node.value().clone()),
            value_range: value_range(fields)?,
        })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("factor", self.factor.0.clone())
            .with("scale", self.scale.0.clone())
            .with("fill_value", self.fill_value.clone())
            .with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))?;
        self.scale.check(base, "scale", (0.0, 1.0))?;
        match self.fill() {
            None if !self.fill_value.is_null() => {}
            Some(numbers) if ![1, 3].contains(&numbers.len()) => {}
            _ => return Ok(()),
        }
        Err(argument_error(base, "fill_value", "a number, a list of 3, or nothing", self.fill_value.to_string()))
    }
}
