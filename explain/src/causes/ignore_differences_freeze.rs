//! `ignore-differences-freeze`: RespectIgnoreDifferences keeps a whole array as it is.

use super::application;
use super::shared::{inferred, observed};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::compare::freeze::{RESPECTS, array_path, is_for};
use crate::explanation::{Cause, DifferenceKind};
use crate::sources::{Object, list, text};
use serde_json::Value;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "ignore-differences-freeze",
    docs: "The Application of the Rollout, or of a route of it, ignores a field within an array and syncs with \
           RespectIgnoreDifferences=true: Argo CD then keeps the whole array of a custom resource as it is live, and edits in \
           Git do not arrive, although the sync succeeds. The weights of VirtualService, HTTPRoute, GRPCRoute, TCPRoute, \
           TLSRoute, TrafficSplit, TraefikService, ApisixRoute and VirtualRouter are in arrays.",
    remedy: "Leave RespectIgnoreDifferences out, or ignore with a jq expression that selects by name, or move the route to an \
             object of its own.",
    detect,
    scope: Scope::Always,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    application::all(case).into_iter().find_map(|app| of(case, app))
}

fn of(case: &Case<'_>, app: &Object) -> Option<Cause> {
    let respects = list(app.at("/spec/syncPolicy/syncOptions"))
        .iter()
        .any(|it| text(it) == RESPECTS);
    let succeeded = app.text("/status/operationState/phase") == "Succeeded";
    let same = app.text("/status/operationState/syncResult/revision") == app.text("/status/sync/revision");
    if !(respects && succeeded && same) {
        return None;
    }
    let differing: Vec<&Value> = app
        .list("/status/resources")
        .iter()
        .filter(|it| text(&it["status"]) == "OutOfSync")
        .collect();
    let rules = app.list("/spec/ignoreDifferences");
    let (entry, path) = differing.iter().find_map(|entry| {
        let [group, kind, namespace, name] = ["group", "kind", "namespace", "name"].map(|field| text(&entry[field]));
        let mut rules = rules.iter().filter(|rule| is_for(rule, group, kind, namespace, name));
        Some((*entry, rules.find_map(array_path)?))
    })?;
    let revision = app.text("/status/sync/revision");
    let name = format!("{} {}", text(&entry["kind"]), text(&entry["name"]));
    let at = app.time("/status/operationState/finishedAt");
    let mut evidence = vec![
        case.fact(
            "argocd",
            app,
            "spec.ignoreDifferences",
            None,
            &format!("{path}, with {RESPECTS}"),
        ),
        case.fact(
            "argocd",
            app,
            "status.operationState",
            at,
            &format!("Succeeded at {}", &revision[..revision.len().min(8)]),
        ),
        case.fact(
            "argocd",
            app,
            "status.resources",
            app.time("/status/reconciledAt"),
            &format!("{name} is OutOfSync all the same"),
        ),
    ];
    let summary = format!(
        "The sync succeeded, and {name} still differs from Git: RespectIgnoreDifferences keeps the whole array around {path} as it is live."
    );
    let key = crate::sources::key(&crate::explanation::ObjectName {
        kind: case.object.kind().to_owned(),
        namespace: case.object.namespace().to_owned(),
        name: case.object.name().to_owned(),
    });
    let frozen = case
        .sources
        .git
        .get(&key)
        .and_then(|git| git.fields.iter().find(|it| it.kind == DifferenceKind::Frozen));
    let Some(field) = frozen else {
        return Some(inferred(&CAUSE, summary, evidence));
    };
    evidence.push(case.fact("git", case.object, &field.path, None, "frozen by the array around it"));
    Some(observed(&CAUSE, summary, evidence))
}
