//! `write-refused`: the API server refuses a change of the controller.

use super::route_missing;
use super::shared::{clause, complaints, is_rbac, observed, short};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use crate::sources::text;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "write-refused",
    docs: "The API server refuses a change that the controller must make, for its content: an admission webhook, an immutable \
           field, a validation. Seen in the condition Refused, and in the event ReconciliationError.",
    remedy: "Change what refuses (the webhook's rule), or the field that it names.",
    detect,
    scope: Scope::Trouble,
};

/// Parts of refusals for the content.
const SAYINGS: [&str; 6] = [
    "denied the request",
    "admission webhook",
    "field is immutable",
    "ValidatingAdmissionPolicy",
    "Unprocessable",
    "is invalid: ",
];

fn detect(case: &Case<'_>) -> Option<Cause> {
    let refused = case.object.condition(condition::REFUSED);
    if text(&refused["status"]) == "True" && text(&refused["reason"]) != "Forbidden" {
        let told = text(&refused["message"]);
        let summary = format!(
            "The API server refuses a change of the controller: {}.",
            short(clause(told), 200)
        );
        let fact = case.condition_fact(case.object, condition::REFUSED);
        return Some(observed(&CAUSE, summary, fact.into_iter().collect()));
    }
    let (told, fact) = complaints(case).into_iter().find(|(told, fact)| {
        let of_event = fact.source == "event" && fact.text.starts_with("ReconciliationError");
        of_event
            && SAYINGS.iter().any(|saying| told.contains(saying))
            && !is_rbac(told)
            && !route_missing::says_so(told)
    })?;
    let summary = format!(
        "The API server refuses a change of the controller: {}.",
        short(clause(&told), 200)
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}
