//! The `.keras` archive, `.weights.h5` and sharded weights.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerox_config_json::names::snake_case;
use kerox_config_json::{Form, Style, Value};
use kerox_format_h5::H5File;
use kerox_format_h5::keras::{TreeToWrite, WeightsTree};
use kerox_format_keras::{KerasFile, KerasToWrite, ShardedObject, ShardedWeights, ShardsToWrite};
use kerox_layers::LayerRef;
use kerox_tensor::Tensor;
use kerox_tensor::trackable::TensorInfo;
use kerox_train::Model;

use super::package::{Package, SavedObject, SavedWeights, Tensors};
use super::save_options::{Dialect, SaveOptions};
use super::{Error, Result, compiled, formats, learnt, optimizer, tree, write};

pub(super) fn open(path: &Path) -> Result<Package> {
    of_archive(KerasFile::open(path)?, path)
}

/// An open archive, which errors call `path`.
pub(super) fn of_archive(file: KerasFile, path: &Path) -> Result<Package> {
    let mut package = Package::new(formats::KERAS_V3, path, Arc::new(file.weights.clone()));
    of_tree(&mut package, &file.weights);
    package.keras_version = file.metadata.as_ref().and_then(|metadata| metadata.keras_version.clone());
    package.config = Some(file.config.clone());
    package.archive = Some(file);
    if let Ok(Some(config)) = package.config_json() {
        package.training_config = compile_config(&config);
    }
    Ok(package)
}

/// What a serialized model was compiled with.
pub(super) fn compile_config(model: &Value) -> Option<Value> {
    model.get("compile_config").filter(|config| config.as_map().is_some_and(|map| !map.is_empty())).cloned()
}

pub(super) fn open_weights(path: &Path) -> Result<Package> {
    if kerox_format_h5_signature(path) {
        return of_weights(H5File::open(path)?, path);
    }
    let shards = ShardedWeights::open(path)?;
    let mut objects = Vec::new();
    let mut optimizer = None;
    let mut infos = Vec::new();
    for object in shards.objects() {
        let tensors = shards.read(object)?.unwrap_or_default();
        let key = |i: usize| if object.is_empty() { format!("vars/{i}") } else { format!("{object}/vars/{i}") };
        let keys: Vec<String> = (0..tensors.len()).map(key).collect();
        for (name, tensor) in keys.iter().zip(&tensors) {
            infos.push(TensorInfo { name: name.clone(), dtype: tensor.dtype(), shape: tensor.shape().clone() });
        }
        if object == "optimizer" {
            optimizer = Some(keys.clone());
        }
        objects.push(SavedObject { path: object.to_string(), keys });
    }
    infos.sort_by(|a, b| a.name.cmp(&b.name));
    let mut package = Package::new(formats::KERAS_WEIGHTS_H5, path, Arc::new(Shards { shards, infos }));
    package.weights = SavedWeights::Tree(objects);
    package.optimizer = optimizer;
    Ok(package)
}

/// Open weights, which errors call `path`.
pub(super) fn of_weights(file: H5File, path: &Path) -> Result<Package> {
    let tree = WeightsTree::new(file)?;
    let mut package = Package::new(formats::KERAS_WEIGHTS_H5, path, Arc::new(tree.clone()));
    of_tree(&mut package, &tree);
    Ok(package)
}

fn kerox_format_h5_signature(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 1];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head[0] != b'{'
}

/// Sharded weights as tensors by the path of their dataset.
struct Shards {
    shards: ShardedWeights,
    infos: Vec<TensorInfo>,
}

impl Tensors for Shards {
    fn entries(&self) -> Vec<TensorInfo> {
        self.infos.clone()
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        let missing = || Error::Content {
            operation: "read a tensor from",
            path: PathBuf::from("sharded weights"),
            expected: format!("a tensor `{name}`"),
            found: "none of that name".into(),
            help: "see the names with `inspect`".into(),
        };
        let (object, number) = name.rsplit_once('/').ok_or_else(missing)?;
        let object = object.strip_suffix("vars").ok_or_else(missing)?.trim_end_matches('/');
        let number: usize = number.parse().map_err(|_| missing())?;
        self.shards
            .read(object)?
            .and_then(|mut all| (number < all.len()).then(|| all.swap_remove(number)))
            .ok_or_else(missing)
    }
}

