//! The constructor arguments all layers share.

use kerox_graph::Dims;

use super::{Layer, LayerRef};
use crate::{Args, DTypePolicy, KerasTensor, Result};

/// The constructor arguments all layers share, in builder form.
pub trait LayerExt: Layer + Sized {
    /// The name; an automatic one where none is given.
    #[must_use]
    fn name(mut self, name: impl Into<String>) -> Self {
        self.base_mut().set_name(name);
        self
    }

    /// Whether the layer is to be trained (the default).
    #[must_use]
    fn trainable(self, trainable: bool) -> Self {
        self.set_trainable(trainable);
        self
    }

    /// The type or policy to compute in: `float32`, `float64`, `mixed_float16`, ... Unknown names are left to the
    /// call to report.
    #[must_use]
    fn dtype(mut self, name: &str) -> Self {
        let policy = DTypePolicy::from_name(name).unwrap_or_else(|| {
            let unknown = kerox_tensor::DType::Variant;
            DTypePolicy::new(name, unknown, unknown)
        });
        self.base_mut().set_policy(policy);
        self
    }

    /// The shape of the input without the batch axis; unknown lengths are `None`.
    #[must_use]
    fn input_shape<D: Into<Option<usize>>>(self, shape: impl IntoIterator<Item = D>) -> Self {
        let dims: Vec<Option<usize>> = std::iter::once(None).chain(shape.into_iter().map(Into::into)).collect();
        self.batch_input_shape(dims)
    }

    /// The shape of the input with the batch axis.
    #[must_use]
    fn batch_input_shape(mut self, shape: impl IntoIterator<Item = Option<usize>>) -> Self {
        self.base_mut().set_batch_input_shape(Some(Dims::from_iter(shape)));
        self
    }

    /// Length of the only axis of the input beside the batch.
    #[must_use]
    fn input_dim(self, length: usize) -> Self {
        self.input_shape([length])
    }

    /// Applies the layer to symbolic tensors and gives the only (or first) output: the functional API.
    ///
    /// # Errors
    /// [`crate::Error::Input`] where they do not fit.
    fn on(self, inputs: impl Into<Args<KerasTensor>>) -> Result<KerasTensor> {
        LayerRef::from(self).on(inputs)
    }
}

impl<L: Layer> LayerExt for L {}
