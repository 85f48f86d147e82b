//! The ReplicaSet of a template: its name, its hash, and how it is created.

use super::look::Look;
use super::observed::Observed;
use crate::api::PodTemplate;
use crate::api::experiment::{TemplateSpec, TemplateStatus};
use crate::identity::{Dialect, pod_hash, sanitised_template};
use crate::observed::ReplicaSet;
use crate::plan::NewReplicaSet;
use crate::wire::HASH_LABEL;
use crate::wire::experiment::{NAME, TEMPLATE_NAME};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Name of the ReplicaSet of a template: `<experiment>-<template>`.
#[must_use]
pub fn name_of_replica_set(experiment: &str, template: &str) -> String {
    format!("{experiment}-{template}")
}

/// Name of the Service of a template, if it has one: as it says, else that of its ReplicaSet.
#[must_use]
pub fn name_of_service(experiment: &str, template: &TemplateSpec) -> Option<String> {
    let service = template.service.as_ref()?;
    Some(if service.name.is_empty() {
        name_of_replica_set(experiment, &template.name)
    } else {
        service.name.clone()
    })
}

/// The annotations of everything that an experiment makes for a template.
pub(super) fn annotations(experiment: &str, template: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (NAME.to_owned(), experiment.to_owned()),
        (TEMPLATE_NAME.to_owned(), template.to_owned()),
    ])
}

/// Whether annotations name this experiment and this template.
pub(super) fn is_of(annotations: &BTreeMap<String, String>, experiment: &str, template: &str) -> bool {
    annotations.get(NAME).is_some_and(|name| name == experiment)
        && annotations.get(TEMPLATE_NAME).is_some_and(|name| name == template)
}

/// The ReplicaSet of a template: the one with its name, else the oldest that names it.
pub(super) fn find<'a>(seen: &'a Observed, experiment: &str, template: &str) -> Option<&'a ReplicaSet> {
    let name = name_of_replica_set(experiment, template);
    let named = |set: &&ReplicaSet| is_of(&set.annotations, experiment, template) && !set.deleting;
    let sets = seen.replica_sets.iter().filter(named);
    sets.min_by_key(|set| (set.name != name, set.created, set.name.as_str()))
}

/// The ReplicaSet of a template as it is created, and the paths of what could not be decoded of its pod template and is left
/// out (decision 7).
///
/// A hash label that the template brings along is not hashed: one from a rollout carries that of its ReplicaSet.
pub(super) fn manifest(
    look: &Look<'_>,
    template: &TemplateSpec,
    status: &TemplateStatus,
) -> (NewReplicaSet, Vec<String>) {
    let written = template
        .template
        .clone()
        .unwrap_or_else(|| PodTemplate::new(&json!({})));
    let (mut pods, undecodable) = sanitised_template(&written);
    if let Some(labels) = pods.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    let hash = Value::from(pod_hash(&pods, Dialect::Omitted, status.collision_count));
    pods["metadata"]["labels"][HASH_LABEL] = hash.clone();
    let mut selector = serde_json::to_value(&template.selector).unwrap_or_default();
    selector["matchLabels"][HASH_LABEL] = hash;
    let labels = pods["metadata"]["labels"].as_object().into_iter().flatten();
    let labels = labels
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let new = NewReplicaSet {
        name: name_of_replica_set(look.name(), &template.name),
        labels,
        annotations: annotations(look.name(), &template.name),
        selector,
        template: PodTemplate::new(&pods),
        replicas: Look::replicas(template),
        min_ready_seconds: template.min_ready_seconds,
    };
    (new, undecodable)
}
