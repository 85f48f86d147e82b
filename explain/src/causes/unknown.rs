//! `unknown`: no cause of the list was seen.

use super::shared::inferred;
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use crate::sources::text;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "unknown",
    docs: "The object is Degraded, and no cause of the list was seen. What was seen is shown: phase, conditions, warnings.",
    remedy: "Look at the evidence and at what could not be read.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let (phase, message) = case.phase();
    let told = if message.is_empty() {
        phase.to_owned()
    } else {
        format!("{phase}: {message}")
    };
    let mut evidence = vec![case.fact("status", case.object, "status.phase", None, &told)];
    for condition in case.object.list("/status/conditions") {
        let kind = text(&condition["type"]);
        evidence.extend(case.condition_fact(case.object, kind));
    }
    let events = case.events(case.object);
    let warnings = events.iter().filter(|event| event.text("/type") == "Warning");
    evidence.extend(warnings.take(3).map(|event| case.event_fact(event)));
    let hint = if case.sources.unread.is_empty() {
        ""
    } else {
        " Some things could not be read."
    };
    let summary = format!("No known cause was seen; the status says {told:?}.{hint}");
    Some(inferred(&CAUSE, summary, evidence))
}
