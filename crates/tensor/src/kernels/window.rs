//! Windows that slide over 1, 2 or 3 spatial axes: the geometry that convolutions and pooling share.

use crate::parallel::GRAIN;
use crate::{Error, Result};

/// How the borders are filled, in TensorFlow's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As many outputs as strides fit into the input; what is missing is filled evenly, the odd one at the end.
    Same,
    /// Nothing is filled: windows lie inside.
    Valid,
    /// Elements before and after each spatial axis.
    Explicit(Vec<(usize, usize)>),
}

/// A window sliding over spatial axes. Fewer than three axes are led by axes of length 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub(crate) rank: usize,
    pub(crate) input: [usize; 3],
    pub(crate) output: [usize; 3],
    pub(crate) kernel: [usize; 3],
    pub(crate) strides: [usize; 3],
    pub(crate) dilations: [usize; 3],
    pub(crate) before: [usize; 3],
}

impl Window {
    /// A window of `kernel` elements over spatial axes of the lengths `input`.
    ///
    /// # Arguments
    /// All slices have one entry a spatial axis. `strides` are elements of the input from one window to the next,
    /// `dilations` elements from one tap of the window to the next.
    ///
    /// # Errors
    /// [`Error::Argument`] for other than 1 to 3 axes, slices of different lengths, zeros, and windows larger than the
    /// padded input.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::window::{Padding, Window};
    /// let window = Window::new(&[5, 5], &[3, 3], &[2, 2], &[1, 1], &Padding::Same)?;
    /// assert_eq!(window.output(), [3, 3]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    pub fn new(
        input: &[usize],
        kernel: &[usize],
        strides: &[usize],
        dilations: &[usize],
        padding: &Padding,
    ) -> Result<Window> {
        let wrong = |argument: &str, expected: String, found: String| Error::Argument {
            operation: "slide window".to_owned(),
            argument: argument.to_owned(),
            expected,
            found,
        };
        let rank = input.len();
        if !(1..=3).contains(&rank) {
            return Err(wrong("input", "1 to 3 spatial axes".to_owned(), format!("{input:?}")));
        }
        for (name, values) in [("kernel", kernel), ("strides", strides), ("dilations", dilations)] {
            if values.len() != rank || values.contains(&0) {
                return Err(wrong(name, format!("{rank} numbers of at least 1"), format!("{values:?}")));
            }
        }
        if let Padding::Explicit(pairs) = padding
            && pairs.len() != rank
        {
            return Err(wrong("padding", format!("{rank} pairs"), format!("{pairs:?}")));
        }
        let lead = 3 - rank;
        let mut w = Window {
            rank,
            input: [1; 3],
            output: [1; 3],
            kernel: [1; 3],
            strides: [1; 3],
            dilations: [1; 3],
            before: [0; 3],
        };
        for i in 0..rank {
            let (length, stride) = (input[i], strides[i]);
            let reach = (kernel[i] - 1)
                .checked_mul(dilations[i])
                .and_then(|reach| reach.checked_add(1))
                .ok_or_else(|| wrong("dilations", "a window that fits".to_owned(), format!("{dilations:?}")))?;
            let fits = |padded: Option<usize>| match padded.and_then(|padded| padded.checked_sub(reach)) {
                Some(room) => Ok(room / stride + 1),
                None => {
                    let found = format!("{kernel:?} dilated by {dilations:?} over {input:?}");
                    Err(wrong("kernel", "a window no larger than the padded input".to_owned(), found))
                }
            };
            let (output, before) = match padding {
                Padding::Valid => (fits(Some(length))?, 0),
                Padding::Same => {
                    let output = length.div_ceil(stride);
                    let total = (output.max(1) - 1).saturating_mul(stride).saturating_add(reach).saturating_sub(length);
                    (output, total / 2)
                }
                Padding::Explicit(pairs) => {
                    let (before, after) = pairs[i];
                    (fits(length.checked_add(before).and_then(|l| l.checked_add(after)))?, before)
                }
            };
            w.input[lead + i] = length;
            w.output[lead + i] = output;
            w.kernel[lead + i] = kernel[i];
            w.strides[lead + i] = stride;
            w.dilations[lead + i] = dilations[i];
            w.before[lead + i] = before;
        }
        Ok(w)
    }

    /// Lengths of the spatial axes of the output.
    pub fn output(&self) -> &[usize] {
        &self.output[3 - self.rank..]
    }

    /// Lengths of the spatial axes of the input.
    pub fn input(&self) -> &[usize] {
        &self.input[3 - self.rank..]
    }

    /// Elements filled in before each spatial axis.
    pub fn before(&self) -> &[usize] {
        &self.before[3 - self.rank..]
    }

    /// Positions of the input, of the output, taps of the window.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.input.iter().product(), self.output.iter().product(), self.kernel.iter().product())
    }

    /// Whether the window is one element wide, moves by one and so touches each input once.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1; 3] && self.strides == [1; 3] && self.before == [0; 3] && self.input == self.output
    }

    /// Calls `f(tap, position in the input)` for all taps of the window at output position `at` that lie inside.
    #[inline(always)]
    pub(crate) fn taps(&self, at: usize, mut f: impl FnMut(usize, usize)) {
        let x = at % self.output[2];
        let y = at / self.output[2] % self.output[1];
        let z = at / self.output[2] / self.output[1];
        let inside = |axis: usize, out: usize, tap: usize| {
            (out * self.strides[axis] + tap * self.dilations[axis])
                .checked_sub(self.before[axis])
                .filter(|&i| i < self.input[axis])
        };
        for kz in 0..self.kernel[0] {
            let Some(z) = inside(0, z, kz) else { continue };
            for ky in 0..self.kernel[1] {
                let Some(y) = inside(1, y, ky) else { continue };
                for kx in 0..self.kernel[2] {
                    let Some(x) = inside(2, x, kx) else { continue };
                    let tap = (kz * self.kernel[1] + ky) * self.kernel[2] + kx;
                    f(tap, (z * self.input[1] + y) * self.input[2] + x);
                }
            }
        }
    }

    /// The taps of the window at output position `at` that lie inside, line by line, for windows without dilations: the
    /// first tap of a line and the positions of the input from that tap on.
    #[inline(always)]
    pub(crate) fn lines(&self, at: usize) -> Lines {
        let [_, out_y, out_x] = self.output;
        let inside = |axis: usize, out: usize| {
            let (start, before) = (out * self.strides[axis], self.before[axis]);
            let first = before.saturating_sub(start).min(self.kernel[axis]);
            let last = (self.input[axis] + before).saturating_sub(start).clamp(first, self.kernel[axis]);
            (first, last, (start + first).saturating_sub(before))
        };
        let (first_x, last_x, x) = inside(2, at % out_x);
        let (first_y, last_y, y) = inside(1, at / out_x % out_y);
        let (first_z, last_z, z) = inside(0, at / out_x / out_y);
        let (heights, width) = (last_y - first_y, last_x - first_x);
        Lines {
            depths: if heights * width == 0 { 0 } else { last_z - first_z },
            heights,
            left: heights,
            width,
            tap: (first_z * self.kernel[1] + first_y) * self.kernel[2] + first_x,
            tap_step: self.kernel[2],
            tap_jump: (self.kernel[1] - heights) * self.kernel[2],
            from: (z * self.input[1] + y) * self.input[2] + x,
            from_step: self.input[2],
            from_jump: (self.input[1] - heights.min(self.input[1])) * self.input[2],
        }
    }

    /// Outputs from which a second thread pays when each needs all taps.
    pub(crate) fn grain(&self) -> usize {
        (GRAIN / self.counts().2).max(64)
    }
}

