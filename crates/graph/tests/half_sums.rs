//! Sums of half precision lose nothing but the rounding of what comes out.

use kerox_graph::ops::Padding;
use kerox_graph::{Executor, Graph, Plan, gradients};
use kerox_tensor::{DType, Shape, Tensor};

/// Samples, rows, columns, channels, filters.
const SIZES: [usize; 5] = [8, 6, 5, 2, 4];

fn halves(shape: &[usize], seed: usize, scale: f64) -> Tensor {
    let n: usize = shape.iter().product();
    let numbers = (0..n).map(|i| scale * (((i * 7919 + seed * 104_729 + 13) % 2003) as f64 / 1001.5 - 1.0));
    Tensor::from_vec(numbers.collect::<Vec<f64>>(), shape.to_vec()).unwrap().cast(DType::F16).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(DType::F64).unwrap().as_slice::<f64>().unwrap().to_vec()
}

/// The gradient of the 3 × 3 kernel of a convolution with padding: for each weight the sum and that of its absolute terms.
fn exact(x: &[f64], upstream: &[f64]) -> Vec<(f64, f64)> {
    let [samples, rows, columns, channels, filters] = SIZES;
    let mut sums = vec![(0.0, 0.0); 9 * channels * filters];
    for (weight, (sum, absolute)) in sums.iter_mut().enumerate() {
        let (filter, channel, tap) = (weight % filters, weight / filters % channels, weight / filters / channels);
        for position in 0..samples * rows * columns {
            let (column, row) = (position % columns + tap % 3, position / columns % rows + tap / 3);
            if !(1..=rows).contains(&row) || !(1..=columns).contains(&column) {
                continue;
            }
            let sample = position / columns / rows;
            let pixel = (sample * rows + row - 1) * columns + column - 1;
            let term = x[pixel * channels + channel] * upstream[position * filters + filter];
            *sum += term;
            *absolute += term.abs();
        }
    }
    sums
}

/// Scaled as losses are, terms are large beside their sum: rounded one by one, as TensorFlow adds them, they may leave the
/// other sign, or infinity.
#[test]
fn gradients_of_kernels_are_rounded_once() {
    let [samples, rows, columns, channels, filters] = SIZES;
    let x = halves(&[samples, rows, columns, channels], 1, 1.0);
    let kernel = halves(&[3, 3, channels, filters], 2, 0.7);
    let upstream = halves(&[samples, rows, columns, filters], 3, 60.0);
    let mut g = Graph::new();
    let feeds = [&x, &kernel];
    let inputs = ["x", "kernel"];
    let inputs: Vec<_> = inputs
        .iter()
        .zip(feeds)
        .map(|(name, t)| g.placeholder(name, DType::F16, t.shape().iter().map(|&d| Some(d)).collect()).unwrap())
        .collect();
    let y = g.conv2d(inputs[0], inputs[1], [1, 1], Padding::Same, [1, 1]).unwrap();
    let seed = g.constant(upstream.clone()).unwrap();
    let gradient = gradients(&mut g, &[y], Some(&[seed]), &inputs[1..]).unwrap()[0].unwrap();
    let shapes: Vec<Shape> = feeds.iter().map(|t| t.shape().clone()).collect();
    let mut run = Executor::new(Plan::compile(&g, &inputs, &shapes, &[gradient], &[]).unwrap());
    run.run(&feeds).unwrap();
    let found = run.output(0).tensor().unwrap();
    assert_eq!(found.dtype(), DType::F16);
    for (i, (found, (sum, absolute))) in
        numbers(&found).into_iter().zip(exact(&numbers(&x), &numbers(&upstream))).enumerate()
    {
        // Half a unit in the last place of float16 (2^-24 among its subnormal numbers), and single precision's share of each term.
        let bound = (sum.abs() * 2f64.powi(-11)).max(2f64.powi(-25)) + absolute * 2f64.powi(-22);
        assert!((found - sum).abs() <= bound, "weight {i}: {found} instead of {sum}, {absolute} in all");
    }
}
