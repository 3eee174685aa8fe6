//! One compiled step and what is added up over the steps of an epoch.

use kerox_graph::View;
use kerox_optim::{GradientView, Optimizer, Rows, Values};
use kerox_tensor::{DType, Shape, Tensor, Variable};
use smallvec::SmallVec;

use super::engine::Engine;
use super::trace::{Layout, Trace};
use crate::callbacks::Logs;
use crate::{Error, Result};

/// A step compiled for batches of certain types and shapes.
pub(crate) struct StepFunction {
    engine: Engine,
    shapes: Vec<(DType, Shape)>,
    layout: Layout,
    variables: Vec<Variable>,
    factor: Tensor,
}

impl StepFunction {
    pub fn compile<'a>(trace: &Trace, batch: impl Iterator<Item = &'a Tensor>) -> Result<StepFunction> {
        let shapes: Vec<(DType, Shape)> = batch.map(|t| (t.dtype(), t.shape().clone())).collect();
        let mut feeds: Vec<Shape> = shapes.iter().map(|(_, shape)| shape.clone()).collect();
        if trace.layout.is_scaled {
            feeds.push(Shape::scalar());
        }
        let engine = Engine::new(&trace.graph, &trace.feeds, &feeds, &trace.fetches, &trace.effects)?;
        let variables = trace.layout.weights.iter().map(|w| w.variable.clone()).collect();
        Ok(StepFunction { engine, shapes, layout: trace.layout.clone(), variables, factor: Tensor::scalar(1f32) })
    }

    pub fn is_for<'a>(&self, batch: impl Iterator<Item = &'a Tensor>) -> bool {
        let mut count = 0;
        for (i, tensor) in batch.enumerate() {
            count += 1;
            let fits = |(dtype, shape): &(DType, Shape)| *dtype == tensor.dtype() && shape == tensor.shape();
            if !self.shapes.get(i).is_some_and(fits) {
                return false;
            }
        }
        count == self.shapes.len()
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Computes everything but changes no variable.
    pub fn compute<'a>(
        &mut self,
        batch: impl Iterator<Item = &'a Tensor>,
        optimizer: Option<&dyn Optimizer>,
    ) -> Result<()> {
        if let (true, Some(optimizer)) = (self.layout.is_scaled, optimizer) {
            self.factor.as_mut_slice::<f32>()?[0] = optimizer.loss_scale() as f32;
        }
        let factor = &self.factor;
        let mut feeds: SmallVec<[&Tensor; 16]> = SmallVec::new();
        for tensor in batch {
            feeds.push(tensor);
        }
        if self.layout.is_scaled {
            feeds.push(factor);
        }
        self.engine.compute(&feeds)
    }

    /// Assigns what layers update by themselves, lets the optimizer change the weights, and constraints after it. What a
    /// layer does to its weights in a step comes before the optimizer, as in Keras.
    pub fn update(&mut self, optimizer: &dyn Optimizer) -> Result<()> {
        let first = self.gradients_from();
        self.engine.commit()?;
        {
            let mut gradients: SmallVec<[GradientView<'_>; 64]> = SmallVec::new();
            let mut at = first;
            for &by_rows in &self.layout.by_rows {
                let rows = match by_rows {
                    true => Some(Rows::I64(self.engine.output(at).slice()?)),
                    false => None,
                };
                at += usize::from(by_rows);
                let output = self.engine.output(at);
                at += 1;
                let values = match output.dtype() {
                    Some(DType::F64) => Values::F64(output.slice()?),
                    Some(DType::F16) => Values::F16(output.slice()?),
                    Some(DType::BF16) => Values::BF16(output.slice()?),
                    _ => Values::F32(output.slice()?),
                };
                gradients.push(match rows {
                    Some(rows) => GradientView::Sparse { rows, values },
                    None => GradientView::Dense(values),
                });
            }
            optimizer.apply_slices(&self.variables, &gradients)?;
        }
        for weight in &self.layout.weights {
            if let Some(constraint) = &weight.constraint {
                constraint.0.apply(&mut weight.variable.write())?;
            }
        }
        Ok(())
    }

    /// Assigns what layers keep outside of training too: the states of stateful recurrent layers.
    pub fn keep(&mut self) -> Result<()> {
        self.engine.commit()
    }

    /// Prediction `i` of the latest batch.
    pub fn prediction(&self, i: usize) -> View<'_> {
        self.engine.output(i)
    }

    /// The loss of the latest batch.
    pub fn loss(&self) -> Result<f64> {
        scalar(&self.engine, self.layout.predictions)
    }

    fn gradients_from(&self) -> usize {
        let states: usize = self.layout.metric_shapes.iter().map(Vec::len).sum();
        self.layout.predictions
            + usize::from(self.layout.has_loss)
            + self.layout.output_losses.len()
            + states
            + 2 * self.layout.added_metrics.len()
    }
}

