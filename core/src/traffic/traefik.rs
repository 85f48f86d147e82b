//! Traefik: the weights of the Services of one `TraefikService` (contract 07 §7).

use super::{Next, Place, Problem, Reported, Routes, Site, Wanted, edit};
use crate::api::rollout::TraefikRouting;
use crate::validate::FieldError;
use serde_json::Value;

/// Reason of what is told where it cannot be written.
const REASON: &str = "TraefikServiceUpdateError";

/// What a Service counts that has no weight.
const DEFAULT: i64 = 1;

/// The `TraefikService`.
pub(super) fn places(routing: &TraefikRouting, site: &Site<'_>, _: &Routes) -> Vec<Place> {
    vec![place(routing, site)]
}

/// Nothing: upstream does not look at it before it writes (contract 01 §9).
pub(super) fn references(_: &TraefikRouting, _: &Site<'_>, _: &Routes) -> Option<FieldError> {
    None
}

pub(super) fn observe(routing: &TraefikRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let weight = |services: &Vec<Value>, name: &str| {
        let service = services.iter().find(|service| is(service, name))?;
        let weight = &service["weight"];
        Some(if weight.is_null() {
            DEFAULT
        } else {
            edit::weight(weight)
        })
    };
    let share = || {
        let services = routes.find(&place(routing, site))?["spec"]["weighted"]["services"].as_array()?;
        let canary = weight(services, site.canary_service)?;
        let stable = weight(services, site.stable_service).unwrap_or(0);
        Some(edit::scaled(canary, canary.saturating_add(stable), site.max_weight))
    };
    Reported::of_weights([share().unwrap_or(0)])
}

pub(super) fn desired(
    routing: &TraefikRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    let place = place(routing, site);
    let refuse = |message: String| Problem::new(&place, REASON, message);
    let mut object = routes.find(&place).cloned().ok_or_else(|| refuse(place.not_found()))?;
    let Some(services) = object
        .pointer_mut("/spec/weighted/services")
        .and_then(Value::as_array_mut)
    else {
        return Err(refuse(
            "spec.weighted.services was not found in traefik service manifest".to_owned(),
        ));
    };
    let parts = [
        ("canary", site.canary_service, wanted.canary),
        (
            "stable",
            site.stable_service,
            site.max_weight.saturating_sub(wanted.canary),
        ),
    ];
    for (part, name, weight) in parts {
        let Some(service) = services.iter_mut().find(|service| is(service, name)) else {
            return Err(refuse(format!("traefik {part} service was not found")));
        };
        edit::set(service, &["weight"], weight.into());
    }
    stick(&mut object, site);
    Ok(vec![Next {
        place,
        object: Some(object),
        owned: false,
        told: Vec::new(),
    }])
}

/// The cookie that keeps a client with a Service (decision 51); other fields of it stay.
fn stick(object: &mut Value, site: &Site<'_>) {
    let Some(stickiness) = &site.routing.stickiness else {
        return;
    };
    let path = ["spec", "weighted", "sticky", "cookie"];
    let found = object
        .pointer("/spec/weighted/sticky/cookie")
        .and_then(Value::as_object);
    let mut cookie = found.cloned().unwrap_or_default();
    if !stickiness.cookie.name.is_empty() {
        cookie.insert("name".to_owned(), stickiness.cookie.name.as_str().into());
    }
    match stickiness.cookie.max_age_seconds {
        Some(seconds) => cookie.insert("maxAge".to_owned(), seconds.into()),
        None => cookie.remove("maxAge"),
    };
    edit::set(object, &path, Value::Object(cookie));
}

/// Whether an entry is that of a Service.
fn is(service: &Value, name: &str) -> bool {
    service["name"].as_str() == Some(name)
}

fn place(routing: &TraefikRouting, site: &Site<'_>) -> Place {
    Place {
        api_version: site.settings.traefik_api_version.clone(),
        kind: "TraefikService".to_owned(),
        plural: "traefikservices".to_owned(),
        namespace: site.namespace.to_owned(),
        name: routing.weighted_traefik_service_name.clone(),
    }
}
