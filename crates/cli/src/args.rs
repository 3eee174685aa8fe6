//! The arguments.

use std::num::NonZeroUsize;

use clap::{Args, Parser, Subcommand};

use crate::commands;

const EXAMPLES: &str = "\
Examples:
  kerox summary model.keras
  kerox inspect model.h5
  kerox predict model.h5 --input x.npy --output y.npy
  kerox fit model.h5 --x x.npy --y y.npy --epochs 3 --output tuned.keras
  kerox convert model.h5 serving/1 --format savedmodel

Exit codes: 0 done, 1 it could not be done or the answer is \"no\", 2 wrong usage.";

/// Model files of Keras and TensorFlow, without Python: look into them, run, train on, convert, check and compare them.
#[derive(Parser, Debug)]
#[command(name = "kerox", version, after_help = EXAMPLES, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

/// What every command accepts.
#[derive(Args, Debug)]
pub struct Common {
    /// Threads to compute with; all cores by default
    #[arg(long, global = true, value_name = "N", help_heading = "Everywhere")]
    pub threads: Option<NonZeroUsize>,
    /// No progress, no remarks; results, warnings and errors alone
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub quiet: bool,
    /// Show progress where the standard error is no terminal, too
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub progress: bool,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    Summary(commands::summary::Summary),
    Inspect(commands::inspect::Inspect),
    Predict(commands::predict::Predict),
    Evaluate(commands::evaluate::Evaluate),
    Fit(Box<commands::fit::Fit>),
    Convert(commands::convert::Convert),
    Verify(commands::verify::Verify),
    Diff(commands::diff::Diff),
    Plot(commands::plot::Plot),
    Report(commands::report::Report),
    Doctor(commands::doctor::Doctor),
    Completions(commands::completions::Completions),
    Man(commands::man::Man),
}
