//! Tokens as their places in a vocabulary, and back.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use kerox_tensor::{DType, Tensor, Variable};

use super::dispatch::argument;
use super::dynamic::ints;
use super::hash::{fingerprint64, sip_hash};
use crate::{Dims, Infer, Op, Result, Run, ValueInfo};

/// Strings or integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// Byte strings.
    Strings(Vec<Vec<u8>>),
    /// Integers.
    Ints(Vec<i64>),
}

impl Tokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Tokens::Strings(tokens) => tokens.len(),
            Tokens::Ints(tokens) => tokens.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of a tensor of such tokens.
    pub fn dtype(&self) -> DType {
        match self {
            Tokens::Strings(_) => DType::String,
            Tokens::Ints(_) => DType::I64,
        }
    }

    /// The tokens of a tensor of strings or integers; `None` for other types.
    pub fn of(tensor: &Tensor) -> Option<Tokens> {
        match tensor.dtype() {
            DType::String => tensor.as_slice::<Vec<u8>>().ok().map(|s| Tokens::Strings(s.to_vec())),
            _ => ints(tensor).map(Tokens::Ints),
        }
    }

    /// A token as text.
    pub fn text(&self, i: usize) -> String {
        match self {
            Tokens::Strings(tokens) => String::from_utf8_lossy(tokens.get(i).map_or(&[], |t| t)).into_owned(),
            Tokens::Ints(tokens) => tokens.get(i).map_or_else(String::new, i64::to_string),
        }
    }

    /// The tokens that come more than once, each once.
    pub fn repeated(&self) -> Vec<String> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        (0..self.len())
            .map(|i| self.text(i))
            .filter(|text| {
                let count = seen.entry(text.clone()).or_default();
                *count += 1;
                *count == 2
            })
            .collect()
    }
}

/// Tokens with their places.
#[derive(Debug)]
struct Index {
    tokens: Tokens,
    strings: HashMap<Vec<u8>, i64>,
    ints: HashMap<i64, i64>,
}

/// A vocabulary that layers and graphs share: setting it changes what every graph looks up.
#[derive(Debug, Default)]
pub struct Vocabulary(RwLock<Option<Arc<Index>>>);

impl Vocabulary {
    /// Replaces the tokens. Of a token that comes twice, the first place counts.
    pub fn set(&self, tokens: Tokens) {
        let (mut strings, mut ints) = (HashMap::new(), HashMap::new());
        match &tokens {
            Tokens::Strings(list) => {
                for (i, token) in list.iter().enumerate() {
                    strings.entry(token.clone()).or_insert(i as i64);
                }
            }
            Tokens::Ints(list) => {
                for (i, &token) in list.iter().enumerate() {
                    ints.entry(token).or_insert(i as i64);
                }
            }
        }
        *self.0.write().unwrap_or_else(|p| p.into_inner()) = Some(Arc::new(Index { tokens, strings, ints }));
    }

    /// The tokens; `None` before they are set.
    pub fn tokens(&self) -> Option<Tokens> {
        self.index().map(|index| index.tokens.clone())
    }

    /// Number of tokens; `None` before they are set.
    pub fn count(&self) -> Option<usize> {
        self.index().map(|index| index.tokens.len())
    }

    /// Whether there are tokens.
    pub fn is_set(&self) -> bool {
        self.index().is_some()
    }

    fn index(&self) -> Option<Arc<Index>> {
        self.0.read().unwrap_or_else(|p| p.into_inner()).clone()
    }
}

/// What becomes of tokens that are in no vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfVocabulary {
    /// They are an error.
    Refuse,
    /// All have that index.
    Index(i64),
    /// Integers have one of that many indices from the first on, by the remainder.
    Modulo {
        /// The first index.
        first: i64,
        /// Number of indices.
        count: i64,
    },
    /// They have one of that many indices from the first on, by their hash.
    Hash {
        /// The first index.
        first: i64,
        /// Number of indices.
        count: u64,
        /// SipHash's key; FarmHash is taken where there is none.
        key: Option<[u64; 2]>,
    },
}

