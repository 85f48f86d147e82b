//! `reference/route`: a route that lacks the Services between which a rollout moves traffic (contract 01 §9, contract 07).

use crate::rules::Rule;
use crate::rules::build::Object;
use crate::rules::finding::{Fix, Severity};
use crate::rules::names::{GATEWAYS, Kind, host, references};
use crate::rules::path::{at, beside, find as reach, last_key};
use crate::rules::reference::route_lists::{self, Istio};
use crate::rules::seen::{Found, Seen, Target};
use crate::rules::traffic::verdict::{Verdict, verdict};
use crate::rules::traffic::world::{self, Traffic, World};
use serde_json::Value;
use serin_core::api::rollout::{CanaryStrategy, Rollout, TrafficRouting};
use serin_gitops::yaml::FieldPath;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "reference/route",
    severity: Severity::Error,
    title: "a route or Ingress does not have the Services between which the rollout moves traffic",
    page: include_str!("../../../../docs/rules/reference.md"),
    find,
};

/// One canary with its routers.
pub(super) struct Routed<'r> {
    pub(super) canary: &'r CanaryStrategy,
    pub(super) routing: &'r TrafficRouting,
    /// Service of the canary, and of stable.
    pub(super) services: [&'r str; 2],
}

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    let references = references(seen);
    for traffic in world::all(seen) {
        let object = traffic.object;
        let Some(routed) = routed(traffic.rollout) else {
            continue;
        };
        let verdicts = verdicts(seen, &traffic);
        let before = found.count();
        for reference in references
            .iter()
            .filter(|reference| std::ptr::eq(reference.object, object))
        {
            let Target::Here(route) = reference.target(seen) else {
                continue;
            };
            let Some(index) = seen.objects().position(|(_, other)| std::ptr::eq(other, route)) else {
                continue;
            };
            let title = object.title();
            let moves = verdicts.iter().any(|(router, verdict)| {
                let own = reference.path.to_string().starts_with(&field(router));
                *verdict == Verdict::Moves && (own || (*router == "gatewayAPI" && of_gateway(&reference.path)))
            });
            // What the controller can write is right, whatever it looks like. It adds subsets; Argo Rollouts does not.
            if moves && reference.kind != Kind::DestinationRule {
                continue;
            }
            match reference.kind {
                Kind::Ingress => ingress(found, index, route, &routed, &reference.path, &title),
                Kind::VirtualService => {
                    let istio = Istio {
                        routed: &routed,
                        path: &reference.path,
                        rollout: &object.value,
                        title: &title,
                    };
                    route_lists::virtual_service(found, index, route, &istio);
                }
                Kind::DestinationRule => subsets(found, index, route, &routed, &title),
                Kind::TraefikService => {
                    let pattern = "spec.weighted.services[*].name";
                    both(found, index, route, &routed, pattern, "spec.weighted.services", &title);
                }
                Kind::ApisixRoute => apisix(found, index, route, &routed, &title),
                Kind::GatewayRoute(_) if of_gateway(&reference.path) => {
                    let config = beside(&object.value, &reference.path);
                    let rule = config.get(format!("{}RuleName", last_key(&reference.path)));
                    let rule = rule.or(config.get("ruleName")).and_then(Value::as_str);
                    gateway(found, index, route, &routed, rule, &title);
                }
                Kind::Mapping if route.value["spec"].get("weight").is_some() => {
                    let message = format!(
                        "Ambassador mapping {:?} can not define weight: {title} sets it",
                        route.name()
                    );
                    found
                        .add(index, &at("spec.weight"), message)
                        .fix(Fix::words("remove the weight"));
                }
                Kind::Mapping
                | Kind::GatewayRoute(_)
                | Kind::Service
                | Kind::TrafficSplit
                | Kind::AppMeshService
                | Kind::AppMeshNode
                | Kind::AnalysisTemplate
                | Kind::ClusterAnalysisTemplate
                | Kind::ConfigMap
                | Kind::Secret
                | Kind::ServiceAccount
                | Kind::Claim
                | Kind::Written => {}
            }
        }
        others(seen, found, before, &verdicts, &object.title());
    }
}

