//! `[NAME=]FILE.npy`, `[NAME=]FILE.npz:MEMBER`.

use std::path::Path;

use kerox::data::Arrays;
use kerox::saving::load_array;
use kerox::tensor::Tensor;

use crate::failure::Failure;

/// Takes `NAME=FILE` apart. A file that is called like the whole text is meant itself.
fn split(text: &str) -> (&str, &str) {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !name.contains(['/', '\\']) && !Path::new(text).exists() => {
            (name, file)
        }
        _ => ("", text),
    }
}

/// Reads arrays, in order or by name.
pub fn read(texts: &[String]) -> Result<Vec<(String, Tensor)>, Failure> {
    let named = texts.iter().filter(|text| !split(text).0.is_empty()).count();
    if named != 0 && named != texts.len() {
        return Err(Failure::usage(
            format!("expected arrays all with names or all without, found {named} of {} with names", texts.len()),
            "give `NAME=FILE` for each, or only the files in the model's order",
        ));
    }
    texts
        .iter()
        .map(|text| {
            let (name, file) = split(text);
            Ok((name.to_owned(), load_array(file)?))
        })
        .collect()
}

/// As [`read`], as data for a model.
pub fn data(texts: &[String]) -> Result<Arrays, Failure> {
    Ok(Arrays { items: read(texts)? })
}
