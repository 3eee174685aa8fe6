//! Inverses, determinants and solutions of square matrices in the last two axes.

use std::sync::Arc;

use kerox_tensor::kernels::Float;
use kerox_tensor::kernels::matrices::{Lu, Triangle, substitute};

use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use crate::{Attr, Attrs, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "MatrixInverse",
        signature: "input -> output",
        build: |a| Ok(Arc::new(Inverse { adjoint: a.bool_or("adjoint", false)? })),
    },
    Declaration {
        name: "MatrixDeterminant",
        signature: "input -> output",
        build: |_| Ok(Arc::new(Determinant { is_log: false })),
    },
    Declaration {
        name: "LogMatrixDeterminant",
        signature: "input -> sign, log_abs_determinant",
        build: |_| Ok(Arc::new(Determinant { is_log: true })),
    },
    Declaration { name: "MatrixSolve", signature: "matrix, rhs -> output", build: |a| solve(a, None) },
    Declaration {
        name: "MatrixTriangularSolve",
        signature: "matrix, rhs -> output",
        build: |a| solve(a, Some(a.bool_or("lower", true)?)),
    },
];

fn solve(attrs: &Attrs, triangle: Option<bool>) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Solve { triangle, adjoint: attrs.bool_or("adjoint", false)? }))
}

/// The axes before the last two, and those of a matrix.
pub(super) fn matrices(cx: &Infer<'_>, i: usize) -> Result<Option<(Vec<Dim>, Dim, Dim)>> {
    match cx.dims(i)?.axes() {
        None => Ok(None),
        Some([lead @ .., rows, columns]) => Ok(Some((lead.to_vec(), *rows, *columns))),
        Some(_) => Err(cx.wrong(&format!("input {i}"), "matrices in the last two axes", cx.dims(i)?.to_string())),
    }
}

/// [`matrices`] with as many rows as columns.
pub(super) fn square(cx: &Infer<'_>, i: usize) -> Result<Option<(Vec<Dim>, Dim)>> {
    let Some((lead, rows, columns)) = matrices(cx, i)? else { return Ok(None) };
    match (rows, columns) {
        (Some(m), Some(n)) if m != n => {
            Err(cx.wrong(&format!("input {i}"), "as many rows as columns", cx.dims(i)?.to_string()))
        }
        (rows, columns) => Ok(Some((lead, rows.or(columns)))),
    }
}

pub(super) fn dims(lead: &[Dim], tail: &[Dim]) -> Dims {
    lead.iter().chain(tail).copied().collect()
}

/// The elements in double precision.
pub(super) fn wide<T: Float>(view: &View<'_>) -> Result<Vec<f64>> {
    Ok(view.slice::<T>()?.iter().map(|x| x.to_f64()).collect())
}

pub(super) fn narrow<T: Float>(to: &mut [T], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = T::from_f64(from));
}

/// How many matrices there are, and their rows and columns.
pub(super) fn lengths(view: &View<'_>) -> (usize, usize, usize) {
    let [lead @ .., m, n] = &view.shape[..] else { return (0, 0, 0) };
    (lead.iter().product(), *m, *n)
}

pub(super) fn turned(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..m * n).map(|at| a[at % m * n + at / m]).collect()
}

/// `MatrixInverse(input)`: the inverses of matrices, transposed where `adjoint`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inverse {
    /// Whether the inverses of the transposed matrices are meant.
    pub adjoint: bool,
}

