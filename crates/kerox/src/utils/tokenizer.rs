//! `Tokenizer`: texts as the ranks of their words.

use std::collections::{HashMap, HashSet};

use kerox_config_json::{Config, Node, Value as Json};
use kerox_tensor::Tensor;

use super::text_to_word_sequence::{FILTERS, WordSequence, text_to_word_sequence};
use super::{Result, wrong};

/// What [`Tokenizer::sequences_to_matrix`] counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatrixMode {
    /// Whether a word comes at all.
    #[default]
    Binary,
    /// How often it comes.
    Count,
    /// How often it comes, as a fraction of the words of the text.
    Freq,
    /// How often it comes, weighted by how few documents it comes in.
    TfIdf,
}

impl From<&str> for MatrixMode {
    /// `count`, `freq`, `tfidf`; anything else is `binary`.
    fn from(name: &str) -> MatrixMode {
        match name {
            "count" => MatrixMode::Count,
            "freq" => MatrixMode::Freq,
            "tfidf" => MatrixMode::TfIdf,
            _ => MatrixMode::Binary,
        }
    }
}

/// Texts as the ranks of their words: 1 is the most frequent one, 0 is no word.
///
/// # Example
/// ```
/// use kerox::utils::Tokenizer;
/// let mut tokenizer = Tokenizer::new().num_words(3).oov_token("<OOV>");
/// tokenizer.fit_on_texts(["the cat", "the dog"]);
/// assert_eq!(tokenizer.texts_to_sequences(["the bird"]), [[2, 1]]);
/// let again = Tokenizer::from_json(&tokenizer.to_json())?;
/// assert_eq!(again.word_index("cat"), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.preprocessing.text.Tokenizer`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokenizer {
    num_words: Option<usize>,
    words: WordSequence,
    char_level: bool,
    oov_token: Option<String>,
    document_count: usize,
    /// In the order in which words were seen first: how often, and in how many documents.
    counts: Vec<(String, usize, usize)>,
    places: HashMap<String, usize>,
    word_index: HashMap<String, usize>,
    /// Words by rank; the entry for rank 0 is empty.
    ranked: Vec<String>,
    /// Documents by rank, for ranks that were counted.
    index_docs: HashMap<usize, usize>,
}

impl Default for Tokenizer {
    fn default() -> Tokenizer {
        Tokenizer::new()
    }
}

impl Tokenizer {
    /// With everything at its default.
    pub fn new() -> Tokenizer {
        Tokenizer {
            num_words: None,
            words: WordSequence::default(),
            char_level: false,
            oov_token: None,
            document_count: 0,
            counts: Vec::new(),
            places: HashMap::new(),
            word_index: HashMap::new(),
            ranked: Vec::new(),
            index_docs: HashMap::new(),
        }
    }

    /// Ranks from this one on are left out.
    #[must_use]
    pub fn num_words(mut self, num_words: usize) -> Tokenizer {
        self.num_words = Some(num_words);
        self
    }

    /// The characters that separate words.
    #[must_use]
    pub fn filters(mut self, filters: &str) -> Tokenizer {
        self.words.filters = filters.into();
        self
    }

    /// Whether letters are made small; true by default.
    #[must_use]
    pub fn lower(mut self, lower: bool) -> Tokenizer {
        self.words.lower = lower;
        self
    }

    /// What separates words; a space by default.
    #[must_use]
    pub fn split(mut self, split: &str) -> Tokenizer {
        self.words.split = split.into();
        self
    }

    /// Whether each character is a word.
    #[must_use]
    pub fn char_level(mut self, char_level: bool) -> Tokenizer {
        self.char_level = char_level;
        self
    }

    /// The word that stands for unknown ones; it has rank 1.
    #[must_use]
    pub fn oov_token(mut self, token: &str) -> Tokenizer {
        self.oov_token = Some(token.into());
        self
    }

    fn words_of(&self, text: &str) -> Vec<String> {
        if !self.char_level {
            return text_to_word_sequence(text, &self.words);
        }
        let text = if self.words.lower { text.to_lowercase() } else { text.to_string() };
        text.chars().map(String::from).collect()
    }

