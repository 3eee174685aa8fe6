//! The `kerox` command: model files of Keras and TensorFlow looked into, run, trained on and converted.
//!
//! A thin layer over the library: arguments in, words out. Results go to the standard output, everything else to the
//! standard error. Exit codes: 0 done, 1 it could not be done or the answer is "no", 2 wrong usage,
//! 128 and the signal's number where one has ended it (130 for ctrl-C).
#![forbid(unsafe_code)]

mod args;
mod arrays;
mod commands;
mod console;
mod failure;
mod model;
mod output;
mod progress;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            // Help and version are results; nobody may be reading them any more.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => return Failure::from_clap(&error).report(),
    };
    if let Some(threads) = cli.common.threads {
        kerox::tensor::kernels::set_threads(threads.get());
    }
    signals::listen();
    match commands::run(cli) {
        Ok(answer) => answer,
        Err(failure) => failure.report(),
    }
}
