//! Gradient clipping: what each gradient is multiplied with and clamped to.

use crate::options::Options;
use crate::{Form, GradientView, Values};

/// `post * clamp(pre * g, limit)` of one gradient.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clip {
    pub pre: f64,
    pub limit: Option<f64>,
    pub post: f64,
    /// In Keras 3 what is clipped by the norm of all gradients is no gradient by rows any more, but their sum.
    pub is_of_sum: bool,
}

/// What clipping does to all gradients of a step.
pub(super) struct Clipping {
    pre: f64,
    limit: Option<f64>,
    norm: Option<f64>,
    /// The factor of `global_clipnorm`.
    global: Option<f64>,
}

impl Clipping {
    /// `pre` is applied first: the inverse of a loss scale.
    pub fn new<'a>(
        options: &Options,
        pre: f64,
        gradients: impl Iterator<Item = &'a GradientView<'a>> + Clone,
    ) -> Clipping {
        let positive = |x: Option<f64>| x.filter(|&x| x > 0.0);
        let (limit, norm, global) = if options.form == Form::Legacy {
            // Legacy applies what is set, one after the other.
            (options.clipvalue, options.clipnorm, options.global_clipnorm)
        } else if let Some(norm) = positive(options.clipnorm) {
            (None, Some(norm), None)
        } else if let Some(global) = positive(options.global_clipnorm) {
            (None, None, Some(global))
        } else {
            (positive(options.clipvalue), None, None)
        };
        let mut clipping = Clipping { pre, limit, norm, global: None };
        if let Some(bound) = global {
            // The per-gradient factor of a legacy `clipnorm` would have to go in here; Keras refuses the pair.
            let squares: f64 = gradients.filter_map(|g| g.values()).map(|v| squares(&v, pre, limit)).sum();
            let total = squares.sqrt();
            // Not finite: the gradients become NaN, as in TensorFlow.
            let factor = bound * (1.0 / total).min(1.0 / bound);
            clipping.global = Some(if total.is_finite() { factor } else { f64::NAN });
        }
        clipping
    }

    /// What to do with one gradient.
    pub fn of(&self, gradient: &GradientView<'_>) -> Clip {
        let mut clip = Clip {
            pre: self.pre,
            limit: self.limit,
            post: self.global.unwrap_or(1.0),
            is_of_sum: self.global.is_some(),
        };
        if let (Some(bound), Some(values)) = (self.norm, gradient.values()) {
            let norm = squares(&values, self.pre, self.limit).sqrt();
            let largest = norm.max(bound);
            clip.post *= if norm.is_nan() {
                f64::NAN
            } else if largest > 0.0 {
                bound / largest
            } else {
                0.0
            };
        }
        clip
    }
}

impl Clip {
    /// Leaves a gradient as it is.
    pub const NONE: Clip = Clip { pre: 1.0, limit: None, post: 1.0, is_of_sum: false };

    /// The clipped number.
    pub fn apply(&self, g: f64) -> f64 {
        let g = g * self.pre;
        let g = match self.limit {
            Some(limit) if g > limit => limit,
            Some(limit) if g < -limit => -limit,
            _ => g,
        };
        g * self.post
    }
}

/// The sum of squares, as it is after scaling and clamping.
fn squares(values: &Values<'_>, pre: f64, limit: Option<f64>) -> f64 {
    let clip = Clip { pre, limit, ..Clip::NONE };
    if let (Values::F32(v), None) = (values, limit) {
        // Eight partial sums, so that the loop is not one chain of additions.
        let chunks = v.chunks_exact(8);
        let rest: f64 = chunks.remainder().iter().map(|&x| x as f64 * x as f64).sum();
        let mut sums = [0f64; 8];
        for chunk in chunks {
            for (sum, &x) in sums.iter_mut().zip(chunk) {
                *sum += x as f64 * x as f64;
            }
        }
        return (rest + sums.iter().sum::<f64>()) * pre * pre;
    }
    let mut sum = 0.0;
    values.for_each(|_, g| {
        let g = clip.apply(g);
        sum += g * g;
    });
    sum
}
