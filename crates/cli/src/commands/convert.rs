//! `kerox convert`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kerox::saving::{ConvertOptions, Dialect, Format, SaveOptions, convert, formats};
use kerox::tensor::DType;

use crate::failure::Outcome;
use crate::output::warn;

const EXAMPLES: &str = "\
Examples:
  kerox convert model.h5 model.keras
  kerox convert model.keras model.h5 --dialect keras3
  kerox convert model.h5 weights.safetensors --weights-only --dtype float16
  kerox convert model.h5 ckpt/model --format ckpt --shards 4
  kerox convert model.json model.h5 --weights training_1/cp.ckpt
  kerox convert model.keras serving/1 --format savedmodel";

/// Write what a file holds in another format
///
/// The format of SRC is recognised by its content, that of DST by its suffix unless `--format` names it. What cannot be
/// carried over is named in warnings.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Convert {
    /// The file to read
    #[arg(value_name = "SRC")]
    from: PathBuf,
    /// The file, directory or checkpoint prefix to write
    #[arg(value_name = "DST")]
    to: PathBuf,
    /// The format to write
    #[arg(long, value_name = "FORMAT")]
    format: Option<Target>,
    /// Which Keras it is for; by default the one that wrote SRC
    #[arg(long, value_name = "DIALECT")]
    dialect: Option<TargetDialect>,
    /// Number of data files (checkpoints and `.weights.json`)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=99999))]
    shards: Option<u32>,
    /// Write the weights alone
    #[arg(long)]
    weights_only: bool,
    /// Leave the optimizer's state out
    #[arg(long)]
    no_optimizer: bool,
    /// Write weights of floating type as this type
    #[arg(long, value_name = "DTYPE")]
    dtype: Option<TargetType>,
    /// Fail where something cannot be carried over
    #[arg(long)]
    strict: bool,
    /// The file with the weights, for a SRC that is an architecture alone
    #[arg(long, value_name = "PATH")]
    weights: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// Keras HDF5
    H5,
    /// Weights in Keras HDF5, layer by layer
    WeightsH5,
    /// Keras v3 archive
    Keras,
    /// Weights in HDF5 as inside a `.keras` file: `.weights.h5`
    KerasV3Weights,
    /// TensorFlow's SavedModel
    #[value(name = "savedmodel")]
    SavedModel,
    /// TensorFlow checkpoint
    Ckpt,
    /// Architecture as JSON
    Json,
    /// safetensors
    Safetensors,
}

impl Target {
    fn format(self) -> Format {
        match self {
            Target::H5 | Target::WeightsH5 => formats::KERAS_H5,
            Target::Keras => formats::KERAS_V3,
            Target::KerasV3Weights => formats::KERAS_WEIGHTS_H5,
            Target::SavedModel => formats::SAVED_MODEL,
            Target::Ckpt => formats::TF_CHECKPOINT,
            Target::Json => formats::KERAS_JSON,
            Target::Safetensors => formats::SAFETENSORS,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TargetDialect {
    /// Keras 2.15 and tf-keras
    Keras2,
    /// Keras 3
    Keras3,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TargetType {
    Float16,
    Bfloat16,
    Float32,
}

impl Convert {
    pub fn run(&self) -> Outcome {
        let mut save = SaveOptions::new().include_optimizer(!self.no_optimizer);
        if let Some(dialect) = self.dialect {
            save = save.dialect(match dialect {
                TargetDialect::Keras2 => Dialect::Keras2,
                TargetDialect::Keras3 => Dialect::Keras3,
            });
        }
        if let Some(target) = self.format {
            save = save.format(target.format());
        }
        if let Some(shards) = self.shards {
            save = save.shards(shards);
        }
        if let Some(dtype) = self.dtype {
            save = save.dtype(match dtype {
                TargetType::Float16 => DType::F16,
                TargetType::Bfloat16 => DType::BF16,
                TargetType::Float32 => DType::F32,
            });
        }
        let weights_only = self.weights_only || matches!(self.format, Some(Target::WeightsH5));
        let mut options = ConvertOptions::new().save(save).weights_only(weights_only).strict(self.strict);
        if let Some(path) = &self.weights {
            options = options.weights(path);
        }
        convert(&self.from, &self.to, &options)?.iter().for_each(warn);
        Ok(ExitCode::SUCCESS)
    }
}
