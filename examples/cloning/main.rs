//! Clones models: fresh weights, weights carried over in memory, and layers replaced on the way.

#![forbid(unsafe_code)]

use kerox::json::Node;
use kerox::layers::random::set_random_seed;
use kerox::layers::{models, registry};
use kerox::models::{clone_model, clone_model_with};
use kerox::prelude::*;
use kerox_examples::{Result, digit_rows};

fn main() -> Result<()> {
    set_random_seed(1);
    let ((x, y), (x_test, y_test)) = digit_rows()?;
    let mut model = Sequential::named("digits")
        .add(Dense::new(32).activation("relu").input_shape([64]).name("hidden"))
        .add(Dense::new(10).name("logits"));
    let compile = |model: &mut Model| model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"]);
    compile(&mut model)?;
    model.fit(&x, &y, Fit::default().epochs(30).verbose(0))?;
    let accuracy = |model: &mut Model| -> Result<f64> {
        let logs = model.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
        Ok(logs.get("accuracy").ok_or("no accuracy")?)
    };
    let trained = accuracy(&mut model)?;

    // A clone has the same architecture and names, but weights of its own, and is not compiled.
    let mut clone = clone_model(&model)?;
    assert_eq!(clone.name(), model.name());
    assert!(clone.compiled().is_none());
    compile(&mut clone)?;
    let fresh = accuracy(&mut clone)?;

    // Weights travel in memory.
    clone.set_weights(&model.get_weights())?;
    let copied = accuracy(&mut clone)?;
    println!("trained {trained:.3}, cloned {fresh:.3}, with the weights {copied:.3}");
    assert!(trained >= 0.8 && fresh < 0.4);
    assert_eq!(copied, trained);

    // Each has its own: training one leaves the other alone.
    clone.fit(&x, &y, Fit::default().verbose(0))?;
    assert_ne!(clone.get_weights(), model.get_weights());
    assert_eq!(accuracy(&mut model)?, trained);

    // A function decides what becomes of each layer: here dropout after the hidden one, which holds no weights, so that
    // the weights still fit.
    let regular = clone_model_with(&model, |layer| {
        let copy = registry::deserialize(&Node::root(&registry::serialize(layer)?))?;
        if layer.name() == "hidden" {
            let pair = models::Sequential::new().with(copy).with(Dropout::new(0.3));
            return Ok(pair.name("hidden_and_dropout").into());
        }
        Ok(copy)
    })?;
    regular.set_weights(&model.get_weights())?;
    println!("{}", regular.summary()?);
    assert_eq!(regular.network().count_params()?, model.network().count_params()?);
    Ok(())
}
