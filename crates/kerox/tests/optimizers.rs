//! Optimizers of every form and class, from one Keras to the other and back.

use std::path::Path;
use std::sync::Arc;

use kerox::models::load_model;
use kerox::prelude::*;
use kerox::saving::{Dialect, Json, LoadOptions, SaveOptions};
use kerox_optim::{Form, Optimizer};

/// Optimizers that only one Keras has, or that do other steps there, and what the refusal names.
const REFUSED: &[(Form, &str, &str)] = &[
    (Form::Legacy, "Adagrad", "which adds `epsilon` to the root"),
    (Form::Legacy, "Nadam", "another pace"),
    (Form::Legacy, "RMSprop", "without momentum"),
    (Form::Keras3, "Lamb", "`Lamb`"),
    (Form::Keras3, "Muon", "`Muon`"),
    (Form::Keras3, "ScheduleFreeAdamW", "`ScheduleFreeAdamW`"),
];

fn data() -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..16 * 4).map(|i| ((i * 7) % 11) as f32 / 11.0 - 0.5).collect();
    let y: Vec<f32> = (0..16 * 2).map(|i| ((i * 5) % 13) as f32 / 13.0).collect();
    (Tensor::from_vec(x, [16, 4]).unwrap(), Tensor::from_vec(y, [16, 2]).unwrap())
}

fn fit(model: &mut Model) -> Vec<f64> {
    let (x, y) = data();
    model.fit(&x, &y, Fit::default().epochs(3).batch_size(8).shuffle(false).verbose(0)).unwrap().get("loss").to_vec()
}

/// A model trained for some steps with an optimizer of that class, arguments and form.
fn trained(class_name: &str, arguments: &Config, form: Form) -> Sequential {
    let mut model = Sequential::new().add(Dense::new(5).activation("tanh").input_shape([4])).add(Dense::new(2));
    let optimizer: Arc<dyn Optimizer> = kerox_optim::from_config(class_name, arguments, form).unwrap();
    model.compile(optimizer, "mse", ()).unwrap();
    fit(&mut model);
    model
}

type Config = kerox_config_json::Config;

fn converted(model: &Model, dialect: Dialect, path: &Path) -> Result<Model, String> {
    model.save_with(path, &SaveOptions::new().dialect(dialect)).map_err(|error| error.to_string())?;
    load_model(path, LoadOptions::new()).map_err(|error| format!("again: {error}"))
}

/// Every variable of an optimizer that is more than a stand-in, by shape and bytes.
fn state(model: &Model) -> Vec<Tensor> {
    model.optimizer().unwrap().variables().iter().map(|variable| variable.value()).collect()
}

fn own_dialect(form: Form) -> (Dialect, Dialect) {
    match form {
        Form::Keras3 => (Dialect::Keras3, Dialect::Keras2),
        Form::Keras2 | Form::Legacy => (Dialect::Keras2, Dialect::Keras3),
    }
}

fn is_wrapper(class_name: &str) -> bool {
    class_name.starts_with("LossScaleOptimizer")
}