/// What the core says of each router.
fn verdicts<'t>(seen: &Seen<'_>, traffic: &'t Traffic<'_>) -> Vec<(&'t str, Verdict)> {
    let world = World::of(seen, &[traffic]);
    let routers = traffic.routers.iter();
    routers
        .map(|router| (router.name(), verdict(traffic, &world, router)))
        .collect()
}

/// Where a router's configuration begins.
fn field(router: &str) -> String {
    format!("spec.strategy.canary.trafficRouting.{router}")
}

/// What the controller refuses, and what was not told in more detail.
fn others(seen: &Seen<'_>, found: &mut Found<'_, '_>, before: usize, verdicts: &[(&str, Verdict)], title: &str) {
    for (_, verdict) in verdicts {
        let Verdict::Refused(index, path, why) = verdict else {
            continue;
        };
        if found.has(*index, before) {
            continue;
        }
        // The list of the routes, where there is one only.
        let lists = ["spec.http", "spec.tls", "spec.tcp", "spec.rules", "spec.routes"].map(at);
        let object = &seen.build.objects[*index].value;
        let lists: Vec<_> = lists.into_iter().filter(|list| list.of(object).is_some()).collect();
        let path = match &lists[..] {
            [only] if path == "spec" => only.clone(),
            _ => at(path),
        };
        let message = format!("{}: {title} cannot move traffic", why.trim_end_matches('.'));
        let words = if seen.build.objects[*index].kind() == "TrafficSplit" {
            "remove it from Git: the controller makes it"
        } else {
            "lead the route to both versions of the rollout, or name another route in the rollout"
        };
        found.add(*index, &path, message).fix(Fix::words(words));
    }
}

fn routed(rollout: &Rollout) -> Option<Routed<'_>> {
    let canary = rollout.spec.strategy.canary.as_deref()?;
    let routing = canary.traffic_routing.as_deref()?;
    let named = [canary.canary_service.as_str(), canary.stable_service.as_str()];
    // Other routers than ALB prefer the two Services, where there are any (contract 07 §1).
    let services = match &canary.ping_pong {
        Some(pair) if named == ["", ""] => [pair.ping_service.as_str(), pair.pong_service.as_str()],
        Some(_) | None => named,
    };
    Some(Routed {
        canary,
        routing,
        services,
    })
}

/// Some rule or default backend names the stable Service, or ALB's root Service.
fn ingress(
    found: &mut Found<'_, '_>,
    index: usize,
    route: &Object,
    routed: &Routed<'_>,
    path: &FieldPath,
    title: &str,
) {
    let is_alb = path.to_string().contains(".alb.");
    let root = routed
        .routing
        .alb
        .as_ref()
        .map(|alb| alb.root_service.as_str())
        .filter(|root| !root.is_empty());
    let stable = routed.canary.stable_service.as_str();
    let service = if is_alb { root.unwrap_or(stable) } else { stable };
    if service.is_empty() {
        return;
    }
    let backends = [
        "spec.rules[*].http.paths[*].backend.service.name",
        "spec.defaultBackend.service.name",
        // extensions/v1beta1
        "spec.rules[*].http.paths[*].backend.serviceName",
        "spec.backend.serviceName",
    ];
    let mut named = backends.iter().flat_map(|pattern| reach(&route.value, pattern));
    if !named.any(|(_, name)| name == service) {
        let message = format!(
            "ingress `{}` has no rules using service {service} backend: {title} cannot move traffic",
            route.name()
        );
        let words = format!("name {service} as the backend of a path");
        found.add(index, &at("spec.rules"), message).fix(Fix::words(words));
    }
}

/// The subsets that a rollout moves exist, and the host is one of its Services where it has them.
fn subsets(found: &mut Found<'_, '_>, index: usize, route: &Object, routed: &Routed<'_>, title: &str) {
    let rule = routed
        .routing
        .istio
        .as_ref()
        .and_then(|istio| istio.destination_rule.as_ref());
    let Some(rule) = rule else { return };
    let names = reach(&route.value, "spec.subsets[*].name");
    for subset in [&rule.canary_subset_name, &rule.stable_subset_name] {
        if !subset.is_empty() && !names.iter().any(|(_, name)| *name == subset) {
            let message = format!("the DestinationRule has no subset {subset:?}, which {title} moves");
            let words = "add the subset, or name one that exists in the rollout";
            found.add(index, &at("spec.subsets"), message).fix(Fix::words(words));
        }
    }
}

