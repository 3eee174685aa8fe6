//! `kerox man`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;
use kerox::saving::write_text;

use crate::args::Cli;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  kerox man | man -l -
  kerox man --output-dir ~/.local/share/man/man1";

/// Print the manual page, or write one for every command
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Man {
    /// Where `kerox.1`, `kerox-summary.1` and so on go
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

impl Man {
    pub fn run(&self) -> Outcome {
        let mut command = Cli::command();
        command.build();
        let Some(directory) = &self.output_dir else {
            let mut out = Output::new();
            out.text(page(command)?)?;
            out.finish()?;
            return Ok(ExitCode::SUCCESS);
        };
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let name = format!("kerox-{}", inner.get_name());
            let named = inner.clone().name(name.clone());
            write_text(directory.join(format!("{name}.1")), &page(named)?)?;
        }
        write_text(directory.join("kerox.1"), &page(command)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn page(command: Command) -> Result<String, Failure> {
    let mut text = Vec::new();
    Page::new(command).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
