//! Sums, means, products and extremes over any axes.

use smallvec::SmallVec;

use crate::kernels::wide::wide;
use crate::kernels::{Float, Number};
use crate::parallel::{GRAIN, split_rows};
use crate::{Error, Result, Shape};

/// What a reduction does with the elements that fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reduction {
    /// Sum; 0 of nothing.
    Sum,
    /// Arithmetic mean; NaN of nothing (0 for integers).
    Mean,
    /// Product; 1 of nothing.
    Prod,
    /// Largest; the lowest value of nothing.
    Max,
    /// Smallest; the highest value of nothing.
    Min,
}

/// How an array is walked to reduce some of its axes: made once for a shape, run without allocating.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    input: usize,
    output: usize,
    reduced: usize,
    /// The shape of the output without the reduced axes, and with them as 1.
    shapes: [Shape; 2],
    /// Joined axes that stay, outermost first: length and elements to step over in the input.
    kept: Axes,
    /// Joined axes that go, in the same form.
    gone: Axes,
}

type Axes = SmallVec<[(usize, usize); 4]>;

impl Reduce {
    /// Plans for reducing `axes` of an array of this shape; no axes reduce nothing. Negative axes count from the end.
    ///
    /// # Errors
    /// [`Error::Argument`] for an axis that is not there or named twice.
    pub fn new(shape: &[usize], axes: &[i64]) -> Result<Reduce> {
        let mut goes: SmallVec<[bool; 6]> = SmallVec::from_elem(false, shape.len());
        for &axis in axes {
            let index = normalize_axis("reduce", axis, shape.len())?;
            if std::mem::replace(&mut goes[index], true) {
                return Err(Error::Argument {
                    operation: "reduce".to_owned(),
                    argument: "axis".to_owned(),
                    expected: "each axis once".to_owned(),
                    found: format!("{axes:?}"),
                });
            }
        }
        let input = Shape::from(shape).checked_elements()?;
        let keep = |keepdims: bool| -> Shape {
            shape.iter().zip(&goes).filter(|&(_, &g)| keepdims || !g).map(|(&d, &g)| if g { 1 } else { d }).collect()
        };
        let shapes = [keep(false), keep(true)];
        let (mut kept, mut gone): (Axes, Axes) = Default::default();
        let mut step = 1;
        for (&length, &goes) in shape.iter().zip(&goes).rev() {
            if length != 1 {
                let axes = if goes { &mut gone } else { &mut kept };
                match axes.last_mut() {
                    Some((inner, inner_step)) if *inner * *inner_step == step => *inner *= length,
                    _ => axes.push((length, step)),
                }
            }
            step *= length;
        }
        kept.reverse();
        gone.reverse();
        let reduced = shape.iter().zip(&goes).filter(|&(_, &g)| g).map(|(&d, _)| d).product();
        let output = shapes[0].checked_elements()?;
        Ok(Reduce { input, output, reduced, shapes, kept, gone })
    }

    /// Plans for reducing all axes.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn all(shape: &[usize]) -> Result<Reduce> {
        let axes: SmallVec<[i64; 6]> = (0..shape.len() as i64).collect();
        Reduce::new(shape, &axes)
    }

    /// The shape of the output, without the reduced axes or with them as 1.
    pub fn shape(&self, keepdims: bool) -> &Shape {
        &self.shapes[usize::from(keepdims)]
    }

    /// Number of elements that fall together in one of the output.
    pub fn count(&self) -> usize {
        self.reduced
    }

    /// Reduces numbers. Sums are made in blocks, so that their error grows far slower than the number of elements.
    ///
    /// # Panics
    /// When a length is not the planned one.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::reduce::{Reduce, Reduction};
    /// let plan = Reduce::new(&[2, 3], &[0])?;
    /// let mut out = [0f32; 3];
    /// plan.run(Reduction::Mean, &[1., 2., 3., 5., 6., 7.], &mut out);
    /// assert_eq!(out, [3., 4., 5.]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    pub fn run<T: Number>(&self, reduction: Reduction, x: &[T], out: &mut [T]) {
        match reduction {
            Reduction::Sum => self.fold(x, out, T::ZERO, T::plus),
            Reduction::Prod => self.fold(x, out, T::ONE, T::times),
            Reduction::Max => self.fold(x, out, T::LOWEST, T::larger),
            Reduction::Min => self.fold(x, out, T::HIGHEST, T::smaller),
            Reduction::Mean => {
                self.fold(x, out, T::ZERO, T::plus);
                let count = T::from_count(self.reduced);
                out.iter_mut().for_each(|v| *v = v.over(count));
            }
        }
    }

    /// Reduces with any operation that is associative and commutative and has the neutral element `start`: `all` is
    /// `fold(x, out, true, |a, b| a && b)`.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn fold<T: Copy + Send + Sync>(&self, x: &[T], out: &mut [T], start: T, f: impl Fn(T, T) -> T + Copy + Sync) {
        assert_eq!(x.len(), self.input, "reduce: the input has another length than planned");
        assert_eq!(out.len(), self.output, "reduce: the output has another length than planned");
        if x.is_empty() {
            return out.fill(start);
        }
        let grain = (GRAIN / self.reduced.max(1)).max(1);
        let inner_step = self.gone.last().map_or(0, |&(_, step)| step);
        if self.gone.is_empty() {
            return out.copy_from_slice(x);
        }
        if inner_step == 1 {
            // Reduced elements lie together.
            let (length, _) = self.gone[self.gone.len() - 1];
            let outer = &self.gone[..self.gone.len() - 1];
            let rows: usize = outer.iter().map(|a| a.0).product();
            return split_rows(out, 1, grain, |first, out| {
                for (i, out) in out.iter_mut().enumerate() {
                    let base = offset(&self.kept, first + i);
                    *out = start;
                    for row in 0..rows {
                        let at = base + offset(outer, row);
                        *out = f(*out, fold_slice(&x[at..at + length], start, f));
                    }
                }
            });
        }
        // Kept elements lie together: whole rows are combined.
        let (length, _) = self.kept[self.kept.len() - 1];
        let outer = &self.kept[..self.kept.len() - 1];
        split_rows(out, length, grain, |first, out| {
            for (i, out) in out.chunks_exact_mut(length).enumerate() {
                let base = offset(outer, first + i);
                match self.gone[..] {
                    [(_, step)] => fold_rows(x, |row| base + row * step, self.reduced, out, start, f),
                    _ => fold_rows(x, |row| base + offset(&self.gone, row), self.reduced, out, start, f),
                }
            }
        });
    }
}

