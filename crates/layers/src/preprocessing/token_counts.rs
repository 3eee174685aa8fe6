//! How often tokens come.

use std::collections::{HashMap, HashSet};

use kerox_graph::ops::Tokens;

/// A token as a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Token {
    Int(i64),
    Text(Vec<u8>),
}

/// How often tokens come, and in how many documents.
#[derive(Debug, Default)]
pub(super) struct TokenCounts {
    counts: HashMap<Token, (u64, u64)>,
    documents: u64,
}

impl TokenCounts {
    /// Adds documents of that many tokens each.
    pub fn add_rows(&mut self, tokens: &Tokens, row: usize) {
        match tokens {
            Tokens::Strings(list) => {
                list.chunks(row.max(1)).for_each(|row| self.add(row.iter().cloned().map(Token::Text)));
            }
            Tokens::Ints(list) => {
                list.chunks(row.max(1)).for_each(|row| self.add(row.iter().copied().map(Token::Int)));
            }
        }
    }

    /// Adds a document of words.
    pub fn add_document(&mut self, words: impl IntoIterator<Item = Vec<u8>>) {
        self.add(words.into_iter().map(Token::Text));
    }

    fn add(&mut self, tokens: impl Iterator<Item = Token>) {
        let mut seen = HashSet::new();
        for token in tokens {
            let entry = self.counts.entry(token.clone()).or_default();
            entry.0 += 1;
            entry.1 += u64::from(seen.insert(token));
        }
        self.documents += 1;
    }

    /// Number of documents.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// The most frequent tokens first, of equally frequent ones the greater first; with each the number of documents
    /// it comes in. Tokens that have a place of their own are left out.
    pub fn most_frequent(&self, strings: bool, special: &[String], most: Option<usize>) -> (Tokens, Vec<u64>) {
        let is_special = |token: &Token| match token {
            Token::Int(number) => special.contains(&number.to_string()),
            Token::Text(text) => special.iter().any(|s| s.as_bytes() == text.as_slice()),
        };
        let mut all: Vec<(&Token, &(u64, u64))> = self.counts.iter().filter(|(token, _)| !is_special(token)).collect();
        all.sort_by(|(a, x), (b, y)| y.0.cmp(&x.0).then_with(|| b.cmp(a)));
        all.truncate(most.unwrap_or(usize::MAX));
        let documents = all.iter().map(|(_, (_, documents))| *documents).collect();
        let tokens = if strings {
            Tokens::Strings(
                all.into_iter()
                    .filter_map(|(t, _)| if let Token::Text(t) = t { Some(t.clone()) } else { None })
                    .collect(),
            )
        } else {
            Tokens::Ints(
                all.into_iter().filter_map(|(t, _)| if let Token::Int(t) = t { Some(*t) } else { None }).collect(),
            )
        };
        (tokens, documents)
    }
}
