//! Giving variables the values of a file: all of them or none.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kerox_tensor::{Shape, Tensor, Variable};

use crate::{CheckpointReader, Error, LoadOutcome, Result};

/// Up to this many bytes the new values are held beside the old ones until all are read; beyond, every checksum is
/// checked first and then each value is read into its variable, into the memory it has where nobody shares that.
const BESIDE: u64 = 64 << 20;
/// Fewer bytes than this are read by one thread.
const PARALLEL: u64 = 4 << 20;

/// How a variable differs from the value it is to have; `None` where it does not.
pub(crate) fn mismatch(reader: &CheckpointReader, key: &str, variable: &Variable) -> Result<Option<LoadOutcome>> {
    let info = reader.info(key)?;
    if info.shape != *variable.shape() {
        return Ok(Some(LoadOutcome::ShapeMismatch { expected: variable.shape().clone(), found: info.shape }));
    }
    if info.dtype != variable.dtype() {
        return Ok(Some(LoadOutcome::DTypeMismatch { expected: variable.dtype(), found: info.dtype }));
    }
    Ok(None)
}

/// Gives each variable the value of its key. After an error every variable is as it was, unless the file was changed
/// between two readings.
pub(crate) fn assign_all(reader: &CheckpointReader, pairs: &[(String, Variable)]) -> Result<()> {
    let mut total = 0u64;
    for (key, _) in pairs {
        total = total.saturating_add(reader.stored_size(key)?);
    }
    let threads = match total {
        0..PARALLEL => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from).min(8),
    };
    if total <= BESIDE {
        let values = in_parallel(threads, pairs, |(key, _)| reader.get_tensor(key))?;
        for ((key, variable), value) in pairs.iter().zip(values) {
            variable.assign(value).map_err(Error::tensor(key))?;
        }
        return Ok(());
    }
    in_parallel(threads, pairs, |(key, _)| reader.verify(key))?;
    in_parallel(threads, pairs, |(key, variable)| {
        let mut value = variable.write();
        let read = match value.unshared_buffer_mut().map(|buffer| reader.read_into(key, buffer)) {
            Some(Ok(true)) => return Ok(()),
            Some(Err(error)) => Err(error),
            Some(Ok(false)) | None => {
                // The old value goes before the new one comes: the two never take memory together.
                *value = Tensor::zeros(variable.dtype(), Shape::from([0])).map_err(Error::tensor(key))?;
                reader.get_tensor(key)
            }
        };
        match read {
            Ok(new) => {
                *value = new;
                Ok(())
            }
            Err(error) => {
                *value = Tensor::zeros(variable.dtype(), variable.shape().clone()).map_err(Error::tensor(key))?;
                Err(error)
            }
        }
    })?;
    Ok(())
}

/// Does something with every item; results come in the items' order, or the first error.
fn in_parallel<T: Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    if threads < 2 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let Some((at, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
                {
                    match work(item) {
                        Ok(result) => done.lock().unwrap_or_else(|p| p.into_inner()).push((at, result)),
                        Err(error) => {
                            next.store(items.len(), Ordering::Relaxed);
                            failed.lock().unwrap_or_else(|p| p.into_inner()).get_or_insert(error);
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(|p| p.into_inner()) {
        return Err(error);
    }
    let mut done = done.into_inner().unwrap_or_else(|p| p.into_inner());
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
