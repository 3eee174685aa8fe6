//! Ctrl-C and its like, and readers that leave.
#![cfg(unix)]

mod common;

use std::io::Read;
use std::process::{Child, Command, Stdio};

use common::{Place, golden};

/// The command with signals as a terminal leaves them, whatever the tests themselves were started with: in the background, or
/// by `nohup`.
fn listening(place: &Place, args: &[&str]) -> Command {
    const DEFAULT: &str = "--default-signal=HUP,INT,TERM";
    let plain = place.command(args);
    let known = Command::new("env").args([DEFAULT, "true"]).stderr(Stdio::null()).status();
    if !known.is_ok_and(|status| status.success()) {
        return plain;
    }
    let mut command = Command::new("env");
    command.arg(DEFAULT).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(place.path("")).env_remove("RUST_BACKTRACE");
    command
}

/// Training that fills the pipe of its standard error before it comes to an end: it runs until it is told to stop.
fn train(place: &Place, more: &[&str]) -> Child {
    let (x, y, model) = (golden("cli/x.npy"), golden("cli/y.npy"), golden("cli/tune_k2.h5"));
    let args = ["fit", &model, "--x", &x, "--y", &y, "--output", "out.h5"];
    let verbose: &[&str] = if more.contains(&"--verbose") { &[] } else { &["--verbose", "2"] };
    listening(place, &[&args[..], verbose, more].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the run says that it is in an epoch.
fn wait_for(child: &mut Child, text: &str) {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(text.as_bytes()) {
        child.stderr.as_mut().unwrap().read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// The exit code and the last two lines.
fn end(mut child: Child) -> (Option<i32>, Vec<String>) {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    (child.wait().unwrap().code(), lines[lines.len().saturating_sub(2)..].to_vec())
}

#[test]
fn training_ends_after_the_batch() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let place = Place::new();
        std::fs::write(place.path("out.h5"), b"old").unwrap();
        let saves = ["--checkpoint", "last.keras", "--csv-log", "log.csv", "--history", "h.json"];
        let mut child = train(&place, &[&["--epochs", "100000000"], &saves[..]].concat());
        wait_for(&mut child, "\nEpoch 3/");
        send(&child, signal);
        let (found, lines) = end(child);
        assert_eq!(found, Some(code), "{lines:?}");
        assert!(
            lines[0].starts_with("error: run epoch ") && lines[0].contains("; `out.h5` is what it was"),
            "{lines:?}"
        );
        assert_eq!(lines[1], "help: what was saved as `last.keras` is there");
        assert_eq!(std::fs::read(place.path("out.h5")).unwrap(), b"old");
        assert_eq!(place.ok(&["verify", "last.keras"]), "ok\n");
        assert_eq!(place.listing(), ["last.keras", "log.csv", "out.h5"]);
    }
}

#[test]
fn an_interrupted_run_goes_on_as_if_nothing_had_been() {
    let place = Place::new();
    let run = ["--seed", "5", "--batch-size", "4"];
    let kept = ["--resume", "backup", "--csv-log", "log.csv"];
    let mut child = train(&place, &[&run[..], &kept, &["--epochs", "100000000"]].concat());
    wait_for(&mut child, "\nEpoch 4/");
    send(&child, "-INT");
    let (code, lines) = end(child);
    assert_eq!(code, Some(130), "{lines:?}");
    assert_eq!(lines[1], "help: the same command goes on after the last whole epoch");
    assert_eq!(place.listing(), ["backup", "log.csv"]);
    let finished = std::fs::read_to_string(place.path("log.csv")).unwrap().lines().count() - 1;
    assert!(finished >= 3);
    let epochs = (finished + 3).to_string();
    let (code, lines) = end(train(&place, &[&run[..], &kept, &["--epochs", &epochs]].concat()));
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(std::fs::read_to_string(place.path("log.csv")).unwrap().lines().count(), finished + 4);
    std::fs::rename(place.path("out.h5"), place.path("resumed.h5")).unwrap();
    assert_eq!(end(train(&place, &[&run[..], &["--epochs", &epochs]].concat())).0, Some(0));
    assert_eq!(place.ok(&["diff", "resumed.h5", "out.h5"]), "equal\n");
}

#[test]
fn a_second_signal_ends_at_once_and_leaves_nothing_half_done() {
    for wait in 0..6 {
        let place = Place::new();
        std::fs::write(place.path("out.h5"), b"old").unwrap();
        // Nearly all of the time goes into saving.
        let saves = ["--checkpoint", "last.keras", "--save-freq", "1", "--epochs", "100000000"];
        let mut child = train(&place, &saves);
        wait_for(&mut child, "\nEpoch 2/");
        std::thread::sleep(std::time::Duration::from_millis(wait));
        send(&child, "-TERM");
        send(&child, "-INT");
        let (code, lines) = end(child);
        assert!(matches!(code, Some(130 | 143)), "{code:?} {lines:?}");
        assert_eq!(place.ok(&["verify", "last.keras"]), "ok\n");
        assert_eq!(std::fs::read(place.path("out.h5")).unwrap(), b"old");
        assert_eq!(place.listing(), ["last.keras", "out.h5"]);
    }
}

#[test]
fn other_commands_end_at_once() {
    let place = Place::new();
    // A pipe that nobody writes into.
    assert!(Command::new("mkfifo").arg(place.path("x.npy")).status().unwrap().success());
    std::fs::write(place.path("y.npy"), b"old").unwrap();
    let h5 = golden("h5/k215_model.h5");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut command = listening(&place, &["predict", &h5, "--input", "x.npy", "--output", "y.npy"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Opening for writing waits until the command reads.
        let writer = std::fs::File::options().write(true).open(place.path("x.npy")).unwrap();
        send(&child, signal);
        assert_eq!(end(child), (Some(code), Vec::new()));
        drop(writer);
        assert_eq!(std::fs::read(place.path("y.npy")).unwrap(), b"old");
        assert_eq!(place.listing(), ["x.npy", "y.npy"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_switched_off_stays_off() {
    let place = Place::new();
    let (x, y, model) = (golden("cli/x.npy"), golden("cli/y.npy"), golden("cli/tune_k2.h5"));
    let mut command = Command::new("sh");
    let script =
        "trap '' INT HUP; exec \"$0\" fit \"$1\" --x \"$2\" --y \"$3\" --epochs 100000000 --output o.h5 --verbose 2";
    command.args(["-c", script, env!("CARGO_BIN_EXE_kerox"), &model, &x, &y]).current_dir(place.path(""));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&mut child, "\nEpoch 2/");
    send(&child, "-INT");
    send(&child, "-HUP");
    wait_for(&mut child, "\nEpoch 900/");
    send(&child, "-TERM");
    assert_eq!(end(child).0, Some(143));
}

#[test]
fn training_goes_on_where_nobody_reads_its_progress() {
    let place = Place::new();
    for verbose in ["1", "2"] {
        let mut child = train(&place, &["--epochs", "1000", "--verbose", verbose]);
        drop(child.stderr.take());
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(place.ok(&["verify", "out.h5"]), "ok\n");
        std::fs::remove_file(place.path("out.h5")).unwrap();
    }
}