fn of_tree(package: &mut Package, tree: &WeightsTree) {
    // The names under which the tensors are listed have no `\`.
    let keys = |variables: &[TensorInfo]| variables.iter().map(|v| v.name.replace('\\', "/")).collect::<Vec<String>>();
    let objects = tree.objects().iter();
    package.weights = SavedWeights::Tree(
        objects.map(|object| SavedObject { path: object.path.clone(), keys: keys(&object.variables) }).collect(),
    );
    package.optimizer = tree.object("optimizer").map(|object| keys(&object.variables));
}

/// The architecture and what it was compiled with.
fn config(model: &Model, options: &SaveOptions) -> Result<(String, Option<Value>)> {
    let form = match options.dialect {
        Dialect::Keras2 => Form::Keras2Keras,
        Dialect::Keras3 => Form::Keras3Keras,
    };
    let document = kerox_layers::models::to_document(model.network())?;
    let compiled = compiled::to_config(model)?.map(|config| config.write(form)).transpose()?;
    let mut written = document.write(form)?;
    learnt::embed(&mut written, model.network(), &|layer| tree::is_learnt_in_archive(layer, options.dialect))?;
    if let (Some(map), Some(compiled)) = (written.as_map_mut(), &compiled) {
        map.insert("compile_config", compiled.clone());
    }
    Ok((written.to_json(Style::default()), compiled))
}

/// An object's arrays that have names: the object's path, its name, and names and arrays.
pub(super) type Arrays = (String, Option<String>, Vec<(String, Tensor)>);

/// Objects with their tensors, then those with arrays that have names. `in_config` tells the layers whose state is
/// elsewhere.
fn objects(
    model: &Model,
    compiled: Option<&Value>,
    options: &SaveOptions,
    in_config: fn(&LayerRef, Dialect) -> bool,
) -> Result<(Vec<ShardedObject>, Vec<Arrays>)> {
    let name = |name: &str| (options.dialect == Dialect::Keras3).then(|| name.to_string());
    let (mut objects, mut arrays) = (Vec::new(), Vec::new());
    for node in tree::for_writing(model.network(), options.dialect, &|layer| in_config(layer, options.dialect)) {
        let state = node.layer.as_ref().and_then(|layer| layer.state());
        let named = state.map(|state| state.arrays()).unwrap_or_default();
        if !named.is_empty() {
            arrays.push((node.path, name(&node.name), named));
            continue;
        }
        let variables =
            node.weights.iter().map(|weight| write::converted(node.value(weight)?, options)).collect::<Result<_>>()?;
        objects.push(ShardedObject { path: node.path, name: name(&node.name), variables });
    }
    if options.dialect == Dialect::Keras2 {
        objects.extend(metrics(model)?);
    }
    if options.include_optimizer {
        let none = Value::Null;
        if let Some(state) = optimizer::to_write(model, compiled.unwrap_or(&none), options.dialect)? {
            let own = model.optimizer()?.name();
            let variables = state.into_iter().map(|(_, tensor)| tensor).collect();
            objects.push(ShardedObject { path: "optimizer".into(), name: name(&own), variables });
        }
    }
    Ok((objects, arrays))
}

/// The variables of the metrics, at their beginning: Keras 2.15 insists on them when it loads weights into a model that
/// has been trained or evaluated, and resets them before it counts.
fn metrics(model: &Model) -> Result<Vec<ShardedObject>> {
    let mut objects = Vec::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (metric, states) in model.tracked_metrics()? {
        let class = snake_case(metric.function.class_name());
        let count = counts.entry(class.clone()).or_insert(0);
        let path = if *count == 0 { format!("metrics/{class}") } else { format!("metrics/{class}_{count}") };
        *count += 1;
        let zeros = |state: kerox_train::metrics::State| Tensor::zeros(state.dtype, state.shape);
        let variables = states.into_iter().map(zeros).collect::<kerox_tensor::Result<_>>()?;
        objects.push(ShardedObject { path, name: None, variables });
    }
    Ok(objects)
}

