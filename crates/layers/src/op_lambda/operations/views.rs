//! Tensors read in another shape: axes named in a pattern, and bits as other types.

use kerox_graph::Value;
use kerox_graph::ops::Bitcast;

use super::super::inputs::Inputs;
use super::arrangement::{length, rank};
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[("Rearrange", rearrange), ("View", view)];

/// The bits as elements of another type, more or fewer of them in the last axis.
fn view(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let given = i.cx.g.dtype(x);
    let to = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(given);
    let (Some(old), Some(new)) = (given.size(), to.size()) else { return Err(i.wrong("numbers", to.to_string())) };
    let all = rank(i, x)?;
    if old == new {
        return Ok(vec![i.cx.g.add_single(Bitcast { to }, &[x])?]);
    }
    let Some(last) = all.checked_sub(1) else { return Err(i.wrong("one axis or more", "a scalar")) };
    let shape = i.cx.g.shape_of(x)?;
    let n = length(i, x, last)?;
    let whole = (n * old).checked_div(new).filter(|_| (n * old).is_multiple_of(new));
    let count = whole.ok_or_else(|| i.wrong(format!("whole elements of {to}"), format!("{n} of {given}")))?;
    let lead = i.cx.g.slice(shape, &[0], &[last as i64])?;
    let reshaped = |i: &mut Inputs<'_, '_>, x: Value, tail: &[i64]| -> Result<Value> {
        let tail = i.cx.g.ints(tail)?;
        let shape = i.cx.g.concat(&[lead, tail], 0)?;
        Ok(i.cx.g.reshape_to(x, shape)?)
    };
    if old > new {
        let parts = i.cx.g.add_single(Bitcast { to }, &[x])?;
        return Ok(vec![reshaped(i, parts, &[count as i64])?]);
    }
    let groups = reshaped(i, x, &[count as i64, (new / old) as i64])?;
    Ok(vec![i.cx.g.add_single(Bitcast { to }, &[groups])?])
}

/// The axes of a side of a pattern: groups of names.
fn groups(i: &Inputs<'_, '_>, side: &str) -> Result<Vec<Vec<String>>> {
    let (mut groups, mut open): (Vec<Vec<String>>, Option<Vec<String>>) = (Vec::new(), None);
    let spaced = side.replace('(', " ( ").replace(')', " ) ");
    for word in spaced.split_whitespace() {
        match (word, open.as_mut()) {
            ("(", None) => open = Some(Vec::new()),
            (")", Some(_)) => groups.extend(open.take()),
            (name, Some(group)) if name != "(" => group.push(name.to_owned()),
            (name, None) if name != ")" => groups.push(vec![name.to_owned()]),
            _ => return Err(i.wrong("a pattern of names", format!("`{side}`"))),
        }
    }
    if open.is_some() {
        return Err(i.wrong("a pattern of names", format!("`{side}`")));
    }
    Ok(groups)
}

/// Axes taken apart, moved and put together as a pattern says: `b (h w) c -> b c h w`.
fn rearrange(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let pattern = i.json(1, &["pattern"])?.and_then(|pattern| pattern.as_str().map(str::to_owned));
    let pattern = pattern.ok_or_else(|| i.wrong("argument `pattern`", "none"))?;
    let Some((from, to)) = pattern.split_once("->") else { return Err(i.wrong("a pattern with `->`", pattern)) };
    let (from, to) = (groups(i, from)?, groups(i, to)?);
    if from.len() != rank(i, x)? {
        return Err(i.wrong(format!("{} axes", from.len()), format!("rank {}", rank(i, x)?)));
    }
    // Of each group one length may be left to the axis.
    let mut known: Vec<(&str, i64)> = Vec::new();
    for (at, group) in from.iter().enumerate() {
        let mut rest = match &group[..] {
            [_] => i.cx.g.dims(x).axes().and_then(|axes| axes[at]).map_or(-1, |n| n as i64),
            _ => length(i, x, at)? as i64,
        };
        let mut open = None;
        for name in group {
            if known.iter().any(|(other, _)| other == name) || open == Some(name) {
                return Err(i.wrong("each name once", format!("`{name}` twice")));
            }
            match i.ints(usize::MAX, &[name])?.and_then(|numbers| numbers.first().copied()) {
                Some(n) if n > 0 && rest % n == 0 => {
                    known.push((name, n));
                    rest /= n;
                }
                Some(n) => return Err(i.wrong(format!("a length of `{name}` that divides {rest}"), n.to_string())),
                None if open.is_none() => open = Some(name),
                None => return Err(i.wrong(format!("a length for `{name}`"), "none")),
            }
        }
        match open {
            Some(name) => known.push((name, rest)),
            None if rest == 1 => {}
            None => return Err(i.wrong("lengths whose product is that of the axis", format!("{rest} left"))),
        }
    }
    let names: Vec<&String> = from.iter().flatten().collect();
    let order: Option<Vec<i64>> =
        to.iter().flatten().map(|name| names.iter().position(|other| *other == name).map(|at| at as i64)).collect();
    let order = order.filter(|order| order.len() == names.len()).ok_or_else(|| i.wrong("the same names", &*pattern))?;
    let of = |name: &str| known.iter().find(|(other, _)| *other == name).map_or(1, |(_, n)| *n);
    let apart: Vec<i64> = names.iter().map(|name| of(name)).collect();
    let lengths: Vec<i64> = to
        .iter()
        .map(|group| {
            let lengths = group.iter().map(|name| of(name));
            if lengths.clone().any(|n| n < 0) { -1 } else { lengths.product() }
        })
        .collect();
    let x = i.cx.g.reshape(x, &apart)?;
    let x = i.cx.g.transpose(x, &order)?;
    Ok(vec![i.cx.g.reshape(x, &lengths)?])
}
