//! `HashedCrossing`: features crossed with each other.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_graph::ops::HashedCross;
use kerox_tensor::DType;

use super::OutputMode;
use super::output_mode::{Encoding, encode, index_policy};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Several features hashed together: each combination of values has its bucket.
///
/// # Arguments
/// * `num_bins`: the number of buckets.
/// * `output_mode`: `int` (the default) or `one_hot`.
///
/// # Shapes
/// inputs of one shape, all `[batch]`, `[batch, 1]` or `[]`; output alike with `int`, else `[batch, num_bins]`.
///
/// # Errors
/// Fewer than 2 inputs, inputs of other shapes, or that are neither strings nor integers.
///
/// # Example
/// ```
/// use kerox_layers::{LayerExt, core::InputLayer, preprocessing::HashedCrossing};
/// use kerox_tensor::DType;
/// let input = |dtype| InputLayer::new([1]).input_dtype(dtype).tensor();
/// let y = HashedCrossing::new(10).on([&input(DType::I64), &input(DType::String)])?;
/// assert_eq!(y.shape().to_string(), "(None, 1)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.HashedCrossing`, `tf.sparse.cross_hashed`.
#[derive(Debug)]
pub struct HashedCrossing {
    base: Base,
    num_bins: usize,
    output_mode: OutputMode,
    sparse: bool,
}

impl HashedCrossing {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "HashedCrossing",
        aliases: &[],
        module: "keras.layers",
        from_config: HashedCrossing::from_config,
    };

    /// That many buckets.
    pub fn new(num_bins: usize) -> HashedCrossing {
        let mut base = Base::new("HashedCrossing");
        index_policy(&mut base, OutputMode::Int);
        HashedCrossing { base, num_bins, output_mode: OutputMode::Int, sparse: false }
    }

    /// What is given: `int` (the default) or `one_hot`.
    #[must_use]
    pub fn output_mode(mut self, mode: impl Into<OutputMode>) -> HashedCrossing {
        self.output_mode = mode.into();
        index_policy(&mut self.base, self.output_mode);
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut base = Base::from_config("HashedCrossing", fields)?;
        let output_mode = OutputMode::read(fields, OutputMode::Int)?;
        index_policy(&mut base, output_mode);
        let mut layer = HashedCrossing {
            base,
            num_bins: fields.positive("num_bins")?,
            output_mode,
            sparse: fields.bool_or("sparse", false)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for HashedCrossing {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        self.output_mode.check(&self.base, &[OutputMode::Int, OutputMode::OneHot])?;
        if self.num_bins == 0 {
            return Err(argument_error(&self.base, "num_bins", "a positive integer", "0"));
        }
        let inputs: Vec<Value> = args.first().into_iter().copied().collect();
        if inputs.len() < 2 {
            return Err(input_error(self, "a list of at least 2 inputs".into(), format!("{} inputs", inputs.len())));
        }
        let mut features = Vec::with_capacity(inputs.len());
        for &input in &inputs {
            let (dims, dtype) = (cx.g.dims(input).clone(), cx.g.dtype(input));
            let is_column = match dims.axes() {
                Some([] | [_]) => true,
                Some([_, last]) => last.is_none_or(|last| last == 1),
                _ => false,
            };
            if !is_column {
                let expected = "inputs `[batch]`, `[batch, 1]` or `[]`".into();
                return Err(input_error(self, expected, format!("shape {dims}")));
            }
            features.push(match dtype {
                DType::String | DType::I64 => input,
                DType::I32 | DType::I16 | DType::I8 | DType::U8 | DType::U16 => cx.g.cast(input, DType::I64)?,
                _ => return Err(input_error(self, "strings or integers".into(), dtype.to_string())),
            });
        }
        let buckets = cx.g.add_single(HashedCross { buckets: self.num_bins as u64 }, &features)?;
        if self.output_mode == OutputMode::Int {
            return Ok(vec![cx.g.cast(buckets, self.base.policy().compute)?]);
        }
        Ok(vec![encode(self, cx, buckets, Encoding::new(self, self.output_mode, self.num_bins), None)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("num_bins", self.num_bins as i64)
            .with("output_mode", self.output_mode.name())
            .with("sparse", self.sparse)
            .with_rest(self.base.rest()))
    }

    fn autocast(&self) -> bool {
        false
    }

    fn input_dtype(&self) -> DType {
        DType::String
    }
}
