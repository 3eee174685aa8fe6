//! Weights without an architecture, from one format to another as far as their names allow it.
//!
//! | from, to | checkpoint | `.weights.h5` | `.h5` | safetensors |
//! |---|---|---|---|---|
//! | checkpoint | everything | layers with the names Keras gives | layers | layers |
//! | `.weights.h5` | | everything | | |
//! | `.h5` | layers | layers with the names Keras gives | everything | layers |
//! | safetensors | in the order noted in it | the same, and the names Keras gives | in the order noted | everything |
//!
//! What a layer is called in `.weights.h5` (`layers/dense_1`) is its class and a count: a name that Keras gave tells the
//! class, and nothing in the file tells the name. Weights of layers inside of layers are known where those are cells or
//! the directions of `Bidirectional`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use kerox_config_json::names::snake_case;
use kerox_format_ckpt::{BundleWriter, CheckpointReader, OBJECT_GRAPH_KEY, ObjectGraph, WriteOptions};
use kerox_format_h5::keras::{LayerToWrite, ModelToWrite};
use kerox_format_keras::ShardedObject;
use kerox_format_safetensors::SafetensorsToWrite;
use kerox_tensor::{Child, Tensor, Trackable, Variable};

use super::formats::{self, Format};
use super::package::{Package, SavedLayer, SavedObject, SavedWeights};
use super::save_options::{Dialect, SaveOptions};
use super::{Error, Result, keras_v3, safetensors, save, tree, write};

/// A layer, known by the names of its weights.
pub(super) struct BareLayer {
    name: String,
    pub weights: Vec<BareWeight>,
}

/// A weight of a layer.
pub(super) struct BareWeight {
    /// The name that Keras gave: `lstm/lstm_cell/kernel`.
    name: String,
    /// The attributes that lead to it from its layer: `cell/kernel`.
    attrs: String,
    /// The tensor's name in the file.
    pub key: String,
}

impl BareWeight {
    /// The layer's name and the attributes, as in safetensors.
    pub fn path(&self, layer: &BareLayer) -> String {
        format!("{}/{}", layer.name, self.attrs)
    }
}

/// What is left behind where the weights of a file without architecture are written in a format.
pub(super) fn lost(package: &Package, format: Format, options: &SaveOptions) -> Vec<String> {
    if !options.include_optimizer || package.optimizer.is_none() || format == package.format {
        return Vec::new();
    }
    vec!["the optimizer's state: without the architecture its order is not known".to_owned()]
}

/// Writes the weights of a file without architecture.
pub(super) fn write(package: &Package, to: &Path, format: Format, options: &SaveOptions) -> Result<()> {
    // Keras writes legacy HDF5 for `.keras` where it is to hold weights alone.
    let format = if format == formats::KERAS_V3 { formats::KERAS_H5 } else { format };
    let types = package.tensors().into_iter().map(|info| info.dtype);
    save::dtype_fits(format, "convert", options, types)?;
    match (&package.weights, format) {
        (SavedWeights::Checkpoint(prefix), f) if f == formats::TF_CHECKPOINT => copy_checkpoint(prefix, to, options)?,
        (SavedWeights::Tree(objects), f) if f == formats::KERAS_WEIGHTS_H5 => copy_tree(package, objects, to, options)?,
        (SavedWeights::Named, f) if f == formats::SAFETENSORS => copy_named(package, to, options)?,
        (SavedWeights::Layers { layers, top_level }, f) if f == formats::KERAS_H5 => {
            let mut file = ModelToWrite::weights(options.dialect.keras_version());
            file.compression = options.compression;
            let read = |weights: &[super::SavedWeight]| -> Result<Vec<(String, Tensor)>> {
                weights
                    .iter()
                    .map(|w| Ok((w.name.clone(), write::converted(package.read(&w.key)?, options)?)))
                    .collect()
            };
            for layer in layers {
                file.layers.push(LayerToWrite { name: layer.name.clone(), weights: read(&layer.weights)? });
            }
            file.top_level = read(top_level)?;
            write::file(to, options, |out| Ok(file.write_to(out)?))?;
        }
        _ => {
            let layers = layers(package, format)?;
            match format {
                f if f == formats::TF_CHECKPOINT => write_checkpoint(package, &layers, to, options)?,
                f if f == formats::KERAS_WEIGHTS_H5 => write_tree(package, &layers, to, options)?,
                f if f == formats::SAFETENSORS => write_named(package, &layers, to, options)?,
                _ => write_layers(package, &layers, to, options)?,
            }
        }
    }
    Ok(())
}

