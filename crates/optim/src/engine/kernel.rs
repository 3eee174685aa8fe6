//! Hands the elements of one variable, its gradient and slots to the algorithm, whatever their types.

use kerox_tensor::{DType, Tensor, Variable, bf16, f16};
use smallvec::SmallVec;

use super::clip::Clip;
use super::sparse;
use super::state::{BUFFERS, Scratch, State};
use crate::algorithm::{Rule, SparseRule, Step};
use crate::cells::{Cells, MAX_SLOTS, Parts, Preparation, Slots};
use crate::{Form, GradientView, Real, Values};

/// A type kernels run in.
pub(super) trait Native: Real {
    fn buffers(scratch: &mut Scratch) -> &mut [Vec<Self>; BUFFERS];
    fn update(rule: &dyn Rule, step: &Step, cells: Cells<'_, Self>);
    /// The gradient as it is, where it already has this type.
    fn native<'a>(values: &Values<'a>) -> Option<&'a [Self]>;
}

impl Native for f32 {
    fn buffers(scratch: &mut Scratch) -> &mut [Vec<f32>; BUFFERS] {
        &mut scratch.f32
    }
    fn update(rule: &dyn Rule, step: &Step, cells: Cells<'_, f32>) {
        rule.update_f32(step, cells);
    }
    fn native<'a>(values: &Values<'a>) -> Option<&'a [f32]> {
        match values {
            Values::F32(v) => Some(v),
            _ => None,
        }
    }
}

impl Native for f64 {
    fn buffers(scratch: &mut Scratch) -> &mut [Vec<f64>; BUFFERS] {
        &mut scratch.f64
    }
    fn update(rule: &dyn Rule, step: &Step, cells: Cells<'_, f64>) {
        rule.update_f64(step, cells);
    }
    fn native<'a>(values: &Values<'a>) -> Option<&'a [f64]> {
        match values {
            Values::F64(v) => Some(v),
            _ => None,
        }
    }
}

/// Updates the model variable at `row`. The gradient has been checked against it.
pub(super) fn update_variable(
    state: &mut State,
    row: usize,
    gradient: &GradientView<'_>,
    clip: Clip,
    decay: f64,
    step: &Step,
) {
    if matches!(gradient, GradientView::None) {
        return;
    }
    match state.variables[row].dtype() {
        DType::F32 => update_as::<f32>(state, row, gradient, clip, decay, step),
        DType::F64 => update_as::<f64>(state, row, gradient, clip, decay, step),
        _ => update_half(state, row, gradient, clip, decay, step),
    }
}

fn update_as<T: Native>(
    state: &mut State,
    row: usize,
    gradient: &GradientView<'_>,
    clip: Clip,
    decay: f64,
    step: &Step,
) {
    let State { rule, variables, slots, scratch, .. } = state;
    let mut weights = variables[row].write();
    let shape = variables[row].shape();
    let Ok(weights) = weights.as_mut_slice::<T>() else { return };
    let mut guards: SmallVec<[_; 4]> = slots[row].iter().map(|slot| slot.as_ref().map(Variable::write)).collect();
    let mut slots: Slots<'_, T> = Default::default();
    for (slot, guard) in slots.iter_mut().zip(&mut guards) {
        *slot = guard.as_mut().and_then(|g| g.as_mut_slice::<T>().ok()).unwrap_or_default();
    }
    run(&**rule, step, weights, slots, shape, gradient, clip, decay, scratch);
}

