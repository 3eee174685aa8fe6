//! Models of Keras, of `tf.Module` and of TensorFlow 1, read.

mod common;

use kerox_format_savedmodel::messages::DataType;
use kerox_format_savedmodel::messages::saved_object_graph::Kind;
use kerox_format_savedmodel::ops::Attrs;
use kerox_format_savedmodel::{ArgSpec, NodeInput, SavedModel, Structured};

#[test]
fn a_keras_model() {
    let model = SavedModel::open(common::golden("mlp")).unwrap();
    let graph = model.meta_graph(&["serve"]).unwrap();
    assert_eq!(graph.tensorflow_version(), "2.15.1");
    let [signature] = &graph.signatures()[..] else { panic!("one signature") };
    assert_eq!((signature.name.as_str(), signature.method.as_str()), ("serving_default", "tensorflow/serving/predict"));
    assert_eq!(signature.inputs[0].name, "dense_input");
    assert_eq!(signature.inputs[0].tensors, ["serving_default_dense_input:0"]);
    assert_eq!(
        (signature.inputs[0].dtype, &signature.inputs[0].shape),
        (DataType::DT_FLOAT, &Some(vec![None, Some(8)]))
    );
    assert_eq!(signature.outputs[0].shape, Some(vec![None, Some(4)]));
    assert_eq!(graph.init_op(), Some("NoOp"));
    assert_eq!(graph.saver().unwrap().filename_tensor_name, "saver_filename:0");
    assert_eq!(model.fingerprint.as_ref().unwrap().version.as_ref().unwrap().producer, 1);

    let objects = graph.objects().unwrap().unwrap();
    assert_eq!(objects.root().unwrap().identifier(), Some("_tf_keras_sequential"));
    let kernel = objects.at_path("root.layer_with_weights-1.kernel").unwrap();
    assert_eq!(kernel.variable().unwrap().name, "dense_1/kernel");
    assert_eq!(objects.paths().get(kernel.id).unwrap(), ["layer_with_weights-1", "kernel"]);
    assert_eq!(objects.at_path("root.trainable_variables").unwrap().elements().len(), 4);

    let keras = graph.keras_nodes().unwrap();
    assert_eq!(keras[0].class_name(), Some("Sequential"));
    assert_eq!(keras[1].metadata.get("config").unwrap().get("units").unwrap().as_i64(), Some(6));
    assert_eq!(keras[1].name(), Some("dense"));
    assert_eq!(keras[1].path, "root.layer_with_weights-0");

    let call = objects.at_path("root.__call__").unwrap();
    let Some(Kind::Function(function)) = &call.def.kind else { panic!("a function") };
    let spec = ArgSpec::decode(function.function_spec.as_ref().unwrap()).unwrap();
    assert_eq!(spec.args, ["inputs", "training", "mask"]);
    assert_eq!(spec.defaults, [Structured::Bool(false), Structured::None]);
    let concrete = graph.concrete_function(call.concrete_functions()[0]).unwrap();
    assert_eq!(concrete.captures.len(), 4);
    assert_eq!(concrete.captures[2], kernel.id);
    assert_eq!(concrete.args.len(), 3);
    assert_eq!(concrete.output.tensors()[0].shape, Some(vec![None, Some(4)]));
}

#[test]
fn a_module_with_table_and_asset() {
    let model = SavedModel::open(common::golden("module")).unwrap();
    let graph = model.meta_graph(&[]).unwrap();
    let names: Vec<String> = graph.signatures().into_iter().map(|signature| signature.name).collect();
    assert_eq!(names, ["look_up", "serving_default"]);
    let assets = graph.assets().unwrap();
    assert_eq!(assets[0].name, "words.txt");
    assert_eq!(std::fs::read(assets[0].path(model.dir())).unwrap(), b"zero\none\ntwo\n");
    assert!(graph.keras_nodes().unwrap().is_empty());
    let objects = graph.objects().unwrap().unwrap();
    let inner = objects.at_path("root.parts.1.inner").unwrap().variable().unwrap();
    assert_eq!((inner.dtype, inner.trainable), (DataType::DT_INT32, false));
    let kinds = |wanted: fn(&Kind) -> bool| objects.iter().filter(|o| o.def.kind.as_ref().is_some_and(wanted)).count();
    assert_eq!(kinds(|kind| matches!(kind, Kind::Asset(_))), 1);
    assert!(kinds(|kind| matches!(kind, Kind::Resource(_))) >= 1);
}

