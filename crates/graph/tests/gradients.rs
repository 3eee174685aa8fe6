//! The gradient of every operation against central differences in double precision.

use std::collections::BTreeSet;
use std::sync::Mutex;

use kerox_graph::ops::{self, Function, Index, PadMode, Padding};
use kerox_graph::{Attr, Attrs, Dims, Executor, Graph, Plan, Result, Value, gradients};
use kerox_tensor::{DType, Tensor};

/// The operations whose gradients were checked.
static CHECKED: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// Numbers without zeros, equals or halves among them, so that nothing lies on a kink.
fn numbers(n: usize, seed: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729 + 13) % 2003) as f64 / 1001.5 - 1.0003).collect()
}

/// Checks the gradients of a weighted sum of all float outputs with respect to all inputs.
fn check_with(name: &str, inputs: &[Tensor], build: impl Fn(&mut Graph, &[Value]) -> Result<Vec<Value>>) {
    let mut g = Graph::new();
    let xs: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(i, t)| {
            // The batch is unknown while building, as it is in models.
            let dims = t.shape().iter().enumerate().map(|(k, &d)| if k == 0 { None } else { Some(d) });
            g.placeholder(&format!("x{i}"), DType::F64, dims.collect::<Dims>()).unwrap()
        })
        .collect();
    let ys = build(&mut g, &xs).unwrap_or_else(|e| panic!("{name}: {e}"));
    let ys: Vec<Value> = ys.into_iter().filter(|&y| g.dtype(y) == DType::F64).collect();
    CHECKED.lock().unwrap().extend(g.nodes().iter().map(|node| node.op.name()));
    let shapes: Vec<kerox_tensor::Shape> = inputs.iter().map(|t| t.shape().clone()).collect();
    let feeds: Vec<&Tensor> = inputs.iter().collect();
    let plan = Plan::compile(&g, &xs, &shapes, &ys, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut forward = Executor::new(plan);
    forward.run(&feeds).unwrap_or_else(|e| panic!("{name}: {e}"));
    let weights: Vec<Tensor> = (0..ys.len())
        .map(|i| {
            let shape = forward.output(i).shape().clone();
            Tensor::from_vec(numbers(shape.elements(), 99 + i), shape).unwrap()
        })
        .collect();
    let loss = |forward: &mut Executor, feeds: &[&Tensor]| -> f64 {
        forward.run(feeds).unwrap();
        let mut sum = 0.0;
        for (i, w) in weights.iter().enumerate() {
            let y = forward.output(i);
            sum += y.slice::<f64>().unwrap().iter().zip(w.as_slice::<f64>().unwrap()).map(|(a, b)| a * b).sum::<f64>();
        }
        sum
    };
    let seeds: Vec<Value> = weights.iter().map(|w| g.constant(w.clone()).unwrap()).collect();
    let dxs = gradients(&mut g, &ys, Some(&seeds), &xs).unwrap_or_else(|e| panic!("{name}: {e}"));
    let fetches: Vec<Value> = dxs.iter().flatten().copied().collect();
    assert!(!fetches.is_empty(), "{name}: no gradient");
    let plan = Plan::compile(&g, &xs, &shapes, &fetches, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut backward = Executor::new(plan);
    backward.run(&feeds).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut at = 0;
    for (i, input) in inputs.iter().enumerate() {
        let found: Vec<f64> = match dxs[i] {
            Some(_) => {
                at += 1;
                assert_eq!(backward.output(at - 1).shape(), input.shape(), "{name}: shape of gradient {i}");
                backward.output(at - 1).slice::<f64>().unwrap().to_vec()
            }
            None => vec![0.0; input.len()],
        };
        for (k, &found) in found.iter().enumerate() {
            let h = 1e-6;
            let moved = |by: f64| {
                let mut t = input.clone();
                t.as_mut_slice::<f64>().unwrap()[k] += by;
                t
            };
            let (up, down) = (moved(h), moved(-h));
            let with = |t: &Tensor, forward: &mut Executor| {
                let mut feeds = feeds.clone();
                // The moved tensor lives as long as this call.
                let owned = t.clone();
                let all: Vec<&Tensor> = (0..feeds.len()).map(|j| if j == i { &owned } else { feeds[j] }).collect();
                feeds.clear();
                loss(forward, &all)
            };
            let expected = (with(&up, &mut forward) - with(&down, &mut forward)) / (2.0 * h);
            let error = (expected - found).abs();
            assert!(
                error < 1e-6 * (1.0 + expected.abs()),
                "{name}: gradient {i} at {k}: expected {expected}, found {found}"
            );
        }
    }
}

fn tensor(shape: &[usize], seed: usize) -> Tensor {
    Tensor::from_vec(numbers(shape.iter().product(), seed), shape).unwrap()
}

fn positive(shape: &[usize], seed: usize) -> Tensor {
    let values = numbers(shape.iter().product(), seed).into_iter().map(|v| v.abs() + 0.3).collect();
    Tensor::from_vec(values, shape).unwrap()
}

fn check(name: &str, shapes: &[&[usize]], build: impl Fn(&mut Graph, &[Value]) -> Result<Value>) {
    let inputs: Vec<Tensor> = shapes.iter().enumerate().map(|(i, s)| tensor(s, i)).collect();
    check_with(name, &inputs, |g, x| Ok(vec![build(g, x)?]));
}

#[test]
fn functions_of_one_value() {
    use Function::*;
    for f in [
        Relu,
        Relu6,
        LeakyRelu(0.3),
        Elu(1.0),
        Elu(0.4),
        Selu,
        Sigmoid,
        HardSigmoid,
        HardSigmoid3,
        HardSwish,
        Tanh,
        Softplus,
        Softsign,
        Swish,
        Gelu,
        GeluTanh,
        Mish,
        Exp,
        Expm1,
        LogSigmoid,
        Square,
        Reciprocal,
        Neg,
        Abs,
        Erf,
        Erfc,
        Sin,
        Cos,
        Tan,
        Atan,
        Sinh,
        Cosh,
        Asinh,
    ] {
        check(&format!("{f:?}"), &[&[3, 4]], |g, x| g.unary(f, x[0]));
    }
    for f in [Log, Log1p, Sqrt, Rsqrt] {
        check_with(&format!("{f:?}"), &[positive(&[3, 4], 1)], |g, x| Ok(vec![g.unary(f, x[0])?]));
    }
}

#[test]
fn functions_of_two_values() {
    let pairs: [(&[usize], &[usize]); 5] =
        [(&[2, 3], &[2, 3]), (&[2, 3], &[3]), (&[2, 1], &[1, 3]), (&[], &[2, 3]), (&[2, 3, 2], &[2, 1, 1])];
    for (a, b) in pairs {
        check("add", &[a, b], |g, x| g.add(x[0], x[1]));
        check("subtract", &[a, b], |g, x| g.subtract(x[0], x[1]));
        check("multiply", &[a, b], |g, x| g.multiply(x[0], x[1]));
        check("maximum", &[a, b], |g, x| g.maximum(x[0], x[1]));
        check("minimum", &[a, b], |g, x| g.minimum(x[0], x[1]));
        check("squared_difference", &[a, b], |g, x| g.squared_difference(x[0], x[1]));
        let inputs = [positive(a, 1), positive(b, 2)];
        check_with("divide", &inputs, |g, x| Ok(vec![g.divide(x[0], x[1])?]));
        check_with("div_no_nan", &inputs, |g, x| Ok(vec![g.div_no_nan(x[0], x[1])?]));
        check_with("pow", &inputs, |g, x| Ok(vec![g.pow(x[0], x[1])?]));
        check_with("floor_mod", &inputs, |g, x| Ok(vec![g.floor_mod(x[0], x[1])?]));
        check("select", &[a, b], |g, x| {
            let zero = g.number(0.0, DType::F64)?;
            let c = g.greater(x[0], zero)?;
            let c = g.stop_gradient(c)?;
            g.select(c, x[0], x[1])
        });
    }
    check("add_n", &[&[2, 3], &[2, 3], &[2, 3]], |g, x| g.add_n(x));
    check("clip", &[&[3, 4]], |g, x| g.clip_by_value(x[0], -0.5, 0.5));
}

#[test]
fn products() {
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        let a: &[usize] = if ta { &[3, 2] } else { &[2, 3] };
        let b: &[usize] = if tb { &[4, 3] } else { &[3, 4] };
        check("matmul", &[a, b], |g, x| g.matmul(x[0], x[1], ta, tb));
        let a: &[usize] = if ta { &[2, 1, 3, 2] } else { &[2, 1, 2, 3] };
        let b: &[usize] = if tb { &[3, 4, 3] } else { &[3, 3, 4] };
        check("batch_matmul", &[a, b], |g, x| g.batch_matmul(x[0], x[1], ta, tb));
    }
    check("bias_add", &[&[2, 3, 4], &[4]], |g, x| g.bias_add(x[0], x[1]));
    check("dense", &[&[2, 3], &[3, 4], &[4]], |g, x| {
        let y = g.matmul(x[0], x[1], false, false)?;
        let y = g.bias_add(y, x[2])?;
        g.tanh(y)
    });
}

