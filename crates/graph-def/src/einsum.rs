//! `Einsum` as transposes, reshapes and one batched matrix product.

use std::collections::BTreeSet;

use kerox_graph::{Graph, Value};

use crate::{Error, Result};

/// The axes of an operand, a letter each; axes of `...` have numbers.
type Labels = Vec<char>;

fn wrong(node: &str, found: impl Into<String>) -> Error {
    Error::invalid("node", node, "an equation of one or two operands, as `abc,cd->abd`", found)
}

/// The letters of a part of the equation for a value of that rank.
fn labels(node: &str, part: &str, rank: Option<usize>, ellipsis: usize) -> Result<Labels> {
    let part: String = part.chars().filter(|c| !c.is_whitespace()).collect();
    let named = part.chars().filter(|c| *c != '.').count();
    if !part.chars().all(|c| c == '.' || c.is_ascii_alphabetic()) || !matches!(part.matches('.').count(), 0 | 3) {
        return Err(wrong(node, format!("`{part}`")));
    }
    let free = match rank {
        Some(rank) => rank.checked_sub(named).ok_or_else(|| wrong(node, format!("`{part}` for {rank} axes")))?,
        None => ellipsis,
    };
    let Some((before, after)) = part.split_once("...") else {
        return match free {
            0 => Ok(part.chars().collect()),
            _ if rank.is_none() => Ok(part.chars().collect()),
            _ => Err(wrong(node, format!("`{part}` for {} axes", named + free))),
        };
    };
    // The axes of `...` are aligned at their ends.
    let dots = (ellipsis.saturating_sub(free)..ellipsis).filter_map(|at| char::from_digit(at as u32, 10));
    Ok(before.chars().chain(dots).chain(after.chars()).collect())
}

/// Adds the operations.
pub(crate) fn einsum(g: &mut Graph, node: &str, equation: &str, inputs: &[Value]) -> Result<Value> {
    let (left, out) = equation.split_once("->").ok_or_else(|| wrong(node, format!("`{equation}`")))?;
    let parts: Vec<&str> = left.split(',').collect();
    if parts.len() != inputs.len() || !matches!(inputs.len(), 1 | 2) {
        return Err(wrong(node, format!("`{equation}` for {} operands", inputs.len())));
    }
    let mut ranks = Vec::with_capacity(inputs.len());
    for (part, &input) in parts.iter().zip(inputs) {
        let rank = g.dims(input).rank();
        if rank.is_none() && part.contains("...") {
            return Err(wrong(node, format!("`{part}` for an operand of unknown rank")));
        }
        ranks.push(rank);
    }
    let free = |(part, rank): (&&str, &Option<usize>)| match part.contains("...") {
        true => rank.unwrap_or(0).saturating_sub(part.chars().filter(char::is_ascii_alphabetic).count()),
        false => 0,
    };
    let ellipsis = parts.iter().zip(&ranks).map(free).max().unwrap_or(0);
    if ellipsis > 9 {
        return Err(wrong(node, format!("{ellipsis} axes for `...`")));
    }
    let out = labels(node, out, None, ellipsis)?;
    let mut operands = Vec::with_capacity(2);
    for ((part, rank), &input) in parts.iter().zip(ranks).zip(inputs) {
        let labels = labels(node, part, rank, ellipsis)?;
        let distinct: BTreeSet<&char> = labels.iter().collect();
        if distinct.len() != labels.len() {
            return Err(wrong(node, format!("the diagonal `{part}`")));
        }
        operands.push((input, labels));
    }
    let known: BTreeSet<char> = operands.iter().flat_map(|(_, labels)| labels.iter().copied()).collect();
    let distinct: BTreeSet<&char> = out.iter().collect();
    if distinct.len() != out.len() || !out.iter().all(|label| known.contains(label)) {
        return Err(wrong(node, format!("`{equation}`")));
    }
    let (y, labels) = match operands.as_slice() {
        [(x, labels)] => sum_away(g, *x, labels, |label| out.contains(&label))?,
        [(a, of_a), (b, of_b)] => product(g, (*a, of_a), (*b, of_b), &out)?,
        _ => return Err(wrong(node, format!("`{equation}`"))),
    };
    to_order(g, y, &labels, &out)
}

/// Sums over the axes that nobody keeps.
fn sum_away(g: &mut Graph, x: Value, labels: &[char], keep: impl Fn(char) -> bool) -> Result<(Value, Labels)> {
    let axes: Vec<i64> =
        labels.iter().enumerate().filter(|(_, label)| !keep(**label)).map(|(at, _)| at as i64).collect();
    let left: Labels = labels.iter().copied().filter(|label| keep(*label)).collect();
    let y = if axes.is_empty() { x } else { g.reduce_sum(x, &axes, false)? };
    Ok((y, left))
}

/// The axes in another order.
fn to_order(g: &mut Graph, x: Value, labels: &[char], order: &[char]) -> Result<Value> {
    if labels == order {
        return Ok(x);
    }
    let perm: Vec<i64> =
        order.iter().filter_map(|label| labels.iter().position(|known| known == label)).map(|at| at as i64).collect();
    Ok(g.transpose(x, &perm)?)
}

