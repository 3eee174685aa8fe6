//! Gradients of every layer against differences: for each case of `golden/layers/*.json`, computed in double precision,
//! the derivative along an element of an input or a weight is that of the sum of the outputs.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use kerox_config_json::{Limits, Node, Object, Value as Json};
use kerox_graph::{Dims, Executor, Graph, Plan, Value, gradients};
use kerox_layers::{Arg, Args, Call, LayerRef, registry};
use kerox_tensor::{DType, Shape, Tensor};

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

/// Elements tried of each input and weight.
const TRIED: usize = 5;
/// Half the distance of a difference: its error grows with the square, that of rounding with the inverse.
const STEP: f64 = 1e-5;
/// Relative to 1 + |x|.
const TOLERANCE: f64 = 1e-6;

/// Classes that have no gradient to check, with the reason.
const APART: &[(&str, &str)] = &[
    ("HashedCrossing", "takes text and integers"),
    ("Hashing", "takes text and integers"),
    ("StringLookup", "takes text"),
    ("TextVectorization", "takes text"),
    ("RandomFourierFeatures", "computes in single precision whatever the policy"),
    ("TFOpLambda", "has no configuration of its own"),
    ("SlicingOpLambda", "has no configuration of its own"),
    ("InputLayer", "computes nothing"),
];

/// Cases whose outputs have no derivative by differences, with the reason.
const NOT_SMOOTH: &[(&str, &str)] = &[
    ("Normalization/given_per_feature", "outputs near 1e8 leave differences without digits"),
    ("Masking/zero", "a step that is all zeros is masked, and is not once it is moved"),
    ("SpectralNormalization/conv2d in training", "Keras gives the derivative by the kernel after it was divided"),
    ("SpectralNormalization/dense in training", "Keras gives the derivative by the kernel after it was divided"),
    (
        "SpectralNormalization/dense_iterations in training",
        "Keras gives the derivative by the kernel after it was divided",
    ),
    ("SpectralNormalization/embedding in training", "Keras gives the derivative by the kernel after it was divided"),
    ("UnitNormalization/zero_row", "the slope at zero lasts for a millionth"),
];

fn number(value: &Json) -> f64 {
    match value {
        Json::String(text) if text == "nan" => f64::NAN,
        Json::String(text) if text == "inf" => f64::INFINITY,
        Json::String(text) if text == "-inf" => f64::NEG_INFINITY,
        Json::Bool(b) => f64::from(u8::from(*b)),
        other => Node::root(other).float().unwrap_or(f64::NAN),
    }
}

/// An array; single precision becomes double.
fn tensor(value: &Json) -> AnyResult<Tensor> {
    let list = |key: &str| value.get(key).and_then(Json::as_list).unwrap_or_default();
    let shape: Shape = list("shape").iter().map(|d| number(d) as usize).collect();
    let numbers = list("data").iter().map(number);
    Ok(match value.get("dtype").and_then(Json::as_str) {
        Some("bool") => Tensor::from_vec(numbers.map(|x| x != 0.0).collect::<Vec<bool>>(), shape)?,
        Some("int32") => Tensor::from_vec(numbers.map(|x| x as i32).collect::<Vec<_>>(), shape)?,
        Some("int64") => Tensor::from_vec(numbers.map(|x| x as i64).collect::<Vec<_>>(), shape)?,
        Some("string") => return Err("strings".into()),
        _ => Tensor::from_vec(numbers.collect::<Vec<f64>>(), shape)?,
    })
}

fn argument(g: &mut Graph, value: &Json, feeds: &mut Vec<(Value, Tensor)>) -> AnyResult<Arg<Value>> {
    Ok(match value {
        Json::Null => Arg::None,
        Json::List(items) => {
            Arg::List(items.iter().map(|item| argument(g, item, feeds)).collect::<AnyResult<Vec<_>>>()?)
        }
        array if array.get("shape").is_some() && array.get("data").is_some() => {
            let tensor = tensor(array)?;
            let dims: Dims =
                tensor.shape().iter().enumerate().map(|(i, &d)| if i == 0 { None } else { Some(d) }).collect();
            let value = g.placeholder("input", tensor.dtype(), dims)?;
            feeds.push((value, tensor));
            Arg::Tensor(value)
        }
        other => Arg::Const(other.clone()),
    })
}

/// A layer traced with fixed factors for its outputs: the sum and its gradients.
struct Traced {
    executor: Executor,
    feeds: Vec<Tensor>,
}

