//! `History`: the logs of every epoch.

use kerox_config_json::Value;

use super::{Logs, Params};

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
