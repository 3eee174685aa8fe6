//! Branches and loops: their functions become graphs of their own.

use std::sync::Arc;

use kerox_format_savedmodel::messages::NodeDef;
use kerox_graph::{Attr, Attrs, Graph, Value, ops};

use crate::handle::Slot;
use crate::import::Importer;
use crate::{Error, Result};

impl Importer<'_, '_> {
    /// `If`, `Case`, `While` and their stateless forms. Handles of variables are resolved in the functions and are no
    /// inputs of the node.
    pub(crate) fn control(
        &mut self,
        g: &mut Graph,
        node: &NodeDef,
        mut attrs: Attrs,
        mut inputs: Vec<Slot>,
    ) -> Result<Vec<Slot>> {
        let is_loop = matches!(node.op.as_str(), "While" | "StatelessWhile");
        let mut values: Vec<Value> = Vec::new();
        if !is_loop {
            if inputs.is_empty() {
                return Err(Error::invalid("node", &node.name, "a condition", "no input"));
            }
            let condition = inputs.remove(0);
            values.push(self.value(g, &condition, &node.name)?);
        }
        let mut given = Vec::with_capacity(inputs.len());
        for slot in &inputs {
            match slot {
                Slot::Variable(handle) if !handle.is_ref => given.push(Some(slot.clone())),
                _ => {
                    values.push(self.value(g, slot, &node.name)?);
                    given.push(None);
                }
            }
        }
        // What one of the functions assigns is read anew by all that follows.
        let mut written = self.written.clone();
        let mut results: Option<Vec<Slot>> = None;
        let mut has_effects = false;
        let names: Vec<(String, Attr)> = attrs.iter().map(|(name, attr)| (name.to_owned(), attr.clone())).collect();
        for (name, attr) in names {
            let is_condition = name == "cond";
            let mut import = |this: &mut Self, function: &str| -> Result<Attr> {
                this.written = written.clone();
                let (mut body, slots) = this.graph_of(function, &given, &node.name)?;
                for (at, slot) in slots.iter().enumerate() {
                    let passes = matches!(slot, Slot::Variable(handle) if !handle.is_ref);
                    if passes && is_loop && given.get(at) != Some(&Some(slot.clone())) {
                        let found = format!("another in result {at} of `{function}`");
                        return Err(Error::invalid("node", &node.name, "the same variable in every round", found));
                    }
                    if !passes {
                        let value = this.value(&mut body, slot, &node.name)?;
                        body.outputs.push(value);
                    }
                }
                written.extend(this.written.iter().copied());
                has_effects |= !body.effects.is_empty();
                if !is_condition {
                    results = Some(slots);
                }
                Ok(Attr::Func(function.to_owned(), Some(Arc::new(body))))
            };
            let attr = match attr {
                Attr::Func(function, _) => import(self, &function)?,
                Attr::List(list) if list.iter().any(|item| matches!(item, Attr::Func(..))) => {
                    let mut bodies = Vec::with_capacity(list.len());
                    for item in list {
                        if let Attr::Func(function, _) = item {
                            bodies.push(import(self, &function)?);
                        }
                    }
                    Attr::List(bodies)
                }
                _ => continue,
            };
            attrs.insert(name, attr);
        }
        self.written = written;
        let results = results.unwrap_or_default();
        // The lists of types lose what is no longer passed.
        let inputs_kept: Vec<bool> = given.iter().map(Option::is_none).collect();
        let outputs_kept: Vec<bool> =
            results.iter().map(|slot| !matches!(slot, Slot::Variable(handle) if !handle.is_ref)).collect();
        let lists =
            [("T", &inputs_kept), ("Tin", &inputs_kept), ("Tout", &outputs_kept), ("output_shapes", &outputs_kept)];
        for (name, kept) in lists {
            if let Some(Attr::List(list)) = attrs.get(name)
                && list.len() == kept.len()
            {
                let list = list.iter().zip(kept).filter(|(_, kept)| **kept).map(|(item, _)| item.clone());
                let list = list.collect();
                attrs.insert(name, Attr::List(list));
            }
        }
        let op = ops::build(&node.op, &attrs)?;
        let id = g.add_node(&node.name, op, &values)?;
        if has_effects {
            g.effects.push(id);
        }
        let mut outputs = g.values(id).into_iter();
        let mut slots = Vec::with_capacity(results.len());
        for (slot, kept) in results.into_iter().zip(outputs_kept) {
            slots.push(if kept {
                let value = outputs.next().ok_or_else(|| {
                    Error::invalid("node", &node.name, "as many outputs as its functions have", "fewer")
                })?;
                Slot::Value(value)
            } else {
                slot
            });
        }
        Ok(slots)
    }
}
