//! `kerox plot`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kerox::plot::ModelPlot;
use kerox::saving::{Target, check_target, write_text};

use crate::failure::Outcome;
use crate::model::{ModelArgs, Purpose};

const EXAMPLES: &str = "\
Examples:
  kerox plot model.keras -o model.svg
  kerox plot model.h5 -o model.svg --show-shapes --show-params
  kerox plot model.json -o model.dot";

/// Draw the layers of a model and what flows from one to the next
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Plot {
    #[command(flatten)]
    model: ModelArgs,
    /// Where the picture goes: SVG, or Graphviz's language where the name ends with `.dot` or `.gv`
    #[arg(short, long, value_name = "FILE.svg")]
    output: PathBuf,
    /// Show types and shapes
    #[arg(long)]
    show_shapes: bool,
    /// Show the number of numbers in the weights
    #[arg(long)]
    show_params: bool,
}

impl Plot {
    pub fn run(&self) -> Outcome {
        check_target(&self.output, Target::File)?;
        let model = self.model.load(Purpose::Look, |_| Ok(()))?;
        let plot = ModelPlot::new().show_shapes(self.show_shapes).show_params(self.show_params);
        let is_dot = self.output.extension().is_some_and(|suffix| suffix == "dot" || suffix == "gv");
        let text = if is_dot { plot.dot(&model)? } else { plot.svg(&model)? };
        write_text(&self.output, &text)?;
        Ok(ExitCode::SUCCESS)
    }
}
