//! Products by the crate `gemm`, in Rust alone.

use std::cell::RefCell;

use gemm::Parallelism;

use super::{Backend, Product};
use crate::kernels::Float;

pub(super) struct Pure;

/// Rows up to which a transposed right operand is copied into the order that the crate is fast with.
const COPY_ROWS: usize = 64;
/// Elements of the right operand from which copying pays, and up to which the copy is kept between calls.
const COPY_ELEMENTS: std::ops::RangeInclusive<usize> = 1 << 12..=1 << 22;

thread_local! {
    static COPY_F32: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static COPY_F64: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

fn multiply<T: Float>(p: &Product<T>, copy: &RefCell<Vec<T>>) {
    // The crate is several times slower with few rows and a transposed right operand than with a copy of it.
    if p.b_column != 1 && (2..=COPY_ROWS).contains(&p.m) && COPY_ELEMENTS.contains(&(p.n * p.k)) {
        if let Ok(mut copy) = copy.try_borrow_mut() {
            let room = copy.len().max(p.n * p.k);
            copy.resize(room, T::ZERO);
            const BLOCK: usize = 16;
            for first_row in (0..p.n).step_by(BLOCK) {
                for first in (0..p.k).step_by(BLOCK) {
                    for row in first_row..(first_row + BLOCK).min(p.n) {
                        for column in first..(first + BLOCK).min(p.k) {
                            // SAFETY: `multiply` is only called with operands that hold what shape and steps reach.
                            copy[column * p.n + row] = unsafe { *p.b.add(column * p.b_row + row * p.b_column) };
                        }
                    }
                }
            }
            return call(&Product { b: copy.as_ptr(), b_row: p.n, b_column: 1, ..*p });
        }
    }
    call(p);
}

fn call<T: Float>(p: &Product<T>) {
    // SAFETY: `multiply` is only called with operands that hold what shape and steps reach, and c is this thread's; c is
    // only read with `beta` not 0. Gain: no other interface.
    unsafe {
        gemm::gemm(
            p.m,
            p.n,
            p.k,
            p.c,
            1,
            p.c_row as isize,
            p.beta != T::ZERO,
            p.a,
            p.a_column as isize,
            p.a_row as isize,
            p.b,
            p.b_column as isize,
            p.b_row as isize,
            p.beta,
            p.alpha,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

impl Backend for Pure {
    fn name() -> String {
        "gemm (pure Rust)".to_owned()
    }

    unsafe fn sgemm(product: &Product<f32>) {
        COPY_F32.with(|copy| multiply(product, copy));
    }

    unsafe fn dgemm(product: &Product<f64>) {
        COPY_F64.with(|copy| multiply(product, copy));
    }
}
