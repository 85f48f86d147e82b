//! `traffic/managed-routes`: managed routes that no step sets, or that stand in a VirtualService already.

use super::world::{self, Traffic, World};
use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::{at, find as reach};
use crate::rules::seen::{Found, Seen};
use serde_json::Value;
use serin_core::traffic::{Place, Router};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "traffic/managed-routes",
    severity: Severity::Note,
    title: "a managed route that no step sets, or that somebody else wrote",
    page: include_str!("../../../../docs/rules/traffic.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for traffic in world::all(seen) {
        if traffic.routing.managed_routes.is_empty() {
            continue;
        }
        let world = World::of(seen, &[&traffic]);
        unused(found, &traffic, &world);
        written(seen, found, &traffic, &world);
    }
}

fn unused(found: &mut Found<'_, '_>, traffic: &Traffic<'_>, world: &World) {
    let headers = traffic.headers().into_iter().map(|(_, route)| route.name.as_str());
    let mirrors = traffic.mirrors().into_iter().map(|(_, route)| route.name.as_str());
    let set: Vec<&str> = headers.chain(mirrors).collect();
    for (index, route) in traffic.routing.managed_routes.iter().enumerate() {
        let name = route.name.as_str();
        if set.contains(&name) || traffic.has_plugin() || may_carry(traffic, world, name) {
            continue;
        }
        let message = format!("no step sets the managed route {name:?}");
        let path = at("spec.strategy.canary.trafficRouting.managedRoutes").index(index);
        let words = "nothing, if a step is to come; else remove the entry";
        found.add(traffic.index, &path, message).fix(Fix::words(words));
    }
}

/// Whether a route may be the one that carries the weights: `managedRoutes` then says its place in the order.
fn may_carry(traffic: &Traffic<'_>, world: &World, name: &str) -> bool {
    let mut services = virtual_services(traffic, world);
    services.any(|place| {
        let object = world.routes.find(&place);
        object.is_none_or(|object| reach(object, "spec.http[*].name").iter().any(|(_, of)| *of == name))
    })
}

fn virtual_services<'a>(traffic: &'a Traffic<'_>, world: &'a World) -> impl Iterator<Item = Place> + 'a {
    let istio = traffic
        .routers
        .iter()
        .filter(|router| matches!(router, Router::Istio(_)));
    let places = istio.flat_map(|router| router.places(&traffic.site(), &world.routes));
    places.filter(|place| place.kind == "VirtualService")
}

/// Routes of a VirtualService that the controller takes for its own and removes.
fn written(seen: &Seen<'_>, found: &mut Found<'_, '_>, traffic: &Traffic<'_>, world: &World) {
    let mut routes = world.routes.clone();
    let mut routers = traffic
        .routers
        .iter()
        .filter(|router| matches!(router, Router::Istio(_)));
    if !routers.all(|router| traffic.write(router, &traffic.at_rest(), &mut routes).is_ok()) {
        return;
    }
    for place in virtual_services(traffic, world) {
        let (Some(index), Some(after)) = (world.index(&place), routes.find(&place)) else {
            continue;
        };
        let kept: Vec<&Value> = reach(after, "spec.http[*].name")
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        for (path, name) in reach(&seen.build.objects[index].value, "spec.http[*].name") {
            if kept.contains(&name) {
                continue;
            }
            let message = format!(
                "route {name} has the name of a managed route of {}: the controller removes it unless a step has set it",
                traffic.object.title()
            );
            let words = "remove the route, which the step makes, or give it another name";
            found.add(index, &path, message).fix(Fix::words(words));
        }
    }
}
