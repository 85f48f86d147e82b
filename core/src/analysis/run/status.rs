//! The write of a status.

use crate::api::analysis_run::AnalysisRunStatus;
use crate::notation::merge;
use crate::plan::{StatusWrite, Urgency};
use crate::wire::analysis::Phase;
use serde_json::json;

/// The merge patch from the recorded status to `next`; none where they are equal.
///
/// Compared are the statuses as they are understood: what is absent equals what is empty.
pub(super) fn write(old: &AnalysisRunStatus, next: &AnalysisRunStatus) -> Option<StatusWrite> {
    let (before, after) = differences(old, next)?;
    let patch = merge::patch_of(&before, &after)?;
    Some(StatusWrite {
        patch: json!({"status": patch}),
        urgency: if is_verdict(old, next) {
            Urgency::Now
        } else {
            Urgency::Counters
        },
        message_only: false,
    })
}

/// Both statuses without what they have in common, so that only what differs is turned into JSON; none where that is all.
fn differences(old: &AnalysisRunStatus, next: &AnalysisRunStatus) -> Option<(AnalysisRunStatus, AnalysisRunStatus)> {
    if old == next {
        return None;
    }
    let (mut before, mut after) = (AnalysisRunStatus::default(), AnalysisRunStatus::default());
    macro_rules! compare {
        ($($field:ident),* $(,)?) => {
            // Names every field: one that is added and not compared does not compile.
            let AnalysisRunStatus { $($field: _,)* metric_results: _ } = old;
            $(if old.$field != next.$field {
                before.$field.clone_from(&old.$field);
                after.$field.clone_from(&next.$field);
            })*
        };
    }
    compare!(phase, message, started_at, run_summary, dry_run_summary, completed_at);
    if old.metric_results != next.metric_results {
        // A list is replaced whole: what it was matters only where it goes.
        if next.metric_results.is_empty() {
            before.metric_results.clone_from(&old.metric_results);
        }
        after.metric_results.clone_from(&next.metric_results);
    }
    Some((before, after))
}

/// The run, or a metric of it, has ended.
fn is_verdict(old: &AnalysisRunStatus, next: &AnalysisRunStatus) -> bool {
    let ended = |status: &AnalysisRunStatus| {
        let results = status.metric_results.iter();
        results.filter(|result| Phase::of(&result.phase).is_completed()).count()
    };
    Phase::of(&next.phase).is_completed() || ended(next) != ended(old)
}
