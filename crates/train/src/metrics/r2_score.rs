//! `R2Score`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::DType;
use smallvec::smallvec;

use super::{Metric, MetricFunction, Numbers, State};
use crate::Result;
use crate::losses::{fit_rank, pair, spread, sum_all};

/// How the scores of the outputs become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// They stay as they are.
    None,
    /// Their mean.
    #[default]
    UniformAverage,
    /// Their mean weighted by the variances of the targets.
    VarianceWeightedAverage,
}

impl Aggregation {
    const WORDS: &'static [(&'static str, Aggregation)] = &[
        ("uniform_average", Aggregation::UniformAverage),
        ("variance_weighted_average", Aggregation::VarianceWeightedAverage),
    ];
}

/// The share of the variance that predictions explain.
///
/// # Shapes
/// targets and predictions `[batch, outputs]`.
///
/// # Source
/// `keras.metrics.R2Score`.
#[derive(Clone, Copy, Debug, Default)]
pub struct R2Score {
    /// How the outputs become one number.
    pub class_aggregation: Aggregation,
    /// The number of independent variables, for the adjusted score; 0 for the plain one.
    pub num_regressors: usize,
}

impl R2Score {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let class_aggregation = match fields.present("class_aggregation") {
            Some(node) if node.is_null() => Aggregation::None,
            Some(node) => node.one_of(Aggregation::WORDS)?,
            None => Aggregation::UniformAverage,
        };
        Ok(R2Score { class_aggregation, num_regressors: fields.unsigned_or("num_regressors", 0)? }.into())
    }
}

/// The names of what is added up for each output.
const SUMS: [&str; 4] = ["squared_sum", "sum", "residual", "count"];

/// The number of samples, which Keras counts in whole numbers.
fn samples() -> State {
    State { dtype: DType::I32, ..State::scalar("num_samples") }
}

impl MetricFunction for R2Score {
    fn class_name(&self) -> &str {
        "R2Score"
    }
    fn default_name(&self) -> String {
        "r2_score".into()
    }
    fn config(&self) -> Config {
        let word = Aggregation::WORDS.iter().find(|(_, a)| *a == self.class_aggregation).map(|(word, _)| *word);
        Config::new().with("class_aggregation", word).with("num_regressors", self.num_regressors)
    }
    fn states(&self) -> Vec<State> {
        std::iter::once(samples()).chain(SUMS.map(State::of_data)).collect()
    }
    fn states_for(&self, outputs: usize) -> Vec<State> {
        std::iter::once(samples()).chain(SUMS.map(|name| State::of_shape(name, [outputs]))).collect()
    }
    fn contribute(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        let (y_true, y_pred) = pair(cx, "R2Score", y_true, y_pred)?;
        let g = &mut *cx.g;
        let (y_true, y_pred) = (g.cast(y_true, DType::F32)?, g.cast(y_pred, DType::F32)?);
        let ones = g.ones_like(y_true)?;
        let weight = match weight {
            Some(weight) => {
                let weight = g.cast(weight, DType::F32)?;
                let weight = fit_rank(g, weight, y_true)?;
                spread(g, weight, y_true)?
            }
            None => ones,
        };
        let weighted = g.multiply(y_true, weight)?;
        let square = g.multiply(y_true, weighted)?;
        let residual = g.squared_difference(y_true, y_pred)?;
        let residual = g.multiply(residual, weight)?;
        let mut values = vec![sum_all(g, ones)?];
        for value in [square, weighted, residual, weight] {
            values.push(g.reduce_sum(value, &[0], false)?);
        }
        Ok(values)
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        let samples = sums[0][0];
        let (mut scores, mut totals) = (Numbers::new(), Numbers::new());
        for (((square, sum), residual), count) in sums[1].iter().zip(&sums[2]).zip(&sums[3]).zip(&sums[4]) {
            // In f32, as Keras does: targets that are all the same have no variance then, instead of what rounding leaves.
            let [square, sum, residual, count] = [square, sum, residual, count].map(|&x| x as f32);
            let total = square - sum * (sum / count);
            let (score, total) = (f64::from(1.0 - residual / total), f64::from(total));
            scores.push(if score.is_infinite() { 0.0 } else { score });
            totals.push(total);
        }
        let mut scores = match self.class_aggregation {
            Aggregation::None => scores,
            Aggregation::UniformAverage => smallvec![scores.iter().sum::<f64>() / scores.len() as f64],
            Aggregation::VarianceWeightedAverage => {
                let weighted: f64 = scores.iter().zip(&totals).map(|(s, t)| s * t).sum();
                smallvec![weighted / totals.iter().sum::<f64>()]
            }
        };
        let regressors = self.num_regressors as f64;
        if self.num_regressors > 0 && regressors < samples - 1.0 {
            for score in &mut scores {
                *score = 1.0 - (1.0 - *score) * (samples - 1.0) / (samples - regressors - 1.0);
            }
        }
        scores
    }
}
