//! `kerox report`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kerox::callbacks::History;
use kerox::plot::history_report;
use kerox::saving::{Json, write_text};

use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  kerox fit model.keras --x x.npy --y y.npy --epochs 9 \\
      --output tuned.keras --history history.json
  kerox report history.json -o report.html";

/// Make a page with the curves of a training run
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Report {
    /// What `kerox fit --history` wrote: Keras's `History.history` as JSON
    #[arg(value_name = "HISTORY")]
    history: PathBuf,
    /// Where the page goes
    #[arg(short, long, value_name = "FILE.html")]
    output: PathBuf,
    /// The heading; by default the history's file name
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

impl Report {
    pub fn run(&self) -> Outcome {
        let name = self.history.display();
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::failed(format!("read history `{name}`: {error}"), "give the file that `fit --history` wrote")
        };
        let text = std::fs::read_to_string(&self.history).map_err(|error| wrong(&error))?;
        let saved = Json::parse(&text).map_err(|error| wrong(&error))?;
        let history = History::from_json(&saved).map_err(|error| wrong(&error))?;
        let own = self.history.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        write_text(&self.output, &history_report(&history, self.title.as_ref().unwrap_or(&own)))?;
        Ok(ExitCode::SUCCESS)
    }
}
