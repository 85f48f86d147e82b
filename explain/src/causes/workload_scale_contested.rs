//! `workload-scale-contested`: somebody scales the workload up again whose pods have moved.

use super::shared::{fault_of, observed, standing};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

/// The condition of the Rollout that says so.
const CONDITION: &str = "WorkloadScaleContested";

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "workload-scale-contested",
    docs: "Somebody sets the replicas of the workload of a workloadRef again and again, although its pods have moved to the \
           Rollout: a GitOps tool, or a person. Seen in the condition WorkloadScaleContested, which names who it is.",
    remedy: "Remove spec.replicas from the manifest of the workload.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let (told, fact) = standing(case, CONDITION)?;
    Some(observed(&CAUSE, fault_of(told), vec![fact]))
}
