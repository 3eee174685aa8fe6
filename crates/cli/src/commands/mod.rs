//! One file a command: its arguments, and what it prints.

pub mod convert;
pub mod diff;
pub mod evaluate;
pub mod fit;
pub mod inspect;
pub mod predict;
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
    }
}
