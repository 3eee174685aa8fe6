//! Objects saved and restored: what TensorFlow's `Checkpoint`, its status and its manager do.

use std::path::Path;
use std::sync::{Arc, Mutex};

use kerox_format_ckpt::{
    Checkpoint, CheckpointManager, CheckpointReader, Error, LoadOutcome, ManagerOptions, WriteOptions,
    get_checkpoint_state, latest_checkpoint, load_weights, save_weights, write_bundle,
};
use kerox_tensor::trackable::{CreateHook, CreateHooks, TrackableList};
use kerox_tensor::{Child, Slot, Tensor, Trackable, Variable};

fn variable(name: &str, values: &[f32]) -> Variable {
    Variable::new(name, Tensor::from_vec(values.to_vec(), [values.len()]).unwrap(), true)
}

fn values(variable: &Variable) -> Vec<f32> {
    variable.value().as_slice::<f32>().unwrap().to_vec()
}

fn set(variable: &Variable, value: f32) {
    variable.assign(Tensor::full(value, variable.shape().clone()).unwrap()).unwrap();
}

/// An object whose children come later, as an unbuilt layer's do.
#[derive(Default)]
struct Object {
    children: Mutex<Vec<(String, Child)>>,
    slots: Mutex<Vec<Slot>>,
    hooks: CreateHooks,
}

impl Object {
    fn with(children: &[(&str, Child)]) -> Arc<Object> {
        let object = Arc::new(Object::default());
        object.add(children);
        object
    }

    fn add(&self, children: &[(&str, Child)]) {
        self.children.lock().unwrap().extend(children.iter().map(|(name, child)| (name.to_string(), child.clone())));
        self.hooks.created();
    }
}

impl Trackable for Object {
    fn children(&self) -> Vec<(String, Child)> {
        self.children.lock().unwrap().clone()
    }
    fn slots(&self) -> Vec<Slot> {
        self.slots.lock().unwrap().clone()
    }
    fn on_create(&self, hook: CreateHook) {
        self.hooks.push(hook);
    }
}

fn var(variable: &Variable) -> Child {
    Child::Variable(variable.clone())
}

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/ckpt").join(name)
}

#[test]
fn a_checkpoint_of_a_layer_is_tensorflows_byte_for_byte() {
    let read = CheckpointReader::open(golden("layer/custom_layer-1")).unwrap();
    let node = |reader: &CheckpointReader, id: usize| reader.object_graph().unwrap().unwrap().nodes[id].clone();
    // The same names and values, in objects of this test.
    let layer_node = node(&read, 1);
    let children: Vec<(String, Child)> = layer_node
        .children
        .iter()
        .map(|(name, id)| {
            let child = node(&read, *id);
            let Some(attribute) = child.attributes.first() else {
                return (name.clone(), Child::Object(Arc::new(Object::default())));
            };
            let value = read.get_tensor(&attribute.checkpoint_key).unwrap();
            (name.clone(), Child::Variable(Variable::new(&attribute.full_name, value, true)))
        })
        .collect();
    let layer = Object::default();
    *layer.children.lock().unwrap() = children;
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::new().object("layer", Arc::new(layer));
    let path = checkpoint.save(dir.path().join("custom_layer")).unwrap();
    assert_eq!(path, dir.path().join("custom_layer-1"));
    for name in ["custom_layer-1.index", "custom_layer-1.data-00000-of-00001", "checkpoint"] {
        let theirs = std::fs::read(golden("layer").join(name)).unwrap();
        assert!(std::fs::read(dir.path().join(name)).unwrap() == theirs, "{name}");
    }
}

