//! `Normalization`: numbers brought to mean 0 and variance 1.

use kerox_config_json::{Config, Fields, Node, Value as Json};
use kerox_graph::{Dims, Value, ValueInfo};
use kerox_tensor::{DType, Shape, Tensor};

use super::AdaptData;
use crate::arguments::{input_dims, one_input};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, Initializer, Layer, LayerRef, Result, WeightSpec};

/// Keras's `epsilon`: the least deviation that is divided by.
const EPSILON: f64 = 1e-7;

/// `(x - mean) / max(sqrt(variance), 1e-7)`, or `x * max(sqrt(variance), 1e-7) + mean` where it is inverted.
///
/// Mean and variance are given, learnt by [`Normalization::adapt`], or loaded.
///
/// # Arguments
/// * `axis`: the axes that keep their own mean and variance, `-1` by default; none: one mean for all.
/// * `mean`, `variance`: a number, or one for each element of those axes.
/// * `invert`: false by default.
///
/// # Shapes
/// input and output alike; mean and variance have the lengths of the axes. The axes must be of known length.
///
/// # Errors
/// An axis that is not there, a mean without a variance.
///
/// # Example
/// ```
/// use kerox_layers::{LayerRef, preprocessing::Normalization};
/// use kerox_tensor::Tensor;
/// let layer = Normalization::new();
/// layer.adapt(&Tensor::from_vec(vec![1f32, 10., 3., 30.], [2, 2])?)?;
/// let weights = LayerRef::from(layer).get_weights();
/// assert_eq!(weights[0].as_slice::<f32>()?, [2., 20.]);
/// assert_eq!(weights[1].as_slice::<f32>()?, [1., 100.]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.layers.Normalization`.
#[derive(Debug)]
pub struct Normalization {
    base: Base,
    /// A list, as files have it.
    axis: Json,
    mean: Json,
    variance: Json,
    invert: bool,
}

impl Default for Normalization {
    fn default() -> Normalization {
        Normalization::new()
    }
}

impl Normalization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Normalization",
        aliases: &[],
        module: "keras.layers",
        from_config: Normalization::from_config,
    };

    /// Along the last axis, to be adapted.
    pub fn new() -> Normalization {
        let axis = Json::List(vec![Json::Int(-1)]);
        let base = Base::new("Normalization");
        Normalization { base, axis, mean: Json::Null, variance: Json::Null, invert: false }
    }

    /// The axes with a mean and variance of their own; none of them: one for all.
    #[must_use]
    pub fn axis(mut self, axes: impl IntoIterator<Item = i64>) -> Normalization {
        self.axis = Json::List(axes.into_iter().map(Json::Int).collect());
        self
    }

    /// The mean: a number, or a list of them.
    #[must_use]
    pub fn mean(mut self, mean: impl Into<Json>) -> Normalization {
        self.mean = mean.into();
        self
    }

    /// The variance: a number, or a list of them.
    #[must_use]
    pub fn variance(mut self, variance: impl Into<Json>) -> Normalization {
        self.variance = variance.into();
        self
    }

    /// Whether normalized numbers are brought back.
    #[must_use]
    pub fn invert(mut self, invert: bool) -> Normalization {
        self.invert = invert;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("Normalization", fields)?;
        let keep = |key: &str| fields.get(key).map_or(Json::Null, |node| node.value().clone());
        let axis = match fields.present("axis") {
            None => Json::List(vec![Json::Int(-1)]),
            Some(node) if node.is_null() => Json::List(Vec::new()),
            Some(node) if node.value().as_i64().is_some() => Json::List(vec![node.value().clone()]),
            Some(node) => {
                node.ints()?;
                node.value().clone()
            }
        };
        let (mean, variance) = (keep("mean"), keep("variance"));
        for key in ["mean", "variance"] {
            if let Some(node) = fields.get(key) {
                numbers(&node)?;
            }
        }
        let mut layer = Normalization { base, axis, mean, variance, invert: fields.bool_or("invert", false)? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The kept axes among `rank` ones, in order.
    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let axes = Node::root(&self.axis).ints()?;
        let mut kept = Vec::with_capacity(axes.len());
        for axis in axes {
            kept.push(crate::arguments::axis_from_start(&self.base, "axis", axis, rank)?);
        }
        kept.sort_unstable();
        Ok(kept)
    }

    fn is_given(&self) -> Result<bool> {
        match (self.mean.is_null(), self.variance.is_null()) {
            (false, false) => Ok(true),
            (true, true) => Ok(false),
            (true, false) => Err(argument_error(&self.base, "mean", "numbers, as `variance` is given", "none")),
            (false, true) => Err(argument_error(&self.base, "variance", "numbers, as `mean` is given", "none")),
        }
    }

    /// Learns mean and variance from data `[samples, ...]`; what was learnt before is forgotten.
    ///
    /// # Errors
    /// Where mean and variance were given, the data are no numbers, there are none, or their shape does not fit.
    ///
    /// # Source
    /// `keras.layers.Normalization.adapt`.
    pub fn adapt(&self, data: impl Into<AdaptData>) -> Result<()> {
        if self.is_given()? {
            let found = "`mean` and `variance` that were given";
            return Err(argument_error(&self.base, "adapt", "a layer without mean and variance", found));
        }
        let mut moments: Option<Moments> = None;
        for batch in data.into().into_batches() {
            let mut lengths: Vec<Option<usize>> = batch.shape().iter().map(|&d| Some(d)).collect();
            let axes = self.axes(lengths.len())?;
            for (axis, length) in lengths.iter_mut().enumerate() {
                if !axes.contains(&axis) {
                    *length = None;
                }
            }
            if self.base.built().is_none() {
                let dims: Dims = lengths.into_iter().collect();
                self.build(&mut Build::new(), &[ValueInfo::new(batch.dtype(), dims.clone())])?;
                self.base.set_built(vec![dims]);
            }
            let kept: Vec<usize> = axes.iter().map(|&axis| batch.shape()[axis]).collect();
            let moments = moments.get_or_insert_with(|| Moments::new(&kept));
            if moments.shape != kept {
                let expected = format!("batches whose axes have the lengths {:?}", moments.shape);
                return Err(argument_error(&self.base, "adapt", expected, format!("{kept:?}")));
            }
            moments.add(&batch, &axes)?;
        }
        let Some(moments) = moments.filter(|moments| moments.count > 0 || moments.mean.is_empty()) else {
            return Err(argument_error(&self.base, "adapt", "at least one sample", "none"));
        };
        let shape = Shape::from(moments.shape.as_slice());
        let compute = self.base.policy().compute;
        for (attr, values) in [("mean", moments.mean), ("variance", moments.variance)] {
            let variable = self.base.variable(attr).ok_or(crate::Error::NotBuilt)?;
            if *variable.shape() != shape {
                let expected = format!("data whose axes have the lengths {}", variable.shape());
                return Err(argument_error(&self.base, "adapt", expected, shape.to_string()));
            }
            variable.assign(Tensor::from_vec(values, shape.clone())?.cast(compute)?)?;
        }
        if let Some(count) = self.base.variable("count") {
            count.assign(Tensor::scalar(moments.count as i64))?;
        }
        Ok(())
    }

    /// Given numbers as `[1, ..., n, ...]`, ready to be broadcast.
    fn given(&self, cx: &mut Call<'_>, json: &Json, lengths: &[Option<usize>], axes: &[usize]) -> Result<Value> {
        let dtype = self.base.policy().compute;
        let (list, is_list) = numbers(&Node::root(json))?;
        let one = || cx_shape(lengths, axes, false);
        let kept: usize = axes.iter().map(|&axis| lengths[axis].unwrap_or(1)).product();
        let shape = if is_list && list.len() != 1 {
            if kept != list.len() {
                let expected = format!("{kept} numbers, one for each element of the axes");
                return Err(argument_error(&self.base, "mean", expected, format!("{} numbers", list.len())));
            }
            cx_shape(lengths, axes, true)
        } else {
            one()
        };
        let value = cx.g.constant(Tensor::from_vec(list, shape)?)?;
        Ok(cx.g.cast(value, dtype)?)
    }
}

