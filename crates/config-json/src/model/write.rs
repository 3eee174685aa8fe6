//! Models as JSON of a chosen dialect.

use super::calls::{CONSTANT, arg_to_value, list_states, positional_name};
use super::document::{Form, Generation, ModelDocument};
use super::read::{counts_from_one, is_single};
use super::{
    Arg, CompileConfig, FunctionalConfig, LayerCall, LayerConfig, ModelConfig, SequentialConfig, TensorRef, TensorSpec,
};
use crate::dialect;
use crate::{Config, Error, Node, Object, Result, Value};

/// Gives shape and element type of a layer's output, by layer name, call and output.
///
/// Keras 3 writes them beside every tensor. Without them its calls are written in Keras 2's form, which Keras 3 reads.
pub type TensorSpecs<'a> = &'a dyn Fn(&str, usize, usize) -> Option<TensorSpec>;

impl ModelDocument {
    /// The document in a dialect and form; `get_config` order and spelling are Keras's.
    ///
    /// # Errors
    /// [`Error::Dialect`] when the dialect cannot express something.
    pub fn write(&self, form: Form) -> Result<Value> {
        self.write_with(form, &|_, _, _| None)
    }

    /// As [`write`](Self::write), with the tensors' shapes, which Keras 3 stores beside each tensor.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_with(&self, form: Form, specs: TensorSpecs) -> Result<Value> {
        let writer = Writer { form, translate: self.generation != form.generation(), specs, rewrites: true };
        let mut object = self.object.clone();
        match &self.model {
            Some(model) => {
                object.config = writer.model(model)?;
                if form.generation() == Generation::Keras2 {
                    dialect::operations::check_rewritten(&object.config, form)?;
                }
                object.class_name = model.class_name().into();
                writer.model_identity(&mut object);
                dialect::build_config::express(&mut object, form, writer.translate, dialect::Role::Called);
                dialect::express_compiled(&mut object, form, writer.translate);
            }
            None if form.generation() == Generation::Keras2 && dialect::operations::is_operation(&object) => {
                object = dialect::operations::as_function(&object, form)?;
            }
            None => writer.object(&mut object)?,
        }
        if let (true, Some(compiled)) = (writer.translate, object.compile_config.as_ref())
            && compiled.as_map().is_some_and(|compiled| !compiled.is_empty())
        {
            let path = object.path.key("compile_config");
            let compiled = CompileConfig::read(&Node::at(compiled, path))?.write(form)?;
            object.compile_config = Some(compiled);
        }
        match form {
            Form::Keras2H5 | Form::Keras3H5 => {
                object.build_config = None;
                object.compile_config = None;
                object.module = None;
                object.registered_name = None;
                object.shared_object_id = None;
            }
            Form::Keras2Json => {
                object.build_config = None;
                object.compile_config = None;
                object.module = None;
                object.registered_name = None;
                object.shared_object_id = None;
                let version = self.keras_version.clone().filter(|_| !writer.translate);
                object.extra.insert("keras_version", version.unwrap_or_else(|| "2.15.0".into()));
                object.extra.insert("backend", "tensorflow");
            }
            Form::Keras3Json | Form::Keras2Keras | Form::Keras3Keras => {}
        }
        Ok(object.to_value())
    }
}

impl ModelConfig {
    /// The model's `get_config()` in a dialect.
    ///
    /// `translate` says that the layers' configurations come from another generation than the form's. Operations stay
    /// those of the Keras that they come from.
    ///
    /// # Errors
    /// [`Error::Dialect`] when the dialect cannot express something.
    pub fn to_config(&self, form: Form, translate: bool) -> Result<Value> {
        Writer { form, translate, specs: &|_, _, _| None, rewrites: false }.model(self)
    }
}

/// Layers that stand for one TensorFlow operation: their calls are not wrapped in a list.
const FLAT_CALLS: &[&str] = &["TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceProperty", "InstanceMethod"];

struct Writer<'a> {
    form: Form,
    translate: bool,
    specs: TensorSpecs<'a>,
    /// Whether operations become those of the form's Keras.
    rewrites: bool,
}

