//! `double-capacity`: the workload of a workloadRef and the Rollout both run all their pods.

use super::shared::{fault_of, observed, standing};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

/// The condition of the Rollout that says so.
const CONDITION: &str = "DoubleCapacity";

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "double-capacity",
    docs: "The workload of a workloadRef runs its pods, and the Rollout runs all of its own: the application has twice the \
           pods that it needs. Seen in the condition DoubleCapacity, which says why.",
    remedy: "Set spec.workloadRef.scaleDown, or scale the workload to 0.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let (told, fact) = standing(case, CONDITION)?;
    Some(observed(&CAUSE, fault_of(told), vec![fact]))
}
