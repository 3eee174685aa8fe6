//! Writing checkpoints.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use kerox_fs::FileSet;
use kerox_tensor::Tensor;
use kerox_tensor::trackable::TensorSink;
use prost::Message;

use crate::layout::{OBJECT_GRAPH_KEY, shard_name};
use crate::proto::{BundleEntry, BundleHeader, VersionDef};
use crate::shard_writer::ShardWriter;
use crate::table::write_table;
use crate::{Error, ObjectGraph, Result, WriteOptions};

/// A checkpoint under construction. Tensors go to disk as they come; [`BundleWriter::finish`] puts data files and
/// index in place together. Dropping it before leaves what was there.
///
/// The files are those TensorFlow writes from the same tensors in the same order, byte for byte.
///
/// # Example
/// See [`crate::CheckpointReader`].
#[derive(Debug)]
pub struct BundleWriter {
    prefix: PathBuf,
    stem: String,
    set: FileSet,
    shards: Vec<ShardWriter>,
    entries: BTreeMap<Vec<u8>, BundleEntry>,
}

impl BundleWriter {
    /// Starts a checkpoint of files called `<prefix>.index` and `<prefix>.data-SSSSS-of-NNNNN`. Directories are
    /// created.
    ///
    /// # Errors
    /// [`Error::Argument`] for a prefix without a name or a number of shards out of range; [`Error::Save`].
    pub fn create(prefix: impl AsRef<Path>, options: &WriteOptions) -> Result<BundleWriter> {
        let prefix = prefix.as_ref();
        let stem = prefix.file_name().and_then(|name| name.to_str()).ok_or_else(|| Error::Argument {
            operation: "write checkpoint",
            argument: "prefix",
            expected: "a path that ends in a name in UTF-8".into(),
            found: format!("`{}`", prefix.display()),
        })?;
        if !(1..=99_999).contains(&options.shards) {
            return Err(Error::Argument {
                operation: "write checkpoint",
                argument: "shards",
                expected: "1 to 99999".into(),
                found: options.shards.to_string(),
            });
        }
        let dir = prefix.parent().unwrap_or(Path::new("."));
        let mut set = FileSet::create(dir, stem, &options.save)?;
        let shards = (0..options.shards)
            .map(|shard| ShardWriter::create(&set.file(shard_name(stem, shard, options.shards))?, shard))
            .collect::<Result<_>>()?;
        Ok(BundleWriter { prefix: prefix.into(), stem: stem.into(), set, shards, entries: BTreeMap::new() })
    }

    /// Writes a tensor to the data file that is shortest so far.
    ///
    /// # Errors
    /// [`Error::DuplicateKey`]; [`Error::Argument`] for a key that is empty or begins with a zero byte;
    /// [`Error::Io`].
    pub fn put(&mut self, key: &str, tensor: &Tensor) -> Result<()> {
        self.check_key(key)?;
        if let Some(shard) = self.shards.iter_mut().min_by_key(|shard| shard.len()) {
            let entry = shard.put(tensor)?;
            self.entries.insert(key.into(), entry);
        }
        Ok(())
    }

    /// Writes several tensors, each data file by a thread of its own. Each tensor goes to the file that is shortest
    /// then, in this order.
    ///
    /// # Errors
    /// As [`BundleWriter::put`].
    pub fn put_all(&mut self, tensors: &[(String, Tensor)]) -> Result<()> {
        for (key, _) in tensors {
            self.check_key(key)?;
        }
        if self.shards.len() == 1 {
            return tensors.iter().try_for_each(|(key, tensor)| self.put(key, tensor));
        }
        let mut lengths: Vec<u64> = self.shards.iter().map(ShardWriter::len).collect();
        let mut shares: Vec<Vec<&(String, Tensor)>> = vec![Vec::new(); lengths.len()];
        for pair in tensors {
            let shortest = lengths.iter().enumerate().min_by_key(|(_, length)| **length).map_or(0, |(at, _)| at);
            if let (Some(length), Some(share)) = (lengths.get_mut(shortest), shares.get_mut(shortest)) {
                *length += pair.1.as_bytes().map_or(64 * pair.1.len(), <[u8]>::len) as u64;
                share.push(pair);
            }
        }
        let written: Vec<Result<Vec<(&str, BundleEntry)>>> = std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .shards
                .iter_mut()
                .zip(&shares)
                .map(|(shard, share)| {
                    scope.spawn(move || {
                        share.iter().map(|(key, tensor)| Ok((key.as_str(), shard.put(tensor)?))).collect()
                    })
                })
                .collect();
            // A thread that panicked has a bug that must not be hidden.
            threads.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        for share in written {
            for (key, entry) in share? {
                self.check_key(key)?;
                self.entries.insert(key.into(), entry);
            }
        }
        Ok(())
    }