#[test]
fn parts_restore_into_another_model_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (kernel, bias, own) = (variable("a/kernel", &[1., 2.]), variable("a/bias", &[3.]), variable("k", &[4., 5.]));
    let dense = Object::with(&[("kernel", var(&kernel)), ("bias", var(&bias))]);
    let saved =
        Checkpoint::new().variable("kernel", &own).object("dense", dense).save(dir.path().join("ckpt")).unwrap();

    let fresh = [variable("b/kernel", &[0., 0.]), variable("b/bias", &[0.]), variable("k2", &[0., 0.])];
    let dense = Object::with(&[("kernel", var(&fresh[0])), ("bias", var(&fresh[1]))]);
    let checkpoint = Checkpoint::new().object("dense", dense).variable("kernel", &fresh[2]);
    checkpoint.restore(&saved).unwrap().assert_consumed().unwrap().expect_partial();
    assert_eq!(fresh.each_ref().map(values), [vec![1., 2.], vec![3.], vec![4., 5.]]);
    assert_eq!(checkpoint.save_counter().value().to_scalar::<i64>(), Ok(1));
    assert_eq!(checkpoint.save(dir.path().join("ckpt")).unwrap(), dir.path().join("ckpt-2"));
    assert_eq!(latest_checkpoint(dir.path()).unwrap(), Some(dir.path().join("ckpt-2")));
    let state = std::fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    assert_eq!(state, "model_checkpoint_path: \"ckpt-2\"\nall_model_checkpoint_paths: \"ckpt-2\"\n");
}

#[test]
fn every_difference_is_reported_and_nothing_assigned() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("w");
    let saved = Object::with(&[
        ("a", var(&variable("a", &[1.]))),
        ("b", var(&variable("b", &[1., 2.]))),
        ("c", var(&variable("c", &[3.]))),
        ("extra", var(&variable("extra", &[3.]))),
    ]);
    save_weights(saved, &prefix, &WriteOptions::new()).unwrap();
    let a = variable("a", &[9.]);
    let c = Variable::new("c", Tensor::from_vec(vec![7i32], [1]).unwrap(), true);
    let live = Object::with(&[("a", var(&a)), ("b", var(&variable("b", &[0.; 3]))), ("c", var(&c))]);
    let error = load_weights(live, &prefix).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "restore from `{}`: expected the variables' shapes and types, found 2 that differ (nothing was assigned)\n  \
             `b`: expected shape [3], found [2] (key `b/.ATTRIBUTES/VARIABLE_VALUE`)\n  \
             `c`: expected int32, found float32 (key `c/.ATTRIBUTES/VARIABLE_VALUE`)",
            prefix.display()
        )
    );
    let Error::Mismatch { report } = error else { panic!() };
    assert_eq!(report.mismatches().count(), 2);
    assert_eq!(values(&a), [9.]);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    let outcomes: Vec<_> = json["entries"].as_array().unwrap().iter().map(|e| e["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["matched", "shape_mismatch", "dtype_mismatch", "unused_in_file"]);
}

#[test]
fn assertions_list_paths_and_nearest_names_and_no_values() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("w");
    let saved = Object::with(&[("kernel", var(&variable("k", &[12345.]))), ("bias", var(&variable("b", &[54321.])))]);
    save_weights(saved, &prefix, &WriteOptions::new()).unwrap();
    let (kernal, bias) = (variable("k", &[12345.]), variable("b", &[0.]));
    let live = Object::with(&[("kernal", var(&kernal)), ("bias", var(&bias))]);
    let status = load_weights(live, &prefix).unwrap();
    status.assert_nontrivial_match().unwrap();
    let path = prefix.display();
    let error = status.assert_consumed().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "assert_consumed for `{path}`: expected every variable and every value of the file to be matched, found 1 \
             variables without a value and 1 values without a variable\n  \
             not in the file: `kernal`; nearest in the file: `kernel`\n  \
             not in the objects: `kernel`; nearest: `kernal`"
        )
    );
    let error = status.assert_existing_objects_matched().unwrap_err().to_string();
    assert!(error.ends_with("not in the file: `kernal`; nearest in the file: `kernel`"), "{error}");
    assert_eq!(values(&bias), [54321.]);

    let stranger = Object::with(&[("gamma", var(&variable("g", &[0.])))]);
    let error = load_weights(stranger, &prefix).unwrap().assert_nontrivial_match().unwrap_err().to_string();
    assert!(error.contains("found none that matches"), "{error}");
    // More in the file than in the objects is fine for this one.
    let part = Object::with(&[("bias", var(&bias))]);
    load_weights(part, &prefix).unwrap().assert_existing_objects_matched().unwrap();
}

