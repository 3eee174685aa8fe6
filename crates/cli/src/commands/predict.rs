//! `kerox predict`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kerox::data::Arrays;
use kerox::models::Model;
use kerox::saving::{Package, Target, check_target, formats, save_array, save_arrays};
use kerox::tensor::Tensor;
use kerox_graph_def::{GraphModel, saved_model};

use crate::args::Common;
use crate::arrays;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::model::{ModelArgs, Purpose};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  kerox predict model.h5 --input x.npy --output y.npy
  kerox predict model.keras --input left=a.npy right=data.npz:b \\
      --output-dir out
  kerox predict saved_model/1 --signature serving_default --input x.npy \\
      --output-dir out
  kerox predict model.json --weights cp.ckpt --input x.npy --output y.npy";

/// The signature that a SavedModel is served by.
const SERVING: &str = "serving_default";

/// Compute a model's outputs for arrays
///
/// A SavedModel that Keras did not write, or whose classes are unknown, runs from its graph functions.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[command(group(clap::ArgGroup::new("target").required(true).args(["output", "output_dir"])))]
pub struct Predict {
    #[command(flatten)]
    model: ModelArgs,
    /// Inputs in the model's order, or by name: `.npy` files or `FILE.npz:MEMBER`
    #[arg(long, value_name = "[NAME=]FILE", num_args = 1.., required = true)]
    input: Vec<String>,
    /// Where the output of a model with one output goes
    #[arg(long, value_name = "FILE.npy")]
    output: Option<PathBuf>,
    /// Where all outputs go: `out_0.npy`, `out_1.npy`, ... in the model's order; of a signature, one file an output,
    /// called after it
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Samples that are computed at a time
    #[arg(long, value_name = "N", default_value = "32")]
    batch_size: NonZeroUsize,
    /// Run this signature of a SavedModel
    #[arg(long, value_name = "NAME")]
    signature: Option<String>,
}

impl Predict {
    pub fn run(&self, common: &Common) -> Outcome {
        let target = self.output.as_ref().map(|path| (path, Target::File));
        let target = target.or(self.output_dir.as_ref().map(|path| (path, Target::Dir)));
        if let Some((path, target)) = target {
            check_target(path, target)?;
        }
        let package = Package::open(&self.model.model)?;
        let is_saved_model = package.format == formats::SAVED_MODEL;
        if let Some(name) = &self.signature {
            if !is_saved_model {
                return Err(Failure::usage(
                    format!("expected a SavedModel with `--signature`, found a {}", package.format.title),
                    "leave `--signature` out",
                ));
            }
            self.write(self.run_signature(name)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let outputs = match self.model.load_package(&package, Purpose::Predict, |_| Ok(())) {
            Ok(model) => self.run_model(model, common)?,
            Err(_) if is_saved_model && self.model.weights.is_none() => self.run_signature(SERVING)?,
            Err(failure) => return Err(failure),
        };
        self.write(outputs)?;
        Ok(ExitCode::SUCCESS)
    }

    fn run_model(&self, mut model: Model, common: &Common) -> Result<Vec<(String, Tensor)>, Failure> {
        let inputs: Arrays = arrays::data(&self.input)?;
        let bar = u8::from(progress::is_shown(common));
        let options = kerox::prelude::Predict::default().batch_size(self.batch_size.get()).verbose(bar);
        let outputs = model.predict(inputs, options.console(Console))?;
        Ok(outputs.into_iter().enumerate().map(|(i, output)| (format!("out_{i}"), output)).collect())
    }

    fn run_signature(&self, name: &str) -> Result<Vec<(String, Tensor)>, Failure> {
        let inputs = arrays::read(&self.input)?;
        let model: GraphModel = saved_model::load(&self.model.model, &["serve"])
            .or_else(|error| saved_model::load(&self.model.model, &[]).map_err(|_| error))?;
        let inputs: Vec<(&str, Tensor)> = inputs.iter().map(|(name, x)| (name.as_str(), x.clone())).collect();
        Ok(model.signature(name)?.predict(&inputs, self.batch_size.get())?)
    }

    fn write(&self, outputs: Vec<(String, Tensor)>) -> Result<(), Failure> {
        if let Some(directory) = &self.output_dir {
            return Ok(save_arrays(outputs.iter().map(|(name, output)| (name.as_str(), output)), directory)?);
        }
        match (&self.output, &outputs[..]) {
            (Some(path), [(_, only)]) => Ok(save_array(only, path)?),
            _ => Err(Failure::usage(
                format!("expected a model with one output for `--output`, found {} outputs", outputs.len()),
                "use `--output-dir DIR`: it gets a file for each",
            )),
        }
    }
}
