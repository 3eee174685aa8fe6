//! Weights as arrays: between layers, between models of other kinds, and what is said when they do not fit.

#![forbid(unsafe_code)]

use kerox::prelude::*;
use kerox_examples::Result;

fn main() -> Result<()> {
    // From one layer to another.
    let first: LayerRef = Dense::new(64).activation("relu").into();
    let second: LayerRef = Dense::new(64).activation("relu").into();
    let x = Input([784]);
    first.on(&x)?;
    second.on(&x)?;
    assert_ne!(first.get_weights(), second.get_weights());
    second.set_weights(&first.get_weights())?;
    assert_eq!(first.get_weights(), second.get_weights());

    // From one model to another of the same architecture: a functional one and a Sequential one.
    let inputs = Input([784]);
    let hidden = Dense::new(64).activation("relu").name("dense_1").on(&inputs)?;
    let outputs = Dense::new(10).name("predictions").on(&hidden)?;
    let mut functional = Model::functional([inputs], [outputs])?;
    let mut sequential = Sequential::new()
        .add(Dense::new(64).activation("relu").input_shape([784]).name("dense_1"))
        .add(Dense::new(10).name("predictions"));
    sequential.set_weights(&functional.get_weights())?;
    let data = Tensor::full(0.25f32, [4, 784])?;
    let predict = |model: &mut Model| model.predict(&data, Predict::default().verbose(0));
    assert_eq!(predict(&mut functional)?, predict(&mut sequential)?);

    // Layers without weights change neither number nor order.
    let with_dropout = Sequential::new()
        .add(Dense::new(64).activation("relu").input_shape([784]).name("dense_1"))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).name("predictions"));
    with_dropout.set_weights(&functional.get_weights())?;

    // By the names of layers, for models that share some.
    let other = Sequential::new()
        .add(Dense::new(64).activation("relu").input_shape([784]).name("dense_1"))
        .add(Dense::new(3).name("three"));
    other.get_layer("dense_1")?.set_weights(&functional.get_layer("dense_1")?.get_weights())?;
    assert_eq!(other.get_weights()[0], functional.get_weights()[0]);

    // Every weight is an ndarray away.
    let kernel = functional.get_weights().swap_remove(0);
    let view = kernel.view::<f32>()?;
    println!("kernel {:?}, mean {:+.4}", view.shape(), view.mean().ok_or("empty")?);

    // What does not fit is said, and nothing is changed.
    let before = other.get_weights();
    for weights in [functional.get_weights(), functional.get_weights()[..1].to_vec()] {
        let error = other.set_weights(&weights).err().ok_or("took weights that do not fit")?;
        println!("{error}");
        assert_eq!(other.get_weights(), before);
    }
    let error = other.get_layer("nope").err().ok_or("found a layer that is not there")?;
    println!("{error}");
    assert!(error.to_string().contains("dense_1"));
    Ok(())
}
