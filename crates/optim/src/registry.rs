//! Optimizers by class name.

use std::sync::{Arc, PoisonError, RwLock};

use kerox_config_json::registry::get_registered_object;
use kerox_config_json::{Config, Value};

use crate::algorithm::{Algorithm, Field};
use crate::config;
use crate::{
    Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Builder, Error, Form, Ftrl, IntoOptimizer, Lamb, LearningRate,
    Lion, LossScaleOptimizer, Muon, Nadam, Optimizer, RMSprop, Result, SGD, ScheduleFreeAdamW, schedules,
};

/// Makes an optimizer from its config.
pub type OptimizerConstructor = fn(&Config, Form) -> Result<Arc<dyn Optimizer>>;

/// One class: its name, the forms it exists in, and how it is made.
struct Class {
    name: &'static str,
    forms: &'static [Form],
    make: OptimizerConstructor,
}

const ALL: &[Form] = &[Form::Keras2, Form::Legacy, Form::Keras3];
const NEW: &[Form] = &[Form::Keras2, Form::Keras3];
const KERAS3: &[Form] = &[Form::Keras3];

/// Whether the class is one of Keras's own.
pub(crate) fn is_builtin(class_name: &str) -> bool {
    CLASSES.iter().any(|class| class.name == class_name) || class_name.starts_with("LossScaleOptimizer")
}

/// Every optimizer of Keras but the wrappers.
const CLASSES: &[Class] = &[
    Class { name: "Adadelta", forms: ALL, make: |config, form| Adadelta::default().configured(config, form) },
    Class { name: "Adafactor", forms: NEW, make: |config, form| Adafactor::default().configured(config, form) },
    Class { name: "Adagrad", forms: ALL, make: |config, form| Adagrad::default().configured(config, form) },
    Class { name: "Adam", forms: ALL, make: |config, form| Adam::default().configured(config, form) },
    Class { name: "AdamW", forms: NEW, make: |config, form| AdamW::default().configured(config, form) },
    Class { name: "Adamax", forms: ALL, make: |config, form| Adamax::default().configured(config, form) },
    Class { name: "Ftrl", forms: ALL, make: |config, form| Ftrl::default().configured(config, form) },
    Class { name: "Lamb", forms: KERAS3, make: |config, form| Lamb::default().configured(config, form) },
    Class { name: "Lion", forms: NEW, make: |config, form| lion(form).configured(config, form) },
    Class { name: "Muon", forms: KERAS3, make: |config, form| Muon::default().configured(config, form) },
    Class { name: "Nadam", forms: ALL, make: |config, form| Nadam::default().configured(config, form) },
    Class { name: "RMSprop", forms: ALL, make: |config, form| RMSprop::default().configured(config, form) },
    Class { name: "SGD", forms: ALL, make: |config, form| SGD::default().configured(config, form) },
    Class {
        name: "ScheduleFreeAdamW",
        forms: KERAS3,
        make: |config, form| ScheduleFreeAdamW::default().configured(config, form),
    },
];

/// Keras 3 changed Lion's default learning rate.
fn lion(form: Form) -> Lion {
    Lion::new(if form == Form::Keras3 { 0.001 } else { 0.0001 })
}

static CUSTOM: RwLock<Vec<(String, OptimizerConstructor)>> = RwLock::new(Vec::new());

/// Lets configs name an optimizer of one's own.
///
/// # Example
/// ```
/// use kerox_optim::{Adam, register_optimizer};
///
/// register_optimizer("MyAdam", |config, form| Adam::default().configured(config, form));
/// assert!(kerox_optim::get("my_package>MyAdam", Default::default()).is_ok());
/// ```
pub fn register_optimizer(class_name: impl Into<String>, make: OptimizerConstructor) {
    let (mut custom, name) = (CUSTOM.write().unwrap_or_else(PoisonError::into_inner), class_name.into());
    custom.retain(|(known, _)| *known != name);
    custom.push((name, make));
}

/// The class names in a form, sorted.
pub fn class_names(form: Form) -> Vec<&'static str> {
    let mut names: Vec<&str> = CLASSES.iter().filter(|c| c.forms.contains(&form)).map(|c| c.name).collect();
    names.push(if form == Form::Keras2 { "LossScaleOptimizerV3" } else { "LossScaleOptimizer" });
    names.sort_unstable();
    names
}

/// An optimizer by name with default arguments: `adam`, `Adam`, `Custom>Adam`; upper and lower case are one.
///
/// # Errors
/// [`Error::UnknownClass`] with the names there are in this form.
///
/// # Example
/// ```
/// use kerox_optim::Form;
///
/// let optimizer = kerox_optim::get("rmsprop", Form::Keras2)?;
/// assert_eq!(optimizer.class_name(), "RMSprop");
/// assert!(kerox_optim::get("adm", Form::Keras2).err().unwrap().to_string().contains("did you mean `Adam`"));
/// # Ok::<(), kerox_optim::Error>(())
/// ```
pub fn get(name: &str, form: Form) -> Result<Arc<dyn Optimizer>> {
    from_config(name, &Config::new(), form)
}

