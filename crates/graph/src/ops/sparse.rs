//! Sparse tensors: places, values at them, and the shape they have.

use kerox_tensor::{DType, Tensor};

use super::dispatch::{for_any, for_number};
use super::dynamic::int_tensor;
use super::whole::{Given, whole};
use crate::{Attrs, Dims, Grad, Graph, Infer, Result, Value, ValueInfo};

// A line expands to an entry of the table: name, signature, attributes, shape rule, values, gradient.
whole! {
    "SparseReshape" "input_indices, input_shape, new_shape -> output_indices, output_shape"
        [] reshape_rule, reshape, None;
    "SparseReorder" "input_indices, input_values, input_shape -> output_indices, output_values"
        ["T=1"] reorder_rule, reorder, Some(reorder_gradient);
    "SparseFillEmptyRows" "indices, values, dense_shape, default_value -> output_indices, output_values, empty_row_indicator, reverse_index_map"
        ["T=1"] fill_rule, fill, Some(fill_gradient);
    "SparseSlice" "indices, values, shape, start, size -> output_indices, output_values, output_shape"
        ["T=1"] slice_rule, slice, None;
    "SparseConcat" "indices[N], values[N], shapes[N] -> output_indices, output_values, output_shape"
        ["concat_dim" "N" "T"] concat_rule, concat, None;
    "SparseTensorDenseMatMul" "a_indices, a_values, a_shape, b -> product"
        ["T=1" "Tindices=0" "adjoint_a" "adjoint_b"] product_rule, product, Some(product_gradient);
    "SparseReduceSum" "input_indices, input_values, input_shape, reduction_axes -> output"
        ["keep_dims" "T=1"] |cx, _| Ok(vec![ValueInfo::new(cx.dtype(1)?, Dims::unknown())]), |i| reduce(i, false), None;
    "SparseReduceMax" "input_indices, input_values, input_shape, reduction_axes -> output"
        ["keep_dims" "T=1"] |cx, _| Ok(vec![ValueInfo::new(cx.dtype(1)?, Dims::unknown())]), |i| reduce(i, true), None;
}

/// The places of sparse tensors as rows, and the lengths of their axes.
struct Places {
    rows: Vec<Vec<usize>>,
    lengths: Vec<usize>,
}

fn lengths(i: &Given<'_>, at: usize) -> Result<Vec<usize>> {
    let found: Option<Vec<usize>> = i.ints(at)?.into_iter().map(|n| usize::try_from(n).ok()).collect();
    found.ok_or_else(|| i.wrong(&format!("input {at}"), "lengths from 0 on", "others"))
}

fn places(i: &Given<'_>, indices: usize, shape: usize) -> Result<Places> {
    let lengths = lengths(i, shape)?;
    let (count, rank) = i.matrix(indices)?;
    if rank != lengths.len() {
        return Err(i.wrong(&format!("input {indices}"), format!("rows of {}", lengths.len()), rank.to_string()));
    }
    let numbers = i.ints(indices)?;
    let within = |(&at, &n): (&i64, &usize)| usize::try_from(at).ok().filter(|&at| at < n);
    let row =
        |at: usize| numbers[at * rank..(at + 1) * rank].iter().zip(&lengths).map(within).collect::<Option<Vec<_>>>();
    let rows: Option<Vec<Vec<usize>>> = (0..count).map(row).collect();
    let rows = rows.ok_or_else(|| i.wrong(&format!("input {indices}"), format!("places in {lengths:?}"), "others"))?;
    Ok(Places { rows, lengths })
}

fn values<'a>(i: &Given<'a>, at: usize, count: usize) -> Result<&'a Tensor> {
    let values = i.input(at)?;
    match values.shape()[..] {
        [n] if n == count => Ok(values),
        _ => Err(i.wrong(&format!("input {at}"), format!("{count} values"), values.shape().to_string())),
    }
}

