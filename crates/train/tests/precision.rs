//! Training in every dtype policy against Keras's.

mod common;

use common::run::{list, model};
use common::{array, cases, close, elements, numbers, text};
use kerox_layers::mixed_precision::set_global_policy;
use kerox_tensor::DType;
use kerox_train::{Model, Predict};

/// What ten steps of rounding amount to, relative to 1 + |x|; predictions without a step agree four times as well.
/// Weights in half precision differ most: here an update is computed in single precision and rounded once.
const PRECISION: [(&str, f64); 5] =
    [("float64", 1e-8), ("float16", 4e-3), ("bfloat16", 6e-2), ("mixed_float16", 4e-3), ("mixed_bfloat16", 3e-2)];

#[test]
fn ten_steps_in_every_policy_are_those_of_keras() {
    let mut failed = Vec::new();
    for (policy, tolerance) in PRECISION {
        for case in cases(&format!("precision/{policy}.json")) {
            let name = format!("{policy}/{}", text(&case, "name"));
            let check = || {
                set_global_policy(policy).unwrap();
                let mut model = model(&case);
                let (x, y) = (array(case.get("x").unwrap()).unwrap(), array(case.get("y").unwrap()).unwrap());
                let predict = |model: &mut Model, key: &str, tolerance: f64| {
                    let expected = array(case.get(key).unwrap()).unwrap();
                    let found = model.predict(&x, Predict::default().verbose(0)).unwrap();
                    assert_eq!(found[0].dtype(), expected.dtype(), "{key}");
                    close(&elements(&found[0]), &elements(&expected), tolerance, key);
                };
                predict(&mut model, "predict_before", tolerance / 4.0);
                for (i, loss) in numbers(case.get("losses").unwrap()).into_iter().enumerate() {
                    let logs = model.train_on_batch(&x, &y, None).unwrap();
                    close(&[logs.0[0].1], &[loss], tolerance, &format!("loss {i}"));
                }
                for (i, (found, expected)) in model.get_weights().iter().zip(list(&case, "weights_after")).enumerate() {
                    let expected = array(expected).unwrap();
                    assert_eq!(found.dtype(), expected.dtype(), "weight {i}");
                    close(&elements(found), &elements(&expected), tolerance, &format!("weight {i}"));
                }
                predict(&mut model, "predict_after", tolerance);
                let optimizer = model.compiled().unwrap().args.optimizer.clone().unwrap();
                if let Some(scale) = case.get("loss_scale").unwrap().as_f64() {
                    assert_eq!(optimizer.loss_scale(), scale);
                }
                let iterations = elements(&optimizer.iterations().value().cast(DType::F64).unwrap());
                assert_eq!(iterations, numbers(case.get("iterations").unwrap()));
            };
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err() {
                failed.push(name);
            }
        }
    }
    set_global_policy("float32").unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}
