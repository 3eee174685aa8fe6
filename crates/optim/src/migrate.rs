//! State saved in one form, continued in another.

use std::collections::BTreeMap;

use kerox_tensor::{DType, Tensor, Variable, bf16, f16};

use crate::algorithm::Rule;
use crate::engine::{Engine, State, scalar, set_scalar};
use crate::layout::{Entry, Target, layout};
use crate::options::{LearningRate, Options};
use crate::{Error, Form, Result};

/// The suffix of a variable's key in TensorFlow's object-based checkpoints and SavedModels.
const SUFFIX: &str = "/.ATTRIBUTES/VARIABLE_VALUE";
/// More factors than a product of momenta needs to become 0 in double precision.
const PRODUCT_LENGTH: i64 = 100_000;

/// An optimizer's saved tensors and how they are ordered or named.
///
/// # Example
/// ```
/// use kerox_optim::{Form, IntoOptimizer, SGD, SavedState};
/// use kerox_tensor::{Tensor, Variable};
///
/// let w = Variable::new("w", Tensor::from_vec(vec![0f32, 0.0], [2])?, true);
/// let optimizer = SGD::new(0.1).momentum(0.9).into_optimizer()?;
/// optimizer.build(&[w.clone()])?;
/// // A legacy optimizer's weights: iter, then the momentum of each variable.
/// let saved = vec![Tensor::scalar(7i64), Tensor::from_vec(vec![1f32, 2.0], [2])?];
/// optimizer.load_state(&SavedState::ordered(Form::Legacy, saved))?;
/// assert_eq!(optimizer.iterations().value().to_scalar::<i64>()?, 7);
/// assert_eq!(optimizer.slot(&w, "momentum").unwrap().value().as_slice::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SavedState(Source);

#[derive(Clone, Debug)]
enum Source {
    Ordered { form: Form, tensors: Vec<Tensor> },
    Keys { tensors: BTreeMap<String, Tensor>, optimizer: String, variables: Vec<String> },
}

impl SavedState {
    /// Tensors in the order of `optimizer.variables` of that form: `optimizer_weights` of HDF5 files, `vars/0`, `vars/1`,
    /// ... of `.keras` files. The saved optimizer had the class and arguments of the one that loads.
    pub fn ordered(form: Form, tensors: Vec<Tensor>) -> SavedState {
        SavedState(Source::Ordered { form, tensors })
    }

    /// Tensors under the keys of a TensorFlow checkpoint or SavedModel, of any form.
    ///
    /// `optimizer` is the optimizer's path (`optimizer`), `variables` the paths of the model variables the optimizer was
    /// built with (`layer_with_weights-0/kernel`), in that order; legacy slots are found by them. Keys with and without
    /// `/.ATTRIBUTES/VARIABLE_VALUE` are understood, keys of other objects are ignored.
    pub fn keys<S: Into<String>>(
        tensors: BTreeMap<String, Tensor>,
        optimizer: impl Into<String>,
        variables: impl IntoIterator<Item = S>,
    ) -> SavedState {
        let variables = variables.into_iter().map(Into::into).collect();
        SavedState(Source::Keys { tensors, optimizer: optimizer.into(), variables })
    }
}

