//! numpy's archives: a zip of array files, one a name.

use std::io::{Read, Seek, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::{Error, Result, Tensor, npy};

fn wrong(what: &str, expected: &str, found: impl ToString) -> Error {
    Error::ArrayFile { what: what.to_owned(), expected: expected.to_owned(), found: found.to_string() }
}

/// How members are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are, as `numpy.savez`.
    Stored,
    /// Deflated, as `numpy.savez_compressed`.
    Deflated,
}

/// An archive of arrays, open for reading.
///
/// # Example
/// ```
/// use kerox_tensor::{Tensor, npz::{self, Compression, Npz}};
/// let (x, y) = (Tensor::from_vec(vec![1f32, 2.0], [2])?, Tensor::scalar(3i64));
/// let mut file = std::io::Cursor::new(Vec::new());
/// npz::write([("x", &x), ("y", &y)], &mut file, Compression::Deflated, "data.npz")?;
/// let mut archive = Npz::open(file, "data.npz")?;
/// assert_eq!(archive.names(), ["x", "y"]);
/// assert_eq!(archive.read("y")?, y);
/// # Ok::<(), kerox_tensor::Error>(())
/// ```
pub struct Npz<R> {
    archive: ZipArchive<R>,
    what: String,
}

impl<R> std::fmt::Debug for Npz<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Npz({})", self.what)
    }
}

impl<R: Read + Seek> Npz<R> {
    /// Opens an archive. `what` names it in errors.
    ///
    /// # Errors
    /// [`Error::ArrayFile`] for what is no zip.
    pub fn open(reader: R, what: &str) -> Result<Npz<R>> {
        let archive = ZipArchive::new(reader).map_err(|e| wrong(what, "a zip archive of arrays", e))?;
        Ok(Npz { archive, what: what.to_owned() })
    }

    /// The names of the arrays, without `.npy`, in the order of the archive.
    pub fn names(&self) -> Vec<String> {
        let names = (0..self.archive.len()).filter_map(|i| self.archive.name_for_index(i));
        names.filter_map(|name| name.strip_suffix(".npy")).map(str::to_owned).collect()
    }

    /// The bytes of the file of an array, for arrays that no tensor can hold.
    ///
    /// # Errors
    /// [`Error::ArrayFile`] where there is none of that name, or more than `limit` bytes.
    pub fn member(&mut self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let what = format!("{}:{name}", self.what);
        let names = self.names().join(", ");
        let member = self.archive.by_name(&format!("{name}.npy")).map_err(|e| match e {
            ZipError::FileNotFound => wrong(&what, &format!("one of the members {names}"), format!("`{name}`")),
            other => wrong(&what, "a readable member", other),
        })?;
        let mut bytes = Vec::new();
        let read = member.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        match read {
            Ok(count) if count as u64 <= limit => Ok(bytes),
            Ok(_) => Err(wrong(&what, &format!("at most {limit} bytes"), "more")),
            Err(e) => Err(wrong(&what, "a member whose checksum holds", e)),
        }
    }

    /// Reads an array by name, with or without `.npy`.
    ///
    /// # Errors
    /// [`Error::ArrayFile`] where there is none of that name, and as [`npy::read`].
    pub fn read(&mut self, name: &str) -> Result<Tensor> {
        let what = format!("{}:{name}", self.what);
        let file = if name.ends_with(".npy") { name.to_owned() } else { format!("{name}.npy") };
        let names = self.names().join(", ");
        let mut member = self.archive.by_name(&file).map_err(|e| match e {
            ZipError::FileNotFound => wrong(&what, &format!("one of the members {names}"), format!("`{name}`")),
            other => wrong(&what, "a readable member", other),
        })?;
        let tensor = npy::read(&mut member, &what)?;
        // The checksum is looked at when the end is reached.
        match member.read(&mut [0]) {
            Ok(0) => Ok(tensor),
            Ok(_) => Err(wrong(&what, "nothing behind the elements", "more bytes")),
            Err(e) => Err(wrong(&what, "a member whose checksum holds", e)),
        }
    }
}

