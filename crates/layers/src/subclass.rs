//! Layers and models made from structs of the user's.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kerox_config_json::{Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::Variable;

use crate::registry::LayerEntry;
use crate::{Args, Build, Call, Layer, LayerRef, Result, Tracked};

/// What a struct with `#[derive(Layer)]` computes.
///
/// # Example
/// A model of two layers, tracked under the names of their fields:
/// ```
/// use kerox_graph::Value;
/// use kerox_layers::{Args, Base, Call, Forward, Input, Layer, LayerExt, LayerRef, Result, core::Dense};
///
/// #[derive(Layer)]
/// #[layer(new = Mlp::new)]
/// struct Mlp {
///     #[base]
///     base: Base,
///     #[config]
///     units: usize,
///     hidden: LayerRef,
///     outputs: Vec<LayerRef>,
/// }
///
/// impl Mlp {
///     fn new(units: usize) -> Mlp {
///         Mlp {
///             base: Base::new("Mlp"),
///             units,
///             hidden: Dense::new(units).activation("relu").into(),
///             outputs: vec![Dense::new(3).into(), Dense::new(1).into()],
///         }
///     }
/// }
///
/// impl Forward for Mlp {
///     fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
///         let mut x = *args.first()[0];
///         for layer in std::iter::once(&self.hidden).chain(&self.outputs) {
///             x = cx.apply_one(layer, x)?;
///         }
///         Ok(vec![x])
///     }
/// }
///
/// let model = LayerRef::from(Mlp::new(8));
/// let y = model.on(Input([4]))?;
/// assert_eq!(y.shape().to_string(), "(None, 1)");
/// assert_eq!(model.weights().len(), 6);
/// assert_eq!(model.sublayers()[1].0, "outputs");
///
/// kerox_layers::register_keras_serializable::<Mlp>("my_package");
/// let json = kerox_layers::registry::serialize(&model)?;
/// assert_eq!(json.get("registered_name").unwrap().as_str(), Some("my_package>Mlp"));
/// let again = kerox_layers::registry::deserialize(&kerox_config_json::Node::root(&json))?;
/// assert_eq!(again.downcast::<Mlp>().unwrap().units, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Subclasses of `keras.layers.Layer` and `keras.Model`.
pub trait Forward {
    /// Adds operations to the graph; gives the outputs in order. See [`Layer::call`].
    ///
    /// # Errors
    /// [`crate::Error::Input`] where the inputs do not fit.
    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>>;

    /// Makes the layer's own weights ([`Build::add_weight`]). See [`Layer::build`].
    ///
    /// # Errors
    /// Where they cannot be made.
    fn build(&self, _cx: &mut Build, _inputs: &[ValueInfo]) -> Result<()> {
        Ok(())
    }
}

/// A layer that can be made from its configuration.
///
/// # Source
/// `keras.layers.Layer.from_config`.
pub trait FromConfig: Layer + Sized {
    /// The class, as files name it.
    const CLASS_NAME: &'static str;

    /// Makes the layer.
    ///
    /// # Errors
    /// [`crate::Error::Config`] with the place of what is wrong.
    fn from_config(fields: &Fields<'_>) -> Result<Self>;
}

impl LayerEntry {
    /// How a class of the user's is made: the entry for `custom_objects`.
    ///
    /// # Example
    /// ```
    /// # use kerox_layers::{Args, Base, Call, Forward, Layer, Result, registry::{self, LayerEntry}};
    /// # use kerox_config_json::{Config, CustomObjects, Node, Value, custom_object_scope};
    /// #[derive(Layer)]
    /// struct Scale {
    ///     #[base]
    ///     base: Base,
    ///     #[config]
    ///     by: f64,
    /// }
    /// # impl Forward for Scale {
    /// #     fn call(&self, cx: &mut Call<'_>, args: &Args<kerox_graph::Value>) -> Result<Vec<kerox_graph::Value>> {
    /// #         let x = *args.first()[0];
    /// #         let by = cx.g.number(self.by, cx.g.dtype(x))?;
    /// #         Ok(vec![cx.g.multiply(x, by)?])
    /// #     }
    /// # }
    /// let json: Value = Config::new().with("class_name", "Scale").with("config", Config::new().with("by", 2.0)).into();
    /// assert!(registry::deserialize(&Node::root(&json)).is_err());
    /// let mine = CustomObjects::new().with("Scale", LayerEntry::of::<Scale>());
    /// let layer = custom_object_scope(mine, || registry::deserialize(&Node::root(&json)))?;
    /// assert_eq!(layer.downcast::<Scale>().unwrap().by, 2.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of<L: FromConfig>() -> LayerEntry {
        LayerEntry {
            class_name: L::CLASS_NAME,
            aliases: &[],
            module: "",
            from_config: |fields| Ok(L::from_config(fields)?.into()),
        }
    }
}

