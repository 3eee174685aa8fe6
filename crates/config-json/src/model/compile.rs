//! How a model is trained: `compile_config` of `.keras` files and `training_config` of HDF5 files.
//!
//! | | `compile_config` | `training_config` |
//! |---|---|---|
//! | optimizer | `optimizer`: a string or an object | `optimizer_config`: `{class_name, config}` |
//! | Keras 2 objects | with module | without; `Custom>Adam`; metrics in a list per output |
//! | Keras 3 objects | with module | without |

use super::{Form, Generation};
use crate::dialect;
use crate::{Config, Node, Object, Result, Value};

/// The arguments of `compile` in neutral form. Losses and metrics keep the shape the user gave them (one, a list, a
/// dictionary by output); objects inside are `{class_name, config, ..}` or names.
///
/// # Example
/// ```
/// use kerox_config_json::{Form, Node, Value, model::CompileConfig};
/// let value = Value::parse(r#"{"loss": "mse", "metrics": [["mae"]], "optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}}}"#)?;
/// let compiled = CompileConfig::read(&Node::root(&value))?;
/// assert_eq!(compiled.optimizer.as_ref().unwrap().fields()?.float("learning_rate")?, 0.1);
/// assert_eq!(compiled.loss, Value::from("mse"));
/// # Ok::<(), kerox_config_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CompileConfig {
    /// The optimizer; a shorthand when given by name.
    pub optimizer: Option<Object>,
    /// Loss or losses.
    pub loss: Value,
    /// Metrics.
    pub metrics: Value,
    /// Metrics that are weighted by the samples' weights.
    pub weighted_metrics: Value,
    /// Factors of several losses.
    pub loss_weights: Value,
    /// Whether steps run without a graph.
    pub run_eagerly: bool,
    /// Batches in one call of the training function; 1 when not given.
    pub steps_per_execution: usize,
    /// Whether steps are compiled by XLA; `null` leaves it to Keras.
    pub jit_compile: Value,
    /// Every other key, kept for writing.
    pub extra: Config,
}

impl CompileConfig {
    /// Reads either form, of any Keras.
    ///
    /// # Errors
    /// [`Error::Field`](crate::Error::Field) when a key holds something else than it must.
    pub fn read(node: &Node) -> Result<CompileConfig> {
        let fields = node.fields()?;
        let optimizer = match (fields.get("optimizer"), fields.get("optimizer_config")) {
            (Some(node), _) | (None, Some(node)) => {
                let mut object = Object::read(&node)?;
                dialect::normalize(&mut object)?;
                Some(object)
            }
            _ => None,
        };
        let value = |key: &str| fields.present(key).map_or(Value::Null, |node| node.value().clone());
        Ok(CompileConfig {
            optimizer,
            loss: value("loss"),
            metrics: flatten_single_output(value("metrics")),
            weighted_metrics: flatten_single_output(value("weighted_metrics")),
            loss_weights: value("loss_weights"),
            run_eagerly: fields.bool_or("run_eagerly", false)?,
            steps_per_execution: fields.positive_or("steps_per_execution", 1)?,
            jit_compile: value("jit_compile"),
            extra: fields.rest(),
        })
    }

    /// Writes the form of HDF5 files (`training_config`) or of `.keras` files (`compile_config`). Keras reads the former
    /// only where there is an optimizer.
    ///
    /// # Errors
    /// [`Error::Dialect`](crate::Error::Dialect) when the other Keras has no such loss, metric or optimizer.
    pub fn write(&self, form: Form) -> Result<Value> {
        let keras3 = form.generation() == Generation::Keras3;
        let of = |value: &Value, section| -> Result<Value> {
            let mut value = value.clone();
            express(&mut value, section, form)?;
            Ok(value)
        };
        let mut config = Config::new();
        let optimizer = self.optimizer.as_ref().map(|optimizer| self.write_optimizer(optimizer, form)).transpose()?;
        if let (Some(optimizer), false) = (&optimizer, form.is_h5()) {
            config.insert("optimizer", optimizer.clone());
        }
        config.insert("loss", of(&self.loss, Section::Losses)?);
        let metrics = of(&self.metrics, Section::Metrics)?;
        let weighted_metrics = of(&self.weighted_metrics, Section::Metrics)?;
        if keras3 {
            config.insert("loss_weights", self.loss_weights.clone());
            config.insert("metrics", metrics);
            config.insert("weighted_metrics", weighted_metrics);
        } else if form.is_h5() {
            config.insert("metrics", one_list_per_output(metrics));
            config.insert("weighted_metrics", one_list_per_output(weighted_metrics));
            config.insert("loss_weights", self.loss_weights.clone());
        } else {
            config.insert("metrics", metrics);
            config.insert("loss_weights", self.loss_weights.clone());
            config.insert("weighted_metrics", weighted_metrics);
        }
        if keras3 {
            config.insert("run_eagerly", self.run_eagerly);
            config.insert("steps_per_execution", self.steps_per_execution);
            config.insert("jit_compile", self.jit_compile.as_bool().unwrap_or(false));
        } else if !form.is_h5() {
            config.insert("run_eagerly", self.run_eagerly.then_some(true));
            config.insert("steps_per_execution", (self.steps_per_execution > 1).then_some(self.steps_per_execution));
            config.insert("jit_compile", Value::from(self.jit_compile.as_bool().filter(|jit| *jit)));
        }
        if let (Some(optimizer), true) = (optimizer, form.is_h5()) {
            config.insert("optimizer_config", optimizer);
        }
        Ok(config.with_rest(&self.extra).into())
    }

