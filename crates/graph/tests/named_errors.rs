//! What goes wrong in a kernel is said with the name of its node, which begins with the layer's.

use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan};
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
