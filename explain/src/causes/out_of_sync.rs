//! `out-of-sync`: the cluster does not have what Git wants.

use super::application;
use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use crate::sources::text;
use serde_json::Value;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "out-of-sync",
    docs: "Argo CD says that the object, or a Service or route of the same Application, differs from Git, and no sync is under \
           way that would change it.",
    remedy: "Sync the Application, or look at what differs: --git shows the fields.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    let app = application::of(case)?;
    let running = app.text("/status/operationState/phase") == "Running";
    let differing: Vec<&Value> = app
        .list("/status/resources")
        .iter()
        .filter(|it| text(&it["status"]) == "OutOfSync" && application::belongs(case, it))
        .collect();
    if running || differing.is_empty() {
        return None;
    }
    let revision = app.text("/status/sync/revision");
    let revision = if revision.len() == 40 { &revision[..8] } else { revision };
    let manual = !app.at("/spec/syncPolicy/automated").is_object();
    let why = if manual { "; it is not synced automatically" } else { "" };
    let summary = format!(
        "Application {}: {} differ from Git ({revision}){why}.",
        app.name(),
        application::names(&differing)
    );
    let summary = if differing.len() == 1 {
        summary.replace(" differ from Git", " differs from Git")
    } else {
        summary
    };
    let facts = differing.iter().take(3).map(|it| {
        let told = format!("{} {} is OutOfSync", text(&it["kind"]), text(&it["name"]));
        case.fact(
            "argocd",
            app,
            "status.resources",
            app.time("/status/reconciledAt"),
            &told,
        )
    });
    Some(observed(&CAUSE, summary, facts.collect()))
}
