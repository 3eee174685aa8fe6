//! The arguments of `fit` beside the data.

use std::io::Write;

use super::run_options::run_builders;
use crate::callbacks::Callback;
use crate::console::ConsoleStyle;
use crate::data::{Arrays, IntoArrays};

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