/// The lengths of the kept axes, 1 for all others.
fn cx_shape(lengths: &[Option<usize>], axes: &[usize], is_kept: bool) -> Shape {
    let length = |i: usize| if is_kept && axes.contains(&i) { lengths[i].unwrap_or(1) } else { 1 };
    (0..lengths.len()).map(length).collect()
}

/// Numbers, and whether they stand in a list; lists in lists are taken in order.
fn numbers(node: &Node<'_>) -> Result<(Vec<f64>, bool)> {
    if let Ok(number) = node.float() {
        return Ok((vec![number], false));
    }
    let mut all = Vec::new();
    for item in node.list()? {
        all.extend(numbers(&item)?.0);
    }
    Ok((all, true))
}

/// Mean and variance of what has been seen.
struct Moments {
    shape: Vec<usize>,
    mean: Vec<f64>,
    variance: Vec<f64>,
    count: usize,
}

impl Moments {
    fn new(shape: &[usize]) -> Moments {
        let n = shape.iter().product();
        Moments { shape: shape.to_vec(), mean: vec![0.0; n], variance: vec![0.0; n], count: 0 }
    }

    fn add(&mut self, batch: &Tensor, axes: &[usize]) -> Result<()> {
        let values = batch.cast(DType::F64)?;
        let values = values.as_slice::<f64>()?;
        let shape = batch.shape();
        let n = self.mean.len();
        // The cell of each element: its coordinates along the kept axes.
        let cell = |mut i: usize| {
            let (mut at, mut step) = (0, 1);
            for (axis, &length) in shape.iter().enumerate().rev() {
                if axes.contains(&axis) {
                    at += i % length * step;
                    step *= length;
                }
                i /= length.max(1);
            }
            at
        };
        let (mut mean, mut variance) = (vec![0.0; n], vec![0.0; n]);
        let count = values.len().checked_div(n).unwrap_or(0);
        if count == 0 {
            return Ok(());
        }
        values.iter().enumerate().for_each(|(i, v)| mean[cell(i)] += v / count as f64);
        values.iter().enumerate().for_each(|(i, v)| {
            let at = cell(i);
            variance[at] += (v - mean[at]).powi(2) / count as f64;
        });
        let total = (self.count + count) as f64;
        let (before, now) = (self.count as f64 / total, count as f64 / total);
        let cells = self.mean.iter_mut().zip(&mut self.variance);
        for ((old, spread), (new, own)) in cells.zip(mean.into_iter().zip(variance)) {
            let joint = *old * before + new * now;
            *spread = (*spread + (*old - joint).powi(2)) * before + (own + (new - joint).powi(2)) * now;
            *old = joint;
        }
        self.count += count;
        Ok(())
    }
}