/// Half-precision variables are computed in single precision and rounded once.
fn update_half(state: &mut State, row: usize, gradient: &GradientView<'_>, clip: Clip, decay: f64, step: &Step) {
    let State { rule, variables, slots, scratch, .. } = state;
    let mut weights: Vec<f32> = Vec::new();
    widen(&variables[row].read(), &mut weights);
    let mut copies: [Vec<f32>; MAX_SLOTS] = Default::default();
    for (slot, copy) in slots[row].iter().zip(&mut copies) {
        if let Some(slot) = slot {
            widen(&slot.read(), copy);
        }
    }
    let shape = variables[row].shape();
    let views = copies.each_mut().map(Vec::as_mut_slice);
    run(&**rule, step, &mut weights, views, shape, gradient, clip, decay, scratch);
    narrow(&weights, &mut variables[row].write());
    for (slot, copy) in slots[row].iter().zip(&copies) {
        if let Some(slot) = slot {
            narrow(copy, &mut slot.write());
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn run<T: Native>(
    rule: &dyn Rule,
    step: &Step,
    weights: &mut [T],
    slots: Slots<'_, T>,
    dims: &[usize],
    gradient: &GradientView<'_>,
    clip: Clip,
    decay: f64,
    scratch: &mut Scratch,
) {
    let decay = T::of(decay);
    let plain = Preparation { pre: T::ONE, limit: None, post: T::ONE, decay };
    let clipped = Preparation { pre: T::of(clip.pre), limit: clip.limit.map(T::of), post: T::of(clip.post), decay };
    match gradient {
        GradientView::None => {}
        GradientView::Dense(values) => match T::native(values) {
            Some(gradient) => {
                T::update(rule, step, Cells { weights, gradient, slots, dims, preparation: clipped, parts: None });
            }
            None => {
                let mut converted = std::mem::take(&mut T::buffers(scratch)[0]);
                converted.clear();
                values.for_each(|_, g| converted.push(T::of(g)));
                T::update(
                    rule,
                    step,
                    Cells { weights, gradient: &converted, slots, dims, preparation: clipped, parts: None },
                );
                T::buffers(scratch)[0] = converted;
            }
        },
        GradientView::Sparse { rows, values } => {
            let rule_of_rows = rule.sparse_rule(step.form);
            if rule_of_rows == SparseRule::Rows {
                sparse::update_rows(rule, step, weights, slots, dims, (rows, values), clip, plain, scratch);
                return;
            }
            let mut dense = std::mem::take(&mut T::buffers(scratch)[0]);
            let mut before = std::mem::take(&mut T::buffers(scratch)[1]);
            sparse::densify(rows, values, dims, clip, &mut dense);
            if rule_of_rows == SparseRule::SlotsDense {
                before.clear();
                before.extend_from_slice(weights);
            }
            let (mut clipped, mut sums) = (Vec::new(), Vec::new());
            let mut parts = None;
            let is_apart = step.form == Form::Keras3 && !clip.is_of_sum && sparse::has_repeats(rows, scratch);
            if is_apart {
                let [_, _, values_buffer, sums_buffer, ..] = T::buffers(scratch);
                (clipped, sums) = (std::mem::take(values_buffer), std::mem::take(sums_buffer));
                clipped.clear();
                values.for_each(|_, g| clipped.push(T::of(clip.apply(g))));
                parts = Some(Parts { rows, width: sparse::width(dims), values: &clipped, sums: &mut sums });
            }
            let cells = Cells { weights: &mut *weights, gradient: &dense, slots, dims, preparation: plain, parts };
            T::update(rule, step, cells);
            if is_apart {
                (T::buffers(scratch)[2], T::buffers(scratch)[3]) = (clipped, sums);
            }
            if rule_of_rows == SparseRule::SlotsDense {
                sparse::restore_other_rows(rows, weights, &before, dims, scratch);
            }
            T::buffers(scratch)[0] = dense;
            T::buffers(scratch)[1] = before;
        }
    }
}

/// `accumulator = (accumulator + gradient * unscale) / divisor`.
pub(super) fn accumulate(accumulator: &Variable, gradient: &GradientView<'_>, unscale: f64, divisor: f64) {
    let mut tensor = accumulator.write();
    let clip = Clip { pre: unscale, ..Clip::NONE };
    match accumulator.dtype() {
        DType::F32 => accumulate_as::<f32>(&mut tensor, gradient, clip, divisor),
        DType::F64 => accumulate_as::<f64>(&mut tensor, gradient, clip, divisor),
        _ => {
            let mut sums = Vec::new();
            widen(&tensor, &mut sums);
            let dims = tensor.shape().clone();
            add(&mut sums, gradient, &dims, clip, divisor);
            narrow(&sums, &mut tensor);
        }
    }
}

fn accumulate_as<T: Real>(tensor: &mut Tensor, gradient: &GradientView<'_>, clip: Clip, divisor: f64) {
    let dims = tensor.shape().clone();
    if let Ok(sums) = tensor.as_mut_slice::<T>() {
        add(sums, gradient, &dims, clip, divisor);
    }
}

fn add<T: Real>(sums: &mut [T], gradient: &GradientView<'_>, dims: &[usize], clip: Clip, divisor: f64) {
    match gradient {
        GradientView::None => return,
        GradientView::Dense(values) => values.for_each(|i, g| sums[i] = sums[i] + T::of(clip.apply(g))),
        GradientView::Sparse { rows, values } => sparse::add_rows(rows, values, dims, clip, sums),
    }
    if divisor != 1.0 {
        sums.iter_mut().for_each(|sum| *sum = *sum / T::of(divisor));
    }
}

/// Sets every element to 0.
pub(super) fn clear(variable: &Variable) {
    let mut tensor = variable.write();
    match variable.dtype() {
        DType::F32 => tensor.as_mut_slice::<f32>().map(|s| s.fill(0.0)),
        DType::F64 => tensor.as_mut_slice::<f64>().map(|s| s.fill(0.0)),
        DType::F16 => tensor.as_mut_slice::<f16>().map(|s| s.fill(f16::ZERO)),
        _ => tensor.as_mut_slice::<bf16>().map(|s| s.fill(bf16::ZERO)),
    }
    .unwrap_or_default();
}

fn widen(tensor: &Tensor, out: &mut Vec<f32>) {
    out.clear();
    if let Ok(values) = tensor.as_slice::<f16>() {
        out.extend(values.iter().map(|v| v.to_f32()));
    } else if let Ok(values) = tensor.as_slice::<bf16>() {
        out.extend(values.iter().map(|v| v.to_f32()));
    }
}

fn narrow(values: &[f32], tensor: &mut Tensor) {
    if let Ok(out) = tensor.as_mut_slice::<f16>() {
        out.iter_mut().zip(values).for_each(|(out, &v)| *out = f16::from_f32(v));
    } else if let Ok(out) = tensor.as_mut_slice::<bf16>() {
        out.iter_mut().zip(values).for_each(|(out, &v)| *out = bf16::from_f32(v));
    }
}
