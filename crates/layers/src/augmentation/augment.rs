//! What all layers share that change images at random.

use std::fmt;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value, ValueInfo};
use kerox_tensor::DType;

use crate::arguments::{input_dims, one_input};
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::regularization::Seeded;
use crate::{Args, Base, Build, Call, DataFormat, Layer, LayerRef, Result};

/// A change of images.
pub trait Transform: fmt::Debug + Send + Sync {
    /// Changes images `[batch, height, width, channels]` of single or double precision.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the images do not fit.
    fn apply(&self, cx: &mut Call<'_>, images: Value, generator: &Generator) -> Result<Value>;

    /// What is done outside of training; nothing by default.
    ///
    /// # Errors
    /// As [`Transform::apply`].
    fn at_rest(&self, _: &mut Call<'_>, images: Value, _: &Generator) -> Result<Value> {
        Ok(images)
    }
}

/// The change of images that a class of layers makes.
pub trait Augment: Transform + Sized + 'static {
    /// The class, as files name it.
    const CLASS: &'static str;
    /// Whether the configuration has a seed.
    const HAS_SEED: bool = true;

    /// Reads the arguments.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where a field is wrong.
    fn read(fields: &Fields<'_>) -> Result<Self>;

    /// Writes the arguments.
    fn write(&self, config: Config) -> Config;

    /// Whether the arguments are in their bounds.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where one is not.
    fn check(&self, base: &Base) -> Result<()>;
}

/// A layer that changes images, at random in training.
///
/// # Shapes
/// input `[height, width, channels]` or `[batch, height, width, channels]` (channels before height and width with
/// `channels_first`), output alike unless the class says otherwise.
///
/// # Errors
/// Inputs of other ranks, arguments outside their bounds.
#[derive(Debug)]
pub struct Augmentation<A> {
    base: Base,
    seeded: Seeded,
    data_format: Option<DataFormat>,
    kind: A,
}

impl<A: Augment> Augmentation<A> {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: A::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    pub(super) fn of(kind: A) -> Self {
        Augmentation { base: Base::new(A::CLASS), seeded: Seeded::default(), data_format: None, kind }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut A)) -> Self {
        change(&mut self.kind);
        self
    }

