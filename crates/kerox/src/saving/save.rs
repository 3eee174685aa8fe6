//! Saving models and weights.

use std::io::Write;
use std::path::Path;

use kerox_format_h5::keras::ModelToWrite;
use kerox_format_keras::KerasToWrite;
use kerox_format_safetensors::SafetensorsToWrite;
use kerox_tensor::DType;
use kerox_train::Model;

use super::formats::{self, Format};
use super::save_options::{Dialect, SaveOptions};
use super::{
    Error, ModelNode, Result, compiled, h5, json, keras_v3, optimizer, remote, safetensors, saved_model, write,
};

/// Saves a whole model; the format by option, else by the path's suffix, else a SavedModel.
pub(super) fn save(model: &Model, path: &Path, options: &SaveOptions) -> Result<()> {
    model.ensure_built()?;
    if let Some(stored) = remote::store(path, options.overwrite, |local| save(model, local, options)) {
        return stored;
    }
    let format = model_format(path, options)?;
    if format == formats::SAVED_MODEL {
        check_dtype(model, format, "save", options)?;
        return saved_model::save(model, path, options);
    }
    let content = Content::of(model, format, options)?.ok_or_else(|| weights_only(path, format))?;
    write::file(path, options, |out| {
        content.write_to(out, |source| Error::Io { operation: "write", path: path.into(), source })
    })
}

/// The bytes of a file of that format.
///
/// # Errors
/// As [`save`]; [`Error::Option`] for a format of several files, or of weights alone.
pub(super) fn to_bytes(model: &Model, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
    model.ensure_built()?;
    check_options(format, "save to memory", options)?;
    let content = Content::of(model, format, options)?.ok_or_else(|| Error::Option {
        operation: "save to memory",
        expected: "a format that holds a model in one file".into(),
        found: format.title.into(),
    })?;
    let mut bytes = Vec::new();
    content.write_to(&mut bytes, |source| Error::Io { operation: "write", path: "memory".into(), source })?;
    Ok(bytes)
}

/// What one file holds.
enum Content {
    H5(ModelToWrite),
    Keras(KerasToWrite),
    Safetensors(SafetensorsToWrite),
    Text(String),
}

impl Content {
    /// Of a model in that format; none for formats of several files and of weights alone.
    fn of(model: &Model, format: Format, options: &SaveOptions) -> Result<Option<Content>> {
        let is_of_keras = [formats::KERAS_H5, formats::KERAS_V3, formats::KERAS_JSON].contains(&format);
        if is_of_keras && options.is_dialect_chosen && options.dialect == Dialect::Keras2 {
            compiled::check_layers(model)?;
        }
        Ok(match format {
            f if f == formats::KERAS_H5 => Some(Content::H5(h5::whole(model, options)?)),
            f if f == formats::KERAS_V3 => Some(Content::Keras(keras_v3::whole(model, options)?)),
            f if f == formats::SAFETENSORS => Some(Content::Safetensors(safetensors::to_write(model, options, true)?)),
            f if f == formats::KERAS_JSON => Some(Content::Text(json::to_json(model, options.dialect)?)),
            _ => None,
        })
    }

    fn write_to(&self, out: &mut dyn Write, io: impl FnOnce(std::io::Error) -> Error) -> Result<()> {
        match self {
            Content::H5(file) => Ok(file.write_to(out)?),
            Content::Keras(file) => Ok(file.write_to(out)?),
            Content::Safetensors(file) => Ok(file.write_to(out)?),
            Content::Text(text) => out.write_all(text.as_bytes()).map_err(io),
        }
    }
}

/// The format of a whole model at that path.
pub(super) fn model_format(path: &Path, options: &SaveOptions) -> Result<Format> {
    let format = options.format.or_else(|| formats::by_suffix(path)).unwrap_or(formats::SAVED_MODEL);
    check_options(format, "save", options)?;
    if format.architecture { Ok(format) } else { Err(weights_only(path, format)) }
}

