//! Operations without a static plan: functions, loops, lists, variables behind handles, tables.

use std::sync::Arc;

use kerox_graph::ops::{self, VarHandle};
use kerox_graph::{Attr, Attrs, Dims, Error, Graph, Interpreter, NodeId, Result, Value, ValueInfo};
use kerox_tensor::{DType, Tensor, Variable};

fn ints(values: &[i32]) -> Tensor {
    Tensor::from_vec(values.to_vec(), [values.len()]).unwrap()
}

fn strings(values: &[&str]) -> Tensor {
    Tensor::from_strings(values, [values.len()]).unwrap()
}

fn floats(values: &[f32]) -> Tensor {
    Tensor::from_vec(values.to_vec(), [values.len()]).unwrap()
}

/// Adds an operation by name.
fn add(g: &mut Graph, op: &str, attrs: &[(&str, Attr)], inputs: &[Value]) -> Result<NodeId> {
    let attrs = attrs.iter().fold(Attrs::new(op, "node"), |attrs, (name, value)| attrs.with(*name, value.clone()));
    g.add_node(op, ops::build(op, &attrs)?, inputs)
}

fn one(g: &mut Graph, op: &str, attrs: &[(&str, Attr)], inputs: &[Value]) -> Value {
    let id = add(g, op, attrs, inputs).unwrap_or_else(|e| panic!("{op}: {e}"));
    g.values(id)[0]
}

fn constant(g: &mut Graph, tensor: Tensor) -> Value {
    g.constant(tensor).unwrap()
}

fn fetch(g: &Graph, values: &[Value], effects: &[NodeId]) -> Result<Vec<Tensor>> {
    Interpreter::new(g, &[], values, effects).run(Vec::new())?.into_iter().map(|v| v.into_tensor()).collect()
}

/// A function of `n` int32 scalars.
fn function(n: usize, build: impl FnOnce(&mut Graph, &[Value]) -> Vec<Value>) -> Attr {
    let mut g = Graph::new();
    g.inputs = (0..n).map(|i| g.placeholder(&format!("x{i}"), DType::I32, Dims::scalar()).unwrap()).collect();
    let inputs = g.inputs.clone();
    g.outputs = build(&mut g, &inputs);
    Attr::Func("f".into(), Some(Arc::new(g)))
}

#[test]
fn a_loop_ends_with_its_condition() {
    // while i < 5 { i += 1; sum += i }
    let cond = function(2, |g, x| {
        let five = constant(g, Tensor::scalar(5));
        vec![one(g, "Less", &[], &[x[0], five])]
    });
    let body = function(2, |g, x| {
        let step = constant(g, Tensor::scalar(1));
        let i = g.add(x[0], step).unwrap();
        vec![i, g.add(x[1], i).unwrap()]
    });
    let mut g = Graph::new();
    let zero = constant(&mut g, Tensor::scalar(0));
    let id = add(&mut g, "StatelessWhile", &[("cond", cond), ("body", body)], &[zero, zero]).unwrap();
    let values = g.values(id);
    assert_eq!(g.info(values[1]), &ValueInfo::new(DType::I32, Dims::scalar()));
    let found = fetch(&g, &values, &[]).unwrap();
    assert_eq!(found[0].to_scalar::<i32>().unwrap(), 5);
    assert_eq!(found[1].to_scalar::<i32>().unwrap(), 15);
}

#[test]
fn an_endless_loop_is_an_error() {
    let cond = function(1, |g, _| vec![constant(g, Tensor::scalar(true))]);
    let body = function(1, |_, x| vec![x[0]]);
    let mut g = Graph::new();
    let zero = constant(&mut g, Tensor::scalar(0));
    let y = one(&mut g, "While", &[("cond", cond), ("body", body)], &[zero]);
    let error = Interpreter::new(&g, &[], &[y], &[]).with_max_rounds(100).run(Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 100, .. }), "{error}");
}

#[test]
fn calls_inside_calls_are_bounded() {
    let mut f = function(1, |_, x| vec![x[0]]);
    for _ in 0..100 {
        let inner = f;
        f = function(1, |g, x| vec![one(g, "PartitionedCall", &[("f", inner)], &[x[0]])]);
    }
    let mut g = Graph::new();
    let zero = constant(&mut g, Tensor::scalar(0));
    let y = one(&mut g, "PartitionedCall", &[("f", f)], &[zero]);
    let error = fetch(&g, &[y], &[]).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 64, .. }), "{error}");
}