/// Both Services are among names.
fn both(
    found: &mut Found<'_, '_>,
    index: usize,
    route: &Object,
    routed: &Routed<'_>,
    pattern: &str,
    list: &str,
    title: &str,
) {
    let names = reach(&route.value, pattern);
    for (service, role) in routed.services.iter().zip(["canary", "stable"]) {
        if !service.is_empty() && !names.iter().any(|(_, name)| name == service) {
            let message = format!(
                "{} has no {role} Service {service:?}: {title} cannot move traffic",
                route.title()
            );
            let words = format!(
                "add {service} to the route, with weight {}",
                if role == "stable" { 100 } else { 0 }
            );
            found.add(index, &at(list), message).fix(Fix::words(words));
        }
    }
}

fn apisix(found: &mut Found<'_, '_>, index: usize, route: &Object, routed: &Routed<'_>, title: &str) {
    let Some(wanted) = routed.routing.apisix.as_ref().and_then(|apisix| apisix.route.as_ref()) else {
        return;
    };
    // Without names the rule is meant that is named as the route.
    let route_name = std::slice::from_ref(&wanted.name);
    let names = if wanted.rules.is_empty() {
        route_name
    } else {
        &wanted.rules
    };
    let rules = reach(&route.value, "spec.http[*]");
    for name in names {
        let Some((path, rule)) = rules.iter().find(|(_, rule)| rule["name"] == name.as_str()) else {
            let message = format!(
                "ApisixRoute {:?} has no rule {name:?}, in which {title} moves traffic",
                route.name()
            );
            let words = "add the rule, or name one that exists in the rollout";
            found.add(index, &at("spec.http"), message).fix(Fix::words(words));
            continue;
        };
        let backends = path.key("backends");
        lacks(found, index, &backends, rule, "backends[*].serviceName", routed, title);
    }
}

fn of_gateway(path: &FieldPath) -> bool {
    let path = path.to_string();
    GATEWAYS.iter().any(|base| path.starts_with(base))
}

/// A rule of the route has both Services, as the Gateway API plugin needs it.
fn gateway(
    found: &mut Found<'_, '_>,
    index: usize,
    route: &Object,
    routed: &Routed<'_>,
    named: Option<&str>,
    title: &str,
) {
    let rules = reach(&route.value, "spec.rules[*]");
    let named = named.filter(|name| !name.is_empty());
    if let Some(name) = named.filter(|name| !rules.iter().any(|(_, rule)| rule["name"] == **name)) {
        let message = format!("{} has no rule {name:?}, which {title} names", route.title());
        let words = "give the rule this name, or name one that exists in the rollout";
        found.add(index, &at("spec.rules"), message).fix(Fix::words(words));
        return;
    }
    let has = |rule: &Value, service: &str| {
        reach(rule, "backendRefs[*].name")
            .iter()
            .any(|(_, name)| *name == service)
    };
    let complete = rules.iter().any(|(_, rule)| {
        routed
            .services
            .iter()
            .all(|service| service.is_empty() || has(rule, service))
    });
    if complete {
        return;
    }
    both(
        found,
        index,
        route,
        routed,
        "spec.rules[*].backendRefs[*].name",
        "spec.rules",
        title,
    );
}

/// Services that a list of backends lacks.
fn lacks(
    found: &mut Found<'_, '_>,
    index: usize,
    path: &FieldPath,
    rule: &Value,
    pattern: &str,
    routed: &Routed<'_>,
    title: &str,
) {
    let names = reach(rule, pattern);
    for (service, role) in routed.services.iter().zip(["canary", "stable"]) {
        if !service.is_empty() && !names.iter().any(|(_, name)| name == service) {
            let message = format!("the rule has no {role} Service {service:?}: {title} cannot move traffic");
            let words = format!("add {service} to the backends");
            found.add(index, path, message).fix(Fix::words(words));
        }
    }
}

/// Whether a host of a destination is a Service.
pub(super) fn is_host(written: &Value, service: &str) -> bool {
    let written = written.as_str().unwrap_or_default();
    let name = host(written, None).map_or_else(|| written.split('.').next().unwrap_or_default(), |(name, _)| name);
    !service.is_empty() && name == service
}
