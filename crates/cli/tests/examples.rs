//! The commands that the help, the README and docs/command.md print are run as they stand there.

mod common;

use std::process::{Command, Stdio};

use common::{Place, Run};
use kerox::prelude::*;
use kerox::saving::{ModelSaving, SaveOptions, formats, save_array};
use kerox::tensor::npz;

/// Every file and directory that an example names.
fn files(place: &Place) {
    for dir in [".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions"] {
        std::fs::create_dir_all(place.path("home").join(dir)).unwrap();
    }
    let rows = |n: usize, width: usize| {
        let numbers: Vec<f32> = (0..n * width).map(|i| (i % 7) as f32 / 7.0 - 0.4).collect();
        Tensor::from_vec(numbers, [n, width]).unwrap()
    };
    let (x, y) = (rows(20, 3), rows(20, 1));
    save_array(&x, place.path("x.npy")).unwrap();
    save_array(&y, place.path("y.npy")).unwrap();
    save_array(&x, place.path("a.npy")).unwrap();
    let file = std::fs::File::create(place.path("data.npz")).unwrap();
    npz::write([("b", &x), ("x_test", &x), ("y_test", &y)], file, npz::Compression::Stored, "data.npz").unwrap();
    let mut model = Sequential::new().add(Dense::new(4).activation("relu").input_shape([3])).add(Dense::new(1));
    model.compile("adam", "mse", ()).unwrap();
    for name in ["model.h5", "model.keras", "model.json", "before.h5"] {
        model.save(place.path(name)).unwrap();
    }
    model.save_with(place.path("saved_model/1"), &SaveOptions::new().format(formats::SAVED_MODEL)).unwrap();
    for name in ["training_1/cp.ckpt", "cp.ckpt"] {
        model.save_weights(place.path(name)).unwrap();
    }
    model.fit(&x, &y, Fit::default().verbose(0)).unwrap();
    model.save(place.path("after.keras")).unwrap();
}

/// A model with two inputs, for the example that names them.
fn two_inputs(place: &Place) {
    let (left, right) = (InputLayer::new([3]).name("left").tensor(), InputLayer::new([3]).name("right").tensor());
    let both = Concatenate::new().on([&left, &right]).unwrap();
    let model = Model::functional([left, right], [Dense::new(1).on(&both).unwrap()]).unwrap();
    model.save(place.path("model.keras")).unwrap();
}

/// Runs a line in a shell that finds the command.
fn shell(place: &Place, line: &str) -> Run {
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_kerox")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(place.path("")).env("PATH", path).env("HOME", place.path("home"));
    Run::of(&command.stdin(Stdio::null()).output().unwrap())
}

fn check(place: &Place, line: &str) {
    if line.contains("| man ") && Command::new("man").arg("--version").output().is_err() {
        println!("SKIPPED: there is no `man` to show `{line}`");
        return;
    }
    let run = shell(place, line);
    // The answer of a comparison may be "no".
    let is_answer = line.contains("kerox diff") && run.code == Some(1) && !run.stdout.is_empty();
    assert!(run.code == Some(0) || is_answer, "{line}: {run:?}");
    // What a conversion leaves behind is said.
    let is_quiet = run.stderr.lines().all(|line| line.starts_with("warning: "));
    assert!(is_quiet || line.contains("man"), "{line}: {run:?}");
}

#[test]
fn the_examples_of_every_help_run() {
    let all = "summary inspect predict evaluate fit convert verify diff plot report doctor completions man";
    let mut count = 0;
    for command in std::iter::once("").chain(all.split(' ')) {
        let place = Place::new();
        files(&place);
        let args: Vec<&str> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let help = place.ok(&args);
        let examples = help.split_once("\nExamples:\n").unwrap().1;
        let examples = examples.split("\n\n").next().unwrap();
        // A narrow terminal must not break them.
        assert!(examples.lines().all(|line| line.len() < 80), "{examples}");
        for line in examples.replace("\\\n", " ").lines() {
            if line.contains("left=") {
                two_inputs(&place);
            }
            check(&place, line.trim());
            count += 1;
        }
    }
    assert!(count > 30, "{count} examples");
}

#[test]
fn the_commands_of_the_readme_run() {
    let readme = include_str!("../../../README.md");
    let section = readme.split_once("\n## The command\n").unwrap().1.split_once("```console\n").unwrap().1;
    let place = Place::new();
    files(&place);
    let mut count = 0;
    for line in section.split_once("```").unwrap().0.lines() {
        let line = line.strip_prefix("$ ").expect("lines that are typed");
        if line.starts_with("kerox ") {
            check(&place, line);
            count += 1;
        }
    }
    assert!(count >= 7 && place.path("serving/1/saved_model.pb").is_file(), "{count} commands");
}

#[cfg(target_os = "linux")]
#[test]
fn the_document_lists_what_the_binary_links() {
    let document = include_str!("../../../docs/command.md");
    let section = document.split_once("\n## What the binary links\n").unwrap().1;
    let Ok(output) = Command::new("ldd").arg(env!("CARGO_BIN_EXE_kerox")).output() else {
        println!("SKIPPED: there is no `ldd`");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        let name = line.trim().split(' ').next().unwrap().rsplit('/').next().unwrap();
        let name = name.split(".so").next().unwrap();
        // The loader and what the kernel puts into every process.
        if !name.starts_with("ld-linux") && !name.starts_with("linux-vdso") {
            assert!(section.contains(&format!("`{name}`")), "`{name}` is linked and not listed");
        }
    }
}