    /// For repeatable numbers.
    #[must_use]
    pub fn seed(mut self, seed: i64) -> Self {
        self.seeded = Seeded::new(Some(seed));
        self
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = Some(data_format.into());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let data_format = match fields.get("data_format") {
            Some(_) => Some(DataFormat::read(fields)?),
            None => None,
        };
        let mut layer = Augmentation {
            base: Base::from_config(A::CLASS, fields)?,
            seeded: Seeded::read(fields)?,
            data_format,
            kind: A::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn rank(&self, found: Option<usize>, dims: &kerox_graph::Dims) -> Result<usize> {
        match found {
            Some(rank @ 3..=4) => Ok(rank),
            _ => {
                let shape = match self.data_format.unwrap_or_default() {
                    DataFormat::ChannelsLast => "height, width, channels",
                    DataFormat::ChannelsFirst => "channels, height, width",
                };
                let expected = format!("an image `[{shape}]` or images `[batch, {shape}]`");
                Err(input_error(self, expected, format!("shape {dims}")))
            }
        }
    }
}

impl<A: Augment> Layer for Augmentation<A> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        self.rank(dims.rank(), &dims)?;
        self.kind.check(&self.base)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let dims = cx.g.dims(x).clone();
        let rank = self.rank(dims.rank(), &dims)?;
        let compute = self.base.policy().compute;
        // Half precision has no kernels for images, and too few digits for values up to 255.
        let wide = if matches!(compute, DType::F64) { DType::F64 } else { DType::F32 };
        let mut x = cx.g.cast(x, wide)?;
        if rank == 3 {
            x = cx.g.expand_dims(x, 0)?;
        }
        let format = self.data_format.unwrap_or_default();
        let images = format.to_last(cx.g, x)?;
        let generator = self.seeded.generator();
        let y = if cx.training {
            self.kind.apply(cx, images, generator)?
        } else {
            self.kind.at_rest(cx, images, generator)?
        };
        let mut y = format.restore(cx.g, y)?;
        if rank == 3 {
            y = cx.g.squeeze(y, &[0])?;
        }
        Ok(vec![cx.g.cast(y, compute)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config().with_some("data_format", self.data_format.map(DataFormat::name));
        let mut config = self.kind.write(config);
        if A::HAS_SEED {
            config = config.with("seed", self.seeded.json());
        }
        Ok(config.with_rest(self.base.rest()))
    }
}

/// One number, or the two ends of a range, as it stands in files.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor(pub(super) Json);

impl Factor {
    /// Reads one.
    ///
    /// # Errors
    /// [`kerox_config_json::Error::Field`] where it is neither a number nor two.
    pub(super) fn read(fields: &Fields<'_>, key: &str, default: Option<Factor>) -> Result<Factor> {
        let node = match (fields.get(key), default) {
            (Some(node), _) => node,
            (None, Some(default)) => return Ok(default),
            (None, None) => fields.required(key)?,
        };
        let factor = Factor(node.value().clone());
        match factor.numbers() {
            Some(_) => Ok(factor),
            None => Err(node.expected("a number or a list of two").into()),
        }
    }

    /// The one number, or both.
    pub(super) fn numbers(&self) -> Option<(f64, Option<f64>)> {
        match &self.0 {
            Json::List(list) => match &list[..] {
                [a, b] => Some((a.as_f64()?, Some(b.as_f64()?))),
                _ => None,
            },
            number => Some((number.as_f64()?, None)),
        }
    }

    /// The ends of the range. One number stands for all up to it and, where `low` allows, for the negative ones.
    pub(super) fn range(&self, low: f64) -> (f64, f64) {
        match self.numbers() {
            Some((a, Some(b))) => (a.min(b), a.max(b)),
            Some((a, None)) => ((-a.abs()).max(low), a.abs()),
            None => (0.0, 0.0),
        }
    }

    /// Two numbers as they are, or one taken twice.
    pub(super) fn pair(&self) -> (f64, f64) {
        let (a, b) = self.numbers().unwrap_or((0.0, None));
        (a, b.unwrap_or(a))
    }

    /// Whether one number lies in these bounds, or the range of two reaches into them: all that Keras 3 asks of a factor.
    pub(super) fn check_factor(&self, base: &Base, (low, high): (f64, f64)) -> Result<()> {
        match self.numbers() {
            Some((a, Some(b))) if a <= high && b >= low => Ok(()),
            _ => self.check(base, "factor", (low, high)),
        }
    }

    /// Whether the numbers lie in these bounds.
    pub(super) fn check(&self, base: &Base, argument: &str, (low, high): (f64, f64)) -> Result<()> {
        let is_inside = |x: f64| (low..=high).contains(&x);
        match self.numbers() {
            Some((a, b)) if is_inside(a) && b.is_none_or(is_inside) => Ok(()),
            _ => {
                let expected = format!("a number, or a list of two, in [{low}, {high}]");
                Err(crate::registry::argument_error(base, argument, expected, self.0.to_string()))
            }
        }
    }
}

impl From<f64> for Factor {
    fn from(number: f64) -> Factor {
        Factor(Json::from(number))
    }
}

impl From<[f64; 2]> for Factor {
    fn from(ends: [f64; 2]) -> Factor {
        Factor(Json::from(ends.map(Json::from).to_vec()))
    }
}

impl From<(f64, f64)> for Factor {
    fn from((low, high): (f64, f64)) -> Factor {
        Factor::from([low, high])
    }
}

/// The least and the greatest value of a pixel, 0 and 255 unless given.
pub(super) fn value_range(fields: &Fields<'_>) -> Result<Factor> {
    let range = Factor::read(fields, "value_range", Some(bytes()))?;
    match range.numbers() {
        Some((_, Some(_))) => Ok(range),
        _ => Err(fields.required("value_range")?.expected("a list of two numbers").into()),
    }
}

/// The range of bytes.
pub(super) fn bytes() -> Factor {
    Factor(Json::from(vec![Json::from(0i64), Json::from(255i64)]))
}
