//! Models whose layers are operations of `keras.ops` or functions of TensorFlow, against what Keras computes for them, and
//! from one to the other.

use std::collections::HashSet;
use std::path::Path;

use kerox::models::{load_model, model_from_json};
use kerox::prelude::*;
use kerox::saving::{Dialect, Json, LoadOptions, SaveOptions};
use kerox_config_json::dialect::operations::{OPERATIONS, Operation, Way};

/// Relative to the largest value.
const CLOSE: f64 = 1e-5;

fn number(value: &Json) -> f64 {
    match value {
        Json::String(text) if text == "inf" => f64::INFINITY,
        Json::String(text) if text == "-inf" => f64::NEG_INFINITY,
        Json::String(_) => f64::NAN,
        Json::Bool(yes) => f64::from(u8::from(*yes)),
        number => number.as_f64().unwrap(),
    }
}

fn numbers(array: &Json, key: &str) -> Vec<f64> {
    array.get(key).and_then(Json::as_list).unwrap().iter().map(number).collect()
}

fn shape(array: &Json) -> Vec<usize> {
    numbers(array, "shape").into_iter().map(|length| length as usize).collect()
}

/// What differs between an output and what Keras gave.
fn difference(found: &Tensor, expected: &Json) -> Option<String> {
    let dtype = expected.get("dtype").and_then(Json::as_str).unwrap();
    if found.dtype().name() != dtype {
        return Some(format!("{} instead of {dtype}", found.dtype()));
    }
    if found.shape()[..] != shape(expected) {
        return Some(format!("{} instead of {:?}", found.shape(), shape(expected)));
    }
    let found = found.cast(DType::F64).unwrap();
    let (found, expected) = (found.as_slice::<f64>().unwrap(), numbers(expected, "data"));
    let scale = expected.iter().copied().filter(|x| x.is_finite()).fold(1.0, |most: f64, x| most.max(x.abs()));
    let differs = |(a, b): (&f64, &f64)| !(a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= CLOSE * scale);
    let at = found.iter().zip(&expected).position(differs)?;
    Some(format!("{} instead of {} at {at}", found[at], expected[at]))
}

/// One recorded model: its name, its text and what Keras computes.
struct Case {
    name: String,
    model: String,
    outputs: Vec<Json>,
}

/// What a file of recorded models holds: the input of all, and the models.
fn recorded(file: &str) -> (Tensor, Vec<Case>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/operations").join(file);
    let golden = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let given = golden.get("x").unwrap();
    let x: Vec<f32> = numbers(given, "data").into_iter().map(|x| x as f32).collect();
    let cases = golden.get("cases").and_then(Json::as_list).unwrap().iter().map(|case| {
        let text = |key: &str| case.get(key).and_then(Json::as_str).unwrap().to_owned();
        let outputs = case.get("outputs").and_then(Json::as_list).unwrap().to_vec();
        Case { name: text("name"), model: text("model"), outputs }
    });
    (Tensor::from_vec(x, shape(given)).unwrap(), cases.collect())
}

fn predicted(model: &mut Model, x: &Tensor, case: &Case) -> Result<(), String> {
    let outputs = model.predict(x, Predict::default().verbose(0)).map_err(|error| error.to_string())?;
    if outputs.len() != case.outputs.len() {
        return Err(format!("{} outputs", outputs.len()));
    }
    let differences = outputs.iter().zip(&case.outputs).filter_map(|(found, json)| difference(found, json));
    match differences.collect::<Vec<_>>() {
        none if none.is_empty() => Ok(()),
        some => Err(some.join(", ")),
    }
}

/// Predicts, writes the model for a Keras, loads it and predicts again.
fn there(case: &Case, x: &Tensor, dialect: Dialect, dir: &Path) -> Result<(), String> {
    let mut model = model_from_json(&case.model).map_err(|error| error.to_string())?;
    predicted(&mut model, x, case)?;
    let path = dir.join(format!("{}.keras", case.name));
    let save = SaveOptions::new().dialect(dialect);
    model.save_with(&path, &save).map_err(|error| format!("saved: {error}"))?;
    let mut model = load_model(&path, LoadOptions::new()).map_err(|error| format!("again: {error}"))?;
    predicted(&mut model, x, case).map_err(|error| format!("again: {error}"))
}

#[test]
fn operations_compute_what_keras_computes() {
    for (file, own) in [("operations.json", Dialect::Keras3), ("keras2.json", Dialect::Keras2)] {
        let (x, cases) = recorded(file);
        assert!(cases.len() > 80);
        let dir = tempfile::tempdir().unwrap();
        let wrong =
            cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, there(case, &x, own, dir.path()).err()?)));
        let wrong: Vec<String> = wrong.collect();
        assert!(wrong.is_empty(), "{file}: {}", wrong.join("\n"));
    }
}