#[test]
fn bodies_that_double_each_other_are_inferred_in_bounded_time() {
    let mut f = function(1, |_, x| vec![x[0]]);
    for _ in 0..40 {
        let inner = f;
        f = function(1, |g, x| {
            let a = one(g, "PartitionedCall", &[("f", inner.clone())], &[x[0]]);
            vec![one(g, "PartitionedCall", &[("f", inner)], &[a])]
        });
    }
    let mut g = Graph::new();
    let x = g.placeholder("x", DType::I32, Dims::scalar()).unwrap();
    let y = one(&mut g, "PartitionedCall", &[("f", f)], &[x]);
    assert_eq!(g.dtype(y), DType::I32);
}

#[test]
fn a_call_has_the_shapes_and_gradient_of_its_body() {
    let mut body = Graph::new();
    let x = body.placeholder("x", DType::F32, Dims::unknown()).unwrap();
    body.inputs = vec![x];
    body.outputs = vec![body.multiply(x, x).unwrap()];
    let mut g = Graph::new();
    let x = g.placeholder("x", DType::F32, Dims::from([Some(3)])).unwrap();
    let f = Attr::Func("square".into(), Some(Arc::new(body)));
    let y = one(&mut g, "StatefulPartitionedCall", &[("f", f)], &[x]);
    assert_eq!(g.dims(y), &Dims::from([Some(3)]));
    let dx = kerox_graph::gradients(&mut g, &[y], None, &[x]).unwrap()[0].unwrap();
    let plan = kerox_graph::Plan::compile(&g, &[x], &[[3].into()], &[y, dx], &[]).unwrap();
    let mut executor = kerox_graph::Executor::new(plan);
    executor.run(&[&floats(&[1.0, 2.0, -3.0])]).unwrap();
    assert_eq!(executor.output(0).slice::<f32>().unwrap(), [1.0, 4.0, 9.0]);
    assert_eq!(executor.output(1).slice::<f32>().unwrap(), [2.0, 4.0, -6.0]);
}

#[test]
fn one_branch_is_taken() {
    let add_n = |n: i32| {
        function(1, move |g, x| {
            let n = constant(g, Tensor::scalar(n));
            vec![g.add(x[0], n).unwrap()]
        })
    };
    for (index, expected) in [(0, 11), (1, 12), (2, 13), (7, 13), (-1, 13)] {
        let mut g = Graph::new();
        let index = constant(&mut g, Tensor::scalar(index));
        let ten = constant(&mut g, Tensor::scalar(10));
        let branches = Attr::List(vec![add_n(1), add_n(2), add_n(3)]);
        let y = one(&mut g, "Case", &[("branches", branches)], &[index, ten]);
        assert_eq!(fetch(&g, &[y], &[]).unwrap()[0].to_scalar::<i32>().unwrap(), expected);
    }
    for (cond, expected) in [(Tensor::scalar(true), 11), (Tensor::scalar(0f32), 12), (strings(&[]), 12)] {
        let mut g = Graph::new();
        let cond = constant(&mut g, cond);
        let ten = constant(&mut g, Tensor::scalar(10));
        let branches = [("then_branch", add_n(1)), ("else_branch", add_n(2))];
        let y = one(&mut g, "If", &branches, &[cond, ten]);
        assert_eq!(fetch(&g, &[y], &[]).unwrap()[0].to_scalar::<i32>().unwrap(), expected);
    }
}

#[test]
fn checks_fail_with_what_they_saw() {
    let mut g = Graph::new();
    let no = constant(&mut g, Tensor::scalar(false));
    let why = constant(&mut g, strings(&["x is too large"]));
    let check = add(&mut g, "Assert", &[], &[no, why]).unwrap();
    let error = fetch(&g, &[], &[check]).unwrap_err().to_string();
    assert!(error.contains("x is too large"), "{error}");
    let nan = constant(&mut g, floats(&[1.0, f32::NAN]));
    let y = one(&mut g, "CheckNumerics", &[("message", Attr::String(b"logits".to_vec()))], &[nan]);
    assert!(fetch(&g, &[y], &[]).unwrap_err().to_string().contains("logits"));
    let id = add(&mut g, "IdentityN", &[], &[why, no]).unwrap();
    let values = g.values(id);
    assert_eq!(fetch(&g, &values, &[]).unwrap()[0], strings(&["x is too large"]));
    let nothing = add(&mut g, "NoOp", &[], &[]).unwrap();
    let print = add(&mut g, "PrintV2", &[], &[why]).unwrap();
    assert!(fetch(&g, &[], &[nothing, print]).unwrap().is_empty());
}