/// Writes an archive of arrays. `what` names it in errors.
///
/// # Errors
/// [`Error::ArrayFile`] for names used twice, and as [`npy::write`].
pub fn write<'a>(
    arrays: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    writer: impl Write + Seek,
    compression: Compression,
    what: &str,
) -> Result<()> {
    let method = match compression {
        Compression::Stored => CompressionMethod::Stored,
        Compression::Deflated => CompressionMethod::Deflated,
    };
    let mut zip = ZipWriter::new(writer);
    for (name, tensor) in arrays {
        let what = format!("{what}:{name}");
        let large = tensor.as_bytes().is_none_or(|bytes| bytes.len() >= 1 << 31);
        // A fixed date: the same arrays give the same bytes.
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .large_file(large)
            .last_modified_time(zip::DateTime::default());
        zip.start_file(format!("{name}.npy"), options).map_err(|e| wrong(&what, "a name that is free", e))?;
        npy::write(tensor, &mut zip, &what)?;
    }
    zip.finish().map_err(|e| wrong(what, "a place that can be written to", e))?;
    Ok(())
}

/// Takes `FILE.npz:MEMBER` apart; `None` where the text is not of that form.
///
/// # Example
/// ```
/// use kerox_tensor::npz::split_member;
/// assert_eq!(split_member("data/mnist.npz:x_train"), Some(("data/mnist.npz", "x_train")));
/// assert_eq!(split_member("x.npy"), None);
/// ```
pub fn split_member(text: &str) -> Option<(&str, &str)> {
    let at = text.rfind(".npz:")? + 4;
    let (file, member) = (&text[..at], &text[at + 1..]);
    (!member.is_empty()).then_some((file, member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn archive(compression: Compression) -> Vec<u8> {
        let x = Tensor::from_vec((0..1000).map(|i| i as f32).collect(), [10, 100]).unwrap();
        let y = Tensor::from_strings(["a", "bc"], [2]).unwrap();
        let mut file = Cursor::new(Vec::new());
        write([("x", &x), ("dir/y", &y)], &mut file, compression, "a.npz").unwrap();
        file.into_inner()
    }

    #[test]
    fn members_come_back() {
        for compression in [Compression::Stored, Compression::Deflated] {
            let mut npz = Npz::open(Cursor::new(archive(compression)), "a.npz").unwrap();
            assert_eq!(npz.read("x.npy").unwrap().as_slice::<f32>().unwrap()[999], 999.0);
            assert_eq!(npz.read("dir/y").unwrap(), Tensor::from_strings(["a", "bc"], [2]).unwrap());
            let error = npz.read("z").unwrap_err();
            let expected = "read array a.npz:z: expected one of the members x, dir/y, found `z`";
            assert_eq!(error.to_string(), expected);
        }
        assert!(archive(Compression::Deflated).len() < archive(Compression::Stored).len());
    }

    #[test]
    fn damage_is_found_and_never_panics() {
        assert!(Npz::open(Cursor::new(b"no zip".to_vec()), "a.npz").is_err());
        let good = archive(Compression::Stored);
        let mut bad = good.clone();
        bad[1000] ^= 1;
        assert!(Npz::open(Cursor::new(bad), "a.npz").unwrap().read("x").is_err());
        for at in 0..good.len() {
            if at < 200 || at > good.len() - 300 {
                let mut bad = good.clone();
                bad[at] ^= 0x55;
                if let Ok(mut npz) = Npz::open(Cursor::new(bad), "a.npz") {
                    let _ = (npz.read("x"), npz.read("dir/y"));
                }
                let _ = Npz::open(Cursor::new(good[..at].to_vec()), "a.npz").map(|mut npz| npz.read("x").is_ok());
            }
        }
        let x = Tensor::scalar(1f32);
        assert!(write([("x", &x), ("x", &x)], Cursor::new(Vec::new()), Compression::Stored, "a").is_err());
    }
}
