//! The MODEL of a command, and its weights.

use std::path::PathBuf;

use clap::Args;
use kerox::models::Model;
use kerox::saving::{
    LoadOptions, ModelSaving, Package, SavedWeights, install, load_package, load_package_or_uncompiled,
};

use crate::failure::Failure;
use crate::output::warn;

/// Where a model is.
#[derive(Args, Debug)]
pub struct ModelArgs {
    /// The model: Keras HDF5, `.keras`, SavedModel directory, `.safetensors`, or JSON architecture
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// The file with the weights, of any format: for a MODEL that is an architecture alone, or in place of its own
    #[arg(long, value_name = "PATH")]
    pub weights: Option<PathBuf>,
}

/// What a command does with a model.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Looks at its layers: weights are of no interest.
    Look,
    /// Computes outputs with its weights.
    Predict,
    /// Computes with its weights, loss and metrics.
    Evaluate,
    /// Trains it, also from fresh weights.
    Train,
}

impl ModelArgs {
    /// Loads the model. `prepare` is called before weights of a file of their own are read: what is compiled there gets
    /// the optimizer's state.
    pub fn load(
        &self,
        purpose: Purpose,
        prepare: impl FnOnce(&mut Model) -> Result<(), Failure>,
    ) -> Result<Model, Failure> {
        self.load_package(&Package::open(&self.model)?, purpose, prepare)
    }

    /// As [`ModelArgs::load`], from the open file.
    pub fn load_package(
        &self,
        package: &Package,
        purpose: Purpose,
        prepare: impl FnOnce(&mut Model) -> Result<(), Failure>,
    ) -> Result<Model, Failure> {
        install();
        let is_compiled = matches!(purpose, Purpose::Evaluate | Purpose::Train);
        let options = LoadOptions::new().compile(is_compiled);
        let loaded = match purpose {
            // A loss or metric of the user's own is of no interest to those who bring others.
            Purpose::Train => load_package_or_uncompiled(package, &options),
            _ => load_package(package, &options).map(|loaded| (loaded, None)),
        };
        let (loaded, uncompiled) = loaded.map_err(|error| {
            let weights_alone = matches!(error, kerox::saving::Error::Content { .. });
            match Failure::from(error) {
                failure if weights_alone && package.config.is_none() => failure.with_help(
                    "give the architecture as MODEL (a JSON file or a whole model), and this file with `--weights`",
                ),
                failure => failure,
            }
        })?;
        if let Some(error) = uncompiled {
            warn(format_args!("the training configuration is left out: {error}"));
        }
        let mut model = loaded.model;
        if package.training_config.is_some() && purpose != Purpose::Predict {
            loaded.warnings.iter().for_each(warn);
        }
        prepare(&mut model)?;
        if let Some(weights) = &self.weights {
            let read = model.load_weights(weights)?;
            read.assert_layers_matched()?;
            read.warnings.iter().for_each(warn);
        } else if matches!(purpose, Purpose::Predict | Purpose::Evaluate)
            && matches!(package.weights, SavedWeights::None)
        {
            let count = model.network().weights().len();
            if count > 0 {
                return Err(Failure::failed(
                    format!("run `{}`: expected weights, found an architecture alone", self.model.display()),
                    "name the file with the weights: `--weights PATH`",
                ));
            }
        }
        Ok(model)
    }
}