#[test]
fn lists_of_tensors() {
    let element = [("element_dtype", Attr::Type(DType::I32))];
    let mut g = Graph::new();
    let g = &mut g;
    let shape = constant(g, ints(&[2]));
    let [zero, one_, two] = [0, 1, 2].map(|n| constant(g, Tensor::scalar(n)));
    let list = one(g, "TensorListReserve", &element, &[shape, two]);
    let item = constant(g, ints(&[7, 8]));
    let set = one(g, "TensorListSetItem", &element, &[list, one_, item]);
    let stacked = one(g, "TensorListStack", &element, &[set, shape]);
    let pushed = one(g, "TensorListPushBack", &element, &[set, item]);
    let length = one(g, "TensorListLength", &[], &[pushed]);
    let id = add(g, "TensorListPopBack", &element, &[pushed, shape]).unwrap();
    let popped = g.values(id);
    let rest = one(g, "TensorListLength", &[], &[popped[0]]);
    let id = add(g, "TensorListConcatV2", &element, &[pushed, shape, shape]).unwrap();
    let joined = g.values(id);
    let indices = constant(g, ints(&[1, 1, 0]));
    let gathered = one(g, "TensorListGather", &element, &[set, indices, shape]);
    let of = one(g, "TensorListElementShape", &[("shape_type", Attr::Type(DType::I64))], &[set]);
    let resized = one(g, "TensorListResize", &[], &[set, one_]);
    let short = one(g, "TensorListStack", &element, &[resized, shape]);
    let unset = one(g, "TensorListGetItem", &element, &[set, zero, shape]);
    let whole = constant(g, Tensor::from_vec(vec![1, 2, 3, 4, 5, 6], [3, 2]).unwrap());
    let from = one(g, "TensorListFromTensor", &element, &[whole, shape]);
    let last = one(g, "TensorListGetItem", &element, &[from, two, shape]);
    let wanted = [stacked, length, popped[1], rest, joined[0], joined[1], gathered, of, short, unset, last];
    let found = fetch(g, &wanted, &[]).unwrap();
    assert_eq!(found[0], Tensor::from_vec(vec![0, 0, 7, 8], [2, 2]).unwrap());
    assert_eq!(found[1], Tensor::scalar(3));
    assert_eq!(found[2], ints(&[7, 8]));
    assert_eq!(found[3], Tensor::scalar(2));
    assert_eq!(found[4], ints(&[0, 0, 7, 8, 7, 8]));
    assert_eq!(found[5], Tensor::from_vec(vec![2i64, 2, 2], [3]).unwrap());
    assert_eq!(found[6], Tensor::from_vec(vec![7, 8, 7, 8, 0, 0], [3, 2]).unwrap());
    assert_eq!(found[7], Tensor::from_vec(vec![2i64], [1]).unwrap());
    assert_eq!(found[8], Tensor::from_vec(vec![0, 0], [1, 2]).unwrap());
    assert_eq!(found[9], ints(&[0, 0]));
    assert_eq!(found[10], ints(&[5, 6]));
    // Positions, types and numbers from outside.
    let three = constant_of(g, 3);
    let beyond = one(g, "TensorListGetItem", &element, &[from, three, shape]);
    assert!(fetch(g, &[beyond], &[]).is_err());
    let many = constant_of(g, i32::MAX);
    let huge = one(g, "TensorListReserve", &element, &[shape, many]);
    let length = one(g, "TensorListLength", &[], &[huge]);
    assert!(fetch(g, &[length], &[]).is_err());
}

fn constant_of(g: &mut Graph, n: i32) -> Value {
    constant(g, Tensor::scalar(n))
}

