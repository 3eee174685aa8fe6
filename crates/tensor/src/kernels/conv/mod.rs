//! Convolutions over 1, 2 or 3 spatial axes, channels last.
//!
//! Windows are rows of a matrix that is multiplied by the filter (`[taps * channels, filters]` as it lies). The kernels of
//! this crate read the windows where they lie in the input. For other backends, for gradients and where there are few
//! channels, those of a block of output positions are laid out, as rows or (few channels) as columns; blocks are small
//! enough to stay in a cache, and each thread makes its own. Windows of one element are a matrix as they lie.

mod columns;

use std::ops::Range;

use crate::kernels::Float;
use crate::kernels::gemm::{Layout, Matrix, Pieces, gemm_pieces, gemm_strided, takes_pieces};
use crate::kernels::window::{Padding, Window};
use crate::parallel::{GRAIN, WORK, parts_for_work, split_each, split_rows, threads};
use crate::{Error, Result, Shape, vectorised};

/// A convolution planned for its shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvPlan {
    window: Window,
    batch: usize,
    channels: usize,
    filters: usize,
    groups: usize,
    /// Output positions whose windows are laid out at once.
    block: usize,
}

/// Elements of one block of windows that are aimed at: small enough for the second-level cache, large enough for the
/// matrix product to run at full speed.
const BLOCK_ELEMENTS: usize = 1 << 16;
/// Elements of a filter beyond which it does not stay in a near cache beside the windows: then many windows at a time make
/// use of each of its elements.
const LARGE_FILTER: usize = 1 << 18;
/// Windows laid out at once for such a filter.
const LARGE_ROWS: usize = 256;
/// Elements of the result of a product without windows that are made at once.
const PRODUCT_ELEMENTS: usize = 1 << 16;
/// Rows of such a result that are made at once at least: copies of the filter have to pay.
const PRODUCT_ROWS: usize = 192;
/// Channels up to which windows may be laid out as columns.
const FEW_CHANNELS: usize = 4;
/// Elements of a window lying together from which they are laid out as rows all the same.
const LONG_RUN: usize = 12;
/// Channels from which windows are read in the input.
const MANY_CHANNELS: usize = 32;

impl ConvPlan {
    /// Plans for an input and a filter. The number of groups follows from their channels.
    ///
    /// # Shapes
    /// `input` is `[batch, spatial..., channels]`, `filter` is `[kernel..., channels / groups, filters]`; `strides` and
    /// `dilations` have one entry a spatial axis.
    ///
    /// # Errors
    /// [`Error::Argument`] for ranks other than 3 to 5, channels that do not divide, and what [`Window::new`] refuses;
    /// [`Error::TooLarge`].
    pub fn new(
        input: &[usize],
        filter: &[usize],
        strides: &[usize],
        dilations: &[usize],
        padding: &Padding,
    ) -> Result<ConvPlan> {
        let wrong = |argument: &str, expected: &str, found: String| Error::Argument {
            operation: "convolve".to_owned(),
            argument: argument.to_owned(),
            expected: expected.to_owned(),
            found,
        };
        let rank = input.len();
        if !(3..=5).contains(&rank) || filter.len() != rank {
            let found = format!("input {input:?}, filter {filter:?}");
            return Err(wrong("filter", "the rank of the input, which is 3, 4 or 5", found));
        }
        let window = Window::new(&input[1..rank - 1], &filter[..rank - 2], strides, dilations, padding)?;
        let (channels, depth, filters) = (input[rank - 1], filter[rank - 2], filter[rank - 1]);
        let groups = channels.checked_div(depth).unwrap_or(0);
        if groups == 0 || groups * depth != channels || filters % groups != 0 {
            let found = format!("input {input:?}, filter {filter:?}");
            return Err(wrong(
                "filter",
                "channels that divide the input's, in as many groups as divide the filters",
                found,
            ));
        }
        let (inputs, outputs, taps) = window.counts();
        for shape in [[input[0], inputs, channels], [input[0], outputs, filters], [taps, channels, filters]] {
            Shape::from(shape).checked_elements()?;
        }
        let patch = Shape::from([taps, depth]).checked_elements()?.max(1);
        let positions = input[0] * outputs;
        let least = if patch.saturating_mul(filters) > LARGE_FILTER { LARGE_ROWS } else { 16 };
        let block = (BLOCK_ELEMENTS / patch).max(least).min(positions);
        Ok(ConvPlan { window, batch: input[0], channels, filters, groups, block })
    }

