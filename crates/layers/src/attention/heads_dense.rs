//! The projections inside multi-head attention.

use std::sync::OnceLock;

use kerox_config_json::Config;
use kerox_graph::{Value, ValueInfo};

use crate::arguments::{input_dims, one_input};
use crate::call::input_error;
use crate::{Activation, Args, Base, Build, Call, Layer, Regularizer, Result, WeightOptions};

/// A product over the last axes of the input: what Keras makes of an EinsumDense inside an attention layer.
///
/// # Shapes
/// input `[batch, ..., inputs...]`, kernel `[inputs..., outputs...]`, bias `[outputs...]`, output
/// `[batch, ..., outputs...]`.
#[derive(Debug)]
pub(super) struct HeadsDense {
    base: Base,
    /// How many axes at the end of the input go into the product.
    contracted: usize,
    outputs: OnceLock<Vec<usize>>,
    kernel: WeightOptions,
    bias: Option<WeightOptions>,
    activation: Activation,
    activity_regularizer: Option<Regularizer>,
}

impl HeadsDense {
    /// One named as given inside a layer; the lengths of its output may become known later.
    pub fn inside(
        layer: &Base,
        name: &str,
        contracted: usize,
        outputs: Option<Vec<usize>>,
        kernel: &WeightOptions,
        bias: Option<&WeightOptions>,
    ) -> HeadsDense {
        let mut base = Base::new("EinsumDense");
        base.set_name(name);
        base.set_policy(layer.policy().clone());
        base.set_trainable(layer.trainable());
        let cell = OnceLock::new();
        if let Some(outputs) = outputs {
            let _ = cell.set(outputs);
        }
        HeadsDense {
            base,
            contracted,
            outputs: cell,
            kernel: kernel.clone(),
            bias: bias.cloned(),
            activation: Activation::Linear,
            activity_regularizer: None,
        }
    }

    /// The function of the output.
    pub fn activation(mut self, activation: Activation) -> HeadsDense {
        self.activation = activation;
        self
    }

    /// What the size of the output adds to the loss.
    pub fn activity_regularizer(mut self, regularizer: Option<Regularizer>) -> HeadsDense {
        self.activity_regularizer = regularizer;
        self
    }

    /// Tells the lengths of the output, if they are not known yet.
    pub fn set_outputs(&self, outputs: Vec<usize>) {
        let _ = self.outputs.set(outputs);
    }

    fn outputs(&self) -> &[usize] {
        self.outputs.get().map_or(&[], Vec::as_slice)
    }
}

impl Layer for HeadsDense {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let axes = dims.axes().unwrap_or(&[]);
        let inner: Option<Vec<usize>> =
            axes.get(axes.len().saturating_sub(self.contracted)..).and_then(|axes| axes.iter().copied().collect());
        let mut shape = match inner {
            Some(inner) if axes.len() > self.contracted && inner.len() == self.contracted => inner,
            _ => {
                let expected = format!("an input whose last {} axes are known", self.contracted);
                return Err(input_error(self, expected, format!("shape {dims}")));
            }
        };
        shape.extend_from_slice(self.outputs());
        cx.add_weight(&self.base, self.kernel.spec("kernel", shape))?;
        if let Some(bias) = &self.bias {
            cx.add_weight(&self.base, bias.spec("bias", self.outputs().to_vec()))?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let axes = cx.g.dims(x).axes().map(<[_]>::to_vec).unwrap_or_default();
        let outer = axes.len() - self.contracted;
        let kernel = cx.weight(&self.base, "kernel")?;
        let kernel_axes: Vec<usize> = cx.g.dims(kernel).axes().unwrap_or(&[]).iter().map(|d| d.unwrap_or(0)).collect();
        let inner: usize = kernel_axes[..self.contracted].iter().product();
        let width: usize = self.outputs().iter().product();
        let found = axes[outer..].iter().zip(&kernel_axes).all(|(a, b)| a.is_none_or(|a| a == *b));
        if !found {
            let expected = format!("last axes {:?}", &kernel_axes[..self.contracted]);
            return Err(input_error(self, expected, format!("shape {}", cx.g.dims(x))));
        }
        // Everything before the contracted axes is the rows of one matrix.
        let matrix = cx.g.reshape(kernel, &[inner as i64, width as i64])?;
        let x_rows = if self.contracted == 1 { x } else { self.with_tail(cx, x, outer, &[inner])? };
        let mut y = match cx.g.dims(x_rows).rank() {
            Some(2) => cx.g.matmul(x_rows, matrix, false, false)?,
            _ => cx.g.batch_matmul(x_rows, matrix, false, false)?,
        };
        if self.bias.is_some() {
            let bias = cx.weight(&self.base, "bias")?;
            let bias = cx.g.reshape(bias, &[width as i64])?;
            y = cx.g.bias_add(y, bias)?;
        }
        if self.outputs().len() != 1 {
            y = self.with_tail(cx, y, outer, self.outputs())?;
        }
        Ok(vec![self.activation.apply(cx, y)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config())
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.activity_regularizer.as_ref()
    }

    fn casts_integers(&self) -> bool {
        true
    }
}

impl HeadsDense {
    /// The value with the axes from `outer` on replaced.
    fn with_tail(&self, cx: &mut Call<'_>, x: Value, outer: usize, tail: &[usize]) -> Result<Value> {
        let axes = cx.g.dims(x).axes().map(<[_]>::to_vec).unwrap_or_default();
        let tail: Vec<i64> = tail.iter().map(|&d| d as i64).collect();
        let unknown = axes[..outer].iter().filter(|d| d.is_none()).count();
        if unknown <= 1 && !axes[..outer].contains(&Some(0)) && !tail.contains(&0) {
            let head = axes[..outer].iter().map(|d| d.map_or(-1, |d| d as i64));
            let lengths: Vec<i64> = head.chain(tail).collect();
            return Ok(cx.g.reshape(x, &lengths)?);
        }
        let shape = cx.g.shape_of(x)?;
        let head = cx.g.slice(shape, &[0], &[outer as i64])?;
        let tail = cx.g.ints(&tail)?;
        let shape = cx.g.concat(&[head, tail], 0)?;
        Ok(cx.g.reshape_to(x, shape)?)
    }
}