impl Writer<'_> {
    fn keras3(&self) -> bool {
        self.form.generation() == Generation::Keras3
    }

    fn model(&self, model: &ModelConfig) -> Result<Value> {
        match model {
            ModelConfig::Sequential(model) => self.sequential(model),
            ModelConfig::Functional(model) => self.functional(model),
        }
    }

    fn sequential(&self, model: &SequentialConfig) -> Result<Value> {
        let layers = model.layers.iter().map(|layer| self.layer(layer).map(|object| object.to_value()));
        let mut layers: Vec<Value> = layers.collect::<Result<_>>()?;
        if let (true, Some(input)) = (self.translate && self.keras3(), model.layers.first().and_then(implied_input)) {
            layers.insert(0, self.layer(&input)?.to_value());
        }
        let config = Config::new().with("name", model.name.as_deref().unwrap_or("sequential")).with("layers", layers);
        let mut config = config.with_rest(&model.extra);
        if self.keras3() || self.translate {
            dialect::express_sequential(&mut config, self.form);
        }
        Ok(config.into())
    }

    fn functional(&self, model: &FunctionalConfig) -> Result<Value> {
        let rewritten = match self.rewrites {
            true => dialect::operations::rewrite(model, self.form, self.specs)?,
            false => None,
        };
        let model = rewritten.as_ref().unwrap_or(model);
        let mut layers = Vec::with_capacity(model.layers.len());
        for layer in &model.layers {
            let mut object = self.layer(layer)?;
            object.extra.insert("name", layer.name.as_str());
            let calls = layer.calls.iter().map(|call| self.call(model, layer, call));
            let calls: Vec<Value> = calls.collect::<Result<_>>()?;
            object.extra.insert("inbound_nodes", calls);
            layers.push(object.to_value());
        }
        let mut config = Config::new().with("name", model.name.as_str());
        if model.trainable.is_some() || self.translate {
            config.insert("trainable", model.trainable.unwrap_or(true));
        }
        config.insert("layers", layers);
        config.insert("input_layers", self.ends(model, &model.inputs));
        config.insert("output_layers", self.ends(model, &model.outputs));
        Ok(config.with_rest(&model.extra).into())
    }

    fn layer(&self, layer: &LayerConfig) -> Result<Object> {
        let mut object = layer.object.clone();
        match &layer.model {
            Some(model) => {
                object.config = self.model(model)?;
                object.class_name = model.class_name().into();
                self.model_identity(&mut object);
                dialect::build_config::express(&mut object, self.form, self.translate, dialect::Role::Called);
                object.compile_config = object.compile_config.filter(|_| !self.translate);
                dialect::express_compiled(&mut object, self.form, self.translate);
            }
            None => self.object(&mut object)?,
        }
        Ok(if self.form.is_h5() { dialect::in_hdf5(object) } else { object })
    }

    /// Module and registered name of a model of Keras's own.
    fn model_identity(&self, object: &mut Object) {
        let functional = object.class_name == "Functional";
        let module = match (functional, self.keras3()) {
            (true, false) => "keras.src.engine.functional",
            (true, true) => "keras.src.models.functional",
            (false, _) => "keras",
        };
        object.module = Some(Some(module.into()));
        object.registered_name = Some(functional.then(|| "Functional".to_owned()));
    }

    /// Spells a layer and everything inside it in the dialect.
    fn object(&self, object: &mut Object) -> Result<()> {
        dialect::express(object, self.form, self.translate)
    }

    /// The index of a call as the file counts it.
    fn call_index(&self, model: &FunctionalConfig, tensor: &TensorRef, at_ends: bool) -> usize {
        let Some(layer) = model.layers.get(tensor.layer) else { return tensor.call };
        let from_one = match self.keras3() {
            false => counts_from_one(layer),
            true => at_ends && matches!(layer.model.as_deref(), Some(ModelConfig::Functional(_))),
        };
        tensor.call + usize::from(from_one)
    }

    fn reference(&self, model: &FunctionalConfig, tensor: &TensorRef, at_ends: bool) -> Vec<Value> {
        let name = model.layers.get(tensor.layer).map_or("", |layer| layer.name.as_str());
        vec![name.into(), self.call_index(model, tensor, at_ends).into(), tensor.tensor.into()]
    }

    fn call(&self, model: &FunctionalConfig, layer: &LayerConfig, call: &LayerCall) -> Result<Value> {
        if self.keras3() {
            return match self.keras3_call(model, call) {
                Some(value) => Ok(value),
                // Keras 3 does not find tensors among the keyword arguments of Keras 2's form.
                None if call.kwargs.iter().any(|(_, arg)| !arg.tensors().is_empty()) || call.args.len() > 1 => {
                    Err(Error::Dialect {
                        class_name: format!("a call of `{}` with several tensors by name", layer.name),
                        dialect: "keras3",
                        expected: "the shape of every tensor".into(),
                        found: "no shapes in the document".into(),
                        help: "give the shapes to `write_with`".into(),
                    })
                }
                None => self.keras2_call(model, layer, call),
            };
        }
        self.keras2_call(model, layer, &list_states(&layer.object.class_name, call))
    }

    /// A Keras 3 call; nothing when a tensor's shape is not known.
    fn keras3_call(&self, model: &FunctionalConfig, call: &LayerCall) -> Option<Value> {
        let spec_of = |tensor: &TensorRef| {
            let name = &model.layers.get(tensor.layer)?.name;
            tensor.spec.clone().or_else(|| (self.specs)(name, tensor.call, tensor.tensor))
        };
        if call.tensors().iter().any(|tensor| spec_of(tensor).is_none()) {
            return None;
        }
        let tensor = |tensor: &TensorRef| -> Value {
            let spec = spec_of(tensor).unwrap_or(TensorSpec { shape: Vec::new(), dtype: String::new() });
            let config = Config::new()
                .with("shape", spec.shape)
                .with("dtype", spec.dtype)
                .with("keras_history", self.reference(model, tensor, false));
            Config::new().with("class_name", "__keras_tensor__").with("config", config).into()
        };
        let args: Vec<Value> = call.args.iter().map(|arg| arg_to_value(arg, &tensor, true)).collect();
        let kwargs = call.kwargs.iter().map(|(key, arg)| (key.clone(), arg_to_value(arg, &tensor, true)));
        Some(Config::new().with("args", args).with("kwargs", kwargs.collect::<Config>()).into())
    }

    fn keras2_call(&self, model: &FunctionalConfig, layer: &LayerConfig, call: &LayerCall) -> Result<Value> {
        let class_name = layer.object.class_name.as_str();
        let tensor = |tensor: &TensorRef| Value::List(self.reference(model, tensor, false));
        if self.rewrites && call.args.iter().chain(call.kwargs.iter().map(|(_, arg)| arg)).any(has_array) {
            return Err(Error::Dialect {
                class_name: format!("a call of `{}` (`{class_name}`)", layer.name),
                dialect: "keras2",
                expected: "tensors and plain constants".into(),
                found: "a constant array".into(),
                help: "write it in its own dialect, or make the array the weight of a layer".into(),
            });
        }
        let Some(first) = call.args.first() else { return Ok(Value::List(Vec::new())) };
        let mut kwargs = Config::new();
        for (position, arg) in call.args.iter().enumerate().skip(1) {
            let name = positional_name(class_name, position).ok_or_else(|| Error::Dialect {
                class_name: format!("a call of `{}` (`{class_name}`)", layer.name),
                dialect: "keras2",
                expected: "one positional argument and others by name".into(),
                found: format!("{} positional arguments", call.args.len()),
                help: "call the layer with keyword arguments".into(),
            })?;
            kwargs.insert(name, arg_to_value(arg, &tensor, false));
        }
        for (key, arg) in &call.kwargs {
            let value = arg_to_value(arg, &tensor, false);
            if !(self.translate && key.ends_with("mask") && value.is_null()) {
                kwargs.insert(key.as_str(), value);
            }
        }
        let flat = call.flat || FLAT_CALLS.contains(&class_name);
        let value = self.keras2_first(model, first, &kwargs);
        Ok(if is_single(first) && !flat { Value::List(vec![value]) } else { value })
    }

    fn keras2_first(&self, model: &FunctionalConfig, arg: &Arg, kwargs: &Config) -> Value {
        match arg {
            Arg::Tensor(tensor) => {
                let mut items = self.reference(model, tensor, false);
                items.push(kwargs.clone().into());
                Value::List(items)
            }
            Arg::Constant(value) => {
                Value::List(vec![CONSTANT.into(), (-1).into(), value.clone(), kwargs.clone().into()])
            }
            Arg::List(items) | Arg::Tuple(items) => {
                Value::List(items.iter().map(|item| self.keras2_first(model, item, kwargs)).collect())
            }
            Arg::Map(items) => {
                let items = items.iter().map(|(key, item)| (key.clone(), self.keras2_first(model, item, kwargs)));
                items.collect::<Config>().into()
            }
        }
    }

    fn ends(&self, model: &FunctionalConfig, ends: &Arg) -> Value {
        let tensor = |tensor: &TensorRef| Value::List(self.reference(model, tensor, true));
        let value = arg_to_value(ends, &tensor, false);
        match ends {
            // Keras 2 lists a single input, Keras 3 leaves it bare.
            Arg::Tensor(_) if !self.keras3() => Value::List(vec![value]),
            Arg::List(items) if self.keras3() && self.translate && items.len() == 1 => {
                arg_to_value(&items[0], &tensor, false)
            }
            _ => value,
        }
    }
}

