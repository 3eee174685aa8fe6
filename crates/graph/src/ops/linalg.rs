//! Matrix products.

use std::sync::Arc;

use kerox_tensor::Shape;
use kerox_tensor::kernels::Number;
use kerox_tensor::kernels::gemm::{Layout, gemm};

use super::declaration::Declaration;
use super::dispatch::{for_float, for_number};
use super::strided::{Steps, repeat, walk};
use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "MatMul",
        signature: "a, b -> product",
        build: |attrs| {
            Ok(Arc::new(MatMul {
                transpose_a: attrs.bool_or("transpose_a", false)?,
                transpose_b: attrs.bool_or("transpose_b", false)?,
            }))
        },
    },
    Declaration { name: "BatchMatMul", signature: "x, y -> output", build: |attrs| batch(attrs) },
    Declaration { name: "BatchMatMulV2", signature: "x, y -> output", build: |attrs| batch(attrs) },
    Declaration { name: "BatchMatMulV3", signature: "x, y -> output", build: |attrs| batch(attrs) },
];

fn batch(attrs: &crate::Attrs) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(BatchMatMul { adj_x: attrs.bool_or("adj_x", false)?, adj_y: attrs.bool_or("adj_y", false)? }))
}

/// `MatMul(a, b)`: the product of two matrices, each transposed first where asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct MatMul {
    /// Whether `a` is `[k, m]` instead of `[m, k]`.
    pub transpose_a: bool,
    /// Whether `b` is `[n, k]` instead of `[k, n]`.
    pub transpose_b: bool,
}

/// The lengths of a matrix's axes, exchanged where it is used transposed.
fn pair(a: Dim, b: Dim, transposed: bool) -> (Dim, Dim) {
    if transposed { (b, a) } else { (a, b) }
}

impl MatMul {
    /// The shape of the product.
    pub(super) fn infer_dims(&self, cx: &Infer<'_>) -> Result<[Dim; 2]> {
        let (a, b) = (cx.of_rank(0, 2)?, cx.of_rank(1, 2)?);
        let of = |dims: &Dims, transposed: bool| match dims.axes() {
            Some(&[r, c]) => pair(r, c, transposed),
            _ => (None, None),
        };
        let ((m, k), (k2, n)) = (of(&a, self.transpose_a), of(&b, self.transpose_b));
        match (k, k2) {
            (Some(k), Some(k2)) if k != k2 => {
                Err(cx.wrong("inputs", format!("matrices of one inner length ({k})"), format!("{a} and {b}")))
            }
            _ => Ok([m, n]),
        }
    }

