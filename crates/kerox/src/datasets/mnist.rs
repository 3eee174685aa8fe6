//! MNIST: handwritten digits of 28 by 28 pixels.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use kerox_tensor::Tensor;

use super::{Error, Result, Split, arrays, folders, split_at};

/// Files larger than this when unpacked are no MNIST.
const MAX_BYTES: u64 = 64 << 20;

/// Loads MNIST from `mnist.npz` as Keras keeps it, or from the original IDX files (also packed with gzip), in
/// `$KEROX_HOME/datasets`, `$KERAS_HOME/datasets` or `~/.keras/datasets`. Where only the test part is there, its first
/// four fifths become the training part.
///
/// # Shapes
/// images u8 `[samples, 28, 28]`, labels u8 `[samples]`.
///
/// # Errors
/// [`Error::NotFound`] with the names that were looked for; [`Error::Content`] where a file is something else.
///
/// # Source
/// `keras.datasets.mnist.load_data`; Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
pub fn load_data() -> Result<(Split, Split)> {
    let folders = folders("mnist");
    for folder in &folders {
        let npz = folder.join("mnist.npz");
        if npz.is_file() {
            let bytes = read(&npz)?;
            let names = ["x_train", "y_train", "x_test", "y_test"];
            let [x_train, y_train, x_test, y_test] = arrays(&bytes, &npz.display().to_string(), names)?;
            return Ok(((x_train, y_train), (x_test, y_test)));
        }
        let part = |stem: &str| -> Result<Option<Split>> {
            let images = find(folder, &format!("{stem}-images-idx3-ubyte"));
            let labels = find(folder, &format!("{stem}-labels-idx1-ubyte"));
            match (images, labels) {
                (Some(images), Some(labels)) => Ok(Some((read_idx(&images)?, read_idx(&labels)?))),
                _ => Ok(None),
            }
        };
        match (part("train")?, part("t10k")?) {
            (Some(train), Some(test)) => return Ok((train, test)),
            (None, Some((images, labels))) => {
                let at = images.shape()[0] / 5 * 4;
                let ((x_train, x_test), (y_train, y_test)) = (split_at(&images, at)?, split_at(&labels, at)?);
                return Ok(((x_train, y_train), (x_test, y_test)));
            }
            _ => {}
        }
    }
    Err(Error::NotFound {
        dataset: "MNIST".into(),
        expected: "mnist.npz, t10k-images-idx3-ubyte[.gz] with t10k-labels-idx1-ubyte[.gz]".into(),
        folders: folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", "),
    })
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::Io { file: path.display().to_string(), source })
}

/// Reads an IDX file of unsigned bytes: magic `00 00 08 rank`, the lengths as big-endian u32, the elements.
fn read_idx(path: &Path) -> Result<Tensor> {
    let file = path.display().to_string();
    let mut bytes = read(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let decoder = GzDecoder::new(&bytes[..]);
        decoder
            .take(MAX_BYTES)
            .read_to_end(&mut unpacked)
            .map_err(|source| Error::Io { file: file.clone(), source })?;
        bytes = unpacked;
    }
    let wrong = |expected: &str, found: String| Error::Content { file: file.clone(), expected: expected.into(), found };
    let [0, 0, 8, rank @ 1..=4, rest @ ..] = &bytes[..] else {
        let found = format!("{:02x?}", &bytes[..bytes.len().min(4)]);
        return Err(wrong("an IDX file of bytes (magic 00 00 08 01 to 04)", found));
    };
    let mut dims = Vec::new();
    let mut rest = rest;
    for _ in 0..*rank {
        let Some((length, left)) = rest.split_first_chunk::<4>() else {
            return Err(wrong("the lengths of the axes", "the end of the file".into()));
        };
        dims.push(u32::from_be_bytes(*length) as usize);
        rest = left;
    }
    let elements = kerox_tensor::Shape::from(&dims).checked_elements()?;
    if rest.len() != elements {
        return Err(wrong(&format!("{elements} bytes for shape {dims:?}"), format!("{} bytes", rest.len())));
    }
    Ok(Tensor::from_vec(rest.to_vec(), dims)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, bytes).unwrap();
        let result = read_idx(&path).map(|t| format!("{:?}", t.shape())).unwrap_or_else(|e| e.to_string());
        assert!(result.contains(expected), "{result}");
    }

    #[test]
    fn idx_files_are_read_and_checked() {
        check(&[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9], "[1, 2]");
        check(&[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7], "expected 2 bytes for shape [1, 2], found 1 bytes");
        check(&[0, 0, 8, 1, 0, 0], "the lengths of the axes");
        check(&[0xff; 8], "expected an IDX file");
        check(&[0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], "shape");
    }
}
