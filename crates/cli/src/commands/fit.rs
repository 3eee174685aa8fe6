//! `kerox fit`.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kerox::callbacks::{
    BackupAndRestore, CSVLogger, Callback, EarlyStopping, Interruption, ModelCheckpoint, SaveFreq, TensorBoard,
};
use kerox::models::Model;
use kerox::prelude::Fit as Options;
use kerox::saving::{
    Json, ModelSaving, Package, SaveOptions, Target, check_target, compile_args_from_json, formats, install_with,
    write_text,
};

use crate::args::Common;
use crate::arrays;
use crate::commands::evaluate::not_compiled;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::model::{ModelArgs, Purpose};
use crate::output::{Output, number};
use crate::{progress, signals};

const EXAMPLES: &str = "\
Examples:
  kerox fit model.h5 --x x.npy --y y.npy --epochs 3 --output tuned.h5
  kerox fit model.keras --x x.npy --y y.npy --validation-split 0.2 \\
      --checkpoint best.keras --save-best-only --early-stopping 3 \\
      --history history.json --epochs 50 --output tuned.keras
  kerox fit model.json --x x.npy --y y.npy --output trained.keras \\
      --optimizer adam --loss mse --metrics mae
  kerox fit model.keras --x x.npy --y y.npy --epochs 100 \\
      --resume backup --output trained.keras";

/// Train a model on from where its file left it, and save it
///
/// The optimizer's state of the file is taken up. `--optimizer`, `--loss` and `--metrics` compile the model, or compile
/// it anew: a new optimizer starts afresh, and a new loss comes without the old one's metrics.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Fit {
    #[command(flatten)]
    model: ModelArgs,
    /// Inputs in the model's order, or by name: `.npy` files or `FILE.npz:MEMBER`
    #[arg(long, value_name = "[NAME=]FILE", num_args = 1.., required = true)]
    x: Vec<String>,
    /// Targets in the order of the outputs, or by name
    #[arg(long, value_name = "[NAME=]FILE", num_args = 1.., required = true)]
    y: Vec<String>,
    /// Where the trained model goes; the suffix decides the format, and it is for the Keras that wrote MODEL
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Factors of the loss by sample
    #[arg(long, value_name = "FILE", num_args = 1..)]
    sample_weight: Vec<String>,

    /// The epoch to end with
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Training")]
    epochs: usize,
    /// The epoch to begin with
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Training")]
    initial_epoch: usize,
    /// Samples that are trained on at a time
    #[arg(long, value_name = "N", default_value = "32", help_heading = "Training")]
    batch_size: NonZeroUsize,
    /// Take the samples in their order
    #[arg(long, help_heading = "Training")]
    no_shuffle: bool,
    /// Seed of the samples' order and of all that is random in layers
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<u64>,
    /// End after so many epochs without progress
    #[arg(long, value_name = "N", help_heading = "Training")]
    early_stopping: Option<usize>,
    /// Keep a backup of the run in this directory after each epoch, and go on from the one that is there
    #[arg(long, value_name = "DIR", help_heading = "Training")]
    resume: Option<PathBuf>,

    /// Validate on the last samples: a fraction in [0, 1)
    #[arg(long, value_name = "F", default_value_t = 0.0, help_heading = "Validation")]
    validation_split: f64,
    /// Inputs to validate on
    #[arg(long, value_name = "[NAME=]FILE", num_args = 1.., requires = "validation_y", help_heading = "Validation")]
    validation_x: Vec<String>,
    /// Targets to validate on
    #[arg(long, value_name = "[NAME=]FILE", num_args = 1.., requires = "validation_x", help_heading = "Validation")]
    validation_y: Vec<String>,

    /// The optimizer: a name, or JSON `{"class_name": .., "config": ..}`
    #[arg(long, value_name = "NAME|JSON", help_heading = "Compiling")]
    optimizer: Option<String>,
    /// The loss: a name, or JSON; JSON lists and maps are for several outputs
    #[arg(long, value_name = "NAME|JSON", help_heading = "Compiling")]
    loss: Option<String>,
    /// The metrics' names, or a JSON list
    #[arg(long, value_name = "A,B", help_heading = "Compiling")]
    metrics: Option<String>,
    /// The optimizer's learning rate
    #[arg(long, value_name = "F", help_heading = "Compiling")]
    learning_rate: Option<f64>,

    /// Save the model here while it is trained: `best.keras`, `cp-{epoch:04d}.weights.h5`, `cp-{epoch:02d}.ckpt`
    ///
    /// Formats that hold an architecture get the whole model, others the weights.
    #[arg(long, value_name = "TEMPLATE", help_heading = "Saving")]
    checkpoint: Option<PathBuf>,
    /// Save checkpoints only where `--monitor` is better than ever before
    #[arg(long, requires = "checkpoint", help_heading = "Saving")]
    save_best_only: bool,
    /// What `--save-best-only` and `--early-stopping` watch; `val_loss` with validation, else `loss`
    #[arg(long, value_name = "NAME", help_heading = "Saving")]
    monitor: Option<String>,
    /// When checkpoints are saved: `epoch`, or after each N batches
    #[arg(long, value_name = "epoch|N", default_value = "epoch", value_parser = save_freq, help_heading = "Saving")]
    save_freq: SaveFreq,

    /// Write Keras's `History.history` as JSON
    #[arg(long, value_name = "FILE.json", help_heading = "Records")]
    history: Option<PathBuf>,
    /// Write a line an epoch as CSV
    #[arg(long, value_name = "FILE", help_heading = "Records")]
    csv_log: Option<PathBuf>,
    /// Write event files for TensorBoard
    #[arg(long, value_name = "DIR", help_heading = "Records")]
    tensorboard: Option<PathBuf>,
    /// What is told on the standard error: nothing (0), a progress bar (1), a line an epoch (2); a bar on a terminal by
    /// default
    #[arg(long, value_name = "0|1|2", value_parser = clap::value_parser!(u8).range(0..=2), help_heading = "Records")]
    verbose: Option<u8>,
}

