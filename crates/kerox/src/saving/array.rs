//! Arrays in numpy's files.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use kerox_tensor::{DType, Tensor, npy, npz};

use super::{Error, Result};

/// Reads an array from `FILE.npy`, or from `FILE.npz:MEMBER`. An archive of one array needs no member's name.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Tensor`] where it is no array file or holds elements that no
/// tensor can.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{load_array, save_array};
/// let path = std::env::temp_dir().join("kerox-load-array.npy");
/// save_array(&Tensor::full(2i64, [3])?, &path)?;
/// assert_eq!(load_array(&path)?.as_slice::<i64>()?, [2, 2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `numpy.load`.
pub fn load_array(path: impl AsRef<Path>) -> Result<Tensor> {
    let path = path.as_ref();
    let text = path.to_string_lossy();
    let split = if path.exists() { None } else { npz::split_member(&text) };
    let (file, member) = split.map_or((path, None), |(file, member)| (Path::new(file), Some(member)));
    let io = |source| Error::Io { operation: "read array", path: file.into(), source };
    if !file.exists() {
        return Err(Error::NotFound { path: file.into(), found: super::formats::around(file) });
    }
    let mut reader = BufReader::with_capacity(1 << 20, File::open(file).map_err(io)?);
    let is_archive = file.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("npz"));
    if member.is_none() && !is_archive {
        return Ok(npy::read(&mut reader, &text)?);
    }
    let mut archive = npz::Npz::open(reader, &file.to_string_lossy())?;
    match (member, &archive.names()[..]) {
        (Some(member), _) => Ok(archive.read(member)?),
        (None, [only]) => Ok(archive.read(only)?),
        (None, names) => Err(Error::Content {
            operation: "read array",
            path: file.into(),
            expected: "the name of a member".into(),
            found: format!("an archive of {} arrays: {}", names.len(), names.join(", ")),
            help: format!("name one: `{}:{}`", file.display(), names.first().map_or("x", String::as_str)),
        }),
    }
}

/// Writes an array as `.npy`. bfloat16, which numpy has not, is written as float32.
///
/// # Errors
/// Where the file cannot be written; what was there before is still there.
///
/// # Source
/// `numpy.save`.
pub fn save_array(tensor: &Tensor, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let mut file = kerox_fs::AtomicFile::create(path, &kerox_fs::SaveOptions::new())?;
    write(tensor, path, &mut file)?;
    Ok(file.commit()?)
}

/// Writes arrays as `NAME.npy` into a directory, which is made where it is not there: all of them or none.
///
/// # Errors
/// As [`save_array`]; [`Error::Content`] for a name that is no file name.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// let dir = std::env::temp_dir().join("kerox-save-arrays");
/// kerox::saving::save_arrays([("out_0", &Tensor::full(1f32, [2])?)], &dir)?;
/// assert!(dir.join("out_0.npy").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_arrays<'a>(
    arrays: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    directory: impl AsRef<Path>,
) -> Result<()> {
    let directory = directory.as_ref();
    let io = |source| Error::Io { operation: "create", path: directory.into(), source };
    std::fs::create_dir_all(directory).map_err(io)?;
    let mut set = kerox_fs::FileSet::create(directory, "arrays", &kerox_fs::SaveOptions::new())?;
    for (name, tensor) in arrays {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(Error::Content {
                operation: "write arrays to",
                path: directory.into(),
                expected: "names that can be names of files".into(),
                found: format!("`{}`", name.escape_debug()),
                help: "write this output alone, to a file".into(),
            });
        }
        let staged = set.file(format!("{name}.npy"))?;
        let io = |source| Error::Io { operation: "write", path: directory.join(format!("{name}.npy")), source };
        write(tensor, &staged, &mut File::create(&staged).map_err(io)?)?;
    }
    Ok(set.commit()?)
}

fn write(tensor: &Tensor, path: &Path, file: &mut impl Write) -> Result<()> {
    let cast;
    let tensor = match tensor.dtype() {
        DType::BF16 => {
            cast = tensor.cast(DType::F32)?;
            &cast
        }
        _ => tensor,
    };
    let mut out = BufWriter::with_capacity(1 << 20, file);
    npy::write(tensor, &mut out, &path.to_string_lossy())?;
    out.flush().map_err(|source| Error::Io { operation: "write", path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("d.npz");
        let (x, y) = (Tensor::scalar(1f32), Tensor::scalar(2i64));
        let file = File::create(&archive).unwrap();
        npz::write([("x", &x), ("y", &y)], file, npz::Compression::Deflated, "d.npz").unwrap();
        assert_eq!(load_array(dir.path().join("d.npz:y")).unwrap(), y);
        let error = load_array(&archive).unwrap_err().to_string();
        assert!(error.contains("found an archive of 2 arrays: x, y; name one: "), "{error}");
        let error = load_array(dir.path().join("d.npz:z")).unwrap_err().to_string();
        assert!(error.ends_with("expected one of the members x, y, found `z`"), "{error}");
        let error = load_array(dir.path().join("e.npy")).unwrap_err().to_string();
        assert!(error.ends_with("found nothing; beside it are: `d.npz`"), "{error}");
    }

    #[test]
    fn bfloat16_and_bad_names() {
        let dir = tempfile::tempdir().unwrap();
        let x = Tensor::full(1.5f32, [2]).unwrap().cast(DType::BF16).unwrap();
        save_array(&x, dir.path().join("x.npy")).unwrap();
        assert_eq!(load_array(dir.path().join("x.npy")).unwrap().as_slice::<f32>().unwrap(), [1.5, 1.5]);
        let error = save_arrays([("../x", &x)], dir.path().join("out")).unwrap_err().to_string();
        assert!(error.contains("found `../x`"), "{error}");
    }
}
