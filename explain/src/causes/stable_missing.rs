//! `stable-missing`: the ReplicaSet of the stable revision is gone.

use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::{Case, Kind};
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "stable-missing",
    docs: "The status names a stable revision whose ReplicaSet does not exist: somebody deleted it. Nothing is left to go back \
           to.",
    remedy: "Promote the new revision fully, or apply the stable template again.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let hash = case.object.text("/status/stableRS");
    let known = case.kind == Kind::Rollout && case.was_listed("ReplicaSet") && !hash.is_empty();
    if !known || case.stable().is_some() {
        return None;
    }
    let wanted = format!("{}-{hash}", case.object.name());
    let summary = format!("ReplicaSet {wanted} of the stable revision does not exist: there is nothing to go back to.");
    let fact = case.fact(
        "status",
        case.object,
        "status.stableRS",
        None,
        &format!("{hash}; no ReplicaSet has this hash"),
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}
