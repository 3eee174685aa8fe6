//! numpy's broadcasting, planned once for a set of shapes.

use smallvec::SmallVec;

use crate::parallel::{GRAIN, split_rows};
use crate::vectorised::vectorised;
use crate::{Error, Result, Shape};

/// How `N` arrays of different shapes are walked together so that they fill one output.
///
/// Axes that lie together in all arrays are joined when the plan is made; running it allocates nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Broadcast<const N: usize> {
    shape: Shape,
    inputs: [usize; N],
    /// Joined axes, outermost first: length, and for each input the elements to step over (0 repeats).
    axes: SmallVec<[(usize, [usize; N]); 4]>,
}

impl<const N: usize> Broadcast<N> {
    /// Plans for these shapes.
    ///
    /// # Errors
    /// [`Error::Shape`] where axes differ and neither is 1, [`Error::TooLarge`].
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::broadcast::Broadcast;
    /// let plan = Broadcast::new([&[2, 1], &[3]])?;
    /// assert_eq!(plan.shape()[..], [2, 3]);
    /// let mut sum = [0; 6];
    /// plan.map2(&[10, 20], &[1, 2, 3], &mut sum, |a, b| a + b);
    /// assert_eq!(sum, [11, 12, 13, 21, 22, 23]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    pub fn new(shapes: [&[usize]; N]) -> Result<Broadcast<N>> {
        let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
        // Length of axis `i` of the output in input `s`.
        let length = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
        let mut shape = Shape::scalar();
        for i in 0..rank {
            let mut out = 1;
            for (n, s) in shapes.iter().enumerate() {
                let d = length(s, i);
                if d != 1 && out != 1 && d != out {
                    return Err(Error::Shape {
                        operation: "broadcast shapes".to_owned(),
                        expected: Shape::from(shapes[0]),
                        found: Shape::from(shapes[n]),
                    });
                }
                out = if d == 1 { out } else { d };
            }
            shape.push(out);
        }
        shape.checked_elements()?;
        let mut steps = [1usize; N];
        let mut axes: SmallVec<[(usize, [usize; N]); 4]> = SmallVec::new();
        for i in (0..rank).rev() {
            if shape[i] == 1 {
                continue;
            }
            let mut strides = [0; N];
            for n in 0..N {
                let d = length(shapes[n], i);
                strides[n] = if d == 1 { 0 } else { steps[n] };
                steps[n] *= d;
            }
            // An axis joins the one inside it when stepping over all of that is one step of this, in every input.
            match axes.last_mut() {
                Some((inner, inner_strides)) if (0..N).all(|n| strides[n] == *inner * inner_strides[n]) => {
                    *inner *= shape[i];
                }
                _ => axes.push((shape[i], strides)),
            }
        }
        axes.reverse();
        if axes.is_empty() {
            axes.push((1, [0; N]));
        }
        let inputs = shapes.map(|s| s.iter().product());
        Ok(Broadcast { shape, inputs, axes })
    }

    /// The shape of the output.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Offsets into the inputs at the beginning of the innermost row `row`.
    fn offsets(&self, mut row: usize) -> [usize; N] {
        let mut offsets = [0; N];
        for (length, strides) in self.axes[..self.axes.len() - 1].iter().rev() {
            let at = row % length;
            row /= length;
            for n in 0..N {
                offsets[n] += at * strides[n];
            }
        }
        offsets
    }

    /// Calls `f(offsets into the inputs, their strides, part of the output)` for every innermost row.
    fn rows<O: Send>(&self, out: &mut [O], f: impl Fn([usize; N], [usize; N], &mut [O]) + Sync) {
        assert_eq!(out.len(), self.shape.elements(), "broadcast: the output has another length than {}", self.shape);
        if out.is_empty() {
            return;
        }
        let (length, strides) = self.axes[self.axes.len() - 1];
        if self.axes.len() == 1 {
            // One row: cut it instead of handing it out whole.
            return split_rows(out, 1, GRAIN, |first, out| f(strides.map(|s| s * first), strides, out));
        }
        split_rows(out, length, GRAIN, |first, out| {
            for (row, out) in out.chunks_exact_mut(length).enumerate() {
                f(self.offsets(first + row), strides, out);
            }
        });
    }

    fn check(&self, n: usize, len: usize) {
        assert_eq!(len, self.inputs[n], "broadcast: input {n} has another length than planned");
    }
}

