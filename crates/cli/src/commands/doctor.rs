//! `kerox doctor`.

use std::process::ExitCode;

use clap::Args;
use kerox::system::SystemInfo;

use crate::failure::Outcome;
use crate::output::Output;

/// Say what this build is made of: BLAS, threads, instruction sets, formats
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kerox doctor\n  kerox doctor --json")]
pub struct Doctor {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub fn run(&self) -> Outcome {
        let info = SystemInfo::new();
        let mut out = Output::new();
        if self.json {
            out.json(&info.to_json())?;
        } else {
            out.line(format_args!("kerox: {}", info.version))?;
            out.line(format_args!("matrix products: {}", info.blas))?;
            out.line(format_args!("threads: {}", info.threads))?;
            out.line(format_args!("platform: {}", info.platform))?;
            out.line(format_args!("instruction sets: {}", info.instruction_sets.join(" ")))?;
            out.line(format_args!("formats: {}", info.formats.join(" ")))?;
            out.line(format_args!("layers: {} classes", info.layers))?;
        }
        out.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}
