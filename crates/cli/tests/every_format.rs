//! Every command on files of every format that real Keras and TensorFlow wrote.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Place, array, assert_close, golden, numbers};
use kerox::saving::Json;

/// Whole models of one architecture: 8-6-4.
const MODELS: &[&str] = &[
    "h5/k215_model.h5",
    "h5/k215_legacy_adam_model.h5",
    "h5/k315_model.h5",
    "keras/k215_model.keras",
    "keras/k315_model.keras",
    "savedmodel/mlp",
];

/// Weights alone of that architecture.
const WEIGHTS: &[&str] = &[
    "h5/k215_weights.h5",
    "h5/k215_w.weights.h5",
    "h5/k315_w.weights.h5",
    "keras/sharded.weights.json",
    "ckpt/mlp_adam/cp.ckpt",
    "ckpt/mlp_adam",
    "ckpt/mlp_adam/cp.ckpt.index",
    "ckpt/mlp_legacy_adam/cp.ckpt",
];

/// What holds neither: tensors, architectures, graphs.
const OTHERS: &[&str] = &[
    "cli/mlp.json",
    "ckpt/layer",
    "ckpt/tables/d",
    "ckpt/tables/merged",
    "h5/odd.h5",
    "h5/odd_latest.h5",
    "h5/odd_user_block.h5",
    "savedmodel/custom",
    "savedmodel/module",
    "savedmodel/subclassed",
    "savedmodel/tf1",
];

fn tensors(place: &Place, path: &str) -> BTreeMap<String, String> {
    let found = place.json(&["inspect", path, "--json"]);
    let list = found.get("tensors").unwrap().as_list().unwrap();
    let text = |tensor: &Json, key: &str| tensor.get(key).unwrap().as_str().unwrap().to_owned();
    list.iter().map(|tensor| (text(tensor, "name"), text(tensor, "sha256"))).collect()
}

#[test]
fn every_file_is_inspected_verified_and_equal_to_itself() {
    let place = Place::new();
    for name in [MODELS, WEIGHTS, OTHERS].concat() {
        let path = golden(name);
        let listing = place.ok(&["inspect", &path]);
        for (tensor, _) in tensors(&place, &path) {
            assert!(listing.contains(&tensor), "{name}: {listing}");
        }
        assert_eq!(place.ok(&["verify", &path]), "ok\n", "{name}");
        assert_eq!(place.ok(&["diff", &path, &path]), "equal\n", "{name}");
    }
    assert_eq!(place.listing(), Vec::<String>::new());
}

#[test]
fn models_and_weights_are_summed_up_run_trained_and_drawn() {
    let place = Place::new();
    let (json, x, y) = (golden("cli/mlp.json"), golden("cli/x.npy"), golden("cli/y.npy"));
    let mut cases: Vec<Vec<String>> = MODELS.iter().map(|name| vec![golden(name)]).collect();
    cases.extend(WEIGHTS.iter().map(|name| vec![json.clone(), "--weights".into(), golden(name)]));
    for model in cases {
        let model: Vec<&str> = model.iter().map(String::as_str).collect();
        // An optimizer of another generation goes on without a part of its state, and says so.
        let is_legacy = model.iter().any(|word| word.contains("legacy") && word.contains("ckpt"));
        let run = |command: &str, more: &[&str]| {
            let run = place.run(&[&[command], &model[..], more].concat());
            let warned = run.stderr.starts_with("warning: the optimizer goes on without some of its state");
            let is_quiet = run.stderr.is_empty() || (is_legacy && command == "fit" && warned);
            assert!(run.code == Some(0) && is_quiet, "{command} {model:?}: {run:?}");
            run.stdout
        };
        assert!(run("summary", &[]).contains("Total params: 82 "), "{model:?}");
        run("plot", &["-o", "m.svg"]);
        run("predict", &["--input", &x, "--output", "before.npy"]);
        let before = array(place.path("before.npy"));
        // Steps of length 0, for some of the models forget at random; and the model's own outputs are the targets.
        let compiled = ["--optimizer", "adam", "--loss", "mse", "--learning-rate", "0"];
        std::fs::copy(place.path("before.npy"), place.path("target.npy")).unwrap();
        run("fit", &[&["--x", &x, "--y", "target.npy", "--output", "same.keras", "-q"], &compiled[..]].concat());
        place.ok(&["predict", "same.keras", "--input", &x, "--output", "after.npy"]);
        assert_close(&array(place.path("after.npy")), &before, 1e-6, &format!("{model:?}"));
        let loss = place.json(&["evaluate", "same.keras", "--x", &x, "--y", "target.npy", "--json"]);
        assert!(loss.get("loss").unwrap().as_f64().unwrap() < 1e-10, "{model:?}");
        // Targets that it has to learn.
        let labels = [
            "--x",
            &x,
            "--y",
            &y,
            "--epochs",
            "30",
            "--seed",
            "3",
            "--output",
            "tuned.h5",
            "--history",
            "h.json",
            "-q",
        ];
        let loss = r#"{"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": true}}"#;
        run("fit", &[&labels[..], &["--optimizer", "adam", "--loss", loss, "--learning-rate", "0.02"]].concat());
        let history = Json::parse(&std::fs::read_to_string(place.path("h.json")).unwrap()).unwrap();
        let losses = numbers(history.get("loss").unwrap());
        assert!(losses.len() == 30 && losses[29] < losses[0], "{model:?}: {losses:?}");
        assert_eq!(place.ok(&["verify", "tuned.h5"]), "ok\n");
        let run = place.run(&["diff", model[0], "tuned.h5"]);
        assert_eq!(run.code, Some(1), "{model:?}: {run:?}");
        // For serving.
        place.ok(&["convert", "tuned.h5", "served", "--format", "savedmodel"]);
        assert_eq!(place.ok(&["verify", "served"]), "ok\n");
        place.ok(&["predict", "tuned.h5", "--input", &x, "--output", "a.npy"]);
        place.ok(&["predict", "served", "--signature", "serving_default", "--input", &x, "--output", "b.npy"]);
        assert_close(&array(place.path("b.npy")), &array(place.path("a.npy")), 1e-6, "served");
    }
}

