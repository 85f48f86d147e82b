//! `traffic/port`: a route leads to a port that the Service of a rollout does not have.

use super::world::{self, Traffic, World};
use crate::rules::Rule;
use crate::rules::build::Object;
use crate::rules::finding::{Fix, Severity};
use crate::rules::names::host;
use crate::rules::path::{at, below, find as reach};
use crate::rules::seen::{Found, Seen};
use serde_json::Value;
use std::collections::BTreeSet;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "traffic/port",
    severity: Severity::Error,
    title: "a route leads to a port that the Service does not have",
    page: include_str!("../../../../docs/rules/traffic.md"),
    find,
};

/// Backends of a kind of route: where they are, the field with the Service, and the field with the port.
const BACKENDS: [(&str, &str, &str, &str); 15] = [
    (
        "Ingress",
        "spec.rules[*].http.paths[*].backend.service",
        "name",
        "port.number",
    ),
    (
        "Ingress",
        "spec.rules[*].http.paths[*].backend.service",
        "name",
        "port.name",
    ),
    ("Ingress", "spec.defaultBackend.service", "name", "port.number"),
    ("Ingress", "spec.defaultBackend.service", "name", "port.name"),
    (
        "VirtualService",
        "spec.http[*].route[*].destination",
        "host",
        "port.number",
    ),
    (
        "VirtualService",
        "spec.tls[*].route[*].destination",
        "host",
        "port.number",
    ),
    (
        "VirtualService",
        "spec.tcp[*].route[*].destination",
        "host",
        "port.number",
    ),
    ("HTTPRoute", "spec.rules[*].backendRefs[*]", "name", "port"),
    ("GRPCRoute", "spec.rules[*].backendRefs[*]", "name", "port"),
    ("TCPRoute", "spec.rules[*].backendRefs[*]", "name", "port"),
    ("TLSRoute", "spec.rules[*].backendRefs[*]", "name", "port"),
    ("TraefikService", "spec.weighted.services[*]", "name", "port"),
    ("ApisixRoute", "spec.http[*].backends[*]", "serviceName", "servicePort"),
    ("Mapping", "spec", "service", "service"),
    ("AmbassadorMapping", "spec", "service", "service"),
];

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let mut told = BTreeSet::new();
    for traffic in world::all(seen) {
        let services = services(seen, &traffic);
        alb(found, &traffic, &services);
        let world = World::of(seen, &[&traffic]);
        let routers = traffic.routers.iter();
        let places = routers.flat_map(|router| router.places(&traffic.site(), &world.routes));
        for index in places.filter_map(|place| world.index(&place)) {
            if told.insert((traffic.index, index)) {
                route(found, index, &seen.build.objects[index], &services);
            }
        }
    }
}

/// The Services of a rollout that the build has, and that list their ports.
fn services<'a>(seen: &Seen<'a>, traffic: &Traffic<'_>) -> Vec<&'a Object> {
    let root = traffic.routing.alb.as_ref().map(|alb| alb.root_service.as_str());
    let site = traffic.site();
    let names = [site.canary_service, site.stable_service, site.named.0, site.named.1];
    let all = seen.objects().map(|(_, object)| object);
    all.filter(|object| {
        let is_service = object.kind() == "Service" && object.group().is_empty() && object.meets(traffic.object);
        let named = names.contains(&object.name()) || root == Some(object.name());
        is_service && named && object.value["spec"]["type"] != "ExternalName" && !ports(object).is_empty()
    })
    .collect()
}

fn ports(service: &Object) -> &[Value] {
    service.value["spec"]["ports"].as_array().map_or(&[], Vec::as_slice)
}

/// Whether a Service has a port, by its number or name.
fn has(service: &Object, port: &Value) -> bool {
    let number = |text: &str| text.parse::<i64>().ok();
    let wanted = port.as_i64().or_else(|| port.as_str().and_then(number));
    ports(service).iter().any(|of| match wanted {
        Some(wanted) => of["port"].as_i64() == Some(wanted),
        None => of["name"] == *port,
    })
}

fn route(found: &mut Found<'_, '_>, index: usize, route: &Object, services: &[&Object]) {
    for (_, backends, name, port) in BACKENDS.iter().filter(|row| row.0 == route.kind()) {
        for (path, backend) in reach(&route.value, backends) {
            let written = backend[*name].as_str().unwrap_or_default();
            let Some((within, port)) = reach(backend, port).into_iter().next() else {
                continue;
            };
            let (path, port) = (below(&path, &within), port.clone());
            let (service, port) = match *name {
                "name" | "serviceName" => (written, port),
                "host" => (written.split('.').next().unwrap_or_default(), port),
                _ => match mapped(written) {
                    Some((service, port)) => (service, port.into()),
                    None => continue,
                },
            };
            // The action of a load balancer stands in the place of a port.
            if port == "use-annotation" || backend["kind"].as_str().is_some_and(|kind| kind != "Service") {
                continue;
            }
            let other = backend["namespace"].as_str();
            let mut named = services.iter().filter(|of| {
                let here = other.is_none() || of.namespace().is_none() || other == of.namespace();
                of.name() == service && here
            });
            if let Some(service) = named.next().filter(|service| !has(service, &port)) {
                let message = format!("{} has no port {port}", service.title());
                found.add(index, &path, message).fix(Fix::words(words(service)));
            }
        }
    }
}

/// Service and port of a Mapping.
fn mapped(written: &str) -> Option<(&str, i64)> {
    let (service, _) = host(written, None)?;
    let rest = written.rsplit_once("://").map_or(written, |(_, rest)| rest);
    let port = rest.split('/').next()?.rsplit_once(':')?.1.parse().ok()?;
    Some((service, port))
}

/// The port that the action names for the Services of both versions.
fn alb(found: &mut Found<'_, '_>, traffic: &Traffic<'_>, services: &[&Object]) {
    let Some(alb) = &traffic.routing.alb else { return };
    let site = traffic.site();
    let lacks = |service: &&&Object| {
        let weighed = [site.canary_service, site.stable_service].contains(&service.name());
        weighed && !has(service, &alb.service_port.into())
    };
    if let Some(service) = services.iter().find(lacks) {
        let message = format!("{} has no port {}", service.title(), alb.service_port);
        let path = at("spec.strategy.canary.trafficRouting.alb.servicePort");
        found.add(traffic.index, &path, message).fix(Fix::words(words(service)));
    }
}

fn words(service: &Object) -> String {
    let numbers: Vec<String> = ports(service).iter().map(|of| of["port"].to_string()).collect();
    format!("name one of its ports: {}", numbers.join(", "))
}