/// Rows as a matrix of 64-bit numbers.
fn matrix(rows: &[Vec<usize>], rank: usize) -> Result<Tensor> {
    let numbers = rows.iter().flatten().map(|&n| n as i64).collect();
    int_tensor(numbers, DType::I64, [rows.len(), rank])
}

fn vector(numbers: impl IntoIterator<Item = usize>) -> Result<Tensor> {
    let numbers: Vec<i64> = numbers.into_iter().map(|n| n as i64).collect();
    let n = numbers.len();
    int_tensor(numbers, DType::I64, [n])
}

/// Some of the elements of a vector.
fn picked(i: &Given<'_>, x: &Tensor, order: &[usize]) -> Result<Tensor> {
    for_any!(x.dtype(), i.name(), T => {
        let all = x.as_slice::<T>()?;
        let picked: Vec<T> = order.iter().map(|&at| all[at].clone()).collect();
        Ok(Tensor::from_vec(picked, [order.len()])?)
    })
}

fn known(cx: &Infer<'_>, at: usize) -> Result<Option<usize>> {
    Ok(cx.of_rank(at, 1)?.axes().and_then(|axes| axes[0]))
}

fn reshape_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    let (rows, rank) = (cx.of_rank(0, 2)?.axes().and_then(|axes| axes[0]), known(cx, 2)?);
    Ok(vec![ValueInfo::new(DType::I64, [rows, rank]), ValueInfo::new(DType::I64, [rank])])
}

fn reshape(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let found = places(i, 0, 1)?;
    let asked = i.ints(2)?;
    let all = found.lengths.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
    let all = all.ok_or_else(|| i.wrong("input_shape", "fewer elements", "more than can be counted"))?;
    let known = asked.iter().filter(|&&n| n >= 0).try_fold(1usize, |all, &n| all.checked_mul(n as usize)).unwrap_or(0);
    let open = asked.iter().filter(|&&n| n == -1).count();
    let fits = match open {
        0 => known == all,
        1 => known > 0 && all.is_multiple_of(known),
        _ => false,
    };
    if !fits || asked.iter().any(|&n| n < -1) {
        return Err(i.wrong("new_shape", format!("lengths of {all} elements"), format!("{asked:?}")));
    }
    let made: Vec<usize> = asked.iter().map(|&n| if n == -1 { all / known } else { n as usize }).collect();
    let row = |row: &Vec<usize>| {
        let mut rest = row.iter().zip(&found.lengths).fold(0, |at, (&place, &n)| at * n + place);
        let mut place = vec![0; made.len()];
        for (to, &n) in place.iter_mut().zip(&made).rev() {
            *to = rest % n;
            rest /= n;
        }
        place
    };
    let rows: Vec<Vec<usize>> = found.rows.iter().map(row).collect();
    Ok(vec![matrix(&rows, made.len())?, vector(made)?])
}

fn reorder_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    Ok(vec![ValueInfo::new(DType::I64, cx.dims(0)?.clone()), ValueInfo::new(cx.dtype(1)?, cx.dims(1)?.clone())])
}

/// The order of rows in which places ascend.
fn ascending(rows: &[Vec<usize>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| rows[a].cmp(&rows[b]));
    order
}

fn reorder(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let found = places(i, 0, 2)?;
    let values = values(i, 1, found.rows.len())?;
    let order = ascending(&found.rows);
    let rows: Vec<Vec<usize>> = order.iter().map(|&at| found.rows[at].clone()).collect();
    Ok(vec![matrix(&rows, found.lengths.len())?, picked(i, values, &order)?])
}

/// The gradient at the places in the order they came in.
fn reorder_gradient(_: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let dy = cx.upstream(1)?;
    let (indices, shape) = (cx.inputs[0], cx.inputs[2]);
    let g = &mut *cx.g;
    let ones = g.ones_like(indices)?;
    let first = g.strided_slice(ones, &[super::slice::Index::ALL, super::slice::Index::At(0)])?;
    let numbers = g.cumsum(first, 0, true, false)?;
    let attrs = crate::Attrs::new("SparseReorder", "").with("T", crate::Attr::Type(DType::I64));
    let order = g.add_built(&attrs, &[indices, numbers, shape])?[1];
    let back = g.add_single(super::InvertPermutation, &[order])?;
    Ok(vec![None, Some(g.gather(dy, back, 0)?), None])
}

