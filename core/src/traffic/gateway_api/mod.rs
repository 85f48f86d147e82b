//! Gateway API: the weights of `backendRefs`, without the plugin and with its configuration (decision 51).
//!
//! Weights, routes by header, and sticky sessions are those of `HTTPRoute` and `GRPCRoute`; only an `HTTPRoute` mirrors, and
//! `TCPRoute` and `TLSRoute` have weights alone. `sessionPersistence` is a field of the experimental channel: where the
//! installed kinds do not have it the API server drops it.

mod backends;
mod managed;
mod mark;
mod names;

use super::{Next, Place, Problem, Reported, Routes, Site, Wanted, edit};
use crate::api::rollout::{GATEWAY_PLUGIN, GatewayApiRouting, TrafficRouting};
use crate::validate::FieldError;
use managed::Record;
use names::{Chosen, chosen};
use serde_json::Value;

/// Reason of what is told where a route cannot be written.
const REASON: &str = "TrafficRoutingError";

/// Where the configuration stands in the spec.
const FIELD: &str = "spec.strategy.canary.trafficRouting.gatewayAPI";

/// A configuration, and what is wrong with how it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayApi {
    /// The configuration; empty where it could not be read.
    pub routing: GatewayApiRouting,
    /// Field of the spec where it stands.
    field: String,
    /// Why it could not be read.
    unread: Option<FieldError>,
}

/// The configuration that a spec has: its own field, else that of the plugin of this name.
pub(super) fn of(routing: &TrafficRouting) -> Option<GatewayApi> {
    if let Some(routing) = &routing.gateway_api {
        return Some(GatewayApi {
            routing: routing.clone(),
            field: FIELD.to_owned(),
            unread: None,
        });
    }
    let written = routing.plugins.get(GATEWAY_PLUGIN)?;
    let field = format!("spec.strategy.canary.trafficRouting.plugins[{GATEWAY_PLUGIN}]");
    let read = match without_nulls(written) {
        Some(written) => serde_json::from_value(written),
        None => Ok(GatewayApiRouting::default()),
    };
    let (routing, unread) = match read {
        Ok(routing) => (routing, None),
        Err(error) => {
            let detail = format!("not a configuration of Gateway API: {error}");
            let unread = FieldError::invalid(field.clone(), written, detail);
            (GatewayApiRouting::default(), Some(unread))
        }
    };
    Some(GatewayApi { routing, field, unread })
}

/// A null is as good as nothing.
fn without_nulls(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(fields) => {
            let kept = fields.iter();
            let kept = kept.filter_map(|(key, value)| Some((key.clone(), without_nulls(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(items.iter().filter_map(without_nulls).collect()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}

/// The routes; one whose kind is not served in its first version also in the second.
pub(super) fn places(of: &GatewayApi, site: &Site<'_>, routes: &Routes) -> Vec<Place> {
    let chosen = chosen(of, site, routes);
    let both = chosen.into_iter().flat_map(|chosen| [chosen.first, Some(chosen.place)]);
    both.flatten().collect()
}

pub(super) fn references(of: &GatewayApi, site: &Site<'_>, routes: &Routes) -> Option<FieldError> {
    if let Some(wrong) = wrong(of) {
        return Some(wrong);
    }
    let chosen = chosen(of, site, routes);
    let missing = chosen
        .iter()
        .map(|chosen| &chosen.place)
        .find(|place| routes.is_missing(place));
    missing.map(|place| FieldError::invalid(of.field.clone(), &place.name, place.not_found()))
}

/// What is wrong with a configuration by itself.
fn wrong(of: &GatewayApi) -> Option<FieldError> {
    let field = &of.field;
    of.unread
        .clone()
        .or_else(|| {
            let selector = names::selector(&of.routing)?;
            let detail = "routes are not found by their labels: name them";
            Some(FieldError::invalid(format!("{field}.{selector}"), "", detail))
        })
        .or_else(|| {
            let unnamed = names::unnamed(&of.routing)?;
            Some(FieldError::invalid(
                format!("{field}.{unnamed}"),
                "",
                "a route has a name",
            ))
        })
        .or_else(|| {
            let detail = "No routes configured. At least one of 'httpRoutes', 'grpcRoutes', 'tcpRoutes', 'tlsRoutes', \
                          'httpRoute', 'grpcRoute', 'tcpRoute' or 'tlsRoute' must be set";
            let none = names::is_empty(&of.routing);
            none.then(|| FieldError::invalid(field.clone(), "", detail))
        })
}

pub(super) fn observe(of: &GatewayApi, site: &Site<'_>, routes: &Routes) -> Reported {
    let weights = chosen(of, site, routes).into_iter().flat_map(|chosen| {
        let weights = routes.find(&chosen.place).map_or_else(Vec::new, |object| {
            let record = Record::read(object, site);
            let rules = object["spec"]["rules"].as_array().into_iter().flatten();
            let managed = rules.filter(|rule| chosen.manages(rule));
            let weight = |rule| backends::canary_weight(rule, &record.destinations, site);
            managed.filter_map(weight).collect()
        });
        if weights.is_empty() { vec![0] } else { weights }
    });
    Reported::of_weights(weights)
}

pub(super) fn desired(
    of: &GatewayApi,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    if let Some(wrong) = wrong(of) {
        return Err(Problem::new(&Place::default(), REASON, wrong.to_string()));
    }
    let chosen = chosen(of, site, routes);
    let next = chosen.into_iter().map(|chosen| route(of, site, wanted, routes, chosen));
    next.collect()
}

/// One route as it is to be. Managed rules come first: where two rules match alike the first one counts.
fn route(
    of: &GatewayApi,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
    chosen: Chosen,
) -> Result<Next, Problem> {
    let place = &chosen.place;
    let refuse = |message: String| Problem::new(place, REASON, message);
    let mut object = routes.find(place).cloned().ok_or_else(|| refuse(place.not_found()))?;
    let before = Record::read(&object, site);
    let mut rules = object["spec"]["rules"].as_array().cloned().unwrap_or_default();
    rules.retain(|rule| !before.holds(rule, site, wanted));
    let mut sources = Vec::new();
    for rule in rules
        .iter_mut()
        .filter(|rule| chosen.manages(rule) && backends::has_both(rule, site))
    {
        backends::weigh(rule, &before.destinations, site, wanted);
        if chosen.kind.has_headers() {
            backends::stick(rule, site);
        }
        sources.push(rule.clone());
    }
    if sources.is_empty() {
        return Err(refuse(format!("backendRef was not found in {}", chosen.kind.field())));
    }
    let made = managed::rules(&chosen, &sources, site, wanted).map_err(refuse)?;
    let after = Record::of(&made, wanted);
    let made = made.into_iter().flat_map(|(_, rules)| rules);
    edit::set(&mut object, &["spec", "rules"], made.chain(rules).collect());
    after.write(&mut object, site);
    mark::mark(&mut object, &of.routing, site, wanted);
    Ok(Next {
        place: chosen.place,
        object: Some(object),
        owned: false,
        told: Vec::new(),
    })
}