/// Output `i`, which is one number.
fn scalar(engine: &Engine, i: usize) -> Result<f64> {
    let output = engine.output(i);
    Ok(match output.dtype() {
        Some(DType::F64) => output.slice::<f64>()?[0],
        _ => f64::from(output.slice::<f32>()?[0]),
    })
}

/// Sums over the batches of an epoch.
pub(crate) struct Sums {
    layout: Layout,
    loss: f64,
    output_losses: Vec<f64>,
    /// Sum and count of each.
    added: Vec<[f64; 2]>,
    samples: f64,
    /// A metric, a state, an element.
    metrics: Vec<Vec<Vec<f64>>>,
    logs: Logs,
}

impl Sums {
    pub fn new(layout: &Layout) -> Sums {
        let metrics = layout
            .metric_shapes
            .iter()
            .map(|states| states.iter().map(|shape| vec![0.0; shape.elements()]).collect())
            .collect();
        Sums {
            loss: 0.0,
            output_losses: vec![0.0; layout.output_losses.len()],
            added: vec![[0.0; 2]; layout.added_metrics.len()],
            samples: 0.0,
            metrics,
            logs: Logs::default(),
            layout: layout.clone(),
        }
    }

    /// Starts again at zero.
    pub fn reset(&mut self) {
        (self.loss, self.samples) = (0.0, 0.0);
        self.output_losses.fill(0.0);
        self.added.fill([0.0; 2]);
        self.metrics.iter_mut().flatten().for_each(|sums| sums.fill(0.0));
    }

    /// Adds the latest batch of a step.
    pub fn add(&mut self, step: &StepFunction, samples: usize) -> Result<()> {
        let n = samples as f64;
        let mut at = self.layout.predictions;
        self.loss += n * scalar(&step.engine, at)?;
        for sum in &mut self.output_losses {
            at += 1;
            *sum += n * scalar(&step.engine, at)?;
        }
        at += 1;
        for sums in self.metrics.iter_mut().flatten() {
            let output = step.engine.output(at);
            at += 1;
            match output.dtype() {
                Some(DType::F64) => sums.iter_mut().zip(output.slice::<f64>()?).for_each(|(s, &x)| *s += x),
                _ => sums.iter_mut().zip(output.slice::<f32>()?).for_each(|(s, &x)| *s += f64::from(x)),
            }
        }
        for part in self.added.iter_mut().flatten() {
            *part += f64::from(step.engine.output(at).slice::<f32>()?[0]);
            at += 1;
        }
        self.samples += n;
        Ok(())
    }

    /// Names and values so far.
    pub fn logs(&mut self) -> &Logs {
        let mean = |sum: f64, n: f64| if n == 0.0 { 0.0 } else { sum / n };
        self.logs.set("loss", mean(self.loss, self.samples));
        for (name, &sum) in self.layout.output_losses.iter().zip(&self.output_losses) {
            self.logs.set(name, mean(sum, self.samples));
        }
        for (metric, sums) in self.layout.metrics.iter().zip(&self.metrics) {
            match metric.function.result(sums)[..] {
                [value] => self.logs.set(&metric.name, value),
                ref values => {
                    for (i, &value) in values.iter().enumerate() {
                        self.logs.set(&format!("{}_{i}", metric.name), value);
                    }
                }
            }
        }
        for (name, &[sum, count]) in self.layout.added_metrics.iter().zip(&self.added) {
            self.logs.set(name, mean(sum, count));
        }
        &self.logs
    }
}

/// The error of a loss that is no number.
pub(crate) fn not_finite(epoch: usize, batch: usize, loss: f64) -> Error {
    Error::NotFinite { epoch: epoch + 1, batch: batch + 1, loss }
}
