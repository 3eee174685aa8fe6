//! Slices combined with those of the same number, where numbers are in ascending order or slices are looked up first.

use kerox_tensor::{DType, Tensor};

use super::dispatch::for_number;
use super::scatter::{Combine, Segment};
use super::whole::{Given, whole};
use crate::{Attrs, Dims, Grad, Graph, Infer, Result, Value, ValueInfo};

// A line expands to an entry of the table: name, signature, attributes, shape rule, values, gradient.
whole! {
    "SegmentSum" "data, segment_ids -> output"
        ["T=0" "Tindices=1"] plain_rule, plain, Some(plain_gradient);
    "SegmentMean" "data, segment_ids -> output"
        ["T=0" "Tindices=1"] plain_rule, plain, Some(plain_gradient);
    "SegmentProd" "data, segment_ids -> output"
        ["T=0" "Tindices=1"] plain_rule, plain, Some(plain_gradient);
    "SegmentMax" "data, segment_ids -> output"
        ["T=0" "Tindices=1"] plain_rule, plain, Some(plain_gradient);
    "SegmentMin" "data, segment_ids -> output"
        ["T=0" "Tindices=1"] plain_rule, plain, Some(plain_gradient);
    "SparseSegmentSum" "data, indices, segment_ids -> output"
        ["T=0" "Tidx=1" "Tsegmentids=2" "sparse_gradient"] sparse_rule, sparse, Some(sparse_gradient);
    "SparseSegmentMean" "data, indices, segment_ids -> output"
        ["T=0" "Tidx=1" "Tsegmentids=2" "sparse_gradient"] sparse_rule, sparse, Some(sparse_gradient);
    "SparseSegmentSqrtN" "data, indices, segment_ids -> output"
        ["T=0" "Tidx=1" "Tsegmentids=2" "sparse_gradient"] sparse_rule, sparse, Some(sparse_gradient);
    "SparseSegmentSumWithNumSegments" "data, indices, segment_ids, num_segments -> output"
        ["T=0" "Tidx=1" "Tnumsegments=3" "Tsegmentids=2" "sparse_gradient"] sparse_rule, sparse, Some(sparse_gradient);
    "SparseSegmentMeanWithNumSegments" "data, indices, segment_ids, num_segments -> output"
        ["T=0" "Tidx=1" "Tnumsegments=3" "Tsegmentids=2" "sparse_gradient"] sparse_rule, sparse, Some(sparse_gradient);
    "SparseSegmentSqrtNWithNumSegments" "data, indices, segment_ids, num_segments -> output"
        ["T=0" "Tidx=1" "Tnumsegments=3" "Tsegmentids=2" "sparse_gradient"] sparse_rule, sparse, Some(sparse_gradient);
}

/// What becomes of slices of one segment.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Sum,
    Mean,
    /// The sum over the root of their number.
    SqrtN,
    Product,
    Most,
    Least,
}

fn way(name: &str) -> Way {
    match name.trim_start_matches("Sparse").trim_end_matches("WithNumSegments") {
        "SegmentMean" => Way::Mean,
        "SegmentSqrtN" => Way::SqrtN,
        "SegmentProd" => Way::Product,
        "SegmentMax" => Way::Most,
        "SegmentMin" => Way::Least,
        _ => Way::Sum,
    }
}

fn plain_rule(cx: &Infer<'_>, _: &Attrs) -> Result<Vec<ValueInfo>> {
    cx.arity(2)?;
    Ok(vec![ValueInfo::new(cx.dtype(0)?, slices(cx, None)?)])
}

fn slices(cx: &Infer<'_>, count: Option<usize>) -> Result<Dims> {
    Ok(match cx.dims(0)?.axes() {
        Some([_, tail @ ..]) => std::iter::once(count).chain(tail.iter().copied()).collect(),
        Some([]) => return Err(cx.wrong("data", "one axis or more", "a scalar")),
        None => Dims::unknown(),
    })
}

fn sparse_rule(cx: &Infer<'_>, attrs: &Attrs) -> Result<Vec<ValueInfo>> {
    let has_count = attrs.op().ends_with("WithNumSegments");
    cx.arity(if has_count { 4 } else { 3 })?;
    let count = match has_count {
        true => cx.ints(3)?.and_then(|numbers| usize::try_from((*numbers.first()?)?).ok()),
        false => None,
    };
    Ok(vec![ValueInfo::new(cx.dtype(0)?, slices(cx, count)?)])
}

/// Segments that a result may have.
const MAX_SEGMENTS: i64 = 1 << 27;

