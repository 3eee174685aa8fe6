//! Saves that are killed, fail or race at every step leave old or new content.
#![cfg(unix)]

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kerox_fs::{AtomicDir, AtomicFile, Error, FileSet, SaveOptions, Snapshot, fault, write_file};

/// What the scenarios save, each over content `old` of the same layout.
const SCENARIOS: [&str; 5] = ["file", "set", "dir", "dir-with-foreign-entries", "new-dir"];

fn save(scenario: &str, dir: &Path, content: &str) -> kerox_fs::Result<()> {
    let options = SaveOptions::new();
    let write = |path: PathBuf| fs::write(path, content).unwrap();
    match scenario {
        "file" => write_file(dir.join("a.h5"), content.as_bytes(), &options),
        "set" => {
            let mut set = FileSet::create(dir, "cp", &options)?;
            for name in ["cp.data-00000-of-00001", "cp.index", "checkpoint"] {
                write(set.file(name)?);
            }
            set.remove("cp.data-00001-of-00002")?;
            set.commit()
        }
        _ => {
            let new = AtomicDir::create(dir.join("model"), &options)?.owns(["saved_model.pb", "variables", "assets"]);
            fs::create_dir(new.path().join("variables")).unwrap();
            write(new.path().join("variables/variables.index"));
            write(new.path().join("saved_model.pb"));
            new.commit()
        }
    }
}

fn prepare(scenario: &str, dir: &Path) {
    if scenario == "new-dir" {
        return;
    }
    save(scenario, dir, "old").unwrap();
    if scenario == "set" {
        fs::write(dir.join("cp.data-00001-of-00002"), "old").unwrap();
    }
    if scenario == "dir-with-foreign-entries" {
        fs::write(dir.join("model/notes.txt"), "mine").unwrap();
        fs::create_dir(dir.join("model/assets")).unwrap();
        fs::write(dir.join("model/assets/vocabulary"), "old").unwrap();
    }
}

/// Everything that is there, by relative path, as a reader sees it.
fn content(scenario: &str, dir: &Path) -> Vec<(String, String)> {
    fn walk(base: &Path, dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if path.is_dir() {
                walk(base, &path, found);
            } else {
                let name = path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    let _ = scenario;
    let _snapshot = Snapshot::of(dir);
    let mut found = Vec::new();
    walk(dir, dir, &mut found);
    found.sort();
    found
}

fn hidden(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).unwrap().flatten().map(|e| e.path());
    names.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with('.')).collect()
}

/// Runs the test `child` of this binary in another process.
fn run_child(action: &str, scenario: &str, dir: &Path, at: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    command.env("KEROX_FS_CHILD", format!("{action}\n{scenario}\n{}\n{at}", dir.display()));
    command
}

#[test]
fn child() {
    let Ok(order) = std::env::var("KEROX_FS_CHILD") else { return };
    let order: Vec<&str> = order.split('\n').collect();
    let [action, scenario, dir, at] = order[..] else { panic!() };
    let (dir, at) = (Path::new(dir), at.parse::<usize>().unwrap());
    let count = AtomicUsize::new(0);
    match action {
        "kill" => fault::on_step(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == at {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            }
            Ok(())
        }),
        "fail" => fault::on_step(move |step| {
            if count.fetch_add(1, Ordering::SeqCst) == at {
                return Err(std::io::Error::other(format!("made to fail at `{step}`")));
            }
            Ok(())
        }),
        "abandon" => fault::on_step(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == at {
                TOLD.store(true, Ordering::SeqCst);
                std::thread::spawn(|| {
                    kerox_fs::abandon_saves();
                    std::process::exit(130);
                });
                // Before or after the next step: both must do.
                std::thread::sleep(std::time::Duration::from_millis(at as u64 % 3));
            }
            Ok(())
        }),
        _ => {}
    }
    let result = save(scenario, dir, if action == "large" { LARGE } else { "new" });
    while TOLD.load(Ordering::SeqCst) {
        std::thread::park();
    }
    std::process::exit(i32::from(result.is_err()));
}

/// The child has been told to end; the thread that was told ends it.
static TOLD: AtomicBool = AtomicBool::new(false);

const LARGE: &str = match std::str::from_utf8(&[b'x'; 100_000]) {
    Ok(text) => text,
    Err(_) => "",
};

