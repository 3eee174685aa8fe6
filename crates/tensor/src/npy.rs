//! numpy's array files.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | magic | 6 | `\x93NUMPY` |
//! | version | 2 | 1.0, 2.0 or 3.0 |
//! | header length | 2 (version 1) or 4 | little-endian |
//! | header | as said | a Python dict: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, blanks, newline |
//! | elements | the rest | in C or Fortran order |
//!
//! Read: bool, integers, floats and complex numbers of either byte order, byte strings (`S`) and text (`U`, which
//! becomes UTF-8). Written: the same, little-endian in C order, strings as `S`. Refused: pickled objects, records, and
//! bfloat16, which numpy has no name for.
//!
//! Source: numpy/lib/format.py.

mod header;

use std::io::{Read, Write};

use header::Header;

use crate::{Buffer, DType, Error, Result, Shape, Tensor};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

fn wrong(what: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::ArrayFile { what: what.to_owned(), expected: expected.into(), found: found.into() }
}

/// Fills a buffer of a length that was announced, growing it only as bytes arrive.
fn read_exactly(reader: &mut impl Read, length: usize, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(1 << 20));
    let read = reader.take(length as u64).read_to_end(&mut bytes);
    match read {
        Ok(n) if n == length => Ok(bytes),
        Ok(n) => Err(wrong(what, format!("{length} bytes"), format!("{n} left; the file is cut off"))),
        Err(e) => Err(wrong(what, format!("{length} readable bytes"), e.to_string())),
    }
}

/// Reads an array. `what` names it in errors: a path, a member of an archive.
///
/// # Errors
/// [`Error::ArrayFile`] for what is no array file, is cut off, or holds elements that no tensor can.
///
/// # Example
/// ```
/// use kerox_tensor::{Tensor, npy};
/// let x = Tensor::from_vec(vec![1i32, 2, 3], [3])?;
/// let mut file = Vec::new();
/// npy::write(&x, &mut file, "x.npy")?;
/// assert_eq!(npy::read(&mut &file[..], "x.npy")?, x);
/// # Ok::<(), kerox_tensor::Error>(())
/// ```
pub fn read(reader: &mut impl Read, what: &str) -> Result<Tensor> {
    let start = read_exactly(reader, 8, what)?;
    if start[..6] != MAGIC[..] {
        return Err(wrong(what, "an array file of numpy", "another kind of file"));
    }
    let length = match start[6] {
        1 => {
            let b = read_exactly(reader, 2, what)?;
            usize::from(u16::from_le_bytes([b[0], b[1]]))
        }
        2 | 3 => {
            let b = read_exactly(reader, 4, what)?;
            u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize
        }
        version => return Err(wrong(what, "version 1, 2 or 3", format!("version {version}"))),
    };
    // numpy itself refuses headers above 10000 bytes unless told to trust them.
    if length > 1 << 20 {
        return Err(wrong(what, "a header of at most 1 MiB", format!("{length} bytes")));
    }
    let header = Header::parse(&read_exactly(reader, length, what)?, what)?;
    let elements = header.shape.checked_elements()?;
    let bytes = elements.checked_mul(header.item()).ok_or_else(|| Error::TooLarge { shape: header.shape.clone() })?;
    let mut data = read_exactly(reader, bytes, what)?;
    if header.fortran_order && header.shape.len() > 1 {
        data = to_row_major(&data, &header.shape, header.item());
    }
    let buffer = header.decode(data, elements, what)?;
    Tensor::from_buffer(buffer, header.shape)
}

/// Reorders items from Fortran's order, where the first axis is the innermost.
fn to_row_major(data: &[u8], shape: &Shape, item: usize) -> Vec<u8> {
    if item == 0 {
        return Vec::new();
    }
    let mut out = vec![0; data.len()];
    for (i, out) in out.chunks_exact_mut(item).enumerate() {
        let (mut left, mut at) = (i, 0);
        // The stride of an axis is the product of the lengths before it.
        for axis in (0..shape.len()).rev() {
            at += left % shape[axis] * shape[..axis].iter().product::<usize>();
            left /= shape[axis];
        }
        out.copy_from_slice(&data[at * item..][..item]);
    }
    out
}