    /// The shape of the output: `[batch, spatial..., filters]`.
    pub fn output_shape(&self) -> Shape {
        let mut shape = Shape::from([self.batch]);
        self.window.output().iter().for_each(|&d| shape.push(d));
        shape.push(self.filters);
        shape
    }

    /// Number of groups of channels.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Elements of scratch room that the functions need.
    pub fn scratch_len(&self) -> usize {
        if self.is_product() {
            return 0;
        }
        let forward = parts_for_work(self.work()) * self.block_room();
        (self.filter_len() + self.wanted_parts() * self.part_room()).max(forward)
    }

    fn filter_len(&self) -> usize {
        self.patch() * self.filters
    }

    /// Elements of a block of windows: the scratch room of one part of the convolution.
    fn block_room(&self) -> usize {
        self.block * self.patch()
    }

    /// Elements of scratch room of one part of a gradient: the filter's gradient and a block.
    fn part_room(&self) -> usize {
        self.block_room() + self.filter_len()
    }

    /// Multiplications.
    fn work(&self) -> usize {
        self.positions().saturating_mul(self.patch()).saturating_mul(self.filters / self.groups)
    }

    /// Parts of a gradient that pay: one a thread, since each has a filter's gradient to make.
    fn wanted_parts(&self) -> usize {
        threads().min(self.work() / WORK).max(1)
    }

    /// Parts of a gradient for which there is room.
    fn parts(&self, scratch: usize) -> usize {
        (scratch.saturating_sub(self.filter_len()) / self.part_room().max(1)).clamp(1, self.wanted_parts())
    }

    /// Whether blocks of windows hold one window a column.
    fn has_columns(&self) -> bool {
        self.channels / self.groups <= FEW_CHANNELS && self.run() < LONG_RUN
    }

    /// Elements of a window that lie together in the input.
    fn run(&self) -> usize {
        let is_whole_line = self.groups == 1 && self.window.dilations[2] == 1;
        self.channels / self.groups * if is_whole_line { self.window.kernel[2] } else { 1 }
    }

