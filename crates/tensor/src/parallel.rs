//! A team of threads among which kernels share their loops.
//!
//! Kernels of a small model take microseconds, so handing out work has to cost less: the team's threads look for the
//! next loop for a moment before they sleep, whoever starts a loop works on it as well, and it waits only for parts that
//! another thread has begun. A loop inside a loop, and one that starts while the team is busy with that of another
//! thread, runs where it is.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

use crate::subnormal::Mode;

/// 0 means: not set.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Looks for work that many times before a thread sleeps: about a tenth of a millisecond.
const LOOKS: u32 = 2000;

/// The most parts a loop can have: what a claim counts to.
const MAX_PARTS: usize = 0xfff;

/// Elements of cheap work (an addition) below which a second thread costs more than it brings.
pub const GRAIN: usize = 1 << 14;

/// Multiplications below which a second thread costs more than it brings.
pub(crate) const WORK: usize = 1 << 18;

/// Multiplications from which each thread has two parts: one that is held up leaves its second to the others.
const LONG_WORK: usize = 1 << 27;

type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// What the team works on. One loop at a time: `busy` is held by the thread that started it.
struct Team {
    busy: AtomicBool,
    /// Number of the loop (28 bits), its parts, how many of them were taken from the first on and how many from the last
    /// back (12 bits each). One word, so that a part is taken of the loop that was looked at, or not at all.
    claim: AtomicU64,
    /// A [`Work`] on the stack of the thread that started the loop.
    work: AtomicPtr<()>,
    done: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    members: AtomicUsize,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
}

static TEAM: Team = Team {
    busy: AtomicBool::new(false),
    claim: AtomicU64::new(0),
    work: AtomicPtr::new(ptr::null_mut()),
    done: AtomicUsize::new(0),
    panic: Mutex::new(None),
    members: AtomicUsize::new(0),
    sleepers: AtomicUsize::new(0),
    bed: Mutex::new(()),
    bell: Condvar::new(),
};

/// Who takes a part: the thread that started the loop from the first part on, members from the last back. So parts of
/// loops over the same memory tend to meet the same caches.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// Parts of the loop, taken from the first on, taken from the last back.
fn parts_of(claim: u64) -> [usize; 3] {
    [24, 12, 0].map(|shift| (claim >> shift) as usize & MAX_PARTS)
}