/// The index of an axis that may count from the end.
///
/// # Errors
/// [`Error::Argument`] where there is no such axis.
pub fn normalize_axis(operation: &str, axis: i64, rank: usize) -> Result<usize> {
    let index = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(index).ok().filter(|&i| i < rank).ok_or_else(|| Error::Argument {
        operation: operation.to_owned(),
        argument: "axis".to_owned(),
        expected: format!("-{rank}..{rank}"),
        found: axis.to_string(),
    })
}

fn offset(axes: &[(usize, usize)], mut index: usize) -> usize {
    let mut offset = 0;
    for &(length, step) in axes.iter().rev() {
        offset += index % length * step;
        index /= length;
    }
    offset
}

/// Elements combined one after the other before their result joins those of other blocks.
const BLOCK: usize = 128;

/// Combines a slice: 16 lanes within blocks, blocks by halves.
fn fold_slice<T: Copy>(x: &[T], start: T, f: impl Fn(T, T) -> T + Copy) -> T {
    if x.len() > BLOCK * 16 {
        let (a, b) = x.split_at((x.len() / 2).next_multiple_of(16));
        return f(fold_slice(a, start, f), fold_slice(b, start, f));
    }
    let mut lanes = [start; 16];
    let chunks = x.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] = f(lanes[i], chunk[i]);
        }
    }
    for (lane, &v) in lanes.iter_mut().zip(rest) {
        *lane = f(*lane, v);
    }
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] = f(lanes[i], lanes[i + half]);
        }
    }
    lanes[0]
}

/// Combines rows as long as `out`, which begin at `place(row)`, in strips of columns: [`BLOCK`] rows, then [`BLOCK`] results of such blocks, then
/// those.
#[inline(always)]
fn fold_rows<T: Copy>(
    x: &[T],
    place: impl Fn(usize) -> usize,
    rows: usize,
    out: &mut [T],
    start: T,
    f: impl Fn(T, T) -> T + Copy,
) {
    const STRIP: usize = 128;
    out.fill(start);
    let add = |to: &mut [T], from: &[T]| to.iter_mut().zip(from).for_each(|(to, &v)| *to = f(*to, v));
    for (s, out) in out.chunks_mut(STRIP).enumerate() {
        let mut blocks = [start; STRIP];
        for block in (0..rows).step_by(BLOCK) {
            let mut strip = [start; STRIP];
            for row in block..(block + BLOCK).min(rows) {
                let at = place(row) + s * STRIP;
                add(&mut strip, &x[at..at + out.len()]);
            }
            add(&mut blocks[..out.len()], &strip);
            if (block / BLOCK + 1).is_multiple_of(BLOCK) {
                add(out, &blocks);
                blocks = [start; STRIP];
            }
        }
        add(out, &blocks);
    }
}

wide! {
    fn sum_columns_wide[T: Float](x: &[T], columns: usize, first: usize, out: &mut [T]) {
        fold_rows(x, |row| row * columns + first, x.len() / columns, out, T::ZERO, |a, b| a + b);
    }
}

/// Column sums of `[rows, columns]` into `out`, which is overwritten.
pub(crate) fn sum_rows<T: Float>(x: &[T], columns: usize, out: &mut [T]) {
    sum_columns(x, columns, 0, &mut out[..columns]);
}

