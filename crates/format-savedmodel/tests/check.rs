//! What a model names has to be there: each thing taken away or renamed is found where it is named.

mod common;

use kerox_format_savedmodel::SavedModel;
use kerox_format_savedmodel::messages::attr_value::Value;
use kerox_format_savedmodel::messages::saved_object_graph::Kind;
use kerox_format_savedmodel::messages::{DataType, FunctionDef, MetaGraphDef, SavedModelProto};
use kerox_format_savedmodel::wire::Message;

/// The flaws of a golden model after a change.
fn flaws(name: &str, change: impl FnOnce(&mut MetaGraphDef)) -> Vec<String> {
    let bytes = std::fs::read(common::golden(name).join("saved_model.pb")).unwrap();
    let mut proto = SavedModelProto::decode(&bytes).unwrap();
    change(&mut proto.meta_graphs[0]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("saved_model.pb"), proto.encode()).unwrap();
    let model = SavedModel::open(dir.path()).unwrap();
    let graph = model.meta_graph(&[]).unwrap();
    graph.check().into_iter().map(|flaw| format!("{}: {}", flaw.place, flaw.what)).collect()
}

fn functions(meta: &mut MetaGraphDef) -> &mut Vec<FunctionDef> {
    &mut meta.graph_def.as_mut().unwrap().library.as_mut().unwrap().function
}

/// The first function with a product in it.
fn function(meta: &mut MetaGraphDef) -> &mut FunctionDef {
    functions(meta).iter_mut().find(|f| f.node_def.iter().any(|node| node.op == "MatMul")).unwrap()
}

#[test]
fn whole_models_have_no_flaws() {
    for name in ["mlp", "module", "subclassed", "custom", "tf1", "tf1_text"] {
        let model = SavedModel::open(common::golden(name)).unwrap();
        for graph in model.meta_graphs() {
            assert_eq!(graph.check(), [], "{name}");
        }
    }
    let Some(shared) = common::shared() else { return };
    let mut count = 0;
    for path in common::files(&shared.join("zoo/files")) {
        if path.file_name().is_some_and(|name| name == "saved_model.pb") {
            for graph in SavedModel::open(path.parent().unwrap()).unwrap().meta_graphs() {
                assert_eq!(graph.check(), [], "{}", path.display());
                count += 1;
            }
        }
    }
    println!("{count} graphs without flaws");
}

#[test]
fn what_is_named_and_missing_is_found() {
    let check = |expected: &str, change: &dyn Fn(&mut MetaGraphDef)| {
        let found = flaws("mlp", change);
        assert!(found.iter().any(|flaw| flaw.contains(expected)), "{expected}: {found:#?}");
        assert!(found.len() < 20, "{found:#?}");
    };
    check("expected an operation that is known or a function of the library, found `MatMxl`", &|meta| {
        let node = function(meta).node_def.iter_mut().find(|node| node.op == "MatMul");
        node.unwrap().op = "MatMxl".into();
    });
    check("expected a node or argument of the function, found the input `nowhere:output:0`", &|meta| {
        let node = function(meta).node_def.iter_mut().find(|node| !node.input.is_empty());
        node.unwrap().input[0] = "nowhere:output:0".into();
    });
    check("expected a node of the graph, found the input `nowhere`", &|meta| {
        let nodes = &mut meta.graph_def.as_mut().unwrap().node;
        nodes.iter_mut().find(|node| !node.input.is_empty()).unwrap().input[0] = "nowhere".into();
    });
    check("inputs of `", &|meta| {
        let node = function(meta).node_def.iter_mut().find(|node| node.op == "MatMul").unwrap();
        node.input.truncate(1);
    });
    check("expected a function of the library in `f`, found `gone`", &|meta| {
        let nodes = &mut meta.graph_def.as_mut().unwrap().node;
        let node = nodes.iter_mut().find(|node| node.op == "StatefulPartitionedCall").unwrap();
        if let Some(Value::Func(function)) = &mut node.attr.get_mut("f").unwrap().value {
            function.name = "gone".into();
        }
    });
    check("expected a function of the library, found none of that name", &|meta| {
        let functions = functions(meta);
        let is_call = |f: &FunctionDef| f.signature.as_ref().unwrap().name.contains("dense_1_layer_call");
        let at = functions.iter().position(is_call).unwrap();
        functions.remove(at);
    });
    check("expected what the result `identity` is, found nothing", &|meta| {
        let function = function(meta);
        let name = function.signature.as_ref().unwrap().output_arg[0].name.clone();
        assert_eq!(name, "identity");
        function.ret.remove(&name);
    });
    check("as the result `identity`, found `Gone:output:0`", &|meta| {
        function(meta).ret.insert("identity".into(), "Gone:output:0".into());
    });
    check("signature `serving_default`, output `dense_1`: expected one of the ", &|meta| {
        let signature = meta.signature_def.get_mut("serving_default").unwrap();
        signature.outputs.get_mut("dense_1").unwrap().name = Some("StatefulPartitionedCall:7".into());
    });
    check(
        "signature `serving_default`, input `dense_input`: expected `serving_default_dense_input:0` of type",
        &|meta| {
            let signature = meta.signature_def.get_mut("serving_default").unwrap();
            signature.inputs.get_mut("dense_input").unwrap().dtype = DataType::DT_INT64;
        },
    );
    check("the restoring of variables: expected a node of the graph", &|meta| {
        meta.saver_def.as_mut().unwrap().restore_op_name = "gone".into();
    });
    check("expected one of the concrete functions, found `gone`", &|meta| {
        let objects = &mut meta.object_graph_def.as_mut().unwrap().nodes;
        for object in objects {
            if let Some(Kind::Function(function)) = &mut object.kind
                && let Some(name) = function.concrete_functions.first_mut()
            {
                *name = "gone".into();
                return;
            }
        }
    });
    check("captured inputs, found ", &|meta| {
        let functions = &mut meta.object_graph_def.as_mut().unwrap().concrete_functions;
        let name = functions[0].0.clone();
        functions.get_mut(&name).unwrap().bound_inputs.extend([0; 30]);
    });
    check("expected names given once, found two nodes", &|meta| {
        let nodes = &mut meta.graph_def.as_mut().unwrap().node;
        nodes.push(nodes[0].clone());
    });
}