/// A part of a wrapper's state (`scale`, `good_steps`) with its saved tensor.
pub(crate) type WrapperPart = (&'static str, Tensor);

impl SavedState {
    /// Takes a loss-scale wrapper's part off.
    pub(crate) fn without_wrapper(&self) -> (SavedState, Vec<WrapperPart>) {
        let mut own = Vec::new();
        let source = match &self.0 {
            Source::Ordered { form: Form::Keras3, tensors } if tensors.len() >= 4 => {
                own.push(("good_steps", tensors[2].clone()));
                own.push(("scale", tensors[3].clone()));
                Source::Ordered { form: Form::Keras3, tensors: tensors[4..].to_vec() }
            }
            Source::Ordered { .. } => self.0.clone(),
            Source::Keys { tensors, optimizer, variables } => {
                let places = [
                    ("scale", "loss_scale/current_loss_scale"),
                    ("good_steps", "loss_scale/good_steps"),
                    ("scale", "dynamic_scale"),
                    ("good_steps", "step_counter"),
                    // The same two by their places among the wrapper's variables.
                    ("scale", "_variables/3"),
                    ("good_steps", "_variables/2"),
                ];
                let inner = format!("{optimizer}/inner_optimizer/");
                let wrapped = tensors.keys().any(|key| key.starts_with(&inner));
                let mut rest = tensors.clone();
                for (role, place) in places {
                    if place.starts_with("_variables") && (!wrapped || own.iter().any(|(known, _)| *known == role)) {
                        continue;
                    }
                    let key = format!("{optimizer}/{place}");
                    let found = rest.remove(&format!("{key}{SUFFIX}")).or_else(|| rest.remove(&key));
                    own.extend(found.map(|tensor| (role, tensor)));
                }
                let optimizer = if wrapped { format!("{optimizer}/inner_optimizer") } else { optimizer.clone() };
                Source::Keys { tensors: rest, optimizer, variables: variables.clone() }
            }
        };
        (SavedState(source), own)
    }
}

/// What became of a saved state.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Migrated {
    /// Names of the variables that were filled.
    pub filled: Vec<String>,
    /// Names of the variables that were computed from others (Nadam's product from the number of steps).
    pub computed: Vec<String>,
    /// Names of the variables that stay as they are because the saved form has no such thing.
    pub kept: Vec<String>,
    /// Saved tensors without use in this optimizer, by key or position.
    pub unused: Vec<String>,
}

/// A saved tensor with its meaning and the place it was found at.
struct Found {
    target: Target,
    place: String,
    tensor: Tensor,
}

pub(crate) fn set_weights(engine: &Engine, tensors: &[Tensor]) -> Result<()> {
    let state = engine.state();
    let variables = state.listed(engine);
    if variables.len() != tensors.len() {
        if !state.built {
            return Err(Error::NotBuilt { optimizer: engine.name.clone() });
        }
        return Err(Error::StateCount {
            optimizer: engine.name.clone(),
            layout: format!("weights in the order of the {} form", engine.options.form),
            expected: variables.len(),
            found: tensors.len(),
            hint: String::new(),
        });
    }
    let converted: Vec<Tensor> = variables
        .iter()
        .zip(tensors)
        .enumerate()
        .map(|(at, (variable, tensor))| fit(engine, variable, tensor, &format!("position {at}")))
        .collect::<Result<_>>()?;
    for (variable, tensor) in variables.iter().zip(converted) {
        variable.assign(tensor)?;
    }
    Ok(())
}