/// The layers in the model's order.
///
/// # Errors
/// [`Error::Content`] where names do not say which layer a weight belongs to, or nothing says their order.
pub(super) fn layers(package: &Package, format: Format) -> Result<Vec<BareLayer>> {
    let cannot = |expected: &str, found: String| Error::Content {
        operation: "convert",
        path: package.path.clone(),
        expected: format!("{expected}, to write {}", format.title),
        found,
        help: HELP.into(),
    };
    match &package.weights {
        SavedWeights::Layers { layers, top_level } if top_level.is_empty() => {
            let bare = |layer: &SavedLayer| -> Result<BareLayer> {
                let weight = |saved: &super::SavedWeight| {
                    let name = saved.name.strip_suffix(":0").unwrap_or(&saved.name);
                    let (name, attrs) = attributes(&layer.name, name).ok_or_else(|| {
                        cannot(
                            "weights named after their layers",
                            format!("`{}` in the layer `{}`", saved.name, layer.name),
                        )
                    })?;
                    Ok(BareWeight { name, attrs, key: saved.key.clone() })
                };
                Ok(BareLayer {
                    name: layer.name.clone(),
                    weights: layer.weights.iter().map(weight).collect::<Result<_>>()?,
                })
            };
            layers.iter().map(bare).collect()
        }
        SavedWeights::Layers { .. } => {
            Err(cannot("weights that all belong to layers", "some that belong to the model itself".into()))
        }
        SavedWeights::Checkpoint(prefix) => {
            let reader = CheckpointReader::open(prefix)?;
            let graph = reader.object_graph()?;
            let graph =
                graph.ok_or_else(|| cannot("a graph of objects", "a checkpoint by names of variables".into()))?;
            of_graph(graph, &cannot)
        }
        SavedWeights::Named => of_names(package, format, &cannot),
        SavedWeights::Tree(_) => {
            Err(cannot("the names of layers and their order", "paths by class alone (`layers/dense`)".into()))
        }
        SavedWeights::None => Err(cannot("weights", "none".into())),
    }
}

/// What to do where names do not suffice.
pub(super) const HELP: &str = "give the architecture (a JSON file or a whole model) as the source, and this file as its weights \
                    (`--weights`)";

type Cannot<'a> = &'a dyn Fn(&str, String) -> Error;

/// A weight's name from the layer's on, and the attributes that lead to it.
fn attributes(layer: &str, name: &str) -> Option<(String, String)> {
    // Keras 3 begins names with the model's.
    let at = name.split('/').position(|part| part == layer)?;
    let parts: Vec<&str> = name.split('/').skip(at).collect();
    let (_, inner) = parts.split_first()?;
    let (attr, owners) = inner.split_last()?;
    let mut attrs = String::new();
    for owner in owners {
        let plain = owner.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
        attrs += match plain {
            _ if plain.starts_with("forward_") => "forward_layer/",
            _ if plain.starts_with("backward_") => "backward_layer/",
            _ if plain.ends_with("_cell") => "cell/",
            _ => return None,
        };
    }
    Some((parts.join("/"), format!("{attrs}{attr}")))
}

/// Children that Keras adds to its layers for itself.
const BOOKKEEPING: &[&str] =
    &["variables", "trainable_variables", "non_trainable_variables", "keras_api", "regularization_losses"];

