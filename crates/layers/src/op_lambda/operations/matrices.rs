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
    ("Lstsq", lstsq),
    ("LuFactor", lu_factor),
    ("MatrixRank", matrix_rank),
    ("Pinv", pinv),
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
    Ok(i.cx.g.add_op(Svd { values_alone: true, ..Svd::default() }, &[x])?[0])
}

fn svd(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    if i.json(IN_CONFIG, &["compute_uv"])?.is_none_or(|given| given.as_bool() != Some(false)) {
        let full_matrices = i.json(IN_CONFIG, &["full_matrices"])?.is_none_or(|given| given.as_bool() != Some(false));
        let found = i.cx.g.add_op(Svd { full_matrices, values_alone: false }, &[x])?;
        let right = turned(i, found[2])?;
        return Ok(vec![found[1], found[0], right]);
    }
    Ok(vec![singular_values(i, x)?])
}

/// The smallest step behind 1.
fn epsilon(dtype: DType) -> f64 {
    if dtype == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) }
}

/// The share of the largest singular value from which on one counts: what is given, or else as many steps of rounding as
/// the longer side has elements, times a factor.
fn least_share(i: &Inputs<'_, '_>, x: Value, times: f64) -> Result<f64> {
    match i.json(IN_CONFIG, &["rcond"])?.and_then(|given| given.as_f64()) {
        Some(share) => Ok(share),
        None => {
            let all = rank(i, x)?;
            let longer = length(i, x, all - 1)?.max(length(i, x, all - 2)?);
            Ok(times * longer as f64 * epsilon(i.cx.g.dtype(x)))
        }
    }
}

/// The pseudoinverse: that of the singular values which are more than a share of the largest.
pub(in super::super) fn pseudoinverse(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    let share = least_share(i, x, 10.0)?;
    let found = i.cx.g.add_op(Svd::default(), &[x])?;
    let &[values, left, right] = &found[..] else { return Err(i.wrong("values and vectors", "others")) };
    let dtype = i.cx.g.dtype(x);
    let (share, infinite) = (i.cx.g.number(share, dtype)?, i.cx.g.number(f64::INFINITY, dtype)?);
    let most = i.cx.g.reduce_max(values, &[-1], true)?;
    let limit = i.cx.g.multiply(most, share)?;
    let is_more = i.cx.g.greater(values, limit)?;
    let values = i.cx.g.select(is_more, values, infinite)?;
    let values = i.cx.g.expand_dims(values, -2)?;
    let scaled = i.cx.g.divide(right, values)?;
    Ok(i.cx.g.batch_matmul(scaled, left, false, true)?)
}

fn pinv(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = matrix(i)?;
    Ok(vec![pseudoinverse(i, x)?])
}

/// What times the matrix comes nearest to the second argument, a matrix or a vector.
fn lstsq(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    if rank(i, a)? != 2 {
        return Err(i.wrong("one matrix", format!("rank {}", rank(i, a)?)));
    }
    let is_vector = rank(i, b)? == 1;
    let b = if is_vector { i.cx.g.expand_dims(b, -1)? } else { b };
    let dtype = i.cx.g.dtype(a);
    let mut share = least_share(i, a, 1.0)?;
    if share < 0.0 {
        share = epsilon(dtype);
    }
    let found = i.cx.g.add_op(Svd::default(), &[a])?;
    let &[values, left, right] = &found[..] else { return Err(i.wrong("values and vectors", "others")) };
    let (share, zero, one) = (i.cx.g.number(share, dtype)?, i.cx.g.number(0.0, dtype)?, i.cx.g.number(1.0, dtype)?);
    let most = i.cx.g.slice(values, &[0], &[1])?;
    let limit = i.cx.g.multiply(most, share)?;
    let is_enough = i.cx.g.greater_equal(values, limit)?;
    let known = i.cx.g.select(is_enough, values, one)?;
    let inverse = i.cx.g.reciprocal(known)?;
    let inverse = i.cx.g.select(is_enough, inverse, zero)?;
    let inverse = i.cx.g.expand_dims(inverse, -1)?;
    let along = i.cx.g.matmul(left, b, true, false)?;
    let along = i.cx.g.multiply(along, inverse)?;
    let x = i.cx.g.matmul(right, along, false, false)?;
    Ok(vec![if is_vector { i.cx.g.squeeze(x, &[-1])? } else { x }])
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
            let part = i.cx.g.number(epsilon(dtype) * longer as f64, dtype)?;
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
