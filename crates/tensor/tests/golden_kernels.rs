//! Kernels against TensorFlow's numbers in `golden/kernels/cases.npz`, which `golden/kernels/make.py` writes.

#![cfg(all(feature = "kernels", feature = "npz"))]

use std::cell::RefCell;
use std::fs::File;

use kerox_tensor::kernels::conv::ConvPlan;
use kerox_tensor::kernels::depthwise::DepthwisePlan;
use kerox_tensor::kernels::pool::{PoolPlan, Pooling};
use kerox_tensor::kernels::resize::{Interpolation, ResizePlan};
use kerox_tensor::kernels::rnn::{
    Gru, GruGradients, GruSaved, GruWeights, Lstm, LstmGradients, LstmSaved, LstmWeights, RnnActivation, RnnShape,
    SimpleRnn, SimpleRnnGradients, SimpleRnnWeights,
};
use kerox_tensor::kernels::unary::{self, Needs, Unary};
use kerox_tensor::kernels::window::Padding;
use kerox_tensor::kernels::{batch_norm, layer_norm, softmax};
use kerox_tensor::npz::Npz;
use kerox_tensor::random::Generator;
use kerox_tensor::{DType, Tensor};

struct Golden(RefCell<Npz<File>>);

impl Golden {
    fn open() -> Golden {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/kernels/cases.npz");
        Golden(RefCell::new(Npz::open(File::open(path).unwrap(), "cases.npz").unwrap()))
    }

    fn get(&self, name: &str) -> Tensor {
        self.0.borrow_mut().read(name).unwrap()
    }

    /// Sums of a few dozen single-precision products differ in their last bits with the order of summation.
    fn check(&self, name: &str, found: &[f32]) {
        let expected = self.get(name);
        let expected = expected.as_slice::<f32>().unwrap();
        assert_eq!(expected.len(), found.len(), "{name}");
        for (i, (e, f)) in expected.iter().zip(found).enumerate() {
            assert!((e - f).abs() <= 1e-5 * (1.0 + e.abs()), "{name} at {i}: {e}, found {f}");
        }
    }
}

/// The inputs of `make.py`.
fn values(shape: &[usize], seed: usize) -> Vec<f32> {
    (0..shape.iter().product()).map(|i: usize| (((i + 31 * seed) * 7919 % 1009) as f64 / 504.5 - 1.0) as f32).collect()
}

