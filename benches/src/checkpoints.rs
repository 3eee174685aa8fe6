//! 400 MB as a TensorFlow checkpoint, and the same bytes by plain writing and reading.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use kerox::prelude::*;
use kerox::saving::Checkpoint;

use crate::{Result, Run};

const BYTES: usize = 400_000_000;
const PARTS: usize = 20;

fn checkpoint() -> Result<Checkpoint> {
    let elements = BYTES / 4 / PARTS;
    let mut checkpoint = Checkpoint::new();
    for part in 0..PARTS {
        let values = (0..elements).map(|i| (i % 1009) as f32 * 0.001).collect();
        let variable = Variable::new(format!("part{part}"), Tensor::from_vec(values, [elements])?, true);
        checkpoint = checkpoint.variable(format!("part{part}"), &variable);
    }
    Ok(checkpoint)
}

/// Writes the checkpoint; the files are on disk when it returns.
pub fn write(folder: &Path) -> Result<Run> {
    let checkpoint = checkpoint()?;
    let prefix = folder.join("big");
    Ok(Box::new(move || {
        checkpoint.write(&prefix)?;
        Ok(1)
    }))
}

/// Reads it back into the variables.
pub fn read(folder: &Path) -> Result<Run> {
    let checkpoint = checkpoint()?;
    let prefix = checkpoint.write(folder.join("big"))?;
    Ok(Box::new(move || {
        checkpoint.read(&prefix)?.assert_consumed()?;
        Ok(1)
    }))
}

/// The same bytes by `write` and `fsync`.
pub fn plain_write(folder: &Path) -> Result<Run> {
    let path = folder.join("plain");
    let body: Vec<u8> = (0..BYTES).map(|i| (i % 251) as u8).collect();
    Ok(Box::new(move || {
        let mut file = File::create(&path)?;
        for block in body.chunks(1 << 24) {
            file.write_all(block)?;
        }
        file.sync_all()?;
        Ok(1)
    }))
}

/// The same bytes by `read`.
pub fn plain_read(folder: &Path) -> Result<Run> {
    plain_write(folder)?()?;
    let path = folder.join("plain");
    let mut into = vec![0u8; BYTES];
    Ok(Box::new(move || {
        File::open(&path)?.read_exact(&mut into)?;
        Ok(1)
    }))
}
