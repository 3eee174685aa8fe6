//! Rearrangements that are a walk with other strides: permuting axes, slicing, reversing, tiling, padding.

use smallvec::SmallVec;

use crate::kernels::Number;
use crate::kernels::reduce::normalize_axis;
use crate::parallel::{GRAIN, split_rows};
use crate::{Error, Result, Shape};

/// A walk through an array with a stride for each axis of the output; made once for a shape, run without allocating.
///
/// | rearrangement | forward | gradient |
/// |---|---|---|
/// | permuted axes, slices, reversal | [`View::copy`] | [`View::write`] into zeros |
/// | tiles | [`View::copy`] | [`View::add`] into zeros |
/// | padding with a constant | [`View::write`] of a slice's view into the constant | [`View::copy`] |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    shape: Shape,
    source: usize,
    start: usize,
    /// Joined axes of the output, outermost first: length, elements to step over in the source.
    axes: Axes,
}

type Axes = SmallVec<[(usize, isize); 6]>;

fn wrong(operation: &str, argument: &str, expected: String, found: String) -> Error {
    Error::Argument { operation: operation.to_owned(), argument: argument.to_owned(), expected, found }
}

impl View {
    fn new(shape: Shape, source: usize, start: isize, axes: impl IntoIterator<Item = (usize, isize)>) -> Result<View> {
        shape.checked_elements()?;
        let mut joined = Axes::new();
        for (length, step) in axes.into_iter().filter(|a| a.0 != 1) {
            match joined.last_mut() {
                Some((outer, outer_step)) if *outer_step == length as isize * step => {
                    (*outer, *outer_step) = (*outer * length, step);
                }
                _ => joined.push((length, step)),
            }
        }
        Ok(View { shape, source, start: start.max(0) as usize, axes: joined })
    }

