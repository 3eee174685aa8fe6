//! Pictures: the graph of a model's layers, the curves of a training run.
//!
//! | to | use |
//! |---|---|
//! | draw a model | [`ModelPlot`] |
//! | report a run as a page with curves and a table | [`history_report`] |

mod graph;
mod model;
mod report;
mod svg;

pub use model::ModelPlot;
pub use report::history_report;
