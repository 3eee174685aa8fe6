//! One file a command: its arguments, and what it prints.

pub mod completions;
pub mod convert;
pub mod diff;
pub mod doctor;
pub mod evaluate;
pub mod fit;
pub mod inspect;
pub mod man;
pub mod plot;
pub mod predict;
pub mod report;
pub mod summary;
pub mod verify;

use crate::args::{Cli, Command};
use crate::failure::Outcome;

pub fn run(cli: Cli) -> Outcome {
    let common = &cli.common;
    match cli.command {
        Command::Summary(command) => command.run(),
        Command::Inspect(command) => command.run(common),
        Command::Predict(command) => command.run(common),
        Command::Evaluate(command) => command.run(common),
        Command::Fit(command) => command.run(common),
        Command::Convert(command) => command.run(),
        Command::Verify(command) => command.run(common),
        Command::Diff(command) => command.run(common),
        Command::Plot(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}
