//! Models of operations against Keras: outputs and gradients of `golden/operations/*.json`.

mod common;

use std::fs;

use kerox_config_json::{Config, Value as Json};
use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan, Value, gradients};
use kerox_layers::models::model_from_json;
use kerox_layers::{Arg, Args, Call};
use kerox_tensor::{DType, Shape, Tensor};

use common::{AnyResult, GRADIENTS, OUTPUTS as CLOSE, compare, floats, list, tensor};

/// Models whose gradients differ from TensorFlow's, and why.
const APART: &[(&str, &str)] = &[
    ("sinc", "NaN at 0, as Keras divides 0 by 0 there before it chooses"),
    ("crop_and_resize", "there is no gradient of boxes that are cut out"),
];

/// What differs between an output, its type with it, and what Keras gave.
fn differs(what: &str, found: &Tensor, expected: &Json, close: f64) -> AnyResult<Option<String>> {
    let dtype = expected.get("dtype").and_then(Json::as_str).expect("dtype");
    if found.dtype().name() != dtype {
        return Ok(Some(format!("{what}: expected {dtype}, found {}", found.dtype())));
    }
    let part = |key: &str| expected.get(key).cloned().expect("array");
    let numbers = Config::new().with("dtype", "float64").with("shape", part("shape")).with("data", part("data"));
    compare(what, &found.cast(DType::F64)?, &numbers.into(), close)
}

struct Traced {
    g: Graph,
    x: Value,
    outputs: Vec<Value>,
}

fn trace(model: &str, x: &Tensor) -> AnyResult<Traced> {
    let layer = model_from_json(model)?;
    let mut g = Graph::new();
    let dims: Dims = x.shape().iter().enumerate().map(|(axis, &n)| (axis > 0).then_some(n)).collect();
    let input = g.placeholder("x", x.dtype(), dims)?;
    let outputs = Call::new(&mut g, false).apply(&layer, &Args::one(input))?;
    Ok(Traced { g, x: input, outputs })
}

fn run(traced: &Traced, x: &Tensor, fetches: &[Value]) -> AnyResult<Vec<Tensor>> {
    let shapes: Vec<Shape> = vec![x.shape().clone()];
    let Ok(plan) = Plan::compile(&traced.g, &[traced.x], &shapes, fetches, &[]) else {
        // Shapes that depend on elements.
        let interpreter = Interpreter::new(&traced.g, &[traced.x], fetches, &[]);
        let results = interpreter.run(vec![x.clone().into()])?;
        return results.into_iter().map(|result| Ok(result.into_tensor()?)).collect();
    };
    let mut executor = Executor::new(plan);
    executor.run(&[x])?;
    (0..fetches.len()).map(|at| Ok(executor.output(at).tensor()?)).collect()
}

/// The factors of a sum in which neighbouring elements count differently.
fn factors(like: &Tensor) -> AnyResult<Tensor> {
    let factors: Vec<f64> = (0..like.shape().elements()).map(|at| (at * 5 % 7 + 1) as f64 / 4.0).collect();
    Ok(Tensor::from_vec(factors, like.shape().clone())?.cast(like.dtype())?)
}

fn check(case: &Json, x: &Tensor, problems: &mut Vec<String>) -> AnyResult<()> {
    let mut traced = trace(case.get("model").and_then(Json::as_str).expect("model"), x)?;
    let outputs = traced.outputs.clone();
    let found = run(&traced, x, &outputs)?;
    let expected = list(case.get("outputs").expect("outputs"));
    if found.len() != expected.len() {
        problems.push(format!("{} outputs instead of {}", found.len(), expected.len()));
    }
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        problems.extend(differs(&format!("output {at}"), found, expected, CLOSE)?);
    }
    let gradient = case.get("gradient").filter(|gradient| !gradient.is_null());
    let Some(gradient) = gradient else { return Ok(()) };
    let (mut ys, mut seeds) = (Vec::new(), Vec::new());
    for (&y, found) in outputs.iter().zip(&found) {
        if traced.g.dtype(y).is_float() {
            ys.push(y);
            seeds.push(traced.g.constant(factors(found)?)?);
        }
    }
    let made = gradients(&mut traced.g, &ys, Some(&seeds), &[traced.x])?;
    let shape: Vec<Json> = x.shape().iter().map(|&n| Json::from(n as i64)).collect();
    let array = Config::new().with("dtype", "float32").with("shape", Json::List(shape));
    let expected: Json = array.with("data", gradient.clone()).into();
    match made[0] {
        Some(made) => problems.extend(compare("gradient", &run(&traced, x, &[made])?[0], &expected, GRADIENTS)?),
        None if floats(&tensor(&expected)?).iter().any(|&number| number != 0.0) => problems.push("no gradient".into()),
        None => {}
    }
    Ok(())
}

