//! Bad usage, missing and damaged files, targets that cannot be written to, pipes that break, interrupts.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::{Place, Run, golden};

#[test]
fn wrong_usage_is_2() {
    let place = Place::new();
    let cases: &[&[&str]] = &[
        &["bogus"],
        &["summary"],
        &["summary", "m.h5", "--bogus"],
        &["predict", "m.h5"],
        &["predict", "m.h5", "--input", "x.npy"],
        &["predict", "m.h5", "--input", "x.npy", "--output", "y.npy", "--output-dir", "d"],
        &["predict", "m.h5", "--input", "x.npy", "--output", "y.npy", "--batch-size", "0"],
        &["evaluate", "m.h5", "--x", "x.npy"],
        &["fit", "m.h5", "--x", "x.npy", "--y", "y.npy"],
        &["fit", "m.h5", "--x", "x.npy", "--y", "y.npy", "--output", "o.h5", "--verbose", "3"],
        &["fit", "m.h5", "--x", "x.npy", "--y", "y.npy", "--output", "o.h5", "--save-freq", "often"],
        &["convert", "a.h5"],
        &["convert", "a.h5", "b", "--format", "zip"],
        &["convert", "a.h5", "b.h5", "--dtype", "int8"],
        &["diff", "a.h5"],
        &["diff", "a.h5", "b.h5", "--atol", "-1"],
        &["verify"],
        &["summary", "m.h5", "--threads", "0"],
    ];
    for args in cases {
        let error = place.fails(2, args);
        assert!(error.len() < 300, "{error}");
    }
    assert_eq!(place.run(&[]).code, Some(2));
    assert_eq!(place.listing(), Vec::<String>::new());
}

#[test]
fn help_has_examples() {
    let place = Place::new();
    assert!(place.ok(&["--version"]).starts_with("kerox "));
    let all = "summary inspect predict evaluate fit convert verify diff plot report doctor completions man";
    for command in all.split(' ') {
        let help = place.ok(&[command, "--help"]);
        let examples = help.split_once("\nExamples:\n").unwrap().1;
        assert!(examples.contains(&format!("  kerox {command}")), "{help}");
        assert!(help.contains("--threads <N>") && help.contains("--quiet"), "{help}");
    }
    // Everywhere: before and behind the command.
    let h5 = golden("h5/k215_model.h5");
    assert_eq!(place.ok(&["--threads", "1", "-q", "summary", &h5]), place.ok(&["summary", &h5, "-q", "--threads=1"]));
}

#[test]
fn what_is_missing_is_1() {
    let place = Place::new();
    let (x, h5) = (golden("cli/x.npy"), golden("h5/k215_model.h5"));
    let cases: &[&[&str]] = &[
        &["summary", "m.h5"],
        &["inspect", "m.h5", "--json"],
        &["predict", "m.h5", "--input", &x, "--output", "y.npy"],
        &["evaluate", "m.h5", "--x", &x, "--y", &x],
        &["fit", "m.h5", "--x", &x, "--y", &x, "--output", "o.h5"],
        &["convert", "m.h5", "o.h5"],
        &["verify", "m.h5", "--json"],
        &["diff", "m.h5", &h5],
    ];
    for args in cases {
        let error = place.fails(1, args);
        assert!(error.contains("`m.h5`") && error.contains("found nothing"), "{error}");
    }
    let error = place.fails(1, &["predict", &h5, "--input", "nowhere.npy", "--output", "y.npy"]);
    assert!(error.contains("nowhere.npy"), "{error}");
    let error = place.fails(1, &["predict", &h5, "--input", &golden("cli/data.npz"), "--output", "y.npy"]);
    assert!(error.contains("2 arrays: x, y"), "{error}");
    let error = place.fails(1, &["predict", &h5, "--input", &golden("cli/y.npy"), "--output", "y.npy"]);
    assert!(error.contains("expected"), "{error}");
    let error = place.fails(1, &["evaluate", &golden("cli/mlp.json"), "--x", &x, "--y", &x]);
    assert!(error.contains("expected weights"), "{error}");
    assert_eq!(place.listing(), Vec::<String>::new());
}

