//! Adding a vector along the channels.

use std::sync::Arc;

use kerox_tensor::kernels::unary::bias_backward;

use super::declaration::Declaration;
use super::dispatch::for_float;
use crate::{Attr, Attrs, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "BiasAdd",
        signature: "value, bias -> output",
        build: |attrs| Ok(Arc::new(BiasAdd { channels_first: channels_first(attrs)? })),
    },
    Declaration {
        name: "BiasAddGrad",
        signature: "out_backprop -> output",
        build: |attrs| Ok(Arc::new(BiasAddGrad { channels_first: channels_first(attrs)? })),
    },
];

/// Whether `data_format` says that channels come right after the batch.
pub(super) fn channels_first(attrs: &Attrs) -> Result<bool> {
    Ok(attrs.string_or("data_format", "NHWC")?.starts_with("NC"))
}

fn data_format(channels_first: bool) -> (&'static str, Attr) {
    ("data_format", Attr::String(if channels_first { b"NCHW".to_vec() } else { b"NHWC".to_vec() }))
}

/// `BiasAdd(value, bias)`: a vector added along the channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct BiasAdd {
    /// Whether the channels are axis 1 (`NCHW`) instead of the last.
    pub channels_first: bool,
}

impl Op for BiasAdd {
    fn name(&self) -> &'static str {
        "BiasAdd"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), data_format(self.channels_first)]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.same_dtype()?;
        let (value, bias) = (cx.dims(0)?, cx.of_rank(1, 1)?);
        let Some(axes) = value.axes() else { return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]) };
        if axes.len() < 2 {
            return Err(cx.wrong("input 0", "at least 2 axes", value.to_string()));
        }
        let channel = if self.channels_first { 1 } else { axes.len() - 1 };
        let channels = bias.axes().and_then(|b| b[0]);
        if matches!((axes[channel], channels), (Some(a), Some(b)) if a != b) {
            return Err(cx.wrong("input 1", format!("one element a channel of {value}"), bias.to_string()));
        }
        let dims =
            axes.iter().enumerate().map(|(i, &a)| if i == channel { a.or(channels) } else { a }).collect::<Dims>();
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (value, bias) = (run.input(0), run.input(1));
        super::dispatch::for_number!(run.dtype(), "BiasAdd", T => {
            use kerox_tensor::kernels::Number;
            let output = &mut run.outputs[0];
            let channels_first = self.channels_first && output.shape.rank() > 2;
            let inner: usize = if channels_first { output.shape[2..].iter().product() } else { 1 };
            let (value, bias, out) = (value.get::<T>()?, bias.slice::<T>()?, output.slice::<T>()?);
            if out.is_empty() {
                return Ok(());
            }
            if inner == 1 {
                match value {
                    Some(value) => {
                        for (o, v) in out.chunks_exact_mut(bias.len()).zip(value.chunks_exact(bias.len())) {
                            o.iter_mut().zip(v).zip(bias).for_each(|((o, &v), &b)| *o = v.plus(b));
                        }
                    }
                    None => {
                        for o in out.chunks_exact_mut(bias.len()) {
                            o.iter_mut().zip(bias).for_each(|(o, &b)| *o = o.plus(b));
                        }
                    }
                }
                return Ok(());
            }
            if let Some(value) = value {
                out.copy_from_slice(value);
            }
            for (i, row) in out.chunks_exact_mut(inner).enumerate() {
                let b = bias[i % bias.len()];
                row.iter_mut().for_each(|o| *o = o.plus(b));
            }
            Ok(())
        })
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let db = cx.g.add_single(BiasAddGrad { channels_first: self.channels_first }, &[dy])?;
        Ok(vec![Some(dy), Some(db)])
    }
}

/// `BiasAddGrad(dy)`: sums over everything but the channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct BiasAddGrad {
    /// Whether the channels are axis 1 (`NCHW`) instead of the last.
    pub channels_first: bool,
}

impl Op for BiasAddGrad {
    fn name(&self) -> &'static str {
        "BiasAddGrad"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), data_format(self.channels_first)]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let channels = match cx.dims(0)?.axes() {
            Some(axes) if axes.len() >= 2 => axes[if self.channels_first { 1 } else { axes.len() - 1 }],
            Some(_) => return Err(cx.wrong("input 0", "at least 2 axes", cx.dims(0)?.to_string())),
            None => None,
        };
        Ok(vec![ValueInfo::new(cx.dtype(0)?, [channels])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let dy = run.input(0);
        for_float!(run.dtype(), "BiasAddGrad", T => {
            let data = dy.slice::<T>()?;
            let out = run.outputs[0].slice::<T>()?;
            if !self.channels_first || dy.shape.rank() == 2 {
                bias_backward(data, out);
                return Ok(());
            }
            let inner: usize = dy.shape[2..].iter().product();
            out.fill(0.0);
            for (i, row) in data.chunks_exact(inner.max(1)).enumerate() {
                let at = i % out.len();
                out[at] += kerox_tensor::kernels::reduce::sum(row);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let zeros = cx.g.zeros_like(cx.inputs[0])?;
        Ok(vec![Some(cx.g.add_single(BiasAdd { channels_first: self.channels_first }, &[zeros, dy])?)])
    }
}

impl Graph {
    /// A vector added along the last axis.
    ///
    /// # Shapes
    /// `value` is `[batch, ..., channels]`, `bias` is `[channels]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where types or lengths differ or `value` has fewer than 2 axes.
    pub fn bias_add(&mut self, value: Value, bias: Value) -> Result<Value> {
        self.add_single(BiasAdd { channels_first: false }, &[value, bias])
    }
}