fn at_every_step(action: &str, interrupted: impl Fn(ExitStatus) -> bool) {
    for scenario in SCENARIOS {
        let fresh = tempfile::tempdir().unwrap();
        prepare(scenario, fresh.path());
        let old = content(scenario, fresh.path());
        save(scenario, fresh.path(), "new").unwrap();
        let new = content(scenario, fresh.path());
        let (mut steps, mut seen_old, mut seen_new) = (0, 0, 0);
        loop {
            let dir = tempfile::tempdir().unwrap();
            prepare(scenario, dir.path());
            let status = run_child(action, scenario, dir.path(), steps).output().unwrap().status;
            let now = content(scenario, dir.path());
            match () {
                () if now == old => seen_old += 1,
                () if now == new => seen_new += 1,
                () => panic!("{scenario} {action} at step {steps}: {now:?}"),
            }
            if action == "abandon" {
                assert_eq!(hidden(dir.path()), Vec::<PathBuf>::new(), "{scenario} {action} at step {steps}");
            }
            // The next save works and leaves nothing of the interrupted one.
            save(scenario, dir.path(), "new").unwrap();
            assert_eq!(content(scenario, dir.path()), new, "{scenario} {action} at step {steps}");
            assert_eq!(hidden(dir.path()), Vec::<PathBuf>::new(), "{scenario} {action} at step {steps}");
            steps += 1;
            if status.success() {
                if interrupted(status) || steps > 60 {
                    panic!("{scenario}: never came to an end");
                }
                // Failing steps after the commit do not fail the save: go on until no step is left.
                if action != "fail" || steps > 25 {
                    break;
                }
            } else {
                assert!(interrupted(status), "{scenario} {action} at step {steps}: {status}");
            }
        }
        assert!(seen_old > 1 && seen_new > 0, "{scenario}: {seen_old} old, {seen_new} new");
        println!("{scenario}: {action} at {steps} steps, {seen_old} times old content, {seen_new} times new");
    }
}

#[test]
fn a_kill_at_every_step_leaves_old_or_new() {
    at_every_step("kill", |status| status.signal() == Some(9));
}

#[test]
fn an_end_at_every_step_leaves_old_or_new_and_nothing_beside() {
    at_every_step("abandon", |status| status.code() == Some(130));
}

#[test]
fn a_failure_at_every_step_leaves_old_or_new() {
    at_every_step("fail", |status| status.code() == Some(1));
}

#[test]
fn a_full_disk_leaves_the_old_content() {
    let scenario = "file";
    let dir = tempfile::tempdir().unwrap();
    prepare(scenario, dir.path());
    let inner = run_child("large", scenario, dir.path(), 0);
    // The shell lets no file grow beyond 4 blocks; with the signal ignored, writing fails.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh"]);
    shell.arg(inner.get_program()).args(inner.get_args());
    shell.envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
    assert_eq!(shell.output().unwrap().status.code(), Some(1));
    assert_eq!(content(scenario, dir.path()), [("a.h5".to_string(), "old".to_string())]);
    assert!(hidden(dir.path()).is_empty());
}

#[test]
fn concurrent_savers_leave_one_whole_set() {
    let dir = tempfile::tempdir().unwrap();
    prepare("set", dir.path());
    std::thread::scope(|scope| {
        for saver in 0..4 {
            let dir = dir.path();
            scope.spawn(move || {
                for round in 0..8 {
                    save("set", dir, &format!("{saver}/{round}")).unwrap();
                    let snapshot = Snapshot::of(dir);
                    let read = |name| fs::read_to_string(snapshot.path(name)).unwrap();
                    let data = read("cp.data-00000-of-00001");
                    assert_eq!((&read("cp.index"), &read("checkpoint")), (&data, &data));
                }
            });
        }
    });
    assert!(hidden(dir.path()).is_empty());
}

