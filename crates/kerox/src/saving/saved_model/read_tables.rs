//! What layers hold beside weights: vocabularies out of tables, weights of tokens, states of recurrent layers.

use std::rc::Rc;

use kerox_format_savedmodel::Object;
use kerox_layers::{LayerRef, Tracked};

use super::revive::Reviver;
use crate::saving::Result;

/// Layers inside layers, and lists inside lists.
const MAX_DEPTH: usize = 64;

/// Gives the layers that look things up what the saved ones looked into, and stateful layers their states; layers are
/// found by the names of their parts.
pub(super) fn restore(reviver: &Rc<Reviver>, layer: &LayerRef, saved: Object<'_>, depth: usize) -> Result<()> {
    if depth >= MAX_DEPTH {
        return Ok(());
    }
    if let (Some(state), true) = (layer.state(), saved.child("lookup_table").is_some()) {
        let graph = reviver.graph()?;
        let (mut arrays, mut tables) = (Vec::new(), Vec::new());
        for (name, child) in saved.children() {
            if child.variable().is_some() {
                let variable = graph.variable_of(child.id)?;
                arrays.extend(variable.map(|variable| (name.to_owned(), variable.value())));
            } else if name == "lookup_table" {
                tables.extend(graph.table(child.id)?.map(|(keys, values)| (name.to_owned(), keys, values)));
            }
        }
        state.set_arrays(&arrays)?;
        state.set_tables(&tables)?;
    }
    let states = layer.states();
    if let (false, Some(saved)) = (states.is_empty(), saved.child("keras_api").and_then(|api| api.child("states"))) {
        states_of(reviver, &Tracked::list(states), saved)?;
    }
    for (name, part) in layer.sublayers() {
        if let Some(child) = saved.child(&name) {
            tracked(reviver, &part, child, depth + 1)?;
        }
    }
    Ok(())
}

fn tracked(reviver: &Rc<Reviver>, part: &Tracked, saved: Object<'_>, depth: usize) -> Result<()> {
    match part {
        Tracked::Layer(layer) => restore(reviver, layer, saved, depth),
        Tracked::Container(elements) if depth < MAX_DEPTH => {
            for (name, element) in elements {
                if let Some(child) = saved.child(name) {
                    tracked(reviver, element, child, depth + 1)?;
                }
            }
            Ok(())
        }
        Tracked::Container(_) | Tracked::Variable(_) | Tracked::Object(_) => Ok(()),
    }
}

/// Gives states the values of the saved ones, where these are of the same types and shapes.
fn states_of(reviver: &Rc<Reviver>, part: &Tracked, saved: Object<'_>) -> Result<()> {
    match part {
        Tracked::Variable(state) => {
            if let Some(value) = reviver.graph()?.variable_of(saved.id)?.map(|variable| variable.value())
                && (value.dtype(), value.shape()) == (state.dtype(), state.shape())
            {
                state.assign(value)?;
            }
        }
        Tracked::Container(elements) => {
            for (name, element) in elements {
                if let Some(child) = saved.child(name) {
                    states_of(reviver, element, child)?;
                }
            }
        }
        Tracked::Layer(_) | Tracked::Object(_) => {}
    }
    Ok(())
}
