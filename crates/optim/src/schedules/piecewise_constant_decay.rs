//! Piecewise constant rates.

use super::Declared;
use crate::{Config, Error, Field, Form, Result, Schedule};

/// `values[0]` up to and with step `boundaries[0]`, `values[1]` up to and with `boundaries[1]`, and so on.
///
/// # Example
/// ```
/// use kerox_optim::Schedule;
/// use kerox_optim::schedules::PiecewiseConstantDecay;
///
/// let schedule = PiecewiseConstantDecay::new([100.0, 200.0], [1.0, 0.5, 0.25])?;
/// assert_eq!([100, 101, 201].map(|step| schedule.learning_rate(step)), [1.0, 0.5, 0.25]);
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/schedules/learning_rate_schedule.py
#[derive(Clone, Debug, PartialEq)]
pub struct PiecewiseConstantDecay {
    boundaries: Vec<f64>,
    values: Vec<f64>,
    name: Option<String>,
}

impl Default for PiecewiseConstantDecay {
    fn default() -> Self {
        PiecewiseConstantDecay { boundaries: Vec::new(), values: vec![0.0], name: None }
    }
}

impl PiecewiseConstantDecay {
    /// One value more than boundaries.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the numbers of them do not fit or boundaries do not rise.
    pub fn new(boundaries: impl Into<Vec<f64>>, values: impl Into<Vec<f64>>) -> Result<Self> {
        let schedule =
            PiecewiseConstantDecay { boundaries: boundaries.into(), values: values.into(), ..Self::default() };
        schedule.check()?;
        Ok(schedule)
    }

    /// The name in configs.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Declared for PiecewiseConstantDecay {
    const CLASS: &'static str = "PiecewiseConstantDecay";

    fn check(&self) -> Result<()> {
        let wrong = |argument: &str, expected: String, found: String| {
            Err(Error::Argument { class: Self::CLASS.into(), argument: argument.into(), expected, found })
        };
        if self.boundaries.is_empty() || self.values.len() != self.boundaries.len() + 1 {
            let expected = format!("{} values, one more than boundaries", self.boundaries.len().max(1) + 1);
            return wrong("values", expected, self.values.len().to_string());
        }
        if !self.boundaries.windows(2).all(|pair| pair[0] < pair[1]) {
            return wrong("boundaries", "rising numbers".into(), format!("{:?}", self.boundaries));
        }
        Ok(())
    }

    fn fields(&mut self, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("boundaries", Field::Counts(&mut self.boundaries));
        visit("values", Field::Floats(&mut self.values));
        visit("name", Field::OptionalString(&mut self.name));
    }
}

impl Schedule for PiecewiseConstantDecay {
    fn class_name(&self) -> &str {
        Self::CLASS
    }

    fn config(&self, form: Form) -> Config {
        super::write(self, form)
    }

    fn learning_rate(&self, step: i64) -> f64 {
        // Keras casts boundaries to the type of the step, a whole number.
        let at = self.boundaries.iter().take_while(|&&boundary| step > boundary as i64).count();
        self.values[at] as f32 as f64
    }
}