#[test]
fn reductions() {
    for keep in [false, true] {
        for axes in [&[0i64][..], &[1], &[0, 2], &[-1], &[]] {
            check("sum", &[&[2, 3, 2]], |g, x| g.reduce_sum(x[0], axes, keep));
            check("mean", &[&[2, 3, 2]], |g, x| g.reduce_mean(x[0], axes, keep));
            check("prod", &[&[2, 3, 2]], |g, x| g.reduce_prod(x[0], axes, keep));
            check("max", &[&[2, 3, 2]], |g, x| g.reduce_max(x[0], axes, keep));
            check("min", &[&[2, 3, 2]], |g, x| g.reduce_min(x[0], axes, keep));
        }
    }
    for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
        check("cumsum", &[&[2, 3, 2]], |g, x| g.cumsum(x[0], 1, exclusive, reverse));
    }
    check("l2_loss", &[&[2, 3]], |g, x| g.l2_loss(x[0]));
}

#[test]
fn softmax_and_losses() {
    for axis in [-1, 0, 1] {
        check("softmax", &[&[2, 3, 4]], |g, x| g.softmax(x[0], axis));
        check("log_softmax", &[&[2, 3, 4]], |g, x| g.log_softmax(x[0], axis));
    }
    // The operation's gradient is that for labels which add up to 1, as TensorFlow's is.
    check("softmax_cross_entropy", &[&[3, 4], &[3, 4]], |g, x| {
        let labels = g.softmax(x[1], -1)?;
        g.softmax_cross_entropy(x[0], labels)
    });
    check("sigmoid_cross_entropy", &[&[3, 4], &[3, 4]], |g, x| g.sigmoid_cross_entropy(x[0], x[1]));
    // Two labels of which the second is the first again, one label and steps left over, and no labels at all.
    check("ctc_loss", &[&[3, 6, 4]], |g, x| {
        let labels = g.constant(Tensor::from_vec(vec![2i64, 2, 1, 0, 9, 9], [3, 2])?)?;
        let (label_length, logit_length) = (g.ints(&[2, 1, 0])?, g.ints(&[6, 4, 2])?);
        let (label_length, logit_length) = (g.cast(label_length, DType::I64)?, g.cast(logit_length, DType::I64)?);
        g.ctc_loss(x[0], labels, label_length, logit_length, 3)
    });
    check("sparse_softmax_cross_entropy", &[&[3, 4]], |g, x| {
        let labels = g.ints(&[2, 0, 3])?;
        g.sparse_softmax_cross_entropy(x[0], labels)
    });
}