#[test]
fn variables_created_later_get_their_values_then() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("w");
    let (kernel, iterations) = (variable("kernel", &[1., 2.]), variable("iteration", &[7.]));
    let slot = variable("kernel/m", &[3., 4.]);
    let layer = Object::with(&[("kernel", var(&kernel))]);
    let list = Arc::new(TrackableList(vec![var(&iterations), var(&slot)]));
    let optimizer = Object::with(&[("_variables", Child::Object(list))]);
    let model = Object::with(&[("layer", Child::Object(layer)), ("optimizer", Child::Object(optimizer.clone()))]);
    *optimizer.slots.lock().unwrap() =
        vec![Slot { original: kernel.clone(), slot_name: "v".into(), variable: variable("kernel/v", &[5., 6.]) }];
    save_weights(model, &prefix, &WriteOptions::new()).unwrap();

    // Nothing but an empty model: the status and the checkpoint object are gone before anything is created.
    let model = Object::with(&[]);
    load_weights(model.clone(), &prefix).unwrap();
    let layer = Object::with(&[]);
    let optimizer = Object::with(&[]);
    model.add(&[("layer", Child::Object(layer.clone())), ("optimizer", Child::Object(optimizer.clone()))]);
    let kernel = variable("kernel", &[0., 0.]);
    layer.add(&[("kernel", var(&kernel))]);
    assert_eq!(values(&kernel), [1., 2.]);
    // What training made of it stays when more is created.
    set(&kernel, 9.0);
    let (iterations, m, v) = (variable("iteration", &[0.]), variable("m", &[0., 0.]), variable("v", &[0., 0.]));
    let list = Arc::new(TrackableList(vec![var(&iterations), var(&m)]));
    optimizer.add(&[("_variables", Child::Object(list))]);
    assert_eq!((values(&iterations), values(&m)), (vec![7.], vec![3., 4.]));
    *optimizer.slots.lock().unwrap() =
        vec![Slot { original: kernel.clone(), slot_name: "v".into(), variable: v.clone() }];
    optimizer.add(&[]);
    assert_eq!(values(&v), [5., 6.]);
    assert_eq!(values(&kernel), [9., 9.]);
}

#[test]
fn late_variables_of_another_shape_stay_and_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("w");
    save_weights(Object::with(&[("kernel", var(&variable("k", &[1., 2.])))]), &prefix, &WriteOptions::new()).unwrap();
    let model = Object::with(&[]);
    let status = load_weights(model.clone(), &prefix).unwrap();
    assert!(status.assert_consumed().is_err());
    let kernel = variable("k", &[0.; 3]);
    model.add(&[("kernel", var(&kernel))]);
    assert_eq!(values(&kernel), [0.; 3]);
    assert!(status.assert_existing_objects_matched().is_err());
    let report = status.report();
    assert!(matches!(report.entries[0].outcome, LoadOutcome::ShapeMismatch { .. }));
}

#[test]
fn keras_checkpoints_with_either_kind_of_optimizer_restore() {
    for name in ["mlp_adam", "mlp_legacy_adam"] {
        let reader = CheckpointReader::open(golden(name).join("cp.ckpt")).unwrap();
        let graph = reader.object_graph().unwrap().unwrap().clone();
        // Living objects in the image of the file, with variables of zeros.
        let zeros: Vec<Option<Variable>> = graph
            .nodes
            .iter()
            .map(|node| {
                let attribute = node.attributes.first()?;
                let info = reader.info(&attribute.checkpoint_key).unwrap();
                Some(Variable::new(&attribute.full_name, Tensor::zeros(info.dtype, info.shape).unwrap(), true))
            })
            .collect();
        let objects: Vec<Arc<Object>> = graph.nodes.iter().map(|_| Arc::new(Object::default())).collect();
        let child = |id: usize| zeros[id].clone().map_or_else(|| Child::Object(objects[id].clone()), Child::Variable);
        for (node, object) in graph.nodes.iter().zip(&objects) {
            let children = node.children.iter().map(|(name, id)| (name.clone(), child(*id))).collect();
            *object.children.lock().unwrap() = children;
            let slot = |slot: &kerox_format_ckpt::SlotNode| Slot {
                original: zeros[slot.original].clone().unwrap(),
                slot_name: slot.slot_name.clone(),
                variable: zeros[slot.slot].clone().unwrap(),
            };
            *object.slots.lock().unwrap() = node.slots.iter().map(slot).collect();
        }
        let status = load_weights(objects[0].clone(), golden(name).join("cp.ckpt")).unwrap();
        status.assert_consumed().unwrap();
        for (node, zero) in graph.nodes.iter().zip(&zeros) {
            if let (Some(attribute), Some(variable)) = (node.attributes.first(), zero) {
                assert_eq!(variable.value(), reader.get_tensor(&attribute.checkpoint_key).unwrap());
            }
        }
        // Written again: the same keys with the same values in the same order, slots too.
        let dir = tempfile::tempdir().unwrap();
        save_weights(objects[0].clone(), dir.path().join("cp.ckpt"), &WriteOptions::new()).unwrap();
        let ours = std::fs::read(dir.path().join("cp.ckpt.data-00000-of-00001")).unwrap();
        let theirs = std::fs::read(golden(name).join("cp.ckpt.data-00000-of-00001")).unwrap();
        let tensors = reader.keys().filter(|k| *k != kerox_format_ckpt::OBJECT_GRAPH_KEY);
        let bytes: u64 = tensors.map(|key| reader.stored_size(key).unwrap()).sum();
        assert!(ours[..bytes as usize] == theirs[..bytes as usize], "{name}");
        let written = CheckpointReader::open(dir.path().join("cp.ckpt")).unwrap();
        assert!(written.keys().eq(reader.keys()), "{name}");
    }
}

