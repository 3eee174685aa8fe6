//! Registers of the machines the kernels are made for.

use std::arch::x86_64::*;

use super::DEPTH;
use super::tile::{self, Tile};

/// A register of elements.
///
/// # Safety
/// All methods need the instructions of the type: AVX-512F for registers of 64 bytes, AVX2 and FMA for those of 32.
pub(super) trait Simd: Copy {
    /// What it holds.
    type Element: Copy + PartialEq + 'static;
    /// How many.
    const LANES: usize;
    /// Registers side by side in a wide panel.
    const REGISTERS: usize;
    /// Registers side by side where there is but one row.
    const ROW_REGISTERS: usize;
    /// 0.
    const ZERO: Self::Element;
    /// 1.
    const ONE: Self::Element;
    /// [`DEPTH`] times 0.
    const ZEROS: &'static [Self::Element];
    /// Zeros.
    unsafe fn zero() -> Self;
    /// Reads [`Simd::LANES`] elements.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Writes [`Simd::LANES`] elements.
    unsafe fn store(self, to: *mut Self::Element);
    /// One element in every place.
    unsafe fn splat(value: Self::Element) -> Self;
    /// `self * b + c`, rounded once.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;
    /// `self * b`.
    unsafe fn multiply(self, b: Self) -> Self;
    /// Fetches the cache line of an address, which need not be valid.
    unsafe fn prefetch(from: *const Self::Element);
    /// Runs the kernel for the rows and width of a tile.
    unsafe fn tile(tile: &Tile<'_, Self::Element>);
    /// Runs the kernel for one row of [`Simd::ROW_REGISTERS`].
    unsafe fn row(tile: &Tile<'_, Self::Element>);
}

macro_rules! simd {
    (
        $name:ident, $element:ty, $inner:ty, $lanes:expr, $registers:literal, $row:literal, $features:literal, [$($rows:literal)*], [$($wide:literal)*],
        $zero:ident, $load:ident, $store:ident, $splat:ident, $fma:ident, $mul:ident
    ) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name($inner);

        // SAFETY of the bodies: the trait's methods may only be called where the machine has the instructions; reads and
        // writes are those the method's caller promises. Gain: the only way to name registers.
        impl Simd for $name {
            type Element = $element;
            const LANES: usize = $lanes;
            const REGISTERS: usize = $registers;
            const ROW_REGISTERS: usize = $row;
            const ZERO: $element = 0.0;
            const ONE: $element = 1.0;
            const ZEROS: &'static [$element] = &[0.0; DEPTH];
            #[inline(always)]
            unsafe fn zero() -> Self {
                unsafe { $name($zero()) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                unsafe { $name($load(from)) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                unsafe { $store(to, self.0) }
            }
            #[inline(always)]
            unsafe fn splat(value: $element) -> Self {
                unsafe { $name($splat(value)) }
            }
            #[inline(always)]
            unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
                unsafe { $name($fma(self.0, b.0, c.0)) }
            }
            #[inline(always)]
            unsafe fn multiply(self, b: Self) -> Self {
                unsafe { $name($mul(self.0, b.0)) }
            }
            #[inline(always)]
            unsafe fn prefetch(from: *const $element) {
                unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
            }
            unsafe fn row(tile: &Tile<'_, $element>) {
                #[target_feature(enable = $features)]
                unsafe fn run(tile: &Tile<'_, $element>) {
                    unsafe { tile::run::<$name, 1, $row>(tile) }
                }
                unsafe { run(tile) }
            }
            unsafe fn tile(tile: &Tile<'_, $element>) {
                #[target_feature(enable = $features)]
                unsafe fn run<const ROWS: usize, const WIDTH: usize>(tile: &Tile<'_, $element>) {
                    unsafe { tile::run::<$name, ROWS, WIDTH>(tile) }
                }
                unsafe {
                    match (tile.rows, tile.width.div_ceil($lanes)) {
                        $( ($rows, 1) => run::<$rows, 1>(tile), )*
                        $( ($rows, 2) => run::<$rows, 2>(tile), )*
                        $( ($wide, 3) => run::<$wide, 3>(tile), )*
                        $( ($wide, 4) => run::<$wide, 4>(tile), )*
                        (rows, width) => unreachable!("a tile of {rows} rows and {width} registers"),
                    }
                }
            }
        }
    };
}

simd!(
    F32x16, f32, __m512, 16, 4, 16, "avx512f,avx512vl", [1 2 3 4 5 6 7 8], [1 2 3 4 5 6],
    _mm512_setzero_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_mul_ps
);
simd!(
    F64x8, f64, __m512d, 8, 4, 16, "avx512f,avx512vl", [1 2 3 4 5 6 7 8], [1 2 3 4 5 6],
    _mm512_setzero_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_mul_pd
);
simd!(
    F32x8, f32, __m256, 8, 2, 8, "avx2,fma", [1 2 3 4 5 6], [],
    _mm256_setzero_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_mul_ps
);
simd!(
    F64x4, f64, __m256d, 4, 2, 8, "avx2,fma", [1 2 3 4 5 6], [],
    _mm256_setzero_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_mul_pd
);
