//! `ignore-differences-freeze`: RespectIgnoreDifferences keeps a whole array as it is.

use super::application;
use super::shared::{inferred, observed};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::compare::is_custom_group;
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
        .any(|it| text(it) == "RespectIgnoreDifferences=true");
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
        let mut rules = rules.iter().filter(|rule| is_for(rule, entry));
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
            &format!("{path}, with RespectIgnoreDifferences=true"),
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

/// Whether a rule is for the object of an entry. A kind of Kubernetes itself has keys for its lists, and is merged.
fn is_for(rule: &Value, entry: &Value) -> bool {
    let any = |field: &str| matches!(text(&rule[field]), "" | "*");
    let same = |field: &str| text(&rule[field]) == text(&entry[field]);
    let kind = (same("kind") || text(&rule["kind"]) == "*") && (same("group") || text(&rule["group"]) == "*");
    kind && ["name", "namespace"].iter().all(|field| any(field) || same(field))
        && is_custom_group(text(&entry["group"]))
}

/// Whether an expression goes through an array, and not to a key in brackets.
fn has_array(expression: &str) -> bool {
    let mut behind = expression.split('[').skip(1);
    behind.any(|rest| rest.starts_with(|c: char| c == ']' || c == ':' || c.is_ascii_digit()))
}

/// A path of a rule that goes through an array without selecting by a name.
fn array_path(rule: &Value) -> Option<&str> {
    let jq = list(&rule["jqPathExpressions"])
        .iter()
        .map(text)
        .find(|it| has_array(it) && !it.contains("select("));
    let pointer = list(&rule["jsonPointers"]).iter().map(text).find(|it| {
        it.split('/')
            .any(|step| !step.is_empty() && step.chars().all(|c| c.is_ascii_digit()))
    });
    jq.or(pointer)
}
