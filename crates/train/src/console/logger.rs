//! `ProgbarLogger`: progress bars and epoch lines.

use std::time::Instant;

use super::{ConsoleStyle, Progbar};
use crate::callbacks::{Callback, Context, Logs};
use crate::{Error, Result};

/// Prints progress bars and epoch lines. `fit`, `evaluate` and `predict` add one by themselves unless they are silent.
///
/// # Source
/// `keras.callbacks.ProgbarLogger`.
pub struct ProgbarLogger {
    style: ConsoleStyle,
    redraw: bool,
    clock: Box<dyn FnMut() -> f64 + Send>,
    bar: Option<Progbar>,
    seen: usize,
    /// The number of steps once an epoch has shown it.
    target: Option<usize>,
    is_fit: bool,
}

impl ProgbarLogger {
    /// In that style; on a terminal (`redraw`) the bar is drawn over itself, elsewhere an epoch is one line.
    pub fn new(style: ConsoleStyle, redraw: bool) -> ProgbarLogger {
        let start = Instant::now();
        ProgbarLogger::with_clock(style, redraw, move || start.elapsed().as_secs_f64())
    }

    /// With a clock of one's own, in seconds.
    pub fn with_clock(style: ConsoleStyle, redraw: bool, clock: impl FnMut() -> f64 + Send + 'static) -> Self {
        ProgbarLogger { style, redraw, clock: Box::new(clock), bar: None, seen: 0, target: None, is_fit: false }
    }

    fn start(&mut self, cx: &Context<'_>) {
        let now = (self.clock)();
        self.seen = 0;
        let target = cx.params.steps.or(self.target);
        let mut bar = Progbar::new(target, cx.params.verbose, self.style, now);
        bar.redraw = self.redraw;
        self.bar = Some(bar);
    }

    fn step(&mut self, cx: &mut Context<'_>, batch: usize, logs: Option<&Logs>) -> Result<()> {
        self.seen = batch + 1;
        if cx.params.verbose != 1 || !self.redraw {
            return Ok(());
        }
        let now = (self.clock)();
        let Some(bar) = &mut self.bar else { return Ok(()) };
        print(cx, bar.update(self.seen, values(logs), false, now))
    }

    fn finish(&mut self, cx: &mut Context<'_>, logs: Option<&Logs>) -> Result<()> {
        let now = (self.clock)();
        let Some(bar) = &mut self.bar else { return Ok(()) };
        let target = cx.params.steps.or(self.target).unwrap_or(self.seen);
        self.target = Some(target);
        bar.set_target(target);
        let text = bar.update(target, values(logs), true, now);
        print(cx, if self.redraw { text } else { text.trim_start_matches('\n') })
    }
}

fn values(logs: Option<&Logs>) -> impl Iterator<Item = (&str, f64)> {
    logs.into_iter().flat_map(|logs| logs.0.iter().map(|(name, value)| (name.as_str(), *value)))
}

fn print(cx: &mut Context<'_>, text: &str) -> Result<()> {
    let write = |console: &mut dyn std::io::Write| {
        console.write_all(text.as_bytes())?;
        console.flush()
    };
    if text.is_empty() {
        return Ok(());
    }
    write(cx.console).map_err(|source| Error::Io { operation: "write".into(), path: "console".into(), source })
}

impl Callback for ProgbarLogger {
    fn class_name(&self) -> &str {
        "ProgbarLogger"
    }
    fn on_train_begin(&mut self, _: &mut Context<'_>) -> Result<()> {
        self.is_fit = true;
        Ok(())
    }
    fn on_epoch_begin(&mut self, cx: &mut Context<'_>, epoch: usize) -> Result<()> {
        self.start(cx);
        if cx.params.epochs > 1 {
            print(cx, &format!("Epoch {}/{}\n", epoch + 1, cx.params.epochs))?;
        }
        Ok(())
    }
    fn on_train_batch_end(&mut self, cx: &mut Context<'_>, batch: usize, logs: &Logs) -> Result<()> {
        self.step(cx, batch, Some(logs))
    }
    fn on_epoch_end(&mut self, cx: &mut Context<'_>, _: usize, logs: &mut Logs) -> Result<()> {
        self.finish(cx, Some(logs))
    }
    fn on_test_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if !self.is_fit {
            self.start(cx);
        }
        Ok(())
    }
    fn on_test_batch_end(&mut self, cx: &mut Context<'_>, batch: usize, logs: &Logs) -> Result<()> {
        if self.is_fit { Ok(()) } else { self.step(cx, batch, Some(logs)) }
    }
    fn on_test_end(&mut self, cx: &mut Context<'_>, logs: &Logs) -> Result<()> {
        if self.is_fit { Ok(()) } else { self.finish(cx, Some(logs)) }
    }
    fn on_predict_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        self.start(cx);
        Ok(())
    }
    fn on_predict_batch_end(&mut self, cx: &mut Context<'_>, batch: usize) -> Result<()> {
        self.step(cx, batch, None)
    }
    fn on_predict_end(&mut self, cx: &mut Context<'_>) -> Result<()> {
        self.finish(cx, None)
    }
}
