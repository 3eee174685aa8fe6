//! Matrices in the last two axes as products of simpler ones.

use std::sync::Arc;

use kerox_tensor::kernels::matrices;
use kerox_tensor::{DType, Tensor};

use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use super::slice::Index;
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
    Declaration {
        name: "Svd",
        signature: "input -> s, u, v",
        build: |a| {
            let values_alone = !a.bool_or("compute_uv", true)?;
            Ok(Arc::new(Svd { full_matrices: a.bool_or("full_matrices", false)?, values_alone }))
        },
    },
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
        let (a, q, r) = (cx.inputs[0], cx.outputs[0], cx.outputs[1]);
        let (rows, columns) = match cx.g.dims(r).axes() {
            Some(&[.., Some(m), Some(n)]) if m <= n => (m as i64, n as i64),
            // TensorFlow has none for whole matrices `q` of high ones either.
            _ => return Err(crate::Error::NoGradient { op: "Qr".into(), node: cx.node_name().into() }),
        };
        let g = &mut *cx.g;
        if rows == columns {
            return Ok(vec![Some(of_square(g, (q, r), (dq, dr))?)]);
        }
        // The columns beyond the square are the product of q with those of r.
        let (y, square) = (columns_of(g, a, rows, columns)?, columns_of(g, r, 0, rows)?);
        let (d_square, d_rest) = (columns_of(g, dr, 0, rows)?, columns_of(g, dr, rows, columns)?);
        let of_rest = g.batch_matmul(y, d_rest, false, true)?;
        let dq = g.add(dq, of_rest)?;
        let dx = of_square(g, (q, square), (dq, d_square))?;
        let dy = g.batch_matmul(q, d_rest, false, false)?;
        Ok(vec![Some(g.concat(&[dx, dy], -1)?)])
    }
}

/// Columns of matrices.
fn columns_of(g: &mut Graph, x: Value, from: i64, to: i64) -> Result<Value> {
    g.strided_slice(x, &[Index::Rest, Index::ALL, Index::Range(Some(from), Some(to), 1)])
}

/// The gradient of `q r` with a square `r`.
fn of_square(g: &mut Graph, (q, r): (Value, Value), (dq, dr): (Value, Value)) -> Result<Value> {
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
    transposed(g, solved)
}

/// The smaller of two lengths.
fn least(m: Dim, n: Dim) -> Dim {
    m.zip(n).map(|(m, n)| m.min(n))
}

/// `SelfAdjointEigV2(input)`: eigenvalues of symmetric matrices, the least first, and eigenvectors as columns.
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
            let all = input.slice::<T>()?;
            for at in 0..count {
                let (values, vectors) = matrices::eigen(&all[at * n * n..(at + 1) * n * n], n);
                run.outputs[0].slice::<T>()?[at * n..(at + 1) * n].copy_from_slice(&values);
                run.outputs[1].slice::<T>()?[at * n * n..(at + 1) * n * n].copy_from_slice(&vectors);
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

/// `Svd(input)`: singular values, the largest first, with left and right vectors as columns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Svd {
    /// Whether the matrices of vectors are square.
    pub full_matrices: bool,
    /// Whether values alone are asked for: then the other outputs have no elements.
    pub values_alone: bool,
}

impl Svd {
    /// How many left and right vectors there are.
    fn counts(self, m: Dim, n: Dim) -> [Dim; 2] {
        if self.full_matrices { [m, n] } else { [least(m, n); 2] }
    }
}