pub(crate) fn load_state(engine: &Engine, saved: &SavedState) -> Result<Migrated> {
    let state = engine.state();
    if !state.built {
        return Err(Error::NotBuilt { optimizer: engine.name.clone() });
    }
    let mut report = Migrated::default();
    let (form, mut found) = match &saved.0 {
        Source::Ordered { form, tensors } => (*form, ordered(engine, &state, *form, tensors)?),
        Source::Keys { tensors, optimizer, variables } => {
            by_key(engine, &state, tensors, optimizer, variables, &mut report)?
        }
    };
    // All is checked before anything is written.
    let mut writes: Vec<(Variable, Tensor)> = Vec::new();
    let mut missing_scalar = None;
    for (entry, variable) in &state.entries {
        let at = found.iter().position(|f| f.target == entry.target);
        let other_product =
            entry.target == Target::Scalar && (form == Form::Legacy) != (engine.options.form == Form::Legacy);
        match at.map(|at| found.swap_remove(at)) {
            Some(saved) if entry.target == Target::LearningRate && scheduled(&engine.options) => {
                report.unused.push(saved.place);
            }
            Some(saved) if other_product => {
                report.unused.push(saved.place);
                missing_scalar = Some(variable.clone());
            }
            Some(saved) => {
                writes.push((variable.clone(), fit(engine, variable, &saved.tensor, &saved.place)?));
                report.filled.push(variable.name().to_string());
            }
            None if entry.target == Target::Scalar => missing_scalar = Some(variable.clone()),
            None if entry.optional => report.kept.push(variable.name().to_string()),
            None => {
                return Err(Error::StateMissing {
                    optimizer: engine.name.clone(),
                    variable: variable.name().into(),
                    expected: describe(&entry.target, &state),
                });
            }
        }
    }
    if engine.options.form == Form::Legacy {
        for (name, variable) in &state.hyper {
            let at =
                found.iter().position(|f| matches!(&f.target, Target::Slot { role, variable: HYPER } if role == name));
            if let Some(saved) = at.map(|at| found.swap_remove(at)) {
                writes.push((variable.clone(), fit(engine, variable, &saved.tensor, &saved.place)?));
                report.filled.push(variable.name().to_string());
            }
        }
    }
    report.unused.extend(found.into_iter().map(|f| f.place));
    for (variable, tensor) in writes {
        variable.assign(tensor)?;
    }
    if let Some(variable) = missing_scalar {
        multiply(&variable, &*state.rule, engine.options.form, engine.steps_taken());
        report.computed.push(variable.name().to_string());
    }
    Ok(report)
}

/// Brings the scalar state to that many steps, rounded after each as the steps do.
fn multiply(variable: &Variable, rule: &dyn Rule, form: Form, steps: i64) {
    set_scalar(variable, 1.0);
    for number in 1..=steps.clamp(0, PRODUCT_LENGTH) {
        let product = scalar(variable).unwrap_or_default() * rule.scalar_factor(form, number as f64);
        set_scalar(variable, product);
        if product == 0.0 {
            break;
        }
    }
}

fn scheduled(options: &Options) -> bool {
    matches!(options.learning_rate, LearningRate::Schedule(_))
}

/// The saved optimizer's listed variables, had it the class and arguments of this one.
fn listed_layout(engine: &Engine, state: &State, options: &Options, form: Form) -> Vec<Entry> {
    let mut entries = layout(&*state.rule, options, form, &state.variables, &engine.name);
    entries.retain(|entry| entry.listed);
    entries
}

fn ordered(engine: &Engine, state: &State, form: Form, tensors: &[Tensor]) -> Result<Vec<Found>> {
    let entries = listed_layout(engine, state, &engine.options, form);
    if entries.len() != tensors.len() {
        return Err(Error::StateCount {
            optimizer: engine.name.clone(),
            layout: format!("tensors in the order of the {form} form"),
            expected: entries.len(),
            found: tensors.len(),
            hint: hint(engine, state, tensors.len()),
        });
    }
    for (at, (entry, tensor)) in entries.iter().zip(tensors).enumerate() {
        if entry.shape != *tensor.shape() {
            return Err(Error::StateShape {
                optimizer: engine.name.clone(),
                variable: entry.name.clone(),
                place: format!("position {at} of the {form} form"),
                expected: format!("shape {}", entry.shape),
                found: format!("shape {}", tensor.shape()),
            });
        }
    }
    Ok(entries
        .into_iter()
        .zip(tensors)
        .enumerate()
        .map(|(at, (entry, tensor))| Found {
            target: entry.target,
            place: format!("position {at}"),
            tensor: tensor.clone(),
        })
        .collect())
}

/// Which form or argument would explain that many tensors.
fn hint(engine: &Engine, state: &State, count: usize) -> String {
    for form in Form::ALL {
        if listed_layout(engine, state, &engine.options, form).len() == count {
            return format!("; that is what the {form} form has");
        }
        let mut averaged = engine.options.clone();
        averaged.use_ema = !averaged.use_ema;
        if listed_layout(engine, state, &averaged, form).len() == count {
            return format!("; that is what the {form} form has with use_ema {}", averaged.use_ema);
        }
    }
    format!("; the optimizer was built with {} variables", state.variables.len())
}

