//! `History`: the logs of every epoch.

use kerox_config_json::Value;

use super::{Logs, Params};
use crate::{Error, Result};

/// The logs of every epoch of a run.
///
/// # Source
/// `keras.callbacks.History`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Values by name, one an epoch (fewer for `val_...` where `validation_freq` skipped some), in Keras's order.
    pub history: Vec<(String, Vec<f64>)>,
    /// The epochs, counted from 0.
    pub epoch: Vec<usize>,
    /// What was known of the run.
    pub params: Params,
}

impl History {
    /// The values of that name; empty where there is none.
    ///
    /// # Example
    /// ```
    /// use kerox_train::callbacks::History;
    /// let history = History { history: vec![("loss".into(), vec![0.5, 0.25])], ..History::default() };
    /// assert_eq!(history.get("loss"), [0.5, 0.25]);
    /// assert!(history.get("val_loss").is_empty());
    /// ```
    pub fn get(&self, name: &str) -> &[f64] {
        self.history.iter().find(|(n, _)| n == name).map_or(&[], |(_, values)| values)
    }

    /// The values as one JSON object of lists: Keras's `History.history`.
    ///
    /// # Example
    /// ```
    /// use kerox_config_json::Style;
    /// use kerox_train::callbacks::History;
    /// let history = History { history: vec![("loss".into(), vec![0.5, 0.25])], ..History::default() };
    /// assert_eq!(history.to_json().to_json(Style::Python), r#"{"loss": [0.5, 0.25]}"#);
    /// ```
    pub fn to_json(&self) -> Value {
        let list = |values: &[f64]| Value::List(values.iter().map(|&value| Value::from(value)).collect());
        Value::Map(self.history.iter().map(|(name, values)| (name.clone(), list(values))).collect())
    }

    /// Reads what [`History::to_json`] gives.
    ///
    /// # Errors
    /// [`Error::Argument`] with what is no list of numbers.
    ///
    /// # Example
    /// ```
    /// use kerox_config_json::Value;
    /// use kerox_train::callbacks::History;
    /// let history = History::from_json(&Value::parse(r#"{"loss": [0.5, 0.25]}"#)?)?;
    /// assert_eq!(history.get("loss"), [0.5, 0.25]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_json(saved: &Value) -> Result<History> {
        let wrong = |what: &str, found: &Value| {
            Error::argument("read history", what, "an object of lists of numbers", found.describe())
        };
        let map = saved.as_map().ok_or_else(|| wrong("history", saved))?;
        let mut history = Vec::with_capacity(map.len());
        for (name, values) in map.iter() {
            let numbers: Option<Vec<f64>> = values.as_list().and_then(|list| list.iter().map(Value::as_f64).collect());
            history.push((name.to_owned(), numbers.ok_or_else(|| wrong(name, values))?));
        }
        let epochs = history.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
        Ok(History { history, epoch: (0..epochs).collect(), ..History::default() })
    }

    pub(crate) fn record(&mut self, epoch: usize, logs: &Logs) {
        self.epoch.push(epoch);
        for (name, value) in &logs.0 {
            match self.history.iter_mut().find(|(n, _)| n == name) {
                Some((_, values)) => values.push(*value),
                None => self.history.push((name.clone(), vec![*value])),
            }
        }
    }
}
