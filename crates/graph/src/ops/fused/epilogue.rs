//! What is done to a product while it is in a near cache.

use kerox_tensor::kernels::Float;
use kerox_tensor::kernels::unary::{
    Unary as Function, bias_forward_in_place, forward_in_place, scale_forward_in_place,
};

use super::Fused;
use crate::{Result, View};

/// The vectors that follow the inputs of a product.
pub(in crate::ops) struct Epilogue<'r, 'a> {
    pub of: &'r Fused,
    pub vectors: &'r [View<'a>],
}

/// What is done to each row of the product.
pub(in crate::ops) struct Prepared<'s, T> {
    vectors: Vectors<'s, T>,
    /// What is added to the whole result, element by element.
    addend: Option<&'s [T]>,
    activation: Function,
}

enum Vectors<'s, T> {
    Bias(&'s [T]),
    Affine { scale: &'s [T], offset: &'s [T] },
    Nothing,
}

impl<'a> Epilogue<'_, 'a> {
    /// Brings the vectors into the form in which they are applied. Scale and offset of a normalization are made at the end
    /// of `scratch`, the rest of which is given back.
    pub fn prepare<'s, T: Float>(&self, scratch: &'s mut [T]) -> Result<(Prepared<'s, T>, &'s mut [T])>
    where
        'a: 's,
    {
        let activation = self.of.activation;
        let (vectors, addend) = self.vectors.split_at(self.vectors.len() - usize::from(self.of.has_addend));
        let addend = addend.first().map(|addend| addend.slice::<T>()).transpose()?;
        let (bias, normalization) = vectors.split_at(usize::from(self.of.has_bias));
        let bias = bias.first().map(|bias| bias.slice::<T>()).transpose()?;
        let (Some(epsilon), [gamma, beta, mean, variance]) = (self.of.normalization, normalization) else {
            let vectors = bias.map_or(Vectors::Nothing, Vectors::Bias);
            return Ok((Prepared { vectors, addend, activation }, scratch));
        };
        let (gamma, beta) = (gamma.slice::<T>()?, beta.slice::<T>()?);
        let (mean, variance) = (mean.slice::<T>()?, variance.slice::<T>()?);
        let channels = gamma.len();
        let rest = scratch.len().saturating_sub(2 * channels);
        let (scratch, room) = scratch.split_at_mut(rest);
        let (scale, offset) = room.split_at_mut(channels);
        let epsilon = T::from_f64(f64::from(epsilon));
        for c in 0..channels {
            scale[c] = gamma[c] / (variance[c] + epsilon).sqrt();
            let bias = bias.map_or(T::ZERO, |bias| bias[c]);
            offset[c] = beta[c] + (bias - mean[c]) * scale[c];
        }
        Ok((Prepared { vectors: Vectors::Affine { scale, offset }, addend, activation }, scratch))
    }
}

impl<T: Float> Prepared<'_, T> {
    /// Applies it to rows of the product, which begin at element `first`.
    pub fn apply(&self, first: usize, y: &mut [T]) {
        let next = if self.addend.is_some() { Function::Identity } else { self.activation };
        match self.vectors {
            Vectors::Bias(bias) => bias_forward_in_place(next, bias, y),
            Vectors::Affine { scale, offset } => scale_forward_in_place(next, scale, offset, y),
            Vectors::Nothing => forward_in_place(next, y),
        }
        if let Some(addend) = self.addend {
            // One row as long as what is there.
            bias_forward_in_place(self.activation, &addend[first..first + y.len()], y);
        }
    }
}
