//! What a load did, tensor by tensor.

use std::fmt;
use std::path::PathBuf;

use kerox_tensor::{DType, Shape};

/// What became of one variable or one value of the file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LoadOutcome {
    /// The variable has the file's value.
    Matched,
    /// The variable has no value in the file and kept its own.
    MissingInFile,
    /// The value belongs to no variable there is (yet: it is kept for variables created later).
    UnusedInFile,
    /// The lengths of the axes differ.
    ShapeMismatch {
        /// The variable's.
        expected: Shape,
        /// The file's.
        found: Shape,
    },
    /// The types differ.
    DTypeMismatch {
        /// The variable's.
        expected: DType,
        /// The file's.
        found: DType,
    },
    /// The value for a variable created later could not be read.
    Failed {
        /// Why.
        message: String,
    },
}

impl LoadOutcome {
    /// The outcome's name in machine-readable reports.
    pub fn name(&self) -> &'static str {
        match self {
            LoadOutcome::Matched => "matched",
            LoadOutcome::MissingInFile => "missing_in_file",
            LoadOutcome::UnusedInFile => "unused_in_file",
            LoadOutcome::ShapeMismatch { .. } => "shape_mismatch",
            LoadOutcome::DTypeMismatch { .. } => "dtype_mismatch",
            LoadOutcome::Failed { .. } => "failed",
        }
    }
}

/// A variable, or a value of the file that has none.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadEntry {
    /// The path from the root, names joined by `.`.
    pub path: String,
    /// The variable's name.
    pub variable: Option<String>,
    /// The key in the file.
    pub key: Option<String>,
    /// What became of it.
    pub outcome: LoadOutcome,
    /// Paths of the other side that resemble this one, where it found no partner.
    pub nearest: Vec<String>,
}

/// What a load did, tensor by tensor: variables first, in the order of their numbers, then values without one.
///
/// It prints as a table and gives JSON with [`LoadReport::to_json`]; neither holds values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadReport {
    /// The checkpoint.
    pub prefix: PathBuf,
    /// Variables and values.
    pub entries: Vec<LoadEntry>,
}

impl LoadReport {
    /// The entries with a certain outcome.
    pub fn with<'a>(&'a self, outcome: impl Fn(&LoadOutcome) -> bool + 'a) -> impl Iterator<Item = &'a LoadEntry> {
        self.entries.iter().filter(move |entry| outcome(&entry.outcome))
    }

    /// Variables that have the file's value.
    pub fn matched(&self) -> impl Iterator<Item = &LoadEntry> {
        self.with(|o| *o == LoadOutcome::Matched)
    }

    /// Variables whose shape or type differs from the file's.
    pub fn mismatches(&self) -> impl Iterator<Item = &LoadEntry> {
        self.with(|o| matches!(o, LoadOutcome::ShapeMismatch { .. } | LoadOutcome::DTypeMismatch { .. }))
    }

    /// The report as JSON: an object with `prefix` and `entries`, each of which has `path`, `outcome` and, where they
    /// are known, `variable`, `key`, `expected`, `found`, `message`, `nearest`.
    pub fn to_json(&self) -> String {
        let mut out = format!("{{\"prefix\":{},\"entries\":[", json_string(&self.prefix.display().to_string()));
        for (i, entry) in self.entries.iter().enumerate() {
            let mut fields = vec![("path", json_string(&entry.path)), ("outcome", json_string(entry.outcome.name()))];
            fields.extend(entry.variable.as_ref().map(|v| ("variable", json_string(v))));
            fields.extend(entry.key.as_ref().map(|k| ("key", json_string(k))));
            match &entry.outcome {
                LoadOutcome::ShapeMismatch { expected, found } => {
                    fields.extend([("expected", expected.to_string()), ("found", found.to_string())]);
                }
                LoadOutcome::DTypeMismatch { expected, found } => {
                    fields.extend([("expected", json_string(expected.name())), ("found", json_string(found.name()))]);
                }
                LoadOutcome::Failed { message } => fields.push(("message", json_string(message))),
                _ => {}
            }
            if !entry.nearest.is_empty() {
                let names: Vec<String> = entry.nearest.iter().map(|n| json_string(n)).collect();
                fields.push(("nearest", format!("[{}]", names.join(","))));
            }
            let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            out += &format!("{}{{{}}}", if i > 0 { "," } else { "" }, fields.join(","));
        }
        out + "]}"
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.prefix.display())?;
        for entry in &self.entries {
            write!(f, "  {:<16}{}", entry.outcome.name().replace('_', " "), entry.path)?;
            match &entry.outcome {
                LoadOutcome::ShapeMismatch { expected, found } => write!(f, " (expected {expected}, found {found})")?,
                LoadOutcome::DTypeMismatch { expected, found } => write!(f, " (expected {expected}, found {found})")?,
                LoadOutcome::Failed { message } => write!(f, " ({message})")?,
                _ => {}
            }
            if !entry.nearest.is_empty() {
                write!(f, " (nearest: {})", entry.nearest.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            c if (c as u32) < 0x20 => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out + "\""
}
