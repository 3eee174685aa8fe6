//! Bytes that can be read from anywhere: files, memory, parts of either.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// Bytes of a known length that can be read at any offset, from several threads at a time.
pub trait ReadAt: Send + Sync {
    /// Number of bytes.
    fn len(&self) -> u64;

    /// Whether there is no byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` from the bytes that begin at `offset` (in bytes).
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the bytes end before, or what the system reports.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl fmt::Debug for dyn ReadAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadAt({} bytes)", self.len())
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
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

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(buffer, offset)
    }
}

/// An open file whose length was taken when it was opened.
#[derive(Debug)]
pub struct FileAt {
    file: File,
    len: u64,
    #[cfg(not(any(unix, windows)))]
    lock: std::sync::Mutex<()>,
}

impl FileAt {
    /// Takes an open file.
    ///
    /// # Errors
    /// What the system reports for the file's length; directories are refused.
    pub fn new(file: File) -> io::Result<FileAt> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "expected a file, found a directory"));
        }
        Ok(FileAt {
            file,
            len: metadata.len(),
            #[cfg(not(any(unix, windows)))]
            lock: std::sync::Mutex::new(()),
        })
    }
}

impl ReadAt for FileAt {
    fn len(&self) -> u64 {
        self.len
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let n = std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = &mut buffer[n..];
            offset += n as u64;
        }
        Ok(())
    }

    #[cfg(not(any(unix, windows)))]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let _guard = self.lock.lock().unwrap_or_else(|p| p.into_inner());
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }
}

/// A run of another source's bytes: a stored member of a zip archive, for one.
#[derive(Clone, Debug)]
pub struct Window {
    source: Arc<dyn ReadAt>,
    start: u64,
    len: u64,
}

impl Window {
    /// The `len` bytes from `start`; `None` where the source ends before.
    pub fn new(source: Arc<dyn ReadAt>, start: u64, len: u64) -> Option<Window> {
        (start.checked_add(len)? <= source.len()).then_some(Window { source, start, len })
    }
}

impl ReadAt for Window {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match offset.checked_add(buffer.len() as u64) {
            Some(end) if end <= self.len => self.source.read_exact_at(buffer, self.start + offset),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_where_it_ends() {
        let bytes: Arc<dyn ReadAt> = Arc::new(vec![0u8, 1, 2, 3, 4, 5]);
        let window = Window::new(bytes.clone(), 2, 3).unwrap();
        let mut two = [0; 2];
        window.read_exact_at(&mut two, 1).unwrap();
        assert_eq!(two, [3, 4]);
        assert_eq!(window.read_exact_at(&mut two, 2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(window.read_exact_at(&mut two, u64::MAX).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(Window::new(bytes.clone(), 2, 5).is_none());
        assert!(Window::new(bytes, u64::MAX, 2).is_none());
    }
}
