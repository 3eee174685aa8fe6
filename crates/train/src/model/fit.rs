//! `fit`: training.

use std::io::{IsTerminal, Write};

use super::Model;
use super::evaluate::Evaluate;
use super::fit_data::{apply_class_weight, check_cardinality, split};
use super::fit_options::{Fit, ValidationFreq};
use super::fit_source::{Order, Source};
use super::fit_state::{resume, run_state};
use super::step::{Sums, not_finite};
use super::trace::Mode;
use crate::callbacks::{CallbackList, Context, History, Logs, Params};
use crate::console::ProgbarLogger;
use crate::data::{Arrays, Batch, Batches, DataSource, IntoArrays};
use crate::{Error, Result};

impl Model {
    /// Trains on arrays.
    ///
    /// # Shapes
    /// each of `x` and `y` is `[samples, ...]`.
    ///
    /// # Errors
    /// [`Error::NotCompiled`]; [`Error::Data`] or [`Error::Cardinality`] where arrays do not fit;
    /// [`Error::NotFinite`]; errors of callbacks.
    ///
    /// # Source
    /// `keras.Model.fit`.
    pub fn fit(&mut self, x: impl IntoArrays, y: impl IntoArrays, options: Fit<'_>) -> Result<History> {
        let mut options = options;
        let mut data = self.prepare("fit", x.into_arrays(), y.into_arrays(), options.sample_weight.take())?;
        if !(0.0..1.0).contains(&options.validation_split) {
            let found = options.validation_split.to_string();
            return Err(Error::argument("fit", "validation_split", "a fraction in [0, 1)", found));
        }
        let mut validation = match options.validation_data.take() {
            Some(v) => Some(self.prepare("validation_data", v.x, v.y, v.sample_weight)?),
            None => None,
        };
        if options.validation_split > 0.0 && validation.is_none() {
            let samples = data.samples();
            let at = (samples as f64 * (1.0 - options.validation_split)).floor() as usize;
            if at == 0 || at == samples {
                let found = format!("{samples} samples split into {at} and {}", samples - at);
                return Err(Error::data("fit", "validation_split", "samples on both sides", found));
            }
            let (train, rest) = split(&data, at)?;
            (data, validation) = (train, Some(rest));
        }
        // Validation does not know them.
        if let Some(weights) = &options.class_weight {
            apply_class_weight(&mut data, weights)?;
        }
        if data.samples() == 0 {
            return Err(Error::data("fit", "x", "at least one sample", "an empty array"));
        }
        if options.steps_per_epoch == Some(0) {
            return Err(Error::argument("fit", "steps_per_epoch", "a positive integer", "0"));
        }
        let batch_size = options.batch_size.unwrap_or(32);
        if batch_size == 0 {
            return Err(Error::argument("fit", "batch_size", "a positive integer", "0"));
        }
        let batches = Batches::new(data, batch_size);
        let validation_batch_size = options.validation_batch_size.unwrap_or(batch_size);
        let validation = validation.map(|v| Batches::new(v, validation_batch_size));
        let shuffle = options.shuffle;
        let position = batches.steps();
        // As in Keras: with `steps_per_epoch` the data comes once an epoch, whatever the epochs take of it.
        let (goes_on, passes) = match options.steps_per_epoch {
            Some(_) => (true, options.epochs.saturating_sub(options.initial_epoch)),
            None => (false, usize::MAX),
        };
        self.run_fit(Source::Arrays { batches, shuffle, position, passes, goes_on }, validation, options)
    }

    /// Trains on batches as they come.
    ///
    /// # Errors
    /// As [`Model::fit`]; [`Error::Argument`] where neither the source nor `steps_per_epoch` bounds an epoch and the
    /// source never ends.
    pub fn fit_source(&mut self, source: &mut dyn DataSource, options: Fit<'_>) -> Result<History> {
        let mut options = options;
        let validation_batch_size = options.validation_batch_size.or(options.batch_size).unwrap_or(32);
        let validation = match options.validation_data.take() {
            Some(v) => {
                let data = self.prepare("validation_data", v.x, v.y, v.sample_weight)?;
                Some(Batches::new(data, validation_batch_size))
            }
            None => None,
        };
        self.run_fit(Source::Stream(source), validation, options)
    }

