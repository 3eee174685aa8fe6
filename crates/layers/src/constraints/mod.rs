//! Constraints: what is done to a weight after each update.

mod non_neg;
mod norm;
mod radial;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Config, Fields, Node, Object, Registry};
use kerox_tensor::Tensor;

pub use non_neg::NonNeg;
pub use norm::{MaxNorm, MinMaxNorm, UnitNorm};
pub use radial::RadialConstraint;

use crate::Result;

/// Something that moves a weight back to where it may be.
///
/// # Source
/// `keras.constraints.Constraint`.
pub trait Constrain: fmt::Debug + Send + Sync {
    /// The class, as files name it.
    fn class_name(&self) -> &str;
    /// The constructor's arguments.
    fn config(&self) -> Config;
    /// Changes the weight in place.
    ///
    /// # Errors
    /// Where the weight has not the shape or type it is for.
    fn apply(&self, weight: &mut Tensor) -> Result<()>;
}

/// A shared constraint.
#[derive(Clone, Debug)]
pub struct Constraint(pub Arc<dyn Constrain>);

/// How the registry makes one from a configuration.
pub type FromConfig = fn(&Fields<'_>) -> Result<Constraint>;

impl Constraint {
    /// `{module, class_name, config, registered_name}`.
    pub fn to_json(&self) -> kerox_config_json::Value {
        Object::of_kind(&registry(), "keras.constraints", self.0.class_name(), self.0.config()).to_value()
    }

    /// Reads a name or object.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where it is neither or unknown.
    pub fn from_json(node: &Node<'_>) -> Result<Constraint> {
        let object = Object::read(node)?;
        registry().find(&object.lookup(None))?(&object.fields()?)
    }

    /// Reads an optional field.
    ///
    /// # Errors
    /// As [`Constraint::from_json`].
    pub fn optional(fields: &Fields<'_>, key: &str) -> Result<Option<Constraint>> {
        fields.get(key).map(|node| Constraint::from_json(&node)).transpose()
    }
}

impl<C: Constrain + 'static> From<C> for Constraint {
    fn from(object: C) -> Constraint {
        Constraint(Arc::new(object))
    }
}

/// How a class of the user's is made from its configuration: the entry for `custom_objects`.
pub fn entry<T: Constrain + crate::Configured + 'static>() -> FromConfig {
    |fields| Ok(T::from_fields(fields)?.into())
}

/// Writes `{module, class_name, config, registered_name}`.
///
/// # Source
/// `keras.constraints.serialize`.
pub fn serialize(constraint: &Constraint) -> kerox_config_json::Value {
    constraint.to_json()
}

/// Reads a name or object of either dialect.
///
/// # Errors
/// As [`Constraint::from_json`].
///
/// # Source
/// `keras.constraints.deserialize`.
pub fn deserialize(node: &Node<'_>) -> Result<Constraint> {
    Constraint::from_json(node)
}

/// Every constraint by class name and alias.
pub fn registry() -> Registry<FromConfig> {
    Registry::new("constraint")
        .with("MaxNorm", MaxNorm::from_config as FromConfig)
        .with_alias("max_norm", "MaxNorm")
        .with_alias("maxnorm", "MaxNorm")
        .with("MinMaxNorm", MinMaxNorm::from_config as FromConfig)
        .with_alias("min_max_norm", "MinMaxNorm")
        .with("NonNeg", NonNeg::from_config as FromConfig)
        .with_alias("non_neg", "NonNeg")
        .with_alias("nonneg", "NonNeg")
        .with("RadialConstraint", RadialConstraint::from_config as FromConfig)
        .with_alias("radial_constraint", "RadialConstraint")
        .with("UnitNorm", UnitNorm::from_config as FromConfig)
        .with_alias("unit_norm", "UnitNorm")
        .with_alias("unitnorm", "UnitNorm")
}
