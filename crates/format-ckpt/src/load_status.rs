//! What a load says about itself.

use std::fmt;
use std::sync::Arc;

use kerox_tensor::Trackable;

use crate::restore::Restore;
use crate::{Error, LoadOutcome, LoadReport, Result};

/// The status of a load: assertions on how much of the file and of the objects took part.
///
/// Values for variables that do not exist yet stay pending and are given to them when they are created; assertions
/// and reports see the present state.
///
/// # Example
/// See [`crate::Checkpoint`].
///
/// # Source
/// `CheckpointLoadStatus` in tensorflow/python/checkpoint/checkpoint.py. Differs: errors name every path and the
/// nearest ones, never values.
#[derive(Clone)]
pub struct LoadStatus {
    restore: Arc<Restore>,
    root: Arc<dyn Trackable>,
}

impl fmt::Debug for LoadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.report())
    }
}

impl LoadStatus {
    pub(crate) fn new(restore: Arc<Restore>, root: Arc<dyn Trackable>) -> LoadStatus {
        LoadStatus { restore, root }
    }

    /// What became of every variable and value.
    pub fn report(&self) -> LoadReport {
        self.restore.report(self.root.clone())
    }

    /// Every variable has a value from the file, and every value of the file has a variable.
    ///
    /// # Errors
    /// [`Error::Unmatched`] with all of those that do not.
    pub fn assert_consumed(&self) -> Result<&LoadStatus> {
        self.check("assert_consumed", true, true)
    }

    /// Every variable there is has a value from the file, which may hold more.
    ///
    /// # Errors
    /// [`Error::Unmatched`].
    pub fn assert_existing_objects_matched(&self) -> Result<&LoadStatus> {
        self.check("assert_existing_objects_matched", false, true)
    }

    /// At least one variable has a value from the file, unless there is no variable at all.
    ///
    /// # Errors
    /// [`Error::Unmatched`].
    pub fn assert_nontrivial_match(&self) -> Result<&LoadStatus> {
        let report = self.report();
        let variables = report.with(|o| *o != LoadOutcome::UnusedInFile).count();
        if variables > 0 && report.matched().count() == 0 {
            let assertion = "assert_nontrivial_match";
            return Err(Error::Unmatched { assertion, file: false, objects: false, report: Box::new(report) });
        }
        Ok(self)
    }

    /// States that a partial match is meant. (This crate prints no warnings that it would have to silence.)
    pub fn expect_partial(&self) -> &LoadStatus {
        self
    }

    fn check(&self, assertion: &'static str, file: bool, objects: bool) -> Result<&LoadStatus> {
        let report = self.report();
        let wrong = report.with(|outcome| match outcome {
            LoadOutcome::Matched => false,
            LoadOutcome::UnusedInFile => file,
            _ => objects,
        });
        if wrong.count() > 0 {
            return Err(Error::Unmatched { assertion, file, objects, report: Box::new(report) });
        }
        Ok(self)
    }
}
