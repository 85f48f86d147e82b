//! `self-heal-loop`: Argo CD heals the same difference again and again.

use super::application;
use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use crate::next::routes;
use crate::sources::{Object, text};

/// So many attempts are no coincidence.
const MANY: i64 = 3;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "self-heal-loop",
    docs: "Argo CD's self-heal has synced the same revision three times or more, because something in the cluster writes the \
           difference again. Where a route of the Rollout differs, the controller is that writer: Git has a weight of its own.",
    remedy: "Find the other writer (managedFields), and let Argo CD ignore the field or take it out of Git.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    application::all(case).into_iter().find_map(|app| of(case, app))
}

fn of(case: &Case<'_>, app: &Object) -> Option<Cause> {
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
    let undone = match route(case, app) {
        Some(route) => format!(
            "{} {} is among what it writes, and the controller writes the weights of that too",
            route.kind(),
            route.name()
        ),
        None => "another writer undoes it each time".to_owned(),
    };
    let summary = format!(
        "Argo CD has healed Application {} {attempts} times at the same revision: {undone}.",
        app.name()
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}

/// A route of the rollout that differs from Git, or that the last sync changed.
fn route<'a>(case: &Case<'a>, app: &Object) -> Option<&'a Object> {
    let differing = app.list("/status/resources").iter();
    let differing = differing.filter(|entry| text(&entry["status"]) == "OutOfSync");
    let synced = app.list("/status/operationState/syncResult/resources").iter();
    let synced = synced.filter(|entry| text(&entry["message"]).ends_with(" configured"));
    let entries: Vec<_> = differing.chain(synced).collect();
    let mut routes = routes::objects(case).into_iter();
    routes.find(|route| entries.iter().any(|entry| application::is_of(entry, route)))
}