/// Operations and types that differ, and why.
const TYPES_APART: &[(&str, &str)] = &[];

fn check_types(values: &Tensor, case: &Json, wrong: &mut Vec<(String, String)>) -> AnyResult<()> {
    let words = |key: &str| list(case.get(key).expect("list")).iter().filter_map(Json::as_str).collect::<Vec<_>>();
    let (types, names) = (words("types"), words("names"));
    let layer = model_from_json(case.get("model").and_then(Json::as_str).expect("model"))?;
    let mut g = Graph::new();
    let (mut inputs, mut tensors) = (Vec::new(), Vec::new());
    for name in &types {
        let tensor = values.cast(DType::from_name(name).expect("type"))?;
        inputs.push(g.placeholder("x", tensor.dtype(), Dims::from([None, Some(3)]))?);
        tensors.push(tensor);
    }
    let first = match inputs[..] {
        [one] => Arg::Tensor(one),
        _ => Arg::List(inputs.iter().map(|&input| Arg::Tensor(input)).collect()),
    };
    let outputs = Call::new(&mut g, false).apply(&layer, &Args { args: vec![first], kwargs: Vec::new() })?;
    let shapes: Vec<Shape> = tensors.iter().map(|tensor| tensor.shape().clone()).collect();
    let expected = list(case.get("outputs").expect("outputs"));
    assert_eq!((outputs.len(), names.len()), (expected.len(), expected.len()));
    for ((&output, expected), name) in outputs.iter().zip(expected).zip(names) {
        let run = || -> AnyResult<Option<String>> {
            let mut executor = Executor::new(Plan::compile(&g, &inputs, &shapes, &[output], &[])?);
            executor.run(&tensors.iter().collect::<Vec<_>>())?;
            let found = executor.output(0).tensor()?;
            // The last bits of what has few of them.
            let close = match found.dtype() {
                DType::F16 => 2e-3,
                DType::BF16 => 1.6e-2,
                _ => CLOSE,
            };
            differs("output", &found, expected, close)
        };
        let problem = run().unwrap_or_else(|error| Some(error.to_string()));
        wrong.extend(problem.map(|problem| (format!("{name} {}", types.join(" ")), problem)));
    }
    Ok(())
}

#[test]
fn operations_of_every_type_are_keras_s() {
    let path = format!("{}/../../golden/operations/dtypes.json", env!("CARGO_MANIFEST_DIR"));
    let golden = Json::parse(&fs::read_to_string(path).unwrap()).unwrap();
    let rows = list(golden.get("values").unwrap()).iter().flat_map(list);
    let numbers: Vec<f64> = rows.map(|number| number.as_f64().unwrap()).collect();
    let values = Tensor::from_vec(numbers, [2, 3]).unwrap();
    let mut wrong = Vec::new();
    for case in list(golden.get("cases").unwrap()) {
        if let Err(error) = check_types(&values, case, &mut wrong) {
            wrong.push((case.get("types").unwrap().to_string(), error.to_string()));
        }
    }
    let (known, wrong): (Vec<_>, Vec<_>) =
        wrong.into_iter().partition(|(name, _)| TYPES_APART.iter().any(|(known, _)| known == name));
    let wrong: Vec<String> = wrong.into_iter().map(|(name, problem)| format!("{name}: {problem}")).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(known.len(), TYPES_APART.len());
}

#[test]
fn operations_and_their_gradients_are_keras_s() {
    let mut wrong = Vec::new();
    let (mut count, mut apart) = (0, Vec::new());
    for file in ["operations.json", "keras2.json"] {
        let path = format!("{}/../../golden/operations/{file}", env!("CARGO_MANIFEST_DIR"));
        let golden = Json::parse(&fs::read_to_string(path).unwrap()).unwrap();
        let x = tensor(golden.get("x").unwrap()).unwrap();
        for case in list(golden.get("cases").unwrap()) {
            let name = case.get("name").and_then(Json::as_str).unwrap();
            let mut problems = Vec::new();
            if let Err(error) = check(case, &x, &mut problems) {
                problems.push(error.to_string());
            }
            count += usize::from(case.get("gradient").is_some_and(|gradient| !gradient.is_null()));
            match APART.iter().find(|(known, _)| *known == name) {
                Some((known, _)) if !problems.is_empty() => apart.push(*known),
                _ => wrong.extend(problems.into_iter().map(|problem| format!("{file} {name}: {problem}"))),
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "{count} gradients");
    assert_eq!(apart, APART.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}
