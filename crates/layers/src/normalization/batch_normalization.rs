//! `BatchNormalization`: each channel normalized by the batch's mean and variance.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Dims, Graph, Value, ValueInfo};
use kerox_tensor::DType;

use super::batch_renormalization::SquareRoot;
use crate::arguments::{axis_from_start, input_dims, one_input};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{Args, Base, Build, Call, Initializer, Layer, LayerRef, Result, ScaleOptions, WeightOptions, WeightSpec};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` for each channel: in training with mean and variance of the
/// batch, which also move the moving averages; else with the moving averages. A frozen layer is never in training.
///
/// # Shapes
/// input and output `[batch, ...]`; `gamma`, `beta`, `moving_mean` and `moving_variance` have the length of `axis`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, normalization::BatchNormalization};
/// let x = Input([8, 8, 16]);
/// let y = BatchNormalization::new().momentum(0.9).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 8, 8, 16)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.BatchNormalization`; Ioffe and Szegedy, 2015. As in Keras the moving variance follows the unbiased
/// variance where the input has 4 or 5 axes (there TensorFlow's fused operation computes it, unless `fused` is false) and
/// is not of type float64, else the biased one; and a mask of the input leaves positions out of mean and variance, but
/// where the fused operation computes them. Files of Keras 3 are read with `fused` of false, which is what Keras 3 does; under policies
/// of half precision their variables are of it, in Keras 2 of single precision.
/// An axis list of several axes normalizes each combination of their positions. Batches normalized in parts
/// (`virtual_batch_size`) are refused: Keras 2.15 does not load such models, and Keras 3 has none.
#[derive(Debug)]
pub struct BatchNormalization {
    pub(super) base: Base,
    axis: Vec<i64>,
    axis_form: AxisForm,
    pub(super) momentum: f64,
    pub(super) epsilon: f64,
    center: bool,
    scale: bool,
    gamma: WeightOptions,
    beta: WeightOptions,
    moving_mean: WeightOptions,
    moving_variance: WeightOptions,
    synchronized: Option<bool>,
    pub(super) fused: Option<bool>,
    pub(super) renorm: bool,
    pub(super) renorm_clipping: Config,
    pub(super) renorm_momentum: f64,
}

/// How the axis is written.
#[derive(Clone, Copy, Debug)]
enum AxisForm {
    /// As Keras 2: a number before the layer is built, a list counted from the start after.
    Built,
    /// A number, as it was read.
    Number,
    /// A list, as it was read.
    List,
}

