//! Transfer learning from HDF5: a model trained on some digits becomes the body of a model for the others.

#![forbid(unsafe_code)]

use kerox::layers::random::set_random_seed;
use kerox::models::load_model;
use kerox::prelude::*;
use kerox::saving::{LoadOptions, LoadWeightsOptions};
use kerox_examples::{Result, digit_rows, folder};

fn main() -> Result<()> {
    set_random_seed(1);
    let ((x, y), (x_test, y_test)) = digit_rows()?;
    let folder = folder("transfer-hdf5")?;

    // The first task: is the digit even? Its weights and the whole model go to files.
    let parity = |labels: &Tensor| -> Result<Tensor> {
        let parity = labels.as_slice::<u8>()?.iter().map(|&d| d % 2).collect();
        Ok(Tensor::from_vec(parity, labels.shape().clone())?)
    };
    let mut pretrained = Sequential::named("pretrained")
        .add(Dense::new(64).activation("relu").input_shape([64]).name("dense_1"))
        .add(Dense::new(64).activation("relu").name("dense_2"))
        .add(Dense::new(2).name("parity"));
    pretrained.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    pretrained.fit(&x, &parity(&y)?, Fit::default().epochs(10).verbose(0))?;
    let (weights, whole) = (folder.join("weights.h5"), folder.join("pretrained.h5"));
    pretrained.save_weights(&weights)?;
    pretrained.save(&whole)?;

    // 1. Load into the model it was, take its layers, freeze them, put a new head on.
    let loaded = load_model(&whole, LoadOptions::new().compile(false))?;
    let body = loaded.get_layer("dense_2")?;
    for layer in loaded.layers() {
        layer.set_trainable(false);
    }
    let logits = Dense::new(10).name("digits").on(&body.output()?)?;
    let mut model = Model::functional(loaded.get_layer("dense_1")?.inputs()?, [logits])?;
    let frozen = loaded.get_layer("dense_1")?.get_weights();
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    println!("{}", model.summary()?);
    assert_eq!(model.network().trainable_weights().len(), 2);
    model.fit(&x, &y, Fit::default().epochs(20).verbose(0))?;
    let logs = model.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
    let accuracy = logs.get("accuracy").ok_or("no accuracy")?;
    println!("only the head was trained: accuracy {accuracy:.3}");
    assert!(accuracy >= 0.6, "the features of parity know a good deal about digits");
    assert_eq!(loaded.get_layer("dense_1")?.get_weights(), frozen);

    // 2. By the names of layers, into a model that shares some: what became of each tensor is reported.
    let other = Sequential::named("other")
        .add(Dense::new(64).activation("relu").input_shape([64]).name("dense_1"))
        .add(Dense::new(64).activation("relu").name("dense_2"))
        .add(Dense::new(10).name("parity"));
    let options = LoadWeightsOptions::new().by_name(true).skip_mismatch(true);
    let report = other.load_weights_with(&weights, &options)?.report();
    for entry in &report.entries {
        println!("{:16} {}", entry.path, entry.outcome.name());
    }
    assert_eq!(report.matched().count(), 4);
    assert_eq!(other.get_weights()[..4], pretrained.get_weights()[..4]);

    // 3. A model that wraps the pretrained one shares nothing with its file: that is said, not passed over.
    let inner = kerox::models::clone_model(&pretrained)?;
    let wrapping = Sequential::named("wrapping").add(inner.network().clone()).add(Dense::new(10).name("digits"));
    let error = wrapping.load_weights(&weights).err().ok_or("loaded into the wrong model")?;
    println!("{error}");
    // The inner model is the one to load into.
    inner.load_weights(&weights)?.assert_consumed()?;
    assert_eq!(wrapping.get_weights()[..6], pretrained.get_weights()[..]);

    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