#[test]
fn damage_is_found_and_named() {
    let place = Place::new();
    let files = [
        "h5/k215_model.h5",
        "h5/k215_w.weights.h5",
        "keras/k315_model.keras",
        "ckpt/mlp_adam/cp.ckpt.index",
        "cli/mlp.json",
        "cli/x.npy",
    ];
    for name in files {
        let bytes = std::fs::read(golden(name)).unwrap();
        let short = name.rsplit('/').next().unwrap();
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(place.path(short), &bytes[..cut]).unwrap();
            let run = place.run(&["verify", short]);
            assert!(matches!(run.code, Some(0 | 1)) && !run.stderr.contains("panicked"), "{name} {cut}: {run:?}");
            if cut < bytes.len() - 1 {
                assert_eq!(run.code, Some(1), "{name} cut at {cut}: {run:?}");
            }
            for args in [&["summary", short] as &[&str], &["inspect", short, "--json"], &["convert", short, "o.h5"]] {
                let run = place.run(args);
                assert!(matches!(run.code, Some(0 | 1)) && !run.stderr.contains("panicked"), "{args:?}: {run:?}");
            }
        }
        std::fs::remove_file(place.path(short)).unwrap();
    }
    // A flipped bit in a tensor of a checkpoint.
    for name in ["cp.ckpt.index", "cp.ckpt.data-00000-of-00001"] {
        std::fs::copy(golden(&format!("ckpt/mlp_adam/{name}")), place.path(name)).unwrap();
    }
    let data = place.path("cp.ckpt.data-00000-of-00001");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    let run = place.run(&["verify", "cp.ckpt", "--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let found = kerox::saving::Json::parse(&run.stdout).unwrap();
    assert_eq!(found.get("ok").unwrap().as_bool(), Some(false));
    let problem = &found.get("problems").unwrap().as_list().unwrap()[0];
    assert!(problem.get("where").unwrap().as_str().unwrap().contains("VARIABLE_VALUE"), "{}", run.stdout);
    assert!(problem.get("what").unwrap().as_str().unwrap().contains("checksum"), "{}", run.stdout);
    let error = place.fails(1, &["inspect", "cp.ckpt", "--json"]);
    assert!(error.contains("checksum"), "{error}");
}

#[test]
fn hostile_files_are_refused() {
    let place = Place::new();
    for name in
        ["bad_deflate_bomb.h5", "bad_external_link.h5", "bad_hard_loop.h5", "bad_shape_bomb.h5", "bad_soft_loop.h5"]
    {
        let run = place.run(&["verify", &golden(&format!("h5/{name}"))]);
        assert!(matches!(run.code, Some(0 | 1)) && run.stderr.is_empty(), "{name}: {run:?}");
        place.fails(1, &["summary", &golden(&format!("h5/{name}"))]);
    }
}

#[test]
fn targets_are_looked_at_before_the_work() {
    let place = Place::new();
    let (x, y, h5, tune) =
        (golden("cli/x.npy"), golden("cli/y.npy"), golden("h5/k215_model.h5"), golden("cli/tune_k2.h5"));
    std::fs::write(place.path("file"), b"old").unwrap();
    std::fs::create_dir(place.path("dir")).unwrap();
    let fit = ["fit", &tune, "--x", &x, "--y", &y, "--verbose", "2"];
    let fits = |more: &[&'static str]| [&fit[..], more].concat();
    // Below a file there is no directory, and a directory is no file.
    let cases: &[Vec<&str>] = &[
        vec!["convert", &h5, "file/m.h5"],
        vec!["convert", &h5, "file/m.keras"],
        vec!["convert", &h5, "file/deep/m.ckpt"],
        vec!["convert", &h5, "file", "--format", "savedmodel"],
        vec!["convert", &h5, "dir", "--format", "h5"],
        vec!["convert", "missing.h5", "dir", "--format", "json"],
        vec!["predict", &h5, "--input", &x, "--output", "file/y.npy"],
        vec!["predict", &h5, "--input", &x, "--output", "dir"],
        vec!["predict", &h5, "--input", "missing.npy", "--output-dir", "file"],
        vec!["inspect", &h5, "--tensor", "model_weights/dense/dense/bias:0", "--output", "file/b.npy"],
        vec!["plot", &h5, "-o", "dir"],
        fits(&["--output", "file/m.h5"]),
        fits(&["--output", "dir/m.keras", "--history", "dir"]),
        fits(&["--output", "dir/m.keras", "--history", "file/h.json"]),
        fits(&["--output", "dir/m.keras", "--csv-log", "file/log.csv"]),
        fits(&["--output", "dir/m.keras", "--tensorboard", "file"]),
        fits(&["--output", "dir/m.keras", "--resume", "file/backup"]),
        fits(&["--output", "dir/m.keras", "--checkpoint", "file/cp-{epoch}.ckpt"]),
        fits(&["--output", "file"]),
    ];
    for args in cases {
        let error = place.fails(1, args);
        let is_target = ["`file`", "`dir`", "`file/"].iter().any(|name| error.contains(name));
        assert!(is_target && !error.contains("missing"), "{args:?}: {error}");
        assert_eq!(std::fs::read(place.path("file")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(place.path("dir")).unwrap().count(), 0, "{args:?}");
    }
    let error = place.fails(2, &fits(&["--output", "m.json"]));
    assert!(error.contains("expected a format that holds weights"), "{error}");
    std::fs::remove_dir(place.path("dir")).unwrap();
    // A source that cannot be read leaves the target alone.
    std::fs::write(place.path("m.h5"), b"old").unwrap();
    place.fails(1, &["convert", "nothing.h5", "m.h5"]);
    assert_eq!(std::fs::read(place.path("m.h5")).unwrap(), b"old");
    assert_eq!(place.listing(), ["file", "m.h5"]);
}

#[cfg(unix)]
#[test]
fn read_only_targets_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    std::fs::create_dir(place.path("dir")).unwrap();
    std::fs::set_permissions(place.path("dir"), PermissionsExt::from_mode(0o555)).unwrap();
    if std::fs::write(place.path("dir/probe"), b"").is_ok() {
        println!("SKIPPED: this user may write everywhere");
        return;
    }
    let h5 = golden("h5/k215_model.h5");
    for target in ["dir/m.h5", "dir/m.ckpt", "dir/new/m.keras"] {
        let error = place.fails(1, &["convert", &h5, target]);
        assert!(error.contains("expected a writable directory, found it read-only"), "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let place = Place::new();
    let h5 = golden("h5/k215_model.h5");
    for args in [&["inspect", &h5, "--json"] as &[&str], &["summary", &h5]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = place.command(args).stdout(full).output().unwrap();
        let run = Run::of(&output);
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.starts_with("error: write to the standard output: No space left"), "{}", run.stderr);
    }
}

/// A small file system of its own, where this user may make one.
#[cfg(target_os = "linux")]
struct SmallDisk(Place);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn new(size: &str) -> Option<SmallDisk> {
        let place = Place::new();
        std::fs::create_dir(place.path("disk")).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "kerox-test"]).arg(place.path("disk"));
        match mount.output() {
            Ok(output) if output.status.success() => Some(SmallDisk(place)),
            _ => {
                println!("SKIPPED: this user may mount no file system");
                None
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path("disk")).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn every_command_on_a_full_disk_leaves_what_was_there() {
    let Some(disk) = SmallDisk::new("64k") else { return };
    let place = &disk.0;
    let (x, y, tune) = (golden("cli/x.npy"), golden("cli/y.npy"), golden("cli/tune_k2.h5"));
    let h5 = golden("h5/k215_model.h5");
    // All but a page of the disk is taken.
    std::fs::write(place.path("disk/old.h5"), b"old").unwrap();
    let mut taken = Vec::new();
    while std::fs::write(place.path(&format!("disk/{}", taken.len())), [0; 4096]).is_ok() {
        taken.push(());
    }
    let names = || {
        let entries = std::fs::read_dir(place.path("disk")).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = names();
    let big = "model_weights/dense/dense/kernel:0";
    let cases: &[&[&str]] = &[
        &["convert", &h5, "disk/old.h5"],
        &["convert", &h5, "disk/m.keras"],
        &["convert", &h5, "disk/m.safetensors"],
        &["convert", &h5, "disk/m.ckpt"],
        &["convert", &h5, "disk/m.json"],
        &["convert", &h5, "disk/m.weights.h5"],
        &["convert", &h5, "disk/served", "--format", "savedmodel"],
        &["predict", &h5, "--input", &x, "--output", "disk/y.npy"],
        &["predict", &h5, "--input", &x, "--output-dir", "disk/out"],
        &["inspect", &h5, "--tensor", big, "--output", "disk/k.npy"],
        &["fit", &tune, "--x", &x, "--y", &y, "--output", "disk/old.h5"],
        &["fit", &tune, "--x", &x, "--y", &y, "--output", "m.h5", "--checkpoint", "disk/cp.keras"],
        &["fit", &tune, "--x", &x, "--y", &y, "--output", "m.h5", "--resume", "disk/backup"],
        &["plot", &h5, "-o", "disk/m.svg"],
        &["man", "--output-dir", "disk/man"],
    ];
    for args in cases {
        let error = place.fails(1, args);
        assert!(error.contains("No space left") && error.contains("disk"), "{args:?}: {error}");
        assert_eq!(std::fs::read(place.path("disk/old.h5")).unwrap(), b"old", "{args:?}");
        assert!(!place.path("m.h5").exists());
        let after: Vec<String> =
            names().into_iter().filter(|name| !["man", "out", "backup"].contains(&&**name)).collect();
        assert_eq!(after, before, "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_grow_no_further_is_said() {
    let place = Place::new();
    let h5 = golden("h5/k215_model.h5");
    // The system gives no more than a limit of bytes to a file.
    let mut command = std::process::Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" convert \"$1\" out.h5";
    command.args(["-c", script, env!("CARGO_BIN_EXE_kerox"), &h5]).current_dir(place.path(""));
    std::fs::write(place.path("out.h5"), b"old").unwrap();
    let run = Run::of(&command.output().unwrap());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains("out.h5"), "{}", run.stderr);
    assert_eq!(std::fs::read(place.path("out.h5")).unwrap(), b"old");
    assert_eq!(place.listing(), ["out.h5"]);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let place = Place::new();
    // More than a pipe holds.
    let h5 = golden("h5/odd.h5");
    let mut child =
        place.command(&["inspect", &h5, "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn training_can_be_compiled_checkpointed_and_resumed() {
    let place = Place::new();
    let (x, y, json) = (golden("cli/x.npy"), golden("cli/y.npy"), golden("cli/mlp.json"));
    let error = place.fails(1, &["fit", &json, "--x", &x, "--y", &y, "--output", "o.keras"]);
    assert!(error.ends_with("expected a compiled model, found one without a loss"), "{error}");
    let loss = r#"{"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": true}}"#;
    let sgd = r#"{"class_name": "SGD", "config": {"learning_rate": 0.05}}"#;
    let common = ["fit", &json, "--x", &x, "--y", &y, "--loss", loss, "--metrics", "accuracy", "--seed", "3", "-q"];
    let with = |more: &[&str]| place.ok(&[&common[..], more].concat());
    with(&["--optimizer", sgd, "--epochs", "2", "--output", "a.keras", "--checkpoint", "cp-{epoch:02d}.ckpt"]);
    assert!(place.path("cp-01.ckpt.index").is_file() && place.path("cp-02.ckpt.index").is_file());
    with(&["--optimizer", sgd, "--epochs", "2", "--output", "b.keras", "--checkpoint", "best-{epoch}.keras"]);
    assert!(place.path("best-1.keras").is_file() && place.path("best-2.keras").is_file());
    // The same seed gives the same numbers.
    assert_eq!(place.ok(&["diff", "a.keras", "b.keras", "-q"]), "");
    assert_eq!(place.ok(&["diff", "b.keras", "best-2.keras", "-q"]), "");
    let best = ["--epochs", "3", "--checkpoint", "best.keras", "--save-best-only", "--monitor", "loss"];
    with(&[&best[..], &["--optimizer", "adam", "--output", "c.keras", "--early-stopping", "1"]].concat());
    assert!(place.path("best.keras").is_file());
    let error = place.fails(1, &[&common[..], &["--optimizer", "adm", "--output", "d.keras"]].concat());
    assert!(error.contains("adm"), "{error}");
    let error = place.fails(2, &[&common[..], &["--optimizer", "{", "--output", "d.keras"]].concat());
    assert!(error.contains("`--optimizer`"), "{error}");
    with(&["--optimizer", "adam", "--resume", "backup", "--epochs", "2", "--output", "e.keras", "--history", "h.json"]);
    assert_eq!(std::fs::read_to_string(place.path("h.json")).unwrap().matches(',').count(), 3);
}