impl Broadcast<1> {
    /// Plans for repeating one array so that it fills `target`, as `tf.broadcast_to`.
    ///
    /// # Errors
    /// [`Error::Shape`] where `from` does not broadcast to `target`.
    pub fn to(from: &[usize], target: &[usize]) -> Result<Broadcast<1>> {
        let both = Broadcast::new([from, target])?;
        if both.shape[..] != *target {
            return Err(Error::Shape {
                operation: "broadcast".to_owned(),
                expected: Shape::from(target),
                found: Shape::from(from),
            });
        }
        let axes = both.axes.iter().map(|&(length, [stride, _])| (length, [stride])).collect();
        Ok(Broadcast { shape: both.shape, inputs: [both.inputs[0]], axes })
    }

    /// `out = f(a)`.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn map<A: Copy + Sync, O: Send>(&self, a: &[A], out: &mut [O], f: impl Fn(A) -> O + Sync) {
        self.check(0, a.len());
        self.rows(out, |[a_at], [a_step], out| {
            let a = &a[a_at..];
            if a_step == 1 {
                out.iter_mut().zip(a).for_each(|(out, &a)| *out = f(a));
            } else {
                out.iter_mut().enumerate().for_each(|(i, out)| *out = f(a[i * a_step]));
            }
        });
    }
}

impl Broadcast<2> {
    /// `out = f(a, b)`.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn map2<A: Copy + Sync, B: Copy + Sync, O: Send>(
        &self,
        a: &[A],
        b: &[B],
        out: &mut [O],
        f: impl Fn(A, B) -> O + Sync,
    ) {
        self.check(0, a.len());
        self.check(1, b.len());
        self.rows(out, |[a_at, b_at], steps, out| {
            let (a, b) = (&a[a_at..], &b[b_at..]);
            match steps {
                [1, 1] => out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (&a, &b))| *out = f(a, b)),
                [0, 1] => {
                    let a = a[0];
                    out.iter_mut().zip(b).for_each(|(out, &b)| *out = f(a, b));
                }
                [1, 0] => {
                    let b = b[0];
                    out.iter_mut().zip(a).for_each(|(out, &a)| *out = f(a, b));
                }
                [a_step, b_step] => {
                    out.iter_mut().enumerate().for_each(|(i, out)| *out = f(a[i * a_step], b[i * b_step]));
                }
            }
        });
    }

    /// `out = f(out, b)`, where the first array has the shape of the output and lies there.
    ///
    /// # Panics
    /// When a length is not the planned one.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::broadcast::Broadcast;
    /// let mut x = [1, 2, 3, 4];
    /// Broadcast::new([&[2, 2], &[2, 1]])?.map2_in_place(&mut x, &[10, 20], |x, b| x + b);
    /// assert_eq!(x, [11, 12, 23, 24]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    pub fn map2_in_place<A: Copy + Send, B: Copy + Sync>(&self, out: &mut [A], b: &[B], f: impl Fn(A, B) -> A + Sync) {
        self.check(0, out.len());
        self.check(1, b.len());
        self.rows(out, |[_, at], [_, step], out| {
            let b = &b[at..];
            vectorised(|| match step {
                0 => {
                    let b = b[0];
                    out.iter_mut().for_each(|out| *out = f(*out, b));
                }
                1 => out.iter_mut().zip(b).for_each(|(out, &b)| *out = f(*out, b)),
                step => out.iter_mut().enumerate().for_each(|(i, out)| *out = f(*out, b[i * step])),
            });
        });
    }
}

impl Broadcast<3> {
    /// `out = f(a, b, c)`, such as a choice between `b` and `c` by `a`.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn map3<A: Copy + Sync, B: Copy + Sync, C: Copy + Sync, O: Send>(
        &self,
        a: &[A],
        b: &[B],
        c: &[C],
        out: &mut [O],
        f: impl Fn(A, B, C) -> O + Sync,
    ) {
        self.check(0, a.len());
        self.check(1, b.len());
        self.check(2, c.len());
        self.rows(out, |[a_at, b_at, c_at], steps, out| {
            let (a, b, c) = (&a[a_at..], &b[b_at..], &c[c_at..]);
            if steps == [1, 1, 1] {
                let inputs = a.iter().zip(b).zip(c);
                return out.iter_mut().zip(inputs).for_each(|(out, ((&a, &b), &c))| *out = f(a, b, c));
            }
            let [a_step, b_step, c_step] = steps;
            out.iter_mut().enumerate().for_each(|(i, out)| *out = f(a[i * a_step], b[i * b_step], c[i * c_step]));
        });
    }
}

