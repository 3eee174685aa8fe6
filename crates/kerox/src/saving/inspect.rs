//! What a file holds, without building a model.

use std::path::Path;

use kerox_config_json::{Config, Value as Json};
use kerox_format_savedmodel::{Signature, SignatureTensor};

use super::package::{Package, SavedWeights};
use super::{Result, formats, tree};

/// A layer as a file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedLayer {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class_name: String,
    /// Numbers in its weights, where the file tells which are its own.
    pub params: Option<usize>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The format's name.
    pub format: &'static str,
    /// The version of Keras that wrote it.
    pub keras_version: Option<String>,
    /// The backend that wrote it.
    pub backend: Option<String>,
    /// The model's class.
    pub class_name: Option<String>,
    /// The layers, those of inner models left aside.
    pub layers: Option<Vec<InspectedLayer>>,
    /// What the model was compiled with.
    pub training_config: Option<Json>,
    /// The signatures of a SavedModel.
    pub signatures: Option<Vec<Signature>>,
    /// Data files of a checkpoint, alone or inside a SavedModel.
    pub shards: Option<usize>,
    /// The open file: every tensor by name.
    pub package: Package,
}

/// Looks into a file of any format. Layers of unknown classes are listed like all others.
///
/// # Errors
/// As [`super::detect`]; errors of the format.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(2).name("d").input_shape([3]));
/// let path = std::env::temp_dir().join("kerox-inspect.h5");
/// model.save(&path)?;
/// let found = kerox::saving::inspect(&path)?;
/// assert_eq!(found.format, "keras-h5");
/// assert_eq!(found.layers.unwrap().last().unwrap().params, Some(8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn inspect(path: impl AsRef<Path>) -> Result<Inspection> {
    let package = Package::open(path)?;
    let config = package.config_json()?;
    let class_name = config.as_ref().and_then(|c| c.get("class_name")).and_then(Json::as_str).map(str::to_owned);
    let layers = match &package.saved_keras {
        Some(keras) => keras.layers()?,
        None => config.as_ref().and_then(layers).map(|list| {
            let counts = params(&list, &package);
            let one = |(i, (name, class_name)): (usize, (String, String))| {
                let params = counts.as_ref().and_then(|counts| counts.get(i)).copied();
                InspectedLayer { name, class_name, params }
            };
            list.into_iter().enumerate().map(one).collect()
        }),
    };
    Ok(Inspection {
        format: package.format.name,
        keras_version: package.keras_version.clone(),
        backend: package.backend.clone(),
        class_name,
        layers,
        training_config: package.training_config.clone(),
        signatures: (package.format == formats::SAVED_MODEL).then(|| package.signatures.clone()),
        shards: package.shards,
        package,
    })
}

/// Names and classes of the layers, those of inner models left aside.
fn layers(config: &Json) -> Option<Vec<(String, String)>> {
    let inner = config.get("config").unwrap_or(config);
    let list = inner.as_list().or_else(|| inner.get("layers").and_then(Json::as_list))?;
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_string();
    let one = |layer: &Json| {
        let own = layer.get("config").and_then(|c| c.get("name")).or_else(|| layer.get("name"));
        (text(own), text(layer.get("class_name")))
    };
    Some(list.iter().map(one).collect())
}

