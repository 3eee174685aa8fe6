//! Recurrent layers, their cells, and wrappers that apply a layer to each step.

mod bidirectional;
mod cell;
mod cell_options;
mod conv_lstm;
mod conv_lstm_cell;
mod declare;
mod forget_bias;
mod gru;
mod gru_cell;
mod lstm;
mod lstm_cell;
mod recurrence;
mod rnn_layer;
mod sequence_options;
mod simple_rnn;
mod simple_rnn_cell;
mod stacked_rnn_cells;
mod states;
mod steps;
mod time_distributed;

pub use bidirectional::{Bidirectional, MergeMode};
pub use cell::{Cell, CellMemory};
pub use cell_options::{CellOptions, RecurrentOptions};
pub use conv_lstm::{ConvLSTM, ConvLSTM1D, ConvLSTM2D, ConvLSTM3D};
pub use gru::GRU;
pub use gru_cell::GRUCell;
pub use lstm::LSTM;
pub use lstm_cell::LSTMCell;
pub use rnn_layer::RNN;
pub use sequence_options::{SequenceOptions, Sequences};
pub use simple_rnn::SimpleRNN;
pub use simple_rnn_cell::SimpleRNNCell;
pub use stacked_rnn_cells::StackedRNNCells;
pub use time_distributed::TimeDistributed;
