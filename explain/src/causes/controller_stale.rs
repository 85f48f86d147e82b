//! `controller-stale`: a controller leads, and has not looked at the last change.

use super::controller_absent::{Leader, leader};
use super::shared::{inferred, observed};
use super::{CauseKind, Scope};
use crate::case::age::duration;
use crate::case::{Case, Kind};
use crate::explanation::Cause;
use crate::sources::{text, time};
use jiff::Timestamp;

/// A busy controller needs a moment.
const GRACE_SECONDS: i64 = 30;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "controller-stale",
    docs: "A controller leads, and the status speaks of an earlier generation for more than 30 seconds: the controller is \
           overloaded, stuck, or fails at this object.",
    remedy: "Look at the controller's log for this object.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if case.kind != Kind::Rollout || case.generation_is_observed() {
        return None;
    }
    let Leader::Leads(lease) = leader(case) else {
        return None;
    };
    let changed = last_change(case);
    let lag = changed.map(|at| case.now.as_second() - at.as_second());
    if lag.is_some_and(|lag| lag < GRACE_SECONDS) {
        return None;
    }
    let generation = case.object.number("/metadata/generation").unwrap_or(0);
    let observed_generation = case.object.text("/status/observedGeneration");
    let seen = if observed_generation.is_empty() {
        "none".to_owned()
    } else {
        observed_generation.to_owned()
    };
    let since = lag.map(|lag| format!(" for {}", duration(lag))).unwrap_or_default();
    let summary = format!(
        "The controller leads, and has not looked at generation {generation}{since}; the status speaks of generation {seen}."
    );
    let holder = format!("held by {}", lease.text("/spec/holderIdentity"));
    let evidence = vec![
        case.fact(
            "status",
            case.object,
            "status.observedGeneration",
            changed,
            &format!("{seen} of {generation}"),
        ),
        case.fact("lease", lease, "spec.renewTime", lease.time("/spec/renewTime"), &holder),
    ];
    Some(match lag {
        Some(_) => observed(&CAUSE, summary, evidence),
        None => inferred(&CAUSE, summary, evidence),
    })
}

/// When somebody last changed something else than the status.
fn last_change(case: &Case<'_>) -> Option<Timestamp> {
    let entries = case.object.list("/metadata/managedFields").iter();
    let of_spec =
        entries.filter(|entry| text(&entry["subresource"]) != "status" && entry["fieldsV1"]["f:spec"].is_object());
    let newest = of_spec.filter_map(|entry| time(&entry["time"])).max();
    let first = case.object.number("/metadata/generation") == Some(1);
    newest.or_else(|| case.object.created().filter(|_| first))
}
