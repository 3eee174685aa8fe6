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