/// The format of weights alone at that path.
pub(super) fn weights_format(path: &Path, options: &SaveOptions) -> Result<Format> {
    let format = options.format.or_else(|| formats::by_suffix(path)).unwrap_or(formats::TF_CHECKPOINT);
    check_options(format, "save_weights", options)?;
    if format.weights {
        return Ok(format);
    }
    Err(Error::Content {
        operation: "save weights to",
        path: path.into(),
        expected: "a format that holds weights".into(),
        found: format!("the suffix of {}", format.title),
        help: "end the path with `.weights.h5`, `.h5` or `.safetensors`".into(),
    })
}

fn weights_only(path: &Path, format: Format) -> Error {
    Error::Content {
        operation: "save the model to",
        path: path.into(),
        expected: "a format that holds an architecture".into(),
        found: format!("the suffix of {}", format.title),
        help: "use `save_weights`, or end the path with `.keras` or `.h5`".into(),
    }
}

/// Number of data files and element type are for formats that have a choice.
fn check_options(format: Format, operation: &'static str, options: &SaveOptions) -> Result<()> {
    let splits = format == formats::TF_CHECKPOINT || format == formats::KERAS_WEIGHTS_H5;
    if let (Some(shards), false) = (options.shards, splits && options.shards != Some(0)) {
        let expected = match splits {
            true => "at least one data file".to_string(),
            false => format!("a format of several data files with `shards`, not {}", format.title),
        };
        return Err(Error::Option { operation, expected, found: format!("{shards} data files") });
    }
    Ok(())
}

/// TensorFlow loads a value into variables of its own type alone, and a SavedModel's graph says the type: no other is written.
fn check_dtype(model: &Model, format: Format, operation: &'static str, options: &SaveOptions) -> Result<()> {
    let types = model.network().weights().into_iter().map(|weight| weight.variable.dtype());
    dtype_fits(format, operation, options, types)
}

/// Whether weights of these types can be written in the type that was asked for.
pub(super) fn dtype_fits(
    format: Format,
    operation: &'static str,
    options: &SaveOptions,
    mut types: impl Iterator<Item = DType>,
) -> Result<()> {
    let is_bound = format == formats::TF_CHECKPOINT || format == formats::SAVED_MODEL;
    let Some(dtype) = options.dtype.filter(|_| is_bound) else { return Ok(()) };
    match types.find(|own| own.is_float() && *own != dtype) {
        None => Ok(()),
        Some(own) => Err(Error::Option {
            operation,
            expected: format!(
                "weights as they are ({own}) in a {}, which TensorFlow loads into no other type",
                format.title
            ),
            found: format!("the type {dtype}"),
        }),
    }
}

/// Saves weights; the format by option, else by the path's suffix, else a TensorFlow checkpoint.
pub(super) fn save_weights(model: &Model, path: &Path, options: &SaveOptions) -> Result<()> {
    model.ensure_built()?;
    if let Some(stored) = remote::store(path, options.overwrite, |local| save_weights(model, local, options)) {
        return stored;
    }
    match weights_format(path, options)? {
        // Keras writes legacy HDF5 for `.keras` here.
        f if f == formats::KERAS_H5 || f == formats::KERAS_V3 => h5::save_weights(model, path, options),
        f if f == formats::KERAS_WEIGHTS_H5 => keras_v3::save_weights(model, path, options),
        f if f == formats::SAFETENSORS => {
            let file = safetensors::to_write(model, options, false)?;
            write::file(path, options, |out| Ok(file.write_to(out)?))
        }
        // A checkpoint, also where the format is a SavedModel's.
        f => {
            check_dtype(model, f, "save_weights", options)?;
            let root = match options.include_optimizer {
                true if options.dialect == Dialect::Keras2 => {
                    ModelNode::with_optimizer(model, optimizer::in_form_of_keras2(model)?)
                }
                true => ModelNode::of(model),
                false => ModelNode::network(model.network()),
            };
            let written = kerox_format_ckpt::WriteOptions::new().overwrite(options.overwrite).durable(options.durable);
            let written = options.shards.map_or(written.clone(), |shards| written.shards(shards));
            Ok(kerox_format_ckpt::save_weights(root, path, &written)?)
        }
    }
}
