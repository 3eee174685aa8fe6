//! Products by the system's OpenBLAS.

use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

use blas_src as _;
use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE, cblas_dgemm, cblas_dgemv, cblas_sgemm, cblas_sgemv};
use openblas_src as _;

use super::{Backend, Product};

unsafe extern "C" {
    fn openblas_set_num_threads(n: c_int);
    fn openblas_get_config() -> *const c_char;
}

pub(super) struct OpenBlas;

/// Whether rows lie one after the other, and the distance between what lies one after the other.
fn op(row: usize, column: usize, least: usize) -> (CBLAS_TRANSPOSE, c_int) {
    if column == 1 {
        (CBLAS_TRANSPOSE::CblasNoTrans, int(row.max(least)))
    } else {
        (CBLAS_TRANSPOSE::CblasTrans, int(column.max(least)))
    }
}

fn int(n: usize) -> c_int {
    c_int::try_from(n).unwrap_or_else(|_| panic!("gemm: a length of {n} exceeds what OpenBLAS counts with"))
}

/// Each call is one part of a product, in a thread of [`crate::parallel`]; OpenBLAS's own threads would fight with those.
fn one_thread() {
    static ONCE: Once = Once::new();
    // SAFETY: no condition. Gain: no other way.
    ONCE.call_once(|| unsafe { openblas_set_num_threads(1) });
}

macro_rules! product {
    ($name:ident, $type:ty, $gemm:ident, $gemv:ident) => {
        unsafe fn $name(p: &Product<$type>) {
            one_thread();
            let row = CBLAS_LAYOUT::CblasRowMajor;
            if p.m == 1 && p.a_column == 1 {
                // One row: c = beta c + alpha op(b)' a. gemv reads c even where beta is 0, so that is done here.
                let mut beta = p.beta;
                if beta == 0.0 {
                    // SAFETY: c holds a row of n elements.
                    unsafe { std::slice::from_raw_parts_mut(p.c, p.n) }.fill(0.0);
                    beta = 1.0;
                }
                let (rows, columns, trans, stride) = match p.b_column {
                    1 => (p.k, p.n, CBLAS_TRANSPOSE::CblasTrans, p.b_row),
                    _ => (p.n, p.k, CBLAS_TRANSPOSE::CblasNoTrans, p.b_column),
                };
                let (rows, columns, stride) = (int(rows), int(columns), int(stride.max(columns)));
                // SAFETY: the caller promises that b holds `rows` rows of `columns` elements `stride` apart, a holds k
                // elements and c holds n; OpenBLAS touches nothing else. Gain: the fastest known kernels.
                unsafe { $gemv(row, trans, rows, columns, p.alpha, p.b, stride, p.a, 1, beta, p.c, 1) };
                return;
            }
            let (op_a, stride_a) = op(p.a_row, p.a_column, if p.a_column == 1 { p.k } else { p.m });
            let (op_b, stride_b) = op(p.b_row, p.b_column, if p.b_column == 1 { p.n } else { p.k });
            let (m, n, k, stride_c) = (int(p.m), int(p.n), int(p.k), int(p.c_row.max(p.n)));
            // SAFETY: the caller promises that a, b and c hold all elements their shapes and strides reach, and that c is
            // this thread's. Gain: the fastest known kernels.
            unsafe {
                $gemm(row, op_a, op_b, m, n, k, p.alpha, p.a, stride_a, p.b, stride_b, p.beta, p.c, stride_c);
            }
        }
    };
}

impl Backend for OpenBlas {
    fn name() -> String {
        // SAFETY: OpenBLAS returns a pointer to a static string that ends with a zero byte. Gain: no other way.
        let config = unsafe { CStr::from_ptr(openblas_get_config()) };
        let config = config.to_string_lossy().trim().to_owned();
        if config.starts_with("OpenBLAS") { config } else { format!("OpenBLAS {config}") }
    }

    // Both expand to a function of the trait: gemv for one row, else gemm.
    product!(sgemm, f32, cblas_sgemm, cblas_sgemv);
    product!(dgemm, f64, cblas_dgemm, cblas_dgemv);
}
