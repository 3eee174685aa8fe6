//! Compiles loops twice: for every machine, and for those with AVX2.

/// Defines a function whose loops the compiler vectorises with 256-bit registers where the machine has them.
///
/// `wide! { fn double[T: Float](x: &mut [T]) { .. } }` expands to a generic function `double` which holds the body as
/// an inlined inner function, and calls it from a copy compiled with AVX2 when the machine has it.
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident[$($generics:tt)*]($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name<$($generics)*>($($arg: $type),*) {
            #[inline(always)]
            fn body<$($generics)*>($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2<$($generics)*>($($arg: $type),*) {
                    body($($arg),*)
                }
                if $crate::vectorised::has_avx2() {
                    // SAFETY: the only condition is that the machine has AVX2 and FMA, which the line above checks.
                    // Gain: loops run on vectors of twice the width of the x86-64 baseline.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(crate) use wide;
