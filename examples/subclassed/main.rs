//! A model from a struct: its fields name its parts, in checkpoints too.

#![forbid(unsafe_code)]

use std::error::Error;

use kerox::datasets::digits;
use kerox::layers::random::set_random_seed;
use kerox::prelude::*;
use kerox::saving::load_checkpoint;

mod residual;

use residual::{Classifier, Residual};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    set_random_seed(2);
    let ((x, y), (x_test, y_test)) = digits::load_data()?;
    let (x, x_test) = (rows(&x)?, rows(&x_test)?);
    let mut model = create_model()?;
    model.fit(&x, &y, Fit::default().epochs(8).verbose(2).seed(4))?;
    let logs = model.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
    let accuracy = logs.get("accuracy").ok_or("no accuracy")?;
    println!("accuracy: {:.1} %", 100.0 * accuracy);
    assert!(accuracy >= 0.8);

    // Checkpoints name every variable by the fields that lead to it.
    let folder = std::env::temp_dir().join(format!("kerox-subclassed-{}", std::process::id()));
    let prefix = folder.join("weights");
    model.save_weights(&prefix)?;
    let reader = load_checkpoint(&prefix)?;
    let mut names: Vec<String> = reader
        .variable_to_shape_map()
        .into_keys()
        .filter(|name| !name.contains("optimizer") && !name.starts_with('_'))
        .collect();
    names.sort();
    println!("{}", names.join("\n"));
    for name in ["stem/kernel", "blocks/0/inner/kernel", "blocks/1/scale", "head/bias"] {
        let key = format!("{name}/.ATTRIBUTES/VARIABLE_VALUE");
        assert!(names.contains(&key), "{key}");
    }

    // A new model takes the weights before it has any: they are given to its variables when those are made.
    let mut again = create_model()?;
    let status = again.load_weights(&prefix)?;
    let expected = model.predict(&x_test, Predict::default().verbose(0))?;
    assert!(again.predict(&x_test, Predict::default().verbose(0))? == expected);
    status.assert_existing_objects_matched()?;

    // Parts go into other models: the trained stem below a new head.
    let stem = model.get_layer("stem")?;
    stem.base().set_trainable(false);
    let mut other = Sequential::new().add(stem).add(Residual::new(48)).add(Dense::new(10));
    other.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    let before = other.network().non_trainable_weights()[0].variable.value();
    other.fit(&x, &y, Fit::default().epochs(4).verbose(0).seed(4))?;
    assert!(other.network().non_trainable_weights()[0].variable.value() == before, "frozen weights stay");
    let logs = other.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
    println!("a new head on the frozen stem: {:.1} %", 100.0 * logs.get("accuracy").ok_or("no accuracy")?);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn create_model() -> Result<Model> {
    let mut model = Model::new(Classifier::new(48, 10));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    Ok(model)
}

/// Images as rows of numbers from 0 to 1.
fn rows(images: &Tensor) -> Result<Tensor> {
    let numbers = images.as_slice::<u8>()?.iter().map(|&pixel| f32::from(pixel) / 16.0).collect();
    Ok(Tensor::from_vec(numbers, [images.shape()[0], 64])?)
}
