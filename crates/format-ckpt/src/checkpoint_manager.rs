//! Keeping the last few checkpoints.

use std::fmt;
use std::path::{Path, PathBuf};

use kerox_tensor::{DType, Variable};

use crate::checkpoint::numbered;
use crate::checkpoint_state::{checkpoint_exists, now};
use crate::writer::is_shard_of;
use crate::{Checkpoint, CheckpointState, Error, Result, get_checkpoint_state};

/// How a [`CheckpointManager`] keeps checkpoints.
pub struct ManagerOptions {
    max_to_keep: Option<usize>,
    keep_checkpoint_every_n_hours: Option<f64>,
    checkpoint_name: String,
    step_counter: Option<Variable>,
    checkpoint_interval: Option<i64>,
    init_fn: Option<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for ManagerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerOptions")
            .field("max_to_keep", &self.max_to_keep)
            .field("keep_checkpoint_every_n_hours", &self.keep_checkpoint_every_n_hours)
            .field("checkpoint_name", &self.checkpoint_name)
            .field("step_counter", &self.step_counter)
            .field("checkpoint_interval", &self.checkpoint_interval)
            .finish_non_exhaustive()
    }
}

impl Default for ManagerOptions {
    fn default() -> ManagerOptions {
        ManagerOptions::new()
    }
}

impl ManagerOptions {
    /// Five checkpoints called `ckpt-<number>`, saved at every call.
    pub fn new() -> ManagerOptions {
        ManagerOptions {
            max_to_keep: Some(5),
            keep_checkpoint_every_n_hours: None,
            checkpoint_name: "ckpt".into(),
            step_counter: None,
            checkpoint_interval: None,
            init_fn: None,
        }
    }

    /// How many checkpoints are kept (default 5); `None` keeps all.
    pub fn max_to_keep(mut self, max_to_keep: impl Into<Option<usize>>) -> ManagerOptions {
        self.max_to_keep = max_to_keep.into();
        self
    }

    /// Besides, one is kept for good after each such time, in hours.
    pub fn keep_checkpoint_every_n_hours(mut self, hours: impl Into<Option<f64>>) -> ManagerOptions {
        self.keep_checkpoint_every_n_hours = hours.into();
        self
    }

    /// What the files are called before the number (default `ckpt`); may contain directories.
    pub fn checkpoint_name(mut self, name: impl Into<String>) -> ManagerOptions {
        self.checkpoint_name = name.into();
        self
    }

    /// A save happens only when this many steps have passed since the last one, as counted by an integer variable.
    pub fn checkpoint_interval(mut self, steps: i64, step_counter: &Variable) -> ManagerOptions {
        self.checkpoint_interval = Some(steps);
        self.step_counter = Some(step_counter.clone());
        self
    }

    /// Is called by [`CheckpointManager::restore_or_initialize`] where there is no checkpoint.
    pub fn init_fn(mut self, init_fn: impl Fn() + Send + Sync + 'static) -> ManagerOptions {
        self.init_fn = Some(Box::new(init_fn));
        self
    }
}

/// Saves checkpoints into a directory and deletes old ones.
///
/// # Example
/// ```
/// use kerox_format_ckpt::{Checkpoint, CheckpointManager, ManagerOptions};
/// use kerox_tensor::{Tensor, Variable};
///
/// # let dir = tempfile::tempdir()?;
/// let weight = Variable::new("weight", Tensor::scalar(0f32), true);
/// let checkpoint = Checkpoint::new().variable("weight", &weight);
/// let mut manager = CheckpointManager::new(checkpoint, dir.path(), ManagerOptions::new().max_to_keep(2))?;
/// for _ in 0..3 {
///     manager.save(None)?;
/// }
/// let names: Vec<_> = manager.checkpoints().map(|path| path.file_name().unwrap().to_owned()).collect();
/// assert_eq!(names, ["ckpt-2", "ckpt-3"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `tf.train.CheckpointManager`
#[derive(Debug)]
pub struct CheckpointManager {
    checkpoint: Checkpoint,
    directory: PathBuf,
    options: ManagerOptions,
    /// Kept checkpoints and when they were written, oldest first.
    kept: Vec<(PathBuf, f64)>,
    latest: Option<PathBuf>,
    last_preserved: f64,
    last_step: Option<i64>,
}

