//! `kerox verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kerox::saving::{problems_to_json, verify};

use crate::args::Common;
use crate::failure::Outcome;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  kerox verify model.keras
  kerox verify training_1/cp.ckpt --json";

/// Check that a file is whole: read everything, check every checksum, shape and offset, and the config against the weights
///
/// Exit code 1 where anything is wrong.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// The file, directory or checkpoint prefix
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub fn run(&self, common: &Common) -> Outcome {
        let problems = verify(&self.path)?;
        let mut out = Output::new();
        if self.json {
            out.json(&problems_to_json(&problems))?;
        } else {
            for problem in &problems {
                out.line(format_args!("{}: {}", problem.place, problem.what.replace('\n', " ")))?;
            }
            if problems.is_empty() && !common.quiet {
                out.line("ok")?;
            }
        }
        out.finish()?;
        Ok(ExitCode::from(u8::from(!problems.is_empty())))
    }
}
