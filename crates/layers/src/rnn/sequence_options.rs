//! What all recurrent layers are told about sequences and states.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields};
use kerox_tensor::{Tensor, Variable};

use crate::{Regularizer, Result};

/// The arguments that all recurrent layers share, and the states of a stateful one.
#[derive(Debug, Default)]
pub struct Sequences {
    /// Whether the output is that of every step, not of the last alone.
    pub return_sequences: bool,
    /// Whether the last states are outputs too.
    pub return_state: bool,
    /// Whether the last step comes first. The output is in the order of computation.
    pub go_backwards: bool,
    /// Whether each batch begins with the states in which the one before ended.
    pub stateful: bool,
    /// Whether Keras is to unroll its loop. Makes no difference here.
    pub unroll: bool,
    /// Whether input and output are `[steps, batch, ...]`.
    pub time_major: bool,
    /// Whether the output of masked steps is zeros, not that of the step before.
    pub zero_output_for_mask: bool,
    /// How many of the tensors behind the input are constants for the cell.
    pub num_constants: usize,
    /// What the size of the output adds to the loss.
    pub activity_regularizer: Option<Regularizer>,
    pub(super) states: OnceLock<Vec<Variable>>,
}

impl Sequences {
    /// Reads the arguments of a layer.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where one of them is of the wrong kind.
    pub fn read(fields: &Fields<'_>) -> Result<Sequences> {
        Ok(Sequences {
            return_sequences: fields.bool_or("return_sequences", false)?,
            return_state: fields.bool_or("return_state", false)?,
            go_backwards: fields.bool_or("go_backwards", false)?,
            stateful: fields.bool_or("stateful", false)?,
            unroll: fields.bool_or("unroll", false)?,
            time_major: fields.bool_or("time_major", false)?,
            zero_output_for_mask: fields.bool_or("zero_output_for_mask", false)?,
            num_constants: fields.unsigned_or("num_constants", 0)?,
            activity_regularizer: Regularizer::optional(fields, "activity_regularizer")?,
            states: OnceLock::new(),
        })
    }

    /// Writes the arguments, without the regularizer, which stands elsewhere.
    pub fn write(&self, config: Config) -> Config {
        let mut config = config
            .with("return_sequences", self.return_sequences)
            .with("return_state", self.return_state)
            .with("go_backwards", self.go_backwards)
            .with("stateful", self.stateful)
            .with("unroll", self.unroll)
            .with("time_major", self.time_major);
        if self.num_constants > 0 {
            config = config.with("num_constants", self.num_constants as i64);
        }
        if self.zero_output_for_mask {
            config = config.with("zero_output_for_mask", true);
        }
        config
    }

    /// The variables that hold the states of a stateful layer; none before it is built.
    pub fn states(&self) -> &[Variable] {
        self.states.get().map_or(&[], Vec::as_slice)
    }

    /// Sets the states of a stateful layer to zeros.
    pub fn reset(&self) {
        for state in self.states() {
            if let Ok(zeros) = Tensor::zeros(state.dtype(), state.shape().clone()) {
                // The shape is the variable's own.
                let _ = state.assign(zeros);
            }
        }
    }
}

/// The builder methods of recurrent layers.
pub trait SequenceOptions: Sized {
    /// Where the options are kept.
    fn sequences_mut(&mut self) -> &mut Sequences;

    /// Whether the output is that of every step, not of the last alone.
    #[must_use]
    fn return_sequences(mut self, return_sequences: bool) -> Self {
        self.sequences_mut().return_sequences = return_sequences;
        self
    }

    /// Whether the last states are outputs too.
    #[must_use]
    fn return_state(mut self, return_state: bool) -> Self {
        self.sequences_mut().return_state = return_state;
        self
    }

    /// Whether the last step comes first. The output is in the order of computation.
    #[must_use]
    fn go_backwards(mut self, go_backwards: bool) -> Self {
        self.sequences_mut().go_backwards = go_backwards;
        self
    }

    /// Whether each batch begins with the states in which the one before ended. The batch size must be known.
    #[must_use]
    fn stateful(mut self, stateful: bool) -> Self {
        self.sequences_mut().stateful = stateful;
        self
    }

    /// Kept for files; makes no difference here.
    #[must_use]
    fn unroll(mut self, unroll: bool) -> Self {
        self.sequences_mut().unroll = unroll;
        self
    }

    /// Whether input and output are `[steps, batch, ...]`.
    #[must_use]
    fn time_major(mut self, time_major: bool) -> Self {
        self.sequences_mut().time_major = time_major;
        self
    }

    /// Whether the output of masked steps is zeros, not that of the step before.
    #[must_use]
    fn zero_output_for_mask(mut self, zero_output_for_mask: bool) -> Self {
        self.sequences_mut().zero_output_for_mask = zero_output_for_mask;
        self
    }

    /// What the size of the output adds to the loss.
    #[must_use]
    fn activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.sequences_mut().activity_regularizer = Some(regularizer.into());
        self
    }
}
