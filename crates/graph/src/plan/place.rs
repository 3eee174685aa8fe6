//! Gives every value of a concrete graph its place in the arena.

use std::any::Any;
use std::collections::HashMap;

use kerox_tensor::{DType, Shape};
use smallvec::SmallVec;

use super::specialise::check_size;
use super::{FeedSpec, Operand, Plan, Step, unknown_shape};
use crate::ops::{Assign, Const, ReadVariable};
use crate::{Graph, NodeId, Result, Value};

/// Where the elements of a value lie, aliases followed.
type Home = Operand;

struct Placer<'g> {
    g: &'g Graph,
    plan: Plan,
    /// The value whose elements each value shares: itself, unless it is an alias.
    roots: HashMap<Value, Value>,
    /// The node after which the elements of a root are dead; `usize::MAX` where they must last.
    last_use: HashMap<Value, usize>,
    homes: HashMap<Value, Home>,
    /// Slots whose elements are dead.
    free: Vec<u32>,
}

pub(super) fn place(g: &Graph) -> Result<Plan> {
    let plan = Plan {
        steps: Vec::new(),
        slots: Vec::new(),
        constants: Vec::new(),
        variables: Vec::new(),
        feeds: Vec::new(),
        outputs: Vec::new(),
        assigns: Vec::new(),
        scratch: Vec::new(),
    };
    let mut placer =
        Placer { g, plan, roots: HashMap::new(), last_use: HashMap::new(), homes: HashMap::new(), free: Vec::new() };
    placer.find_lifetimes();
    placer.place_nodes()?;
    placer.place_outputs()?;
    Ok(placer.plan)
}

