//! Models that contradict themselves give one clear error each.

mod common;

use kerox_format_savedmodel::messages::SavedModelProto;
use kerox_format_savedmodel::wire::Message;
use kerox_graph_def::saved_model;
use kerox_tensor::Tensor;

const FLOAT: &str = r#"attr { key: "T" value { type: DT_FLOAT } }"#;

/// Writes a model of these nodes and functions whose signature gives the node `y`, and gives the error of running it.
fn error_of(nodes: &str, functions: &str) -> String {
    let text = format!(
        r#"saved_model_schema_version: 1
        meta_graphs {{
          meta_info_def {{ tags: "serve" }}
          graph_def {{
            node {{ name: "x" op: "Placeholder" attr {{ key: "dtype" value {{ type: DT_FLOAT }} }}
                   attr {{ key: "shape" value {{ shape {{ unknown_rank: true }} }} }} }}
            {nodes}
            library {{ {functions} }}
            versions {{ producer: 1087 }}
          }}
          signature_def {{ key: "serving_default" value {{
            inputs {{ key: "x" value {{ name: "x:0" dtype: DT_FLOAT tensor_shape {{ unknown_rank: true }} }} }}
            outputs {{ key: "y" value {{ name: "y:0" dtype: DT_FLOAT tensor_shape {{ unknown_rank: true }} }} }}
            method_name: "tensorflow/serving/predict" }} }}
        }}"#
    );
    let proto = SavedModelProto::from_text(&text).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("saved_model.pb"), proto.encode()).unwrap();
    let call = || saved_model::load(dir.path(), &["serve"])?.call("serving_default", &[("x", Tensor::scalar(1f32))]);
    call().map(|y| panic!("{y:?}")).unwrap_err().to_string()
}

fn function(name: &str, body: &str, result: &str) -> String {
    format!(
        r#"function {{ signature {{ name: "{name}" input_arg {{ name: "a" type: DT_FLOAT }}
           output_arg {{ name: "r" type: DT_FLOAT }} }} {body} ret {{ key: "r" value: "{result}" }} }}"#
    )
}

fn call(name: &str, function: &str, input: &str) -> String {
    format!(
        r#"name: "{name}" op: "PartitionedCall" input: "{input}"
           attr {{ key: "f" value {{ func {{ name: "{function}" }} }} }}
           attr {{ key: "Tin" value {{ list {{ type: DT_FLOAT }} }} }}
           attr {{ key: "Tout" value {{ list {{ type: DT_FLOAT }} }} }}"#
    )
}