    /// Axes in another order: axis `i` of the output is axis `permutation[i]` of the input.
    ///
    /// # Errors
    /// [`Error::Argument`] where this is no permutation of the axes.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::view::View;
    /// let view = View::permute(&[2, 3], &[1, 0])?;
    /// let mut out = [0; 6];
    /// view.copy(&[1, 2, 3, 4, 5, 6], &mut out);
    /// assert_eq!(out, [1, 4, 2, 5, 3, 6]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    pub fn permute(shape: &[usize], permutation: &[usize]) -> Result<View> {
        let once = |i: usize| permutation.iter().filter(|&&p| p == i).count() == 1;
        if permutation.len() != shape.len() || !(0..shape.len()).all(once) {
            let expected = format!("each of 0..{} once", shape.len());
            return Err(wrong("permute axes", "permutation", expected, format!("{permutation:?}")));
        }
        let from = Shape::from(shape);
        let source = from.checked_elements()?;
        let strides = from.strides();
        let axes: Axes = permutation.iter().map(|&p| (shape[p], strides[p] as isize)).collect();
        View::new(permutation.iter().map(|&p| shape[p]).collect(), source, 0, axes)
    }

    /// `size` elements of each axis from `begin` on, every `strides`-th (negative ones walk backward from `begin`).
    ///
    /// # Errors
    /// [`Error::Argument`] for other numbers of axes, strides of 0 and elements that are not there.
    pub fn slice(shape: &[usize], begin: &[usize], size: &[usize], strides: &[isize]) -> Result<View> {
        let rank = shape.len();
        if begin.len() != rank || size.len() != rank || strides.len() != rank {
            let found = format!("begin {begin:?}, size {size:?}, strides {strides:?}");
            return Err(wrong("slice", "begin", format!("{rank} axes of {shape:?}"), found));
        }
        let from = Shape::from(shape);
        let source = from.checked_elements()?;
        let steps = from.strides();
        let mut start = 0;
        let mut axes = Axes::new();
        for i in 0..rank {
            let last = (size[i] as i128 - 1) * strides[i] as i128 + begin[i] as i128;
            let inside = size[i] == 0 || (begin[i] < shape[i] && (0..shape[i] as i128).contains(&last));
            if !inside || strides[i] == 0 {
                let found = format!("{} from {} by {}", size[i], begin[i], strides[i]);
                return Err(wrong("slice", "size", format!("elements inside axis {i} of {shape:?}"), found));
            }
            start += begin[i] as isize * steps[i] as isize;
            // The stride of an axis with at most one element is never used, and may be anything.
            axes.push((size[i], if size[i] > 1 { strides[i] * steps[i] as isize } else { 0 }));
        }
        View::new(Shape::from(size), source, start, axes)
    }

    /// The order of elements along these axes turned round; negative axes count from the end.
    ///
    /// # Errors
    /// [`Error::Argument`] for an axis that is not there.
    pub fn reverse(shape: &[usize], axes: &[i64]) -> Result<View> {
        let mut begin: SmallVec<[usize; 6]> = SmallVec::from_elem(0, shape.len());
        let mut strides: SmallVec<[isize; 6]> = SmallVec::from_elem(1, shape.len());
        for &axis in axes {
            let axis = normalize_axis("reverse", axis, shape.len())?;
            begin[axis] = shape[axis].saturating_sub(1);
            strides[axis] = -1;
        }
        View::slice(shape, &begin, shape, &strides)
    }

    /// The whole array `multiples` times along each axis.
    ///
    /// # Errors
    /// [`Error::Argument`] for other numbers of axes, [`Error::TooLarge`].
    pub fn tile(shape: &[usize], multiples: &[usize]) -> Result<View> {
        if multiples.len() != shape.len() {
            let expected = format!("{} numbers", shape.len());
            return Err(wrong("tile", "multiples", expected, format!("{multiples:?}")));
        }
        let from = Shape::from(shape);
        let source = from.checked_elements()?;
        let steps = from.strides();
        let mut out = Shape::scalar();
        for (&d, &m) in shape.iter().zip(multiples) {
            out.push(d.checked_mul(m).ok_or_else(|| Error::TooLarge { shape: Shape::from(multiples) })?);
        }
        let axes = (0..shape.len()).flat_map(|i| [(multiples[i], 0), (shape[i], steps[i] as isize)]);
        View::new(out, source, 0, axes.collect::<Axes>())
    }

    /// The place of an array inside a padded one: a view of the padded array, for [`View::write`].
    ///
    /// # Arguments
    /// `padding` are the elements before and after each axis.
    ///
    /// # Errors
    /// [`Error::Argument`] for other numbers of axes, [`Error::TooLarge`].
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::view::View;
    /// let (view, padded) = View::pad(&[2], &[(1, 2)])?;
    /// let mut out = vec![0; padded.elements()];
    /// view.write(&[7, 8], &mut out);
    /// assert_eq!(out, [0, 7, 8, 0, 0]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    pub fn pad(shape: &[usize], padding: &[(usize, usize)]) -> Result<(View, Shape)> {
        if padding.len() != shape.len() {
            return Err(wrong("pad", "padding", format!("{} pairs", shape.len()), format!("{padding:?}")));
        }
        let mut padded = Shape::scalar();
        for (&d, &(before, after)) in shape.iter().zip(padding) {
            let sum = d.checked_add(before).and_then(|d| d.checked_add(after));
            padded.push(sum.ok_or_else(|| Error::TooLarge { shape: Shape::from(shape) })?);
        }
        padded.checked_elements()?;
        let begin: SmallVec<[usize; 6]> = padding.iter().map(|p| p.0).collect();
        let view = View::slice(&padded, &begin, shape, &SmallVec::<[isize; 6]>::from_elem(1, shape.len()))?;
        Ok((view, padded))
    }

    /// The shape of what is seen.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    fn check(&self, source: usize, seen: usize) {
        assert_eq!(source, self.source, "view: the array has another length than planned");
        assert_eq!(seen, self.shape.elements(), "view: what is seen has another length than {}", self.shape);
    }

    /// `out = view of x`.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn copy<T: Copy + Send + Sync>(&self, x: &[T], out: &mut [T]) {
        self.check(x.len(), out.len());
        if out.is_empty() {
            return;
        }
        let Some(&(length, step)) = self.axes.first() else {
            out[0] = x[self.start];
            return;
        };
        let row = out.len() / length;
        split_rows(out, row, GRAIN, |first, out| {
            let mut axes = self.axes.clone();
            axes[0].0 = out.len() / row;
            copy_axes(&axes, x, self.start as isize + first as isize * step, out);
        });
    }

    /// `view of x = seen`; other elements of `x` stay as they are.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn write<T: Copy>(&self, seen: &[T], x: &mut [T]) {
        self.check(x.len(), seen.len());
        self.rows(|at, step, from, length| {
            let seen = &seen[from..from + length];
            if step == 1 {
                x[at as usize..at as usize + length].copy_from_slice(seen);
            } else {
                seen.iter().enumerate().for_each(|(i, &v)| x[(at + i as isize * step) as usize] = v);
            }
        });
    }

    /// `view of x += seen`, one after the other where the view shows an element several times.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn add<T: Number>(&self, seen: &[T], x: &mut [T]) {
        self.check(x.len(), seen.len());
        self.rows(|at, step, from, length| {
            let seen = &seen[from..from + length];
            if step == 1 {
                let x = &mut x[at as usize..at as usize + length];
                x.iter_mut().zip(seen).for_each(|(x, &v)| *x = x.plus(v));
            } else {
                for (i, &v) in seen.iter().enumerate() {
                    let x = &mut x[(at + i as isize * step) as usize];
                    *x = x.plus(v);
                }
            }
        });
    }

    /// Calls `f(offset in the array, its step, offset in what is seen, length)` for every innermost row.
    fn rows(&self, mut f: impl FnMut(isize, isize, usize, usize)) {
        let seen = self.shape.elements();
        if seen == 0 {
            return;
        }
        let Some((&(length, step), outer)) = self.axes.split_last() else { return f(self.start as isize, 1, 0, 1) };
        for row in 0..seen / length {
            let (mut left, mut at) = (row, self.start as isize);
            for &(length, step) in outer.iter().rev() {
                at += (left % length) as isize * step;
                left /= length;
            }
            f(at, step, row * length, length);
        }
    }
}

