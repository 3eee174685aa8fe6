//! The small traits at which layers, optimizers and file formats meet: variables, named children, tensors by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{DType, Error, Result, Shape, Tensor};

/// A named tensor that training changes. Clones are handles to one variable.
///
/// Name, type and shape never change; the value does. Reading hands out a [`Tensor`] that shares the elements: a
/// later write leaves it as it was.
#[derive(Clone)]
pub struct Variable(Arc<Inner>);

struct Inner {
    id: u64,
    name: String,
    dtype: DType,
    shape: Shape,
    trainable: AtomicBool,
    value: RwLock<Tensor>,
}

impl Variable {
    /// A variable with an initial value. `name` is TensorFlow's, without `:0`: `dense/kernel`.
    pub fn new(name: impl Into<String>, value: Tensor, trainable: bool) -> Variable {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Variable(Arc::new(Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            name: name.into(),
            dtype: value.dtype(),
            shape: value.shape().clone(),
            trainable: AtomicBool::new(trainable),
            value: RwLock::new(value),
        }))
    }

    /// A number no other variable of this process has.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// TensorFlow's name, without `:0`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &Shape {
        &self.0.shape
    }

    /// Whether the variable was made to be trained (a layer's `trainable` is another matter).
    pub fn trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Changes what [`Variable::trainable`] says.
    pub fn set_trainable(&self, trainable: bool) {
        self.0.trainable.store(trainable, Ordering::Relaxed);
    }

    /// The present value, sharing its elements.
    pub fn value(&self) -> Tensor {
        self.read().clone()
    }

    /// Borrows the present value.
    pub fn read(&self) -> RwLockReadGuard<'_, Tensor> {
        self.0.value.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Borrows the value to change its elements in place. Shape and type must stay as they are.
    pub fn write(&self) -> RwLockWriteGuard<'_, Tensor> {
        self.0.value.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::DType`] where the new value does not fit; the old one stays.
    pub fn assign(&self, value: Tensor) -> Result<()> {
        if value.dtype() != self.dtype() {
            return Err(Error::DType { expected: self.dtype(), found: value.dtype() });
        }
        if value.shape() != self.shape() {
            return Err(Error::Shape {
                operation: format!("assign variable `{}`", self.name()),
                expected: self.shape().clone(),
                found: value.shape().clone(),
            });
        }
        *self.write() = value;
        Ok(())
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Variable) -> bool {
        self.id() == other.id()
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variable({} {} {})", self.name(), self.dtype(), self.shape())
    }
}

/// What a [`Trackable`] names: another object or a variable.
#[derive(Clone)]
pub enum Child {
    /// An object with children of its own.
    Object(Arc<dyn Trackable>),
    /// A variable.
    Variable(Variable),
}

/// A slot variable of an optimizer in the legacy form: attached to the pair of optimizer and variable.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The variable the slot belongs to.
    pub original: Variable,
    /// The slot's name: `m`, `v`, `momentum`.
    pub slot_name: String,
    /// The slot.
    pub variable: Variable,
}

/// An object whose state is reached by names: TensorFlow's object-based checkpoints follow these edges.
///
/// # Source
/// `tf.train.Checkpoint`, tensorflow/core/protobuf/trackable_object_graph.proto.
pub trait Trackable: Send + Sync {
    /// The edges in the order in which TensorFlow numbers them: attribute name and target.
    fn children(&self) -> Vec<(String, Child)>;

    /// A number by which two handles to one object are known to be the same; the address, unless the implementer is
    /// only a view of the object.
    fn identity(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>() as usize
    }

    /// Slot variables in the legacy optimizers' form.
    fn slots(&self) -> Vec<Slot> {
        Vec::new()
    }

    /// Is called by a restore that found values for variables this object has yet to create. The object keeps the
    /// hook and calls it each time it has created variables; a hook that returns `false` is done and is dropped.
    fn on_create(&self, _hook: CreateHook) {}

    /// Is called by a restore that found a value of another shape than the child's of that name, or for a child that
    /// is not there: a new variable of that shape, where the child's shape is open.
    fn open_child(&self, _name: &str, _shape: &Shape) -> Option<Variable> {
        None
    }

    /// Takes a variable that [`Trackable::open_child`] made, now that it has its value, in the place of the one there
    /// was.
    fn adopt_child(&self, _name: &str, _variable: Variable) {}
}

/// See [`Trackable::on_create`].
pub type CreateHook = Arc<dyn Fn() -> bool + Send + Sync>;

/// A keeper of [`CreateHook`]s for objects that create variables late.
#[derive(Default)]
pub struct CreateHooks(RwLock<Vec<CreateHook>>);

impl CreateHooks {
    /// Keeps a hook.
    pub fn push(&self, hook: CreateHook) {
        self.0.write().unwrap_or_else(|p| p.into_inner()).push(hook);
    }

    /// Calls the hooks and drops those that are done.
    pub fn created(&self) {
        // Hooks may look at this object again: they run without the lock.
        let hooks = std::mem::take(&mut *self.0.write().unwrap_or_else(|p| p.into_inner()));
        let mut left: Vec<CreateHook> = hooks.into_iter().filter(|hook| hook()).collect();
        self.0.write().unwrap_or_else(|p| p.into_inner()).append(&mut left);
    }
}

/// A list of objects or variables, as TensorFlow tracks a Python list: children `0`, `1`, ...
pub struct TrackableList(pub Vec<Child>);

impl Trackable for TrackableList {
    fn children(&self) -> Vec<(String, Child)> {
        self.0.iter().enumerate().map(|(i, child)| (i.to_string(), child.clone())).collect()
    }
}

/// Named tensors that can be read one at a time: an open file of any format, or tensors in memory.
pub trait TensorSource {
    /// The error of the format.
    type Error: std::error::Error + Send + Sync + 'static;
    /// The tensors' names, types and shapes, sorted by name.
    fn entries(&self) -> Vec<TensorInfo>;
    /// Reads one tensor and nothing else.
    fn tensor(&self, name: &str) -> Result<Tensor, Self::Error>;
    /// Hands over the bytes of one tensor of numbers, little-endian and in row-major order, block by block where the
    /// format can. Strings have no bytes in a row: nothing is handed over.
    fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<(), Self::Error> {
        f(self.tensor(name)?.as_bytes().unwrap_or_default());
        Ok(())
    }
}

/// Somewhere named tensors can be written to, one at a time.
pub trait TensorSink {
    /// The error of the format.
    type Error: std::error::Error + Send + Sync + 'static;
    /// Writes one tensor.
    fn put(&mut self, name: &str, tensor: &Tensor) -> Result<(), Self::Error>;
}

/// Name, type and shape of a tensor in a [`TensorSource`].
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// The key or path in the file.
    pub name: String,
    /// The type of the elements.
    pub dtype: DType,
    /// The lengths of the axes.
    pub shape: Shape,
}

/// Tensors in memory are a source and a sink.
impl TensorSource for BTreeMap<String, Tensor> {
    type Error = Error;
    fn entries(&self) -> Vec<TensorInfo> {
        self.iter()
            .map(|(name, t)| TensorInfo { name: name.clone(), dtype: t.dtype(), shape: t.shape().clone() })
            .collect()
    }
    fn tensor(&self, name: &str) -> Result<Tensor> {
        self.get(name).cloned().ok_or_else(|| Error::Argument {
            operation: "read tensor".into(),
            argument: "name".into(),
            expected: "a name that is there".into(),
            found: format!("`{name}`"),
        })
    }
}

impl TensorSink for BTreeMap<String, Tensor> {
    type Error = Error;
    fn put(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        self.insert(name.to_string(), tensor.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_read_before_a_write_stays() {
        let variable = Variable::new("v", Tensor::scalar(1f32), true);
        let before = variable.value();
        variable.write().as_mut_slice::<f32>().unwrap()[0] = 2.0;
        assert_eq!(before.to_scalar::<f32>(), Ok(1.0));
        assert_eq!(variable.value().to_scalar::<f32>(), Ok(2.0));
    }

    #[test]
    fn assigning_another_shape_is_refused() {
        let variable = Variable::new("dense/kernel", Tensor::zeros(DType::F32, [2, 3]).unwrap(), true);
        let error = variable.assign(Tensor::zeros(DType::F32, [3, 2]).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "assign variable `dense/kernel`: expected shape [2, 3], found [3, 2]");
    }
}
