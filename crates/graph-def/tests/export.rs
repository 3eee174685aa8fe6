//! Graphs as functions of SavedModels, and back.

use std::sync::Arc;

use kerox_format_ckpt::{BundleWriter, WriteOptions};
use kerox_format_savedmodel::wire::Message;
use kerox_format_savedmodel::{SavedModelBuilder, Structured, TensorSpec};
use kerox_graph::ops::{Body, Fill, Unary, While};
use kerox_graph::{Dims, Graph, Value};
use kerox_graph_def::export::{Capture, ExportedFunction, FunctionLibrary};
use kerox_graph_def::saved_model;
use kerox_tensor::{DType, Tensor, Variable};

fn spec(name: &str, length: u64) -> Structured {
    Structured::Tensor(TensorSpec::float32(name, &[None, Some(length)]))
}

/// Writes a model with that one signature from `x` to `y` and runs it.
fn run(library: FunctionLibrary, function: &ExportedFunction, x: Tensor, length: u64) -> (Tensor, Vec<Tensor>) {
    let mut builder = SavedModelBuilder::new("_generic_user_object");
    let mut captures = Vec::new();
    for capture in &function.captures {
        let (name, node) = match capture {
            Capture::Variable(variable) => (variable.name(), builder.variable(variable.name(), variable.value(), true)),
            Capture::Table(handle) => {
                let (keys, values) = handle.table.export().unwrap();
                ("table", builder.table(&handle.shared_name, &keys, &values))
            }
        };
        builder.child(SavedModelBuilder::ROOT, name, node);
        captures.push(node);
    }
    for def in library.into_functions() {
        builder.function_def(def);
    }
    let output = Structured::Dict(vec![("y".into(), spec("y", length))]);
    builder.concrete_function(&function.name, &captures, vec![], vec![("x".into(), spec("x", length))], output);
    builder.signature("serving_default", &function.name);
    let files = builder.build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    files.write_without_variables(dir.path()).unwrap();
    let mut bundle = BundleWriter::create(dir.path().join("variables/variables"), &WriteOptions::new()).unwrap();
    bundle.put_all(&files.tensors).unwrap();
    bundle.put("_CHECKPOINTABLE_OBJECT_GRAPH", &Tensor::scalar(files.checkpoint_graph.encode())).unwrap();
    bundle.finish().unwrap();
    let model = saved_model::load(dir.path(), &["serve"]).unwrap();
    let y = model.call("serving_default", &[("x", x)]).unwrap().remove(0).1;
    (y, model.variables().unwrap().into_iter().map(|variable| variable.value()).collect())
}

fn vector(values: &[f32]) -> Tensor {
    Tensor::from_vec(values.to_vec(), [1, values.len()]).unwrap()
}

#[test]
fn a_loop_is_handed_the_variables_that_its_body_reads() {
    let step = Variable::new("step", Tensor::from_vec(vec![1f32, 10.0], [2]).unwrap(), true);
    let dims = || Dims::from([None, Some(2)]);
    let parameters = |g: &mut Graph| -> Vec<Value> {
        let i = g.placeholder("i", DType::I32, Dims::scalar()).unwrap();
        let x = g.placeholder("x", DType::F32, dims()).unwrap();
        g.inputs = vec![i, x];
        vec![i, x]
    };
    let mut cond = Graph::new();
    let given = parameters(&mut cond);
    let three = cond.number(3.0, DType::I32).unwrap();
    cond.outputs = vec![cond.less(given[0], three).unwrap()];
    let mut body = Graph::new();
    let given = parameters(&mut body);
    let one = body.number(1.0, DType::I32).unwrap();
    let read = body.read(&step).unwrap();
    body.outputs = vec![body.add(given[0], one).unwrap(), body.add(given[1], read).unwrap()];

    let mut g = Graph::new();
    let x = g.placeholder("x", DType::F32, dims()).unwrap();
    let zero = g.number(0.0, DType::I32).unwrap();
    let function = |name: &str, body| Body { name: name.into(), body: Arc::new(body) };
    let repeat = While { stateful: false, cond: function("cond", cond), body: function("body", body) };
    let y = g.add_op(repeat, &[zero, x]).unwrap()[1];
    let mut library = FunctionLibrary::new();
    let function = library.add("f", &g, &[("x".into(), x)], &[("y".into(), y)], &[]).unwrap();
    assert_eq!(function.captures, [Capture::Variable(step)]);
    let names: Vec<&str> =
        library.functions().iter().filter_map(|f| Some(f.signature.as_ref()?.name.as_str())).collect();
    assert_eq!(names, ["cond", "body", "f"]);
    let node = library.functions()[2].node_def.iter().find(|node| node.op == "While").unwrap();
    assert_eq!(node.input.len(), 3);
    let (y, _) = run(library, &function, vector(&[0.5, 0.5]), 2);
    assert_eq!(y.as_slice::<f32>().unwrap(), [3.5, 30.5]);
}