/// Elements along each side of the tiles in which two axes are exchanged: two tiles fit the first-level cache.
const TILE: usize = 32;

fn copy_axes<T: Copy>(axes: &[(usize, isize)], x: &[T], start: isize, out: &mut [T]) {
    match axes {
        [] => out[0] = x[start as usize],
        &[(length, 1)] => out.copy_from_slice(&x[start as usize..start as usize + length]),
        &[(_, step)] => out.iter_mut().enumerate().for_each(|(i, out)| *out = x[(start + i as isize * step) as usize]),
        // The two innermost axes exchanged: tile by tile, so that cache lines are used whole on both sides.
        &[(rows, 1), (columns, step)] => {
            for first_row in (0..rows).step_by(TILE) {
                for first in (0..columns).step_by(TILE) {
                    let width = TILE.min(columns - first);
                    for row in first_row..(first_row + TILE).min(rows) {
                        let out = &mut out[row * columns + first..][..width];
                        let at = start + row as isize + first as isize * step;
                        out.iter_mut().enumerate().for_each(|(i, out)| *out = x[(at + i as isize * step) as usize]);
                    }
                }
            }
        }
        // The axis that is contiguous in the array lies further out: exchange it with the innermost one likewise.
        &[(rows, 1), (middle, middle_step), (columns, step)] if step != 1 => {
            for first_row in (0..rows).step_by(TILE) {
                for m in 0..middle {
                    for first in (0..columns).step_by(TILE) {
                        let width = TILE.min(columns - first);
                        for row in first_row..(first_row + TILE).min(rows) {
                            let out = &mut out[(row * middle + m) * columns + first..][..width];
                            let at = start + row as isize + m as isize * middle_step + first as isize * step;
                            out.iter_mut().enumerate().for_each(|(i, out)| *out = x[(at + i as isize * step) as usize]);
                        }
                    }
                }
            }
        }
        [(_, step), rest @ ..] => {
            let inner: usize = rest.iter().map(|a| a.0).product();
            for (i, out) in out.chunks_exact_mut(inner).enumerate() {
                copy_axes(rest, x, start + i as isize * step, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Offset into `shape` for each element of `out`, by a function from index to index.
    fn walk(shape: &[usize], out: &[usize], f: impl Fn(usize, &[usize]) -> usize) -> Vec<usize> {
        let n: usize = out.iter().product();
        (0..n)
            .map(|i| {
                let (mut left, mut index) = (i, vec![0; out.len()]);
                for axis in (0..out.len()).rev() {
                    index[axis] = left % out[axis];
                    left /= out[axis];
                }
                (0..shape.len()).fold(0, |at, axis| at * shape[axis] + f(axis, &index))
            })
            .collect()
    }

    fn check(view: &View, shape: &[usize], expected: &[usize]) {
        let n: usize = shape.iter().product();
        let x: Vec<usize> = (0..n).collect();
        let mut out = vec![usize::MAX; expected.len()];
        view.copy(&x, &mut out);
        assert_eq!(out, expected);
        let mut counts = vec![0i64; n];
        view.add(&vec![1i64; out.len()], &mut counts);
        let mut expected_counts = vec![0i64; n];
        expected.iter().for_each(|&at| expected_counts[at] += 1);
        assert_eq!(counts, expected_counts);
        let mut back = vec![usize::MAX; n];
        view.write(&out, &mut back);
        assert!(back.iter().enumerate().all(|(i, &v)| v == if expected_counts[i] > 0 { i } else { usize::MAX }));
    }

    proptest! {
        #[test]
        fn permutations(
            (shape, order) in prop::collection::vec(0usize..5, 0..5)
                .prop_flat_map(|s| { let n = s.len(); (Just(s), Just((0..n).collect::<Vec<_>>()).prop_shuffle()) }),
        ) {
            let view = View::permute(&shape, &order).unwrap();
            let out: Vec<usize> = order.iter().map(|&p| shape[p]).collect();
            let expected = walk(&shape, &out, |axis, index| index[order.iter().position(|&p| p == axis).unwrap()]);
            check(&view, &shape, &expected);
        }

        #[test]
        fn slices(axes in prop::collection::vec((1usize..6, 0usize..6, -3isize..4, 0usize..6), 0..4)) {
            let shape: Vec<usize> = axes.iter().map(|a| a.0).collect();
            let begin: Vec<usize> = axes.iter().map(|a| a.1 % a.0).collect();
            let strides: Vec<isize> = axes.iter().map(|a| if a.2 == 0 { 1 } else { a.2 }).collect();
            let size: Vec<usize> = (0..axes.len())
                .map(|i| {
                    let room = if strides[i] > 0 { shape[i] - 1 - begin[i] } else { begin[i] };
                    axes[i].3.min(room / strides[i].unsigned_abs() + 1)
                })
                .collect();
            let view = View::slice(&shape, &begin, &size, &strides).unwrap();
            let at = |axis: usize, index: &[usize]| (begin[axis] as isize + index[axis] as isize * strides[axis]) as usize;
            check(&view, &shape, &walk(&shape, &size, at));
        }

        #[test]
        fn tiles(axes in prop::collection::vec((1usize..4, 0usize..4), 0..4)) {
            let (shape, multiples): (Vec<usize>, Vec<usize>) = axes.into_iter().unzip();
            let out: Vec<usize> = shape.iter().zip(&multiples).map(|(d, m)| d * m).collect();
            let view = View::tile(&shape, &multiples).unwrap();
            check(&view, &shape, &walk(&shape, &out, |axis, index| index[axis] % shape[axis]));
        }
    }

    #[test]
    fn large_transposes() {
        for (shape, order) in
            [(vec![301, 257], vec![1, 0]), (vec![3, 50, 40, 7], vec![0, 3, 1, 2]), (vec![40, 50, 60], vec![2, 1, 0])]
        {
            let view = View::permute(&shape, &order).unwrap();
            let out: Vec<usize> = order.iter().map(|&p| shape[p]).collect();
            let expected = walk(&shape, &out, |axis, index| index[order.iter().position(|&p| p == axis).unwrap()]);
            check(&view, &shape, &expected);
        }
    }

    #[test]
    fn reversal() {
        check(&View::reverse(&[2, 3], &[-1]).unwrap(), &[2, 3], &[2, 1, 0, 5, 4, 3]);
        check(&View::reverse(&[2, 0], &[0, 1]).unwrap(), &[2, 0], &[]);
    }

    #[test]
    fn impossible_views_are_refused() {
        let error = View::slice(&[4], &[2], &[3], &[1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "slice argument `size`: expected elements inside axis 0 of [4], found 3 from 2 by 1"
        );
        assert!(View::slice(&[4], &[2], &[2], &[0]).is_err());
        assert!(View::slice(&[4], &[1], &[3], &[-1]).is_err());
        assert!(View::slice(&[4], &[0], &[usize::MAX], &[isize::MAX]).is_err());
        assert!(View::permute(&[2, 3], &[0, 0]).is_err());
        assert!(View::tile(&[2], &[usize::MAX]).is_err());
        assert!(View::pad(&[2], &[(usize::MAX, 1)]).is_err());
        assert!(View::pad(&[2], &[]).is_err());
    }
}
