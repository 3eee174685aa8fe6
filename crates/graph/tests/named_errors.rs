//! What goes wrong in a kernel is said with the name of its node, which begins with the layer's.

use kerox_graph::ops::Slice;
use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan, gradients};
use kerox_tensor::{DType, Tensor};

#[test]
fn a_number_outside_a_table_is_said_with_its_layer() {
    let mut g = Graph::new();
    let ids = g.placeholder("ids", DType::I32, Dims::from([Some(2)])).unwrap();
    g.enter_scope("words");
    let table = g.constant(Tensor::zeros(DType::F32, [5, 3]).unwrap()).unwrap();
    let rows = g.gather(table, ids, 0).unwrap();
    g.leave_scope();
    let expected = "GatherV2 `words/GatherV2` index 1: expected 0..5, found 7";
    let given = Tensor::from_vec(vec![1i32, 7], [2]).unwrap();
    let interpreted = Interpreter::new(&g, &[ids], &[rows], &[]).run(vec![given.clone().into()]);
    assert_eq!(interpreted.unwrap_err().to_string(), expected);
    let plan = Plan::compile(&g, &[ids], &[[2].into()], &[rows], &[]).unwrap();
    assert_eq!(Executor::new(plan).run(&[&given]).unwrap_err().to_string(), expected);
}

/// A part of two by two whose place is fed, and its gradient.
fn part_of(begin: [i32; 2]) -> kerox_graph::Result<(Vec<f32>, Vec<f32>)> {
    let mut g = Graph::new();
    let x = g.placeholder("x", DType::F32, Dims::from([Some(3), Some(4)]))?;
    let place = g.placeholder("begin", DType::I32, Dims::from([Some(2)]))?;
    let size = g.ints(&[2, 2])?;
    let y = g.add_single(Slice, &[x, place, size])?;
    let dx = gradients(&mut g, &[y], None, &[x])?[0].expect("a gradient");
    let plan = Plan::compile(&g, &[x, place], &[[3, 4].into(), [2].into()], &[y, dx], &[])?;
    let mut executor = Executor::new(plan);
    let numbers: Vec<f32> = (0..12).map(|n| n as f32).collect();
    executor.run(&[&Tensor::from_vec(numbers, [3, 4])?, &Tensor::from_vec(begin.to_vec(), [2])?])?;
    let of = |at| executor.output(at).slice::<f32>().map(<[f32]>::to_vec);
    Ok((of(0)?, of(1)?))
}

#[test]
fn a_part_whose_place_is_fed_lies_inside() {
    let (y, dx) = part_of([1, 2]).unwrap();
    assert_eq!(y, [6., 7., 10., 11.]);
    assert_eq!(dx, [0., 0., 0., 0., 0., 0., 1., 1., 0., 0., 1., 1.]);
    // The second would give elements of the next row.
    for begin in [[-1, 0], [0, 3], [2, 0], [i32::MAX, 0], [0, i32::MIN]] {
        let error = part_of(begin).unwrap_err().to_string();
        assert!(error.contains("a part of (3, 4)"), "{begin:?}: {error}");
    }
}
