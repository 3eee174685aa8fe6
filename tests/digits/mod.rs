//! The digits and a small model for them.

use kerox::datasets::digits;
use kerox::layers::random::set_random_seed;
use kerox::prelude::*;

/// Images as rows of numbers from 0 to 1, and labels: some for training, some for testing.
pub fn data() -> ((Tensor, Tensor), (Tensor, Tensor)) {
    let rows = |images: &Tensor, count: usize| {
        let pixels = &images.as_slice::<u8>().unwrap()[..count * 64];
        Tensor::from_vec(pixels.iter().map(|&p| f32::from(p) / 16.0).collect(), [count, 64]).unwrap()
    };
    let first = |labels: &Tensor, count: usize| {
        Tensor::from_vec(labels.as_slice::<u8>().unwrap()[..count].to_vec(), [count]).unwrap()
    };
    let ((x, y), (x_test, y_test)) = digits::load_data().unwrap();
    ((rows(&x, 1000), first(&y, 1000)), (rows(&x_test, 200), first(&y_test, 200)))
}

/// Dense, batch normalization, dropout, dense; compiled with Adam.
pub fn model(seed: u64) -> Sequential {
    set_random_seed(seed);
    let mut model = Sequential::named("digits")
        .add(Dense::new(48).activation("relu").input_shape([64]).name("hidden"))
        .add(BatchNormalization::new().momentum(0.9).name("normalized"))
        .add(Dropout::new(0.2).name("dropout"))
        .add(Dense::new(10).name("outputs"));
    let loss = SparseCategoricalCrossentropy::from_logits();
    model.compile(Adam::new(0.005), loss, [SparseCategoricalAccuracy]).unwrap();
    model
}

/// The share of images whose digit the model finds.
pub fn accuracy(model: &mut Model, x: &Tensor, y: &Tensor) -> f64 {
    model.evaluate(x, y, Evaluate::default().verbose(0)).unwrap().get("sparse_categorical_accuracy").unwrap()
}

/// What the model makes of the images.
pub fn predictions(model: &mut Model, x: &Tensor) -> Vec<Tensor> {
    model.predict(x, Predict::default().verbose(0)).unwrap()
}
