//! The routes of an Istio VirtualService that a rollout moves traffic in (contract 07 §1).

use super::route::{Routed, is_host};
use crate::rules::build::Object;
use crate::rules::finding::Fix;
use crate::rules::path::{at, find as reach};
use crate::rules::seen::Found;
use serde_json::Value;
use serin_gitops::yaml::FieldPath;

/// What a rollout says of one VirtualService.
pub(super) struct Istio<'r> {
    pub(super) routed: &'r Routed<'r>,
    /// The field of the rollout that names it.
    pub(super) path: &'r FieldPath,
    /// The rollout.
    pub(super) rollout: &'r Value,
    /// Its title.
    pub(super) title: &'r str,
}

pub(super) fn virtual_service(found: &mut Found<'_, '_>, index: usize, route: &Object, istio: &Istio<'_>) {
    let spec = &route.value["spec"];
    let has = |kind: &str| spec[kind].as_array().is_some_and(|routes| !routes.is_empty());
    let written = istio.path.parent().unwrap_or_default();
    let written = written.of(istio.rollout).unwrap_or(&Value::Null);
    let names: Vec<&str> = written["routes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !has("http") && !has("tls") && !has("tcp") {
        let message = "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService";
        found
            .add(index, &at("spec"), message)
            .fix(Fix::words("add a route under spec.http"));
        return;
    }
    if has("http") {
        http(found, index, spec, istio, &names);
    } else {
        let kind = if has("tls") { "tls" } else { "tcp" };
        let routes = reach(&route.value, &format!("spec.{kind}[*]"));
        let listed = written[format!("{kind}Routes")]
            .as_array()
            .is_some_and(|routes| !routes.is_empty());
        // Which routes are meant by port and hosts is the controller's matter: one must do.
        if !routes.iter().any(|(_, route)| missing(route, istio).is_none()) {
            let first = missing(&routes[0].1.clone(), istio).unwrap_or_default();
            found
                .add(index, &at("spec").key(kind), first)
                .fix(Fix::words("add the destination to the route"));
        } else if !listed && routes.len() > 1 && missing(routes[0].1, istio).is_some() {
            let message = missing(routes[0].1, istio).unwrap_or_default();
            found
                .add(index, &routes[0].0, message)
                .fix(Fix::words(format!("name the route in {kind}Routes")));
        }
    }
}

fn http(found: &mut Found<'_, '_>, index: usize, spec: &Value, istio: &Istio<'_>, names: &[&str]) {
    let managed = &istio.routed.routing.managed_routes;
    let is_managed = |route: &Value| managed.iter().any(|other| route["name"] == other.name.as_str());
    let routes: Vec<(usize, &Value)> = spec["http"].as_array().into_iter().flatten().enumerate().collect();
    let mut selected: Vec<(usize, &Value)> = Vec::new();
    for name in names {
        match routes.iter().find(|(_, route)| route["name"] == *name) {
            Some(route) => selected.push(*route),
            None => {
                let message = format!(
                    "HTTP Route '{name}' is not found in the defined Virtual Service: {} names it",
                    istio.title
                );
                let words = "name a route that exists, or give the route this name";
                found.add(index, &at("spec.http"), message).fix(Fix::words(words));
            }
        }
    }
    if names.is_empty() {
        let own: Vec<_> = routes.iter().filter(|(_, route)| !is_managed(route)).collect();
        match own[..] {
            [only] => selected.push(*only),
            [] => {}
            _ => {
                let message = "spec.http[] should be set in VirtualService and it must have exactly one route when omitting \
                               spec.strategy.canary.trafficRouting.istio.virtualService.routes";
                let words = "name the routes in the rollout: trafficRouting.istio.virtualService.routes";
                found.add(index, &at("spec.http"), message).fix(Fix::words(words));
            }
        }
    }
    for (position, route) in selected {
        if let Some(message) = missing(route, istio) {
            let path = at("spec.http").index(position).key("route");
            let words = "add the destination to the route: weight 100 for stable, 0 for the canary";
            found
                .add(index, &path, format!("{message}: {} cannot move traffic", istio.title))
                .fix(Fix::words(words));
        }
    }
}

/// The destination that a route lacks.
fn missing(route: &Value, istio: &Istio<'_>) -> Option<String> {
    let rule = istio
        .routed
        .routing
        .istio
        .as_ref()
        .and_then(|istio| istio.destination_rule.as_ref());
    let subsets = rule.map(|rule| [rule.canary_subset_name.as_str(), rule.stable_subset_name.as_str()]);
    let destinations = reach(route, "route[*].destination");
    for (position, role) in ["Canary", "Stable"].into_iter().enumerate() {
        let service = istio.routed.services[position];
        let subset = subsets.map(|subsets| subsets[position]);
        let fits = |destination: &Value| {
            is_host(&destination["host"], service) || subset.is_some_and(|subset| destination["subset"] == subset)
        };
        if destinations.iter().any(|(_, destination)| fits(destination)) {
            continue;
        }
        return Some(match subset {
            Some(subset) => format!("{role} DestinationRule subset '{subset}' not found in route"),
            None => format!("{role} Service '{service}' not found in route"),
        });
    }
    None
}
