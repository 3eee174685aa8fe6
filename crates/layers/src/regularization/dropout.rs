//! `Dropout`, `SpatialDropout1D`, `SpatialDropout2D`, `SpatialDropout3D`: a fraction of the input becomes 0.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Dim, Dims, Generator, Value, ValueInfo};

use crate::arguments::{axes_of_rank, check_rate, input_dims, one_input, spatial_shape};
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, DataFormat, Layer, LayerRef, Result};

/// The seed of a layer and the generator made of it once it is needed.
#[derive(Debug, Default)]
pub(crate) struct Seeded {
    pub(crate) seed: Option<i64>,
    generator: std::sync::OnceLock<Generator>,
}

impl Seeded {
    pub(crate) fn new(seed: Option<i64>) -> Seeded {
        Seeded { seed, generator: std::sync::OnceLock::new() }
    }

    /// Reads `seed`: an integer, nothing, or the seed generator of Keras 3.
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Seeded> {
        let Some(node) = fields.get("seed") else { return Ok(Seeded::default()) };
        let seed = match node.get("config").and_then(|config| config.get("seed")) {
            Some(seed) => seed.not_null().map(|seed| seed.int()).transpose()?,
            None => Some(node.int()?),
        };
        Ok(Seeded::new(seed))
    }

    pub(crate) fn generator(&self) -> &Generator {
        self.generator
            .get_or_init(|| Generator::new(self.seed.map_or_else(crate::random::next_seed, |seed| seed as u64)))
    }

    pub(crate) fn json(&self) -> Json {
        Json::from(self.seed)
    }
}

/// Sets a fraction `rate` of the input to 0 in training and scales the rest by `1 / (1 - rate)`; does nothing
/// otherwise.
///
/// # Shapes
/// input and output alike.
///
/// # Errors
/// A rate outside [0, 1].
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, regularization::Dropout};
/// let x = Input([32]);
/// let y = Dropout::new(0.2).seed(7).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 32)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Dropout`; a rate of 1, for which Keras gives zeros, does so here too.
#[derive(Debug)]
pub struct Dropout {
    base: Base,
    rate: f64,
    noise_shape: Option<Vec<Dim>>,
    seeded: Seeded,
}

impl Dropout {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Dropout", aliases: &[], module: "keras.layers", from_config: Dropout::from_config };

    /// Drops that fraction.
    pub fn new(rate: f64) -> Dropout {
        Dropout { base: Base::new("Dropout"), rate, noise_shape: None, seeded: Seeded::default() }
    }

    /// The shape of the decisions: `Some(1)` along an axis that shares one, `None` where there is one for each element.
    #[must_use]
    pub fn noise_shape(mut self, shape: impl IntoIterator<Item = Dim>) -> Dropout {
        self.noise_shape = Some(shape.into_iter().collect());
        self
    }

