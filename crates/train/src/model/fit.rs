//! `fit`: training.

use std::io::{IsTerminal, Write};

use kerox_config_json::{Config, Value as Json};
use kerox_tensor::{Buffer, Tensor};

use super::Model;
use super::evaluate::Evaluate;
use super::run_options::run_builders;
use super::step::{Sums, not_finite};
use super::trace::Mode;
use crate::callbacks::{Callback, CallbackList, Context, History, Logs, Params};
use crate::console::{ConsoleStyle, ProgbarLogger};
use crate::data::{Arrays, Batch, Batches, DataSource, IntoArrays};
use crate::{Error, Result};

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbose {
    /// A progress bar.
    #[default]
    Auto,
    /// Nothing (0), a progress bar (1), a line an epoch (2).
    Level(u8),
}

impl Verbose {
    /// 0, 1 or 2.
    pub fn level(self) -> u8 {
        match self {
            Verbose::Auto => 1,
            Verbose::Level(level) => level.min(2),
        }
    }
}

impl From<u8> for Verbose {
    fn from(level: u8) -> Verbose {
        Verbose::Level(level)
    }
}

/// Data for validation.
#[derive(Clone, Debug, Default)]
pub struct ValidationData {
    /// Inputs.
    pub x: Arrays,
    /// Targets.
    pub y: Arrays,
    /// Weights of the samples.
    pub sample_weight: Option<Arrays>,
}

/// The arguments of `fit` beside the data, with Keras's defaults.
pub struct Fit<'a> {
    pub(crate) batch_size: Option<usize>,
    pub(crate) epochs: usize,
    pub(crate) verbose: Verbose,
    pub(crate) callbacks: Vec<Box<dyn Callback + 'a>>,
    pub(crate) validation_split: f64,
    pub(crate) validation_data: Option<ValidationData>,
    pub(crate) shuffle: bool,
    pub(crate) class_weight: Option<Vec<(i64, f64)>>,
    pub(crate) sample_weight: Option<Arrays>,
    pub(crate) initial_epoch: usize,
    pub(crate) steps_per_epoch: Option<usize>,
    pub(crate) validation_steps: Option<usize>,
    pub(crate) validation_batch_size: Option<usize>,
    pub(crate) validation_freq: ValidationFreq,
    pub(crate) console_style: ConsoleStyle,
    pub(crate) console: Option<Box<dyn Write + 'a>>,
    pub(crate) redraw: Option<bool>,
    pub(crate) seed: Option<u64>,
    pub(crate) allow_non_finite: bool,
}

/// After which epochs there is validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationFreq {
    /// After every so many.
    Every(usize),
    /// After these, counted from 1.
    Epochs(Vec<usize>),
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Fit {
            batch_size: None,
            epochs: 1,
            verbose: Verbose::Auto,
            callbacks: Vec::new(),
            validation_split: 0.0,
            validation_data: None,
            shuffle: true,
            class_weight: None,
            sample_weight: None,
            initial_epoch: 0,
            steps_per_epoch: None,
            validation_steps: None,
            validation_batch_size: None,
            validation_freq: ValidationFreq::Every(1),
            console_style: ConsoleStyle::default(),
            console: None,
            redraw: None,
            seed: None,
            allow_non_finite: false,
        }
    }
}

impl<'a> Fit<'a> {
    run_builders!('a);

    /// The epoch to end with; 1 by default.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Adds several callbacks.
    #[must_use]
    pub fn callbacks(mut self, callbacks: impl IntoIterator<Item = Box<dyn Callback + 'a>>) -> Self {
        self.callbacks.extend(callbacks);
        self
    }

    /// Validates on the last samples: a fraction in [0, 1) of them, taken before shuffling.
    #[must_use]
    pub fn validation_split(mut self, fraction: f64) -> Self {
        self.validation_split = fraction;
        self
    }

    /// Validates on other data.
    #[must_use]
    pub fn validation_data(mut self, x: impl IntoArrays, y: impl IntoArrays) -> Self {
        self.validation_data = Some(ValidationData { x: x.into_arrays(), y: y.into_arrays(), sample_weight: None });
        self
    }

    /// Validates on other data whose samples have weights.
    #[must_use]
    pub fn weighted_validation_data(mut self, data: ValidationData) -> Self {
        self.validation_data = Some(data);
        self
    }

    /// Whether samples are taken in a new order each epoch; true by default.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Factors of the loss by class.
    #[must_use]
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (i64, f64)>) -> Self {
        self.class_weight = Some(weights.into_iter().collect());
        self
    }

