//! The format of what is at an address, without fetching it.
//!
//! | asked for | tells |
//! |---|---|
//! | the names at the address | SavedModels, checkpoints, `.keras` directories |
//! | the first block of a file | `.keras` archives, safetensors, JSON |
//! | an HDF5 file's own description of itself, block by block | which of Keras's HDF5 formats it is |
//! | the last eight bytes | a checkpoint of TensorFlow's first format |

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kerox_format_h5::{H5File, Limits, ReadAt};
use kerox_remote::Look;

use super::super::Error;
use super::super::formats::{self, Format};
use super::Result;

/// Bytes that are fetched at a time.
const BLOCK: u64 = 16 << 10;

pub(super) fn detect(path: &Path, look: Arc<Look>) -> Result<Format> {
    let has = |suffix: &str| look.files().iter().any(|(known, _)| known == suffix);
    if let Some(format) = formats::by_names(|name| has(&format!("/{name}"))) {
        return Ok(format);
    }
    let is_index = path.to_string_lossy().ends_with(".index");
    if has(".index") || has("/checkpoint") || (is_index && has("")) {
        return Ok(formats::TF_CHECKPOINT);
    }
    let Some((_, size)) = look.files().iter().find(|(suffix, _)| suffix.is_empty()).cloned() else {
        let mut inside: Vec<String> =
            look.files().iter().take(8).map(|(suffix, _)| format!("`{}`", suffix.trim_start_matches('/'))).collect();
        inside.sort();
        if inside.is_empty() {
            return Err(Error::NotFound { path: path.into(), found: "nothing".into() });
        }
        return Err(formats::no_model(path, inside.join(", ")));
    };
    let head = look.read("", 0, BLOCK)?;
    let begins = |at| head.get(at as usize..).is_some_and(|rest| rest.starts_with(formats::HDF5_SIGNATURE));
    if !formats::is_archive(&head) && formats::hdf5_starts().take_while(|&at| at < BLOCK).any(begins) {
        let blocks = Mutex::new(HashMap::from([(0, head)]));
        let source = Arc::new(Blocks { look, size, blocks });
        let file = H5File::from_source(path.display().to_string(), source, Limits::default())?;
        return Ok(formats::of_hdf5(&file));
    }
    if let Some(format) = formats::by_head(path, &head, size) {
        return Ok(format);
    }
    let end = look.read("", size.saturating_sub(8), 8)?;
    if end == formats::TABLE_MAGIC.to_le_bytes() {
        return Ok(formats::TF_CHECKPOINT);
    }
    Err(formats::unknown(path, &head))
}

/// A file of which the blocks that are needed are fetched, each once.
struct Blocks {
    look: Arc<Look>,
    size: u64,
    blocks: Mutex<HashMap<u64, Vec<u8>>>,
}

impl ReadAt for Blocks {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset.saturating_add(filled as u64);
            let number = at / BLOCK;
            if let std::collections::hash_map::Entry::Vacant(entry) = blocks.entry(number) {
                entry.insert(self.look.read("", number * BLOCK, BLOCK).map_err(io::Error::other)?);
            }
            let rest = blocks.get(&number).and_then(|block| block.get((at % BLOCK) as usize..));
            let rest = rest.filter(|rest| !rest.is_empty()).ok_or(io::ErrorKind::UnexpectedEof)?;
            let target = &mut buffer[filled..];
            let n = rest.len().min(target.len());
            target[..n].copy_from_slice(&rest[..n]);
            filled += n;
        }
        Ok(())
    }
}
