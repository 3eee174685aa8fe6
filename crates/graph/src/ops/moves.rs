//! Elements and slices moved: rolled, parted, stitched together, told apart.

use std::collections::HashMap;

use kerox_tensor::{DType, Tensor};

use super::dispatch::for_any;
use super::dynamic::int_tensor;
use super::whole::{Given, whole};
use crate::{Attr, Attrs, Dims, Grad, Infer, Result, Value, ValueInfo};

// A line expands to an entry of the table: name, signature, attributes, shape rule, values, gradient.
whole! {
    "Roll" "input, shift, axis -> output"
        ["T=0" "Tshift=1" "Taxis=2"] like_first, roll, Some(roll_gradient);
    "ReverseSequence" "input, seq_lengths -> output"
        ["seq_dim" "batch_dim" "T=0" "Tlen=1"] like_first, reverse_sequence, Some(reverse_gradient);
    "DynamicPartition" "data, partitions -> outputs[num_partitions]"
        ["num_partitions" "T=0"] partition_rule, partition, Some(partition_gradient);
    "DynamicStitch" "indices[N], data[N] -> merged"
        ["N" "T"] stitch_rule, stitch, Some(stitch_gradient);
    "ParallelDynamicStitch" "indices[N], data[N] -> merged"
        ["N" "T"] stitch_rule, stitch, Some(stitch_gradient);
    "UniqueWithCounts" "x -> y, idx, count" ["T=0" "out_idx"] unique_rule, unique, None;
    "ListDiff" "x, y -> out, idx" ["T=0" "out_idx"] difference_rule, difference, None;
    "UnravelIndex" "indices, dims -> output" ["Tidx=0"] unravel_rule, unravel, None;
    "LowerBound" "sorted_inputs, values -> output"
        ["T=0" "out_type"] bound_rule, |i| bound(i, false), None;
    "UpperBound" "sorted_inputs, values -> output"
        ["T=0" "out_type"] bound_rule, |i| bound(i, true), None;
    "BroadcastArgs" "s0, s1 -> r0"
        ["T=0"] |cx, _| Ok(vec![ValueInfo::new(cx.dtype(0)?, [None])]), broadcast_args, None;
}

/// The type and shape of the first input.
fn like_first(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(0)?.clone())])
}

/// An axis, counted from the front.
fn axis_of(i: &Given<'_>, axis: i64, rank: usize) -> Result<usize> {
    let from_front = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(from_front).ok().filter(|&axis| axis < rank);
    found.ok_or_else(|| i.wrong("axis", format!("one below {rank}"), axis.to_string()))
}

/// Elements from the places that `from` says for each place of a shape.
fn picked(i: &Given<'_>, x: &Tensor, from: impl Fn(&mut [usize])) -> Result<Vec<Tensor>> {
    let strides = x.shape().strides();
    let mut places = Vec::with_capacity(x.len());
    let mut place = vec![0; x.rank()];
    for at in 0..x.len() {
        let mut rest = at;
        for (axis, &stride) in strides.iter().enumerate() {
            place[axis] = rest / stride.max(1);
            rest %= stride.max(1);
        }
        from(&mut place);
        places.push(place.iter().zip(strides.iter()).map(|(&at, &stride)| at * stride).sum::<usize>());
    }
    for_any!(x.dtype(), i.name(), T => {
        let all = x.as_slice::<T>()?;
        let moved: Vec<T> = places.iter().map(|&at| all[at].clone()).collect();
        Ok(vec![Tensor::from_vec(moved, x.shape().clone())?])
    })
}

fn roll(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, shifts, axes) = (i.input(0)?, i.ints(1)?, i.ints(2)?);
    if shifts.len() != axes.len() {
        return Err(i.wrong("shift", format!("{} numbers", axes.len()), shifts.len().to_string()));
    }
    let mut by = vec![0i128; x.rank()];
    for (&shift, &axis) in shifts.iter().zip(&axes) {
        by[axis_of(i, axis, x.rank())?] += i128::from(shift);
    }
    let lengths = x.shape().to_vec();
    picked(i, x, |place| {
        for ((at, &by), &length) in place.iter_mut().zip(&by).zip(&lengths) {
            *at = (*at as i128 - by).rem_euclid(length as i128) as usize;
        }
    })
}

