//! Products by the system's OpenBLAS.

use std::ffi::{CStr, c_char, c_int};

use blas_src as _;
use cblas_sys::{CBLAS_LAYOUT, CBLAS_TRANSPOSE, cblas_dgemm, cblas_dgemv, cblas_sgemm, cblas_sgemv};
use openblas_src as _;

use super::{Backend, Layout, Product};

unsafe extern "C" {
    fn openblas_set_num_threads(n: c_int);
    fn openblas_get_config() -> *const c_char;
}

pub(super) struct OpenBlas;

fn op(layout: Layout) -> CBLAS_TRANSPOSE {
    match layout {
        Layout::Normal => CBLAS_TRANSPOSE::CblasNoTrans,
        Layout::Transposed => CBLAS_TRANSPOSE::CblasTrans,
    }
}

fn int(n: usize) -> c_int {
    c_int::try_from(n).unwrap_or_else(|_| panic!("gemm: a length of {n} exceeds what OpenBLAS counts with"))
}

macro_rules! product {
    ($name:ident, $type:ty, $gemm:ident, $gemv:ident) => {
        fn $name(p: Product<'_, $type>) {
            let row = CBLAS_LAYOUT::CblasRowMajor;
            if p.m == 1 && (p.a.layout == Layout::Normal || p.a.stride == 1) {
                // One row: c = beta c + alpha op(b)' a. gemv reads c even where beta is 0, so that is done here.
                let mut beta = p.beta;
                if beta == 0.0 {
                    p.c[..p.n].fill(0.0);
                    beta = 1.0;
                }
                let (rows, columns, trans) = match p.b.layout {
                    Layout::Normal => (p.k, p.n, CBLAS_TRANSPOSE::CblasTrans),
                    Layout::Transposed => (p.n, p.k, CBLAS_TRANSPOSE::CblasNoTrans),
                };
                // SAFETY: `gemm_strided` has checked that b holds `rows` rows of `columns` elements `stride` apart,
                // a holds k elements and c holds n; OpenBLAS touches nothing else. Gain: the fastest known kernels.
                unsafe {
                    $gemv(
                        row,
                        trans,
                        int(rows),
                        int(columns),
                        p.alpha,
                        p.b.data.as_ptr(),
                        int(p.b.stride.max(columns)),
                        p.a.data.as_ptr(),
                        1,
                        beta,
                        p.c.as_mut_ptr(),
                        1,
                    );
                }
                return;
            }
            let stride = |m: &super::Matrix<'_, $type>, rows: usize, columns: usize| {
                int(m.stride.max(if m.layout == Layout::Normal { columns } else { rows }))
            };
            // SAFETY: `gemm_strided` has checked that a, b and c hold all elements their shapes and strides reach, and
            // c cannot overlap a or b, since it is borrowed mutably. Gain: the fastest known kernels.
            unsafe {
                $gemm(
                    row,
                    op(p.a.layout),
                    op(p.b.layout),
                    int(p.m),
                    int(p.n),
                    int(p.k),
                    p.alpha,
                    p.a.data.as_ptr(),
                    stride(&p.a, p.m, p.k),
                    p.b.data.as_ptr(),
                    stride(&p.b, p.k, p.n),
                    p.beta,
                    p.c.as_mut_ptr(),
                    int(p.stride_c.max(p.n)),
                );
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

    fn set_threads(n: usize) {
        // SAFETY: no condition; OpenBLAS caps the number itself. Gain: no other way.
        unsafe { openblas_set_num_threads(c_int::try_from(n).unwrap_or(c_int::MAX)) };
    }

    // Both expand to a function of the trait: gemv for one row, else gemm.
    product!(sgemm, f32, cblas_sgemm, cblas_sgemv);
    product!(dgemm, f64, cblas_dgemm, cblas_dgemv);
}