#[test]
fn name_based_checkpoints_restore_by_variable_name() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("model");
    let tensors = [("dense/kernel", 1f32), ("dense/bias", 2.0), ("late", 3.0)];
    let tensors = tensors.map(|(key, value)| (key.to_string(), Tensor::from_vec(vec![value], [1]).unwrap()));
    write_bundle(&prefix, &tensors, None, &WriteOptions::new()).unwrap();
    let (kernel, bias) = (variable("dense/kernel", &[0.]), variable("dense/bias", &[0.]));
    let model = Object::with(&[("whatever", var(&kernel)), ("other", var(&bias))]);
    let status = load_weights(model.clone(), &prefix).unwrap();
    assert_eq!((values(&kernel), values(&bias)), (vec![1.], vec![2.]));
    status.assert_existing_objects_matched().unwrap();
    assert!(status.assert_consumed().is_err());
    let late = variable("late", &[0.]);
    model.add(&[("x", var(&late))]);
    assert_eq!(values(&late), [3.]);
    status.assert_consumed().unwrap();
}

#[test]
fn names_with_dots_and_slashes_are_escaped() {
    let dir = tempfile::tempdir().unwrap();
    let v = variable("v", &[1.]);
    let path = Checkpoint::new().variable("a.b/c", &v).write(dir.path().join("p")).unwrap();
    let reader = CheckpointReader::open(&path).unwrap();
    assert_eq!(reader.keys().last(), Some("a..b.Sc/.ATTRIBUTES/VARIABLE_VALUE"));
    set(&v, 0.0);
    Checkpoint::new().variable("a.b/c", &v).read(&path).unwrap().assert_consumed().unwrap();
    assert_eq!(values(&v), [1.]);
}

#[test]
fn large_models_restore_in_parallel_and_survive_a_flipped_byte() {
    // Beyond the size up to which new values are held beside the old ones.
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("large");
    let make = |value: f32| -> Vec<Variable> {
        (0..5)
            .map(|i| Variable::new(format!("v{i}"), Tensor::full(value + i as f32, [4 << 20]).unwrap(), true))
            .collect()
    };
    let model = |variables: &[Variable]| Arc::new(TrackableList(variables.iter().map(var).collect()));
    let options = WriteOptions::new().shards(3).durable(false);
    save_weights(model(&make(1.0)), &prefix, &options).unwrap();
    let fresh = make(100.0);
    load_weights(model(&fresh), &prefix).unwrap().assert_consumed().unwrap();
    for (i, v) in fresh.iter().enumerate() {
        assert!(v.read().as_slice::<f32>().unwrap().iter().all(|&x| x == 1.0 + i as f32));
    }
    let shard = dir.path().join("large.data-00001-of-00003");
    let mut bytes = std::fs::read(&shard).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let fresh = make(200.0);
    let error = load_weights(model(&fresh), &prefix).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    for (i, v) in fresh.iter().enumerate() {
        assert!(v.read().as_slice::<f32>().unwrap().iter().all(|&x| x == 200.0 + i as f32));
    }
}