/// What [`IndexLookup`] looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenLookup {
    /// The places of tokens.
    Places {
        /// What becomes of unknown tokens.
        unknown: OutOfVocabulary,
        /// A token with an index of its own.
        mask: Option<(Tokens, i64)>,
    },
    /// The tokens at places.
    Tokens {
        /// The token of places outside of the vocabulary.
        unknown: Tokens,
        /// The token of place 0.
        mask: Option<Tokens>,
    },
}

/// `_IndexLookup(keys)`: tokens as their places in a vocabulary, or the tokens at places.
#[derive(Clone, Debug)]
pub struct IndexLookup {
    /// The vocabulary, whose first token has the place `first`.
    pub vocabulary: Arc<Vocabulary>,
    /// Places before the first token.
    pub first: i64,
    /// What is looked for.
    pub lookup: TokenLookup,
    /// Who asks: for errors.
    pub owner: String,
}

impl IndexLookup {
    fn wrong(&self, argument_name: &str, expected: impl Into<String>, found: impl Into<String>) -> crate::Error {
        argument("IndexLookup", &self.owner, argument_name, expected, found)
    }

    fn unknown_place(
        &self,
        unknown: OutOfVocabulary,
        token: impl FnOnce() -> Vec<u8>,
        int: Option<i64>,
    ) -> Result<i64> {
        Ok(match unknown {
            OutOfVocabulary::Refuse => {
                let found = String::from_utf8_lossy(&token()).chars().take(60).collect::<String>();
                let expected = "tokens of the vocabulary, as `num_oov_indices` is 0";
                return Err(self.wrong("inputs", expected, format!("`{found}`")));
            }
            OutOfVocabulary::Index(index) => index,
            OutOfVocabulary::Modulo { first, count } => first + int.unwrap_or(0).rem_euclid(count.max(1)),
            OutOfVocabulary::Hash { first, count, key } => {
                let token = token();
                let hash = key.map_or_else(|| fingerprint64(&token), |key| sip_hash(key, &token));
                first + (hash % count.max(1)) as i64
            }
        })
    }
}

