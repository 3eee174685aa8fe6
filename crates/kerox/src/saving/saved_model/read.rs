//! A SavedModel's directory as a package.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use kerox_config_json::{Config, Style, Value as Json};
use kerox_format_ckpt::CheckpointReader;
use kerox_format_savedmodel::{KerasNode, MetaGraph, Object, SavedModel};

use super::super::inspect::InspectedLayer;
use super::super::package::{NoTensors, Package, SavedWeights};
use super::super::tensorflow::{Keys, optimizer_keys};
use super::super::{Result, formats};

/// What Keras saved of a SavedModel's objects.
pub(in super::super) struct SavedKeras {
    /// The messages.
    pub saved: SavedModel,
    /// The tags of the graph that is read.
    pub tags: Vec<String>,
    /// What Keras knows, by the number of the object.
    pub nodes: BTreeMap<usize, KerasNode>,
}

impl SavedKeras {
    /// The graph that is read.
    pub fn meta_graph(&self) -> Result<MetaGraph<'_>> {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        Ok(self.saved.meta_graph(&tags)?)
    }

    /// The layers of the model, as Keras lists them.
    pub fn layers(&self) -> Result<Option<Vec<InspectedLayer>>> {
        let meta = self.meta_graph()?;
        let Some(root) = meta.objects()?.and_then(|objects| objects.root()) else { return Ok(None) };
        if !self.nodes.contains_key(&0) {
            return Ok(None);
        }
        let listed = root.child("keras_api").and_then(|api| api.child("layers")).map(|list| list.elements());
        let numbered = || root.children().filter(|(name, _)| name.starts_with("layer-")).map(|(_, object)| object);
        let layers = listed.filter(|layers| !layers.is_empty()).unwrap_or_else(|| numbered().collect());
        let one = |object: Object<'_>| {
            let node = self.nodes.get(&object.id)?;
            Some(InspectedLayer {
                name: node.name().unwrap_or_default().to_owned(),
                class_name: node.class_name().unwrap_or_default().to_owned(),
                params: Some(params(object)),
            })
        };
        Ok(Some(layers.into_iter().filter_map(one).collect()))
    }
}

/// Numbers in the weights of a layer.
fn params(layer: Object<'_>) -> usize {
    let mut seen = HashSet::new();
    let mut elements = |object: Object<'_>| {
        let shape = object.variable().and_then(|v| v.shape.as_ref()).and_then(|shape| shape.dims());
        let known: Option<Vec<u64>> = shape.unwrap_or_default().into_iter().collect();
        let count = known.unwrap_or_default().into_iter().fold(1u64, u64::saturating_mul);
        if object.variable().is_some() && seen.insert(object.id) {
            usize::try_from(count).unwrap_or(usize::MAX)
        } else {
            0
        }
    };
    match layer.child("variables") {
        Some(list) => list.elements().into_iter().map(&mut elements).fold(0, usize::saturating_add),
        None => layer.children().map(|(_, child)| elements(child)).fold(0, usize::saturating_add),
    }
}

/// Opens a directory; values of variables stay in the checkpoint.
pub(in super::super) fn open(path: &Path) -> Result<Package> {
    let saved = SavedModel::open(path)?;
    let graphs = saved.meta_graphs();
    let is_serve = |graph: &&MetaGraph<'_>| graph.tags() == ["serve"];
    let chosen = graphs.iter().find(is_serve).or_else(|| graphs.iter().find(|g| g.tags().iter().any(|t| t == "serve")));
    let tags = chosen.or(graphs.first()).map(|graph| graph.tags().to_vec()).unwrap_or_default();
    drop(graphs);
    let meta = saved.meta_graph(&tags.iter().map(String::as_str).collect::<Vec<_>>())?;
    let signatures = meta.signatures();
    let nodes: BTreeMap<usize, KerasNode> = meta.keras_nodes()?.into_iter().map(|node| (node.node_id, node)).collect();

    let prefix = path.join("variables").join("variables");
    let mut package = Package::new(formats::SAVED_MODEL, path, Arc::new(NoTensors(path.into())));
    if kerox_format_ckpt::checkpoint_exists(&prefix) {
        let reader = CheckpointReader::open(&prefix)?;
        let optimizer = optimizer_keys(&reader);
        let shards = reader.shards() as usize;
        package = Package::new(formats::SAVED_MODEL, path, Arc::new(Keys(reader)));
        package.optimizer = (!optimizer.is_empty()).then_some(optimizer);
        package.shards = Some(shards);
        package.weights = SavedWeights::Checkpoint(prefix);
    }
    package.signatures = signatures;
    if let Some(root) = nodes.get(&0) {
        let text = |key: &str| root.metadata.get(key).and_then(Json::as_str).map(str::to_owned);
        let config = root.metadata.get("config").filter(|config| !config.is_null()).cloned();
        let document = Config::new()
            .with("class_name", root.class_name().unwrap_or_default())
            .with("config", config.unwrap_or_else(|| Config::new().into()));
        package.config = Some(Json::from(document).to_json(Style::default()));
        package.keras_version = text("keras_version");
        package.backend = text("backend");
        package.training_config = root.metadata.get("training_config").filter(|config| !config.is_null()).cloned();
    }
    drop(meta);
    package.saved_keras = Some(Arc::new(SavedKeras { saved, tags, nodes }));
    Ok(package)
}
