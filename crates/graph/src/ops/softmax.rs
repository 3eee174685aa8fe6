//! Softmax and the losses made from it.

use std::sync::Arc;

use kerox_tensor::kernels::broadcast::Broadcast;
use kerox_tensor::kernels::{Float, Number, cross_entropy, softmax};
use kerox_tensor::{DType, Shape};

use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use crate::{Attr, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "Softmax", signature: "logits -> softmax", build: |_| Ok(Arc::new(Softmax { log: false })) },
    Declaration {
        name: "LogSoftmax",
        signature: "logits -> logsoftmax",
        build: |_| Ok(Arc::new(Softmax { log: true })),
    },
    Declaration {
        name: "SoftmaxCrossEntropyWithLogits",
        signature: "features, labels -> loss, backprop",
        build: |_| Ok(Arc::new(CrossEntropy { sparse: false })),
    },
    Declaration {
        name: "SparseSoftmaxCrossEntropyWithLogits",
        signature: "features, labels -> loss, backprop",
        build: |_| Ok(Arc::new(CrossEntropy { sparse: true })),
    },
    Declaration {
        name: "_SigmoidCrossEntropy",
        signature: "logits, labels -> loss",
        build: |_| Ok(Arc::new(SigmoidCrossEntropy)),
    },
    Declaration { name: "L2Loss", signature: "t -> output", build: |_| Ok(Arc::new(L2Loss)) },
];

/// `Softmax`, `LogSoftmax`: exponentials of the last axis divided by their sum, or the logarithm of that.
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    /// Whether the logarithm is wanted.
    pub log: bool,
}