/// Numbers in the weights of each layer, where the file tells which are its own.
fn params(list: &[(String, String)], package: &Package) -> Option<Vec<usize>> {
    let infos = package.infos();
    let size = |key: &String| infos.get(key).map_or(0, |info| info.shape.elements());
    match &package.weights {
        SavedWeights::Layers { layers, .. } => {
            let count = |name: &String| {
                let own = layers.iter().filter(|layer| layer.name == *name).flat_map(|layer| &layer.weights);
                own.map(|weight| size(&weight.key)).sum()
            };
            Some(list.iter().map(|(name, _)| count(name)).collect())
        }
        SavedWeights::Tree(objects) => {
            let mut names = tree::Names::default();
            let inside = |path: &str, above: &str| {
                let rest = path.split_once('/').map(|(_, rest)| rest).and_then(|rest| rest.strip_prefix(above));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let count = |(_, class): &(String, String)| {
                let own = names.next(class);
                objects.iter().filter(|o| inside(&o.path, &own)).flat_map(|o| &o.keys).map(size).sum()
            };
            Some(list.iter().map(count).collect())
        }
        SavedWeights::Named => {
            let count = |name: &String| {
                let below = format!("{name}/");
                infos.values().filter(|info| info.name.starts_with(&below)).map(|info| info.shape.elements()).sum()
            };
            Some(list.iter().map(|(name, _)| count(name)).collect())
        }
        SavedWeights::None | SavedWeights::Checkpoint(_) => None,
    }
}

fn signature(signature: &Signature) -> (String, Json) {
    let one = |tensor: &SignatureTensor| -> (String, Json) {
        let dtype = tensor.dtype.dtype().map_or_else(|| format!("{:?}", tensor.dtype), |dtype| dtype.name().into());
        let axis = |axis: &Option<u64>| axis.and_then(|n| i64::try_from(n).ok()).map_or(Json::Null, Json::from);
        let shape = tensor.shape.as_ref().map_or(Json::Null, |axes| Json::List(axes.iter().map(axis).collect()));
        (tensor.name.clone(), Config::new().with("dtype", dtype).with("shape", shape).into())
    };
    let all = |tensors: &[SignatureTensor]| Json::from(tensors.iter().map(one).collect::<Config>());
    let ends = Config::new().with("inputs", all(&signature.inputs)).with("outputs", all(&signature.outputs));
    (signature.name.clone(), ends.into())
}

impl Inspection {
    /// The document that `inspect --json` prints. Its checksums need every byte of the file, which is read block by
    /// block.
    ///
    /// # Errors
    /// Where a tensor cannot be read.
    pub fn to_json(&self) -> Result<Json> {
        self.to_json_with(|_, _| {})
    }

    /// As [`Inspection::to_json`]; `progress` is told how many tensors of how many are done.
    ///
    /// # Errors
    /// As [`Inspection::to_json`].
    pub fn to_json_with(&self, mut progress: impl FnMut(usize, usize)) -> Result<Json> {
        let text = |value: &Option<String>| value.as_deref().map_or(Json::Null, Json::from);
        let layers = self.layers.as_ref().map_or(Json::Null, |layers| {
            let one = |layer: &InspectedLayer| -> Json {
                Config::new()
                    .with("name", layer.name.as_str())
                    .with("class_name", layer.class_name.as_str())
                    .with("params", layer.params.map_or(Json::Null, Json::from))
                    .into()
            };
            Json::List(layers.iter().map(one).collect())
        });
        let signatures = self.signatures.as_ref();
        let signatures = signatures.map_or(Json::Null, |list| list.iter().map(signature).collect::<Config>().into());
        let infos = self.package.tensors();
        let mut tensors = Vec::with_capacity(infos.len());
        for (done, info) in infos.iter().enumerate() {
            progress(done, infos.len());
            let digest = self.package.digest(&info.name)?;
            let tensor = Config::new()
                .with("name", info.name.as_str())
                .with("dtype", info.dtype.name())
                .with("shape", Json::List(info.shape.iter().map(|&n| Json::from(n)).collect()))
                .with("bytes", i64::try_from(digest.bytes).unwrap_or(i64::MAX))
                .with("sha256", digest.sha256);
            tensors.push(tensor.into());
        }
        progress(infos.len(), infos.len());
        Ok(Config::new()
            .with("format", self.format)
            .with("keras_version", text(&self.keras_version))
            .with("backend", text(&self.backend))
            .with("class_name", text(&self.class_name))
            .with("layers", layers)
            .with("training_config", self.training_config.clone().unwrap_or(Json::Null))
            .with("signatures", signatures)
            .with("shards", self.shards.map_or(Json::Null, Json::from))
            .with("tensors", Json::List(tensors))
            .into())
    }
}