/// An optimizer from class name and config in a known form.
///
/// # Errors
/// [`Error::UnknownClass`], [`Error::UnknownKey`], [`Error::Argument`].
pub fn from_config(class_name: &str, config: &Config, form: Form) -> Result<Arc<dyn Optimizer>> {
    let bare = class_name.rsplit('>').next().unwrap_or(class_name).trim();
    let scoped = [class_name, bare].into_iter().find_map(get_registered_object::<OptimizerConstructor>);
    if let Some(make) = scoped {
        return make(config, form);
    }
    let custom = CUSTOM.read().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, make)) = custom.iter().find(|(known, _)| known == bare) {
        let make = *make;
        drop(custom);
        return make(config, form);
    }
    drop(custom);
    if bare.eq_ignore_ascii_case("LossScaleOptimizer") || bare.eq_ignore_ascii_case("LossScaleOptimizerV3") {
        return LossScaleOptimizer::from_config(config, form);
    }
    match CLASSES.iter().find(|c| c.name.eq_ignore_ascii_case(bare)).filter(|c| c.forms.contains(&form)) {
        Some(class) => (class.make)(config, form),
        None => Err(unknown(bare, form)),
    }
}

/// An optimizer as files hold it: a name, or an object with `class_name`, `config` and, in some dialects, `module`.
///
/// The form follows from what is there: the module `keras.optimizers.legacy`, the prefix `Custom>`, the keys
/// `is_legacy_optimizer`, `loss_scale_factor` and `weight_decay`. A config without any of them is a legacy one, as Keras
/// 2.15 decides too. `form` overrides all that.
///
/// # Errors
/// As [`from_config`].
///
/// # Example
/// ```
/// use kerox_optim::Form;
///
/// let saved = r#"{"class_name": "Adam", "config": {"name": "Adam", "learning_rate": 0.01, "decay": 0.0}}"#.parse()?;
/// assert_eq!(kerox_optim::deserialize(&saved, None)?.form(), Form::Legacy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn deserialize(saved: &Value, form: Option<Form>) -> Result<Arc<dyn Optimizer>> {
    if let Some(name) = saved.as_str() {
        return get(name, form.unwrap_or_default());
    }
    let empty = Config::new();
    let text = |key: &str| saved.get(key).and_then(Value::as_str);
    // `package>Name` finds what was registered under it; `Custom>Adam` is how Keras 2.15 registers its own.
    let registered = text("registered_name").filter(|name| name.contains('>'));
    let class_name = registered.or_else(|| text("class_name")).unwrap_or_default();
    let config = match saved.get("config") {
        Some(Value::Map(config)) => config,
        None | Some(Value::Null) => &empty,
        Some(other) => {
            return Err(Error::Argument {
                class: class_name.into(),
                argument: "config".into(),
                expected: "an object".into(),
                found: other.describe(),
            });
        }
    };
    let module = saved.get("module").and_then(Value::as_str).unwrap_or_default();
    from_config(class_name, config, form.unwrap_or_else(|| form_of(class_name, module, config)))
}

/// The form a saved config is of.
fn form_of(class_name: &str, module: &str, config: &Config) -> Form {
    if let Some(inner) = config.get("inner_optimizer") {
        // A wrapper is of the form of what it wraps.
        let inner_config = inner.get("config").and_then(Value::as_map).cloned().unwrap_or_default();
        let text = |key| inner.get(key).and_then(Value::as_str).unwrap_or_default();
        return form_of(text("class_name"), text("module"), &inner_config);
    }
    if module.ends_with("optimizers.legacy") {
        return Form::Legacy;
    }
    match config.get("is_legacy_optimizer").and_then(Value::as_bool) {
        Some(true) => return Form::Legacy,
        Some(false) => return Form::Keras2,
        None => {}
    }
    if class_name.contains('>') {
        Form::Keras2
    } else if ["loss_scale_factor", "gradient_accumulation_steps", "weight_decay", "use_ema"]
        .iter()
        .any(|key| config.contains_key(key))
    {
        Form::Keras3
    } else {
        Form::Legacy
    }
}

