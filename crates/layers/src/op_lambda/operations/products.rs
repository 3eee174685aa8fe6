//! Sums of products.

use kerox_config_json::Value as Json;
use kerox_graph::Value;

use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::arrangement::rank;
use super::{Build, IN_CONFIG};
use crate::einsum::einsum;
use crate::{Arg, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("Dot", dot),
    ("Einsum", einstein),
    ("Inner", inner),
    ("Matmul", matmul),
    ("Outer", outer),
    ("Tensordot", tensordot),
    ("Vdot", vdot),
];

/// The products of the last axis of one with the last but one of the other.
fn dot(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (m, n) = (rank(i, a)?, rank(i, b)?);
    if m == 0 || n == 0 {
        return Ok(vec![i.cx.g.multiply(a, b)?]);
    }
    contract(i, (a, m), (b, n), &[m - 1], &[n.saturating_sub(2)])
}

/// The products of the last axes.
fn inner(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (m, n) = (rank(i, a)?, rank(i, b)?);
    if m == 0 || n == 0 {
        return Ok(vec![i.cx.g.multiply(a, b)?]);
    }
    contract(i, (a, m), (b, n), &[m - 1], &[n - 1])
}

fn vdot(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (a, b) = (i.cx.g.reshape(a, &[-1])?, i.cx.g.reshape(b, &[-1])?);
    let product = i.cx.g.multiply(a, b)?;
    Ok(vec![i.cx.g.reduce_sum(product, &[0], false)?])
}

fn contract(
    i: &mut Inputs<'_, '_>,
    (a, m): (Value, usize),
    (b, n): (Value, usize),
    a_axes: &[usize],
    b_axes: &[usize],
) -> Result<Vec<Value>> {
    let a_labels: Vec<u32> = (0..m as u32).collect();
    let other = |axis: usize| m as u32 + axis as u32;
    let label = |axis: usize| b_axes.iter().position(|&b| b == axis).map_or(other(axis), |at| a_axes[at] as u32);
    let b_labels: Vec<u32> = (0..n).map(label).collect();
    let rows = (0..m).filter(|axis| !a_axes.contains(axis)).map(|axis| axis as u32);
    let columns = (0..n).filter(|axis| !b_axes.contains(axis)).map(other);
    let output: Vec<u32> = rows.chain(columns).collect();
    of_numbers(i, a, b, |i, a, b| einsum(i.cx.g, (a, &a_labels), (b, &b_labels), &output))
}

/// Sums of products; of truth values whether one product is true.
fn of_numbers(
    i: &mut Inputs<'_, '_>,
    a: Value,
    b: Value,
    product: impl Fn(&mut Inputs<'_, '_>, Value, Value) -> Result<Value>,
) -> Result<Vec<Value>> {
    if i.cx.g.dtype(a) != DType::Bool {
        return Ok(vec![product(i, a, b)?]);
    }
    let (a, b) = (i.cx.g.cast(a, DType::I32)?, i.cx.g.cast(b, DType::I32)?);
    let sum = product(i, a, b)?;
    Ok(vec![i.cx.g.cast(sum, DType::Bool)?])
}

fn matmul(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (mut a, mut b) = i.pair()?;
    if i.cx.g.dtype(a) == DType::I8 {
        (a, b) = (i.cx.g.cast(a, DType::I32)?, i.cx.g.cast(b, DType::I32)?);
    }
    match (rank(i, a)?, rank(i, b)?) {
        (2, 2) => of_numbers(i, a, b, |i, a, b| Ok(i.cx.g.matmul(a, b, false, false)?)),
        (m, n) if m.min(n) == 1 => contract(i, (a, m), (b, n), &[m - 1], &[n.saturating_sub(2)]),
        _ => of_numbers(i, a, b, |i, a, b| Ok(i.cx.g.batch_matmul(a, b, false, false)?)),
    }
}

