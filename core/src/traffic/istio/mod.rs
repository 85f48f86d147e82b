//! Istio: VirtualServices and the subsets of a DestinationRule (contract 07 §1).

mod destination_rule;
mod destinations;
mod managed;
mod selection;

pub(super) use destination_rule::{is_rule, left};

use super::{Next, Place, Problem, Reported, Routes, Site, Told, Wanted};
use crate::api::rollout::{IstioRouting, IstioVirtualService};
use crate::validate::{ErrorKind, FieldError};
use destinations::Names;
use selection::{Protocol, Selection, Unusable};
use serde_json::Value;

/// Reason of the events of a VirtualService; upstream's has a space.
const UPDATED: &str = "Updated VirtualService";

/// Path of the routing in errors.
const BASE: &str = "spec.strategy.canary.trafficRouting.istio";

/// Each VirtualService, and the DestinationRule.
pub(super) fn places(routing: &IstioRouting, site: &Site<'_>, _: &Routes) -> Vec<Place> {
    let mut places = Vec::new();
    for place in services(routing).map(|of| place(site, &of.name)) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.extend(destination_rule::place(routing, site));
    places
}

pub(super) fn references(routing: &IstioRouting, site: &Site<'_>, routes: &Routes) -> Option<FieldError> {
    if routing.virtual_service.is_some() != routing.virtual_services.is_empty() {
        return Some(FieldError {
            path: BASE.to_owned(),
            // Kubernetes calls the type "Internal error"; it has no value.
            kind: ErrorKind::Bare,
            detail: format!("{BASE}: Internal error: either VirtualService or VirtualServices must be configured"),
        });
    }
    let field = if routing.virtual_service.is_some() {
        "virtualService"
    } else {
        "virtualServices"
    };
    let refuse =
        |place: &Place, detail: String| FieldError::invalid(format!("{BASE}.{field}.name"), &place.name, detail);
    let mut places = services(routing).map(|of| place(site, &of.name));
    if let Some(place) = places.find(|place| routes.is_missing(place)) {
        return Some(refuse(&place, place.not_found()));
    }
    let names = Names::of(routing, site);
    let managed = managed_names(site);
    services(routing).find_map(|of| {
        let place = place(site, &of.name);
        let object = routes.find(&place)?;
        let unusable = selection::usable(object, of, &names, &managed).err()?;
        Some(refuse(&place, unusable.of_virtual_service()))
    })
}

/// The weights of all selected routes, and of the routes that mirror.
pub(super) fn observe(routing: &IstioRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let names = Names::of(routing, site);
    let managed = managed_names(site);
    let mut weights = Vec::new();
    for of in services(routing) {
        let Some(object) = routes.find(&place(site, &of.name)) else {
            weights.push(0);
            continue;
        };
        let before = weights.len();
        let share = |route: &Value| names.share(route, site.max_weight);
        if let Ok(selections) = selection::selections(object, of, &names, &managed) {
            let selected = selections.iter().flat_map(|selection| selection.routes(object));
            weights.extend(selected.map(share));
            if weights.len() == before {
                weights.push(0);
            }
            let http = selection::list(object, Protocol::Http);
            let mirrors = http.iter().filter(|route| managed::is_mirror(route, &managed));
            weights.extend(mirrors.map(share));
        } else {
            // Nothing is known of the routes that are meant: any of them may count, and none.
            weights.push(0);
            let all = Protocol::ALL.into_iter().flat_map(|of| selection::list(object, of));
            weights.extend(all.map(share));
        }
    }
    Reported {
        canary_hash: destination_rule::hash(routing, site, routes, |rule| &rule.canary_subset_name),
        stable_hash: destination_rule::hash(routing, site, routes, |rule| &rule.stable_subset_name),
        ..Reported::of_weights(weights)
    }
}