fn fill_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    let (rank, count) = (known(cx, 2)?, known(cx, 1)?);
    let rows = cx.ints(2)?.and_then(|lengths| usize::try_from((*lengths.first()?)?).ok());
    Ok(vec![
        ValueInfo::new(DType::I64, [None, rank]),
        ValueInfo::new(cx.dtype(1)?, [None]),
        ValueInfo::new(DType::Bool, [rows]),
        ValueInfo::new(DType::I64, [count]),
    ])
}

/// Rows that a matrix may have.
const MAX_ROWS: usize = 1 << 27;

/// One value in each row that has none.
fn fill(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let found = places(i, 0, 2)?;
    let values = values(i, 1, found.rows.len())?;
    let default = i.input(3)?;
    let Some(&count) = found.lengths.first().filter(|&&n| n <= MAX_ROWS) else {
        return Err(i.wrong("dense_shape", format!("1 to {MAX_ROWS} rows"), format!("{:?}", found.lengths)));
    };
    let mut is_empty = vec![true; count];
    found.rows.iter().for_each(|row| is_empty[row[0]] = false);
    // Values of a row stay in their order, rows ascend; each value, and the default where there is none.
    let mut order: Vec<usize> = (0..found.rows.len()).collect();
    order.sort_by_key(|&at| found.rows[at][0]);
    let mut rest = order.into_iter().peekable();
    let (mut rows, mut from, mut back) = (Vec::new(), Vec::new(), vec![0; found.rows.len()]);
    for (row, &is_empty) in is_empty.iter().enumerate() {
        if is_empty {
            let mut place = vec![0; found.lengths.len()];
            place[0] = row;
            rows.push(place);
            from.push(None);
        }
        while let Some(at) = rest.next_if(|&at| found.rows[at][0] == row) {
            back[at] = rows.len();
            rows.push(found.rows[at].clone());
            from.push(Some(at));
        }
    }
    let filled = for_any!(values.dtype(), i.name(), T => {
        let (all, fill) = (values.as_slice::<T>()?, default.as_slice::<T>()?);
        let fill = fill.first().cloned().unwrap_or_default();
        let filled: Vec<T> = from.iter().map(|at| at.map_or(fill.clone(), |at| all[at].clone())).collect();
        Ok::<_, crate::Error>(Tensor::from_vec(filled, [from.len()])?)
    })?;
    Ok(vec![matrix(&rows, found.lengths.len())?, filled, Tensor::from_vec(is_empty, [count])?, vector(back)?])
}

fn fill_gradient(_: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let (dy, back) = (cx.upstream(1)?, cx.outputs[3]);
    let g = &mut *cx.g;
    let own = g.gather(dy, back, 0)?;
    let (all, of_own) = (g.reduce_sum(dy, &[0], false)?, g.reduce_sum(own, &[0], false)?);
    Ok(vec![None, Some(own), None, Some(g.subtract(all, of_own)?)])
}

fn slice_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    let rank = known(cx, 2)?;
    Ok(vec![
        ValueInfo::new(DType::I64, [None, rank]),
        ValueInfo::new(cx.dtype(1)?, [None]),
        ValueInfo::new(DType::I64, [rank]),
    ])
}

