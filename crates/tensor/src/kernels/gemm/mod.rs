//! Matrix products, row-major.
//!
//! On x86-64 with AVX2 or AVX-512 they are made by kernels of this crate ([`backend_name`] says so), elsewhere by OpenBLAS
//! (feature `openblas`) or by the crate `gemm` (feature `pure`); with both features OpenBLAS is used. OpenBLAS falls back
//! to 128-bit vectors on processors that are newer than it, where it takes five times as long.
//!
//! The environment variable `KEROX_MAX_ISA` (`AVX512`, `AVX2` or `SSE2`) bounds the instructions that kernels use, so that
//! processors of different kinds compute the same bits.
//!
//! A large product is cut into parts for the threads of [`crate::parallel`]; each part is computed by one thread.

#[cfg(target_arch = "x86_64")]
mod native;
#[cfg(feature = "openblas")]
mod openblas;
#[cfg(feature = "pure")]
mod pure;

use crate::Plain;
use crate::kernels::Float;
use crate::parallel::{for_each_part, is_busy, parts_for_work};

#[cfg(feature = "openblas")]
use openblas::OpenBlas as Active;
#[cfg(all(feature = "pure", not(feature = "openblas")))]
use pure::Pure as Active;

#[cfg(not(any(feature = "openblas", feature = "pure")))]
compile_error!("the feature `kernels` needs a backend for matrix products: enable `openblas` or `pure`");

/// Whether an operand is used as it lies in memory or transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As it lies: `[rows, columns]`.
    Normal,
    /// Transposed: it lies as `[columns, rows]`.
    Transposed,
}

impl Layout {
    /// `Transposed` for true.
    pub fn transposed(transposed: bool) -> Layout {
        if transposed { Layout::Transposed } else { Layout::Normal }
    }
}

/// An operand: elements, the distance between its rows in memory, and whether it is transposed.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// Elements, beginning with the first row.
    pub data: &'a [T],
    /// Elements from one row in memory to the next.
    pub stride: usize,
    /// As it lies or transposed.
    pub layout: Layout,
}

/// One checked product `c = alpha a b + beta c`, or a part of it, as backends see it. Steps are elements from one row or
/// column to the next; those of a column of c are 1, of a and b one of the two is.
#[derive(Clone, Copy)]
pub(crate) struct Product<T> {
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: *const T,
    a_row: usize,
    a_column: usize,
    b: *const T,
    b_row: usize,
    b_column: usize,
    beta: T,
    c: *mut T,
    c_row: usize,
}

// SAFETY: parts of one product share a and b, which are only read, and have parts of c that do not overlap; the thread
// that borrowed them waits for all parts. Gain: products on several threads.
unsafe impl<T: Sync> Sync for Product<T> {}

impl<T: Copy> Product<T> {
    /// Rows and columns of c from these on.
    ///
    /// # Safety
    /// They lie inside c.
    unsafe fn part(&self, (row, rows): (usize, usize), (column, columns): (usize, usize)) -> Product<T> {
        // SAFETY: promised by the caller; a has as many rows as c and b as many columns.
        unsafe {
            Product {
                m: rows,
                n: columns,
                a: self.a.add(row * self.a_row),
                b: self.b.add(column * self.b_column),
                c: self.c.add(row * self.c_row + column),
                ..*self
            }
        }
    }
}

/// A left operand whose rows are put together of pieces of one length that lie anywhere, or are zeros: the windows of a
/// convolution where they lie in its input.
pub(crate) struct Pieces<'a, T> {
    data: &'a [T],
    count: usize,
    length: usize,
    find: &'a Find<'a>,
}

/// `find(row, pieces of it, f)` calls `f(piece, its first element)` for each of these pieces that is not zeros.
pub(crate) type Find<'a> = dyn Fn(usize, std::ops::Range<usize>, &mut dyn FnMut(usize, usize)) + Sync + 'a;

