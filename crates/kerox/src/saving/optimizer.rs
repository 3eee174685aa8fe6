//! The state of optimizers, from and to files.

use std::sync::Arc;

use kerox_config_json::Value as Json;
use kerox_optim::{Form, Optimizer, SavedState};
use kerox_tensor::{DType, Shape, Tensor, Variable};
use kerox_train::Model;

use super::package::Package;
use super::save_options::Dialect;
use super::{Result, compiled};

/// The variables an optimizer of this model updates.
fn trained(model: &Model) -> Vec<Variable> {
    model.network().trainable_weights().into_iter().map(|weight| weight.variable).collect()
}

/// Names and values of the optimizer's state in the form of a dialect; nothing where there is no state yet.
///
/// `written` is the configuration as it goes into the file: a state of another form is brought into its form.
pub(super) fn to_write(model: &Model, written: &Json, dialect: Dialect) -> Result<Option<Vec<(String, Tensor)>>> {
    let Some(optimizer) = model.compiled().and_then(|compiled| compiled.args.optimizer.clone()) else {
        return Ok(None);
    };
    if !optimizer.built() {
        return Ok(None);
    }
    let fits = match dialect {
        Dialect::Keras2 => optimizer.form() != Form::Keras3,
        Dialect::Keras3 => optimizer.form() == Form::Keras3,
    };
    let optimizer = if fits { optimizer } else { migrated(model, &optimizer, written, dialect)? };
    Ok(Some(optimizer.variables().into_iter().map(|v| (v.name().to_string(), v.value())).collect()))
}

/// The model's optimizer in a form that Keras 2 has, whether it has a state yet or not.
pub(super) fn in_form_of_keras2(model: &Model) -> Result<Option<Arc<dyn Optimizer>>> {
    let Some(optimizer) = model.compiled().and_then(|compiled| compiled.args.optimizer.clone()) else {
        return Ok(None);
    };
    if optimizer.form() != Form::Keras3 {
        return Ok(Some(optimizer));
    }
    let written = match compiled::to_config(model)? {
        Some(config) => config.write(kerox_config_json::Form::Keras2H5)?,
        None => Json::Null,
    };
    migrated(model, &optimizer, &written, Dialect::Keras2).map(Some)
}

/// The optimizer that reads a checkpoint where the model's own has the form of Keras 3 and the file that of Keras 2, to
/// be handed to [`take_over`] with the values it found.
pub(super) fn stand_in(model: &Model, package: &Package) -> Result<Option<Arc<dyn Optimizer>>> {
    // Keras 3 has the learning rate in the second place, Keras 2 the first slot.
    let second = package.tensors().into_iter().find(|tensor| tensor.name.starts_with("optimizer/_variables/1/"));
    let is_keras3 = model.optimizer().is_ok_and(|optimizer| optimizer.form() == Form::Keras3);
    match second {
        Some(second) if is_keras3 && second.shape.rank() > 0 => in_form_of_keras2(model),
        _ => Ok(None),
    }
}

/// Gives the model's optimizer the state of another form that a stand-in has read.
pub(super) fn take_over(model: &Model, stand_in: &Arc<dyn Optimizer>) -> Result<()> {
    let optimizer = model.optimizer()?;
    optimizer.build(&trained(model))?;
    let tensors = stand_in.variables().iter().map(Variable::value).collect();
    optimizer.load_state(&SavedState::ordered(stand_in.form(), tensors))?;
    Ok(())
}

/// The same optimizer in the form of a dialect.
fn migrated(
    model: &Model,
    optimizer: &Arc<dyn Optimizer>,
    written: &Json,
    dialect: Dialect,
) -> Result<Arc<dyn Optimizer>> {
    let form = match dialect {
        Dialect::Keras2 => Form::Keras2,
        Dialect::Keras3 => Form::Keras3,
    };
    let known = [Form::Keras2, Form::Keras3, Form::Legacy].into_iter().flat_map(kerox_optim::class_names);
    let other = match known.into_iter().any(|name| name == optimizer.class_name()) {
        true => of_config(written, form)?,
        // A class of the user's need not be known by name to be written.
        false => optimizer.in_form(form)?,
    };
    let mut variables = optimizer.model_variables();
    if variables.is_empty() {
        variables = trained(model);
    }
    other.build(&variables)?;
    let tensors = optimizer.variables().iter().map(Variable::value).collect();
    other.load_state(&SavedState::ordered(optimizer.form(), tensors))?;
    Ok(other)
}

fn of_config(written: &Json, form: Form) -> Result<Arc<dyn Optimizer>> {
    let config = written.get("optimizer").or_else(|| written.get("optimizer_config")).cloned().unwrap_or(Json::Null);
    Ok(kerox_optim::deserialize(&config, Some(form))?)
}

/// Gives the model's optimizer the state in a file; says why where it cannot.
pub(super) fn restore(model: &Model, package: &Package) -> Result<Option<String>> {
    let Some(names) = package.optimizer.as_ref().filter(|names| !names.is_empty()) else { return Ok(None) };
    let Ok(optimizer) = model.optimizer() else {
        // Keras 3 writes such files where a model is saved as HDF5 before, and trains on with a new RMSprop.
        return Ok(Some(format!(
            "the optimizer's state in `{}` is left behind: the file does not say which optimizer it is of",
            package.path.display()
        )));
    };
    let tensors: Vec<Tensor> = names.iter().map(|name| package.read(name)).collect::<Result<_>>()?;
    optimizer.build(&trained(model))?;
    // A model that was compiled and not trained: Keras 3 writes the learning rate as well.
    let untrained = match tensors.as_slice() {
        [steps] if optimizer.variables().len() > 1 => Some((steps, None)),
        [steps, rate] if optimizer.variables().len() > 2 && steps.dtype().is_integer() => Some((steps, Some(rate))),
        _ => None,
    };
    if let Some((steps, rate)) = untrained
        && let Ok(steps) = steps.cast(DType::I64)
        && steps.len() == 1
    {
        optimizer.iterations().assign(steps.reshape(Shape::scalar())?)?;
        let rate = rate.and_then(|rate| rate.cast(DType::F64).ok()?.as_slice::<f64>().ok()?.first().copied());
        if let Some(rate) = rate {
            // Of a schedule it is the last step's.
            let _ = optimizer.set_learning_rate(rate);
        }
        return Ok(None);
    }
    let mut first = None;
    for form in [optimizer.form(), Form::Keras2, Form::Legacy, Form::Keras3] {
        match optimizer.load_state(&SavedState::ordered(form, tensors.clone())) {
            Ok(_) => return Ok(None),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Ok(first.map(|error| {
        format!("the optimizer starts afresh: its state in `{}` does not fit: {error}", package.path.display())
    }))
}
