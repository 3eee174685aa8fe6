//! Training and prediction.

use kerox::applications::Application;
use kerox::prelude::*;

use crate::{Result, Run, data};

/// Dense 512 relu, Dropout 0.2, Dense 10.
pub fn mlp() -> Result<Sequential> {
    let mut model = Sequential::new()
        .add(Dense::new(512).activation("relu").input_shape([784]))
        .add(Dropout::new(0.2))
        .add(Dense::new(10));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), [SparseCategoricalAccuracy])?;
    Ok(model)
}

/// Two convolutions with pooling, and a dense layer.
pub fn cnn() -> Result<Sequential> {
    let mut model = Sequential::new()
        .add(Conv2D::new(32, [3, 3]).activation("relu").input_shape([28, 28, 1]))
        .add(MaxPooling2D::new([2, 2]))
        .add(Conv2D::new(64, [3, 3]).activation("relu"))
        .add(MaxPooling2D::new([2, 2]))
        .add(Flatten::new())
        .add(Dense::new(10));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
    Ok(model)
}

/// 200 words of a vocabulary of 5,000, a hundred units.
pub fn lstm() -> Result<Sequential> {
    let mut model = Sequential::new()
        .add(Embedding::new(5000, 32).input_length(200))
        .add(LSTM::new(100))
        .add(Dense::new(1).activation("sigmoid"));
    model.compile("adam", BinaryCrossentropy::default(), ["accuracy"])?;
    Ok(model)
}

/// One iteration is one step inside `fit`; many of them are timed at once, so that `fit`'s start is spread thin.
pub fn train(mut model: Sequential, data: fn(usize) -> Result<(Tensor, Tensor)>, batch: usize) -> Result<Run> {
    let steps = 10.max(4096 / batch);
    let (x, y) = data(batch * steps)?;
    Ok(Box::new(move || {
        model.fit(&x, &y, Fit::default().batch_size(batch).verbose(0))?;
        Ok(steps)
    }))
}

/// One sample through a prepared model.
pub fn predict_one() -> Result<Run> {
    let mut model = mlp()?;
    let (x, _) = data::digits(1)?;
    Ok(Box::new(move || {
        for _ in 0..100 {
            model.predict_on_batch(&x)?;
        }
        Ok(100)
    }))
}

/// 1,000 samples in batches of 32.
pub fn predict_32() -> Result<Run> {
    let mut model = mlp()?;
    let (x, _) = data::digits(1000)?;
    Ok(Box::new(move || {
        model.predict(&x, Predict::default().verbose(0))?;
        Ok(1)
    }))
}

/// Images through an architecture with untrained weights.
pub fn application(application: Application, batch: usize) -> Result<Run> {
    let mut model = application.build()?;
    let x = data::noise([batch, 224, 224, 3])?;
    Ok(Box::new(move || {
        model.predict_on_batch(&x)?;
        Ok(1)
    }))
}
