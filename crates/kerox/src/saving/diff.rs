//! Whether two files hold the same.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use kerox_config_json::{Config, Form, Value as Json};
use kerox_format_ckpt::OBJECT_GRAPH_KEY;
use kerox_tensor::{Buffer, DType, Shape, Tensor};

use super::formats;
use super::package::{Package, SavedWeights};
use super::{Error, LoadOptions, ModelSaving, Result, load_package, tree};

/// The options of [`diff`].
#[derive(Clone, Debug, Default)]
pub struct DiffOptions {
    atol: f64,
    rtol: f64,
}

impl DiffOptions {
    /// Everything must be equal.
    pub fn new() -> DiffOptions {
        DiffOptions::default()
    }

    /// Numbers may differ by this much, ...
    #[must_use]
    pub fn atol(mut self, atol: f64) -> DiffOptions {
        self.atol = atol;
        self
    }

    /// ... and by this fraction of the second's.
    #[must_use]
    pub fn rtol(mut self, rtol: f64) -> DiffOptions {
        self.rtol = rtol;
        self
    }
}

/// A tensor that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct DifferentTensor {
    /// Its name: the path of layers and attributes, or the name in the files where both call it so.
    pub name: String,
    /// The largest difference; none where shapes differ or for strings.
    pub max_abs: Option<f64>,
    /// The largest difference as a fraction of the second's number.
    pub max_rel: Option<f64>,
    /// The shape in the first file.
    pub shape_a: Shape,
    /// The shape in the second file.
    pub shape_b: Shape,
}

/// What two files do not have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Tensors of the first file without partner.
    pub only_in_a: Vec<String>,
    /// Tensors of the second file without partner.
    pub only_in_b: Vec<String>,
    /// Tensors whose values or shapes differ.
    pub different: Vec<DifferentTensor>,
    /// Differences of the architectures: the place in the configuration, the first's value, the second's.
    pub architecture: Vec<String>,
}

impl Difference {
    /// Whether there is none.
    pub fn equal(&self) -> bool {
        *self == Difference::default()
    }

    /// The document that `kerox diff --json` prints.
    pub fn to_json(&self) -> Json {
        let texts = |texts: &[String]| Json::List(texts.iter().map(Json::from).collect());
        let number = |value: Option<f64>| value.map_or(Json::Null, Json::from);
        let shape = |shape: &Shape| Json::List(shape.iter().map(|&n| Json::from(n)).collect());
        let tensor = |tensor: &DifferentTensor| -> Json {
            Config::new()
                .with("name", tensor.name.as_str())
                .with("max_abs", number(tensor.max_abs))
                .with("max_rel", number(tensor.max_rel))
                .with("shape_a", shape(&tensor.shape_a))
                .with("shape_b", shape(&tensor.shape_b))
                .into()
        };
        Config::new()
            .with("equal", self.equal())
            .with("only_in_a", texts(&self.only_in_a))
            .with("only_in_b", texts(&self.only_in_b))
            .with("different", Json::List(self.different.iter().map(tensor).collect()))
            .with("architecture", texts(&self.architecture))
            .into()
    }
}

