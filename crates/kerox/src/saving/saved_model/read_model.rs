//! The model of a SavedModel.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kerox_config_json::{ModelConfig, ModelDocument, Node, Value as Json};
use kerox_format_ckpt::{LoadOutcome, LoadReport};
use kerox_format_savedmodel::Object;
use kerox_layers::{LayerNode, registry};
use kerox_tensor::{Child, Trackable, Variable};
use kerox_train::Model;

use super::super::load::Loaded;
use super::super::package::{Package, SavedWeights};
use super::super::{Error, LoadOptions, ModelNode, Result, assign, compiled};
use super::read::SavedKeras;
use super::read_tables;
use super::revive::Reviver;

/// Builds the model that Keras saved, with weights, what it was compiled with and the optimizer's state.
pub(in super::super) fn load(package: &Package, keras: &Arc<SavedKeras>, options: &LoadOptions) -> Result<Loaded> {
    let Some(root) = keras.nodes.get(&0) else { return Err(not_keras(package, keras)) };
    let reviver = Reviver::new(package, keras);
    let network = match architecture(package)? {
        Some(config) => reviver.network(0, config)?,
        None => {
            let known = registry::deserialize_object(&object(root.class_name().unwrap_or_default(), &root.metadata));
            match known {
                Ok(network) => network,
                Err(_) => reviver.revive(0)?,
            }
        }
    };
    let mut model = Model::new(network);
    model.ensure_built()?;
    build(&model, &root.metadata);
    let meta = keras.meta_graph()?;
    let root_object = meta.objects()?.and_then(|objects| objects.root());
    let weights = match &package.weights {
        SavedWeights::Checkpoint(prefix) => {
            let status = kerox_format_ckpt::load_weights(ModelNode::network(model.network()), prefix)?;
            let report = status.report();
            missing(package, &model, &report)?;
            report
        }
        _ if !model.network().weights().is_empty() => {
            return Err(Error::Content {
                operation: "load a model from",
                path: package.path.clone(),
                expected: format!("the weights of `{}` in `variables/variables.index`", model.name()),
                found: "no such file".into(),
                help: "copy all files of the model".into(),
            });
        }
        _ => assign::empty(&package.path),
    };
    if let Some(root) = root_object {
        read_tables::restore(&reviver, model.network(), root, 0)?;
    }
    let mut warnings = Vec::new();
    if options.compile {
        match &package.training_config {
            Some(saved) => {
                model.compile_with(compiled::from_config(&model, package, saved)?)?;
                let order = root_object.map(|root| trained(&model, root));
                warnings.extend(optimizer(&model, package, order)?);
            }
            None => warnings.push(
                "No training configuration found in the save file, so the model was *not* compiled. Compile it manually."
                    .to_string(),
            ),
        }
    }
    Ok(Loaded { model, weights, warnings })
}

/// The architecture, where it is Sequential or functional.
fn architecture(package: &Package) -> Result<Option<ModelConfig>> {
    let text = package.config.as_deref().unwrap_or_default();
    let config = ModelDocument::parse(text.as_bytes());
    Ok(config.map_err(|source| Error::Config { path: package.path.clone(), source })?.model)
}

/// An object of a class by what Keras saved of it.
pub(super) fn object(class_name: &str, metadata: &Json) -> kerox_config_json::Object {
    let config = metadata.get("config").filter(|config| !config.is_null()).cloned();
    // A class without a configuration is never made anew: its constructor may want anything.
    match config {
        Some(config) => kerox_config_json::Object::new(class_name, config),
        None => kerox_config_json::Object::new(format!("{class_name} without configuration"), Json::Null),
    }
}

fn not_keras(package: &Package, keras: &SavedKeras) -> Error {
    let names: Vec<String> = package.signatures.iter().map(|s| format!("`{}`", s.name)).collect();
    let found = match names.as_slice() {
        [] => format!("a SavedModel with the tags {:?} and no signatures", keras.tags),
        names => format!("a SavedModel of another origin with the signatures {}", names.join(", ")),
    };
    Error::Content {
        operation: "load a model from",
        path: package.path.clone(),
        expected: "a SavedModel that Keras saved".into(),
        found,
        help: "run it as a graph with `kerox::saved_model::load`, or put it into a model with `TFSMLayer`".into(),
    }
}

