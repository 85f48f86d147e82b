//! ingress-nginx: a second Ingress beside the stable one, with the weight in an annotation (contract 07 §2).

use super::ingress::{Ingresses, no_rules, place};
use super::{Next, Place, Problem, Reported, Routes, Site, Told, Wanted, edit};
use crate::api::rollout::NginxRouting;
use crate::validate::FieldError;
use serde_json::{Map, Value, json};

/// Prefix of the annotations where the spec names none.
const PREFIX: &str = "nginx.ingress.kubernetes.io";

/// Characters that the name of a canary Ingress has at most before its suffix.
const NAME_LENGTH: usize = 246;

/// The class, as annotation: the older way.
const CLASS: &str = "kubernetes.io/ingress.class";

/// Each stable Ingress and that of its canary.
pub(super) fn places(routing: &NginxRouting, site: &Site<'_>, _: &Routes) -> Vec<Place> {
    let both = |name: &str| [place(site, name), place(site, &canary_name(site, name))];
    ingresses(routing).names().flat_map(both).collect()
}

pub(super) fn references(routing: &NginxRouting, site: &Site<'_>, routes: &Routes) -> Option<FieldError> {
    ingresses(routing).references(site, routes, site.stable_service)
}

pub(super) fn observe(routing: &NginxRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let weight = |name: &str| {
        let object = routes.find(&place(site, &canary_name(site, name)))?;
        let annotations = &object["metadata"]["annotations"];
        let of = |key: &str| annotations[format!("{}/{key}", prefix(routing))].as_str();
        (of("canary") == Some("true")).then_some(())?;
        of("canary-weight")?.parse().ok()
    };
    Reported::of_weights(ingresses(routing).names().map(|name| weight(name).unwrap_or(0)))
}

pub(super) fn desired(
    routing: &NginxRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    ingresses(routing)
        .names()
        .map(|name| canary_ingress(routing, site, wanted, routes, name))
        .collect()
}

fn canary_ingress(
    routing: &NginxRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
    name: &str,
) -> Result<Next, Problem> {
    let (stable_place, place) = (place(site, name), place(site, &canary_name(site, name)));
    let Some(stable) = routes.find(&stable_place) else {
        return Err(Problem::new(&stable_place, "IngressNotFound", stable_place.not_found()));
    };
    let rules = canary_rules(stable, site);
    if rules.is_empty() {
        return Err(Problem::new(
            &stable_place,
            "IngressConfigError",
            no_rules(name, site.stable_service),
        ));
    }
    let found = routes.find(&place);
    if found.is_some_and(|object| !site.owns(object)) {
        let message = format!("canary ingress `{}` controlled by different object", place.name);
        return Err(Problem::new(&place, "PatchingCanaryIngress", message));
    }
    let mut object = found.cloned().unwrap_or_else(|| {
        json!({
            "apiVersion": place.api_version,
            "kind": place.kind,
            "metadata": {"name": place.name, "namespace": place.namespace, "annotations": {}},
            "spec": {},
        })
    });
    let mut annotations = object["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    annotate(&mut annotations, routing, site, wanted, stable);
    edit::set(&mut object, &["metadata", "annotations"], Value::Object(annotations));
    edit::set(&mut object, &["spec", "rules"], Value::Array(rules));
    for field in ["tls", "ingressClassName"] {
        let value = &stable["spec"][field];
        if value.is_null() {
            object["spec"].as_object_mut().map(|spec| spec.remove(field));
        } else {
            edit::set(&mut object, &["spec", field], value.clone());
        }
    }
    let (place_name, weight) = (&place.name, wanted.canary);
    let told = if found.is_some() {
        let message = format!("Updating Ingress `{place_name}` to desiredWeight '{weight}'");
        Told::new("PatchingCanaryIngress", message)
    } else {
        let message = format!("Creating canary ingress `{place_name}` with weight `{weight}`");
        Told::new("CreatingCanaryIngress", message)
    };
    Ok(Next {
        place,
        object: Some(object),
        owned: true,
        told: vec![told],
    })
}

/// The annotations of the canary Ingress; foreign ones stay.
fn annotate(
    annotations: &mut Map<String, Value>,
    routing: &NginxRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    stable: &Value,
) {
    let prefix = prefix(routing);
    // A total that is no longer wanted would make less of the weight.
    let total = format!("{prefix}/canary-weight-total");
    annotations.remove(&total);
    if let Some(class) = stable["metadata"]["annotations"][CLASS].as_str() {
        annotations.insert(CLASS.to_owned(), class.into());
    }
    for (key, value) in &routing.additional_ingress_annotations {
        let key = if key.starts_with(prefix) {
            key.clone()
        } else {
            format!("{prefix}/{key}")
        };
        annotations.insert(key, value.as_str().into());
    }
    for (key, value) in &routing.canary_ingress_annotations {
        annotations.insert(key.clone(), value.as_str().into());
    }
    annotations.insert(format!("{prefix}/canary"), "true".into());
    annotations.insert(format!("{prefix}/canary-weight"), wanted.canary.to_string().into());
    if site.routing.max_traffic_weight.is_some() {
        annotations.insert(total, site.max_weight.to_string().into());
    }
}

/// The rules of the stable Ingress that lead to the stable Service, leading to the canary's. One without paths, or whose
/// backend is a resource, is passed over (contract 07 §11).
fn canary_rules(stable: &Value, site: &Site<'_>) -> Vec<Value> {
    let rules = stable["spec"]["rules"].as_array().into_iter().flatten();
    let leading = rules.filter_map(|rule| {
        let mut rule = rule.clone();
        let paths = rule.pointer_mut("/http/paths")?.as_array_mut()?;
        let mut switched = false;
        for path in paths {
            let name = path.pointer_mut("/backend/service/name");
            if let Some(name) = name.filter(|name| name.as_str() == Some(site.stable_service)) {
                *name = site.canary_service.into();
                switched = true;
            }
        }
        switched.then_some(rule)
    });
    leading.collect()
}

fn canary_name(site: &Site<'_>, stable: &str) -> String {
    let name: String = format!("{}-{stable}", site.rollout).chars().take(NAME_LENGTH).collect();
    format!("{name}-canary")
}

fn ingresses(routing: &NginxRouting) -> Ingresses<'_> {
    Ingresses {
        router: "spec.strategy.canary.trafficRouting.nginx",
        one: ("stableIngress", &routing.stable_ingress),
        many: ("StableIngresses", &routing.stable_ingresses),
        words: "StableIngress or StableIngresses",
    }
}

fn prefix(routing: &NginxRouting) -> &str {
    if routing.annotation_prefix.is_empty() {
        PREFIX
    } else {
        &routing.annotation_prefix
    }
}
