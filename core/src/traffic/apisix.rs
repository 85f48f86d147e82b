//! APISIX: the weights of the backends of an ApisixRoute; a route by header is an ApisixRoute of its own (contract 07 §8).

use super::{Next, Place, Problem, Reported, Routes, Site, Wanted, edit};
use crate::api::canary_step::{HeaderMatch, SetHeaderRoute};
use crate::api::rollout::{ApisixRoute, ApisixRouting};
use crate::validate::FieldError;
use serde_json::{Value, json};

/// Reason of what cannot be written.
const UPDATE: &str = "ApisixRouteUpdateError";

/// The route, and one for each managed route.
pub(super) fn places(routing: &ApisixRouting, site: &Site<'_>, _: &Routes) -> Vec<Place> {
    let Some(route) = &routing.route else {
        return Vec::new();
    };
    let managed = site.routing.managed_routes.iter().map(|of| of.name.as_str());
    let names = [route.name.as_str()].into_iter().chain(managed);
    names.map(|name| place(site, name)).collect()
}

/// Upstream checks nothing, and panics where no route is named (contract 07 §8).
pub(super) fn references(routing: &ApisixRouting, _: &Site<'_>, _: &Routes) -> Option<FieldError> {
    let path = "spec.strategy.canary.trafficRouting.apisix.route";
    let none = routing.route.as_ref().is_none_or(|route| route.name.is_empty());
    none.then(|| FieldError::invalid(path, &routing.route, "must provide the name of an ApisixRoute"))
}

/// The share of the canary in what it and stable have; other backends are not the rollout's.
pub(super) fn observe(routing: &ApisixRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let Some(route) = &routing.route else {
        return Reported::default();
    };
    let object = routes.find(&place(site, &route.name));
    let weight = |name: &str| {
        let mut rules = object?["spec"]["http"].as_array()?.iter();
        let backends = rules.find(|rule| is_named(rule, name))?["backends"].as_array()?;
        let sum = |service: &str| {
            let own = backends.iter().filter(|backend| is_of(backend, service));
            own.map(weight_of).fold(0, i64::saturating_add)
        };
        let (canary, stable) = (sum(site.canary_service), sum(site.stable_service));
        Some(edit::scaled(canary, canary.saturating_add(stable), site.max_weight))
    };
    Reported::of_weights(rule_names(route).map(|name| weight(name).unwrap_or(0)))
}

pub(super) fn desired(
    routing: &ApisixRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    let Some(route) = &routing.route else {
        return Err(Problem::new(&place(site, ""), UPDATE, "no ApisixRoute is named"));
    };
    let place = place(site, &route.name);
    let Some(base) = routes.find(&place) else {
        return Err(Problem::new(&place, UPDATE, place.not_found()));
    };
    let mut object = base.clone();
    for name in rule_names(route) {
        let problem = |message: String| Problem::new(&place, UPDATE, message);
        let rules = object.pointer_mut("/spec/http").and_then(Value::as_array_mut);
        let rule = rules.into_iter().flatten().find(|rule| is_named(rule, name));
        let Some(rule) = rule else {
            return Err(problem(format!("ApisixRoute `{}` has no rule `{name}`", route.name)));
        };
        let shares = [
            (site.canary_service, wanted.canary),
            (site.stable_service, wanted.stable(site)),
        ];
        for (service, weight) in shares {
            if !set_weight(rule, service, weight) {
                let message = format!(
                    "rule `{name}` of ApisixRoute `{}` has no backend `{service}`",
                    route.name
                );
                return Err(problem(message));
            }
        }
    }
    let mut next = vec![Next {
        place,
        object: Some(object),
        owned: false,
        told: Vec::new(),
    }];
    let mut names = wanted.managed.clone();
    names.extend(wanted.headers.iter().map(|header| header.name.as_str()));
    for (index, name) in names.iter().enumerate() {
        if !names.iter().take(index).any(|before| before == name) {
            next.extend(header_route(route, base, site, wanted, routes, name)?);
        }
    }
    Ok(next)
}