fn save_freq(text: &str) -> Result<SaveFreq, String> {
    match text.parse::<NonZeroUsize>() {
        _ if text == "epoch" => Ok(SaveFreq::Epoch),
        Ok(batches) => Ok(SaveFreq::Batches(batches.get())),
        Err(_) => Err("expected `epoch` or a number of batches".into()),
    }
}

impl Fit {
    pub fn run(&self, common: &Common) -> Outcome {
        if let Some(seed) = self.seed {
            kerox::layers::random::set_random_seed(seed);
        }
        let package = Package::open(&self.model.model)?;
        let save = SaveOptions::new().dialect(package.dialect());
        self.check_targets(&save)?;
        // Checkpoints are for the same Keras as the result.
        install_with(save.clone());
        let mut model = self.model.load_package(&package, Purpose::Train, |model| self.compile(model, &package))?;
        // Behind the optimizer's state: it may hold a learning rate of its own.
        if let Some(rate) = self.learning_rate {
            model.optimizer()?.set_learning_rate(rate)?;
        }
        let (x, y) = (arrays::data(&self.x)?, arrays::data(&self.y)?);
        let has_validation = self.validation_split > 0.0 || !self.validation_x.is_empty();
        let shown = progress::is_shown(common);
        let verbose = if common.quiet { 0 } else { self.verbose.unwrap_or(u8::from(shown)) };
        let mut options = Options::default()
            .epochs(self.epochs)
            .initial_epoch(self.initial_epoch)
            .batch_size(self.batch_size.get())
            .shuffle(!self.no_shuffle)
            .validation_split(self.validation_split)
            .verbose(verbose)
            .redraw(shown && std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .console(Console);
        if let Some(seed) = self.seed {
            options = options.seed(seed);
        }
        if !self.sample_weight.is_empty() {
            options = options.sample_weight(arrays::data(&self.sample_weight)?);
        }
        if !self.validation_x.is_empty() {
            options = options.validation_data(arrays::data(&self.validation_x)?, arrays::data(&self.validation_y)?);
        }
        let trained = signals::while_training(|flag| {
            let last: Box<dyn Callback> = Box::new(Interruption::new(flag));
            model.fit(x, y, options.callbacks(self.callbacks(has_validation)).callbacks([last]))
        });
        if let Some(code) = signals::exit_code() {
            return Err(self.interrupted(trained.err(), code, verbose == 1));
        }
        let history = trained?;
        match self.is_weights_alone() {
            true => model.save_weights_with(&self.output, &save)?,
            false => model.save_with(&self.output, &save)?,
        }
        if let Some(path) = &self.history {
            write_text(path, &history.to_json().to_json(kerox::saving::JsonStyle::Python))?;
        }
        if !common.quiet {
            let mut out = Output::new();
            let last: Vec<String> = history
                .history
                .iter()
                .filter_map(|(name, values)| Some(format!("{name}: {}", number(*values.last()?))))
                .collect();
            let count = history.epoch.len();
            let epochs = if count == 1 { "epoch" } else { "epochs" };
            out.line(format_args!("{count} {epochs}, {}", last.join(", ")))?;
            out.finish()?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Whether the result goes into a format of weights.
    fn is_weights_alone(&self) -> bool {
        formats::by_suffix(&self.output).is_some_and(|format| !format.architecture)
    }

    /// What cannot be written is said before the training, not after.
    fn check_targets(&self, save: &SaveOptions) -> Result<(), Failure> {
        if formats::by_suffix(&self.output) == Some(formats::KERAS_JSON) {
            let found = format!("`{}`: expected a format that holds weights, found JSON", self.output.display());
            return Err(Failure::usage(found, "end the path with `.keras`, `.h5` or `.weights.h5`"));
        }
        let whole = if self.is_weights_alone() { Target::Weights(save) } else { Target::Model(save) };
        check_target(&self.output, whole)?;
        let files = [&self.history, &self.csv_log].into_iter().flatten().map(|path| (path, Target::File));
        let dirs = [&self.tensorboard, &self.resume].into_iter().flatten().map(|path| (path, Target::Dir));
        let checkpoint = self.checkpoint.iter().map(|path| (path, self.checkpoint_target(save)));
        files.chain(dirs).chain(checkpoint).try_for_each(|(path, target)| Ok(check_target(path, target)?))
    }

    fn checkpoint_target<'a>(&self, save: &'a SaveOptions) -> Target<'a> {
        match self.checkpoint.as_deref().and_then(formats::by_suffix) {
            Some(format) if format.architecture => Target::Model(save),
            _ => Target::Weights(save),
        }
    }

    /// What is said where a signal has ended the training, and what is left of it.
    fn interrupted(&self, error: Option<impl std::fmt::Display>, code: u8, bar: bool) -> Failure {
        if bar {
            let _ = writeln!(Console);
        }
        let place = error.map_or_else(|| "after the last epoch".to_owned(), |error| error.to_string());
        let help = match (&self.resume, &self.checkpoint) {
            (Some(_), _) => "the same command goes on after the last whole epoch".to_owned(),
            (None, Some(template)) => format!("what was saved as `{}` is there", template.display()),
            (None, None) => {
                "`--resume DIR` keeps a run from which it can go on, `--checkpoint` keeps models".to_owned()
            }
        };
        let message = format!("{place}; `{}` is what it was before", self.output.display());
        Failure::Interrupted { message, help, code }
    }

    fn compile(&self, model: &mut Model, package: &Package) -> Result<(), Failure> {
        let mut config = Vec::new();
        for (key, text) in [("optimizer", &self.optimizer), ("loss", &self.loss), ("metrics", &self.metrics)] {
            if let Some(text) = text {
                config.push((key.to_owned(), value(key, text)?));
            }
        }
        let before = model.compiled().map(|compiled| compiled.args.clone());
        let lacks = match &before {
            _ if self.loss.is_some() => None,
            None => Some("a loss"),
            Some(args) if args.optimizer.is_none() && self.optimizer.is_none() => Some("an optimizer"),
            Some(_) => None,
        };
        if let Some(lacks) = lacks {
            let advice = "give `--optimizer`, `--loss` and, if wanted, `--metrics`";
            return Err(not_compiled(&self.model, lacks, advice));
        }
        if !config.is_empty() {
            let given = compile_args_from_json(&Json::Map(config.into_iter().collect()), package.generation())?;
            let mut args = before.unwrap_or_default();
            if given.optimizer.is_some() {
                args.optimizer = given.optimizer;
            } else if args.optimizer.is_none() {
                let default = Json::Map([("optimizer".to_owned(), Json::from("rmsprop"))].into_iter().collect());
                args.optimizer = compile_args_from_json(&default, package.generation())?.optimizer;
            }
            if self.loss.is_some() {
                args.loss = given.loss;
            }
            // The metrics of a file go with its loss.
            if self.metrics.is_some() || self.loss.is_some() {
                args.metrics = given.metrics;
            }
            model.compile_with(args)?;
        }
        Ok(())
    }

    fn callbacks(&self, has_validation: bool) -> Vec<Box<dyn Callback>> {
        let monitor = self.monitor.as_deref().unwrap_or(if has_validation { "val_loss" } else { "loss" });
        let mut callbacks: Vec<Box<dyn Callback>> = Vec::new();
        if let Some(template) = &self.checkpoint {
            let is_whole = formats::by_suffix(template).is_some_and(|format| format.architecture);
            let checkpoint = ModelCheckpoint::new(template).monitor(monitor).save_freq(self.save_freq);
            callbacks.push(Box::new(checkpoint.save_best_only(self.save_best_only).save_weights_only(!is_whole)));
        }
        if let Some(patience) = self.early_stopping {
            callbacks.push(Box::new(EarlyStopping::new(monitor).patience(patience)));
        }
        if let Some(file) = &self.csv_log {
            callbacks.push(Box::new(CSVLogger::new(file).append(self.initial_epoch > 0 || self.resume.is_some())));
        }
        if let Some(directory) = &self.tensorboard {
            callbacks.push(Box::new(TensorBoard::new(directory)));
        }
        if let Some(directory) = &self.resume {
            callbacks.push(Box::new(BackupAndRestore::new(directory)));
        }
        callbacks
    }
}

/// A name, names separated by commas for metrics, or JSON.
fn value(option: &str, text: &str) -> Result<Json, Failure> {
    if text.trim_start().starts_with(['{', '[']) {
        return Json::parse(text).map_err(|error| {
            Failure::usage(format!("`--{option}`: expected JSON or a name, found {error}"), "quote it for the shell")
        });
    }
    if option != "metrics" {
        return Ok(Json::from(text.trim()));
    }
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(Json::List(names.map(Json::from).collect()))
}
