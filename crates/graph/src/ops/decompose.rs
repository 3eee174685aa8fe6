//! Matrices in the last two axes as products of simpler ones.

use std::sync::Arc;

use kerox_tensor::kernels::matrices;
use kerox_tensor::{DType, Tensor};

use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use super::solve::{Part, Solve, dims, lengths, narrow, part, square, transposed, wide};
use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "Cholesky", signature: "input -> output", build: |_| Ok(Arc::new(Cholesky)) },
    Declaration {
        name: "Qr",
        signature: "input -> q, r",
        build: |a| Ok(Arc::new(Qr { full_matrices: a.bool_or("full_matrices", false)? })),
    },
    Declaration { name: "SelfAdjointEigV2", signature: "input -> e, v", build: |_| Ok(Arc::new(Eigen)) },
    Declaration { name: "Svd", signature: "input -> s, u, v", build: |_| Ok(Arc::new(Svd)) },
    Declaration { name: "Lu", signature: "input -> lu, p", build: |_| Ok(Arc::new(Lu)) },
];

/// `Cholesky(input)`: lower triangles whose products with their transposes are the matrices.
#[derive(Clone, Copy, Debug)]
pub struct Cholesky;

impl Op for Cholesky {
    fn name(&self) -> &'static str {
        "Cholesky"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        square(cx, 0)?;
        Ok(vec![ValueInfo::new(cx.float(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, n, _) = lengths(&input);
        for_float!(run.dtype(), "Cholesky", T => {
            let (all, out) = (wide::<T>(&input)?, run.outputs[0].slice::<T>()?);
            for at in (0..count).map(|at| at * n * n..(at + 1) * n * n) {
                let Some(l) = matrices::cholesky(&all[at.clone()], n) else {
                    return Err(argument("Cholesky", "", "input", "positive definite matrices", "another"));
                };
                narrow(&mut out[at], &l);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (l, dl) = (cx.outputs[0], cx.upstream(0)?);
        let g = &mut *cx.g;
        let middle = g.batch_matmul(l, dl, true, false)?;
        let middle = part(g, middle, Part::HalfLower)?;
        // L⁻ᵀ middle L⁻¹, made symmetric.
        let solve = Solve { triangle: Some(true), adjoint: true };
        let left = g.add_single(solve, &[l, middle])?;
        let left = transposed(g, left)?;
        let both = g.add_single(solve, &[l, left])?;
        let turned = transposed(g, both)?;
        let sum = g.add(both, turned)?;
        let half = g.number(0.5, g.dtype(sum))?;
        Ok(vec![Some(g.multiply(sum, half)?)])
    }
}

/// `Qr(input)`: orthogonal matrices and upper triangles.
#[derive(Clone, Copy, Debug)]
pub struct Qr {
    /// Whether `q` is square, `r` of the shape of the input.
    pub full_matrices: bool,
}

impl Op for Qr {
    fn name(&self) -> &'static str {
        "Qr"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("full_matrices", Attr::Bool(self.full_matrices))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let dtype = cx.float(0)?;
        let Some((lead, m, n)) = super::solve::matrices(cx, 0)? else {
            return Ok(vec![ValueInfo::new(dtype, Dims::unknown()); 2]);
        };
        let inner = if self.full_matrices { m } else { least(m, n) };
        Ok(vec![ValueInfo::new(dtype, dims(&lead, &[m, inner])), ValueInfo::new(dtype, dims(&lead, &[inner, n]))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, m, n) = lengths(&input);
        let k = if self.full_matrices { m } else { m.min(n) };
        for_float!(run.dtype(), "Qr", T => {
            let all = wide::<T>(&input)?;
            for at in 0..count {
                let (q, r) = matrices::qr(&all[at * m * n..(at + 1) * m * n], m, n);
                let q: Vec<f64> = (0..m * k).map(|at| q[at / k * m + at % k]).collect();
                narrow(&mut run.outputs[0].slice::<T>()?[at * m * k..], &q);
                narrow(&mut run.outputs[1].slice::<T>()?[at * k * n..], &r[..k * n]);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (dq, dr) = (cx.upstream(0)?, cx.upstream(1)?);
        let (q, r) = (cx.outputs[0], cx.outputs[1]);
        let is_square = matches!(cx.g.dims(r).axes(), Some(&[.., Some(m), Some(n)]) if m == n);
        if !is_square {
            return Err(crate::Error::NoGradient { op: "Qr".into(), node: cx.node_name().into() });
        }
        let g = &mut *cx.g;
        let first = g.batch_matmul(r, dr, false, true)?;
        let second = g.batch_matmul(dq, q, true, false)?;
        let inner = g.subtract(first, second)?;
        let (lower, below) = (part(g, inner, Part::Lower)?, part(g, inner, Part::BelowDiagonal)?);
        let above = transposed(g, below)?;
        let inner = g.add(lower, above)?;
        let moved = g.batch_matmul(q, inner, false, false)?;
        let sum = g.add(dq, moved)?;
        // sum R⁻ᵀ
        let turned = transposed(g, sum)?;
        let solved = g.add_single(Solve { triangle: Some(false), adjoint: false }, &[r, turned])?;
        Ok(vec![Some(transposed(g, solved)?)])
    }
}

/// The smaller of two lengths.
fn least(m: Dim, n: Dim) -> Dim {
    m.zip(n).map(|(m, n)| m.min(n))
}

/// `SelfAdjointEigV2(input)`: eigenvalues of symmetric matrices, the least first, and eigenvectors as columns. Their signs
/// are what they are.
#[derive(Clone, Copy, Debug)]
pub struct Eigen;

impl Op for Eigen {
    fn name(&self) -> &'static str {
        "SelfAdjointEigV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("compute_v", Attr::Bool(true))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let values = square(cx, 0)?.map_or(Dims::unknown(), |(lead, n)| dims(&lead, &[n]));
        let dtype = cx.float(0)?;
        Ok(vec![ValueInfo::new(dtype, values), ValueInfo::new(dtype, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, n, _) = lengths(&input);
        for_float!(run.dtype(), self.name(), T => {
            let all = wide::<T>(&input)?;
            for at in 0..count {
                let (values, vectors) = matrices::eigen(&all[at * n * n..(at + 1) * n * n], n);
                narrow(&mut run.outputs[0].slice::<T>()?[at * n..], &values);
                narrow(&mut run.outputs[1].slice::<T>()?[at * n * n..], &vectors);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (values, vectors) = (cx.outputs[0], cx.outputs[1]);
        let (d_values, d_vectors) = (cx.upstream(0)?, cx.upstream[1]);
        let g = &mut *cx.g;
        let mut inner = diagonal(g, d_values)?;
        if let Some(d_vectors) = d_vectors {
            // 1 / (e_column - e_row) beside the diagonal.
            let (row, column) = (g.expand_dims(values, -2)?, g.expand_dims(values, -1)?);
            let apart = g.subtract(row, column)?;
            let one = g.number(1.0, g.dtype(apart))?;
            let factors = g.div_no_nan(one, apart)?;
            let product = g.batch_matmul(vectors, d_vectors, true, false)?;
            let product = g.multiply(product, factors)?;
            inner = g.add(inner, product)?;
        }
        let left = g.batch_matmul(vectors, inner, false, false)?;
        let whole = g.batch_matmul(left, vectors, false, true)?;
        let turned = transposed(g, whole)?;
        let sum = g.add(whole, turned)?;
        Ok(vec![Some(part(g, sum, Part::HalfLower)?)])
    }
}

/// Square matrices of zeros with the last axis on the diagonal.
fn diagonal(g: &mut Graph, x: Value) -> Result<Value> {
    let Some(&[.., Some(n)]) = g.dims(x).axes() else {
        return Err(argument("gradient", "", "matrices", "a known length", g.dims(x).to_string()));
    };
    let ones: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    let ones = g.constant(Tensor::from_vec(ones, [n, n])?.cast(g.dtype(x))?)?;
    let rows = g.expand_dims(x, -2)?;
    g.multiply(rows, ones)
}

/// `Svd(input)`: singular values, the largest first, with left and right vectors as columns. Their signs are what they
/// are.
#[derive(Clone, Copy, Debug)]
pub struct Svd;

impl Op for Svd {
    fn name(&self) -> &'static str {
        "Svd"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let flags = [("compute_uv", Attr::Bool(true)), ("full_matrices", Attr::Bool(false))];
        std::iter::once(("T", Attr::Type(inputs[0].dtype))).chain(flags).collect()
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let dtype = cx.float(0)?;
        let Some((lead, m, n)) = super::solve::matrices(cx, 0)? else {
            return Ok(vec![ValueInfo::new(dtype, Dims::unknown()); 3]);
        };
        let k = least(m, n);
        let shapes = [dims(&lead, &[k]), dims(&lead, &[m, k]), dims(&lead, &[n, k])];
        Ok(shapes.into_iter().map(|dims| ValueInfo::new(dtype, dims)).collect())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, m, n) = lengths(&input);
        let k = m.min(n);
        for_float!(run.dtype(), "Svd", T => {
            let all = wide::<T>(&input)?;
            for at in 0..count {
                let (s, u, v) = matrices::singular(&all[at * m * n..(at + 1) * m * n], m, n);
                narrow(&mut run.outputs[0].slice::<T>()?[at * k..], &s);
                narrow(&mut run.outputs[1].slice::<T>()?[at * m * k..], &u);
                narrow(&mut run.outputs[2].slice::<T>()?[at * n * k..], &v);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        if cx.upstream[1].is_some() || cx.upstream[2].is_some() {
            return Err(crate::Error::NoGradient { op: "Svd".into(), node: cx.node_name().into() });
        }
        let ds = cx.upstream(0)?;
        let ds = cx.g.expand_dims(ds, -2)?;
        let scaled = cx.g.multiply(cx.outputs[1], ds)?;
        Ok(vec![Some(cx.g.batch_matmul(scaled, cx.outputs[2], false, true)?)])
    }
}

/// `Lu(input)`: a unit lower and an upper triangle in one matrix, and the order of rows in which they multiply to it.
#[derive(Clone, Copy, Debug)]
pub struct Lu;

impl Op for Lu {
    fn name(&self) -> &'static str {
        "Lu"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("output_idx_type", Attr::Type(DType::I32))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let rows = square(cx, 0)?.map_or(Dims::unknown(), |(lead, n)| dims(&lead, &[n]));
        Ok(vec![ValueInfo::new(cx.float(0)?, cx.dims(0)?.clone()), ValueInfo::new(DType::I32, rows)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, n, _) = lengths(&input);
        for_float!(run.dtype(), "Lu", T => {
            let all = wide::<T>(&input)?;
            for at in 0..count {
                let lu = matrices::Lu::of(&all[at * n * n..(at + 1) * n * n], n);
                if lu.is_singular() {
                    return Err(argument("Lu", "", "input", "matrices that can be inverted", "one that cannot"));
                }
                narrow(&mut run.outputs[0].slice::<T>()?[at * n * n..], &lu.both);
                let rows = run.outputs[1].slice::<i32>()?[at * n..].iter_mut();
                rows.zip(&lu.rows).for_each(|(to, &row)| *to = row as i32);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (lu, rows, d) = (cx.outputs[0], cx.outputs[1], cx.upstream(0)?);
        let g = &mut *cx.g;
        let upper = part(g, lu, Part::Upper)?;
        let (d_lower, d_upper) = (part(g, d, Part::BelowDiagonal)?, part(g, d, Part::Upper)?);
        // The diagonal of the lower triangle is 1: it adds nothing below the diagonal, and the rest once.
        let below = part(g, lu, Part::BelowDiagonal)?;
        let ones = g.reduce_sum(lu, &[-1], false)?;
        let ones = g.ones_like(ones)?;
        let ones = diagonal(g, ones)?;
        let lower = g.add(below, ones)?;
        let first = g.batch_matmul(lower, d_lower, true, false)?;
        let first = part(g, first, Part::BelowDiagonal)?;
        let second = g.batch_matmul(d_upper, upper, false, true)?;
        let second = part(g, second, Part::Upper)?;
        let inner = g.add(first, second)?;
        // L⁻ᵀ inner U⁻ᵀ
        let left = g.add_single(Solve { triangle: Some(true), adjoint: true }, &[lower, inner])?;
        let left = transposed(g, left)?;
        let both = g.add_single(Solve { triangle: Some(false), adjoint: false }, &[upper, left])?;
        let both = transposed(g, both)?;
        // The rows where they were.
        let Some(n) = g.dims(rows).axes().and_then(|axes| axes.last().copied().flatten()) else {
            return Err(argument("Lu", "", "input", "known rows", g.dims(rows).to_string()));
        };
        let places = g.one_hot(rows, n, -1, g.dtype(both))?;
        Ok(vec![Some(g.batch_matmul(places, both, true, false)?)])
    }
}
