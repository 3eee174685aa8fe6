//! Loops compiled for the machine's vectors.

/// The widest instructions that kernels use on x86-64.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Instructions {
    Sse2,
    Avx2,
    Avx512,
}

/// What the machine has, and the environment variable `KEROX_MAX_ISA` (`SSE2`, `AVX2` or `AVX512`) allows: with the same
/// instructions, processors of different kinds compute the same bits. Looked at once.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn instructions() -> Instructions {
    use std::arch::is_x86_feature_detected as has;
    static USED: std::sync::OnceLock<Instructions> = std::sync::OnceLock::new();
    *USED.get_or_init(|| {
        let most = match std::env::var("KEROX_MAX_ISA").map(|name| name.to_ascii_uppercase()).as_deref() {
            Ok("SSE2") => Instructions::Sse2,
            Ok("AVX2") => Instructions::Avx2,
            _ => Instructions::Avx512,
        };
        let found = match (has!("avx2") && has!("fma"), has!("avx512f") && has!("avx512vl")) {
            (true, true) => Instructions::Avx512,
            (true, false) => Instructions::Avx2,
            (false, _) => Instructions::Sse2,
        };
        found.min(most)
    })
}

/// Whether loops may be made of 256-bit vectors.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx2() -> bool {
    instructions() >= Instructions::Avx2
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