impl BatchNormalization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "BatchNormalization",
        aliases: &["BatchNormalizationBase", "BatchNormalizationV1", "BatchNormalizationV2"],
        module: "keras.layers",
        from_config: |fields| BatchNormalization::read("BatchNormalization", fields),
    };

    /// In the registry: the same under the name of the variant for several devices.
    pub const SYNC_ENTRY: LayerEntry = LayerEntry {
        class_name: "SyncBatchNormalization",
        aliases: &[],
        module: "keras.layers.experimental",
        from_config: |fields| BatchNormalization::read("SyncBatchNormalization", fields),
    };

    /// Over the last axis, with momentum 0.99 and epsilon 0.001.
    pub fn new() -> BatchNormalization {
        BatchNormalization {
            base: Base::new("BatchNormalization"),
            axis: vec![-1],
            axis_form: AxisForm::Built,
            momentum: 0.99,
            epsilon: 1e-3,
            center: true,
            scale: true,
            gamma: WeightOptions::new("ones"),
            beta: WeightOptions::new("zeros"),
            moving_mean: WeightOptions::new("zeros"),
            moving_variance: WeightOptions::new("ones"),
            synchronized: None,
            fused: None,
            renorm: false,
            renorm_clipping: Config::new(),
            renorm_momentum: 0.99,
        }
    }

    /// The axis of the channels; the last by default.
    #[must_use]
    pub fn axis(mut self, axis: i64) -> BatchNormalization {
        self.axis = vec![axis];
        self.axis_form = AxisForm::Built;
        self
    }

    /// How much of the moving averages a batch leaves; 0.99 by default.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> BatchNormalization {
        self.momentum = momentum;
        self
    }

    /// Added to the variance; 0.001 by default.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> BatchNormalization {
        self.epsilon = epsilon;
        self
    }

    /// Whether `beta` is added; true by default.
    #[must_use]
    pub fn center(mut self, center: bool) -> BatchNormalization {
        self.center = center;
        self
    }

    /// Whether `gamma` is multiplied with; true by default.
    #[must_use]
    pub fn scale(mut self, scale: bool) -> BatchNormalization {
        self.scale = scale;
        self
    }

    /// Whether the statistics are those of all devices; false by default.
    #[must_use]
    pub fn synchronized(mut self, synchronized: bool) -> BatchNormalization {
        self.synchronized = Some(synchronized);
        self
    }

    /// Whether TensorFlow's fused operation computes inputs of 4 and 5 axes, as in Keras 2 (the default), where the moving
    /// variance is the unbiased one and masks are ignored; Keras 3 does without it.
    #[must_use]
    pub fn fused(mut self, fused: bool) -> BatchNormalization {
        self.fused = Some(fused);
        self
    }

    /// Whether batches are renormalized: in training, what the batch's statistics make of an input is brought to what
    /// statistics of many batches, `renorm_mean` and `renorm_stddev`, would; false by default. With this there is a
    /// `moving_stddev`, too, from which the moving variance is computed.
    ///
    /// # Source
    /// Ioffe, 2017, "Batch Renormalization".
    #[must_use]
    pub fn renorm(mut self, renorm: bool) -> BatchNormalization {
        self.renorm = renorm;
        self
    }

    /// Bounds of the correction of renormalization: `rmin` and `rmax` of its factor, `dmax` of how far it moves; none by
    /// default.
    #[must_use]
    pub fn renorm_clipping<'a>(mut self, bounds: impl IntoIterator<Item = (&'a str, f64)>) -> BatchNormalization {
        self.renorm_clipping = bounds.into_iter().map(|(key, bound)| (key.to_owned(), Json::from(bound))).collect();
        self
    }

    /// How much of the statistics of renormalization a batch leaves; 0.99 by default.
    #[must_use]
    pub fn renorm_momentum(mut self, momentum: f64) -> BatchNormalization {
        self.renorm_momentum = momentum;
        self
    }

    /// The first value of the moving mean; zeros by default.
    #[must_use]
    pub fn moving_mean_initializer(mut self, initializer: impl Into<Initializer>) -> BatchNormalization {
        self.moving_mean.initializer = initializer.into();
        self
    }

    /// The first value of the moving variance; ones by default.
    #[must_use]
    pub fn moving_variance_initializer(mut self, initializer: impl Into<Initializer>) -> BatchNormalization {
        self.moving_variance.initializer = initializer.into();
        self
    }

    fn read(class_name: &'static str, fields: &Fields<'_>) -> Result<LayerRef> {
        if fields.get("virtual_batch_size").is_some() {
            return Err(fields.error("virtual_batch_size", "none, as Keras does not load such models", "").into());
        }
        // Without renormalization the other two say nothing, and Keras 3 writes them all.
        let renorm = matches!(fields.config().get("renorm"), Some(Json::Bool(true)));
        let (mut renorm_clipping, mut renorm_momentum) = (Config::new(), 0.99);
        if renorm {
            fields.ignore("renorm");
            if let Some(node) = fields.get("renorm_clipping") {
                renorm_clipping = node.fields()?.config().clone();
            }
            renorm_momentum = fields.float_or("renorm_momentum", renorm_momentum)?;
        }
        let (axis, axis_form) = match fields.get("axis") {
            Some(node) if node.int().is_ok() => (vec![node.int()?], AxisForm::Number),
            Some(node) => (node.ints()?, AxisForm::List),
            None => (vec![-1], AxisForm::Built),
        };
        let mut layer = BatchNormalization {
            base: Base::from_config(class_name, fields)?,
            axis,
            axis_form,
            momentum: fields.float_or("momentum", 0.99)?,
            epsilon: fields.float_or("epsilon", 1e-3)?,
            center: fields.bool_or("center", true)?,
            scale: fields.bool_or("scale", true)?,
            gamma: WeightOptions::read(fields, "gamma", "ones")?,
            beta: WeightOptions::read(fields, "beta", "zeros")?,
            moving_mean: WeightOptions::read(fields, "moving_mean", "zeros")?,
            moving_variance: WeightOptions::read(fields, "moving_variance", "ones")?,
            synchronized: fields.opt_bool("synchronized")?,
            fused: fields.opt_bool("fused")?,
            renorm,
            renorm_clipping,
            renorm_momentum,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// Whether statistics are those of several devices; on one this decides only which variance is kept.
    fn is_synchronized(&self) -> bool {
        self.synchronized == Some(true) || self.base.class_name() == "SyncBatchNormalization"
    }

    /// Whether Keras lets TensorFlow's fused operation, which is for single precision and channels first or last, compute
    /// it.
    pub(super) fn is_fused(&self, rank: usize, dtype: DType) -> bool {
        let is_at_an_end = || matches!(self.axes(rank).as_deref(), Ok(&[axis]) if axis == 1 || axis == rank - 1);
        self.fused != Some(false)
            && !self.renorm
            && !self.is_synchronized()
            && (4..=5).contains(&rank)
            && dtype != DType::F64
            && is_at_an_end()
    }

    /// The axes counted from the start, sorted.
    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let mut axes = self
            .axis
            .iter()
            .map(|&axis| axis_from_start(&self.base, "axis", axis, rank))
            .collect::<Result<Vec<_>>>()?;
        axes.sort_unstable();
        axes.dedup();
        if axes.is_empty() {
            return Err(argument_error(&self.base, "axis", "an axis", "none"));
        }
        Ok(axes)
    }

    /// Statistics of half precision are computed in single precision, and in Keras 2 kept in it.
    fn statistics_dtype(&self) -> DType {
        match self.base.policy().variable {
            DType::F16 | DType::BF16 => DType::F32,
            other => other,
        }
    }

    /// The value of a variable in the type that the layer computes in.
    pub(super) fn used(&self, g: &mut Graph, value: Value) -> Result<Value> {
        Ok(g.cast(value, self.statistics_dtype())?)
    }
}