fn roll_gradient(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let dy = cx.upstream(0)?;
    let back = cx.g.negate(cx.inputs[1])?;
    Ok(vec![Some(cx.g.add_built(attrs, &[dy, back, cx.inputs[2]])?[0]), None, None])
}

fn reverse_sequence(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, lengths) = (i.input(0)?, i.ints(1)?);
    let steps = axis_of(i, i.attrs.int("seq_dim")?, x.rank())?;
    let batch = axis_of(i, i.attrs.int_or("batch_dim", 0)?, x.rank())?;
    let most = x.shape()[steps] as i64;
    if steps == batch || lengths.len() != x.shape()[batch] || lengths.iter().any(|n| !(0..=most).contains(n)) {
        let expected = format!("{} lengths from 0 to {most}", x.shape()[batch]);
        return Err(i.wrong("seq_lengths", expected, format!("{lengths:?}")));
    }
    picked(i, x, |place| {
        let length = lengths[place[batch]] as usize;
        if place[steps] < length {
            place[steps] = length - 1 - place[steps];
        }
    })
}

fn reverse_gradient(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let dy = cx.upstream(0)?;
    Ok(vec![Some(cx.g.add_built(attrs, &[dy, cx.inputs[1]])?[0]), None])
}

/// Parts that a partition may have.
const MAX_PARTS: i64 = 1 << 16;

fn parts(attrs: &Attrs) -> Result<usize> {
    match attrs.int("num_partitions")? {
        n @ 1..=MAX_PARTS => Ok(n as usize),
        _ => Err(attrs.wrong("num_partitions", "1 to 65536", attrs.get("num_partitions"))),
    }
}

fn partition_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    let dims = match (cx.dims(0)?.axes(), cx.dims(1)?.rank()) {
        (Some(axes), Some(own)) if own <= axes.len() => {
            std::iter::once(None).chain(axes[own..].iter().copied()).collect()
        }
        _ => Dims::unknown(),
    };
    Ok(vec![ValueInfo::new(cx.dtype(0)?, dims); parts(attrs)?])
}

fn partition(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, numbers, count) = (i.input(0)?, i.ints(1)?, parts(i.attrs)?);
    let own = i.input(1)?.rank();
    if x.shape().get(..own) != Some(&i.input(1)?.shape()[..]) {
        return Err(i.wrong("partitions", format!("the first axes of {}", x.shape()), i.input(1)?.shape().to_string()));
    }
    let tail = &x.shape()[own..];
    let size: usize = tail.iter().product();
    let mut rows = vec![Vec::new(); count];
    for (row, &number) in numbers.iter().enumerate() {
        let part = usize::try_from(number).ok().and_then(|number| rows.get_mut(number));
        part.ok_or_else(|| i.wrong("partitions", format!("numbers below {count}"), number.to_string()))?.push(row);
    }
    for_any!(x.dtype(), i.name(), T => {
        let all = x.as_slice::<T>()?;
        let of = |rows: Vec<usize>| {
            let shape = std::iter::once(rows.len()).chain(tail.iter().copied()).collect::<kerox_tensor::Shape>();
            let elements: Vec<T> = rows.into_iter().flat_map(|row| all[row * size..(row + 1) * size].to_vec()).collect();
            Ok(Tensor::from_vec(elements, shape)?)
        };
        rows.into_iter().map(of).collect()
    })
}

/// Of each part the gradient back at the places it came from.
fn partition_gradient(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let (x, numbers) = (cx.inputs[0], cx.inputs[1]);
    let count = parts(attrs)?;
    let mut upstream = Vec::with_capacity(count);
    for part in 0..count {
        upstream.push(cx.upstream(part)?);
    }
    let g = &mut *cx.g;
    let places = g.reshape(numbers, &[-1])?;
    let ones = g.ones_like(places)?;
    let places = g.cumsum(ones, 0, true, false)?;
    let shape = g.shape_of(numbers)?;
    let places = g.reshape_to(places, shape)?;
    let parting = Attrs::new("DynamicPartition", "").with("num_partitions", Attr::Int(count as i64));
    let parting = parting.with("T", Attr::Type(DType::I32));
    let mut inputs = g.add_built(&parting, &[places, numbers])?;
    inputs.extend(upstream);
    let stitching = Attrs::new("DynamicStitch", "").with("N", Attr::Int(count as i64));
    let stitched = g.add_built(&stitching.with("T", Attr::Type(g.dtype(x))), &inputs)?[0];
    Ok(vec![Some(g.reshape_like(stitched, x)?), None])
}

