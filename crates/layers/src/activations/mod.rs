//! Activations: functions of one value, by name or object.

mod function;
pub mod functions;
mod named;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Lookup, Node, Object, Registry, Value as Json};
use kerox_graph::Value;

pub use function::{ActivationFunction, from_fn};
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
                None => match custom(name) {
                    Some(function) => function.apply(cx, x),
                    None => Err(Error::UnknownName {
                        kind: "activation".into(),
                        name: name.clone(),
                        known: NAMES.join(", "),
                        hint: did_you_mean(name, NAMES.iter().copied()),
                    }),
                },
            },
        }
    }

    /// As Keras writes it: the name for its own functions, an object for the user's and for layers.
    ///
    /// # Errors
    /// Where a layer cannot be described.
    pub fn to_json(&self) -> Result<Json> {
        match self {
            Activation::Layer(layer) => crate::registry::serialize(layer),
            Activation::Function(function) => Ok(function_object(function.name())),
            Activation::Named(name) if by_name(name).is_none() && custom(name).is_some() => Ok(function_object(name)),
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
            let name = object.name();
            // A function of the user's is looked up now: the scope may have ended when the layer is called.
            if let Some(function) = custom(name) {
                return Ok(Activation::Function(function));
            }
            if by_name(name).is_some() {
                return Ok(Activation::Named(name.to_string()));
            }
            // `Activation("LeakyReLU")` is the layer with its defaults.
            if crate::registry::registry().canonical(name) == Some(name) {
                let layer =
                    Object { class_name: name.to_string(), ..Object::new(name, kerox_config_json::Config::new()) };
                return Ok(Activation::Layer(crate::registry::deserialize_object(&layer)?));
            }
            return Err(unknown(&object).into());
        }
        Ok(Activation::Layer(crate::registry::deserialize_object(&object)?))
    }
}

/// The user's function of that name: by its registered name or its own.
fn custom(name: &str) -> Option<Arc<dyn Activate>> {
    kerox_config_json::registry::find_custom_object::<Arc<dyn Activate>>(name)
}

fn function_object(name: &str) -> Json {
    let registered = kerox_config_json::registry::registered_name::<Arc<dyn Activate>>(name);
    Object::function(registered.unwrap_or_else(|| name.to_owned())).to_value()
}

fn unknown(object: &Object) -> kerox_config_json::Error {
    let mut table: Registry<Arc<dyn Activate>> = Registry::new("activation function");
    for name in NAMES {
        table.insert(*name, from_fn(*name, |_, x| Ok(x)));
    }
    table.unknown(&Lookup::class(object.name()).at(object.path.clone()))
}

/// As Keras writes an activation.
///
/// # Errors
/// As [`Activation::to_json`].
///
/// # Source
/// `keras.activations.serialize`.
pub fn serialize(activation: &Activation) -> Result<Json> {
    activation.to_json()
}

/// Reads a name, function object or layer object.
///
/// # Errors
/// As [`Activation::from_json`].
///
/// # Source
/// `keras.activations.deserialize`.
pub fn deserialize(node: Node<'_>) -> Result<Activation> {
    Activation::from_json(Some(node))
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

impl From<Arc<dyn Activate>> for Activation {
    fn from(function: Arc<dyn Activate>) -> Activation {
        Activation::Function(function)
    }
}

impl From<LayerRef> for Activation {
    fn from(layer: LayerRef) -> Activation {
        Activation::Layer(layer)
    }
}
