//! Weights spread over several files, as Keras 3 writes them.

use std::collections::BTreeMap;
use std::path::Path;

use kerox_format_h5::H5File;
use kerox_format_h5::keras::WeightsTree;
use kerox_tensor::Tensor;
use kerox_tensor::trackable::{TensorInfo, TensorSource};

use crate::error::{Error, Result};

/// Open sharded weights.
///
/// ```text
/// m.weights.json        {"metadata": {"total_size": 4884612.0}, "weight_map": {"/layers/dense/vars": ["m_00000.weights.h5"], ...}}
/// m_00000.weights.h5    as any `.weights.h5`; the variables of one object may lie in several files
/// ```
#[derive(Clone, Debug)]
pub struct ShardedWeights {
    shards: Vec<WeightsTree>,
    /// Path of each object to its variables: shard and description.
    objects: BTreeMap<String, Vec<(usize, TensorInfo)>>,
    /// The name of each variable to its shard.
    variables: BTreeMap<String, usize>,
}

/// Bytes an index may have.
const MAX_INDEX: u64 = 256 << 20;

impl ShardedWeights {
    /// Opens the index, `*.weights.json`, and the files beside it that it names.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Text`] for an index of another form or with names that are no plain file names,
    /// [`Error::H5`].
    pub fn open(path: impl AsRef<Path>) -> Result<ShardedWeights> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let io = |source| Error::Io { operation: "open index of shards", file: file.clone(), source };
        let wrong = |found: String| Error::Text {
            file: file.clone(),
            member: "weight_map".into(),
            expected: "a map from `vars` groups to lists of names of files beside the index",
            found,
        };
        if std::fs::metadata(path).map_err(io)?.len() > MAX_INDEX {
            return Err(wrong("an index of over 256 MiB".into()));
        }
        let text = std::fs::read_to_string(path).map_err(io)?;
        let index: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let map = index.get("weight_map").and_then(|map| map.as_object()).ok_or_else(|| wrong("none".into()))?;
        let mut names = std::collections::BTreeSet::new();
        for (group, files) in map {
            // Keras 3 before shards of one object wrote a single name.
            let files = match files {
                serde_json::Value::Array(files) => files.iter().map(|name| name.as_str()).collect(),
                other => vec![other.as_str()],
            };
            for name in files {
                let plain = name.filter(|name| {
                    !name.is_empty() && !matches!(*name, "." | "..") && !name.contains(['/', '\\', ':', '\0'])
                });
                names.insert(plain.ok_or_else(|| wrong(format!("`{}` for `{group}`", name.unwrap_or("no text"))))?);
            }
        }
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut shards = Vec::with_capacity(names.len());
        for name in names {
            shards.push(WeightsTree::new(H5File::open(directory.join(name))?)?);
        }
        let sharded = ShardedWeights::new(shards)?;
        for group in map.keys() {
            let object = group.trim_matches('/');
            let object = object.strip_suffix("vars").unwrap_or(object).trim_end_matches('/');
            if !sharded.objects.contains_key(object) {
                return Err(wrong(format!("`{group}`, which no file holds")));
            }
        }
        Ok(sharded)
    }

    /// Puts open files together.
    ///
    /// # Errors
    /// [`Error::Text`] where two files hold one variable.
    pub fn new(shards: Vec<WeightsTree>) -> Result<ShardedWeights> {
        let mut objects: BTreeMap<String, Vec<(usize, TensorInfo)>> = BTreeMap::new();
        let mut variables = BTreeMap::new();
        for (number, shard) in shards.iter().enumerate() {
            for object in shard.objects() {
                let known = objects.entry(object.path.clone()).or_default();
                for variable in &object.variables {
                    if variables.insert(variable.name.clone(), number).is_some() {
                        return Err(Error::Text {
                            file: shard.file().name().to_string(),
                            member: variable.name.clone(),
                            expected: "each variable in one file",
                            found: "it in two".into(),
                        });
                    }
                    known.push((number, variable.clone()));
                }
            }
        }
        for known in objects.values_mut() {
            let number = |info: &TensorInfo| info.name.rsplit('/').next().and_then(|n| n.parse::<u64>().ok());
            known.sort_by_key(|(_, info)| number(info));
        }
        Ok(ShardedWeights { shards, objects, variables })
    }

    /// The paths of the objects, sorted: `layers/dense`, empty for the model itself.
    pub fn objects(&self) -> impl Iterator<Item = &str> {
        self.objects.keys().map(String::as_str)
    }

    /// Reads the variables of the object at a path in order; `None` where no file has it.
    ///
    /// # Errors
    /// [`Error::H5`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<Tensor>>> {
        let Some(variables) = self.objects.get(path.trim_matches('/')) else { return Ok(None) };
        let read = |(shard, info): &(usize, TensorInfo)| self.tensor_of(*shard, &info.name);
        variables.iter().map(read).collect::<Result<_>>().map(Some)
    }

    fn tensor_of(&self, shard: usize, name: &str) -> Result<Tensor> {
        match self.shards.get(shard) {
            Some(shard) => Ok(shard.tensor(name)?),
            None => Err(missing(name)),
        }
    }
}

fn missing(name: &str) -> Error {
    Error::Missing { file: "the shards".into(), member: name.to_string(), found: "other variables".into() }
}

/// All variables of all files by the path of their dataset.
impl TensorSource for ShardedWeights {
    type Error = Error;

    fn entries(&self) -> Vec<TensorInfo> {
        let mut entries: Vec<TensorInfo> = self.objects.values().flatten().map(|(_, info)| info.clone()).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        match self.variables.get(name.trim_start_matches('/')) {
            Some(&shard) => self.tensor_of(shard, name.trim_start_matches('/')),
            None => Err(missing(name)),
        }
    }
}