impl Placer<'_> {
    fn find_lifetimes(&mut self) {
        for (i, node) in self.g.nodes().iter().enumerate() {
            for value in self.g.values(NodeId(i as u32)) {
                let root = if node.op.is_alias() && value.output == 0 { self.roots[&node.inputs[0]] } else { value };
                self.roots.insert(value, root);
            }
            let is_assign = (&*node.op as &dyn Any).is::<Assign>();
            for (k, input) in node.inputs.iter().enumerate() {
                if node.op.reads(k) || node.op.is_alias() {
                    let end = if is_assign { usize::MAX } else { i };
                    let last = self.last_use.entry(self.roots[input]).or_insert(0);
                    *last = (*last).max(end);
                }
            }
        }
        for output in &self.g.outputs {
            self.last_use.insert(self.roots[output], usize::MAX);
        }
    }

    fn place_nodes(&mut self) -> Result<()> {
        let g = self.g;
        for (i, node) in g.nodes().iter().enumerate() {
            let id = NodeId(i as u32);
            let value = Value { node: id, output: 0 };
            let op: &dyn Any = &*node.op;
            if let Some(at) = g.inputs.iter().position(|&v| v == value) {
                let shape = self.shape(value)?;
                let dtype = g.dtype(value);
                self.plan.feeds.push(FeedSpec { name: node.name.clone(), dtype, shape });
                self.homes.insert(value, Operand::Feed(at as u32));
            } else if let Some(constant) = op.downcast_ref::<Const>() {
                self.homes.insert(value, Operand::Constant(self.plan.constants.len() as u32));
                self.plan.constants.push(constant.value.clone());
            } else if let Some(read) = op.downcast_ref::<ReadVariable>() {
                let at = self.plan.variables.iter().position(|v| *v == read.variable).unwrap_or_else(|| {
                    self.plan.variables.push(read.variable.clone());
                    self.plan.variables.len() - 1
                });
                self.homes.insert(value, Operand::Variable(at as u32));
            } else if let Some(assign) = op.downcast_ref::<Assign>() {
                let input = node.inputs[0];
                let (home, shape) = (self.home(input), self.shape(input)?);
                self.plan.assigns.push((assign.variable.clone(), home, shape));
            } else if node.op.is_alias() {
                let home = self.home(node.inputs[0]);
                self.homes.insert(value, home);
            } else {
                self.place_step(i)?;
            }
        }
        Ok(())
    }

    fn place_step(&mut self, i: usize) -> Result<()> {
        let (g, id) = (self.g, NodeId(i as u32));
        let node = g.node(id);
        let mut inputs: SmallVec<[(Operand, Shape); 4]> = SmallVec::new();
        for (k, &input) in node.inputs.iter().enumerate() {
            let operand = if node.op.reads(k) { self.home(input) } else { Operand::ShapeOnly };
            inputs.push((operand, self.shape(input)?));
        }
        let mut outputs: SmallVec<[(u32, Shape); 2]> = SmallVec::new();
        for value in g.values(id) {
            let shape = self.shape(value)?;
            let slot = match self.slot_to_write_over(i, &inputs, value, &shape) {
                Some((k, slot)) => {
                    inputs[k].0 = Operand::InPlace(value.output as u8);
                    slot
                }
                None => {
                    check_size(node.op.name(), g.dtype(value), &shape)?;
                    self.take_slot(g.dtype(value), shape.checked_elements()?)
                }
            };
            self.homes.insert(value, Operand::Slot(slot));
            outputs.push((slot, shape));
        }
        let input_shapes: Vec<&Shape> = inputs.iter().map(|(_, shape)| shape).collect();
        let output_shapes: Vec<&Shape> = outputs.iter().map(|(_, shape)| shape).collect();
        let scratch_len = node.op.scratch(&input_shapes, &output_shapes);
        let scratch = match node.outputs.first() {
            Some(info) if scratch_len > 0 => Some(self.take_scratch(info.dtype, scratch_len)),
            _ => None,
        };
        self.plan.steps.push(Step { name: node.name.clone(), op: node.op.clone(), inputs, outputs, scratch });
        self.release(i);
        Ok(())
    }

    /// The slot of an input that dies here and may be written over.
    fn slot_to_write_over(
        &self,
        i: usize,
        inputs: &[(Operand, Shape)],
        output: Value,
        shape: &Shape,
    ) -> Option<(usize, u32)> {
        let node = self.g.node(NodeId(i as u32));
        node.op.in_place().iter().filter(|(_, o)| *o == output.output as usize).find_map(|&(k, _)| {
            let (operand, input_shape) = inputs.get(k)?;
            let Operand::Slot(slot) = *operand else { return None };
            let root = self.roots[&node.inputs[k]];
            let only_use = inputs.iter().filter(|(other, _)| *other == Operand::Slot(slot)).count() == 1;
            let fits = self.last_use[&root] == i
                && self.g.dtype(node.inputs[k]) == self.g.dtype(output)
                && input_shape.elements() == shape.elements();
            (only_use && fits).then_some((k, slot))
        })
    }

    /// Frees the slots whose values are dead after node `i`.
    fn release(&mut self, i: usize) {
        let node = self.g.node(NodeId(i as u32));
        let mut dead: Vec<u32> = Vec::new();
        for &input in &node.inputs {
            let root = self.roots[&input];
            if self.last_use.get(&root) == Some(&i)
                && let Some(&Operand::Slot(slot)) = self.homes.get(&root)
            {
                dead.push(slot);
            }
        }
        // Outputs nobody reads are dead at once; those written over an input live on in its slot.
        for value in self.g.values(NodeId(i as u32)) {
            if let Some(&Operand::Slot(slot)) = self.homes.get(&value) {
                match self.last_use.contains_key(&self.roots[&value]) {
                    true => dead.retain(|&d| d != slot),
                    false => dead.push(slot),
                }
            }
        }
        dead.sort_unstable();
        dead.dedup();
        self.free.retain(|slot| !dead.contains(slot));
        self.free.append(&mut dead);
    }

    fn take_slot(&mut self, dtype: DType, len: usize) -> u32 {
        let slots = &self.plan.slots;
        let of_type = |&(_, &slot): &(usize, &u32)| slots[slot as usize].0 == dtype;
        let size = |slot: u32| slots[slot as usize].1;
        let free = || self.free.iter().enumerate().filter(of_type);
        let fitting = free().filter(|(_, slot)| size(**slot) >= len).min_by_key(|(_, slot)| size(**slot));
        let best = fitting.or_else(|| free().max_by_key(|(_, slot)| size(**slot))).map(|(at, &slot)| (at, slot));
        match best {
            Some((at, slot)) => {
                self.free.swap_remove(at);
                let size = &mut self.plan.slots[slot as usize].1;
                *size = (*size).max(len);
                slot
            }
            None => {
                self.plan.slots.push((dtype, len));
                (self.plan.slots.len() - 1) as u32
            }
        }
    }

    fn take_scratch(&mut self, dtype: DType, len: usize) -> usize {
        match self.plan.scratch.iter().position(|(d, _)| *d == dtype) {
            Some(at) => {
                self.plan.scratch[at].1 = self.plan.scratch[at].1.max(len);
                at
            }
            None => {
                self.plan.scratch.push((dtype, len));
                self.plan.scratch.len() - 1
            }
        }
    }

    fn place_outputs(&mut self) -> Result<()> {
        for &output in &self.g.outputs {
            let shape = self.shape(output)?;
            self.plan.outputs.push((self.home(output), shape, self.g.dtype(output)));
        }
        Ok(())
    }

    fn home(&self, value: Value) -> Home {
        self.homes[&value]
    }

    fn shape(&self, value: Value) -> Result<Shape> {
        self.g.dims(value).shape().ok_or_else(|| unknown_shape(self.g, value))
    }
}
