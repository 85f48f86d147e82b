//! `wave-blocked`: a sync waits for an object of an earlier wave.

use super::application;
use super::shared::{clause, observed, short};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "wave-blocked",
    docs: "A sync of the Application waits for an object of an earlier wave, or for a hook. A paused Rollout holds all later \
           waves until it goes on.",
    remedy: "Promote what it waits for, or mend it.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let app = application::of(case)?;
    let message = app.text("/status/operationState/message");
    let waits = app.text("/status/operationState/phase") == "Running"
        && (message.contains("waiting for healthy state of")
            || message.contains("waiting for completion of hook")
            || message.contains("Retrying attempt"));
    if !waits {
        return None;
    }
    let own = message.contains(&format!("{}/{}", case.object.kind(), case.object.name()));
    let fact = case.fact(
        "argocd",
        app,
        "status.operationState.message",
        app.time("/status/operationState/startedAt"),
        message,
    );
    let told = short(clause(message), 180);
    let summary = if own {
        format!(
            "The sync of Application {} waits for this {}, and later waves wait with it: {told}.",
            app.name(),
            case.object.kind()
        )
    } else {
        format!(
            "The sync of Application {} has not come to its end: {told}.",
            app.name()
        )
    };
    Some(observed(&CAUSE, summary, vec![fact]))
}
