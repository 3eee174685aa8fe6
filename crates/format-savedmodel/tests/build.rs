//! Models from plain data, and what cannot be one; checkpoints matched to objects.

mod common;

use std::collections::BTreeMap;

use kerox_format_ckpt::CheckpointReader;
use kerox_format_savedmodel::messages::{ArgDef, DataType, FunctionDef, OpDef, TrackableObjectGraph};
use kerox_format_savedmodel::wire::Message;
use kerox_format_savedmodel::{ArgSpec, SavedModel, SavedModelBuilder, Structured, TensorSpec, checkpoint_keys};
use kerox_tensor::Tensor;

fn objects_of(dir: &std::path::Path) -> (CheckpointReader, TrackableObjectGraph) {
    let reader = CheckpointReader::open(dir.join("variables/variables")).unwrap();
    let graph = reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH").unwrap();
    let graph = TrackableObjectGraph::decode(&graph.to_scalar::<Vec<u8>>().unwrap()).unwrap();
    (reader, graph)
}

#[test]
fn variables_of_keras_find_their_values() {
    let dir = common::golden("mlp");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.join("expected.json")).unwrap()).unwrap();
    let (reader, graph) = objects_of(&dir);
    let model = SavedModel::open(&dir).unwrap();
    let meta_graph = model.meta_graph(&["serve"]).unwrap();
    let objects = meta_graph.objects().unwrap().unwrap();
    let keys = checkpoint_keys(objects, &graph);
    assert!(keys.others.is_empty(), "{:?}", keys.others);
    let mut seen = 0;
    for object in objects.iter() {
        let Some(variable) = object.variable() else { continue };
        let value = reader.get_tensor(keys.variable(object.id).unwrap()).unwrap();
        assert_eq!(variable.dtype.dtype(), Some(value.dtype()));
        if let Some(weight) = expected["weights"].get(&variable.name) {
            let flat = |value: &serde_json::Value| match value.as_array().unwrap() {
                rows if rows[0].is_array() => rows.iter().flat_map(|row| row.as_array().unwrap().clone()).collect(),
                row => row.clone(),
            };
            let wanted: Vec<f32> =
                flat(weight).iter().map(|n: &serde_json::Value| n.as_f64().unwrap() as f32).collect();
            assert_eq!(value.as_slice::<f32>().unwrap(), wanted, "{}", variable.name);
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}

fn function(name: &str, arguments: &[DataType]) -> FunctionDef {
    let argument =
        |(place, &ty): (usize, &DataType)| ArgDef { name: format!("a{place}"), r#type: ty, ..ArgDef::default() };
    let result = ArgDef { name: "y".into(), r#type: DataType::DT_FLOAT, ..ArgDef::default() };
    let signature = OpDef {
        name: name.into(),
        input_arg: arguments.iter().enumerate().map(argument).collect(),
        output_arg: vec![result],
        ..OpDef::default()
    };
    let mut def = FunctionDef { signature: Some(Box::new(signature)), ..FunctionDef::default() };
    def.ret.insert("y".into(), "a0".into());
    def
}

fn spec(name: &str) -> Structured {
    Structured::Tensor(TensorSpec::float32(name, &[None]))
}

fn output() -> Structured {
    Structured::Dict(vec![("y".into(), spec("y"))])
}

#[test]
fn numbers_keys_and_names_follow_from_the_edges() {
    let root = SavedModelBuilder::ROOT;
    let mut builder = SavedModelBuilder::new("_generic_user_object");
    let a = builder.variable("v", Tensor::scalar(1f32), true);
    let b = builder.variable("v", Tensor::scalar(2i64), false);
    let hidden = builder.variable("hidden", Tensor::scalar(3f32), false);
    let slot = builder.variable("slot", Tensor::scalar(4f32), false);
    let deep = builder.dict(&[("a.b/c", b), ("again", a)]);
    let optimizer = builder.object("optimizer");
    builder.child(root, "deep", deep);
    builder.child(root, "a", a);
    builder.checkpoint_child(root, "optimizer", optimizer);
    builder.child(optimizer, "iter", hidden);
    builder.slot(optimizer, a, "m", slot);
    builder.function_def(function("f", &[DataType::DT_FLOAT, DataType::DT_RESOURCE]));
    builder.concrete_function("f", &[a], vec![], vec![("x".into(), spec("x"))], output());
    builder.signature("serving_default", "f");
    let files = builder.build().unwrap();
    let tensors: BTreeMap<&str, &Tensor> = files.tensors.iter().map(|(key, tensor)| (key.as_str(), tensor)).collect();
    let keys = [
        "a/.ATTRIBUTES/VARIABLE_VALUE",
        "a/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE",
        "deep/a..b.Sc/.ATTRIBUTES/VARIABLE_VALUE",
        "optimizer/iter/.ATTRIBUTES/VARIABLE_VALUE",
    ];
    assert_eq!(tensors.keys().copied().collect::<Vec<_>>(), keys);

    let dir = tempfile::tempdir().unwrap();
    files.write_without_variables(dir.path()).unwrap();
    let model = SavedModel::open(dir.path()).unwrap();
    assert_eq!(model.proto, files.saved_model);
    let graph = model.meta_graph(&["serve"]).unwrap();
    let objects = graph.objects().unwrap().unwrap();
    assert!(objects.at_path("root.optimizer").is_none());
    let found = checkpoint_keys(objects, &files.checkpoint_graph);
    assert_eq!(found.variable(objects.at_path("root.a").unwrap().id), Some(keys[0]));
    let others: Vec<_> = found.others.iter().map(|(path, key)| (path.as_str(), key.as_str())).collect();
    assert_eq!(others, [("optimizer/iter", keys[3]), ("a/.OPTIMIZER_SLOT/optimizer/m", keys[1])]);
    // Two variables of one name must not become one.
    let handles: Vec<_> =
        graph.graph().unwrap().node.iter().filter(|n| n.op == "VarHandleOp").map(|n| &n.name).collect();
    assert_eq!(handles, ["v", "v_1"]);
    let signature = &graph.signatures()[0];
    assert_eq!(signature.inputs[0].tensors, ["serving_default_x:0"]);
    assert_eq!(signature.outputs[0].tensors, ["StatefulPartitionedCall:0"]);
    assert_eq!(graph.concrete_function("f").unwrap().captures, [objects.at_path("root.a").unwrap().id]);
}

fn fails(make: impl FnOnce(&mut SavedModelBuilder), expected: &str) {
    let mut builder = SavedModelBuilder::new("_generic_user_object");
    make(&mut builder);
    assert_eq!(builder.build().unwrap_err().to_string(), expected);
}

#[test]
fn what_cannot_be_a_model_is_refused() {
    let head = "build SavedModel,";
    fails(
        |builder| builder.concrete_function("f", &[], vec![], vec![], Structured::None),
        &format!("{head} concrete function `f`: expected a function of the library, found none"),
    );
    fails(
        |builder| {
            builder.function_def(function("f", &[DataType::DT_FLOAT]));
            builder.concrete_function("f", &[], vec![], vec![], output());
        },
        &format!("{head} concrete function `f`: expected 1 arguments, found 0 tensors and captured variables"),
    );
    fails(
        |builder| {
            builder.function_def(function("f", &[DataType::DT_FLOAT]));
            builder.concrete_function("f", &[], vec![spec("x")], vec![], output());
            builder.signature("s", "f");
        },
        &format!("{head} signature `s`: expected tensors by keyword only, found function `f` with other values"),
    );
    fails(
        |builder| {
            let loose = builder.variable("v", Tensor::scalar(1f32), true);
            builder.function_def(function("f", &[DataType::DT_RESOURCE]));
            builder.concrete_function("f", &[loose], vec![], vec![], output());
        },
        &format!(
            "{head} function `f`: expected captured objects that names lead to from the root, found one that none leads to"
        ),
    );
    fails(
        |builder| {
            let list = builder.list(&[]);
            builder.child(SavedModelBuilder::ROOT, "x", list);
            builder.child(SavedModelBuilder::ROOT, "x", list);
        },
        &format!("{head} child `x`: expected names used once in an object, found it twice"),
    );
    fails(
        |builder| {
            let function = builder.function(&["g"], ArgSpec::default());
            builder.child(SavedModelBuilder::ROOT, "g", function);
        },
        &format!("{head} function `g`: expected a concrete function, found none"),
    );
    fails(
        |builder| {
            builder.asset("../x", vec![]);
        },
        "read asset `../x`: expected a path inside of `assets`, found another",
    );
}
