//! What a model was compiled with, from and to files.

use std::sync::Arc;

use kerox_config_json::model::CompileConfig;
use kerox_config_json::{Config, Form, Node, Object, Value as Json};
use kerox_optim::{Form as OptimizerForm, Optimizer};
use kerox_train::Model;
use kerox_train::losses::Loss;
use kerox_train::metrics::Metric;
use kerox_train::model::{CompileArgs, LossArg, LossSpec, LossWeights, MetricSpec, MetricsArg};

use super::package::Package;
use super::save_options::{Dialect, SaveOptions};
use super::{Error, Result, formats};

/// The neutral form of what a model was compiled with; nothing for a model that was not.
pub(super) fn to_config(model: &Model) -> Result<Option<CompileConfig>> {
    let Some(compiled) = model.compiled() else { return Ok(None) };
    let args = &compiled.args;
    let optimizer = match &args.optimizer {
        Some(optimizer) => Some(Object::read(&Node::root(&optimizer.serialize()))?),
        None => None,
    };
    Ok(Some(CompileConfig {
        optimizer,
        loss: loss_json(&args.loss),
        metrics: metrics_json(&args.metrics),
        weighted_metrics: metrics_json(&args.weighted_metrics),
        loss_weights: match &args.loss_weights {
            LossWeights::None => Json::Null,
            LossWeights::List(list) => Json::List(list.iter().map(|&w| Json::from(w)).collect()),
            LossWeights::Map(map) => map.iter().map(|(k, w)| (k.clone(), Json::from(*w))).collect::<Config>().into(),
        },
        run_eagerly: args.run_eagerly.unwrap_or(false),
        steps_per_execution: args.steps_per_execution.unwrap_or(1),
        jit_compile: Json::from(args.jit_compile),
        extra: Config::new(),
    }))
}

/// As [`to_config`] for HDF5 files and SavedModels, whose readers want an optimizer: nothing where there is none.
pub(super) fn to_training_config(model: &Model) -> Result<Option<CompileConfig>> {
    Ok(to_config(model)?.filter(|config| config.optimizer.is_some()))
}

/// The names of the outputs that a configuration has metrics for.
pub(super) fn output_names(model: &Model, saved: &Json) -> Vec<String> {
    let lists = ["metrics", "weighted_metrics"].into_iter().filter_map(|key| saved.get(key)?.as_list());
    model.output_names(lists.map(<[Json]>::len).max().unwrap_or(1))
}

/// The configuration with every metric of an output called `<output>_<metric>` (or the other way round): so HDF5 files
/// and SavedModels of models with several outputs have them, and Keras takes these names as they are.
pub(super) fn metrics_by_output(saved: &Json, outputs: &[String], is_written: bool) -> Json {
    let mut saved = saved.clone();
    for key in ["metrics", "weighted_metrics"] {
        let Some(Json::List(lists)) = saved.as_map_mut().and_then(|map| map.get_mut(key)) else { continue };
        if lists.len() != outputs.len() || lists.len() < 2 {
            continue;
        }
        for (list, output) in lists.iter_mut().zip(outputs) {
            let Json::List(metrics) = list else { continue };
            for metric in metrics {
                let config = metric.as_map_mut().and_then(|map| map.get_mut("config")).and_then(Json::as_map_mut);
                let Some(config) = config else { continue };
                let Some(name) = config.get("name").and_then(Json::as_str).map(str::to_owned) else { continue };
                let prefix = format!("{output}_");
                match (is_written, name.strip_prefix(&prefix)) {
                    (true, _) => drop(config.insert("name", format!("{prefix}{name}"))),
                    (false, Some(bare)) => drop(config.insert("name", bare)),
                    (false, None) => {}
                }
            }
        }
    }
    saved
}

/// Whether what a model was compiled with can be written for a dialect, the optimizer's state included.
pub(super) fn check(model: &Model, options: &SaveOptions) -> Result<()> {
    let form = match options.dialect {
        Dialect::Keras2 => Form::Keras2H5,
        Dialect::Keras3 => Form::Keras3H5,
    };
    if let Some(config) = to_config(model)? {
        let written = config.write(form)?;
        if options.include_optimizer {
            super::optimizer::to_write(model, &written, options.dialect)?;
        }
    }
    Ok(())
}