/// What [`Window::lines`] gives.
pub(crate) struct Lines {
    depths: usize,
    heights: usize,
    /// Lines left of the present depth.
    left: usize,
    width: usize,
    tap: usize,
    tap_step: usize,
    tap_jump: usize,
    from: usize,
    from_step: usize,
    from_jump: usize,
}

impl Iterator for Lines {
    type Item = (usize, std::ops::Range<usize>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.depths == 0 {
            return None;
        }
        let line = (self.tap, self.from..self.from + self.width);
        self.tap += self.tap_step;
        self.from += self.from_step;
        self.left -= 1;
        if self.left == 0 {
            self.depths -= 1;
            self.left = self.heights;
            self.tap += self.tap_jump;
            self.from += self.from_jump;
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: usize, kernel: usize, stride: usize, dilation: usize, padding: Padding, out: usize, before: usize) {
        let w = Window::new(&[input], &[kernel], &[stride], &[dilation], &padding).unwrap();
        assert_eq!((w.output(), w.before()), (&[out][..], &[before][..]));
    }

    #[test]
    fn lengths_follow_tensorflow() {
        check(28, 3, 1, 1, Padding::Same, 28, 1);
        check(28, 2, 2, 1, Padding::Same, 14, 0);
        check(5, 4, 1, 1, Padding::Same, 5, 1);
        check(7, 3, 1, 2, Padding::Same, 7, 2);
        check(7, 3, 2, 1, Padding::Valid, 3, 0);
        check(7, 3, 1, 3, Padding::Valid, 1, 0);
        check(3, 1, 5, 1, Padding::Same, 1, 0);
        check(0, 3, 1, 1, Padding::Same, 0, 1);
        check(7, 3, 2, 1, Padding::Explicit(vec![(3, 0)]), 4, 3);
    }

    #[test]
    fn lines_are_the_taps() {
        for (input, kernel, stride, padding) in [
            ([4, 5, 6], [2, 3, 2], [1, 2, 3], Padding::Same),
            ([1, 7, 7], [1, 3, 3], [1, 2, 2], Padding::Same),
            ([3, 3, 3], [3, 2, 1], [2, 1, 2], Padding::Valid),
            ([2, 2, 2], [4, 5, 3], [1, 1, 1], Padding::Explicit(vec![(3, 2), (0, 4), (2, 2)])),
            ([2, 1, 3], [1, 1, 1], [1, 1, 1], Padding::Explicit(vec![(0, 2), (1, 0), (2, 2)])),
        ] {
            let w = Window::new(&input, &kernel, &stride, &[1; 3], &padding).unwrap();
            for at in 0..w.counts().1 {
                let mut taps = Vec::new();
                w.taps(at, |tap, from| taps.push((tap, from)));
                let lines = w.lines(at).flat_map(|(tap, from)| from.enumerate().map(move |(i, from)| (tap + i, from)));
                assert_eq!(lines.collect::<Vec<_>>(), taps, "{w:?} {at}");
            }
        }
    }

    #[test]
    fn impossible_windows_are_refused() {
        let error = Window::new(&[2, 2], &[3, 3], &[1, 1], &[1, 1], &Padding::Valid).unwrap_err();
        assert_eq!(
            error.to_string(),
            "slide window argument `kernel`: expected a window no larger than the padded input, found [3, 3] dilated \
             by [1, 1] over [2, 2]"
        );
        assert!(Window::new(&[2], &[1], &[0], &[1], &Padding::Same).is_err());
        assert!(Window::new(&[2], &[usize::MAX], &[1], &[3], &Padding::Same).is_err());
        assert!(Window::new(&[], &[], &[], &[], &Padding::Same).is_err());
        assert!(Window::new(&[2], &[1], &[1], &[1], &Padding::Explicit(vec![])).is_err());
        assert!(Window::new(&[2], &[1], &[1], &[1], &Padding::Explicit(vec![(usize::MAX, 1)])).is_err());
    }
}
