//! Validation of a rollout: the rules of contract 01 §8, in upstream's order and words.
//!
//! Whatever else can be wrong with a pod template is judged by the API server, when the ReplicaSet is created
//! (decision 23). Rules that need other objects (contract 01 §9) are in [`crate::rollout::references`].

mod blue_green;
mod canary;
mod error;
pub(crate) mod labels;
mod steps;

pub use error::{ErrorKind, FieldError};

use crate::api::rollout::{AntiAffinity, Rollout, RolloutSpec};
use crate::api::template::PodTemplate;
use crate::notation::selector;
use std::collections::BTreeMap;

/// All that is wrong with a rollout as written; the first finding is the one that is surfaced.
#[must_use]
pub fn rollout(rollout: &Rollout) -> Vec<FieldError> {
    with_template(rollout, None)
}

/// As [`rollout`], where `resolved` is the template that the workload reference led to, if it has been followed.
#[must_use]
pub fn with_template(rollout: &Rollout, resolved: Option<&PodTemplate>) -> Vec<FieldError> {
    let spec = &rollout.spec;
    let mut errors = Vec::new();
    not_negative(&mut errors, "spec.replicas", spec.replicas_or_default());
    selector(&mut errors, spec);
    match (&spec.workload_ref, resolved) {
        (None, _) => template(&mut errors, spec, spec.template.as_ref()),
        (Some(_), Some(resolved)) => template(&mut errors, spec, Some(resolved)),
        (Some(_), None) => errors.extend(template_beside_reference(spec)),
    }
    not_negative(&mut errors, "spec.minReadySeconds", spec.min_ready_seconds);
    not_negative(
        &mut errors,
        "spec.revisionHistoryLimit",
        spec.revision_history_limit_or_default(),
    );
    let deadline = spec.progress_deadline_seconds_or_default();
    not_negative(&mut errors, "spec.progressDeadlineSeconds", deadline);
    if deadline <= spec.min_ready_seconds {
        let detail = "must be greater than minReadySeconds";
        errors.push(FieldError::invalid("spec.progressDeadlineSeconds", &deadline, detail));
    }
    strategy(&mut errors, rollout);
    errors
}

fn not_negative(errors: &mut Vec<FieldError>, path: &str, value: i32) {
    if value < 0 {
        errors.push(FieldError::invalid(path, &value, "must be greater than or equal to 0"));
    }
}

fn selector(errors: &mut Vec<FieldError>, spec: &RolloutSpec) {
    if spec.workload_ref.is_some() {
        return;
    }
    match &spec.selector {
        None => errors.push(FieldError::required(
            "spec.selector",
            "Rollout has missing field '.spec.selector'",
        )),
        Some(selector) => {
            let wrong = labels::selector(selector, "spec.selector");
            let unreadable = !wrong.is_empty();
            errors.extend(wrong);
            let mut whole = |detail| {
                errors.push(FieldError::invalid(
                    "spec.selector",
                    &labels::as_printed(selector),
                    detail,
                ));
            };
            if selector::is_empty(selector) {
                whole("empty selector is invalid for deployment");
            }
            if unreadable {
                whole("invalid label selector");
            }
        }
    }
}

/// What is wrong with the template beside a workload reference: it must say nothing of its own, no labels and no
/// annotations. A template with containers but without either counts as empty (contract 11 §E, "01 §8 item 3").
#[must_use]
pub fn template_beside_reference(spec: &RolloutSpec) -> Option<FieldError> {
    spec.workload_ref.as_ref()?;
    let template = spec.template.as_ref()?;
    let own = !template.labels().is_empty() || !template.annotations().is_empty();
    own.then(|| FieldError {
        path: "spec.template".to_owned(),
        kind: ErrorKind::Bare,
        detail: "template must be empty for workload reference rollout".to_owned(),
    })
}

fn template(errors: &mut Vec<FieldError>, spec: &RolloutSpec, template: Option<&PodTemplate>) {
    if spec
        .selector
        .as_ref()
        .is_some_and(|selector| !labels::selector(selector, "").is_empty())
    {
        return; // Nothing can be said against a selector that is itself wrong.
    }
    let template = template.map(PodTemplate::to_value).unwrap_or_default();
    let template_labels: Option<BTreeMap<String, String>> = template["metadata"]["labels"].as_object().map(|map| {
        map.iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()))
            .collect()
    });
    if let Some(selector) = spec.selector.as_ref().filter(|selector| !selector::is_empty(selector)) {
        let none = BTreeMap::new();
        if !selector::matches(selector, template_labels.as_ref().unwrap_or(&none)) {
            let detail = "`selector` does not match template `labels`";
            errors.push(FieldError::invalid(
                "spec.template.metadata.labels",
                &template_labels,
                detail,
            ));
        }
    }
    let pod = &template["spec"];
    let policy = pod["restartPolicy"].as_str().unwrap_or("");
    if !policy.is_empty() && policy != "Always" {
        errors.push(FieldError {
            path: "spec.template.spec.restartPolicy".to_owned(),
            kind: ErrorKind::NotSupported(error::printed(policy)),
            detail: "supported values: \"Always\"".to_owned(),
        });
    }
    if !pod["activeDeadlineSeconds"].is_null() {
        let detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
        errors.push(FieldError::forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            detail,
        ));
    }
}

fn strategy(errors: &mut Vec<FieldError>, rollout: &Rollout) {
    let path = "spec.strategy.strategy";
    match (&rollout.spec.strategy.canary, &rollout.spec.strategy.blue_green) {
        (None, None) => {
            let detail = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'";
            errors.push(FieldError::required(path, detail));
        }
        (Some(_), Some(_)) => {
            let detail = "Multiple Strategies can not be listed";
            errors.push(FieldError::invalid(path, "blueGreen: true canary: true", detail));
        }
        (Some(strategy), None) => canary::canary(errors, strategy),
        (None, Some(strategy)) => blue_green::blue_green(errors, &rollout.spec, strategy),
    }
}

fn anti_affinity(errors: &mut Vec<FieldError>, anti_affinity: Option<&AntiAffinity>) {
    let Some(anti_affinity) = anti_affinity else { return };
    let preferred = anti_affinity
        .preferred_during_scheduling_ignored_during_execution
        .as_ref();
    let required = anti_affinity
        .required_during_scheduling_ignored_during_execution
        .as_ref();
    if preferred.is_some() == required.is_some() {
        let value = format!(
            "antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: {} \
             antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: {}",
            preferred.is_some(),
            required.is_some()
        );
        let detail = "AntiAffinity must have exactly one strategy listed";
        errors.push(FieldError::invalid("spec.strategy.antiAffinity", &value, detail));
    }
    if let Some(preferred) = preferred.filter(|preferred| !(1..=100).contains(&preferred.weight)) {
        let detail = "AntiAffinity weight must be between 1-100";
        errors.push(FieldError::invalid(
            "spec.strategy.antiAffinity.weight",
            &preferred.weight,
            detail,
        ));
    }
}
