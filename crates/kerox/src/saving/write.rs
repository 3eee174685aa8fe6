//! Writing files: one transaction each.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use kerox_tensor::Tensor;

use super::save_options::SaveOptions;
use super::{Error, Result};

/// Replaces a file by what `content` writes, or leaves it as it was.
pub(super) fn file(
    path: &Path,
    options: &SaveOptions,
    content: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let mut file = kerox_fs::AtomicFile::create(path, &fs_options(options))?;
    let mut watched = Watched { inner: &mut file, failed: None };
    let written = {
        let mut out = BufWriter::with_capacity(1 << 20, &mut watched);
        let written = content(&mut out);
        written.and_then(|()| out.flush().map_err(|source| Error::Io { operation: "write", path: path.into(), source }))
    };
    // Formats know no paths: what the system refused is said with the file's name.
    if let Some(source) = watched.failed {
        return Err(Error::Io { operation: "write", path: path.into(), source });
    }
    written?;
    Ok(file.commit()?)
}

/// A file that keeps the first error of the system.
struct Watched<'a> {
    inner: &'a mut kerox_fs::AtomicFile,
    failed: Option<io::Error>,
}

impl Watched<'_> {
    fn keep<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let (Err(error), None) = (&result, &self.failed)
            && error.kind() != io::ErrorKind::Interrupted
        {
            let same = error.raw_os_error().map(io::Error::from_raw_os_error);
            self.failed = Some(same.unwrap_or_else(|| io::Error::new(error.kind(), error.to_string())));
        }
        result
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.keep(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.keep(result)
    }
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
    kerox_fs::SaveOptions::new().overwrite(options.overwrite).durable(options.durable)
}

/// A weight in the type that was asked for.
pub(super) fn converted(tensor: Tensor, options: &SaveOptions) -> Result<Tensor> {
    match options.dtype {
        Some(dtype) if tensor.dtype().is_float() && tensor.dtype() != dtype => Ok(tensor.cast(dtype)?),
        _ => Ok(tensor),
    }
}