#[test]
fn of_concurrent_savers_that_may_not_overwrite_one_wins() {
    for scenario in ["file", "set", "dir"] {
        let dir = tempfile::tempdir().unwrap();
        let wins = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for saver in 0..8 {
                let (dir, wins) = (dir.path(), &wins);
                scope.spawn(move || {
                    let options = SaveOptions::new().overwrite(false);
                    let text = saver.to_string();
                    let result = match scenario {
                        "file" => write_file(dir.join("a"), text.as_bytes(), &options),
                        "set" => FileSet::create(dir, "a", &options).and_then(|mut set| {
                            fs::write(set.file("a.data")?, &text).unwrap();
                            fs::write(set.file("a.index")?, &text).unwrap();
                            set.commit()
                        }),
                        _ => AtomicDir::create(dir.join("a"), &options).and_then(|new| {
                            fs::write(new.path().join("x"), &text).unwrap();
                            new.commit()
                        }),
                    };
                    match result {
                        Ok(()) => _ = wins.fetch_add(1, Ordering::SeqCst),
                        Err(Error::Exists { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                });
            }
        });
        assert_eq!(wins.into_inner(), 1, "{scenario}");
        assert!(hidden(dir.path()).is_empty());
    }
}

#[test]
fn links_and_permissions_of_the_target_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("elsewhere/real.h5"), dir.path().join("link.h5"));
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    symlink("elsewhere/real.h5", &link).unwrap();
    // A dangling link first, then an existing file.
    for text in ["one", "two"] {
        write_file(&link, text.as_bytes(), &SaveOptions::new()).unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), text);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    }
    write_file(&link, b"three", &SaveOptions::new()).unwrap();
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(hidden(&dir.path().join("elsewhere")).is_empty());

    // The same for a set, one of whose files is a link.
    let index = dir.path().join("cp.index");
    symlink("elsewhere/index", &index).unwrap();
    save("set", dir.path(), "set").unwrap();
    assert!(fs::symlink_metadata(&index).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(dir.path().join("elsewhere/index")).unwrap(), "set");

    // And for a directory.
    fs::create_dir(dir.path().join("real_model")).unwrap();
    fs::set_permissions(dir.path().join("real_model"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("real_model", dir.path().join("model")).unwrap();
    save("dir", dir.path(), "dir").unwrap();
    assert!(fs::symlink_metadata(dir.path().join("model")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(dir.path().join("real_model/saved_model.pb")).unwrap(), "dir");
    assert_eq!(fs::metadata(dir.path().join("real_model")).unwrap().permissions().mode() & 0o777, 0o750);
}

#[test]
fn targets_of_another_kind_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "x").unwrap();
    let options = SaveOptions::new();
    let kind = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Kind { .. })), "{result:?}");
    kind(write_file(dir.path(), b"", &options));
    kind(write_file("/dev/null", b"", &options));
    kind(AtomicDir::create(dir.path().join("file"), &options).map(|_| ()));
    kind(AtomicDir::create("/", &options).map(|_| ()));
    kind(FileSet::create(dir.path().join("file"), "cp", &options).map(|_| ()));
    let mut set = FileSet::create(dir.path(), "cp", &options).unwrap();
    assert!(matches!(set.file("../escape"), Err(Error::Name { .. })));
    assert!(matches!(
        write_file(dir.path().join("no/such"), b"", &options.create_parents(false)),
        Err(Error::Io { .. })
    ));
}

#[test]
fn a_file_dropped_before_its_commit_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = AtomicFile::create(dir.path().join("a"), &SaveOptions::new()).unwrap();
    file.write_all(b"half").unwrap();
    drop(file);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_large_file_for_which_room_is_made_has_its_length_and_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large");
    let part: Vec<u8> = (0..3_000_001u32).map(|i| (i % 251) as u8).collect();
    for durable in [true, false] {
        let mut file = AtomicFile::create(&path, &SaveOptions::new().durable(durable)).unwrap();
        let mut expected = Vec::new();
        for piece in [&part[..100], &part, &part[..7], &part, b"end"] {
            file.write_all(piece).unwrap();
            expected.extend_from_slice(piece);
        }
        file.seek(SeekFrom::Start(50)).unwrap();
        file.write_all(b"patched").unwrap();
        expected[50..57].copy_from_slice(b"patched");
        file.commit().unwrap();
        assert!(fs::read(&path).unwrap() == expected, "durable: {durable}");
        let taken = fs::metadata(&path).unwrap().blocks() * 512;
        assert!(taken < expected.len() as u64 + (1 << 20), "{taken} bytes taken for {}", expected.len());
    }
}

#[test]
fn a_committed_set_in_a_read_only_directory_is_read_where_it_lies() {
    let dir = tempfile::tempdir().unwrap();
    prepare("set", dir.path());
    // The step after the commit: nothing is in place yet.
    let committed = (0..40).find(|&at| {
        prepare("set", dir.path());
        run_child("kill", "set", dir.path(), at).output().unwrap();
        hidden(dir.path()).iter().any(|p| p.join("COMMIT").exists())
    });
    assert!(committed.is_some());
    let stuck = hidden(dir.path()).pop().unwrap();
    // A directory in the way of the first rename makes finishing impossible, for root too.
    fs::create_dir_all(stuck.join("old/cp.data-00000-of-00001/x")).unwrap();
    fs::remove_file(dir.path().join("cp.data-00000-of-00001")).unwrap();
    fs::create_dir_all(dir.path().join("cp.data-00000-of-00001/y")).unwrap();
    let snapshot = Snapshot::of(dir.path());
    assert_eq!(fs::read_to_string(snapshot.path("cp.index")).unwrap(), "new");
    assert_eq!(fs::read_to_string(snapshot.path("cp.data-00000-of-00001")).unwrap(), "new");
}

#[test]
fn read_only_files_and_directories_are_refused_and_stay() {
    let dir = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    prepare("file", dir.path());
    fs::set_permissions(dir.path().join("a.h5"), fs::Permissions::from_mode(0o444)).unwrap();
    let mut command = run_child("save", "file", dir.path(), 0);
    if rustix::process::geteuid().is_root() {
        // Root may write everything: the child becomes nobody.
        command.uid(65534).gid(65534);
    }
    match command.output() {
        Ok(output) => assert_eq!(output.status.code(), Some(1)),
        Err(error) => println!("skipped: cannot run as another user: {error}"),
    }
    assert_eq!(fs::read_to_string(dir.path().join("a.h5")).unwrap(), "old");
    assert!(hidden(dir.path()).is_empty());
}