    /// Lays out `rows` windows; gives the matrix of one window a row.
    fn windows<'a, T: Float>(
        &self,
        x: &[T],
        g: usize,
        (first, rows): (usize, usize),
        block: &'a mut [T],
    ) -> Matrix<'a, T> {
        let block = &mut block[..rows * self.patch()];
        if self.has_columns() {
            columns::gather_columns(self, x, g, first, block);
            Matrix { data: block, stride: rows, layout: Layout::Transposed }
        } else {
            columns::gather(self, x, g, first, block);
            Matrix { data: block, stride: self.patch(), layout: Layout::Normal }
        }
    }

    /// Blocks of positions within a range: the first position of each and how many there are.
    fn blocks(&self, range: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
        let (block, end) = (self.block.max(1), range.end);
        range.step_by(block).map(move |first| (first, block.min(end - first)))
    }

    fn has_large_filter(&self) -> bool {
        self.filter_len() > LARGE_FILTER
    }

    /// Whether windows need not be laid out: what lies together in the input is long enough.
    fn reads_in_place(&self) -> bool {
        self.groups == 1 && self.channels >= MANY_CHANNELS && takes_pieces()
    }

    /// The same of a gradient with respect to the input, which is a convolution too where windows move by one; it pays where
    /// that has no more positions.
    fn reads_gradient_in_place(&self) -> bool {
        let (inputs, outputs, _) = self.window.counts();
        let is_convolution = self.window.strides == [1; 3] && inputs <= outputs;
        self.groups == 1 && self.filters >= MANY_CHANNELS && is_convolution && takes_pieces()
    }

    fn is_product(&self) -> bool {
        self.groups == 1 && self.window.is_pointwise()
    }

    /// Elements of a window in one group.
    fn patch(&self) -> usize {
        self.window.counts().2 * (self.channels / self.groups)
    }

    fn positions(&self) -> usize {
        self.batch * self.window.counts().1
    }

    fn check<T>(&self, x: &[T], filter: &[T], y: &[T], scratch: &[T]) {
        let (inputs, _, taps) = self.window.counts();
        assert_eq!(x.len(), self.batch * inputs * self.channels, "conv: the input has another length than planned");
        let expected = taps * self.channels / self.groups * self.filters;
        assert_eq!(filter.len(), expected, "conv: the filter has another length than planned");
        assert_eq!(y.len(), self.positions() * self.filters, "conv: the output has another length than planned");
        let least = if self.is_product() { 0 } else { self.filter_len() + self.part_room() };
        assert!(scratch.len() >= least, "conv: scratch is shorter than `scratch_len`");
    }

    /// `(patch, filters of a group)` and the filter of group `g` as a matrix.
    fn group<'a, T>(&self, filter: &'a [T], g: usize, layout: Layout) -> Matrix<'a, T> {
        Matrix { data: &filter[g * self.filters / self.groups..], stride: self.filters, layout }
    }

    /// Outputs from position `first` on, of windows that are read where they lie.
    fn product<T: Float>(&self, x: &[T], filter: &[T], first: usize, y: &mut [T]) {
        let (n, rows) = (self.filters, y.len() / self.filters);
        let b = self.group(filter, 0, Layout::Normal);
        if self.is_product() {
            let a = Matrix { data: &x[first * self.channels..], stride: self.channels, layout: Layout::Normal };
            return gemm_strided((rows, n, self.channels), T::ONE, a, b, T::ZERO, y, n);
        }
        let taps = columns::Taps::of_outputs(self);
        let find = |row: usize, of: Range<usize>, f: &mut dyn FnMut(usize, usize)| taps.each(first + row, of, f);
        gemm_pieces((rows, n), &Pieces::new(x, self.window.counts().2, self.channels, &find), b, y, n);
    }

    /// The convolution (in the sense of neural networks: cross-correlation). `y` is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::{conv::ConvPlan, window::Padding};
    /// let plan = ConvPlan::new(&[1, 4, 1], &[2, 1, 1], &[1], &[1], &Padding::Valid)?;
    /// let (mut y, mut scratch) = ([0f32; 3], vec![0.0; plan.scratch_len()]);
    /// plan.forward(&[1., 2., 4., 8.], &[1., -1.], &mut y, &mut scratch);
    /// assert_eq!(y, [-1., -2., -4.]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    ///
    /// # Source
    /// tf.nn.convolution.
    pub fn forward<T: Float>(&self, x: &[T], filter: &[T], y: &mut [T], scratch: &mut [T]) {
        self.forward_with(x, filter, y, scratch, |_, _| ());
    }

    /// As [`ConvPlan::forward`]; `finish` is called with each whole number of outputs (`[positions, filters]`) and the index
    /// in `y` at which they begin as soon as they are there, while they are in a near cache.
    ///
    /// # Panics
    /// As [`ConvPlan::forward`].
    pub fn forward_with<T: Float>(
        &self,
        x: &[T],
        filter: &[T],
        y: &mut [T],
        scratch: &mut [T],
        finish: impl Fn(usize, &mut [T]) + Sync,
    ) {
        self.check(x, filter, y, scratch);
        if y.is_empty() {
            return;
        }
        let (patch, n) = (self.patch(), self.filters / self.groups);
        if self.is_product() || self.reads_in_place() {
            let product = |first: usize, y: &mut [T]| {
                self.product(x, filter, first, y);
                split_rows(y, self.filters, GRAIN, |row, y| finish((first + row) * self.filters, y));
            };
            // What is large is made in blocks, so that `finish` finds them in a near cache.
            let block = (PRODUCT_ELEMENTS / self.filters).max(PRODUCT_ROWS);
            if self.positions() < 2 * block || self.has_large_filter() {
                return product(0, y);
            }
            return split_rows(y, self.filters, WORK / patch.max(1), |first, y| {
                let rows = y.len() / self.filters;
                let block = rows.div_ceil(rows.div_ceil(block));
                for (i, y) in y.chunks_mut(block * self.filters).enumerate() {
                    product(first + i * block, y);
                }
            });
        }
        if self.groups == 1 && self.has_large_filter() {
            // Threads share out the filter instead of reading all of it each.
            for (block, rows) in self.blocks(0..self.positions()) {
                let a = self.windows(x, 0, (block, rows), scratch);
                let y = &mut y[block * n..][..rows * n];
                gemm_strided((rows, n, patch), T::ONE, a, self.group(filter, 0, Layout::Normal), T::ZERO, y, n);
                split_rows(y, n, GRAIN, |row, y| finish((block + row) * n, y));
            }
            return;
        }
        let parts = (scratch.len() / self.block_room().max(1)).clamp(1, parts_for_work(self.work()));
        let each = self.positions().div_ceil(parts);
        let parts = self.positions().div_ceil(each.max(1));
        split_each(parts, [(y, each * self.filters), (scratch, self.block_room())], |part, [y, scratch]| {
            let first = part * each;
            for (block, rows) in self.blocks(first..(first + each).min(self.positions())) {
                for g in 0..self.groups {
                    let a = self.windows(x, g, (block, rows), scratch);
                    let b = self.group(filter, g, Layout::Normal);
                    let c = &mut y[(block - first) * self.filters + g * n..];
                    gemm_strided((rows, n, patch), T::ONE, a, b, T::ZERO, c, self.filters);
                }
                finish(block * self.filters, &mut y[(block - first) * self.filters..][..rows * self.filters]);
            }
        });
    }

    /// The gradient with respect to the input, which is also the transposed convolution. `dx` is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn backward_input<T: Float>(&self, filter: &[T], dy: &[T], dx: &mut [T], scratch: &mut [T]) {
        self.check(dx, filter, dy, scratch);
        let (patch, n) = (self.patch(), self.filters / self.groups);
        if self.is_product() {
            let a = Matrix { data: dy, stride: n, layout: Layout::Normal };
            let shape = (self.positions(), patch, n);
            return gemm_strided(shape, T::ONE, a, self.group(filter, 0, Layout::Transposed), T::ZERO, dx, patch);
        }
        let (inputs, outputs, taps) = self.window.counts();
        let parts = self.parts(scratch.len()).min(self.batch).max(1);
        // The filter is transposed once instead of in each product.
        let (transposed, scratch) = scratch.split_at_mut(self.filter_len());
        if self.reads_gradient_in_place() {
            transpose_taps(filter, self.channels, n, transposed);
            let b = Matrix { data: &*transposed, stride: self.channels, layout: Layout::Normal };
            let places = columns::Taps::of_inputs(self);
            let find = |row: usize, of: Range<usize>, f: &mut dyn FnMut(usize, usize)| places.each(row, of, f);
            let dy = Pieces::new(dy, taps, n, &find);
            return gemm_pieces((self.batch * inputs, self.channels), &dy, b, dx, self.channels);
        }
        transpose_taps(filter, patch, self.filters, transposed);
        let transposed = &*transposed;
        let samples = self.batch.div_ceil(parts);
        let parts = self.batch.div_ceil(samples.max(1));
        let each = samples * inputs * self.channels;
        split_each(parts, [(dx, each), (scratch, self.part_room())], |part, [dx, scratch]| {
            dx.fill(T::ZERO);
            let first = part * samples;
            let positions = first * outputs..(first + samples).min(self.batch) * outputs;
            for (block, rows) in self.blocks(positions) {
                for g in 0..self.groups {
                    let dy = &dy[block * self.filters + g * n..];
                    let a = Matrix { data: dy, stride: self.filters, layout: Layout::Normal };
                    let b = Matrix { data: &transposed[g * n * patch..], stride: patch, layout: Layout::Normal };
                    gemm_strided((rows, patch, n), T::ONE, a, b, T::ZERO, scratch, patch);
                    columns::scatter_add(self, &scratch[..rows * patch], g, block - first * outputs, dx);
                }
            }
        });
    }

    /// The gradient with respect to the filter. `dfilter` is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn backward_filter<T: Float>(&self, x: &[T], dy: &[T], dfilter: &mut [T], scratch: &mut [T]) {
        self.check(x, dfilter, dy, scratch);
        let (patch, n) = (self.patch(), self.filters / self.groups);
        if self.is_product() {
            let a = Matrix { data: x, stride: patch, layout: Layout::Transposed };
            let b = Matrix { data: dy, stride: n, layout: Layout::Normal };
            return gemm_strided((patch, n, self.positions()), T::ONE, a, b, T::ZERO, dfilter, n);
        }
        if self.positions() == 0 || dfilter.is_empty() {
            return dfilter.fill(T::ZERO);
        }
        let parts = self.parts(scratch.len());
        let each = self.positions().div_ceil(parts);
        let add = |positions: Range<usize>, sum: &mut [T], scratch: &mut [T]| {
            let mut beta = T::ZERO;
            for (block, rows) in self.blocks(positions) {
                for g in 0..self.groups {
                    let a = self.windows(x, g, (block, rows), scratch);
                    let layout = Layout::transposed(a.layout == Layout::Normal);
                    let a = Matrix { layout, ..a };
                    let dy = &dy[block * self.filters + g * n..];
                    let b = Matrix { data: dy, stride: self.filters, layout: Layout::Normal };
                    gemm_strided((patch, n, rows), T::ONE, a, b, beta, &mut sum[g * n..], self.filters);
                }
                beta = T::ONE;
            }
        };
        let parts = self.positions().div_ceil(each);
        if parts == 1 {
            return add(0..self.positions(), dfilter, scratch);
        }
        let (sums, scratch) = scratch.split_at_mut(parts * dfilter.len());
        split_each(parts, [(&mut *sums, dfilter.len()), (scratch, self.block * patch)], |part, [sum, scratch]| {
            add(part * each..((part + 1) * each).min(self.positions()), sum, scratch);
        });
        vectorised(|| {
            let mut sums = sums.chunks_exact(dfilter.len());
            if let Some(sum) = sums.next() {
                dfilter.copy_from_slice(sum);
            }
            sums.for_each(|sum| dfilter.iter_mut().zip(sum).for_each(|(d, &sum)| *d += sum));
        });
    }
}