/// Whether Keras 2 has every layer of a model.
pub(super) fn check_layers(model: &Model) -> Result<()> {
    let form = Form::Keras2Keras;
    let written = kerox_layers::models::to_document(model.network())?.write(form)?;
    Ok(kerox_config_json::dialect::check_layers(&written, form)?)
}

fn loss_spec_json(spec: &LossSpec) -> Json {
    match spec {
        LossSpec::Named(name) => Json::from(name.as_str()),
        LossSpec::Object(loss) => loss.to_json(),
    }
}

fn loss_json(loss: &LossArg) -> Json {
    match loss {
        LossArg::None => Json::Null,
        LossArg::One(spec) => loss_spec_json(spec),
        LossArg::List(list) => {
            Json::List(list.iter().map(|spec| spec.as_ref().map_or(Json::Null, loss_spec_json)).collect())
        }
        LossArg::Map(map) => {
            map.iter().map(|(name, spec)| (name.clone(), loss_spec_json(spec))).collect::<Config>().into()
        }
    }
}

fn metric_list(list: &[MetricSpec]) -> Json {
    let one = |spec: &MetricSpec| match spec {
        MetricSpec::Named(name) => Json::from(name.as_str()),
        MetricSpec::Object(metric) => metric.to_json(),
    };
    Json::List(list.iter().map(one).collect())
}

fn metrics_json(metrics: &MetricsArg) -> Json {
    match metrics {
        MetricsArg::None => Json::Null,
        MetricsArg::Flat(list) => metric_list(list),
        MetricsArg::PerOutput(lists) => Json::List(lists.iter().map(|list| metric_list(list)).collect()),
        MetricsArg::Map(map) => {
            map.iter().map(|(name, list)| (name.clone(), metric_list(list))).collect::<Config>().into()
        }
    }
}

/// The arguments of `compile` that a file holds.
///
/// # Errors
/// Where the optimizer, a loss or a metric is unknown.
pub(super) fn from_config(model: &Model, package: &Package, saved: &Json) -> Result<CompileArgs> {
    let named = [formats::KERAS_H5, formats::SAVED_MODEL].contains(&package.format) && package.generation() != Some(3);
    let bare;
    let saved = match named {
        true => {
            bare = metrics_by_output(saved, &output_names(model, saved), false);
            &bare
        }
        false => saved,
    };
    compile_args_from_json(saved, package.generation()).map_err(|error| match error {
        Error::Json(source) => Error::Config { path: package.path.clone(), source },
        other => other,
    })
}

/// The arguments of `compile` from JSON, as files have them: `optimizer`, `loss`, `metrics`, `weighted_metrics`,
/// `loss_weights`, each by name or as an object with its configuration. `generation` says whose names they are: 3 for
/// Keras 3; otherwise those of Keras 2.15.
///
/// # Errors
/// [`Error::Json`] with the place of what cannot be understood; [`Error::Optimizer`] and [`Error::Train`] where an
/// optimizer, a loss or a metric is unknown.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{Json, compile_args_from_json};
/// let config = Json::parse(r#"{"optimizer": "adam", "loss": "mse", "metrics": ["mae"]}"#)?;
/// let mut model = Sequential::new().add(Dense::new(2).input_shape([3]));
/// model.compile_with(compile_args_from_json(&config, None)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compile_args_from_json(saved: &Json, generation: Option<u32>) -> Result<CompileArgs> {
    let config = CompileConfig::read(&Node::root(saved))?;
    Ok(CompileArgs {
        optimizer: optimizer(generation, saved)?,
        loss: loss_arg(&config.loss)?,
        metrics: metrics_arg(&config.metrics)?,
        weighted_metrics: metrics_arg(&config.weighted_metrics)?,
        loss_weights: loss_weights(&config.loss_weights),
        run_eagerly: config.run_eagerly.then_some(true),
        steps_per_execution: (config.steps_per_execution > 1).then_some(config.steps_per_execution),
        jit_compile: config.jit_compile.as_bool(),
    })
}