fn tree_of((objects, arrays): (Vec<ShardedObject>, Vec<Arrays>), options: &SaveOptions) -> Result<TreeToWrite> {
    let mut tree = TreeToWrite::new().compression(options.compression);
    for object in objects {
        tree.object(&object.path, object.name.as_deref(), &object.variables)?;
    }
    for (path, name, named) in arrays {
        tree.named(&path, name.as_deref(), named)?;
    }
    Ok(tree)
}

fn size(tensor: &Tensor) -> u64 {
    tensor.as_bytes().map_or(0, <[u8]>::len) as u64
}

/// The files of layers: their vocabularies.
fn assets(model: &Model, options: &SaveOptions) -> Vec<(String, Vec<u8>)> {
    let mut assets = Vec::new();
    for node in tree::for_writing(model.network(), options.dialect, &|_| false) {
        if let Some(state) = node.layer.as_ref().and_then(|layer| layer.state()) {
            assets.extend(state.assets().into_iter().map(|(name, content)| (format!("{}/{name}", node.path), content)));
        }
    }
    assets
}

/// A whole model to write.
pub(super) fn whole(model: &Model, options: &SaveOptions) -> Result<KerasToWrite> {
    let (config, compiled) = config(model, options)?;
    let weights = tree_of(objects(model, compiled.as_ref(), options, tree::is_learnt_in_archive)?, options)?;
    let mut file = KerasToWrite::new(options.dialect.keras_version(), config, weights);
    file.date_saved = options.date_saved.clone();
    file.assets = assets(model, options);
    Ok(file)
}

/// Writes weights alone: one file, or an index with data files where a largest size is given or the name asks for it.
pub(super) fn save_weights(model: &Model, path: &Path, options: &SaveOptions) -> Result<()> {
    let (_, compiled) = match model.compiled() {
        Some(_) => config(model, options)?,
        None => (String::new(), None),
    };
    let (objects, arrays) = objects(model, compiled.as_ref(), options, tree::is_learnt_in_config)?;
    write_weights(objects, arrays, path, options)
}

/// Writes objects with their tensors, and those with arrays that have names.
pub(super) fn write_weights(
    objects: Vec<ShardedObject>,
    arrays: Vec<Arrays>,
    path: &Path,
    options: &SaveOptions,
) -> Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(stem) = name.strip_suffix(".weights.json").or_else(|| name.strip_suffix(".json")) else {
        if options.max_shard_bytes.is_some() || options.shards.is_some_and(|n| n > 1) {
            return Err(Error::Option {
                operation: "save_weights",
                expected: "a path that ends with `.weights.json` for several data files".into(),
                found: format!("`{name}`"),
            });
        }
        let tree = tree_of((objects, arrays), options)?;
        return write::file(path, options, |out| Ok(tree.write_to(out)?));
    };
    if let Some((path, ..)) = arrays.first() {
        return Err(Error::Option {
            operation: "save_weights",
            expected: "one file of weights, as the arrays of lookup layers have names".into(),
            found: format!("files in parts, with `{path}`"),
        });
    }
    let total: u64 = objects.iter().flat_map(|object| &object.variables).map(size).sum();
    let of_number = options.shards.map(|shards| total.div_ceil(u64::from(shards.max(1))).max(1));
    // Keras's largest file is 5 GB where none is given.
    let largest = options.max_shard_bytes.or(of_number).unwrap_or(5_000_000_000);
    let (index, files) = ShardsToWrite { objects }.split(stem, largest)?;
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut set = kerox_fs::FileSet::create(dir, &name, &write::fs_options(options))?;
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Io { operation: "write", path, source }
    };
    for (file, tree) in files {
        let staged = set.file(&file)?;
        let mut out = std::io::BufWriter::new(std::fs::File::create(&staged).map_err(io(&staged))?);
        tree.write_to(&mut out)?;
        std::io::Write::flush(&mut out).map_err(io(&staged))?;
    }
    let staged = set.file(&name)?;
    std::fs::write(&staged, index).map_err(io(&staged))?;
    Ok(set.commit()?)
}