impl Team {
    /// Takes one part of the present loop and runs it; whether there was one.
    fn help(&self, end: End) -> bool {
        let claim = self.claim.load(Ordering::SeqCst);
        let [parts, first, last] = parts_of(claim);
        if first + last >= parts {
            return false;
        }
        let work = self.work.load(Ordering::Acquire);
        let (part, next) = match end {
            End::First => (first, claim + (1 << 12)),
            End::Last => (parts - 1 - last, claim + 1),
        };
        if self.claim.compare_exchange(claim, next, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
            // SAFETY: the exchange succeeded, so the loop whose parts were counted is still the present one, and since
            // this part of it is not done, its starter waits in `run` with `work` alive on its stack; `work` was stored
            // before the claim that was loaded. Gain: threads that outlive one loop, started once.
            let work: Work<'_> = unsafe { *work.cast::<Work<'_>>() };
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| work(part))) {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
            }
            self.done.fetch_add(1, Ordering::Release);
        }
        true
    }

    /// What a member does for ever.
    fn serve(&self) {
        loop {
            let mut looks = 0;
            while looks < LOOKS {
                if self.help(End::Last) {
                    looks = 0;
                } else {
                    looks += 1;
                    std::hint::spin_loop();
                }
            }
            let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            loop {
                let [parts, first, last] = parts_of(self.claim.load(Ordering::SeqCst));
                if first + last < parts {
                    break;
                }
                bed = self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner);
            }
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Runs a loop; `busy` is held.
    fn run(&self, parts: usize, work: Work<'_>) {
        let wanted = threads() - 1;
        while self.members.load(Ordering::Relaxed) < wanted {
            self.members.fetch_add(1, Ordering::Relaxed);
            // Without the thread its parts are done by the others.
            let _ = std::thread::Builder::new().name("kerox".to_owned()).spawn(|| TEAM.serve());
        }
        self.done.store(0, Ordering::Relaxed);
        self.work.store(ptr::from_ref(&work).cast_mut().cast(), Ordering::Release);
        let number = (self.claim.load(Ordering::Relaxed) >> 36).wrapping_add(1) << 36;
        self.claim.store(number | (parts as u64) << 24, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            drop(self.bed.lock());
            self.bell.notify_all();
        }
        while self.help(End::First) {}
        let mut looks = 0;
        while self.done.load(Ordering::Acquire) < parts {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        let payload = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.busy.store(false, Ordering::Release);
        if let Some(payload) = payload {
            resume_unwind(payload);
        }
    }
}

/// Limits kernels to `n` threads (at least 1), matrix products included.
///
/// # Example
/// ```
/// use kerox_tensor::parallel;
/// parallel::set_threads(1);
/// assert_eq!(parallel::threads(), 1);
/// ```
pub fn set_threads(n: usize) {
    LIMIT.store(n.clamp(1, MAX_PARTS), Ordering::Relaxed);
}

/// The number of threads kernels may use: what [`set_threads`] said, else the environment variable `KEROX_NUM_THREADS`,
/// else as many as the machine runs at once.
pub fn threads() -> usize {
    static DEFAULT: OnceLock<usize> = OnceLock::new();
    match LIMIT.load(Ordering::Relaxed) {
        0 => *DEFAULT.get_or_init(|| {
            let named = std::env::var("KEROX_NUM_THREADS").ok().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
            let found = named.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
            found.clamp(1, MAX_PARTS)
        }),
        n => n,
    }
}

/// Runs `f(0)`, ..., `f(parts - 1)`, shared among threads. More than 4,095 parts run in this thread.
///
/// # Panics
/// With what a call of `f` panicked with, after the others have ended.
///
/// # Example
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// let sum = AtomicUsize::new(0);
/// kerox_tensor::parallel::for_each_part(4, &|part| {
///     sum.fetch_add(part, Ordering::Relaxed);
/// });
/// assert_eq!(sum.into_inner(), 6);
/// ```
pub fn for_each_part(parts: usize, f: &(dyn Fn(usize) + Sync)) {
    let shared = (2..=MAX_PARTS).contains(&parts) && threads() > 1;
    if shared && !TEAM.busy.swap(true, Ordering::Acquire) {
        let mode = Mode::current();
        TEAM.run(parts, &|part| mode.during(|| f(part)));
    } else {
        (0..parts).for_each(f);
    }
}

/// Slices of one length that are cut alike, so that each part of a loop has its own part of each.
struct Cut<T> {
    start: *mut T,
    len: usize,
    each: usize,
}

// SAFETY: a `Cut` only hands out parts that do not overlap, each to one thread, so it is as sendable as they are.
// Gain: parts need no list of slices, which would be allocated for each loop.
unsafe impl<T: Send> Sync for Cut<T> {}

impl<T> Cut<T> {
    fn new(slice: &mut [T], each: usize) -> Cut<T> {
        Cut { start: slice.as_mut_ptr(), len: slice.len(), each }
    }

    /// Part `i`.
    ///
    /// # Safety
    /// No part is asked for twice while the first is in use, and the slice given to `new` is still borrowed.
    #[allow(clippy::mut_from_ref, reason = "the parts do not overlap")]
    unsafe fn part<'a>(&self, i: usize) -> &'a mut [T] {
        let from = i.saturating_mul(self.each).min(self.len);
        let len = self.each.min(self.len - from);
        // SAFETY: `from + len` is at most the length of the slice; parts of different `i` do not overlap.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}

/// Runs `f(first_row, rows)` over `out`, cut at multiples of `row` elements into at most [`threads`] parts, each of at
/// least `grain` elements.
///
/// # Example
/// ```
/// let mut out = vec![0; 12];
/// kerox_tensor::parallel::split_rows(&mut out, 3, 4, |first, rows| rows.fill(first / 2));
/// assert!(out[..6].iter().all(|&v| v == 0));
/// ```
pub fn split_rows<T: Send>(out: &mut [T], row: usize, grain: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if out.is_empty() {
        return;
    }
    let rows = out.len() / row;
    let parts = parts_for(out.len(), grain).min(rows).max(1);
    if parts == 1 {
        return f(0, out);
    }
    let each = rows.div_ceil(parts);
    let parts = out.len().div_ceil(each * row);
    let cut = Cut::new(out, each * row);
    for_each_part(parts, &|part| {
        // SAFETY: each part is run once, and `out` is borrowed until all have ended.
        f(part * each, unsafe { cut.part(part) });
    });
}

/// How many threads pay for `n` elements of work when each takes at least `grain`.
pub fn parts_for(n: usize, grain: usize) -> usize {
    if n < 2 * grain { 1 } else { threads().min(n / grain.max(1)) }
}

/// Whether a loop is shared out at this moment, so that another one runs where it is.
pub(crate) fn is_busy() -> bool {
    TEAM.busy.load(Ordering::Relaxed)
}

/// How many parts pay for that many multiplications.
pub(crate) fn parts_for_work(multiplications: usize) -> usize {
    if multiplications < LONG_WORK { threads().min(multiplications / WORK).max(1) } else { 2 * threads() }
}

/// Runs `f(part, from, pieces)` for the parts of `N` slices of one length, shared among threads: `from` is the index of the
/// first element of the pieces. Pieces are multiples of 64 elements long, except for the last.
///
/// # Panics
/// Where the slices differ in length.
///
/// # Example
/// ```
/// let (mut a, mut b) = (vec![1; 100_000], vec![2; 100_000]);
/// kerox_tensor::parallel::split_alike([&mut a, &mut b], 1 << 12, |_, [a, b]| a.swap_with_slice(b));
/// assert!(a.iter().all(|&v| v == 2));
/// ```
pub fn split_alike<T: Send, const N: usize>(
    slices: [&mut [T]; N],
    grain: usize,
    f: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    let n = slices.first().map_or(0, |slice| slice.len());
    assert!(slices.iter().all(|slice| slice.len() == n), "split: slices of different lengths");
    let parts = parts_for(n, grain);
    if parts <= 1 {
        return f(0, slices);
    }
    let each = n.div_ceil(parts).next_multiple_of(64);
    split_each(n.div_ceil(each), slices.map(|slice| (slice, each)), |part, pieces| f(part * each, pieces));
}

/// Runs `f(part, pieces)` for `parts` parts of `N` slices, shared among threads: part `i` gets the elements from `i * each`
/// on of each slice, `each` of them or what is left.
///
/// # Example
/// ```
/// let (mut out, mut room) = (vec![0; 10], vec![0; 6]);
/// kerox_tensor::parallel::split_each(3, [(&mut out, 4), (&mut room, 2)], |part, [out, room]| {
///     room.fill(part);
///     out.fill(room.iter().sum());
/// });
/// assert_eq!(out, [0, 0, 0, 0, 2, 2, 2, 2, 4, 4]);
/// ```
pub fn split_each<T: Send, const N: usize>(
    parts: usize,
    slices: [(&mut [T], usize); N],
    f: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    let cuts = slices.map(|(slice, each)| Cut::new(slice, each));
    for_each_part(parts, &|part| {
        // SAFETY: each part is run once, and the slices are borrowed until all have ended.
        f(part, std::array::from_fn(|i| unsafe { cuts[i].part(part) }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_visited_once() {
        for len in [0, 3, 3 * 7, 3 * 1000, 3 * 1000 + 2] {
            let mut out = vec![0usize; len];
            split_rows(&mut out, 3, 4, |first, rows| {
                for (i, row) in rows.chunks_mut(3).enumerate() {
                    row.iter_mut().for_each(|v| *v += first + i + 1);
                }
            });
            assert!(out.iter().enumerate().all(|(i, &v)| v == i / 3 + 1), "{len}");
        }
    }

    #[test]
    fn many_loops_from_many_threads() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..500 {
                        let sum = AtomicUsize::new(0);
                        for_each_part(round % 9, &|part| {
                            for_each_part(2, &|inner| {
                                sum.fetch_add(part + inner, Ordering::Relaxed);
                            });
                        });
                        let n = round % 9;
                        assert_eq!(sum.into_inner(), n * n.saturating_sub(1) + n);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_comes_out_and_the_team_goes_on() {
        for _ in 0..20 {
            let caught = catch_unwind(|| for_each_part(8, &|part| assert_ne!(part, 5, "part five")));
            let payload = caught.unwrap_err();
            assert!(payload.downcast_ref::<String>().is_some_and(|text| text.contains("part five")));
            let count = AtomicUsize::new(0);
            for_each_part(8, &|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), 8);
        }
    }

    #[test]
    fn slices_are_cut_alike() {
        let n = 10_000;
        let (mut a, mut b) = ((0..n).collect::<Vec<_>>(), vec![0; n]);
        split_alike([&mut a, &mut b], 100, |from, [a, b]| {
            assert_eq!(a[0], from);
            b.copy_from_slice(a);
        });
        assert_eq!(a, b);
    }
}
