//! Products by the crate `gemm`, in Rust alone.

use std::cell::RefCell;

use gemm::Parallelism;

use super::{Backend, Layout, Matrix, Product};
use crate::kernels::{Float, threads};

pub(super) struct Pure;

/// Rows up to which a transposed right operand is copied into the order that the crate is fast with.
const COPY_ROWS: usize = 64;
/// Elements of the right operand from which copying pays, and up to which the copy is kept between calls.
const COPY_ELEMENTS: std::ops::RangeInclusive<usize> = 1 << 12..=1 << 22;

thread_local! {
    static COPY_F32: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static COPY_F64: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

fn strides<T>(m: &Matrix<'_, T>) -> (isize, isize) {
    // Column stride, row stride.
    match m.layout {
        Layout::Normal => (1, m.stride as isize),
        Layout::Transposed => (m.stride as isize, 1),
    }
}

fn multiply<T: Float>(p: Product<'_, T>, copy: &RefCell<Vec<T>>) {
    // The crate is several times slower with few rows and a transposed right operand than with a copy of it.
    if p.b.layout == Layout::Transposed && (2..=COPY_ROWS).contains(&p.m) && COPY_ELEMENTS.contains(&(p.n * p.k)) {
        if let Ok(mut copy) = copy.try_borrow_mut() {
            let room = copy.len().max(p.n * p.k);
            copy.resize(room, T::ZERO);
            const BLOCK: usize = 16;
            for first_row in (0..p.n).step_by(BLOCK) {
                for first in (0..p.k).step_by(BLOCK) {
                    for row in first_row..(first_row + BLOCK).min(p.n) {
                        for column in first..(first + BLOCK).min(p.k) {
                            copy[column * p.n + row] = p.b.data[row * p.b.stride + column];
                        }
                    }
                }
            }
            let b = Matrix { data: &copy[..], stride: p.n, layout: Layout::Normal };
            return call(Product {
                b,
                m: p.m,
                n: p.n,
                k: p.k,
                alpha: p.alpha,
                a: p.a,
                beta: p.beta,
                c: p.c,
                stride_c: p.stride_c,
            });
        }
    }
    call(p);
}

fn call<T: Float>(p: Product<'_, T>) {
    let parallelism = match threads() {
        1 => Parallelism::None,
        // The crate itself decides from the size whether threads pay.
        n => Parallelism::Rayon(n),
    };
    let (a_column, a_row) = strides(&p.a);
    let (b_column, b_row) = strides(&p.b);
    // SAFETY: `gemm_strided` has checked that a, b and c hold all elements their shapes and strides reach, and c cannot
    // overlap a or b, since it is borrowed mutably; c is only read with `beta` not 0. Gain: no other interface.
    unsafe {
        gemm::gemm(
            p.m,
            p.n,
            p.k,
            p.c.as_mut_ptr(),
            1,
            p.stride_c as isize,
            p.beta != T::ZERO,
            p.a.data.as_ptr(),
            a_column,
            a_row,
            p.b.data.as_ptr(),
            b_column,
            b_row,
            p.beta,
            p.alpha,
            false,
            false,
            false,
            parallelism,
        );
    }
}

impl Backend for Pure {
    fn name() -> String {
        "gemm (pure Rust)".to_owned()
    }

    // The number is read at each product.
    fn set_threads(_: usize) {}

    fn sgemm(product: Product<'_, f32>) {
        COPY_F32.with(|copy| multiply(product, copy));
    }

    fn dgemm(product: Product<'_, f64>) {
        COPY_F64.with(|copy| multiply(product, copy));
    }
}
