//! What layers have learnt, in configurations.

use kerox_config_json::Value as Json;
use kerox_layers::LayerRef;

use super::Result;

/// Adds to the written configurations of layers what these have learnt, where `wanted` says so. HDF5 files have no other
/// place for a vocabulary.
pub(super) fn embed(written: &mut Json, network: &LayerRef, wanted: &dyn Fn(&LayerRef) -> bool) -> Result<()> {
    let config = written.as_map_mut().and_then(|map| map.get_mut("config"));
    let Some(Json::List(entries)) = config.and_then(Json::as_map_mut).and_then(|map| map.get_mut("layers")) else {
        return Ok(());
    };
    let layers = network.layers_inside();
    for entry in entries {
        let name = entry.get("config").and_then(|config| config.get("name")).and_then(Json::as_str);
        let Some(layer) = name.and_then(|name| layers.iter().find(|layer| layer.name() == name)) else { continue };
        if layer.is_model() {
            embed(entry, layer, wanted)?;
        } else if wanted(layer)
            && let Some(config) = entry.as_map_mut().and_then(|map| map.get_mut("config")).and_then(Json::as_map_mut)
        {
            layer.learnt(config)?;
        }
    }
    Ok(())
}
