//! Objects that a spec names, checked against what there is (contract 01 §9).

use crate::api::PodTemplate;
use crate::meaning::services;
use crate::observed::{Observed, Service};
use crate::validate::FieldError;
use crate::wire::HASH_LABEL;
use serde_json::{Map, Value};

/// The first reference of a rollout that does not hold: a Service that is missing, else one that selects by labels which
/// the pods do not carry, or that another rollout manages. Other objects join here when they are watched.
#[must_use]
pub fn references(seen: &Observed) -> Option<FieldError> {
    let named = services(&seen.rollout.spec.strategy);
    if named.is_empty() {
        return None;
    }
    let mut found = Vec::with_capacity(named.len());
    for (path, name) in named {
        match seen.services.get(name).and_then(Option::as_ref) {
            Some(service) => found.push((path, name, service)),
            // What is missing comes before what is wrong with the others (contract 11 §E, "01 §9 order").
            None => return Some(FieldError::invalid(path, name, format!("service \"{name}\" not found"))),
        }
    }
    let labels = seen.rollout.spec.template.as_ref().map(PodTemplate::labels);
    let rollout = seen.rollout.metadata.name.as_deref().unwrap_or_default();
    found.into_iter().find_map(|(path, name, service)| {
        let detail = why_not(service, name, labels.as_ref(), rollout)?;
        Some(FieldError::invalid(path, name, detail))
    })
}

/// Why a Service cannot be this rollout's, if it cannot.
fn why_not(service: &Service, name: &str, labels: Option<&Map<String, Value>>, rollout: &str) -> Option<String> {
    for (key, value) in service.selector.iter().filter(|(key, _)| *key != HASH_LABEL) {
        let label = labels.and_then(|labels| labels.get(key));
        if label.and_then(Value::as_str) != Some(value) {
            return Some(format!("Service \"{name}\" has unmatch label \"{key}\" in rollout"));
        }
    }
    let another = service.managed_by.as_deref().is_some_and(|other| other != rollout);
    another.then(|| format!("Service \"{name}\" is managed by another Rollout"))
}