#[test]
fn shapes_and_movement() {
    let s: &[usize] = &[2, 3, 4];
    check("reshape", &[s], |g, x| g.reshape(x[0], &[-1, 6]));
    check("expand_dims", &[s], |g, x| g.expand_dims(x[0], 1));
    check("squeeze", &[&[2, 1, 3]], |g, x| g.squeeze(x[0], &[1]));
    check("transpose", &[s], |g, x| g.transpose(x[0], &[2, 0, 1]));
    check("transpose matrix", &[&[5, 3]], |g, x| g.transpose(x[0], &[1, 0]));
    check("reverse", &[s], |g, x| g.reverse(x[0], &[0, 2]));
    check("tile", &[s], |g, x| g.tile(x[0], &[2, 1, 3]));
    check("pad", &[s], |g, x| g.pad(x[0], &[(1, 0), (0, 2), (1, 1)]));
    check("mirror_pad", &[s], |g, x| g.mirror_pad(x[0], &[(1, 0), (0, 2), (1, 1)], PadMode::Reflect));
    check("mirror_pad", &[s], |g, x| g.mirror_pad(x[0], &[(1, 2), (0, 2), (1, 1)], PadMode::Symmetric));
    check("broadcast_to", &[&[2, 1]], |g, x| {
        let shape = g.ints(&[3, 2, 4])?;
        g.broadcast_to(x[0], shape)
    });
    check("slice", &[s], |g, x| g.slice(x[0], &[0, 1, 1], &[-1, 2, -1]));
    check("strided_slice", &[s], |g, x| {
        g.strided_slice(x[0], &[Index::Rest, Index::New, Index::Range(Some(3), None, -2)])
    });
    check("strided_slice", &[s], |g, x| g.strided_slice(x[0], &[Index::At(-1), Index::Range(None, Some(-1), 1)]));
    check("concat", &[&[2, 3], &[2, 1]], |g, x| g.concat(x, 1));
    check("concat batch", &[&[2, 3], &[1, 3]], |g, x| g.concat(x, 0));
    check("stack", &[&[2, 3], &[2, 3]], |g, x| g.stack(x, 1));
    for axis in [1, 2] {
        check_with("unstack", &[tensor(s, 0)], |g, x| g.unstack(x[0], axis));
    }
    check_with("split", &[tensor(s, 0)], |g, x| g.split(x[0], 2, 2));
    check_with("split_sizes", &[tensor(s, 0)], |g, x| g.split_sizes(x[0], &[1, -1], 1));
}

