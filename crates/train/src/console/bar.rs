//! The progress bar.

use std::fmt::Write;

use super::ConsoleStyle;

/// A progress bar driven by a clock from outside. It computes text and prints nothing itself.
///
/// # Example
/// ```
/// use kerox_train::console::{ConsoleStyle, Progbar};
/// let mut bar = Progbar::new(Some(2), 2, ConsoleStyle::Keras215, 0.0);
/// assert_eq!(bar.update(1, [("loss", 0.5)], false, 0.1), "");
/// assert_eq!(bar.update(2, [("loss", 0.25)], true, 0.2), "2/2 - 0s - loss: 0.2500 - 200ms/epoch - 100ms/step\n");
/// ```
///
/// # Source
/// `keras.utils.Progbar`.
#[derive(Clone, Debug)]
pub struct Progbar {
    target: Option<usize>,
    verbose: u8,
    style: ConsoleStyle,
    /// Width of the bar in characters; 30 by default.
    pub width: usize,
    /// Updates closer than this many seconds are skipped; 0.05 by default.
    pub interval: f64,
    /// Whether the line is drawn over itself; otherwise every update is a line of its own.
    pub redraw: bool,
    /// Names whose values are shown as they are; all by default. Others are averaged over the steps.
    pub stateful: Option<Vec<String>>,
    values: Vec<(String, f64, f64)>,
    seen: usize,
    drawn: usize,
    start: f64,
    last_update: Option<f64>,
    after_first_step: Option<f64>,
    epoch_start: f64,
    epoch_end: Option<f64>,
    text: String,
}

impl Progbar {
    /// A bar towards `target` steps (`None`: not known yet) that starts at `now`, in seconds.
    pub fn new(target: Option<usize>, verbose: u8, style: ConsoleStyle, now: f64) -> Progbar {
        Progbar {
            target,
            verbose,
            style,
            width: if style == ConsoleStyle::Keras3 { 20 } else { 30 },
            interval: 0.05,
            redraw: true,
            stateful: None,
            values: Vec::new(),
            seen: 0,
            drawn: 0,
            start: now,
            last_update: None,
            after_first_step: None,
            epoch_start: now,
            epoch_end: None,
            text: String::new(),
        }
    }

    /// Sets the number of steps once it is known.
    pub fn set_target(&mut self, target: usize) {
        self.target = Some(target);
    }

    /// The text to print when `current` steps are done at `now`, in seconds.
    pub fn update<'v>(
        &mut self,
        current: usize,
        values: impl IntoIterator<Item = (&'v str, f64)>,
        finalize: bool,
        now: f64,
    ) -> &str {
        self.text.clear();
        let steps = current.saturating_sub(self.seen).max(1) as f64;
        for (name, value) in values {
            let is_stateful = self.stateful.as_ref().is_none_or(|names| names.iter().any(|n| n == name));
            match self.values.iter_mut().find(|(n, ..)| n == name) {
                Some((_, sum, count)) if is_stateful => (*sum, *count) = (value, 1.0),
                Some((_, sum, count)) => {
                    *sum += value * steps;
                    *count += steps;
                }
                None if is_stateful => self.values.push((name.to_string(), value, 1.0)),
                None => self.values.push((name.to_string(), value * steps, steps)),
            }
        }
        self.seen = current;
        if Some(current) == self.target {
            self.epoch_end = Some(now);
        }
        match self.verbose {
            1 => {
                let is_early = self.last_update.is_some_and(|last| now - last < self.interval);
                if is_early && !finalize {
                    return "";
                }
                self.draw(current, finalize, now);
            }
            2 if finalize => self.line(current, now),
            _ => {}
        }
        self.last_update = Some(now);
        &self.text
    }