/// Sums of the columns of `[rows, columns]` from `first` on, as many as `out` has room for.
pub(crate) fn sum_columns<T: Float>(x: &[T], columns: usize, first: usize, out: &mut [T]) {
    if columns == 0 || x.is_empty() {
        return out.fill(T::ZERO);
    }
    sum_columns_wide(x, columns, first, out);
}

/// Sum of a slice in blocks, 0 of nothing.
///
/// # Example
/// ```
/// assert_eq!(kerox_tensor::kernels::reduce::sum(&[1f32, 2.0, 3.5]), 6.5);
/// ```
pub fn sum<T: Number>(x: &[T]) -> T {
    fold_slice(x, T::ZERO, T::plus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(shape: &[usize], goes: &[bool], x: &[f64], start: f64, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let kept: Vec<usize> = shape.iter().zip(goes).filter(|g| !g.1).map(|g| *g.0).collect();
        let mut out = vec![start; kept.iter().product()];
        for (i, &v) in x.iter().enumerate() {
            let (mut left, mut at, mut step) = (i, 0, 1);
            for axis in (0..shape.len()).rev() {
                if !goes[axis] {
                    at += left % shape[axis] * step;
                    step *= shape[axis];
                }
                left /= shape[axis];
            }
            out[at] = f(out[at], v);
        }
        out
    }

    proptest! {
        #[test]
        fn equals_the_loop(shape in prop::collection::vec(0usize..6, 0..5), mask in 0u32..32) {
            let goes: Vec<bool> = (0..shape.len()).map(|i| mask >> i & 1 == 1).collect();
            let axes: Vec<i64> = (0..shape.len()).filter(|&i| goes[i]).map(|i| i as i64 - shape.len() as i64).collect();
            let n: usize = shape.iter().product();
            let x: Vec<f64> = (0..n).map(|i| ((i * 37 % 101) as f64 - 50.0) / 8.0).collect();
            let plan = Reduce::new(&shape, &axes).unwrap();
            let mut out = vec![9.0; plan.shape(false).elements()];
            plan.run(Reduction::Sum, &x, &mut out);
            prop_assert_eq!(&out, &naive(&shape, &goes, &x, 0.0, |a, b| a + b));
            plan.run(Reduction::Max, &x, &mut out);
            prop_assert_eq!(&out, &naive(&shape, &goes, &x, f64::NEG_INFINITY, f64::max));
            plan.run(Reduction::Min, &x, &mut out);
            prop_assert_eq!(&out, &naive(&shape, &goes, &x, f64::INFINITY, f64::min));
            prop_assert_eq!(plan.shape(true).rank(), shape.len());
        }
    }

    #[test]
    fn long_sums_stay_accurate() {
        let x = vec![0.1f32; 3_000_000];
        let expected = 0.1f32 as f64 * 3e6;
        let close = |found: f32| assert!((f64::from(found) - expected).abs() / expected < 1e-6, "{found}");
        close(sum(&x));
        let mut out = [0f32; 3];
        Reduce::new(&[1_000_000, 3], &[0]).unwrap().run(Reduction::Mean, &x, &mut out);
        assert!(out.iter().all(|v| (v - 0.1).abs() < 1e-6), "{out:?}");
    }

    #[test]
    fn means_products_and_booleans() {
        let plan = Reduce::all(&[2, 2]).unwrap();
        let mut out = [0i32];
        plan.run(Reduction::Prod, &[1, 2, 3, 4], &mut out);
        assert_eq!(out, [24]);
        plan.run(Reduction::Mean, &[1, 2, 3, 5], &mut out);
        assert_eq!(out, [2]);
        let mut out = [false];
        plan.fold(&[true, true, true, false], &mut out, true, |a, b| a && b);
        assert_eq!(out, [false]);
        let mut out = [0f32];
        Reduce::all(&[0]).unwrap().run(Reduction::Mean, &[], &mut out);
        assert!(out[0].is_nan());
    }

    #[test]
    fn nan_is_not_lost() {
        let mut out = [0f32];
        for x in [[1.0, f32::NAN, 2.0], [f32::NAN, 1.0, 2.0], [1.0, 2.0, f32::NAN]] {
            Reduce::all(&[3]).unwrap().run(Reduction::Max, &x, &mut out);
            assert!(out[0].is_nan());
            Reduce::all(&[3]).unwrap().run(Reduction::Min, &x, &mut out);
            assert!(out[0].is_nan());
        }
    }

    #[test]
    fn bad_axes_are_refused() {
        let error = Reduce::new(&[2, 3], &[2]).unwrap_err();
        assert_eq!(error.to_string(), "reduce argument `axis`: expected -2..2, found 2");
        let error = Reduce::new(&[2, 3], &[0, -2]).unwrap_err();
        assert_eq!(error.to_string(), "reduce argument `axis`: expected each axis once, found [0, -2]");
    }
}
