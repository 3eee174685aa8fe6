//! Thresholds at which predictions become decisions.

use kerox_config_json::{Fields, Value as Json};
use kerox_graph::{Graph, Value};
use kerox_tensor::{DType, Shape, Tensor};

use crate::Result;
use crate::losses::{EPSILON, number_like};

/// A prediction no threshold is below.
pub(super) const LEAST: f64 = -1e10;

/// Thresholds as the constructor takes them: none, one, or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Thresholds {
    /// 0.5; with `top_k` whatever is among the largest.
    #[default]
    Default,
    /// One.
    One(f64),
    /// Several; the result has one number each.
    Many(Vec<f64>),
}

impl Thresholds {
    pub(super) fn list(&self, top_k: Option<usize>) -> Vec<f64> {
        match self {
            Thresholds::Default => vec![if top_k.is_some() { LEAST } else { 0.5 }],
            Thresholds::One(t) => vec![*t],
            Thresholds::Many(list) => list.clone(),
        }
    }

    pub(super) fn read(fields: &Fields<'_>) -> Result<Thresholds> {
        let check = |node: &kerox_config_json::Node<'_>| node.float_in(0.0, 1.0);
        Ok(match fields.get("thresholds") {
            None => Thresholds::Default,
            Some(node) if node.value().as_list().is_some() => {
                Thresholds::Many(node.list()?.iter().map(check).collect::<Result<_, _>>()?)
            }
            Some(node) => Thresholds::One(check(&node)?),
        })
    }

    pub(super) fn json(&self) -> Json {
        match self {
            Thresholds::Default => ().into(),
            Thresholds::One(t) => (*t).into(),
            Thresholds::Many(list) => list.clone().into(),
        }
    }
}

/// `n` thresholds from 0 to 1 in equal steps. The ends are moved outwards by `margin`.
pub(super) fn even_thresholds(n: usize, margin: f64) -> Vec<f64> {
    let inner = (1..n.saturating_sub(1)).map(|i| i as f64 / (n - 1) as f64);
    std::iter::once(-margin).chain(inner).chain([1.0 + margin]).collect()
}

/// Whether thresholds go from 0 to 1 in equal steps, as Keras decides it.
pub(super) fn are_even(thresholds: &[f64]) -> bool {
    let steps = thresholds.len().saturating_sub(1) as f64;
    let fits = |(i, &t): (usize, &f64)| {
        let even = i as f64 / steps;
        (t.clamp(0.0, 1.0) - even).abs() <= EPSILON + 1e-5 * even
    };
    thresholds.len() > 2 && thresholds.iter().enumerate().all(fits)
}

/// Adds whether scores are above each threshold, as 0 or 1: `[thresholds, ...]` of scores `[1, ...]` in f32.
///
/// Where thresholds are even, Keras compares the number of the step a score is in, which differs in the last digits
/// from a comparison of the score itself. Scores count as numbers in [0, 1] then.
pub(super) fn above(g: &mut Graph, scores: Value, thresholds: &[f64]) -> Result<Value> {
    let n = thresholds.len();
    let (scores, thresholds) = if are_even(thresholds) {
        let share = g.clip_by_value(scores, 0.0, 1.0)?;
        let steps = number_like(g, share, (n - 1) as f64)?;
        let step = g.multiply(share, steps)?;
        let mut step = g.ceil(step)?;
        if thresholds[0] < 0.0 || thresholds[n - 1] > 1.0 {
            let first = number_like(g, step, 1.0)?;
            step = g.maximum(step, first)?;
        }
        (step, (0..n).map(|i| i as f32).collect())
    } else {
        (scores, thresholds.iter().map(|&t| t as f32).collect())
    };
    let rank = g.dims(scores).rank().unwrap_or(1);
    let shape: Shape = std::iter::once(n).chain(std::iter::repeat_n(1, rank.saturating_sub(1))).collect();
    let thresholds: Vec<f32> = thresholds;
    let thresholds = g.constant(Tensor::from_vec(thresholds, shape)?)?;
    let above = g.greater(scores, thresholds)?;
    Ok(g.cast(above, DType::F32)?)
}