    fn draw(&mut self, current: usize, finalize: bool, now: f64) {
        let before = self.drawn;
        if self.redraw {
            self.text.extend(std::iter::repeat_n('\u{8}', before));
            self.text.push('\r');
        } else {
            self.text.push('\n');
        }
        let from = self.text.len();
        let mut invisible = 0;
        let is_keras3 = self.style == ConsoleStyle::Keras3;
        match self.target.filter(|&target| target > 0) {
            Some(target) if is_keras3 => {
                let digits = digits(target);
                let filled = (self.width as f64 * (current as f64 / target as f64)) as usize;
                let _ = write!(self.text, "\x1b[1m{current:>digits$}/{target}\x1b[0m ");
                invisible += 8;
                if filled > 0 {
                    let _ = write!(self.text, "\x1b[32m{}\x1b[0m", "━".repeat(filled));
                    invisible += 9;
                }
                let _ = write!(self.text, "\x1b[37m{}\x1b[0m", "━".repeat(self.width.saturating_sub(filled)));
                invisible += 9;
            }
            Some(target) => {
                let digits = digits(target);
                let _ = write!(self.text, "{current:>digits$}/{target} [");
                let filled = (self.width as f64 * (current as f64 / target as f64)) as usize;
                if filled > 0 {
                    self.text.extend(std::iter::repeat_n('=', filled - 1));
                    self.text.push(if current < target { '>' } else { '=' });
                }
                self.text.extend(std::iter::repeat_n('.', self.width.saturating_sub(filled)));
                self.text.push(']');
            }
            None => {
                let _ = write!(self.text, "{current:>7}/Unknown");
            }
        }
        let per_step = self.step_duration(current, now);
        let elapsed = now - self.start;
        match self.target.filter(|_| !finalize) {
            Some(target) => {
                let eta = Eta(per_step * (target as f64 - current as f64));
                if is_keras3 {
                    let _ = write!(self.text, " \x1b[1m{eta}\x1b[0m");
                    write_duration(&mut self.text, per_step, "step");
                } else {
                    let _ = write!(self.text, " - ETA: {eta}");
                }
            }
            None => {
                let _ = match is_keras3 {
                    true => write!(self.text, " \x1b[1m{elapsed:.0}s\x1b[0m"),
                    false => write!(self.text, " - {elapsed:.0}s"),
                };
                write_duration(&mut self.text, per_step, "step");
            }
        }
        if is_keras3 {
            invisible += 8;
        }
        for (name, sum, count) in &self.values {
            let mean = sum / count.max(1.0);
            let _ = write!(self.text, " - {name}: ");
            write_number(&mut self.text, mean, mean.abs() > 1e-3);
        }
        self.drawn = self.text[from..].chars().count() - invisible;
        self.text.extend(std::iter::repeat_n(' ', before.saturating_sub(self.drawn)));
        if finalize {
            self.text.push('\n');
        }
    }

    fn line(&mut self, current: usize, now: f64) {
        let Some(target) = self.target.filter(|&target| target > 0) else { return };
        let digits = digits(target);
        let _ = write!(self.text, "{current:>digits$}/{target} - {:.0}s", now - self.start);
        if self.style == ConsoleStyle::Keras3 {
            let per_step = self.step_duration(current, now);
            self.text.push_str(" -");
            write_duration(&mut self.text, per_step, "step");
        }
        for (name, sum, count) in &self.values {
            let mean = sum / count.max(1.0);
            let _ = write!(self.text, " - {name}: ");
            write_number(&mut self.text, mean, mean > 1e-3);
        }
        if self.style == ConsoleStyle::Keras3 {
            self.text.push('\n');
        } else if let Some(end) = self.epoch_end.take() {
            let epoch = end - self.epoch_start;
            self.epoch_start = now;
            self.text.push_str(" -");
            write_duration(&mut self.text, epoch, "epoch");
            self.text.push_str(" -");
            write_duration(&mut self.text, epoch / target as f64, "step");
            self.text.push('\n');
        }
    }

    /// Seconds a step; the first step, which compiles, does not count once there are others.
    fn step_duration(&mut self, current: usize, now: f64) -> f64 {
        if current == 0 {
            return 0.0;
        }
        let duration = match self.after_first_step {
            Some(first) if current > 1 => (now - first) / (current - 1) as f64,
            _ => (now - self.start) / current as f64,
        };
        if current == 1 {
            self.after_first_step = Some(now);
        }
        duration
    }
}

fn digits(target: usize) -> usize {
    target.to_string().len()
}

/// As Python formats it: four digits, in exponents at least two.
fn write_number(text: &mut String, value: f64, plain: bool) {
    if value.is_nan() {
        text.push_str("nan");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "inf" } else { "-inf" });
    } else if plain {
        let _ = write!(text, "{value:.4}");
    } else {
        let from = text.len();
        let _ = write!(text, "{value:.4e}");
        if let Some(at) = text[from..].find('e').map(|at| from + at) {
            let exponent: i32 = text[at + 1..].parse().unwrap_or(0);
            text.truncate(at);
            let sign = if exponent < 0 { '-' } else { '+' };
            let _ = write!(text, "e{sign}{:02}", exponent.abs());
        }
    }
}

fn write_duration(text: &mut String, seconds: f64, unit: &str) {
    let _ = match seconds {
        s if s >= 1.0 || s == 0.0 => write!(text, " {s:.0}s/{unit}"),
        s if s >= 1e-3 => write!(text, " {:.0}ms/{unit}", s * 1e3),
        s => write!(text, " {:.0}us/{unit}", s * 1e6),
    };
}

/// Remaining seconds: `4s`, `5:00`, `3:20:00`.
struct Eta(f64);

impl std::fmt::Display for Eta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0 as i64;
        match self.0 {
            eta if eta > 3600.0 => write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds % 3600 / 60, seconds % 60),
            eta if eta > 60.0 => write!(f, "{}:{:02}", seconds / 60, seconds % 60),
            _ => write!(f, "{seconds}s"),
        }
    }
}
