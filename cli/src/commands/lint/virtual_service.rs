//! The routes of an Istio VirtualService, as rollouts need them (contract 07 §1).

use serde_json::Value;
use serin_core::api::Rollout;
use serin_core::api::rollout::{CanaryStrategy, IstioDestinationRule, IstioVirtualService, TrafficRouting};
use serin_core::validate::FieldError;
use std::collections::BTreeSet;

const BELOW: &str = "spec.strategy.canary.trafficRouting.istio.virtualService";

/// One rollout and the VirtualService that it names.
struct Asked<'a> {
    canary: &'a CanaryStrategy,
    routing: &'a TrafficRouting,
    rule: Option<&'a IstioDestinationRule>,
    named: &'a IstioVirtualService,
}

/// What is wrong with a VirtualService that belongs to a rollout.
pub(super) fn problems(name: &str, object: &Value, rollout: &Rollout) -> Vec<FieldError> {
    let canary = rollout.spec.strategy.canary.as_ref();
    let routing = canary.and_then(|it| it.traffic_routing.as_deref());
    let (Some(canary), Some(routing), Some(istio)) = (canary, routing, routing.and_then(|it| it.istio.as_ref())) else {
        return Vec::new();
    };
    let (field, named) = if istio.virtual_services.is_empty() {
        ("virtualService", istio.virtual_service.iter().collect::<Vec<_>>())
    } else {
        ("virtualServices", istio.virtual_services.iter().collect())
    };
    let Some(named) = named.into_iter().find(|it| unqualified(&it.name) == name) else {
        return Vec::new();
    };
    let asked = Asked {
        canary,
        routing,
        rule: istio.destination_rule.as_ref(),
        named,
    };
    let field = format!("spec.strategy.canary.trafficRouting.istio.{field}.name");
    let problem = |detail: String| FieldError::invalid(field.clone(), name, detail);
    asked.problems(object).into_iter().map(problem).collect()
}

/// `name` of `name`, `name.namespace` and `name.namespace.svc.cluster.local`.
fn unqualified(name: &str) -> &str {
    let name = name.strip_suffix(".cluster.local").unwrap_or(name);
    let name = name.strip_suffix(".svc").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(name, _)| name)
}

