//! Service mesh interface: one TrafficSplit, which the rollout owns (contract 07 §4).

use super::{Next, Place, Problem, Reported, Routes, Site, Told, Wanted, edit};
use crate::api::rollout::SmiRouting;
use crate::validate::FieldError;
use serde_json::{Value, json};

/// The version whose weights are quantities, which are texts.
const WITH_QUANTITIES: &str = "v1alpha1";

/// Versions that are known.
const VERSIONS: [&str; 3] = [WITH_QUANTITIES, "v1alpha2", "v1alpha3"];

/// The TrafficSplit.
pub(super) fn places(routing: &SmiRouting, site: &Site<'_>, _: &Routes) -> Vec<Place> {
    vec![place(routing, site)]
}

/// Nothing has to be there: the TrafficSplit is made.
pub(super) fn references(_: &SmiRouting, _: &Site<'_>, _: &Routes) -> Option<FieldError> {
    None
}

pub(super) fn observe(routing: &SmiRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let weight = |object: &Value| {
        let backends = object["spec"]["backends"].as_array().into_iter().flatten();
        let (own, sum) = backends.fold((0_i64, 0_i64), |(own, sum), backend| {
            let weight = edit::weight(&backend["weight"]);
            let is_own = is_of(backend, site.canary_service);
            let own = if is_own { own.saturating_add(weight) } else { own };
            (own, sum.saturating_add(weight))
        });
        edit::scaled(own, sum, site.max_weight)
    };
    Reported::of_weights(routes.find(&place(routing, site)).map(weight))
}

pub(super) fn desired(
    routing: &SmiRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    let place = place(routing, site);
    let version = &site.settings.traffic_split_version;
    if !VERSIONS.contains(&version.as_str()) {
        let message = format!("Unsupported TrafficSplit API version `{version}`");
        return Err(Problem::new(&place, "TrafficSplitNotCreated", message));
    }
    let found = routes.find(&place);
    if found.is_some_and(|object| !site.owns(object)) {
        let message = format!("Rollout does not own TrafficSplit `{}`", place.name);
        return Err(Problem::new(&place, "TrafficSplitNotModified", message));
    }
    let mut object = found.cloned().unwrap_or_else(|| {
        json!({
            "apiVersion": place.api_version,
            "kind": place.kind,
            "metadata": {"name": place.name, "namespace": place.namespace},
        })
    });
    let mut shares = vec![(site.canary_service, wanted.canary)];
    shares.extend(wanted.additional.iter().map(|of| (of.service.as_str(), of.weight)));
    shares.push((site.stable_service, wanted.stable(site)));
    let backends = shares
        .into_iter()
        .map(|(service, weight)| backend(found, service, weight, version));
    let backends = Value::Array(backends.collect());
    edit::set(&mut object, &["spec", "service"], service(routing, site).into());
    edit::set(&mut object, &["spec", "backends"], backends);
    let name = &place.name;
    let told = if found.is_some() {
        Told::new("TrafficSplitModified", format!("TrafficSplit `{name}` modified"))
    } else {
        Told::new("TrafficSplitCreated", format!("TrafficSplit `{name}` created"))
    };
    Ok(vec![Next {
        place,
        object: Some(object),
        owned: true,
        told: vec![told],
    }])
}

/// The backend of a Service, with the further fields that it has.
fn backend(found: Option<&Value>, service: &str, weight: i32, version: &str) -> Value {
    let backends = found.and_then(|object| object["spec"]["backends"].as_array());
    let known = backends.into_iter().flatten().find(|backend| is_of(backend, service));
    let mut backend = known.cloned().unwrap_or_else(|| json!({"service": service}));
    let weight = if version == WITH_QUANTITIES {
        weight.to_string().into()
    } else {
        weight.into()
    };
    edit::set(&mut backend, &["weight"], weight);
    backend
}

fn is_of(backend: &Value, service: &str) -> bool {
    backend["service"].as_str() == Some(service)
}

fn place(routing: &SmiRouting, site: &Site<'_>) -> Place {
    let name = if routing.traffic_split_name.is_empty() {
        site.rollout
    } else {
        &routing.traffic_split_name
    };
    Place {
        api_version: format!("split.smi-spec.io/{}", site.settings.traffic_split_version),
        kind: "TrafficSplit".to_owned(),
        plural: "trafficsplits".to_owned(),
        namespace: site.namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// The Service that clients call.
fn service<'a>(routing: &'a SmiRouting, site: &Site<'a>) -> &'a str {
    if routing.root_service.is_empty() {
        site.stable_service
    } else {
        &routing.root_service
    }
}
