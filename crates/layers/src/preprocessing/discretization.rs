//! `Discretization`: numbers as the ranges they lie in.

use std::sync::{Arc, RwLock};

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::ops::Bucketize;
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::{DType, Shape, Tensor, Variable};

use super::output_mode::{Encoding, encode, index_policy};
use super::quantiles::{AdaptedRanges, Summary};
use super::{AdaptData, OutputMode};
use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result, Weight};

/// Each number as the range it lies in: boundaries `[0, 1]` make the ranges below 0, from 0 to below 1, and from 1.
///
/// # Arguments
/// * `bin_boundaries`: ascending numbers; or
/// * `num_bins`: the number of ranges of equal weight that [`Discretization::adapt`] finds, to within `epsilon` (a
///   fraction, 0.01 by default).
/// * `output_mode`: `int` (the default), `one_hot`, `multi_hot` or `count`.
///
/// # Shapes
/// input and output alike with `int`; else input `[batch]` or `[batch, n]`, output `[batch, ranges]`.
///
/// # Errors
/// Both boundaries and a number, or neither; boundaries that do not ascend; a layer that is to be adapted first.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::Discretization};
/// let y = Discretization::new([0.0, 1.0]).output_mode("one_hot").on(&Input([1]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Discretization`; `sparse` has no effect, outputs are dense.
#[derive(Debug)]
pub struct Discretization {
    base: Base,
    bin_boundaries: Option<Vec<f64>>,
    /// Numbers as they stand in files.
    written: Json,
    num_bins: Option<usize>,
    epsilon: f64,
    output_mode: OutputMode,
    sparse: bool,
    /// What was seen: `[2, n]`, values and weights.
    summary: Arc<RwLock<Option<Variable>>>,
}

