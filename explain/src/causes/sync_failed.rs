//! `sync-failed`: the last sync failed.

use super::application;
use super::shared::{clause, observed, short};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use crate::sources::text;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "sync-failed",
    docs: "Argo CD's last sync of the Application failed, or it cannot compare the Application with Git: what Git wants did not \
           arrive.",
    remedy: "Read the message; correct the manifest, or what refuses it.",
    detect,
    scope: Scope::Always,
};

/// Conditions of an Application that say that nothing is compared or synced.
const CONDITIONS: [&str; 4] = ["ComparisonError", "SyncError", "InvalidSpecError", "UnknownError"];

fn detect(case: &Case<'_>) -> Option<Cause> {
    let app = application::of(case)?;
    let mut conditions = app.list("/status/conditions").iter();
    let condition = conditions.find(|it| CONDITIONS.contains(&text(&it["type"])));
    let phase = app.text("/status/operationState/phase");
    let failed = matches!(phase, "Failed" | "Error");
    if !failed && condition.is_none() {
        return None;
    }
    let mut evidence = Vec::new();
    let mut said = String::new();
    if failed {
        app.text("/status/operationState/message").clone_into(&mut said);
        let at = app.time("/status/operationState/finishedAt");
        evidence.push(case.fact(
            "argocd",
            app,
            "status.operationState.message",
            at,
            &format!("{phase}: {said}"),
        ));
        let results = app.list("/status/operationState/syncResult/resources").iter();
        let refused: Vec<_> = results
            .filter(|it| text(&it["status"]) == "SyncFailed" || matches!(text(&it["hookPhase"]), "Failed" | "Error"))
            .collect();
        if let Some(first) = refused.first() {
            said = format!(
                "{} {}: {}",
                text(&first["kind"]),
                text(&first["name"]),
                text(&first["message"])
            );
        }
        evidence.extend(refused.iter().take(3).map(|it| {
            let told = format!("{} {}: {}", text(&it["kind"]), text(&it["name"]), text(&it["message"]));
            case.fact("argocd", app, "status.operationState.syncResult", at, &told)
        }));
    }
    if let Some(condition) = condition {
        if said.is_empty() {
            text(&condition["message"]).clone_into(&mut said);
        }
        let at = crate::sources::time(&condition["lastTransitionTime"]);
        let told = format!("{}: {}", text(&condition["type"]), text(&condition["message"]));
        evidence.push(case.fact("argocd", app, "status.conditions", at, &told));
    }
    let what = if failed {
        "The last sync of Application"
    } else {
        "Argo CD cannot compare Application"
    };
    let verb = if failed { " failed" } else { " with Git" };
    let summary = format!("{what} {}{verb}: {}.", app.name(), short(clause(&said), 190));
    Some(observed(&CAUSE, summary, evidence))
}
