//! The session of a model: its variables, by name and by key of the checkpoint.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kerox_format_ckpt::CheckpointReader;
use kerox_graph::Op;
use kerox_tensor::{DType, Tensor, Variable};

use crate::handle::{Handle, Stored};
use crate::{Error, Result};

/// Everything of a model that outlives a call.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The checkpoint, where the model has one.
    pub reader: Option<CheckpointReader>,
    /// Paths of assets by the name of the node that holds them.
    pub assets: HashMap<String, PathBuf>,
    /// Keys of variables that training does not change.
    pub frozen: HashSet<String>,
    /// Names of variables for users, by key.
    pub names: HashMap<String, String>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Which part of the checkpoint each name stands for.
    stored: HashMap<String, (String, String)>,
    /// By key and slice where they come out of the checkpoint, else by name.
    variables: HashMap<(String, String), Variable>,
    /// Operations that hold a table, by their kind and the table's name.
    resources: HashMap<(String, String), Arc<dyn Op>>,
}

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers where the value of a variable is.
    pub fn bind(&self, handle: &Handle, stored: &Stored) {
        self.inner().stored.insert(handle.name.clone(), (stored.key.clone(), stored.slice.clone()));
    }

    /// The operation that holds the table of that name, made where there is none yet.
    pub fn resource(&self, op: &str, name: &str, make: impl FnOnce() -> Result<Arc<dyn Op>>) -> Result<Arc<dyn Op>> {
        let id = (op.to_owned(), name.to_owned());
        if let Some(op) = self.inner().resources.get(&id) {
            return Ok(op.clone());
        }
        let op = make()?;
        self.inner().resources.insert(id, op.clone());
        Ok(op)
    }

    /// A tensor of the checkpoint.
    pub fn read(&self, stored: &Stored) -> Result<Tensor> {
        let Some(reader) = &self.reader else {
            let expected = "a checkpoint `variables/variables` in the model's directory";
            return Err(Error::invalid("variable", &stored.key, expected, "none"));
        };
        let whole = reader.get_tensor(&stored.key)?;
        if stored.slice.is_empty() { Ok(whole) } else { crate::restore::part(&whole, stored) }
    }

    fn place(&self, handle: &Handle) -> Option<(String, String)> {
        if let Some(key) = &handle.key {
            return Some((key.clone(), String::new()));
        }
        if let Some(stored) = self.inner().stored.get(&handle.name) {
            return Some(stored.clone());
        }
        let reader = self.reader.as_ref()?;
        reader.has_tensor(&handle.name).then(|| (handle.name.clone(), String::new()))
    }

    /// The variable, read out of the checkpoint where this is the first use.
    ///
    /// # Errors
    /// Where its value is not as declared, or cannot be read; [`Error::Invalid`] where it has none and `to_assign` is
    /// false, or where nothing says its shape.
    pub fn variable(&self, handle: &Handle, to_assign: bool) -> Result<Variable> {
        let place = self.place(handle);
        let id = place.clone().unwrap_or_else(|| (format!("^{}", handle.name), String::new()));
        let mut inner = self.inner();
        if let Some(variable) = inner.variables.get(&id).cloned() {
            return Ok(variable);
        }
        let value = match &place {
            Some((key, slice)) => {
                let value = self.read(&Stored { key: key.clone(), slice: slice.clone() })?;
                if value.dtype() != handle.dtype || !handle.dims.admits(value.shape()) {
                    let expected = format!("{} {} in the checkpoint", handle.dtype, handle.dims);
                    let found = format!("{} {}", value.dtype(), value.shape());
                    return Err(Error::invalid("variable", &handle.name, expected, found));
                }
                value
            }
            None if !to_assign => {
                return Err(Error::invalid("variable", &handle.name, "a value in the checkpoint", "none"));
            }
            None => {
                let shape = handle.dims.shape().ok_or_else(|| {
                    Error::invalid("variable", &handle.name, "a known shape", handle.dims.to_string())
                })?;
                shape.checked_elements()?;
                Tensor::zeros(handle.dtype, shape)?
            }
        };
        let name = self.names.get(&id.0).unwrap_or(&handle.name);
        let trainable = value.dtype().is_float() && !self.frozen.contains(&id.0);
        let variable = Variable::new(name.as_str(), value, trainable);
        inner.variables.insert(id, variable.clone());
        Ok(variable)
    }

    /// Lets a key of the checkpoint stand for a variable of someone else's.
    pub fn bind_variable(&self, key: &str, variable: &Variable) {
        self.inner().variables.insert((key.to_owned(), String::new()), variable.clone());
    }

    /// A variable of the checkpoint by its key.
    pub fn by_key(&self, key: &str, dtype: DType) -> Result<Variable> {
        let dims = kerox_graph::Dims::unknown();
        let handle = Handle { name: key.to_owned(), key: Some(key.to_owned()), dtype, dims, is_ref: false };
        self.variable(&handle, false)
    }
}
