//! Ambassador: beside each Mapping one of the canary, which has the weight (contract 07 §5).

use super::{Next, Place, Problem, Reported, Routes, Site, Told, Wanted, edit};
use crate::api::rollout::AmbassadorRouting;
use crate::validate::FieldError;
use serde_json::{Value, json};

/// Characters that the name of a canary's Mapping has at most before its suffix.
const NAME_LENGTH: usize = 246;

/// Each Mapping and that of its canary.
pub(super) fn places(routing: &AmbassadorRouting, site: &Site<'_>, _: &Routes) -> Vec<Place> {
    let both = |name: &String| [place(site, name), place(site, &canary_name(name))];
    routing.mappings.iter().flat_map(both).collect()
}

pub(super) fn references(routing: &AmbassadorRouting, site: &Site<'_>, routes: &Routes) -> Option<FieldError> {
    let path = "spec.strategy.canary.trafficRouting.ambassador.mappings";
    if routing.mappings.is_empty() {
        return Some(FieldError::invalid(
            path,
            &Value::Null,
            "must provide at least one mapping",
        ));
    }
    routing.mappings.iter().find_map(|name| {
        let place = place(site, name);
        if routes.is_missing(&place) {
            return Some(FieldError::invalid(path, name, place.not_found()));
        }
        let weight = &routes.find(&place)?["spec"]["weight"];
        is_weighted(weight).then(|| FieldError::invalid("spec.weight", weight, no_weight(name)))
    })
}

pub(super) fn observe(routing: &AmbassadorRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let weights = routing.mappings.iter().flat_map(|name| {
        let Some(found) = routes.find(&place(site, &canary_name(name))) else {
            return [0, 0];
        };
        match weight_of(found) {
            _ if !leads_to(found, site.canary_service) => [0, 0],
            Some(weight) => [weight; 2],
            // It shares what is left with all others that have no weight.
            None => [0, site.max_weight],
        }
    });
    Reported::of_weights(weights)
}

pub(super) fn desired(
    routing: &AmbassadorRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    routing
        .mappings
        .iter()
        .map(|name| canary_mapping(site, wanted, routes, name))
        .collect()
}

/// The Mapping of the canary: it goes once its weight is 0, and not before.
fn canary_mapping(site: &Site<'_>, wanted: &Wanted<'_>, routes: &Routes, name: &str) -> Result<Next, Problem> {
    let place = place(site, &canary_name(name));
    let found = routes.find(&place);
    if wanted.canary <= 0 && found.is_none_or(|object| weight_of(object) == Some(0)) {
        return Ok(Next {
            place,
            object: None,
            owned: false,
            told: Vec::new(),
        });
    }
    let mut object = match found {
        Some(found) => found.clone(),
        None => {
            let (base, _) = base(site, routes, name)?;
            json!({
                "apiVersion": place.api_version,
                "kind": place.kind,
                "metadata": {"name": place.name, "namespace": place.namespace},
                "spec": base["spec"],
            })
        }
    };
    let leads = found.is_some_and(|object| leads_to(object, site.canary_service));
    if wanted.canary > 0 && !leads {
        let (_, service) = base(site, routes, name)?;
        let service = service.replacen(site.stable_service, site.canary_service, 1);
        edit::set(&mut object, &["spec", "service"], service.into());
    }
    edit::set(&mut object, &["spec", "weight"], wanted.canary.into());
    let message = format!("Set canary mapping weight to {}", wanted.canary);
    Ok(Next {
        place,
        object: Some(object),
        owned: false,
        told: vec![Told::new("CanaryMappingWeightUpdate", message)],
    })
}

/// The Mapping of stable, and what it leads to.
fn base<'a>(site: &Site<'_>, routes: &'a Routes, name: &str) -> Result<(&'a Value, &'a str), Problem> {
    let place = place(site, name);
    let Some(base) = routes.find(&place) else {
        return Err(Problem::new(&place, "AmbassadorMappingNotFound", place.not_found()));
    };
    let refuse = |message: String| Err(Problem::new(&place, "AmbassadorMappingConfigError", message));
    if is_weighted(&base["spec"]["weight"]) {
        return refuse(no_weight(name));
    }
    let stable = site.stable_service;
    let service = base["spec"]["service"].as_str().unwrap_or_default();
    if !service.contains(stable) {
        return refuse(format!(
            "Ambassador mapping \"{name}\" leads to \"{service}\", not to service \"{stable}\""
        ));
    }
    Ok((base, service))
}

/// Whether a Mapping names a Service.
fn leads_to(mapping: &Value, service: &str) -> bool {
    let named = mapping["spec"]["service"].as_str();
    named.is_some_and(|named| named.contains(service))
}

/// The weight of a Mapping, if it has one.
fn weight_of(mapping: &Value) -> Option<i32> {
    let weight = mapping["spec"]["weight"].as_i64()?.max(0);
    Some(i32::try_from(weight).unwrap_or(i32::MAX))
}

/// Whether this weight is one: upstream takes 0 for none.
fn is_weighted(weight: &Value) -> bool {
    !weight.is_null() && *weight != 0
}

/// What is said of a Mapping of stable that has a weight.
fn no_weight(name: &str) -> String {
    format!("Ambassador mapping \"{name}\" can not define weight")
}

fn canary_name(mapping: &str) -> String {
    let name: String = mapping.chars().take(NAME_LENGTH).collect();
    format!("{name}-canary")
}

/// The Mapping of this name. One API group has another name for the kind.
fn place(site: &Site<'_>, name: &str) -> Place {
    let api_version = site.settings.ambassador_api_version.clone();
    let (kind, plural) = if api_version.starts_with("x.getambassador.io/") {
        ("AmbassadorMapping", "ambassadormappings")
    } else {
        ("Mapping", "mappings")
    };
    Place {
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespace: site.namespace.to_owned(),
        name: name.to_owned(),
    }
}
