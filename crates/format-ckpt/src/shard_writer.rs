//! Writing one data file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kerox_tensor::Tensor;

use crate::layout::dtype_number;
use crate::proto::{BundleEntry, Dim, TensorShape};
use crate::{Error, Result, crc, strings};

/// Bytes checksummed and written at a time: they stay in the processor's cache between the two.
const BLOCK: usize = 1 << 20;
/// Tensors smaller than this are gathered into blocks.
const GATHER: usize = 1 << 16;

/// A data file under construction.
#[derive(Debug)]
pub(crate) struct ShardWriter {
    path: PathBuf,
    file: File,
    shard: u32,
    offset: u64,
    gathered: Vec<u8>,
}

impl ShardWriter {
    pub(crate) fn create(path: &Path, shard: u32) -> Result<ShardWriter> {
        let file = File::create(path).map_err(Error::io("create", path))?;
        Ok(ShardWriter { path: path.into(), file, shard, offset: 0, gathered: Vec::new() })
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> u64 {
        self.offset
    }

    /// Appends a tensor; returns its entry for the index.
    pub(crate) fn put(&mut self, tensor: &Tensor) -> Result<BundleEntry> {
        let offset = self.offset;
        let crc = match (tensor.as_bytes(), tensor.as_slice::<Vec<u8>>()) {
            (Some(bytes), _) => self.write(bytes),
            (None, Ok(strings)) => {
                let mut bytes = Vec::new();
                let crc = strings::encode(strings, &mut bytes);
                self.write(&bytes).map(|_| crc)
            }
            (None, Err(_)) => Err(io::ErrorKind::Unsupported.into()),
        };
        let crc = crc.map_err(Error::io("write", &self.path))?;
        let dim = tensor.shape().iter().map(|&size| Dim { size: size as i64, name: String::new() }).collect();
        Ok(BundleEntry {
            dtype: dtype_number(tensor.dtype()),
            shape: Some(TensorShape { dim, unknown_rank: false }),
            shard_id: self.shard as i32,
            offset: offset as i64,
            size: (self.offset - offset) as i64,
            crc32c: crc,
            slices: Vec::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<u32> {
        let mut crc = 0;
        if bytes.len() < GATHER {
            if self.gathered.len() + bytes.len() > BLOCK {
                self.flush()?;
            }
            crc = crc32c::crc32c(bytes);
            self.gathered.extend(bytes);
        } else {
            self.flush()?;
            for block in bytes.chunks(BLOCK) {
                kerox_fs::fault::step("write block")?;
                crc = crc32c::crc32c_append(crc, block);
                self.file.write_all(block)?;
            }
        }
        self.offset += bytes.len() as u64;
        Ok(crc::mask(crc))
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.gathered.is_empty() {
            kerox_fs::fault::step("write block")?;
            self.file.write_all(&self.gathered)?;
            self.gathered.clear();
        }
        Ok(())
    }

    /// Writes what was gathered.
    pub(crate) fn finish(mut self) -> Result<()> {
        let path = self.path.clone();
        self.flush().map_err(Error::io("write", &path))
    }
}
