//! What ends the command early, and what is said about it.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// The answer of a command: its exit code.
pub type Outcome = Result<ExitCode, Failure>;

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// Wrong usage: exit code 2.
    Usage { message: String, help: Option<String> },
    /// It could not be done: exit code 1.
    Failed { message: String, help: Option<String> },
    /// A signal has ended training: 128 and its number.
    Interrupted { message: String, help: String, code: u8 },
    /// Nobody reads the results any more: there is nothing left to do.
    NobodyReads,
}

impl Failure {
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure::Usage { message: message.into(), help: Some(help.into()) }
    }

    pub fn failed(message: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure::Failed { message: message.into(), help: Some(help.into()) }
    }

    /// The same with another advice.
    pub fn with_help(self, advice: impl Into<String>) -> Failure {
        match self {
            Failure::Failed { message, .. } => Failure::Failed { message, help: Some(advice.into()) },
            Failure::Usage { message, .. } => Failure::Usage { message, help: Some(advice.into()) },
            other => other,
        }
    }

    /// One line for the error, one for what to do.
    pub fn from_clap(error: &clap::Error) -> Failure {
        let text = error.to_string();
        let mut parts = text.split("\n\n");
        let first = parts.next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first);
        let lines: Vec<&str> = message.lines().map(str::trim).collect();
        let message = match lines.split_first() {
            Some((head, rest)) if !rest.is_empty() => format!("{head} {}", rest.join(", ")),
            _ => lines.concat(),
        };
        let mut help = Vec::new();
        for part in parts {
            for line in part.lines().map(str::trim).filter(|line| !line.is_empty()) {
                if let Some(tip) = line.strip_prefix("tip: ") {
                    help.push(tip.to_owned());
                } else if let Some(usage) = line.strip_prefix("Usage: ") {
                    help.push(format!("usage: {usage}"));
                } else if line.starts_with('[') {
                    help.push(line.trim_matches(['[', ']']).to_owned());
                }
            }
        }
        help.push("see `--help`".into());
        Failure::Usage { message, help: Some(help.join("; ")) }
    }

    /// Says it on the standard error.
    pub fn report(self) -> ExitCode {
        let (message, help, code) = match self {
            Failure::Usage { message, help } => (message, help, 2),
            Failure::Failed { message, help } => (message, help, 1),
            Failure::Interrupted { message, help, code } => (message, Some(help), code),
            Failure::NobodyReads => return ExitCode::SUCCESS,
        };
        let mut text = format!("error: {}\n", one_line(&message));
        if let Some(help) = help {
            text += &format!("help: {}\n", one_line(&help));
        }
        // Where even that cannot be said, the exit code says it.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(code)
    }
}

/// A text without line breaks.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

/// An error of the library with its causes; its advice becomes the help.
impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        let error: &(dyn Error + 'static) = &error;
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                message += &format!(": {text}");
            }
            source = cause.source();
        }
        let help = error.downcast_ref::<kerox::saving::Error>().and_then(|error| error.help()).map(str::to_owned);
        if let Some(help) = &help {
            message = message.replace(&format!("; {help}"), "");
        }
        Failure::Failed { message, help }
    }
}
