//! Time of one step for the parameters of the MNIST model (784-512-10), beside a copy of the same bytes.

use std::hint::black_box;
use std::time::Instant;

use kerox_optim::{Form, GradientView, get};
use kerox_tensor::{DType, Tensor, Variable};

fn main() {
    let shapes: [&[usize]; 4] = [&[784, 512], &[512], &[512, 10], &[10]];
    let variables: Vec<Variable> =
        shapes.iter().map(|s| Variable::new("w", Tensor::zeros(DType::F32, s).unwrap(), true)).collect();
    let gradients: Vec<Vec<f32>> = variables.iter().map(|v| vec![1e-3; v.shape().elements()]).collect();
    let views: Vec<GradientView<'_>> = gradients.iter().map(|g| GradientView::from(&g[..])).collect();
    let elements: usize = gradients.iter().map(Vec::len).sum();

    let source = vec![1u8; elements * 16];
    let mut target = vec![0u8; elements * 16];
    let copy = time(|| black_box(&mut target).copy_from_slice(black_box(&source)));
    println!("copy of {} bytes (reads and writes as Adam's slots do): {copy:.1} us", source.len());

    for name in ["SGD", "Adam", "RMSprop", "Adagrad", "Lion", "Nadam", "Ftrl", "Adafactor"] {
        let optimizer = get(name, Form::Keras2).unwrap();
        optimizer.build(&variables).unwrap();
        let each = time(|| optimizer.apply_slices(&variables, &views).unwrap());
        println!("{name}: {elements} parameters in {each:.1} us, {:.2} ns each", each * 1e3 / elements as f64);
    }
}

/// Microseconds of the fastest of 200 runs.
fn time(mut run: impl FnMut()) -> f64 {
    (0..200)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .fold(f64::INFINITY, f64::min)
}
