//! Distances, correlations and products of vectors.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::{Index, Padding};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::arrangement::{axis_of, length, rank};
use super::pieces::on_diagonal;
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] =
    &[("CDist", distances), ("Corrcoef", corrcoef), ("Correlate", correlate), ("Cross", cross)];

/// The distance of every row of one from every row of the other.
fn distances(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    let (a, b) = (i.cx.g.expand_dims(a, -2)?, i.cx.g.expand_dims(b, -3)?);
    let apart = i.cx.g.subtract(a, b)?;
    let square = i.cx.g.square(apart)?;
    let sum = i.cx.g.reduce_sum(square, &[-1], false)?;
    Ok(vec![i.cx.g.sqrt(sum)?])
}

/// How alike the rows of a matrix go.
fn corrcoef(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    if rank(i, x)? != 2 {
        return Err(i.wrong("a matrix", format!("rank {}", rank(i, x)?)));
    }
    let mean = i.cx.g.reduce_mean(x, &[-1], true)?;
    let apart = i.cx.g.subtract(x, mean)?;
    let product = i.cx.g.matmul(apart, apart, false, true)?;
    // The number of samples goes out again.
    let count = length(i, x, 1)? as f64 - 1.0;
    let count = i.cx.g.number(count, i.cx.g.dtype(x))?;
    let covariance = i.cx.g.divide(product, count)?;
    let variance = match i.cx.g.dims(covariance).axes() {
        Some(&[Some(_), Some(_)]) => on_diagonal(i, covariance, 0, [0, 1])?,
        _ => {
            let square = i.cx.g.square(apart)?;
            let sum = i.cx.g.reduce_sum(square, &[-1], false)?;
            i.cx.g.divide(sum, count)?
        }
    };
    let deviation = i.cx.g.sqrt(variance)?;
    let (rows, columns) = (i.cx.g.expand_dims(deviation, 1)?, i.cx.g.expand_dims(deviation, 0)?);
    let scale = i.cx.g.multiply(rows, columns)?;
    let found = i.cx.g.divide(covariance, scale)?;
    Ok(vec![i.cx.g.clip_by_value(found, -1.0, 1.0)?])
}

/// Products of one vector with every stretch of another.
fn correlate(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let dtype = match i.cx.g.dtype(a) {
        DType::I64 => DType::F64,
        found if found.is_float() => found,
        _ => DType::F32,
    };
    let (mut a, b) = (i.cx.g.cast(a, dtype)?, i.cx.g.cast(b, dtype)?);
    let (n, m) = (length(i, a, 0)?, length(i, b, 0)?);
    let mode = i.json(IN_CONFIG, &["mode"])?;
    let mode = mode.as_ref().and_then(Json::as_str).unwrap_or("valid").to_owned();
    if mode != "valid" {
        let beside = m.saturating_sub(1) as i64;
        a = i.cx.g.pad(a, &[(beside, beside)])?;
    }
    let (row, kernel) = (i.cx.g.reshape(a, &[1, -1, 1])?, i.cx.g.reshape(b, &[-1, 1, 1])?);
    let found = i.cx.g.conv(row, kernel, &[1], Padding::Valid, &[1])?;
    let found = i.cx.g.reshape(found, &[-1])?;
    Ok(vec![match mode.as_str() {
        "same" => {
            let longer = n.max(m);
            let start = (n + m - 1 - longer) / 2;
            i.cx.g.slice(found, &[start as i64], &[longer as i64])?
        }
        _ => found,
    }])
}

/// What is at right angles to two vectors of 3 numbers; of 2 the third number alone.
fn cross(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let one = i.ints(IN_CONFIG, &["axis"])?.and_then(|axes| axes.first().copied());
    let mut last = |x: Value, name: &'static str| -> Result<(Value, usize)> {
        let all = rank(i, x)?;
        let axis = axis_of(i, one.map_or_else(|| i.int(IN_CONFIG, &[name], -1), Ok)?, all)?;
        let perm: Vec<i64> = (0..all).filter(|&a| a != axis).chain([axis]).map(|a| a as i64).collect();
        let count = length(i, x, axis)?;
        match count {
            2 | 3 => Ok((i.cx.g.transpose(x, &perm)?, count)),
            _ => Err(i.wrong("vectors of 2 or 3 numbers", count.to_string())),
        }
    };
    let ((a, m), (b, n)) = (last(a, "axisa")?, last(b, "axisb")?);
    let mut at = |x: Value, count: usize, place: usize| -> Result<Option<Value>> {
        let place = place % 3;
        if place >= count {
            return Ok(None);
        }
        Ok(Some(i.cx.g.strided_slice(x, &[Index::Rest, Index::At(place as i64)])?))
    };
    let (mut parts, places) = (Vec::new(), if m == 2 && n == 2 { 2..3 } else { 0..3 });
    for place in places {
        let pairs = [(at(a, m, place + 1)?, at(b, n, place + 2)?), (at(a, m, place + 2)?, at(b, n, place + 1)?)];
        parts.push(pairs);
    }
    let mut found = Vec::with_capacity(3);
    for [first, second] in parts {
        let mut product = |pair: (Option<Value>, Option<Value>)| match pair {
            (Some(a), Some(b)) => i.cx.g.multiply(a, b).map(Some),
            _ => Ok(None),
        };
        found.push(match (product(first)?, product(second)?) {
            (Some(first), Some(second)) => i.cx.g.subtract(first, second)?,
            (Some(first), None) => first,
            (None, Some(second)) => i.cx.g.negate(second)?,
            (None, None) => return Err(i.wrong("vectors of 2 or 3 numbers", "others")),
        });
    }
    if let [only] = found[..] {
        return Ok(vec![only]);
    }
    let axis = match one {
        Some(axis) => axis,
        None => i.int(IN_CONFIG, &["axisc"], -1)?,
    };
    Ok(vec![i.cx.g.stack(&found, axis)?])
}
