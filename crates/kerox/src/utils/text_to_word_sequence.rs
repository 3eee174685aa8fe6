//! Texts as words.

/// The characters [`text_to_word_sequence`] leaves out by default: punctuation, tabs and ends of lines.
pub(super) const FILTERS: &str = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";

/// The arguments of [`text_to_word_sequence`] beside the text, with Keras's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordSequence {
    /// The characters that are left out: they separate words.
    pub filters: String,
    /// Whether letters are made small.
    pub lower: bool,
    /// What separates words; nothing leaves texts whole.
    pub split: String,
}

impl Default for WordSequence {
    fn default() -> WordSequence {
        WordSequence { filters: FILTERS.into(), lower: true, split: " ".into() }
    }
}

/// The words of a text.
///
/// # Example
/// ```
/// use kerox::utils::{WordSequence, text_to_word_sequence};
/// assert_eq!(text_to_word_sequence("The cat, the dog!", &WordSequence::default()), ["the", "cat", "the", "dog"]);
/// ```
///
/// # Source
/// `keras.preprocessing.text.text_to_word_sequence`.
pub fn text_to_word_sequence(text: &str, options: &WordSequence) -> Vec<String> {
    let text = if options.lower { text.to_lowercase() } else { text.to_string() };
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if options.filters.contains(c) {
            clean.push_str(&options.split);
        } else {
            clean.push(c);
        }
    }
    if options.split.is_empty() {
        return std::iter::once(clean).filter(|text| !text.is_empty()).collect();
    }
    clean.split(options.split.as_str()).filter(|word| !word.is_empty()).map(str::to_string).collect()
}