impl Op for Inverse {
    fn name(&self) -> &'static str {
        "MatrixInverse"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("adjoint", Attr::Bool(self.adjoint))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        square(cx, 0)?;
        Ok(vec![ValueInfo::new(cx.float(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, n, _) = lengths(&input);
        let mut identity = vec![0.0; n * n];
        (0..n).for_each(|at| identity[at * n + at] = 1.0);
        for_float!(run.dtype(), self.name(), T => {
            let (all, out) = (wide::<T>(&input)?, run.outputs[0].slice::<T>()?);
            for at in (0..count).map(|at| at * n * n..(at + 1) * n * n) {
                let inverse = decomposed(self.name(), &all[at.clone()], n)?.solve(&identity, n);
                let inverse = if self.adjoint { turned(&inverse, n, n) } else { inverse };
                narrow(&mut out[at], &inverse);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (y, dy) = (cx.outputs[0], cx.upstream(0)?);
        let inner = cx.g.batch_matmul(dy, y, false, true)?;
        let product = cx.g.batch_matmul(y, inner, true, false)?;
        let dx = cx.g.negate(product)?;
        Ok(vec![Some(if self.adjoint { transposed(cx.g, dx)? } else { dx })])
    }
}

fn decomposed(op: &str, a: &[f64], n: usize) -> Result<Lu> {
    let lu = Lu::of(a, n);
    if lu.is_singular() {
        return Err(argument(op, "", "input 0", "matrices that can be inverted", "one that cannot"));
    }
    Ok(lu)
}

/// The last two axes exchanged.
pub(super) fn transposed(g: &mut Graph, x: Value) -> Result<Value> {
    let mut perm: Vec<i64> = g.all_axes(x)?;
    let all = perm.len();
    if all >= 2 {
        perm.swap(all - 1, all - 2);
    }
    g.transpose(x, &perm)
}

/// `MatrixDeterminant(input)`: determinants; `LogMatrixDeterminant(input)`: their signs and the logarithms of their
/// sizes.
#[derive(Clone, Copy, Debug)]
pub struct Determinant {
    /// Whether sign and logarithm are computed.
    pub is_log: bool,
}

impl Op for Determinant {
    fn name(&self) -> &'static str {
        if self.is_log { "LogMatrixDeterminant" } else { "MatrixDeterminant" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let lead = square(cx, 0)?.map_or(Dims::unknown(), |(lead, _)| dims(&lead, &[]));
        Ok(vec![ValueInfo::new(cx.float(0)?, lead); if self.is_log { 2 } else { 1 }])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let (count, n, _) = lengths(&input);
        for_float!(run.dtype(), self.name(), T => {
            let all = wide::<T>(&input)?;
            for at in 0..count {
                let lu = Lu::of(&all[at * n * n..(at + 1) * n * n], n);
                match &mut *run.outputs {
                    [signs, logs] => {
                        let (sign, log) = lu.sign_and_log();
                        signs.slice::<T>()?[at] = T::from_f64(sign);
                        logs.slice::<T>()?[at] = T::from_f64(log);
                    }
                    outputs => outputs[0].slice::<T>()?[at] = T::from_f64(lu.determinant()),
                }
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(usize::from(self.is_log))?;
        let inverse = cx.g.add_single(Inverse { adjoint: true }, &[cx.inputs[0]])?;
        let factor = if self.is_log { dy } else { cx.g.multiply(dy, cx.outputs[0])? };
        let factor = cx.g.expand_dims(factor, -1)?;
        let factor = cx.g.expand_dims(factor, -1)?;
        Ok(vec![Some(cx.g.multiply(factor, inverse)?)])
    }
}

/// `MatrixSolve(matrix, rhs)` and `MatrixTriangularSolve(matrix, rhs)`: what times the matrices is `rhs`.
#[derive(Clone, Copy, Debug)]
pub struct Solve {
    /// Of triangles whether the lower one is meant; nothing for whole matrices.
    pub triangle: Option<bool>,
    /// Whether the transposed matrices are meant.
    pub adjoint: bool,
}

impl Op for Solve {
    fn name(&self) -> &'static str {
        if self.triangle.is_some() { "MatrixTriangularSolve" } else { "MatrixSolve" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("T", Attr::Type(inputs[0].dtype)), ("adjoint", Attr::Bool(self.adjoint))];
        attrs.extend(self.triangle.map(|is_lower| ("lower", Attr::Bool(is_lower))));
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.same_dtype()?;
        let dtype = cx.float(0)?;
        let (Some((lead, n)), Some((other, m, columns))) = (square(cx, 0)?, matrices(cx, 1)?) else {
            return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]);
        };
        let wrong =
            || cx.wrong("rhs", format!("rows and batch of {}", cx.inputs()[0].dims), cx.inputs()[1].dims.to_string());
        let rows = dims(&lead, &[n]).merge(&dims(&other, &[m])).ok_or_else(wrong)?;
        Ok(vec![ValueInfo::new(dtype, dims(rows.axes().unwrap_or(&[]), &[columns]))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (matrix, rhs) = (run.input(0), run.input(1));
        let ((count, n, _), (_, _, columns)) = (lengths(&matrix), lengths(&rhs));
        for_float!(run.dtype(), self.name(), T => {
            let (all, mut right, out) = (wide::<T>(&matrix)?, wide::<T>(&rhs)?, run.outputs[0].slice::<T>()?);
            for at in 0..count {
                let (a, b) = (&all[at * n * n..(at + 1) * n * n], at * n * columns..(at + 1) * n * columns);
                let turned = if self.adjoint { turned(a, n, n) } else { a.to_vec() };
                match self.triangle {
                    Some(is_lower) => {
                        if (0..n).any(|at| a[at * n + at] == 0.0) {
                            return Err(argument(self.name(), "", "matrix", "a diagonal without 0", "0"));
                        }
                        let triangle = Triangle { is_lower: is_lower != self.adjoint, has_ones: false };
                        substitute(&turned, n, &mut right[b.clone()], columns, triangle);
                        narrow(&mut out[b.clone()], &right[b]);
                    }
                    None => narrow(&mut out[b.clone()], &decomposed(self.name(), &turned, n)?.solve(&right[b], columns)),
                }
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (a, x, dx) = (cx.inputs[0], cx.outputs[0], cx.upstream(0)?);
        let db = cx.g.add_single(Solve { adjoint: !self.adjoint, ..*self }, &[a, dx])?;
        let (left, right) = if self.adjoint { (x, db) } else { (db, x) };
        let product = cx.g.batch_matmul(left, right, false, true)?;
        let da = cx.g.negate(product)?;
        let da = match self.triangle {
            Some(is_lower) => part(cx.g, da, if is_lower { Part::Lower } else { Part::Upper })?,
            None => da,
        };
        Ok(vec![Some(da), Some(db)])
    }
}

/// A part of square matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    /// What lies on and below the diagonal.
    Lower,
    /// What lies below the diagonal.
    BelowDiagonal,
    /// What lies on and above the diagonal.
    Upper,
    /// What lies below the diagonal, and half of what lies on it.
    HalfLower,
}

/// Matrices with zeros beyond a part.
pub(super) fn part(g: &mut Graph, x: Value, part: Part) -> Result<Value> {
    let Some(&[.., Some(m), Some(n)]) = g.dims(x).axes() else {
        return Err(argument("gradient", "", "matrices", "known rows and columns", g.dims(x).to_string()));
    };
    let factor = |row: usize, column: usize| match part {
        Part::Lower => f64::from(u8::from(row >= column)),
        Part::BelowDiagonal => f64::from(u8::from(row > column)),
        Part::Upper => f64::from(u8::from(row <= column)),
        Part::HalfLower if row == column => 0.5,
        Part::HalfLower => f64::from(u8::from(row > column)),
    };
    let factors: Vec<f64> = (0..m * n).map(|at| factor(at / n, at % n)).collect();
    let factors = kerox_tensor::Tensor::from_vec(factors, [m, n])?.cast(g.dtype(x))?;
    let factors = g.constant(factors)?;
    g.multiply(x, factors)
}
