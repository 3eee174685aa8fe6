//! `CategoryEncoding`: integers as features.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_tensor::DType;

use super::OutputMode;
use super::output_mode::{Encoding, encode};
use crate::arguments::one_input;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Arg, Args, Base, Call, Layer, LayerRef, Result};

/// Integers in `0..num_tokens` as rows of numbers.
///
/// # Arguments
/// * `num_tokens`: the number of categories.
/// * `output_mode`: `multi_hot` (the default), `one_hot` or `count`.
/// * `count_weights`, of the call: what each input counts instead of 1, with output mode `count`.
///
/// # Shapes
/// input `[batch]` or `[batch, n]`, output `[batch, num_tokens]`. With `multi_hot` and `count` an input of one axis is
/// one sample: `[num_tokens]`.
///
/// # Errors
/// An integer outside of the range, while the model runs; more than 2 axes.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::CategoryEncoding};
/// let y = CategoryEncoding::new(4).output_mode("multi_hot").on(&Input([2]))?;
/// assert_eq!(y.shape().to_string(), "(None, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.CategoryEncoding`; `sparse` has no effect, outputs are dense.
#[derive(Debug)]
pub struct CategoryEncoding {
    base: Base,
    num_tokens: Option<usize>,
    output_mode: OutputMode,
    sparse: bool,
}

impl CategoryEncoding {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "CategoryEncoding",
        aliases: &[],
        module: "keras.layers",
        from_config: CategoryEncoding::from_config,
    };

    /// That many categories.
    pub fn new(num_tokens: usize) -> CategoryEncoding {
        CategoryEncoding {
            base: Base::new("CategoryEncoding"),
            num_tokens: Some(num_tokens),
            output_mode: OutputMode::MultiHot,
            sparse: false,
        }
    }

    /// What is given: `multi_hot` (the default), `one_hot` or `count`.
    #[must_use]
    pub fn output_mode(mut self, mode: impl Into<OutputMode>) -> CategoryEncoding {
        self.output_mode = mode.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = CategoryEncoding {
            base: Base::from_config("CategoryEncoding", fields)?,
            num_tokens: fields.opt_positive("num_tokens")?,
            output_mode: OutputMode::read(fields, OutputMode::MultiHot)?,
            sparse: fields.bool_or("sparse", false)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for CategoryEncoding {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        self.output_mode.check(&self.base, &[OutputMode::MultiHot, OutputMode::OneHot, OutputMode::Count])?;
        let Some(count) = self.num_tokens.filter(|&n| n > 0) else {
            return Err(argument_error(&self.base, "num_tokens", "a positive integer", "none"));
        };
        let weights = match args.get(1, "count_weights") {
            Some(Arg::Tensor(weights)) if self.output_mode == OutputMode::Count => Some(*weights),
            Some(_) => {
                let expected = "no `count_weights` with an output mode other than `count`".into();
                return Err(input_error(self, expected, "some".into()));
            }
            None => None,
        };
        Ok(vec![encode(self, cx, x, Encoding::new(self, self.output_mode, count).checked(), weights)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("num_tokens", self.num_tokens.map(|n| n as i64))
            .with("output_mode", self.output_mode.name())
            .with("sparse", self.sparse)
            .with_rest(self.base.rest()))
    }

    fn autocast(&self) -> bool {
        false
    }

    fn input_dtype(&self) -> DType {
        DType::I64
    }
}
