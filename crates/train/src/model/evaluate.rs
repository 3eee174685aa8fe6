//! `evaluate`: losses and metrics of data the model is not trained on.

use std::io::{IsTerminal, Write};

use super::Model;
use super::fit_options::Verbose;
use super::run_options::run_builders;
use super::step::Sums;
use super::trace::Mode;
use crate::callbacks::{Callback, CallbackList, Context, Logs, Params};
use crate::console::{ConsoleStyle, ProgbarLogger};
use crate::data::{Arrays, Batches, IntoArrays};
use crate::{Error, Result};

/// The arguments of `evaluate` beside the data, with Keras's defaults.
#[derive(Default)]
pub struct Evaluate<'a> {
    pub(crate) batch_size: Option<usize>,
    pub(crate) verbose: Verbose,
    pub(crate) sample_weight: Option<Arrays>,
    pub(crate) steps: Option<usize>,
    pub(crate) callbacks: Vec<Box<dyn Callback + 'a>>,
    pub(crate) console_style: ConsoleStyle,
    pub(crate) console: Option<Box<dyn Write + 'a>>,
    pub(crate) redraw: Option<bool>,
}

impl<'a> Evaluate<'a> {
    run_builders!('a);

    /// Factors of the loss by sample.
    #[must_use]
    pub fn sample_weight(mut self, weights: impl IntoArrays) -> Self {
        self.sample_weight = Some(weights.into_arrays());
        self
    }

    /// Batches; all there are by default.
    #[must_use]
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    pub(super) fn run(
        model: &mut Model,
        batches: &mut Batches,
        steps: Option<usize>,
        callbacks: &mut CallbackList<'_>,
        params: &Params,
        console: &mut dyn Write,
    ) -> Result<Logs> {
        callbacks.each(|c| c.on_test_begin(&mut Context { model, params, console: &mut *console }))?;
        let mut sums: Option<Sums> = None;
        for index in 0..steps.unwrap_or(usize::MAX).min(batches.steps()) {
            callbacks.each(|c| c.on_test_batch_begin(&mut Context { model, params, console: &mut *console }, index))?;
            let batch = batches.take(index)?;
            let step = model.step(Mode::Test, &batch)?;
            step.compute(batch.x.iter().chain(&batch.y).chain(&batch.sample_weight), None)?;
            let sums = sums.get_or_insert_with(|| Sums::new(step.layout()));
            sums.add(step, batch.samples())?;
            step.keep()?;
            batches.give_back(batch);
            let logs = sums.logs();
            callbacks
                .each(|c| c.on_test_batch_end(&mut Context { model, params, console: &mut *console }, index, logs))?;
        }
        let logs = sums.map(|mut sums| sums.logs().clone()).unwrap_or_default();
        callbacks.each(|c| c.on_test_end(&mut Context { model, params, console: &mut *console }, &logs))?;
        Ok(logs)
    }
}

impl Model {
    /// Computes the loss and the metrics over arrays. The first value is the loss.
    ///
    /// # Errors
    /// [`Error::NotCompiled`]; [`Error::Data`] or [`Error::Cardinality`] where arrays do not fit.
    ///
    /// # Source
    /// `keras.Model.evaluate(..., return_dict=True)`.
    pub fn evaluate(&mut self, x: impl IntoArrays, y: impl IntoArrays, options: Evaluate<'_>) -> Result<Logs> {
        let mut options = options;
        if self.compiled.is_none() {
            return Err(Error::NotCompiled);
        }
        let data = self.prepare("evaluate", x.into_arrays(), y.into_arrays(), options.sample_weight.take())?;
        if data.samples() == 0 {
            return Err(Error::data("evaluate", "x", "at least one sample", "an empty array"));
        }
        let batch_size = options.batch_size.unwrap_or(32);
        if batch_size == 0 {
            return Err(Error::argument("evaluate", "batch_size", "a positive integer", "0"));
        }
        let mut batches = Batches::new(data, batch_size);
        let steps = options.steps.unwrap_or(batches.steps()).min(batches.steps());
        let params = Params {
            verbose: options.verbose.level(),
            epochs: 1,
            steps: Some(steps),
            log_names: Vec::new(),
            batch_size: Some(batch_size),
        };
        let redraw = options.redraw.unwrap_or_else(|| options.console.is_none() && std::io::stdout().is_terminal());
        let mut callbacks = CallbackList(options.callbacks);
        if params.verbose > 0 {
            callbacks.0.push(Box::new(ProgbarLogger::new(options.console_style, redraw)));
        }
        let mut stdout = std::io::stdout();
        let console: &mut dyn Write = match &mut options.console {
            Some(console) => console,
            None => &mut stdout,
        };
        Evaluate::run(self, &mut batches, Some(steps), &mut callbacks, &params, console)
    }

    /// Computes the loss and the metrics of one batch.
    ///
    /// # Errors
    /// As [`Model::evaluate`].
    ///
    /// # Source
    /// `keras.Model.test_on_batch`.
    pub fn test_on_batch(
        &mut self,
        x: impl IntoArrays,
        y: impl IntoArrays,
        sample_weight: Option<Arrays>,
    ) -> Result<Logs> {
        let mut options = Evaluate::default().batch_size(usize::MAX / 4).verbose(0);
        options.sample_weight = sample_weight;
        self.evaluate(x, y, options)
    }
}
