//! Metrics against Keras's numbers.

mod common;

use common::{array, cases, close, elements, text};
use kerox_config_json::{Config, Node, Value};
use kerox_train::metrics::{Accumulator, Metric};

#[test]
fn results_and_variables_are_those_of_keras() {
    let folder = format!("{}/../../golden/metrics", env!("CARGO_MANIFEST_DIR"));
    let (mut count, mut failed) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".json") || file == "functions.json" {
            continue;
        }
        let document = common::golden(&format!("metrics/{file}"));
        for case in document.get("cases").unwrap().as_list().unwrap() {
            let what = format!("{}/{}", text(&document, "class_name"), text(case, "name"));
            if std::panic::catch_unwind(|| check(&document, case, &what)).is_err() {
                failed.push(what);
            }
            count += 1;
        }
    }
    assert!(failed.is_empty(), "{} of {count} failed: {failed:#?}", failed.len());
    assert!(count > 200, "{count}");
}

fn check(document: &Value, case: &Value, what: &str) {
    let config = case.get("config").unwrap();
    let object =
        Value::Map(Config::new().with("class_name", text(document, "class_name")).with("config", config.clone()));
    let metric = Metric::from_json(&Node::root(&object)).unwrap();
    let written = metric.to_json();
    let written = written.get("config").unwrap();
    assert_eq!(written, config, "{what}");
    let order = |v: &Value| v.as_map().unwrap().keys().map(str::to_string).collect::<Vec<_>>();
    assert_eq!(order(written), order(config), "{what}");
    let mut metric = Accumulator::new(metric);
    for update in case.get("updates").unwrap().as_list().unwrap() {
        let arguments: Vec<_> =
            update.get("arguments").unwrap().as_list().unwrap().iter().map(|a| array(a).unwrap()).collect();
        let weight = array(update.get("sample_weight").unwrap());
        // Metrics of values have one argument.
        metric.update_state(&arguments[0], arguments.last().unwrap(), weight.as_ref()).unwrap();
        let expected = elements(&array(update.get("result").unwrap()).unwrap());
        close(&metric.result(), &expected, 2e-5, &format!("{what} result"));
    }
    for (sums, variable) in metric.variables().iter().zip(case.get("variables").unwrap().as_list().unwrap()) {
        let expected = elements(&array(variable.get("value").unwrap()).unwrap());
        close(sums, &expected, 2e-5, &format!("{what} {}", text(variable, "name")));
    }
    metric.reset_state();
    assert!(metric.variables().iter().flatten().all(|&x| x == 0.0));
    if let Some(expected) = array(case.get("result_after_reset").unwrap()) {
        close(&metric.result(), &elements(&expected), 1e-6, &format!("{what} after reset"));
    }
}

#[test]
fn every_function_name_is_known_and_kept() {
    for case in cases("metrics/functions.json") {
        let name = text(&case, "name");
        let metric = Metric::by_name(name).unwrap();
        assert_eq!(metric.name, name);
        assert_eq!(metric.function.class_name(), "MeanMetricWrapper");
        let arg = |key: &str| array(case.get(key).unwrap()).unwrap();
        let mut accumulator = Accumulator::new(metric);
        accumulator.update_state(&arg("y_true"), &arg("y_pred"), None).unwrap();
        let expected = elements(&arg("per_sample"));
        let mean = expected.iter().sum::<f64>() / expected.len() as f64;
        close(&accumulator.result(), &[mean], 2e-5, name);
    }
    assert_eq!(Metric::by_name("AUC").unwrap().name, "auc");
    assert_eq!(Metric::by_name("Precision").unwrap().name, "precision");
    assert_eq!(
        Metric::by_name("mae").unwrap().to_json().get("config").unwrap().get("fn").unwrap().as_str(),
        Some("mean_absolute_error")
    );
    let error = Metric::by_name("presision").unwrap_err().to_string();
    assert!(error.contains("presision"), "{error}");
}
