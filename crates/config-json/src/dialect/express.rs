//! The neutral form in the words of a dialect.

use std::sync::LazyLock;

use super::keras3_layers::KERAS3;
use super::modules::{module_of, section_of};
use super::normalize::KERAS3_ARGUMENTS;
use super::operations::{is_function, is_operation};
use super::quantized;
use crate::model::{Form, Generation};
use crate::{Config, Error, Limits, Object, Result, Value};

/// Argument names of every class in Keras 2.15 and Keras 3, in order, and the defaults of those that only one has.
static KEYS: LazyLock<Value> =
    LazyLock::new(|| Value::parse_bytes(include_bytes!("keys.json"), &Limits::default()).unwrap_or_default());

/// Arguments that have no effect on what a trained layer computes: the other Keras can do without.
const WITHOUT_EFFECT: &[&str] = &[
    "batch_input_shape",
    "implementation",
    "input_length",
    "jit_compile",
    "is_legacy_optimizer",
    "fn",
    "query_shape",
    "key_shape",
    "value_shape",
    "seed",
];

/// Arguments that both read, although only one writes them, or only when they are set: the last three belong to classes
/// that Keras 3 makes with them and writes without.
const READ_BY_BOTH: &[&str] = &[
    "renorm",
    "renorm_clipping",
    "renorm_momentum",
    "backward_layer",
    "activity_regularizer",
    "zero_output_for_mask",
    "output_shape",
    "axis",
    "delta",
    "gain",
];

/// A dtype as Keras 3 writes it: an object that holds the policy's name. Objects are left as they are.
///
/// # Example
/// ```
/// use kerox_config_json::dialect::dtype_policy;
/// assert_eq!(
///     dtype_policy("float32".into()).to_string(),
///     r#"{"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": null}"#,
/// );
/// ```
pub fn dtype_policy(dtype: Value) -> Value {
    match dtype {
        Value::String(name) => quantized::policy(&name)
            .unwrap_or_else(|| Object::builtin("keras", "DTypePolicy", Config::new().with("name", name)).to_value()),
        other => other,
    }
}

/// What an object is for what is around it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    /// A layer of a model, which calls it.
    Called,
    /// A layer inside another, which builds it.
    Built,
    /// No layer.
    Part,
}

/// Spells an object and everything inside it; `translate` when its arguments come from another generation.
///
/// # Errors
/// [`Error::Dialect`] when the dialect cannot express an argument that matters.
pub(crate) fn express(object: &mut Object, form: Form, translate: bool) -> Result<()> {
    express_at(object, form, translate, Role::Called)
}

fn express_at(object: &mut Object, form: Form, translate: bool, role: Role) -> Result<()> {
    if object.shorthand {
        return Ok(());
    }
    let is_layer = role != Role::Part;
    super::build_config::express(object, form, translate, role);
    let own = object.lookup(None).may_be_builtin() && !object.is_custom();
    let keras3 = form.generation() == Generation::Keras3;
    if is_operation(object) {
        return Ok(());
    }
    if keras3 && is_function(object) {
        let operation = object.config.get("function").and_then(Value::as_str).unwrap_or(&object.class_name);
        return Err(Error::Dialect {
            class_name: format!("`{}`", object.class_name),
            dialect: form.dialect(),
            expected: "layers inside another, as operations of TensorFlow are rewritten in models alone".into(),
            found: format!("`{operation}`"),
            help: "write it in its own dialect, or replace the operation by a layer".into(),
        });
    }
    // Models inside wrappers keep their layers in the configuration.
    let is_model = matches!(object.class_name.as_str(), "Functional" | "Model" | "Sequential");
    let inside = if is_model { Role::Called } else { Role::Built };
    if is_model && own {
        express_compiled(object, form, translate);
    }
    if let Value::Map(config) = &mut object.config {
        config.remove(KERAS3);
        for (_, value) in config.iter_mut() {
            express_value(value, form, translate, inside)?;
        }
        if object.class_name == "Sequential" && own && translate {
            express_sequential(config, form);
        }
        super::activations::express(config, form, translate)?;
        if own {
            super::keras3::express(&object.class_name, config, form, translate)?;
            if translate {
                super::limits::check(&object.class_name, config, form)?;
            }
        }
        express_dtype(&object.class_name, config, form, is_layer)?;
        if own && is_layer && form.generation() == Generation::Keras2 {
            refuse_lora(&object.class_name, config, form)?;
        }
        if form.generation() == Generation::Keras3 {
            for (class, theirs, neutral) in KERAS3_ARGUMENTS {
                if *class == object.class_name && own {
                    config.rename(neutral, theirs);
                }
            }
        }
        if translate && own {
            let section = if is_layer { "layers" } else { section_of(&object.class_name) };
            translate_section(section, &object.class_name, config, form)?;
        } else if own {
            drop_foreign_defaults(&object.class_name, config, form);
        }
    }
    if (translate || object.module.is_none())
        && own
        && object.class_name != "function"
        && !object.class_name.starts_with("__")
    {
        // A layer and an initializer share this name.
        let layer = is_layer && object.class_name == "Identity";
        object.module = Some(Some(if layer { "keras.layers" } else { module_of(&object.class_name) }.into()));
        object.registered_name.get_or_insert(None);
    }
    Ok(())
}

