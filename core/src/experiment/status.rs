//! The write of the status.

use crate::api::experiment::ExperimentStatus;
use crate::notation::merge;
use crate::plan::{StatusWrite, Urgency};
use serde_json::json;

/// The merge patch from the recorded status to `next`; none where they are equal.
pub(super) fn write(old: &ExperimentStatus, next: &ExperimentStatus) -> Option<StatusWrite> {
    if old == next {
        return None;
    }
    let patch = merge::patch_of(old, next)?;
    let only_counters = without_counters(old) == without_counters(next);
    Some(StatusWrite {
        patch: json!({"status": patch}),
        urgency: if only_counters { Urgency::Counters } else { Urgency::Now },
        message_only: old.phase == next.phase && old.message != next.message,
    })
}

/// What is left without counters, and the times that go with them (decision 28).
fn without_counters(status: &ExperimentStatus) -> ExperimentStatus {
    let mut status = status.clone();
    for of in &mut status.template_statuses {
        of.replicas = 0;
        of.updated_replicas = 0;
        of.ready_replicas = 0;
        of.available_replicas = 0;
        of.last_transition_time = None;
    }
    for condition in &mut status.conditions {
        condition.last_update_time = condition.last_transition_time.clone();
    }
    status
}
