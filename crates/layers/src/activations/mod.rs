//! Activations: functions of one value, by name or object.

pub mod functions;
mod named;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Node, Object, Value as Json};
use kerox_graph::Value;

pub use named::{NAMES, by_name};

use crate::error::did_you_mean;
use crate::{Call, Error, LayerRef, Result};

/// A function of one value that adds to the graph.
pub trait Activate: Send + Sync {
    /// The name, as files have it.
    fn name(&self) -> &str;
    /// Adds the operations.
    ///
    /// # Errors
    /// Where the value is not one it takes.
    fn apply(&self, cx: &mut Call<'_>, x: Value) -> Result<Value>;
}

/// An activation. A name is looked up when it is needed.
#[derive(Clone, Default)]
pub enum Activation {
    /// None: the value as it is, `linear` in files.
    #[default]
    Linear,
    /// A name such as `relu`.
    Named(String),
    /// A function registered by the user.
    Function(Arc<dyn Activate>),
    /// A layer used as an activation.
    Layer(LayerRef),
}

impl Activation {
    /// The name, as files have it.
    pub fn name(&self) -> &str {
        match self {
            Activation::Linear => "linear",
            Activation::Named(name) => name,
            Activation::Function(function) => function.name(),
            Activation::Layer(layer) => layer.class_name(),
        }
    }

    /// Adds the operations; remembers the logits of softmax and sigmoid.
    ///
    /// # Errors
    /// [`Error::UnknownName`]; where the value is not one it takes.
    pub fn apply(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        match self {
            Activation::Linear => Ok(x),
            Activation::Function(function) => function.apply(cx, x),
            Activation::Layer(layer) => cx.apply_one(layer, x),
            Activation::Named(name) => match by_name(name) {
                Some(function) => function(cx, x),
                None => {
                    let custom = kerox_config_json::registry::get_registered_object::<Arc<dyn Activate>>(name);
                    match custom {
                        Some(function) => function.apply(cx, x),
                        None => Err(Error::UnknownName {
                            kind: "activation".into(),
                            name: name.clone(),
                            known: NAMES.join(", "),
                            hint: did_you_mean(name, NAMES.iter().copied()),
                        }),
                    }
                }
            },
        }
    }

    /// As Keras writes it: the name for functions, an object for layers.
    ///
    /// # Errors
    /// Where a layer cannot be described.
    pub fn to_json(&self) -> Result<Json> {
        match self {
            Activation::Layer(layer) => crate::registry::serialize(layer),
            other => Ok(Json::from(other.name())),
        }
    }

    /// Reads a name, function object or layer object; `null` is linear.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where it is none of them.
    pub fn from_json(node: Option<Node<'_>>) -> Result<Activation> {
        let Some(object) = Object::read_optional(node)? else { return Ok(Activation::Linear) };
        if object.name() == "linear" {
            return Ok(Activation::Linear);
        }
        if object.shorthand || object.class_name == "function" {
            return Ok(Activation::Named(object.name().to_string()));
        }
        Ok(Activation::Layer(crate::registry::deserialize_object(&object)?))
    }
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<&str> for Activation {
    fn from(name: &str) -> Activation {
        if name == "linear" { Activation::Linear } else { Activation::Named(name.to_string()) }
    }
}

impl From<LayerRef> for Activation {
    fn from(layer: LayerRef) -> Activation {
        Activation::Layer(layer)
    }
}
