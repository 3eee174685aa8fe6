//! `predict`: the outputs for data.

use std::io::{IsTerminal, Write};

use kerox_graph::Data;
use kerox_tensor::{DType, Element, Shape, Tensor, each_buffer};

use super::Model;
use super::fit_options::Verbose;
use super::run_options::run_builders;
use super::trace::Mode;
use crate::callbacks::{Callback, CallbackList, Context, Params};
use crate::console::{ConsoleStyle, ProgbarLogger};
use crate::data::{Arrays, Batches, IntoArrays};
use crate::{Error, Result};

/// The arguments of `predict` beside the data, with Keras's defaults.
#[derive(Default)]
pub struct Predict<'a> {
    pub(crate) batch_size: Option<usize>,
    pub(crate) verbose: Verbose,
    pub(crate) steps: Option<usize>,
    pub(crate) callbacks: Vec<Box<dyn Callback + 'a>>,
    pub(crate) console_style: ConsoleStyle,
    pub(crate) console: Option<Box<dyn Write + 'a>>,
    pub(crate) redraw: Option<bool>,
}

impl<'a> Predict<'a> {
    run_builders!('a);

    /// Batches; all there are by default.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }
}

impl Model {
    /// Computes the outputs for arrays, batch by batch; one tensor an output, `[samples, ...]`.
    ///
    /// # Errors
    /// [`Error::Data`] where the arrays do not fit the model.
    ///
    /// # Source
    /// `keras.Model.predict`.
    pub fn predict(&mut self, x: impl IntoArrays, options: Predict<'_>) -> Result<Vec<Tensor>> {
        let mut options = options;
        let data = self.prepare("predict", x.into_arrays(), Arrays::default(), None)?;
        let samples = data.samples();
        let batch_size = options.batch_size.unwrap_or(32);
        if batch_size == 0 {
            return Err(Error::argument("predict", "batch_size", "a positive integer", "0"));
        }
        let mut batches = Batches::new(data, batch_size);
        // No samples still give outputs: of shape [0, ...].
        let steps = options.steps.unwrap_or(usize::MAX).min(batches.steps().max(1));
        let params = Params {
            verbose: options.verbose.level(),
            epochs: 1,
            steps: Some(steps),
            log_names: Vec::new(),
            batch_size: Some(batch_size),
        };
        let redraw = options.redraw.unwrap_or_else(|| options.console.is_none() && std::io::stdout().is_terminal());
        let mut callbacks = CallbackList(options.callbacks);
        if params.verbose > 0 && samples > 0 {
            callbacks.0.push(Box::new(ProgbarLogger::new(options.console_style, redraw)));
        }
        let mut stdout = std::io::stdout();
        let console: &mut dyn Write = match &mut options.console {
            Some(console) => console,
            None => &mut stdout,
        };
        callbacks
            .each(|c| c.on_predict_begin(&mut Context { model: self, params: &params, console: &mut *console }))?;
        let mut outputs: Vec<Tensor> = Vec::new();
        let mut row = 0;
        for index in 0..steps {
            callbacks.each(|c| {
                let cx = &mut Context { model: self, params: &params, console: &mut *console };
                c.on_predict_batch_begin(cx, index)
            })?;
            let batch = batches.take(index)?;
            let count = batch.samples();
            let step = self.step(Mode::Predict, &batch)?;
            step.compute(batch.x.iter(), None)?;
            for i in 0..step.layout().predictions {
                let prediction = step.prediction(i);
                let shape = prediction.shape;
                if outputs.len() <= i {
                    let total = (steps * batch_size).min(samples);
                    let full: Shape = match shape.first() == Some(&count) {
                        true => std::iter::once(total).chain(shape.iter().skip(1).copied()).collect(),
                        false => shape.clone(),
                    };
                    outputs.push(Tensor::zeros(prediction.dtype().unwrap_or(DType::F32), full)?);
                }
                let target = &mut outputs[i];
                if target.len() < row * width(shape) + shape.elements() {
                    let expected = format!("outputs `[batch, ...]` of one shape (batch {count})");
                    return Err(Error::data("predict", format!("output {i}"), expected, format!("shape {shape}")));
                }
                let (at, count) = (row * width(shape), shape.elements());
                if let Data::Elements(buffer) = prediction.data {
                    each_buffer!(buffer, v => copy(&v[..count], target, at)?);
                }
            }
            step.keep()?;
            row += count;
            batches.give_back(batch);
            callbacks.each(|c| {
                let cx = &mut Context { model: self, params: &params, console: &mut *console };
                c.on_predict_batch_end(cx, index)
            })?;
        }
        callbacks.each(|c| c.on_predict_end(&mut Context { model: self, params: &params, console: &mut *console }))?;
        Ok(outputs)
    }

    /// Computes the outputs for one batch.
    ///
    /// # Errors
    /// As [`Model::predict`].
    ///
    /// # Source
    /// `keras.Model.predict_on_batch`.
    pub fn predict_on_batch(&mut self, x: impl IntoArrays) -> Result<Vec<Tensor>> {
        let batch = self.prepare("predict_on_batch", x.into_arrays(), Arrays::default(), None)?;
        let step = self.step(Mode::Predict, &batch)?;
        step.compute(batch.x.iter(), None)?;
        let predictions: Result<Vec<Tensor>> =
            (0..step.layout().predictions).map(|i| Ok(step.prediction(i).tensor()?)).collect();
        step.keep()?;
        predictions
    }
}

/// Elements of a sample.
fn width(shape: &Shape) -> usize {
    shape.iter().skip(1).product()
}

fn copy<T: Element>(from: &[T], to: &mut Tensor, at: usize) -> Result<()> {
    to.as_mut_slice::<T>()?[at..at + from.len()].clone_from_slice(from);
    Ok(())
}
