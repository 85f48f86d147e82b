//! `analysis-failed`

use super::metrics::{self, Verdict};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "analysis-failed",
    docs: "What was measured is bad more often than the metric's failureLimit allows. Told with the values, the condition and the limit.",
    remedy: "Look at the metric for the new revision; the values are in the AnalysisRun.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    metrics::cause(&CAUSE, case, Verdict::Failed)
}