/// Stands for "no model variable" in the targets of legacy hyperparameters.
const HYPER: usize = usize::MAX;

fn by_key(
    engine: &Engine,
    state: &State,
    tensors: &BTreeMap<String, Tensor>,
    optimizer: &str,
    paths: &[String],
    report: &mut Migrated,
) -> Result<(Form, Vec<Found>)> {
    let tensors: BTreeMap<&str, &Tensor> =
        tensors.iter().map(|(key, tensor)| (key.strip_suffix(SUFFIX).unwrap_or(key), tensor)).collect();
    let own = format!("{optimizer}/");
    let slot_marker = format!("/.OPTIMIZER_SLOT/{optimizer}/");
    let mut found = Vec::new();
    let legacy =
        tensors.contains_key(format!("{own}iter").as_str()) || tensors.keys().any(|k| k.contains(&slot_marker));
    let mut used: Vec<String> = Vec::new();
    let mut take = |target: Target, key: String, found: &mut Vec<Found>| {
        if let Some(tensor) = tensors.get(key.as_str()) {
            found.push(Found { target, place: key.clone(), tensor: (*tensor).clone() });
            used.push(key);
        }
    };
    let form = if legacy {
        if paths.len() != state.variables.len() {
            return Err(Error::StateCount {
                optimizer: engine.name.clone(),
                layout: "a legacy checkpoint, by the paths of the model variables".into(),
                expected: state.variables.len(),
                found: paths.len(),
                hint: "; give one path for each variable the optimizer was built with".into(),
            });
        }
        take(Target::Iterations, format!("{own}iter"), &mut found);
        take(Target::LearningRate, format!("{own}learning_rate"), &mut found);
        if let Some(scalar) = state.rule.scalar(Form::Legacy) {
            take(Target::Scalar, format!("{own}{}", scalar.attribute), &mut found);
        }
        for (name, _) in &state.hyper {
            take(Target::Slot { role: name, variable: HYPER }, format!("{own}{name}"), &mut found);
        }
        for slot in state.rule.slots(Form::Legacy) {
            for (variable, path) in paths.iter().enumerate() {
                let key = format!("{path}{slot_marker}{}", slot.name);
                take(Target::Slot { role: slot.role, variable }, key, &mut found);
            }
        }
        Form::Legacy
    } else {
        let list: Vec<&Tensor> =
            (0..).map_while(|i| tensors.get(format!("{own}_variables/{i}").as_str()).copied()).collect();
        let fits = |form: &Form| {
            let entries = listed_layout(engine, state, &engine.options, *form);
            entries.len() == list.len() && entries.iter().zip(&list).all(|(e, t)| e.shape == *t.shape())
        };
        let likely = if engine.options.form == Form::Keras3 { Form::Keras3 } else { Form::Keras2 };
        let form = [likely, Form::Keras2, Form::Keras3].into_iter().find(fits).unwrap_or(likely);
        let in_order = list.into_iter().cloned().collect::<Vec<Tensor>>();
        for (at, mut item) in ordered(engine, state, form, &in_order)?.into_iter().enumerate() {
            item.place = format!("{own}_variables/{at}");
            used.push(item.place.clone());
            found.push(item);
        }
        let mut take = |target: Target, key: String| {
            if let Some(tensor) = tensors.get(key.as_str()).filter(|_| !found.iter().any(|f| f.target == target)) {
                found.push(Found { target, place: key.clone(), tensor: (*tensor).clone() });
            }
            used.push(key);
        };
        take(Target::LearningRate, format!("{own}_learning_rate"));
        take(Target::LearningRate, format!("{own}_current_learning_rate"));
        take(Target::Iterations, format!("{own}_iterations"));
        if let Some(scalar) = state.rule.scalar(form) {
            take(Target::Scalar, format!("{own}{}", scalar.attribute));
        }
        form
    };
    let others = tensors.keys().filter(|key| key.starts_with(&own) || key.contains(&slot_marker));
    report.unused.extend(others.filter(|key| !used.iter().any(|u| u == *key)).map(|key| key.to_string()));
    Ok((form, found))
}