/// The length of the rows, 1 for none.
fn row(shape: &Shape) -> usize {
    shape.last().copied().unwrap_or(1).max(1)
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        if self.log { "LogSoftmax" } else { "Softmax" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let dtype = cx.float(0)?;
        if cx.dims(0)?.rank() == Some(0) {
            return Err(cx.wrong("input 0", "at least 1 axis", cx.dims(0)?.to_string()));
        }
        Ok(vec![ValueInfo::new(dtype, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let n = row(x.shape);
        for_float!(run.dtype(), self.name(), T => {
            let (x, out) = (x.slice::<T>()?, run.outputs[0].slice::<T>()?);
            let rows = if self.log { softmax::log_softmax } else { softmax::softmax };
            rows(n, x, out);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(SoftmaxGrad { log: self.log }, &[dy, cx.outputs[0]])?)])
    }
}

/// `_SoftmaxGrad(dy, y)`.
#[derive(Clone, Copy, Debug)]
pub struct SoftmaxGrad {
    /// Whether `y` is the logarithm of the softmax.
    pub log: bool,
}

impl Op for SoftmaxGrad {
    fn name(&self) -> &'static str {
        "_SoftmaxGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        Ok(vec![ValueInfo::new(cx.same_dtype()?, cx.dims(1)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (dy, y) = (run.input(0), run.input(1));
        let n = row(y.shape);
        for_float!(run.dtype(), self.name(), T => {
            let (dy, y, dx) = (dy.slice::<T>()?, y.slice::<T>()?, run.outputs[0].slice::<T>()?);
            let rows = if self.log { softmax::log_softmax_backward } else { softmax::softmax_backward };
            rows(n, y, dy, dx);
            Ok(())
        })
    }
}

/// `SoftmaxCrossEntropyWithLogits(features, labels)` and its sparse form, where labels are class numbers: the loss of
/// each row, and the gradient of the loss by the features.
///
/// # Shapes
/// `features` is `[batch, classes]`; `labels` is `[batch, classes]`, or `[batch]` where sparse.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy {
    /// Whether labels are class numbers.
    pub sparse: bool,
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        if self.sparse { "SparseSoftmaxCrossEntropyWithLogits" } else { "SoftmaxCrossEntropyWithLogits" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("T", Attr::Type(inputs[0].dtype))];
        if self.sparse {
            attrs.push(("Tlabels", Attr::Type(inputs[1].dtype)));
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.float(0)?;
        let features = cx.of_rank(0, 2)?;
        let labels = cx.of_rank(1, if self.sparse { 1 } else { 2 })?;
        let (axes, labels_axes) = (features.axes().unwrap_or(&[]), labels.axes().unwrap_or(&[]));
        let fits = |a: Option<usize>, b: Option<usize>| !matches!((a, b), (Some(a), Some(b)) if a != b);
        let broadcastable = |i: usize| fits(axes[i], labels_axes[i]) || labels_axes[i] == Some(1);
        let ok = if self.sparse { fits(axes[0], labels_axes[0]) } else { broadcastable(0) && broadcastable(1) };
        if !ok {
            return Err(cx.wrong("labels", format!("labels for {features}"), labels.to_string()));
        }
        if self.sparse {
            cx.ints(1)?;
        } else {
            cx.of_dtype(1, dtype)?;
        }
        let batch = axes[0].or(labels_axes[0].filter(|&b| b != 1 || self.sparse));
        Ok(vec![ValueInfo::new(dtype, [batch]), ValueInfo::new(dtype, [batch, axes[1]])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (x, labels) = (run.input(0), run.input(1));
        let (x_shape, classes) = (x.shape, x.shape[1]);
        for_float!(run.dtype(), self.name(), T => {
            let x = x.slice::<T>()?;
            let [loss, backprop] = run.outputs else { return Ok(()) };
            let (loss, backprop) = (loss.slice::<T>()?, backprop.slice::<T>()?);
            if classes == 0 {
                loss.fill(T::ZERO);
                return Ok(());
            }
            if !self.sparse {
                let target = labels.slice::<T>()?;
                if labels.shape == x_shape {
                    cross_entropy::dense(classes, x, target, loss, backprop);
                    return Ok(());
                }
                let mut all = vec![T::ZERO; x.len()];
                Broadcast::to(labels.shape, x_shape)?.map(target, &mut all, |label| label);
                cross_entropy::dense(classes, x, &all, loss, backprop);
            } else if labels.dtype() == Some(DType::I64) {
                let labels = labels.slice::<i64>()?;
                check_labels(labels, classes)?;
                cross_entropy::sparse(classes, x, labels, loss, backprop);
            } else {
                let labels = labels.slice::<i32>()?;
                check_labels(labels, classes)?;
                cross_entropy::sparse(classes, x, labels, loss, backprop);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let Some(dy) = cx.upstream[0] else { return Ok(vec![None, None]) };
        let (features, labels, backprop) = (cx.inputs[0], cx.inputs[1], cx.outputs[1]);
        let column = cx.g.expand_dims(dy, -1)?;
        let dx = cx.g.multiply(column, backprop)?;
        if self.sparse {
            return Ok(vec![Some(dx), None]);
        }
        let log = cx.g.add_single(Softmax { log: true }, &[features])?;
        let minus = cx.g.negate(log)?;
        let dt = cx.g.multiply(column, minus)?;
        Ok(vec![Some(dx), Some(cx.g.sum_to_like(dt, labels)?)])
    }
}

fn check_labels<L: Copy + Into<i64>>(labels: &[L], classes: usize) -> Result<()> {
    for (i, &label) in labels.iter().enumerate() {
        let label: i64 = label.into();
        if usize::try_from(label).is_err() || label as usize >= classes {
            return Err(argument(
                "SparseSoftmaxCrossEntropyWithLogits",
                "",
                &format!("label {i}"),
                format!("a class number in 0..{classes}"),
                label.to_string(),
            ));
        }
    }
    Ok(())
}

/// `_SigmoidCrossEntropy(logits, labels)`: `max(x, 0) - x z + log(1 + e^-|x|)`, element by element.
///
/// # Source
/// `tf.nn.sigmoid_cross_entropy_with_logits`.
#[derive(Clone, Copy, Debug)]
pub struct SigmoidCrossEntropy;

impl Op for SigmoidCrossEntropy {
    fn name(&self) -> &'static str {
        "_SigmoidCrossEntropy"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.float(0)?;
        let dtype = cx.same_dtype()?;
        let (x, z) = (cx.dims(0)?, cx.dims(1)?);
        let dims: Option<Dims> = x.merge(z);
        Ok(vec![ValueInfo::new(dtype, dims.ok_or_else(|| cx.wrong("labels", x.to_string(), z.to_string()))?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (x, z) = (run.input(0), run.input(1));
        for_float!(run.dtype(), self.name(), T => {
            let (x, z, out) = (x.slice::<T>()?, z.slice::<T>()?, run.outputs[0].slice::<T>()?);
            for ((o, &x), &z) in out.iter_mut().zip(x).zip(z) {
                let positive = if x > T::ZERO { x } else { T::ZERO };
                *o = positive - x * z + (-x.abs()).exp().ln_1p();
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (x, z) = (cx.inputs[0], cx.inputs[1]);
        let dy = cx.upstream(0)?;
        let s = cx.g.sigmoid(x)?;
        let difference = cx.g.subtract(s, z)?;
        let dx = cx.g.multiply(dy, difference)?;
        let minus = cx.g.negate(x)?;
        Ok(vec![Some(dx), Some(cx.g.multiply(dy, minus)?)])
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let (x, z) = (inputs[0], inputs[1]);
        let positive = g.relu(x)?;
        let product = g.multiply(x, z)?;
        let first = g.subtract(positive, product)?;
        let size = g.abs(x)?;
        let minus = g.negate(size)?;
        let e = g.exp(minus)?;
        let log = g.log1p(e)?;
        Ok(Some(vec![g.add(first, log)?]))
    }
}

/// `L2Loss(t)`: half the sum of squares.
#[derive(Clone, Copy, Debug)]
pub struct L2Loss;

impl Op for L2Loss {
    fn name(&self) -> &'static str {
        "L2Loss"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(cx.float(0)?, Dims::scalar())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        for_float!(run.dtype(), self.name(), T => {
            let mut sum = T::ZERO;
            // Blocks keep the rounding error small without a pass that stores squares.
            for block in x.slice::<T>()?.chunks(256) {
                sum += block.iter().fold(T::ZERO, |sum, &x| sum + x * x);
            }
            run.outputs[0].slice::<T>()?[0] = sum * T::from_f64(0.5);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.multiply(cx.inputs[0], dy)?)])
    }
}

impl Graph {
    /// Exponentials divided by their sum along an axis (negative ones count from the end).
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such axis.
    pub fn softmax(&mut self, x: Value, axis: i64) -> Result<Value> {
        self.along_axis(x, axis, Softmax { log: false })
    }

    /// The logarithm of [`Graph::softmax`], without rounding to 0 first.
    ///
    /// # Errors
    /// As [`Graph::softmax`].
    pub fn log_softmax(&mut self, x: Value, axis: i64) -> Result<Value> {
        self.along_axis(x, axis, Softmax { log: true })
    }

    /// Applies an operation of the last axis to another one.
    fn along_axis(&mut self, x: Value, axis: i64, op: impl Op) -> Result<Value> {
        let rank = match self.dims(x).rank() {
            Some(rank) if axis != -1 && axis != rank as i64 - 1 => rank,
            _ => return self.add_single(op, &[x]),
        };
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        if at < 0 || at >= rank as i64 {
            return Err(argument(op.name(), "", "axis", format!("-{rank}..{rank}"), axis.to_string()));
        }
        let mut perm: Vec<i64> = (0..rank as i64).collect();
        perm.swap(at as usize, rank - 1);
        let turned = self.transpose(x, &perm)?;
        let y = self.add_single(op, &[turned])?;
        self.transpose(y, &perm)
    }

    /// Cross entropy of each row with class probabilities, from logits.
    ///
    /// # Shapes
    /// `logits` and `labels` are `[batch, classes]`, the loss is `[batch]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they do not fit.
    pub fn softmax_cross_entropy(&mut self, logits: Value, labels: Value) -> Result<Value> {
        self.add_single(CrossEntropy { sparse: false }, &[logits, labels])
    }

    /// Cross entropy of each row with a class number, from logits.
    ///
    /// # Shapes
    /// `logits` is `[batch, classes]`, `labels` is `[batch]` of int32 or int64, the loss is `[batch]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they do not fit; a run fails where a label is no class number.
    pub fn sparse_softmax_cross_entropy(&mut self, logits: Value, labels: Value) -> Result<Value> {
        self.add_single(CrossEntropy { sparse: true }, &[logits, labels])
    }

    /// Cross entropy of each element with a probability, from logits.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where shapes or types differ.
    pub fn sigmoid_cross_entropy(&mut self, logits: Value, labels: Value) -> Result<Value> {
        self.add_single(SigmoidCrossEntropy, &[logits, labels])
    }

    /// Half the sum of squares.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the elements are no floats.
    pub fn l2_loss(&mut self, x: Value) -> Result<Value> {
        self.add_single(L2Loss, &[x])
    }
}
