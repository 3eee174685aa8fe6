//! Weights of a file to the variables of a model: found, checked, then assigned.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use kerox_format_ckpt::{LoadEntry, LoadOutcome, LoadReport};
use kerox_layers::{LayerRef, Lora, Weight};
use kerox_tensor::trackable::TensorInfo;
use kerox_tensor::{Tensor, Variable};

use super::load_options::LoadWeightsOptions;
use super::package::{Package, SavedLayer, SavedObject, SavedWeight, SavedWeights};
use super::{Error, Result, h5, layouts, tree};

/// What is to be done, and what is to be said about it.
pub(super) struct Plan<'a> {
    package: &'a Package,
    infos: HashMap<String, TensorInfo>,
    values: Vec<(Variable, Tensor)>,
    entries: Vec<LoadEntry>,
    used: HashSet<String>,
    /// Layers with what they keep beside weights: arrays and files.
    states: Vec<(LayerRef, NamedArrays, NamedFiles)>,
    summary: Option<String>,
}

type NamedArrays = Vec<(String, Tensor)>;
type NamedFiles = Vec<(String, Vec<u8>)>;

/// Gives a model the weights of a file.
///
/// # Errors
/// [`Error::Weights`] where they do not fit; nothing has been changed then.
pub(super) fn weights(network: &LayerRef, package: &Package, options: &LoadWeightsOptions) -> Result<LoadReport> {
    if options.skip_mismatch && !options.by_name && matches!(package.weights, SavedWeights::Layers { .. }) {
        return Err(Error::Option {
            operation: "load_weights",
            expected: "`by_name` with `skip_mismatch`".into(),
            found: "`skip_mismatch` alone".into(),
        });
    }
    let mut plan = Plan {
        package,
        infos: package.infos(),
        values: Vec::new(),
        entries: Vec::new(),
        used: HashSet::new(),
        states: Vec::new(),
        summary: None,
    };
    match &package.weights {
        SavedWeights::Layers { layers, top_level } if options.by_name => {
            plan.by_name(network, layers, top_level, options.skip_mismatch)?;
        }
        _ if options.by_name => {
            return Err(Error::Option {
                operation: "load_weights",
                expected: "an HDF5 file of layers with `by_name`".into(),
                found: format!("a {} file", package.format.title),
            });
        }
        SavedWeights::Layers { layers, top_level } => plan.by_topology(network, layers, top_level)?,
        SavedWeights::Tree(objects) => plan.tree(network, objects, options.skip_mismatch)?,
        SavedWeights::Named => plan.named(network)?,
        SavedWeights::None | SavedWeights::Checkpoint(_) => {
            return Err(Error::Content {
                operation: "load weights from",
                path: package.path.clone(),
                expected: "weights".into(),
                found: format!("a {} file without any", package.format.title),
                help: "give the file with the weights".into(),
            });
        }
    }
    plan.finish()
}

/// A name without `:0`.
fn bare(name: &str) -> &str {
    name.strip_suffix(":0").unwrap_or(name)
}

/// Which of the saved weights belongs to each of the model's: by name where all have partners that fit, else by
/// order.
fn pair(weights: &[Weight], saved: &[SavedWeight], infos: &HashMap<String, TensorInfo>) -> Vec<usize> {
    let in_order: Vec<usize> = (0..saved.len()).collect();
    if weights.len() != saved.len() {
        return in_order;
    }
    let fits = |weight: &Weight, at: usize| {
        saved.get(at).and_then(|s| infos.get(&s.key)).is_some_and(|info| info.shape == *weight.variable.shape())
    };
    // Keras 3 begins names with the model's.
    for skip in [0, 1] {
        let names: Vec<&str> = saved
            .iter()
            .map(|s| bare(&s.name))
            .map(|name| if skip == 0 { name } else { name.split_once('/').map_or(name, |(_, rest)| rest) })
            .collect();
        let distinct: HashSet<&str> = names.iter().copied().collect();
        if distinct.len() != names.len() {
            continue;
        }
        let found: Option<Vec<usize>> =
            weights.iter().map(|w| names.iter().position(|name| *name == bare(w.variable.name()))).collect();
        if let Some(found) = found
            && found.iter().copied().collect::<HashSet<usize>>().len() == found.len()
            && weights.iter().zip(&found).all(|(w, &at)| fits(w, at))
        {
            return found;
        }
    }
    in_order
}