    fn run_fit(
        &mut self,
        mut source: Source<'_>,
        mut validation: Option<Batches>,
        options: Fit<'_>,
    ) -> Result<History> {
        let optimizer = self.optimizer()?.clone();
        let steps = match &source {
            Source::Arrays { batches, .. } => Some(options.steps_per_epoch.unwrap_or(batches.steps())),
            Source::Stream(source) => options.steps_per_epoch.or(source.steps()),
        };
        let Some(first) = source.peek()? else {
            return Err(Error::data("fit", "x", "at least one batch", "no data"));
        };
        optimizer.build(&self.build_variables(&first)?)?;
        let mut sums = Sums::new(self.step(Mode::Train, &first)?.layout());
        let mut log_names: Vec<String> = sums.logs().names().map(str::to_string).collect();
        if validation.is_some() {
            log_names.extend(log_names.clone().iter().map(|name| format!("val_{name}")));
        }
        let params = Params {
            verbose: options.verbose.level(),
            epochs: options.epochs,
            steps,
            log_names,
            batch_size: match &source {
                Source::Arrays { .. } => Some(options.batch_size.unwrap_or(32)),
                Source::Stream(_) => options.batch_size,
            },
        };
        let redraw = options.redraw.unwrap_or_else(|| options.console.is_none() && std::io::stdout().is_terminal());
        let mut callbacks = CallbackList(options.callbacks);
        if params.verbose > 0 {
            callbacks.0.push(Box::new(ProgbarLogger::new(options.console_style, redraw)));
        }
        let mut stdout = std::io::stdout();
        let mut boxed = options.console;
        let console: &mut dyn Write = match &mut boxed {
            Some(console) => console,
            None => &mut stdout,
        };
        let mut history = History { params: params.clone(), ..History::default() };
        let mut order = Order::new(options.seed.unwrap_or_else(kerox_layers::random::next_seed));
        self.stop_training = false;
        let mut pending = Some(first);
        callbacks.each(|c| c.on_train_begin(&mut Context { model: self, params: &params, console: &mut *console }))?;
        let mut first_epoch = options.initial_epoch;
        if let Some(state) = self.resume.take() {
            first_epoch = resume(&state, self, &mut order, &mut callbacks)?.max(first_epoch);
        }
        let allow_non_finite = options.allow_non_finite || callbacks.0.iter().any(|c| c.handles_non_finite());
        let mut epoch_logs = Logs::default();
        for epoch in first_epoch..options.epochs {
            callbacks.each(|c| {
                c.on_epoch_begin(&mut Context { model: self, params: &params, console: &mut *console }, epoch)
            })?;
            sums.reset();
            let mut is_out_of_data = false;
            source.start_epoch();
            let mut batch_index = 0;
            while steps.is_none_or(|steps| batch_index < steps) && !self.stop_training {
                let owned = pending.take().filter(|_| matches!(source, Source::Stream(_)));
                let Some(batch) = source.next(owned, &mut order)? else {
                    if batch_index == 0 && epoch == first_epoch {
                        return Err(Error::data("fit", "x", "at least one batch an epoch", "no more data"));
                    }
                    is_out_of_data = options.steps_per_epoch.is_some() || batch_index == 0;
                    break;
                };
                callbacks.each(|c| {
                    let cx = &mut Context { model: self, params: &params, console: &mut *console };
                    c.on_train_batch_begin(cx, batch_index)
                })?;
                let tensors = batch.x.iter().chain(&batch.y).chain(&batch.sample_weight);
                let samples = batch.samples();
                let step = self.step(Mode::Train, &batch)?;
                step.compute(tensors, Some(&*optimizer))?;
                let loss = step.loss()?;
                if !loss.is_finite() && !allow_non_finite && !step.layout().is_scaled {
                    return Err(not_finite(epoch, batch_index, loss));
                }
                sums.add(step, samples)?;
                step.update(&*optimizer)?;
                source.give_back(batch);
                let logs = sums.logs();
                callbacks.each(|c| {
                    let cx = &mut Context { model: self, params: &params, console: &mut *console };
                    c.on_train_batch_end(cx, batch_index, logs)
                })?;
                batch_index += 1;
            }
            if is_out_of_data {
                let needed = steps.unwrap_or(0) * (options.epochs - first_epoch);
                let cx = &mut Context { model: self, params: &params, console: &mut *console };
                let text = "WARNING: Your input ran out of data; interrupting training. Make sure that your dataset";
                crate::callbacks::print(
                    cx,
                    format_args!(
                        "{text} can generate at least `steps_per_epoch * epochs` batches (in this case, {needed} batches)."
                    ),
                )?;
                if batch_index == 0 {
                    break;
                }
            }
            epoch_logs = sums.logs().clone();
            let is_due = match &options.validation_freq {
                ValidationFreq::Every(n) => (epoch + 1) % n == 0,
                ValidationFreq::Epochs(epochs) => epochs.contains(&(epoch + 1)),
            };
            if let Some(validation) = validation.as_mut().filter(|_| is_due) {
                let logs =
                    self.test_batches(validation, options.validation_steps, &mut callbacks, &params, &mut *console)?;
                for (name, value) in logs.0 {
                    epoch_logs.set(&format!("val_{name}"), value);
                }
            }
            callbacks.each(|c| {
                let cx = &mut Context { model: self, params: &params, console: &mut *console };
                c.on_epoch_end(cx, epoch, &mut epoch_logs)
            })?;
            if callbacks.0.iter().any(|c| c.takes_state()) {
                let state = run_state(epoch + 1, self, &order, &callbacks);
                callbacks.each(|c| {
                    if !c.takes_state() {
                        return Ok(());
                    }
                    c.on_state(&mut Context { model: self, params: &params, console: &mut *console }, &state)
                })?;
            }
            history.record(epoch, &epoch_logs);
            if let Source::Stream(source) = &mut source {
                source.on_epoch_end();
            }
            if self.stop_training || is_out_of_data {
                break;
            }
        }
        optimizer.finalize_variable_values(&optimizer.model_variables());
        callbacks.all(|c| {
            c.on_train_end(&mut Context { model: self, params: &params, console: &mut *console }, &epoch_logs)
        })?;
        self.history = Some(history.clone());
        Ok(history)
    }