/// Slices `rows` of the data combined by the numbers of their segments, which ascend.
fn combined(i: &Given<'_>, rows: &[i64], ids: &[i64], count: Option<i64>) -> Result<Vec<Tensor>> {
    let x = i.input(0)?;
    let Some((&all, tail)) = x.shape().split_first() else {
        return Err(i.wrong("data", "one axis or more", "a scalar"));
    };
    if ids.len() != rows.len() {
        return Err(i.wrong("segment_ids", format!("{} numbers", rows.len()), ids.len().to_string()));
    }
    if ids.windows(2).any(|pair| pair[0] > pair[1]) || ids.first().is_some_and(|&id| id < 0) {
        return Err(i.wrong("segment_ids", "numbers from 0 on in ascending order", "others"));
    }
    let count = count.unwrap_or_else(|| ids.last().map_or(0, |&last| last.saturating_add(1)));
    if !(0..=MAX_SEGMENTS).contains(&count) || ids.last().is_some_and(|&last| last >= count) {
        return Err(i.wrong(
            "segment_ids",
            format!("numbers below {}", count.min(MAX_SEGMENTS)),
            format!("{:?}", ids.last()),
        ));
    }
    let way = way(i.name());
    let size: usize = tail.iter().product();
    let shape = i.shape(std::iter::once(count as usize).chain(tail.iter().copied()))?;
    for_number!(x.dtype(), i.name(), T => {
        use kerox_tensor::kernels::Number;
        let data = x.as_slice::<T>()?;
        let start = if way == Way::Product { T::ONE } else { T::ZERO };
        let mut found = vec![start; shape.elements()];
        let mut numbers = vec![0usize; count as usize];
        for (&row, &id) in rows.iter().zip(ids) {
            let row = usize::try_from(row).ok().filter(|&row| row < all);
            let row = row.ok_or_else(|| i.wrong("indices", format!("numbers below {all}"), "others"))?;
            let id = id as usize;
            let is_first = numbers[id] == 0;
            numbers[id] += 1;
            let slice = found[id * size..(id + 1) * size].iter_mut().zip(&data[row * size..(row + 1) * size]);
            slice.for_each(|(to, &x)| *to = match way {
                Way::Product => to.times(x),
                Way::Most if !is_first => to.larger(x),
                Way::Least if !is_first => to.smaller(x),
                Way::Most | Way::Least => x,
                _ => to.plus(x),
            });
        }
        if matches!(way, Way::Mean | Way::SqrtN) {
            for (slice, &n) in found.chunks_exact_mut(size.max(1)).zip(&numbers).filter(|(_, n)| **n > 1) {
                let by = if way == Way::Mean { n as f64 } else { (n as f64).sqrt() };
                slice.iter_mut().for_each(|x| *x = x.over(by as T));
            }
        }
        Ok(vec![Tensor::from_vec(found, shape.clone())?])
    })
}

fn plain(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let ids = i.ints(1)?;
    let rows: Vec<i64> = (0..i.input(0)?.shape().first().map_or(0, |&n| n as i64)).collect();
    combined(i, &rows, &ids, None)
}

fn sparse(i: &Given<'_>) -> Result<Vec<Tensor>> {
    let (rows, ids) = (i.ints(1)?, i.ints(2)?);
    let count = if i.inputs.len() > 3 { Some(i.int(3)?) } else { None };
    combined(i, &rows, &ids, count)
}

/// A value over the number of slices of each segment, or its root.
fn over_numbers(g: &mut Graph, dy: Value, ids: Value, way: Way) -> Result<Value> {
    if !matches!(way, Way::Mean | Way::SqrtN) {
        return Ok(dy);
    }
    let shape = g.shape_of(dy)?;
    let count = g.strided_slice(shape, &[super::slice::Index::At(0)])?;
    let ones = g.ones_like(ids)?;
    let numbers = g.add_single(Segment(Combine::Add), &[ones, ids, count])?;
    let one = g.number(1.0, g.dtype(numbers))?;
    let numbers = g.maximum(numbers, one)?;
    let numbers = g.cast(numbers, g.dtype(dy))?;
    let mut by = if way == Way::SqrtN { g.sqrt(numbers)? } else { numbers };
    for _ in 1..g.all_axes(dy)?.len() {
        by = g.expand_dims(by, -1)?;
    }
    g.divide(dy, by)
}

fn plain_gradient(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let (x, ids, y, dy) = (cx.inputs[0], cx.inputs[1], cx.outputs[0], cx.upstream(0)?);
    let g = &mut *cx.g;
    let dx = match way(attrs.op()) {
        way @ (Way::Sum | Way::Mean | Way::SqrtN) => {
            let dy = over_numbers(g, dy, ids, way)?;
            g.gather(dy, ids, 0)?
        }
        way => {
            let shape = g.shape_of(y)?;
            let count = g.strided_slice(shape, &[super::slice::Index::At(0)])?;
            let combine = match way {
                Way::Product => Combine::Multiply,
                Way::Most => Combine::Max,
                _ => Combine::Min,
            };
            // That of the operation which takes numbers in any order.
            let same = g.add_single(Segment(combine), &[x, ids, count])?;
            let found = crate::gradients(g, &[same], Some(&[dy]), &[x])?;
            match found[0] {
                Some(dx) => dx,
                None => g.zeros_like(x)?,
            }
        }
    };
    Ok(vec![Some(dx), None])
}

fn sparse_gradient(attrs: &Attrs, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
    let (x, rows, ids, dy) = (cx.inputs[0], cx.inputs[1], cx.inputs[2], cx.upstream(0)?);
    let g = &mut *cx.g;
    let dy = over_numbers(g, dy, ids, way(attrs.op()))?;
    let of_rows = g.gather(dy, ids, 0)?;
    let shape = g.shape_of(x)?;
    let count = g.strided_slice(shape, &[super::slice::Index::At(0)])?;
    let rows = g.cast(rows, DType::I32)?;
    let mut gradients = vec![None; cx.inputs.len()];
    gradients[0] = Some(g.add_single(Segment(Combine::Add), &[of_rows, rows, count])?);
    Ok(gradients)
}
