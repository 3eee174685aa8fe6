//! Models of operations against Keras: outputs and gradients of `golden/operations/*.json`.

mod common;

use std::fs;

use kerox_config_json::{Config, Value as Json};
use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan, Value, gradients};
use kerox_layers::models::model_from_json;
use kerox_layers::op_lambda::OpLambda;
use kerox_layers::{Arg, Args, Call, Input, KerasTensor, LayerRef};
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

/// Mean and deviation of all elements.
fn moments(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    (mean, (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

fn check_drawn(case: &Json, x: &Tensor) -> AnyResult<Option<String>> {
    let traced = trace(case.get("model").and_then(Json::as_str).expect("model"), x)?;
    let found = run(&traced, x, &traced.outputs)?.swap_remove(0);
    let shape: Vec<i64> = list(case.get("shape").expect("shape")).iter().filter_map(Json::as_i64).collect();
    let is_shape = found.shape().iter().map(|&n| n as i64).eq(shape.iter().copied());
    if !is_shape || case.get("dtype").and_then(Json::as_str) != Some(found.dtype().name()) {
        return Ok(Some(format!(
            "expected {} {shape:?}, found {} {}",
            case.get("dtype").expect("dtype"),
            found.dtype(),
            found.shape()
        )));
    }
    let numbers = floats(&found.cast(DType::F64)?);
    let number = |key: &str| case.get(key).and_then(Json::as_f64).expect("number");
    let ((mean, deviation), expected) = (moments(&numbers), (number("mean"), number("deviation")));
    let is_close = (mean - expected.0).abs() < 0.04 && (deviation / expected.1 - 1.0).abs() < 0.04;
    Ok((!is_close).then(|| format!("expected {expected:?}, found {:?}", (mean, deviation))))
}

#[test]
fn random_numbers_are_distributed_as_in_tensorflow() {
    let path = format!("{}/../../golden/operations/drawn.json", env!("CARGO_MANIFEST_DIR"));
    let golden = Json::parse(&fs::read_to_string(path).unwrap()).unwrap();
    let rows = golden.get("rows").and_then(Json::as_i64).unwrap() as usize;
    let x = Tensor::zeros(DType::F32, [rows, 4, 3]).unwrap();
    let problems = list(golden.get("cases").unwrap()).iter().filter_map(|case| {
        let problem = check_drawn(case, &x).unwrap_or_else(|error| Some(error.to_string()));
        problem.map(|problem| format!("{}: {problem}", case.get("name").unwrap()))
    });
    let problems: Vec<String> = problems.collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_seed_repeats_what_is_drawn_and_no_seed_does_not() {
    let draw = |seed: Option<i64>| -> AnyResult<Vec<f64>> {
        let mut g = Graph::new();
        let shape = Args {
            args: vec![Arg::List(vec![Arg::Const(Json::from(50)), Arg::Const(Json::from(2))])],
            kwargs: Vec::new(),
        };
        let args = seed.map_or(shape.clone(), |seed| shape.clone().with("seed", Arg::Const(Json::from(seed))));
        let layer = LayerRef::from(OpLambda::new("random.normal")?);
        let outputs = Call::new(&mut g, false).apply(&layer, &args)?;
        let mut executor = Executor::new(Plan::compile(&g, &[], &[], &outputs, &[])?);
        executor.run(&[])?;
        let mut all = floats(&executor.output(0).tensor()?);
        // The second call goes on.
        executor.run(&[])?;
        all.extend(floats(&executor.output(0).tensor()?));
        Ok(all)
    };
    let (a, b) = (draw(Some(3)).unwrap(), draw(Some(3)).unwrap());
    assert_eq!(a, b);
    assert_ne!(a[..100], a[100..]);
    assert_ne!(draw(None).unwrap(), draw(None).unwrap());
    assert_ne!(draw(Some(4)).unwrap(), a);
}

#[test]
fn arguments_of_random_functions_that_do_not_fit_are_refused() {
    let x = || Args::one(Input([4, 3]));
    let constant = |text: &str| Arg::Const(Json::parse(text).unwrap());
    let refused = |function: &str, args: Args<KerasTensor>| {
        let error = OpLambda::apply(function, args).unwrap_err();
        std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ")
    };
    let error = refused("nn.dropout", x().with("rate", constant("1.5")));
    assert!(error.contains("`rate` in [0, 1)"), "{error}");
    let error = refused("random.categorical", x().with("num_samples", constant("2")));
    assert!(error.contains("rows of classes"), "{error}");
    let error = refused(
        "nn.experimental.stateless_dropout",
        x().with("rate", constant("0.5")).with("seed", constant("[1, 2, 3]")),
    );
    assert!(error.contains("(2,)"), "{error}");
    let whole =
        x().with("seed", constant("[1, 2]")).with("rate", constant("0.5")).with("rng_alg", constant("\"threefry\""));
    let error = refused("nn.experimental.stateless_dropout", whole);
    assert!(error.contains("philox"), "{error}");
}
