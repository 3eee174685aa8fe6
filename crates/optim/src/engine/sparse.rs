//! Gradients of some rows of a variable.

use smallvec::SmallVec;

use super::clip::Clip;
use super::kernel::Native;
use super::state::Scratch;
use crate::algorithm::{Rule, Step};
use crate::cells::{Cells, Preparation, Slots};
use crate::{Real, Rows, Values};

/// Elements of one row.
pub(super) fn width(dims: &[usize]) -> usize {
    dims.iter().skip(1).product()
}

/// Adds each row's clipped gradient to its place. TensorFlow clips before it sums rows that occur twice, and so does this.
pub(super) fn add_rows<T: Real>(rows: &Rows<'_>, values: &Values<'_>, dims: &[usize], clip: Clip, out: &mut [T]) {
    add_at(|i| rows.get(i) as usize, values, width(dims), clip, out);
}

/// Adds row `i` of the clipped gradients to row `place(i)`.
fn add_at<T: Real>(place: impl Fn(usize) -> usize, values: &Values<'_>, width: usize, clip: Clip, out: &mut [T]) {
    fn add<T: Real, V: Copy>(
        values: &[V],
        widen: impl Fn(V) -> f64,
        place: impl Fn(usize) -> usize,
        width: usize,
        clip: Clip,
        out: &mut [T],
    ) {
        for (i, row) in values.chunks_exact(width).enumerate() {
            let out = &mut out[place(i) * width..][..width];
            out.iter_mut().zip(row).for_each(|(out, &g)| *out = *out + T::of(clip.apply(widen(g))));
        }
    }
    match values {
        _ if width == 0 => {}
        Values::F16(v) => add(v, |g| g.to_f64(), place, width, clip, out),
        Values::BF16(v) => add(v, |g| g.to_f64(), place, width, clip, out),
        Values::F32(v) => add(v, f64::from, place, width, clip, out),
        Values::F64(v) => add(v, |g| g, place, width, clip, out),
    }
}

/// The dense gradient.
pub(super) fn densify<T: Real>(rows: &Rows<'_>, values: &Values<'_>, dims: &[usize], clip: Clip, out: &mut Vec<T>) {
    out.clear();
    out.resize(dims.iter().product(), T::ZERO);
    add_rows(rows, values, dims, clip, out);
}

/// Gives each distinct row a number, in order of appearance.
fn number_rows(rows: &Rows<'_>, scratch: &mut Scratch) -> usize {
    scratch.rows.clear();
    for i in 0..rows.len() {
        let next = scratch.rows.len();
        scratch.rows.entry(rows.get(i)).or_insert(next);
    }
    scratch.rows.len()
}

/// Whether a row occurs more than once.
pub(super) fn has_repeats(rows: &Rows<'_>, scratch: &mut Scratch) -> bool {
    number_rows(rows, scratch) < rows.len()
}

/// Runs the algorithm on the rows that have a gradient, as if there were no others.
pub(super) fn update_rows<T: Native>(
    rule: &dyn Rule,
    step: &Step,
    weights: &mut [T],
    mut slots: Slots<'_, T>,
    dims: &[usize],
    (rows, values): (&Rows<'_>, &Values<'_>),
    clip: Clip,
    preparation: Preparation<T>,
    scratch: &mut Scratch,
) {
    let (count, width) = (number_rows(rows, scratch), width(dims));
    let numbers = std::mem::take(&mut scratch.rows);
    let mut buffers = std::mem::take(T::buffers(scratch));
    let [gradient, compact_weights, compact_slots @ ..] = &mut buffers;
    gradient.clear();
    gradient.resize(count * width, T::ZERO);
    add_at(|i| numbers[&rows.get(i)], values, width, clip, gradient);
    let gather = |from: &[T], to: &mut Vec<T>| {
        to.clear();
        to.resize(count * width, T::ZERO);
        for (&row, &number) in &numbers {
            let (row, number) = (row as usize * width, number * width);
            to[number..number + width].copy_from_slice(&from[row..row + width]);
        }
    };
    let scatter = |from: &[T], to: &mut [T]| {
        for (&row, &number) in &numbers {
            let (row, number) = (row as usize * width, number * width);
            to[row..row + width].copy_from_slice(&from[number..number + width]);
        }
    };
    gather(weights, compact_weights);
    for (slot, compact) in slots.iter().zip(compact_slots.iter_mut()) {
        if slot.len() == weights.len() {
            gather(slot, compact);
        } else {
            compact.clear();
        }
    }
    let mut compact_dims: SmallVec<[usize; 6]> = SmallVec::from_slice(dims);
    compact_dims[0] = count;
    let views = compact_slots.each_mut().map(Vec::as_mut_slice);
    let cells =
        Cells { weights: compact_weights, gradient, slots: views, dims: &compact_dims, preparation, parts: None };
    T::update(rule, step, cells);
    for (slot, compact) in slots.iter_mut().zip(compact_slots.iter()) {
        if slot.len() == weights.len() {
            scatter(compact, slot);
        }
    }
    scatter(compact_weights, weights);
    *T::buffers(scratch) = buffers;
    scratch.rows = numbers;
}

/// Puts the old weights back into rows without a gradient.
pub(super) fn restore_other_rows<T: Real>(
    rows: &Rows<'_>,
    weights: &mut [T],
    before: &[T],
    dims: &[usize],
    scratch: &mut Scratch,
) {
    number_rows(rows, scratch);
    let width = width(dims);
    if width == 0 {
        return;
    }
    for (row, (new, old)) in weights.chunks_mut(width).zip(before.chunks(width)).enumerate() {
        if !scratch.rows.contains_key(&(row as i64)) {
            new.copy_from_slice(old);
        }
    }
}
