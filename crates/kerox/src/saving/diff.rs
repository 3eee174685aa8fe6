//! Whether two files hold the same.

mod architecture;
mod sides;

use std::collections::HashMap;
use std::path::Path;

use kerox_config_json::{Config, Value as Json};
use kerox_tensor::{Buffer, DType, Shape, Tensor};

use super::Result;
use super::package::Package;
use sides::{Named, Side, Value};

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
/// Otherwise the tensors are matched layer by layer: through the models where an architecture is there, and by what
/// their names say of layers where none is. The optimizers' states are compared in one form, whatever Keras wrote them; a
/// state that has not made a step is none. Tensors of unlike types are equal where their values are. Architectures, and what
/// the models were compiled with, are compared where both files have them: what one file says and the other leaves to
/// the default is equal.
///
/// # Errors
/// Where a file cannot be read; [`super::Error::Content`] where tensors of files without architecture cannot be matched.
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
    let (a, b) = (Side::open(a.as_ref())?, Side::open(b.as_ref())?);
    let mut found = Difference { architecture: architecture::differences(&a, &b)?, ..Difference::default() };
    let (names_a, names_b) = (a.names(), b.names());
    // One file of weights or both may be without.
    if names_a.is_empty() || names_b.is_empty() {
        found.only_in_a = names_a;
        found.only_in_b = names_b;
        return Ok(found);
    }
    let alike = a.package.format == b.package.format;
    if alike && (names_a == names_b || (a.package.config.is_none() && b.package.config.is_none())) {
        let own = |name: String| (name.clone(), Value::InFile(name));
        let (a, b) = (a.package.clone(), b.package.clone());
        found.match_up(
            names_a.into_iter().map(own).collect(),
            names_b.into_iter().map(own).collect(),
            &a,
            &b,
            options,
        )?;
        return Ok(found);
    }
    let (weights_a, weights_b) = sides::weights(&a, &b)?;
    found.match_up(weights_a, weights_b, &a.package, &b.package, options)?;
    let (state_a, state_b) = sides::states(&a, &b)?;
    found.match_up(state_a, state_b, &a.package, &b.package, options)?;
    Ok(found)
}

impl Difference {
    /// Compares tensors of one name, and lists those without partner.
    fn match_up(
        &mut self,
        a: Named,
        b: Named,
        file_a: &Package,
        file_b: &Package,
        options: &DiffOptions,
    ) -> Result<()> {
        let mut rest: HashMap<String, Value> = b.iter().cloned().collect();
        for (name, value) in a {
            match rest.remove(&name) {
                Some(other) => self.compare(&name, &value.read(file_a)?, &other.read(file_b)?, options)?,
                None => self.only_in_a.push(name),
            }
        }
        self.only_in_b.extend(b.into_iter().map(|(name, _)| name).filter(|name| rest.contains_key(name)));
        Ok(())
    }

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
        let whole = match (a.buffer(), b.buffer()) {
            // Large integers are told apart by their digits, not as floats.
            (Buffer::I64(x), Buffer::I64(y)) => Some((x, y)),
            _ => None,
        };
        let (x, y) = (numbers(a)?, numbers(b)?);
        let (mut abs, mut rel, mut is_close) = (0f64, 0f64, true);
        for (i, (x, y)) in x.into_iter().zip(y).enumerate() {
            let digits = whole.and_then(|(x, y)| Some((*x.get(i)?, *y.get(i)?)));
            let distance = digits.map_or((x - y).abs(), |(x, y)| x.abs_diff(y) as f64);
            if distance == 0.0 || x.is_nan() && y.is_nan() || (digits.is_none() && x == y) {
                continue;
            }
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
        Buffer::I64(v) => v.iter().map(|&x| x as f64).collect(),
        _ => {
            let cast = tensor.cast(DType::F64)?;
            cast.as_slice::<f64>()?.to_vec()
        }
    })
}
