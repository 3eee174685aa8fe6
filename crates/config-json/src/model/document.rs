//! A whole model document: what an HDF5 attribute, a JSON file or a `.keras` member holds.

use super::ModelConfig;
use crate::dialect;
use crate::{Config, Error, Limits, Node, Object, Path, Result, Value};

/// The generation of Keras that wrote a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Generation {
    /// Keras 1: `nb_filter`, `border_mode`, `output_dim`. Convolution kernels of `dim_ordering` `th` are flipped.
    Keras1,
    /// Keras 2, tf.keras and tf-keras.
    Keras2,
    /// Keras 3.
    Keras3,
}

/// Where a model document is written to, and for which Keras.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The `model_config` attribute of HDF5 and the configurations in SavedModel metadata, Keras 2.
    Keras2H5,
    /// `model.to_json()` of Keras 2.
    Keras2Json,
    /// `config.json` in a `.keras` file of Keras 2.12 to 2.15.
    Keras2Keras,
    /// The `model_config` attribute of HDF5, Keras 3.
    Keras3H5,
    /// `model.to_json()` of Keras 3.
    Keras3Json,
    /// `config.json` in a `.keras` file of Keras 3.
    Keras3Keras,
}

impl Form {
    /// The generation that reads this form.
    pub fn generation(self) -> Generation {
        match self {
            Form::Keras2H5 | Form::Keras2Json | Form::Keras2Keras => Generation::Keras2,
            Form::Keras3H5 | Form::Keras3Json | Form::Keras3Keras => Generation::Keras3,
        }
    }

    /// Whether layers carry `class_name` and `config` only.
    pub fn is_h5(self) -> bool {
        matches!(self, Form::Keras2H5 | Form::Keras3H5)
    }

    /// The name in messages: `keras2` or `keras3`.
    pub fn dialect(self) -> &'static str {
        match self.generation() {
            Generation::Keras3 => "keras3",
            Generation::Keras1 | Generation::Keras2 => "keras2",
        }
    }
}

/// A model document in neutral form.
///
/// # Example
/// ```
/// use kerox_config_json::{Form, ModelConfig, ModelDocument};
/// let text = r#"{"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "d", "output_dim": 4}}]}"#;
/// let document = ModelDocument::parse(text.as_bytes())?; // Keras 1
/// let layer = &document.model.as_ref().unwrap().layers()[0];
/// assert_eq!(layer.object.fields()?.positive("units")?, 4);
/// let keras2 = document.write(Form::Keras2H5)?;
/// assert_eq!(
///     keras2.to_string(),
///     r#"{"class_name": "Sequential", "config": {"name": "sequential", "layers": [{"class_name": "Dense", "config": {"name": "d", "units": 4}}]}}"#,
/// );
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ModelDocument {
    /// Which Keras wrote it.
    pub generation: Generation,
    /// The model object itself: class, module, build and compile configs. Its configuration is empty when `model` holds
    /// the layers.
    pub object: Object,
    /// The architecture; nothing for models of a class of the user's, whose configuration stays in `object`.
    pub model: Option<ModelConfig>,
    /// `keras_version`, when written.
    pub keras_version: Option<String>,
    /// `backend`, when written.
    pub backend: Option<String>,
}

impl ModelDocument {
    /// Reads a document from its bytes; JSON encoded twice is understood.
    ///
    /// # Errors
    /// Errors of parsing and of [`ModelDocument::read`].
    pub fn parse(bytes: &[u8]) -> Result<ModelDocument> {
        let value = Value::parse_document(bytes, &Limits::default())?;
        ModelDocument::read(&Node::root(&value))
    }