/// The axes along which `from` is repeated to fill `target`: a gradient is summed over them. Axes are those of
/// `target`.
pub fn repeated_axes<'a>(from: &'a [usize], target: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    let missing = target.len().saturating_sub(from.len());
    (0..target.len()).filter(move |&i| i < missing || (from[i - missing] == 1 && target[i] != 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(shape: &[usize], a: &[usize]) -> Vec<usize> {
        let n: usize = shape.iter().product();
        (0..n)
            .map(|mut i| {
                let (mut offset, mut step) = (0, 1);
                for axis in (0..shape.len()).rev() {
                    let at = i % shape[axis];
                    i /= shape[axis];
                    if let Some(j) = (axis + a.len()).checked_sub(shape.len()) {
                        offset += if a[j] == 1 { 0 } else { at * step };
                        step *= a[j];
                    }
                }
                offset
            })
            .collect()
    }

    proptest! {
        #[test]
        fn equals_numpy(
            shape in prop::collection::vec(0usize..5, 0..5), mask in 0u32..4096, cut in (0usize..5, 0usize..5, 0usize..5),
        ) {
            let thin = |shift: u32, cut: usize| -> Vec<usize> {
                let cut = cut.min(shape.len());
                (cut..shape.len()).map(|i| if mask >> (shift + i as u32) & 1 == 1 { 1 } else { shape[i] }).collect()
            };
            let (a, b, c) = (thin(0, cut.0), thin(4, cut.1), thin(8, cut.2));
            let plan = Broadcast::new([&a, &b, &c]).unwrap();
            let n = |s: &[usize]| (0..s.iter().product::<usize>()).collect::<Vec<_>>();
            let out = plan.shape().clone();
            let mut found = vec![(0, 0, 0); out.elements()];
            plan.map3(&n(&a), &n(&b), &n(&c), &mut found, |a, b, c| (a, b, c));
            let expected: Vec<_> = (0..found.len())
                .map(|i| (naive(&out, &a)[i], naive(&out, &b)[i], naive(&out, &c)[i]))
                .collect();
            prop_assert_eq!(found, expected);
            let plan = Broadcast::new([&a, &b]).unwrap();
            let out = plan.shape().clone();
            let mut found = vec![(0, 0); out.elements()];
            plan.map2(&n(&a), &n(&b), &mut found, |a, b| (a, b));
            let expected: Vec<_> = (0..found.len()).map(|i| (naive(&out, &a)[i], naive(&out, &b)[i])).collect();
            prop_assert_eq!(found, expected);
            let plan = Broadcast::to(&a, &out).unwrap();
            let mut found = vec![0; out.elements()];
            plan.map(&n(&a), &mut found, |a| a);
            prop_assert_eq!(found, naive(&out, &a));
        }
    }

    #[test]
    fn clashing_shapes_are_refused() {
        let error = Broadcast::new([&[2, 3], &[2]]).unwrap_err();
        assert_eq!(error.to_string(), "broadcast shapes: expected shape [2, 3], found [2]");
        assert!(Broadcast::to(&[2, 3], &[3]).is_err());
        assert!(Broadcast::new([&[1 << 40, 1], &[1, 1 << 40]]).is_err());
    }

    #[test]
    fn joined_axes() {
        assert_eq!(Broadcast::new([&[4, 5, 6], &[4, 5, 6]]).unwrap().axes.len(), 1);
        assert_eq!(Broadcast::new([&[4, 5, 6], &[6]]).unwrap().axes.len(), 2);
        assert_eq!(Broadcast::new([&[4, 5, 6], &[]]).unwrap().axes.len(), 1);
    }

    #[test]
    fn gradients_are_summed_over_repeated_axes() {
        assert_eq!(repeated_axes(&[3, 1], &[2, 3, 4]).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(repeated_axes(&[1], &[1]).count(), 0);
    }
}
