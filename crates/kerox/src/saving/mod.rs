//! Reading and writing files: the only place that maps layers to keys in files.
//!
//! | to | use |
//! |---|---|
//! | save and load whole models | [`ModelSaving::save`], [`load_model`] |
//! | save and load weights | [`ModelSaving::save_weights`], [`ModelSaving::load_weights`] |
//! | architectures as text | [`ModelSaving::to_json`], [`model_from_json`] |
//! | load what has classes of your own | [`CustomObjectKinds`], [`custom_object_scope`], [`CustomObjects::register`] |
//! | know what a file is | [`detect`], [`formats`] |
//! | look into a file without building a model | [`inspect`], [`Package`] |
//! | check that a file is whole | [`verify`] |
//! | know that a save could begin, before the work | [`check_target`] |
//! | change the format | [`convert`] |
//! | compare files of any formats | [`diff`] |
//! | read and write numpy's arrays | [`load_array`], [`save_array`] |
//! | checkpoints of objects | [`Checkpoint`], [`CheckpointManager`] |
//!
//! Every format is one declaration in [`formats`]. Files are recognised by their content. Every write is a
//! transaction: a path holds what it held before, or the whole new content.
//!
//! With the feature `cloud` a path may be an address, `s3://`, `gs://`, `az://`, `http(s)://` or `file://`, wherever a model or
//! weights are read or written. What storing guarantees there is said in the crate `kerox-remote`.

mod array;
mod assign;
mod bare;
mod checkpoint;
mod compiled;
mod convert;
mod custom;
mod diff;
mod digest;
mod error;
pub mod formats;
mod h5;
mod inspect;
mod json;
mod keras_v3;
mod layouts;
mod learnt;
mod load;
mod load_options;
mod optimizer;
mod package;
mod remote;
mod safetensors;
mod save;
mod save_options;
mod saved_model;
mod saver;
mod target;
mod tensorflow;
mod tree;
mod verify;
mod write;

use std::path::Path;

pub use array::{load_array, save_array, save_arrays};
pub use checkpoint::ModelNode;
pub use compiled::compile_args_from_json;
pub use convert::{ConvertOptions, convert};
pub use custom::CustomObjectKinds;
pub use diff::{DiffOptions, Difference, DifferentTensor, diff};
pub use digest::Digest;
pub use error::{Error, Result};
pub use formats::{Format, detect};
pub use inspect::{InspectedLayer, Inspection, inspect};
pub use json::{model_from_config, model_from_json, model_from_json_with};
pub use kerox_config_json::registry::{current_scope, get_registered_object, registered_name};
pub use kerox_config_json::{CustomObjects, custom_object_scope, register_keras_serializable};
pub use kerox_config_json::{Style as JsonStyle, Value as Json};
pub use kerox_format_ckpt::{
    Checkpoint, CheckpointManager, LoadEntry, LoadOutcome, LoadReport, LoadStatus, ManagerOptions, WriteOptions,
    latest_checkpoint, list_variables, load_checkpoint, load_variable,
};
pub use kerox_format_h5::write::Compression;
pub use kerox_fs::abandon_saves;
pub use load::{
    Loaded, LoadedWeights, load_model, load_model_from_bytes, load_model_with_report, load_package,
    load_package_or_uncompiled,
};
pub use load_options::{LoadOptions, LoadWeightsOptions};
pub use package::{Package, SavedLayer, SavedObject, SavedWeight, SavedWeights, Tensors};
pub use save_options::{Dialect, SaveOptions};
pub use saved_model::{RevivedLayer, ServingSignature};
pub use saver::{install, install_with};
pub use target::{Target, check_target};
pub use verify::{Problem, problems_to_json, verify};
pub use write::write_text;

use kerox_train::Model;

