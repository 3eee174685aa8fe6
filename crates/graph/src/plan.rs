//! The graph compiled for concrete shapes.
//!
//! 1. **specialise**: only what the fetches need, with concrete shapes; constants folded; casts put around kernels
//!    that do not compute in half precision ([`specialise`]).
//! 2. **fuse**: patterns replaced by single kernels ([`crate::ops::fuse`]).
//! 3. **place**: every value gets a slot of the arena; a slot is used again once its value is dead, and operations
//!    that can, write over their input.

mod place;
mod specialise;

use std::sync::Arc;

use kerox_tensor::{DType, Shape, Tensor, Variable};
use smallvec::SmallVec;

use crate::{Error, Graph, NodeId, Op, Result, Value};

pub(crate) use specialise::{MAX_BYTES, evaluate};

/// A graph compiled for concrete shapes: a list of kernel calls over one arena. Shared by any number of
/// [`crate::Executor`]s.
#[derive(Debug)]
pub struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) slots: Vec<(DType, usize)>,
    pub(crate) constants: Vec<Tensor>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) feeds: Vec<FeedSpec>,
    pub(crate) outputs: Vec<(Operand, Shape, DType)>,
    pub(crate) assigns: Vec<(Variable, Operand, Shape)>,
    pub(crate) scratch: Vec<(DType, usize)>,
}

#[derive(Debug)]
pub(crate) struct FeedSpec {
    pub name: String,
    pub dtype: DType,
    pub shape: Shape,
}

/// One kernel call.
#[derive(Debug)]
pub(crate) struct Step {
    pub name: String,
    pub op: Arc<dyn Op>,
    pub inputs: SmallVec<[(Operand, Shape); 4]>,
    pub outputs: SmallVec<[(u32, Shape); 2]>,
    /// Index into the executor's scratch buffers.
    pub scratch: Option<usize>,
}

/// Where an input lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Slot(u32),
    Constant(u32),
    Variable(u32),
    Feed(u32),
    InPlace(u8),
    ShapeOnly,
}

impl Plan {
    /// Compiles what is needed to compute `fetches` and to run `effects` from `feeds` of the given shapes.
    ///
    /// # Errors
    /// [`Error::Argument`] where the shapes do not fit, [`Error::UnknownShape`] where a shape depends on elements that
    /// are not known: such a graph is for the [`crate::Interpreter`].
    pub fn compile(
        g: &Graph,
        feeds: &[Value],
        shapes: &[Shape],
        fetches: &[Value],
        effects: &[NodeId],
    ) -> Result<Arc<Plan>> {
        let concrete = specialise::specialise(g, feeds, shapes, fetches, effects)?;
        let fused = crate::ops::fuse(concrete)?;
        place::place(&fused).map(Arc::new)
    }

    /// Bytes of the arena.
    pub fn arena_bytes(&self) -> usize {
        self.slots.iter().map(|(dtype, len)| dtype.size().unwrap_or(0) * len).sum()
    }

    /// Names of the kernel calls in order, with their operations: for tests and for looking at what was fused.
    pub fn describe(&self) -> Vec<(&str, &'static str)> {
        self.steps.iter().map(|step| (step.name.as_str(), step.op.name())).collect()
    }
}

/// The error about a value whose shape is not known.
fn unknown_shape(g: &Graph, value: Value) -> Error {
    let node = g.node(value.node);
    Error::UnknownShape { op: node.op.name().into(), node: node.name.clone(), found: g.dims(value).to_string() }
}
