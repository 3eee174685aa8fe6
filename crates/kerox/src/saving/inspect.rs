//! What a file holds, without building a model.

use std::path::Path;

use kerox_config_json::{Config, Value as Json};
use kerox_format_savedmodel::{Signature, SignatureTensor};

use super::package::Package;
use super::{Result, formats};

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
    /// Data files, where the format may have several.
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
        None => config.as_ref().and_then(|config| layers(config, &package)),
    };
    Ok(Inspection {
        format: package.format.name,
        keras_version: package.keras_version.clone(),
        backend: package.backend.clone(),
        class_name,
        layers,
        training_config: package.training_config.clone(),
        shards: package
            .shards
            .filter(|_| package.format == formats::TF_CHECKPOINT || package.shards.is_some_and(|n| n > 1)),
        package,
    })
}

fn layers(config: &Json, package: &Package) -> Option<Vec<InspectedLayer>> {
    let inner = config.get("config").unwrap_or(config);
    let list = inner.as_list().or_else(|| inner.get("layers").and_then(Json::as_list))?;
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_string();
    let counted = params(package);
    Some(
        list.iter()
            .map(|layer| {
                let own = layer.get("config").and_then(|c| c.get("name")).or_else(|| layer.get("name"));
                let name = text(own);
                let params = counted.as_ref().map(|c| c.iter().filter(|(n, _)| *n == name).map(|(_, p)| *p).sum());
                InspectedLayer { class_name: text(layer.get("class_name")), params, name }
            })
            .collect(),
    )
}

/// Numbers by layer name, where the file names its weights by layer.
fn params(package: &Package) -> Option<Vec<(String, usize)>> {
    let super::SavedWeights::Layers { layers, .. } = &package.weights else { return None };
    let infos = package.infos();
    let size = |key: &String| infos.get(key).map_or(0, |info| info.shape.elements());
    Some(layers.iter().map(|l| (l.name.clone(), l.weights.iter().map(|w| size(&w.key)).sum())).collect())
}

/// Signatures by name with names, types and shapes of inputs and outputs.
fn signatures(signatures: &[Signature]) -> Json {
    let tensors = |tensors: &[SignatureTensor]| -> Json {
        let one = |tensor: &SignatureTensor| {
            let axis = |axis: &Option<u64>| Json::from(axis.and_then(|n| i64::try_from(n).ok()));
            let shape = tensor.shape.as_ref().map_or(Json::Null, |axes| Json::List(axes.iter().map(axis).collect()));
            let dtype = tensor.dtype.dtype().map_or(Json::Null, |dtype| Json::from(dtype.name()));
            (tensor.name.clone(), Json::from(Config::new().with("dtype", dtype).with("shape", shape)))
        };
        tensors.iter().map(one).collect::<Config>().into()
    };
    let one = |signature: &Signature| {
        let ends =
            Config::new().with("inputs", tensors(&signature.inputs)).with("outputs", tensors(&signature.outputs));
        (signature.name.clone(), Json::from(ends))
    };
    signatures.iter().map(one).collect::<Config>().into()
}

impl Inspection {
    /// The document that `inspect --json` prints, without the tensors' checksums, which need every byte of the file.
    pub fn to_json(&self) -> Json {
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
        let tensors = self.package.tensors().into_iter().map(|info| -> Json {
            let shape: Vec<Json> = info.shape.iter().map(|&n| Json::from(n)).collect();
            Config::new()
                .with("name", info.name.as_str())
                .with("dtype", info.dtype.name())
                .with("shape", Json::List(shape))
                .with("bytes", info.dtype.size().map_or(Json::Null, |size| Json::from(info.shape.elements() * size)))
                .into()
        });
        Config::new()
            .with("format", self.format)
            .with("keras_version", text(&self.keras_version))
            .with("backend", text(&self.backend))
            .with("class_name", text(&self.class_name))
            .with("layers", layers)
            .with("training_config", self.training_config.clone().unwrap_or(Json::Null))
            .with("signatures", signatures(&self.package.signatures))
            .with("shards", self.shards.map_or(Json::Null, Json::from))
            .with("tensors", Json::List(tensors.collect()))
            .into()
    }
}
