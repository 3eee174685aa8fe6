//! Signatures that the caller names.

use std::fmt;
use std::sync::Arc;

use kerox_graph::{Dims, Value, ValueInfo};
use kerox_layers::Call;
use kerox_tensor::DType;

/// Adds operations to a graph: from the inputs in order to named outputs.
type Compute = dyn Fn(&mut Call<'_>, &[Value]) -> kerox_layers::Result<Vec<(String, Value)>> + Send + Sync;

/// A function of a SavedModel by which others call it: names, types and shapes of its inputs, and what it computes.
///
/// # Example
/// A classifier that also tells the class:
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{SaveOptions, ServingSignature};
/// use kerox_tensor::DType;
///
/// let model = Sequential::new().add(Dense::new(3).activation("softmax").input_shape([4]));
/// let network = model.network().clone();
/// let classify = ServingSignature::new(move |cx, inputs| {
///     let scores = cx.apply_one(&network, inputs[0])?;
///     let class = cx.g.argmax(scores, -1)?;
///     Ok(vec![("scores".into(), scores), ("class".into(), class)])
/// })
/// .input("features", DType::F32, [None, Some(4)]);
/// let path = std::env::temp_dir().join("kerox-classify");
/// model.save_with(&path, &SaveOptions::new().signature("classify", classify))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// The argument `signatures` of `keras.Model.save`.
#[derive(Clone)]
pub struct ServingSignature {
    pub(super) inputs: Vec<(String, ValueInfo)>,
    pub(super) compute: Arc<Compute>,
}

impl ServingSignature {
    /// A signature that computes this; its inputs are yet to be named.
    pub fn new(
        compute: impl Fn(&mut Call<'_>, &[Value]) -> kerox_layers::Result<Vec<(String, Value)>> + Send + Sync + 'static,
    ) -> ServingSignature {
        ServingSignature { inputs: Vec::new(), compute: Arc::new(compute) }
    }

    /// The next input.
    ///
    /// # Shapes
    /// `dims` with the batch; unknown lengths are `None`.
    #[must_use]
    pub fn input(mut self, name: impl Into<String>, dtype: DType, dims: impl Into<Dims>) -> ServingSignature {
        self.inputs.push((name.into(), ValueInfo::new(dtype, dims.into())));
        self
    }
}

impl fmt::Debug for ServingSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.inputs.iter().map(|(name, info)| (name, info.dtype, &info.dims))).finish()
    }
}