fn slice(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let found = places(i, 0, 2)?;
    let values = values(i, 1, found.rows.len())?;
    let (start, size) = (lengths(i, 3)?, lengths(i, 4)?);
    if start.len() != found.lengths.len() || size.len() != found.lengths.len() {
        return Err(i.wrong("start", format!("{} numbers", found.lengths.len()), start.len().to_string()));
    }
    let (mut rows, mut kept) = (Vec::new(), Vec::new());
    for (at, row) in found.rows.iter().enumerate() {
        let place = row
            .iter()
            .zip(start.iter().zip(&size))
            .map(|(&at, (&start, &size))| at.checked_sub(start).filter(|&at| at < size));
        if let Some(place) = place.collect::<Option<Vec<usize>>>() {
            rows.push(place);
            kept.push(at);
        }
    }
    let made = found
        .lengths
        .iter()
        .zip(start.iter().zip(&size))
        .map(|(&n, (&start, &size))| size.min(n.saturating_sub(start)));
    Ok(vec![matrix(&rows, found.lengths.len())?, picked(i, values, &kept)?, vector(made)?])
}

fn concat_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    let n = cx.inputs().len() / 3;
    let rank = known(cx, 2 * n)?;
    Ok(vec![
        ValueInfo::new(DType::I64, [None, rank]),
        ValueInfo::new(cx.dtype(n)?, [None]),
        ValueInfo::new(DType::I64, [rank]),
    ])
}

fn concat(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let n = i.inputs.len() / 3;
    let first = places(i, 0, 2 * n)?;
    let (rank, mut made) = (first.lengths.len(), first.lengths.clone());
    let axis = i.attrs.int("concat_dim")?;
    let axis = usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok().filter(|&axis| axis < rank);
    let axis = axis.ok_or_else(|| i.wrong("concat_dim", format!("an axis below {rank}"), "another"))?;
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    made[axis] = 0;
    for at in 0..n {
        let found = places(i, at, 2 * n + at)?;
        let others = |lengths: &[usize]| {
            lengths.iter().enumerate().filter(|(at, _)| *at != axis).map(|(_, &n)| n).collect::<Vec<_>>()
        };
        if found.lengths.len() != rank || others(&found.lengths) != others(&made) {
            return Err(i.wrong(
                &format!("shape {at}"),
                format!("{:?}", first.lengths),
                format!("{:?}", found.lengths),
            ));
        }
        let own = values(i, n + at, found.rows.len())?;
        all.push(own);
        rows.extend(found.rows.into_iter().map(|mut row| {
            row[axis] += made[axis];
            row
        }));
        made[axis] = made[axis].saturating_add(found.lengths[axis]);
    }
    let order = ascending(&rows);
    let sorted: Vec<Vec<usize>> = order.iter().map(|&at| rows[at].clone()).collect();
    let joined = for_any!(all[0].dtype(), i.name(), T => {
        let mut joined: Vec<T> = Vec::with_capacity(rows.len());
        for values in &all {
            joined.extend_from_slice(values.as_slice::<T>()?);
        }
        let count = joined.len();
        Ok::<_, crate::Error>(Tensor::from_vec(joined, [count])?)
    })?;
    Ok(vec![matrix(&sorted, rank)?, picked(i, &joined, &order)?, vector(made)?])
}

fn product_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    let (a, b) = (attrs.bool_or("adjoint_a", false)?, attrs.bool_or("adjoint_b", false)?);
    let rows = cx.ints(2)?.and_then(|lengths| usize::try_from((*lengths.get(usize::from(a))?)?).ok());
    let columns = cx.of_rank(3, 2)?.axes().and_then(|axes| axes[usize::from(!b)]);
    Ok(vec![ValueInfo::new(cx.dtype(1)?, [rows, columns])])
}

