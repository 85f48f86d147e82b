//! The Service of a template.

use super::look::Look;
use super::observed::OwnService;
use super::replica_set::{annotations, is_of, name_of_service};
use crate::api::PodTemplate;
use crate::api::experiment::TemplateSpec;
use crate::observed::{Kind, Verb};
use crate::plan::{NewPort, NewService, Target};
use crate::wire::experiment::NAME;
use serde_json::Value;
use std::collections::BTreeMap;

/// The Services of a template; those that are being deleted do not count.
pub(super) fn claimed<'a>(look: &Look<'a>, template: &str) -> Vec<&'a OwnService> {
    let of_template = |service: &&OwnService| is_of(&service.annotations, look.name(), template) && !service.deleting;
    look.seen.services.iter().filter(of_template).collect()
}

/// The Services of templates that the spec no longer has.
pub(super) fn surplus<'a>(look: &Look<'a>) -> Vec<&'a OwnService> {
    let mut services: Vec<&OwnService> = look.seen.services.iter().filter(|service| !service.deleting).collect();
    services.retain(|service| {
        let mut templates = look.spec().templates.iter();
        let of_experiment = service.annotations.get(NAME).is_some_and(|name| name == look.name());
        of_experiment && templates.all(|template| !is_of(&service.annotations, look.name(), &template.name))
    });
    services
}

/// The Service that a template lacks; none where its containers have no ports.
pub(super) fn manifest(
    look: &Look<'_>,
    template: &TemplateSpec,
    selector: &BTreeMap<String, String>,
) -> Option<NewService> {
    let name = name_of_service(look.name(), template)?;
    let ports = ports(template.template.as_ref()?);
    (!ports.is_empty()).then(|| NewService {
        name,
        annotations: annotations(look.name(), &template.name),
        selector: selector.clone(),
        ports,
    })
}

/// Why a Service cannot be created, in Argo Rollouts' words.
pub(super) fn problem(look: &Look<'_>, template: &str, service: &str) -> Option<String> {
    let why = if look.seen.taken.services.contains(service) {
        format!("service {service} already exists and is not owned by experiment template {template}")
    } else {
        let refused = look.refused()?;
        let attempt = &refused.attempt;
        let this = attempt.kind == Kind::Service && attempt.verb == Verb::Create && attempt.name == service;
        format!("cannot create service: {}", this.then_some(&refused.message)?)
    };
    Some(format!(
        "Failed to create Service {service} for template '{template}': {why}"
    ))
}

/// The Service in the version decided upon.
pub(super) fn target_of(service: &OwnService) -> Target {
    Target {
        name: service.name.clone(),
        uid: service.uid.clone(),
        resource_version: service.resource_version.clone(),
    }
}

/// One port for each port of a container.
fn ports(template: &PodTemplate) -> Vec<NewPort> {
    let template = template.to_value();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let containers = list(&template["spec"]["containers"]);
    let ports = containers.iter().flat_map(|container| list(&container["ports"]));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let port = |written: Value| {
        let protocol = text(&written["protocol"]);
        let port = written["containerPort"]
            .as_i64()
            .and_then(|port| i32::try_from(port).ok())?;
        Some(NewPort {
            name: text(&written["name"]),
            protocol: if protocol.is_empty() {
                "TCP".to_owned()
            } else {
                protocol
            },
            port,
        })
    };
    ports.filter_map(port).collect()
}