/// An object that is described by its constructor's arguments. `#[derive(Configured)]` writes it for a struct whose
/// fields are these arguments.
///
/// # Example
/// A regularizer of one's own:
/// ```
/// use kerox_config_json::{Config, CustomObjects, Node, custom_object_scope};
/// use kerox_graph::{Graph, Value};
/// use kerox_layers::regularizers::{self, Regularize, Regularizer};
/// use kerox_layers::{Configured, Result};
///
/// #[derive(Debug, Configured)]
/// struct Peak {
///     strength: f64,
/// }
///
/// impl Regularize for Peak {
///     fn class_name(&self) -> &str {
///         Peak::CLASS_NAME
///     }
///     fn config(&self) -> Config {
///         self.to_config()
///     }
///     fn penalty(&self, g: &mut Graph, x: Value) -> Result<Value> {
///         let size = g.abs(x)?;
///         let axes: Vec<i64> = (0..g.dims(x).rank().unwrap_or(0) as i64).collect();
///         let peak = g.reduce_max(size, &axes, false)?;
///         let strength = g.number(self.strength, g.dtype(peak))?;
///         Ok(g.multiply(peak, strength)?)
///     }
/// }
///
/// let json = Regularizer::from(Peak { strength: 0.5 }).to_json();
/// let mine = CustomObjects::new().with(Peak::CLASS_NAME, regularizers::entry::<Peak>());
/// let again = custom_object_scope(mine, || Regularizer::from_json(&Node::root(&json)))?;
/// assert_eq!(again.to_json(), json);
/// assert!(Regularizer::from_json(&Node::root(&json)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `get_config` and `from_config` of Keras's objects.
pub trait Configured: Sized {
    /// The class, as files name it.
    const CLASS_NAME: &'static str;

    /// The constructor's arguments.
    fn to_config(&self) -> kerox_config_json::Config;

    /// Makes the object from its constructor's arguments.
    ///
    /// # Errors
    /// [`crate::Error::Config`] with the place of what is missing or wrong.
    fn from_fields(fields: &Fields<'_>) -> Result<Self>;
}

/// Makes a class of the user's known by name in the whole process; files name it `package>Class`. Gives that name.
///
/// # Source
/// `keras.saving.register_keras_serializable`.
pub fn register_keras_serializable<L: FromConfig>(package: &str) -> String {
    crate::registry::register_layer(package, LayerEntry::of::<L>())
}

/// Something that a layer may hold in a field and that has weights.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no layers or variables",
    note = "mark the field with `#[config]` if it is an argument of the constructor, else with `#[skip]`"
)]
pub trait Track {
    /// What the field holds; nothing where it is empty.
    fn track(&self) -> Option<Tracked>;
}

impl Track for LayerRef {
    fn track(&self) -> Option<Tracked> {
        Some(Tracked::Layer(self.clone()))
    }
}

impl<L: Layer> Track for Arc<L> {
    fn track(&self) -> Option<Tracked> {
        Some(Tracked::Layer(LayerRef::from(Arc::clone(self))))
    }
}

