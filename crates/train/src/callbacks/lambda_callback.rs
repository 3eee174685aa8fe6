//! `LambdaCallback`.

use super::{Callback, Context, Logs};
use crate::Result;

type Begin<'a> = Box<dyn FnMut(&mut Context<'_>) -> Result<()> + Send + 'a>;
type At<'a> = Box<dyn FnMut(&mut Context<'_>, usize) -> Result<()> + Send + 'a>;
type AtWith<'a> = Box<dyn FnMut(&mut Context<'_>, usize, &Logs) -> Result<()> + Send + 'a>;
type With<'a> = Box<dyn FnMut(&mut Context<'_>, &Logs) -> Result<()> + Send + 'a>;

/// A callback made of closures.
///
/// # Example
/// ```
/// use kerox_train::callbacks::LambdaCallback;
/// let stops = LambdaCallback::new().on_epoch_end(|cx, epoch, logs| {
///     cx.model.stop_training = epoch > 2 && logs.get("loss") < Some(0.1);
///     Ok(())
/// });
/// ```
///
/// # Source
/// `keras.callbacks.LambdaCallback`.
#[derive(Default)]
pub struct LambdaCallback<'a> {
    train_begin: Option<Begin<'a>>,
    train_end: Option<With<'a>>,
    epoch_begin: Option<At<'a>>,
    epoch_end: Option<AtWith<'a>>,
    batch_begin: Option<At<'a>>,
    batch_end: Option<AtWith<'a>>,
}

impl<'a> LambdaCallback<'a> {
    /// Does nothing yet.
    pub fn new() -> LambdaCallback<'a> {
        LambdaCallback::default()
    }

    /// Before training.
    #[must_use]
    pub fn on_train_begin(mut self, f: impl FnMut(&mut Context<'_>) -> Result<()> + Send + 'a) -> Self {
        self.train_begin = Some(Box::new(f));
        self
    }

    /// After training.
    #[must_use]
    pub fn on_train_end(mut self, f: impl FnMut(&mut Context<'_>, &Logs) -> Result<()> + Send + 'a) -> Self {
        self.train_end = Some(Box::new(f));
        self
    }

    /// Before an epoch.
    #[must_use]
    pub fn on_epoch_begin(mut self, f: impl FnMut(&mut Context<'_>, usize) -> Result<()> + Send + 'a) -> Self {
        self.epoch_begin = Some(Box::new(f));
        self
    }

    /// After an epoch.
    #[must_use]
    pub fn on_epoch_end(mut self, f: impl FnMut(&mut Context<'_>, usize, &Logs) -> Result<()> + Send + 'a) -> Self {
        self.epoch_end = Some(Box::new(f));
        self
    }

    /// Before a batch.
    #[must_use]
    pub fn on_batch_begin(mut self, f: impl FnMut(&mut Context<'_>, usize) -> Result<()> + Send + 'a) -> Self {
        self.batch_begin = Some(Box::new(f));
        self
    }

    /// After a batch.
    #[must_use]
    pub fn on_batch_end(mut self, f: impl FnMut(&mut Context<'_>, usize, &Logs) -> Result<()> + Send + 'a) -> Self {
        self.batch_end = Some(Box::new(f));
        self
    }
}

impl Callback for LambdaCallback<'_> {
    fn class_name(&self) -> &str {
        "LambdaCallback"
    }
    fn on_train_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        self.train_begin.as_mut().map_or(Ok(()), |f| f(cx))
    }
    fn on_train_end(&mut self, cx: &mut Context<'_>, logs: &Logs) -> Result<()> {
        self.train_end.as_mut().map_or(Ok(()), |f| f(cx, logs))
    }
    fn on_epoch_begin(&mut self, cx: &mut Context<'_>, epoch: usize) -> Result<()> {
        self.epoch_begin.as_mut().map_or(Ok(()), |f| f(cx, epoch))
    }
    fn on_epoch_end(&mut self, cx: &mut Context<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        self.epoch_end.as_mut().map_or(Ok(()), |f| f(cx, epoch, logs))
    }
    fn on_train_batch_begin(&mut self, cx: &mut Context<'_>, batch: usize) -> Result<()> {
        self.batch_begin.as_mut().map_or(Ok(()), |f| f(cx, batch))
    }
    fn on_train_batch_end(&mut self, cx: &mut Context<'_>, batch: usize, logs: &Logs) -> Result<()> {
        self.batch_end.as_mut().map_or(Ok(()), |f| f(cx, batch, logs))
    }
}
