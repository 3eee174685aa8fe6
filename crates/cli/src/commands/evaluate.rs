//! `kerox evaluate`.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::Args;

use crate::args::Common;
use crate::arrays;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::model::{ModelArgs, Purpose};
use crate::output::{Output, number};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  kerox evaluate model.h5 --x x.npy --y y.npy
  kerox evaluate model.keras --x data.npz:x_test --y data.npz:y_test \\
      --json";

/// Compute a compiled model's loss and metrics
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Evaluate {
    #[command(flatten)]
    model: ModelArgs,
    /// Inputs in the model's order, or by name: `.npy` files or `FILE.npz:MEMBER`
    #[arg(long, value_name = "[NAME=]FILE", num_args = 1.., required = true)]
    x: Vec<String>,
    /// Targets in the order of the outputs, or by name
    #[arg(long, value_name = "[NAME=]FILE", num_args = 1.., required = true)]
    y: Vec<String>,
    /// Samples that are computed at a time
    #[arg(long, value_name = "N", default_value = "32")]
    batch_size: NonZeroUsize,
    /// Factors of the loss by sample
    #[arg(long, value_name = "FILE", num_args = 1..)]
    sample_weight: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub fn run(&self, common: &Common) -> Outcome {
        let mut model = self.model.load(Purpose::Evaluate, |_| Ok(()))?;
        if model.compiled().is_none() {
            let advice = "train it with `kerox fit`, which takes `--loss` and `--metrics`";
            return Err(not_compiled(&self.model, "a loss", advice));
        }
        let bar = u8::from(progress::is_shown(common));
        let mut options = kerox::prelude::Evaluate::default().batch_size(self.batch_size.get()).verbose(bar);
        if !self.sample_weight.is_empty() {
            options = options.sample_weight(arrays::data(&self.sample_weight)?);
        }
        let (x, y) = (arrays::data(&self.x)?, arrays::data(&self.y)?);
        let logs = model.evaluate(x, y, options.console(Console))?;
        let mut out = Output::new();
        match self.json {
            true => out.json(&logs.to_json())?,
            false => {
                for (name, value) in &logs.0 {
                    out.line(format_args!("{name}: {}", number(*value)))?;
                }
            }
        }
        out.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The model says nothing of a loss, or of an optimizer.
pub fn not_compiled(model: &ModelArgs, lacks: &str, advice: &str) -> Failure {
    let message = format!("`{}`: expected a compiled model, found one without {lacks}", model.model.display());
    Failure::failed(message, advice)
}