#[test]
fn picking() {
    check("gather", &[&[4, 3]], |g, x| {
        let at = g.ints(&[2, 0, 2])?;
        g.gather(x[0], at, 0)
    });
    check("gather axis", &[&[2, 4, 3]], |g, x| {
        let at = g.ints(&[1, 1, 3])?;
        g.gather(x[0], at, 1)
    });
    check("gather_nd", &[&[3, 4, 2]], |g, x| {
        let at = g.constant(Tensor::from_vec(vec![0i32, 1, 2, 3, 0, 1], [3, 2]).unwrap())?;
        g.gather_nd(x[0], at)
    });
}

#[test]
fn convolutions() {
    let explicit = Padding::Explicit(vec![(1, 0), (2, 1)]);
    for padding in [Padding::Same, Padding::Valid, explicit] {
        for (strides, dilations) in [([1, 1], [1, 1]), ([2, 1], [1, 1]), ([1, 1], [2, 1])] {
            check("conv2d", &[&[2, 5, 4, 2], &[2, 3, 2, 3]], |g, x| {
                g.conv2d(x[0], x[1], strides, padding.clone(), dilations)
            });
            check("depthwise", &[&[2, 5, 4, 2], &[2, 3, 2, 2]], |g, x| {
                g.depthwise_conv(x[0], x[1], &strides, padding.clone(), &dilations)
            });
        }
    }
    check("conv2d groups", &[&[1, 4, 4, 4], &[2, 2, 2, 2]], |g, x| g.conv2d(x[0], x[1], [1, 1], Padding::Same, [1, 1]));
    check("conv1d", &[&[2, 5, 2], &[3, 2, 3]], |g, x| g.conv(x[0], x[1], &[2], Padding::Same, &[1]));
    check("conv3d", &[&[1, 3, 3, 3, 2], &[2, 2, 2, 2, 2]], |g, x| {
        g.conv(x[0], x[1], &[1, 2, 1], Padding::Same, &[1, 1, 1])
    });
    check("conv_transpose", &[&[1, 2, 3, 2], &[3, 3, 2, 2]], |g, x| {
        let sizes = g.ints(&[1, 4, 6, 2])?;
        g.conv_transpose(x[0], x[1], sizes, &[2, 2], Padding::Same, &[1, 1])
    });
}

#[test]
fn pooling_and_normalization() {
    for padding in [Padding::Same, Padding::Valid] {
        check("max_pool", &[&[2, 5, 4, 2]], |g, x| g.max_pool(x[0], &[2, 3], &[2, 1], padding.clone()));
        check("avg_pool", &[&[2, 5, 4, 2]], |g, x| g.avg_pool(x[0], &[2, 3], &[2, 1], padding.clone()));
        check("avg_pool1d", &[&[2, 5, 2]], |g, x| g.avg_pool(x[0], &[2], &[2], padding.clone()));
        check("max_pool3d", &[&[1, 3, 3, 3, 2]], |g, x| g.max_pool(x[0], &[2, 2, 2], &[1, 1, 1], padding.clone()));
    }
    for is_training in [true, false] {
        let inputs = [tensor(&[3, 2, 2], 0), tensor(&[2], 1), tensor(&[2], 2), tensor(&[2], 3), positive(&[2], 4)];
        check_with("batch_norm", &inputs, |g, x| {
            let (mean, variance) = (g.stop_gradient(x[3])?, g.stop_gradient(x[4])?);
            let op =
                ops::FusedBatchNorm { epsilon: 1e-3, is_training, exponential_avg_factor: 0.1, channels_first: false };
            // Statistics outside training are constants of the operation.
            let (mean, variance) = if is_training {
                (mean, variance)
            } else {
                (g.full(&[2], 0.1, DType::F64)?, g.full(&[2], 0.7, DType::F64)?)
            };
            Ok(vec![g.add_op(op, &[x[0], x[1], x[2], mean, variance])?[0]])
        });
    }
    let inputs = [tensor(&[1, 3, 2, 2], 0), tensor(&[3], 1), tensor(&[3], 2)];
    check_with("batch_norm channels first", &inputs, |g, x| {
        let op =
            ops::FusedBatchNorm { epsilon: 1e-3, is_training: true, exponential_avg_factor: 1.0, channels_first: true };
        let empty = g.constant(Tensor::from_vec(Vec::<f64>::new(), [0]).unwrap())?;
        Ok(vec![g.add_op(op, &[x[0], x[1], x[2], empty, empty])?[0]])
    });
}