fn paddings() -> [(&'static str, Padding); 2] {
    [("SAME", Padding::Same), ("VALID", Padding::Valid)]
}

fn check_conv(golden: &Golden, name: &str, x: &[usize], w: &[usize], s: &[usize], d: &[usize], padding: &Padding) {
    let plan = ConvPlan::new(x, w, s, d, padding).unwrap();
    let (x, w) = (values(x, 1), values(w, 2));
    let shape = plan.output_shape();
    let (mut y, mut scratch) = (vec![0.0; shape.elements()], vec![0.0; plan.scratch_len()]);
    plan.forward(&x, &w, &mut y, &mut scratch);
    golden.check(&format!("{name}/y"), &y);
    if d.contains(&2) {
        return;
    }
    let (dy, mut dx, mut dw) = (values(&shape, 9), vec![0.0; x.len()], vec![0.0; w.len()]);
    plan.backward_input(&w, &dy, &mut dx, &mut scratch);
    golden.check(&format!("{name}/d0"), &dx);
    plan.backward_filter(&x, &dy, &mut dw, &mut scratch);
    golden.check(&format!("{name}/d1"), &dw);
}

#[test]
fn convolutions() {
    let golden = Golden::open();
    for (label, padding) in paddings() {
        for (name, k, s, d) in [("plain", 3, 1, 1), ("strided", 3, 2, 1), ("even", 2, 2, 1), ("dilated", 3, 1, 2)] {
            let name = format!("conv2d/{name}/{label}");
            check_conv(&golden, &name, &[2, 7, 6, 3], &[k, k, 3, 4], &[s, s], &[d, d], &padding);
        }
        check_conv(&golden, &format!("conv1d/{label}"), &[2, 9, 3], &[3, 3, 2], &[2], &[1], &padding);
        let (x, w) = ([1, 5, 4, 5, 2], [2, 3, 2, 2, 3]);
        check_conv(&golden, &format!("conv3d/{label}"), &x, &w, &[2, 1, 2], &[1; 3], &padding);
    }
    let padding = Padding::Explicit(vec![(2, 1), (0, 3)]);
    check_conv(&golden, "conv2d/explicit", &[1, 5, 6, 2], &[3, 3, 2, 3], &[2, 2], &[1, 1], &padding);
}

#[test]
fn transposed_convolutions() {
    let golden = Golden::open();
    for (label, padding) in paddings() {
        let size = if label == "SAME" { [2, 8, 10, 3] } else { [2, 9, 11, 3] };
        let plan = ConvPlan::new(&size, &[3, 3, 3, 4], &[2, 2], &[1, 1], &padding).unwrap();
        assert_eq!(plan.output_shape()[..], [2, 4, 5, 4]);
        let (small, w) = (values(&[2, 4, 5, 4], 1), values(&[3, 3, 3, 4], 2));
        let (mut large, mut scratch) = (vec![0.0; size.iter().product()], vec![0.0; plan.scratch_len()]);
        plan.backward_input(&w, &small, &mut large, &mut scratch);
        golden.check(&format!("transposed/{label}/y"), &large);
        let dy = values(&size, 9);
        let (mut dsmall, mut dw) = (vec![0.0; small.len()], vec![0.0; w.len()]);
        plan.forward(&dy, &w, &mut dsmall, &mut scratch);
        golden.check(&format!("transposed/{label}/d0"), &dsmall);
        plan.backward_filter(&dy, &small, &mut dw, &mut scratch);
        golden.check(&format!("transposed/{label}/d1"), &dw);
    }
}

#[test]
fn depthwise_convolutions() {
    let golden = Golden::open();
    for (label, padding) in paddings() {
        let plan = DepthwisePlan::new(&[2, 6, 5, 3], &[3, 3, 3, 2], &[2, 2], &[1, 1], &padding).unwrap();
        let (x, w) = (values(&[2, 6, 5, 3], 1), values(&[3, 3, 3, 2], 2));
        let mut y = vec![0.0; plan.output_shape().elements()];
        plan.forward(&x, &w, &mut y);
        golden.check(&format!("depthwise/{label}/y"), &y);
        let dy = values(&plan.output_shape(), 9);
        let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
        plan.backward_input(&w, &dy, &mut dx);
        golden.check(&format!("depthwise/{label}/d0"), &dx);
        plan.backward_filter(&x, &dy, &mut dw);
        golden.check(&format!("depthwise/{label}/d1"), &dw);
    }
}

#[test]
fn pooling() {
    let golden = Golden::open();
    let shapes: [(&str, &[usize], &[usize], &[usize]); 3] = [
        ("pool1d", &[2, 8, 3], &[3], &[2]),
        ("pool2d", &[2, 6, 7, 3], &[3, 2], &[2, 2]),
        ("pool3d", &[1, 4, 5, 4, 2], &[2, 2, 2], &[1, 2, 2]),
    ];
    for (label, padding) in paddings() {
        for (kind, pooling) in [("MAX", Pooling::Max), ("AVG", Pooling::Average)] {
            for (name, x, k, s) in shapes {
                let plan = PoolPlan::new(pooling, x, k, s, &padding).unwrap();
                let x = values(x, 1);
                let (mut y, mut dx) = (vec![0.0; plan.output_shape().elements()], vec![0.0; x.len()]);
                plan.forward(&x, &mut y);
                golden.check(&format!("{name}/{kind}/{label}/y"), &y);
                plan.backward(&x, &y, &values(&plan.output_shape(), 9), &mut dx);
                golden.check(&format!("{name}/{kind}/{label}/d0"), &dx);
            }
        }
    }
}

#[test]
fn resizing() {
    let golden = Golden::open();
    for (name, interpolation) in [
        ("nearest", Interpolation::Nearest),
        ("bilinear", Interpolation::Bilinear),
        ("bicubic", Interpolation::Bicubic),
        ("area", Interpolation::Area),
    ] {
        for [h, w] in [[3, 9], [10, 14], [5, 7], [11, 2], [1, 1]] {
            let plan = ResizePlan::new(interpolation, &[2, 5, 7, 2], [h, w]).unwrap();
            let x = values(&[2, 5, 7, 2], 1);
            let (mut y, mut dx) = (vec![0.0; plan.output_shape().elements()], vec![0.0; x.len()]);
            plan.forward(&x, &mut y);
            golden.check(&format!("resize/{name}/{h}x{w}/y"), &y);
            if interpolation != Interpolation::Area {
                plan.backward(&values(&plan.output_shape(), 9), &mut dx);
                golden.check(&format!("resize/{name}/{h}x{w}/d0"), &dx);
            }
        }
    }
}

const MASK: [bool; 8] = [true, true, false, true, false, true, true, false];

/// Runs a layer of 5 units over `[2, 4, 3]` with and without mask; `run` gives the outputs and gradients.
fn check_rnn(name: &str, gates: usize, bias: usize, run: impl Fn(RnnShape, &[bool], &[Vec<f32>]) -> Vec<Vec<f32>>) {
    let golden = Golden::open();
    let shape = RnnShape { batch: 2, steps: 4, features: 3, units: 5 };
    let w = [values(&[2, 4, 3], 1), values(&[3, 5 * gates], 2), values(&[5, 5 * gates], 3), values(&[bias], 4)];
    for (label, mask) in [("plain", &[][..]), ("masked", &MASK[..])] {
        for (k, found) in run(shape, mask, &w).iter().enumerate() {
            let part = if k == 0 { "y".to_owned() } else { format!("d{}", k - 1) };
            golden.check(&format!("rnn/{name}/{label}/{part}"), found);
        }
    }
}

#[test]
fn simple_rnn() {
    check_rnn("simple", 1, 5, |shape, mask, w| {
        let rnn = SimpleRnn { shape, activation: RnnActivation::Tanh };
        let weights = SimpleRnnWeights { kernel: &w[1], recurrent_kernel: &w[2], bias: &w[3] };
        let (mut h, mut room, mut initial) = (vec![0.0; 40], vec![0.0; 40], vec![0.0; 10]);
        let mut scratch = vec![0.0; rnn.scratch_len()];
        rnn.forward(&w[0], weights, &[], mask, &mut h, &mut scratch);
        let (mut x, mut k, mut r, mut b) = (vec![0.0; 24], vec![0.0; 15], vec![0.0; 25], vec![0.0; 5]);
        let gradients = SimpleRnnGradients {
            x: &mut x,
            kernel: &mut k,
            recurrent_kernel: &mut r,
            bias: &mut b,
            initial_state: &mut initial,
        };
        rnn.backward(&w[0], weights, &[], mask, &h, (&values(&[40], 9), &[]), &mut room, &mut scratch, gradients);
        vec![h, x, k, r, b]
    });
}

#[test]
fn lstm() {
    for (name, activation, recurrent_activation) in [
        ("lstm", RnnActivation::Tanh, RnnActivation::Sigmoid),
        ("lstm_hard", RnnActivation::Relu, RnnActivation::HardSigmoid),
    ] {
        check_rnn(name, 4, 20, |shape, mask, w| {
            let lstm = Lstm { shape, activation, recurrent_activation };
            let weights = LstmWeights { kernel: &w[1], recurrent_kernel: &w[2], bias: &w[3] };
            let (mut g, mut c, mut h) = (vec![0.0; 160], vec![0.0; 40], vec![0.0; 40]);
            let saved = LstmSaved { gates: &mut g, cells: &mut c, hidden: &mut h };
            lstm.forward(&w[0], weights, (&[], &[]), mask, saved);
            let (mut x, mut k, mut r, mut b) = (vec![0.0; 24], vec![0.0; 60], vec![0.0; 100], vec![0.0; 20]);
            let (mut dh, mut dc, mut room) = (vec![0.0; 10], vec![0.0; 10], vec![0.0; 160]);
            let mut scratch = vec![0.0; lstm.scratch_len()];
            let gradients = LstmGradients {
                x: &mut x,
                kernel: &mut k,
                recurrent_kernel: &mut r,
                bias: &mut b,
                initial_hidden: &mut dh,
                initial_cell: &mut dc,
            };
            let (saved, dy) = ((&g[..], &c[..], &h[..]), values(&[40], 9));
            lstm.backward(
                &w[0],
                weights,
                (&[], &[]),
                mask,
                saved,
                (&dy, (&[], &[])),
                &mut room,
                &mut scratch,
                gradients,
            );
            vec![h, x, k, r, b]
        });
    }
}

#[test]
fn gru() {
    for (name, reset_after) in [("gru", true), ("gru_before", false)] {
        let bias = if reset_after { 30 } else { 15 };
        check_rnn(name, 3, bias, |shape, mask, w| {
            let (activation, recurrent_activation) = (RnnActivation::Tanh, RnnActivation::Sigmoid);
            let gru = Gru { shape, activation, recurrent_activation, reset_after };
            let weights = GruWeights { kernel: &w[1], recurrent_kernel: &w[2], bias: &w[3] };
            let (mut g, mut i, mut h) = (vec![0.0; 120], vec![0.0; 40], vec![0.0; 40]);
            let mut scratch = vec![0.0; gru.scratch_len()];
            let saved = GruSaved { gates: &mut g, inner: &mut i, hidden: &mut h };
            gru.forward(&w[0], weights, &[], mask, saved, &mut scratch);
            let (mut x, mut k, mut r, mut b) = (vec![0.0; 24], vec![0.0; 45], vec![0.0; 75], vec![0.0; bias]);
            let (mut initial, mut room, mut more) = (vec![0.0; 10], vec![0.0; 120], vec![0.0; 40]);
            let gradients = GruGradients {
                x: &mut x,
                kernel: &mut k,
                recurrent_kernel: &mut r,
                bias: &mut b,
                initial_state: &mut initial,
            };
            let (saved, dy) = ((&g[..], &i[..], &h[..]), values(&[40], 9));
            gru.backward(&w[0], weights, &[], mask, saved, (&dy, &[]), (&mut room, &mut more), &mut scratch, gradients);
            vec![h, x, k, r, b]
        });
    }
}

#[test]
fn functions_of_one_argument() {
    let golden = Golden::open();
    let x: Vec<f32> = (0..25).map(|i| -6.0 + 0.5 * i as f32).collect();
    for (name, f) in [
        ("Relu", Unary::Relu),
        ("Relu6", Unary::Relu6),
        ("LeakyRelu", Unary::LeakyRelu(0.3)),
        ("Elu", Unary::Elu(1.0)),
        ("Selu", Unary::Selu),
        ("Sigmoid", Unary::Sigmoid),
        ("HardSigmoid", Unary::HardSigmoid),
        ("Tanh", Unary::Tanh),
        ("Softplus", Unary::Softplus),
        ("Softsign", Unary::Softsign),
        ("Swish", Unary::Swish),
        ("Gelu", Unary::Gelu),
        ("GeluTanh", Unary::GeluTanh),
        ("Mish", Unary::Mish),
        ("Exp", Unary::Exp),
        ("Erf", Unary::Erf),
        ("Erfc", Unary::Erfc),
        ("Expm1", Unary::Expm1),
        ("LogSigmoid", Unary::LogSigmoid),
    ] {
        let (mut y, mut dx) = (vec![0.0; 25], vec![0.0; 25]);
        unary::forward(f, &x, &mut y);
        golden.check(&format!("unary/{name}/y"), &y);
        unary::backward(f, &x, &y, &[1.0; 25], &mut dx);
        golden.check(&format!("unary/{name}/d0"), &dx);
        assert!(f.needs() != Needs::Nothing);
    }
}

#[test]
fn rows() {
    let golden = Golden::open();
    let (x, dy) = (values(&[3, 7], 1), values(&[3, 7], 9));
    let (mut y, mut dx) = (vec![0.0; 21], vec![0.0; 21]);
    softmax::softmax(7, &x, &mut y);
    golden.check("softmax/y", &y);
    softmax::softmax_backward(7, &y, &dy, &mut dx);
    golden.check("softmax/d0", &dx);
    softmax::log_softmax(7, &x, &mut y);
    golden.check("log_softmax/y", &y);
    softmax::log_softmax_backward(7, &y, &dy, &mut dx);
    golden.check("log_softmax/d0", &dx);
    let (mut mean, mut inverse) = ([0.0; 3], [0.0; 3]);
    layer_norm::forward(7, &x, &[], &[], 1e-3, &mut y, &mut mean, &mut inverse);
    golden.check("layer_norm/y", &y);
    layer_norm::backward(7, &x, &[], &mean, &inverse, &dy, &mut dx, &mut [], &mut []);
    golden.check("layer_norm/d0", &dx);
    let x = values(&[2, 3, 3, 4], 1);
    let (mut y, mut mean, mut variance) = (vec![0.0; x.len()], [0.0; 4], [0.0; 4]);
    batch_norm::moments(&x, &mut mean, &mut variance);
    golden.check("batch_norm/mean", &mean);
    batch_norm::forward(&x, &mean, &variance, &values(&[4], 2), &values(&[4], 3), 1e-3, &mut y, &mut [0.0; 8]);
    golden.check("batch_norm/y", &y);
}

#[test]
fn random_numbers() {
    let golden = Golden::open();
    for dtype in [DType::F32, DType::F64] {
        let state = Tensor::from_vec(vec![5i64, 7, 0x1234_5678_90ab_cdef], [3]).unwrap();
        let mut generator = Generator::from_state(&state).unwrap();
        let name = |what: &str| format!("random/{dtype}/{what}");
        let close = |what: &str, found: Tensor| {
            let (expected, found) =
                (golden.get(&name(what)).cast(DType::F64).unwrap(), found.cast(DType::F64).unwrap());
            // Sines and logarithms of single precision differ in their last bits.
            let tolerance = if dtype == DType::F32 { 2e-6 } else { 1e-12 };
            let pairs = expected.as_slice::<f64>().unwrap().iter().zip(found.as_slice::<f64>().unwrap());
            for (e, f) in pairs {
                assert!((e - f).abs() < tolerance, "{what} {dtype}: {e}, found {f}");
            }
        };
        assert_eq!(generator.uniform(dtype, [11]).unwrap(), golden.get(&name("uniform")));
        close("normal", generator.normal(dtype, [11]).unwrap());
        close("truncated", generator.truncated_normal(dtype, [37]).unwrap());
        assert_eq!(generator.state(), golden.get(&name("state")));
    }
}
