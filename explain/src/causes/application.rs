//! The Application of Argo CD that manages the object, for the causes about it.

use crate::case::Case;
use crate::sources::{Object, text};
use serde_json::Value;
use std::collections::HashSet;

/// The Application whose resources name the object of the case, else one with a Service or route that the object names.
pub(super) fn of<'a>(case: &Case<'a>) -> Option<&'a Object> {
    all(case).into_iter().next()
}

/// The Applications whose resources name the object of the case, then those with a Service or route that the object names.
pub(super) fn all<'a>(case: &Case<'a>) -> Vec<&'a Object> {
    let mut names = HashSet::new();
    texts(case.object.at("/spec/strategy"), &mut names);
    let (mut own, others): (Vec<&Object>, Vec<&Object>) = case
        .index
        .all("Application")
        .partition(|app| resource(app, case.object).is_some());
    own.extend(others.into_iter().filter(|app| {
        let mut resources = app.list("/status/resources").iter();
        resources.any(|it| belongs(case, it) && names.contains(text(&it["name"])))
    }));
    own
}

fn texts<'v>(value: &'v Value, names: &mut HashSet<&'v str>) {
    match value {
        Value::String(text) => _ = names.insert(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, names)),
        Value::Object(members) => members.values().for_each(|member| texts(member, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What the Application says of an object.
pub(super) fn resource<'a>(app: &'a Object, object: &Object) -> Option<&'a Value> {
    app.list("/status/resources").iter().find(|it| is_of(it, object))
}

/// Whether an entry of a list of resources is of an object.
pub(super) fn is_of(entry: &Value, object: &Object) -> bool {
    text(&entry["kind"]) == object.kind()
        && text(&entry["name"]) == object.name()
        && text(&entry["namespace"]) == object.namespace()
}

/// The kinds whose objects belong to a Rollout: what is said of them explains it.
pub(super) fn belongs(case: &Case<'_>, entry: &Value) -> bool {
    const ROUTES: [&str; 14] = [
        "VirtualService",
        "DestinationRule",
        "HTTPRoute",
        "GRPCRoute",
        "TCPRoute",
        "TLSRoute",
        "VirtualRouter",
        "VirtualNode",
        "TrafficSplit",
        "TraefikService",
        "ApisixRoute",
        "Mapping",
        "Ingress",
        "AnalysisTemplate",
    ];
    let kind = text(&entry["kind"]);
    is_of(entry, case.object) || kind == "Service" || ROUTES.contains(&kind)
}

/// What a list of names reads as: at most three, and how many more.
pub(super) fn names(entries: &[&Value]) -> String {
    let mut names: Vec<String> = entries
        .iter()
        .take(3)
        .map(|it| format!("{} {}", text(&it["kind"]), text(&it["name"])))
        .collect();
    if entries.len() > 3 {
        names.push(format!("{} more", entries.len() - 3));
    }
    names.join(", ")
}