/// The classes of a model of Keras 3 that are operations, or the functions of one of Keras 2.
fn operations_of(case: &Case) -> Vec<String> {
    let model = Json::parse(&case.model).unwrap();
    let layers = model.get("config").and_then(|config| config.get("layers")).and_then(Json::as_list).unwrap();
    let name = |layer: &Json| {
        if let Some(function) = layer.get("config").and_then(|config| config.get("function")) {
            return function.as_str().map(str::to_owned);
        }
        let module = layer.get("module").and_then(Json::as_str)?;
        module.contains(".ops.").then(|| layer.get("class_name").and_then(Json::as_str).map(str::to_owned))?
    };
    layers.iter().filter_map(name).collect()
}

/// Models of Keras 3 whose operations Keras 2 has with other arguments only, and what their refusal names.
const ARGUMENTS: &[(&str, &str)] = &[
    ("add_layer_with_a_tensor", "a constant array"),
    ("argmax_kept", "`keepdims`"),
    ("argmin_of_all", "`axis`"),
    ("cholesky_upper", "`upper`"),
    ("elu", "`alpha`"),
    ("expand_dims", "`axis`"),
    ("max_initial", "`initial`"),
    ("normalize_1", "`order`"),
    ("normalize_3", "`order`"),
    ("qr_complete", "`mode`"),
    ("round", "`decimals`"),
    ("take_of_all", "`axis`"),
];

/// Models of Keras 2 whose functions Keras 3 has with other arguments only, or whose use of a shape as a tensor it has not, and
/// what their refusal names.
const SHAPES_AND_ARGUMENTS: &[(&str, &str)] = &[
    ("fill_by_shape", "compat.v1.shape"),
    ("gather_batch", "`batch_dims`"),
    ("invert_permutation", "compat.v1.shape"),
    ("one_hot_values", "`on_value`"),
    ("ones", "compat.v1.shape"),
    ("range", "compat.v1.shape"),
    ("resize_kept", "`preserve_aspect_ratio`"),
    ("sequence_mask_by_shape", "compat.v1.shape"),
    ("sobel_edges", "compat.v1.shape"),
    ("sort_down", "`direction`"),
    ("stateless_normal", "compat.v1.shape"),
    ("stateless_truncated_normal", "compat.v1.shape"),
    ("stateless_uniform", "compat.v1.shape"),
    ("stateless_uniform_all", "compat.v1.shape"),
    ("stateless_uniform_whole", "compat.v1.shape"),
    ("strided_slice_masks", "`begin_mask`"),
    ("where_alone", "`x`"),
    ("zeros", "compat.v1.shape"),
];

#[test]
fn operations_of_one_keras_compute_the_same_in_the_other() {
    let mut wrong = Vec::new();
    let (mut functions, mut classes) = (HashSet::new(), HashSet::new());
    for (file, other) in [("keras2.json", Dialect::Keras3), ("operations.json", Dialect::Keras2)] {
        let (x, cases) = recorded(file);
        let dir = tempfile::tempdir().unwrap();
        for case in &cases {
            let found = operations_of(case);
            let missing = match other {
                // What tells the shape is not written where the other Keras knows it.
                Dialect::Keras3 => found.iter().find(|f| Operation::of_function(f).is_none() && !f.ends_with(".shape")),
                Dialect::Keras2 => found.iter().find(|class| Operation::of_class(class).is_none()),
            };
            let known = if other == Dialect::Keras2 { ARGUMENTS } else { SHAPES_AND_ARGUMENTS };
            let refused = known.iter().find(|(name, _)| *name == case.name).map(|(_, named)| (*named).to_owned());
            let refused = refused.or(missing.map(|name| format!("`{name}`")));
            match (there(case, &x, other, dir.path()), refused) {
                (Ok(()), None) => match other {
                    Dialect::Keras3 => functions.extend(found),
                    Dialect::Keras2 => classes.extend(found),
                },
                (Ok(()), Some(named)) => wrong.push(format!("{}: expected a refusal that names {named}", case.name)),
                (Err(error), Some(named)) if error.starts_with("saved: ") && error.contains(&named) => {}
                (Err(error), _) => wrong.push(format!("{file} {}: {error}", case.name)),
            }
        }
    }
    // Every row of the table was gone through, in the directions that it has.
    let read = |name: &String| Operation::of_function(name).map(|row| (row.function(), row.class_name()));
    let functions: HashSet<_> = functions.iter().filter_map(read).collect();
    let of_class = |name: &String| Operation::of_class(name).map(Operation::class_name);
    let classes: HashSet<_> = classes.iter().filter_map(of_class).collect();
    for row in OPERATIONS {
        if row.way() != Way::ToKeras2 && !functions.contains(&(row.function(), row.class_name())) {
            wrong.push(format!("no recorded model with `{}`", row.function()));
        }
        if row.way() != Way::ToKeras3 && !classes.contains(row.class_name()) {
            wrong.push(format!("no recorded model with `{}`", row.class_name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
