//! What a decision may know, from what was read.

use super::{analyses, routes};
use crate::case::Case;
use crate::sources::{Object, text, time};
use serde::Deserialize;
use serde_json::Value;
use serin_core::Observed;
use serin_core::api::PodTemplate;
use serin_core::api::experiment::TemplateStatus;
use serin_core::api::lenient::Lenient;
use serin_core::identity::{Identity, anti_affinity};
use serin_core::meaning;
use serin_core::observed::{Experiment, ExperimentTemplate, Pod, ReplicaFailure, ReplicaSet, Service, SetTemplate};
use serin_core::rollout::experiment;
use serin_core::rollout::pods;
use serin_core::rollout::workload::{self, Reference, Referenced};
use serin_core::wire::analysis::Phase;
use serin_core::wire::{HASH_LABEL, MANAGED_BY};
use std::collections::BTreeMap;

/// Everything a decision needs; the kind that is missing where it was not read.
pub(super) fn observed(case: &Case<'_>) -> Result<Observed, String> {
    for kind in ["ReplicaSet", "Service"] {
        if !case.was_listed(kind) {
            return Err(kind.to_owned());
        }
    }
    let Lenient {
        undecodable, unread, ..
    } = Lenient::of(case.object.value().clone());
    let known = case
        .sources
        .templates
        .get(case.object.uid())
        .and_then(|it| it.identity.clone());
    let mut seen = Observed {
        rollout: case.rollout.clone(),
        undecodable,
        unread,
        identity: known.unwrap_or_else(|| Identity::of(&case.rollout)),
        replica_sets: case
            .index
            .owned("ReplicaSet", case.object)
            .map(|set| replica_set(case, set))
            .collect(),
        services: services(case),
        experiments: Some(experiments(case)?),
        ..Observed::default()
    };
    follow_workload(case, &mut seen)?;
    analyses::add(case, &mut seen)?;
    routes::add(case, &mut seen)?;
    for name in experiment::needed(&seen, case.now) {
        let mut sets = case.index.owned("ReplicaSet", case.object);
        let set = sets.find(|set| set.name() == name);
        let made = set.and_then(|set| SetTemplate::deserialize(set.at("/spec")).ok());
        seen.set_templates.extend(made.map(|made| (name, made)));
    }
    for name in pods::needed(&seen, case.now) {
        if !case.was_listed("Pod") {
            return Err("Pod".to_owned());
        }
        let set = case
            .index
            .owned("ReplicaSet", case.object)
            .find(|set| set.name() == name);
        let own = set
            .into_iter()
            .flat_map(|set| case.index.owned("Pod", set))
            .map(pod)
            .collect();
        seen.pods.insert(name, own);
    }
    Ok(seen)
}