#[test]
fn products_with_bias_and_activation_run_as_one_step() {
    let mut g = Graph::new();
    let x = g.placeholder("x", DType::F64, Dims::from([None, Some(3)])).unwrap();
    let (w, b) = (g.constant(tensor(&[3, 4], 1)).unwrap(), g.constant(tensor(&[4], 2)).unwrap());
    let product = g.matmul(x, w, false, false).unwrap();
    let sum = g.bias_add(product, b).unwrap();
    let y = g.relu(sum).unwrap();
    let feed = tensor(&[2, 3], 3);
    let run = |fetches: &[Value]| {
        let plan = Plan::compile(&g, &[x], &[feed.shape().clone()], fetches, &[]).unwrap();
        let steps = plan.describe().len();
        let mut executor = Executor::new(plan);
        executor.run(&[&feed]).unwrap();
        (steps, executor.output(0).tensor().unwrap())
    };
    let (steps, fused) = run(&[y]);
    assert_eq!(steps, 1);
    // What is fetched itself cannot vanish into a fused step.
    let (steps, apart) = run(&[y, sum, product]);
    assert_eq!(steps, 3);
    for (a, b) in fused.as_slice::<f64>().unwrap().iter().zip(apart.as_slice::<f64>().unwrap()) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn picking_and_resizing() {
    use kerox_graph::{Attr, Attrs};
    for interpolation in [
        ops::Interpolation::Nearest,
        ops::Interpolation::Bilinear,
        ops::Interpolation::Bicubic,
        ops::Interpolation::Area,
    ] {
        for size in [[5, 2], [1, 7]] {
            check(&format!("{interpolation:?}"), &[&[2, 3, 4, 2]], |g, x| g.resize(x[0], size, interpolation));
        }
    }
    check("top k", &[&[3, 5]], |g, x| {
        let k = g.constant(Tensor::scalar(2))?;
        Ok(g.add_op(ops::TopK { sorted: true }, &[x[0], k])?[0])
    });
    check("clip", &[&[3, 5], &[], &[]], |g, x| {
        let quarter = g.number(0.25, DType::F64)?;
        let low = g.subtract(x[1], quarter)?;
        g.add_single(ops::Clip, &[x[0], low, x[2]])
    });
    check("space to depth", &[&[2, 4, 6, 3]], |g, x| {
        g.add_single(ops::SpaceDepth { to_depth: true, block: 2 }, &[x[0]])
    });
    check("depth to space", &[&[2, 2, 3, 8]], |g, x| {
        g.add_single(ops::SpaceDepth { to_depth: false, block: 2 }, &[x[0]])
    });
    for (op, shape) in [("SpaceToBatchND", [2, 3, 4, 1]), ("BatchToSpaceND", [12, 2, 2, 1])] {
        check(op, &[&shape], |g, x| {
            let (block, borders) = (g.ints(&[2, 3])?, g.constant(Tensor::from_vec(vec![1i32, 0, 1, 1], [2, 2])?)?);
            let id = g.add_node(
                op,
                ops::build(op, &Attrs::new(op, "").with("T", Attr::Type(DType::F64)))?,
                &[x[0], block, borders],
            )?;
            Ok(g.values(id)[0])
        });
    }
}

/// The first output of an operation built by name.
fn by_name(g: &mut Graph, op: &str, attrs: &[(&'static str, Attr)], inputs: &[Value]) -> Result<Value> {
    let all = attrs.iter().fold(Attrs::new(op, ""), |all, (name, value)| all.with(*name, value.clone()));
    let id = g.add_node(op, ops::build(op, &all)?, inputs)?;
    Ok(g.values(id)[0])
}

const F64: (&str, Attr) = ("T", Attr::Type(DType::F64));

#[test]
fn operations_by_name() {
    let inside = |seed| {
        let values = numbers(12, seed).into_iter().map(|v| v * 0.9).collect();
        Tensor::from_vec(values, [3, 4]).unwrap()
    };
    for op in ["Asin", "Acos", "Atanh"] {
        check_with(op, &[inside(1)], |g, x| Ok(vec![by_name(g, op, &[F64], x)?]));
    }
    let above = Tensor::from_vec(numbers(12, 2).into_iter().map(|v| v + 2.5).collect(), [3, 4]).unwrap();
    check_with("Acosh", &[above], |g, x| Ok(vec![by_name(g, "Acosh", &[F64], x)?]));
    // Steps: level everywhere but where they jump.
    for op in ["Sign", "Floor", "Ceil", "Round"] {
        check(op, &[&[3, 4]], |g, x| {
            let step = by_name(g, op, &[F64], x)?;
            g.multiply(step, x[0])
        });
    }
    check_with("FloorDiv", &[positive(&[2, 3], 1), positive(&[2, 3], 2)], |g, x| {
        let step = by_name(g, "FloorDiv", &[F64], x)?;
        Ok(vec![g.multiply(step, x[0])?])
    });
    check_with("Atan2", &[positive(&[2, 3], 1), positive(&[2, 3], 2)], |g, x| {
        Ok(vec![by_name(g, "Atan2", &[F64], x)?])
    });
    check_with("Select", &[positive(&[3, 2], 1), positive(&[3, 2], 2)], |g, x| {
        let rows = g.constant(Tensor::from_vec(vec![true, false, true], [3])?)?;
        Ok(vec![by_name(g, "Select", &[F64], &[rows, x[0], x[1]])?])
    });
    check("EnsureShape", &[&[2, 3]], |g, x| {
        by_name(g, "EnsureShape", &[F64, ("shape", Attr::Shape([None, Some(3)].into_iter().collect()))], x)
    });
    check("Cast", &[&[2, 3]], |g, x| {
        by_name(g, "Cast", &[("SrcT", Attr::Type(DType::F64)), ("DstT", Attr::Type(DType::F64))], x)
    });
    check_with("TruncateMod", &[positive(&[2, 3], 1), positive(&[2, 3], 2)], |g, x| {
        Ok(vec![by_name(g, "TruncateMod", &[F64], x)?])
    });
    for op in ["Identity", "Snapshot", "CheckNumerics"] {
        check(op, &[&[2, 3]], |g, x| by_name(g, op, &[F64, ("message", Attr::String(b"x".to_vec()))], x));
    }
    check("_Identity", &[&[2, 3]], |g, x| by_name(g, "_Identity", &[F64], x));
    check("IdentityN", &[&[2, 3]], |g, x| {
        by_name(g, "IdentityN", &[("T", Attr::List(vec![Attr::Type(DType::F64)]))], x)
    });
    check("StopGradient", &[&[2, 3]], |g, x| {
        // Constants of the differentiation are no function of the input here.
        let zero = g.number(0.0, DType::F64)?;
        let level = g.multiply(x[0], zero)?;
        let stopped = g.stop_gradient(level)?;
        g.add(stopped, x[0])
    });
    for exclusive in [false, true] {
        check("Cumprod", &[&[2, 3]], |g, x| {
            let axis = g.constant(Tensor::scalar(1i32))?;
            by_name(g, "Cumprod", &[F64, ("exclusive", Attr::Bool(exclusive))], &[x[0], axis])
        });
    }
    check("Fill", &[&[]], |g, x| {
        let dims = g.ints(&[2, 3])?;
        by_name(g, "Fill", &[F64], &[dims, x[0]])
    });
    check("SparseToDense", &[&[2], &[]], |g, x| {
        let at = g.constant(Tensor::from_vec(vec![0i32, 1, 1, 0], [2, 2])?)?;
        let shape = g.ints(&[2, 3])?;
        by_name(g, "SparseToDense", &[F64], &[at, shape, x[0], x[1]])
    });
    check("SparseToDense", &[&[], &[]], |g, x| {
        let (at, shape) = (g.ints(&[1, 3])?, g.ints(&[5])?);
        by_name(g, "SparseToDense", &[F64], &[at, shape, x[0], x[1]])
    });
    check("ScatterNd", &[&[3, 2]], |g, x| {
        let at = g.constant(Tensor::from_vec(vec![3i32, 0, 3], [3, 1])?)?;
        let shape = g.ints(&[5, 2])?;
        by_name(g, "ScatterNd", &[F64], &[at, x[0], shape])
    });
    check("ZerosLike and OnesLike", &[&[2, 3]], |g, x| {
        let (zeros, ones) = (g.zeros_like(x[0])?, g.ones_like(x[0])?);
        let sum = g.add(zeros, ones)?;
        g.multiply(sum, x[0])
    });
    check("PadV2", &[&[2, 3], &[]], |g, x| {
        let paddings = g.constant(Tensor::from_vec(vec![1i32, 0, 0, 2], [2, 2])?)?;
        by_name(g, "PadV2", &[F64], &[x[0], paddings, x[1]])
    });
    check("BiasAddGrad", &[&[2, 3, 4]], |g, x| by_name(g, "BiasAddGrad", &[F64], x));
    let strides = |n: usize| ("strides", Attr::List((0..n).map(|_| Attr::Int(1)).collect()));
    let valid = ("padding", Attr::String(b"VALID".to_vec()));
    for (op, taps) in [("Conv2D", [2, 2, 2, 3]), ("DepthwiseConv2dNative", [2, 2, 2, 2])] {
        let name = format!("{op}BackpropFilter");
        let filters = if op == "Conv2D" { 3 } else { 4 };
        check(&name, &[&[2, 3, 4, 2], &[2, 2, 3, filters]], |g, x| {
            let sizes = g.ints(&taps)?;
            by_name(g, &name, &[F64, strides(4), valid.clone()], &[x[0], sizes, x[1]])
        });
        let name = format!("{op}BackpropInput");
        let taps = taps.map(|n| n as usize);
        check(&name, &[&taps, &[2, 2, 3, filters]], |g, x| {
            let sizes = g.ints(&[2, 3, 4, 2])?;
            by_name(g, &name, &[F64, strides(4), valid.clone()], &[sizes, x[0], x[1]])
        });
    }
    check("Conv3DBackpropFilterV2", &[&[1, 2, 3, 2, 2], &[1, 1, 2, 1, 2]], |g, x| {
        let sizes = g.ints(&[2, 2, 2, 2, 2])?;
        by_name(g, "Conv3DBackpropFilterV2", &[F64, strides(5), valid.clone()], &[x[0], sizes, x[1]])
    });
    check("Conv3DBackpropInputV2", &[&[2, 2, 2, 2, 2], &[1, 1, 2, 1, 2]], |g, x| {
        let sizes = g.ints(&[1, 2, 3, 2, 2])?;
        by_name(g, "Conv3DBackpropInputV2", &[F64, strides(5), valid.clone()], &[sizes, x[0], x[1]])
    });
    check("AvgPool3D", &[&[1, 3, 3, 3, 2]], |g, x| g.avg_pool(x[0], &[2, 2, 2], &[1, 1, 1], Padding::Same));
}

/// Operations without a gradient: what they take or give are no real numbers, or TensorFlow has none for them.
const WITHOUT: &[&str] = &[
    // Integers, and orders of rows drawn by chance.
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "LeftShift",
    "RightShift",
    "TruncateDiv",
    "RandomGamma",
    "RandomShuffle",
    // Records.
    "ParseExample",
    "ParseExampleV2",
    // Text.
    "AsString",
    "RegexReplace",
    "SparseCross",
    "StaticRegexFullMatch",
    "StaticRegexReplace",
    "StringJoin",
    "StringLength",
    "StringLower",
    "StringNGrams",
    "StringSplitV2",
    "StringStrip",
    "StringToHashBucketFast",
    "StringToHashBucketStrong",
    "StringToNumber",
    "StringUpper",
    "UnicodeDecode",
    "UnicodeEncode",
    // Truth, positions and counts.
    "All",
    "Any",
    "ArgMax",
    "ArgMin",
    "Bincount",
    "BoostedTreesBucketize",
    "Bucketize",
    "DenseBincount",
    "Equal",
    "GreaterEqual",
    "InTopKV2",
    "InvertPermutation",
    "IsFinite",
    "IsInf",
    "IsNan",
    "Less",
    "LessEqual",
    "LogicalAnd",
    "LogicalNot",
    "LogicalOr",
    "NotEqual",
    "OneHot",
    "Range",
    "Rank",
    "Shape",
    "ShapeN",
    "Size",
    "Unique",
    "UniqueV2",
    "Where",
    // Values from elsewhere.
    "LinSpace",
    "Multinomial",
    "RandomPoissonV2",
    "RandomStandardNormal",
    "RandomUniform",
    "RandomUniformInt",
    "StatelessRandomGetKeyCounter",
    "StatelessRandomNormal",
    "StatelessRandomNormalV2",
    "StatelessRandomUniform",
    "StatelessRandomUniformFullInt",
    "StatelessRandomUniformFullIntV2",
    "StatelessRandomUniformInt",
    "StatelessRandomUniformIntV2",
    "StatelessRandomUniformV2",
    "StatelessTruncatedNormal",
    "StatelessTruncatedNormalV2",
    "TruncatedNormal",
    // Variables, tables and effects.
    "Assert",
    "Assign",
    "AssignAdd",
    "AssignAddVariableOp",
    "AssignSub",
    "AssignSubVariableOp",
    "AssignVariableOp",
    "DisableCopyOnRead",
    "HashTable",
    "HashTableV2",
    "InitializeTable",
    "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2",
    "InitializeTableV2",
    "FakeQuantWithMinMaxArgsGradient",
    "FakeQuantWithMinMaxVarsGradient",
    "FakeQuantWithMinMaxVarsPerChannelGradient",
    "IsVariableInitialized",
    "LookupTableExport",
    "LookupTableExportV2",
    "LookupTableFind",
    "LookupTableFindV2",
    "LookupTableImport",
    "LookupTableImportV2",
    "LookupTableInsertV2",
    "LookupTableSize",
    "LookupTableSizeV2",
    "MutableHashTable",
    "MutableHashTableV2",
    "NoOp",
    "Print",
    "PrintV2",
    "ReadVariableOp",
    "ResourceGather",
    "VarHandleOp",
    "VarIsInitializedOp",
    "Variable",
    "VariableShape",
    "VariableV2",
    // Loops and lists of dynamic length, which models from files run but do not train through.
    "Case",
    "EmptyTensorList",
    "If",
    "RaggedTensorToTensor",
    "StatelessCase",
    "StatelessIf",
    "StatelessWhile",
    "TensorListConcat",
    "TensorListConcatV2",
    "TensorListElementShape",
    "TensorListFromTensor",
    "TensorListGather",
    "TensorListGetItem",
    "TensorListLength",
    "TensorListPopBack",
    "TensorListPushBack",
    "TensorListReserve",
    "TensorListResize",
    "TensorListSetItem",
    "TensorListStack",
    "While",
];

/// Operations whose gradients are held against differences elsewhere: with the layers that are made of them, and calls of
/// functions in `dynamic.rs`; those of decompositions, projections and scatters against TensorFlow's with the operations of
/// Keras.
const ELSEWHERE: &[&str] = &[
    "Cholesky",
    "ImageProjectiveTransformV2",
    "ImageProjectiveTransformV3",
    "LogMatrixDeterminant",
    "Lu",
    "MatrixDeterminant",
    "MatrixInverse",
    "MatrixSolve",
    "MatrixTriangularSolve",
    "PartitionedCall",
    "Qr",
    "ScaleAndTranslate",
    "SelfAdjointEigV2",
    "StatefulPartitionedCall",
    "Svd",
    "TensorScatterAdd",
    "TensorScatterMax",
    "TensorScatterMin",
    "TensorScatterUpdate",
    "UnsortedSegmentMax",
    "UnsortedSegmentMin",
    "UnsortedSegmentProd",
    "UnsortedSegmentSum",
];

#[test]
fn every_operation_of_the_table_is_checked() {
    functions_of_one_value();
    functions_of_two_values();
    products();
    reductions();
    softmax_and_losses();
    shapes_and_movement();
    picking();
    convolutions();
    pooling_and_normalization();
    picking_and_resizing();
    operations_by_name();
    let checked = CHECKED.lock().unwrap();
    let is_checked = |declaration: &ops::Declaration| {
        // An older name of an operation makes the same one.
        let attrs = Attrs::new(declaration.name, "").with("T", Attr::Type(DType::F64));
        let name = (declaration.build)(&attrs).map_or(declaration.name, |op| op.name());
        checked.contains(declaration.name) || checked.contains(name)
    };
    let (with, without): (Vec<&ops::Declaration>, Vec<&ops::Declaration>) =
        ops::declarations().partition(|declaration| is_checked(declaration));
    // Those of `golden/raw_ops` are held against TensorFlow's where graphs are imported.
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/raw_ops/raw_ops.json");
    let recorded = std::fs::read_to_string(recorded).unwrap();
    let is_recorded = |name: &str| recorded.contains(&format!("\"op\": \"{name}\""));
    let is_known = |name: &&str| WITHOUT.contains(name) || ELSEWHERE.contains(name) || is_recorded(name);
    let missing: Vec<&str> = without.iter().map(|d| d.name).filter(|name| !is_known(name)).collect();
    assert!(missing.is_empty(), "operations whose gradient is not checked: {missing:?}");
    let wrong: Vec<&str> = with.iter().map(|d| d.name).filter(|name| WITHOUT.contains(name)).collect();
    assert!(wrong.is_empty(), "operations said to have no gradient, but with one: {wrong:?}");
}
