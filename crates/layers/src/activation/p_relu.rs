//! `PReLU`: a learned slope below 0.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};

use crate::arguments::{axis_from_start, input_dims, one_input};
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::weight_options::ConfigExt;
use crate::{Args, Base, Build, Call, Constraint, Initializer, Layer, LayerRef, Regularizer, Result, WeightOptions};

/// `x` from 0 on, `alpha * x` below, with an `alpha` for each element of a sample.
///
/// # Shapes
/// input and output alike; `alpha` has the input's shape without the batch, with length 1 along `shared_axes`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, activation::PReLU};
/// let y = PReLU::new().shared_axes([1, 2]).on(&Input([8, 8, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 8, 8, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.PReLU`; He et al., 2015.
#[derive(Debug)]
pub struct PReLU {
    base: Base,
    alpha: WeightOptions,
    shared_axes: Option<Vec<i64>>,
}

impl PReLU {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "PReLU", aliases: &[], module: "keras.layers", from_config: PReLU::from_config };

    /// With slopes that start at 0.
    pub fn new() -> PReLU {
        PReLU { base: Base::new("PReLU"), alpha: WeightOptions::new("zeros"), shared_axes: None }
    }

    /// The axes, counted with the batch, along which one slope is shared. As in Keras, those counted from the end are one
    /// further to the front: -1 is the axis before the last.
    #[must_use]
    pub fn shared_axes(mut self, axes: impl IntoIterator<Item = i64>) -> PReLU {
        self.shared_axes = Some(axes.into_iter().collect());
        self
    }

    /// The first value of the slopes; zeros by default.
    #[must_use]
    pub fn alpha_initializer(mut self, initializer: impl Into<Initializer>) -> PReLU {
        self.alpha.initializer = initializer.into();
        self
    }

    /// What the size of the slopes adds to the loss.
    #[must_use]
    pub fn alpha_regularizer(mut self, regularizer: impl Into<Regularizer>) -> PReLU {
        self.alpha.regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the slopes after each update.
    #[must_use]
    pub fn alpha_constraint(mut self, constraint: impl Into<Constraint>) -> PReLU {
        self.alpha.constraint = Some(constraint.into());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let shared_axes = match fields.get("shared_axes") {
            Some(node) if node.int().is_ok() => Some(vec![node.int()?]),
            Some(node) => Some(node.ints()?),
            None => None,
        };
        let mut layer = PReLU {
            base: Base::from_config("PReLU", fields)?,
            alpha: WeightOptions::read(fields, "alpha", "zeros")?,
            shared_axes,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Default for PReLU {
    fn default() -> PReLU {
        PReLU::new()
    }
}

impl Layer for PReLU {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let unknown = || input_error(self, "known lengths beside the batch".into(), format!("shape {dims}"));
        let mut axes: Vec<Option<usize>> = dims.axes().ok_or_else(unknown)?.iter().skip(1).copied().collect();
        for &axis in self.shared_axes.iter().flatten() {
            // As Keras: without the batch, so that -1 is the axis before the last.
            let axis = axis_from_start(&self.base, "shared_axes", axis.saturating_sub(1), axes.len())?;
            axes[axis] = Some(1);
        }
        let shape: Option<Vec<usize>> = axes.into_iter().collect();
        cx.add_weight(&self.base, self.alpha.spec("alpha", shape.ok_or_else(unknown)?))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let alpha = cx.weight(&self.base, "alpha")?;
        // As Keras: relu(x) - alpha * relu(-x).
        let above = cx.g.relu(x)?;
        let below = cx.g.negate(x)?;
        let below = cx.g.relu(below)?;
        let below = cx.g.multiply(alpha, below)?;
        Ok(vec![cx.g.subtract(above, below)?])
    }

    fn config(&self) -> Result<Config> {
        let alpha = [("alpha", &self.alpha)];
        Ok(self
            .base
            .config()
            .with_initializers(&alpha)?
            .with_regularizers(&alpha)
            .with_constraints(&alpha)
            .with("shared_axes", Json::from(self.shared_axes.clone()))
            .with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
