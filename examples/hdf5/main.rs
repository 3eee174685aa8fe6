//! Trains a model, saves it whole as HDF5, loads it, looks at it, and trains on.

#![forbid(unsafe_code)]

use kerox::layers::random::set_random_seed;
use kerox::models::load_model;
use kerox::prelude::*;
use kerox::saving::{LoadOptions, SaveOptions};
use kerox_examples::{Result, digit_rows, folder};

fn main() -> Result<()> {
    set_random_seed(1);
    let ((x, y), (x_test, y_test)) = digit_rows()?;
    let folder = folder("hdf5")?;
    let path = folder.join("my_model.h5");

    // Train, and save everything in one file: architecture, weights, compile arguments, the optimizer's state.
    let mut model = Sequential::new()
        .add(Dense::new(64).activation("relu").input_shape([64]))
        .add(Dropout::new(0.2))
        .add(Dense::new(10));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    model.fit(&x, &y, Fit::default().epochs(30).verbose(0))?;
    model.save(&path)?;
    println!("{} bytes in {}", std::fs::metadata(&path)?.len(), path.display());

    // The file alone gives the model back, compiled.
    let mut again = load_model(&path, LoadOptions::new())?;
    println!("{}", again.summary()?);
    let scores = again.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
    let accuracy = scores.get("accuracy").ok_or("no accuracy")?;
    println!("Restored model, accuracy: {:5.2}%", 100.0 * accuracy);
    assert!(accuracy >= 0.8, "expected at least 80 % on the test images");
    assert_eq!(model.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?.get("accuracy"), Some(accuracy));

    // Training goes on where it stopped: the optimizer has taken 30 epochs of 47 batches.
    assert_eq!(again.optimizer()?.iterations().value().to_scalar::<i64>()?, 30 * 47);
    let history = again.fit(&x, &y, Fit::default().epochs(2).verbose(0))?;
    println!("two more epochs: loss {:?}", history.get("loss"));

    // For use alone the optimizer's state is dead weight: two thirds of the file.
    let small = folder.join("for_use.h5");
    model.save_with(&small, &SaveOptions::new().include_optimizer(false))?;
    let (whole, rest) = (std::fs::metadata(&path)?.len(), std::fs::metadata(&small)?.len());
    println!("{whole} bytes with the optimizer, {rest} without");
    assert!(rest * 2 < whole);

    // What is not there is said, with what is.
    let error = load_model(folder.join("nope.h5"), LoadOptions::new()).err().ok_or("loaded nothing")?;
    println!("{error}");
    assert!(error.to_string().contains("my_model.h5"));

    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