impl Op for Svd {
    fn name(&self) -> &'static str {
        "Svd"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let full_matrices = Attr::Bool(self.full_matrices);
        let flags = [("compute_uv", Attr::Bool(!self.values_alone)), ("full_matrices", full_matrices)];
        std::iter::once(("T", Attr::Type(inputs[0].dtype))).chain(flags).collect()
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let dtype = cx.float(0)?;
        let Some((lead, m, n)) = super::solve::matrices(cx, 0)? else {
            return Ok(vec![ValueInfo::new(dtype, Dims::unknown()); 3]);
        };
        let values = ValueInfo::new(dtype, dims(&lead, &[least(m, n)]));
        if self.values_alone {
            let none = ValueInfo::new(dtype, [Some(0)]);
            return Ok(vec![values, none.clone(), none]);
        }
        let [u, v] = self.counts(m, n);
        Ok(vec![values, ValueInfo::new(dtype, dims(&lead, &[m, u])), ValueInfo::new(dtype, dims(&lead, &[n, v]))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, m, n) = lengths(&input);
        for_float!(run.dtype(), "Svd", T => {
            let all = wide::<T>(&input)?;
            for at in 0..count {
                let found = matrices::singular(&all[at * m * n..(at + 1) * m * n], (m, n), self.full_matrices);
                narrow(&mut run.outputs[0].slice::<T>()?[at * m.min(n)..], &found.values);
                if !self.values_alone {
                    narrow(&mut run.outputs[1].slice::<T>()?[at * found.left.len()..], &found.left);
                    narrow(&mut run.outputs[2].slice::<T>()?[at * found.right.len()..], &found.right);
                }
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let ds = cx.upstream(0)?;
        let [s, mut u, mut v] = [cx.outputs[0], cx.outputs[1], cx.outputs[2]];
        let (mut du, mut dv) = (cx.upstream[1], cx.upstream[2]);
        if du.is_none() && dv.is_none() {
            if self.values_alone || self.full_matrices {
                let found = cx.g.add_op(Svd::default(), &[cx.inputs[0]])?;
                [u, v] = [found[1], found[2]];
            }
            let ds = cx.g.expand_dims(ds, -2)?;
            let scaled = cx.g.multiply(u, ds)?;
            return Ok(vec![Some(cx.g.batch_matmul(scaled, v, false, true)?)]);
        }
        let (mut m, mut n) = match cx.g.dims(cx.inputs[0]).axes() {
            Some(&[.., Some(m), Some(n)]) => (m as i64, n as i64),
            _ => return Err(argument("Svd", "", "gradient", "known lengths", cx.g.dims(cx.inputs[0]).to_string())),
        };
        if self.full_matrices && m.abs_diff(n) > 1 {
            // As TensorFlow: what the vectors beyond the shorter side are is open.
            return Err(crate::Error::NoGradient { op: "Svd".into(), node: cx.node_name().into() });
        }
        // Of a high matrix that of its transpose.
        let is_turned = m > n;
        if is_turned {
            (m, n, u, v, du, dv) = (n, m, v, u, dv, du);
        }
        let g = &mut *cx.g;
        let du = match du {
            Some(du) => du,
            None => g.zeros_like(u)?,
        };
        let dv = match dv {
            Some(dv) => dv,
            None => g.zeros_like(v)?,
        };
        let (v1, dv1) = (columns_of(g, v, 0, m)?, columns_of(g, dv, 0, m)?);
        // 1 / (s_column² - s_row²) beside the diagonal.
        let square = g.square(s)?;
        let (columns, rows) = (g.expand_dims(square, -2)?, g.expand_dims(square, -1)?);
        let apart = g.subtract(columns, rows)?;
        let factors = safe_reciprocal(g, apart)?;
        let both = |g: &mut Graph, x: Value, dx: Value| -> Result<Value> {
            let product = g.batch_matmul(x, dx, true, false)?;
            let product = g.multiply(factors, product)?;
            let turned = transposed(g, product)?;
            g.add(product, turned)
        };
        let (of_u, of_v) = (both(g, u, du)?, both(g, v1, dv1)?);
        let (s_columns, s_rows) = (g.expand_dims(s, -2)?, g.expand_dims(s, -1)?);
        let (of_u, of_v) = (g.multiply(of_u, s_columns)?, g.multiply(of_v, s_rows)?);
        let ds = diagonal(g, ds)?;
        let inner = g.add(of_u, of_v)?;
        let inner = g.add(ds, inner)?;
        let left = g.batch_matmul(u, inner, false, false)?;
        let mut dx = g.batch_matmul(left, v1, false, true)?;
        if m != n {
            let turned = transposed(g, dv1)?;
            let along = g.batch_matmul(turned, v1, false, false)?;
            let along = g.batch_matmul(along, v1, false, true)?;
            let mut rest = g.subtract(turned, along)?;
            if self.full_matrices {
                let (v2, dv2) = (columns_of(g, v, m, n)?, columns_of(g, dv, m, n)?);
                let product = g.batch_matmul(v1, dv2, true, false)?;
                let product = g.batch_matmul(product, v2, false, true)?;
                rest = g.subtract(rest, product)?;
            }
            let inverse = safe_reciprocal(g, s)?;
            let inverse = g.expand_dims(inverse, -2)?;
            let scaled = g.multiply(u, inverse)?;
            let of_rest = g.batch_matmul(scaled, rest, false, false)?;
            dx = g.add(dx, of_rest)?;
        }
        Ok(vec![Some(if is_turned { transposed(g, dx)? } else { dx })])
    }
}

/// `x / (x² + 1e-20)`: nearly 0 where `x` is.
fn safe_reciprocal(g: &mut Graph, x: Value) -> Result<Value> {
    let (square, least) = (g.square(x)?, g.number(1e-20, g.dtype(x))?);
    let sum = g.add(square, least)?;
    g.divide(x, sum)
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