impl Layer for Normalization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let Some(lengths) = dims.axes() else {
            return Err(input_error(self, "a known number of axes".into(), format!("shape {dims}")));
        };
        let axes = self.axes(lengths.len())?;
        let kept: Option<Vec<usize>> = axes.iter().map(|&axis| lengths[axis]).collect();
        let Some(kept) = kept else {
            let expected = format!("known lengths of the axes {}, which have their own mean and variance", self.axis);
            return Err(input_error(self, expected, format!("shape {dims}")));
        };
        if self.is_given()? {
            return Ok(());
        }
        let compute = self.base.policy().compute;
        let shape = Shape::from(kept);
        for (attr, initializer) in [("mean", "zeros"), ("variance", "ones")] {
            let spec = WeightSpec::new(attr, shape.clone(), &Initializer::from(initializer));
            cx.add_weight(&self.base, spec.non_trainable().dtype(compute))?;
        }
        let count = WeightSpec::new("count", Shape::scalar(), &Initializer::from("zeros"));
        cx.add_weight(&self.base, count.non_trainable().dtype(DType::I64))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let dtype = self.base.policy().compute;
        let x = cx.g.cast(x, dtype)?;
        let dims = cx.g.dims(x).clone();
        let Some(lengths) = dims.axes() else {
            return Err(input_error(self, "a known number of axes".into(), format!("shape {dims}")));
        };
        let axes = self.axes(lengths.len())?;
        let (mean, variance) = if self.is_given()? {
            let mean = self.given(cx, &self.mean, lengths, &axes)?;
            (mean, self.given(cx, &self.variance, lengths, &axes)?)
        } else {
            let mut parts = Vec::with_capacity(2);
            for attr in ["mean", "variance"] {
                let value = cx.weight(&self.base, attr)?;
                let kept: Vec<usize> = cx.g.dims(value).shape().unwrap_or_else(Shape::scalar).to_vec();
                let mut kept = kept.into_iter();
                let shape: Vec<i64> = (0..lengths.len())
                    .map(|axis| if axes.contains(&axis) { kept.next().unwrap_or(1) as i64 } else { 1 })
                    .collect();
                parts.push(cx.g.reshape(value, &shape)?);
            }
            (parts[0], parts[1])
        };
        let deviation = cx.g.sqrt(variance)?;
        let least = cx.g.number(EPSILON, dtype)?;
        let deviation = cx.g.maximum(deviation, least)?;
        Ok(vec![if self.invert {
            let scaled = cx.g.multiply(x, deviation)?;
            cx.g.add(scaled, mean)?
        } else {
            let centred = cx.g.subtract(x, mean)?;
            cx.g.divide(centred, deviation)?
        }])
    }

    fn supports_masking(&self) -> bool {
        self.base.is_keras3()
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config().with("axis", self.axis.clone()).with("invert", self.invert);
        let config = config.with("mean", self.mean.clone()).with("variance", self.variance.clone());
        Ok(config.with_rest(self.base.rest()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_add_up() {
        let data: Vec<f32> = (0..300).map(|i| ((i * 37) % 101) as f32).collect();
        let layer = Normalization::new();
        layer.adapt(Tensor::from_vec(data.clone(), [100, 3]).unwrap()).unwrap();
        let whole = Normalization::new();
        whole.adapt(AdaptData::batches([Tensor::from_vec(data, [100, 3]).unwrap()])).unwrap();
        for attr in ["mean", "variance", "count"] {
            let (a, b) = (layer.base.variable(attr).unwrap().value(), whole.base.variable(attr).unwrap().value());
            let (a, b) = (a.cast(DType::F64).unwrap(), b.cast(DType::F64).unwrap());
            for (a, b) in a.as_slice::<f64>().unwrap().iter().zip(b.as_slice::<f64>().unwrap()) {
                assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{attr} {a} {b}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let x = Tensor::full(1f32, [2, 3]).unwrap();
        let message = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(
            message(Normalization::new().axis([2]).adapt(&x)),
            "build layer `normalization` (Normalization) argument `axis`: expected an axis in -2..2, found 2"
        );
        let given = Normalization::new().mean(1.0).variance(2.0);
        assert!(message(given.adapt(&x)).contains("argument `adapt`"));
        assert!(message(Normalization::new().adapt(Tensor::zeros(DType::F32, [0, 3]).unwrap())).contains("sample"));
        assert!(Normalization::new().mean(1.0).adapt(&x).is_err());
    }
}
