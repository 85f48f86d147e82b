//! Objects that a spec names, checked against what there is (contract 01 §9).

use crate::api::analysis::AnalysisTemplateRef;
use crate::api::{PodTemplate, Rollout};
use crate::meaning::services;
use crate::observed::{Observed, Service};
use crate::rollout::analysis::references as analysis;
use crate::rollout::look::after_seconds;
use crate::rollout::traffic;
use crate::validate::FieldError;
use crate::wire::HASH_LABEL;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Seconds for which the Rollout that manages a Service must be gone before the Service is free (decision 48).
const FREE_AFTER_SECONDS: i64 = 30;

/// The first reference of a rollout that does not hold: a Service, a template or an object of a router that is missing; else a Service that
/// selects by labels which the pods do not carry, or that another rollout manages; else templates of which no run could be
/// made.
#[must_use]
pub fn references(seen: &Observed, now: Timestamp) -> Option<FieldError> {
    let named = services(&seen.rollout.spec.strategy);
    let mut found = Vec::with_capacity(named.len());
    for (path, name) in named {
        match seen.services.get(name).and_then(Option::as_ref) {
            Some(service) => found.push((path, name, service)),
            // What is missing comes before what is wrong with the others (contract 11 §E, "01 §9 order").
            None => return Some(FieldError::invalid(path, name, format!("service \"{name}\" not found"))),
        }
    }
    if let Some(missing) = analysis::missing(&seen.rollout, &seen.templates) {
        return Some(missing);
    }
    if let Some(missing) = traffic::references(seen) {
        return Some(missing);
    }
    let labels = seen.rollout.spec.template.as_ref().map(PodTemplate::labels);
    let rollout = seen.rollout.metadata.name.as_deref().unwrap_or_default();
    let wrong = found.into_iter().find_map(|(path, name, service)| {
        let detail = why_not(service, name, labels.as_ref(), (rollout, now))?;
        Some(FieldError::invalid(path, name, detail))
    });
    wrong.or_else(|| analysis::wrong(&seen.rollout, &seen.templates))
}

/// The templates that the analyses of a rollout name, in the order in which they are checked.
pub fn templates(rollout: &Rollout) -> impl Iterator<Item = &AnalysisTemplateRef> {
    analysis::templates(rollout)
}

/// Why a Service cannot be this rollout's, if it cannot.
fn why_not(
    service: &Service,
    name: &str,
    labels: Option<&Map<String, Value>>,
    (rollout, now): (&str, Timestamp),
) -> Option<String> {
    for (key, value) in service.selector.iter().filter(|(key, _)| *key != HASH_LABEL) {
        let label = labels.and_then(|labels| labels.get(key));
        if label.and_then(Value::as_str) != Some(value) {
            return Some(format!("Service \"{name}\" has unmatch label \"{key}\" in rollout"));
        }
    }
    let another = service.managed_by.as_deref().is_some_and(|other| other != rollout);
    let stays_away = service.free_from().is_some_and(|free| free <= now);
    (another && !stays_away).then(|| format!("Service \"{name}\" is managed by another Rollout"))
}

impl Service {
    /// When it belongs to nobody, if the Rollout that it names as its manager stays away until then (decision 48): it is
    /// then taken as one without a manager. `None` while that is there, or where others name the Service, too.
    #[must_use]
    pub fn free_from(&self) -> Option<Timestamp> {
        let gone = self.manager_gone_since.filter(|_| !self.named_elsewhere)?;
        Some(free_from(gone))
    }
}

/// When the Services of a Rollout are free that is gone since then (decision 48).
#[must_use]
pub fn free_from(gone: Timestamp) -> Timestamp {
    after_seconds(gone, FREE_AFTER_SECONDS)
}

/// When the next of the named Services becomes free, if the Rollout that manages it stays away until then.
pub(crate) fn next_free(seen: &Observed, now: Timestamp) -> Option<Timestamp> {
    let rollout = seen.rollout.metadata.name.as_deref();
    let named = services(&seen.rollout.spec.strategy).into_iter();
    let found = named.filter_map(|(_, name)| seen.services.get(name)?.as_ref());
    let of_others = found.filter(|service| service.managed_by.as_deref() != rollout);
    of_others
        .filter_map(Service::free_from)
        .filter(|free| *free > now)
        .min()
}
