//! The weights of a router: in its own object, where that was read, else the ones that were last sent to it.

use crate::case::Case;
use crate::sources::{Object, list, number, text};
use serde_json::Value;

/// Kinds whose objects carry weights.
const KINDS: [&str; 9] = [
    "VirtualService",
    "HTTPRoute",
    "GRPCRoute",
    "TCPRoute",
    "TLSRoute",
    "TrafficSplit",
    "TraefikService",
    "ApisixRoute",
    "VirtualRouter",
];

/// Weights of stable and canary in percent of what counts as all.
pub(super) fn weights(case: &Case<'_>) -> (Option<i64>, Option<i64>) {
    let names = names(case);
    let found = of_routes(case, &names)
        .or_else(|| of_ingress(case, &names))
        .or_else(|| of_status(case));
    match found {
        Some((stable, canary)) => (Some(stable), Some(canary)),
        None if case.is_updating() => (None, None),
        None => (Some(100), Some(0)),
    }
}

/// How routes name the two: Services, and subsets or nodes where the spec has them.
struct Names<'a> {
    stable: Vec<&'a str>,
    canary: Vec<&'a str>,
}

fn names<'a>(case: &Case<'a>) -> Names<'a> {
    let at = |path: &str| case.object.text(&format!("/spec/strategy/canary/{path}"));
    let (mut stable, mut canary) = (vec![at("stableService")], vec![at("canaryService")]);
    let (ping, pong) = (at("pingPong/pingService"), at("pingPong/pongService"));
    if !ping.is_empty() {
        let ping_is_stable = case.object.text("/status/canary/stablePingPong") == "ping";
        let (of_stable, of_canary) = if ping_is_stable { (ping, pong) } else { (pong, ping) };
        (stable, canary) = (vec![of_stable], vec![of_canary]);
    }
    stable.push(at("trafficRouting/istio/destinationRule/stableSubsetName"));
    canary.push(at("trafficRouting/istio/destinationRule/canarySubsetName"));
    stable.push(at("trafficRouting/appMesh/virtualNodeGroup/stableVirtualNodeRef/name"));
    canary.push(at("trafficRouting/appMesh/virtualNodeGroup/canaryVirtualNodeRef/name"));
    stable.retain(|name| !name.is_empty());
    canary.retain(|name| !name.is_empty());
    Names { stable, canary }
}

fn of_routes(case: &Case<'_>, names: &Names<'_>) -> Option<(i64, i64)> {
    KINDS
        .iter()
        .flat_map(|kind| case.index.all(kind))
        .find_map(|route| in_value(route.at("/spec"), names))
}

/// The first list of destinations that names both.
fn in_value(value: &Value, names: &Names<'_>) -> Option<(i64, i64)> {
    match value {
        Value::Array(items) => of_list(items, names).or_else(|| items.iter().find_map(|item| in_value(item, names))),
        Value::Object(members) => members.values().find_map(|member| in_value(member, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn of_list(items: &[Value], names: &Names<'_>) -> Option<(i64, i64)> {
    let total = |wanted: &[&str]| {
        let mut of_it = items.iter().filter(|item| leads_to(item, wanted)).peekable();
        of_it.peek()?;
        Some(of_it.map(|item| weight(item).unwrap_or(0)).sum::<i64>())
    };
    let (stable, canary) = (total(&names.stable)?, total(&names.canary)?);
    if !items.iter().any(|item| weight(item).is_some()) {
        return None;
    }
    // What leads elsewhere, such as to an experiment, has its share as well.
    let whole: i64 = items.iter().filter_map(weight).sum();
    percents(stable, canary, whole)
}

fn percents(stable: i64, canary: i64, whole: i64) -> Option<(i64, i64)> {
    (whole > 0).then(|| {
        let of_canary = (canary * 100 + whole / 2) / whole;
        let of_stable = if stable + canary == whole {
            100 - of_canary
        } else {
            (stable * 100 + whole / 2) / whole
        };
        (of_stable, of_canary)
    })
}

fn weight(item: &Value) -> Option<i64> {
    number(&item["weight"]).or_else(|| number(&item["Weight"]))
}

/// Whether a destination leads to one of the names; a host may be a full domain name.
fn leads_to(item: &Value, names: &[&str]) -> bool {
    let places = [
        &item["destination"]["host"],
        &item["destination"]["subset"],
        &item["service"],
        &item["name"],
        &item["serviceName"],
        &item["ServiceName"],
        &item["virtualNodeRef"]["name"],
    ];
    places.iter().any(|place| {
        let place = text(place);
        !place.is_empty()
            && names
                .iter()
                .any(|name| place == *name || place.split('.').next() == Some(*name))
    })
}

/// The canary Ingress of NGINX, or the action annotation of ALB.
fn of_ingress(case: &Case<'_>, names: &Names<'_>) -> Option<(i64, i64)> {
    let prefix = format!("{}-", case.object.name());
    case.index
        .of_kind("Ingress", case.object.namespace())
        .find_map(|ingress| of_nginx(ingress, &prefix).or_else(|| of_alb(ingress, names)))
}

fn annotations(ingress: &Object) -> impl Iterator<Item = (&str, &str)> {
    let all = ingress.at("/metadata/annotations").as_object();
    all.into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), text(value)))
}

fn of_nginx(ingress: &Object, prefix: &str) -> Option<(i64, i64)> {
    let named = ingress.name().starts_with(prefix) && ingress.name().ends_with("-canary");
    let find = |last: &str| {
        annotations(ingress)
            .find(|(name, _)| name.rsplit('/').next() == Some(last))
            .map(|(_, value)| value)
    };
    let weight: i64 = find("canary-weight").filter(|_| named)?.parse().ok()?;
    let whole: i64 = find("canary-weight-total")
        .and_then(|value| value.parse().ok())
        .unwrap_or(100);
    percents(whole - weight, weight, whole)
}

fn of_alb(ingress: &Object, names: &Names<'_>) -> Option<(i64, i64)> {
    annotations(ingress)
        .filter(|(name, _)| name.contains("/actions."))
        .filter_map(|(_, value)| serde_json::from_str::<Value>(value).ok())
        .find_map(|action| of_list(list(&action["ForwardConfig"]["TargetGroups"]), names))
}

fn of_status(case: &Case<'_>) -> Option<(i64, i64)> {
    let weights = case.object.at("/status/canary/weights");
    let canary = number(&weights["canary"]["weight"])?;
    let stable = number(&weights["stable"]["weight"]).unwrap_or(100 - canary);
    let others: i64 = list(&weights["additional"])
        .iter()
        .filter_map(|it| number(&it["weight"]))
        .sum();
    percents(stable, canary, stable + canary + others)
}