/// Writes an array. `what` names it in errors.
///
/// # Errors
/// [`Error::ArrayFile`] for bfloat16, for strings that end with a zero byte (numpy would drop it), and where writing
/// fails.
pub fn write(tensor: &Tensor, writer: &mut impl Write, what: &str) -> Result<()> {
    let (descr, padded) = match tensor.buffer() {
        Buffer::String(strings) => {
            let length = strings.iter().map(Vec::len).max().unwrap_or(0).max(1);
            if strings.iter().any(|s| s.last() == Some(&0)) {
                return Err(wrong(what, "strings without a zero byte at the end", "one that numpy would cut"));
            }
            let total = strings.len().checked_mul(length).filter(|&n| n <= isize::MAX as usize);
            total.ok_or_else(|| Error::TooLarge { shape: tensor.shape().clone() })?;
            let mut bytes = Vec::new();
            for s in strings {
                bytes.extend_from_slice(s);
                bytes.resize(bytes.len() + length - s.len(), 0);
            }
            (format!("|S{length}"), Some(bytes))
        }
        _ => (
            header::descr(tensor.dtype()).ok_or_else(|| {
                wrong(what, "a type that numpy has", format!("{}; convert it with `cast`", tensor.dtype()))
            })?,
            None,
        ),
    };
    let shape = match &tensor.shape()[..] {
        [one] => format!("({one},)"),
        dims => format!("({})", dims.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version, length, text and newline fill a multiple of 64 bytes.
    let prefix = if text.len() + 75 > usize::from(u16::MAX) { 12 } else { 10 };
    let blanks = (64 - (prefix + text.len() + 1) % 64) % 64;
    text.extend(std::iter::repeat_n(' ', blanks));
    text.push('\n');
    let mut start = MAGIC.to_vec();
    if prefix == 10 {
        start.extend([1, 0]);
        start.extend((text.len() as u16).to_le_bytes());
    } else {
        start.extend([2, 0]);
        start.extend((text.len() as u32).to_le_bytes());
    }
    start.extend(text.as_bytes());
    let data = padded.as_deref().or(tensor.as_bytes()).unwrap_or_default();
    let written = writer.write_all(&start).and_then(|()| writer.write_all(data));
    written.map_err(|e| wrong(what, "a place that can be written to", e.to_string()))
}

/// Whether a file of array elements of this type can be written.
pub fn writable(dtype: DType) -> bool {
    dtype == DType::String || header::descr(dtype).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let fortran = if fortran { "True" } else { "False" };
        let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Tensor> {
        read(&mut &bytes[..], "x.npy")
    }

    #[test]
    fn every_type_comes_back() {
        for dtype in DType::STORABLE.into_iter().filter(|&d| d != DType::BF16) {
            for shape in [vec![], vec![0], vec![3], vec![2, 0, 4], vec![2, 3]] {
                let elements: usize = shape.iter().product();
                let x = if dtype == DType::String {
                    Tensor::from_strings((0..elements).map(|i| "ab".repeat(i)), shape).unwrap()
                } else {
                    let counts = Tensor::from_vec((0..elements as i64).collect(), shape).unwrap();
                    counts.cast(dtype).unwrap()
                };
                let mut bytes = Vec::new();
                write(&x, &mut bytes, "x.npy").unwrap();
                assert_eq!(
                    (bytes.len() - x.as_bytes().map_or(0, <[u8]>::len)) % 64 * usize::from(dtype != DType::String),
                    0
                );
                assert_eq!(parse(&bytes).unwrap(), x, "{dtype}");
            }
        }
    }

    #[test]
    fn byte_orders_text_and_fortran_order() {
        let x = parse(&file(">i2", false, "(2,)", &[1, 2, 255, 254])).unwrap();
        assert_eq!(x.as_slice::<i16>().unwrap(), [258, -2]);
        let x = parse(&file(">c8", false, "()", &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0])).unwrap();
        assert_eq!(x.to_scalar::<[f32; 2]>(), Ok([1.0, -2.0]));
        let x = parse(&file("|u1", true, "(2, 3)", &[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(x.as_slice::<u8>().unwrap(), [1, 2, 3, 4, 5, 6]);
        let x = parse(&file("<U2", false, "(2,)", &[0x61, 0, 0, 0, 0, 0, 0, 0, 0xe4, 0, 0, 0, 0x62, 0, 0, 0])).unwrap();
        assert_eq!(x, Tensor::from_strings(["a", "äb"], [2]).unwrap());
        let x = parse(&file("|S3", false, "(2,)", b"ab\0\0\0\0")).unwrap();
        assert_eq!(x, Tensor::from_strings(["ab", ""], [2]).unwrap());
        assert_eq!(parse(&file("|S0", false, "(2,)", b"")).unwrap(), Tensor::from_strings(["", ""], [2]).unwrap());
    }

    #[test]
    fn hostile_files_are_refused() {
        let fails = |bytes: &[u8], message: &str| assert_eq!(parse(bytes).unwrap_err().to_string(), message);
        fails(b"PK\x03\x04....", "read array x.npy: expected an array file of numpy, found another kind of file");
        let refused = "read array x.npy: expected elements of a plain type, found `|O`";
        fails(&file("|O", false, "(1,)", &[0; 8]), refused);
        let short = "read array x.npy: expected 12 bytes, found 8 left; the file is cut off";
        fails(&file("<f4", false, "(3,)", &[0; 8]), short);
        let bool = "read array x.npy: expected bool elements of 0 or 1, found 7";
        fails(&file("|b1", false, "(1,)", &[7]), bool);
        assert!(parse(&file("<f4", false, "(99999999999999, 99999999999999)", &[])).is_err());
        assert!(parse(&file("<f8", false, "(999999999999999,)", &[])).is_err());
        assert!(parse(&file("<U999999999999999999999", false, "(1,)", &[])).is_err());
        assert!(parse(&file("<U4611686018427387904", false, "(2,)", &[])).is_err());
        assert!(parse(&file("<U1", false, "(1,)", &[0xff; 4])).is_err());
        assert!(parse(&file("<f4", false, "(-1,)", &[])).is_err());
        let mut bytes = file("<f4", false, "(1,)", &[0; 4]);
        bytes[6] = 9;
        fails(&bytes, "read array x.npy: expected version 1, 2 or 3, found version 9");
    }

    #[test]
    fn what_numpy_has_not_is_refused() {
        let mut out = Vec::new();
        let error = write(&Tensor::scalar(crate::bf16::ONE), &mut out, "x").unwrap_err();
        let expected = "read array x: expected a type that numpy has, found bfloat16; convert it with `cast`";
        assert_eq!(error.to_string(), expected);
        assert!(write(&Tensor::from_strings(["a\0"], [1]).unwrap(), &mut out, "x").is_err());
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..140, to: u8, cut in 0usize..140) {
            let mut bytes = file("<f4", true, "(2, 3)", &[1; 24]);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            let _ = parse(&bytes);
            let _ = parse(&bytes[..cut.min(bytes.len())]);
        }
    }
}