    fn write_optimizer(&self, optimizer: &Object, form: Form) -> Result<Value> {
        if optimizer.shorthand {
            return Ok(optimizer.to_value());
        }
        let mut object = optimizer.clone();
        object.class_name = object.name().to_owned();
        if object.class_name.starts_with("LossScaleOptimizer") && !object.is_custom() {
            return self.write_loss_scale(&object, form);
        }
        let was_keras3 = object.config.get("is_legacy_optimizer").is_none() && object.config.get("decay").is_none();
        let legacy = object.config.get("decay").is_some()
            || object.module.as_ref().and_then(|m| m.as_deref()).is_some_and(|m| m.ends_with("legacy"));
        let keras3 = form.generation() == Generation::Keras3;
        if object.lookup(None).may_be_builtin() && !object.is_custom() {
            let legacy = match (legacy && keras3, &mut object.config) {
                (true, Value::Map(config)) => {
                    dialect::leave_legacy(&object.class_name, config)?;
                    false
                }
                _ => legacy,
            };
            if let Value::Map(config) = &mut object.config
                && keras3 != was_keras3
                && !legacy
            {
                dialect::translate_section("optimizers", &object.class_name, config, form)?;
                dialect::express_schedule(config, form);
                // Keras 3 names an optimizer in snake case, Keras 2 by its class.
                let usual = [object.class_name.clone(), crate::names::snake_case(&object.class_name)];
                let name = config.get("name").and_then(Value::as_str).map(str::to_owned);
                if name.is_some_and(|name| usual.contains(&name)) {
                    config.insert("name", usual[usize::from(keras3)].as_str());
                }
            }
            // Keras 2.15 names the second place of all but these four.
            let first = ["Adam", "AdamW", "Adafactor", "Lion"].contains(&object.class_name.as_str());
            let module = match (legacy && !keras3, keras3 || first) {
                (true, _) => "keras.optimizers.legacy",
                (_, true) => "keras.optimizers",
                _ => "keras.optimizers.experimental",
            };
            object.module = match &optimizer.module {
                Some(Some(given)) if keras3 == was_keras3 => Some(Some(given.clone())),
                _ => Some(Some(module.into())),
            };
            object.registered_name = Some(None);
        }
        if let (true, true, Value::Map(config)) = (object.is_custom(), keras3 && !was_keras3, &mut object.config) {
            // What every optimizer of Keras 2 says, and no constructor of Keras 3 takes.
            config.remove("jit_compile");
            config.remove("is_legacy_optimizer");
        }
        if form.is_h5() && object.is_custom() {
            let name = object.registered_name.clone().flatten();
            object = Object::new(name.unwrap_or(object.class_name), object.config);
        } else if form.is_h5() {
            let class_name = match !keras3 && !legacy {
                true => format!("Custom>{}", object.class_name),
                false => object.class_name.clone(),
            };
            object = Object::new(class_name, object.config);
        }
        Ok(object.to_value())
    }
}