    /// For repeatable decisions.
    #[must_use]
    pub fn seed(mut self, seed: i64) -> Dropout {
        self.seeded = Seeded::new(Some(seed));
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = Dropout {
            base: Base::from_config("Dropout", fields)?,
            rate: fields.float("rate")?,
            noise_shape: fields.opt_shape("noise_shape")?,
            seeded: Seeded::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

/// The shape of the decisions as an integer vector: that of the input where none is told.
///
/// # Errors
/// [`crate::Error::Argument`] where it does not fit the input.
pub(super) fn noise_lengths(cx: &mut Call<'_>, base: &Base, x: Value, noise_shape: Option<&[Dim]>) -> Result<Value> {
    let shape = cx.g.shape_of(x)?;
    let Some(noise_shape) = noise_shape else { return Ok(shape) };
    let dims = cx.g.dims(x);
    let fits = |(told, own): (&Dim, &Dim)| told.is_none_or(|told| told == 1 || *own == Some(told));
    if !dims.axes().is_some_and(|own| own.len() == noise_shape.len() && noise_shape.iter().zip(own).all(fits)) {
        let expected = format!("1 or the input's own length for each axis of shape {dims}");
        return Err(argument_error(
            base,
            "noise_shape",
            expected,
            Dims::from_iter(noise_shape.iter().copied()).to_string(),
        ));
    }
    let mut lengths = Vec::with_capacity(noise_shape.len());
    for (axis, length) in noise_shape.iter().enumerate() {
        lengths.push(match length {
            Some(length) => cx.g.ints(&[*length as i64])?,
            None => cx.g.slice(shape, &[axis as i64], &[1])?,
        });
    }
    Ok(cx.g.concat(&lengths, 0)?)
}

/// Drops with decisions shared along the axes whose entry is `Some(1)`.
pub(crate) fn drop(
    cx: &mut Call<'_>,
    x: Value,
    rate: f64,
    noise_shape: Option<&[Dim]>,
    seeded: &Seeded,
) -> Result<Value> {
    if !cx.training || rate == 0.0 {
        return Ok(x);
    }
    if rate == 1.0 {
        return Ok(cx.g.zeros_like(x)?);
    }
    Ok(cx.g.dropout(x, rate, noise_shape, seeded.generator())?)
}

impl Layer for Dropout {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, _: &[ValueInfo]) -> Result<()> {
        check_rate(&self.base, "rate", self.rate)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        // A length that is the input's own stands for one decision for each element.
        let own = cx.g.dims(x).axes().map(<[Dim]>::to_vec).unwrap_or_default();
        let shape: Option<Vec<Dim>> = self.noise_shape.as_ref().map(|shape| {
            shape.iter().enumerate().map(|(i, &d)| d.filter(|_| d == Some(1) || own.get(i) != Some(&d))).collect()
        });
        Ok(vec![drop(cx, x, self.rate, shape.as_deref(), &self.seeded)?])
    }

    fn config(&self) -> Result<Config> {
        let noise_shape = self.noise_shape.as_ref().map(|shape| Json::from(shape.clone()));
        Ok(self
            .base
            .config()
            .with("rate", self.rate)
            .with("noise_shape", Json::from(noise_shape))
            .with("seed", self.seeded.json())
            .with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

/// Sets whole channels to 0 in training and scales the rest by `1 / (1 - rate)`.
///
/// # Shapes
/// input and output `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`).
///
/// # Errors
/// A rate outside [0, 1]; an input of another rank.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, regularization::SpatialDropout2D};
/// let y = SpatialDropout2D::new(0.2).on(&Input([8, 8, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 8, 8, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.SpatialDropout1D`, `SpatialDropout2D`, `SpatialDropout3D`.
#[derive(Debug)]
pub struct SpatialDropout<const N: usize> {
    base: Base,
    rate: f64,
    data_format: DataFormat,
    seeded: Seeded,
}

/// Drops whole channels of sequences.
pub type SpatialDropout1D = SpatialDropout<1>;
/// Drops whole channels of images.
pub type SpatialDropout2D = SpatialDropout<2>;
/// Drops whole channels of volumes.
pub type SpatialDropout3D = SpatialDropout<3>;

impl<const N: usize> SpatialDropout<N> {
    const CLASS: &'static str = ["", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// Drops that fraction of the channels.
    pub fn new(rate: f64) -> Self {
        let (base, seeded) = (Base::new(Self::CLASS), Seeded::default());
        SpatialDropout { base, rate, data_format: DataFormat::ChannelsLast, seeded }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = data_format.into();
        self
    }

    /// For repeatable decisions.
    #[must_use]
    pub fn seed(mut self, seed: i64) -> Self {
        self.seeded = Seeded::new(Some(seed));
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = SpatialDropout::<N> {
            base: Base::from_config(Self::CLASS, fields)?,
            rate: fields.float("rate")?,
            data_format: DataFormat::read(fields)?,
            seeded: Seeded::read(fields)?,
        };
        fields.ignore("noise_shape");
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl<const N: usize> Layer for SpatialDropout<N> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        axes_of_rank(self, &input_dims(inputs), N + 2, &spatial_shape(N, self.data_format))?;
        check_rate(&self.base, "rate", self.rate)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let mut shape: Vec<Dim> = vec![Some(1); N + 2];
        shape[0] = None;
        shape[self.data_format.channel_axis(N + 2)] = None;
        Ok(vec![drop(cx, x, self.rate, Some(&shape), &self.seeded)?])
    }

    fn config(&self) -> Result<Config> {
        let config =
            self.base.config().with("rate", self.rate).with("noise_shape", Json::Null).with("seed", self.seeded.json());
        // Keras 2 forgets where the channels stand, Keras 3 does not.
        let config = match self.data_format {
            DataFormat::ChannelsFirst => config.with("data_format", self.data_format.name()),
            DataFormat::ChannelsLast => config,
        };
        Ok(config.with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
