//! The optimizer as a node of TensorFlow's object graph.

use std::sync::Arc;

use kerox_tensor::trackable::{CreateHook, TrackableList};
use kerox_tensor::{Child, Slot, Trackable, Variable};

use super::Engine;
use crate::Form;
use crate::layout::Target;

/// A child that lists variables.
fn list(variables: Vec<Variable>) -> Child {
    Child::Object(Arc::new(TrackableList(variables.into_iter().map(Child::Variable).collect())))
}

impl Trackable for Engine {
    fn children(&self) -> Vec<(String, Child)> {
        let state = self.state();
        let form = self.options.form;
        let mut children: Vec<(String, Child)> = Vec::new();
        let mut push = |name: &str, child| children.push((name.to_string(), child));
        if form == Form::Legacy {
            // Nothing exists before the first step.
            if !state.built {
                return children;
            }
            push("iter", Child::Variable(self.iterations.clone()));
            let mut scalars: Vec<(&str, &Variable)> = state.hyper.iter().map(|(name, v)| (*name, v)).collect();
            scalars.extend(self.rate.as_ref().map(|rate| ("learning_rate", rate)));
            scalars.sort_unstable_by_key(|(name, _)| *name);
            scalars.extend(state.scalar.as_ref().map(|(spec, variable)| (spec.attribute, variable)));
            scalars.into_iter().for_each(|(name, variable)| push(name, Child::Variable(variable.clone())));
            return children;
        }
        push("_variables", list(state.listed(self)));
        if form == Form::Keras3 && state.built {
            push("_trainable_variables", list(state.variables.clone()));
        }
        push("_iterations", Child::Variable(self.iterations.clone()));
        if let Some(rate) = &self.rate {
            let scheduled = matches!(self.options.learning_rate, crate::LearningRate::Schedule(_));
            let name = if scheduled { "_current_learning_rate" } else { "_learning_rate" };
            push(name, Child::Variable(rate.clone()));
        }
        if !state.averages.is_empty() {
            push("_model_variables_moving_average", list(state.averages.clone()));
        }
        if !state.accumulators.is_empty() {
            push("_accumulated_gradients", list(state.accumulators.clone()));
        }
        // Keras 2.15's Nadam makes its scalar before the slots, but fills the lists it has named by then.
        for spec in &state.slot_specs {
            let of_role = |target: &Target| matches!(target, Target::Slot { role, .. } | Target::Placeholder { role, .. } if *role == spec.role);
            let slots: Vec<Variable> =
                state.entries.iter().filter(|(entry, _)| of_role(&entry.target)).map(|(_, v)| v.clone()).collect();
            if !slots.is_empty() && !spec.list.is_empty() {
                push(spec.list, list(slots));
            }
        }
        if let Some((spec, variable)) = &state.scalar {
            push(spec.attribute, Child::Variable(variable.clone()));
        }
        children
    }

    fn slots(&self) -> Vec<Slot> {
        if self.options.form != Form::Legacy {
            return Vec::new();
        }
        let state = self.state();
        let name_of = |role: &str| state.slot_specs.iter().find(|s| s.role == role).map_or("", |s| s.name);
        state
            .entries
            .iter()
            .filter_map(|(entry, slot)| match &entry.target {
                Target::Slot { role, variable } => Some(Slot {
                    original: state.variables[*variable].clone(),
                    slot_name: name_of(role).to_string(),
                    variable: slot.clone(),
                }),
                _ => None,
            })
            .collect()
    }

    fn on_create(&self, hook: CreateHook) {
        self.hooks.push(hook);
    }
}
