//! Models of Keras 3 with `lora_rank`: they predict, train and are written as Keras does it.

mod common;

use std::path::PathBuf;

use kerox::layers::Quantization;
use kerox::models::{enable_lora, load_model, quantize};
use kerox::prelude::*;
use kerox::saving::{Dialect, LoadOptions, SaveOptions};

use common::{predict, train};

fn golden(name: &str) -> PathBuf {
    common::golden("lora", name)
}

fn arrays<const N: usize>(case: &str, names: [&str; N]) -> [Tensor; N] {
    common::arrays("lora", case, names)
}

fn assert_close(found: &Tensor, expected: &Tensor, what: &str) {
    common::assert_within(2e-5, found, expected, what);
}

const CASES: [&str; 3] = ["products", "convolutions", "both_ways"];
const FEW_BITS: [&str; 3] = ["int8", "int4_2", "int4_columns"];

#[test]
fn they_predict_and_train_as_in_keras() {
    for case in CASES {
        let [ids, labels, predicted, losses, trained] =
            arrays(case, ["ids", "labels", "predicted", "losses", "trained"]);
        let mut model = load_model(golden(&format!("{case}.h5")), LoadOptions::new()).unwrap();
        assert_close(&predict(&mut model, &ids), &predicted, case);
        assert_close(&train(&mut model, &ids, &labels, losses.len()), &losses, case);
        assert_close(&predict(&mut model, &ids), &trained, case);
    }
}

#[test]
fn archives_hold_kernels_with_the_matrices_in_them() {
    for case in CASES {
        let [ids, labels, predicted, losses, restored] =
            arrays(case, ["ids", "labels", "predicted", "restored_losses", "restored"]);
        let mut model = load_model(golden(&format!("{case}.keras")), LoadOptions::new()).unwrap();
        assert_close(&predict(&mut model, &ids), &predicted, case);
        assert_close(&train(&mut model, &ids, &labels, losses.len()), &losses, case);
        assert_close(&predict(&mut model, &ids), &restored, case);
    }
}

#[test]
fn they_survive_every_format_of_keras_3_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    for case in CASES {
        let [ids, labels, predicted, losses, restored_losses] =
            arrays(case, ["ids", "labels", "predicted", "losses", "restored_losses"]);
        let model = load_model(golden(&format!("{case}.h5")), LoadOptions::new()).unwrap();
        let options = SaveOptions::default().dialect(Dialect::Keras3);
        for (name, expected) in [("m.keras", &restored_losses), ("m.h5", &losses), ("m.safetensors", &losses)] {
            let path = dir.path().join(format!("{case}_{name}"));
            model.save_with(&path, &options).unwrap();
            let mut read = load_model(&path, LoadOptions::new()).unwrap();
            assert_close(&predict(&mut read, &ids), &predicted, name);
            assert_close(&train(&mut read, &ids, &labels, expected.len()), expected, name);
        }
        for name in ["k2.keras", "k2.h5", "saved_model"] {
            let path = dir.path().join(name);
            let error = model.save_with(&path, &SaveOptions::default().dialect(Dialect::Keras2)).unwrap_err();
            assert!(error.to_string().contains("`lora_rank` of"), "{name}: {error}");
            assert!(!path.exists(), "{name}");
        }
    }
}

#[test]
fn matrices_stand_beside_kernels_in_few_bits() {
    let dir = tempfile::tempdir().unwrap();
    let options = SaveOptions::default().dialect(Dialect::Keras3);
    for case in FEW_BITS {
        let [ids, labels, predicted, losses, trained] =
            arrays(case, ["ids", "labels", "predicted", "losses", "trained"]);
        let [restored_predicted, restored_losses, restored] =
            arrays(case, ["restored_predicted", "restored_losses", "restored"]);
        let check = |path: PathBuf, predicted: &Tensor, losses: &Tensor, trained: &Tensor| {
            let mut model = load_model(&path, LoadOptions::new()).unwrap();
            let what = path.display().to_string();
            assert_close(&predict(&mut model, &ids), predicted, &what);
            assert_close(&train(&mut model, &ids, &labels, losses.len()), losses, &what);
            assert_close(&predict(&mut model, &ids), trained, &what);
        };
        let whole = golden(&format!("{case}.h5"));
        check(whole.clone(), &predicted, &losses, &trained);
        check(golden(&format!("{case}.keras")), &restored_predicted, &restored_losses, &restored);
        // Files written here: every weight in one, few bits of the sums in the other.
        let model = load_model(&whole, LoadOptions::new()).unwrap();
        let path = |name: &str| dir.path().join(format!("{case}_{name}"));
        model.save_with(path("m.h5"), &options).unwrap();
        check(path("m.h5"), &predicted, &losses, &trained);
        model.save_with(path("m.keras"), &options).unwrap();
        check(path("m.keras"), &restored_predicted, &restored_losses, &restored);
    }
}

