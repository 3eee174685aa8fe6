//! `AUC`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::DType;
use smallvec::smallvec;

use super::confusion::{Decision, FOUR, counts};
use super::mean::ratio;
use super::thresholds::{above, even_thresholds};
use super::{Metric, MetricFunction, Numbers, State};
use crate::losses::{fit_rank, number_like, pair};
use crate::{Error, Result};

/// Which curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// Recall over the rate of false positives.
    #[default]
    Roc,
    /// Precision over recall.
    Pr,
}

/// How the area between two points is approximated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summation {
    /// By the mean of both heights; for precision over recall by the proper interpolation.
    #[default]
    Interpolation,
    /// By the lower height.
    Minoring,
    /// By the larger height.
    Majoring,
}

/// The area under a curve of decisions at many thresholds.
///
/// # Source
/// `keras.metrics.AUC`.
#[derive(Clone, Debug)]
pub struct Auc {
    /// How many thresholds; 200 by default.
    pub num_thresholds: usize,
    /// The curve.
    pub curve: Curve,
    /// The approximation.
    pub summation_method: Summation,
    /// Thresholds of one's own, without the ends 0 and 1.
    pub thresholds: Option<Vec<f64>>,
    /// Whether labels (the last axis) have a curve each, whose areas are averaged.
    pub multi_label: bool,
    /// The number of labels, where it is fixed before there is data.
    pub num_labels: Option<usize>,
    /// Weights of the labels.
    pub label_weights: Option<Vec<f64>>,
    /// Whether predictions are logits.
    pub from_logits: bool,
}

impl Default for Auc {
    fn default() -> Self {
        Auc {
            num_thresholds: 200,
            curve: Curve::Roc,
            summation_method: Summation::Interpolation,
            thresholds: None,
            multi_label: false,
            num_labels: None,
            label_weights: None,
            from_logits: false,
        }
    }
}

const CURVES: &[(&str, Curve)] = &[("ROC", Curve::Roc), ("PR", Curve::Pr), ("roc", Curve::Roc), ("pr", Curve::Pr)];
const SUMMATIONS: &[(&str, Summation)] = &[
    ("interpolation", Summation::Interpolation),
    ("minoring", Summation::Minoring),
    ("majoring", Summation::Majoring),
    ("Interpolation", Summation::Interpolation),
];

impl Auc {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let floats = |key: &str| -> Result<Option<Vec<f64>>> {
            let Some(node) = fields.get(key) else { return Ok(None) };
            Ok(Some(node.list()?.iter().map(|n| n.float()).collect::<Result<_, _>>()?))
        };
        let (thresholds, label_weights) = (floats("thresholds")?, floats("label_weights")?);
        let num_thresholds = fields.positive_or("num_thresholds", 200)?;
        if thresholds.is_none() && num_thresholds < 2 {
            return Err(Error::argument("AUC", "num_thresholds", "more than 1", num_thresholds.to_string()));
        }
        Ok(Auc {
            num_thresholds,
            curve: fields.one_of_or("curve", CURVES, Curve::Roc)?,
            summation_method: fields.one_of_or("summation_method", SUMMATIONS, Summation::Interpolation)?,
            thresholds,
            multi_label: fields.bool_or("multi_label", false)?,
            num_labels: fields.opt_positive("num_labels")?,
            label_weights,
            from_logits: fields.bool_or("from_logits", false)?,
        }
        .into())
    }

    fn all_thresholds(&self) -> Vec<f64> {
        match &self.thresholds {
            None => even_thresholds(self.num_thresholds, crate::losses::EPSILON),
            Some(inner) => {
                let mut inner = inner.clone();
                inner.sort_by(f64::total_cmp);
                let epsilon = crate::losses::EPSILON;
                std::iter::once(-epsilon).chain(inner).chain([1.0 + epsilon]).collect()
            }
        }
    }

    /// Counts of each label: `[thresholds, labels]` each.
    fn per_label(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, weight: Option<Value>) -> Result<[Value; 4]> {
        let (y_true, y_pred) = pair(cx, "AUC", y_true, y_pred)?;
        let g = &mut *cx.g;
        if g.dims(y_pred).rank() != Some(2) {
            let found = format!("shape {}", g.dims(y_pred));
            return Err(Error::data("AUC", "y_pred", "[batch, labels] for `multi_label`", found));
        }
        let zero = number_like(g, y_true, 0.0)?;
        let is_true = g.not_equal(y_true, zero)?;
        let labels = g.cast(is_true, DType::F32)?;
        let one = number_like(g, labels, 1.0)?;
        let others = g.subtract(one, labels)?;
        let (labels, others) = match weight {
            Some(weight) => {
                let weight = g.cast(weight, DType::F32)?;
                let weight = fit_rank(g, weight, labels)?;
                (g.multiply(labels, weight)?, g.multiply(others, weight)?)
            }
            None => (labels, others),
        };
        let scores = g.cast(y_pred, DType::F32)?;
        let scores = g.expand_dims(scores, 0)?;
        let above = above(g, scores, &self.all_thresholds())?;
        let (right, wrong) = (g.multiply(above, labels)?, g.multiply(above, others)?);
        let (tp, fp) = (g.reduce_sum(right, &[1], false)?, g.reduce_sum(wrong, &[1], false)?);
        let (labels, others) = (g.reduce_sum(labels, &[0], true)?, g.reduce_sum(others, &[0], true)?);
        Ok([tp, g.subtract(others, fp)?, fp, g.subtract(labels, tp)?])
    }

    /// The area of one label.
    fn area(&self, tp: &[f64], tn: &[f64], fp: &[f64], missed: &[f64]) -> f64 {
        let n = tp.len();
        if self.curve == Curve::Pr && self.summation_method == Summation::Interpolation {
            return (0..n.saturating_sub(1))
                .map(|i| {
                    let (here, next) = (tp[i] + fp[i], tp[i + 1] + fp[i + 1]);
                    let gained = tp[i] - tp[i + 1];
                    let slope = ratio(gained, (here - next).max(0.0));
                    let intercept = tp[i + 1] - slope * next;
                    let growth = if here > 0.0 && next > 0.0 { here / next } else { 1.0 };
                    ratio(slope * (gained + intercept * growth.ln()), (tp[i + 1] + missed[i + 1]).max(0.0))
                })
                .sum();
        }
        let points: Vec<(f64, f64)> = (0..n)
            .map(|i| {
                let recall = ratio(tp[i], tp[i] + missed[i]);
                match self.curve {
                    Curve::Roc => (ratio(fp[i], fp[i] + tn[i]), recall),
                    Curve::Pr => (recall, ratio(tp[i], tp[i] + fp[i])),
                }
            })
            .collect();
        let height = |a: f64, b: f64| match self.summation_method {
            Summation::Interpolation => (a + b) / 2.0,
            Summation::Minoring => a.min(b),
            Summation::Majoring => a.max(b),
        };
        points.windows(2).map(|p| (p[0].0 - p[1].0) * height(p[0].1, p[1].1)).sum()
    }
}

