//! MNIST: handwritten digits of 28 by 28 pixels.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use kerox_tensor::Tensor;

use super::{Error, Result, Split, arrays, folders, read, split_at};

/// Files larger than this when unpacked are no MNIST.
const MAX_BYTES: u64 = 64 << 20;

/// Loads MNIST from `mnist.npz` as Keras keeps it, or from the original IDX files (also packed with gzip), in
/// `$KEROX_HOME/datasets`, `$KERAS_HOME/datasets`, `~/.keras/datasets`, a folder `mnist` in one of them, or
/// `$KEROX_SHARED/data/mnist`. Where only the test part is there, its first four fifths become the training part. Where
/// nothing is there and the crate has the feature `download`, Keras's file is fetched once and its checksum verified.
///
/// # Shapes
/// images u8 `[samples, 28, 28]`, labels u8 `[samples]`.
///
/// # Errors
/// [`Error::NotFound`] with the names that were looked for; [`Error::Content`] where a file is something else; with the
/// feature `download`, [`Error::Download`].
///
/// # Source
/// `keras.datasets.mnist.load_data`; Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
pub fn load_data() -> Result<(Split, Split)> {
    let folders = folders("mnist");
    if let Some(found) = load_from(&folders)? {
        return Ok(found);
    }
    #[cfg(feature = "download")]
    return load_npz(&super::download::fetch(&super::download::MNIST)?);
    #[cfg(not(feature = "download"))]
    Err(super::not_found("MNIST", "mnist.npz, t10k-images-idx3-ubyte[.gz] with t10k-labels-idx1-ubyte[.gz]", &folders))
}

/// From the first of the folders that has one of the files.
fn load_from(folders: &[PathBuf]) -> Result<Option<(Split, Split)>> {
    for folder in folders {
        let npz = folder.join("mnist.npz");
        if npz.is_file() {
            return load_npz(&npz).map(Some);
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
            (Some(train), Some(test)) => return Ok(Some((train, test))),
            (None, Some((images, labels))) => {
                let at = images.shape().first().copied().unwrap_or(0) / 5 * 4;
                let ((x_train, x_test), (y_train, y_test)) = (split_at(&images, at)?, split_at(&labels, at)?);
                return Ok(Some(((x_train, y_train), (x_test, y_test))));
            }
            _ => {}
        }
    }
    Ok(None)
}

fn load_npz(path: &Path) -> Result<(Split, Split)> {
    let names = ["x_train", "y_train", "x_test", "y_test"];
    let [x_train, y_train, x_test, y_test] = arrays(&read(path)?, &path.display().to_string(), names)?;
    Ok(((x_train, y_train), (x_test, y_test)))
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
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
    use std::fs;

    #[test]
    fn the_first_folder_that_has_a_set_is_used() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [one.path().to_path_buf(), two.path().to_path_buf()];
        assert!(load_from(&folders).unwrap().is_none());
        let idx = |dims: &[u8], elements: usize| {
            let lengths = dims.iter().flat_map(|&n| [0, 0, 0, n]);
            [0, 0, 8, dims.len() as u8]
                .into_iter()
                .chain(lengths)
                .chain((0..elements).map(|i| i as u8))
                .collect::<Vec<_>>()
        };
        fs::write(two.path().join("t10k-images-idx3-ubyte"), idx(&[10, 2, 2], 40)).unwrap();
        assert!(load_from(&folders).unwrap().is_none(), "images without labels");
        fs::write(two.path().join("t10k-labels-idx1-ubyte"), idx(&[10], 10)).unwrap();
        let ((x_train, y_train), (x_test, y_test)) = load_from(&folders).unwrap().unwrap();
        assert_eq!((x_train.shape()[0], y_train.shape()[0]), (8, 8));
        assert_eq!((&x_test.shape()[..], y_test.as_slice::<u8>().unwrap()), (&[2, 2, 2][..], &[8, 9][..]));
        let images = Tensor::from_vec(vec![0u8; 4], [1, 2, 2]).unwrap();
        let labels = Tensor::from_vec(vec![3u8], [1]).unwrap();
        let mut file = fs::File::create(one.path().join("mnist.npz")).unwrap();
        let arrays = [("x_train", &images), ("y_train", &labels), ("x_test", &images), ("y_test", &labels)];
        kerox_tensor::npz::write(arrays, &mut file, kerox_tensor::npz::Compression::Stored, "mnist.npz").unwrap();
        assert_eq!(load_from(&folders).unwrap().unwrap().0.1, labels);
    }

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