impl Discretization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Discretization",
        aliases: &[],
        module: "keras.layers",
        from_config: Discretization::from_config,
    };

    fn plain() -> Discretization {
        let mut base = Base::new("Discretization");
        index_policy(&mut base, OutputMode::Int);
        Discretization {
            base,
            bin_boundaries: None,
            written: Json::Null,
            num_bins: None,
            epsilon: 0.01,
            output_mode: OutputMode::Int,
            sparse: false,
            summary: Arc::default(),
        }
    }

    /// With these boundaries.
    pub fn new(bin_boundaries: impl IntoIterator<Item = f64>) -> Discretization {
        let boundaries: Vec<f64> = bin_boundaries.into_iter().collect();
        let written = Json::List(boundaries.iter().map(|&b| Json::Float(b)).collect());
        Discretization { bin_boundaries: Some(boundaries), written, ..Discretization::plain() }
    }

    /// With that many ranges, to be adapted.
    pub fn with_bins(num_bins: usize) -> Discretization {
        Discretization { num_bins: Some(num_bins), ..Discretization::plain() }
    }

    /// The part of the data by which an adapted boundary may be wrong.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Discretization {
        self.epsilon = epsilon;
        self
    }

    /// What is given: `int` (the default), `one_hot`, `multi_hot` or `count`.
    #[must_use]
    pub fn output_mode(mut self, mode: impl Into<OutputMode>) -> Discretization {
        self.output_mode = mode.into();
        index_policy(&mut self.base, self.output_mode);
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut base = Base::from_config("Discretization", fields)?;
        let output_mode = OutputMode::read(fields, OutputMode::Int)?;
        // Keras 3 makes vectors of integers, too, where the policy says so.
        if output_mode == OutputMode::Int || !base.is_keras3() {
            index_policy(&mut base, output_mode);
        }
        let boundaries = match fields.get("bin_boundaries") {
            Some(node) => {
                let list = node.list()?;
                Some(list.iter().map(|b| b.float()).collect::<std::result::Result<Vec<f64>, _>>()?)
            }
            None => None,
        };
        let mut layer = Discretization {
            base,
            bin_boundaries: boundaries,
            written: fields.get("bin_boundaries").map_or(Json::Null, |node| node.value().clone()),
            num_bins: fields.opt_positive("num_bins")?,
            epsilon: fields.float_or("epsilon", 0.01)?,
            output_mode,
            sparse: fields.bool_or("sparse", false)?,
            summary: Arc::default(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn summary(&self) -> Option<Variable> {
        self.summary.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    fn set_summary(&self, summary: &Summary) -> Result<()> {
        let value = Tensor::from_vec(summary.to_vec(), [2, summary.len()])?;
        let name = self.summary().map_or_else(|| "summary".to_string(), |v| v.name().to_string());
        self.put_summary(Variable::new(name, value, false));
        Ok(())
    }

    fn put_summary(&self, variable: Variable) {
        *self.summary.write().unwrap_or_else(|p| p.into_inner()) = Some(variable.clone());
        let attr = "summary".to_string();
        self.base.put_weight(Weight { attr, variable, trainable: false, regularizer: None, constraint: None });
    }

    /// The boundaries: given, or from what was learnt or loaded. None before that.
    pub fn bin_boundaries(&self) -> Result<Option<Vec<f64>>> {
        if let Some(boundaries) = &self.bin_boundaries {
            return Ok(Some(boundaries.clone()));
        }
        let Some(variable) = self.summary() else { return Ok(None) };
        let value = variable.value();
        let summary = Summary::of(value.as_slice::<f32>()?);
        let bins = self.bins()?;
        if summary.len() == 0 {
            return Ok(None);
        }
        Ok(Some(summary.boundaries(bins).into_iter().map(f64::from).collect()))
    }

    fn bins(&self) -> Result<usize> {
        match self.num_bins {
            Some(bins) if bins > 0 => Ok(bins),
            _ => Err(argument_error(&self.base, "num_bins", "a number of ranges, or `bin_boundaries`", "neither")),
        }
    }

    /// Learns boundaries between ranges of equal weight; what was learnt before is forgotten.
    ///
    /// # Errors
    /// Where the boundaries were given, or the data are no numbers.
    ///
    /// # Source
    /// `keras.layers.Discretization.adapt`.
    pub fn adapt(&self, data: impl Into<AdaptData>) -> Result<()> {
        if self.bin_boundaries.is_some() {
            return Err(argument_error(&self.base, "adapt", "a layer with `num_bins`", "`bin_boundaries`"));
        }
        self.bins()?;
        if !(self.epsilon > 0.0 && self.epsilon <= 1.0) {
            return Err(argument_error(&self.base, "epsilon", "a fraction in (0, 1]", self.epsilon.to_string()));
        }
        let mut summary = Summary::default();
        for batch in data.into().into_batches() {
            let values = batch.cast(DType::F32)?;
            summary.add(values.as_slice::<f32>()?, self.epsilon);
        }
        self.set_summary(&summary)
    }
}

impl Layer for Discretization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, _: &[ValueInfo]) -> Result<()> {
        if self.bin_boundaries.is_none() && self.summary().is_none() {
            let empty = Tensor::zeros(DType::F32, [2, 0])?;
            self.put_summary(Variable::new(cx.full_name("summary"), empty, false));
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        use OutputMode::*;
        self.output_mode.check(&self.base, &[Int, OneHot, MultiHot, Count])?;
        let dtype = cx.g.dtype(x);
        let x = match dtype {
            DType::F32 | DType::F64 | DType::I32 | DType::I64 => x,
            DType::String | DType::Bool => return Err(input_error(self, "numbers".into(), dtype.to_string())),
            _ => cx.g.cast(x, DType::F32)?,
        };
        let (indices, ranges) = match &self.bin_boundaries {
            Some(boundaries) => {
                if boundaries.windows(2).any(|w| w[0] > w[1]) {
                    let found = self.written.to_string();
                    return Err(argument_error(&self.base, "bin_boundaries", "ascending numbers", found));
                }
                let boundaries: Vec<f32> = boundaries.iter().map(|&b| b as f32).collect();
                let ranges = boundaries.len() + 1;
                (cx.g.add_single(Bucketize { boundaries }, &[x])?, ranges)
            }
            None => {
                let bins = self.bins()?;
                let owner = self.base.name().to_string();
                (cx.g.add_single(AdaptedRanges { summary: self.summary.clone(), bins, owner }, &[x])?, bins)
            }
        };
        if self.output_mode == Int {
            let dtype = if self.base.is_keras3() { DType::I32 } else { self.base.policy().compute };
            return Ok(vec![cx.g.cast(indices, dtype)?]);
        }
        Ok(vec![encode(self, cx, indices, Encoding::new(self, self.output_mode, ranges), None)?])
    }

    fn config(&self) -> Result<Config> {
        // Keras 3 writes both; only one of them is an argument.
        let bins = self.num_bins.filter(|_| self.bin_boundaries.is_none());
        Ok(self
            .base
            .config()
            .with("bin_boundaries", self.written.clone())
            .with("num_bins", bins.map(|n| n as i64))
            .with("epsilon", self.epsilon)
            .with("output_mode", self.output_mode.name())
            .with("sparse", self.sparse)
            .with_rest(self.base.rest()))
    }

    fn learnt(&self, config: &mut Config) -> Result<()> {
        if let (None, Some(boundaries)) = (&self.bin_boundaries, self.bin_boundaries()?) {
            config.insert("bin_boundaries", Json::List(boundaries.into_iter().map(Json::Float).collect()));
            // Keras 2 takes only one of the two.
            config.insert("num_bins", Json::Null);
        }
        Ok(())
    }

    fn open_weight(&self, attr: &str, shape: &Shape) -> Option<Variable> {
        let is_summary = attr == "summary" && matches!(shape[..], [2, _]) && self.bin_boundaries.is_none();
        let zeros = Tensor::zeros(DType::F32, shape.clone()).ok().filter(|_| is_summary)?;
        let name = self.summary().map_or_else(|| "summary".to_string(), |v| v.name().to_string());
        Some(Variable::new(name, zeros, false))
    }

    fn adopt_weight(&self, _: &str, variable: Variable) {
        self.put_summary(variable);
    }

    fn autocast(&self) -> bool {
        false
    }

    fn input_dtype(&self) -> DType {
        DType::F32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_ranges_is_refused() {
        let error = Discretization::plain().adapt(Tensor::scalar(1f32)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "build layer `discretization` (Discretization) argument `num_bins`: expected a number of ranges, or \
             `bin_boundaries`, found neither"
        );
        assert!(Discretization::new([0.0]).adapt(Tensor::scalar(1f32)).is_err());
    }

    #[test]
    fn quartiles_of_a_ramp() {
        let layer = Discretization::with_bins(4);
        layer.adapt(Tensor::from_vec((0..1000).map(|i| i as f32).collect(), [1000]).unwrap()).unwrap();
        let boundaries = layer.bin_boundaries().unwrap().unwrap();
        for (found, expected) in boundaries.iter().zip([250.0, 500.0, 750.0]) {
            assert!((found - expected).abs() < 25.0, "{boundaries:?}");
        }
    }
}
