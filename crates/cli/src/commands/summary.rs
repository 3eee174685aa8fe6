//! `kerox summary`.

use std::process::ExitCode;

use clap::Args;
use kerox::layers::models;
use kerox::saving::Package;

use crate::failure::Outcome;
use crate::model::{ModelArgs, Purpose};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  kerox summary model.h5
  kerox summary model.json --expand-nested --show-trainable
  kerox summary model.keras --line-length 120";

/// Print the table of the layers, as `model.summary()` of Keras 2.15 does
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Summary {
    #[command(flatten)]
    model: ModelArgs,
    /// Length of a line in characters
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    line_length: Option<u16>,
    /// List the layers of models inside, too
    #[arg(long)]
    expand_nested: bool,
    /// Say which layers are trained
    #[arg(long)]
    show_trainable: bool,
}

impl Summary {
    pub fn run(&self) -> Outcome {
        let model = self.model.load(Purpose::Look, |_| Ok(()))?;
        let mut summary = models::Summary::new().expand_nested(self.expand_nested).show_trainable(self.show_trainable);
        if let Some(length) = self.line_length {
            summary = summary.line_length(length.into());
        }
        // Keras 3 lists what is not built yet, Keras 2.15 refuses.
        let generation = Package::open(&self.model.model).ok().and_then(|package| package.generation());
        let summary = summary.unbuilt(generation == Some(3));
        let mut out = Output::new();
        out.text(model.summary_with(&summary)?)?;
        out.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}
