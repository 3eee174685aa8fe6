//! The tensors of two files, under names that both have.

use std::cell::OnceCell;
use std::path::Path;

use kerox_config_json::{Form, Value as Json};
use kerox_format_ckpt::OBJECT_GRAPH_KEY;
use kerox_tensor::{DType, Tensor};
use kerox_train::Model;

use super::super::package::{Package, SavedWeights};
use super::super::save_options::Dialect;
use super::super::{Error, LoadOptions, ModelSaving, Result, bare, compiled, formats, load_package, optimizer, tree};

/// Where a value is.
#[derive(Clone)]
pub(super) enum Value {
    /// In the file, under this name.
    InFile(String),
    /// Here.
    Here(Tensor),
}

impl Value {
    pub fn read(self, file: &Package) -> Result<Tensor> {
        match self {
            Value::InFile(name) => file.read(&name),
            Value::Here(tensor) => Ok(tensor),
        }
    }
}

/// Tensors with names.
pub(super) type Named = Vec<(String, Value)>;

/// One of the two files.
pub(super) struct Side {
    pub package: Package,
    model: OnceCell<Result<Model>>,
}

impl Side {
    pub fn open(path: &Path) -> Result<Side> {
        Ok(Side { package: Package::open(path)?, model: OnceCell::new() })
    }

    /// The names of the tensors. The checkpoint's description of its objects is left aside, and what metrics had counted
    /// when an archive was written: every run begins to count anew.
    pub fn names(&self) -> Vec<String> {
        let names = self.package.tensors().into_iter().map(|info| info.name);
        let counted = |name: &String| self.package.format == formats::KERAS_V3 && name.starts_with("metrics/");
        names.filter(|name| name != OBJECT_GRAPH_KEY && !counted(name)).collect()
    }

    /// The file's model, compiled where that is possible; made once.
    pub fn model(&self) -> Result<&Model, &Error> {
        self.model.get_or_init(|| fresh(&self.package)).as_ref()
    }

    fn has_architecture(&self) -> bool {
        self.package.config.is_some()
    }
}

fn fresh(package: &Package) -> Result<Model> {
    let load = |compile: bool| Ok(load_package(package, &LoadOptions::new().compile(compile))?.model);
    // What a model was compiled with may name what is not known here.
    load(package.training_config.is_some()).or_else(|_| load(false))
}

/// The model of one file with the weights of another.
fn through(architecture: &Package, weights: &Package) -> Result<Model> {
    let load = |model: Model| {
        model.load_weights(&weights.path)?.assert_existing_objects_matched()?;
        Ok(model)
    };
    if weights.optimizer.is_some()
        && let Ok(model) = fresh(architecture)
        && let Ok(optimizer) = model.optimizer()
    {
        let trained: Vec<_> = model.network().trainable_weights().into_iter().map(|weight| weight.variable).collect();
        if optimizer.build(&trained).is_ok()
            && let Ok(model) = load(model)
        {
            return Ok(model);
        }
    }
    load(load_package(architecture, &LoadOptions::new().compile(false))?.model)
}

/// The weights of both, by the path of layers and attributes where there is an architecture.
pub(super) fn weights(a: &Side, b: &Side) -> Result<(Named, Named)> {
    let of = |model: &Model| -> Named {
        let named = tree::named(model.network()).into_iter();
        named.map(|(name, weight)| (name, Value::Here(weight.variable.value()))).collect()
    };
    let own = |side: &Side| match side.model() {
        Ok(model) => Ok(of(model)),
        // The error itself cannot be copied: it is made again.
        Err(_) => fresh(&side.package).map(|model| of(&model)),
    };
    let (mut x, mut y) = match (a.has_architecture(), b.has_architecture()) {
        (true, true) => (own(a)?, own(b)?),
        (true, false) => (own(a)?, of(&through(&a.package, &b.package)?)),
        (false, true) => (of(&through(&b.package, &a.package)?), own(b)?),
        (false, false) => return by_names(&a.package, &b.package),
    };
    // Layers whose names have nothing in common are compared in order.
    let is_met = x.iter().any(|(name, _)| y.iter().any(|(other, _)| other == name));
    if !is_met && x.len() == y.len() {
        for ((name, _), (other, _)) in x.iter_mut().zip(&mut y) {
            other.clone_from(name);
        }
    }
    Ok((x, y))
}