    /// Traces the training step, which builds the model, and gives the variables that are trained.
    fn build_variables(&mut self, batch: &Batch) -> Result<Vec<kerox_tensor::Variable>> {
        self.step(Mode::Train, batch)?;
        Ok(self.network().trainable_weights().into_iter().map(|w| w.variable).collect())
    }

    /// Trains on one batch and gives the logs.
    ///
    /// # Errors
    /// As [`Model::fit`].
    ///
    /// # Source
    /// `keras.Model.train_on_batch`.
    pub fn train_on_batch(
        &mut self,
        x: impl IntoArrays,
        y: impl IntoArrays,
        sample_weight: Option<Arrays>,
    ) -> Result<Logs> {
        let batch = self.prepare("train_on_batch", x.into_arrays(), y.into_arrays(), sample_weight)?;
        let optimizer = self.optimizer()?.clone();
        optimizer.build(&self.build_variables(&batch)?)?;
        let tensors = batch.x.iter().chain(&batch.y).chain(&batch.sample_weight);
        let step = self.step(Mode::Train, &batch)?;
        step.compute(tensors, Some(&*optimizer))?;
        let loss = step.loss()?;
        if !loss.is_finite() && !step.layout().is_scaled {
            return Err(not_finite(0, 0, loss));
        }
        let mut sums = Sums::new(step.layout());
        sums.add(step, batch.samples())?;
        step.update(&*optimizer)?;
        Ok(sums.logs().clone())
    }

    /// Puts arrays into the order and form the model takes, and checks that they go together.
    pub(crate) fn prepare(&self, operation: &str, x: Arrays, y: Arrays, weights: Option<Arrays>) -> Result<Batch> {
        let mut input_names: Vec<String> = self.input_infos().into_iter().map(|(name, _)| name).collect();
        if input_names.is_empty() {
            input_names = x
                .items
                .iter()
                .enumerate()
                .map(|(i, (name, _))| if name.is_empty() { format!("input_{}", i + 1) } else { name.clone() })
                .collect();
        }
        let output_names = self.output_names(y.items.len());
        let x = x.conform(operation, "x", &input_names)?;
        // Prediction has no targets, whatever outputs the model names.
        let y = if y.items.is_empty() { Vec::new() } else { y.conform(operation, "y", &output_names)? };
        let sample_weight = match weights {
            Some(weights) if weights.items.len() == 1 => weights.conform(operation, "sample_weight", &["".into()])?,
            Some(weights) => weights.conform(operation, "sample_weight", &output_names)?,
            None => Vec::new(),
        };
        let batch = Batch { x, y, sample_weight };
        check_cardinality(&batch)?;
        Ok(batch)
    }
}

impl Model {
    /// Evaluates during `fit`, with its callbacks.
    fn test_batches(
        &mut self,
        batches: &mut Batches,
        steps: Option<usize>,
        callbacks: &mut CallbackList<'_>,
        params: &Params,
        console: &mut dyn Write,
    ) -> Result<Logs> {
        Evaluate::run(self, batches, steps, callbacks, params, console)
    }
}