fn tensordot(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (m, n) = (rank(i, a)?, rank(i, b)?);
    let axes = i.json(IN_CONFIG, &["axes"])?.unwrap_or(Json::Int(2));
    let numbers = |value: &Json, rank: usize| -> Option<Vec<usize>> {
        let list = value.as_list().map_or_else(|| vec![value.clone()], <[Json]>::to_vec);
        let from_front = |axis: i64| if axis < 0 { axis + rank as i64 } else { axis };
        let axis = |axis: &Json| usize::try_from(from_front(axis.as_i64()?)).ok().filter(|&axis| axis < rank);
        list.iter().map(axis).collect()
    };
    let pair = match &axes {
        Json::List(pair) => match &pair[..] {
            [first, second] => numbers(first, m).zip(numbers(second, n)),
            _ => None,
        },
        one => {
            let count = one.as_i64().and_then(|count| usize::try_from(count).ok());
            count
                .filter(|&count| count <= m && count <= n)
                .map(|count| ((m - count..m).collect(), (0..count).collect()))
        }
    };
    match pair.filter(|(first, second)| first.len() == second.len()) {
        Some((first, second)) => contract(i, (a, m), (b, n), &first, &second),
        None => Err(i.wrong("axes of both tensors", axes.describe())),
    }
}

fn outer(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (a, b) = (i.cx.g.reshape(a, &[-1, 1])?, i.cx.g.reshape(b, &[1, -1])?);
    let is_bool = i.cx.g.dtype(a) == DType::Bool;
    Ok(vec![if is_bool { i.cx.g.logical_and(a, b)? } else { i.cx.g.multiply(a, b)? }])
}

/// `einsum` of one or two tensors.
fn einstein(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let subscripts = i.json(IN_CONFIG, &["subscripts"])?;
    let subscripts = subscripts.as_ref().and_then(Json::as_str).map(|text| text.replace(' ', ""));
    let subscripts = subscripts.ok_or_else(|| i.wrong("argument `subscripts`", "none"))?;
    let operands: Vec<Arg<Value>> = i.args.args.clone();
    let (x, y) = match &operands[..] {
        [x] => {
            let x = i.value(x, None)?;
            let one = i.cx.g.number(1.0, i.cx.g.dtype(x))?;
            (x, one)
        }
        [x, y] => i.meet(x, y)?,
        more => return Err(i.wrong("one or two tensors", more.len().to_string())),
    };
    let (inputs, output) = match subscripts.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (&subscripts[..], None),
    };
    let mut terms: Vec<&str> = inputs.split(',').collect();
    if terms.len() != operands.len() {
        return Err(i.wrong(format!("{} lists of labels", operands.len()), format!("`{subscripts}`")));
    }
    terms.resize(2, "");
    let (x_labels, y_labels) = (labels(i, terms[0], rank(i, x)?)?, labels(i, terms[1], rank(i, y)?)?);
    let output = match output {
        Some(output) => {
            let dots = x_labels.iter().chain(&y_labels).filter(|&&label| label >= DOTS).max();
            let count = dots.map_or(0, |&last| (last - DOTS + 1) as usize);
            labels(
                i,
                output,
                output.replace("...", "").chars().count() + if output.contains("...") { count } else { 0 },
            )?
        }
        None => {
            let all = x_labels.iter().chain(&y_labels);
            let mut once: Vec<u32> =
                all.clone().copied().filter(|l| all.clone().filter(|m| *m == l).count() == 1).collect();
            once.sort_unstable();
            once
        }
    };
    Ok(vec![einsum(i.cx.g, (x, &x_labels), (y, &y_labels), &output)?])
}

/// Labels of axes that `...` stands for, counted from the last.
const DOTS: u32 = 1 << 24;

fn labels(i: &Inputs<'_, '_>, term: &str, rank: usize) -> Result<Vec<u32>> {
    let named = term.replace("...", "").chars().count();
    let (before, after) = term.split_once("...").map_or((term, None), |(before, after)| (before, Some(after)));
    let count = if after.is_some() { rank.checked_sub(named) } else { (rank == named).then_some(0) };
    let count = count.ok_or_else(|| i.wrong(format!("{rank} labels"), format!("`{term}`")))?;
    let letters = |text: &str| text.chars().map(u32::from).collect::<Vec<u32>>();
    let mut found = letters(before);
    found.extend((0..count as u32).rev().map(|at| DOTS + at));
    found.extend(letters(after.unwrap_or_default()));
    let is_twice = found.iter().enumerate().any(|(at, label)| found[..at].contains(label));
    if is_twice {
        return Err(i.wrong("each label once in a list", format!("`{term}`")));
    }
    Ok(found)
}
