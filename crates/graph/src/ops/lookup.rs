//! Tokens as their places in a vocabulary, and back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use kerox_tensor::{DType, Tensor, Variable, fingerprint_cat64, fingerprint64};

use super::dispatch::argument;
use super::dynamic::ints;
use super::hash::sip_hash;
use super::lookup_lower::lower;
use super::table::{Table, TableFile, TableHandle};
use crate::{Dims, Graph, Infer, Op, Result, Run, Value, ValueInfo};

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

    /// The tokens as a vector.
    fn tensor(&self) -> Result<Tensor> {
        Ok(match self {
            Tokens::Strings(tokens) => Tensor::from_vec(tokens.clone(), [tokens.len()])?,
            Tokens::Ints(tokens) => Tensor::from_vec(tokens.clone(), [tokens.len()])?,
        })
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
    /// The name of the file the tokens are the lines of.
    file: Option<String>,
    /// The tables that graphs were written with, made when first asked for.
    tables: Mutex<Vec<(TableKey, TableHandle)>>,
}

/// What makes a table of a vocabulary another one: the first place, whether places are the keys, and whose it is.
type TableKey = (i64, bool, String);

/// A vocabulary that layers and graphs share: setting it changes what every graph looks up.
#[derive(Debug, Default)]
pub struct Vocabulary(RwLock<Option<Arc<Index>>>);

impl Vocabulary {
    /// Replaces the tokens. Of a token that comes twice, the first place counts.
    pub fn set(&self, tokens: Tokens) {
        self.put(tokens, None);
    }

    /// Replaces the tokens by the lines of a file of that name. Of a token that comes twice, the first place counts.
    pub fn set_file(&self, tokens: Tokens, name: impl Into<String>) {
        self.put(tokens, Some(name.into()));
    }

    fn put(&self, tokens: Tokens, file: Option<String>) {
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
        *self.0.write().unwrap_or_else(|p| p.into_inner()) =
            Some(Arc::new(Index { tokens, strings, ints, file, tables: Mutex::default() }));
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
    /// The table in which TensorFlow looks the tokens up.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] before there are tokens.
    pub fn table(&self) -> Result<TableHandle> {
        let index = self.index()?;
        let inverse = matches!(self.lookup, TokenLookup::Tokens { .. });
        let id: TableKey = (self.first, inverse, self.owner.clone());
        let mut tables = index.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, handle)) = tables.iter().find(|(other, _)| *other == id) {
            return Ok(handle.clone());
        }
        let tokens = index.tokens.tensor()?;
        let places = Tensor::from_vec((0..tokens.len() as i64).map(|i| self.first + i).collect(), [tokens.len()])?;
        // Tables of one name are one table in all models that a process has loaded, so the name stands for the content.
        let mut hash = fingerprint64(self.owner.as_bytes()).wrapping_add(self.first as u64 * 2 + u64::from(inverse));
        for i in 0..index.tokens.len() {
            hash = fingerprint_cat64(hash, fingerprint64(index.tokens.text(i).as_bytes()));
        }
        let (keys, values) = if inverse { (&places, &tokens) } else { (&tokens, &places) };
        let table = Table::new(keys.dtype(), values.dtype())?;
        table.insert(keys, values, true)?;
        let file = index.file.clone().map(|name| TableFile { name, inverse });
        let shared_name = format!("hash_table_{hash:016x}");
        let handle = TableHandle { table: Arc::new(table), shared_name, mutable: false, file };
        tables.push((id, handle.clone()));
        Ok(handle)
    }

    fn index(&self) -> Result<Arc<Index>> {
        let expected = "one that was given, adapted or loaded: call `adapt` or `set_vocabulary`";
        self.vocabulary.index().ok_or_else(|| self.wrong("vocabulary", expected, "none"))
    }

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
        let index = self.index()?;
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
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        Ok(Some(vec![lower(self, g, inputs[0])?]))
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

impl TokenWeights {
    fn all(&self) -> Result<Vec<f32>> {
        self.weights.get().filter(|weights| weights.len() == self.count).ok_or_else(|| {
            let found = self.weights.get().map_or("none".into(), |weights| weights.len().to_string());
            let expected = format!("{} of them, one a token: call `adapt` or `set_vocabulary`", self.count);
            argument("IndexLookup", &self.owner, "idf_weights", expected, found)
        })
    }
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
        run.outputs[0].slice::<f32>()?.copy_from_slice(&self.all()?);
        Ok(())
    }
    fn lower(&self, g: &mut Graph, _: &[Value]) -> Result<Option<Vec<Value>>> {
        Ok(Some(vec![g.constant(Tensor::from_vec(self.all()?, [self.count])?)?]))
    }
    fn is_pure(&self) -> bool {
        false
    }
}
