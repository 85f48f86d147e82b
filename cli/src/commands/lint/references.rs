//! The Services, Ingresses and VirtualServices of a file. Each belongs to the rollout that names it, as if the controller had
//! written its annotation; what no rollout names is not checked (contract 10 §6).

use super::virtual_service;
use serde_json::{Map, Value};
use serin_core::api::rollout::TrafficRouting;
use serin_core::api::{PodTemplate, Rollout};
use serin_core::validate::FieldError;
use serin_core::wire::{HASH_LABEL, MANAGED_BY};

/// The objects that rollouts may refer to, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    services: Vec<Service>,
    ingresses: Vec<Other>,
    virtual_services: Vec<Other>,
}

/// A Service, and the field of the rollout that names it last.
#[derive(Debug)]
struct Service {
    object: Other,
    field: Option<&'static str>,
}

/// An object, and the rollout to which it belongs.
#[derive(Debug)]
struct Other {
    value: Value,
    manager: String,
}

impl Other {
    fn new(value: Value) -> Self {
        let annotations = value.pointer("/metadata/annotations");
        let manager = annotations
            .and_then(|it| it.get(MANAGED_BY)?.as_str())
            .unwrap_or_default();
        Self {
            manager: manager.to_owned(),
            value,
        }
    }

    fn name(&self) -> &str {
        self.value
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Neighbours {
    /// Notes an object of a kind that rollouts refer to.
    pub(super) fn note(&mut self, group: &str, version: &str, kind: &str, value: Value) {
        match (group, kind) {
            ("", "Service") => self.services.push(Service {
                object: Other::new(value),
                field: None,
            }),
            ("networking.k8s.io" | "extensions", "Ingress") if version == "v1" || version == "v1beta1" => {
                self.ingresses.push(Other::new(value));
            }
            ("networking.istio.io", "VirtualService") => self.virtual_services.push(Other::new(value)),
            _ => {}
        }
    }

    /// The same, once each object belongs to the rollout that names it.
    pub(super) fn managed_by(mut self, rollouts: &[Rollout]) -> Self {
        for rollout in rollouts {
            for service in &mut self.services {
                if let Some(field) = field_of(rollout, service.object.name()) {
                    service.field = Some(field);
                    service.object.manager = name_of(rollout).to_owned();
                }
            }
        }
        // Upstream stops at the first rollout of the file that has no such router.
        for rollout in rollouts {
            let Some(routing) = routing(rollout) else { break };
            let service = ingress_service(rollout, routing);
            for ingress in &mut self.ingresses {
                if has_rule(&ingress.value, service) {
                    name_of(rollout).clone_into(&mut ingress.manager);
                }
            }
        }
        for rollout in rollouts {
            let Some(istio) = routing(rollout).and_then(|it| it.istio.as_ref()) else {
                break;
            };
            let named: Vec<_> = istio.virtual_service.iter().chain(&istio.virtual_services).collect();
            for route in &mut self.virtual_services {
                if named.iter().any(|it| it.name == route.name()) {
                    name_of(rollout).clone_into(&mut route.manager);
                }
            }
        }
        self
    }

    /// What is wrong with the objects that belong to a rollout.
    pub(super) fn problems(&self, rollout: &Rollout) -> Vec<FieldError> {
        let name = name_of(rollout);
        let mut found = Vec::new();
        for service in self.services.iter().filter(|it| it.object.manager == name) {
            found.extend(service_problems(service, rollout));
        }
        for ingress in self.ingresses.iter().filter(|it| it.manager == name) {
            found.extend(ingress_problem(ingress, rollout));
        }
        for route in self.virtual_services.iter().filter(|it| it.manager == name) {
            found.extend(virtual_service::problems(route.name(), &route.value, rollout));
        }
        found
    }
}

fn name_of(rollout: &Rollout) -> &str {
    rollout.metadata.name.as_deref().unwrap_or_default()
}

fn routing(rollout: &Rollout) -> Option<&TrafficRouting> {
    rollout.spec.strategy.canary.as_ref()?.traffic_routing.as_deref()
}

/// The field that names a Service; of several the last.
fn field_of(rollout: &Rollout, service: &str) -> Option<&'static str> {
    let mut found = None;
    let mut note = |name: &str, field| {
        if name == service {
            found = Some(field);
        }
    };
    if let Some(canary) = &rollout.spec.strategy.canary {
        note(&canary.canary_service, "spec.strategy.canary.canaryService");
        note(&canary.stable_service, "spec.strategy.canary.stableService");
        if let Some(services) = &canary.ping_pong {
            note(&services.ping_service, "spec.strategy.canary.pingPong.pingService");
            note(&services.pong_service, "spec.strategy.canary.pingPong.pongService");
        }
    }
    if let Some(blue_green) = &rollout.spec.strategy.blue_green {
        note(&blue_green.active_service, "spec.strategy.blueGreen.activeService");
        note(&blue_green.preview_service, "spec.strategy.blueGreen.previewService");
    }
    found
}

fn service_problems(service: &Service, rollout: &Rollout) -> Vec<FieldError> {
    let Some(field) = service.field else { return Vec::new() };
    let name = service.object.name();
    let none = Map::new();
    let selector = service
        .object
        .value
        .pointer("/spec/selector")
        .and_then(Value::as_object);
    let labels = rollout
        .spec
        .template
        .as_ref()
        .map(PodTemplate::labels)
        .unwrap_or_default();
    let strangers = selector
        .unwrap_or(&none)
        .iter()
        .filter(|(key, value)| *key != HASH_LABEL && labels.get(*key) != Some(value));
    strangers
        .map(|(key, _)| {
            let detail = format!("Service \"{name}\" has unmatch label \"{key}\" in rollout");
            FieldError::invalid(field, name, detail)
        })
        .collect()
}

/// The Service to which the rules of an Ingress of this rollout lead.
fn ingress_service<'a>(rollout: &'a Rollout, routing: &'a TrafficRouting) -> &'a str {
    let canary = rollout.spec.strategy.canary.as_ref();
    let stable = canary.map_or("", |canary| canary.stable_service.as_str());
    match (&routing.nginx, &routing.alb, &routing.smi) {
        (Some(_), ..) => stable,
        (None, Some(alb), _) if alb.root_service.is_empty() => stable,
        (None, Some(alb), _) => &alb.root_service,
        (None, None, Some(smi)) => &smi.root_service,
        (None, None, None) => "",
    }
}

fn ingress_problem(ingress: &Other, rollout: &Rollout) -> Option<FieldError> {
    let routing = routing(rollout)?;
    let canary = rollout.spec.strategy.canary.as_ref()?;
    let name = ingress.name();
    let is = |one: &str, several: &[String]| (one == name, several.iter().any(|it| it == name));
    let nginx = routing.nginx.as_ref();
    let alb = routing.alb.as_ref();
    let (field, service) = match (
        nginx.map(|it| is(&it.stable_ingress, &it.stable_ingresses)),
        alb.map(|it| is(&it.ingress, &it.ingresses)),
    ) {
        (Some((_, true)), _) => ("nginx.stableIngresses", &canary.stable_service),
        (Some((true, false)), _) => ("nginx.stableIngress", &canary.stable_service),
        (_, Some((one, several))) if one || several => {
            let root = alb.map(|it| &it.root_service).filter(|it| !it.is_empty());
            let field = if several { "alb.ingresses" } else { "alb.ingress" };
            (field, root.unwrap_or(&canary.stable_service))
        }
        _ => return None,
    };
    if has_rule(&ingress.value, service) {
        return None;
    }
    let detail = format!("ingress `{name}` has no rules using service {service} backend");
    Some(FieldError::invalid(
        format!("spec.strategy.canary.trafficRouting.{field}"),
        name,
        detail,
    ))
}

/// Whether a rule leads to a Service, in the form of either version.
fn has_rule(ingress: &Value, service: &str) -> bool {
    let list = |value: &Value, pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let leads = |path: &Value| {
        let name = path
            .pointer("/backend/service/name")
            .or_else(|| path.pointer("/backend/serviceName"));
        name.and_then(Value::as_str) == Some(service)
    };
    list(ingress, "/spec/rules")
        .iter()
        .any(|rule| list(rule, "/http/paths").iter().any(leads))
}