/// Saves a whole model.
///
/// # Errors
/// As [`ModelSaving::save`].
///
/// # Source
/// `keras.models.save_model`.
pub fn save_model(model: &Model, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()> {
    save::save(model, path.as_ref(), options)
}

/// Saving and loading as methods of a model.
pub trait ModelSaving {
    /// Saves architecture, weights, what the model was compiled with and the optimizer's state. The path's suffix
    /// decides the format: `.keras`, `.h5` (`.hdf5`), `.safetensors`, `.json` (architecture only), else a SavedModel.
    ///
    /// # Errors
    /// Where the model cannot be described by plain data, or the file not be written; what was there before is still
    /// there.
    ///
    /// # Source
    /// `keras.Model.save`.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path, &SaveOptions::new())
    }

    /// As [`ModelSaving::save`], with options.
    ///
    /// # Errors
    /// As [`ModelSaving::save`]; [`Error::Save`] where the file exists and may not be replaced.
    fn save_with(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()>;

    /// What [`ModelSaving::save_with`] would write to a file of that format: [`formats::KERAS_V3`], [`formats::KERAS_H5`],
    /// [`formats::SAFETENSORS`] or [`formats::KERAS_JSON`]. [`load_model_from_bytes`] reads it.
    ///
    /// # Errors
    /// As [`ModelSaving::save`]; [`Error::Option`] for formats of several files or of weights alone.
    fn to_bytes(&self, format: Format, options: &SaveOptions) -> Result<Vec<u8>>;

    /// Saves the weights. The path's suffix decides the format: `.weights.h5`, `.h5`, `.safetensors`, `.weights.json`
    /// (sharded), else a TensorFlow checkpoint with that prefix.
    ///
    /// # Errors
    /// Where the files cannot be written; what was there before is still there.
    ///
    /// # Source
    /// `keras.Model.save_weights`.
    fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_weights_with(path, &SaveOptions::new())
    }

    /// As [`ModelSaving::save_weights`], with options.
    ///
    /// # Errors
    /// As [`ModelSaving::save_weights`].
    fn save_weights_with(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()>;

    /// Reads weights from a file of any format, and the optimizer's state where both have one. From a checkpoint,
    /// variables the model has yet to create get their values when they are created.
    ///
    /// # Errors
    /// Where the file cannot be read or a tensor does not fit; the model is then as it was.
    ///
    /// # Source
    /// `keras.Model.load_weights`.
    fn load_weights(&self, path: impl AsRef<Path>) -> Result<LoadedWeights> {
        self.load_weights_with(path, &LoadWeightsOptions::new())
    }

    /// As [`ModelSaving::load_weights`], by the names of layers or past what does not fit.
    ///
    /// # Errors
    /// As [`ModelSaving::load_weights`].
    fn load_weights_with(&self, path: impl AsRef<Path>, options: &LoadWeightsOptions) -> Result<LoadedWeights>;

    /// The configuration: the architecture as data, for Keras 2.15. [`model_from_config`] reads it.
    ///
    /// # Errors
    /// As [`ModelSaving::to_json`].
    ///
    /// # Source
    /// `keras.Model.get_config`.
    fn get_config(&self) -> Result<kerox_config_json::Value>;

    /// The architecture as JSON text, for Keras 2.15.
    ///
    /// # Errors
    /// Where the model cannot be described by plain data.
    ///
    /// # Source
    /// `keras.Model.to_json`.
    fn to_json(&self) -> Result<String> {
        self.to_json_for(Dialect::Keras2)
    }

    /// The architecture as JSON text for either Keras.
    ///
    /// # Errors
    /// As [`ModelSaving::to_json`], and where the dialect cannot express something.
    fn to_json_for(&self, dialect: Dialect) -> Result<String>;
}

impl ModelSaving for Model {
    fn save_with(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()> {
        save::save(self, path.as_ref(), options)
    }

    fn to_bytes(&self, format: Format, options: &SaveOptions) -> Result<Vec<u8>> {
        save::to_bytes(self, format, options)
    }

    fn save_weights_with(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()> {
        save::save_weights(self, path.as_ref(), options)
    }

    fn load_weights_with(&self, path: impl AsRef<Path>, options: &LoadWeightsOptions) -> Result<LoadedWeights> {
        load::load_weights(self, path.as_ref(), options)
    }

    fn get_config(&self) -> Result<kerox_config_json::Value> {
        self.ensure_built()?;
        Ok(kerox_layers::models::to_config(self.network())?.to_config(kerox_config_json::Form::Keras2Keras, false)?)
    }

    fn to_json_for(&self, dialect: Dialect) -> Result<String> {
        self.ensure_built()?;
        json::to_json(self, dialect)
    }
}
