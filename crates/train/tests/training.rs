//! Whole runs of training against Keras's.

mod common;

use common::run::{layers, list, model};
use common::{close, elements, golden, nested_shape, numbers, of_type, text};
use kerox_config_json::Value;
use kerox_tensor::{DType, Tensor};
use kerox_train::{Evaluate, Fit, Model, Predict};

fn tensor(value: &Value, dtype: &str) -> Tensor {
    of_type(dtype, numbers(value), nested_shape(value).into_iter().collect())
}

fn check(file: &str) {
    let run = golden(&format!("training/{file}"));
    let mut model = model(&run);
    let x = tensor(run.get("x").unwrap(), "float32");
    let y = tensor(run.get("y").unwrap(), "float32");
    let predict = |model: &mut Model| elements(&model.predict(&x, Predict::default().verbose(0)).unwrap()[0]);
    close(&predict(&mut model), &numbers(run.get("predict_before").unwrap()), 1e-5, &format!("{file} before"));
    let mut fit = Fit::default().verbose(0).shuffle(false);
    fit = fit.epochs(run.get("epochs").unwrap().as_i64().unwrap() as usize);
    fit = fit.batch_size(run.get("batch_size").unwrap().as_i64().unwrap() as usize);
    let args = run.get("fit_args").unwrap();
    if let Some(weights) = args.get("sample_weight") {
        fit = fit.sample_weight(tensor(weights, "float32"));
    }
    if let Some(weights) = args.get("class_weight").and_then(Value::as_map) {
        let weights: Vec<(i64, f64)> = weights.iter().map(|(k, v)| (k.parse().unwrap(), numbers(v)[0])).collect();
        fit = fit.class_weight(weights);
    }
    if let Some(part) = args.get("validation_split") {
        fit = fit.validation_split(numbers(part)[0]);
    }
    if run.get("validation_data").is_some() {
        let first = |t: &Tensor| {
            let row: usize = t.shape().iter().skip(1).product();
            let shape = std::iter::once(5).chain(t.shape().iter().skip(1).copied()).collect();
            of_type("float32", elements(t)[..5 * row].to_vec(), shape)
        };
        fit = fit.validation_data(first(&x), first(&y));
    }
    let history = model.fit(&x, &y, fit).unwrap();
    let expected = run.get("history").unwrap().as_map().unwrap();
    let names: Vec<&str> = history.history.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{file}");
    for (name, values) in expected.iter() {
        close(history.get(name), &numbers(values), 1e-3, &format!("{file} history {name}"));
    }
    for ((found, expected), name) in
        model.get_weights().iter().zip(list(&run, "weights_after")).zip(list(&run, "weight_names"))
    {
        let name = name.as_str().unwrap();
        close(&elements(found), &numbers(expected), 1e-3, &format!("{file} weight {name}"));
    }
    close(&predict(&mut model), &numbers(run.get("predict_after").unwrap()), 1e-3, &format!("{file} after"));
    let logs = model.evaluate(&x, &y, Evaluate::default().verbose(0)).unwrap();
    let found: Vec<f64> = logs.0.iter().map(|(_, value)| *value).collect();
    close(&found, &numbers(run.get("evaluate").unwrap()), 1e-3, &format!("{file} evaluate"));
}

#[test]
fn runs_agree_with_keras() {
    let folder = format!("{}/../../golden/training", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|f| f.ends_with(".json") && !f.starts_with("optimizers") && !f.starts_with("schedules"));
    files.sort();
    assert!(files.len() >= 25, "{files:?}");
    let known: Vec<&str> = kerox_layers::registry::ALL.iter().map(|entry| entry.class_name).collect();
    let mut failed = Vec::new();
    for file in files {
        let run = golden(&format!("training/{file}"));
        let classes: Vec<&str> = layers(&run).iter().map(|l| text(l, "class_name")).collect();
        let missing = classes.iter().find(|class| **class != "InputLayer" && !known.contains(class));
        if let Some(missing) = missing {
            println!("{file} skipped: there is no layer {missing}");
            continue;
        }
        if text(run.get("config").unwrap(), "class_name") != "Sequential" {
            println!("{file} skipped: no Sequential model");
            continue;
        }
        if file == "fit_nadam.json" {
            // Compiled Keras counts updates while it traces, and so multiplies Nadam's product of momenta once more for
            // every further weight; here it is once a step, as in Keras's eager steps.
            println!("{file} skipped: Keras's compiled Nadam differs from its eager one");
            continue;
        }
        if std::panic::catch_unwind(|| check(&file)).is_err() {
            failed.push(file);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn labels_of_integers_and_wrong_data() {
    let run = golden("training/mlp_softmax_sparse.json");
    let mut model = model(&run);
    let x = tensor(run.get("x").unwrap(), "float32");
    let y = tensor(run.get("y").unwrap(), "int64");
    assert_eq!(y.dtype(), DType::I64);
    let silent = || Fit::default().verbose(0);
    model.fit(&x, &y, silent()).unwrap();
    let before = model.get_weights();
    let rows = x.shape()[0];
    let short = Tensor::zeros(DType::F32, [rows - 1, 1]).unwrap();
    let error = model.fit(&x, &short, silent()).unwrap_err().to_string();
    assert!(error.contains("Data cardinality is ambiguous"), "{error}");
    let empty = Tensor::zeros(DType::F32, [0, x.shape()[1]]).unwrap();
    let error = model.fit(&empty, Tensor::zeros(DType::I64, [0, 1]).unwrap(), silent()).unwrap_err().to_string();
    assert!(error.contains("at least one sample"), "{error}");
    let wide = Tensor::zeros(DType::F32, [rows, 99]).unwrap();
    let error = model.fit(&wide, &y, silent()).unwrap_err().to_string();
    assert!(error.contains("99"), "{error}");
    let far = Tensor::from_vec(vec![1000i64; rows], [rows, 1]).unwrap();
    let error = model.fit(&x, &far, silent()).unwrap_err().to_string();
    assert!(error.contains("1000"), "{error}");
    let nan = Tensor::full(f32::NAN, x.shape().clone()).unwrap();
    let error = model.fit(&nan, &y, silent()).unwrap_err().to_string();
    assert!(error.contains("finite"), "{error}");
    for (a, b) in before.iter().zip(model.get_weights()) {
        assert_eq!(a.as_slice::<f32>().unwrap(), b.as_slice::<f32>().unwrap());
    }
    // Nothing to predict gives nothing, of the right width.
    let out = model.predict(&empty, Predict::default().verbose(0)).unwrap();
    assert_eq!(out[0].shape()[0], 0);
}