impl Default for BatchNormalization {
    fn default() -> BatchNormalization {
        BatchNormalization::new()
    }
}

impl ScaleOptions for BatchNormalization {
    fn gamma_options(&mut self) -> &mut WeightOptions {
        &mut self.gamma
    }
    fn beta_options(&mut self) -> &mut WeightOptions {
        &mut self.beta
    }
}

impl Layer for BatchNormalization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let rank = dims.rank().filter(|&rank| rank > 0);
        let rank = rank.ok_or_else(|| input_error(self, "an input of known rank".into(), format!("shape {dims}")))?;
        let axes = self.axes(rank)?;
        let known = dims.axes().unwrap_or_default();
        let lengths: Option<Vec<usize>> = axes.iter().map(|&axis| known[axis]).collect();
        let lengths = lengths.ok_or_else(|| {
            input_error(self, format!("an input whose axis {:?} is known", self.axis), format!("shape {dims}"))
        })?;
        // Several axes: variables of the input's rank, which broadcast.
        let shape: Vec<usize> = match lengths[..] {
            [length] => vec![length],
            _ => (0..rank).map(|axis| axes.iter().position(|&a| a == axis).map_or(1, |at| lengths[at])).collect(),
        };
        self.check_renorm()?;
        let dtype = if self.base.is_keras3() { self.base.policy().variable } else { self.statistics_dtype() };
        let mut add = |spec: WeightSpec| cx.add_weight(&self.base, spec.dtype(dtype)).map(drop);
        if self.scale {
            add(self.gamma.spec("gamma", shape.clone()))?;
        }
        if self.center {
            add(self.beta.spec("beta", shape.clone()))?;
        }
        add(self.moving_mean.spec("moving_mean", shape.clone()).non_trainable())?;
        add(self.moving_variance.spec("moving_variance", shape.clone()).non_trainable())?;
        if self.renorm {
            let stddev = WeightOptions::new(SquareRoot(self.moving_variance.initializer.clone()));
            add(stddev.spec("moving_stddev", shape.clone()).non_trainable())?;
            add(self.moving_mean.spec("renorm_mean", shape.clone()).non_trainable())?;
            add(stddev.spec("renorm_stddev", shape).non_trainable())?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let input = one_input(self, args)?;
        let is_training = cx.training && self.base.trainable();
        let dtype = cx.g.dtype(input);
        let x = cx.g.cast(input, self.statistics_dtype())?;
        let rank = cx.g.dims(x).rank().unwrap_or_default();
        let axes = self.axes(rank)?;
        let read = |cx: &mut Call<'_>, attr: &str| -> Result<Option<Value>> {
            let Some(variable) = self.base.variable(attr) else { return Ok(None) };
            let value = cx.g.read(&variable)?;
            self.used(cx.g, value).map(Some)
        };
        let mean = read(cx, "moving_mean")?.ok_or(crate::Error::NotBuilt)?;
        let variance = read(cx, "moving_variance")?.ok_or(crate::Error::NotBuilt)?;
        let gamma = match read(cx, "gamma")? {
            Some(gamma) => gamma,
            None => cx.g.fill_like(mean, 1.0)?,
        };
        let beta = match read(cx, "beta")? {
            Some(beta) => beta,
            None => cx.g.fill_like(mean, 0.0)?,
        };
        let parameters = [gamma, beta, mean, variance];
        let mask = self.mask(cx, args, input, rank)?;
        let y = match axes[..] {
            [axis] if rank > 1 => {
                let mut perm: Vec<i64> = (0..rank as i64).collect();
                perm.remove(axis);
                perm.push(axis as i64);
                let is_last = axis == rank - 1;
                let last = if is_last { x } else { cx.g.transpose(x, &perm)? };
                let y = match mask {
                    Some(mask) => {
                        let mask = if is_last { mask } else { cx.g.transpose(mask, &perm)? };
                        self.composed(cx, last, parameters, Some(mask), is_training, &[rank - 1])?
                    }
                    None if self.renorm && is_training => {
                        self.composed(cx, last, parameters, None, is_training, &[rank - 1])?
                    }
                    None => self.fused_operation(cx, last, parameters, is_training, rank)?,
                };
                let mut back: Vec<i64> = (0..rank as i64 - 1).collect();
                back.insert(axis, rank as i64 - 1);
                if is_last { y } else { cx.g.transpose(y, &back)? }
            }
            _ => self.composed(cx, x, parameters, mask, is_training, &axes)?,
        };
        Ok(vec![cx.g.cast(y, dtype)?])
    }

    fn config(&self) -> Result<Config> {
        let rank = self.base.built().and_then(|inputs| inputs.first().and_then(Dims::rank));
        let axis = match (self.axis_form, rank) {
            (AxisForm::Built, Some(rank)) => {
                Json::from(self.axes(rank)?.into_iter().map(|axis| axis as i64).collect::<Vec<_>>())
            }
            // The axis of a built layer of Keras 3, where it is a number: neutral is Keras 2's list.
            (AxisForm::Number, Some(_)) if self.axis[0] >= 0 => Json::from(self.axis.clone()),
            (AxisForm::List, _) => Json::from(self.axis.clone()),
            _ => Json::from(self.axis[0]),
        };
        let (beta, gamma) = (("beta", &self.beta), ("gamma", &self.gamma));
        Ok(self
            .base
            .config()
            .with("axis", axis)
            .with("momentum", self.momentum)
            .with("epsilon", self.epsilon)
            .with("center", self.center)
            .with("scale", self.scale)
            .with_initializers(&[
                beta,
                gamma,
                ("moving_mean", &self.moving_mean),
                ("moving_variance", &self.moving_variance),
            ])?
            .with_regularizers(&[beta, gamma])
            .with_constraints(&[beta, gamma])
            .with_some("synchronized", self.synchronized)
            .with_some("fused", self.fused)
            .with_some("renorm", self.renorm.then_some(true))
            .with_some("renorm_clipping", self.renorm.then(|| self.renorm_clipping.clone()))
            .with_some("renorm_momentum", self.renorm.then_some(self.renorm_momentum))
            .with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn casts_integers(&self) -> bool {
        true
    }
}
