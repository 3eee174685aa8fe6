//! The `.keras` format of both generations of Keras, and from one to the other.

#![forbid(unsafe_code)]

use kerox::models::load_model;
use kerox::prelude::*;
use kerox::saving::{ConvertOptions, Dialect, LoadOptions, SaveOptions, convert, inspect};
use kerox_examples::{Result, digit_rows, folder};

fn main() -> Result<()> {
    let ((x, y), (x_test, _)) = digit_rows()?;
    let folder = folder("keras-v3")?;
    let mut model = Sequential::named("digits")
        .add(InputLayer::new([64usize]))
        .add(Dense::new(32).activation("relu"))
        .add(BatchNormalization::new())
        .add(Dense::new(10));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    model.fit(&x, &y, Fit::default().epochs(5).verbose(0))?;
    let expected = model.predict(&x_test, Predict::default().verbose(0))?;

    // By default a file is for Keras 2.15 and tf-keras.
    let (for2, for3) = (folder.join("for_keras_2.keras"), folder.join("for_keras_3.keras"));
    model.save(&for2)?;
    model.save_with(&for3, &SaveOptions::new().dialect(Dialect::Keras3))?;
    for path in [&for2, &for3] {
        let found = inspect(path)?;
        println!("{}: {} of Keras {:?}", path.display(), found.format, found.keras_version);
        let mut again = load_model(path, LoadOptions::new())?;
        assert_eq!(again.predict(&x_test, Predict::default().verbose(0))?, expected);
        // The optimizer's state came along, whatever each Keras calls it.
        let steps = again.optimizer()?.iterations().value().to_scalar::<i64>()?;
        assert_eq!(steps, 5 * 47);
    }

    // From Keras 3 to Keras 2 and back: equal weights, equal optimizer.
    let back = folder.join("back.keras");
    let lost = convert(&for3, &back, &ConvertOptions::new().save(SaveOptions::new().dialect(Dialect::Keras2)))?;
    assert!(lost.is_empty(), "nothing is lost: {lost:?}");
    let mut back = load_model(&back, LoadOptions::new())?;
    assert_eq!(back.get_weights(), model.get_weights());
    assert_eq!(back.predict(&x_test, Predict::default().verbose(0))?, expected);
    assert_eq!(back.optimizer()?.iterations().value().to_scalar::<i64>()?, 5 * 47);

    // What one of them cannot say is an error that names it.
    let mut legacy = Sequential::new().add(Dense::new(2).input_shape([3]));
    let adagrad = kerox::optimizers::get("adagrad", kerox::optimizers::Form::Legacy)?;
    legacy.compile(adagrad, "mse", ())?;
    let error = legacy.save_with(folder.join("no.keras"), &SaveOptions::new().dialect(Dialect::Keras3)).err();
    println!("{}", error.ok_or("Keras 3 has no such Adagrad")?);

    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
