//! Models of every dtype policy in files of every format.

use kerox::prelude::*;
use kerox::saving::{LoadOptions, load_model_with_report};

fn trained(policy: &str) -> Sequential {
    kerox::layers::mixed_precision::set_global_policy(policy).unwrap();
    let mut model = Sequential::named("net")
        .add(Dense::new(5).activation("relu").input_shape([4]).name("first"))
        .add(BatchNormalization::new())
        .add(Dense::new(3).name("second"));
    model.compile("adam", "mse", ()).unwrap();
    let (x, y) = data();
    model.fit(&x, &y, Fit::default().epochs(2).shuffle(false).verbose(0)).unwrap();
    model
}

fn data() -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..16 * 4).map(|i| ((i * 7) % 11) as f32 / 11.0 - 0.5).collect();
    let y: Vec<f32> = (0..16 * 3).map(|i| ((i * 5) % 7) as f32 / 7.0).collect();
    (Tensor::from_vec(x, [16, 4]).unwrap(), Tensor::from_vec(y, [16, 3]).unwrap())
}

#[test]
fn models_of_every_policy_survive_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = data();
    let mut failed = Vec::new();
    for policy in ["float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"] {
        for name in ["m.h5", "m.keras", "m.safetensors", "saved_model"] {
            let mut model = trained(policy);
            // What was read says of which type it is.
            kerox::layers::mixed_precision::set_global_policy("float32").unwrap();
            let path = dir.path().join(format!("{policy}_{name}"));
            if let Err(error) = model.save(&path) {
                failed.push(format!("{policy} {name}: {error:?}"));
                continue;
            }
            let mut loaded = match load_model_with_report(&path, LoadOptions::new()) {
                Ok(loaded) => loaded,
                Err(error) => {
                    failed.push(format!("{policy} {name}: {error:?}"));
                    continue;
                }
            };
            if !loaded.warnings.is_empty() {
                failed.push(format!("{policy} {name}: {:?}", loaded.warnings));
            }
            let of = |model: &mut Model| model.predict(&x, Predict::default().verbose(0)).unwrap();
            if of(&mut model) != of(&mut loaded.model) {
                failed.push(format!("{policy} {name}: predictions"));
            }
            let types = |model: &Model| model.get_weights().iter().map(Tensor::dtype).collect::<Vec<_>>();
            if types(&model) != types(&loaded.model) {
                failed.push(format!("{policy} {name}: {:?}", types(&loaded.model)));
            }
            if let Err(error) = loaded.model.fit(&x, &y, Fit::default().verbose(0)) {
                failed.push(format!("{policy} {name}: {error:?}"));
            }
            assert_eq!(loaded.model.optimizer().unwrap().class_name(), model.optimizer().unwrap().class_name());
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
