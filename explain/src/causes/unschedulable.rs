//! `unschedulable`: no node takes a pod.

use super::shared::{clause, of_hits, pods, short};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use crate::sources::{text, time};

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "unschedulable",
    docs: "No node takes a pod: not enough CPU or memory, a taint, an affinity, a volume that is bound elsewhere or not at all. \
           Seen in the pod's condition PodScheduled, in the scheduler's words.",
    remedy: "Free or add capacity, or correct requests, affinity, tolerations or the volume claim.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut why = String::new();
    let hits = pods(case, |pod| {
        let scheduled = pod.object.condition("PodScheduled");
        let reason = text(&scheduled["reason"]);
        if text(&scheduled["status"]) != "False"
            || !matches!(reason, "Unschedulable" | "SchedulingGated" | "SchedulerError")
        {
            return None;
        }
        let message = text(&scheduled["message"]);
        if why.is_empty() {
            why = format!(": {}", short(clause(message), 160));
        }
        let at = time(&scheduled["lastTransitionTime"]).or(pod.object.created());
        Some(case.fact(
            "pod",
            pod.object,
            "status.conditions[PodScheduled]",
            at,
            &format!("{reason}: {message}"),
        ))
    });
    of_hits(&CAUSE, case, hits, "cannot be scheduled", "cannot be scheduled", &why)
}