impl CheckpointManager {
    /// Takes over what a directory's state file says.
    ///
    /// # Errors
    /// [`Error::Argument`] for options that make no sense; as [`get_checkpoint_state`].
    pub fn new(
        checkpoint: Checkpoint,
        directory: impl AsRef<Path>,
        options: ManagerOptions,
    ) -> Result<CheckpointManager> {
        let fault = |argument, expected: &str, found: String| {
            Err(Error::Argument { operation: "make checkpoint manager", argument, expected: expected.into(), found })
        };
        if options.max_to_keep == Some(0) {
            return fault("max_to_keep", "at least 1, or none to keep all", "0".into());
        }
        if options.checkpoint_interval.is_some_and(|steps| steps < 1) {
            return fault("checkpoint_interval", "at least 1 step", format!("{:?}", options.checkpoint_interval));
        }
        if options.keep_checkpoint_every_n_hours.is_some_and(|hours| hours.is_nan() || hours < 0.0) {
            let found = format!("{:?}", options.keep_checkpoint_every_n_hours);
            return fault("keep_checkpoint_every_n_hours", "at least 0 hours", found);
        }
        if options.checkpoint_name.is_empty() {
            return fault("checkpoint_name", "a name", "an empty one".into());
        }
        let directory = directory.as_ref().to_path_buf();
        let time = now();
        // A little earlier, so that a checkpoint saved at once is later.
        let (mut kept, mut latest, mut last_preserved) = (Vec::new(), None, time - 1.0);
        if let Some(state) = get_checkpoint_state(&directory)? {
            latest = Some(PathBuf::from(&state.model_checkpoint_path));
            // Clocks that were set back must not preserve everything from now on.
            last_preserved = state.last_preserved_timestamp.unwrap_or(last_preserved).min(time);
            let mut timestamps = state.all_model_checkpoint_timestamps.into_iter();
            for path in state.all_model_checkpoint_paths {
                kept.push((PathBuf::from(path), timestamps.next().unwrap_or(last_preserved)));
            }
        }
        Ok(CheckpointManager { checkpoint, directory, options, kept, latest, last_preserved, last_step: None })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What is saved.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The latest checkpoint's prefix.
    pub fn latest_checkpoint(&self) -> Option<&Path> {
        self.latest.as_deref()
    }

    /// The prefixes of those that are kept, oldest first. Those preserved for good are no longer among them.
    pub fn checkpoints(&self) -> impl Iterator<Item = &Path> {
        self.kept.iter().map(|(path, _)| path.as_path())
    }

    /// Saves a checkpoint and deletes those that are too many. Its number is `checkpoint_number` or else the save
    /// counter's. `None` where too few steps have passed since the last one.
    ///
    /// # Errors
    /// As [`Checkpoint::save`]; nothing is deleted then.
    pub fn save(&mut self, checkpoint_number: impl Into<Option<i64>>) -> Result<Option<PathBuf>> {
        let step = self.step()?;
        if let (Some(interval), Some(last), Some(step)) = (self.options.checkpoint_interval, self.last_step, step)
            && step.saturating_sub(last) < interval
        {
            return Ok(None);
        }
        self.save_now(checkpoint_number).map(Some)
    }

    /// As [`CheckpointManager::save`], however few steps have passed.
    ///
    /// # Errors
    /// As [`CheckpointManager::save`].
    pub fn save_now(&mut self, checkpoint_number: impl Into<Option<i64>>) -> Result<PathBuf> {
        let (step, number) = (self.step()?, checkpoint_number.into());
        let prefix = self.directory.join(&self.options.checkpoint_name);
        let (directory, kept) = (&self.directory, &self.kept);
        let (hours, max) = (self.options.keep_checkpoint_every_n_hours, self.options.max_to_keep);
        let last_preserved = self.last_preserved;
        let (path, kept, dropped, last_preserved) = self.checkpoint.counted(|count| {
            let path = numbered(&prefix, number.unwrap_or(count));
            self.checkpoint.write(&path)?;
            // One saved again under its old number is the newest now.
            let mut kept: Vec<_> = kept.iter().filter(|(other, _)| *other != path).cloned().collect();
            kept.push((path.clone(), now()));
            let (dropped, last_preserved) = sweep(&mut kept, max, hours, last_preserved);
            let state = CheckpointState {
                model_checkpoint_path: path.to_string_lossy().into_owned(),
                all_model_checkpoint_paths: kept.iter().map(|(p, _)| p.to_string_lossy().into_owned()).collect(),
                all_model_checkpoint_timestamps: kept.iter().map(|(_, time)| *time).collect(),
                last_preserved_timestamp: Some(last_preserved),
            };
            state.write(directory)?;
            Ok((path, kept, dropped, last_preserved))
        })?;
        (self.kept, self.last_preserved, self.last_step) = (kept, last_preserved, step);
        self.latest = Some(path.clone());
        // Nothing names them any more: what cannot be deleted is only a waste of space.
        dropped.iter().for_each(|old| delete(old));
        Ok(path)
    }

    /// Restores the latest checkpoint, or calls the init function where there is none. Returns the prefix restored.
    ///
    /// # Errors
    /// As [`Checkpoint::restore`].
    pub fn restore_or_initialize(&mut self) -> Result<Option<PathBuf>> {
        match self.latest.clone() {
            Some(latest) if checkpoint_exists(&latest) => {
                self.checkpoint.restore(&latest)?;
                self.last_step = self.step()?;
                Ok(Some(latest))
            }
            Some(latest) => Err(Error::NotFound { prefix: latest, nearest: Vec::new() }),
            None => {
                if let Some(init_fn) = &self.options.init_fn {
                    init_fn();
                }
                Ok(None)
            }
        }
    }

    fn step(&self) -> Result<Option<i64>> {
        let Some(counter) = &self.options.step_counter else { return Ok(None) };
        let value = counter.value();
        let step = match value.dtype() {
            DType::I32 => value.to_scalar::<i32>().map(i64::from),
            _ => value.to_scalar::<i64>(),
        };
        step.map(Some).map_err(Error::tensor(counter.name()))
    }
}

/// Takes away what is too much; returns what is to be deleted and the time of the last one preserved for good.
fn sweep(
    kept: &mut Vec<(PathBuf, f64)>,
    max: Option<usize>,
    hours: Option<f64>,
    mut last_preserved: f64,
) -> (Vec<PathBuf>, f64) {
    let mut dropped = Vec::new();
    while max.is_some_and(|max| kept.len() > max) {
        let (path, time) = kept.remove(0);
        // Zero hours mean never, as in TensorFlow.
        match hours.filter(|hours| *hours > 0.0) {
            Some(hours) if time - hours * 3600.0 >= last_preserved => last_preserved = time,
            _ => dropped.push(path),
        }
    }
    (dropped, last_preserved)
}

/// Deletes the files of a checkpoint, the index first: without it the rest is no checkpoint.
fn delete(prefix: &Path) {
    let (Some(dir), Some(stem)) = (prefix.parent(), prefix.file_name().and_then(|name| name.to_str())) else { return };
    let _ = std::fs::remove_file(dir.join(format!("{stem}.index")));
    for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if file.file_name().to_str().is_some_and(|name| is_shard_of(stem, name)) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_preserved_after_each_span() {
        let mut kept: Vec<(PathBuf, f64)> =
            (0..6).map(|i| (format!("ckpt-{i}").into(), 1800.0 * f64::from(i))).collect();
        // Half an hour apart, one of each hour is preserved: 2 (an hour after 0) and no other before 4.
        let (dropped, last) = sweep(&mut kept, Some(2), Some(1.0), 0.0);
        assert_eq!(dropped, [PathBuf::from("ckpt-0"), "ckpt-1".into(), "ckpt-3".into()]);
        assert_eq!(last, 3600.0);
        assert_eq!(kept.iter().map(|(p, _)| p.to_str().unwrap()).collect::<Vec<_>>(), ["ckpt-4", "ckpt-5"]);
    }
}
