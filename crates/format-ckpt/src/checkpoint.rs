//! Saving and restoring objects.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use kerox_tensor::trackable::{CreateHook, CreateHooks};
use kerox_tensor::{Child, Slot, Tensor, Trackable, Variable};

use crate::checkpoint_state::CheckpointState;
use crate::restore::restore;
use crate::tracked::track_child;
use crate::writer::write_bundle;
use crate::{CheckpointReader, Error, LoadStatus, ObjectGraph, Result, WriteOptions};

/// The name of the counter in files and among the parts.
pub(crate) const SAVE_COUNTER: &str = "save_counter";

/// Saves and restores objects by the names that lead to their variables.
///
/// Made of named parts ([`Checkpoint::new`], [`Checkpoint::object`], [`Checkpoint::variable`]) or of one object whose
/// own names stand at the top ([`Checkpoint::of`]).
///
/// # Example
/// ```
/// use kerox_format_ckpt::{Checkpoint, latest_checkpoint};
/// use kerox_tensor::{Tensor, Variable};
///
/// # let dir = tempfile::tempdir()?;
/// let kernel = Variable::new("kernel", Tensor::from_vec(vec![1f32, 2.0], [2])?, true);
/// let checkpoint = Checkpoint::new().variable("kernel", &kernel);
/// let path = checkpoint.save(dir.path().join("ckpt"))?;
/// assert_eq!(path, dir.path().join("ckpt-1"));
///
/// kernel.assign(Tensor::from_vec(vec![0f32, 0.0], [2])?)?;
/// let latest = latest_checkpoint(dir.path())?.expect("one was saved");
/// checkpoint.restore(&latest)?.assert_consumed()?;
/// assert_eq!(kernel.value().as_slice::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `tf.train.Checkpoint`. Differs: when any shape or type differs, nothing is assigned and all differences are
/// reported at once; a failed save leaves the counter as it was.
#[derive(Clone, Default)]
pub struct Checkpoint {
    root: Arc<Root>,
    options: WriteOptions,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.root.children().iter().map(|(name, _)| name)).finish()
    }
}

/// The node 0 of a checkpoint.
#[derive(Default)]
struct Root {
    base: Option<Arc<dyn Trackable>>,
    /// Sorted by name, as TensorFlow sorts keyword arguments.
    parts: Vec<(String, Child)>,
    save_counter: Mutex<Option<Variable>>,
    hooks: CreateHooks,
}

impl Root {
    fn counter(&self) -> MutexGuard<'_, Option<Variable>> {
        self.save_counter.lock().unwrap_or_else(|p| p.into_inner())
    }
}

impl Trackable for Root {
    fn children(&self) -> Vec<(String, Child)> {
        let mut children = self.base.as_ref().map(|base| base.children()).unwrap_or_default();
        children.extend(self.parts.iter().cloned());
        let counter = self.counter().clone();
        children.extend(counter.map(|counter| (SAVE_COUNTER.to_string(), Child::Variable(counter))));
        children
    }

    fn slots(&self) -> Vec<Slot> {
        self.base.as_ref().map(|base| base.slots()).unwrap_or_default()
    }

    fn on_create(&self, hook: CreateHook) {
        match &self.base {
            // The base outlives this object, and it is the base that creates variables.
            Some(base) => base.on_create(hook),
            None => self.hooks.push(hook),
        }
    }
}

impl Checkpoint {
    /// A checkpoint without parts.
    pub fn new() -> Checkpoint {
        Checkpoint::default()
    }

    /// A checkpoint of one object, whose own names stand at the top: `tf.train.Checkpoint(root)`.
    pub fn of(root: Arc<dyn Trackable>) -> Checkpoint {
        let root = Root { base: Some(root), ..Root::default() };
        Checkpoint { root: Arc::new(root), options: WriteOptions::new() }
    }

    /// Adds a named object; one of that name there already is replaced.
    pub fn object(self, name: impl Into<String>, object: Arc<dyn Trackable>) -> Checkpoint {
        self.part(name, Child::Object(object))
    }

    /// Adds a named variable; one of that name there already is replaced.
    pub fn variable(self, name: impl Into<String>, variable: &Variable) -> Checkpoint {
        self.part(name, Child::Variable(variable.clone()))
    }

    /// Adds a named part; one of that name there already is replaced.
    pub fn part(self, name: impl Into<String>, part: Child) -> Checkpoint {
        let name = name.into();
        let mut parts = self.root.parts.clone();
        parts.retain(|(other, _)| *other != name);
        let at = parts.partition_point(|(other, _)| *other < name);
        parts.insert(at, (name, part));
        let counter = self.root.counter().clone();
        let root = Root {
            base: self.root.base.clone(),
            parts,
            save_counter: Mutex::new(counter),
            hooks: CreateHooks::default(),
        };
        Checkpoint { root: Arc::new(root), options: self.options }
    }