impl Op for IndexLookup {
    fn name(&self) -> &'static str {
        "_IndexLookup"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let dtype = match &self.lookup {
            TokenLookup::Places { .. } => {
                if !matches!(cx.dtype(0)?, DType::String | DType::I64) {
                    return Err(cx.wrong("inputs", "strings or int64", cx.dtype(0)?.to_string()));
                }
                DType::I64
            }
            TokenLookup::Tokens { unknown, .. } => {
                cx.of_dtype(0, DType::I64)?;
                unknown.dtype()
            }
        };
        Ok(vec![ValueInfo::new(dtype, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let Some(index) = self.vocabulary.index() else {
            let expected = "one that was given, adapted or loaded: call `adapt` or `set_vocabulary`";
            return Err(self.wrong("vocabulary", expected, "none"));
        };
        let input = run.input(0);
        let output = &mut run.outputs[0];
        match &self.lookup {
            TokenLookup::Places { unknown, mask } if input.dtype() == Some(DType::String) => {
                let mask = match mask {
                    Some((Tokens::Strings(token), place)) => token.first().map(|token| (token, *place)),
                    _ => None,
                };
                for (place, token) in output.slice::<i64>()?.iter_mut().zip(input.slice::<Vec<u8>>()?) {
                    *place = match (mask, index.strings.get(token)) {
                        (Some((mask, masked)), _) if mask == token => masked,
                        (_, Some(found)) => self.first + found,
                        _ => self.unknown_place(*unknown, || token.clone(), None)?,
                    };
                }
            }
            TokenLookup::Places { unknown, mask } => {
                let mask = match mask {
                    Some((Tokens::Ints(token), place)) => token.first().map(|token| (token, *place)),
                    _ => None,
                };
                for (place, token) in output.slice::<i64>()?.iter_mut().zip(input.slice::<i64>()?) {
                    *place = match (mask, index.ints.get(token)) {
                        (Some((mask, masked)), _) if mask == token => masked,
                        (_, Some(found)) => self.first + found,
                        _ => self.unknown_place(*unknown, || token.to_string().into_bytes(), Some(*token))?,
                    };
                }
            }
            TokenLookup::Tokens { unknown, mask } => {
                let places = input.slice::<i64>()?;
                let at = |place: i64| usize::try_from(place.checked_sub(self.first)?).ok();
                match (&index.tokens, unknown) {
                    (Tokens::Strings(tokens), Tokens::Strings(unknown)) => {
                        let mask = if let Some(Tokens::Strings(mask)) = mask { mask.first() } else { None };
                        for (token, &place) in output.slice::<Vec<u8>>()?.iter_mut().zip(places) {
                            let masked = mask.filter(|_| place == 0);
                            let found = masked.or_else(|| at(place).and_then(|i| tokens.get(i)));
                            *token = found.or(unknown.first()).cloned().unwrap_or_default();
                        }
                    }
                    (Tokens::Ints(tokens), Tokens::Ints(unknown)) => {
                        let mask = if let Some(Tokens::Ints(mask)) = mask { mask.first() } else { None };
                        for (token, &place) in output.slice::<i64>()?.iter_mut().zip(places) {
                            let masked = mask.filter(|_| place == 0);
                            let found = masked.or_else(|| at(place).and_then(|i| tokens.get(i)));
                            *token = found.or(unknown.first()).copied().unwrap_or_default();
                        }
                    }
                    _ => return Err(self.wrong("vocabulary", unknown.dtype().name(), index.tokens.dtype().name())),
                }
            }
        }
        Ok(())
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// Weights of tokens that layers and graphs share.
#[derive(Debug, Default)]
pub struct Weights(RwLock<Option<Variable>>);

impl Weights {
    /// Replaces the weights.
    ///
    /// # Errors
    /// [`kerox_tensor::Error::TooLarge`].
    pub fn set(&self, weights: Vec<f32>) -> Result<()> {
        let count = weights.len();
        let value = Tensor::from_vec(weights, [count])?;
        match self.variable().filter(|variable| variable.shape() == value.shape()) {
            Some(variable) => variable.assign(value)?,
            None => self.put(Variable::new("Variable", value, false)),
        }
        Ok(())
    }

    /// Keeps the weights in that variable, a vector of single precision.
    pub fn put(&self, variable: Variable) {
        *self.0.write().unwrap_or_else(|p| p.into_inner()) = Some(variable);
    }

    /// The variable that holds the weights; `None` before they are set.
    pub fn variable(&self) -> Option<Variable> {
        self.0.read().unwrap_or_else(|p| p.into_inner()).clone()
    }

    /// The weights; `None` before they are set.
    pub fn get(&self) -> Option<Vec<f32>> {
        Some(self.variable()?.read().as_slice::<f32>().ok()?.to_vec())
    }
}

/// `_TokenWeights()`: the weights of all places of a vocabulary.
#[derive(Clone, Debug)]
pub struct TokenWeights {
    /// The weights.
    pub weights: Arc<Weights>,
    /// Number of places.
    pub count: usize,
    /// Who asks: for errors.
    pub owner: String,
}

impl Op for TokenWeights {
    fn name(&self) -> &'static str {
        "_TokenWeights"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(0)?;
        Ok(vec![ValueInfo::new(DType::F32, Dims::from([Some(self.count)]))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let weights = self.weights.get().filter(|weights| weights.len() == self.count);
        let Some(weights) = weights else {
            let found = self.weights.get().map_or("none".into(), |weights| weights.len().to_string());
            let expected = format!("{} of them, one a token: call `adapt` or `set_vocabulary`", self.count);
            return Err(argument("IndexLookup", &self.owner, "idf_weights", expected, found));
        };
        run.outputs[0].slice::<f32>()?.copy_from_slice(&weights);
        Ok(())
    }
    fn is_pure(&self) -> bool {
        false
    }
}
