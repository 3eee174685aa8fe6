//! Bytes that can be read at any offset.

use std::fs::File;
use std::io;

/// Bytes of a known length that can be read at any offset, from several threads at a time.
pub trait ReadAt: Send + Sync {
    /// Number of bytes.
    fn size(&self) -> u64;

    /// Fills `buffer` from the bytes that begin at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the bytes end before, or what the system reports.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let part = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(buffer.len())?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}

/// An open file.
pub(crate) struct FileAt {
    file: std::sync::Mutex<()>,
    inner: File,
    size: u64,
}

impl FileAt {
    pub(crate) fn new(inner: File) -> io::Result<FileAt> {
        let metadata = inner.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "expected a file, found a directory"));
        }
        Ok(FileAt { file: std::sync::Mutex::new(()), inner, size: metadata.len() })
    }
}

impl ReadAt for FileAt {
    fn size(&self) -> u64 {
        self.size
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let _ = &self.file;
        std::os::unix::fs::FileExt::read_exact_at(&self.inner, buffer, offset)
    }

    #[cfg(not(unix))]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let _guard = self.file.lock().unwrap_or_else(|p| p.into_inner());
        let mut file = &self.inner;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
}