impl Asked<'_> {
    fn problems(&self, object: &Value) -> Vec<String> {
        let list = |kind: &str| object.pointer(&format!("/spec/{kind}")).and_then(Value::as_array);
        let (http, tls, tcp) = (list("http"), list("tls"), list("tcp"));
        if http.is_none() && tls.is_none() && tcp.is_none() {
            return vec!["Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService".to_owned()];
        }
        let wrong =
            |kind: &str, problem: String| format!("Istio VirtualService has invalid {kind} routes. Error: {problem}");
        let http = http
            .and_then(|routes| self.http(routes).err())
            .map(|it| wrong("HTTP", it));
        let tls = tls.and_then(|routes| self.tls(routes).err()).map(|it| wrong("TLS", it));
        let tcp = tcp.and_then(|routes| self.tcp(routes).err()).map(|it| wrong("TCP", it));
        http.into_iter().chain(tls).chain(tcp).collect()
    }

    fn http(&self, routes: &[Value]) -> Result<(), String> {
        let name_of = |route: &Value| text(route, "/name").to_owned();
        let names = &self.named.routes;
        if names.is_empty() {
            let chosen = if routes.len() == 1 {
                routes.first()
            } else {
                routes.iter().find(|it| name_of(it).is_empty())
            };
            if let Some(chosen) = chosen {
                self.destinations(chosen)?;
            }
        }
        let mut chosen = Vec::new();
        for name in names {
            let found = routes.iter().find(|route| name_of(route) == *name);
            chosen.push(
                found.ok_or_else(|| format!("HTTP Route '{name}' is not found in the defined Virtual Service."))?,
            );
        }
        chosen.into_iter().try_for_each(|route| self.destinations(route))?;
        let managed = |route: &&Value| self.routing.managed_routes.iter().any(|it| it.name == name_of(route));
        if names.is_empty() && routes.iter().filter(|route| !managed(route)).count() > 1 {
            return Err(one_route("http", "routes"));
        }
        Ok(())
    }

    fn tls(&self, routes: &[Value]) -> Result<(), String> {
        let asked = &self.named.tls_routes;
        for asked in asked {
            let is_asked = |route: &&Value| {
                port(route) == Some(asked.port) && hosts(route) == asked.sni_hosts.iter().cloned().collect()
            };
            self.all(
                routes.iter().filter(is_asked),
                "No matching TLS routes found in the defined Virtual Service.",
            )?;
        }
        self.unasked(routes, asked.is_empty(), &one_route("tls", "tlsRoutes"))
    }

    fn tcp(&self, routes: &[Value]) -> Result<(), String> {
        let asked = &self.named.tcp_routes;
        for asked in asked {
            let is_asked = |route: &&Value| port(route) == Some(asked.port);
            self.all(
                routes.iter().filter(is_asked),
                "No matching TCP routes found in the defined Virtual Service.",
            )?;
        }
        self.unasked(routes, asked.is_empty(), &one_route("tcp", "tcpRoutes"))
    }

    /// All routes that were asked for; none is an error.
    fn all<'v>(&self, routes: impl Iterator<Item = &'v Value>, none: &str) -> Result<(), String> {
        let mut routes = routes.peekable();
        if routes.peek().is_none() {
            return Err(none.to_owned());
        }
        routes.try_for_each(|route| self.destinations(route))
    }

    /// Where no route is asked for by name, the first counts, and must be the only one.
    fn unasked(&self, routes: &[Value], unasked: bool, several: &str) -> Result<(), String> {
        if !unasked {
            return Ok(());
        }
        routes.first().map_or(Ok(()), |route| self.destinations(route))?;
        if routes.len() > 1 {
            Err(several.to_owned())
        } else {
            Ok(())
        }
    }

    /// A route leads to canary and stable: to the subsets of the DestinationRule if there is one, else to the Services.
    fn destinations(&self, route: &Value) -> Result<(), String> {
        let none = Vec::new();
        let destinations = route.get("route").and_then(Value::as_array).unwrap_or(&none);
        let leads = |pointer: &str, wanted: &str| {
            !wanted.is_empty() && destinations.iter().any(|it| host(text(it, pointer)) == wanted)
        };
        let checked = match self.rule {
            Some(rule) => [
                ("Canary", &rule.canary_subset_name),
                ("Stable", &rule.stable_subset_name),
            ]
            .map(|(role, subset)| {
                (
                    leads("/destination/subset", subset),
                    format!("{role} DestinationRule subset '{subset}'"),
                )
            }),
            None => {
                let [canary, stable] = self.services();
                [("Canary", canary), ("Stable", stable)].map(|(role, service)| {
                    (
                        leads("/destination/host", service),
                        format!("{role} Service '{service}'"),
                    )
                })
            }
        };
        match checked.into_iter().find(|(leads, _)| !leads) {
            Some((_, what)) => Err(format!("{what} not found in route")),
            None => Ok(()),
        }
    }

    fn services(&self) -> [&str; 2] {
        let (canary, stable) = (self.canary.canary_service.as_str(), self.canary.stable_service.as_str());
        match &self.canary.ping_pong {
            Some(services) if canary.is_empty() && stable.is_empty() => {
                [&services.ping_service, &services.pong_service]
            }
            Some(_) | None => [canary, stable],
        }
    }
}

fn one_route(list: &str, field: &str) -> String {
    format!(
        "spec.{list}[] should be set in VirtualService and it must have exactly one route when omitting {BELOW}.{field}"
    )
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The name of a host before its domain.
fn host(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// The port of all match blocks; `None` if they differ, 0 if they name none.
fn port(route: &Value) -> Option<i64> {
    let ports: BTreeSet<i64> = matches(route)
        .map(|block| block.get("port").and_then(Value::as_i64).unwrap_or_default())
        .collect();
    if ports.len() > 1 {
        None
    } else {
        Some(ports.first().copied().unwrap_or_default())
    }
}

fn hosts(route: &Value) -> BTreeSet<String> {
    let of_block = |block: &Value| {
        block
            .get("sniHosts")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    matches(route)
        .flat_map(of_block)
        .filter_map(|host| host.as_str().map(ToOwned::to_owned))
        .collect()
}

fn matches(route: &Value) -> impl Iterator<Item = &Value> {
    route.get("match").and_then(Value::as_array).into_iter().flatten()
}
