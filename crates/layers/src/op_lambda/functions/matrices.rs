//! `tf.linalg`, of matrices in the last two axes.

use kerox_graph::Value;
use kerox_graph::ops::{Eigen, Inverse, Qr, Solve, Svd};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::super::operations::{Build, length, norm_of, on_diagonal, rank};
use super::{BY_NAME, given, two};
use crate::Result;

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("linalg.adjoint", transposed),
    ("linalg.band_part", band_part),
    ("linalg.diag", diag),
    ("linalg.diag_part", |i| {
        let x = plain_diagonal(i)?;
        Ok(vec![diagonal(i, x)?])
    }),
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
    ("linalg.matrix_transpose", transposed),
    ("linalg.normalize", normalize),
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

fn mask(i: &mut Inputs<'_, '_>, (m, n): (usize, usize), is: impl Fn(i64, i64) -> bool) -> Result<Value> {
    let mask: Vec<bool> = (0..m * n).map(|at| is((at / n) as i64, (at % n) as i64)).collect();
    Ok(i.cx.g.constant(Tensor::from_vec(mask, [m, n])?)?)
}

/// The diagonals up to one below and one above the middle; all, where that is negative.
fn band_part(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (below, above) = (i.int(1, &["num_lower"], -1)?, i.int(2, &["num_upper"], -1)?);
    let sides = sides(i, x)?;
    let is_inside =
        |row: i64, column: i64| (below < 0 || row - column <= below) && (above < 0 || column - row <= above);
    let mask = mask(i, sides, is_inside)?;
    let zeros = i.cx.g.zeros_like(x)?;
    Ok(vec![i.cx.g.select(mask, x, zeros)?])
}

/// The first argument, where nothing but the middle diagonal is meant.
fn plain_diagonal(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let is_middle = i.int(BY_NAME, &["k"], 0)? == 0;
    let is_square = i.int(BY_NAME, &["num_rows"], -1)? == -1 && i.int(BY_NAME, &["num_cols"], -1)? == -1;
    if !is_middle || !is_square {
        return Err(i.wrong("the diagonal in the middle of square matrices", "another"));
    }
    given(i, 0, &["diagonal", "input"], None)
}

fn diagonal(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    let all = rank(i, x)?;
    sides(i, x)?;
    on_diagonal(i, x, 0, [all - 2, all - 1])
}

/// The last axis on the diagonal of matrices of zeros.
fn diag(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = plain_diagonal(i)?;
    let n = length(i, x, rank(i, x)?.saturating_sub(1))?;
    let mask = mask(i, (n, n), |row, column| row == column)?;
    let rows = i.cx.g.expand_dims(x, -2)?;
    let zero = i.cx.g.number(0.0, i.cx.g.dtype(x))?;
    Ok(vec![i.cx.g.select(mask, rows, zero)?])
}

fn set_diag(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    if i.int(BY_NAME, &["k"], 0)? != 0 {
        return Err(i.wrong("the diagonal in the middle", "another"));
    }
    let dtype = i.cx.g.dtype(x);
    let diagonal = given(i, 1, &["diagonal"], Some(dtype))?;
    let (m, n) = sides(i, x)?;
    let count = length(i, diagonal, rank(i, diagonal)?.saturating_sub(1))?;
    if count != m.min(n) {
        return Err(i.wrong(format!("a diagonal of {}", m.min(n)), count.to_string()));
    }
    // Along the longer side it has nothing behind its end.
    let is_wide = n > m;
    let mut borders = vec![(0, 0); rank(i, diagonal)?];
    if let Some(last) = borders.last_mut() {
        last.1 = m.max(n) as i64 - count as i64;
    }
    let padded = i.cx.g.pad(diagonal, &borders)?;
    let spread = i.cx.g.expand_dims(padded, if is_wide { -2 } else { -1 })?;
    let mask = mask(i, (m, n), |row, column| row == column)?;
    Ok(vec![i.cx.g.select(mask, spread, x)?])
}

fn solve(i: &mut Inputs<'_, '_>, triangle: Option<bool>) -> Result<Vec<Value>> {
    let (a, b) = two(i, [&["matrix"], &["rhs"]])?;
    let adjoint = i.flag(BY_NAME, &["adjoint"])?;
    Ok(vec![i.cx.g.add_single(Solve { triangle, adjoint }, &[a, b])?])
}

fn svd(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["tensor"], None)?;
    if i.flag(BY_NAME, &["full_matrices"])? {
        return Err(i.wrong("`full_matrices=False`", "True"));
    }
    let found = i.cx.g.add_op(Svd, &[x])?;
    let is_alone = i.json(BY_NAME, &["compute_uv"])?.is_some_and(|both| both.as_bool() == Some(false));
    Ok(if is_alone { vec![found[0]] } else { found })
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
