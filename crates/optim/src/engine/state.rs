//! What an optimizer holds once it knows its variables.

use std::collections::HashMap;

use kerox_tensor::Variable;
use regex_lite::Regex;
use smallvec::SmallVec;

use super::Engine;
use crate::algorithm::{Rule, ScalarSpec, SlotSpec};
use crate::cells::MAX_SLOTS;
use crate::layout::Entry;
use crate::options::Options;
use crate::{Error, Field, Form, Result};

/// The state behind an optimizer's lock.
pub(crate) struct State {
    pub rule: Box<dyn Rule>,
    pub built: bool,
    pub variables: Vec<Variable>,
    pub index: HashMap<u64, usize>,
    pub slot_specs: Vec<SlotSpec>,
    /// One row a model variable, one column a slot.
    pub slots: Vec<SmallVec<[Option<Variable>; 4]>>,
    pub averages: Vec<Variable>,
    pub accumulators: Vec<Variable>,
    pub scalar: Option<(ScalarSpec, Variable)>,
    /// All variables with their places, in the order of the form.
    pub entries: Vec<(Entry, Variable)>,
    /// Legacy hyperparameters by name, sorted: float32 scalars.
    pub hyper: Vec<(&'static str, Variable)>,
    pub excluded: Vec<Variable>,
    pub excluded_names: Vec<Regex>,
    /// Weight decay of each model variable.
    pub weight_decay: Vec<Option<f64>>,
    pub scratch: Scratch,
}

/// A gradient, the weights and every slot.
pub(crate) const BUFFERS: usize = MAX_SLOTS + 2;

/// Buffers that live as long as the optimizer, so that steps allocate nothing.
#[derive(Default)]
pub(crate) struct Scratch {
    pub order: Vec<usize>,
    pub f32: [Vec<f32>; BUFFERS],
    pub f64: [Vec<f64>; BUFFERS],
    pub rows: HashMap<i64, usize>,
}

impl State {
    pub fn new(rule: Box<dyn Rule>, options: &Options, name: &str) -> State {
        let mut state = State {
            rule,
            built: false,
            variables: Vec::new(),
            index: HashMap::new(),
            slot_specs: Vec::new(),
            slots: Vec::new(),
            averages: Vec::new(),
            accumulators: Vec::new(),
            scalar: None,
            entries: Vec::new(),
            hyper: Vec::new(),
            excluded: Vec::new(),
            excluded_names: Vec::new(),
            weight_decay: Vec::new(),
            scratch: Scratch::default(),
        };
        if options.form == Form::Legacy {
            state.create_hyper(options, name);
        }
        state
    }

    /// `optimizer.variables`.
    pub fn listed(&self, engine: &Engine) -> Vec<Variable> {
        if self.built {
            return self.entries.iter().filter(|(entry, _)| entry.listed).map(|(_, v)| v.clone()).collect();
        }
        match engine.options.form {
            Form::Legacy => Vec::new(),
            Form::Keras2 => vec![engine.iterations.clone()],
            Form::Keras3 => std::iter::once(engine.iterations.clone()).chain(engine.rate.clone()).collect(),
        }
    }

    pub fn slot(&self, variable: &Variable, role: &str) -> Option<Variable> {
        let row = *self.index.get(&variable.id())?;
        match role {
            "average" => return self.averages.get(row).cloned(),
            "gradient_accumulator" => return self.accumulators.get(row).cloned(),
            _ => {}
        }
        let column = self.slot_specs.iter().position(|slot| slot.role == role || slot.name == role)?;
        self.slots[row][column].clone()
    }

    pub fn exclude_from_weight_decay(&mut self, engine: &Engine, variables: &[Variable], names: &[&str]) -> Result<()> {
        if self.built {
            return Err(Error::Built {
                operation: "exclude variables from weight decay",
                optimizer: engine.name.clone(),
            });
        }
        let patterns = names
            .iter()
            .map(|name| {
                Regex::new(name).map_err(|error| Error::Argument {
                    class: engine.class.clone(),
                    argument: "exclude_from_weight_decay".into(),
                    expected: "names or regular expressions".into(),
                    found: format!("`{name}` ({error})"),
                })
            })
            .collect::<Result<Vec<Regex>>>()?;
        self.excluded = variables.to_vec();
        self.excluded_names = patterns;
        Ok(())
    }

    /// Takes the hyperparameters of a legacy optimizer from their variables, which a checkpoint may have changed.
    pub fn read_hyper(&mut self) {
        let hyper = &self.hyper;
        self.rule.fields(Form::Legacy, &mut |name, field| {
            if let (Field::Hyper(value), Some((_, variable))) = (field, hyper.iter().find(|(n, _)| *n == name)) {
                *value = super::scalar(variable).unwrap_or(*value);
            }
        });
    }
}