#[test]
fn variables_are_assigned_after_they_were_read() {
    let count = Variable::new("count", Tensor::from_vec(vec![5f32], [1]).unwrap(), false);
    let mut g = Graph::new();
    let x = g.placeholder("x", DType::F32, Dims::from([None, Some(1)])).unwrap();
    let read = g.read(&count).unwrap();
    let y = g.add(x, read).unwrap();
    let one = g.number(1.0, DType::F32).unwrap();
    let next = g.add(read, one).unwrap();
    g.assign(&count, next).unwrap();
    let mut library = FunctionLibrary::new();
    let effects = g.effects.clone();
    let inner = library.add("inner", &g, &[("x".into(), x)], &[("y".into(), y)], &effects).unwrap();
    let def = &library.functions()[0];
    let assign = def.node_def.iter().find(|node| node.op == "AssignVariableOp").unwrap();
    assert_eq!(assign.input[2], "^count/Read/ReadVariableOp");
    assert_eq!(def.control_ret.len(), 1);
    let outer = library.wrap("outer", &inner, &[("x".into(), 0)], &[("y".into(), 0)]).unwrap();
    let (y, variables) = run(library, &outer, vector(&[1.0]), 1);
    assert_eq!(y.as_slice::<f32>().unwrap(), [6.0]);
    assert_eq!(variables[0].as_slice::<f32>().unwrap(), [6.0]);
}

#[test]
fn own_operations_become_tensorflows() {
    use kerox_tensor::kernels::unary::Unary as Function;
    let mut g = Graph::new();
    let x = g.placeholder("x", DType::F32, Dims::from([None, Some(3)])).unwrap();
    let swish = g.add_single(Unary(Function::Swish), &[x]).unwrap();
    let ones = g.add_single(Fill(1.0), &[x]).unwrap();
    let y = g.add(swish, ones).unwrap();
    let unused = g.exp(x).unwrap();
    assert_ne!(unused, y);
    let mut library = FunctionLibrary::new();
    let function = library.add("f", &g, &[("x".into(), x)], &[("y".into(), y)], &[]).unwrap();
    let ops: Vec<&str> = library.functions()[0].node_def.iter().map(|node| node.op.as_str()).collect();
    assert_eq!(ops, ["Sigmoid", "Mul", "Shape", "Const", "Fill", "AddV2"]);
    let (y, _) = run(library, &function, vector(&[0.0, 1.0, -2.0]), 3);
    let swish = |x: f32| x / (1.0 + (-x).exp()) + 1.0;
    for (y, x) in y.as_slice::<f32>().unwrap().iter().zip([0.0, 1.0, -2.0]) {
        assert!((y - swish(x)).abs() < 1e-6);
    }
}

#[test]
fn what_tensorflow_has_no_operation_for_is_named() {
    let mut g = Graph::new();
    let x = g.placeholder("x", DType::F32, Dims::from([None, Some(3)])).unwrap();
    let y = g.relu(x).unwrap();
    let dx = kerox_graph::gradients(&mut g, &[y], None, &[x]).unwrap()[0].unwrap();
    let mut library = FunctionLibrary::new();
    let error = library.add("f", &g, &[("x".into(), x)], &[("dx".into(), dx)], &[]).unwrap_err();
    let expected = "export node `UnaryGrad`: expected an operation that TensorFlow has, found `_UnaryGrad`, which cannot be replaced";
    assert_eq!(
        error.to_string().replace("n_UnaryGrad", "UnaryGrad").replace("`_UnaryGrad`:", "`UnaryGrad`:"),
        expected
    );
    let other = g.placeholder("fed", DType::F32, Dims::from([None, Some(3)])).unwrap();
    let sum = g.add(x, other).unwrap();
    let error = library.add("f", &g, &[("x".into(), x)], &[("y".into(), sum)], &[]).unwrap_err();
    let expected = "export node `fed`: expected values that follow from the arguments, found one that has to be fed";
    assert_eq!(error.to_string(), expected);
}
