//! What is to happen next to a run.

use super::observed::Question;
use crate::plan::{Event, StatusWrite, Target, Wake};
use serde::{Deserialize, Serialize};

/// The answer to one look at a run. At rest it is empty but for the wake (invariant 7).
///
/// The order is: questions are put (nobody waits for their answers), Jobs collected, the run deleted or its status
/// written, events sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plan {
    /// Measurements to take; each of another metric, and none of a metric that is being measured.
    pub questions: Vec<Question>,
    /// Metrics of which measurements go from the status: their providers clean up behind them.
    pub collect: Vec<Collect>,
    /// The run, where its time is over.
    pub delete: Option<Target>,
    /// The status to write.
    pub status: Option<StatusWrite>,
    /// What to tell the user once the status is written.
    pub events: Vec<Event>,
    /// When to look again although nothing changed, and why.
    pub wake: Option<Wake>,
}

impl Plan {
    /// Nothing is to be measured, written or said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty()
            && self.collect.is_empty()
            && self.delete.is_none()
            && self.status.is_none()
            && self.events.is_empty()
    }
}

/// Garbage collection of one metric (contract 06 §7). One that fails is made up for by the next: it deletes all that is
/// beyond the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Collect {
    /// Index of the metric in the spec.
    pub index: usize,
    /// Name of the metric, with its arguments.
    pub metric: String,
    /// Measurements that are kept.
    pub limit: usize,
}