/// The layers of a Sequential or functional model of a checkpoint.
fn of_graph(graph: &ObjectGraph, cannot: Cannot<'_>) -> Result<Vec<BareLayer>> {
    let children = graph.nodes.first().map_or(&[][..], |root| &root.children);
    let mut numbered: BTreeMap<usize, usize> = BTreeMap::new();
    for (name, node) in children {
        if let Some(number) = name.strip_prefix("layer_with_weights-").and_then(|number| number.parse().ok()) {
            numbered.insert(number, *node);
        }
    }
    if numbered.is_empty() {
        let names: Vec<&str> = children.iter().map(|(name, _)| name.as_str()).take(8).collect();
        return Err(cannot(
            "the layers of a Sequential or functional model",
            format!("the objects {}", names.join(", ")),
        ));
    }
    let mut layers = Vec::new();
    for (number, node) in numbered {
        let mut weights = Vec::new();
        let mut seen = HashSet::new();
        gather(graph, node, "", &mut seen, &mut weights);
        let names: HashSet<&str> = weights.iter().map(|w| w.name.split('/').next().unwrap_or_default()).collect();
        let inner = weights.iter().find(|w| w.attrs.contains("layer_with_weights-") || w.attrs.contains("layer-"));
        let name = match (names.len(), inner) {
            (1, None) => names.into_iter().next().unwrap_or_default().to_owned(),
            _ => {
                let found = format!("layers inside of a layer in `layer_with_weights-{number}`");
                return Err(cannot("layers that are no models", found));
            }
        };
        if name.is_empty() {
            return Err(cannot("the names of variables", format!("none in `layer_with_weights-{number}`")));
        }
        layers.push(BareLayer { name, weights });
    }
    Ok(layers)
}

fn gather(graph: &ObjectGraph, id: usize, path: &str, seen: &mut HashSet<usize>, found: &mut Vec<BareWeight>) {
    let Some(node) = graph.nodes.get(id).filter(|_| seen.insert(id) && seen.len() < 10_000) else { return };
    for value in node.attributes.iter().filter(|value| value.name == "VARIABLE_VALUE") {
        let (name, key) = (value.full_name.clone(), value.checkpoint_key.clone());
        found.push(BareWeight { name, attrs: path.to_owned(), key });
    }
    // Deeper than any layer of Keras.
    if path.split('/').count() > 16 {
        return;
    }
    for (name, child) in node.children.iter().filter(|(name, _)| !BOOKKEEPING.contains(&name.as_str())) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        gather(graph, *child, &path, seen, found);
    }
}

/// The layers of a safetensors file in which their order is noted.
fn of_names(package: &Package, format: Format, cannot: Cannot<'_>) -> Result<Vec<BareLayer>> {
    let names = safetensors::weight_names(package)?;
    let order = names
        .ok_or_else(|| cannot("the order of the weights in the metadata", format!("none for {}", format.title)))?;
    let infos = package.infos();
    let mut layers: Vec<BareLayer> = Vec::new();
    for key in order {
        let (Some((layer, attrs)), true) = (key.split_once('/'), infos.contains_key(&key)) else {
            return Err(cannot("weights named after their layers", format!("`{key}`")));
        };
        let weight = BareWeight { name: key.clone(), attrs: attrs.to_owned(), key: key.clone() };
        match layers.iter_mut().find(|known| known.name == layer) {
            Some(known) => known.weights.push(weight),
            None => layers.push(BareLayer { name: layer.to_owned(), weights: vec![weight] }),
        }
    }
    let owners = |weight: &BareWeight| weight.attrs.rsplit_once('/').map(|(owners, _)| owners.to_owned());
    let plain = ["cell", "forward_layer/cell", "backward_layer/cell"];
    for weight in layers.iter().flat_map(|layer| &layer.weights) {
        if owners(weight).is_some_and(|owners| !plain.contains(&owners.as_str())) {
            return Err(cannot("layers that hold no others", format!("`{}`", weight.key)));
        }
    }
    Ok(layers)
}