fn pairs(cx: &Infer<'_>) -> Result<usize> {
    match cx.inputs().len() {
        n if n > 0 && n.is_multiple_of(2) => Ok(n / 2),
        n => Err(cx.wrong("inputs", "as many indices as data", n.to_string())),
    }
}

fn stitch_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    let n = pairs(cx)?;
    let tail = (0..n).find_map(|at| {
        let (indices, data) = (&cx.inputs()[at].dims, &cx.inputs()[n + at].dims);
        Some(data.axes()?.get(indices.rank()?..)?.to_vec())
    });
    let dims = tail.map_or(Dims::unknown(), |tail| std::iter::once(None).chain(tail).collect());
    Ok(vec![ValueInfo::new(cx.dtype(n)?, dims)])
}

fn stitch(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let n = i.inputs.len() / 2;
    let mut tail: Option<Vec<usize>> = None;
    let (mut places, mut most) = (Vec::new(), 0);
    for at in 0..n {
        let (own, data) = (i.input(at)?.shape(), i.input(n + at)?.shape());
        let rest = data.get(own.rank()..).filter(|_| data.get(..own.rank()) == Some(&own[..]));
        let rest = rest.ok_or_else(|| i.wrong(&format!("data {at}"), format!("{own} first"), data.to_string()))?;
        if tail.get_or_insert_with(|| rest.to_vec()) != rest {
            return Err(i.wrong(&format!("data {at}"), format!("slices {tail:?}"), format!("{rest:?}")));
        }
        let found: Option<Vec<usize>> = i.ints(at)?.into_iter().map(|place| usize::try_from(place).ok()).collect();
        let found = found.ok_or_else(|| i.wrong(&format!("indices {at}"), "numbers from 0 on", "others"))?;
        most = found.iter().fold(most, |most, place| most.max(place + 1));
        places.push(found);
    }
    let tail = tail.unwrap_or_default();
    let size: usize = tail.iter().product();
    let shape = i.shape(std::iter::once(most).chain(tail))?;
    for_any!(i.input(n)?.dtype(), i.name(), T => {
        let mut merged = vec![T::default(); shape.elements()];
        for (at, places) in places.iter().enumerate() {
            let data = i.input(n + at)?.as_slice::<T>()?;
            for (row, &place) in places.iter().enumerate() {
                merged[place * size..(place + 1) * size].clone_from_slice(&data[row * size..(row + 1) * size]);
            }
        }
        Ok(vec![Tensor::from_vec(merged, shape.clone())?])
    })
}

fn stitch_gradient(_: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let (n, dy) = (cx.inputs.len() / 2, cx.upstream(0)?);
    let mut gradients = vec![None; n];
    for at in 0..n {
        gradients.push(Some(cx.g.gather(dy, cx.inputs[at], 0)?));
    }
    Ok(gradients)
}

/// The type of positions.
fn index_type(attrs: &Attrs) -> Result<DType> {
    attrs.dtype_or("out_idx", DType::I32)
}

/// Elements as keys: their text says each value of a type exactly.
fn keys(i: &Given<'_>, x: &Tensor) -> Result<Vec<String>> {
    for_any!(x.dtype(), i.name(), T => {
        Ok(x.as_slice::<T>()?.iter().map(|x| format!("{x:?}")).collect())
    })
}

/// Some elements of a vector.
fn at_places(i: &Given<'_>, x: &Tensor, places: &[usize]) -> Result<Tensor> {
    for_any!(x.dtype(), i.name(), T => {
        let all = x.as_slice::<T>()?;
        let picked: Vec<T> = places.iter().map(|&at| all[at].clone()).collect();
        Ok(Tensor::from_vec(picked, [places.len()])?)
    })
}

fn unique_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    let index = index_type(attrs)?;
    let x = cx.of_rank(0, 1)?;
    Ok(vec![ValueInfo::new(cx.dtype(0)?, [None]), ValueInfo::new(index, x), ValueInfo::new(index, [None])])
}

