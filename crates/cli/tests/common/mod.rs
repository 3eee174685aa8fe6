//! The binary, run in a fresh directory.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kerox::saving::Json;
use kerox::tensor::Tensor;

/// A file of `golden/`.
pub fn golden(path: &str) -> String {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden")).join(path).display().to_string()
}

/// What real Keras says: `keras2` or `keras3`.
pub fn expected(generation: &str) -> Json {
    let text = std::fs::read_to_string(golden(&format!("cli/{generation}.json"))).unwrap();
    Json::parse(&text).unwrap()
}

/// A directory of its own in which the command runs.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerox"));
        command.current_dir(self.0.path()).args(args).env_remove("RUST_BACKTRACE");
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).output().unwrap())
    }

    /// Runs what must succeed, and gives its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "kerox {}", args.join(" "));
        run.stdout
    }

    /// As [`Place::ok`], for `--json`.
    pub fn json(&self, args: &[&str]) -> Json {
        Json::parse(&self.ok(args)).unwrap()
    }

    /// Runs what must fail, and gives the error line.
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "kerox {}: {}", args.join(" "), run.stderr);
        let lines: Vec<&str> = run.stderr.lines().collect();
        let is_form = matches!(lines[..], [error] if error.starts_with("error: "))
            || matches!(lines[..], [error, help] if error.starts_with("error: ") && help.starts_with("help: "));
        assert!(is_form, "one line, perhaps a second with help: {}", run.stderr);
        lines[0].to_owned()
    }

    /// Names in the directory, hidden ones too.
    pub fn listing(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// What a run gave.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(output: &Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// The numbers of nested lists.
pub fn numbers(value: &Json) -> Vec<f64> {
    match value.as_list() {
        Some(list) => list.iter().flat_map(numbers).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

/// Equal within a tolerance relative to 1 + |x|.
pub fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}: {a}, expected {b}");
    }
}

/// The numbers of an array file.
pub fn array(path: impl AsRef<Path>) -> Vec<f64> {
    let tensor: Tensor = kerox::saving::load_array(path).unwrap();
    let tensor = tensor.cast(kerox::tensor::DType::F64).unwrap();
    tensor.as_slice::<f64>().unwrap().to_vec()
}
