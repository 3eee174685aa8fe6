//! What layers have learnt, in configurations.

use kerox_config_json::Value as Json;
use kerox_layers::LayerRef;

use super::Result;

/// Adds to the written configurations of layers what these have learnt, where `wanted` says so: of the layers of a model,
/// of models inside it, and of layers inside others. HDF5 files have no other place for a vocabulary.
pub(super) fn embed(written: &mut Json, network: &LayerRef, wanted: &dyn Fn(&LayerRef) -> bool) -> Result<()> {
    let Some(config) = written.as_map_mut().and_then(|map| map.get_mut("config")) else { return Ok(()) };
    let inside = network.layers_inside();
    if inside.is_empty() {
        return Ok(());
    }
    embed_in(config, &inside, wanted)
}

/// Looks through a configuration for the objects of layers, which are known by their names.
fn embed_in(value: &mut Json, layers: &[LayerRef], wanted: &dyn Fn(&LayerRef) -> bool) -> Result<()> {
    let name = value.get("config").and_then(|config| config.get("name")).and_then(Json::as_str);
    if let Some(layer) = name.and_then(|name| layers.iter().find(|layer| layer.name() == name)) {
        let config = value.as_map_mut().and_then(|map| map.get_mut("config")).and_then(Json::as_map_mut);
        if let Some(config) = config.filter(|_| wanted(layer)) {
            layer.learnt(config)?;
        }
        return embed(value, layer, wanted);
    }
    match value {
        Json::List(items) => items.iter_mut().try_for_each(|item| embed_in(item, layers, wanted)),
        Json::Map(map) => map.iter_mut().try_for_each(|(_, item)| embed_in(item, layers, wanted)),
        _ => Ok(()),
    }
}