#[test]
fn compiled_models_are_trained_on_from_every_format() {
    let place = Place::new();
    let (x, y) = (golden("cli/x.npy"), golden("cli/y.npy"));
    for name in MODELS {
        let model = golden(name);
        let args = [
            "--x",
            &x,
            "--y",
            &y,
            "--epochs",
            "2",
            "--no-shuffle",
            "--learning-rate",
            "0.01",
            "--seed",
            "7",
            "--output",
        ];
        for target in ["t.keras", "t.h5", "t.safetensors", "t.weights.h5", "t.ckpt", "t"] {
            let text = place.ok(&[&["fit", &model], &args[..], &[target]].concat());
            assert!(text.starts_with("2 epochs, loss: "), "{name} {target}: {text}");
            assert_eq!(place.ok(&["verify", target]), "ok\n", "{name} {target}");
        }
        // The same training from the same start: the same weights and the same state in every format. Legacy optimizers
        // are written as what they are, or as what they have become.
        let others = ["t.h5", "t.safetensors", "t.weights.h5", "t.ckpt", "t"];
        for other in others {
            let found = place.run(&["diff", "t.keras", other, "--json"]);
            assert_eq!(found.code, Some(0), "{name} {other}: {}", found.stdout);
        }
    }
}

#[test]
fn weights_alone_are_converted_as_far_as_names_allow() {
    let place = Place::new();
    let (json, x) = (golden("cli/mlp.json"), golden("cli/x.npy"));
    let ckpt = golden("ckpt/mlp_adam/cp.ckpt");
    for source in ["ckpt/mlp_adam/cp.ckpt", "ckpt/mlp_legacy_adam/cp.ckpt", "h5/k215_weights.h5"] {
        let path = golden(source);
        place.ok(&["predict", &json, "--weights", &path, "--input", &x, "--output", "y.npy"]);
        let expected = array(place.path("y.npy"));
        for target in ["w.ckpt", "w.weights.h5", "w.h5", "w.safetensors", "w.weights.json"] {
            let run = place.run(&["convert", &path, target]);
            let same_kind = source.starts_with("ckpt") && target == "w.ckpt";
            let is_lost = source.starts_with("ckpt") && !same_kind;
            assert_eq!((run.code, run.stderr.is_empty()), (Some(0), !is_lost), "{source} {target}: {run:?}");
            if is_lost {
                assert!(run.stderr.starts_with("warning: the optimizer's state"), "{run:?}");
                let error = place.fails(1, &["convert", &path, "strict.h5", "--strict"]);
                assert!(error.contains("expected everything to be carried over"), "{error}");
                place.ok(&["convert", &path, target, "--no-optimizer", "--strict"]);
            }
            assert_eq!(place.ok(&["verify", target]), "ok\n", "{target}");
            place.ok(&["predict", &json, "--weights", target, "--input", &x, "--output", "y.npy"]);
            assert_close(&array(place.path("y.npy")), &expected, 0.0, &format!("{source} {target}"));
        }
        // Checkpoint to checkpoint: every tensor but the graph of objects as it was, in as many files as wanted.
        if source.starts_with("ckpt") {
            place.ok(&["convert", &path, "w.ckpt", "--shards", "3"]);
            let (mut before, mut after) = (tensors(&place, &path), tensors(&place, "w.ckpt"));
            before.remove("_CHECKPOINTABLE_OBJECT_GRAPH");
            after.remove("_CHECKPOINTABLE_OBJECT_GRAPH");
            assert_eq!(after, before);
            assert_eq!(place.ok(&["diff", &path, "w.ckpt"]), "equal\n");
            place.ok(&["convert", &path, "w.ckpt", "--no-optimizer"]);
            let run = place.run(&["diff", &path, "w.ckpt"]);
            assert_eq!(run.code, Some(1));
            let lines: Vec<&str> = run.stdout.lines().collect();
            assert!(
                lines.iter().all(|line| line.contains(": optimizer/") || line.contains("OPTIMIZER_SLOT")),
                "{lines:?}"
            );
        }
    }
    // The bytes are those of the source.
    place.ok(&["convert", &ckpt, "w.h5", "--no-optimizer"]);
    let (before, after) = (tensors(&place, &ckpt), tensors(&place, "w.h5"));
    let key = "layer_with_weights-1/kernel/.ATTRIBUTES/VARIABLE_VALUE";
    assert_eq!(after["dense_1/dense_1/kernel:0"], before[key]);
    // Half as large.
    place.ok(&["convert", &ckpt, "half.safetensors", "--no-optimizer", "--dtype", "float16"]);
    let found = place.json(&["inspect", "half.safetensors", "--json"]);
    let types = found.get("tensors").unwrap().as_list().unwrap().iter();
    assert!(
        types.clone().count() == 4 && types.into_iter().all(|t| t.get("dtype").unwrap().as_str() == Some("float16"))
    );
}

