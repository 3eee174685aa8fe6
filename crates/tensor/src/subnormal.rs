//! Whether a thread takes subnormal numbers for zero.
//!
//! Numbers next to zero (below 1.2e-38 in `f32`) have a form of their own, with which many processors compute a hundred
//! times slower. Training makes them: moments of gradients that have become zero decay through them for thousands of steps.
//! TensorFlow has the threads that run its operations take them for zero, as operands and as results; so do graphs and optimizers here.

/// Runs `f` with subnormal numbers taken for zero in this thread and in those that help it, as operands and as results; then,
/// or when `f` panics, the thread is as it was before. On processors other than x86-64 and 64-bit ARM, `f` just runs.
///
/// # Example
/// ```
/// use std::hint::black_box;
/// let (a, b) = (black_box(1e-30_f32), black_box(1e-10_f32));
/// assert!(a * b > 0.0);
/// # #[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
/// assert_eq!(kerox_tensor::flush_subnormals(|| black_box(a) * black_box(b)), 0.0);
/// ```
pub fn flush_subnormals<R>(f: impl FnOnce() -> R) -> R {
    Mode::current().flushing().during(f)
}

/// How a thread treats subnormal numbers: a copy of the processor's control word.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Mode(control::Word);

impl Mode {
    /// That of this thread.
    pub(crate) fn current() -> Mode {
        Mode(control::read())
    }

    fn flushing(self) -> Mode {
        Mode(self.0 | control::FLUSH)
    }

    /// Runs `f` in this mode.
    pub(crate) fn during<R>(self, f: impl FnOnce() -> R) -> R {
        struct Restore(Mode);
        impl Drop for Restore {
            fn drop(&mut self) {
                control::write(self.0.0);
            }
        }
        let before = Mode::current();
        if self == before {
            return f();
        }
        control::write(self.0);
        let _restore = Restore(before);
        f()
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod control {
    use std::arch::asm;

    pub(super) type Word = u32;

    /// Results (bit 15) and operands (bit 6) of MXCSR, Intel's manual volume 1, section 10.2.3.
    pub(super) const FLUSH: Word = 1 << 15 | 1 << 6;

    pub(super) fn read() -> Word {
        let mut word: Word = 0;
        // SAFETY: stores 4 bytes to `word`. Gain: no other way to the register.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut word, options(nostack, preserves_flags)) };
        word
    }

    pub(super) fn write(word: Word) {
        // SAFETY: loads 4 bytes from `word`, which was read from the register but for the two bits of `FLUSH`: rounding and
        // exceptions stay as the compiler takes them to be, and what it computed itself with subnormal numbers (constants)
        // is right in both modes, since flushing only ever replaces them by zero. Gain: as for `read`.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const word, options(nostack, readonly, preserves_flags)) };
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod control {
    use std::arch::asm;

    pub(super) type Word = u64;

    /// FZ (bit 24) of FPCR, operands and results alike, Arm's architecture reference manual, section C5.2.
    pub(super) const FLUSH: Word = 1 << 24;

    pub(super) fn read() -> Word {
        let word: Word;
        // SAFETY: reads a register of the thread. Gain: no other way to it.
        unsafe { asm!("mrs {}, fpcr", out(reg) word, options(nomem, nostack, preserves_flags)) };
        word
    }

    pub(super) fn write(word: Word) {
        // SAFETY: `word` was read from the register but for the bit of `FLUSH`: rounding and exceptions stay as the compiler
        // takes them to be. Gain: as for `read`.
        unsafe { asm!("msr fpcr, {}", in(reg) word, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod control {
    pub(super) type Word = u32;

    pub(super) const FLUSH: Word = 0;

    pub(super) fn read() -> Word {
        0
    }

    pub(super) fn write(_: Word) {}
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
mod tests {
    use std::hint::black_box;
    use std::sync::Mutex;

    use super::*;
    use crate::parallel::for_each_part;

    fn product() -> f32 {
        black_box(1e-30) * black_box(1e-10)
    }

    #[test]
    fn subnormal_operands_and_results_are_zero_inside_only() {
        assert!(product() > 0.0);
        let inside = flush_subnormals(|| {
            let nested = flush_subnormals(product);
            [product(), black_box(1e-40) * black_box(1e10), nested, product()]
        });
        assert_eq!(inside, [0.0; 4]);
        assert!(product() > 0.0);
    }

    #[test]
    fn a_panic_leaves_the_thread_as_it_was() {
        let panicked = std::panic::catch_unwind(|| flush_subnormals(|| panic!("here")));
        assert!(panicked.is_err());
        assert!(product() > 0.0);
    }

    #[test]
    fn threads_that_help_do_as_the_one_that_started_the_loop() {
        let products = || {
            let found = Mutex::new(Vec::new());
            for_each_part(64, &|_| found.lock().unwrap().push(product()));
            found.into_inner().unwrap()
        };
        assert_eq!(flush_subnormals(products), [0.0; 64]);
        assert!(products().iter().all(|&p| p > 0.0));
    }
}
