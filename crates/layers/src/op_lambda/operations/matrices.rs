//! Decompositions, inverses and norms of matrices in the last two axes.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::{Cholesky, Determinant, Eigen, Inverse, InvertPermutation, Lu, Qr, Solve, Svd};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::arrangement::{axis_of, length, rank};
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("Cholesky", cholesky),
    ("CholeskyInverse", cholesky_inverse),
    ("Det", |i| determinant(i, false, &[0])),
    ("Eigh", |i| {
        let x = matrix(i)?;
        Ok(i.cx.g.add_op(Eigen, &[x])?)
    }),
    ("Inv", |i| {
        let x = matrix(i)?;
        Ok(vec![i.cx.g.add_single(Inverse::default(), &[x])?])
    }),
    ("Logdet", |i| determinant(i, true, &[1])),
    ("LuFactor", lu_factor),
    ("MatrixRank", matrix_rank),
    ("Qr", qr),
    ("SVD", svd),
    ("Slogdet", |i| determinant(i, true, &[0, 1])),
    ("Solve", |i| solve(i, None)),
    ("SolveTriangular", |i| {
        let is_lower = i.flag(IN_CONFIG, &["lower"])?;
        solve(i, Some(is_lower))
    }),
];

fn matrix(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let x = i.x_as_float()?;
    match rank(i, x)? {
        0 | 1 => Err(i.wrong("matrices", format!("rank {}", rank(i, x)?))),
        _ => Ok(x),
    }
}

/// The last two axes exchanged.
fn turned(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    let mut perm: Vec<i64> = i.cx.g.all_axes(x)?;
    let all = perm.len();
    perm.swap(all - 1, all - 2);
    Ok(i.cx.g.transpose(x, &perm)?)
}

fn cholesky(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    let lower = i.cx.g.add_single(Cholesky, &[x])?;
    Ok(vec![if i.flag(IN_CONFIG, &["upper"])? { turned(i, lower)? } else { lower }])
}

/// The inverse of the matrix whose triangle is given.
fn cholesky_inverse(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    let is_upper = i.flag(IN_CONFIG, &["upper"])?;
    let n = length(i, x, rank(i, x)? - 1)?;
    let ones: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
    let ones = i.cx.g.constant(Tensor::from_vec(ones, [n, n])?.cast(i.cx.g.dtype(x))?)?;
    let zeros = i.cx.g.zeros_like(x)?;
    let ones = i.cx.g.add(zeros, ones)?;
    let inverse = i.cx.g.add_single(Solve { triangle: Some(!is_upper), adjoint: false }, &[x, ones])?;
    Ok(vec![i.cx.g.batch_matmul(inverse, inverse, !is_upper, is_upper)?])
}

fn determinant(i: &mut Inputs<'_, '_>, is_log: bool, which: &[usize]) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    let found = i.cx.g.add_op(Determinant { is_log }, &[x])?;
    Ok(which.iter().filter_map(|&at| found.get(at).copied()).collect())
}

fn lu_factor(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    if rank(i, x)? != 2 {
        return Err(i.wrong("one matrix, as Keras on TensorFlow", format!("rank {}", rank(i, x)?)));
    }
    let found = i.cx.g.add_op(Lu, &[x])?;
    let rows = i.cx.g.add_single(InvertPermutation, &[found[1]])?;
    Ok(vec![found[0], rows])
}

fn qr(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    let mode = i.json(IN_CONFIG, &["mode"])?;
    let full_matrices = mode.as_ref().and_then(Json::as_str) == Some("complete");
    Ok(i.cx.g.add_op(Qr { full_matrices }, &[x])?)
}

fn singular_values(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    Ok(i.cx.g.add_op(Svd, &[x])?[0])
}