    /// Writes the objects' graph, under [`OBJECT_GRAPH_KEY`]. TensorFlow writes it last.
    ///
    /// # Errors
    /// As [`BundleWriter::put`].
    pub fn put_graph(&mut self, graph: &ObjectGraph) -> Result<()> {
        self.put(OBJECT_GRAPH_KEY, &Tensor::scalar(graph.encode()))
    }

    /// Writes the index and puts all files in place; data files of an older checkpoint of that prefix with another
    /// number of shards are deleted.
    ///
    /// # Errors
    /// [`Error::Save`], [`Error::Io`]; the older checkpoint is whole then.
    pub fn finish(mut self) -> Result<()> {
        let count = self.shards.len();
        for shard in self.shards {
            shard.finish()?;
        }
        let header = BundleHeader {
            num_shards: count as i32,
            endianness: 0,
            version: Some(VersionDef { producer: 1, min_consumer: 0, bad_consumers: Vec::new() }),
        };
        let path = self.set.file(format!("{}.index", self.stem))?;
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        let values = self.entries.iter().map(|(key, entry)| (key.as_slice(), entry.encode_to_vec()));
        let mut out = BufWriter::new(file);
        write_table(&mut out, std::iter::once((&b""[..], header.encode_to_vec())).chain(values))
            .and_then(|()| out.flush())
            .map_err(Error::io("write", &path))?;
        drop(out);
        let dir = match self.prefix.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = file.file_name();
            if name.to_str().is_some_and(|name| is_shard_of(&self.stem, name)) {
                self.set.remove(name)?;
            }
        }
        Ok(self.set.commit()?)
    }

    fn check_key(&self, key: &str) -> Result<()> {
        if key.is_empty() || key.starts_with('\0') {
            return Err(Error::Argument {
                operation: "write checkpoint",
                argument: "key",
                expected: "a key that is not empty and begins with no zero byte".into(),
                found: format!("`{}`", key.escape_default()),
            });
        }
        if self.entries.contains_key(key.as_bytes()) {
            return Err(Error::DuplicateKey { prefix: self.prefix.clone(), key: key.into() });
        }
        Ok(())
    }
}

impl TensorSink for BundleWriter {
    type Error = Error;
    fn put(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        BundleWriter::put(self, name, tensor)
    }
}

/// Whether a file name is `<stem>.data-SSSSS-of-NNNNN`.
pub(crate) fn is_shard_of(stem: &str, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix(".data-")) else { return false };
    let Some((shard, shards)) = rest.split_once("-of-") else { return false };
    [shard, shards].iter().all(|n| n.len() == 5 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Writes a checkpoint of a ready list of keys and tensors, and of a graph where there is one.
///
/// # Errors
/// As [`BundleWriter`]'s methods.
///
/// # Example
/// ```
/// use kerox_format_ckpt::{WriteOptions, write_bundle};
/// use kerox_tensor::Tensor;
///
/// # let dir = tempfile::tempdir()?;
/// let tensors = vec![("a".to_string(), Tensor::scalar(1f32)), ("b".to_string(), Tensor::scalar(2i64))];
/// write_bundle(dir.path().join("variables"), &tensors, None, &WriteOptions::new())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_bundle(
    prefix: impl AsRef<Path>,
    tensors: &[(String, Tensor)],
    graph: Option<&ObjectGraph>,
    options: &WriteOptions,
) -> Result<()> {
    let mut writer = BundleWriter::create(prefix, options)?;
    writer.put_all(tensors)?;
    if let Some(graph) = graph {
        writer.put_graph(graph)?;
    }
    writer.finish()
}