#[test]
fn optimizers_go_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut refused = Vec::new();
    for form in [Form::Keras2, Form::Keras3, Form::Legacy] {
        for class_name in kerox_optim::class_names(form).into_iter().filter(|name| !is_wrapper(name)) {
            let (own, other) = own_dialect(form);
            let path = |part: &str| dir.path().join(format!("{class_name}_{form:?}_{part}.keras"));
            let mut model = trained(class_name, &Config::new(), form);
            let there = converted(&model, other, &path("there"));
            let there = match (there, REFUSED.iter().find(|(f, name, _)| *f == form && *name == class_name)) {
                (Ok(there), None) => there,
                (Err(error), Some((.., named))) => {
                    assert!(error.contains(named), "{class_name} {form}: {error}");
                    refused.push((form, class_name));
                    continue;
                }
                (Ok(_), Some(_)) => panic!("{class_name} {form}: expected a refusal, found none"),
                (Err(error), None) => panic!("{class_name} {form}: {error}"),
            };
            let back = converted(&there, own, &path("back")).unwrap();
            // A legacy optimizer comes back as the current one of its name.
            if form != Form::Legacy {
                let first = converted(&model, own, &path("first")).unwrap();
                let saved = |model: &Model| model.optimizer().unwrap().serialize();
                assert_eq!(saved(&back), saved(&first), "{class_name} {form}");
                assert_eq!(state(&back).len(), state(&first).len(), "{class_name} {form}");
                let same = state(&back).iter().zip(&state(&first)).all(|(a, b)| a == b);
                // Keras 3 has no slots of SGD without momentum, which Keras 2 fills and never reads.
                assert!(same || class_name == "SGD", "{class_name} {form}");
            }
            let expected = fit(&mut model);
            for (mut other, what) in [(back, "back"), (there, "there")] {
                let losses = fit(&mut other);
                let is_close = losses.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-6 * (1.0 + b.abs()));
                assert!(is_close, "{class_name} {form} {what}: {losses:?} instead of {expected:?}");
            }
        }
    }
    let listed: Vec<_> = REFUSED.iter().map(|(form, name, _)| (*form, *name)).collect();
    assert!(listed.iter().all(|one| refused.contains(one)), "{listed:?} and {refused:?}");
}

#[test]
fn legacy_optimizers_go_on_in_keras_3() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("SGD", r#"{"learning_rate": 0.05, "momentum": 0.9, "nesterov": true, "decay": 0.01}"#),
        ("SGD", r#"{"learning_rate": 0.05, "clipnorm": 0.1}"#),
        ("Adam", r#"{"learning_rate": 0.01, "amsgrad": true, "decay": 0.1}"#),
        ("Adamax", r#"{"learning_rate": 0.01, "clipvalue": 0.05}"#),
        ("Adadelta", r#"{"learning_rate": 0.5, "rho": 0.9, "decay": 0.02}"#),
        ("Ftrl", r#"{"learning_rate": 0.05, "l1_regularization_strength": 0.01, "beta": 0.1}"#),
        ("RMSprop", r#"{"learning_rate": 0.01, "momentum": 0.5, "centered": true, "decay": 0.05}"#),
        ("Adagrad", r#"{"learning_rate": 0.05, "epsilon": 0.0}"#),
    ];
    for (at, (class_name, arguments)) in cases.into_iter().enumerate() {
        let Json::Map(config) = Json::parse(arguments).unwrap() else { panic!("{arguments}") };
        let mut model = trained(class_name, &config, Form::Legacy);
        let mut there = converted(&model, Dialect::Keras3, &dir.path().join(format!("{at}.keras"))).unwrap();
        let (legacy, current) = (model.optimizer().unwrap(), there.optimizer().unwrap());
        assert_eq!(current.form(), Form::Keras3);
        assert_eq!(current.iterations().value().to_scalar::<i64>().unwrap(), 6);
        let decays = config.get("decay").is_some();
        assert_eq!(
            current.config().get("learning_rate").unwrap().as_f64().is_none(),
            decays,
            "{class_name} {arguments}"
        );
        // Every slot has the same bytes.
        let pairs = model.network().trainable_weights().into_iter().zip(there.network().trainable_weights());
        let mut slots = 0;
        for (a, b) in pairs {
            for role in ["momentum", "velocity", "velocity_hat", "norm", "accumulator", "linear", "average_gradient"] {
                let value =
                    |o: &Arc<dyn Optimizer>, w: &kerox::layers::Weight| o.slot(&w.variable, role).map(|v| v.value());
                let (a, b) = (value(legacy, &a), value(current, &b));
                assert_eq!(a, b, "{class_name} {role}");
                slots += usize::from(a.is_some());
            }
        }
        assert!(slots > 0 || class_name == "SGD" || class_name == "Adadelta", "{class_name}");
        let (expected, losses) = (fit(&mut model), fit(&mut there));
        let is_close = losses.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-6 * (1.0 + b.abs()));
        assert!(is_close, "{class_name} {arguments}: {losses:?} instead of {expected:?}");
    }
}