    /// Runs the product into the first output.
    pub(super) fn multiply(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (a, b) = (run.input(0), run.input(1));
        let (m, k) = if self.transpose_a { (a.shape[1], a.shape[0]) } else { (a.shape[0], a.shape[1]) };
        let n = if self.transpose_b { b.shape[0] } else { b.shape[1] };
        for_float!(run.dtype(), "MatMul", T => {
            let (a, b) = (a.slice::<T>()?, b.slice::<T>()?);
            let (la, lb) = (Layout::transposed(self.transpose_a), Layout::transposed(self.transpose_b));
            gemm((m, n, k), T::ONE, (a, la), (b, lb), T::ZERO, run.outputs[0].slice::<T>()?);
            Ok(())
        })
    }
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "MatMul"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("transpose_a", Attr::Bool(self.transpose_a)),
            ("transpose_b", Attr::Bool(self.transpose_b)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.same_dtype()?;
        Ok(vec![ValueInfo::new(dtype, self.infer_dims(cx)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        if run.dtype().is_integer() {
            return integers(self, run);
        }
        self.multiply(run)
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (a, b) = (cx.inputs[0], cx.inputs[1]);
        let dy = cx.upstream(0)?;
        let g = &mut *cx.g;
        let mut product = |x, y, transpose_a, transpose_b| g.matmul(x, y, transpose_a, transpose_b).map(Some);
        Ok(match (self.transpose_a, self.transpose_b) {
            (false, false) => vec![product(dy, b, false, true)?, product(a, dy, true, false)?],
            (false, true) => vec![product(dy, b, false, false)?, product(dy, a, true, false)?],
            (true, false) => vec![product(b, dy, false, true)?, product(a, dy, false, false)?],
            (true, true) => vec![product(b, dy, true, true)?, product(dy, a, true, true)?],
        })
    }
}

fn integers(op: &MatMul, run: &mut Run<'_, '_>) -> Result<()> {
    fn multiply<T: Number>(op: &MatMul, run: &mut Run<'_, '_>) -> Result<()> {
        let (a, b) = (run.input(0), run.input(1));
        let output = &mut run.outputs[0];
        let (m, n) = (output.shape[0], output.shape[1]);
        let k = if op.transpose_a { a.shape[0] } else { a.shape[1] };
        let (a, b, out) = (a.slice::<T>()?, b.slice::<T>()?, output.slice::<T>()?);
        for i in 0..m {
            for j in 0..n {
                let mut sum = T::ZERO;
                for x in 0..k {
                    let left = if op.transpose_a { a[x * m + i] } else { a[i * k + x] };
                    let right = if op.transpose_b { b[j * k + x] } else { b[x * n + j] };
                    sum = sum.plus(left.times(right));
                }
                out[i * n + j] = sum;
            }
        }
        Ok(())
    }
    for_number!(run.dtype(), "MatMul", T => multiply::<T>(op, run))
}

/// `BatchMatMulV2(x, y)`: products of the matrices in the last two axes; the axes before are broadcast.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchMatMul {
    /// Whether the matrices of `x` are transposed.
    pub adj_x: bool,
    /// Whether the matrices of `y` are transposed.
    pub adj_y: bool,
}

impl Op for BatchMatMul {
    fn name(&self) -> &'static str {
        "BatchMatMulV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("adj_x", Attr::Bool(self.adj_x)), ("adj_y", Attr::Bool(self.adj_y))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.same_dtype()?;
        let (x, y) = (cx.dims(0)?, cx.dims(1)?);
        let (Some(a), Some(b)) = (x.axes(), y.axes()) else { return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]) };
        let fail = || cx.wrong("inputs", "matrices in the last two axes that fit", format!("{x} and {y}"));
        if a.len() < 2 || b.len() < 2 {
            return Err(fail());
        }
        let (m, k) = pair(a[a.len() - 2], a[a.len() - 1], self.adj_x);
        let (k2, n) = pair(b[b.len() - 2], b[b.len() - 1], self.adj_y);
        if matches!((k, k2), (Some(k), Some(k2)) if k != k2) {
            return Err(fail());
        }
        let (a, b) = (Dims::from(&a[..a.len() - 2]), Dims::from(&b[..b.len() - 2]));
        let lead = a.broadcast(&b).ok_or_else(fail)?;
        let dims = lead.axes().unwrap_or(&[]).iter().copied().chain([m, n]).collect::<Dims>();
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (x, y) = (run.input(0), run.input(1));
        let rank = |shape: &Shape| shape.rank() - 2;
        let output = &mut run.outputs[0];
        let batch = Shape::from(&output.shape[..rank(output.shape)]);
        let (m, n) = (output.shape[rank(output.shape)], output.shape[rank(output.shape) + 1]);
        let k = x.shape[rank(x.shape) + usize::from(!self.adj_x)];
        let steps = |shape: &Shape, size: usize| -> Steps {
            repeat(&Shape::from(&shape[..rank(shape)]), &batch).iter().map(|s| s * size as isize).collect()
        };
        let (x_steps, y_steps, out_steps) = (steps(x.shape, m * k), steps(y.shape, k * n), steps(output.shape, m * n));
        for_float!(output.dtype(), "BatchMatMulV2", T => {
            let (x, y, out) = (x.slice::<T>()?, y.slice::<T>()?, output.slice::<T>()?);
            let (la, lb) = (Layout::transposed(self.adj_x), Layout::transposed(self.adj_y));
            walk(&batch, &[x_steps, y_steps, out_steps], [0; 3], |[mut a, mut b, mut c], count, steps| {
                for _ in 0..count {
                    let operands = ((&x[a as usize..], la), (&y[b as usize..], lb));
                    gemm((m, n, k), T::ONE, operands.0, operands.1, T::ZERO, &mut out[c as usize..]);
                    a += steps[0];
                    b += steps[1];
                    c += steps[2];
                }
            });
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (a, b) = (cx.inputs[0], cx.inputs[1]);
        let dy = cx.upstream(0)?;
        let g = &mut *cx.g;
        let mut product = |x, y, adj_x, adj_y| g.batch_matmul(x, y, adj_x, adj_y);
        let (da, db) = match (self.adj_x, self.adj_y) {
            (false, false) => (product(dy, b, false, true)?, product(a, dy, true, false)?),
            (false, true) => (product(dy, b, false, false)?, product(dy, a, true, false)?),
            (true, false) => (product(b, dy, false, true)?, product(a, dy, false, false)?),
            (true, true) => (product(b, dy, true, true)?, product(dy, a, true, true)?),
        };
        Ok(vec![Some(g.sum_to_like(da, a)?), Some(g.sum_to_like(db, b)?)])
    }
}

impl Graph {
    /// The product of two matrices, each transposed first where asked for.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they do not fit.
    pub fn matmul(&mut self, a: Value, b: Value, transpose_a: bool, transpose_b: bool) -> Result<Value> {
        self.add_single(MatMul { transpose_a, transpose_b }, &[a, b])
    }

    /// Products of the matrices in the last two axes, each transposed first where asked for; the axes before are
    /// broadcast.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they do not fit.
    pub fn batch_matmul(&mut self, x: Value, y: Value, adj_x: bool, adj_y: bool) -> Result<Value> {
        self.add_single(BatchMatMul { adj_x, adj_y }, &[x, y])
    }
}