pub(super) fn desired(
    routing: &IstioRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    let mut all: Vec<Next> = destination_rule::desired(routing, site, wanted, routes)?
        .into_iter()
        .collect();
    let names = Names::of(routing, site);
    let rule_host = destination_rule::host(routing, site, routes);
    for of in services(routing) {
        let place = place(site, &of.name);
        let found = routes.find(&place).ok_or_else(|| {
            let message = format!("VirtualService `{}` not found", place.name);
            Problem::new(&place, "VirtualServiceNotFound", message)
        })?;
        // One VirtualService may be named twice, with other routes.
        let earlier = all.iter().position(|next| next.place == place);
        let mut next = earlier.map_or_else(
            || Next {
                place: place.clone(),
                object: None,
                owned: false,
                told: Vec::new(),
            },
            |index| all.remove(index),
        );
        let object = next.object.take().unwrap_or_else(|| found.clone());
        let one = One {
            of,
            site,
            wanted,
            names: &names,
            rule_host: rule_host.as_deref(),
            place: &place,
        };
        let (object, told) = one
            .desired(object)
            .map_err(|message| Problem::new(&place, "TrafficRoutingError", message))?;
        next.object = Some(object);
        next.told.extend(told);
        all.push(next);
    }
    Ok(all)
}

/// One VirtualService and what is wanted of it.
struct One<'a> {
    of: &'a IstioVirtualService,
    site: &'a Site<'a>,
    wanted: &'a Wanted<'a>,
    names: &'a Names<'a>,
    /// Host of the DestinationRule, where there is one.
    rule_host: Option<&'a str>,
    place: &'a Place,
}

impl One<'_> {
    fn desired(&self, mut object: Value) -> Result<(Value, Vec<Told>), String> {
        let Self { wanted, names, .. } = *self;
        let selections =
            selection::usable(&object, self.of, names, &wanted.managed).map_err(|unusable| unusable.detail)?;
        let mut told = Vec::new();
        let suffix = self.suffix(&object, &selections);
        let mut has_new_weights = false;
        for selection in &selections {
            for route in selection.routes_mut(&mut object) {
                has_new_weights |= names.weigh(route, self.site, wanted, &suffix);
            }
        }
        let name = &self.place.name;
        if has_new_weights {
            let message = format!("VirtualService `{name}` set to desiredWeight '{}'", wanted.canary);
            told.push(Told::new(UPDATED, message));
        }
        let http = selections.iter().find(|selection| selection.protocol == Protocol::Http);
        if let Some(http) = http {
            let messages = managed::apply(&mut object, &http.indices, self, &suffix)?;
            let messages = messages
                .into_iter()
                .map(|message| format!("VirtualService `{name}` {message}"));
            told.extend(messages.map(|message| Told::new(UPDATED, message)));
        }
        Ok((object, told))
    }

    /// What follows the Service's name in hosts, for a VirtualService of another namespace, whose short names would lead
    /// to Services there: as the routes have it already.
    fn suffix(&self, object: &Value, selections: &[Selection]) -> String {
        if self.place.namespace == self.site.namespace {
            return String::new();
        }
        let mut routes = selections.iter().flat_map(|selection| selection.routes(object));
        routes.find_map(|route| self.names.suffix(route)).unwrap_or_default()
    }
}

impl Unusable {
    /// What the reference check says.
    fn of_virtual_service(self) -> String {
        match self.protocol {
            Some(protocol) => {
                let (title, detail) = (protocol.title(), self.detail);
                format!("Istio VirtualService has invalid {title} routes. Error: {detail}")
            }
            None => self.detail,
        }
    }
}

/// The VirtualServices that the spec names.
fn services(routing: &IstioRouting) -> impl Iterator<Item = &IstioVirtualService> {
    routing.virtual_service.iter().chain(&routing.virtual_services)
}

fn managed_names<'a>(site: &Site<'a>) -> Vec<&'a str> {
    let managed = site.routing.managed_routes.iter();
    managed.map(|route| route.name.as_str()).collect()
}

/// The VirtualService of a reference: `name`, or `name.namespace`.
fn place(site: &Site<'_>, reference: &str) -> Place {
    let reference = reference.strip_suffix(".cluster.local").unwrap_or(reference);
    let (name, namespace) = reference.rsplit_once('.').unwrap_or((reference, site.namespace));
    Place {
        api_version: api_version(site),
        kind: "VirtualService".to_owned(),
        plural: "virtualservices".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn api_version(site: &Site<'_>) -> String {
    format!("networking.istio.io/{}", site.settings.istio_version)
}
