//! Training and prediction.

use kerox::applications::{self, Application};
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

/// As [`lstm`], with gated recurrent units.
pub fn gru() -> Result<Sequential> {
    let mut model = Sequential::new()
        .add(Embedding::new(5000, 32).input_length(200))
        .add(GRU::new(100))
        .add(Dense::new(1).activation("sigmoid"));
    model.compile("adam", BinaryCrossentropy::default(), ["accuracy"])?;
    Ok(model)
}

/// Two layers of convolutions over words.
pub fn text_cnn() -> Result<Sequential> {
    let mut model = Sequential::new()
        .add(Embedding::new(5000, 64).input_length(200))
        .add(Dropout::new(0.2))
        .add(Conv1D::new(128, 7).activation("relu"))
        .add(Conv1D::new(128, 7).strides(3).activation("relu"))
        .add(GlobalMaxPooling1D::new())
        .add(Dense::new(1).activation("sigmoid"));
    model.compile("adam", BinaryCrossentropy::default(), ["accuracy"])?;
    Ok(model)
}

/// One block of an encoder: attention of four heads and a feed-forward part, each with a residual sum and normalized.
pub fn transformer() -> Result<Model> {
    let words = InputLayer::new([200]).dtype("int32").tensor();
    let x = Embedding::new(5000, 64).on(&words)?;
    let attended = MultiHeadAttention::new(4, 16).on([&x, &x])?;
    let attended = Dropout::new(0.1).on(&attended)?;
    let x = LayerNormalization::new().epsilon(1e-6).on(&(&x + &attended))?;
    let forward = Dense::new(128).activation("relu").on(&x)?;
    let forward = Dense::new(64).on(&forward)?;
    let forward = Dropout::new(0.1).on(&forward)?;
    let x = LayerNormalization::new().epsilon(1e-6).on(&(&x + &forward))?;
    let x = GlobalAveragePooling1D::new().on(&x)?;
    let y = Dense::new(1).activation("sigmoid").on(&x)?;
    let mut model = Model::functional([words], [y])?;
    model.compile("adam", BinaryCrossentropy::default(), ["accuracy"])?;
    Ok(model)
}

/// MobileNetV2 for small images of ten kinds.
pub fn small_mobilenet() -> Result<Model> {
    let mut model = applications::MobileNetV2().input_shape([96, 96, 3]).classes(10).build()?;
    model.compile("adam", SparseCategoricalCrossentropy::default(), ["accuracy"])?;
    Ok(model)
}

/// One iteration is one step inside `fit`; `steps` of them are timed at once, so that `fit`'s start is spread thin.
pub fn train(
    model: impl Into<Model>,
    data: fn(usize) -> Result<(Tensor, Tensor)>,
    batch: usize,
    steps: usize,
) -> Result<Run> {
    let mut model = model.into();
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