/// Both operands as `[batch..., rows, inner]` and `[batch..., inner, columns]`, multiplied.
fn product(g: &mut Graph, a: (Value, &[char]), b: (Value, &[char]), out: &[char]) -> Result<(Value, Labels)> {
    let (a, of_a) = sum_away(g, a.0, a.1, |label| b.1.contains(&label) || out.contains(&label))?;
    let (b, of_b) = sum_away(g, b.0, b.1, |label| of_a.contains(&label) || out.contains(&label))?;
    let pick = |of: &[char], other: &[char], shared: bool, kept: bool| -> Labels {
        of.iter().copied().filter(|l| other.contains(l) == shared && out.contains(l) == kept).collect()
    };
    let batch = pick(&of_a, &of_b, true, true);
    let inner = pick(&of_a, &of_b, true, false);
    let (rows, columns) = (pick(&of_a, &of_b, false, true), pick(&of_b, &of_a, false, true));
    let a = to_order(g, a, &of_a, &[batch.as_slice(), &rows, &inner].concat())?;
    let b = to_order(g, b, &of_b, &[batch.as_slice(), &inner, &columns].concat())?;
    let (shape_a, shape_b) = (g.shape_of(a)?, g.shape_of(b)?);
    let (n, m, k) = (batch.len() as i64, rows.len() as i64, inner.len() as i64);
    let (batch_shape, row_shape) = (g.slice(shape_a, &[0], &[n])?, g.slice(shape_a, &[n], &[m])?);
    let inner_shape = g.slice(shape_a, &[n + m], &[k])?;
    let column_shape = g.slice(shape_b, &[n + k], &[columns.len() as i64])?;
    let a = flat(g, a, &[batch_shape], &[row_shape, inner_shape])?;
    let b = flat(g, b, &[batch_shape], &[inner_shape, column_shape])?;
    let y = g.batch_matmul(a, b, false, false)?;
    let shape = g.concat(&[batch_shape, row_shape, column_shape], 0)?;
    let y = g.reshape_to(y, shape)?;
    Ok((y, [batch, rows, columns].concat()))
}

/// Reshapes to the axes of `whole` and one axis for each of `groups`.
fn flat(g: &mut Graph, x: Value, whole: &[Value], groups: &[Value]) -> Result<Value> {
    let mut parts = whole.to_vec();
    for &group in groups {
        let length = g.reduce_prod(group, &[0], true)?;
        parts.push(length);
    }
    let shape = g.concat(&parts, 0)?;
    Ok(g.reshape_to(x, shape)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerox_graph::{Dims, Interpreter};
    use kerox_tensor::{DType, Tensor};

    fn run(equation: &str, inputs: &[(&[f32], &[usize])]) -> (Vec<usize>, Vec<f32>) {
        let mut g = Graph::new();
        let mut values = Vec::new();
        for (_, shape) in inputs {
            // All lengths unknown: shapes are computed.
            values.push(g.placeholder("x", DType::F32, Dims::of_rank(shape.len())).unwrap());
        }
        let y = einsum(&mut g, "e", equation, &values).unwrap();
        let tensors = inputs.iter().map(|(v, s)| Tensor::from_vec(v.to_vec(), s.to_vec()).unwrap().into()).collect();
        let y = Interpreter::new(&g, &values, &[y], &[]).run(tensors).unwrap().remove(0).into_tensor().unwrap();
        (y.shape().to_vec(), y.as_slice::<f32>().unwrap().to_vec())
    }

    #[test]
    fn products_sums_and_transposes() {
        let (a, b) = ([1., 2., 3., 4., 5., 6.], [1., 0., 2., 0., 1., 3.]);
        let (a, b): ((&[f32], &[usize]), (&[f32], &[usize])) = ((&a, &[2, 3]), (&b, &[2, 3]));
        assert_eq!(run("ij->ji", &[a]), (vec![3, 2], vec![1., 4., 2., 5., 3., 6.]));
        assert_eq!(run("ij->i", &[a]), (vec![2], vec![6., 15.]));
        assert_eq!(run("ij->", &[a]), (vec![], vec![21.]));
        assert_eq!(run("ij,kj->ik", &[a, b]), (vec![2, 2], vec![7., 11., 16., 23.]));
        assert_eq!(run("ij,kj->ki", &[a, b]), (vec![2, 2], vec![7., 16., 11., 23.]));
        assert_eq!(run("ij,ij->j", &[a, b]), (vec![3], vec![1., 5., 24.]));
        assert_eq!(run("ij,kl->", &[a, b]), (vec![], vec![147.]));
        assert_eq!(run("...j,kj->...k", &[a, b]), (vec![2, 2], vec![7., 11., 16., 23.]));
        let c: (&[f32], &[usize]) = (&[1., 2.], &[2]);
        assert_eq!(run("ij,i->ij", &[a, c]), (vec![2, 3], vec![1., 2., 3., 8., 10., 12.]));
    }

    #[test]
    fn wrong_equations() {
        let mut g = Graph::new();
        let x = g.placeholder("x", DType::F32, Dims::of_rank(2)).unwrap();
        for equation in ["ij", "ii->i", "ij->k", "ijk->i", "ij,jk->ik", "i->i", "..->", "i1->i", "ij->ii"] {
            let error = einsum(&mut g, "e", equation, &[x]).unwrap_err().to_string();
            assert!(error.starts_with("import node `e`: expected an equation of one or two operands"), "{error}");
        }
    }
}
