//! AWS load balancer controller: the weights are an annotation of the Ingress (contract 07 §3).

mod action;
pub(super) mod verify;

use super::ingress::{Ingresses, leads_to, place};
use super::{Next, Place, Problem, Reported, Routes, Site, Told, Wanted, edit, targets};
use crate::api::canary_step::SetHeaderRoute;
use crate::api::rollout::AlbRouting;
use crate::validate::FieldError;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Prefix of the annotations where the spec names none.
const PREFIX: &str = "alb.ingress.kubernetes.io";

/// Which annotations of an Ingress belong to which rollout.
const MANAGED: &str = "rollouts.argoproj.io/managed-alb-annotations";

/// Name of the port of a backend that is described by an annotation.
const USE_ANNOTATION: &str = "use-annotation";

/// Seconds that a client stays where `stickiness.cookie` names none (decision 51).
const STICKY_SECONDS: i64 = 3600;

/// Longest time that the load balancer keeps a client: 7 days.
const STICKY_MOST: i64 = 604_800;

/// Reason of the events and of what cannot be written.
const PATCHING: &str = "PatchingALBIngress";

/// Each Ingress; with target groups that are verified, the addresses of both Services too.
pub(super) fn places(routing: &AlbRouting, site: &Site<'_>, _: &Routes) -> Vec<Place> {
    let mut places: Vec<Place> = ingresses(routing).names().map(|name| place(site, name)).collect();
    if site.settings.verifies_targets {
        let services = [site.canary_service, site.stable_service];
        places.extend(services.map(|service| targets::endpoints(site.namespace, service)));
    }
    places
}

pub(super) fn references(routing: &AlbRouting, site: &Site<'_>, routes: &Routes) -> Option<FieldError> {
    ingresses(routing).references(site, routes, service(routing, site))
}

pub(super) fn observe(routing: &AlbRouting, site: &Site<'_>, routes: &Routes) -> Reported {
    let key = action_key(routing, service(routing, site));
    let weight = |name: &str| {
        let object = routes.find(&place(site, name))?;
        let action = object["metadata"]["annotations"][&key].as_str()?;
        Some(action::share(action, site.canary_service, site.max_weight))
    };
    Reported::of_weights(ingresses(routing).names().map(|name| weight(name).unwrap_or(0)))
}

pub(super) fn desired(
    routing: &AlbRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
) -> Result<Vec<Next>, Problem> {
    ingresses(routing)
        .names()
        .map(|name| ingress(routing, site, wanted, routes, name))
        .collect()
}

fn ingress(
    routing: &AlbRouting,
    site: &Site<'_>,
    wanted: &Wanted<'_>,
    routes: &Routes,
    name: &str,
) -> Result<Next, Problem> {
    let place = place(site, name);
    let problem = |message: String| Problem::new(&place, PATCHING, message);
    let service = service(routing, site);
    let headers = Headers::of(wanted, service);
    let found = usable(routes, &place, service, &headers)?;
    let old = found["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let mut annotations = old.clone();
    let mut told = Vec::new();
    let mut tell = |what: String| told.push(Told::new(PATCHING, format!("Updating Ingress `{name}` {what}")));
    let odd = || {
        problem(format!(
            "annotation `{MANAGED}` of ingress `{name}` is not an object of lists"
        ))
    };
    let mut managed = managed(&old).ok_or_else(odd)?;
    let own = managed.entry(site.rollout.to_owned()).or_default();
    let mut note = |annotations: &mut Map<String, Value>, key: String, text: String| {
        if !own.contains(&key) {
            own.push(key.clone());
        }
        let text = Value::from(text);
        annotations.insert(key, text.clone()) != Some(text)
    };
    let action = weights(routing, site, wanted).map_err(&problem)?;
    if note(&mut annotations, action_key(routing, service), action) {
        tell(format!("to desiredWeight '{}'", wanted.canary));
    }
    for route in &headers.in_force {
        let all = [(site.canary_service, 100)];
        let action = action::forward(&all, routing.service_port, None);
        let action = note(&mut annotations, action_key(routing, &route.name), action);
        let conditions = action::conditions(route);
        let conditions = note(&mut annotations, conditions_key(routing, &route.name), conditions);
        if action || conditions {
            tell(format!("to headerRoute '{}'", route.name));
        }
    }
    let gone: Vec<String> = headers
        .gone()
        .flat_map(|name| [action_key(routing, name), conditions_key(routing, name)])
        .collect();
    own.retain(|key| !gone.contains(key));
    if gone.iter().filter(|key| annotations.remove(*key).is_some()).count() > 0 {
        tell("removing managed routes".to_owned());
    }
    let bookkeeping = serde_json::to_string(&managed).unwrap_or_default();
    annotations.insert(MANAGED.to_owned(), bookkeeping.into());

    let mut object = found.clone();
    edit::set(&mut object, &["metadata", "annotations"], Value::Object(annotations));
    headers.write_paths(&mut object);
    told.extend(told.is_empty().then(|| weight_told(name, wanted)));
    Ok(Next {
        place,
        object: Some(object),
        owned: false,
        told,
    })
}

/// What is told of any other write.
fn weight_told(name: &str, wanted: &Wanted<'_>) -> Told {
    let message = format!("Updating Ingress `{name}` to desiredWeight '{}'", wanted.canary);
    Told::new(PATCHING, message)
}

/// The Ingress, where it leads to the Service of the weights and no header route takes the place of that.
fn usable<'r>(routes: &'r Routes, place: &Place, service: &str, headers: &Headers<'_>) -> Result<&'r Value, Problem> {
    let Some(found) = routes.find(place) else {
        return Err(Problem::new(place, "IngressNotFound", place.not_found()));
    };
    if !leads_to(found, service) {
        let message = format!("ingress does not have service `{service}` in rules");
        return Err(Problem::new(place, PATCHING, message));
    }
    if headers.in_force.iter().any(|route| route.name == service) {
        let name = &place.name;
        let message = format!("header route `{service}` has the name of the service of ingress `{name}`");
        return Err(Problem::new(place, PATCHING, message));
    }
    Ok(found)
}

/// Routes by header: those in force by their order of precedence, and all that are known.
struct Headers<'a> {
    in_force: Vec<&'a SetHeaderRoute>,
    known: Vec<&'a str>,
}

