//! `GroupNormalization`: the channels of a sample normalized group by group.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use super::types::{computed, given};
use crate::arguments::{axis_from_start, input_dims, one_input};
use crate::call::input_error;
use crate::einsum::{Length, reshape_to_lengths};
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result, ScaleOptions, WeightOptions};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with mean and variance of each group of channels of each
/// sample. One group is layer normalization, as many groups as channels instance normalization.
///
/// # Arguments
/// `groups`: how many groups, a divisor of the channels; -1 for as many as channels.
///
/// # Shapes
/// input and output alike, `gamma` and `beta` `[channels]`.
///
/// # Errors
/// Groups that do not divide the channels, an axis there is not or whose length is unknown.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, normalization::GroupNormalization};
/// let y = GroupNormalization::new(4).on(&Input([8, 8, 16]))?;
/// assert_eq!(y.shape().to_string(), "(None, 8, 8, 16)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.GroupNormalization`; Wu and He, 2018.
#[derive(Debug)]
pub struct GroupNormalization {
    base: Base,
    groups: i64,
    axis: i64,
    epsilon: f64,
    center: bool,
    scale: bool,
    gamma: WeightOptions,
    beta: WeightOptions,
}

impl GroupNormalization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "GroupNormalization",
        aliases: &[],
        module: "keras.layers",
        from_config: GroupNormalization::from_config,
    };

    /// In that many groups along the last axis, with epsilon 0.001.
    pub fn new(groups: i64) -> GroupNormalization {
        GroupNormalization {
            base: Base::new("GroupNormalization"),
            groups,
            axis: -1,
            epsilon: 1e-3,
            center: true,
            scale: true,
            gamma: WeightOptions::new("ones"),
            beta: WeightOptions::new("zeros"),
        }
    }

    /// The axis of the channels; the last by default.
    #[must_use]
    pub fn axis(mut self, axis: i64) -> GroupNormalization {
        self.axis = axis;
        self
    }

    /// Added to the variance; 0.001 by default.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> GroupNormalization {
        self.epsilon = epsilon;
        self
    }

    /// Whether `beta` is added; true by default.
    #[must_use]
    pub fn center(mut self, center: bool) -> GroupNormalization {
        self.center = center;
        self
    }

    /// Whether `gamma` is multiplied with; true by default.
    #[must_use]
    pub fn scale(mut self, scale: bool) -> GroupNormalization {
        self.scale = scale;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        // Keras 3 writes the axis as it found it; a list of one axis is that axis.
        let axis = match fields.get("axis") {
            Some(node) if node.int().is_ok() => node.int()?,
            Some(node) => match node.ints()?[..] {
                [axis] => axis,
                _ => return Err(node.expected("one axis").into()),
            },
            None => -1,
        };
        let mut layer = GroupNormalization {
            base: Base::from_config("GroupNormalization", fields)?,
            groups: fields.int_or("groups", 32)?,
            axis,
            epsilon: fields.float_or("epsilon", 1e-3)?,
            center: fields.bool_or("center", true)?,
            scale: fields.bool_or("scale", true)?,
            gamma: WeightOptions::read(fields, "gamma", "ones")?,
            beta: WeightOptions::read(fields, "beta", "zeros")?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The axis from the start, its length and the number of groups.
    fn channels(&self, axes: &[Option<usize>]) -> Result<(usize, usize, usize)> {
        let axis = axis_from_start(&self.base, "axis", self.axis, axes.len())?;
        let channels = axes[axis].ok_or_else(|| {
            let expected = format!("an input whose axis {} is known", self.axis);
            input_error(self, expected, format!("shape {}", axes.iter().copied().collect::<kerox_graph::Dims>()))
        })?;
        let groups = if self.groups == -1 { channels } else { usize::try_from(self.groups).unwrap_or(0) };
        if axis == 0 || groups == 0 || channels % groups != 0 {
            let (argument, expected) = if axis == 0 {
                ("axis", "an axis other than the batch".to_owned())
            } else {
                ("groups", format!("-1 or a divisor of the {channels} channels"))
            };
            let found = if axis == 0 { self.axis } else { self.groups };
            return Err(argument_error(&self.base, argument, expected, found.to_string()));
        }
        Ok((axis, channels, groups))
    }
}

impl ScaleOptions for GroupNormalization {
    fn gamma_options(&mut self) -> &mut WeightOptions {
        &mut self.gamma
    }
    fn beta_options(&mut self) -> &mut WeightOptions {
        &mut self.beta
    }
}

impl Layer for GroupNormalization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let (_, channels, _) = self.channels(dims.axes().unwrap_or_default())?;
        if self.scale {
            cx.add_weight(&self.base, self.gamma.spec("gamma", [channels]))?;
        }
        if self.center {
            cx.add_weight(&self.base, self.beta.spec("beta", [channels]))?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let input = one_input(self, args)?;
        let x = computed(self, cx, input)?;
        let lengths = Length::all(cx.g, x);
        let (axis, channels, groups) = self.channels(cx.g.dims(x).axes().unwrap_or_default())?;
        let mut grouped: Vec<Vec<Length>> = lengths.iter().map(|&l| vec![l]).collect();
        grouped.splice(axis..=axis, [vec![Length::Known(groups)], vec![Length::Known(channels / groups)]]);
        let along: Vec<i64> = (1..grouped.len()).filter(|&at| at != axis).map(|at| at as i64).collect();
        let y = reshape_to_lengths(cx.g, x, &grouped)?;
        let mean = cx.g.reduce_mean(y, &along, true)?;
        let squares = cx.g.squared_difference(y, mean)?;
        let variance = cx.g.reduce_mean(squares, &along, true)?;
        let epsilon = cx.g.number(self.epsilon, cx.g.dtype(x))?;
        let variance = cx.g.add(variance, epsilon)?;
        let factor = cx.g.rsqrt(variance)?;
        let y = cx.g.subtract(y, mean)?;
        let y = cx.g.multiply(y, factor)?;
        let whole: Vec<Vec<Length>> = lengths.iter().map(|&l| vec![l]).collect();
        let mut y = reshape_to_lengths(cx.g, y, &whole)?;
        let mut shape = vec![1; lengths.len()];
        shape[axis] = channels as i64;
        if self.scale {
            let gamma = cx.weight(&self.base, "gamma")?;
            let gamma = cx.g.cast(gamma, cx.g.dtype(y))?;
            let gamma = cx.g.reshape(gamma, &shape)?;
            y = cx.g.multiply(y, gamma)?;
        }
        if self.center {
            let beta = cx.weight(&self.base, "beta")?;
            let beta = cx.g.cast(beta, cx.g.dtype(y))?;
            let beta = cx.g.reshape(beta, &shape)?;
            y = cx.g.add(y, beta)?;
        }
        Ok(vec![given(self, cx, y, input)?])
    }

    fn config(&self) -> Result<Config> {
        let both = [("beta", &self.beta), ("gamma", &self.gamma)];
        Ok(self
            .base
            .config()
            .with("groups", self.groups)
            .with("axis", self.axis)
            .with("epsilon", self.epsilon)
            .with("center", self.center)
            .with("scale", self.scale)
            .with_initializers(&both)?
            .with_regularizers(&both)
            .with_constraints(&both)
            .with_rest(self.base.rest()))
    }

    fn casts_integers(&self) -> bool {
        !self.base.is_keras3()
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
