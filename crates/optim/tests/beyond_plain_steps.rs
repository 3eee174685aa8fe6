//! Clipping, weight decay, averages, schedules, rows, float64, loss scale and accumulation, as Keras computed them.

mod common;

use common::{assert_near, config, golden, numbers, values};
use kerox_config_json::Value as Json;
use kerox_optim::{Form, GradientView, Optimizer, Rows, Values, deserialize, schedules};
use kerox_tensor::{Tensor, Variable};
use serde_json::Value;

/// float32 in float32, float64 in float64 (the learning rate is float32 in both).
fn tolerance(dtype: &str) -> f64 {
    if dtype == "float64" { 1e-9 } else { 2e-6 }
}

enum Gradient {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Gradient {
    fn new(value: &Value, dtype: &str, scale: f64) -> Gradient {
        let numbers = numbers(value).0;
        match dtype {
            "float64" => Gradient::F64(numbers.into_iter().map(|g| g * scale).collect()),
            _ => Gradient::F32(numbers.into_iter().map(|g| g as f32 * scale as f32).collect()),
        }
    }

    fn values(&self) -> Values<'_> {
        match self {
            Gradient::F32(v) => Values::F32(v),
            Gradient::F64(v) => Values::F64(v),
        }
    }
}

fn variable(golden: &Value, name: &str, dtype: &str) -> Variable {
    let (numbers, dims) = numbers(&golden["initial"][name]);
    let tensor = match dtype {
        "float64" => Tensor::from_vec(numbers, dims),
        _ => Tensor::from_vec(numbers.into_iter().map(|x| x as f32).collect::<Vec<f32>>(), dims),
    };
    Variable::new(name, tensor.unwrap(), true)
}

fn step(optimizer: &dyn Optimizer, variables: &[Variable], golden: &Value, case: &Value, at: usize) {
    let dtype = case["dtype"].as_str().unwrap();
    let scale = case["scales"].get(at).map_or(1.0, |s| numbers(s).0[0]);
    if case["sparse"] == true {
        let rows: Vec<i64> = numbers(&golden["rows"][at]).0.iter().map(|&r| r as i64).collect();
        let gradient = Gradient::new(&golden["row_gradients"][at], dtype, scale);
        let view = GradientView::Sparse { rows: Rows::I64(&rows), values: gradient.values() };
        optimizer.apply_slices(&variables[..1], &[view]).unwrap();
        return;
    }
    let gradients: Vec<Gradient> =
        variables.iter().map(|v| Gradient::new(&golden["gradients"][at][v.name()], dtype, scale)).collect();
    let views: Vec<GradientView<'_>> = gradients.iter().map(|g| GradientView::Dense(g.values())).collect();
    optimizer.apply_slices(variables, &views).unwrap();
}

fn check(file: &str, form: Form, at_least: usize) {
    let golden = golden(file);
    let cases = golden["cases"].as_object().unwrap();
    assert!(cases.len() >= at_least, "{} cases in {file}", cases.len());
    let mut failures = Vec::new();
    for (name, case) in cases {
        let run = std::panic::catch_unwind(|| run(&golden, name, case, form));
        if let Err(panic) = run {
            failures.push(panic.downcast_ref::<String>().cloned().unwrap_or_else(|| name.clone()));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn run(golden: &Value, name: &str, case: &Value, form: Form) {
    let serialized: Json = case["serialized"].to_string().parse().unwrap();
    let optimizer = deserialize(&serialized, None).unwrap_or_else(|error| panic!("{name}: {error}"));
    let expected_form = if case["legacy"] == true { Form::Legacy } else { form };
    assert_eq!(optimizer.form(), expected_form, "{name}: form found from the config");
    let exclude: Vec<&str> = case["exclude"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    optimizer.exclude_from_weight_decay(&[], &exclude).unwrap();
    let dtype = case["dtype"].as_str().unwrap();
    let variables = [variable(golden, "kernel", dtype), variable(golden, "bias", dtype)];
    for (at, expected) in case["steps"].as_array().unwrap().iter().enumerate() {
        step(&*optimizer, &variables, golden, case, at);
        for variable in &variables {
            let what = format!("{name} step {at} {}", variable.name());
            assert_near(&values(variable), &numbers(&expected[variable.name()]).0, tolerance(dtype), &what);
        }
        if let Some(scale) = expected.get("scale") {
            assert_eq!(optimizer.loss_scale(), scale.as_f64().unwrap(), "{name} step {at}: loss scale");
        }
    }
    if case["finalized"].is_object() {
        optimizer.finalize_variable_values(&variables);
        for variable in &variables {
            let what = format!("{name} finalized {}", variable.name());
            assert_near(&values(variable), &numbers(&case["finalized"][variable.name()]).0, tolerance(dtype), &what);
        }
    }
    let state = optimizer.variables();
    let expected = case["variables"].as_array().unwrap();
    let names: Vec<&str> = state.iter().map(Variable::name).collect();
    assert_eq!(state.len(), expected.len(), "{name}: {names:?}");
    for (found, expected) in state.iter().zip(expected) {
        let expected_name = expected["name"].as_str().unwrap().trim_end_matches(":0");
        if expected_form != Form::Keras3 {
            assert_eq!(found.name(), expected_name, "{name}");
        }
        let what = format!("{name} {expected_name}");
        assert_near(&values(found), &numbers(&expected["value"]).0, tolerance(dtype), &what);
    }
}

#[test]
fn keras_2_15() {
    check("extra_keras215.json", Form::Keras2, 90);
}

#[test]
fn keras_3() {
    check("extra_keras3.json", Form::Keras3, 48);
}

#[test]
fn schedules_give_keras_rates() {
    for (file, form) in [("extra_keras215.json", Form::Keras2), ("extra_keras3.json", Form::Keras3)] {
        let golden = golden(file);
        for (name, case) in golden["schedules"].as_object().unwrap() {
            let class = case["serialized"]["class_name"].as_str().unwrap();
            let given = config(&case["serialized"]["config"]);
            let schedule = schedules::from_config(class, &given).unwrap();
            assert_eq!(schedule.config(form).to_string(), given.to_string(), "{name}");
            for (step, rate) in case["steps"].as_array().unwrap().iter().zip(case["rates"].as_array().unwrap()) {
                let found = schedule.learning_rate(step.as_i64().unwrap());
                let what = format!("{file} {name} at {step}");
                assert_near(&[found], &[rate.as_f64().unwrap()], 2e-7, &what);
            }
        }
    }
}

/// Momentum halves with each step: from 1e-36 it would take the forms next to zero, with which processors compute slowly,
/// after seven steps. TensorFlow's kernels take those for zero.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn state_that_vanishes_becomes_zero() {
    let optimizer = kerox_optim::IntoOptimizer::into_optimizer(kerox_optim::SGD::new(1.0).momentum(0.5)).unwrap();
    let w = Variable::new("w", Tensor::from_vec(vec![0f32], [1]).unwrap(), true);
    let step = |g: f32| {
        optimizer.apply_slices(std::slice::from_ref(&w), &[GradientView::Dense(Values::F32(&[g]))]).unwrap();
    };
    step(1e-36);
    (0..10).for_each(|_| step(0.0));
    let momenta: Vec<f32> = optimizer
        .variables()
        .iter()
        .filter(|v| v.name().contains("m/"))
        .map(|v| v.value().as_slice::<f32>().unwrap()[0])
        .collect();
    assert_eq!(momenta, [0.0]);
}
