//! The header: names, types, shapes and places.

use std::collections::BTreeMap;

use kerox_tensor::{DType, Shape};
use serde_json::Value;

use crate::element;
use crate::error::{Error, Result};

/// Bytes a header may have, as the reference reader says.
pub(crate) const MAX_HEADER: u64 = 100_000_000;

/// Where a tensor is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// An unknown type is kept by name: the other tensors can still be read.
    pub(crate) dtype: std::result::Result<DType, String>,
    pub(crate) shape: Shape,
    /// First byte, counted from the end of the header.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Entries and metadata of a header's JSON, checked against the number of bytes of data.
pub(crate) fn parse(file: &str, json: &[u8], data: u64) -> Result<(BTreeMap<String, Entry>, BTreeMap<String, String>)> {
    let wrong =
        |expected: &str, found: String| Error::Header { file: file.to_string(), expected: expected.into(), found };
    // Duplicate keys would hide tensors: serde_json keeps the last, so their number is compared below through the
    // bytes that no tensor claims.
    let value: Value = serde_json::from_slice(json).map_err(|error| wrong("a header in JSON", error.to_string()))?;
    let Value::Object(map) = value else { return Err(wrong("a header that is a JSON object", "another value".into())) };
    let (mut entries, mut metadata) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in map {
        if name == "__metadata__" {
            let Value::Object(texts) = value else { return Err(wrong("metadata that are an object", "others".into())) };
            for (key, text) in texts {
                let Value::String(text) = text else {
                    return Err(wrong("metadata of texts", format!("another value for `{key}`")));
                };
                metadata.insert(key, text);
            }
            continue;
        }
        let entry = entry(&value).map_err(|(expected, found)| Error::Entry {
            file: file.to_string(),
            name: name.clone(),
            expected: expected.into(),
            found,
        })?;
        entries.insert(name, entry);
    }
    let mut places: Vec<(&Entry, &String)> = entries.iter().map(|(name, entry)| (entry, name)).collect();
    places.sort_by_key(|(entry, _)| (entry.start, entry.end));
    let mut next = 0;
    for (entry, name) in places {
        let bad = |expected: String, found: String| Error::Entry {
            file: file.to_string(),
            name: name.clone(),
            expected,
            found,
        };
        if entry.start != next {
            return Err(bad(format!("data from byte {next} on, without gaps or overlaps"), entry.start.to_string()));
        }
        if let Ok(dtype) = entry.dtype {
            let elements = entry.shape.checked_elements().ok();
            let wanted = elements.and_then(|n| (n as u64).checked_mul(dtype.size().unwrap_or(1) as u64));
            if wanted != Some(entry.end - entry.start) {
                let found = format!("{}", entry.end - entry.start);
                let wanted = wanted.map_or("a shape that fits memory".into(), |n| format!("{n} bytes"));
                return Err(bad(format!("{wanted} for {dtype} {}", entry.shape), found));
            }
        }
        next = entry.end;
    }
    if next != data {
        return Err(wrong(&format!("{next} bytes of data"), data.to_string()));
    }
    Ok((entries, metadata))
}

fn entry(value: &Value) -> std::result::Result<Entry, (&'static str, String)> {
    let field = |name: &str| value.get(name).cloned().unwrap_or(Value::Null);
    let dtype = field("dtype");
    let dtype = dtype.as_str().ok_or(("a type's name in `dtype`", dtype.to_string()))?;
    let shape_value = field("shape");
    let wrong = || ("lengths in `shape`", shape_value.to_string());
    let mut shape = Shape::scalar();
    for length in shape_value.as_array().ok_or_else(wrong)? {
        shape.push(length.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong)?);
    }
    let offsets = field("data_offsets");
    let pair = match offsets.as_array().map(Vec::as_slice) {
        Some([start, end]) => start.as_u64().zip(end.as_u64()),
        _ => None,
    };
    let (start, end) = pair
        .filter(|(start, end)| start <= end)
        .ok_or(("`data_offsets` of a start and an end that is no smaller", offsets.to_string()))?;
    Ok(Entry { dtype: element::dtype(dtype).ok_or(dtype.to_string()), shape, start, end })
}