impl<'a, T> Pieces<'a, T> {
    /// Rows of `count` pieces of `length` elements of `data`.
    pub(crate) fn new(data: &'a [T], count: usize, length: usize, find: &'a Find<'a>) -> Pieces<'a, T> {
        Pieces { data, count, length, find }
    }

    /// Calls `f` for each piece of a row that is not zeros.
    fn each(&self, row: usize, pieces: std::ops::Range<usize>, mut f: impl FnMut(usize, &'a [T])) {
        (self.find)(row, pieces, &mut |piece, first| f(piece, &self.data[first..][..self.length]));
    }
}

/// What multiplies matrices in one thread.
trait Backend {
    /// Name and version.
    fn name() -> String;
    /// Single precision.
    ///
    /// # Safety
    /// `m`, `n` and `k` are not 0, the operands hold what shape and steps reach, and nobody else uses this part of c.
    unsafe fn sgemm(product: &Product<f32>);
    /// Double precision.
    ///
    /// # Safety
    /// As [`Backend::sgemm`].
    unsafe fn dgemm(product: &Product<f64>);
}

/// An element type that backends can multiply matrices of.
#[doc(hidden)]
pub trait GemmElement: Plain {
    /// Makes a part of a product. With `pieces` the rows of the left operand are theirs from that number on instead of the
    /// product's, which only the kernels of this crate can: [`takes_pieces`].
    ///
    /// # Safety
    /// As a backend's.
    #[allow(private_interfaces, reason = "only this module makes products")]
    unsafe fn product(product: &Product<Self>, pieces: Option<(&Pieces<'_, Self>, usize)>);
}

macro_rules! gemm_element {
    ($type:ty, $backend:ident) => {
        impl GemmElement for $type {
            #[allow(private_interfaces, reason = "only this module makes products")]
            unsafe fn product(product: &Product<$type>, pieces: Option<(&Pieces<'_, $type>, usize)>) {
                // SAFETY: promised by the caller.
                unsafe {
                    #[cfg(target_arch = "x86_64")]
                    if native::Native::multiply(product, pieces) {
                        return;
                    }
                    assert!(pieces.is_none(), "gemm: pieces are taken only where `takes_pieces`");
                    Active::$backend(product);
                }
            }
        }
    };
}

gemm_element!(f32, sgemm);
gemm_element!(f64, dgemm);

/// Name and version of what multiplies matrices: `AVX-512`, `OpenBLAS 0.3.21 ...` or `gemm (pure Rust)`.
pub fn backend_name() -> String {
    #[cfg(target_arch = "x86_64")]
    if let Some(name) = native::name() {
        return name.to_owned();
    }
    Active::name()
}

/// Whether [`gemm_pieces`] can be called on this machine.
pub(crate) fn takes_pieces() -> bool {
    #[cfg(target_arch = "x86_64")]
    return native::name().is_some();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Columns that a backend computes at once.
fn panel<T>() -> usize {
    #[cfg(target_arch = "x86_64")]
    return native::panel(size_of::<T>());
    #[cfg(not(target_arch = "x86_64"))]
    16
}

/// Rows that a part has at least.
const ROWS: usize = 6;

/// In how many parts rows and columns are cut for threads. In `work`, an element of memory counts as two multiplications.
fn parts(m: usize, n: usize, work: usize, panel: usize) -> (usize, usize) {
    let wanted = if is_busy() { 1 } else { parts_for_work(work) };
    let (panels, tiles) = (n.div_ceil(panel), m.div_ceil(ROWS));
    // All parts of the columns read a, all parts of the rows b: the longer side is cut, as far as its parts are alike.
    let fits = |pieces: usize| pieces >= 4 * wanted || pieces.is_multiple_of(wanted);
    match (m >= n, fits(tiles), fits(panels)) {
        (true, true, _) | (false, true, false) => (wanted, 1),
        (_, _, true) => (1, wanted),
        _ if tiles >= panels => (wanted.min(tiles), 1),
        _ => (1, wanted.min(panels)),
    }
}

/// Matrix product of whole, gapless matrices: `c = alpha op(a) op(b) + beta c`.
///
/// With `beta` 0 the old content of `c` is not looked at.
///
/// # Shapes
/// `op(a)` is `[m, k]`, `op(b)` is `[k, n]`, `c` is `[m, n]`; any of them may be 0.
///
/// # Panics
/// When a slice is shorter than its shape.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::gemm::{Layout::{Normal, Transposed}, gemm};
/// let (a, b) = ([1f32, 2., 3., 4.], [1f32, 0., 1., 1.]);
/// let mut c = [0f32; 4];
/// gemm((2, 2, 2), 1.0, (&a, Normal), (&b, Transposed), 0.0, &mut c);
/// assert_eq!(c, [1., 3., 3., 7.]);
/// ```
pub fn gemm<T: Float>(
    (m, n, k): (usize, usize, usize),
    alpha: T,
    (a, layout_a): (&[T], Layout),
    (b, layout_b): (&[T], Layout),
    beta: T,
    c: &mut [T],
) {
    let stride_a = if layout_a == Layout::Normal { k } else { m };
    let stride_b = if layout_b == Layout::Normal { n } else { k };
    let a = Matrix { data: a, stride: stride_a, layout: layout_a };
    let b = Matrix { data: b, stride: stride_b, layout: layout_b };
    gemm_strided((m, n, k), alpha, a, b, beta, c, n);
}

/// As [`gemm`] for parts of larger matrices: rows of each operand lie `stride` elements apart, those of `c` lie
/// `stride_c` apart. Elements of `c` between the rows stay as they are.
///
/// # Panics
/// When a slice is shorter than its shape or a stride shorter than a row; when a length exceeds `i32::MAX` with
/// OpenBLAS.
pub fn gemm_strided<T: Float>(
    (m, n, k): (usize, usize, usize),
    alpha: T,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    beta: T,
    c: &mut [T],
    stride_c: usize,
) {
    if m == 0 || n == 0 {
        return;
    }
    let length = |rows: usize, columns: usize, stride: usize| {
        assert!(columns <= stride || rows == 1, "gemm: rows of {columns} elements do not fit a stride of {stride}");
        (rows - 1) * stride + columns
    };
    assert!(c.len() >= length(m, n, stride_c), "gemm: c has {} elements, too few for [{m}, {n}]", c.len());
    if k == 0 || alpha == T::ZERO {
        for row in c.chunks_mut(stride_c.max(n)).take(m) {
            row[..n].iter_mut().for_each(|v| *v = if beta == T::ZERO { T::ZERO } else { *v * beta });
        }
        return;
    }
    let lies = |layout, rows, columns| if layout == Layout::Normal { (rows, columns) } else { (columns, rows) };
    let (rows, columns) = lies(a.layout, m, k);
    assert!(a.data.len() >= length(rows, columns, a.stride), "gemm: a has too few elements for [{m}, {k}]");
    let (rows, columns) = lies(b.layout, k, n);
    assert!(b.data.len() >= length(rows, columns, b.stride), "gemm: b has too few elements for [{k}, {n}]");
    let steps = |m: &Matrix<'_, T>| if m.layout == Layout::Normal { (m.stride, 1) } else { (1, m.stride) };
    let ((a_row, a_column), (b_row, b_column)) = (steps(&a), steps(&b));
    let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
    let product = Product { m, n, k, alpha, a, a_row, a_column, b, b_row, b_column, beta, c, c_row: stride_c };
    share_out(&product, |part, _| {
        // SAFETY: the parts lie inside c, do not overlap, and a, b and c, whose lengths were checked above, stay borrowed
        // until all parts have ended. Gain: no other way to share out columns of a row-major matrix.
        unsafe { T::product(&part, None) };
    });
}

/// Calls `f(part, its first row)` for the parts of a product on all threads.
fn share_out<T: Float>(product: &Product<T>, f: impl Fn(Product<T>, usize) + Sync) {
    let &Product { m, n, k, .. } = product;
    let panel = panel::<T>();
    let (row_parts, column_parts) = parts(m, n, m * n * k + 2 * (m * k + k * n + m * n), panel);
    let rows = if row_parts == 1 { m } else { m.div_ceil(row_parts) };
    let columns = if column_parts == 1 { n } else { n.div_ceil(column_parts).next_multiple_of(panel) };
    let (row_parts, column_parts) = (m.div_ceil(rows), n.div_ceil(columns));
    for_each_part(row_parts * column_parts, &|part| {
        let (row, column) = (part / column_parts * rows, part % column_parts * columns);
        // SAFETY: both lie inside c. Gain: as above.
        f(unsafe { product.part((row, rows.min(m - row)), (column, columns.min(n - column))) }, row);
    });
}

/// `c = a b` for a left operand in pieces. `b` lies as it is; rows of `c` lie `stride_c` apart.
///
/// # Panics
/// When a slice is shorter than its shape or a piece lies outside its data; where not [`takes_pieces`].
pub(crate) fn gemm_pieces<T: Float>(
    (m, n): (usize, usize),
    a: &Pieces<'_, T>,
    b: Matrix<'_, T>,
    c: &mut [T],
    stride_c: usize,
) {
    let k = a.count * a.length;
    if m == 0 || n == 0 || k == 0 {
        return c.chunks_mut(stride_c.max(1)).take(m).for_each(|row| row[..n].fill(T::ZERO));
    }
    assert!(n <= stride_c && n <= b.stride && b.layout == Layout::Normal, "gemm: rows of {n} elements do not fit");
    assert!(c.len() >= (m - 1) * stride_c + n, "gemm: c has {} elements, too few for [{m}, {n}]", c.len());
    assert!(b.data.len() >= (k - 1) * b.stride + n, "gemm: b has too few elements for [{k}, {n}]");
    let product = Product {
        m,
        n,
        k,
        alpha: T::ONE,
        a: a.data.as_ptr(),
        a_row: 0,
        a_column: 1,
        b: b.data.as_ptr(),
        b_row: b.stride,
        b_column: 1,
        beta: T::ZERO,
        c: c.as_mut_ptr(),
        c_row: stride_c,
    };
    share_out(&product, |part, first| {
        // SAFETY: as in `gemm_strided`.
        unsafe { T::product(&part, Some((a, first))) };
    });
}

/// One product for each matrix of a batch, as `MatMul` over leading axes.
///
/// `steps` are the elements from one matrix of `a`, `b` and `c` to the next; 0 uses the same matrix again (not for
/// `c`).
///
/// # Panics
/// As [`gemm`].
pub fn gemm_batched<T: Float>(
    batch: usize,
    (m, n, k): (usize, usize, usize),
    alpha: T,
    (a, layout_a): (&[T], Layout),
    (b, layout_b): (&[T], Layout),
    beta: T,
    c: &mut [T],
    steps: (usize, usize, usize),
) {
    for i in 0..batch {
        let (a, b) = (&a[i * steps.0..], &b[i * steps.1..]);
        gemm((m, n, k), alpha, (a, layout_a), (b, layout_b), beta, &mut c[i * steps.2..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(
        (m, n, k): Shape,
        alpha: f64,
        a: Matrix<'_, f64>,
        b: Matrix<'_, f64>,
        beta: f64,
        c: &[f64],
        stride_c: usize,
    ) -> Vec<f64> {
        let at = |m: &Matrix<'_, f64>, r: usize, c: usize| match m.layout {
            Layout::Normal => m.data[r * m.stride + c],
            Layout::Transposed => m.data[c * m.stride + r],
        };
        let mut out = c.to_vec();
        for i in 0..m {
            for j in 0..n {
                let sum: f64 = (0..k).map(|x| at(&a, i, x) * at(&b, x, j)).sum();
                let old = if beta == 0.0 { 0.0 } else { beta * c[i * stride_c + j] };
                out[i * stride_c + j] = alpha * sum + old;
            }
        }
        out
    }

    fn values(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| (((i + seed) * 7919 % 1009) as f64 / 504.5) - 1.0).collect()
    }

    type Shape = (usize, usize, usize);

    fn check((m, n, k): Shape, ta: bool, tb: bool, beta: f64, gap: usize) {
        let (ra, ca) = if ta { (k, m) } else { (m, k) };
        let (rb, cb) = if tb { (n, k) } else { (k, n) };
        let (da, db) = (values(ra * (ca + gap), 1), values(rb * (cb + gap), 2));
        let a = Matrix { data: &da, stride: ca + gap, layout: Layout::transposed(ta) };
        let b = Matrix { data: &db, stride: cb + gap, layout: Layout::transposed(tb) };
        let mut c = values(m * (n + gap), 3);
        let expected = naive((m, n, k), 0.5, a, b, beta, &c, n + gap);
        let mut c32: Vec<f32> = c.iter().map(|&v| v as f32).collect();
        gemm_strided((m, n, k), 0.5, a, b, beta, &mut c, n + gap);
        for (found, expected) in c.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-12, "f64 {m}x{n}x{k} {ta} {tb}: {found} {expected}");
        }
        let (a32, b32): (Vec<f32>, Vec<f32>) =
            (da.iter().map(|&v| v as f32).collect(), db.iter().map(|&v| v as f32).collect());
        let a = Matrix { data: &a32[..], stride: a.stride, layout: a.layout };
        let b = Matrix { data: &b32[..], stride: b.stride, layout: b.layout };
        gemm_strided((m, n, k), 0.5, a, b, beta as f32, &mut c32, n + gap);
        for (found, expected) in c32.iter().zip(&expected) {
            let close = 1e-4 + 2e-6 * expected.abs();
            assert!((f64::from(*found) - expected).abs() < close, "f32 {m}x{n}x{k} {ta} {tb}: {found} {expected}");
        }
    }

    proptest! {
        #[test]
        fn equals_the_sum_of_products(
            m in 0usize..40, n in 0usize..40, k in 0usize..40,
            ta: bool, tb: bool, beta in prop::sample::select(vec![0.0, 1.0, 0.25]), gap in 0usize..3,
        ) {
            check((m, n, k), ta, tb, beta, gap);
        }
    }

    #[test]
    fn large_and_single_rows() {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            check((32, 200, 300), ta, tb, 0.0, 0);
            check((1, 200, 300), ta, tb, 1.0, 0);
            check((300, 1, 70), ta, tb, 1.0, 0);
            check((200, 130, 900), ta, tb, 0.25, 1);
            check((61, 700, 33), ta, tb, 0.0, 0);
            check((3, 1500, 450), ta, tb, 1.0, 0);
        }
    }

    #[test]
    fn beta_zero_forgets_nan() {
        for (m, n, k) in [(1, 3, 2), (4, 3, 2), (4, 3, 0), (1, 1, 1)] {
            let mut c = vec![f32::NAN; m * n];
            let a = (&vec![1f32; m * k][..], Layout::Normal);
            gemm((m, n, k), 1.0, a, (&vec![1f32; k * n], Layout::Normal), 0.0, &mut c);
            assert!(c.iter().all(|&v| v == k as f32));
        }
    }

    #[test]
    fn batches_broadcast() {
        let (a, b) = (values(2 * 6, 1), values(6, 2));
        let mut c = vec![0.0; 2 * 4];
        let (a2, b2) = ((&a[..], Layout::Normal), (&b[..], Layout::Normal));
        gemm_batched(2, (2, 2, 3), 1.0, a2, b2, 0.0, &mut c, (6, 0, 4));
        let expected: f64 = (0..3).map(|x| a[9 + x] * b[x * 2 + 1]).sum();
        assert!((c[7] - expected).abs() < 1e-14);
    }

    #[test]
    fn the_other_backends_agree() {
        let (m, n, k) = (7, 37, 19);
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let (a, b) = (values(m * k, 1), values(k * n, 2));
            let steps = |transposed, rows, columns| if transposed { (1, rows) } else { (columns, 1) };
            let ((a_row, a_column), (b_row, b_column)) = (steps(ta, m, k), steps(tb, k, n));
            for m in [1, m] {
                let (mut c, mut other) = (values(m * n, 3), values(m * n, 3));
                let (a, b) = (a.as_ptr(), b.as_ptr());
                let c_pointer = c.as_mut_ptr();
                let product = Product {
                    m,
                    n,
                    k,
                    alpha: 0.5,
                    a,
                    a_row,
                    a_column,
                    b,
                    b_row,
                    b_column,
                    beta: 0.25,
                    c: c_pointer,
                    c_row: n,
                };
                // SAFETY: the operands have the lengths of the shape.
                unsafe {
                    f64::product(&product, None);
                    Active::dgemm(&Product { c: other.as_mut_ptr(), ..product });
                }
                assert!(c.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-12), "{m} {ta} {tb}");
            }
        }
    }

    #[test]
    fn the_backend_has_a_name() {
        assert!(!backend_name().is_empty());
        assert!(Active::name().contains(if cfg!(feature = "openblas") { "OpenBLAS" } else { "gemm" }));
    }
}
