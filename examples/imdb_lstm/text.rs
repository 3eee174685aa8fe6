//! From text to a verdict: words become numbers first.

use kerox::prelude::*;
use kerox::utils::{PadSequences, Tokenizer, pad_sequences};

use crate::Result;

/// Sixty short reviews, one a line: `good` or `bad`, a tab, the text. Written for this example.
const REVIEWS: &str = include_str!("reviews.txt");
/// Of which this many are for testing.
const TEST: usize = 12;
/// Texts are filled up to this many words.
const MAXLEN: usize = 16;

/// Trains on text and judges sentences that were never seen.
pub fn run() -> Result<()> {
    let reviews: Vec<(&str, f32)> = REVIEWS
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(label, text)| (text, f32::from(u8::from(label == "good"))))
        .collect();
    let (train, test) = reviews.split_at(reviews.len() - TEST);
    // 0 fills, 1 is a word that is not known, the most frequent word is 2.
    let mut tokenizer = Tokenizer::new().oov_token("[unknown]");
    tokenizer.fit_on_texts(train.iter().map(|&(text, _)| text));
    let words = tokenizer.ranked_words().len();
    println!("\n{words} words in {} short reviews", train.len());
    let labels = |part: &[(&str, f32)]| Tensor::from_vec(part.iter().map(|&(_, label)| label).collect(), [part.len()]);
    let (x_train, y_train) = (numbers(&tokenizer, train.iter().map(|&(text, _)| text))?, labels(train)?);
    let (x_test, y_test) = (numbers(&tokenizer, test.iter().map(|&(text, _)| text))?, labels(test)?);

    let mut model = Sequential::new()
        .add(Embedding::new(words + 1, 8).mask_zero(true).input_length(MAXLEN))
        .add(LSTM::new(8))
        .add(Dense::new(1).activation("sigmoid"));
    model.compile(Adam::new(0.01), "binary_crossentropy", ["accuracy"])?;
    model.fit(&x_train, &y_train, Fit::default().epochs(40).batch_size(8).verbose(0).seed(7))?;
    let scores = model.evaluate(&x_test, &y_test, Evaluate::default().verbose(0))?;
    let accuracy = scores.get("accuracy").ok_or("no accuracy was computed")?;
    println!("Accuracy on {TEST} others: {:.2}%", 100.0 * accuracy);
    assert!(accuracy >= 0.75);

    let mut judge = |text: &str| -> Result<f32> {
        let x = numbers(&tokenizer, [text])?;
        let probability = model.predict(&x, Predict::default().verbose(0))?[0].as_slice::<f32>()?[0];
        println!("{text:?} is good with probability {probability:.2}");
        Ok(probability)
    };
    assert!(judge("A wonderful, funny film with a superb cast!")? > 0.5);
    assert!(judge("Boring, stupid, the worst acting ever.")? < 0.5);
    Ok(())
}

/// Texts as rows of numbers of words.
fn numbers<'a>(tokenizer: &Tokenizer, texts: impl IntoIterator<Item = &'a str>) -> Result<Tensor> {
    let sequences = tokenizer.texts_to_sequences(texts).into_iter();
    let sequences: Vec<Vec<i64>> = sequences.map(|words| words.into_iter().map(|word| word as i64).collect()).collect();
    Ok(pad_sequences(&sequences, PadSequences::default().maxlen(MAXLEN))?)
}