    /// Counts words and ranks them: more frequent ones first, of equally frequent ones the one that was seen first. What
    /// was counted before still counts.
    pub fn fit_on_texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        for text in texts {
            self.document_count += 1;
            let mut seen = HashSet::new();
            for word in self.words_of(text) {
                let next = self.counts.len();
                let at = *self.places.entry(word.clone()).or_insert(next);
                if at == next {
                    self.counts.push((word, 0, 0));
                }
                self.counts[at].1 += 1;
                self.counts[at].2 += usize::from(seen.insert(at));
            }
        }
        self.rank();
    }

    fn rank(&mut self) {
        let mut order: Vec<usize> = (0..self.counts.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(self.counts[i].1));
        let first = self.oov_token.iter().cloned();
        let ranked = first.chain(order.into_iter().map(|i| self.counts[i].0.clone()));
        self.ranked = std::iter::once(String::new()).chain(ranked).collect();
        self.word_index = self.ranked.iter().enumerate().skip(1).map(|(rank, word)| (word.clone(), rank)).collect();
        let docs = |(word, _, docs): &(String, usize, usize)| self.word_index.get(word).map(|&rank| (rank, *docs));
        self.index_docs.extend(self.counts.iter().filter_map(docs));
    }

    /// Counts in how many sequences each rank comes, where there are no texts.
    pub fn fit_on_sequences<S: AsRef<[usize]>>(&mut self, sequences: &[S]) {
        self.document_count += sequences.len();
        for sequence in sequences {
            for rank in sequence.as_ref().iter().copied().collect::<HashSet<usize>>() {
                *self.index_docs.entry(rank).or_default() += 1;
            }
        }
    }

    /// The rank of a word.
    pub fn word_index(&self, word: &str) -> Option<usize> {
        self.word_index.get(word).copied()
    }

    /// All words in the order of their ranks, from 1 on.
    pub fn ranked_words(&self) -> &[String] {
        self.ranked.get(1..).unwrap_or(&[])
    }

    /// How often a word was seen.
    pub fn word_count(&self, word: &str) -> usize {
        self.places.get(word).map_or(0, |&at| self.counts[at].1)
    }

    /// In how many documents a word was seen.
    pub fn word_docs(&self, word: &str) -> usize {
        self.places.get(word).map_or(0, |&at| self.counts[at].2)
    }

    /// Number of documents.
    pub fn document_count(&self) -> usize {
        self.document_count
    }

    fn oov_rank(&self) -> Option<usize> {
        self.oov_token.as_ref().and_then(|token| self.word_index(token))
    }

    /// The ranks of the words of texts. Unknown words and those of ranks that are too large are left out, or have the
    /// rank of the word that stands for them.
    pub fn texts_to_sequences<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Vec<Vec<usize>> {
        let oov = self.oov_rank();
        let most = self.num_words.filter(|&n| n > 0).unwrap_or(usize::MAX);
        let rank = |word: String| self.word_index(&word).filter(|&rank| rank < most).or(oov);
        texts.into_iter().map(|text| self.words_of(text).into_iter().filter_map(rank).collect()).collect()
    }

    /// The words of ranks, separated by spaces.
    pub fn sequences_to_texts<S: AsRef<[usize]>>(&self, sequences: &[S]) -> Vec<String> {
        let oov = self.oov_rank();
        let most = self.num_words.filter(|&n| n > 0).unwrap_or(usize::MAX);
        let word = |&rank: &usize| -> Option<&str> {
            let known = (rank > 0).then(|| self.ranked.get(rank)).flatten().filter(|_| rank < most);
            known.or_else(|| oov.and_then(|rank| self.ranked.get(rank))).map(String::as_str)
        };
        let text = |sequence: &S| sequence.as_ref().iter().filter_map(word).collect::<Vec<&str>>().join(" ");
        sequences.iter().map(text).collect()
    }

    /// Texts as rows of numbers, one for each rank: `[texts, num_words]`.
    ///
    /// # Errors
    /// As [`Tokenizer::sequences_to_matrix`].
    pub fn texts_to_matrix<'a>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
        mode: impl Into<MatrixMode>,
    ) -> Result<Tensor> {
        self.sequences_to_matrix(&self.texts_to_sequences(texts), mode)
    }

    /// Sequences as rows of numbers, one for each rank: `[sequences, num_words]`, of type float64.
    ///
    /// # Errors
    /// [`kerox_train::Error::Argument`] where neither a number of words was given nor texts, or nothing was counted for
    /// `tfidf`.
    pub fn sequences_to_matrix<S: AsRef<[usize]>>(
        &self,
        sequences: &[S],
        mode: impl Into<MatrixMode>,
    ) -> Result<Tensor> {
        let mode = mode.into();
        let operation = "Tokenizer.sequences_to_matrix";
        let columns = match self.num_words.filter(|&n| n > 0) {
            Some(n) => n,
            None if !self.word_index.is_empty() => self.word_index.len() + 1,
            None => return Err(wrong(operation, "num_words", "a number, or texts to fit on first", "neither")),
        };
        if mode == MatrixMode::TfIdf && self.document_count == 0 {
            return Err(wrong(operation, "mode", "a tokenizer that was fitted, with `tfidf`", "one that was not"));
        }
        let mut rows = Tensor::zeros(kerox_tensor::DType::F64, [sequences.len(), columns])?;
        let cells = rows.as_mut_slice::<f64>()?;
        for (row, sequence) in cells.chunks_exact_mut(columns).zip(sequences) {
            let sequence = sequence.as_ref();
            for &rank in sequence {
                if let Some(cell) = row.get_mut(rank) {
                    *cell += 1.0;
                }
            }
            for (rank, cell) in row.iter_mut().enumerate().filter(|(_, cell)| **cell > 0.0) {
                *cell = match mode {
                    MatrixMode::Binary => 1.0,
                    MatrixMode::Count => *cell,
                    MatrixMode::Freq => *cell / sequence.len() as f64,
                    MatrixMode::TfIdf => {
                        let docs = self.index_docs.get(&rank).copied().unwrap_or(0) as f64;
                        (1.0 + cell.ln()) * (1.0 + self.document_count as f64 / (1.0 + docs)).ln()
                    }
                };
            }
        }
        Ok(rows)
    }

    /// The tokenizer as text, as Keras's `to_json` writes it.
    pub fn to_json(&self) -> String {
        let text = |value: Json| Json::String(value.to_string());
        let count = |n: usize| Json::Int(n as i64);
        let table = |entries: Vec<(String, Json)>| text(Json::Map(entries.into_iter().collect::<Config>()));
        let ranks = || self.ranked.iter().enumerate().skip(1).filter(|(rank, w)| self.word_index(w) == Some(*rank));
        let mut docs: Vec<(usize, usize)> = self.index_docs.iter().map(|(&rank, &docs)| (rank, docs)).collect();
        docs.sort_unstable();
        let config = Config::new()
            .with("num_words", self.num_words.map(|n| n as i64))
            .with("filters", self.words.filters.as_str())
            .with("lower", self.words.lower)
            .with("split", self.words.split.as_str())
            .with("char_level", self.char_level)
            .with("oov_token", self.oov_token.as_deref().map_or(Json::Null, Json::from))
            .with("document_count", count(self.document_count))
            .with("word_counts", table(self.counts.iter().map(|(w, n, _)| (w.clone(), count(*n))).collect()))
            .with("word_docs", table(self.counts.iter().map(|(w, _, n)| (w.clone(), count(*n))).collect()))
            .with("index_docs", table(docs.into_iter().map(|(rank, n)| (rank.to_string(), count(n))).collect()))
            .with("index_word", table(ranks().map(|(rank, w)| (rank.to_string(), w.as_str().into())).collect()))
            .with("word_index", table(ranks().map(|(rank, w)| (w.clone(), count(rank))).collect()));
        let document = Config::new().with("class_name", "Tokenizer").with("config", config);
        Json::Map(document).to_string()
    }

    /// Reads what [`Tokenizer::to_json`] or Keras wrote.
    ///
    /// # Errors
    /// [`kerox_train::Error::Argument`] where the text is no tokenizer.
    ///
    /// # Source
    /// `keras.preprocessing.text.tokenizer_from_json`.
    pub fn from_json(text: &str) -> Result<Tokenizer> {
        Tokenizer::read(text).map_err(|error| wrong("Tokenizer.from_json", "text", "a tokenizer", error.to_string()))
    }

    fn read(text: &str) -> kerox_config_json::Result<Tokenizer> {
        let document = Json::parse(text)?;
        let config = Node::root(&document).required("config")?.fields()?;
        let mut tokenizer = Tokenizer {
            num_words: config.opt_positive("num_words")?,
            words: WordSequence {
                filters: config.str_or("filters", FILTERS)?.into(),
                lower: config.bool_or("lower", true)?,
                split: config.str_or("split", " ")?.into(),
            },
            char_level: config.bool_or("char_level", false)?,
            oov_token: config.opt_str("oov_token")?.map(str::to_owned),
            document_count: config.unsigned_or("document_count", 0)?,
            ..Tokenizer::new()
        };
        // Tables are JSON texts inside the JSON text.
        let table = |key: &str| -> kerox_config_json::Result<Vec<(String, Json)>> {
            let inner = Json::parse(config.str_or(key, "{}")?)?;
            let fields = Node::root(&inner).fields()?;
            Ok(fields.config().iter().map(|(key, value)| (key.to_string(), value.clone())).collect())
        };
        let number = |value: &Json| Node::root(value).unsigned();
        for (word, count) in table("word_counts")? {
            tokenizer.places.insert(word.clone(), tokenizer.counts.len());
            tokenizer.counts.push((word, number(&count)?, 0));
        }
        for (word, docs) in table("word_docs")? {
            if let Some(&at) = tokenizer.places.get(&word) {
                tokenizer.counts[at].2 = number(&docs)?;
            }
        }
        for (rank, docs) in table("index_docs")? {
            if let Ok(rank) = rank.parse::<usize>() {
                tokenizer.index_docs.insert(rank, number(&docs)?);
            }
        }
        let mut ranks = Vec::new();
        for (word, rank) in table("word_index")? {
            ranks.push((number(&rank)?, word));
        }
        ranks.sort();
        for (rank, word) in ranks {
            // Ranks are no larger than what was counted, and the token of unknown words.
            if rank > 0 && rank <= tokenizer.counts.len() + 1 {
                if tokenizer.ranked.len() <= rank {
                    tokenizer.ranked.resize(rank + 1, String::new());
                }
                tokenizer.ranked[rank] = word.clone();
            }
            tokenizer.word_index.insert(word, rank);
        }
        Ok(tokenizer)
    }
}