/// Whether an argument is, or holds, an array that only Keras 3 can write.
fn has_array(arg: &Arg) -> bool {
    match arg {
        Arg::Tensor(_) => false,
        Arg::Constant(value) => {
            matches!(value.get("class_name").and_then(Value::as_str), Some("__numpy__" | "__tensor__"))
        }
        Arg::List(items) | Arg::Tuple(items) => items.iter().any(has_array),
        Arg::Map(items) => items.iter().any(|(_, item)| has_array(item)),
    }
}

/// The input that a Sequential of Keras 2 gives by `batch_input_shape` of its first layer.
fn implied_input(first: &LayerConfig) -> Option<LayerConfig> {
    let shape = first.object.config.get("batch_input_shape").filter(|shape| shape.as_list().is_some())?;
    if first.object.class_name == "InputLayer" {
        return None;
    }
    let name = format!("{}_input", first.name);
    let dtype = first.object.config.get("dtype").and_then(Value::as_str).unwrap_or("float32");
    let config = Config::new()
        .with("batch_input_shape", shape.clone())
        .with("dtype", dtype.strip_prefix("mixed_").map_or(dtype, |_| "float32"))
        .with("sparse", false)
        .with("ragged", false)
        .with("name", name.as_str());
    let object = Object::new("InputLayer", config);
    Some(LayerConfig { name, object, model: None, calls: Vec::new(), path: first.path.clone() })
}
