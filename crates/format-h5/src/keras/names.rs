//! Lists of names in attributes, split where they are long.

use crate::error::{Error, Result};
use crate::write::{Charset, Group, WriteAttribute};
use crate::{Attribute, H5File};

/// Bytes of a list of names in numpy's fixed-length form from which on Keras splits it.
///
/// # Source
/// `HDF5_OBJECT_HEADER_LIMIT` in keras/src/saving/legacy/hdf5_format.py.
const LIMIT: usize = 64512;

/// Attributes a list is split over at most; one holds at least one name.
const MAX_PARTS: usize = 65536;

/// Reads a list of names; `None` where the attribute is missing.
pub(super) fn read(file: &H5File, path: &str, attribute: &str) -> Result<Option<Vec<String>>> {
    if let Some(value) = file.attribute(path, attribute)? {
        return strings(file, path, attribute, value).map(Some);
    }
    let stored = file.attribute_names(path)?;
    let mut names = None;
    for part in 0..MAX_PARTS {
        let attribute = format!("{attribute}{part}");
        if !stored.contains(&attribute) {
            break;
        }
        if let Some(value) = file.attribute(path, &attribute)? {
            names.get_or_insert_with(Vec::new).extend(strings(file, path, &attribute, value)?);
        }
    }
    Ok(names)
}

/// Reads an attribute that holds one text; `None` where it is missing.
pub(super) fn text(file: &H5File, path: &str, attribute: &str) -> Result<Option<String>> {
    let Some(value) = file.attribute(path, attribute)? else { return Ok(None) };
    let wrong = |found: String| Error::Attribute {
        file: file.name().to_string(),
        path: path.to_string(),
        name: attribute.to_string(),
        expected: "one string in UTF-8",
        found,
    };
    match &value {
        Attribute::Strings { values, .. } => match values.as_slice() {
            [one] => match String::from_utf8(one.clone()) {
                Ok(text) => Ok(Some(text)),
                Err(error) => Err(wrong(format!("a byte that is none, at {}", error.utf8_error().valid_up_to()))),
            },
            _ => Err(wrong(value.describe())),
        },
        _ => Err(wrong(value.describe())),
    }
}

fn strings(file: &H5File, path: &str, attribute: &str, value: Attribute) -> Result<Vec<String>> {
    let wrong = |found: String| Error::Attribute {
        file: file.name().to_string(),
        path: path.to_string(),
        name: attribute.to_string(),
        expected: "a list of names in UTF-8 (or float64 of shape [0] for an empty one)",
        found,
    };
    match value {
        Attribute::Strings { values, shape } if shape.rank() <= 1 => values
            .into_iter()
            .map(|name| {
                String::from_utf8(name).map_err(|error| wrong(format!("`{}`", error.as_bytes().escape_ascii())))
            })
            .collect(),
        Attribute::Numbers(tensor) if tensor.is_empty() => Ok(Vec::new()),
        Attribute::Empty => Ok(Vec::new()),
        other => Err(wrong(other.describe())),
    }
}

/// Writes a list of names as Keras does.
pub(super) fn write(group: &mut Group, path: &str, attribute: &str, names: Vec<String>) -> Result<()> {
    let width = names.iter().map(String::len).max().unwrap_or(0);
    if names.is_empty() {
        let none = kerox_tensor::Tensor::zeros(kerox_tensor::DType::F64, [0]).map_err(|source| Error::Tensor {
            file: "the file to write".into(),
            path: path.to_string(),
            source,
        })?;
        group.attribute(attribute, WriteAttribute::Numbers(none));
        return Ok(());
    }
    if width > LIMIT {
        return Err(Error::Unwritable {
            path: format!("{path}@{attribute}"),
            expected: format!("names of at most {LIMIT} bytes"),
            found: format!("one of {width} bytes"),
        });
    }
    let bytes = width.saturating_mul(names.len());
    if bytes <= LIMIT {
        // Very short names take more room as references into the heap than as they are.
        let value = match 16 * names.len() > LIMIT {
            true => WriteAttribute::FixedStrings(names, width.max(1)),
            false => WriteAttribute::Strings(names, Charset::Ascii),
        };
        group.attribute(attribute, value);
        return Ok(());
    }
    // numpy's `array_split` into the fewest parts that fit: the first ones are longer by one.
    let mut parts = bytes.div_ceil(LIMIT);
    while names.len().div_ceil(parts) * width > LIMIT {
        parts += 1;
    }
    let (short, longer) = (names.len() / parts, names.len() % parts);
    let mut names = names.into_iter();
    for part in 0..parts {
        let count = short + usize::from(part < longer);
        let names = names.by_ref().take(count).collect();
        group.attribute(format!("{attribute}{part}"), WriteAttribute::FixedStrings(names, width));
    }
    Ok(())
}