impl MetricFunction for Auc {
    fn class_name(&self) -> &str {
        "AUC"
    }
    fn default_name(&self) -> String {
        "auc".into()
    }
    fn config(&self) -> Config {
        let curve = if self.curve == Curve::Roc { "ROC" } else { "PR" };
        let summation = match self.summation_method {
            Summation::Interpolation => "interpolation",
            Summation::Minoring => "minoring",
            Summation::Majoring => "majoring",
        };
        let config = Config::new()
            .with("num_thresholds", self.thresholds.as_ref().map_or(self.num_thresholds, |t| t.len() + 2))
            .with("curve", curve)
            .with("summation_method", summation)
            .with("multi_label", self.multi_label)
            .with("num_labels", self.num_labels)
            .with("label_weights", self.label_weights.clone())
            .with("from_logits", self.from_logits);
        match &self.thresholds {
            Some(thresholds) => config.with("thresholds", thresholds.clone()),
            None => config,
        }
    }
    fn states(&self) -> Vec<State> {
        match (self.multi_label, self.num_labels) {
            (true, None) => FOUR.map(State::of_data).into(),
            (true, Some(labels)) => self.states_for(labels),
            (false, _) => FOUR.map(|name| State::of_shape(name, [self.all_thresholds().len()])).into(),
        }
    }
    fn states_for(&self, outputs: usize) -> Vec<State> {
        if !self.multi_label {
            return self.states();
        }
        let shape = [self.all_thresholds().len(), self.num_labels.unwrap_or(outputs)];
        FOUR.map(|name| State::of_shape(name, shape)).into()
    }
    fn contribute(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        let y_pred = if self.from_logits { cx.g.sigmoid(y_pred)? } else { y_pred };
        if self.multi_label {
            return Ok(self.per_label(cx, y_true, y_pred, weight)?.into());
        }
        let decision = Decision { thresholds: self.all_thresholds(), ..Decision::default() };
        let label_weights = self.label_weights.as_deref().unwrap_or(&[]);
        Ok(counts(cx, "AUC", &decision, y_true, y_pred, weight, label_weights)?.into())
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        let n = self.all_thresholds().len();
        if !self.multi_label {
            return smallvec![self.area(&sums[0], &sums[1], &sums[2], &sums[3])];
        }
        let labels = sums[0].len() / n.max(1);
        let area = |label: usize| {
            let column = |s: usize| sums[s].iter().skip(label).step_by(labels).copied().collect::<Vec<f64>>();
            self.area(&column(0), &column(1), &column(2), &column(3))
        };
        let areas: Vec<f64> = (0..labels).map(area).collect();
        smallvec![match &self.label_weights {
            Some(weights) => ratio(areas.iter().zip(weights).map(|(a, w)| a * w).sum(), weights.iter().sum()),
            None => ratio(areas.iter().sum(), labels as f64),
        }]
    }
}
