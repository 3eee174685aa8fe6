//! Writing files: one transaction each.

use std::io::{BufWriter, Write};
use std::path::Path;

use kerox_tensor::Tensor;

use super::Result;
use super::save_options::SaveOptions;

/// Replaces a file by what `content` writes, or leaves it as it was.
pub(super) fn file(
    path: &Path,
    options: &SaveOptions,
    content: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let mut file = kerox_fs::AtomicFile::create(path, &fs_options(options))?;
    {
        let mut out = BufWriter::with_capacity(1 << 20, &mut file);
        content(&mut out)?;
        out.flush().map_err(|source| super::Error::Io { operation: "write", path: path.into(), source })?;
    }
    Ok(file.commit()?)
}

/// Replaces a file by a text, or leaves it as it was.
///
/// # Errors
/// Where it cannot be written.
pub fn write_text(path: impl AsRef<Path>, text: &str) -> Result<()> {
    Ok(kerox_fs::write_file(path, text.as_bytes(), &kerox_fs::SaveOptions::new())?)
}

/// The options of the file system's part.
pub(super) fn fs_options(options: &SaveOptions) -> kerox_fs::SaveOptions {
    kerox_fs::SaveOptions::new().overwrite(options.overwrite)
}

/// A weight in the type that was asked for.
pub(super) fn converted(tensor: Tensor, options: &SaveOptions) -> Result<Tensor> {
    match options.dtype {
        Some(dtype) if tensor.dtype().is_float() && tensor.dtype() != dtype => Ok(tensor.cast(dtype)?),
        _ => Ok(tensor),
    }
}