/// The ApisixRoute of a managed route: there while the route by header is in force. One of somebody else stays.
fn header_route(
    route: &ApisixRoute,
    base: &Value,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
    name: &str,
) -> Result<Option<Next>, Problem> {
    let place = place(site, name);
    let found = routes.find(&place);
    let is_foreign = name == route.name || found.is_some_and(|object| !site.owns(object));
    let header = wanted.headers.iter().find(|header| header.name == name);
    let object = match header {
        None if is_foreign => return Ok(None),
        None => None,
        Some(_) if is_foreign => {
            let message = format!("duplicate ApisixRoute [{name}] already exists");
            return Err(Problem::new(&place, "ApisixRouteCreateError", message));
        }
        Some(header) => {
            let mut object = found.cloned().unwrap_or_else(|| {
                json!({
                    "apiVersion": place.api_version,
                    "kind": place.kind,
                    "metadata": {"name": name, "namespace": place.namespace},
                    "spec": base["spec"],
                })
            });
            edit::set(&mut object, &["spec", "http"], header_rules(route, base, site, header));
            Some(object)
        }
    };
    Ok(Some(Next {
        place,
        object,
        owned: true,
        told: Vec::new(),
    }))
}

/// The rules of the rollout, before those of the base and for the canary alone.
fn header_rules(route: &ApisixRoute, base: &Value, site: &Site<'_>, header: &SetHeaderRoute) -> Value {
    let rules = base["spec"]["http"].as_array().into_iter().flatten();
    let own = rules.filter(|rule| rule_names(route).any(|name| is_named(rule, name)));
    let exprs: Value = header.r#match.iter().map(expression).collect();
    let rules = own.map(|rule| {
        let mut rule = rule.clone();
        if let Some(backends) = rule.pointer_mut("/backends").and_then(Value::as_array_mut) {
            backends.retain(|backend| !is_of(backend, site.stable_service));
        }
        set_weight(&mut rule, site.canary_service, 100);
        let priority = rule["priority"].as_i64().unwrap_or(0).saturating_add(1);
        edit::set(&mut rule, &["priority"], priority.into());
        edit::set(&mut rule, &["match", "exprs"], exprs.clone());
        rule
    });
    rules.collect()
}

/// The condition on one header.
fn expression(of: &HeaderMatch) -> Value {
    let value = &of.header_value;
    let (op, value) = if !value.exact.is_empty() {
        ("Equal", value.exact.clone())
    } else if !value.regex.is_empty() {
        ("RegexMatch", value.regex.clone())
    } else {
        ("RegexMatch", format!("^{}.*", value.prefix))
    };
    json!({"subject": {"scope": "Header", "name": of.header_name}, "op": op, "value": value})
}

/// Sets the weight of each backend of a Service; whether there is one.
fn set_weight(rule: &mut Value, service: &str, weight: i32) -> bool {
    let backends = rule.pointer_mut("/backends").and_then(Value::as_array_mut);
    let own = backends.into_iter().flatten().filter(|backend| is_of(backend, service));
    own.map(|backend| edit::set(backend, &["weight"], weight.into()))
        .count()
        > 0
}

/// The weight of a backend; APISIX takes 100 where there is none.
fn weight_of(backend: &Value) -> i64 {
    match &backend["weight"] {
        Value::Null => 100,
        weight => edit::weight(weight),
    }
}

fn is_of(backend: &Value, service: &str) -> bool {
    backend["serviceName"].as_str() == Some(service)
}

fn is_named(rule: &Value, name: &str) -> bool {
    rule["name"].as_str() == Some(name)
}

/// Names of the rules; absent, the one that is named as the route.
fn rule_names(route: &ApisixRoute) -> impl Iterator<Item = &str> {
    let one = route.rules.is_empty().then_some(route.name.as_str());
    one.into_iter().chain(route.rules.iter().map(String::as_str))
}

fn place(site: &Site<'_>, name: &str) -> Place {
    Place {
        api_version: "apisix.apache.org/v2".to_owned(),
        kind: "ApisixRoute".to_owned(),
        plural: "apisixroutes".to_owned(),
        namespace: site.namespace.to_owned(),
        name: name.to_owned(),
    }
}
