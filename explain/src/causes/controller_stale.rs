//! `controller-stale`: a controller leads, and has not looked at the last change.

use super::controller_absent::{Leader, leader};
use super::shared::{inferred, observed};
use super::{CauseKind, Scope};
use crate::case::age::duration;
use crate::case::{Case, Kind};
use crate::explanation::Cause;
use crate::sources::{Object, text, time};
use jiff::Timestamp;
use serin_core::rollout::workload::{Reference, reference};

/// A busy controller needs a moment.
const GRACE_SECONDS: i64 = 30;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "controller-stale",
    docs: "A controller leads, and the status speaks of an earlier generation, of the rollout or of its workload, for more than 30 seconds: the controller is \
           overloaded, stuck, or fails at this object.",
    remedy: "Look at the controller's log for this object.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if case.kind != Kind::Rollout {
        return None;
    }
    let behind = behind(case)?;
    let Leader::Leads(lease) = leader(case) else {
        return None;
    };
    let changed = last_change(behind.object);
    let lag = changed.map(|at| case.now.as_second() - at.as_second());
    if lag.is_some_and(|lag| lag < GRACE_SECONDS) {
        return None;
    }
    let seen = if behind.seen.is_empty() { "none" } else { behind.seen };
    let since = lag.map(|lag| format!(" for {}", duration(lag))).unwrap_or_default();
    let (generation, of) = (behind.generation, &behind.of);
    let summary = format!(
        "The controller leads, and has not looked at generation {generation}{of}{since}; the status speaks of generation {seen}."
    );
    let holder = format!("held by {}", lease.text("/spec/holderIdentity"));
    let seen = format!("{seen} of {generation}");
    let evidence = vec![
        case.fact("status", case.object, behind.field, changed, &seen),
        case.fact("lease", lease, "spec.renewTime", lease.time("/spec/renewTime"), &holder),
    ];
    Some(match lag {
        Some(_) => observed(&CAUSE, summary, evidence),
        None => inferred(&CAUSE, summary, evidence),
    })
}

/// What the status does not speak of yet.
struct Behind<'a> {
    /// The object that was changed: the rollout, or its workload.
    object: &'a Object,
    /// Empty for the rollout itself.
    of: String,
    generation: i64,
    /// The generation that the status speaks of, as it stands there.
    seen: &'a str,
    field: &'static str,
}

/// The spec of the rollout, or the pod template of the workload that it refers to.
fn behind<'a>(case: &'a Case<'_>) -> Option<Behind<'a>> {
    let object = case.object;
    if !case.generation_is_observed() {
        return Some(Behind {
            object,
            of: String::new(),
            generation: object.number("/metadata/generation").unwrap_or(0),
            seen: object.text("/status/observedGeneration"),
            field: "status.observedGeneration",
        });
    }
    let Reference::To(kind, name) = reference(&case.rollout) else {
        return None;
    };
    let workload = case.sibling(kind.as_str(), name)?;
    let generation = workload.number("/metadata/generation")?;
    let seen = object.text("/status/workloadObservedGeneration");
    (seen != generation.to_string()).then(|| Behind {
        object: workload,
        of: format!(" of {kind} {name}"),
        generation,
        seen,
        field: "status.workloadObservedGeneration",
    })
}

/// When somebody last changed something else than the status.
fn last_change(object: &Object) -> Option<Timestamp> {
    let entries = object.list("/metadata/managedFields").iter();
    let of_spec =
        entries.filter(|entry| text(&entry["subresource"]) != "status" && entry["fieldsV1"]["f:spec"].is_object());
    let newest = of_spec.filter_map(|entry| time(&entry["time"])).max();
    let first = object.number("/metadata/generation") == Some(1);
    newest.or_else(|| object.created().filter(|_| first))
}
