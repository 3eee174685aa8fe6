//! What layers have learnt of their data: tables of tokens with their files, and weights of tokens.

use kerox_format_savedmodel::{NodeId, TextTable};
use kerox_graph::ops::{TableHandle, Tokens};
use kerox_layers::LayerRef;
use kerox_tensor::{DType, Tensor};

use super::write::Writer;
use crate::saving::Result;

impl Writer<'_> {
    /// Tables and arrays of a layer that looks things up, by their names in Keras.
    pub fn layer_state(&mut self, layer: &LayerRef, node: NodeId) -> Result<()> {
        let Some(state) = layer.state() else { return Ok(()) };
        let tables = state.tables()?;
        if tables.is_empty() {
            // The state of one that only hands on to another is that one's.
            return Ok(());
        }
        for (name, table) in &tables {
            let table = self.table(table)?;
            self.builder.child(node, name, table);
        }
        for (name, array) in state.arrays() {
            let variable = self.builder.variable("Variable", array, false);
            self.builder.child(node, name, variable);
        }
        for (name, tokens) in state.counters() {
            let counter = match tokens {
                Some(keys) => self.builder.empty_counts(keys),
                None => self.builder.variable("Variable", Tensor::scalar(0i64), false),
            };
            self.builder.checkpoint_child(node, name, counter);
        }
        Ok(())
    }

    /// The object of a table.
    pub fn table(&mut self, handle: &TableHandle) -> Result<NodeId> {
        if let Some(&node) = self.tables.get(&handle.shared_name) {
            return Ok(node);
        }
        let (keys, values) = in_order(handle)?;
        let node = match &handle.file {
            None => self.builder.table(&handle.shared_name, &keys, &values),
            Some(file) => {
                let (lines, places) = if file.inverse { (&values, &keys) } else { (&keys, &values) };
                let offset = places.as_slice::<i64>()?.first().copied().unwrap_or_default();
                let asset = self.builder.asset(file.name.as_str(), text(lines));
                let (line, number) = (-2, -1);
                let (key_index, value_index) = if file.inverse { (number, line) } else { (line, number) };
                let (keys, values) = (keys.dtype(), values.dtype());
                let table = TextTable { asset, key_index, value_index, offset, keys, values };
                self.builder.table_from_file(&handle.shared_name, &table)
            }
        };
        self.tables.insert(handle.shared_name.clone(), node);
        Ok(node)
    }
}

/// Keys and values in the order of the places.
fn in_order(handle: &TableHandle) -> Result<(Tensor, Tensor)> {
    let (keys, values) = handle.table.export()?;
    if handle.file.as_ref().is_some_and(|file| file.inverse) {
        return Ok((keys, values));
    }
    let Ok(places) = values.as_slice::<i64>() else { return Ok((keys, values)) };
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&i| places.get(i));
    let sorted: Vec<i64> = order.iter().filter_map(|&i| places.get(i).copied()).collect();
    let shape = [sorted.len()];
    let keys = match Tokens::of(&keys) {
        Some(Tokens::Strings(all)) => {
            Tensor::from_vec(order.iter().filter_map(|&i| all.get(i).cloned()).collect(), shape)?
        }
        Some(Tokens::Ints(all)) if keys.dtype() == DType::I64 => {
            Tensor::from_vec(order.iter().filter_map(|&i| all.get(i).copied()).collect(), shape)?
        }
        _ => return Ok((keys, values)),
    };
    Ok((keys, Tensor::from_vec(sorted, shape)?))
}

/// One token a line.
fn text(tokens: &Tensor) -> Vec<u8> {
    let mut text = Vec::new();
    match Tokens::of(tokens) {
        Some(Tokens::Strings(all)) => all.iter().for_each(|token| {
            text.extend_from_slice(token);
            text.push(b'\n');
        }),
        Some(Tokens::Ints(all)) => all.iter().for_each(|token| text.extend(format!("{token}\n").into_bytes())),
        None => {}
    }
    text
}
