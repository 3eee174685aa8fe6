//! `kerox diff`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kerox::saving::{DiffOptions, diff};

use crate::args::Common;
use crate::failure::Outcome;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  kerox diff before.h5 after.keras
  kerox diff model.h5 training_1/cp.ckpt --atol 1e-6 --rtol 1e-5 --json";

/// Compare two files of any formats, tensor by tensor, and their architectures
///
/// Tensors are matched layer by layer. Exit code 1 where the files differ.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    /// The one file
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The other file
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Numbers may differ by this much, ...
    #[arg(long, value_name = "F", default_value_t = 0.0, value_parser = tolerance)]
    atol: f64,
    /// ... and by this fraction of B's
    #[arg(long, value_name = "F", default_value_t = 0.0, value_parser = tolerance)]
    rtol: f64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|value| *value >= 0.0).ok_or_else(|| "expected a number of at least 0".into())
}

impl Diff {
    pub fn run(&self, common: &Common) -> Outcome {
        let found = diff(&self.a, &self.b, &DiffOptions::new().atol(self.atol).rtol(self.rtol))?;
        let mut out = Output::new();
        if self.json {
            out.json(&found.to_json())?;
        } else {
            for line in &found.architecture {
                out.line(format_args!("architecture: {line}"))?;
            }
            for (names, file) in [(&found.only_in_a, &self.a), (&found.only_in_b, &self.b)] {
                for name in names {
                    out.line(format_args!("only in {}: {name}", file.display()))?;
                }
            }
            let rows: Vec<Vec<String>> = found
                .different
                .iter()
                .map(|tensor| {
                    let number =
                        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:e}"));
                    let shapes = match tensor.shape_a == tensor.shape_b {
                        true => tensor.shape_a.to_string(),
                        false => format!("{} / {}", tensor.shape_a, tensor.shape_b),
                    };
                    vec![tensor.name.clone(), number(tensor.max_abs), number(tensor.max_rel), shapes]
                })
                .collect();
            if !rows.is_empty() {
                out.table(&["DIFFERENT", "MAX ABS", "MAX REL", "SHAPE"], &rows)?;
            }
            if found.equal() && !common.quiet {
                out.line("equal")?;
            }
        }
        out.finish()?;
        Ok(ExitCode::from(u8::from(!found.equal())))
    }
}
