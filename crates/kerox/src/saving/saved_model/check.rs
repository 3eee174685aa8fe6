//! Whether a SavedModel's graphs, objects, assets and checkpoint go together.

use std::collections::HashMap;

use kerox_format_ckpt::OBJECT_GRAPH_KEY;
use kerox_format_savedmodel::messages::{DataType, NodeDef, TrackableObjectGraph, attr_value};
use kerox_format_savedmodel::wire::Message;
use kerox_format_savedmodel::{MetaGraph, checkpoint_keys};
use kerox_tensor::trackable::TensorInfo;

use super::super::package::Package;
use super::super::verify::Problem;
use super::read::SavedKeras;

/// What is wrong with the graphs of a SavedModel.
pub(in super::super) fn check(package: &Package, keras: &SavedKeras) -> Vec<Problem> {
    let infos = package.infos();
    let graphs = keras.saved.meta_graphs();
    let mut problems = Vec::new();
    for meta in &graphs {
        let first = problems.len();
        problems.extend(meta.check().into_iter().map(|flaw| Problem { place: flaw.place, what: flaw.what }));
        assets(meta, keras, &mut problems);
        if infos.is_empty() {
            no_checkpoint(meta, &mut problems);
        } else {
            variables(meta, package, &infos, &mut problems);
            restored(meta, &infos, &mut problems);
        }
        if graphs.len() > 1 {
            let tags = meta.tags().join(",");
            problems
                .iter_mut()
                .skip(first)
                .for_each(|problem| problem.place = format!("graph {tags}: {}", problem.place));
        }
    }
    problems
}

fn assets(meta: &MetaGraph<'_>, keras: &SavedKeras, problems: &mut Vec<Problem>) {
    for asset in meta.assets().unwrap_or_default() {
        let path = asset.path(keras.saved.dir());
        // Reading it is the proof.
        if let Err(error) = std::fs::read(&path) {
            problems.push(Problem {
                place: format!("assets/{}", asset.name),
                what: format!("expected the file, found none: {error}"),
            });
        }
    }
}

/// A model with variables and no checkpoint.
fn no_checkpoint(meta: &MetaGraph<'_>, problems: &mut Vec<Problem>) {
    let objects = meta.objects().ok().flatten();
    let count = objects.map_or(0, |objects| objects.iter().filter(|object| object.variable().is_some()).count());
    if count > 0 {
        let what = format!("expected the values of {count} variables, found no such file");
        problems.push(Problem { place: "variables/variables.index".into(), what });
    }
}

/// Each variable's value, of its type and shape.
fn variables(
    meta: &MetaGraph<'_>,
    package: &Package,
    infos: &HashMap<String, TensorInfo>,
    problems: &mut Vec<Problem>,
) {
    let Ok(Some(objects)) = meta.objects() else { return };
    let Ok(graph) = package.read(OBJECT_GRAPH_KEY) else { return };
    let bytes = graph.as_slice::<Vec<u8>>().ok().and_then(|strings| strings.first());
    let Some(bytes) = bytes else { return };
    let tracked = match TrackableObjectGraph::decode(bytes) {
        Ok(tracked) => tracked,
        Err(error) => {
            problems.push(Problem { place: OBJECT_GRAPH_KEY.into(), what: error.to_string() });
            return;
        }
    };
    let keys = checkpoint_keys(objects, &tracked);
    let by_slot =
        keys.slots.iter().map(|(owner, variable, name, key)| ((*owner, *variable, name.as_str()), key.as_str()));
    let by_slot: HashMap<(usize, usize, &str), &str> = by_slot.collect();
    let mut of_slots = HashMap::new();
    for optimizer in objects.iter() {
        for slot in &optimizer.def.slot_variables {
            let original = usize::try_from(slot.original_variable_node_id).unwrap_or(usize::MAX);
            let key = by_slot.get(&(optimizer.id, original, slot.slot_name.as_str())).copied();
            of_slots.insert(slot.slot_variable_node_id, key);
        }
    }
    let slot = |object: usize| i32::try_from(object).ok().and_then(|id| of_slots.get(&id).copied().flatten());
    for object in objects.iter() {
        let Some(variable) = object.variable() else { continue };
        let place = format!("variable `{}` (object {})", variable.name, object.id);
        let dtype = variable.dtype.dtype();
        let shape = variable.shape.as_ref().and_then(|shape| shape.dims());
        let expected = match (dtype, &shape) {
            (Some(dtype), Some(shape)) => {
                let axes: Vec<String> = shape.iter().map(|n| n.map_or("None".into(), |n| n.to_string())).collect();
                format!("{dtype} [{}]", axes.join(", "))
            }
            _ => "a value".into(),
        };
        let found = match keys.variable(object.id).or_else(|| slot(object.id)).map(|key| (key, infos.get(key))) {
            None => "no value in the checkpoint".to_owned(),
            Some((key, None)) => format!("no tensor `{key}` in the checkpoint"),
            Some((key, Some(info))) => {
                let same_shape = shape.as_ref().is_none_or(|shape| {
                    shape.len() == info.shape.len()
                        && shape.iter().zip(info.shape.iter()).all(|(a, &b)| a.is_none_or(|a| a == b as u64))
                });
                if same_shape && dtype.is_none_or(|dtype| dtype == info.dtype) {
                    continue;
                }
                format!("{} {} in the checkpoint's `{key}`", info.dtype, info.shape)
            }
        };
        problems.push(Problem { place, what: format!("expected {expected}, found {found}") });
    }
}

/// What the graph's own restoring reads, which serving runs.
fn restored(meta: &MetaGraph<'_>, infos: &HashMap<String, TensorInfo>, problems: &mut Vec<Problem>) {
    let Some(graph) = meta.graph() else { return };
    let constants = graph.node.iter().filter(|node| node.op == "Const").map(|node| (node.name.as_str(), node));
    let constants: HashMap<&str, &NodeDef> = constants.collect();
    for node in graph.node.iter().filter(|node| node.op == "RestoreV2") {
        let names = node.input.get(1).and_then(|name| constants.get(name.split(':').next().unwrap_or_default()));
        let Some(attr_value::Value::Tensor(names)) = names.and_then(|n| n.attr.get("value")?.value.as_ref()) else {
            continue;
        };
        let types: &[DataType] = match node.attr.get("dtypes").and_then(|attr| attr.value.as_ref()) {
            Some(attr_value::Value::List(list)) => &list.r#type,
            _ => &[],
        };
        for (i, name) in names.string_val.iter().enumerate() {
            let name = String::from_utf8_lossy(name);
            let dtype = types.get(i).and_then(|dtype| dtype.dtype());
            let found = match infos.get(&*name) {
                // Older versions wrote fewer optional values; the object graph is written anew by loaders.
                None if name == OBJECT_GRAPH_KEY => continue,
                None => "no such tensor in the checkpoint".to_owned(),
                Some(info) if dtype.is_none_or(|dtype| dtype == info.dtype) => continue,
                Some(info) => format!("{} in the checkpoint", info.dtype),
            };
            let expected = dtype.map_or_else(|| "a tensor".to_owned(), |dtype| dtype.to_string());
            let what = format!("expected {expected} for `{name}`, found {found}");
            problems.push(Problem { place: format!("graph, node `{}`", node.name), what });
        }
    }
}
