//! A plan carried out on what was read: sizes, Services and the status change; pods do not.

use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::api::lenient::Lenient;
use serin_core::observed::{AnalysisRun, Experiment, ReplicaSet};
use serin_core::plan::{
    Action, AnalysisRunAction, ExperimentAction, NewReplicaSet, Plan, ReplicaSetAction, ReplicaSetPatch, ServicePatch,
};
use serin_core::traffic::{Change, Seen};
use serin_core::wire::HASH_LABEL;
use std::collections::BTreeMap;

/// Carries a plan out; whether it changed anything.
pub(super) fn plan(seen: &mut Observed, plan: &Plan) -> bool {
    let before = seen.clone();
    for action in &plan.actions {
        match action {
            Action::ReplicaSet(ReplicaSetAction::Create(new)) => create(seen, new),
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => resize(seen, patch),
            Action::ReplicaSet(ReplicaSetAction::Delete(target)) => {
                seen.replica_sets.retain(|set| set.name != target.name)
            }
            Action::Service(patch) => service(seen, patch),
            Action::Route(change) => route(seen, change),
            Action::Rollout(patch) => {
                set(
                    seen.rollout.metadata.annotations.get_or_insert_default(),
                    &patch.annotations,
                );
                seen.rollout.spec.replicas = patch.replicas.or(seen.rollout.spec.replicas);
            }
            Action::Workload(scale) => {
                if let Some(workload) = &mut seen.workload {
                    workload.replicas = scale.replicas;
                    workload.generation += 1;
                }
            }
            Action::AnalysisRun(AnalysisRunAction::Create(new)) => seen.analysis_runs.push(AnalysisRun {
                name: new.name.clone(),
                labels: new.labels.clone(),
                spec: new.spec.clone(),
                ..AnalysisRun::default()
            }),
            Action::AnalysisRun(AnalysisRunAction::Terminate(target)) => {
                let mut runs = seen.analysis_runs.iter_mut();
                if let Some(run) = runs.find(|run| run.name == target.name) {
                    run.spec.terminate = true;
                }
            }
            Action::AnalysisRun(AnalysisRunAction::Delete(target)) => {
                seen.analysis_runs.retain(|run| run.name != target.name)
            }
            Action::Experiment(ExperimentAction::Create(new)) => {
                seen.experiments.get_or_insert_default().push(Experiment {
                    name: new.name.clone(),
                    labels: new.labels.clone(),
                    ..Experiment::default()
                });
            }
            Action::Experiment(ExperimentAction::Terminate(target)) => {
                let mut experiments = seen.experiments.iter_mut().flatten();
                if let Some(of) = experiments.find(|of| of.name == target.name) {
                    of.terminate = true;
                }
            }
            Action::Experiment(ExperimentAction::Delete(target)) => {
                if let Some(experiments) = &mut seen.experiments {
                    experiments.retain(|of| of.name != target.name);
                }
            }
            Action::Pod(_) | Action::OwnService(_) => {}
        }
    }
    if let Some(write) = &plan.status {
        status(seen, &write.patch["status"]);
    }
    *seen != before
}

fn set(annotations: &mut BTreeMap<String, String>, changes: &BTreeMap<String, Option<String>>) {
    for (name, value) in changes {
        match value {
            Some(value) => annotations.insert(name.clone(), value.clone()),
            None => annotations.remove(name),
        };
    }
}

fn create(seen: &mut Observed, new: &NewReplicaSet) {
    if seen.replica_sets.iter().any(|set| set.name == new.name) {
        return;
    }
    let labels = new.template.labels().into_iter();
    let template_labels = labels
        .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
        .collect();
    seen.replica_sets.push(ReplicaSet {
        name: new.name.clone(),
        uid: format!("new-{}", super::observed::hash(&new.labels)),
        generation: 1,
        observed_generation: 1,
        created: jiff::Timestamp::MAX,
        labels: new.labels.clone(),
        annotations: new.annotations.clone(),
        template_labels: Some(template_labels),
        template: seen.identity.template,
        replicas: new.replicas,
        min_ready_seconds: new.min_ready_seconds,
        ..ReplicaSet::default()
    });
}

fn resize(seen: &mut Observed, patch: &ReplicaSetPatch) {
    let Some(set_) = seen.replica_sets.iter_mut().find(|set| set.name == patch.target.name) else {
        return;
    };
    if let Some(replicas) = patch.replicas {
        // Fewer pods than there are is quickly done; more need to start, which nobody can know.
        set_.replicas = replicas;
        set_.current_replicas = set_.current_replicas.min(replicas);
        set_.ready_replicas = set_.ready_replicas.min(replicas);
        set_.available_replicas = set_.available_replicas.min(replicas);
    }
    set_.min_ready_seconds = patch.min_ready_seconds.unwrap_or(set_.min_ready_seconds);
    set(&mut set_.annotations, &patch.annotations);
    set(&mut set_.annotations, &patch.secondary.annotations);
    set(&mut set_.template_annotations, &patch.secondary.template_annotations);
    let mut labels = set_.template_labels().clone();
    set(&mut labels, &patch.secondary.template_labels);
    set_.template_labels = Some(labels);
}

fn service(seen: &mut Observed, patch: &ServicePatch) {
    let Some(Some(service)) = seen.services.get_mut(&patch.target.name) else {
        return;
    };
    if patch.clear {
        service.selector.remove(HASH_LABEL);
        service.managed_by = None;
    }
    if let Some(hash) = &patch.hash {
        service.selector.insert(HASH_LABEL.to_owned(), hash.clone());
    }
    if let Some(manager) = &patch.managed_by {
        service.managed_by = Some(manager.clone());
    }
}

/// Only of what was read: an object that the controller would not see, neither do we.
fn route(seen: &mut Observed, change: &Change) {
    let owner = json!([{"controller": true, "uid": seen.rollout.metadata.uid}]);
    let routes = seen.routers.iter_mut().flat_map(|routers| &mut routers.routes.0);
    let Some(route) = routes.into_iter().find(|route| route.place == *change.place()) else {
        return;
    };
    match (change, &mut route.seen) {
        (Change::Create { object, owned, .. }, now) => {
            let mut object = object.clone();
            if *owned {
                merge(&mut object, &json!({"metadata": {"ownerReferences": owner}}));
            }
            *now = Seen::Found(object);
        }
        (Change::Patch { patch, .. }, Seen::Found(object)) => merge(object, patch),
        (Change::Patch { .. }, Seen::Unread | Seen::Missing | Seen::NotServed | Seen::Refused(_)) => {}
        (Change::Delete { .. }, now) => *now = Seen::Missing,
    }
}

/// A merge patch of the status.
fn status(seen: &mut Observed, patch: &Value) {
    let Ok(mut status) = serde_json::to_value(&seen.rollout.status) else {
        return;
    };
    merge(&mut status, patch);
    let Lenient { rollout, .. } = Lenient::of(json!({"status": status}));
    seen.rollout.status = rollout.status;
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(members) = target.as_object_mut() else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}
