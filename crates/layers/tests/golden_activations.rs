//! Every activation against real Keras: values and gradients of `golden/activations/*.json`.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{AnyResult, GRADIENTS, OUTPUTS, compare, floats, list, number, tensor};
use kerox_config_json::Value as Json;
use kerox_graph::{Dims, Executor, Graph, Plan, Value, gradients};
use kerox_layers::activations::{NAMES, by_name, functions as f};
use kerox_layers::{Call, Result};

/// The activation of a case: by its name, or the function that takes its arguments.
fn apply(cx: &mut Call<'_>, x: Value, name: &str, arguments: &Json) -> Result<Value> {
    let given = |key: &str| arguments.get(key).map(number);
    let or = |key: &str, default: f64| given(key).unwrap_or(default);
    let axis = or("axis", -1.0) as i64;
    Ok(match name {
        _ if arguments.as_map().is_none_or(|map| map.is_empty()) => {
            let activation = by_name(name).unwrap_or_else(|| panic!("no activation `{name}`"));
            activation(cx, x)?
        }
        "celu" => f::celu(cx.g, x, or("alpha", 1.0))?,
        "elu" => f::elu(cx.g, x, or("alpha", 1.0))?,
        "gelu" => cx.g.gelu(x, arguments.get("approximate") == Some(&Json::Bool(true)))?,
        "glu" => f::glu(cx.g, x, axis)?,
        "hard_shrink" => f::hard_shrink(cx.g, x, or("threshold", 0.5))?,
        "leaky_relu" => cx.g.leaky_relu(x, or("negative_slope", 0.2))?,
        "log_softmax" => cx.g.log_softmax(x, axis)?,
        "relu" => f::relu(cx.g, x, or("alpha", 0.0), given("max_value"), or("threshold", 0.0))?,
        "soft_shrink" => f::soft_shrink(cx.g, x, or("threshold", 0.5))?,
        "softmax" => f::softmax(cx, x, axis)?,
        "sparsemax" => f::sparsemax(cx.g, x, axis)?,
        "squareplus" => f::squareplus(cx.g, x, or("b", 4.0))?,
        "threshold" => f::threshold(cx.g, x, or("threshold", 0.0), or("default_value", 0.0))?,
        other => panic!("`{other}` with {arguments}"),
    })
}

fn check(name: &str, case: &Json, problems: &mut Vec<String>) -> AnyResult<()> {
    let input = tensor(case.get("x").expect("x"))?;
    let mut g = Graph::new();
    let x = g.placeholder("x", input.dtype(), Dims::from(input.shape()))?;
    let y = apply(&mut Call::new(&mut g, false), x, name, case.get("arguments").expect("arguments"))?;
    let seed = g.constant(tensor(case.get("cotangent").expect("cotangent"))?)?;
    let dx = gradients(&mut g, &[y], Some(&[seed]), &[x])?.swap_remove(0);
    let dx = dx.map_or_else(|| g.zeros_like(x), Ok)?;
    let mut executor = Executor::new(Plan::compile(&g, &[x], &[input.shape().clone()], &[y, dx], &[])?);
    executor.run(&[&input])?;
    problems.extend(compare("value", &executor.output(0).tensor()?, case.get("y").expect("y"), OUTPUTS)?);
    let gradient = case.get("gradient").filter(|gradient| !gradient.is_null());
    if let Some(gradient) = gradient {
        problems.extend(compare("gradient", &executor.output(1).tensor()?, gradient, GRADIENTS)?);
    }
    // What is recorded was computed from something.
    assert!(!floats(&input).is_empty());
    Ok(())
}

#[test]
fn activations_are_those_of_keras() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/activations");
    let (mut failures, mut recorded) = (Vec::new(), BTreeSet::new());
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let golden = Json::parse(&text).unwrap();
        let name = golden.get("class_name").and_then(Json::as_str).unwrap();
        recorded.insert(name.to_string());
        for case in list(golden.get("cases").unwrap()) {
            let mut problems = Vec::new();
            if let Err(error) = check(name, case, &mut problems) {
                problems.push(error.to_string());
            }
            let label = case.get("name").and_then(Json::as_str).unwrap_or_default();
            failures.extend(problems.into_iter().map(|problem| format!("{name}/{label}: {problem}")));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    // Other names of those recorded.
    let others = ["softmax_v2", kerox_config_json::dialect::KERAS3_HARD_SIGMOID];
    let missing: Vec<_> = NAMES.iter().filter(|name| !recorded.contains(**name) && !others.contains(name)).collect();
    assert!(missing.is_empty(), "activations without a golden case: {missing:?}");
}
