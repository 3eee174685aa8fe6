//! Trains on handwritten digits, checkpoints each epoch, and restores the weights into new models.
//!
//! The tutorial "Save and load models" of TensorFlow, step by step.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use kerox::datasets::{digits, mnist};
use kerox::layers::random::set_random_seed;
use kerox::prelude::*;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    set_random_seed(1);
    // The data: at most 1,000 images each, as rows of numbers from 0 to 1.
    let (((train_images, train_labels), (test_images, test_labels)), largest) = match mnist::load_data() {
        Ok(data) => (data, 255.0),
        Err(error) => {
            println!("{error}\nusing the digits that ship with kerox\n");
            (digits::load_data()?, 16.0)
        }
    };
    let (train_images, train_labels) = (as_rows(&train_images, largest)?, first(&train_labels)?);
    let (test_images, test_labels) = (as_rows(&test_images, largest)?, first(&test_labels)?);
    let pixels = train_images.shape()[1];
    let folder = std::env::temp_dir().join(format!("kerox-save-and-load-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;

    // A model, and what it looks like.
    let mut model = create_model(pixels)?;
    println!("{}", model.summary()?);

    // Save checkpoints during training.
    let checkpoint_path = folder.join("training_1/cp.ckpt");
    let checkpoint = ModelCheckpoint::new(&checkpoint_path).save_weights_only(true).verbose(1);
    model.fit(
        &train_images,
        &train_labels,
        Fit::default().epochs(10).validation_data(&test_images, &test_labels).callback(checkpoint),
    )?;
    println!("\n{}: {:?}", checkpoint_path.display(), list(&folder.join("training_1"))?);

    // A new model with the same architecture knows nothing yet.
    let mut model = create_model(pixels)?;
    let accuracy = evaluate(&mut model, &test_images, &test_labels)?;
    println!("Untrained model, accuracy: {:5.2}%", 100.0 * accuracy);
    assert!(accuracy < 0.5, "an untrained model cannot know the digits");

    // With the weights of the checkpoint it knows what the trained one knew.
    model.load_weights(&checkpoint_path)?;
    let restored = evaluate(&mut model, &test_images, &test_labels)?;
    println!("Restored model, accuracy: {:5.2}%", 100.0 * restored);
    assert!(restored >= 0.85, "expected at least 85 % on the test images");

    // Names of checkpoints that tell the epoch, written every five epochs.
    let batches_per_epoch = train_images.shape()[0].div_ceil(32);
    let template = folder.join("training_2/cp-{epoch:04d}.ckpt");
    let mut model = create_model(pixels)?;
    model.save_weights(folder.join("training_2/cp-0000.ckpt"))?;
    let checkpoint =
        ModelCheckpoint::new(&template).save_weights_only(true).save_freq(5 * batches_per_epoch).verbose(1);
    model.fit(
        &train_images,
        &train_labels,
        Fit::default().epochs(50).verbose(0).validation_data(&test_images, &test_labels).callback(checkpoint),
    )?;
    println!("\n{:?}", list(&folder.join("training_2"))?);

    // The latest of them, in a new model.
    let latest = latest_checkpoint(folder.join("training_2"))?.ok_or("no checkpoint was written")?;
    println!("latest checkpoint: {}", latest.display());
    assert!(latest.ends_with("cp-0050.ckpt"));
    let mut model = create_model(pixels)?;
    model.load_weights(&latest)?;
    let accuracy = evaluate(&mut model, &test_images, &test_labels)?;
    println!("Restored model, accuracy: {:5.2}%", 100.0 * accuracy);
    assert!(accuracy >= 0.85);

    // Weights by hand.
    model.save_weights(folder.join("checkpoints/my_checkpoint"))?;
    let mut model = create_model(pixels)?;
    model.load_weights(folder.join("checkpoints/my_checkpoint"))?;
    let by_hand = evaluate(&mut model, &test_images, &test_labels)?;
    println!("Restored model, accuracy: {:5.2}%", 100.0 * by_hand);
    assert_eq!(by_hand, accuracy);

    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Two dense layers with dropout between them.
fn create_model(pixels: usize) -> Result<Sequential> {
    let mut model = Sequential::new()
        .add(Dense::new(512).activation("relu").input_shape([pixels]))
        .add(Dropout::new(0.2))
        .add(Dense::new(10));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), [SparseCategoricalAccuracy])?;
    Ok(model)
}

/// The share of images whose digit the model finds.
fn evaluate(model: &mut Sequential, images: &Tensor, labels: &Tensor) -> Result<f64> {
    let logs = model.evaluate(images, labels, Evaluate::default().verbose(2))?;
    logs.get("sparse_categorical_accuracy").ok_or_else(|| "no accuracy was computed".into())
}

/// At most 1,000 images as rows of numbers from 0 to 1.
fn as_rows(images: &Tensor, largest: f32) -> Result<Tensor> {
    let pixels: usize = images.shape()[1..].iter().product();
    let samples = images.shape()[0].min(1000);
    let rows = images.as_slice::<u8>()?[..samples * pixels].iter().map(|&p| f32::from(p) / largest).collect();
    Ok(Tensor::from_vec(rows, [samples, pixels])?)
}

/// At most 1,000 labels.
fn first(labels: &Tensor) -> Result<Tensor> {
    let samples = labels.shape()[0].min(1000);
    Ok(Tensor::from_vec(labels.as_slice::<u8>()?[..samples].to_vec(), [samples])?)
}

/// The names of the files in a folder.
fn list(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}