fn unique(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (x, index) = (i.input(0)?, index_type(i.attrs)?);
    let mut seen: HashMap<String, usize> = HashMap::new();
    let (mut first, mut numbers, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for (at, key) in keys(i, x)?.into_iter().enumerate() {
        let next = seen.len();
        let number = *seen.entry(key).or_insert(next);
        if number == next {
            first.push(at);
            counts.push(0);
        }
        counts[number] += 1;
        numbers.push(number as i64);
    }
    let (n, found) = (numbers.len(), first.len());
    Ok(vec![at_places(i, x, &first)?, int_tensor(numbers, index, [n])?, int_tensor(counts, index, [found])?])
}

fn difference_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    Ok(vec![ValueInfo::new(cx.dtype(0)?, [None]), ValueInfo::new(index_type(attrs)?, [None])])
}

/// The elements of the first vector that the second has not.
fn difference(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let x = i.input(0)?;
    let known: std::collections::HashSet<String> = keys(i, i.input(1)?)?.into_iter().collect();
    let places: Vec<usize> =
        keys(i, x)?.iter().enumerate().filter(|(_, key)| !known.contains(*key)).map(|(at, _)| at).collect();
    let numbers = places.iter().map(|&at| at as i64).collect();
    Ok(vec![at_places(i, x, &places)?, int_tensor(numbers, index_type(i.attrs)?, [places.len()])?])
}

fn unravel_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    let rank = cx.of_rank(1, 1)?.axes().and_then(|axes| axes[0]);
    let dims = match cx.dims(0)?.axes() {
        Some(axes) => std::iter::once(rank).chain(axes.iter().copied()).collect(),
        None => Dims::unknown(),
    };
    Ok(vec![ValueInfo::new(cx.dtype(0)?, dims)])
}

fn unravel(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (indices, lengths) = (i.ints(0)?, i.ints(1)?);
    let all = lengths.iter().try_fold(1i64, |all, &n| all.checked_mul(n)).unwrap_or(0);
    if let Some(&wrong) = indices.iter().find(|index| !(0..all).contains(index)) {
        return Err(i.wrong("indices", format!("numbers below {all}"), wrong.to_string()));
    }
    let mut rows = vec![vec![0; indices.len()]; lengths.len()];
    for (at, &index) in indices.iter().enumerate() {
        let mut rest = index;
        for (row, &length) in rows.iter_mut().zip(&lengths).rev() {
            row[at] = rest % length;
            rest /= length;
        }
    }
    let shape = std::iter::once(lengths.len()).chain(i.input(0)?.shape().iter().copied());
    Ok(vec![int_tensor(rows.concat(), i.input(0)?.dtype(), i.shape(shape)?)?])
}

fn bound_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    Ok(vec![ValueInfo::new(attrs.dtype_or("out_type", DType::I32)?, cx.dims(1)?.clone())])
}

/// For each value of a row how many of the row of sorted ones lie before it.
fn bound(i: &Given<'_>, is_upper: bool) -> Result<Vec<Tensor>> {
    let ((rows, n), (other, m)) = (i.matrix(0)?, i.matrix(1)?);
    if rows != other {
        return Err(i.wrong("values", format!("{rows} rows"), other.to_string()));
    }
    let (sorted, values) = (i.floats(0)?, i.floats(1)?);
    let mut found = Vec::with_capacity(values.len());
    for row in 0..rows {
        let sorted = &sorted[row * n..(row + 1) * n];
        for value in &values[row * m..(row + 1) * m] {
            found.push(sorted.partition_point(|x| x < value || is_upper && x == value) as i64);
        }
    }
    let dtype = i.attrs.dtype_or("out_type", DType::I32)?;
    Ok(vec![int_tensor(found, dtype, i.input(1)?.shape().clone())?])
}

/// The shape that two shapes broadcast to.
fn broadcast_args(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (a, b) = (i.ints(0)?, i.ints(1)?);
    let rank = a.len().max(b.len());
    let of = |lengths: &[i64], at: usize| (at + lengths.len()).checked_sub(rank).map_or(1, |at| lengths[at]);
    let mut lengths = Vec::with_capacity(rank);
    for at in 0..rank {
        lengths.push(match (of(&a, at), of(&b, at)) {
            (a, b) if a == b || b == 1 => a,
            (1, b) => b,
            (a, b) => return Err(i.wrong("s1", format!("{a} or 1"), b.to_string())),
        });
    }
    Ok(vec![int_tensor(lengths, i.input(0)?.dtype(), [rank])?])
}
