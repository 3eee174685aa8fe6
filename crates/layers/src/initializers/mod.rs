//! Initializers: the first values of weights.

mod constant;
mod orthogonal;
mod random;
mod stft;
mod variance_scaling;

use std::fmt;
use std::sync::{Arc, OnceLock};

use kerox_config_json::{Config, Fields, Node, Object, Registry};
use kerox_tensor::{DType, Shape, Tensor};

pub use constant::{Constant, Ones, Zeros};
pub use orthogonal::{Identity, Orthogonal};
pub use random::{RandomNormal, RandomUniform, TruncatedNormal};
pub use stft::{STFT, StftWindow};
pub use variance_scaling::{FanDistribution, FanMode, VarianceScaling, fans};

use crate::error::did_you_mean;
use crate::{Error, Result};

/// Something that gives weights their first values.
///
/// # Source
/// `keras.initializers.Initializer`.
pub trait Initialize: fmt::Debug + Send + Sync {
    /// The class, as files name it.
    fn class_name(&self) -> &str;
    /// The constructor's arguments.
    fn config(&self) -> Config;
    /// Makes a value.
    ///
    /// # Errors
    /// Where the shape is not one it can fill.
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor>;
}

/// An initializer, by object or by name. A name is looked up when it is needed.
#[derive(Clone, Debug)]
pub enum Initializer {
    /// A name such as `glorot_uniform`.
    Named(String),
    /// An object.
    Object(Arc<dyn Initialize>),
}

/// How the registry makes one from a configuration.
pub type FromConfig = fn(&Fields<'_>) -> Result<Arc<dyn Initialize>>;

impl Initializer {
    /// The object.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn object(&self) -> Result<Arc<dyn Initialize>> {
        let name = match self {
            Initializer::Object(object) => return Ok(object.clone()),
            Initializer::Named(name) => name,
        };
        let registry = registry();
        match registry.custom(name).or_else(|| registry.builtin(name)) {
            Some(make) => make(&Fields::of(&Config::new())),
            None => Err(Error::UnknownName {
                kind: "initializer".into(),
                name: name.clone(),
                known: registry.names().join(", "),
                hint: did_you_mean(name, registry.names().into_iter()),
            }),
        }
    }

    /// The class, or the name by which it was given.
    pub fn class_name(&self) -> &str {
        match self {
            Initializer::Named(name) => name,
            Initializer::Object(object) => object.class_name(),
        }
    }

    /// Makes a value.
    ///
    /// # Errors
    /// [`Error::UnknownName`]; where the shape is not one it can fill.
    pub fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        self.object()?.sample(shape, dtype)
    }

    /// `{module, class_name, config, registered_name}`.
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn to_json(&self) -> Result<kerox_config_json::Value> {
        let object = self.object()?;
        Ok(Object::of_kind(registry(), "keras.initializers", object.class_name(), object.config()).to_value())
    }

    /// Reads a name or object.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where it is neither or unknown.
    pub fn from_json(node: &Node<'_>) -> Result<Initializer> {
        let object = Object::read(node)?;
        let make = registry().find(&object.lookup(None))?;
        Ok(Initializer::Object(make(&object.fields()?)?))
    }
}

impl<I: Initialize + 'static> From<I> for Initializer {
    fn from(object: I) -> Initializer {
        Initializer::Object(Arc::new(object))
    }
}

impl From<&str> for Initializer {
    fn from(name: &str) -> Initializer {
        Initializer::Named(name.to_string())
    }
}

/// Class names with the other names files use, and how each is read.
const CLASSES: &[(&str, &[&str], FromConfig)] = &[
    ("Constant", &["constant", "ConstantV2"], Constant::from_config),
    ("GlorotNormal", &["glorot_normal", "GlorotNormalV2", "xavier_normal"], VarianceScaling::read_glorot_normal),
    ("GlorotUniform", &["glorot_uniform", "GlorotUniformV2", "xavier_uniform"], VarianceScaling::read_glorot_uniform),
    ("HeNormal", &["he_normal", "HeNormalV2"], VarianceScaling::read_he_normal),
    ("HeUniform", &["he_uniform", "HeUniformV2"], VarianceScaling::read_he_uniform),
    ("Identity", &["identity", "IdentityV2", "IdentityInitializer", "eye"], Identity::from_config),
    ("LecunNormal", &["lecun_normal", "LecunNormalV2"], VarianceScaling::read_lecun_normal),
    ("LecunUniform", &["lecun_uniform", "LecunUniformV2"], VarianceScaling::read_lecun_uniform),
    ("Ones", &["ones", "one", "OnesV2"], Ones::from_config),
    ("Orthogonal", &["orthogonal", "OrthogonalV2", "OrthogonalInitializer"], Orthogonal::from_config),
    ("RandomNormal", &["random_normal", "normal", "RandomNormalV2"], RandomNormal::from_config),
    ("RandomUniform", &["random_uniform", "uniform", "RandomUniformV2"], RandomUniform::from_config),
    ("STFT", &["stft", "STFTInitializer"], STFT::from_config),
    ("TruncatedNormal", &["truncated_normal", "TruncatedNormalV2"], TruncatedNormal::from_config),
    ("VarianceScaling", &["variance_scaling", "VarianceScalingV2"], VarianceScaling::from_config),
    ("Zeros", &["zeros", "zero", "ZerosV2"], Zeros::from_config),
];

/// The error for a shape that an initializer cannot fill.
fn unfit(class_name: &str, expected: &str, shape: &Shape) -> Error {
    Error::Argument {
        layer: String::new(),
        class_name: class_name.into(),
        argument: "shape".into(),
        expected: expected.into(),
        found: shape.to_string(),
    }
}

/// How a class of the user's is made from its configuration: the entry for `custom_objects`.
pub fn entry<T: Initialize + crate::Configured + 'static>() -> FromConfig {
    |fields| Ok(Arc::new(T::from_fields(fields)?))
}

/// Writes `{module, class_name, config, registered_name}`.
///
/// # Errors
/// As [`Initializer::to_json`].
///
/// # Source
/// `keras.initializers.serialize`.
pub fn serialize(initializer: &Initializer) -> Result<kerox_config_json::Value> {
    initializer.to_json()
}

/// Reads a name or object of either dialect.
///
/// # Errors
/// As [`Initializer::from_json`].
///
/// # Source
/// `keras.initializers.deserialize`.
pub fn deserialize(node: &Node<'_>) -> Result<Initializer> {
    Initializer::from_json(node)
}

/// Every initializer by class name and alias.
pub fn registry() -> &'static Registry<FromConfig> {
    static REGISTRY: OnceLock<Registry<FromConfig>> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let mut registry = Registry::new("initializer");
        for (class_name, aliases, from_config) in CLASSES {
            registry.insert(*class_name, *from_config);
            for alias in *aliases {
                registry = registry.with_alias(*alias, *class_name);
            }
        }
        registry
    })
}