fn svd(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    if i.json(IN_CONFIG, &["compute_uv"])?.is_none_or(|given| given.as_bool() != Some(false)) {
        if i.json(IN_CONFIG, &["full_matrices"])?.is_none_or(|given| given.as_bool() != Some(false)) {
            return Err(i.wrong("`full_matrices=False`", "True"));
        }
        let found = i.cx.g.add_op(Svd, &[x])?;
        let right = turned(i, found[2])?;
        return Ok(vec![found[1], found[0], right]);
    }
    Ok(vec![singular_values(i, x)?])
}

/// How many singular values are more than rounding.
fn matrix_rank(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    let all = rank(i, x)?;
    let longer = length(i, x, all - 1)?.max(length(i, x, all - 2)?);
    let values = singular_values(i, x)?;
    let dtype = i.cx.g.dtype(values);
    let limit = match i.json(IN_CONFIG, &["tol"])?.and_then(|tol| tol.as_f64()) {
        Some(limit) => i.cx.g.number(limit, dtype)?,
        None => {
            let epsilon = if dtype == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
            let part = i.cx.g.number(epsilon * longer as f64, dtype)?;
            let most = i.cx.g.reduce_max(values, &[-1], true)?;
            i.cx.g.multiply(most, part)?
        }
    };
    let is_more = i.cx.g.greater(values, limit)?;
    let ones = i.cx.g.cast(is_more, DType::I32)?;
    Ok(vec![i.cx.g.reduce_sum(ones, &[-1], false)?])
}

/// What times the matrix is the second argument, a matrix or a vector.
fn solve(i: &mut Inputs<'_, '_>, triangle: Option<bool>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    let is_vector = rank(i, b)? + 1 == rank(i, a)?;
    let b = if is_vector { i.cx.g.expand_dims(b, -1)? } else { b };
    let x = i.cx.g.add_single(Solve { triangle, adjoint: false }, &[a, b])?;
    Ok(vec![if is_vector { i.cx.g.squeeze(x, &[-1])? } else { x }])
}

/// Norms of the matrices in two axes; nothing where the order is none of those of matrices.
pub(super) fn matrix_norm(
    i: &mut Inputs<'_, '_>,
    x: Value,
    order: &Json,
    axes: &[i64],
    keep: bool,
) -> Result<Option<Value>> {
    let &[row, column] = axes else { return Ok(None) };
    let all = rank(i, x)?;
    let (row, column) = (axis_of(i, row, all)? as i64, axis_of(i, column, all)? as i64);
    let order = match (order.as_f64(), order.as_str()) {
        (Some(order), _) => order,
        (_, Some("inf")) => f64::INFINITY,
        (_, Some("-inf")) => f64::NEG_INFINITY,
        (_, Some("nuc")) => 0.0,
        _ => return Ok(None),
    };
    let (within, over) = if order.is_infinite() { (column, row) } else { (row, column) };
    let is_least = order < 0.0;
    let reduced = match order.abs() {
        1.0 | f64::INFINITY => {
            let size = i.cx.g.abs(x)?;
            let sums = i.cx.g.reduce_sum(size, &[within], true)?;
            if is_least { i.cx.g.reduce_min(sums, &[over], true)? } else { i.cx.g.reduce_max(sums, &[over], true)? }
        }
        0.0 | 2.0 => {
            let rest = (0..all as i64).filter(|&axis| axis != row && axis != column);
            let perm: Vec<i64> = rest.chain([row, column]).collect();
            let x = i.cx.g.transpose(x, &perm)?;
            let values = singular_values(i, x)?;
            let found = match order {
                0.0 => i.cx.g.reduce_sum(values, &[-1], false)?,
                _ if is_least => i.cx.g.reduce_min(values, &[-1], false)?,
                _ => i.cx.g.reduce_max(values, &[-1], false)?,
            };
            let mut found = found;
            for axis in [row.min(column), row.max(column)] {
                found = i.cx.g.expand_dims(found, axis)?;
            }
            found
        }
        _ => return Ok(None),
    };
    Ok(Some(if keep { reduced } else { i.cx.g.squeeze(reduced, &[row, column])? }))
}