#[test]
fn what_names_do_not_say_is_refused_with_what_to_give() {
    let place = Place::new();
    let tree = golden("h5/k215_w.weights.h5");
    for target in ["w.h5", "w.ckpt", "w.safetensors"] {
        let run = place.run(&["convert", &tree, target]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("expected the names of layers and their order"), "{run:?}");
        assert!(run.stderr.contains("help: give the architecture") && run.stderr.contains("`--weights`"), "{run:?}");
        // That is enough.
        place.ok(&["convert", &golden("cli/mlp.json"), target, "--weights", &tree, "--weights-only"]);
    }
    for target in ["m.keras", "m.json"] {
        let error = place.fails(1, &["convert", &tree, target]);
        assert!(error.contains("expected an architecture, to write "), "{error}");
    }
    let error = place.fails(1, &["convert", &tree, "served"]);
    assert!(error.contains("expected an architecture, to write SavedModel"), "{error}");
    let error = place.fails(1, &["convert", &golden("ckpt/layer"), "w.h5"]);
    assert!(error.contains("expected the layers of a Sequential or functional model"), "{error}");
    let error = place.fails(1, &["convert", &golden("ckpt/tables/d"), "w.h5"]);
    assert!(error.contains("expected a graph of objects"), "{error}");
    // Neither do they suffice to compare.
    let error = place.fails(1, &["diff", &golden("ckpt/layer"), &tree]);
    assert!(error.starts_with("error: compare "), "{error}");
    // A type that TensorFlow would not load.
    for (source, target) in
        [("h5/k215_model.h5", "w.ckpt"), ("ckpt/mlp_adam", "w2.ckpt"), ("cli/tune_k2.keras", "served")]
    {
        let error = place.fails(1, &["convert", &golden(source), target, "--dtype", "float16"]);
        assert!(
            error.contains("expected weights as they are (float32)") && error.ends_with("found the type float16"),
            "{error}"
        );
        place.ok(&["convert", &golden(source), target, "--dtype", "float32"]);
    }
}