/// Builds a model that has no weights yet for the input it had when it was saved.
fn build(model: &Model, metadata: &Json) {
    if model.network().base().built().is_some()
        || kerox_layers::models::to_config(model.network()).is_ok_and(|_| !model.network().weights().is_empty())
    {
        return;
    }
    let Some(shapes) = metadata.get("build_input_shape").filter(|shape| !shape.is_null()) else { return };
    let shapes = input_shapes(shapes);
    let shapes: Vec<&[Option<usize>]> = shapes.iter().map(Vec::as_slice).collect();
    if !shapes.is_empty() {
        // What is wrong is reported by the first call, with the data's own shape.
        let _ = model.build(&shapes);
    }
}

/// One shape, or a list of shapes.
pub(super) fn input_shapes(json: &Json) -> Vec<Vec<Option<usize>>> {
    let node = Node::root(json);
    if let Ok(shape) = node.shape() {
        return vec![shape.into_iter().collect()];
    }
    let items = node.list().unwrap_or_default();
    let shapes: Option<Vec<Vec<Option<usize>>>> =
        items.iter().map(|item| Some(item.shape().ok()?.into_iter().collect())).collect();
    shapes.unwrap_or_default()
}

/// Weights of the model that the checkpoint has no value for.
fn missing(package: &Package, model: &Model, report: &LoadReport) -> Result<()> {
    let wrong = report.with(|outcome| !matches!(outcome, LoadOutcome::Matched | LoadOutcome::UnusedInFile)).count();
    if wrong == 0 || model.network().weights().is_empty() {
        return Ok(());
    }
    let summary = format!("expected values for all weights of `{}`, found none or others for {wrong}", model.name());
    Err(Error::Weights { path: package.path.clone(), summary, report: Box::new(report.clone()) })
}

/// The variables of a living object that are those of a saved one, by equal names, with the saved ones' numbers.
pub(super) fn pairs(living: &dyn Trackable, saved: Object<'_>) -> Vec<(usize, Variable)> {
    fn walk(living: &dyn Trackable, saved: Object<'_>, met: &mut HashSet<usize>, found: &mut Vec<(usize, Variable)>) {
        if !met.insert(saved.id) {
            return;
        }
        let children: HashMap<&str, Object<'_>> = saved.children().collect();
        for (name, child) in living.children() {
            let Some(&object) = children.get(name.as_str()) else { continue };
            match child {
                Child::Variable(variable) if object.variable().is_some() && met.insert(object.id) => {
                    found.push((object.id, variable));
                }
                Child::Object(inner) => walk(&*inner, object, met, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(living, saved, &mut HashSet::new(), &mut found);
    found
}

/// The variables that training changes in the order in which the optimizer kept them.
fn trained(model: &Model, root: Object<'_>) -> Vec<Variable> {
    let own: Vec<Variable> = model.network().trainable_weights().into_iter().map(|weight| weight.variable).collect();
    let Some(list) = root.child("trainable_variables") else { return own };
    let places: HashMap<usize, usize> = list.elements().into_iter().enumerate().map(|(at, o)| (o.id, at)).collect();
    let of_id: HashMap<u64, usize> = pairs(&LayerNode(model.network().clone()), root)
        .into_iter()
        .filter_map(|(object, variable)| Some((variable.id(), *places.get(&object)?)))
        .collect();
    let mut ordered = own;
    // Those the file does not list keep their place behind the others.
    ordered.sort_by_key(|variable| of_id.get(&variable.id()).copied().unwrap_or(usize::MAX));
    ordered
}

/// Gives the optimizer its state; says why where it cannot.
fn optimizer(model: &Model, package: &Package, order: Option<Vec<Variable>>) -> Result<Option<String>> {
    let (Ok(optimizer), Some(_), SavedWeights::Checkpoint(prefix)) =
        (model.optimizer(), &package.optimizer, &package.weights)
    else {
        return Ok(None);
    };
    if let Some(order) = order {
        optimizer.build(&order)?;
    }
    let status = kerox_format_ckpt::load_weights(ModelNode::of(model), prefix)?;
    let wrong = |outcome: &LoadOutcome| !matches!(outcome, LoadOutcome::Matched | LoadOutcome::UnusedInFile);
    let report = status.report();
    let missing: Vec<&str> = report.with(wrong).map(|entry| entry.path.as_str()).collect();
    let fresh = optimizer.iterations().value().cast(kerox_tensor::DType::I64)?.to_scalar::<i64>().is_ok_and(|n| n == 0);
    if missing.is_empty() || fresh {
        return Ok(None);
    }
    Ok(Some(format!(
        "a part of the optimizer's state starts afresh: expected values for all of its variables in `{}`, found none for {}",
        package.path.display(),
        missing.join(", ")
    )))
}