impl Traced {
    fn run(&mut self) -> AnyResult<()> {
        let feeds: Vec<&Tensor> = self.feeds.iter().collect();
        Ok(self.executor.run(&feeds)?)
    }

    fn sum(&mut self) -> AnyResult<f64> {
        self.run()?;
        Ok(self.executor.output(0).slice::<f64>()?[0])
    }
}

/// The layer of a case in double precision.
fn layer_of(class_name: &str, case: &Json) -> AnyResult<LayerRef> {
    let config = case.get("config").ok_or("config")?.to_string().replace("\"float32\"", "\"float64\"");
    let config = Json::parse(&config)?;
    let object = Object::builtin("keras.layers", class_name, config).to_value();
    Ok(registry::deserialize(&Node::root(&object))?)
}

/// Checks one case; gives the number of derivatives compared.
fn check(class_name: &str, case: &Json, is_training: bool, problems: &mut Vec<String>) -> AnyResult<usize> {
    let layer = layer_of(class_name, case)?;
    let mut g = Graph::new();
    let mut feeds = Vec::new();
    let mut inputs = Vec::new();
    for array in case.get("inputs").and_then(Json::as_list).unwrap_or_default() {
        inputs.push(argument(&mut g, array, &mut feeds)?);
    }
    let is_list = case.get("inputs_form").and_then(Json::as_str) == Some("list");
    let first = if is_list { Arg::List(inputs) } else { inputs.swap_remove(0) };
    let mut args = Args { args: vec![first], kwargs: Vec::new() };
    if let Some(Json::Map(call)) = case.get("call") {
        for (name, value) in call.iter() {
            let arg = argument(&mut g, value, &mut feeds)?;
            args.kwargs.push((name.to_string(), arg));
        }
    }
    let outputs = Call::new(&mut g, is_training).apply(&layer, &args)?;
    let values = case.get("weights").and_then(Json::as_list).unwrap_or_default();
    let values = values.iter().map(|w| tensor(w.get("value").unwrap_or(&Json::Null)));
    layer.set_weights(&values.collect::<AnyResult<Vec<_>>>()?)?;
    let cotangents = case.get("cotangents").and_then(Json::as_list).unwrap_or_default();
    let mut total = None;
    for (&y, cotangent) in outputs.iter().zip(cotangents) {
        if g.dtype(y) != DType::F64 {
            continue;
        }
        let factors = g.constant(tensor(cotangent)?)?;
        let terms = g.multiply(y, factors)?;
        let axes = g.all_axes(terms)?;
        let sum = g.reduce_sum(terms, &axes, false)?;
        total = Some(match total {
            Some(total) => g.add(total, sum)?,
            None => sum,
        });
    }
    let Some(total) = total else { return Ok(0) };
    let sources: Vec<usize> = (0..feeds.len()).filter(|&i| feeds[i].1.dtype() == DType::F64).collect();
    let variables: Vec<_> = layer.trainable_weights().into_iter().map(|w| w.variable).collect();
    let mut xs: Vec<Value> = sources.iter().map(|&i| feeds[i].0).collect();
    for variable in &variables {
        xs.push(g.read(variable)?);
    }
    let found = match gradients(&mut g, &[total], None, &xs) {
        Ok(found) => found,
        Err(kerox_graph::Error::NoGradient { .. }) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut fetches = vec![total];
    fetches.extend(found.iter().flatten());
    let values: Vec<Value> = feeds.iter().map(|(v, _)| *v).collect();
    let shapes: Vec<Shape> = feeds.iter().map(|(_, t)| t.shape().clone()).collect();
    let executor = Executor::new(Plan::compile(&g, &values, &shapes, &fetches, &[])?);
    let mut traced = Traced { executor, feeds: feeds.into_iter().map(|(_, t)| t).collect() };
    traced.run()?;
    let mut at = 0;
    let mut exact = Vec::new();
    for gradient in &found {
        exact.push(match gradient {
            Some(_) => {
                at += 1;
                Some(traced.executor.output(at).slice::<f64>()?.to_vec())
            }
            None => None,
        });
    }
    let middle = traced.sum()?;
    let mut count = 0;
    for (i, exact) in exact.iter().enumerate() {
        let n = match i.checked_sub(sources.len()) {
            None => traced.feeds[sources[i]].shape().elements(),
            Some(at) => variables[at].shape().elements(),
        };
        for element in (0..n).step_by(n.div_ceil(TRIED).max(1)) {
            let mut moved = |distance: f64| -> AnyResult<f64> {
                match i.checked_sub(sources.len()) {
                    None => {
                        let before = traced.feeds[sources[i]].as_slice::<f64>()?[element];
                        traced.feeds[sources[i]].as_mut_slice::<f64>()?[element] = before + distance;
                        let sum = traced.sum();
                        traced.feeds[sources[i]].as_mut_slice::<f64>()?[element] = before;
                        sum
                    }
                    Some(at) => {
                        let before = variables[at].value();
                        let mut value = before.clone();
                        value.as_mut_slice::<f64>()?[element] += distance;
                        variables[at].assign(value)?;
                        let sum = traced.sum();
                        variables[at].assign(before)?;
                        sum
                    }
                }
            };
            let (above, below) = (moved(STEP)?, moved(-STEP)?);
            let (right, left) = ((above - middle) / STEP, (middle - below) / STEP);
            if !middle.is_finite() {
                continue;
            }
            let expected = (above - below) / (2.0 * STEP);
            let found = exact.as_ref().map_or(0.0, |gradient| gradient[element]);
            count += 1;
            // At a kink, where both sides differ, any value between them is right.
            let is_kink = (right - left).abs() > 1e-3 * (1.0 + right.abs());
            let (least, most) = if is_kink { (left.min(right), left.max(right)) } else { (expected, expected) };
            let tolerance = TOLERANCE * (1.0 + expected.abs());
            if !(least - tolerance..=most + tolerance).contains(&found) {
                let what = if i < sources.len() { "input" } else { "weight" };
                let i = if i < sources.len() { i } else { i - sources.len() };
                problems.push(format!("{what} {i}, element {element}: expected {expected}, found {found}"));
            }
        }
    }
    Ok(count)
}

#[test]
fn gradients_of_every_layer_are_those_of_differences() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/layers"));
    let only = std::env::var("KEROX_GOLDEN").ok();
    let without_cases = include_str!("missing_cases.txt");
    let (mut failed, mut without, mut total) = (Vec::new(), BTreeSet::new(), 0);
    for entry in registry::ALL {
        if only.as_ref().is_some_and(|only| !only.split(',').any(|name| name == entry.class_name)) {
            continue;
        }
        if APART.iter().any(|(class, _)| *class == entry.class_name) {
            continue;
        }
        let name = kerox_config_json::names::snake_case(entry.class_name);
        let Ok(bytes) = fs::read(folder.join(format!("{name}.json"))) else {
            without.insert(entry.class_name);
            continue;
        };
        let file = Json::parse_bytes(&bytes, &Limits::default()).unwrap();
        let mut count = 0;
        let mut is_differentiable = false;
        for case in file.get("cases").and_then(Json::as_list).unwrap_or_default() {
            if case.get("gradients").is_none_or(|record| record.is_null()) {
                continue;
            }
            // The batch has to be fixed; `golden_recurrent.rs` has these.
            if case.get("stateful").is_some_and(|s| !s.is_null()) {
                continue;
            }
            is_differentiable = true;
            let has_training = matches!(case.get("training"), Some(Json::Map(map))
                if map.get("gradients").is_some_and(|record| !record.is_null()));
            let name = case.get("name").and_then(Json::as_str).unwrap_or_default();
            if without_cases.lines().any(|line| line.starts_with(&format!("{}/{name}:", entry.class_name))) {
                continue;
            }
            // The corrections of renormalization are constants to gradients.
            let renorm = case.get("config").and_then(|config| config.get("renorm"));
            for is_training in if has_training && renorm.is_none() { &[false, true][..] } else { &[false][..] } {
                let id = format!("{}/{name}{}", entry.class_name, if *is_training { " in training" } else { "" });
                if NOT_SMOOTH.iter().any(|(case, _)| *case == id) {
                    continue;
                }
                let mut problems = Vec::new();
                match check(entry.class_name, case, *is_training, &mut problems) {
                    Ok(n) => count += n,
                    Err(error) => problems.push(error.to_string()),
                }
                failed.extend(problems.into_iter().map(|p| format!("{id}: {p}")));
            }
        }
        if is_differentiable && count == 0 {
            println!("{}: nothing to differentiate", entry.class_name);
        }
        total += count;
    }
    println!("{total} derivatives; no cases of {without:?}");
    if only.is_none() {
        // Both only give on what they take; `add_loss` and `add_metric` make them.
        assert_eq!(without, BTreeSet::from(["AddLoss", "AddMetric"]), "layers without a golden case");
    }
    assert!(failed.is_empty(), "{} of {total} derivatives differ:\n{}", failed.len(), failed.join("\n"));
}
