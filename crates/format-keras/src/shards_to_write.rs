//! Sharded weights to write.

use kerox_format_h5::keras::TreeToWrite;
use kerox_tensor::Tensor;

use crate::error::Result;

/// Weights to spread over several files.
#[derive(Clone, Debug, Default)]
pub struct ShardsToWrite {
    /// The objects in the model's order.
    pub objects: Vec<ShardedObject>,
}

/// An object and its variables.
#[derive(Clone, Debug)]
pub struct ShardedObject {
    /// Its path: `layers/dense`, empty for the model itself.
    pub path: String,
    /// The name Keras 3 notes for it.
    pub name: Option<String>,
    /// Its variables in order.
    pub variables: Vec<Tensor>,
}

impl ShardsToWrite {
    /// Splits the weights into files of at most `max_bytes` of tensor data each (a larger tensor has a file of its
    /// own), for an index `<stem>.weights.json`. Gives the index's text, and the files with their names.
    ///
    /// # Errors
    /// As [`TreeToWrite::object`].
    ///
    /// # Source
    /// keras/src/saving/saving_lib.py, `ShardedH5IOStore`.
    pub fn split(&self, stem: &str, max_bytes: u64) -> Result<(String, Vec<(String, TreeToWrite)>)> {
        let name_of = |shard: usize| format!("{stem}_{shard:05}.weights.h5");
        let mut shards: Vec<TreeToWrite> = vec![TreeToWrite::new()];
        let (mut used, mut total) = (0u64, 0u64);
        let mut map = serde_json::Map::new();
        for object in &self.objects {
            let path = object.path.trim_matches('/');
            let key = if path.is_empty() { "/vars".to_string() } else { format!("/{path}/vars") };
            let mut files = Vec::new();
            let mut part = Vec::new();
            let mut close = |part: &mut Vec<(usize, Tensor)>, shards: &mut Vec<TreeToWrite>| -> Result<()> {
                let number = shards.len() - 1;
                files.push(serde_json::Value::from(name_of(number)));
                if let Some(shard) = shards.last_mut() {
                    shard.numbered(path, object.name.as_deref(), std::mem::take(part))?;
                }
                Ok(())
            };
            for (number, tensor) in object.variables.iter().enumerate() {
                let bytes = tensor.as_bytes().map_or(0, <[u8]>::len) as u64;
                if used > 0 && used.saturating_add(bytes) > max_bytes {
                    if !part.is_empty() {
                        close(&mut part, &mut shards)?;
                    }
                    shards.push(TreeToWrite::new());
                    used = 0;
                }
                used += bytes;
                total += bytes;
                part.push((number, tensor.clone()));
            }
            if !part.is_empty() || object.variables.is_empty() {
                close(&mut part, &mut shards)?;
            }
            // Keras lists no object without variables.
            if !object.variables.is_empty() {
                map.insert(key, files.into());
            }
        }
        let index = serde_json::json!({ "metadata": { "total_size": total as f64 }, "weight_map": map });
        let mut text = Vec::new();
        let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut json = serde_json::Serializer::with_formatter(&mut text, indent);
        // Writing a map of texts into memory does not fail.
        let _ = serde::Serialize::serialize(&index, &mut json);
        let files = shards.into_iter().enumerate().map(|(shard, tree)| (name_of(shard), tree)).collect();
        Ok((String::from_utf8_lossy(&text).into_owned(), files))
    }
}