/// The optimizer that a file names: its class, and the generation it is of.
fn optimizer(generation: Option<u32>, saved: &Json) -> Result<Option<Arc<dyn Optimizer>>> {
    let saved = saved.get("optimizer").or_else(|| saved.get("optimizer_config")).filter(|value| !value.is_null());
    let Some(saved) = saved else { return Ok(None) };
    let form = match generation {
        Some(3) => Some(OptimizerForm::Keras3),
        // A name alone stands for the class that this version of Keras gives for it.
        _ if saved.as_str().is_some() => Some(OptimizerForm::Keras2),
        _ => None,
    };
    Ok(Some(kerox_optim::deserialize(saved, form)?))
}

fn is_object(value: &Json) -> bool {
    value.get("class_name").is_some() && value.get("config").is_some()
}

/// The name of a function object.
fn function(value: &Json) -> Option<&str> {
    let of_function = value.get("class_name").and_then(Json::as_str) == Some("function");
    value.get("config").and_then(Json::as_str).filter(|_| of_function)
}

fn loss_spec(value: &Json) -> Result<LossSpec> {
    if let Some(name) = value.as_str().or_else(|| function(value)) {
        return Ok(LossSpec::Named(name.to_string()));
    }
    Ok(LossSpec::Object(Loss::from_json(&Node::root(value))?))
}

fn loss_arg(value: &Json) -> Result<LossArg> {
    Ok(match value {
        Json::Null => LossArg::None,
        Json::List(list) => LossArg::List(
            list.iter().map(|v| if v.is_null() { Ok(None) } else { loss_spec(v).map(Some) }).collect::<Result<_>>()?,
        ),
        Json::Map(map) if !is_object(value) => {
            let entries = map.iter().filter(|(_, v)| !v.is_null());
            LossArg::Map(entries.map(|(k, v)| Ok((k.to_string(), loss_spec(v)?))).collect::<Result<_>>()?)
        }
        value => LossArg::One(loss_spec(value)?),
    })
}

fn metric_spec(value: &Json) -> Result<MetricSpec> {
    if let Some(name) = value.as_str().or_else(|| function(value)) {
        return Ok(MetricSpec::Named(name.to_string()));
    }
    let config = value.get("config");
    let text = |key: &str| config.and_then(|c| c.get(key)).and_then(Json::as_str);
    if let (Some("MeanMetricWrapper"), Some(function)) = (value.get("class_name").and_then(Json::as_str), text("fn")) {
        let metric = Metric::by_name(function)?;
        return Ok(MetricSpec::Object(metric.name(text("name").unwrap_or(function))));
    }
    Ok(MetricSpec::Object(Metric::from_json(&Node::root(value))?))
}

fn metric_list_of(value: &Json) -> Result<Vec<MetricSpec>> {
    match value {
        Json::Null => Ok(Vec::new()),
        Json::List(list) => list.iter().filter(|v| !v.is_null()).map(metric_spec).collect(),
        value => Ok(vec![metric_spec(value)?]),
    }
}

fn metrics_arg(value: &Json) -> Result<MetricsArg> {
    Ok(match value {
        Json::Null => MetricsArg::None,
        Json::List(list) if list.is_empty() => MetricsArg::None,
        Json::List(list) if list.iter().any(|v| matches!(v, Json::List(_))) => {
            MetricsArg::PerOutput(list.iter().map(metric_list_of).collect::<Result<_>>()?)
        }
        Json::Map(map) if !is_object(value) => {
            MetricsArg::Map(map.iter().map(|(k, v)| Ok((k.to_string(), metric_list_of(v)?))).collect::<Result<_>>()?)
        }
        value => MetricsArg::Flat(metric_list_of(value)?),
    })
}

fn loss_weights(value: &Json) -> LossWeights {
    match value {
        Json::List(list) => LossWeights::List(list.iter().filter_map(Json::as_f64).collect()),
        Json::Map(map) => {
            LossWeights::Map(map.iter().filter_map(|(k, v)| Some((k.to_string(), v.as_f64()?))).collect())
        }
        _ => LossWeights::None,
    }
}