    /// How files are written.
    pub fn options(mut self, options: WriteOptions) -> Checkpoint {
        self.options = options;
        self
    }

    /// The variable that counts saves; created with 0 at its first use.
    pub fn save_counter(&self) -> Variable {
        self.root.counter().get_or_insert_with(|| Variable::new(SAVE_COUNTER, Tensor::scalar(0i64), false)).clone()
    }

    /// Writes exactly the files of that prefix: no number, no state file.
    ///
    /// # Errors
    /// As [`crate::BundleWriter`]'s methods.
    pub fn write(&self, prefix: impl AsRef<Path>) -> Result<PathBuf> {
        let prefix = prefix.as_ref();
        let mut tracked = track_child(Child::Object(self.root.clone()));
        if let Some(base) = &self.root.base {
            add_root_edge(&mut tracked.graph, base.children().len());
        }
        write_bundle(prefix, &tracked.tensors, Some(&tracked.graph), &self.options)?;
        Ok(prefix.to_path_buf())
    }

    /// Counts, writes `<prefix>-<count>` and makes it the directory's latest. Returns that path.
    ///
    /// # Errors
    /// As [`Checkpoint::write`]; the counter is as before then.
    pub fn save(&self, prefix: impl AsRef<Path>) -> Result<PathBuf> {
        self.counted(|count| {
            let path = numbered(prefix.as_ref(), count);
            self.write(&path)?;
            CheckpointState::of(&path).write(path.parent().unwrap_or(Path::new(".")))?;
            Ok(path)
        })
    }

    /// Runs a save with the counter one higher.
    pub(crate) fn counted<T>(&self, save: impl FnOnce(i64) -> Result<T>) -> Result<T> {
        let counter = self.save_counter();
        let before = counter.value();
        let count = before.to_scalar::<i64>().map_err(Error::tensor(SAVE_COUNTER))?.wrapping_add(1);
        counter.assign(Tensor::scalar(count)).map_err(Error::tensor(SAVE_COUNTER))?;
        let result = save(count);
        if result.is_err() {
            counter.assign(before).map_err(Error::tensor(SAVE_COUNTER))?;
        }
        result
    }

    /// Restores from what [`Checkpoint::save`] wrote, the counter too.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where shapes or types differ: nothing was assigned; otherwise as
    /// [`CheckpointReader::open`] and [`CheckpointReader::get_tensor`], nothing assigned either.
    pub fn restore(&self, prefix: impl AsRef<Path>) -> Result<LoadStatus> {
        let fresh = self.root.counter().is_none();
        self.save_counter();
        let result = self.read(prefix);
        if result.is_err() && fresh {
            *self.root.counter() = None;
        }
        result
    }

    /// Restores from what [`Checkpoint::write`] wrote, or anything else that is a checkpoint.
    ///
    /// # Errors
    /// As [`Checkpoint::restore`].
    pub fn read(&self, prefix: impl AsRef<Path>) -> Result<LoadStatus> {
        restore(CheckpointReader::open(prefix)?, self.root.clone(), self.root.base.as_ref())
    }
}

/// Keras attaches a checkpoint's root to itself under the name `root`.
fn add_root_edge(graph: &mut ObjectGraph, at: usize) {
    if let Some(root) = graph.nodes.first_mut() {
        root.children.insert(at.min(root.children.len()), ("root".into(), 0));
    }
}

/// `<prefix>-<number>`.
pub(crate) fn numbered(prefix: &Path, number: i64) -> PathBuf {
    let mut path = prefix.as_os_str().to_os_string();
    path.push(format!("-{number}"));
    PathBuf::from(path)
}

/// Writes an object's variables as Keras's `model.save_weights(path)` does and makes them the directory's latest
/// checkpoint.
///
/// # Errors
/// As [`Checkpoint::write`].
pub fn save_weights(root: Arc<dyn Trackable>, prefix: impl AsRef<Path>, options: &WriteOptions) -> Result<()> {
    make_latest(Checkpoint::of(root).options(options.clone()).write(prefix)?)
}

/// Makes a checkpoint its directory's latest: the one that [`crate::latest_checkpoint`] finds.
///
/// # Errors
/// [`Error::Save`].
pub fn make_latest(prefix: impl AsRef<Path>) -> Result<()> {
    let prefix = prefix.as_ref();
    CheckpointState::of(prefix).write(prefix.parent().unwrap_or(Path::new(".")))
}

/// Restores an object's variables as Keras's `model.load_weights(path)` does.
///
/// # Errors
/// As [`Checkpoint::restore`].
pub fn load_weights(root: Arc<dyn Trackable>, prefix: impl AsRef<Path>) -> Result<LoadStatus> {
    Checkpoint::of(root).read(prefix)
}
