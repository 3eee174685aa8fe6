//! Matrix products.

use super::elementwise::unsupported;
use crate::{Attr, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `MatMul(a, b)`: the product of two matrices, each transposed first where asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct MatMul {
    /// Whether `a` is `[k, m]` instead of `[m, k]`.
    pub transpose_a: bool,
    /// Whether `b` is `[n, k]` instead of `[k, n]`.
    pub transpose_b: bool,
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
        let (a, b) = (cx.of_rank(0, 2)?, cx.of_rank(1, 2)?);
        let pair = |dims: &crate::Dims, transposed: bool| match dims.axes() {
            Some(&[r, c]) if transposed => (c, r),
            Some(&[r, c]) => (r, c),
            _ => (None, None),
        };
        let ((m, k), (k2, n)) = (pair(&a, self.transpose_a), pair(&b, self.transpose_b));
        if let (Some(k), Some(k2)) = (k, k2) {
            if k != k2 {
                return Err(cx.wrong("inputs", format!("matrices of one inner length ({k})"), format!("{a} and {b}")));
            }
        }
        Ok(vec![ValueInfo::new(dtype, [m, n])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        Err(unsupported("MatMul", run.dtype()))
    }
    fn as_dyn(&self) -> &dyn Op {
        self
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

impl Graph {
    /// The product of two matrices, each transposed first where asked for.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they do not fit.
    pub fn matmul(&mut self, a: Value, b: Value, transpose_a: bool, transpose_b: bool) -> Result<Value> {
        self.add_single(MatMul { transpose_a, transpose_b }, &[a, b])
    }
}
