//! Watching one value of the logs.

use kerox_config_json::Value;

use super::Params;
use crate::{Error, Result};

/// Whether less or more of something is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MonitorMode {
    /// More for accuracies and the like, less for everything else.
    #[default]
    Auto,
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

impl MonitorMode {
    /// `auto`, `min` or `max`; whatever else is `auto`, as in Keras.
    pub fn from_name(name: &str) -> MonitorMode {
        match name {
            "min" => MonitorMode::Min,
            "max" => MonitorMode::Max,
            _ => MonitorMode::Auto,
        }
    }

    /// Whether more is better.
    pub(crate) fn is_max(self, monitor: &str, is_auto_max: fn(&str) -> bool) -> bool {
        match self {
            MonitorMode::Auto => is_auto_max(monitor),
            MonitorMode::Min => false,
            MonitorMode::Max => true,
        }
    }
}

impl From<&str> for MonitorMode {
    fn from(name: &str) -> MonitorMode {
        MonitorMode::from_name(name)
    }
}

/// The worst there is.
pub(crate) fn worst(is_max: bool) -> f64 {
    if is_max { f64::NEG_INFINITY } else { f64::INFINITY }
}

/// Whether `current` is better than `best` by more than `min_delta`.
pub(crate) fn is_better(is_max: bool, current: f64, best: f64, min_delta: f64) -> bool {
    if is_max { current - min_delta > best } else { current + min_delta < best }
}

/// Names that callbacks add to the logs.
const ADDED: &[&str] = &["lr", "learning_rate"];

/// Checks before training that a name will be in the logs.
pub(crate) fn check(callback: &str, argument: &str, name: &str, params: &Params) -> Result<()> {
    if params.log_names.iter().any(|n| n == name) || ADDED.contains(&name) {
        return Ok(());
    }
    let nearest = params.log_names.iter().min_by_key(|known| distance(known, name));
    let hint = nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    let expected = format!("a name of the logs ({})", params.log_names.join(", "));
    Err(Error::argument(callback, argument, expected, format!("`{name}`{hint}")))
}

/// How many characters have to be changed, added or removed.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

/// A number of a state kept by [`super::Callback::state`].
pub(crate) fn number(callback: &str, state: &Value, key: &str) -> Result<f64> {
    state
        .get(key)
        .and_then(|v| v.as_f64().or(v.as_i64().map(|i| i as f64)))
        .ok_or_else(|| Error::argument(callback, "state", format!("a number `{key}`"), state.describe()))
}