impl<'a> Headers<'a> {
    fn of(wanted: &Wanted<'a>, service: &str) -> Self {
        let mut known: Vec<&str> = Vec::new();
        let names = wanted.headers.iter().map(|route| route.name.as_str());
        for name in wanted.managed.iter().copied().chain(names) {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        let in_force = known
            .iter()
            .filter_map(|name| wanted.headers.iter().find(|route| route.name == *name))
            .copied()
            .collect();
        known.retain(|name| *name != service);
        Self { in_force, known }
    }

    /// Names of those that are not in force.
    fn gone(&self) -> impl Iterator<Item = &'a str> {
        let names = self.known.iter().copied();
        names.filter(|name| self.in_force.iter().all(|route| route.name != *name))
    }

    /// Puts the paths of those in force before all others of each rule, and takes away those of the others. A rule without
    /// paths has nothing to come before.
    fn write_paths(&self, object: &mut Value) {
        let rules = object.pointer_mut("/spec/rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            let Some(paths) = rule.pointer_mut("/http/paths").and_then(Value::as_array_mut) else {
                continue;
            };
            paths.retain(|path| !self.known.iter().any(|name| is_path_of(path, name)));
            paths.splice(0..0, self.in_force.iter().map(|route| path_of(&route.name)));
        }
    }
}

fn path_of(name: &str) -> Value {
    let service = json!({"name": name, "port": {"name": USE_ANNOTATION}});
    json!({"path": "/*", "pathType": "ImplementationSpecific", "backend": {"service": service}})
}

fn is_path_of(path: &Value, name: &str) -> bool {
    let service = &path["backend"]["service"];
    service["name"].as_str() == Some(name) && service["port"]["name"].as_str() == Some(USE_ANNOTATION)
}

/// The action that the weights make; why there is none.
fn weights(routing: &AlbRouting, site: &Site<'_>, wanted: &Wanted<'_>) -> Result<String, String> {
    let sticky = sticky_seconds(routing, site);
    if sticky.is_some_and(|seconds| !(1..=STICKY_MOST).contains(&seconds)) {
        let message = "TargetGroupStickinessConfig's duration must be between 1 and 604800 seconds (7 days)!";
        return Err(message.to_owned());
    }
    let mut shares = vec![(site.canary_service, wanted.canary)];
    shares.extend(wanted.additional.iter().map(|of| (of.service.as_str(), of.weight)));
    shares.push((site.stable_service, wanted.stable(site)));
    Ok(action::forward(&shares, routing.service_port, sticky))
}

/// Seconds that a client stays with its target group. The router's own setting counts, `stickiness` where it is absent
/// (decision 51).
fn sticky_seconds(routing: &AlbRouting, site: &Site<'_>) -> Option<i64> {
    match (&routing.stickiness_config, &site.routing.stickiness) {
        (Some(config), _) => config.enabled.then_some(config.duration_seconds),
        (None, Some(of)) => Some(of.cookie.max_age_seconds.unwrap_or(STICKY_SECONDS)),
        (None, None) => None,
    }
}

/// The annotations of each rollout, as noted on the Ingress.
fn managed(annotations: &Map<String, Value>) -> Option<BTreeMap<String, Vec<String>>> {
    match annotations.get(MANAGED).and_then(Value::as_str) {
        None | Some("") => Some(BTreeMap::new()),
        Some(text) => serde_json::from_str(text).ok(),
    }
}

fn action_key(routing: &AlbRouting, name: &str) -> String {
    format!("{}/actions.{name}", prefix(routing))
}

fn conditions_key(routing: &AlbRouting, name: &str) -> String {
    format!("{}/conditions.{name}", prefix(routing))
}

fn prefix(routing: &AlbRouting) -> &str {
    if routing.annotation_prefix.is_empty() {
        PREFIX
    } else {
        &routing.annotation_prefix
    }
}

/// The Service that the Ingress names, and that the action stands for.
fn service<'a>(routing: &'a AlbRouting, site: &Site<'a>) -> &'a str {
    if routing.root_service.is_empty() {
        site.stable_service
    } else {
        &routing.root_service
    }
}

fn ingresses(routing: &AlbRouting) -> Ingresses<'_> {
    Ingresses {
        router: "spec.strategy.canary.trafficRouting.alb",
        one: ("ingress", &routing.ingress),
        many: ("ingresses", &routing.ingresses),
        words: "Ingress or Ingresses",
    }
}