#[test]
fn managers_keep_the_last_and_take_over_from_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let v = variable("v", &[0.]);
    let step = Variable::new("step", Tensor::scalar(0i64), false);
    let checkpoint = || Checkpoint::new().variable("v", &v);
    let mut manager = CheckpointManager::new(checkpoint(), dir.path(), ManagerOptions::new()).unwrap();
    assert_eq!(manager.restore_or_initialize().unwrap(), None);
    for i in 1..=8 {
        set(&v, i as f32);
        assert_eq!(manager.save(None).unwrap(), Some(dir.path().join(format!("ckpt-{i}"))));
    }
    let names = |manager: &CheckpointManager| -> Vec<String> {
        manager.checkpoints().map(|p| p.file_name().unwrap().to_str().unwrap().to_string()).collect()
    };
    assert_eq!(names(&manager), ["ckpt-4", "ckpt-5", "ckpt-6", "ckpt-7", "ckpt-8"]);
    let files = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 11);
    let state = get_checkpoint_state(dir.path()).unwrap().unwrap();
    assert_eq!(state.all_model_checkpoint_timestamps.len(), 5);
    assert!(state.last_preserved_timestamp.is_some());
    drop(manager);

    set(&v, 0.0);
    let options = ManagerOptions::new().max_to_keep(2).checkpoint_name("cp").checkpoint_interval(10, &step);
    let mut manager = CheckpointManager::new(checkpoint(), dir.path(), options).unwrap();
    assert_eq!(manager.restore_or_initialize().unwrap(), Some(dir.path().join("ckpt-8")));
    assert_eq!(values(&v), [8.]);
    step.assign(Tensor::scalar(9i64)).unwrap();
    assert_eq!(manager.save(None).unwrap(), None);
    step.assign(Tensor::scalar(10i64)).unwrap();
    assert_eq!(manager.save(None).unwrap(), Some(dir.path().join("cp-9")));
    assert_eq!(names(&manager), ["ckpt-8", "cp-9"]);
    assert_eq!(manager.save_now(3).unwrap(), dir.path().join("cp-3"));
    assert_eq!(names(&manager), ["cp-9", "cp-3"]);
    assert_eq!(manager.latest_checkpoint(), Some(dir.path().join("cp-3").as_path()));
    let error = CheckpointManager::new(checkpoint(), dir.path(), ManagerOptions::new().max_to_keep(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "make checkpoint manager argument `max_to_keep`: expected at least 1, or none to keep all, found 0"
    );
}

#[test]
fn a_failed_save_leaves_counter_and_state() {
    let dir = tempfile::tempdir().unwrap();
    let v = variable("v", &[1.]);
    let checkpoint = Checkpoint::new().variable("v", &v).options(WriteOptions::new().overwrite(false));
    std::fs::write(dir.path().join("ckpt-1.index"), b"in the way").unwrap();
    let error = checkpoint.save(dir.path().join("ckpt")).unwrap_err();
    assert!(matches!(error, Error::Save(kerox_fs::Error::Exists { .. })), "{error}");
    assert_eq!(checkpoint.save_counter().value().to_scalar::<i64>(), Ok(0));
    assert_eq!(latest_checkpoint(dir.path()).unwrap(), None);
    assert_eq!(std::fs::read(dir.path().join("ckpt-1.index")).unwrap(), b"in the way");
}

#[test]
fn a_checkpoint_that_is_not_there_is_named_with_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    let v = variable("v", &[1.]);
    Checkpoint::new().variable("v", &v).write(dir.path().join("cp-0010.ckpt")).unwrap();
    let missing = dir.path().join("cp-0011.ckpt");
    let error = Checkpoint::new().variable("v", &v).read(&missing).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "open checkpoint `{0}`: expected a file `{0}.index`, found none; checkpoints in that directory: `cp-0010.ckpt`",
            missing.display()
        )
    );
    let error = CheckpointReader::open(dir.path().join("cp-0010.ckpt")).unwrap().get_tensor("v").unwrap_err();
    assert!(matches!(error, Error::NoKey { .. }));
}
