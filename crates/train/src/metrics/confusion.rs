//! Counts of right and wrong decisions at thresholds.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};
use kerox_layers::Call;
use kerox_tensor::{DType, Tensor};
use smallvec::smallvec;

use super::mean::ratio;
use super::thresholds::{LEAST, Thresholds, above, are_even, even_thresholds};
use super::{Metric, MetricFunction, Numbers, State};
use crate::Result;
use crate::losses::{fit_rank, last_length, number_like, pair, spread, squeeze_pair};

/// How predictions become decisions.
#[derive(Clone, Debug, Default)]
pub(super) struct Decision {
    pub thresholds: Vec<f64>,
    pub top_k: Option<usize>,
    pub class_id: Option<usize>,
}

/// True positives, true negatives, false positives and false negatives at each threshold: `[thresholds]` each.
pub(super) fn counts(
    cx: &mut Call<'_>,
    what: &str,
    decision: &Decision,
    y_true: Value,
    y_pred: Value,
    sample_weight: Option<Value>,
    label_weights: &[f64],
) -> Result<[Value; 4]> {
    let (y_true, y_pred) = squeeze_pair(cx.g, y_true, y_pred)?;
    let (y_true, mut y_pred) = pair(cx, what, y_true, y_pred)?;
    let g = &mut *cx.g;
    let mut y_true = spread(g, y_true, y_pred)?;
    if let Some(k) = decision.top_k {
        y_pred = keep_top_k(g, what, y_pred, k)?;
    }
    let mut weights = None;
    if let Some(weight) = sample_weight {
        let weight = g.cast(weight, DType::F32)?;
        let weight = fit_rank(g, weight, y_pred)?;
        weights = Some(spread(g, weight, y_pred)?);
    }
    if !label_weights.is_empty() {
        let n = label_weights.len();
        let factors = Tensor::from_vec(label_weights.iter().map(|&x| x as f32).collect(), [n])?;
        let factors = g.constant(factors)?;
        let factors = spread(g, factors, y_pred)?;
        weights = Some(match weights {
            Some(weights) => g.multiply(weights, factors)?,
            None => factors,
        });
    }
    if let Some(class) = decision.class_id {
        let width = last_length(g, what, y_pred)?;
        if class >= width {
            let expected = format!("a class below {width}");
            return Err(crate::Error::argument(what, "class_id", expected, class.to_string()));
        }
        let one_hot: Vec<f32> = (0..width).map(|i| f32::from(u8::from(i == class))).collect();
        let one_hot = g.constant(Tensor::from_vec(one_hot, [width])?)?;
        let pick = |g: &mut Graph, x: Value| -> Result<Value> {
            let x = g.cast(x, DType::F32)?;
            let product = g.multiply(x, one_hot)?;
            Ok(g.reduce_sum(product, &[-1], false)?)
        };
        (y_true, y_pred) = (pick(g, y_true)?, pick(g, y_pred)?);
        weights = weights.map(|w| pick(g, w)).transpose()?;
    }
    let zero = number_like(g, y_true, 0.0)?;
    let is_true = g.not_equal(y_true, zero)?;
    let labels = g.cast(is_true, DType::F32)?;
    let one = number_like(g, labels, 1.0)?;
    let others = g.subtract(one, labels)?;
    let (labels, others) = match weights {
        Some(weights) => (g.multiply(labels, weights)?, g.multiply(others, weights)?),
        None => (labels, others),
    };
    let (labels, others) = (g.reshape(labels, &[-1, 1])?, g.reshape(others, &[-1, 1])?);
    let sides = g.concat(&[labels, others], 1)?;
    let scores = g.cast(y_pred, DType::F32)?;
    let scores = g.reshape(scores, &[1, -1])?;
    let above = above(g, scores, &decision.thresholds)?;
    let positive = g.matmul(above, sides, false, false)?;
    let negative = if are_even(&decision.thresholds) {
        let all = g.reduce_sum(sides, &[0], true)?;
        g.subtract(all, positive)?
    } else {
        // Nothing is below a threshold of 0, where a difference leaves what rounding does.
        let one = number_like(g, above, 1.0)?;
        let below = g.subtract(one, above)?;
        g.matmul(below, sides, false, false)?
    };
    let n = decision.thresholds.len() as i64;
    let column = |g: &mut Graph, x: Value, at: i64| -> Result<Value> {
        let x = g.slice(x, &[0, at], &[n, 1])?;
        Ok(g.reshape(x, &[n])?)
    };
    Ok([column(g, positive, 0)?, column(g, negative, 1)?, column(g, positive, 1)?, column(g, negative, 0)?])
}

