//! Checkpoints that are killed, fail or race at every step: the old one or the new one reads, whole.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use kerox_format_ckpt::{CheckpointReader, CheckpointState, WriteOptions, latest_checkpoint, write_bundle};
use kerox_tensor::Tensor;

/// A checkpoint whose every value is `value`, of several data files.
fn save(dir: &Path, value: f32) -> kerox_format_ckpt::Result<()> {
    let tensors: Vec<(String, Tensor)> =
        (0..5).map(|i| (format!("k{i}"), Tensor::full(value, [20_000 + i]).unwrap())).collect();
    write_bundle(dir.join("cp"), &tensors, None, &WriteOptions::new().shards(2))?;
    let state = CheckpointState {
        model_checkpoint_path: dir.join("cp").to_string_lossy().into_owned(),
        ..CheckpointState::default()
    };
    state.write(dir)
}

/// The one value of all tensors.
fn value(dir: &Path) -> f32 {
    let reader = CheckpointReader::open(dir.join("cp")).unwrap();
    let mut values: Vec<f32> =
        reader.keys().flat_map(|key| reader.get_tensor(key).unwrap().as_slice::<f32>().unwrap().to_vec()).collect();
    assert_eq!(values.len(), 100_010);
    values.dedup();
    assert_eq!(values.len(), 1, "values of two checkpoints");
    values[0]
}

fn run_child(action: &str, dir: &Path, at: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    command.env("KEROX_CKPT_CHILD", format!("{action}\n{}\n{at}", dir.display()));
    command
}

#[test]
fn child() {
    let Ok(order) = std::env::var("KEROX_CKPT_CHILD") else { return };
    let order: Vec<&str> = order.split('\n').collect();
    let [action, dir, at] = order[..] else { panic!() };
    let at = at.parse::<usize>().unwrap();
    let count = AtomicUsize::new(0);
    let kill = action == "kill";
    if action != "save" {
        kerox_fs::fault::on_step(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == at {
                if kill {
                    // Nothing runs after this: no destructor, no handler.
                    Command::new("kill").args(["-9", &std::process::id().to_string()]).status().unwrap();
                }
                return Err(std::io::Error::other("made to fail"));
            }
            Ok(())
        });
    }
    std::process::exit(i32::from(save(Path::new(dir), 2.0).is_err()));
}

fn at_every_step(action: &str) {
    let (mut old, mut new, mut done) = (0, 0, 0);
    for at in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), 1.0).unwrap();
        let status = run_child(action, dir.path(), at).output().unwrap().status;
        let now = value(dir.path());
        match now {
            1.0 => old += 1,
            2.0 => new += 1,
            other => panic!("{other}"),
        }
        assert_eq!(latest_checkpoint(dir.path()).unwrap(), Some(dir.path().join("cp")));
        save(dir.path(), 3.0).unwrap();
        assert_eq!(value(dir.path()), 3.0);
        // Two data files, the index, the state: nothing is left of the interrupted save.
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4, "{action} at step {at}");
        if status.success() {
            assert_eq!(now, 2.0);
            done += 1;
            // Steps after the commit may fail without making the save fail: a few more are tried.
            if done > 3 {
                break;
            }
        }
    }
    println!("{action}: {old} times the old checkpoint, {new} times the new one");
    assert!(old > 4 && new > 4 && done > 0, "{old} old, {new} new");
}

#[test]
fn a_kill_at_every_step_leaves_a_whole_checkpoint() {
    at_every_step("kill");
}

#[test]
fn a_failure_at_every_step_leaves_a_whole_checkpoint() {
    at_every_step("fail");
}

#[test]
fn a_full_disk_leaves_the_old_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), 1.0).unwrap();
    let inner = run_child("save", dir.path(), 0);
    // The shell lets no file grow beyond 100 blocks; with the signal ignored, writing fails.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"]);
    shell.arg(inner.get_program()).args(inner.get_args());
    shell.envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
    assert_eq!(shell.output().unwrap().status.code(), Some(1));
    assert_eq!(value(dir.path()), 1.0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
}

#[test]
fn savers_and_readers_at_one_time_see_whole_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), 0.0).unwrap();
    std::thread::scope(|scope| {
        for saver in 1..3 {
            let dir = dir.path();
            scope.spawn(move || (0..6).for_each(|round| save(dir, (saver * 100 + round) as f32).unwrap()));
        }
        for _ in 0..2 {
            let dir = dir.path();
            scope.spawn(move || (0..20).for_each(|_| _ = value(dir)));
        }
    });
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
}
