//! What a run of `fit` leaves behind for another process to go on from.

use kerox_config_json::{Config, Value as Json};

use super::Model;
use super::fit_source::Order;
use crate::callbacks::CallbackList;
use crate::{Error, Result};

/// What is needed to go on before epoch `epoch`, beside the model and the optimizer.
pub(super) fn run_state(epoch: usize, model: &Model, order: &Order, callbacks: &CallbackList<'_>) -> Json {
    let mut states = Config::new();
    for (i, callback) in callbacks.0.iter().enumerate() {
        if let Some(state) = callback.state() {
            states.insert(format!("{i}/{}", callback.class_name()), state);
        }
    }
    // Words of 64 bits as text: JSON numbers may lose digits elsewhere.
    let words = |(seed, counter): (u64, u64)| vec![seed.to_string().into(), counter.to_string().into()];
    let order: Vec<Json> = words(order.generator.state());
    let generators: Vec<Json> = model.generators().iter().map(|g| Json::List(words(g.state()))).collect();
    let state = Config::new().with("epoch", epoch).with("order", order).with("generators", generators);
    Json::Map(state.with("callbacks", states))
}

/// Takes up a state made by [`run_state`]; gives the epoch to begin with.
pub(super) fn resume(
    state: &Json,
    model: &Model,
    order: &mut Order,
    callbacks: &mut CallbackList<'_>,
) -> Result<usize> {
    let bad = || Error::argument("fit", "backup", "the state of a run", state.describe());
    let epoch = state.get("epoch").and_then(Json::as_i64).and_then(|e| usize::try_from(e).ok()).ok_or_else(bad)?;
    let position = |words: &Json| {
        let word = |i: usize| words.as_list().and_then(|list| list.get(i)?.as_str()?.parse::<u64>().ok());
        word(0).zip(word(1)).ok_or_else(bad)
    };
    let place = position(state.get("order").ok_or_else(bad)?)?;
    // A model that has been changed since draws from other generators: those begin anew.
    let saved = state.get("generators").and_then(Json::as_list).unwrap_or_default();
    let generators = model.generators();
    if saved.len() == generators.len() {
        for (generator, words) in generators.iter().zip(saved) {
            generator.set_state(position(words)?);
        }
    }
    for (i, callback) in callbacks.0.iter_mut().enumerate() {
        let key = format!("{i}/{}", callback.class_name());
        if let Some(state) = state.get("callbacks").and_then(|states| states.get(&key)) {
            callback.restore(state)?;
        }
    }
    order.generator.set_state(place);
    Ok(epoch)
}
