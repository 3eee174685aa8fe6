//! What weights begin with, cost and are held to, against real Keras: `golden/{initializers,regularizers,constraints}`.

mod common;

use std::path::Path;

use common::{AnyResult, GRADIENTS, OUTPUTS, compare, floats, list, number, tensor};
use kerox_config_json::{Node, Value as Json};
use kerox_graph::{Dims, Executor, Graph, Plan, gradients};
use kerox_layers::constraints::Constraint;
use kerox_layers::initializers::{Initializer, fans};
use kerox_layers::regularizers::Regularizer;
use kerox_tensor::{DType, Shape};

/// Runs every case of a file; fails with all that differs.
fn for_each_case(file: &str, check: impl Fn(&Json, &mut Vec<String>) -> AnyResult<()>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden").join(file);
    let golden = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut failures = Vec::new();
    for case in list(golden.get("cases").unwrap()) {
        let mut problems = Vec::new();
        if let Err(error) = check(case, &mut problems) {
            problems.push(error.to_string());
        }
        let name = case.get("name").and_then(Json::as_str).unwrap_or_default();
        failures.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(failures.is_empty(), "{file}: {} failures:\n{}", failures.len(), failures.join("\n"));
}

fn shape(case: &Json) -> Shape {
    list(case.get("shape").expect("shape")).iter().map(|d| number(d) as usize).collect()
}

fn initializer(case: &Json, problems: &mut Vec<String>) -> AnyResult<()> {
    let shape = shape(case);
    if case.get("kind").and_then(Json::as_str) == Some("fans") {
        let expected = ["fan_in", "fan_out"].map(|key| number(case.get(key).expect("fans")) as usize);
        let found = fans(&shape);
        if [found.0, found.1] != expected {
            problems.push(format!("fans: expected {expected:?}, found {found:?}"));
        }
        return Ok(());
    }
    let serialized = case.get("serialized").expect("serialized");
    let initializer = Initializer::from_json(&Node::root(serialized))?;
    // Keras 2 has no name for the class that wraps its own objects; the configuration is what is compared.
    let (found, expected) = (initializer.to_json()?, serialized.get("config").cloned().unwrap_or_default());
    if found.get("config") != Some(&expected) {
        problems.push(format!("config: expected {expected}, found {found}"));
    }
    match case.get("kind").and_then(Json::as_str) {
        Some("exact") => {
            let found = initializer.sample(&shape, DType::F32)?;
            problems.extend(compare("value", &found, case.get("value").expect("value"), OUTPUTS)?);
        }
        Some("statistics") => {
            let of = |key: &str| number(case.get(key).expect("statistics"));
            let mut all = Vec::new();
            while all.len() < of("samples") as usize {
                all.extend(floats(&initializer.sample(&shape, DType::F32)?));
            }
            let n = all.len() as f64;
            let mean = all.iter().sum::<f64>() / n;
            let std = (all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
            // Two samples of n values: their means differ by less than seven times sqrt(2 / n) deviations.
            let near = 7.0 * (2.0 / n).sqrt() * of("std");
            let (least, most) = all.iter().fold((f64::MAX, f64::MIN), |(l, m), &x| (l.min(x), m.max(x)));
            let bound = 0.15 * (of("max") - of("min"));
            if (mean - of("mean")).abs() > near || (std - of("std")).abs() > near {
                problems.push(format!(
                    "expected mean {} and deviation {}, found {mean} and {std}",
                    of("mean"),
                    of("std")
                ));
            }
            if (least - of("min")).abs() > bound || (most - of("max")).abs() > bound {
                problems.push(format!("expected {} to {}, found {least} to {most}", of("min"), of("max")));
            }
        }
        Some("orthogonal") => {
            let values = floats(&initializer.sample(&shape, DType::F32)?);
            let columns = shape.last().copied().unwrap_or(1);
            let rows = values.len() / columns;
            let (n, inner) =
                if case.get("axis").and_then(Json::as_str) == Some("rows") { (rows, columns) } else { (columns, rows) };
            let at = |i: usize, k: usize| if n == rows { values[i * columns + k] } else { values[k * columns + i] };
            let expected = floats(&tensor(case.get("gram").expect("gram"))?);
            for (i, expected) in expected.iter().enumerate() {
                let found: f64 = (0..inner).map(|k| at(i / n, k) * at(i % n, k)).sum();
                if (found - expected).abs() > OUTPUTS * 3.0 {
                    problems.push(format!(
                        "products of vectors {} and {}: expected {expected}, found {found}",
                        i / n,
                        i % n
                    ));
                }
            }
        }
        other => panic!("cases of kind {other:?}"),
    }
    Ok(())
}

#[test]
fn initializers_are_those_of_keras() {
    for_each_case("initializers/initializers.json", initializer);
    for_each_case("initializers/keras3_initializers.json", initializer);
}

#[test]
fn regularizers_are_those_of_keras() {
    for_each_case("regularizers/regularizers.json", |case, problems| {
        let regularizer = Regularizer::from_json(&Node::root(case.get("serialized").expect("serialized")))?;
        let weight = tensor(case.get("x").expect("x"))?;
        let mut g = Graph::new();
        let x = g.placeholder("x", weight.dtype(), Dims::from(weight.shape()))?;
        let penalty = regularizer.penalty(&mut g, x)?;
        let dx = gradients(&mut g, &[penalty], None, &[x])?.swap_remove(0);
        let dx = dx.map_or_else(|| g.zeros_like(x), Ok)?;
        let mut executor = Executor::new(Plan::compile(&g, &[x], &[weight.shape().clone()], &[penalty, dx], &[])?);
        executor.run(&[&weight])?;
        problems.extend(compare(
            "penalty",
            &executor.output(0).tensor()?,
            case.get("penalty").expect("penalty"),
            OUTPUTS,
        )?);
        if let Some(gradient) = case.get("gradient").filter(|gradient| !gradient.is_null()) {
            problems.extend(compare("gradient", &executor.output(1).tensor()?, gradient, GRADIENTS)?);
        }
        Ok(())
    });
}

#[test]
fn constraints_are_those_of_keras() {
    for_each_case("constraints/constraints.json", |case, problems| {
        let constraint = Constraint::from_json(&Node::root(case.get("serialized").expect("serialized")))?;
        let mut weight = tensor(case.get("x").expect("x"))?;
        constraint.0.apply(&mut weight)?;
        problems.extend(compare("value", &weight, case.get("y").expect("y"), OUTPUTS)?);
        Ok(())
    });
}