fn describe(target: &Target, state: &State) -> String {
    let name = |row: &usize| state.variables.get(*row).map_or("?", |v| v.name()).to_string();
    match target {
        Target::Iterations => "the number of steps".into(),
        Target::LearningRate => "the learning rate".into(),
        Target::Average { variable } => format!("the moving average of `{}`", name(variable)),
        Target::Accumulator { variable } => format!("the accumulated gradient of `{}`", name(variable)),
        Target::Slot { role, variable } | Target::Placeholder { role, variable } => {
            format!("slot `{role}` of `{}`", name(variable))
        }
        Target::Scalar => "the scalar state".into(),
        Target::Wrapper => "the wrapper's state".into(),
    }
}

/// The tensor in the variable's type, if it has its shape.
fn fit(engine: &Engine, variable: &Variable, tensor: &Tensor, place: &str) -> Result<Tensor> {
    let wrong = |expected: String, found: String| {
        Err(Error::StateShape {
            optimizer: engine.name.clone(),
            variable: variable.name().into(),
            place: place.into(),
            expected,
            found,
        })
    };
    if tensor.shape() != variable.shape() {
        return wrong(format!("shape {}", variable.shape()), format!("shape {}", tensor.shape()));
    }
    match convert(tensor, variable.dtype()) {
        Some(tensor) => Ok(tensor),
        None => wrong(variable.dtype().to_string(), tensor.dtype().to_string()),
    }
}

/// Between floating-point types, and between whole numbers.
fn convert(tensor: &Tensor, dtype: DType) -> Option<Tensor> {
    if tensor.dtype() == dtype {
        return Some(tensor.clone());
    }
    let shape = tensor.shape().clone();
    let floats: Option<Vec<f64>> = match tensor.dtype() {
        DType::F16 => tensor.as_slice::<f16>().ok().map(|s| s.iter().map(|v| v.to_f64()).collect()),
        DType::BF16 => tensor.as_slice::<bf16>().ok().map(|s| s.iter().map(|v| v.to_f64()).collect()),
        DType::F32 => tensor.as_slice::<f32>().ok().map(|s| s.iter().map(|&v| v as f64).collect()),
        DType::F64 => tensor.as_slice::<f64>().ok().map(<[f64]>::to_vec),
        _ => None,
    };
    let whole: Option<Vec<i64>> = match tensor.dtype() {
        DType::I32 => tensor.as_slice::<i32>().ok().map(|s| s.iter().map(|&v| v as i64).collect()),
        DType::U32 => tensor.as_slice::<u32>().ok().map(|s| s.iter().map(|&v| v as i64).collect()),
        DType::I64 => tensor.as_slice::<i64>().ok().map(<[i64]>::to_vec),
        _ => None,
    };
    match (dtype, floats, whole) {
        (DType::F16, Some(v), _) => Tensor::from_vec(v.into_iter().map(f16::from_f64).collect(), shape).ok(),
        (DType::BF16, Some(v), _) => Tensor::from_vec(v.into_iter().map(bf16::from_f64).collect(), shape).ok(),
        (DType::F32, Some(v), _) => Tensor::from_vec(v.into_iter().map(|v| v as f32).collect(), shape).ok(),
        (DType::F64, Some(v), _) => Tensor::from_vec(v, shape).ok(),
        (DType::I64, _, Some(v)) => Tensor::from_vec(v, shape).ok(),
        (DType::I32, _, Some(v)) => {
            Tensor::from_vec(v.into_iter().map(i32::try_from).collect::<Result<Vec<i32>, _>>().ok()?, shape).ok()
        }
        _ => None,
    }
}
