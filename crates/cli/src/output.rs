//! The standard output.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};

use crate::failure::Failure;

/// Results, buffered. [`Output::finish`] must be called at the end.
pub struct Output {
    out: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
}

impl Output {
    pub fn new() -> Output {
        let stdout = io::stdout();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Output { is_terminal: stdout.is_terminal() && !plain && !dumb, out: BufWriter::new(stdout.lock()) }
    }

    /// Writes text as it is.
    pub fn text(&mut self, text: impl Display) -> Result<(), Failure> {
        write!(self.out, "{text}").map_err(failed)
    }

    /// Writes text and a line break.
    pub fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(failed)
    }

    /// Writes the one JSON document of `--json`.
    pub fn json(&mut self, value: &kerox::saving::Json) -> Result<(), Failure> {
        self.line(value.to_json(kerox::saving::JsonStyle::Python))
    }

    /// Columns under headings. All but the last are as wide as their widest cell.
    pub fn table(&mut self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = headings
            .iter()
            .enumerate()
            .map(|(i, heading)| width(i).unwrap_or(0).max(heading.chars().count()))
            .collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let cells = cells.zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let heading = line(&mut headings.iter().copied());
        match self.is_terminal {
            true => self.line(format_args!("\x1b[1m{heading}\x1b[0m"))?,
            false => self.line(heading)?,
        }
        for row in rows {
            self.line(line(&mut row.iter().map(String::as_str)))?;
        }
        Ok(())
    }

    /// Hands everything to the system.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.out.flush().map_err(failed)
    }
}

fn failed(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => Failure::Failed { message: format!("write to the standard output: {error}"), help: None },
    }
}

/// Says something on the standard error that is no error.
pub fn warn(text: impl Display) {
    let text = text.to_string().replace('\n', " ");
    // Whoever closed the standard error does not want to know.
    let _ = writeln!(io::stderr(), "warning: {text}");
}

/// A number of bytes for people.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// A loss or metric for people: no longer than it has to be.
pub fn number(value: f64) -> String {
    let narrow = value as f32;
    let is_narrow = f64::from(narrow) == value;
    match value.abs() {
        size if size != 0.0 && !(1e-4..1e16).contains(&size) => match is_narrow {
            true => format!("{narrow:e}"),
            false => format!("{value:e}"),
        },
        _ if is_narrow => narrow.to_string(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (value, text) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (f64::from(0.1f32), "0.1"),
            (0.1, "0.1"),
            (6.981002798056579e-8, "6.981003e-8"),
            (1e-30, "1e-30"),
            (f64::NAN, "NaN"),
            (1234567.0, "1234567"),
        ] {
            assert_eq!(super::number(value), text);
        }
    }
}