impl Plan<'_> {
    fn path_of(layer: &str, weight: &Weight) -> String {
        let name = weight.variable.name();
        if name.starts_with(&format!("{layer}/")) { name.to_string() } else { format!("{layer}/{name}") }
    }

    fn entry(&mut self, path: String, weight: Option<&Variable>, key: Option<String>, outcome: LoadOutcome) {
        let variable = weight.map(|v| v.name().to_string());
        self.entries.push(LoadEntry { path, variable, key, outcome, nearest: Vec::new() });
    }

    /// Takes the value if it fits, in the variable's type.
    fn put(&mut self, path: String, variable: &Variable, key: Option<String>, tensor: Tensor) -> Result<bool> {
        if tensor.shape() != variable.shape() {
            let outcome =
                LoadOutcome::ShapeMismatch { expected: variable.shape().clone(), found: tensor.shape().clone() };
            self.entry(path, Some(variable), key, outcome);
            return Ok(false);
        }
        let tensor = if tensor.dtype() == variable.dtype() { tensor } else { tensor.cast(variable.dtype())? };
        self.entry(path, Some(variable), key, LoadOutcome::Matched);
        self.values.push((variable.clone(), tensor));
        Ok(true)
    }

    /// The weights of a layer once those of open shape have that of the file; none where there are none such.
    fn reshaped(&self, layer: &LayerRef, weights: &[Weight], saved: &[SavedWeight]) -> Result<Option<Vec<Weight>>> {
        let shapes: Vec<_> = saved.iter().filter_map(|s| self.infos.get(&s.key)).map(|info| &info.shape).collect();
        if shapes.len() != weights.len() || weights.iter().zip(&shapes).all(|(w, shape)| w.variable.shape() == *shape) {
            return Ok(None);
        }
        layer.reshape_weights(weights, &shapes);
        Ok(Some(layer.legacy_weights()).filter(|fresh| fresh.len() == weights.len()))
    }

    /// What a layer keeps beside its weights, of the object at that path: arrays, and files of the archive.
    fn state(&mut self, layer: &LayerRef, path: &str, keys: &[String]) -> Result<()> {
        let mut arrays = Vec::new();
        for key in keys {
            let name = key.rsplit('/').next().unwrap_or(key).to_string();
            arrays.push((name, self.package.read(key)?));
            self.entry(key.clone(), None, Some(key.clone()), LoadOutcome::Matched);
        }
        let mut files = Vec::new();
        if let Some(archive) = &self.package.archive {
            for asset in &archive.assets {
                let shown = asset.replace('\\', "/");
                let name = shown.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
                if let Some(name) = name.filter(|name| !name.contains('/')) {
                    files.push((name.to_string(), archive.asset(asset)?));
                }
            }
        }
        self.states.push((layer.clone(), arrays, files));
        Ok(())
    }

    /// One layer of a legacy file. False where something does not fit; the entries say what.
    fn layer(
        &mut self,
        index: usize,
        layer: &LayerRef,
        name: &str,
        weights: &[Weight],
        saved: &[SavedWeight],
    ) -> Result<bool> {
        let reshaped = self.reshaped(layer, weights, saved)?;
        let weights = reshaped.as_deref().unwrap_or(weights);
        let order = pair(weights, saved, &self.infos);
        let mut tensors = Vec::with_capacity(saved.len());
        for &at in &order {
            tensors.push(self.package.read(&saved[at].key)?);
        }
        self.used.extend(saved.iter().map(|s| s.key.clone()));
        let version1 = match &self.package.keras_version {
            None => true,
            Some(version) => version.starts_with("1."),
        };
        let count = tensors.len();
        let tensors = match layouts::convert(layer, weights, tensors, version1) {
            Ok(tensors) => tensors,
            Err(found) => {
                self.summary.get_or_insert_with(|| format!("layer #{index} (named `{name}`): {found}"));
                let failed = LoadOutcome::Failed { message: found };
                self.entry(name.to_string(), None, None, failed);
                return Ok(false);
            }
        };
        if tensors.len() != weights.len() {
            let expected = weights.len();
            self.summary.get_or_insert_with(|| {
                format!(
                    "Weight count mismatch for layer #{index} (named `{name}`): the layer expects {expected} weight(s), the file has {count}"
                )
            });
            for (at, weight) in weights.iter().enumerate() {
                if at >= tensors.len() {
                    self.entry(Self::path_of(name, weight), Some(&weight.variable), None, LoadOutcome::MissingInFile);
                }
            }
            for s in saved.iter().skip(weights.len()) {
                self.entry(s.name.clone(), None, Some(s.key.clone()), LoadOutcome::UnusedInFile);
            }
            return Ok(false);
        }
        let mut fits = true;
        for (at, (weight, tensor)) in weights.iter().zip(tensors).enumerate() {
            let key = order.get(at).and_then(|&at| saved.get(at)).map(|s| s.key.clone());
            let found = tensor.shape().clone();
            let variable = &weight.variable;
            if !self.put(Self::path_of(name, weight), variable, key, tensor)? {
                fits = false;
                self.summary.get_or_insert_with(|| {
                    format!(
                        "Shape mismatch in layer #{index} (named `{name}`) for weight `{}`: expected shape {}, found {found}",
                        variable.name(),
                        variable.shape(),
                    )
                });
            }
        }
        Ok(fits)
    }

    fn by_topology(&mut self, network: &LayerRef, layers: &[SavedLayer], top: &[SavedWeight]) -> Result<()> {
        let with_weights = |weights: fn(&LayerRef) -> Vec<Weight>| -> Vec<(LayerRef, Vec<Weight>)> {
            let all = network.layers_inside().into_iter().map(|layer| (layer.clone(), weights(&layer)));
            all.filter(|(_, weights)| !weights.is_empty()).collect()
        };
        let saved: Vec<&SavedLayer> = layers.iter().filter(|layer| !layer.weights.is_empty()).collect();
        let mut own = with_weights(h5::with_tokens);
        if own.len() != saved.len() {
            // Keras 3 leaves the weights of tokens out.
            own = with_weights(|layer| layer.legacy_weights());
        }
        if own.len() != saved.len() {
            self.summary = Some(format!(
                "Layer count mismatch when loading weights from file. Model expected {} layers, found {} saved layers",
                own.len(),
                saved.len()
            ));
            self.layers_without_partner(&own, &saved);
            return Ok(());
        }
        // The same names in another order are the same layers.
        let names: HashMap<&str, usize> = saved.iter().enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
        let by_name: Option<Vec<usize>> = own.iter().map(|(layer, _)| names.get(layer.name()).copied()).collect();
        let order = match by_name {
            Some(order) if names.len() == saved.len() && order.iter().collect::<HashSet<_>>().len() == saved.len() => {
                order
            }
            _ => (0..saved.len()).collect(),
        };
        for (index, ((layer, weights), at)) in own.iter().zip(order).enumerate() {
            let saved = &saved[at].weights;
            let plain = layer.legacy_weights();
            let weights = if plain.len() == saved.len() { &plain } else { weights };
            self.layer(index, layer, layer.name(), weights, saved)?;
        }
        let own = h5::own_weights(network);
        if !own.is_empty() || !top.is_empty() {
            self.layer(own.len(), network, network.name(), &own, top)?;
        }
        Ok(())
    }

    fn layers_without_partner(&mut self, own: &[(LayerRef, Vec<Weight>)], saved: &[&SavedLayer]) {
        for (layer, weights) in own {
            if !saved.iter().any(|s| s.name == layer.name()) {
                for weight in weights {
                    let path = Self::path_of(layer.name(), weight);
                    self.entry(path, Some(&weight.variable), None, LoadOutcome::MissingInFile);
                }
            }
        }
        for layer in saved {
            if !own.iter().any(|(l, _)| l.name() == layer.name) {
                for weight in &layer.weights {
                    self.entry(weight.name.clone(), None, Some(weight.key.clone()), LoadOutcome::UnusedInFile);
                }
            }
        }
    }

    fn by_name(&mut self, network: &LayerRef, layers: &[SavedLayer], top: &[SavedWeight], skip: bool) -> Result<()> {
        let mut any = false;
        for (index, layer) in network.layers_inside().iter().enumerate() {
            let saved = layers.iter().find(|s| s.name == layer.name());
            let mut weights = h5::with_tokens(layer);
            if saved.is_none_or(|saved| saved.weights.len() != weights.len()) {
                weights = layer.legacy_weights();
            }
            let Some(saved) = saved else {
                for weight in &weights {
                    let path = Self::path_of(layer.name(), weight);
                    self.entry(path, Some(&weight.variable), None, LoadOutcome::MissingInFile);
                }
                continue;
            };
            if saved.weights.is_empty() && weights.is_empty() {
                continue;
            }
            any = true;
            self.skipping(skip, |plan| plan.layer(index, layer, layer.name(), &weights, &saved.weights))?;
        }
        let own = h5::own_weights(network);
        if !own.is_empty() && !top.is_empty() {
            any = true;
            self.skipping(skip, |plan| plan.layer(0, network, network.name(), &own, top))?;
        }
        for layer in layers {
            for weight in &layer.weights {
                if !self.used.contains(&weight.key) {
                    self.entry(weight.name.clone(), None, Some(weight.key.clone()), LoadOutcome::UnusedInFile);
                }
            }
        }
        if !any && !network.weights().is_empty() {
            self.summary.get_or_insert_with(|| {
                "no layer of the model has the name of a layer in the file, nothing would be loaded; load into the inner model if the layers are inside one".to_string()
            });
        }
        Ok(())
    }

    /// Runs a part; where it does not fit and that is to be skipped, what it took is given back.
    fn skipping(&mut self, skip: bool, part: impl FnOnce(&mut Self) -> Result<bool>) -> Result<()> {
        let (values, summary) = (self.values.len(), self.summary.clone());
        if !part(self)? && skip {
            self.values.truncate(values);
            self.summary = summary;
        }
        Ok(())
    }

    fn tree(&mut self, network: &LayerRef, objects: &[SavedObject], skip: bool) -> Result<()> {
        let by_path: HashMap<&str, &SavedObject> = objects.iter().map(|o| (o.path.as_str(), o)).collect();
        let mut any = false;
        for mut node in tree::for_reading(network, &by_path) {
            let saved = by_path.get(node.path.as_str());
            let keys: &[String] = saved.map_or(&[], |object| &object.keys);
            self.used.extend(keys.iter().cloned());
            any |= !keys.is_empty();
            if let Some(layer) = node.layer.as_ref().filter(|layer| layer.state().is_some()) {
                self.state(layer, &node.path, keys)?;
                continue;
            }
            if let Some(layer) = node.layer.as_ref().filter(|layer| layer.lora().is_some() && !keys.is_empty()) {
                // The kernel holds what the matrices added to it.
                for matrix in Lora::matrices(layer.base()) {
                    let zeros = Tensor::zeros(matrix.dtype(), matrix.shape().clone())?;
                    self.values.push((matrix, zeros));
                }
            }
            if let Some(layer) = node.layer.as_ref().filter(|layer| layer.lora().is_none()) {
                let shapes: Vec<_> =
                    keys.iter().filter_map(|key| self.infos.get(key)).map(|info| &info.shape).collect();
                let differ = |(w, shape): (&Weight, &&kerox_tensor::Shape)| w.variable.shape() != *shape;
                if shapes.len() == node.weights.len() && node.weights.iter().zip(&shapes).any(differ) {
                    layer.reshape_weights(&node.weights, &shapes);
                    node.weights = h5::own_weights(layer);
                }
            }
            if node.weights.is_empty() && keys.is_empty() {
                continue;
            }
            let path = |weight: &Weight| format!("{}/{}", node.path, weight.attr);
            if keys.is_empty() && node.layer.as_ref().is_some_and(|layer| layer.class_name() == "Discretization") {
                // Its state may stand in the configuration; without one the layer says so when it runs.
                for weight in &node.weights {
                    self.entry(path(weight), Some(&weight.variable), None, LoadOutcome::MissingInFile);
                }
                continue;
            }
            if keys.len() != node.weights.len() {
                if !skip {
                    let (name, expected, found) = (node.name.clone(), node.weights.len(), keys.len());
                    self.summary.get_or_insert_with(|| {
                        format!(
                            "Layer '{name}' expected {expected} variables, but received {found} variables during loading (`{}`)",
                            node.path
                        )
                    });
                }
                for weight in node.weights.iter().skip(keys.len()) {
                    self.entry(path(weight), Some(&weight.variable), None, LoadOutcome::MissingInFile);
                }
                for key in keys.iter().skip(node.weights.len()) {
                    self.entry(key.clone(), None, Some(key.clone()), LoadOutcome::UnusedInFile);
                }
                continue;
            }
            for (weight, key) in node.weights.iter().zip(keys) {
                let tensor = self.package.read(key)?;
                let found = tensor.shape().clone();
                if !self.put(path(weight), &weight.variable, Some(key.clone()), tensor)? && !skip {
                    let (name, shape) = (weight.variable.name().to_string(), weight.variable.shape().clone());
                    self.summary.get_or_insert_with(|| {
                        format!("Shape mismatch for weight `{name}`: expected shape {shape}, found {found}")
                    });
                }
            }
        }
        for object in objects {
            let aside = ["optimizer", "metrics", "_metrics", "loss_tracker"];
            if aside.iter().any(|other| object.path.split('/').next() == Some(other)) {
                continue;
            }
            for key in &object.keys {
                if !self.used.contains(key) {
                    self.entry(key.clone(), None, Some(key.clone()), LoadOutcome::UnusedInFile);
                }
            }
        }
        if !any && !network.weights().is_empty() {
            self.summary = Some("the file holds no weights of layers".to_string());
        }
        Ok(())
    }

    fn named(&mut self, network: &LayerRef) -> Result<()> {
        for (name, weight) in tree::named(network) {
            if !self.infos.contains_key(&name) {
                self.summary.get_or_insert_with(|| format!("expected a tensor `{name}`, found none"));
                self.entry(name, Some(&weight.variable), None, LoadOutcome::MissingInFile);
                continue;
            }
            self.used.insert(name.clone());
            let tensor = self.package.read(&name)?;
            let found = tensor.shape().clone();
            if !self.put(name.clone(), &weight.variable, Some(name.clone()), tensor)? {
                let shape = weight.variable.shape().clone();
                self.summary.get_or_insert_with(|| {
                    format!("Shape mismatch for weight `{name}`: expected {shape}, found {found}")
                });
            }
        }
        let mut left: Vec<String> = self.infos.keys().filter(|name| !self.used.contains(*name)).cloned().collect();
        left.sort();
        for name in left.into_iter().filter(|name| !name.starts_with("optimizer/")) {
            self.entry(name.clone(), None, Some(name), LoadOutcome::UnusedInFile);
        }
        Ok(())
    }

    fn finish(self) -> Result<LoadReport> {
        let report = LoadReport { prefix: self.package.path.clone(), entries: self.entries };
        if let Some(summary) = self.summary {
            return Err(Error::Weights { path: self.package.path.clone(), summary, report: Box::new(report) });
        }
        for (variable, tensor) in self.values {
            variable.assign(tensor)?;
        }
        for (layer, arrays, files) in self.states {
            if let Some(state) = layer.state() {
                state.set_arrays(&arrays)?;
                state.set_assets(&files)?;
            }
        }
        Ok(report)
    }
}

/// An empty report.
pub(super) fn empty(path: &Path) -> LoadReport {
    LoadReport { prefix: path.into(), entries: Vec::new() }
}