fn unknown(name: &str, form: Form) -> Error {
    let known = class_names(form);
    let elsewhere = Form::ALL
        .into_iter()
        .find(|other| CLASSES.iter().any(|c| c.name.eq_ignore_ascii_case(name) && c.forms.contains(other)));
    let hint = if let Some(other) = elsewhere {
        format!("; it exists in the {other} form only, not in the {form} form")
    } else {
        known
            .iter()
            .map(|k| (distance(&k.to_lowercase(), &name.to_lowercase()), k))
            .min()
            .filter(|(distance, _)| *distance <= 2)
            .map_or(String::new(), |(_, nearest)| format!("; did you mean `{nearest}`?"))
    };
    let name = config::shorten(name);
    Error::UnknownClass { kind: "optimizer", name, known: known.join(", "), hint }
}

/// Insertions, deletions and replacements between two short words.
fn distance(a: &str, b: &str) -> usize {
    if b.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

impl<A: Algorithm> Builder<A> {
    /// Sets what a config of this form names, and makes the optimizer.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::Argument`], [`Error::UnknownClass`] of a schedule.
    pub fn configured(mut self, config: &Config, form: Form) -> Result<Arc<dyn Optimizer>> {
        let class = self.algorithm.class_name().to_string();
        let own_decay = self.algorithm.own_decay(form);
        let options = &mut self.options;
        options.form = form;
        let legacy = form == Form::Legacy;
        let mut others = vec!["name", "learning_rate", "clipnorm", "clipvalue", "global_clipnorm"];
        if legacy {
            others.push("lr");
            if own_decay {
                others.push("schedule_decay");
            } else {
                others.push("decay");
            }
        } else {
            others.extend([
                "weight_decay",
                "use_ema",
                "ema_momentum",
                "ema_overwrite_frequency",
                "is_legacy_optimizer",
            ]);
            // Keras 2.15 takes `lr` and ignores it, Keras 3 does so with `decay`.
            others.extend(if form == Form::Keras2 {
                &["jit_compile", "lr", "mesh"][..]
            } else {
                &["loss_scale_factor", "gradient_accumulation_steps", "decay", "jit_compile"][..]
            });
        }
        if legacy {
            others.push("is_legacy_optimizer");
        }
        let rate_key = if legacy && config.contains_key("lr") { "lr" } else { "learning_rate" };
        if let Some(rate) = config.get(rate_key) {
            options.learning_rate = learning_rate(&class, rate)?;
        }
        options.ema_overwrite_set |= config.contains_key("ema_overwrite_frequency");
        let set = |key: &str, field: Field<'_>| match config.get(key) {
            Some(value) if others.contains(&key) => config::read_field(&class, key, field, value),
            _ => Ok(()),
        };
        let whole = |key: &str, out: &mut Option<i64>| -> Result<()> {
            match config.get(key) {
                Some(Value::Null) => {
                    *out = None;
                    Ok(())
                }
                Some(_) => {
                    let mut number = 0;
                    set(key, Field::Int(&mut number))?;
                    *out = Some(number);
                    Ok(())
                }
                None => Ok(()),
            }
        };
        set("name", Field::OptionalString(&mut options.name))?;
        set("decay", Field::Float(&mut options.decay))?;
        set("weight_decay", Field::OptionalFloat(&mut options.weight_decay))?;
        set("clipnorm", Field::OptionalFloat(&mut options.clipnorm))?;
        set("clipvalue", Field::OptionalFloat(&mut options.clipvalue))?;
        set("global_clipnorm", Field::OptionalFloat(&mut options.global_clipnorm))?;
        set("use_ema", Field::Bool(&mut options.use_ema))?;
        set("ema_momentum", Field::Float(&mut options.ema_momentum))?;
        set("jit_compile", Field::Bool(&mut options.jit_compile))?;
        set("loss_scale_factor", Field::OptionalFloat(&mut options.loss_scale_factor))?;
        whole("ema_overwrite_frequency", &mut options.ema_overwrite_frequency)?;
        whole("gradient_accumulation_steps", &mut options.gradient_accumulation_steps)?;
        if form == Form::Keras3 {
            options.decay = 0.0;
        }
        let algorithm = &mut self.algorithm;
        config::read_fields(&class, config, &mut |visit| algorithm.fields(form, visit), &others)?;
        self.into_optimizer()
    }
}

/// A number or a serialized schedule.
fn learning_rate(class: &str, value: &Value) -> Result<LearningRate> {
    if let Some(number) = value.as_f64() {
        return Ok(LearningRate::Constant(number));
    }
    let name = value.get("class_name").and_then(Value::as_str);
    match (name, value.get("config").and_then(Value::as_map)) {
        (Some(_), Some(_)) => Ok(LearningRate::Schedule(schedules::deserialize(value)?)),
        _ => Err(Error::Argument {
            class: class.into(),
            argument: "learning_rate".into(),
            expected: "a number or a schedule with class_name and config".into(),
            found: value.describe(),
        }),
    }
}