/// Predictions that are not among the `k` largest of their sample become very small. Of equal ones the first count.
fn keep_top_k(g: &mut Graph, what: &str, y_pred: Value, k: usize) -> Result<Value> {
    let n = last_length(g, what, y_pred)?;
    let earlier: Vec<bool> = (0..n).flat_map(|i| (0..n).map(move |j| j < i)).collect();
    let earlier = g.constant(Tensor::from_vec(earlier, [n, n])?)?;
    let (this, other) = (g.expand_dims(y_pred, -1)?, g.expand_dims(y_pred, -2)?);
    let (larger, equal) = (g.greater(other, this)?, g.equal(other, this)?);
    let before = g.logical_and(equal, earlier)?;
    let before = g.logical_or(larger, before)?;
    let before = g.cast(before, DType::F32)?;
    let rank = g.reduce_sum(before, &[-1], false)?;
    let k = number_like(g, rank, k as f64)?;
    let keep = g.less(rank, k)?;
    let least = g.fill_like(y_pred, LEAST)?;
    Ok(g.select(keep, y_pred, least)?)
}

/// The names of the four counts, in the order of [`counts`].
pub(super) const FOUR: [&str; 4] = ["true_positives", "true_negatives", "false_positives", "false_negatives"];

macro_rules! counters {
    ($($(#[$doc:meta])* $class:ident, $name:literal, $at:literal;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Source
            #[doc = concat!("`keras.metrics.", stringify!($class), "`.")]
            #[derive(Clone, Debug, Default)]
            pub struct $class {
                /// Predictions above a threshold count as positive.
                pub thresholds: Thresholds,
            }

            impl $class {
                pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
                    Ok($class { thresholds: Thresholds::read(fields)? }.into())
                }
            }

            impl MetricFunction for $class {
                fn class_name(&self) -> &str {
                    stringify!($class)
                }
                fn default_name(&self) -> String {
                    $name.into()
                }
                fn config(&self) -> Config {
                    Config::new().with("thresholds", self.thresholds.json())
                }
                fn states(&self) -> Vec<State> {
                    vec![State::of_shape("accumulator", [self.thresholds.list(None).len()])]
                }
                fn contribute(
                    &self,
                    cx: &mut Call<'_>,
                    y_true: Value,
                    y_pred: Value,
                    weight: Option<Value>,
                ) -> Result<Vec<Value>> {
                    let decision = Decision { thresholds: self.thresholds.list(None), ..Decision::default() };
                    Ok(vec![counts(cx, stringify!($class), &decision, y_true, y_pred, weight, &[])?[$at]])
                }
                fn result(&self, sums: &[Vec<f64>]) -> Numbers {
                    sums[0].iter().copied().collect()
                }
            }
        )*
    };
}
// A line expands to a metric: its class, its default name, which of the counts.
counters! {
    /// The number of positive samples taken for positive.
    TruePositives, "true_positives", 0;
    /// The number of negative samples taken for negative.
    TrueNegatives, "true_negatives", 1;
    /// The number of negative samples taken for positive.
    FalsePositives, "false_positives", 2;
    /// The number of positive samples taken for negative.
    FalseNegatives, "false_negatives", 3;
}

macro_rules! shares {
    ($($(#[$doc:meta])* $class:ident, $name:literal, $state:literal, $at:literal;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Source
            #[doc = concat!("`keras.metrics.", stringify!($class), "`.")]
            #[derive(Clone, Debug, Default)]
            pub struct $class {
                /// Predictions above a threshold count as positive.
                pub thresholds: Thresholds,
                /// Only the `k` largest predictions of a sample count as positive.
                pub top_k: Option<usize>,
                /// Only this class is looked at.
                pub class_id: Option<usize>,
            }

            impl $class {
                pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
                    let class_id = match fields.get("class_id") {
                        Some(node) => Some(node.unsigned()?),
                        None => None,
                    };
                    let (thresholds, top_k) = (Thresholds::read(fields)?, fields.opt_positive("top_k")?);
                    Ok($class { thresholds, top_k, class_id }.into())
                }
            }

            impl MetricFunction for $class {
                fn class_name(&self) -> &str {
                    stringify!($class)
                }
                fn default_name(&self) -> String {
                    $name.into()
                }
                fn config(&self) -> Config {
                    Config::new()
                        .with("thresholds", self.thresholds.json())
                        .with("top_k", self.top_k)
                        .with("class_id", self.class_id)
                }
                fn states(&self) -> Vec<State> {
                    let thresholds = self.thresholds.list(self.top_k).len();
                    ["true_positives", $state].map(|name| State::of_shape(name, [thresholds])).into()
                }
                fn contribute(
                    &self,
                    cx: &mut Call<'_>,
                    y_true: Value,
                    y_pred: Value,
                    weight: Option<Value>,
                ) -> Result<Vec<Value>> {
                    let decision = Decision {
                        thresholds: self.thresholds.list(self.top_k),
                        top_k: self.top_k,
                        class_id: self.class_id,
                    };
                    let counts = counts(cx, stringify!($class), &decision, y_true, y_pred, weight, &[])?;
                    Ok(vec![counts[0], counts[$at]])
                }
                fn result(&self, sums: &[Vec<f64>]) -> Numbers {
                    sums[0].iter().zip(&sums[1]).map(|(&right, &wrong)| ratio(right, right + wrong)).collect()
                }
            }
        )*
    };
}
// A line expands to a metric: its class, its default name, the other state and which of the counts that is.
shares! {
    /// The share of right ones among those taken for positive.
    Precision, "precision", "false_positives", 2;
    /// The share of the positive samples that were taken for positive.
    Recall, "recall", "false_negatives", 3;
}