/// The paths that `.weights.h5` has for the weights, object by object; `None` where a layer's name does not tell its class.
pub(super) fn tree_paths(layers: &[BareLayer]) -> std::result::Result<Vec<(String, Vec<&BareWeight>)>, String> {
    let classes = kerox_layers::registry::ALL.iter().map(|entry| snake_case(entry.class_name));
    let classes: HashSet<String> = classes.collect();
    let mut names = tree::Names::default();
    let mut objects: Vec<(String, Vec<&BareWeight>)> = Vec::new();
    for layer in layers {
        let plain = layer.name.rsplit_once('_').filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
        let class = match classes.contains(&layer.name) {
            true => layer.name.as_str(),
            false => plain.map_or("", |(class, _)| class),
        };
        if !classes.contains(class) {
            if layer.weights.is_empty() {
                continue;
            }
            return Err(layer.name.clone());
        }
        let path = format!("layers/{}", names.next(class));
        let first = objects.len();
        objects.push((path.clone(), Vec::new()));
        for weight in &layer.weights {
            let path = match weight.attrs.rsplit_once('/') {
                None => path.clone(),
                // Keras 2.15 keeps the layer that `Bidirectional` was made of beside its directions.
                Some((owners, _)) if owners.starts_with("forward_layer") || owners.starts_with("backward_layer") => {
                    return Err(layer.name.clone());
                }
                Some((owners, _)) => format!("{path}/{owners}"),
            };
            match objects.iter_mut().skip(first).find(|(known, _)| *known == path) {
                Some((_, weights)) => weights.push(weight),
                None => objects.push((path, vec![weight])),
            }
        }
    }
    Ok(objects)
}

fn write_tree(package: &Package, layers: &[BareLayer], to: &Path, options: &SaveOptions) -> Result<()> {
    let objects = tree_paths(layers).map_err(|name| Error::Content {
        operation: "convert",
        path: package.path.clone(),
        expected: format!("layers with the names that Keras gives, to write {}", formats::KERAS_WEIGHTS_H5.title),
        found: format!("`{name}`"),
        help: HELP.into(),
    })?;
    let read = |weight: &&BareWeight| write::converted(package.read(&weight.key)?, options);
    let objects = objects.into_iter().map(|(path, weights)| {
        let variables = weights.iter().map(read).collect::<Result<_>>()?;
        Ok(ShardedObject { path, name: None, variables })
    });
    let mut all = vec![ShardedObject { path: String::new(), name: None, variables: Vec::new() }];
    all.extend(objects.collect::<Result<Vec<_>>>()?);
    keras_v3::write_weights(all, Vec::new(), to, options)
}

fn write_layers(package: &Package, layers: &[BareLayer], to: &Path, options: &SaveOptions) -> Result<()> {
    let mut file = ModelToWrite::weights(options.dialect.keras_version());
    file.compression = options.compression;
    let suffix = if options.dialect == Dialect::Keras2 { ":0" } else { "" };
    for layer in layers {
        let read =
            |w: &BareWeight| Ok((format!("{}{suffix}", w.name), write::converted(package.read(&w.key)?, options)?));
        let weights = layer.weights.iter().map(read).collect::<Result<_>>()?;
        file.layers.push(LayerToWrite { name: layer.name.clone(), weights });
    }
    write::file(to, options, |out| Ok(file.write_to(out)?))
}

fn write_named(package: &Package, layers: &[BareLayer], to: &Path, options: &SaveOptions) -> Result<()> {
    let mut file = safetensors::header(options);
    let mut order = Vec::new();
    for layer in layers {
        for weight in &layer.weights {
            let path = weight.path(layer);
            file.add(path.clone(), write::converted(package.read(&weight.key)?, options)?)?;
            order.push(path);
        }
    }
    safetensors::note_order(&mut file, order);
    write::file(to, options, |out| Ok(file.write_to(out)?))
}

/// Objects with names between them, to be written as a checkpoint.
#[derive(Default)]
struct Bag(Vec<(String, Child)>);

impl Trackable for Bag {
    fn children(&self) -> Vec<(String, Child)> {
        self.0.clone()
    }
}

/// Nested maps by attribute, in the order in which they are met.
#[derive(Default)]
struct Branch(Vec<(String, Leaf)>);

enum Leaf {
    Branch(Branch),
    Variable(Variable),
}

impl Branch {
    fn insert(&mut self, path: &str, variable: Variable) {
        let Some((first, rest)) = path.split_once('/') else {
            return self.0.push((path.to_owned(), Leaf::Variable(variable)));
        };
        let is_branch = |(name, leaf): &(String, Leaf)| name == first && matches!(leaf, Leaf::Branch(_));
        if !self.0.iter().any(is_branch) {
            self.0.push((first.to_owned(), Leaf::Branch(Branch::default())));
        }
        if let Some((_, Leaf::Branch(branch))) = self.0.iter_mut().find(|entry| is_branch(entry)) {
            branch.insert(rest, variable);
        }
    }

