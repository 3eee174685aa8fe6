//! Names of the most likely classes.

use std::path::Path;

use kerox_config_json::Value as Json;
use kerox_tensor::{DType, Tensor};

use super::{Error, Result};

/// The most classes an index may have; a guard against files that are something else.
const MAX_CLASSES: usize = 1 << 20;

/// Identifiers and descriptions of the classes, in the order of the model's outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassIndex(Vec<(String, String)>);

impl ClassIndex {
    /// From a file such as Keras's `imagenet_class_index.json`, which Keras keeps in `~/.keras/models`.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read; as [`ClassIndex::parse`].
    pub fn read(path: impl AsRef<Path>) -> Result<ClassIndex> {
        let path = path.as_ref();
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Io { file: path.display().to_string(), source })?;
        ClassIndex::parse(&text)
    }

    /// From text of the form `{"0": ["n01440764", "tench"], "1": [...]}`.
    ///
    /// # Errors
    /// [`Error::Predictions`] where it is of another form or numbers are missing.
    pub fn parse(text: &str) -> Result<ClassIndex> {
        let wrong = |place: &str, expected: &str, found: String| Error::Predictions {
            place: format!("class index {place}").trim_end().into(),
            expected: expected.into(),
            found,
        };
        let json = Json::parse(text).map_err(|error| wrong("", "JSON", error.to_string()))?;
        let map = json.as_map().ok_or_else(|| wrong("", "an object", json.describe()))?;
        if map.len() > MAX_CLASSES {
            return Err(wrong("", "at most 1,048,576 classes", map.len().to_string()));
        }
        let mut classes = Vec::with_capacity(map.len());
        for number in 0..map.len() {
            let key = number.to_string();
            let entry = map.get(&key).ok_or_else(|| wrong("", &format!("the key `{key}`"), "none".into()))?;
            match entry.as_list().unwrap_or_default() {
                [Json::String(name), Json::String(description)] => classes.push((name.clone(), description.clone())),
                _ => return Err(wrong(&format!("key `{key}`"), "an identifier and a description", entry.describe())),
            }
        }
        Ok(ClassIndex(classes))
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One of the most likely classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Identifier of the class: `n02124075`.
    pub class_name: String,
    /// Its description: `Egyptian_cat`.
    pub class_description: String,
    /// What the model gave it.
    pub score: f64,
}

/// Names the `top` most likely classes of each sample, the likeliest first.
///
/// # Shapes
/// predictions of any float type `[samples, classes]`, as many classes as the index has.
///
/// # Errors
/// [`Error::Predictions`] for another shape.
///
/// # Example
/// ```
/// use kerox::applications::{ClassIndex, decode_predictions};
/// use kerox::tensor::Tensor;
/// let index = ClassIndex::parse(r#"{"0": ["n1", "cat"], "1": ["n2", "dog"], "2": ["n3", "owl"]}"#)?;
/// let predictions = Tensor::from_vec(vec![0.1f32, 0.7, 0.2], [1, 3])?;
/// let best = &decode_predictions(&predictions, 2, &index)?[0];
/// assert_eq!([&best[0].class_description, &best[1].class_description], ["dog", "owl"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.applications.imagenet_utils.decode_predictions`, which downloads its index. Of equal scores the later class
/// comes first.
pub fn decode_predictions(predictions: &Tensor, top: usize, index: &ClassIndex) -> Result<Vec<Vec<Prediction>>> {
    let classes = index.len();
    match predictions.shape()[..] {
        [_, found] if found == classes && classes > 0 && predictions.dtype() != DType::String => {}
        _ => {
            return Err(Error::Predictions {
                place: "array".into(),
                expected: format!("numbers of shape [samples, {classes}]"),
                found: format!("{} of shape {:?}", predictions.dtype().name(), &predictions.shape()[..]),
            });
        }
    }
    let scores = predictions.cast(DType::F64)?;
    let decoded = scores.as_slice::<f64>()?.chunks(classes).map(|scores| {
        let mut order: Vec<usize> = (0..classes).rev().collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let best = order.into_iter().take(top).map(|class| {
            let (class_name, class_description) = index.0[class].clone();
            Prediction { class_name, class_description, score: scores[class] }
        });
        best.collect()
    });
    Ok(decoded.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeliest_first() {
        let index = ClassIndex::parse(r#"{"1": ["b", "B"], "0": ["a", "A"], "2": ["c", "C"]}"#).unwrap();
        let scores = Tensor::from_vec(vec![0.5f32, 0.25, 0.5, 0.0, 1.0, 0.0], [2, 3]).unwrap();
        let names = |top| -> Vec<String> {
            let decoded = decode_predictions(&scores, top, &index).unwrap();
            decoded.iter().map(|best| best.iter().map(|p| p.class_name.as_str()).collect()).collect()
        };
        assert_eq!(names(3), ["cab", "bca"]);
        assert_eq!(names(1), ["c", "b"]);
        assert_eq!(names(9), ["cab", "bca"]);
        let none = Tensor::zeros(DType::F32, [0, 3]).unwrap();
        assert!(decode_predictions(&none, 5, &index).unwrap().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let index = ClassIndex::parse(r#"{"0": ["a", "A"]}"#).unwrap();
        let error = decode_predictions(&Tensor::zeros(DType::F32, [2, 3]).unwrap(), 5, &index).unwrap_err();
        assert_eq!(
            error.to_string(),
            "decode predictions array: expected numbers of shape [samples, 1], found float32 of shape [2, 3]"
        );
        let parse = |text: &str| ClassIndex::parse(text).unwrap_err().to_string();
        assert!(parse(r#"{"1": ["a", "A"]}"#).ends_with("expected the key `0`, found none"));
        assert!(parse(r#"{"0": ["a"]}"#).contains("class index key `0`: expected an identifier and a description"));
        assert!(parse("[").contains("decode predictions class index: expected JSON"));
    }
}
