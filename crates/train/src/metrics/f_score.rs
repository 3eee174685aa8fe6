//! `FBetaScore` and `F1Score`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};
use kerox_layers::Call;
use kerox_tensor::DType;
use smallvec::smallvec;

use super::mean::{ratio, single};
use super::{Metric, MetricFunction, Numbers, State};
use crate::Result;
use crate::losses::{fit_rank, number_like, pair, sum_all};

/// How the scores of the classes become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Average {
    /// They stay as they are.
    #[default]
    None,
    /// Counts of all classes are added up first.
    Micro,
    /// Their mean.
    Macro,
    /// Their mean weighted by how often classes occur.
    Weighted,
}

impl Average {
    const WORDS: &'static [(&'static str, Average)] =
        &[("micro", Average::Micro), ("macro", Average::Macro), ("weighted", Average::Weighted)];

    fn json(self) -> kerox_config_json::Value {
        match Average::WORDS.iter().find(|(_, average)| *average == self) {
            Some((word, _)) => (*word).into(),
            None => ().into(),
        }
    }
}

/// The weighted harmonic mean of precision and recall of each class.
///
/// # Shapes
/// targets and predictions `[batch, classes]`.
///
/// # Source
/// `keras.metrics.FBetaScore`.
#[derive(Clone, Debug)]
pub struct FBetaScore {
    /// How the classes become one number.
    pub average: Average,
    /// How much more recall counts than precision.
    pub beta: f64,
    /// Predictions above it count as positive; the largest one does where there is none.
    pub threshold: Option<f64>,
}

impl Default for FBetaScore {
    fn default() -> Self {
        FBetaScore { average: Average::None, beta: 1.0, threshold: None }
    }
}

/// The names of what is added up.
const SUMS: [&str; 4] = ["true_positives", "false_positives", "false_negatives", "intermediate_weights"];

/// The harmonic mean of precision and recall of each class.
///
/// # Source
/// `keras.metrics.F1Score`.
#[derive(Clone, Debug, Default)]
pub struct F1Score {
    /// How the classes become one number.
    pub average: Average,
    /// Predictions above it count as positive; the largest one does where there is none.
    pub threshold: Option<f64>,
}

fn average(fields: &Fields<'_>) -> Result<Average> {
    Ok(fields.one_of_or("average", Average::WORDS, Average::None)?)
}

impl FBetaScore {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let beta = fields.float_or("beta", 1.0)?;
        if beta <= 0.0 {
            return Err(crate::Error::argument("FBetaScore", "beta", "a positive number", beta.to_string()));
        }
        Ok(FBetaScore { average: average(fields)?, beta, threshold: fields.opt_float("threshold")? }.into())
    }
}

impl F1Score {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        Ok(F1Score { average: average(fields)?, threshold: fields.opt_float("threshold")? }.into())
    }

    fn score(&self) -> FBetaScore {
        FBetaScore { average: self.average, beta: 1.0, threshold: self.threshold }
    }
}

impl MetricFunction for FBetaScore {
    fn class_name(&self) -> &str {
        "FBetaScore"
    }
    fn default_name(&self) -> String {
        "fbeta_score".into()
    }
    fn config(&self) -> Config {
        Config::new().with("average", self.average.json()).with("beta", self.beta).with("threshold", self.threshold)
    }
    fn states(&self) -> Vec<State> {
        SUMS.map(State::of_data).into()
    }
    fn states_for(&self, outputs: usize) -> Vec<State> {
        match self.average {
            Average::Micro => self.states(),
            _ => SUMS.map(|name| State::of_shape(name, [outputs])).into(),
        }
    }
    fn contribute(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        let y_pred = single(cx.g, y_pred)?;
        let (y_true, y_pred) = pair(cx, "FBetaScore", y_true, y_pred)?;
        let g = &mut *cx.g;
        let positive = match self.threshold {
            Some(threshold) => {
                let threshold = number_like(g, y_pred, threshold)?;
                g.greater(y_pred, threshold)?
            }
            None => {
                let largest = g.reduce_max(y_pred, &[-1], true)?;
                let is_largest = g.greater_equal(y_pred, largest)?;
                let size = g.abs(y_pred)?;
                let tiny = number_like(g, size, 1e-12)?;
                let counts = g.greater(size, tiny)?;
                g.logical_and(is_largest, counts)?
            }
        };
        let positive = g.cast(positive, DType::F32)?;
        let y_true = g.cast(y_true, DType::F32)?;
        let one = number_like(g, y_true, 1.0)?;
        let (negative, absent) = (g.subtract(one, positive)?, g.subtract(one, y_true)?);
        let right = g.multiply(positive, y_true)?;
        let invented = g.multiply(positive, absent)?;
        let missed = g.multiply(negative, y_true)?;
        let is_micro = self.average == Average::Micro;
        let sum = |g: &mut Graph, value: Value| -> Result<Value> {
            let mut value = value;
            if let Some(weight) = weight {
                let weight = g.cast(weight, DType::F32)?;
                let weight = fit_rank(g, weight, value)?;
                value = g.multiply(value, weight)?;
            }
            if is_micro { sum_all(g, value) } else { Ok(g.reduce_sum(value, &[0], false)?) }
        };
        Ok(vec![sum(g, right)?, sum(g, invented)?, sum(g, missed)?, sum(g, y_true)?])
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        let square = self.beta * self.beta;
        let score = |i: usize| {
            let (right, invented, missed) = (sums[0][i], sums[1][i], sums[2][i]);
            let (precision, recall) = (ratio(right, right + invented), ratio(right, right + missed));
            ratio(precision * recall, square * precision + recall) * (1.0 + square)
        };
        let scores: Numbers = (0..sums[0].len()).map(score).collect();
        match self.average {
            Average::None => scores,
            Average::Micro | Average::Macro => smallvec![ratio(scores.iter().sum(), scores.len() as f64)],
            Average::Weighted => {
                smallvec![ratio(scores.iter().zip(&sums[3]).map(|(s, w)| s * w).sum(), sums[3].iter().sum())]
            }
        }
    }
}

impl MetricFunction for F1Score {
    fn class_name(&self) -> &str {
        "F1Score"
    }
    fn default_name(&self) -> String {
        "f1_score".into()
    }
    fn config(&self) -> Config {
        Config::new().with("average", self.average.json()).with("threshold", self.threshold)
    }
    fn states(&self) -> Vec<State> {
        self.score().states()
    }
    fn states_for(&self, outputs: usize) -> Vec<State> {
        self.score().states_for(outputs)
    }
    fn contribute(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        self.score().contribute(cx, y_true, y_pred, weight)
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        self.score().result(sums)
    }
}
