//! Lookups in TensorFlow's operations: a table, what becomes of unknown tokens, and the mask.

use std::sync::Arc;

use kerox_tensor::{DType, Tensor};

use super::checks::Assert;
use super::lookup::{IndexLookup, OutOfVocabulary, TokenLookup, Tokens};
use super::reduce::{Reduce, ReduceKind};
use super::strings::{AsString, StringKind, StringMap};
use super::table::{TableKind, TableOp};
use crate::{Graph, Result, Value};

/// Adds the operations that a lookup is made of.
pub(super) fn lower(op: &IndexLookup, g: &mut Graph, keys: Value) -> Result<Value> {
    let table = op.table()?;
    let dtype = table.table.value_dtype();
    let handle = g.add_single(table, &[])?;
    let find = |g: &mut Graph, default: Value| g.add_single(TableOp(TableKind::Find(dtype)), &[handle, keys, default]);
    match &op.lookup {
        TokenLookup::Places { unknown, mask } => {
            let default = match unknown {
                OutOfVocabulary::Index(index) => *index,
                // No token has that place.
                _ => -1,
            };
            let default = place(g, default)?;
            let mut places = find(g, default)?;
            if let Some((token, masked)) = mask {
                let masked = place(g, *masked)?;
                places = mask_of(g, keys, token, masked, places)?;
            }
            known(g, *unknown, keys, default, places)
        }
        TokenLookup::Tokens { unknown, mask } => {
            let default = first(g, unknown)?;
            let tokens = find(g, default)?;
            let Some(mask) = mask else { return Ok(tokens) };
            let masked = first(g, mask)?;
            mask_of(g, keys, &Tokens::Ints(vec![0]), masked, tokens)
        }
    }
}

fn place(g: &mut Graph, place: i64) -> Result<Value> {
    g.constant(Tensor::scalar(place))
}

/// The one token of a list.
fn first(g: &mut Graph, token: &Tokens) -> Result<Value> {
    g.constant(match token {
        Tokens::Strings(list) => Tensor::scalar(list.first().cloned().unwrap_or_default()),
        Tokens::Ints(list) => Tensor::scalar(list.first().copied().unwrap_or_default()),
    })
}

/// `masked` where a key is the token, else what was found.
fn mask_of(g: &mut Graph, keys: Value, token: &Tokens, masked: Value, found: Value) -> Result<Value> {
    let token = first(g, token)?;
    let is_it = g.equal(keys, token)?;
    g.select(is_it, masked, found)
}

/// Gives unknown tokens, whose place is `default` so far, the place they are to have.
fn known(g: &mut Graph, unknown: OutOfVocabulary, keys: Value, default: Value, places: Value) -> Result<Value> {
    let others = match unknown {
        OutOfVocabulary::Index(_) => return Ok(places),
        OutOfVocabulary::Refuse => {
            let is_known = g.not_equal(places, default)?;
            let text = "When `num_oov_indices=0` all inputs should be in vocabulary, consider `num_oov_indices=1`.";
            assert_all(g, is_known, text)?;
            return Ok(places);
        }
        OutOfVocabulary::Modulo { first, count } => {
            let count = place(g, count)?;
            let remainder = g.floor_mod(keys, count)?;
            let first = place(g, first)?;
            g.add(remainder, first)?
        }
        OutOfVocabulary::Hash { first, count, key } => {
            let text = match g.dtype(keys) {
                DType::String => keys,
                _ => {
                    let (precision, fill) = (None, String::new());
                    g.add_single(AsString { precision, scientific: false, shortest: false, width: 0, fill }, &[keys])?
                }
            };
            let kind = key.map_or(StringKind::HashFast(count), |key| StringKind::HashStrong(count, key));
            let bucket = g.add_single(StringMap(kind), &[text])?;
            let first = place(g, first)?;
            g.add(bucket, first)?
        }
    };
    let is_unknown = g.equal(places, default)?;
    g.select(is_unknown, others, places)
}

/// Adds a check that is run though nothing uses it: an error with that text unless all are true.
pub(super) fn assert_all(g: &mut Graph, conditions: Value, text: &str) -> Result<()> {
    let all = g.constant(Tensor::from_vec(vec![-1i32], [1])?)?;
    let flat = g.reshape_to(conditions, all)?;
    let axes = g.constant(Tensor::from_vec(vec![0i32], [1])?)?;
    let all = g.add_single(Reduce { kind: ReduceKind::All, keep_dims: false }, &[flat, axes])?;
    let text = g.constant(Tensor::scalar(text.as_bytes().to_vec()))?;
    let check = g.add_node("Assert", Arc::new(Assert), &[all, text])?;
    g.effects.push(check);
    Ok(())
}