    /// Reads a document: a serialized model, or a model's bare `get_config()`.
    ///
    /// # Errors
    /// [`Error::Field`] when it is no model; [`Error::Graph`] when its layers do not form a graph.
    pub fn read(node: &Node) -> Result<ModelDocument> {
        let wrapped;
        let bare = matches!(node.value(), Value::List(_))
            || (node.get("class_name").is_none() && node.get("layers").is_some());
        let node = if bare {
            let functional = node.get("input_layers").is_some();
            wrapped = Value::from(
                Config::new()
                    .with("class_name", if functional { "Functional" } else { "Sequential" })
                    .with("config", node.value().clone()),
            );
            Node::at(&wrapped, Path::named("get_config()"))
        } else {
            node.clone()
        };
        let Value::Map(_) = node.value() else { return Err(not_a_model(&node)) };
        if node.get("class_name").is_none() {
            return Err(not_a_model(&node));
        }
        let mut object = Object::read(&node)?;
        let mut text = |key: &str| match object.extra.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (keras_version, backend) = (text("keras_version"), text("backend"));
        let generation = generation(&object, keras_version.as_deref());
        let renamed;
        let node = if generation == Generation::Keras3 && dialect::differs_in_keras3(node.value()) {
            let mut value = node.value().clone();
            dialect::read_keras3(&mut value);
            dialect::read_keras3(&mut object.config);
            renamed = value;
            Node::at(&renamed, node.path().clone())
        } else {
            node
        };
        let mut model = None;
        if ModelConfig::is_model(&object.class_name, &object.config) && object.lookup(None).may_be_builtin() {
            model = Some(ModelConfig::read(&node)?);
            object.config = Config::new().into();
        }
        Ok(ModelDocument { generation, object, model, keras_version, backend })
    }

    /// The architecture, or the error that the class is the user's.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the class.
    pub fn architecture(&self) -> Result<&ModelConfig> {
        self.model.as_ref().ok_or_else(|| {
            let registry: crate::Registry<()> = crate::Registry::new("model")
                .with("Functional", ())
                .with("Sequential", ())
                .with_alias("Model", "Functional");
            registry.unknown(&self.object.lookup(None))
        })
    }
}

fn not_a_model(node: &Node) -> Error {
    let help = match node.get("modelTopology") {
        Some(_) => {
            "this is a model of TensorFlow.js; give the file it was made from, or have `tensorflowjs_converter` write one"
        }
        None => "is this the model's configuration, not its weights or training configuration?",
    };
    node.expected_with_help("a model: an object with `class_name` and `config`", help)
}

/// Which Keras wrote a document, from its version or from words that only one generation uses.
fn generation(object: &Object, version: Option<&str>) -> Generation {
    match version.and_then(|version| version.split('.').next()) {
        Some("1") => return Generation::Keras1,
        Some("2") => return Generation::Keras2,
        Some("3") => return Generation::Keras3,
        _ => {}
    }
    let (mut keras3, mut keras2, mut keras1) = (false, false, false);
    visit(&object.config, &mut |map| {
        let has = |key: &str| map.contains_key(key);
        let class_name = map.get("class_name").and_then(Value::as_str);
        keras3 |= has("batch_shape") || matches!(class_name, Some("__keras_tensor__" | "DTypePolicy"));
        keras2 |= has("kernel_initializer") || has("use_bias") || has("registered_name") || has("data_format");
        keras1 |= ["border_mode", "nb_filter", "dim_ordering", "W_regularizer", "inner_init"].into_iter().any(has);
    });
    let module = object.module.as_ref().and_then(|module| module.as_deref()).unwrap_or_default();
    if keras3 || module.starts_with("keras.src.models") {
        Generation::Keras3
    } else if keras1 && !keras2 {
        Generation::Keras1
    } else {
        Generation::Keras2
    }
}

fn visit(value: &Value, see: &mut dyn FnMut(&Config)) {
    match value {
        Value::List(items) => items.iter().for_each(|item| visit(item, see)),
        Value::Map(map) => {
            see(map);
            map.iter().for_each(|(_, item)| visit(item, see));
        }
        _ => {}
    }
}