macro_rules! constrained {
    ($($(#[$doc:meta])* $class:ident, $name:literal, $value:ident, $constrained:expr, $dependent:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Source
            #[doc = concat!("`keras.metrics.", stringify!($class), "`.")]
            #[derive(Clone, Debug)]
            pub struct $class {
                /// What has to be reached, in [0, 1].
                pub $value: f64,
                /// How many thresholds are tried; 200 by default.
                pub num_thresholds: usize,
                /// Only this class is looked at.
                pub class_id: Option<usize>,
            }

            impl $class {
                #[doc = concat!("With 200 thresholds, for that `", stringify!($value), "`.")]
                pub fn new($value: f64) -> $class {
                    $class { $value, num_thresholds: 200, class_id: None }
                }

                pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
                    let class_id = match fields.get("class_id") {
                        Some(node) => Some(node.unsigned()?),
                        None => None,
                    };
                    let $value = fields.required(stringify!($value))?.float_in(0.0, 1.0)?;
                    let num_thresholds = fields.positive_or("num_thresholds", 200)?;
                    Ok($class { $value, num_thresholds, class_id }.into())
                }

                fn thresholds(&self) -> Vec<f64> {
                    match self.num_thresholds {
                        1 => vec![0.5],
                        n => even_thresholds(n, 0.0),
                    }
                }
            }

            impl MetricFunction for $class {
                fn class_name(&self) -> &str {
                    stringify!($class)
                }
                fn default_name(&self) -> String {
                    $name.into()
                }
                fn config(&self) -> Config {
                    Config::new()
                        .with("class_id", self.class_id)
                        .with("num_thresholds", self.num_thresholds)
                        .with(stringify!($value), self.$value)
                }
                fn states(&self) -> Vec<State> {
                    FOUR.map(|name| State::of_shape(name, [self.thresholds().len()])).into()
                }
                fn contribute(
                    &self,
                    cx: &mut Call<'_>,
                    y_true: Value,
                    y_pred: Value,
                    weight: Option<Value>,
                ) -> Result<Vec<Value>> {
                    let decision = Decision { thresholds: self.thresholds(), top_k: None, class_id: self.class_id };
                    Ok(counts(cx, stringify!($class), &decision, y_true, y_pred, weight, &[])?.into())
                }
                fn result(&self, sums: &[Vec<f64>]) -> Numbers {
                    let constrained: fn([f64; 4]) -> f64 = $constrained;
                    let dependent: fn([f64; 4]) -> f64 = $dependent;
                    let best = (0..sums[0].len())
                        .map(|i| [sums[0][i], sums[1][i], sums[2][i], sums[3][i]])
                        // Compared in f32, as Keras does: 3/10 reaches 0.3.
                        .filter(|&counts| constrained(counts) as f32 >= self.$value as f32)
                        .map(dependent)
                        .fold(0.0, f64::max);
                    smallvec![best]
                }
            }
        )*
    };
}
// A line expands to a metric: its class, its default name, what is constrained and how it and the result are computed
// from true positives, true negatives, false positives and false negatives.
constrained! {
    /// The best sensitivity (recall) at thresholds whose specificity reaches a value.
    SensitivityAtSpecificity, "sensitivity_at_specificity", specificity,
        |[_, tn, fp, _]| ratio(tn, tn + fp), |[tp, _, _, missed]| ratio(tp, tp + missed);
    /// The best specificity at thresholds whose sensitivity (recall) reaches a value.
    SpecificityAtSensitivity, "specificity_at_sensitivity", sensitivity,
        |[tp, _, _, missed]| ratio(tp, tp + missed), |[_, tn, fp, _]| ratio(tn, tn + fp);
    /// The best precision at thresholds whose recall reaches a value.
    PrecisionAtRecall, "precision_at_recall", recall,
        |[tp, _, _, missed]| ratio(tp, tp + missed), |[tp, _, fp, _]| ratio(tp, tp + fp);
    /// The best recall at thresholds whose precision reaches a value.
    RecallAtPrecision, "recall_at_precision", precision,
        |[tp, _, fp, _]| ratio(tp, tp + fp), |[tp, _, _, missed]| ratio(tp, tp + missed);
}