/// Keras 3 writes of a model that is not compiled that it was compiled with nothing.
pub(crate) fn express_compiled(object: &mut Object, form: Form, translate: bool) {
    if translate && form.generation() == Generation::Keras3 {
        object.compile_config.get_or_insert_with(|| Config::new().into());
    }
}

/// Only Keras 3 writes of a Sequential whether it is trained, its type, and the shape of its input.
pub(crate) fn express_sequential(config: &mut Config, form: Form) {
    if form.generation() == Generation::Keras3 {
        let trainable = config.remove("trainable").unwrap_or(Value::Bool(true));
        let dtype = config.remove("dtype").unwrap_or_else(|| "float32".into());
        config.insert("trainable", trainable);
        config.insert("dtype", dtype_policy(dtype));
        config.sort_by_names(&["name", "trainable", "dtype", "layers"]);
        let first = config.get("layers").and_then(Value::as_list).and_then(|layers| layers.first()?.get("config"));
        if let Some(shape) = first.and_then(|input| input.get("batch_shape")).cloned() {
            config.insert("build_input_shape", shape);
        }
    } else {
        config.remove("trainable");
        config.remove("dtype");
    }
}

/// A layer of a model as HDF5 files have it: by its class alone.
pub(crate) fn in_hdf5(object: Object) -> Object {
    // A class of the user's goes by the name it is registered under.
    let registered = object.registered_name.clone().flatten().filter(|_| object.is_custom());
    let mut class_name = registered.unwrap_or(object.class_name);
    if class_name == "GroupQueryAttention" {
        // HDF5 has the class's own name, not the one that Keras exports it under.
        class_name = "GroupedQueryAttention".into();
    }
    Object { extra: object.extra, ..Object::new(class_name, object.config) }
}

/// `layers`: what layers in it are for what is around them.
fn express_value(value: &mut Value, form: Form, translate: bool, layers: Role) -> Result<()> {
    if Object::is_object(value) && value.get("class_name").and_then(Value::as_str) != Some("DTypePolicy") {
        let mut object = Object::read(&crate::Node::root(value))?;
        if let ("function", Form::Keras2H5, Value::String(name)) = (object.class_name.as_str(), form, &object.config) {
            // Keras 2.15 writes an object here too, which its own reader of these files then takes for a class; the
            // name alone it finds.
            *value = Value::String(name.clone());
            return Ok(());
        }
        let named = object.class_name == "Identity" && object.config.get("name").is_some();
        // An array in a configuration, `__tensor__`, has a plain type.
        let is_layer = named || section_of(&object.class_name) == "layers" && !object.class_name.starts_with("__");
        express_at(&mut object, form, translate, if is_layer { layers } else { Role::Part })?;
        if let (Form::Keras2H5, true, Some(Some(name))) = (form, object.is_custom(), &object.registered_name) {
            // The reader of these files looks a class up by `class_name` alone.
            object = Object { extra: object.extra, ..Object::new(name.clone(), object.config) };
        } else if form == Form::Keras3H5 && is_layer && layers == Role::Called {
            // In Keras 2 layers of models inside other layers keep their modules.
            object = in_hdf5(object);
        }
        *value = object.to_value();
        return Ok(());
    }
    match value {
        Value::List(items) => items.iter_mut().try_for_each(|item| express_value(item, form, translate, layers)),
        Value::Map(map) => map.iter_mut().try_for_each(|(_, item)| express_value(item, form, translate, layers)),
        _ => Ok(()),
    }
}

