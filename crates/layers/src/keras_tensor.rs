//! Symbolic tensors of the functional API.

use std::fmt;
use std::sync::Arc;

use kerox_graph::{Dims, Graph, Value, ValueInfo};
use kerox_tensor::DType;

use crate::{Arg, Args, Call, LayerRef, Result};

/// One application of a layer to symbolic tensors: Keras's `Node`.
pub struct CallNode {
    /// The layer.
    pub layer: LayerRef,
    /// How many applications of the layer came before.
    pub node_index: usize,
    /// What it was applied to.
    pub args: Args<KerasTensor>,
    /// Types and shapes of what came out.
    pub outputs: Vec<ValueInfo>,
}

/// An output of a layer in the functional API: type, shape and where it comes from.
///
/// # Source
/// `keras.KerasTensor`.
#[derive(Clone)]
pub struct KerasTensor {
    /// The application it comes from.
    pub node: Arc<CallNode>,
    /// Which of its outputs.
    pub index: usize,
}

impl KerasTensor {
    /// Applies a layer to symbolic tensors.
    ///
    /// # Errors
    /// [`crate::Error::Input`] where they do not fit.
    pub(crate) fn call(layer: &LayerRef, args: Args<KerasTensor>) -> Result<Vec<KerasTensor>> {
        let mut g = Graph::new();
        let inputs = args.try_map(|t| g.placeholder("input", t.dtype(), t.shape().clone()))?;
        let mut cx = Call::new(&mut g, false);
        let values = cx.apply(layer, &inputs)?;
        let outputs = values.iter().map(|&v| ValueInfo::new(g.dtype(v), g.dims(v).clone())).collect();
        Ok(KerasTensor::record(layer, args, outputs))
    }

    /// Notes an application whose outputs are known.
    pub(crate) fn record(layer: &LayerRef, args: Args<KerasTensor>, outputs: Vec<ValueInfo>) -> Vec<KerasTensor> {
        let node = Arc::new(CallNode { layer: layer.clone(), node_index: layer.base().next_call(), args, outputs });
        layer.base().push_node(&node);
        (0..node.outputs.len()).map(|index| KerasTensor { node: node.clone(), index }).collect()
    }

    /// The shape, batch included.
    pub fn shape(&self) -> &Dims {
        &self.node.outputs[self.index].dims
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.node.outputs[self.index].dtype
    }

    /// A key that is the same for all handles to one tensor.
    pub fn id(&self) -> (usize, usize) {
        (Arc::as_ptr(&self.node).cast::<()>() as usize, self.index)
    }
}

impl PartialEq for KerasTensor {
    fn eq(&self, other: &KerasTensor) -> bool {
        self.id() == other.id()
    }
}

impl fmt::Debug for KerasTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<KerasTensor: shape={} dtype={} (created by layer '{}')>",
            self.shape(),
            self.dtype(),
            self.node.layer.name()
        )
    }
}

impl From<KerasTensor> for Args<KerasTensor> {
    fn from(tensor: KerasTensor) -> Args<KerasTensor> {
        Args::one(tensor)
    }
}

impl From<&KerasTensor> for Args<KerasTensor> {
    fn from(tensor: &KerasTensor) -> Args<KerasTensor> {
        Args::one(tensor.clone())
    }
}

impl<const N: usize> From<[&KerasTensor; N]> for Args<KerasTensor> {
    fn from(tensors: [&KerasTensor; N]) -> Args<KerasTensor> {
        Args { args: vec![Arg::List(tensors.into_iter().cloned().map(Arg::Tensor).collect())], kwargs: Vec::new() }
    }
}

impl From<Vec<KerasTensor>> for Args<KerasTensor> {
    fn from(tensors: Vec<KerasTensor>) -> Args<KerasTensor> {
        Args::list(tensors)
    }
}

/// A value of the graph for each symbolic tensor, while a functional model is traced.
pub(crate) type Values = std::collections::HashMap<(usize, usize), Value>;