/// Compares two files of any formats.
///
/// Where both give their tensors the same names, these are compared one by one, the optimizer's state included.
/// Otherwise the tensors are matched layer by layer: through the models where the architectures are there, and in order
/// where they are not. Tensors of unlike types are equal where their values are. Architectures are compared where both
/// files have one, whatever Keras wrote them.
///
/// # Errors
/// Where a file cannot be read; [`Error::Content`] where tensors of files without architecture cannot be matched.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{DiffOptions, diff};
/// let dir = std::env::temp_dir().join("kerox-diff");
/// let model = Sequential::new().add(Dense::new(2).input_shape([3]));
/// model.save(dir.join("m.h5"))?;
/// model.save(dir.join("m.keras"))?;
/// assert!(diff(dir.join("m.h5"), dir.join("m.keras"), &DiffOptions::new())?.equal());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn diff(a: impl AsRef<Path>, b: impl AsRef<Path>, options: &DiffOptions) -> Result<Difference> {
    super::install();
    let (a, b) = (Package::open(a)?, Package::open(b)?);
    let mut found = Difference { architecture: architecture(&a, &b)?, ..Difference::default() };
    let (names_a, names_b) = (names(&a), names(&b));
    // One file of weights or both may be without.
    if names_a.is_empty() || names_b.is_empty() {
        found.only_in_a = names_a;
        found.only_in_b = names_b;
        return Ok(found);
    }
    if a.format == b.format && (names_a == names_b || (a.config.is_none() && b.config.is_none())) {
        let b_names: HashSet<&String> = names_b.iter().collect();
        for name in &names_a {
            match b_names.contains(name) {
                true => found.compare(name, &a.read(name)?, &b.read(name)?, options)?,
                false => found.only_in_a.push(name.clone()),
            }
        }
        let a_names: HashSet<&String> = names_a.iter().collect();
        found.only_in_b = names_b.iter().filter(|name| !a_names.contains(name)).cloned().collect();
        return Ok(found);
    }
    let (side_a, side_b) = sides(&a, &b)?;
    let matched_by_name = side_a.iter().any(|(name, _)| side_b.iter().any(|(other, _)| other == name));
    if matched_by_name || side_a.len() != side_b.len() {
        let mut rest: BTreeMap<&str, &Tensor> = side_b.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        for (name, tensor) in &side_a {
            match rest.remove(name.as_str()) {
                Some(other) => found.compare(name, tensor, other, options)?,
                None => found.only_in_a.push(name.clone()),
            }
        }
        found.only_in_b =
            side_b.iter().filter(|(name, _)| rest.contains_key(name.as_str())).map(|(name, _)| name.clone()).collect();
    } else {
        for ((name, tensor), (_, other)) in side_a.iter().zip(&side_b) {
            found.compare(name, tensor, other, options)?;
        }
    }
    if let (Some(state_a), Some(state_b)) = (&a.optimizer, &b.optimizer) {
        // Generations of Keras keep different numbers for the same optimizer.
        if state_a.len() == state_b.len() {
            for (i, (key_a, key_b)) in state_a.iter().zip(state_b).enumerate() {
                found.compare(&format!("optimizer/vars/{i}"), &a.read(key_a)?, &b.read(key_b)?, options)?;
            }
        }
    }
    Ok(found)
}

/// The names of the tensors. The checkpoint's description of its objects is left aside, and what metrics had counted when
/// an archive was written: every run begins to count anew.
fn names(package: &Package) -> Vec<String> {
    let names = package.tensors().into_iter().map(|info| info.name);
    let counted = |name: &String| package.format == formats::KERAS_V3 && name.starts_with("metrics/");
    names.filter(|name| name != OBJECT_GRAPH_KEY && !counted(name)).collect()
}

type Side = Vec<(String, Tensor)>;

/// The weights of both, by the path of layers and attributes.
fn sides(a: &Package, b: &Package) -> Result<(Side, Side)> {
    let options = LoadOptions::new().compile(false);
    let of = |package: &Package| -> Result<Side> {
        let loaded = load_package(package, &options)?;
        let named = tree::named(loaded.model.network());
        Ok(named.into_iter().map(|(name, weight)| (name, weight.variable.value())).collect())
    };
    // The weights of one file in the architecture of the other.
    let through = |architecture: &Package, weights: &Package| -> Result<Side> {
        let model = load_package(architecture, &options)?.model;
        model.load_weights(&weights.path)?.assert_existing_objects_matched()?;
        let named = tree::named(model.network());
        Ok(named.into_iter().map(|(name, weight)| (name, weight.variable.value())).collect())
    };
    match (has_architecture(a), has_architecture(b)) {
        (true, true) => Ok((of(a)?, of(b)?)),
        (true, false) => Ok((of(a)?, through(a, b)?)),
        (false, true) => Ok((through(b, a)?, of(b)?)),
        (false, false) => Ok((in_order(a)?, in_order(b)?)),
    }
}

fn has_architecture(package: &Package) -> bool {
    package.config.is_some()
}

/// The weights of a file without architecture, layer by layer.
fn in_order(package: &Package) -> Result<Side> {
    let is_state = |key: &String| package.optimizer.as_ref().is_some_and(|state| state.contains(key));
    let keys: Vec<String> = match &package.weights {
        SavedWeights::Layers { layers, top_level } => {
            layers.iter().flat_map(|layer| &layer.weights).chain(top_level).map(|weight| weight.key.clone()).collect()
        }
        SavedWeights::Tree(objects) => {
            objects.iter().flat_map(|object| object.keys.clone()).filter(|key| !is_state(key)).collect()
        }
        SavedWeights::None | SavedWeights::Named | SavedWeights::Checkpoint(_) => {
            return Err(Error::Content {
                operation: "compare",
                path: package.path.clone(),
                expected: "an architecture in one of two files of unlike formats".into(),
                found: format!("a {} of weights alone", package.format.title),
                help: "convert one of them to the other's format with its architecture first".into(),
            });
        }
    };
    keys.into_iter().map(|key| Ok((key.clone(), package.read(&key)?))).collect()
}

