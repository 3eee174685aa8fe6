//! Quantiles of data that come in batches.

use std::sync::{Arc, RwLock};

use kerox_graph::ops::Bucketize;
use kerox_graph::{Graph, Infer, Op, Run, Value, ValueInfo};
use kerox_tensor::{DType, Variable};

/// Values in ascending order with the weights that lie up to each of them.
///
/// # Source
/// `summarize`, `compress` and `merge_summaries` of `keras.layers.Discretization`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Summary {
    values: Vec<f32>,
    weights: Vec<f32>,
}

impl Summary {
    /// Takes apart what [`Summary::to_vec`] gives.
    pub fn of(elements: &[f32]) -> Summary {
        let (values, weights) = elements.split_at(elements.len() / 2);
        Summary { values: values.to_vec(), weights: weights.to_vec() }
    }

    /// The values, then the weights.
    pub fn to_vec(&self) -> Vec<f32> {
        [self.values.clone(), self.weights.clone()].concat()
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Adds a batch and keeps about `1 / epsilon` values.
    pub fn add(&mut self, batch: &[f32], epsilon: f64) {
        let mut sorted = batch.to_vec();
        sorted.sort_by(f32::total_cmp);
        let increment = (sorted.len() as f32 / (1.0 / epsilon) as f32) as usize;
        let step = increment.max(1);
        let mut all: Vec<(f32, f32)> =
            sorted.into_iter().skip(increment).step_by(step).map(|value| (value, step as f32)).collect();
        all.extend(self.values.iter().copied().zip(self.weights.iter().copied()));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        (self.values, self.weights) = all.into_iter().unzip();
        self.compress(epsilon);
    }

    fn compress(&mut self, epsilon: f64) {
        if (self.len() as f64) * epsilon < 1.0 {
            return;
        }
        let mut sum = 0f32;
        let cumulative: Vec<f64> = self
            .weights
            .iter()
            .map(|w| {
                sum += w;
                f64::from(sum)
            })
            .collect();
        let total = f64::from(sum);
        let parts: Vec<f64> = cumulative.iter().map(|c| f64::from((c / total) as f32)).collect();
        let values: Vec<f64> = self.values.iter().map(|&v| f64::from(v)).collect();
        let count = (1.0 / epsilon).ceil() as usize;
        let places: Vec<f64> = (0..count).map(|i| epsilon + i as f64 * epsilon).collect();
        let new_values: Vec<f64> = places.iter().map(|&at| interpolate(at, &parts, &values)).collect();
        let new_sums: Vec<f64> = places.iter().map(|&at| interpolate(at, &parts, &cumulative)).collect();
        let mut before = 0.0;
        self.values = new_values.into_iter().map(|v| v as f32).collect();
        self.weights = new_sums
            .into_iter()
            .map(|sum| {
                let weight = sum - before;
                before = sum;
                weight as f32
            })
            .collect();
    }

    /// The boundaries between that many ranges of equal weight.
    pub fn boundaries(&self, bins: usize) -> Vec<f32> {
        let mut summary = self.clone();
        summary.compress(1.0 / bins as f64);
        summary.values.pop();
        summary.values
    }
}

/// Between the points next to `at`, linearly; `xs` ascend.
fn interpolate(at: f64, xs: &[f64], ys: &[f64]) -> f64 {
    let next = xs.partition_point(|&x| x <= at);
    match (next.checked_sub(1), xs.get(next)) {
        (None, _) => ys.first().copied().unwrap_or(f64::NAN),
        (Some(last), None) => ys.get(last).copied().unwrap_or(f64::NAN),
        (Some(low), Some(&high)) => {
            let slope = (ys[next] - ys[low]) / (high - xs[low]);
            slope * (at - xs[low]) + ys[low]
        }
    }
}

/// `_AdaptedRanges(x)`: as `Bucketize`, with the boundaries that a layer has learnt by the time it runs.
#[derive(Clone, Debug)]
pub(super) struct AdaptedRanges {
    /// What the layer has seen.
    pub summary: Arc<RwLock<Option<Variable>>>,
    /// Number of ranges.
    pub bins: usize,
    /// The layer's name.
    pub owner: String,
}

impl AdaptedRanges {
    fn bucketize(&self) -> kerox_graph::Result<Bucketize> {
        let variable = self.summary.read().unwrap_or_else(|p| p.into_inner()).clone();
        let summary = match variable {
            Some(variable) => Summary::of(variable.value().as_slice::<f32>()?),
            None => Summary::default(),
        };
        if summary.len() == 0 {
            return Err(kerox_graph::Error::Argument {
                op: "Discretization".into(),
                node: self.owner.clone(),
                argument: "bin_boundaries".into(),
                expected: "boundaries that were given, adapted or loaded: call `adapt`".into(),
                found: "none".into(),
            });
        }
        Ok(Bucketize { boundaries: summary.boundaries(self.bins) })
    }
}

impl Op for AdaptedRanges {
    fn name(&self) -> &'static str {
        "_AdaptedRanges"
    }
    fn infer(&self, cx: &Infer<'_>) -> kerox_graph::Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(DType::I32, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> kerox_graph::Result<()> {
        self.bucketize()?.run(run)
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> kerox_graph::Result<Option<Vec<Value>>> {
        Ok(Some(vec![g.add_single(self.bucketize()?, inputs)?]))
    }
    fn is_pure(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_values_are_kept_as_they_are() {
        let mut summary = Summary::default();
        summary.add(&[3.0, 1.0, 2.0], 0.1);
        assert_eq!(summary.to_vec(), [1.0, 2.0, 3.0, 1.0, 1.0, 1.0]);
        assert_eq!(summary.boundaries(3), [1.0, 2.0]);
    }
}
