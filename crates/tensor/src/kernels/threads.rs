//! How many threads kernels may use, and the splitting of work among them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kernels::gemm;

/// 0 means: not set, take what rayon has.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Limits kernels to `n` threads (at least 1), matrix products included.
///
/// Loops run on rayon's global pool, so they never use more threads than that has.
///
/// # Example
/// ```
/// use kerox_tensor::kernels;
/// kernels::set_threads(1);
/// assert_eq!(kernels::threads(), 1);
/// ```
pub fn set_threads(n: usize) {
    LIMIT.store(n.max(1), Ordering::Relaxed);
    gemm::set_backend_threads(n.max(1));
}

/// The number of threads kernels may use.
pub fn threads() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => rayon::current_num_threads(),
        n => n,
    }
}

/// Elements of cheap work (an addition) below which a second thread costs more than it brings.
pub(crate) const GRAIN: usize = 1 << 16;

/// Runs `f(first_row, rows)` over `out`, cut at multiples of `row` elements into at most [`threads`] parts, each of at
/// least `grain` elements.
pub(crate) fn split_rows<T: Send>(out: &mut [T], row: usize, grain: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if out.is_empty() {
        return;
    }
    let rows = out.len() / row;
    let parts = if out.len() < 2 * grain { 1 } else { threads().min(out.len() / grain.max(1)).min(rows).max(1) };
    if parts == 1 {
        return f(0, out);
    }
    let each = rows.div_ceil(parts);
    rayon::scope(|scope| {
        let f = &f;
        let mut chunks = out.chunks_mut(each * row).enumerate();
        let own = chunks.next();
        for (part, chunk) in chunks {
            scope.spawn(move |_| f(part * each, chunk));
        }
        if let Some((_, chunk)) = own {
            f(0, chunk);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_visited_once() {
        for len in [0, 3, 3 * 7, 3 * 1000] {
            let mut out = vec![0usize; len];
            split_rows(&mut out, 3, 4, |first, rows| {
                for (i, row) in rows.chunks_mut(3).enumerate() {
                    row.iter_mut().for_each(|v| *v += first + i + 1);
                }
            });
            assert!(out.iter().enumerate().all(|(i, &v)| v == i / 3 + 1));
        }
    }
}
