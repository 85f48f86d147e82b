//! Two writers of the weights of a route: what the route says itself, and what the controller's events say.

use super::{CAUSE, NEAR, RECENT, Writer, facts, fight, is_controller, writers};
use crate::case::age::age;
use crate::case::{Case, event_count, event_time};
use crate::causes::shared::inferred;
use crate::explanation::Cause;
use crate::next::routes;
use crate::sources::Object;
use jiff::Timestamp;
use serin_core::wire::{HASH_LABEL, event};

/// So many equal writes are no coincidence.
const MANY: i64 = 3;

/// Where the weights, or the hashes, of a route are in managedFields, and what that field is called.
fn fields(route: &Object) -> Vec<(Vec<String>, String)> {
    let of = |path: &str| {
        let steps = path.split('.').map(|step| format!("f:{step}")).collect();
        (steps, path.to_owned())
    };
    let istio = !route.text("/apiVersion").starts_with("appmesh.k8s.aws/");
    match route.kind() {
        "VirtualService" if istio => ["spec.http", "spec.tls", "spec.tcp"].map(of).to_vec(),
        "DestinationRule" => vec![of("spec.subsets")],
        "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" => vec![of("spec.rules")],
        "TrafficSplit" => vec![of("spec.backends")],
        "Mapping" => vec![of("spec.weight")],
        "TraefikService" => vec![of("spec.weighted.services")],
        "ApisixRoute" => vec![of("spec.http")],
        "VirtualRouter" => vec![of("spec.routes")],
        "VirtualNode" => {
            let labels = ["f:spec", "f:podSelector", "f:matchLabels"].map(str::to_owned);
            let hash = format!("f:{HASH_LABEL}");
            vec![(
                labels.into_iter().chain([hash]).collect(),
                format!("spec.podSelector.matchLabels.{HASH_LABEL}"),
            )]
        }
        "Ingress" => annotations(route),
        _ => Vec::new(),
    }
}

/// The annotations of an Ingress that have weights: the canary's weight of ingress-nginx, the actions of ALB.
fn annotations(route: &Object) -> Vec<(Vec<String>, String)> {
    let entries = route.list("/metadata/managedFields").iter();
    let owned = entries.filter_map(|entry| entry["fieldsV1"]["f:metadata"]["f:annotations"].as_object());
    let mut keys: Vec<&str> = owned
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("f:"))
        .filter(|key| key.ends_with("/canary-weight") || key.contains("/actions."))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let path = |key: &str| vec!["f:metadata".to_owned(), "f:annotations".to_owned(), format!("f:{key}")];
    keys.into_iter()
        .map(|key| (path(key), format!("metadata.annotations[{key}]")))
        .collect()
}

/// Two writers that a route names.
pub(super) fn weights(case: &Case<'_>) -> Option<Cause> {
    routes::objects(case).into_iter().find_map(|route| {
        fields(route).into_iter().find_map(|(path, field)| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let all = writers(route, &path);
            let (own, other) = fight(case, &all, is_controller)?;
            // The controller wrote, and the other after it: the weight may be the other's.
            if other.at < own.at && !(own.owns && other.owns) {
                return None;
            }
            let summary = format!(
                "{} and {} both write {field} of {} {} ({} and {} ago): the weights of the route go to and fro.",
                own.name,
                other.name,
                route.kind(),
                route.name(),
                age(case.now, own.at),
                age(case.now, other.at)
            );
            Some(inferred(&CAUSE, summary, facts(case, route, &field, [own, other])))
        })
    })
}

/// Reasons of events about one write of a route, and the kind of it.
const WRITES: [(&str, &str); 6] = [
    ("Updated VirtualService", "VirtualService"),
    ("UpdatedDestinationRule", "DestinationRule"),
    ("PatchingALBIngress", "Ingress"),
    ("PatchingCanaryIngress", "Ingress"),
    ("CanaryMappingWeightUpdate", "Mapping"),
    ("TrafficSplitModified", "TrafficSplit"),
];

/// The controller makes one write again and again, and the weights that it wants are the same: somebody undoes it.
pub(super) fn events(case: &Case<'_>) -> Option<Cause> {
    let since = case.event(&[event::TRAFFIC_WEIGHT_UPDATED]).and_then(event_time);
    let all = case.events(case.object);
    let writes: Vec<&Object> = all
        .into_iter()
        .filter(|event| WRITES.iter().any(|(reason, _)| *reason == event.text("/reason")))
        .filter(|event| event_time(event) >= since)
        .collect();
    let (first, kind) = writes.iter().find_map(|event| {
        let (_, kind) = WRITES.iter().find(|(reason, _)| *reason == event.text("/reason"))?;
        let newest = event_time(event).filter(|at| case.now.duration_since(*at) <= RECENT)?;
        let same = writes.iter().filter(|other| {
            other.text("/reason") == event.text("/reason") && other.text("/message") == event.text("/message")
        });
        let near = same.filter(|other| begun(other).is_some_and(|at| newest.duration_since(at) <= NEAR));
        let count: i64 = near.map(|other| event_count(other).max(1)).sum();
        (count >= MANY).then_some((*event, *kind))
    })?;
    let mut evidence = vec![case.event_fact(first)];
    let mut objects = routes::objects(case).into_iter();
    let route = objects.find(|route| route.kind() == kind && first.text("/message").contains(route.name()));
    let managers = route.map(|route| writers(route, &["f:metadata"])).unwrap_or_default();
    let others = managers
        .iter()
        .filter(|it| !is_controller(it.name) && !it.name.is_empty());
    let other: Option<&Writer<'_>> = others.max_by_key(|it| it.at);
    if let Some((route, other)) = route.zip(other) {
        let told = format!("{} wrote to the object", other.name);
        evidence.push(case.fact("managedFields", route, "metadata.managedFields", other.at, &told));
    }
    let who = other.map_or("another writer", |it| it.name);
    let summary = format!(
        "The controller writes the same weights again and again ({}): {who} seems to write them back.",
        first.text("/message").trim().trim_end_matches('.')
    );
    Some(inferred(&CAUSE, summary, evidence))
}

/// When an event was first seen.
fn begun(event: &Object) -> Option<Timestamp> {
    event.time("/firstTimestamp").or_else(|| event_time(event))
}
