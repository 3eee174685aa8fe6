//! The graph of objects: layers, variables, and the lists Keras keeps of them.

use kerox_format_savedmodel::NodeId;
use kerox_graph::Graph;
use kerox_graph_def::export::Capture;
use kerox_layers::core::InputLayer;
use kerox_layers::{LayerRef, Tracked, Weight};
use kerox_tensor::{Child, Trackable, Variable};

use super::write::Writer;
use super::write_functions::CallFunctions;
use super::write_metadata::identifier;
use crate::saving::Result;

impl Writer<'_> {
    /// The object of a variable.
    pub fn variable(&mut self, variable: &Variable, trainable: bool) -> NodeId {
        if let Some(&node) = self.variables.get(&variable.id()) {
            return node;
        }
        let node = self.builder.variable(variable.name(), variable.value(), trainable);
        self.variables.insert(variable.id(), node);
        node
    }

    /// The object of a variable or table that a function uses.
    pub fn captured(&mut self, capture: &Capture) -> Result<NodeId> {
        let (is_known, node) = match capture {
            Capture::Variable(variable) => {
                (self.variables.contains_key(&variable.id()), self.variable(variable, variable.trainable()))
            }
            Capture::Table(table) => (self.tables.contains_key(&table.shared_name), self.table(table)?),
        };
        if !is_known {
            self.stray.push(node);
        }
        Ok(node)
    }

    /// The object of a layer, with everything in it.
    fn layer(&mut self, layer: &LayerRef) -> Result<NodeId> {
        if let Some(&node) = self.layers.get(&layer.id()) {
            return Ok(node);
        }
        let node = self.builder.object(identifier(layer, false));
        self.layers.insert(layer.id(), node);
        if let Some(input) = layer.downcast::<InputLayer>() {
            self.input_metadata(input, node)?;
            return Ok(node);
        }
        self.fill_layer(layer, node)?;
        let call = match self.records.get(&layer.id()).cloned() {
            Some(records) if self.options.save_traces => self.layer_functions(layer, &records)?,
            _ => None,
        };
        self.layer_metadata(layer, node, call.as_ref().is_some_and(|call| call.takes_training))?;
        self.finish_layer(layer, node, call)?;
        Ok(node)
    }

    /// Weights and parts of a layer by their names.
    pub fn fill_layer(&mut self, layer: &LayerRef, node: NodeId) -> Result<()> {
        let mut names: Vec<String> = Vec::new();
        let mut unique = |wanted: &str| {
            let (mut name, mut count) = (wanted.to_string(), 0);
            while names.contains(&name) {
                count += 1;
                name = format!("{wanted}_{count}");
            }
            names.push(name.clone());
            name
        };
        let weights = layer.base().weights().clone();
        for weight in &weights {
            let child = self.variable(&weight.variable, weight.trainable);
            self.builder.child(node, unique(&weight.attr), child);
        }
        // Functions use them; their list is made when the layer is finished.
        let states = layer.states();
        states.iter().flat_map(Tracked::variables).for_each(|state| {
            self.variable(&state, false);
        });
        self.layer_state(layer, node)?;
        for (name, part) in layer.sublayers() {
            if let Some(child) = self.tracked(&part)? {
                self.builder.child(node, unique(&name), child);
            }
        }
        Ok(())
    }

    fn tracked(&mut self, tracked: &Tracked) -> Result<Option<NodeId>> {
        Ok(Some(match tracked {
            Tracked::Layer(layer) => self.layer(layer)?,
            Tracked::Variable(variable) => self.variable(variable, variable.trainable()),
            Tracked::Object(object) => self.object(&**object),
            Tracked::Container(elements) => {
                let is_list = elements.iter().enumerate().all(|(i, (key, _))| *key == i.to_string());
                let identifier = if is_list { "trackable_list_wrapper" } else { "trackable_dict_wrapper" };
                let node = self.builder.object(identifier);
                for (key, element) in elements {
                    if let Some(child) = self.tracked(element)? {
                        self.builder.child(node, key.as_str(), child);
                    }
                }
                node
            }
        }))
    }

    /// Anything else that has variables.
    pub fn object(&mut self, object: &dyn Trackable) -> NodeId {
        let node = self.builder.object("_generic_user_object");
        for (name, child) in object.children() {
            let child = match child {
                Child::Variable(variable) => self.variable(&variable, variable.trainable()),
                Child::Object(object) => self.object(&*object),
            };
            self.builder.child(node, name, child);
        }
        node
    }

    /// What Keras adds to each layer: lists of its variables and losses, its functions, and `keras_api` with both.
    pub fn finish_layer(&mut self, layer: &LayerRef, node: NodeId, call: Option<CallFunctions>) -> Result<()> {
        let lists = [
            ("variables", layer.weights()),
            ("trainable_variables", layer.trainable_weights()),
            ("non_trainable_variables", layer.non_trainable_weights()),
        ];
        let api = self.builder.object("_generic_user_object");
        for (name, weights) in lists {
            let nodes: Vec<NodeId> =
                weights.iter().map(|weight| self.variable(&weight.variable, weight.trainable)).collect();
            let list = self.builder.list(&nodes);
            if name != "non_trainable_variables" {
                self.builder.child(node, name, list);
            }
            self.builder.child(api, name, list);
        }
        let all = self.penalties(&layer.weights())?;
        let own = self.penalties(&layer.base().weights().clone())?;
        let (all, own) = (self.builder.list(&all), self.builder.list(&own));
        self.builder.child(node, "regularization_losses", all);
        self.builder.child(api, "regularization_losses", all);
        self.builder.child(api, "layer_regularization_losses", own);
        let inside = layer.layers_inside();
        let inside: Vec<NodeId> = inside.iter().filter_map(|inner| self.layers.get(&inner.id()).copied()).collect();
        let inside = self.builder.list(&inside);
        self.builder.child(api, "layers", inside);
        for (name, container) in [("metrics", self.builder.list(&[])), ("layer_metrics", self.builder.dict(&[]))] {
            self.builder.child(api, name, container);
        }
        let states = layer.states();
        if !states.is_empty()
            && let Some(states) = self.tracked(&Tracked::list(states))?
        {
            self.builder.child(api, "states", states);
        }
        self.builder.child(node, "keras_api", api);
        if let Some(call) = call {
            for (name, function) in [("__call__", call.call), ("call_and_return_all_conditional_losses", call.losses)] {
                self.builder.child(node, name, function);
                self.builder.child(api, name, function);
            }
            self.builder.child(api, "call_and_return_conditional_losses", call.losses);
            if let Some(wrapped) = call.default_signature {
                self.builder.child(node, "_default_save_signature", wrapped);
                self.builder.child(api, "_default_save_signature", wrapped);
            }
        }
        Ok(())
    }

    /// Functions of the penalties on these weights.
    fn penalties(&mut self, weights: &[Weight]) -> Result<Vec<NodeId>> {
        let mut nodes = Vec::new();
        for weight in weights.iter().filter(|_| self.options.save_traces) {
            let Some(regularizer) = &weight.regularizer else { continue };
            let id = weight.variable.id();
            if let Some(&node) = self.penalties.get(&id) {
                nodes.push(node);
                continue;
            }
            let mut g = Graph::new();
            let value = g.read(&weight.variable)?;
            let penalty = regularizer.penalty(&mut g, value)?;
            let node = self.penalty_function(&g, penalty)?;
            self.penalties.insert(id, node);
            nodes.push(node);
        }
        Ok(nodes)
    }
}