impl CompileConfig {
    /// The wrapper of mixed precision, whose optimizer is an object as in `.keras` files wherever it stands.
    fn write_loss_scale(&self, wrapper: &Object, form: Form) -> Result<Value> {
        let keras3 = form.generation() == Generation::Keras3;
        let config = wrapper.fields()?.config().clone();
        let inner = Object::read(&Node::root(config.get("inner_optimizer").unwrap_or(&Value::Null)))?;
        let is_legacy = inner.config.get("decay").is_some();
        let inner = self.write_optimizer(&inner, if keras3 { Form::Keras3Keras } else { Form::Keras2Keras })?;
        let dynamic = config.get("dynamic").cloned();
        if keras3 && dynamic == Some(Value::Bool(false)) {
            return Err(crate::Error::Dialect {
                class_name: "`LossScaleOptimizer`".into(),
                dialect: "keras3",
                expected: "`dynamic` of true, which is all that this Keras can do".into(),
                found: "false".into(),
                help: "give the optimizer a `loss_scale_factor` in its place".into(),
            });
        }
        let mut written = Config::new();
        if keras3 {
            written.insert("name", config.get("name").cloned().unwrap_or_else(|| "loss_scale_optimizer".into()));
        }
        written.insert("inner_optimizer", inner);
        if !keras3 {
            written.insert("dynamic", dynamic.unwrap_or(Value::Bool(true)));
        }
        for key in ["initial_scale", "dynamic_growth_steps"] {
            written.insert(key, config.get(key).cloned());
        }
        let object = match (keras3, is_legacy) {
            (true, _) => Object::builtin("keras.optimizers", "LossScaleOptimizer", written),
            (false, true) => Object::builtin("keras.mixed_precision", "LossScaleOptimizer", written),
            // This class is not exported: Keras finds it by the module that it is in.
            (false, false) => Object {
                registered_name: Some(Some("LossScaleOptimizerV3".into())),
                ..Object::builtin("keras.src.mixed_precision.loss_scale_optimizer", "LossScaleOptimizerV3", written)
            },
        };
        let object = if form.is_h5() { Object::new(object.class_name, object.config) } else { object };
        Ok(object.to_value())
    }
}

#[derive(Clone, Copy)]
enum Section {
    Losses,
    Metrics,
}

/// Losses and metrics in the words of a dialect: module and `registered_name` in `.keras`, neither in HDF5, `fn` and
/// `reduction` as each Keras spells them.
fn express(value: &mut Value, section: Section, form: Form) -> Result<()> {
    if Object::is_object(value) {
        let mut object = Object::read(&Node::root(value))?;
        let keras3 = form.generation() == Generation::Keras3;
        if form.is_h5() && object.class_name == "function" {
            // HDF5 has functions by their names alone.
            *value = object.config;
            return Ok(());
        }
        let own = object.lookup(None).may_be_builtin() && object.class_name != "function" && !object.is_custom();
        let (name, module) = match section {
            Section::Losses => ("losses", "keras.losses"),
            Section::Metrics => ("metrics", "keras.metrics"),
        };
        if own && keras3 && object.class_name == "MeanMetricWrapper" {
            dialect::wrap_for_keras3(&mut object);
        }
        if own {
            let class_name = object.class_name.clone();
            if let Value::Map(config) = &mut object.config {
                let has_fn = config.contains_key("fn");
                if has_fn == keras3 {
                    dialect::translate_section(name, &class_name, config, form)?;
                }
                let reduction = config.get("reduction").and_then(Value::as_str);
                match (reduction, keras3) {
                    (Some("auto"), true) => drop(config.insert("reduction", "sum_over_batch_size")),
                    (Some("sum_over_batch_size"), false) if !has_fn => drop(config.insert("reduction", "auto")),
                    _ => {}
                }
            }
            if !form.is_h5() {
                object.module = Some(Some(module.into()));
                object.registered_name = Some(None);
            }
        }
        if form.is_h5() && own {
            object = Object::new(object.class_name, object.config);
        } else if form.is_h5() && object.is_custom() {
            let name = object.registered_name.clone().flatten();
            object = Object::new(name.unwrap_or(object.class_name), object.config);
        }
        *value = object.to_value();
        return Ok(());
    }
    match value {
        Value::List(items) => items.iter_mut().try_for_each(|item| express(item, section, form)),
        Value::Map(map) => map.iter_mut().try_for_each(|(_, item)| express(item, section, form)),
        Value::String(name) if form.generation() == Generation::Keras3 => {
            match section {
                Section::Losses => {
                    if let Some(theirs) = dialect::keras3_loss(name, form.is_h5()) {
                        *name = theirs.into();
                    }
                }
                Section::Metrics => {
                    if let Some(object) = dialect::keras3_metric(name) {
                        let config = object.config.clone();
                        *value = if form.is_h5() { Object::new(object.class_name, config) } else { object }.to_value();
                    }
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `[[a, b]]` of a model with one output is `[a, b]`.
fn flatten_single_output(value: Value) -> Value {
    match value {
        Value::List(mut items) if items.len() == 1 && matches!(items[0], Value::List(_)) => items.swap_remove(0),
        other => other,
    }
}

/// `[a, b]` is `[[a, b]]`: Keras 2 lists the metrics of each output in HDF5.
fn one_list_per_output(value: Value) -> Value {
    match value {
        Value::List(items) if !items.is_empty() && !items.iter().any(|item| matches!(item, Value::List(_))) => {
            Value::List(vec![Value::List(items)])
        }
        other => other,
    }
}
