//! Operations by name against what TensorFlow gives for them: `golden/raw_ops/raw_ops.json`.

use kerox_graph::{Attr, Attrs, Dims, Error, Executor, Graph, Interpreter, Plan, Value, gradients, ops};
use kerox_tensor::{DType, Shape, Tensor};
use serde_json::Value as Json;

/// Relative to 1 and the size of a number.
const CLOSE: f64 = 1e-5;
const CLOSE_GRADIENTS: f64 = 1e-4;

/// Operations whose gradients TensorFlow has and kerox has not, and why.
const NO_GRADIENT: &[(&str, &str)] = &[
    ("CropAndResize", "no layer is made of it"),
    ("SparseSlice", "no layer is made of it"),
    ("SparseConcat", "no layer is made of it"),
    ("SparseReduceSum", "no layer is made of it"),
];

fn number(json: &Json) -> f64 {
    match json {
        Json::String(text) if text == "inf" => f64::INFINITY,
        Json::String(text) if text == "-inf" => f64::NEG_INFINITY,
        Json::String(_) => f64::NAN,
        Json::Bool(yes) => f64::from(u8::from(*yes)),
        number => number.as_f64().expect("number"),
    }
}

fn tensor(json: &Json) -> Tensor {
    let shape: Shape =
        json["shape"].as_array().expect("shape").iter().map(|n| n.as_u64().expect("length") as usize).collect();
    let data = json["data"].as_array().expect("data");
    let dtype = DType::from_name(json["dtype"].as_str().expect("dtype")).expect("dtype");
    match dtype {
        DType::String => {
            let strings: Vec<Vec<u8>> = data.iter().map(|s| s.as_str().expect("string").as_bytes().to_vec()).collect();
            Tensor::from_vec(strings, shape).expect("strings")
        }
        DType::I64 => Tensor::from_vec(data.iter().map(|n| n.as_i64().expect("integer")).collect::<Vec<i64>>(), shape)
            .expect("integers"),
        DType::Complex64 => {
            let numbers: Vec<f32> = data.iter().map(|n| number(n) as f32).collect();
            let pairs: Vec<[f32; 2]> = numbers.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
            Tensor::from_vec(pairs, shape).expect("pairs")
        }
        dtype => {
            let numbers: Vec<f64> = data.iter().map(number).collect();
            Tensor::from_vec(numbers, shape).expect("numbers").cast(dtype).expect("cast")
        }
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype() {
        DType::Complex64 => tensor.as_slice::<[f32; 2]>().unwrap().iter().flatten().map(|&x| f64::from(x)).collect(),
        _ => tensor.cast(DType::F64).unwrap().as_slice::<f64>().unwrap().to_vec(),
    }
}

/// What differs between two tensors.
fn difference(what: &str, found: &Tensor, expected: &Tensor, close: f64) -> Option<String> {
    if (found.dtype(), found.shape()) != (expected.dtype(), expected.shape()) {
        let [found, expected] = [found, expected].map(|tensor| format!("{} {}", tensor.dtype(), tensor.shape()));
        return Some(format!("{what}: expected {expected}, found {found}"));
    }
    if expected.dtype() == DType::String {
        return (found != expected).then(|| format!("{what}: expected {expected:?}, found {found:?}"));
    }
    let (found, expected) = (numbers(found), numbers(expected));
    let scale = expected.iter().copied().filter(|x| x.is_finite()).fold(1.0, |most: f64, x| most.max(x.abs()));
    let differs = |(a, b): (&f64, &f64)| !(a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= close * scale);
    let at = found.iter().zip(&expected).position(differs)?;
    Some(format!("{what}: expected {} at {at}, found {}", expected[at], found[at]))
}

fn attribute(json: &Json) -> Attr {
    match json {
        Json::Bool(value) => Attr::Bool(*value),
        Json::String(text) => Attr::String(text.clone().into_bytes()),
        Json::Number(value) if value.is_i64() => Attr::Int(value.as_i64().expect("integer")),
        Json::Number(value) => Attr::Float(value.as_f64().expect("float") as f32),
        Json::Array(items) => Attr::List(items.iter().map(attribute).collect()),
        other => Attr::Type(DType::from_name(other["type"].as_str().expect("type")).expect("type")),
    }
}

/// As a plan where shapes are known, and interpreted.
fn run(g: &Graph, feeds: &[Value], tensors: &[Tensor], fetches: &[Value]) -> kerox_graph::Result<Vec<Tensor>> {
    let shapes: Vec<Shape> = tensors.iter().map(|tensor| tensor.shape().clone()).collect();
    let given = tensors.iter().map(|tensor| tensor.clone().into()).collect();
    let interpreted = Interpreter::new(g, feeds, fetches, &[]).run(given)?;
    let interpreted: Vec<Tensor> = interpreted.into_iter().map(|v| v.into_tensor().unwrap()).collect();
    let plan = match Plan::compile(g, feeds, &shapes, fetches, &[]) {
        Err(Error::UnknownShape { .. }) => return Ok(interpreted),
        plan => plan?,
    };
    let mut executor = Executor::new(plan);
    executor.run(&tensors.iter().collect::<Vec<_>>())?;
    let planned: Vec<Tensor> = (0..fetches.len()).map(|at| executor.output(at).tensor().unwrap()).collect();
    let differs = planned.iter().zip(&interpreted).find_map(|(a, b)| difference("a plan", a, b, CLOSE));
    assert_eq!(differs, None);
    Ok(planned)
}

/// The factors of the sum whose gradients are recorded; of complex numbers for both parts.
fn factors(like: &Tensor) -> Tensor {
    let factors: Vec<f32> = (0..like.len()).map(|at| (at * 5 % 7 + 1) as f32 / 4.0).collect();
    if like.dtype() == DType::Complex64 {
        return Tensor::from_vec(factors.iter().map(|&x| [x, x]).collect::<Vec<_>>(), like.shape().clone()).unwrap();
    }
    Tensor::from_vec(factors, like.shape().clone()).unwrap().cast(like.dtype()).unwrap()
}

fn check(case: &Json, problems: &mut Vec<String>) -> kerox_graph::Result<()> {
    let op = case["op"].as_str().expect("op");
    let given = case["attrs"].as_object().expect("attrs");
    let mut attrs = given.iter().fold(Attrs::new(op, ""), |attrs, (name, json)| attrs.with(name, attribute(json)));
    let tensors: Vec<Tensor> = case["inputs"].as_array().expect("inputs").iter().map(tensor).collect();
    if !attrs.has("T") {
        attrs = attrs.with("T", Attr::Type(tensors[0].dtype()));
    }
    let op = ops::build(op, &attrs)?;
    let mut g = Graph::new();
    let mut feeds = Vec::new();
    let mut inputs = Vec::new();
    let mut fed = Vec::new();
    for tensor in &tensors {
        // Floating-point numbers come from outside, of unknown batch; what says shapes is known.
        if tensor.dtype().is_float() || tensor.dtype() == DType::Complex64 {
            let dims: Dims = tensor.shape().iter().enumerate().map(|(at, &n)| (at > 0).then_some(n)).collect();
            let input = g.placeholder("x", tensor.dtype(), dims)?;
            feeds.push(input);
            fed.push(tensor.clone());
            inputs.push(input);
        } else {
            inputs.push(g.constant(tensor.clone())?);
        }
    }
    let node = g.add_node("op", op, &inputs)?;
    let outputs = g.values(node);
    let found = run(&g, &feeds, &fed, &outputs)?;
    let expected: Vec<Tensor> = case["outputs"].as_array().expect("outputs").iter().map(tensor).collect();
    if found.len() != expected.len() {
        problems.push(format!("{} outputs instead of {}", found.len(), expected.len()));
    }
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        problems.extend(difference(&format!("output {at}"), found, expected, CLOSE));
    }
    let Some(recorded) = case["gradients"].as_array() else { return Ok(()) };
    if recorded.iter().all(Json::is_null) {
        return Ok(());
    }
    let is_number = |dtype: DType| dtype.is_float() || dtype == DType::Complex64;
    let ys: Vec<(Value, &Tensor)> =
        outputs.iter().copied().zip(&found).filter(|(y, _)| is_number(g.dtype(*y))).collect();
    let mut seeds = Vec::new();
    for (_, found) in &ys {
        seeds.push(g.constant(factors(found))?);
    }
    let ys: Vec<Value> = ys.into_iter().map(|(y, _)| y).collect();
    let made = match gradients(&mut g, &ys, Some(&seeds), &inputs) {
        Err(Error::NoGradient { op, .. }) if NO_GRADIENT.iter().any(|(known, _)| *known == op) => return Ok(()),
        made => made?,
    };
    for (at, (made, recorded)) in made.iter().zip(recorded).enumerate() {
        match (made, recorded) {
            (Some(made), recorded) if !recorded.is_null() => {
                let found = run(&g, &feeds, &fed, &[*made])?;
                problems.extend(difference(&format!("gradient {at}"), &found[0], &tensor(recorded), CLOSE_GRADIENTS));
            }
            (None, recorded) if !recorded.is_null() && numbers(&tensor(recorded)).iter().any(|&x| x != 0.0) => {
                problems.push(format!("gradient {at}: none"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn operations_and_their_gradients_are_tensorflow_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/raw_ops/raw_ops.json");
    let golden: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() > 100);
    let mut wrong = Vec::new();
    for case in cases {
        let mut problems = Vec::new();
        if let Err(error) = check(case, &mut problems) {
            problems.push(error.to_string());
        }
        wrong.extend(problems.into_iter().map(|problem| format!("{}: {problem}", case["name"])));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
