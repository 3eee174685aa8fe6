//! A metric by itself, outside of any model.

use kerox_graph::{Executor, Graph, Plan};
use kerox_layers::Call;
use kerox_tensor::Tensor;

use super::Metric;
use crate::{Error, Result};

/// A metric with what it has added up.
///
/// # Example
/// ```
/// use kerox_tensor::Tensor;
/// use kerox_train::metrics::{Accumulator, BinaryAccuracy};
/// let mut metric = Accumulator::new(BinaryAccuracy::default());
/// let y_true = Tensor::from_vec(vec![0f32, 1.0], [2, 1])?;
/// metric.update_state(&y_true, &Tensor::from_vec(vec![0.2f32, 0.3], [2, 1])?, None)?;
/// assert_eq!(metric.result(), [0.5]);
/// # Ok::<(), kerox_train::Error>(())
/// ```
///
/// # Source
/// `keras.metrics.Metric.update_state`, `result`, `reset_state`.
#[derive(Clone, Debug)]
pub struct Accumulator {
    metric: Metric,
    sums: Vec<Vec<f64>>,
}

impl Accumulator {
    /// Nothing added up yet.
    pub fn new(metric: impl Into<Metric>) -> Accumulator {
        let metric = metric.into();
        let sums = metric.function.states().iter().map(|state| vec![0.0; state.shape.elements()]).collect();
        Accumulator { metric, sums }
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// Where targets, predictions and weights do not go together; what was added up is then as before.
    pub fn update_state(&mut self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        let mut g = Graph::new();
        let y_true = g.constant(y_true.clone())?;
        let y_pred = g.constant(y_pred.clone())?;
        let weight = sample_weight.map(|w| g.constant(w.clone())).transpose()?;
        let values = self.metric.function.contribute(&mut Call::new(&mut g, false), y_true, y_pred, weight)?;
        let mut executor = Executor::new(Plan::compile(&g, &[], &[], &values, &[])?);
        executor.run(&[])?;
        let mut added = Vec::with_capacity(values.len());
        for i in 0..values.len() {
            added.push(executor.output(i).slice::<f32>()?.to_vec());
        }
        let is_first = self.sums.iter().flatten().all(|&x| x == 0.0);
        for (sums, values) in self.sums.iter().zip(&added) {
            if sums.len() != values.len() && !is_first {
                let expected = format!("{} numbers, as in the batches before", sums.len());
                return Err(Error::data(&self.metric.name, "y_pred", expected, values.len().to_string()));
            }
        }
        for (sums, values) in self.sums.iter_mut().zip(&added) {
            sums.resize(values.len(), 0.0);
            sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        Ok(())
    }

    /// The result; most metrics have one number.
    pub fn result(&self) -> Vec<f64> {
        self.metric.function.result(&self.sums).into_vec()
    }

    /// What was added up, in the order of [`super::MetricFunction::states`].
    pub fn variables(&self) -> &[Vec<f64>] {
        &self.sums
    }

    /// Starts again at zero.
    pub fn reset_state(&mut self) {
        self.sums.iter_mut().for_each(|sums| sums.fill(0.0));
    }
}