#[test]
fn weights_made_here_are_those_of_keras() {
    let model = Sequential::new()
        .add(Dense::new(4).lora_rank(2).lora_alpha(6.0).dtype("mixed_float16").input_shape([3]).name("only"));
    let layer = model.get_layer("only").unwrap();
    let found: Vec<_> = layer.base().weights().iter().map(|w| (w.attr.clone(), w.trainable)).collect();
    let expected = [("kernel", false), ("bias", true), ("lora_kernel_a", true), ("lora_kernel_b", true)];
    assert_eq!(found, expected.map(|(name, trainable)| (name.to_string(), trainable)));
    assert!(layer.base().weights().iter().all(|w| w.variable.dtype() == DType::F32));
    assert_eq!(layer.base().variable("lora_kernel_b").unwrap().value(), Tensor::zeros(DType::F32, [2, 4]).unwrap());
    let config = layer.config().unwrap();
    assert_eq!(config.get("lora_rank").unwrap().as_i64(), Some(2));
    assert_eq!(config.get("lora_alpha").unwrap().as_i64(), Some(6));
}

#[test]
fn constraints_are_refused() {
    let layer = Dense::new(4).lora_rank(2).kernel_constraint(kerox::layers::constraints::NonNeg);
    let error = layer.on(Input([3])).unwrap_err().to_string();
    assert!(error.contains("a constraint of `kernel`"), "{error}");
}

#[test]
fn models_that_exist_are_adapted() {
    let x = Tensor::from_vec((0..12).map(|i| i as f32 / 7.0 - 0.8).collect::<Vec<f32>>(), [4, 3]).unwrap();
    let y = Tensor::from_vec(vec![1.0f32, -1.0, 0.5, 2.0], [4, 1]).unwrap();
    let mut plain = Sequential::new()
        .add(Dense::new(5).activation("tanh").input_shape([3]).name("wide"))
        .add(Dense::new(1).name("scores"));
    let mut tuned = enable_lora(&plain, 2, |layer| layer.name() == "wide").unwrap();
    assert_eq!(predict(&mut tuned, &x), predict(&mut plain, &x));
    let kernel = tuned.get_layer("wide").unwrap().base().variable("kernel").unwrap();
    let before = kernel.value();
    tuned.compile(Adam::new(0.1), "mse", ()).unwrap();
    let losses = train(&mut tuned, &x, &y, 5);
    let losses = losses.as_slice::<f32>().unwrap();
    assert!(losses[4] < losses[0], "{losses:?}");
    assert_eq!(kernel.value(), before);
    let matrix = tuned.get_layer("wide").unwrap().base().variable("lora_kernel_b").unwrap().value();
    assert!(matrix.as_slice::<f32>().unwrap().iter().any(|&v| v != 0.0));
    // Few bits of the kernel, and the matrices beside them as they are.
    let mut small = quantize(&tuned, Quantization::Int8).unwrap();
    let pairs = predict(&mut small, &x);
    for (a, b) in pairs.as_slice::<f32>().unwrap().iter().zip(predict(&mut tuned, &x).as_slice::<f32>().unwrap()) {
        assert!((a - b).abs() < 0.05, "{a} instead of {b}");
    }
    assert_eq!(small.get_layer("wide").unwrap().base().variable("lora_kernel_b").unwrap().value(), matrix);
    let error = enable_lora(&tuned, 2, |layer| layer.name() == "wide").err().unwrap().to_string();
    assert!(error.contains("whose kernel can be adapted and is not yet"), "{error}");
}

#[test]
fn quantized_layers_are_adapted() {
    let plain = Sequential::new()
        .add(Dense::new(5).activation("tanh").input_shape([3]).name("wide"))
        .add(Dense::new(1).name("scores"));
    let x = Tensor::from_vec((0..12).map(|i| i as f32 / 7.0 - 0.8).collect::<Vec<f32>>(), [4, 3]).unwrap();
    let y = Tensor::from_vec(vec![1.0f32, -1.0, 0.5, 2.0], [4, 1]).unwrap();
    let mut small = quantize(&plain, Quantization::Int8).unwrap();
    let mut tuned = enable_lora(&small, 2, |layer| layer.name() == "wide").unwrap();
    assert_eq!(predict(&mut tuned, &x), predict(&mut small, &x));
    tuned.compile(Adam::new(0.1), "mse", ()).unwrap();
    let losses = train(&mut tuned, &x, &y, 5);
    let losses = losses.as_slice::<f32>().unwrap();
    assert!(losses[4] < losses[0], "{losses:?}");
}

#[test]
fn equations_that_end_otherwise_are_refused_beside_few_bits() {
    let layer = kerox::layers::core::EinsumDense::new("abc,dc->adb", [Some(4), Some(3)])
        .lora_rank(2)
        .dtype("int8_from_float32");
    let error = layer.on(Input([3, 6])).unwrap_err().to_string();
    assert!(error.contains("end with the same letter"), "{error}");
}