    fn into_object(self) -> Arc<dyn Trackable> {
        let child = |leaf| match leaf {
            Leaf::Branch(branch) => Child::Object(branch.into_object()),
            Leaf::Variable(variable) => Child::Variable(variable),
        };
        Arc::new(Bag(self.0.into_iter().map(|(name, leaf)| (name, child(leaf))).collect()))
    }
}

fn write_checkpoint(package: &Package, layers: &[BareLayer], to: &Path, options: &SaveOptions) -> Result<()> {
    let mut root = Bag::default();
    for (number, layer) in layers.iter().filter(|layer| !layer.weights.is_empty()).enumerate() {
        let mut branch = Branch::default();
        for weight in &layer.weights {
            branch.insert(&weight.attrs, Variable::new(weight.name.clone(), package.read(&weight.key)?, true));
        }
        root.0.push((format!("layer_with_weights-{number}"), Child::Object(branch.into_object())));
    }
    Ok(kerox_format_ckpt::save_weights(Arc::new(root), to, &checkpoint_options(options))?)
}

fn checkpoint_options(options: &SaveOptions) -> WriteOptions {
    let written = WriteOptions::new().overwrite(options.overwrite);
    options.shards.map_or(written.clone(), |shards| written.shards(shards))
}

/// Every tensor under its key, and the graph of objects; the optimizer's left aside where that is wanted.
fn copy_checkpoint(from: &Path, to: &Path, options: &SaveOptions) -> Result<()> {
    let reader = CheckpointReader::open(from)?;
    let is_optimizer = |key: &str| key.starts_with("optimizer/") || key.contains("/.OPTIMIZER_SLOT/");
    let is_left = |key: &str| !options.include_optimizer && is_optimizer(key);
    let mut file = BundleWriter::create(to, &checkpoint_options(options))?;
    for key in reader.keys().filter(|key| !key.is_empty() && *key != OBJECT_GRAPH_KEY && !is_left(key)) {
        file.put(key, &reader.get_tensor(key)?)?;
    }
    if let Some(graph) = reader.object_graph()? {
        let mut graph = graph.clone();
        if !options.include_optimizer {
            for node in &mut graph.nodes {
                node.attributes.retain(|value| !is_optimizer(&value.checkpoint_key));
                node.slots.clear();
            }
            graph.mark_values();
        }
        file.put_graph(&graph)?;
    }
    file.finish()?;
    Ok(kerox_format_ckpt::make_latest(to)?)
}

fn copy_tree(package: &Package, objects: &[SavedObject], to: &Path, options: &SaveOptions) -> Result<()> {
    let (mut numbered, mut named) = (Vec::new(), Vec::new());
    for object in objects {
        if !options.include_optimizer && object.path.split('/').next() == Some("optimizer") {
            continue;
        }
        let last = |key: &String| key.rsplit('/').next().unwrap_or_default().to_owned();
        let is_numbered = object.keys.iter().all(|key| last(key).bytes().all(|b| b.is_ascii_digit()));
        let is_state = object.path == "optimizer";
        let read = |key: &String| match is_state {
            true => package.read(key),
            false => write::converted(package.read(key)?, options),
        };
        let tensors = object.keys.iter().map(read).collect::<Result<Vec<Tensor>>>()?;
        match is_numbered {
            true => numbered.push(ShardedObject { path: object.path.clone(), name: None, variables: tensors }),
            false => named.push((object.path.clone(), None, object.keys.iter().map(last).zip(tensors).collect())),
        }
    }
    keras_v3::write_weights(numbered, named, to, options)
}

fn copy_named(package: &Package, to: &Path, options: &SaveOptions) -> Result<()> {
    let mut file = SafetensorsToWrite::new();
    file.metadata = safetensors::metadata(package)?;
    for info in package.tensors() {
        let is_state = info.name.starts_with("optimizer/vars/");
        match is_state {
            true if !options.include_optimizer => {}
            true => file.add(info.name.clone(), package.read(&info.name)?)?,
            false => file.add(info.name.clone(), write::converted(package.read(&info.name)?, options)?)?,
        }
    }
    write::file(to, options, |out| Ok(file.write_to(out)?))
}