#[test]
fn a_tensorflow_1_model_binary_and_text() {
    for dir in ["tf1", "tf1_text"] {
        let model = SavedModel::open(common::golden(dir)).unwrap();
        let graph = model.meta_graph(&["serve"]).unwrap();
        assert!(graph.objects().unwrap().is_none());
        let variables = graph.v1_variables().unwrap();
        let listed: Vec<_> = variables.iter().map(|v| (v.name.as_str(), v.trainable, v.def.is_resource)).collect();
        assert_eq!(listed, [("a", true, false), ("b", true, true), ("counter", false, true)]);
        assert_eq!(graph.init_op(), Some("group_deps"));
        assert_eq!(graph.assets().unwrap()[0].name, "foo.txt");
        assert_eq!(graph.assets().unwrap()[0].tensor, "filename_tensor:0");
    }
}

#[test]
fn wrong_tags_are_named() {
    let model = SavedModel::open(common::golden("tf1")).unwrap();
    let error = model.meta_graph(&["train"]).unwrap_err().to_string();
    assert!(error.ends_with("expected a meta graph with the tags [\"train\"], found [\"serve\"]"), "{error}");
}

#[test]
fn other_directories_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = SavedModel::open(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("expected `saved_model.pb` or `saved_model.pbtxt`, found neither"), "{error}");
    std::fs::write(dir.path().join("saved_model.cpb"), b"").unwrap();
    let error = SavedModel::open(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("found `saved_model.cpb` in chunks; save it in parts below 2 GB"), "{error}");
    assert!(SavedModel::is_saved_model(dir.path()));
    std::fs::write(dir.path().join("saved_model.pb"), b"\x08\x01").unwrap();
    let error = SavedModel::open(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("expected a meta graph at least, found none"), "{error}");
    std::fs::write(dir.path().join("saved_model.pb"), b"\x12\xff\xff\xff\xff\x07").unwrap();
    let error = SavedModel::open(dir.path()).unwrap_err().to_string();
    assert_eq!(error, "read `saved_model.pb` at meta_graphs[0] at byte 6: expected 2147483647 bytes, found 0 left");
}

/// Every node of every function resolves: operation, arguments, inputs.
#[test]
fn every_collected_model_holds_together() {
    let mut dirs = vec![common::golden("mlp"), common::golden("module"), common::golden("tf1")];
    if let Some(shared) = common::shared() {
        let collected = common::files(&shared.join("zoo/files"));
        dirs.extend(collected.iter().filter(|p| p.ends_with("saved_model.pb")).map(|p| p.parent().unwrap().to_owned()));
    }
    let mut unknown = std::collections::BTreeSet::new();
    for dir in dirs {
        let model = SavedModel::open(&dir).unwrap();
        for graph in model.meta_graphs() {
            graph.keras_nodes().unwrap();
            graph.assets().unwrap();
            graph.v1_variables().unwrap();
            let ops = graph.ops();
            let mut check = |node: &kerox_format_savedmodel::messages::NodeDef| {
                for input in &node.input {
                    NodeInput::parse(input).unwrap();
                }
                let Some(spec) = ops.get(&node.op) else {
                    unknown.insert(node.op.clone());
                    return;
                };
                let signature = Attrs::new(node, Some(spec)).signature().unwrap();
                let taken = node.input.iter().filter(|input| !input.starts_with('^')).count();
                let declared: usize = signature.inputs.iter().map(|port| port.types.len()).sum();
                assert_eq!(taken, declared, "{} {}", dir.display(), node.name);
            };
            graph.graph().unwrap().node.iter().for_each(&mut check);
            let library = graph.graph().unwrap().library.iter().flat_map(|library| &library.function);
            library.for_each(|function| function.node_def.iter().for_each(&mut check));
            if let Some(objects) = graph.objects().unwrap() {
                for name in objects.iter().flat_map(|object| object.concrete_functions()) {
                    let concrete = graph.concrete_function(name).unwrap();
                    let tensors = Structured::Tuple(concrete.args).tensors().len()
                        + Structured::Dict(concrete.kwargs).tensors().len();
                    let arguments = concrete.def.signature.as_ref().unwrap().input_arg.len();
                    assert!(tensors + concrete.captures.len() <= arguments, "{name}");
                }
            }
        }
    }
    assert_eq!(unknown.into_iter().collect::<Vec<_>>(), Vec::<String>::new());
}