fn check(error: String, parts: &[&str]) {
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn functions_that_call_each_other() {
    let node = format!("node {{ {} }}", call("y", "f", "x"));
    let f = function("f", &format!("node_def {{ {} }}", call("c", "g", "a")), "c:output:0");
    let g = function("g", &format!("node_def {{ {} }}", call("c", "f", "a")), "c:output:0");
    check(error_of(&node, &(f + &g)), &["`f`", "do not call themselves", "f -> g -> f"]);
}

#[test]
fn calls_without_end() {
    let mut functions = String::new();
    for k in 0..200 {
        let next = call("c", &format!("f{}", k + 1), "a");
        functions += &function(&format!("f{k}"), &format!("node_def {{ {next} }}"), "c:output:0");
    }
    functions += &function("f200", "", "a");
    let node = format!("node {{ {} }}", call("y", "f0", "x"));
    check(error_of(&node, &functions), &["at most 64 calls inside calls"]);
}

#[test]
fn calls_that_multiply() {
    let mut functions = String::new();
    for k in 0..40 {
        let next = format!("f{}", k + 1);
        let body =
            format!("node_def {{ {} }} node_def {{ {} }}", call("b", &next, "a"), call("c", &next, "b:output:0"));
        functions += &function(&format!("f{k}"), &body, "c:output:0");
    }
    functions += &function("f40", "", "a");
    let node = format!("node {{ {} }}", call("y", "f0", "x"));
    check(error_of(&node, &functions), &["at most 262144 nodes"]);
}

#[test]
fn nodes_that_need_themselves() {
    let nodes = format!(
        r#"node {{ name: "y" op: "Identity" input: "z" {FLOAT} }} node {{ name: "z" op: "Identity" input: "y" {FLOAT} }}"#
    );
    check(error_of(&nodes, ""), &["`y`", "without cycles"]);
}

#[test]
fn broken_nodes() {
    let dtype = r#"attr { key: "dtype" value { type: DT_FLOAT } }"#;
    check(error_of(&format!(r#"node {{ name: "y" op: "Const" {dtype} }}"#), ""), &["Const", "`y`", "`value`"]);
    let negative = r#"attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: -3 } } } } }"#;
    check(error_of(&format!(r#"node {{ name: "y" op: "Const" {dtype} {negative} }}"#), ""), &["`y`", "0 or more"]);
    let negative = r#"attr { key: "shape" value { shape { dim { size: -7 } } } }"#;
    check(error_of(&format!(r#"node {{ name: "y" op: "Placeholder" {dtype} {negative} }}"#), ""), &["`y`", "-7"]);
    check(error_of(&format!(r#"node {{ name: "y" op: "Identity" input: "gone" {FLOAT} }}"#), ""), &["`y`", "`gone`"]);
    check(error_of(&format!(r#"node {{ name: "y" op: "Identity" input: "x:5" {FLOAT} }}"#), ""), &["`y`", "output 5"]);
    check(error_of(&format!("node {{ {} }}", call("y", "gone", "x")), ""), &["`y`", "`gone`"]);
}

#[test]
fn attributes_of_other_kinds() {
    let kinds = [
        r#"s: "DT_FLOAT""#,
        "i: 1",
        "list { type: DT_FLOAT }",
        "shape { dim { size: 2 } }",
        r#"placeholder: "T""#,
        "type: 1234",
    ];
    for kind in kinds {
        let attr = format!(r#"attr {{ key: "T" value {{ {kind} }} }}"#);
        check(error_of(&format!(r#"node {{ name: "y" op: "Relu" input: "x" {attr} }}"#), ""), &["`y`", "`T`"]);
        let attr = format!(r#"attr {{ key: "dtype" value {{ {kind} }} }}"#);
        check(error_of(&format!(r#"node {{ name: "y" op: "Placeholder" {attr} }}"#), ""), &["`y`", "`dtype`"]);
    }
    let transposed = r#"attr { key: "transpose_a" value { s: "yes" } }"#;
    let node = format!(r#"node {{ name: "y" op: "MatMul" input: "x" input: "x" {FLOAT} {transposed} }}"#);
    check(error_of(&node, ""), &["`y`", "`transpose_a`"]);
    check(error_of(r#"node { name: "y" op: "Relu" input: "x" }"#, ""), &["`y`", "`T`"]);
    // What the operation does not have is no error: later versions add attributes.
    let strides =
        r#"attr { key: "strides" value { list { i: -1 i: 0 } } } attr { key: "padding" value { s: "SAME" } }"#;
    let node = format!(r#"node {{ name: "y" op: "Conv2D" input: "x" input: "x" {FLOAT} {strides} }}"#);
    check(error_of(&node, ""), &["`y`", "strides"]);
}

#[test]
fn all_unknown_operations_are_in_one_error() {
    let nodes = format!(
        r#"node {{ name: "a" op: "Quux" input: "x" {FLOAT} }} node {{ name: "b" op: "Quux" input: "a" {FLOAT} }}
           node {{ name: "y" op: "Frobnicate" input: "b" {FLOAT} }} node {{ name: "unused" op: "Other" {FLOAT} }}"#
    );
    let error = error_of(&nodes, "");
    check(
        error.clone(),
        &["signature `serving_default`", "`Quux` (2 nodes, the first `a`)", "`Frobnicate` (node `y`)"],
    );
    assert!(!error.contains("Other"), "{error}");
}

#[test]
fn missing_files_of_the_checkpoint() {
    let from = common::golden("mlp");
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("variables")).unwrap();
    for name in ["saved_model.pb", "variables/variables.index"] {
        std::fs::copy(from.join(name), to.path().join(name)).unwrap();
    }
    let error = saved_model::load(to.path(), &["serve"]).unwrap_err().to_string();
    check(error, &["variables/variables.data-00000-of-00001", "no such file"]);
    std::fs::remove_file(to.path().join("variables/variables.index")).unwrap();
    let model = saved_model::load(to.path(), &["serve"]).unwrap();
    let x = Tensor::from_vec(vec![0f32; 8], [1, 8]).unwrap();
    check(model.call("serving_default", &[("dense_input", x)]).unwrap_err().to_string(), &["variable", "checkpoint"]);
}

#[test]
fn constants_that_claim_more_than_there_is() {
    let dtype = r#"attr { key: "dtype" value { type: DT_FLOAT } }"#;
    let claim = |sizes: &str, values: &str| {
        let tensor = format!("dtype: DT_FLOAT tensor_shape {{ {sizes} }} {values}");
        format!(r#"node {{ name: "y" op: "Const" {dtype} attr {{ key: "value" value {{ tensor {{ {tensor} }} }} }} }}"#)
    };
    // One value stands for all, also for more than any memory holds.
    let error = error_of(&claim("dim { size: 4294967296 } dim { size: 4294967296 }", "float_val: 1"), "");
    check(error, &["`y`", "4294967296"]);
    let error = error_of(&claim("dim { size: 536870912 }", r#"tensor_content: "abcd""#), "");
    check(error, &["`y`", "536870912"]);
}

#[test]
fn loops_without_end() {
    let bool_const = r#"name: "t" op: "Const" attr { key: "dtype" value { type: DT_BOOL } }
        attr { key: "value" value { tensor { dtype: DT_BOOL tensor_shape { } bool_val: true } } }"#;
    let cond = format!(
        r#"function {{ signature {{ name: "cond" input_arg {{ name: "a" type: DT_FLOAT }}
           output_arg {{ name: "r" type: DT_BOOL }} }} node_def {{ {bool_const} }} ret {{ key: "r" value: "t:output:0" }} }}"#
    );
    let body = function("body", "", "a");
    let func = |key: &str| format!(r#"attr {{ key: "{key}" value {{ func {{ name: "{key}" }} }} }}"#);
    let node = format!(
        r#"node {{ name: "y" op: "While" input: "x" attr {{ key: "T" value {{ list {{ type: DT_FLOAT }} }} }} {} {} }}"#,
        func("cond"),
        func("body")
    );
    check(error_of(&node, &(cond + &body)), &["run `y`", "rounds of a loop"]);
}

/// The error of opening a copy of a golden model with one file changed.
fn error_with(name: &str, file: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let to = tempfile::tempdir().unwrap();
    let from = common::golden(name);
    for part in ["variables", "assets"] {
        std::fs::create_dir(to.path().join(part)).unwrap();
        for entry in std::fs::read_dir(from.join(part)).into_iter().flatten().flatten() {
            std::fs::copy(entry.path(), to.path().join(part).join(entry.file_name())).unwrap();
        }
    }
    let whole = std::fs::read(from.join("saved_model.pb")).unwrap();
    std::fs::write(to.path().join("saved_model.pb"), whole).unwrap();
    let bytes = change(std::fs::read(to.path().join(file)).unwrap());
    std::fs::write(to.path().join(file), bytes).unwrap();
    saved_model::load(to.path(), &["serve"]).map(|model| model.variables().map(|_| ())).err().unwrap().to_string()
}

#[test]
fn assets_outside_of_the_directory() {
    for name in ["/etc/passwd", "../../secret", "a/../../b", "c:\\x"] {
        let error = error_with("module", "saved_model.pb", |bytes| {
            let mut proto = SavedModelProto::decode(&bytes).unwrap();
            proto.meta_graphs[0].asset_file_def[0].filename = name.into();
            proto.encode()
        });
        check(error, &["read asset", name, "inside of `assets`"]);
    }
    // One that is not there is named.
    let error = error_with("module", "saved_model.pb", |bytes| {
        let mut proto = SavedModelProto::decode(&bytes).unwrap();
        proto.meta_graphs[0].asset_file_def[0].filename = "gone.txt".into();
        proto.encode()
    });
    check(error, &["gone.txt"]);
}

#[test]
fn files_that_are_something_else() {
    check(error_with("mlp", "saved_model.pb", |_| b"\x89HDF\r\n\x1a\n rest of a file".to_vec()), &["saved_model.pb"]);
    check(error_with("mlp", "variables/variables.index", |_| vec![7; 400]), &["variables"]);
    check(error_with("mlp", "saved_model.pb", |bytes| bytes[..bytes.len() / 2].to_vec()), &["saved_model.pb"]);
    // A message that claims two gigabytes.
    check(error_with("mlp", "saved_model.pb", |_| vec![0x12, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2]), &["saved_model.pb"]);
}