    /// Factors of the loss by sample.
    #[must_use]
    pub fn sample_weight(mut self, weights: impl IntoArrays) -> Self {
        self.sample_weight = Some(weights.into_arrays());
        self
    }

    /// The epoch to begin with, counted from 0: for runs that go on.
    #[must_use]
    pub fn initial_epoch(mut self, epoch: usize) -> Self {
        self.initial_epoch = epoch;
        self
    }

    /// Batches an epoch; all there are by default.
    #[must_use]
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.steps_per_epoch = Some(steps);
        self
    }

    /// Batches of validation; all there are by default.
    #[must_use]
    pub fn validation_steps(mut self, steps: usize) -> Self {
        self.validation_steps = Some(steps);
        self
    }

    /// Samples a batch of validation; `batch_size` by default.
    #[must_use]
    pub fn validation_batch_size(mut self, batch_size: usize) -> Self {
        self.validation_batch_size = Some(batch_size);
        self
    }

    /// Validates after every so many epochs.
    #[must_use]
    pub fn validation_freq(mut self, epochs: usize) -> Self {
        self.validation_freq = ValidationFreq::Every(epochs.max(1));
        self
    }

    /// Validates after these epochs, counted from 1.
    #[must_use]
    pub fn validation_epochs(mut self, epochs: impl IntoIterator<Item = usize>) -> Self {
        self.validation_freq = ValidationFreq::Epochs(epochs.into_iter().collect());
        self
    }

    /// Seed of the order of the samples; drawn from the global seed by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Goes on where the loss is no finite number, as Keras does; by default that is an error, and the weights are those
    /// before the batch.
    #[must_use]
    pub fn allow_non_finite(mut self, allow: bool) -> Self {
        self.allow_non_finite = allow;
        self
    }
}

/// Where the batches of an epoch come from.
enum Source<'s> {
    /// `passes`: how often the data may still be gone through; `goes_on`: whether an epoch begins where the one before
    /// ended instead of at the first batch.
    Arrays {
        batches: Batches,
        shuffle: bool,
        position: usize,
        passes: usize,
        goes_on: bool,
    },
    Stream(&'s mut dyn DataSource),
}

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
        if let Some(weights) = &options.class_weight {
            apply_class_weight(&mut data, weights)?;
        }
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

impl Source<'_> {
    /// The first batch, for its types and shapes. A stream's first batch has to be given to `next`.
    fn peek(&mut self) -> Result<Option<Batch>> {
        match self {
            Source::Arrays { batches, .. } => Ok(Some(batches.batch(0)?.clone())),
            Source::Stream(source) => source.next_batch().map_err(stream_error),
        }
    }

    fn start_epoch(&mut self) {
        if let Source::Arrays { batches, position, goes_on: false, .. } = self {
            *position = batches.steps();
        }
    }

    fn next(&mut self, pending: Option<Batch>, order: &mut Order) -> Result<Option<Batch>> {
        match self {
            Source::Arrays { batches, position, shuffle, passes, .. } => {
                if *position >= batches.steps() {
                    if *passes == 0 {
                        return Ok(None);
                    }
                    *passes -= 1;
                    *position = 0;
                    if *shuffle {
                        let samples = batches.samples();
                        order.shuffle(samples, batches.order_mut());
                    }
                }
                *position += 1;
                batches.take(*position - 1).map(Some)
            }
            Source::Stream(source) => match pending {
                Some(batch) => Ok(Some(batch)),
                None => source.next_batch().map_err(stream_error),
            },
        }
    }

    /// Gives the memory of a batch back to be filled again.
    fn give_back(&mut self, batch: Batch) {
        if let Source::Arrays { batches, .. } = self {
            batches.give_back(batch);
        }
    }
}

