//! `Dot`: products of the samples of two inputs.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::DType;

use super::of_one_type;
use crate::arguments::axis_from_start;
use crate::call::input_error;
use crate::einsum::einsum;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

/// Sums, for each sample, the products of two inputs along an axis of each.
///
/// # Arguments
/// `axes`: one axis for both inputs or one for each, counted with the batch; `normalize`: whether the vectors along
/// these axes are first brought to length 1, which makes of the products the cosines of angles.
///
/// # Shapes
/// inputs `[batch, ...]` and `[batch, ...]`, output `[batch, rest of the first..., rest of the second...]`, or
/// `[batch, 1]` where no axis is left.
///
/// # Errors
/// Other than two inputs, an axis there is not, the batch as an axis, axes of different lengths.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, merging::Dot};
/// let (a, b) = (Input([3, 4]), Input([4, 5]));
/// let y = Dot::new([2, 1]).on([&a, &b])?;
/// assert_eq!(y.shape().to_string(), "(None, 3, 5)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Dot`.
#[derive(Debug)]
pub struct Dot {
    base: Base,
    axes: [i64; 2],
    axes_json: Json,
    normalize: bool,
}

impl Dot {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Dot", aliases: &[], module: "keras.layers", from_config: Dot::from_config };

    /// Along an axis of the first input and one of the second.
    pub fn new(axes: [i64; 2]) -> Dot {
        Dot { base: Base::new("Dot"), axes, axes_json: Json::from(axes.to_vec()), normalize: false }
    }

    /// Along the same axis of both inputs.
    pub fn along(axis: i64) -> Dot {
        Dot { axes_json: Json::from(axis), ..Dot::new([axis, axis]) }
    }

    /// Whether the vectors along the axes are brought to length 1 first; false by default.
    #[must_use]
    pub fn normalize(mut self, normalize: bool) -> Dot {
        self.normalize = normalize;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let node = fields.required("axes")?;
        let mut layer = match node.int() {
            Ok(axis) => Dot::along(axis),
            Err(_) => match node.ints()?[..] {
                [a, b] => Dot::new([a, b]),
                _ => return Err(node.expected("one axis, or one for each of two inputs").into()),
            },
        };
        layer.base = Base::from_config("Dot", fields)?;
        layer.normalize = fields.bool_or("normalize", false)?;
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// Vectors along the axis brought to length 1.
    fn unit(&self, cx: &mut Call<'_>, x: Value, axis: usize) -> Result<Value> {
        let squares = cx.g.square(x)?;
        let sum = cx.g.reduce_sum(squares, &[axis as i64], true)?;
        let least = cx.g.number(1e-12, cx.g.dtype(x))?;
        let sum = cx.g.maximum(sum, least)?;
        let factor = cx.g.rsqrt(sum)?;
        Ok(cx.g.multiply(x, factor)?)
    }
}

impl Layer for Dot {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let [a, b] = inputs else {
            return Err(input_error(self, "a list of two inputs".into(), format!("{} inputs", inputs.len())));
        };
        let mut lengths = [None; 2];
        for (i, info) in [a, b].into_iter().enumerate() {
            let axes = info.dims.axes().filter(|axes| axes.len() >= 2).ok_or_else(|| {
                input_error(self, "inputs `[batch, ...]` of known rank".into(), format!("shape {}", info.dims))
            })?;
            let axis = axis_from_start(&self.base, "axes", self.axes[i], axes.len())?;
            if axis == 0 {
                return Err(argument_error(
                    &self.base,
                    "axes",
                    "axes other than the batch",
                    self.axes_json.to_string(),
                ));
            }
            lengths[i] = axes[axis];
        }
        match lengths {
            [Some(n), Some(m)] if n != m => {
                let expected = format!("two inputs of one length along axes {}", self.axes_json);
                Err(input_error(self, expected, format!("shapes {} and {}", a.dims, b.dims)))
            }
            _ => Ok(()),
        }
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let inputs: Vec<Value> = args.first().into_iter().copied().collect();
        let [a, b] = of_one_type(cx, &self.base, &inputs)?[..] else {
            return Err(input_error(self, "a list of two inputs".into(), format!("{} inputs", inputs.len())));
        };
        let mut operands = Vec::with_capacity(2);
        let mut output = vec![0];
        // Label 0 is the batch, label 1 what is summed over, the others are free.
        let mut next = 2;
        for (value, axis) in [a, b].into_iter().zip(self.axes) {
            let rank = cx.g.dims(value).rank().unwrap_or_default();
            let axis = axis_from_start(&self.base, "axes", axis, rank)?;
            let value = if self.normalize { self.unit(cx, value, axis)? } else { value };
            let labels: Vec<u32> = (0..rank)
                .map(|at| match at {
                    0 => 0,
                    at if at == axis => 1,
                    _ => {
                        next += 1;
                        output.push(next);
                        next
                    }
                })
                .collect();
            operands.push((value, labels));
        }
        // Products of integers are made of floats.
        let dtype = cx.g.dtype(operands[0].0);
        for (value, _) in operands.iter_mut().filter(|_| dtype.is_integer()) {
            *value = cx.g.cast(*value, DType::F64)?;
        }
        let y = einsum(cx.g, (operands[0].0, &operands[0].1), (operands[1].0, &operands[1].1), &output)?;
        let y = cx.g.cast(y, dtype)?;
        Ok(vec![if output.len() == 1 { cx.g.expand_dims(y, 1)? } else { y }])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("axes", self.axes_json.clone())
            .with("normalize", self.normalize)
            .with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