/// Layers of Keras 3 hold a policy object (inputs a plain name); Keras 2 writes an object only for mixed policies.
fn express_dtype(class_name: &str, config: &mut Config, form: Form, is_layer: bool) -> Result<()> {
    const PLAIN: &[&str] =
        &["InputLayer", "Discretization", "HashedCrossing", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"];
    let Some(dtype) = config.get_mut("dtype") else { return Ok(()) };
    let Value::String(name) = dtype else { return Ok(()) };
    // Only Keras 2 says what the layer takes; to Keras 3 it is a layer like any other.
    if form.generation() == Generation::Keras3 && class_name == "TextVectorization" && name == "string" {
        *name = "float32".into();
    }
    match form.generation() {
        Generation::Keras3 if is_layer && !PLAIN.contains(&class_name) => *dtype = dtype_policy(name.as_str().into()),
        Generation::Keras2 if name.starts_with("mixed_") => {
            let config = Config::new().with("name", name.as_str());
            *dtype = Object::builtin("keras.mixed_precision", "Policy", config).to_value();
        }
        Generation::Keras2 if quantized::policy(name).is_some() => {
            return Err(Error::Dialect {
                class_name: format!("`{class_name}`"),
                dialect: form.dialect(),
                expected: "weights that are not quantized, as this Keras has no such layers".into(),
                found: format!("dtype `{name}`"),
                help: "write it for Keras 3".into(),
            });
        }
        _ => {}
    }
    Ok(())
}

/// Keras 2 has no layers that train small matrices in the place of their kernel.
fn refuse_lora(class_name: &str, config: &Config, form: Form) -> Result<()> {
    match config.get("lora_rank") {
        Some(rank) if !rank.is_null() => Err(Error::Dialect {
            class_name: format!("`{class_name}`"),
            dialect: form.dialect(),
            expected: "a kernel that is trained itself, as this Keras has no other".into(),
            found: format!("`lora_rank` of {}", rank.describe()),
            help: "write it for Keras 3".into(),
        }),
        _ => Ok(()),
    }
}

/// Arguments of a class of one section of the table (`layers`, `losses`, `optimizers`, ..) in the words of the other
/// Keras. Classes that the table does not have are left alone.
pub(crate) fn translate_section(section: &str, class_name: &str, config: &mut Config, form: Form) -> Result<()> {
    let Some(class) = KEYS.get(section).and_then(|section| section.get(class_name)) else {
        return Ok(());
    };
    let keras3 = form.generation() == Generation::Keras3;
    if class_name == "BatchNormalization" {
        // One axis: a list of it in Keras 2, a number in Keras 3.
        let axis = config.get("axis").cloned();
        match axis {
            Some(Value::List(axes)) if keras3 && axes.len() == 1 => drop(config.insert("axis", axes[0].clone())),
            Some(axis @ Value::Int(_)) if !keras3 => drop(config.insert("axis", vec![axis])),
            _ => {}
        }
    }
    let (ours, only_theirs, only_ours) =
        if keras3 { ("keras3", "only2", "only3") } else { ("keras2", "only3", "only2") };
    let Some(order) = class.get(ours).and_then(Value::as_list) else {
        return Err(unknown_class(class_name, form));
    };
    if let Some(theirs) = class.get(only_theirs).and_then(Value::as_map) {
        for (key, default) in theirs.iter() {
            let Some(value) = config.get(key) else { continue };
            if READ_BY_BOTH.contains(&key) && !value.is_null() {
                continue;
            }
            let droppable = value == default || value.is_null() || WITHOUT_EFFECT.contains(&key) || is_off(key, value);
            if !droppable {
                return Err(Error::Dialect {
                    class_name: format!("`{class_name}`"),
                    dialect: form.dialect(),
                    expected: format!("`{key}` of {}, which is all that this Keras can do", default.describe()),
                    found: value.describe(),
                    help: "change the argument, or write the model in its own dialect".into(),
                });
            }
            config.remove(key);
        }
    }
    if keras3 && section == "initializers" {
        // Written by tf.keras up to 2.3.
        config.remove("dtype");
    }
    if keras3 && class_name != "InputLayer" {
        config.remove("batch_input_shape");
        // Which generator of tf-keras draws, and how its newest attention masks where nothing is left.
        config.remove("rng_type");
        if config.get("softmax_robust_masking").and_then(Value::as_bool) == Some(false) {
            config.remove("softmax_robust_masking");
        }
    }
    if let Some(defaults) = class.get(only_ours).and_then(Value::as_map) {
        for (key, default) in defaults.iter() {
            // What the class computes from other arguments is left to its constructor.
            if !config.contains_key(key)
                && !matches!(key, "batch_input_shape" | "batch_shape" | "seed" | "backward_layer")
            {
                config.insert(key, default.clone());
            }
        }
    }
    let order: Vec<&str> = order.iter().filter_map(Value::as_str).collect();
    config.sort_by_names(&order);
    Ok(())
}

fn unknown_class(class_name: &str, form: Form) -> Error {
    Error::Dialect {
        class_name: format!("`{class_name}`"),
        dialect: form.dialect(),
        expected: "a class that this Keras has".into(),
        found: format!("`{class_name}`"),
        help: "write it in its own dialect, or replace the layer".into(),
    }
}

/// Whether every layer in a written architecture is one that the Keras of its form has. Layers of the user's are not
/// looked at.
///
/// # Errors
/// [`Error::Dialect`] that names the first layer which only the other Keras has.
///
/// # Example
/// ```
/// use kerox_config_json::{Form, Value, dialect::check_layers};
/// let model = Value::parse(r#"{"layers": [{"module": "keras.layers", "class_name": "RMSNormalization", "config": {}}]}"#)?;
/// assert!(check_layers(&model, Form::Keras3Keras).is_ok());
/// assert!(check_layers(&model, Form::Keras2Keras).is_err());
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
pub fn check_layers(written: &Value, form: Form) -> Result<()> {
    match written {
        Value::List(items) => items.iter().try_for_each(|item| check_layers(item, form)),
        Value::Map(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            if let (Some("keras.layers"), Some(class_name)) = (text("module"), text("class_name")) {
                let ours = if form.generation() == Generation::Keras3 { "keras3" } else { "keras2" };
                let class = KEYS.get("layers").and_then(|layers| layers.get(class_name));
                if class.is_some_and(|class| class.get(ours).is_none()) {
                    return Err(unknown_class(class_name, form));
                }
            }
            map.iter().try_for_each(|(_, item)| check_layers(item, form))
        }
        _ => Ok(()),
    }
}

/// Takes out arguments that only the other Keras has and that say nothing: they came with a model that was read from its
/// file, and this Keras would refuse them.
fn drop_foreign_defaults(class_name: &str, config: &mut Config, form: Form) {
    let theirs = if form.generation() == Generation::Keras3 { "only2" } else { "only3" };
    let section = section_of(class_name);
    let class = KEYS.get(section).and_then(|section| section.get(class_name));
    let Some(theirs) = class.and_then(|class| class.get(theirs)).and_then(Value::as_map) else { return };
    for (key, default) in theirs.iter().filter(|(key, _)| !READ_BY_BOTH.contains(key) && *key != "batch_input_shape") {
        if config.get(key).is_some_and(|value| value == default || value.is_null()) {
            config.remove(key);
        }
    }
}

/// Arguments that change nothing at this value, whatever the default in the table was.
fn is_off(key: &str, value: &Value) -> bool {
    match key {
        "groups" => value.as_i64() == Some(1),
        "time_major" | "optional" | "rms_scaling" => value.as_bool() == Some(false),
        // Separable convolutions list the unused arguments of their base class.
        "kernel_initializer" | "trainable" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(class_name: &str, config: Config, form: Form) -> Result<String> {
        let mut object = Object::new(class_name, config);
        express(&mut object, form, true)?;
        Ok(object.config.to_string())
    }

    #[test]
    fn table_is_read() {
        assert!(KEYS.get("layers").and_then(|layers| layers.get("Dense")).is_some());
    }

    #[test]
    fn what_the_other_keras_refuses_is_not_written() {
        let sloped = |form| translated("LeakyReLU", Config::new().with("alpha", -0.5), form);
        assert!(
            sloped(Form::Keras3Keras).unwrap_err().to_string().contains("expected `alpha` of a number of at least 0")
        );
        assert!(sloped(Form::Keras2Keras).is_ok());
    }

    #[test]
    fn functions_are_names_in_hdf5_of_keras_2() {
        let config = Config::new().with("units", 2).with("activation", Object::function("mine>squash").to_value());
        let written = |form| {
            let mut object = Object::new("Dense", config.clone());
            express(&mut object, form, false).unwrap();
            object.config.get("activation").cloned().unwrap_or_default()
        };
        assert_eq!(written(Form::Keras2H5), Value::from("mine>squash"));
        for form in [Form::Keras2Json, Form::Keras2Keras, Form::Keras3H5, Form::Keras3Keras] {
            assert_eq!(written(form).get("config"), Some(&Value::from("mine>squash")), "{form:?}");
        }
    }

    #[test]
    fn layers_have_policies_and_arrays_plain_types() {
        let array = Config::new().with("value", Value::List(vec![0.0.into()])).with("dtype", "float32");
        let array = Config::new().with("class_name", "__tensor__").with("config", array);
        let config = Config::new().with("mask_value", array).with("dtype", "float32");
        let text = translated("Masking", config, Form::Keras3Keras).unwrap();
        assert!(text.contains(r#""config": {"value": [0.0], "dtype": "float32"}"#), "{text}");
        assert_eq!(text.matches("DTypePolicy").count(), 1, "{text}");
    }

    #[test]
    fn what_a_dialect_cannot_say_is_an_error() {
        let error = translated("LSTM", Config::new().with("units", 2).with("time_major", true), Form::Keras3Json);
        assert_eq!(
            error.unwrap_err().to_string(),
            "write `LSTM` as keras3: expected `time_major` of false, which is all that this Keras can do, found true; \
             change the argument, or write the model in its own dialect"
        );
        let error = translated("RMSNormalization", Config::new(), Form::Keras2H5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "write `RMSNormalization` as keras2: expected a class that this Keras has, found `RMSNormalization`; \
             write it in its own dialect, or replace the layer"
        );
        assert!(translated("LSTM", Config::new().with("units", 2).with("time_major", false), Form::Keras3Json).is_ok());
    }
}
