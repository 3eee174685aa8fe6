//! Regularizers: what the size of a weight or output adds to the loss.

mod l1l2;
mod orthogonal;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Config, Fields, Node, Object, Registry};
use kerox_graph::{Graph, Value};

pub(crate) use l1l2::factor;
pub use l1l2::{L1, L1L2, L2};
pub use orthogonal::{OrthogonalMode, OrthogonalRegularizer};

use crate::Result;

/// Something that adds to the loss.
///
/// # Source
/// `keras.regularizers.Regularizer`.
pub trait Regularize: fmt::Debug + Send + Sync {
    /// The class, as files name it.
    fn class_name(&self) -> &str;
    /// The constructor's arguments.
    fn config(&self) -> Config;
    /// A scalar: what `x` adds to the loss.
    ///
    /// # Errors
    /// Where `x` has not the shape it is for.
    fn penalty(&self, g: &mut Graph, x: Value) -> Result<Value>;
}

/// A shared regularizer.
#[derive(Clone, Debug)]
pub struct Regularizer(pub Arc<dyn Regularize>);

/// How the registry makes one from a configuration.
pub type FromConfig = fn(&Fields<'_>) -> Result<Regularizer>;

impl Regularizer {
    /// A scalar: what `x` adds to the loss.
    ///
    /// # Errors
    /// Where `x` has not the shape it is for.
    pub fn penalty(&self, g: &mut Graph, x: Value) -> Result<Value> {
        self.0.penalty(g, x)
    }

    /// `{module, class_name, config, registered_name}`.
    pub fn to_json(&self) -> kerox_config_json::Value {
        Object::of_kind(&registry(), "keras.regularizers", self.0.class_name(), self.0.config()).to_value()
    }

    /// Reads a name or object.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where it is neither or unknown.
    pub fn from_json(node: &Node<'_>) -> Result<Regularizer> {
        let object = Object::read(node)?;
        // The name `l1_l2` stands for 0.01 twice, the class without arguments for 0 twice.
        if object.shorthand && object.name() == "l1_l2" {
            return Ok(L1L2 { l1: 0.01, l2: 0.01 }.into());
        }
        registry().find(&object.lookup(None))?(&object.fields()?)
    }

    /// Reads an optional field.
    ///
    /// # Errors
    /// As [`Regularizer::from_json`].
    pub fn optional(fields: &Fields<'_>, key: &str) -> Result<Option<Regularizer>> {
        fields.get(key).map(|node| Regularizer::from_json(&node)).transpose()
    }
}

impl TryFrom<&str> for Regularizer {
    type Error = crate::Error;

    /// The regularizer of that name with its default factors: `l1`, `l2`, `l1_l2`, `orthogonal_regularizer`.
    fn try_from(name: &str) -> Result<Regularizer> {
        Regularizer::from_json(&Node::root(&name.into()))
    }
}

impl<R: Regularize + 'static> From<R> for Regularizer {
    fn from(object: R) -> Regularizer {
        Regularizer(Arc::new(object))
    }
}

/// How a class of the user's is made from its configuration: the entry for `custom_objects`.
pub fn entry<T: Regularize + crate::Configured + 'static>() -> FromConfig {
    |fields| Ok(T::from_fields(fields)?.into())
}

/// Writes `{module, class_name, config, registered_name}`.
///
/// # Source
/// `keras.regularizers.serialize`.
pub fn serialize(regularizer: &Regularizer) -> kerox_config_json::Value {
    regularizer.to_json()
}

/// Reads a name or object of either dialect.
///
/// # Errors
/// As [`Regularizer::from_json`].
///
/// # Source
/// `keras.regularizers.deserialize`.
pub fn deserialize(node: &Node<'_>) -> Result<Regularizer> {
    Regularizer::from_json(node)
}

/// Every regularizer by class name and alias.
pub fn registry() -> Registry<FromConfig> {
    Registry::new("regularizer")
        .with("L1", L1::from_config as FromConfig)
        .with_alias("l1", "L1")
        .with("L2", L2::from_config as FromConfig)
        .with_alias("l2", "L2")
        .with("L1L2", L1L2::from_config as FromConfig)
        .with_alias("l1_l2", "L1L2")
        .with("OrthogonalRegularizer", OrthogonalRegularizer::from_config as FromConfig)
        .with_alias("orthogonal_regularizer", "OrthogonalRegularizer")
}
