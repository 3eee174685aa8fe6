//! The handle by which a layer is shared.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use kerox_tensor::Trackable;

use super::Layer;
use super::node::LayerView;
use crate::{Args, KerasTensor, Result};

/// A shared handle to a layer.
#[derive(Clone)]
pub struct LayerRef(pub(super) Arc<dyn Layer>);

impl LayerRef {
    /// Applies the layer to symbolic tensors: the functional API.
    ///
    /// # Errors
    /// [`crate::Error::Input`] where they do not fit.
    pub fn call(&self, inputs: impl Into<Args<KerasTensor>>) -> Result<Vec<KerasTensor>> {
        KerasTensor::call(self, inputs.into())
    }

    /// Applies the layer to symbolic tensors and gives the only (or first) output.
    ///
    /// # Errors
    /// As [`LayerRef::call`].
    pub fn on(&self, inputs: impl Into<Args<KerasTensor>>) -> Result<KerasTensor> {
        Ok(self.call(inputs)?.swap_remove(0))
    }

    /// The layer as a node of object graphs. It does not keep the layer alive.
    pub fn node(&self) -> Arc<dyn Trackable> {
        self.base().node.get_or_init(|| Arc::new(LayerView(Arc::downgrade(&self.0)))).clone()
    }

    /// A number that is the same for all handles to one layer.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }
}

impl<L: Layer> From<L> for LayerRef {
    fn from(layer: L) -> LayerRef {
        // Automatic names are given in the order in which layers are put to use.
        layer.base().name();
        LayerRef(Arc::new(layer))
    }
}

impl<L: Layer> From<Arc<L>> for LayerRef {
    fn from(layer: Arc<L>) -> LayerRef {
        layer.base().name();
        LayerRef(layer)
    }
}

impl Deref for LayerRef {
    type Target = dyn Layer;
    fn deref(&self) -> &dyn Layer {
        &*self.0
    }
}

impl PartialEq for LayerRef {
    fn eq(&self, other: &LayerRef) -> bool {
        self.id() == other.id()
    }
}

impl fmt::Debug for LayerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base().fmt(f)
    }
}
