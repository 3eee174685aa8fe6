//! Times of kernels: `cargo bench -p kerox-tensor`. Medians over runs; GFLOP/s for products, GB/s for passes over memory.

use std::hint::black_box;
use std::time::Instant;

use kerox_tensor::kernels::conv::ConvPlan;
use kerox_tensor::kernels::gemm::Layout::{self, Normal, Transposed};
use kerox_tensor::kernels::unary::{self, Unary};
use kerox_tensor::kernels::window::Padding;
use kerox_tensor::kernels::{backend_name, gemm::gemm, softmax, threads};

/// Median seconds of a run, after one to warm up.
fn median(mut run: impl FnMut()) -> f64 {
    run();
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 11 || (begin.elapsed().as_secs_f64() < 0.3 && times.len() < 10_000) {
        let start = Instant::now();
        run();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn product(label: &str, (m, k, n): (usize, usize, usize), a_layout: Layout, b_layout: Layout) {
    let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0f32; m * n]);
    let seconds = median(|| gemm((m, n, k), 1.0, (black_box(&a), a_layout), (black_box(&b), b_layout), 0.0, &mut c));
    let rate = 2.0 * (m * k * n) as f64 / seconds / 1e9;
    println!("{label:<34} {:>9.2} us {rate:>8.1} GFLOP/s", seconds * 1e6);
}

fn pass(label: &str, bytes: usize, run: impl FnMut()) {
    let seconds = median(run);
    println!("{label:<34} {:>9.2} us {:>8.1} GB/s", seconds * 1e6, bytes as f64 / seconds / 1e9);
}

fn main() {
    println!("{}, {} threads", backend_name(), threads());
    product("sgemm 32x784x512", (32, 784, 512), Normal, Normal);
    product("sgemm 784x32x512 a transposed", (784, 32, 512), Transposed, Normal);
    product("sgemm 32x512x784 b transposed", (32, 512, 784), Normal, Transposed);
    product("sgemm 128x784x512", (128, 784, 512), Normal, Normal);
    product("sgemm 1024x1024x1024", (1024, 1024, 1024), Normal, Normal);
    product("sgemm 1x784x512", (1, 784, 512), Normal, Normal);
    product("sgemm 32x64x10", (32, 64, 10), Normal, Normal);

    for n in [16_384, 1 << 20] {
        let (x, mut y) = (vec![0.3f32; n], vec![0f32; n]);
        for f in [Unary::Relu, Unary::Exp, Unary::Tanh, Unary::Gelu] {
            pass(&format!("{f:?} of {n}"), 8 * n, || unary::forward(f, black_box(&x), &mut y));
        }
        pass(&format!("softmax of rows of 1024, {n}"), 8 * n, || softmax::softmax(1024, black_box(&x), &mut y));
    }

    let plan = ConvPlan::new(&[32, 28, 28, 32], &[3, 3, 32, 64], &[1, 1], &[1, 1], &Padding::Same).expect("fits");
    let (x, w) = (vec![0.5f32; 32 * 28 * 28 * 32], vec![0.5f32; 9 * 32 * 64]);
    let (mut y, mut scratch) = (vec![0f32; 32 * 28 * 28 * 64], vec![0f32; plan.scratch_len()]);
    let seconds = median(|| plan.forward(black_box(&x), &w, &mut y, &mut scratch));
    let flops = 2.0 * (32 * 28 * 28 * 9 * 32 * 64) as f64;
    println!("{:<34} {:>9.2} us {:>8.1} GFLOP/s", "conv2d 32x28x28x32 3x3x64", seconds * 1e6, flops / seconds / 1e9);
}
