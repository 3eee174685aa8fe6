//! `kerox completions`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Outcome;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  kerox completions bash > ~/.local/share/bash-completion/completions/kerox
  kerox completions zsh > ~/.zfunc/_kerox
  kerox completions fish > ~/.config/fish/completions/kerox.fish";

/// Print what a shell needs to complete this command's arguments
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> Outcome {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "kerox", &mut text);
        let mut out = Output::new();
        out.text(String::from_utf8_lossy(&text))?;
        out.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}
