//! Objects that a spec names, checked against what there is (contract 01 §9).

use crate::observed::Observed;
use crate::validate::FieldError;
use crate::wire::HASH_LABEL;

/// Services that the strategy names: field path and name, in the order in which they are checked.
pub(crate) fn services(seen: &Observed) -> Vec<(&'static str, &str)> {
    let strategy = &seen.rollout.spec.strategy;
    let mut named: Vec<(&'static str, &str)> = Vec::new();
    if let Some(blue_green) = &strategy.blue_green {
        named.push(("spec.strategy.blueGreen.activeService", &blue_green.active_service));
        named.push(("spec.strategy.blueGreen.previewService", &blue_green.preview_service));
    }
    if let Some(canary) = &strategy.canary {
        named.push(("spec.strategy.canary.stableService", &canary.stable_service));
        if let Some(ping_pong) = &canary.ping_pong {
            named.push(("spec.strategy.canary.pingPong.pingService", &ping_pong.ping_service));
            named.push(("spec.strategy.canary.pingPong.pongService", &ping_pong.pong_service));
        }
        named.push(("spec.strategy.canary.canaryService", &canary.canary_service));
    }
    named.retain(|(_, name)| !name.is_empty());
    named
}

/// The first reference of a rollout that does not hold: a Service that is missing, that selects by labels which the pods
/// do not carry, or that another rollout manages. Other objects join here when they are watched.
#[must_use]
pub fn references(seen: &Observed) -> Option<FieldError> {
    let template = seen
        .rollout
        .spec
        .template
        .as_ref()
        .map(crate::api::PodTemplate::to_value);
    let labels = template
        .as_ref()
        .and_then(|template| template["metadata"]["labels"].as_object());
    let rollout = seen.rollout.metadata.name.as_deref().unwrap_or_default();
    for (path, name) in services(seen) {
        let invalid = |detail: String| Some(FieldError::invalid(path, name, detail));
        let Some(service) = seen.services.get(name).and_then(Option::as_ref) else {
            return invalid(format!("service \"{name}\" not found"));
        };
        for (key, value) in service.selector.iter().filter(|(key, _)| *key != HASH_LABEL) {
            let same = labels
                .and_then(|labels| labels.get(key))
                .and_then(|label| label.as_str());
            if same != Some(value) {
                return invalid(format!("Service \"{name}\" has unmatch label \"{key}\" in rollout"));
            }
        }
        if service.managed_by.as_deref().is_some_and(|other| other != rollout) {
            return invalid(format!("Service \"{name}\" is managed by another Rollout"));
        }
    }
    None
}
