//! Patterns of operations that one kernel computes better.

mod epilogue;
mod patterns;

use std::any::Any;
use std::sync::Arc;

use kerox_tensor::Shape;
use kerox_tensor::kernels::unary::Unary as Function;

use super::Conv;
use super::dispatch::for_float;
use crate::{Infer, Op, Result, Run, ValueInfo};

pub(super) use epilogue::Epilogue;
pub(crate) use patterns::fuse;

/// `_Fused(inputs of the product..., bias?, scale?, offset?, mean?, variance?, addend?)`: a matrix product or convolution
/// whose result gets a bias, the normalization of inference, another value of its shape and an activation while it is in a
/// near cache, instead of one pass through memory for each.
#[derive(Clone, Debug)]
pub struct Fused {
    /// The product: `MatMul` or a convolution.
    pub product: Arc<dyn Op>,
    /// Whether a bias is added.
    pub has_bias: bool,
    /// What the normalization that follows adds to the variance; `None` where none follows.
    pub normalization: Option<f32>,
    /// Whether a value of the result's shape is added then.
    pub has_addend: bool,
    /// What is applied at last.
    pub activation: Function,
}

impl Fused {
    /// How many of the inputs belong to the product.
    fn product_inputs(&self, all: usize) -> usize {
        let vectors = if self.normalization.is_some() { 4 } else { 0 };
        let more = usize::from(self.has_bias) + vectors + usize::from(self.has_addend);
        all.saturating_sub(more)
    }
}

impl Op for Fused {
    fn name(&self) -> &'static str {
        "_Fused"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let n = self.product_inputs(cx.inputs().len());
        self.product.infer(&Infer::new(self.name(), "", &cx.inputs()[..n]))
    }
    fn scratch(&self, inputs: &[&Shape], outputs: &[&Shape]) -> usize {
        let channels = outputs[0].last().copied().unwrap_or(1);
        let room = if self.normalization.is_some() { 2 * channels } else { 0 };
        self.product.scratch(&inputs[..self.product_inputs(inputs.len())], outputs) + room
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (inputs, vectors) = run.inputs.split_at(self.product_inputs(run.inputs.len()));
        let mut product = Run { inputs, outputs: &mut *run.outputs, scratch: &mut *run.scratch };
        let epilogue = Epilogue { of: self, vectors };
        if let Some(conv) = (&*self.product as &dyn Any).downcast_ref::<Conv>() {
            return conv.run_with(&mut product, Some(&epilogue));
        }
        self.product.run(&mut product)?;
        for_float!(run.dtype(), self.name(), T => {
            let scratch = <T as kerox_tensor::Element>::slice_mut(run.scratch).map_or(&mut [][..], |v| &mut v[..]);
            epilogue.prepare::<T>(scratch)?.0.apply(0, run.outputs[0].slice::<T>()?);
            Ok(())
        })
    }
}
