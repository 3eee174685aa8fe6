//! Loops compiled for the machine's vectors.

/// Whether the machine has 256-bit vectors; std caches the answer, a call costs one load.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

/// Calls `f`, whose loops the compiler vectorises with 256-bit registers where the machine has them.
///
/// What `f` computes is the same bit for bit: only as many elements at once differ. It pays for closures that are loops
/// over slices; functions they call have to be inlined.
///
/// # Example
/// ```
/// let (mut y, x) = (vec![1f32; 100], vec![2f32; 100]);
/// kerox_tensor::vectorised(|| y.iter_mut().zip(&x).for_each(|(y, &x)| *y += x * x));
/// assert!(y.iter().all(|&y| y == 5.0));
/// ```
#[inline(always)]
pub fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        if has_avx2() {
            // SAFETY: the only condition is that the machine has AVX2 and FMA, which the line above checks. Gain: loops
            // run on vectors of twice the width of the x86-64 baseline.
            return unsafe { avx2(f) };
        }
    }
    f()
}