/// The product of a sparse matrix and a dense one, each transposed first where asked for.
fn product(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let found = places(i, 0, 2)?;
    let (turned, other) = (i.attrs.bool_or("adjoint_a", false)?, i.attrs.bool_or("adjoint_b", false)?);
    let &[rows, inner] = &found.lengths[..] else {
        return Err(i.wrong("a_shape", "two lengths", format!("{:?}", found.lengths)));
    };
    let (rows, inner) = if turned { (inner, rows) } else { (rows, inner) };
    let (b_rows, b_columns) = i.matrix(3)?;
    let (length, columns) = if other { (b_columns, b_rows) } else { (b_rows, b_columns) };
    if length != inner {
        return Err(i.wrong("b", format!("{inner} rows"), length.to_string()));
    }
    let values = values(i, 1, found.rows.len())?;
    let shape = i.shape([rows, columns])?;
    for_number!(values.dtype(), i.name(), T => {
        use kerox_tensor::kernels::Number;
        let (values, b) = (values.as_slice::<T>()?, i.input(3)?.as_slice::<T>()?);
        let mut sums = vec![T::ZERO; rows * columns];
        for (row, &value) in found.rows.iter().zip(values) {
            let (to, from) = if turned { (row[1], row[0]) } else { (row[0], row[1]) };
            for column in 0..columns {
                let b = b[if other { column * b_columns + from } else { from * b_columns + column }];
                let sum = &mut sums[to * columns + column];
                *sum = sum.plus(value.times(b));
            }
        }
        Ok(vec![Tensor::from_vec(sums, shape.clone())?])
    })
}

fn product_gradient(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let (turned, other) = (attrs.bool_or("adjoint_a", false)?, attrs.bool_or("adjoint_b", false)?);
    let (indices, values, shape, b, dy) = (cx.inputs[0], cx.inputs[1], cx.inputs[2], cx.inputs[3], cx.upstream(0)?);
    let g = &mut *cx.g;
    let with = |adjoint_a: bool| {
        let attrs = attrs.clone().with("adjoint_a", crate::Attr::Bool(adjoint_a));
        attrs.with("adjoint_b", crate::Attr::Bool(false))
    };
    let db = g.add_built(&with(!turned), &[indices, values, shape, dy])?[0];
    let db = if other { super::solve::transposed(g, db)? } else { db };
    let column =
        |g: &mut Graph, at: i64| g.strided_slice(indices, &[super::slice::Index::ALL, super::slice::Index::At(at)]);
    let (rows, columns) = (column(g, i64::from(turned))?, column(g, i64::from(!turned))?);
    let b = if other { super::solve::transposed(g, b)? } else { b };
    let (left, right) = (g.gather(dy, rows, 0)?, g.gather(b, columns, 0)?);
    let products = g.multiply(left, right)?;
    let of_values = g.reduce_sum(products, &[-1], false)?;
    Ok(vec![None, Some(of_values), None, Some(db)])
}

fn reduce(i: &Given<'_>, is_most: bool) -> Result<Vec<Tensor>> {
    let found = places(i, 0, 2)?;
    let values = values(i, 1, found.rows.len())?;
    let (rank, keep) = (found.lengths.len(), i.attrs.bool_or("keep_dims", false)?);
    let mut goes = vec![i.input(3)?.is_empty(); rank];
    for axis in i.ints(3)? {
        let axis = usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok().filter(|&axis| axis < rank);
        goes[axis.ok_or_else(|| i.wrong("reduction_axes", format!("axes below {rank}"), "another"))?] = true;
    }
    let kept: Vec<usize> = (0..rank).filter(|&axis| !goes[axis]).collect();
    let shape = i.shape(kept.iter().map(|&axis| found.lengths[axis]))?;
    let shown =
        (0..rank).filter(|&axis| keep || !goes[axis]).map(|axis| if goes[axis] { 1 } else { found.lengths[axis] });
    let shown = i.shape(shown)?;
    for_number!(values.dtype(), i.name(), T => {
        use kerox_tensor::kernels::Number;
        let mut sums: Vec<Option<T>> = vec![None; shape.elements()];
        for (row, &value) in found.rows.iter().zip(values.as_slice::<T>()?) {
            let at = kept.iter().fold(0, |at, &axis| at * found.lengths[axis] + row[axis]);
            sums[at] = Some(match sums[at] {
                None => value,
                Some(sum) if is_most => sum.larger(value),
                Some(sum) => sum.plus(value),
            });
        }
        let sums: Vec<T> = sums.into_iter().map(|sum| sum.unwrap_or(T::ZERO)).collect();
        Ok(vec![Tensor::from_vec(sums, shown.clone())?])
    })
}
