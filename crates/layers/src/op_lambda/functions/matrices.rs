//! `tf.linalg`, of matrices in the last two axes.

use kerox_graph::Value;
use kerox_graph::ops::{Eigen, Inverse, Qr, Solve, Svd};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::super::operations::{Build, length, norm_of, on_diagonal, pseudoinverse, rank};
use super::raw::{diagonals, on_diagonals};
use super::{BY_NAME, given, two};
use crate::Result;

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("linalg.adjoint", transposed),
    ("linalg.diag", diag),
    ("linalg.diag_part", diag_part),
    ("linalg.eigh", |i| {
        let x = i.x()?;
        Ok(i.cx.g.add_op(Eigen, &[x])?)
    }),
    ("linalg.eigvalsh", |i| {
        let x = i.x()?;
        Ok(vec![i.cx.g.add_op(Eigen, &[x])?[0]])
    }),
    ("linalg.inv", |i| {
        let x = i.x()?;
        let adjoint = i.flag(BY_NAME, &["adjoint"])?;
        Ok(vec![i.cx.g.add_single(Inverse { adjoint }, &[x])?])
    }),
    ("linalg.lstsq", lstsq),
    ("linalg.matrix_transpose", transposed),
    ("linalg.normalize", normalize),
    ("linalg.pinv", |i| {
        let x = i.x_as_float()?;
        Ok(vec![pseudoinverse(i, x)?])
    }),
    ("linalg.qr", |i| {
        let x = i.x()?;
        let full_matrices = i.flag(BY_NAME, &["full_matrices"])?;
        Ok(i.cx.g.add_op(Qr { full_matrices }, &[x])?)
    }),
    ("linalg.set_diag", set_diag),
    ("linalg.solve", |i| solve(i, None)),
    ("linalg.svd", svd),
    ("linalg.trace", |i| {
        let x = i.x()?;
        let found = diagonal(i, x)?;
        Ok(vec![i.cx.g.reduce_sum(found, &[-1], false)?])
    }),
    ("linalg.triangular_solve", |i| {
        let is_lower = i.json(BY_NAME, &["lower"])?.is_none_or(|lower| lower.as_bool() != Some(false));
        solve(i, Some(is_lower))
    }),
];

fn transposed(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["matrix", "a"], None)?;
    let mut perm = i.cx.g.all_axes(x)?;
    let all = perm.len();
    if all < 2 {
        return Err(i.wrong("matrices", format!("rank {all}")));
    }
    perm.swap(all - 1, all - 2);
    Ok(vec![i.cx.g.transpose(x, &perm)?])
}

fn sides(i: &Inputs<'_, '_>, x: Value) -> Result<(usize, usize)> {
    match rank(i, x)? {
        all @ 2.. => Ok((length(i, x, all - 2)?, length(i, x, all - 1)?)),
        all => Err(i.wrong("matrices", format!("rank {all}"))),
    }
}

fn diagonal(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    let all = rank(i, x)?;
    sides(i, x)?;
    on_diagonal(i, x, 0, [all - 2, all - 1])
}

/// A number that fills gaps, of the type of a value.
fn filling(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    let number = i.float(BY_NAME, &["padding_value"], 0.0)?;
    Ok(i.cx.g.number(number, i.cx.g.dtype(x))?)
}

/// The last axis, or the last two, on diagonals of matrices.
fn diag(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["diagonal", "input"], None)?;
    let (k, fill) = (diagonals(i)?, filling(i, x)?);
    let side = |i: &mut Inputs<'_, '_>, name: &'static str| -> Result<Value> {
        let length = i.int(BY_NAME, &[name], -1)?;
        Ok(i.cx.g.number(length as f64, DType::I32)?)
    };
    let (rows, columns) = (side(i, "num_rows")?, side(i, "num_cols")?);
    on_diagonals(i, "MatrixDiagV3", &[x, k, rows, columns, fill])
}

fn diag_part(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["input", "diagonal"], None)?;
    let (k, fill) = (diagonals(i)?, filling(i, x)?);
    on_diagonals(i, "MatrixDiagPartV3", &[x, k, fill])
}

fn set_diag(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let diagonal = given(i, 1, &["diagonal"], Some(i.cx.g.dtype(x)))?;
    let k = diagonals(i)?;
    on_diagonals(i, "MatrixSetDiagV3", &[x, diagonal, k])
}

/// What times the matrices comes nearest to the right-hand sides, by way of their squares.
fn lstsq(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = two(i, [&["matrix"], &["rhs"]])?;
    if i.json(3, &["fast"])?.is_some_and(|fast| fast.as_bool() == Some(false)) {
        return Err(i.wrong("`fast=True`", "False"));
    }
    let dtype = i.cx.g.dtype(a);
    let (m, n) = sides(i, a)?;
    let k = m.min(n);
    let penalty = i.float(2, &["l2_regularizer"], 0.0)?;
    let ones: Vec<f64> = (0..k * k).map(|at| if at / k == at % k { penalty } else { 0.0 }).collect();
    let ones = i.cx.g.constant(Tensor::from_vec(ones, [k, k])?.cast(dtype)?)?;
    let is_high = m >= n;
    let square = i.cx.g.batch_matmul(a, a, is_high, !is_high)?;
    let square = i.cx.g.add(square, ones)?;
    let solve = Solve { triangle: None, adjoint: false };
    Ok(vec![if is_high {
        let right = i.cx.g.batch_matmul(a, b, true, false)?;
        i.cx.g.add_single(solve, &[square, right])?
    } else {
        let solved = i.cx.g.add_single(solve, &[square, b])?;
        i.cx.g.batch_matmul(a, solved, true, false)?
    }])
}

fn solve(i: &mut Inputs<'_, '_>, triangle: Option<bool>) -> Result<Vec<Value>> {
    let (a, b) = two(i, [&["matrix"], &["rhs"]])?;
    let adjoint = i.flag(BY_NAME, &["adjoint"])?;
    Ok(vec![i.cx.g.add_single(Solve { triangle, adjoint }, &[a, b])?])
}

fn svd(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["tensor"], None)?;
    let full_matrices = i.flag(BY_NAME, &["full_matrices"])?;
    let values_alone = i.json(BY_NAME, &["compute_uv"])?.is_some_and(|both| both.as_bool() == Some(false));
    let found = i.cx.g.add_op(Svd { full_matrices, values_alone }, &[x])?;
    Ok(if values_alone { vec![found[0]] } else { found })
}

/// The tensor over its norm, and that.
fn normalize(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["tensor"], Some(DType::F32))?;
    let order = i.json(1, &["ord"])?.filter(|order| order.as_str() != Some("euclidean")).unwrap_or_default();
    let axes = match i.ints(BY_NAME, &["axis"])? {
        Some(axes) => axes,
        None => i.cx.g.all_axes(x)?,
    };
    let norm = norm_of(i, x, &order, &axes, true)?;
    Ok(vec![i.cx.g.divide(x, norm)?, norm])
}