/// Elements of a cache line read together where matrices are transposed.
const LINE: usize = 16;

/// `[taps, channels, filters]` as `[taps, filters, channels]`; a whole filter is one tap of as many channels as a window has
/// elements.
fn transpose_taps<T: Float>(filter: &[T], channels: usize, filters: usize, to: &mut [T]) {
    if to.is_empty() {
        return;
    }
    split_rows(to, channels * filters, GRAIN, |first, to| {
        let taps = filter.chunks_exact(channels * filters).skip(first);
        for (from, to) in taps.zip(to.chunks_exact_mut(channels * filters)) {
            for (line, to) in to.chunks_mut(LINE * channels).enumerate() {
                for (c, from) in from.chunks_exact(filters).enumerate() {
                    let from = from[line * LINE..].iter();
                    from.zip(to.iter_mut().skip(c).step_by(channels)).for_each(|(&from, to)| *to = from);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn values(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| (((i + seed * 31) * 7919 % 1009) as f64 / 504.5) - 1.0).collect()
    }

    fn naive(plan: &ConvPlan, x: &[f64], filter: &[f64]) -> Vec<f64> {
        let (inputs, outputs, _) = plan.window.counts();
        let (depth, n) = (plan.channels / plan.groups, plan.filters / plan.groups);
        let mut y = vec![0.0; plan.positions() * plan.filters];
        for p in 0..plan.positions() {
            plan.window.taps(p % outputs, |tap, at| {
                for f in 0..plan.filters {
                    for c in 0..depth {
                        let x = x[(p / outputs * inputs + at) * plan.channels + f / n * depth + c];
                        y[p * plan.filters + f] += x * filter[(tap * depth + c) * plan.filters + f];
                    }
                }
            });
        }
        y
    }

    /// Value and gradients against loops; the gradients by the identity <dy, conv(x, w)> = <dx, x> = <dw, w>, which
    /// holds in each argument because the convolution is linear in both.
    fn check(plan: &ConvPlan) {
        let (inputs, _, taps) = plan.window.counts();
        let x = values(plan.batch * inputs * plan.channels, 1);
        let filter = values(taps * plan.channels / plan.groups * plan.filters, 2);
        let mut scratch = vec![f64::NAN; plan.scratch_len()];
        let mut y = vec![f64::NAN; plan.output_shape().elements()];
        plan.forward(&x, &filter, &mut y, &mut scratch);
        let expected = naive(plan, &x, &filter);
        assert!(y.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-11), "{plan:?}");
        let dy = values(y.len(), 3);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut dx = vec![f64::NAN; x.len()];
        plan.backward_input(&filter, &dy, &mut dx, &mut scratch);
        let mut dfilter = vec![f64::NAN; filter.len()];
        plan.backward_filter(&x, &dy, &mut dfilter, &mut scratch);
        for seed in 4..7 {
            let other = values(x.len(), seed);
            let (a, b) = (dot(&dx, &other), dot(&dy, &naive(plan, &other, &filter)));
            assert!((a - b).abs() < 1e-9, "dx {a} {b} {plan:?}");
            let other = values(filter.len(), seed);
            let (a, b) = (dot(&dfilter, &other), dot(&dy, &naive(plan, &x, &other)));
            assert!((a - b).abs() < 1e-9, "dfilter {a} {b} {plan:?}");
        }
    }

    type Axes = (Vec<usize>, Vec<usize>, Vec<usize>, Vec<usize>);

    /// Lengths, kernel, strides and dilations.
    fn axes() -> impl Strategy<Value = Axes> {
        let each = |range| prop::collection::vec(range, 3);
        (prop::collection::vec(1usize..7, 1..4), each(1usize..4), each(1usize..4), each(1usize..3))
    }

    fn plan(
        batch: usize,
        (input, k, s, d): Axes,
        groups: usize,
        depth: usize,
        n: usize,
        pad: usize,
    ) -> Option<ConvPlan> {
        let r = input.len();
        let padding = match pad {
            0 => Padding::Same,
            1 => Padding::Valid,
            _ => Padding::Explicit(vec![(2, 1), (0, 3), (4, 0)][..r].to_vec()),
        };
        let shape: Vec<usize> = std::iter::once(batch).chain(input.iter().copied()).chain([groups * depth]).collect();
        let filter: Vec<usize> = k[..r].iter().copied().chain([depth, groups * n]).collect();
        ConvPlan::new(&shape, &filter, &s[..r], &d[..r], &padding).ok()
    }

    proptest! {
        #[test]
        fn gradients_of_many_filters_equal_the_loop(
            batch in 0usize..3, axes in axes(), depth in 1usize..5, more in 0usize..4, padding in 0usize..3,
        ) {
            let (input, kernel, _, dilations) = axes;
            if let Some(plan) = plan(batch, (input, kernel, vec![1; 3], dilations), 1, depth, MANY_CHANNELS + more, padding) {
                check(&plan);
            }
        }

        #[test]
        fn equals_the_loop(
            batch in 0usize..3, axes in axes(), groups in 1usize..3, depth in 1usize..9, n in 1usize..4, padding in 0usize..3,
            block in 1usize..9,
        ) {
            if let Some(mut plan) = plan(batch, axes, groups, depth, n, padding) {
                check(&plan);
                plan.block = block.min(plan.positions());
                check(&plan);
            }
        }

        #[test]
        fn many_channels_equal_the_loop(
            batch in 0usize..3, axes in axes(), more in 0usize..4, n in 1usize..20, padding in 0usize..3,
        ) {
            if let Some(plan) = plan(batch, axes, 1, MANY_CHANNELS + more, n, padding) {
                check(&plan);
            }
        }
    }

    #[test]
    fn pieces_longer_than_a_block_of_the_product() {
        check(&ConvPlan::new(&[1, 4, 3, 801], &[3, 2, 801, 5], &[1, 1], &[1, 1], &Padding::Same).unwrap());
        check(&ConvPlan::new(&[2, 9, 9, 40], &[3, 3, 40, 130], &[1, 1], &[1, 1], &Padding::Same).unwrap());
    }

    #[test]
    fn pointwise_is_a_product() {
        let plan = ConvPlan::new(&[2, 5, 3, 4], &[1, 1, 4, 6], &[1, 1], &[1, 1], &Padding::Same).unwrap();
        assert_eq!(plan.scratch_len(), 0);
        check(&plan);
    }

    #[test]
    fn large_enough_for_threads() {
        check(&ConvPlan::new(&[3, 28, 28, 8], &[3, 3, 8, 4], &[1, 1], &[1, 1], &Padding::Same).unwrap());
    }

    #[test]
    fn bad_channels_are_refused() {
        let error = ConvPlan::new(&[1, 5, 3], &[2, 2, 4], &[1], &[1], &Padding::Same).unwrap_err();
        assert_eq!(
            error.to_string(),
            "convolve argument `filter`: expected channels that divide the input's, in as many groups as divide the \
             filters, found input [1, 5, 3], filter [2, 2, 4]"
        );
        assert!(ConvPlan::new(&[1, 3], &[2, 2, 4], &[1], &[1], &Padding::Same).is_err());
        assert!(ConvPlan::new(&[1, 5, 4], &[2, 2, 3], &[1], &[1], &Padding::Same).is_err());
        assert!(ConvPlan::new(&[1 << 40, 1 << 40, 4], &[2, 4, 3], &[1], &[1], &Padding::Same).is_err());
    }
}
