//! TensorFlow's checkpoints as packages.

use std::path::Path;
use std::sync::Arc;

use kerox_format_ckpt::CheckpointReader;
use kerox_tensor::Tensor;
use kerox_tensor::trackable::TensorInfo;

use super::Result;
use super::formats::{self, checkpoint_prefix};
use super::package::{Package, SavedWeights, Tensors};

/// The tensors of a checkpoint by their keys.
pub(super) struct Keys(pub CheckpointReader);

impl Tensors for Keys {
    fn entries(&self) -> Vec<TensorInfo> {
        self.0.keys().filter(|key| !key.is_empty()).filter_map(|key| self.0.info(key).ok()).collect()
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        Ok(self.0.get_tensor(name)?)
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.0.info(name).ok()
    }

    fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        Ok(self.0.for_each_block(name, f)?)
    }
}

pub(super) fn open_checkpoint(path: &Path) -> Result<Package> {
    let prefix = checkpoint_prefix(path).unwrap_or_else(|| path.to_path_buf());
    let reader = CheckpointReader::open(&prefix)?;
    let shards = reader.shards() as usize;
    let optimizer = optimizer_keys(&reader);
    let mut package = Package::new(formats::TF_CHECKPOINT, path, Arc::new(Keys(reader)));
    package.shards = Some(shards);
    package.optimizer = (!optimizer.is_empty()).then_some(optimizer);
    package.weights = SavedWeights::Checkpoint(prefix);
    Ok(package)
}

/// The optimizer's tensors: in their order where they have one.
pub(super) fn optimizer_keys(reader: &CheckpointReader) -> Vec<String> {
    let of_optimizer = |key: &&str| key.starts_with("optimizer/") || key.contains("/.OPTIMIZER_SLOT/");
    let mut keys: Vec<String> = reader.keys().filter(of_optimizer).map(str::to_owned).collect();
    let place = |key: &String| {
        let number =
            key.strip_prefix("optimizer/_variables/").and_then(|rest| rest.split('/').next()?.parse::<u64>().ok());
        (number.is_none(), number, key.clone())
    };
    keys.sort_by_key(place);
    keys
}