#[test]
fn variables_behind_handles() {
    let variable = Variable::new("v", floats(&[1.0, 2.0]), true);
    let mut g = Graph::new();
    let handle = VarHandle { variable: variable.clone(), shared_name: "v".into(), by_reference: false };
    let handle = g.add_single(handle, &[]).unwrap();
    let dtype = [("dtype", Attr::Type(DType::F32))];
    let delta = constant(&mut g, floats(&[10.0, 20.0]));
    let added = add(&mut g, "AssignAddVariableOp", &dtype, &[handle, delta]).unwrap();
    let read = one(&mut g, "ReadVariableOp", &dtype, &[handle]);
    let indices = constant(&mut g, ints(&[1, 0, 1]));
    let gathered = one(&mut g, "ResourceGather", &dtype, &[handle, indices]);
    let there = one(&mut g, "VarIsInitializedOp", &[], &[handle]);
    let found = fetch(&g, &[read, gathered, there], &[added]).unwrap();
    assert_eq!(found[0], floats(&[11.0, 22.0]));
    assert_eq!(found[1], floats(&[22.0, 11.0, 22.0]));
    assert_eq!(found[2], Tensor::scalar(true));
    let subtracted = add(&mut g, "AssignSubVariableOp", &dtype, &[handle, delta]).unwrap();
    fetch(&g, &[], &[subtracted]).unwrap();
    assert_eq!(variable.value(), floats(&[1.0, 2.0]));
    let assigned = add(&mut g, "AssignVariableOp", &dtype, &[handle, indices]).unwrap();
    assert!(fetch(&g, &[], &[assigned]).is_err(), "another type and shape");
    assert!(kerox_graph::Plan::compile(&g, &[], &[], &[read], &[]).is_err());
}

#[test]
fn references_are_read_where_they_are_used() {
    let mut g = Graph::new();
    let attrs = [("dtype", Attr::Type(DType::F32)), ("shape", Attr::Shape(Dims::from([Some(2)])))];
    let v = one(&mut g, "VariableV2", &attrs, &[]);
    let value = constant(&mut g, floats(&[3.0, 4.0]));
    let assigned = one(&mut g, "Assign", &[], &[v, value]);
    let added = one(&mut g, "AssignAdd", &[], &[assigned, value]);
    let before = g.identity(assigned).unwrap();
    let double = g.add(added, added).unwrap();
    let found = fetch(&g, &[double, before], &[]).unwrap();
    assert_eq!(found[0], floats(&[12.0, 16.0]));
}

#[test]
fn tables() {
    let types = [("key_dtype", Attr::Type(DType::String)), ("value_dtype", Attr::Type(DType::I64))];
    let mut g = Graph::new();
    let g = &mut g;
    let table = one(g, "HashTableV2", &types, &[]);
    let keys = constant(g, strings(&["a", "b"]));
    let values = constant(g, Tensor::from_vec(vec![5i64, 6], [2]).unwrap());
    let fill = add(g, "InitializeTableV2", &[], &[table, keys, values]).unwrap();
    let asked = constant(g, Tensor::from_strings(["b", "?", "a", "b"], [2, 2]).unwrap());
    let default = constant(g, Tensor::scalar(-1i64));
    let found = one(g, "LookupTableFindV2", &[("Tout", Attr::Type(DType::I64))], &[table, asked, default]);
    let size = one(g, "LookupTableSizeV2", &[], &[table]);
    let results = fetch(g, &[found, size], &[fill]).unwrap();
    assert_eq!(results[0], Tensor::from_vec(vec![6i64, -1, 5, 6], [2, 2]).unwrap());
    assert_eq!(results[1], Tensor::scalar(2i64));
    let other = constant(g, Tensor::from_vec(vec![7i64, 8], [2]).unwrap());
    let again = add(g, "InitializeTableV2", &[], &[table, keys, other]).unwrap();
    assert!(fetch(g, &[], &[again]).is_err(), "a key has one value");
}

#[test]
fn tables_from_files() {
    let types = [("key_dtype", Attr::Type(DType::String)), ("value_dtype", Attr::Type(DType::I64))];
    let mut g = Graph::new();
    let g = &mut g;
    let table = one(g, "HashTableV2", &types, &[]);
    let name = constant(g, Tensor::scalar(b"vocabulary.txt".to_vec()));
    let columns = [("key_index", Attr::Int(-2)), ("value_index", Attr::Int(-1))];
    let fill = add(g, "InitializeTableFromTextFileV2", &columns, &[table, name]).unwrap();
    let asked = constant(g, strings(&["zwei", "eins", "drei"]));
    let default = constant(g, Tensor::scalar(-1i64));
    let found = one(g, "LookupTableFindV2", &[("Tout", Attr::Type(DType::I64))], &[table, asked, default]);
    assert!(fetch(g, &[found], &[fill]).unwrap_err().to_string().contains("vocabulary.txt"));
    let read = |name: &str| {
        assert_eq!(name, "vocabulary.txt");
        Ok(b"eins\nzwei\n".to_vec())
    };
    let result = Interpreter::new(g, &[], &[found], &[fill]).with_files(Arc::new(read)).run(Vec::new()).unwrap();
    let expected = Tensor::from_vec(vec![1i64, 0, -1], [3]).unwrap();
    assert_eq!(result[0].clone().into_tensor().unwrap(), expected);
}