impl Track for Variable {
    fn track(&self) -> Option<Tracked> {
        Some(Tracked::Variable(self.clone()))
    }
}

impl<T: Track> Track for Option<T> {
    fn track(&self) -> Option<Tracked> {
        self.as_ref().and_then(Track::track)
    }
}

impl<T: Track> Track for Vec<T> {
    fn track(&self) -> Option<Tracked> {
        Some(list(self))
    }
}

impl<T: Track, const N: usize> Track for [T; N] {
    fn track(&self) -> Option<Tracked> {
        Some(list(self))
    }
}

impl<T: Track> Track for BTreeMap<String, T> {
    fn track(&self) -> Option<Tracked> {
        let entries = self.iter().filter_map(|(key, value)| Some((key.clone(), value.track()?)));
        Some(Tracked::Container(entries.collect()))
    }
}

impl<T: Track> Track for HashMap<String, T> {
    fn track(&self) -> Option<Tracked> {
        // The order of a hash map is another one in each process; weights keep theirs.
        let sorted: BTreeMap<&String, &T> = self.iter().collect();
        let entries = sorted.into_iter().filter_map(|(key, value)| Some((key.clone(), value.track()?)));
        Some(Tracked::Container(entries.collect()))
    }
}

/// Elements keep their index, also where one before them is empty.
fn list<T: Track>(elements: &[T]) -> Tracked {
    let entries = elements.iter().enumerate().filter_map(|(i, element)| Some((i.to_string(), element.track()?)));
    Tracked::Container(entries.collect())
}

/// A value that can be part of a configuration.
pub trait ConfigValue: Sized {
    /// As JSON.
    fn to_json(&self) -> Json;

    /// Reads a field.
    ///
    /// # Errors
    /// [`crate::Error::Config`] where it is missing or of the wrong kind.
    fn read(fields: &Fields<'_>, key: &str) -> Result<Self>;
}

/// Each line expands to the conversion of a type: to JSON, and from a required node.
macro_rules! values {
    ($($type:ty: $to:expr, $from:expr;)*) => {$(
        impl ConfigValue for $type {
            fn to_json(&self) -> Json {
                let to: fn(&$type) -> Json = $to;
                to(self)
            }
            fn read(fields: &Fields<'_>, key: &str) -> Result<$type> {
                let from: fn(&kerox_config_json::Node<'_>) -> kerox_config_json::Result<$type> = $from;
                Ok(from(&fields.required(key)?)?)
            }
        }
        impl ConfigValue for Option<$type> {
            fn to_json(&self) -> Json {
                self.as_ref().map_or(Json::Null, ConfigValue::to_json)
            }
            fn read(fields: &Fields<'_>, key: &str) -> Result<Option<$type>> {
                let from: fn(&kerox_config_json::Node<'_>) -> kerox_config_json::Result<$type> = $from;
                Ok(fields.get(key).map(|node| from(&node)).transpose()?)
            }
        }
        impl ConfigValue for Vec<$type> {
            fn to_json(&self) -> Json {
                Json::List(self.iter().map(ConfigValue::to_json).collect())
            }
            fn read(fields: &Fields<'_>, key: &str) -> Result<Vec<$type>> {
                let from: fn(&kerox_config_json::Node<'_>) -> kerox_config_json::Result<$type> = $from;
                Ok(fields.required(key)?.list()?.iter().map(from).collect::<kerox_config_json::Result<_>>()?)
            }
        }
    )*};
}
values! {
    usize: |n| Json::from(*n), |node| node.unsigned();
    i64: |n| Json::from(*n), |node| node.int();
    f64: |n| Json::from(*n), |node| node.float();
    f32: |n| Json::from(f64::from(*n)), |node| node.float().map(|n| n as f32);
    bool: |b| Json::from(*b), |node| node.bool();
    String: |s| Json::from(s.as_str()), |node| node.str().map(str::to_owned);
}