fn stream_error(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Callback { callback: "DataSource".into(), event: "next batch".into(), source }
}

/// The order in which samples are taken.
struct Order {
    generator: kerox_layers::random::Generator,
}

impl Order {
    fn new(seed: u64) -> Order {
        Order { generator: kerox_layers::random::Generator::new(seed) }
    }

    /// A number below `n`, each with the same probability.
    fn below(&mut self, n: u64) -> u64 {
        loop {
            let mut words = [0u32; 2];
            self.generator.fill(&mut words);
            let word = u64::from(words[0]) << 32 | u64::from(words[1]);
            // The last, incomplete run of multiples would favour small numbers.
            if word < u64::MAX - u64::MAX % n {
                return word % n;
            }
        }
    }

    fn shuffle(&mut self, samples: usize, order: &mut Option<Vec<u32>>) {
        let order = order.get_or_insert_with(|| (0..samples as u32).collect());
        // Fisher-Yates from the identity: the order depends on the generator's state alone.
        order.iter_mut().enumerate().for_each(|(i, o)| *o = i as u32);
        for i in (1..samples).rev() {
            order.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

/// What is needed to go on before epoch `epoch`, beside the model and the optimizer.
fn run_state(epoch: usize, model: &Model, order: &Order, callbacks: &CallbackList<'_>) -> Json {
    let mut states = Config::new();
    for (i, callback) in callbacks.0.iter().enumerate() {
        if let Some(state) = callback.state() {
            states.insert(format!("{i}/{}", callback.class_name()), state);
        }
    }
    // Words of 64 bits as text: JSON numbers may lose digits elsewhere.
    let words = |(seed, counter): (u64, u64)| vec![seed.to_string().into(), counter.to_string().into()];
    let order: Vec<Json> = words(order.generator.state());
    let generators: Vec<Json> = model.generators().iter().map(|g| Json::List(words(g.state()))).collect();
    let state = Config::new().with("epoch", epoch).with("order", order).with("generators", generators);
    Json::Map(state.with("callbacks", states))
}

/// Takes up a state made by [`run_state`]; gives the epoch to begin with.
fn resume(state: &Json, model: &Model, order: &mut Order, callbacks: &mut CallbackList<'_>) -> Result<usize> {
    let bad = || Error::argument("fit", "backup", "the state of a run", state.describe());
    let epoch = state.get("epoch").and_then(Json::as_i64).and_then(|e| usize::try_from(e).ok()).ok_or_else(bad)?;
    let position = |words: &Json| {
        let word = |i: usize| words.as_list().and_then(|list| list.get(i)?.as_str()?.parse::<u64>().ok());
        word(0).zip(word(1)).ok_or_else(bad)
    };
    let place = position(state.get("order").ok_or_else(bad)?)?;
    // A model that has been changed since draws from other generators: those begin anew.
    let saved = state.get("generators").and_then(Json::as_list).unwrap_or_default();
    let generators = model.generators();
    if saved.len() == generators.len() {
        for (generator, words) in generators.iter().zip(saved) {
            generator.set_state(position(words)?);
        }
    }
    for (i, callback) in callbacks.0.iter_mut().enumerate() {
        let key = format!("{i}/{}", callback.class_name());
        if let Some(state) = state.get("callbacks").and_then(|states| states.get(&key)) {
            callback.restore(state)?;
        }
    }
    order.generator.set_state(place);
    Ok(epoch)
}

fn check_cardinality(batch: &Batch) -> Result<()> {
    let samples = |tensors: &[Tensor]| -> Vec<String> {
        tensors.iter().map(|t| t.shape().first().copied().unwrap_or(0).to_string()).collect()
    };
    let all: Vec<(&str, Vec<String>)> = [("x", &batch.x), ("y", &batch.y), ("sample_weight", &batch.sample_weight)]
        .into_iter()
        .filter(|(_, tensors)| !tensors.is_empty())
        .map(|(name, tensors)| (name, samples(tensors)))
        .collect();
    let mut sizes = all.iter().flat_map(|(_, sizes)| sizes);
    let first = sizes.next();
    if sizes.all(|size| Some(size) == first) {
        return Ok(());
    }
    let text: Vec<String> = all.iter().map(|(name, sizes)| format!("{name} sizes: {}", sizes.join(", "))).collect();
    Err(Error::Cardinality { sizes: text.join(", ") })
}

fn split(batch: &Batch, at: usize) -> Result<(Batch, Batch)> {
    let part = |tensors: &[Tensor], from: usize, to: Option<usize>| -> Result<Vec<Tensor>> {
        tensors
            .iter()
            .map(|t| {
                let row: usize = t.shape().iter().skip(1).product();
                let to = to.unwrap_or(t.shape()[0]);
                let shape: kerox_tensor::Shape =
                    std::iter::once(to - from).chain(t.shape().iter().skip(1).copied()).collect();
                kerox_tensor::each_buffer!(t.buffer(), v => Ok(Tensor::from_vec(v[from * row..to * row].to_vec(), shape)?))
            })
            .collect()
    };
    let of = |from, to| -> Result<Batch> {
        Ok(Batch {
            x: part(&batch.x, from, to)?,
            y: part(&batch.y, from, to)?,
            sample_weight: part(&batch.sample_weight, from, to)?,
        })
    };
    Ok((of(0, Some(at))?, of(at, None)?))
}

/// Turns factors by class into factors by sample, and multiplies them with those there are.
fn apply_class_weight(data: &mut Batch, weights: &[(i64, f64)]) -> Result<()> {
    let [y] = &data.y[..] else {
        return Err(Error::argument("fit", "class_weight", "a model with one output", format!("{}", data.y.len())));
    };
    let samples = y.shape()[0];
    let width: usize = y.shape().iter().skip(1).product();
    let as_f64 = |i: usize| -> Option<f64> {
        Some(match y.buffer() {
            Buffer::F32(v) => f64::from(v[i]),
            Buffer::I64(v) => v[i] as f64,
            Buffer::I32(v) => f64::from(v[i]),
            Buffer::U8(v) => f64::from(v[i]),
            Buffer::I8(v) => f64::from(v[i]),
            Buffer::I16(v) => f64::from(v[i]),
            Buffer::U16(v) => f64::from(v[i]),
            Buffer::U32(v) => f64::from(v[i]),
            Buffer::U64(v) => v[i] as f64,
            Buffer::Bool(v) => f64::from(u8::from(v[i])),
            _ => return None,
        })
    };
    let mut factors = Vec::with_capacity(samples);
    for sample in 0..samples {
        let class = match width {
            1 => as_f64(sample).map(|x| x as i64),
            // One-hot labels: the largest entry is the class.
            _ => (0..width)
                .filter_map(|k| as_f64(sample * width + k).map(|x| (k, x)))
                .fold(None, |best: Option<(usize, f64)>, next| match best {
                    Some(b) if b.1 >= next.1 => Some(b),
                    _ => Some(next),
                })
                .map(|(k, _)| k as i64),
        };
        let factor = class.and_then(|c| weights.iter().find(|(k, _)| *k == c)).map_or(1.0, |(_, w)| *w);
        factors.push(factor as f32);
    }
    match data.sample_weight.first_mut() {
        Some(old) if old.dtype() == kerox_tensor::DType::F32 => {
            let row: usize = old.shape().iter().skip(1).product();
            for (i, x) in old.as_mut_slice::<f32>()?.iter_mut().enumerate() {
                *x *= factors[i / row.max(1)];
            }
        }
        _ => data.sample_weight = vec![Tensor::from_vec(factors, [samples, 1])?],
    }
    Ok(())
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
