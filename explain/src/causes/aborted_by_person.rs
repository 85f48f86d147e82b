//! `aborted-by-person`: somebody asked for the abort.

use super::shared::{inferred, observed};
use super::{CauseKind, Scope};
use crate::case::age::age;
use crate::case::{Case, event_time};
use crate::explanation::{Cause, Evidence};
use crate::sources::{text, time};
use serde_json::Value;
use serin_core::wire::{FIELD_MANAGER, condition};

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "aborted-by-person",
    docs: "The update was aborted by request, not by the controller: the abort gives no reason. Who asked is read from \
           managedFields.",
    remedy: "Ask who aborted, then retry or revert.",
    detect,
    scope: Scope::Trouble,
};

/// What is known of an abort that was asked for.
pub(super) struct Request {
    /// Who wrote `status.abort`, as managedFields have it.
    pub(super) manager: Option<String>,
    /// The user that Argo CD names.
    pub(super) user: Option<String>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) when: String,
}

impl Request {
    /// It came through Argo CD.
    pub(super) fn is_of_argocd(&self) -> bool {
        self.user.is_some()
            || self
                .manager
                .as_deref()
                .is_some_and(|manager| manager.starts_with("argocd"))
    }
}

fn detect(case: &Case<'_>) -> Option<Cause> {
    let request = request(case)?;
    if request.is_of_argocd() {
        return None;
    }
    let when = &request.when;
    let revision = case.newest().map_or_else(|| "the update".to_owned(), |set| set.words());
    Some(match &request.manager {
        Some(manager) => {
            // A client without a name of its own is entered as "unknown".
            let with = if manager == "unknown" {
                String::new()
            } else {
                format!(", with {manager}")
            };
            let summary = format!("A person aborted {revision}{when}{with}.");
            observed(&CAUSE, summary, request.evidence)
        }
        None => {
            let summary = format!("{revision} was aborted by request{when}; nothing says by whom.");
            let mut letters = summary.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            inferred(&CAUSE, first + letters.as_str(), request.evidence)
        }
    })
}

/// The request to abort, if the controller gives no reason of its own.
pub(super) fn request(case: &Case<'_>) -> Option<Request> {
    if !case.is_aborted() || case.abort_reason().is_some_and(|reason| !reason.is_empty()) {
        return None;
    }
    let entries = case.object.list("/metadata/managedFields").iter();
    let owner = entries
        .filter(|entry| entry["fieldsV1"]["f:status"]["f:abort"] != Value::Null)
        .max_by_key(|entry| time(&entry["time"]));
    let at = case.object.time("/status/abortedAt");
    let mut evidence: Vec<_> = case
        .condition_fact(case.object, condition::PROGRESSING)
        .into_iter()
        .collect();
    let manager = owner
        .map(|entry| text(&entry["manager"]))
        .filter(|manager| !manager.is_empty());
    let manager = manager.filter(|manager| *manager != FIELD_MANAGER && !manager.contains("rollouts-controller"));
    if let (Some(manager), Some(entry)) = (manager, owner) {
        evidence.push(case.fact(
            "managedFields",
            case.object,
            "status.abort",
            time(&entry["time"]),
            &format!("written by {manager}"),
        ));
    }
    let action = argocd_action(case);
    let user = action.as_ref().map(|(user, _)| user.clone());
    evidence.extend(action.map(|(_, fact)| fact));
    let when = age(case.now, at);
    let when = if when.is_empty() {
        String::new()
    } else {
        format!(" {when} ago")
    };
    Some(Request {
        manager: manager.map(str::to_owned),
        user,
        evidence,
        when,
    })
}

/// The newest event of Argo CD that says who ran the action `abort` on the object.
fn argocd_action(case: &Case<'_>) -> Option<(String, Evidence)> {
    let wanted = format!("/{}", case.object.name());
    let aborted = case.object.time("/status/abortedAt");
    let event = case
        .index
        .all("Event")
        .filter(|event| {
            let message = event.text("/message");
            event.text("/reason") == "ResourceActionRan"
                && message.contains("action abort ")
                && message.ends_with(&wanted)
        })
        .filter(|event| match (event_time(event), aborted) {
            (Some(event), Some(aborted)) => event.duration_since(aborted).abs() <= jiff::SignedDuration::from_secs(60),
            _ => true,
        })
        .max_by_key(|event| event_time(event))?;
    let user = event.text("/message").split(" ran action").next().unwrap_or_default();
    Some((user.to_owned(), case.event_fact(event)))
}