impl Difference {
    fn compare(&mut self, name: &str, a: &Tensor, b: &Tensor, options: &DiffOptions) -> Result<()> {
        let different = |max: Option<(f64, f64)>| DifferentTensor {
            name: name.to_owned(),
            max_abs: max.map(|(abs, _)| abs),
            max_rel: max.map(|(_, rel)| rel),
            shape_a: a.shape().clone(),
            shape_b: b.shape().clone(),
        };
        if a.shape() != b.shape() || (a.dtype() == DType::String) != (b.dtype() == DType::String) {
            self.different.push(different(None));
            return Ok(());
        }
        if let (Buffer::String(x), Buffer::String(y)) = (a.buffer(), b.buffer()) {
            if x != y {
                self.different.push(different(None));
            }
            return Ok(());
        }
        if a.dtype() == b.dtype() && a.as_bytes() == b.as_bytes() {
            return Ok(());
        }
        let (x, y) = (numbers(a)?, numbers(b)?);
        let (mut abs, mut rel, mut is_close) = (0f64, 0f64, true);
        for (x, y) in x.into_iter().zip(y) {
            if x == y || (x.is_nan() && y.is_nan()) {
                continue;
            }
            let distance = (x - y).abs();
            let distance = if distance.is_nan() { f64::INFINITY } else { distance };
            abs = abs.max(distance);
            rel = rel.max(if y == 0.0 || !y.is_finite() { f64::INFINITY } else { distance / y.abs() });
            is_close &= distance <= options.atol + options.rtol * y.abs() && distance.is_finite();
        }
        if !is_close {
            self.different.push(different(Some((abs, rel))));
        }
        Ok(())
    }
}

/// The elements as numbers of the widest type; complex numbers as two each.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(match tensor.buffer() {
        Buffer::Complex64(v) => v.iter().flatten().map(|&x| f64::from(x)).collect(),
        Buffer::Complex128(v) => v.iter().flatten().copied().collect(),
        // Large integers are told apart by their digits, not as floats.
        Buffer::I64(v) => v.iter().map(|&x| x as f64).collect(),
        _ => {
            let cast = tensor.cast(DType::F64)?;
            cast.as_slice::<f64>()?.to_vec()
        }
    })
}

/// Where the architectures differ.
fn architecture(a: &Package, b: &Package) -> Result<Vec<String>> {
    let (Some(text_a), Some(text_b)) = (&a.config, &b.config) else { return Ok(Vec::new()) };
    let mut lines = Vec::new();
    if text_a == text_b {
        return Ok(lines);
    }
    // Both in one dialect, where their classes allow that.
    let neutral = |package: &Package| package.document().ok().and_then(|doc| doc.write(Form::Keras3Keras).ok());
    let (x, y) = match (neutral(a), neutral(b)) {
        (Some(x), Some(y)) => (x, y),
        _ => (a.config_json()?.unwrap_or(Json::Null), b.config_json()?.unwrap_or(Json::Null)),
    };
    compare_json("$", &x, &y, &mut lines);
    Ok(lines)
}

/// Keys that say who wrote a file, not what the model is.
const ORIGIN: &[&str] = &[
    "keras_version",
    "backend",
    "compile_config",
    "build_config",
    "build_input_shape",
    "module",
    "registered_name",
    "shared_object_id",
];

fn compare_json(place: &str, a: &Json, b: &Json, lines: &mut Vec<String>) {
    match (a, b) {
        (Json::Map(x), Json::Map(y)) => {
            for (key, value) in x.iter().filter(|(key, _)| !ORIGIN.contains(key)) {
                let place = format!("{place}.{key}");
                match y.get(key) {
                    Some(other) => compare_json(&place, value, other, lines),
                    None if value.is_null() => {}
                    None => lines.push(format!("{place}: {} / nothing", short(value))),
                }
            }
            for (key, value) in
                y.iter().filter(|(key, value)| !ORIGIN.contains(key) && !x.contains_key(key) && !value.is_null())
            {
                lines.push(format!("{place}.{key}: nothing / {}", short(value)));
            }
        }
        (Json::List(x), Json::List(y)) if x.len() == y.len() => {
            for (i, (value, other)) in x.iter().zip(y).enumerate() {
                compare_json(&format!("{place}[{i}]"), value, other, lines);
            }
        }
        (Json::List(x), Json::List(y)) => lines.push(format!("{place}: {} entries / {}", x.len(), y.len())),
        _ if a == b || (a.as_f64().is_some() && a.as_f64() == b.as_f64()) => {}
        _ => lines.push(format!("{place}: {} / {}", short(a), short(b))),
    }
}

fn short(value: &Json) -> String {
    let text = value.to_json(kerox_config_json::Style::Python);
    if text.chars().count() > 80 { format!("{}...", text.chars().take(77).collect::<String>()) } else { text }
}