/// The weights of files without architecture, as far as their names say which layer they belong to.
fn by_names(a: &Package, b: &Package) -> Result<(Named, Named)> {
    let is_tree = |package: &Package| matches!(package.weights, SavedWeights::Tree(_));
    if is_tree(a) || is_tree(b) {
        return Ok((in_tree(a)?, in_tree(b)?));
    }
    Ok((by_layers(a)?, by_layers(b)?))
}

fn by_layers(package: &Package) -> Result<Named> {
    if matches!(package.weights, SavedWeights::Named) {
        let names = package.tensors().into_iter().map(|info| info.name);
        let weights = names.filter(|name| !name.starts_with("optimizer/vars/"));
        return Ok(weights.map(|name| (name.clone(), Value::InFile(name))).collect());
    }
    let layers = bare::layers(package, formats::SAFETENSORS).map_err(compare)?;
    let weights = layers.iter().flat_map(|layer| layer.weights.iter().map(move |weight| (layer, weight)));
    Ok(weights.map(|(layer, weight)| (weight.path(layer), Value::InFile(weight.key.clone()))).collect())
}

fn in_tree(package: &Package) -> Result<Named> {
    let numbered = |path: &str, keys: Vec<String>| -> Named {
        let one = |(i, key)| (format!("{path}/vars/{i}"), Value::InFile(key));
        keys.into_iter().enumerate().map(one).collect()
    };
    if let SavedWeights::Tree(objects) = &package.weights {
        let aside = ["optimizer", "metrics", "_metrics", "loss_tracker"];
        let weights =
            objects.iter().filter(|object| !aside.contains(&object.path.split('/').next().unwrap_or_default()));
        let path = |path: &str| path.replace("_layer_checkpoint_dependencies", "layers");
        return Ok(weights.flat_map(|object| numbered(&path(&object.path), object.keys.clone())).collect());
    }
    let layers = bare::layers(package, formats::KERAS_WEIGHTS_H5).map_err(compare)?;
    let objects = bare::tree_paths(&layers).map_err(|name| Error::Content {
        operation: "compare",
        path: package.path.clone(),
        expected: "layers with the names that Keras gives".into(),
        found: format!("`{name}`"),
        help: HELP.into(),
    })?;
    let keys = |weights: Vec<&bare::BareWeight>| weights.into_iter().map(|weight| weight.key.clone()).collect();
    Ok(objects.into_iter().flat_map(|(path, weights)| numbered(&path, keys(weights))).collect())
}

const HELP: &str = "convert one of them to the other's format with its architecture first";

/// What names do not say, said of a comparison.
fn compare(error: Error) -> Error {
    match error {
        Error::Content { path, expected, found, .. } => {
            let expected = expected.split(", to write").next().unwrap_or_default().to_owned();
            Error::Content { operation: "compare", path, expected, found, help: HELP.into() }
        }
        other => other,
    }
}

/// The states of the optimizers, in one form.
pub(super) fn states(a: &Side, b: &Side) -> Result<(Named, Named)> {
    let state = |side: &Side, other: &Side| -> Result<Option<Vec<Tensor>>> {
        let Some(keys) = &side.package.optimizer else { return Ok(None) };
        let loaded;
        let model = match side.has_architecture() {
            true => side.model().ok(),
            false if other.has_architecture() => {
                loaded = through(&other.package, &side.package)?;
                Some(&loaded)
            }
            false => None,
        };
        if let Some(model) = model.filter(|model| model.optimizer().is_ok()) {
            let steps = model.optimizer()?.iterations().value().cast(DType::I64)?;
            if steps.as_slice::<i64>()?.first() == Some(&0) {
                return Ok(None);
            }
            let written = compiled::to_config(model)?.and_then(|config| config.write(Form::Keras2H5).ok());
            let written = written.unwrap_or(Json::Null);
            if let Ok(Some(state)) = optimizer::to_write(model, &written, Dialect::Keras2) {
                return Ok(Some(state.into_iter().map(|(_, tensor)| tensor).collect()));
            }
        }
        keys.iter().map(|key| side.package.read(key)).collect::<Result<_>>().map(Some)
    };
    let named = |state: Option<Vec<Tensor>>| -> Named {
        let one = |(i, tensor)| (format!("optimizer/vars/{i}"), Value::Here(tensor));
        state.into_iter().flatten().enumerate().map(one).collect()
    };
    Ok((named(state(a, b)?), named(state(b, a)?)))
}
