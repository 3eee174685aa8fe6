//! Is a film review a good one? An embedding and an LSTM read its words.
//!
//! The tutorial "text classification with an LSTM" on IMDB, first on numbers of words, then on text.

#![forbid(unsafe_code)]

mod text;

use std::error::Error;

use kerox::datasets::imdb;
use kerox::layers::random::set_random_seed;
use kerox::prelude::*;
use kerox::utils::{PadSequences, pad_sequences};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Words beyond the 5,000 most frequent ones are not told apart.
const NUM_WORDS: usize = 5000;
/// Reviews are cut or filled up to this many words.
const MAXLEN: usize = 150;
const EPOCHS: usize = 5;

fn main() -> Result<()> {
    set_random_seed(7);
    let ((x_train, y_train), (x_test, y_test)) = imdb::load_data(&imdb::Options::new().num_words(NUM_WORDS))?;
    println!("{} reviews to learn from, {} to test with", x_train.len(), x_test.len());
    println!("the first begins with {:?}", &x_train[0][..x_train[0].len().min(10)]);
    let padded = |reviews: &[Vec<i32>]| pad_sequences(reviews, PadSequences::default().maxlen(MAXLEN));
    let (x_train, x_test) = (padded(&x_train)?, padded(&x_test)?);

    let mut model = create_model(NUM_WORDS)?;
    println!("{}", model.summary()?);
    let fit = Fit::default().epochs(EPOCHS).batch_size(32).verbose(2).validation_data(&x_test, &y_test).seed(7);
    model.fit(&x_train, &y_train, fit)?;
    let scores = model.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
    let accuracy = scores.get("accuracy").ok_or("no accuracy was computed")?;
    println!("Accuracy: {:.2}%", 100.0 * accuracy);
    assert!(accuracy >= 0.7, "half of the reviews would be judged rightly by chance");

    text::run()
}

/// An embedding, an LSTM, the mean over its steps, and a probability.
fn create_model(num_words: usize) -> Result<Sequential> {
    let mut model = Sequential::new()
        .add(Embedding::new(num_words, 32).input_length(MAXLEN))
        .add(Dropout::new(0.3))
        .add(LSTM::new(16).return_sequences(true))
        .add(GlobalAveragePooling1D::new())
        .add(Dropout::new(0.3))
        .add(Dense::new(1).activation("sigmoid"));
    model.compile(Adam::new(0.005), "binary_crossentropy", ["accuracy"])?;
    Ok(model)
}
