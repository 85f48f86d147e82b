//! `self-heal-loop`: Argo CD heals the same difference again and again.

use super::application;
use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;

/// So many attempts are no coincidence.
const MANY: i64 = 3;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "self-heal-loop",
    docs: "Argo CD's self-heal has synced the same revision three times or more, because something in the cluster writes the \
           difference again.",
    remedy: "Find the other writer (managedFields), and let Argo CD ignore the field or take it out of Git.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let app = application::of(case)?;
    let attempts = app
        .number("/status/operationState/operation/sync/autoHealAttemptsCount")
        .unwrap_or(0);
    let heals = app.flag("/spec/syncPolicy/automated/selfHeal");
    if !heals || attempts < MANY {
        return None;
    }
    let at = app
        .time("/status/operationState/finishedAt")
        .or_else(|| app.time("/status/operationState/startedAt"));
    let field = "status.operationState.operation.sync.autoHealAttemptsCount";
    let fact = case.fact("argocd", app, field, at, &format!("{attempts} attempts"));
    let summary = format!(
        "Argo CD has healed Application {} {attempts} times at the same revision: another writer undoes it each time.",
        app.name()
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}