/// Fills in the pod template of the workload; the kind where it was not read.
fn follow_workload(case: &Case<'_>, seen: &mut Observed) -> Result<(), &'static str> {
    let found = match workload::reference(&seen.rollout) {
        Reference::None | Reference::Problem(_) => None,
        Reference::To(kind, name) => {
            let object = case.sibling(kind.as_str(), name);
            if object.is_none() && !case.was_listed(kind.as_str()) {
                return Err(kind.as_str());
            }
            object.map(|object| Referenced::of(kind, object.value()))
        }
    };
    workload::fill_in(seen, found.as_ref(), Identity::of_filled_in);
    Ok(())
}

/// The Experiments of the rollout; the kind where a step asks for one and they were not read.
fn experiments(case: &Case<'_>) -> Result<Vec<Experiment>, &'static str> {
    let strategy = &case.rollout.spec.strategy;
    let mut steps = strategy.canary.iter().flat_map(|canary| &canary.steps);
    if !case.was_listed("Experiment") && steps.any(|step| step.experiment.is_some()) {
        return Err("Experiment");
    }
    let experiment = |object: &Object| Experiment {
        name: object.name().to_owned(),
        uid: object.uid().to_owned(),
        resource_version: object.text("/metadata/resourceVersion").to_owned(),
        created: object.created().unwrap_or_default(),
        deleting: !object.text("/metadata/deletionTimestamp").is_empty(),
        foreign: false,
        labels: words(object.at("/metadata/labels")),
        terminate: object.at("/spec/terminate") == &Value::Bool(true),
        phase: Phase::of(object.text("/status/phase")),
        message: object.text("/status/message").to_owned(),
        templates: object
            .list("/status/templateStatuses")
            .iter()
            .filter_map(|status| TemplateStatus::deserialize(status).ok())
            .map(|status| ExperimentTemplate::from(&status))
            .collect(),
    };
    let owned = case.index.owned("Experiment", case.object);
    Ok(owned.map(experiment).collect())
}

fn services(case: &Case<'_>) -> BTreeMap<String, Option<Service>> {
    let named = meaning::services(&case.rollout.spec.strategy).into_iter();
    named
        .map(|(_, name)| {
            let service = case.sibling("Service", name).map(|service| Service {
                resource_version: service.text("/metadata/resourceVersion").to_owned(),
                selector: words(service.at("/spec/selector")),
                managed_by: Some(service.annotation(MANAGED_BY).to_owned()).filter(|it| !it.is_empty()),
                ..Service::default()
            });
            (name.to_owned(), service)
        })
        .collect()
}

fn words(members: &Value) -> BTreeMap<String, String> {
    let members = members.as_object().into_iter().flatten();
    members
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn small(object: &Object, path: &str) -> i32 {
    object.number(path).and_then(|it| i32::try_from(it).ok()).unwrap_or(0)
}

fn replica_set(case: &Case<'_>, object: &Object) -> ReplicaSet {
    let labels = words(object.at("/metadata/labels"));
    let template_labels = words(object.at("/spec/template/metadata/labels"));
    let failure = object.condition("ReplicaFailure");
    ReplicaSet {
        name: object.name().to_owned(),
        uid: object.uid().to_owned(),
        resource_version: object.text("/metadata/resourceVersion").to_owned(),
        generation: object.number("/metadata/generation").unwrap_or(0),
        observed_generation: object.number("/status/observedGeneration").unwrap_or(0),
        created: object.created().unwrap_or_default(),
        deleting: object.deleted().is_some(),
        orphan: false,
        template_labels: Some(template_labels).filter(|it| *it != labels),
        labels,
        annotations: words(object.at("/metadata/annotations")),
        template_annotations: words(object.at("/spec/template/metadata/annotations")),
        template: case.sources.templates.get(object.uid()).and_then(|it| it.fingerprint),
        avoids: anti_affinity::avoided(&PodTemplate::new(object.at("/spec/template"))),
        replicas: object
            .number("/spec/replicas")
            .and_then(|it| i32::try_from(it).ok())
            .unwrap_or(1),
        min_ready_seconds: small(object, "/spec/minReadySeconds"),
        current_replicas: small(object, "/status/replicas"),
        ready_replicas: small(object, "/status/readyReplicas"),
        available_replicas: small(object, "/status/availableReplicas"),
        failure: failure.is_object().then(|| ReplicaFailure {
            status: text(&failure["status"]).to_owned(),
            reason: text(&failure["reason"]).to_owned(),
            message: text(&failure["message"]).to_owned(),
        }),
    }
}

fn pod(object: &Object) -> Pod {
    let ready = object.condition("Ready");
    let since = (text(&ready["status"]) == "True").then(|| time(&ready["lastTransitionTime"]).unwrap_or_default());
    Pod {
        name: object.name().to_owned(),
        uid: object.uid().to_owned(),
        resource_version: object.text("/metadata/resourceVersion").to_owned(),
        created: object.created().unwrap_or_default(),
        deleting: object.deleted().is_some(),
        finished: matches!(object.text("/status/phase"), "Succeeded" | "Failed"),
        ready_since: since,
        labels: words(object.at("/metadata/labels")),
        annotations: words(object.at("/metadata/annotations")),
    }
}

/// The hash of a ReplicaSet that a plan creates.
pub(super) fn hash(labels: &BTreeMap<String, String>) -> &str {
    labels.get(HASH_LABEL).map_or("", String::as_str)
}