#[test]
fn differences_are_found_across_formats() {
    let place = Place::new();
    let source = golden("cli/tune_k2.h5");
    let forms = ["m.keras", "m.safetensors", "m.h5", "m", "m.ckpt", "m.weights.h5"];
    for target in forms {
        place.ok(&["convert", &source, target]);
        assert_eq!(place.ok(&["diff", &source, target]), "equal\n", "{target}");
        assert_eq!(place.ok(&["diff", target, &source]), "equal\n", "{target}");
    }
    place.ok(&["convert", &source, "k3.keras", "--dialect", "keras3"]);
    assert_eq!(place.ok(&["diff", &source, "k3.keras"]), "equal\n");
    // A step more: weights and state differ wherever they are.
    let (x, y) = (golden("cli/x.npy"), golden("cli/y.npy"));
    place.ok(&["fit", &source, "--x", &x, "--y", &y, "--output", "next.keras", "-q"]);
    for target in forms.into_iter().chain(["k3.keras"]) {
        let run = place.run(&["diff", target, "next.keras", "--json"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let found = Json::parse(&run.stdout).unwrap();
        let names: Vec<&str> = found
            .get("different")
            .unwrap()
            .as_list()
            .unwrap()
            .iter()
            .map(|d| d.get("name").unwrap().as_str().unwrap())
            .collect();
        assert!(names.contains(&"optimizer/vars/0") && names.len() > 4, "{target}: {names:?}");
        for key in ["only_in_a", "only_in_b", "architecture"] {
            assert_eq!(found.get(key).unwrap().as_list().unwrap().len(), 0, "{target} {key}: {}", run.stdout);
        }
    }
    // A state that is only here.
    place.ok(&["convert", &source, "bare.keras", "--no-optimizer"]);
    let run = place.run(&["diff", &source, "bare.keras"]);
    assert_eq!(run.code, Some(1));
    let only = format!("only in {source}: optimizer/vars/");
    assert!(run.stdout.lines().all(|line| line.starts_with(&only)) && run.stdout.lines().count() > 4, "{}", run.stdout);
    // What one says and the other leaves to the default is no difference; what they say differently is.
    let text = std::fs::read_to_string(golden("cli/mlp.json")).unwrap();
    let short = text.replacen("\"use_bias\": true, ", "", 1);
    let other = text.replacen("\"relu\"", "\"tanh\"", 1);
    assert!(short != text && other != text);
    std::fs::write(place.path("short.json"), short).unwrap();
    std::fs::write(place.path("other.json"), other).unwrap();
    assert_eq!(place.ok(&["diff", &golden("cli/mlp.json"), "short.json"]), "equal\n");
    let run = place.run(&["diff", "short.json", "other.json"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(1), 1), "{run:?}");
    assert!(
        run.stdout.starts_with("architecture: $.config.layers[") && run.stdout.contains("\"relu\" / \"tanh\""),
        "{run:?}"
    );
    // Weights alone of unlike formats.
    let (h5, tree) = (golden("h5/k215_weights.h5"), golden("h5/k215_w.weights.h5"));
    // The tree has the optimizer's state as well.
    let run = place.run(&["diff", &h5, &tree, "--json"]);
    let found = Json::parse(&run.stdout).unwrap();
    let only = found.get("only_in_b").unwrap().as_list().unwrap();
    assert!(only.iter().all(|name| name.as_str().unwrap().starts_with("optimizer/")), "{}", run.stdout);
    assert_eq!(found.get("different").unwrap().as_list().unwrap().len(), 0, "{}", run.stdout);
    place.ok(&["convert", &h5, "w.safetensors"]);
    assert_eq!(place.ok(&["diff", &h5, "w.safetensors"]), "equal\n");
    let run = place.run(&["diff", &golden("ckpt/mlp_adam"), "w.safetensors", "--json"]);
    let found = Json::parse(&run.stdout).unwrap();
    let only = found.get("only_in_a").unwrap().as_list().unwrap();
    assert!(only.iter().all(|name| name.as_str().unwrap().starts_with("optimizer/")), "{}", run.stdout);
    assert_eq!(found.get("different").unwrap().as_list().unwrap().len(), 0, "{}", run.stdout);
}

/// A copy of a directory.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// Replaces the first occurrence of some bytes by as many others.
fn replace(path: &Path, old: &[u8], new: &[u8]) {
    assert_eq!(old.len(), new.len());
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(old.len()).position(|window| window == old).expect("the bytes are there");
    bytes[at..at + new.len()].copy_from_slice(new);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn damage_to_a_saved_model_is_found_and_named() {
    let place = Place::new();
    let fresh = || {
        let _ = std::fs::remove_dir_all(place.path("m"));
        copy(Path::new(&golden("savedmodel/mlp")), &place.path("m"));
    };
    let expect = |place_part: &str, what: &str| {
        let run = place.run(&["verify", "m", "--json"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{what}");
        let found = Json::parse(&run.stdout).unwrap();
        let problems = found.get("problems").unwrap().as_list().unwrap();
        let text = |problem: &Json, key: &str| problem.get(key).unwrap().as_str().unwrap().to_owned();
        let is_met = problems.iter().any(|p| text(p, "where").contains(place_part) && text(p, "what").contains(what));
        assert!(is_met, "{place_part}: {what}: {}", run.stdout);
    };
    fresh();
    // The operation of a node: field 2, six bytes.
    replace(&place.path("m/saved_model.pb"), b"\x12\x06MatMul", b"\x12\x06MatMxl");
    expect("node `", "expected an operation that is known or a function of the library, found `MatMxl`");
    fresh();
    replace(&place.path("m/saved_model.pb"), b"StatefulPartitionedCall:0", b"StatefulPartitionedCall:5");
    expect("", "StatefulPartitionedCall:5");
    fresh();
    std::fs::remove_dir_all(place.path("m/variables")).unwrap();
    expect("variables/variables.index", "expected the values of ");
    fresh();
    let other = place.path("other");
    copy(Path::new(&golden("savedmodel/subclassed/variables")), &other);
    std::fs::remove_dir_all(place.path("m/variables")).unwrap();
    std::fs::rename(&other, place.path("m/variables")).unwrap();
    expect("variable `dense", "in the checkpoint");
    fresh();
    let data = place.path("m/variables/variables.data-00000-of-00001");
    let mut bytes = std::fs::read(&data).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    expect("VARIABLE_VALUE", "checksum");
    // A file that belongs to it.
    let _ = std::fs::remove_dir_all(place.path("m"));
    copy(Path::new(&golden("savedmodel/module")), &place.path("m"));
    std::fs::remove_dir_all(place.path("m/assets")).unwrap();
    expect("assets/words.txt", "expected the file, found none");
}

#[cfg(target_os = "linux")]
mod large {
    use std::io::Read;
    use std::process::Stdio;

    use super::*;

    /// A checkpoint of TensorFlow whose data file is a hole behind four numbers.
    fn checkpoint(place: &Place, name: &str, size: u64) {
        let index = format!("{name}.index");
        std::fs::copy(golden(&format!("ckpt/huge/{index}")), place.path(&index)).unwrap();
        let data = place.path(&format!("{name}.data-00000-of-00001"));
        let few: Vec<u8> = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(&data, few).unwrap();
        std::fs::File::options().write(true).open(&data).unwrap().set_len(16 + size).unwrap();
    }

    /// The standard output of a command, and the bytes that it has read.
    fn bytes_read(place: &Place, args: &[&str]) -> (String, u64) {
        let mut command = std::process::Command::new("sh");
        // The shell's count contains that of what it has waited for.
        command.args(["-c", "\"$@\" && sed -n 's/rchar: //p' /proc/$$/io", "sh", env!("CARGO_BIN_EXE_kerox")]);
        let output = command.args(args).current_dir(place.path("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (text, count) = text.trim_end().rsplit_once('\n').unwrap();
        (text.to_owned(), count.parse().unwrap())
    }

    #[test]
    fn of_ten_gigabytes_the_index_is_read_and_of_one_tensor_that_tensor() {
        let place = Place::new();
        checkpoint(&place, "huge", 10 << 30);
        let (text, nothing) = bytes_read(&place, &["--version"]);
        assert!(text.starts_with("kerox "));
        let (text, listing) = bytes_read(&place, &["inspect", "huge"]);
        assert!(text.contains("zeros_9") && text.ends_with("11 tensors, 10.0 GiB"), "{text}");
        let (text, tensor) = bytes_read(&place, &["inspect", "huge", "--tensor", "a_few"]);
        assert_eq!(text, "[1.0, 2.0, 3.0, 4.0]");
        for (what, count) in [("listing", listing), ("tensor", tensor)] {
            assert!(count < nothing + 200_000, "{what}: {count} bytes, {nothing} without a file");
        }
        let error = place.fails(1, &["inspect", "huge", "--tensor", "zeros_10"]);
        assert!(error.contains("zeros_10"), "{error}");
    }

    #[test]
    fn checksums_need_little_memory() {
        let place = Place::new();
        checkpoint(&place, "large", 512 << 20);
        let mut child = place.command(&["inspect", "large", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0u64;
        // The peak stays what it is until the end: the last look tells.
        while child.try_wait().unwrap().is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(peak);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        // `sha256sum` of as many zeros.
        assert!(text.contains("9acca8e8c22201155389f65abbf6bc9723edc7384ead80503839f49dcc56d767"), "{text}");
        assert!(peak > 0 && peak < 100_000, "{peak} kB");
    }
}
