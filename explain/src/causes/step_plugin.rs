//! `step-plugin`: a step plugin failed, or is not there.

use super::shared::{clause, complaints, observed, short};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use crate::sources::{number, text, time};
use serin_core::wire::event;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "step-plugin",
    docs: "A step of a plugin failed or had an error, or its plugin is not configured. Seen in \
           status.canary.stepPluginStatuses and in the event ReconciliationError.",
    remedy: "Look at the plugin's message and at the controller's log.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mut statuses = case.object.list("/status/canary/stepPluginStatuses").iter();
    let failed = statuses.rfind(|it| matches!(text(&it["phase"]), "Failed" | "Error"));
    if let Some(status) = failed {
        let (name, phase, message) = (text(&status["name"]), text(&status["phase"]), text(&status["message"]));
        let step = number(&status["index"]).unwrap_or(0) + 1;
        let at = time(&status["finishedAt"]).or_else(|| time(&status["updatedAt"]));
        let told = if message.is_empty() { "it says no more" } else { message };
        let fact = case.fact(
            "status",
            case.object,
            "status.canary.stepPluginStatuses",
            at,
            &format!("{name}, step {step}: {phase} {message}"),
        );
        let summary = format!(
            "Step plugin {name} (step {step}) ended as {phase}: {}.",
            short(clause(told), 180)
        );
        return Some(observed(&CAUSE, summary, vec![fact]));
    }
    let (told, fact) = complaints(case).into_iter().find(|(told, fact)| {
        let of_router = fact.text.starts_with(event::TRAFFIC_ROUTING_ERROR);
        let unknown = told.contains("plugin") && told.contains("not configured");
        told.contains("step plugin") || (unknown && !of_router)
    })?;
    Some(observed(
        &CAUSE,
        format!("A step plugin cannot be used: {}.", short(clause(&told), 180)),
        vec![fact],
    ))
}
