//! What a tree shows, as data for programs (`-o json`, `-o yaml`). Fields have the names and types that they have in the API of
//! upstream's dashboard (contract 10 §7).

use crate::show::info::{
    AnalysisRunInfo, ExperimentInfo, Identity, ImageInfo, JobInfo, PodInfo, ReplicaSetInfo, Role, RolloutInfo,
    SamplesInfo, StrategyInfo,
};
use serde_json::{Value, json};

/// A rollout and what it owns.
#[must_use]
pub(crate) fn of_rollout(info: &RolloutInfo) -> Value {
    let (strategy, step, weights) = match &info.strategy {
        StrategyInfo::Canary {
            step,
            set_weight,
            actual_weight,
        } => ("Canary", step.as_str(), Some((set_weight, actual_weight))),
        StrategyInfo::BlueGreen => ("BlueGreen", "", None),
        StrategyInfo::Missing => ("", "", None),
    };
    let weight = |weight: Option<&i32>| weight.map(ToString::to_string).unwrap_or_default();
    json!({
        "objectMeta": meta(&info.identity, &info.namespace),
        "status": info.status,
        "message": info.message,
        "refused": info.refused,
        "strategy": strategy,
        "step": step,
        "setWeight": weight(weights.map(|(set, _)| set)),
        "actualWeight": weight(weights.map(|(_, actual)| actual)),
        "images": images(&info.images()),
        "desired": info.desired,
        "current": info.current,
        "updated": info.updated,
        "ready": info.ready,
        "available": info.available,
        "replicaSets": each(&info.replica_sets, |it| replica_set(it, &info.namespace)),
        "experiments": each(&info.experiments, of_experiment),
        "analysisRuns": each(&info.analysis_runs, |it| analysis_run(it, &info.namespace)),
    })
}

/// An experiment and what it owns.
#[must_use]
pub(crate) fn of_experiment(info: &ExperimentInfo) -> Value {
    json!({
        "objectMeta": meta(&info.identity, &info.namespace),
        "status": info.status,
        "message": info.message,
        "revision": info.revision,
        "images": images(&info.images()),
        "replicaSets": each(&info.replica_sets, |it| replica_set(it, &info.namespace)),
        "analysisRuns": each(&info.analysis_runs, |it| analysis_run(it, &info.namespace)),
    })
}

fn replica_set(info: &ReplicaSetInfo, namespace: &str) -> Value {
    let is = |role: Role| info.roles.contains(&role);
    json!({
        "objectMeta": meta(&info.identity, namespace),
        "status": info.status,
        "revision": info.revision,
        "stable": is(Role::Stable),
        "canary": is(Role::Canary),
        "active": is(Role::Active),
        "preview": is(Role::Preview),
        "ping": is(Role::Ping),
        "pong": is(Role::Pong),
        "template": info.experiment_template,
        "scaleDownDeadline": info.scale_down_deadline,
        "images": info.images,
        "replicas": info.replicas,
        "available": info.available,
        "pods": each(&info.pods, |it| pod(it, namespace)),
    })
}

fn pod(info: &PodInfo, namespace: &str) -> Value {
    json!({
        "objectMeta": meta(&info.identity, namespace),
        "status": info.status,
        "message": info.message,
        "ready": format!("{}/{}", info.ready, info.containers),
        "restarts": info.restarts,
        "node": info.node,
    })
}

fn analysis_run(info: &AnalysisRunInfo, namespace: &str) -> Value {
    let samples = |of: &SamplesInfo| json!({"metricName": of.metric, "samples": of.samples});
    let mut run = json!({
        "objectMeta": meta(&info.identity, namespace),
        "status": info.status,
        "message": info.message,
        "revision": info.revision,
        "successful": info.successful,
        "failed": info.failed,
        "inconclusive": info.inconclusive,
        "error": info.error,
        "jobs": each(&info.jobs, job),
    });
    if !info.samples.is_empty() {
        run["samples"] = each(&info.samples, samples);
    }
    run
}

fn job(info: &JobInfo) -> Value {
    json!({
        "name": info.identity.name,
        "status": info.status,
        "message": info.message,
        "metricName": info.metric,
        "startedAt": time(&info.identity),
    })
}

fn images(images: &[ImageInfo]) -> Value {
    each(images, |it| json!({"image": it.image, "tags": it.tags}))
}

fn meta(identity: &Identity, namespace: &str) -> Value {
    json!({
        "name": identity.name,
        "namespace": namespace,
        "uid": identity.uid,
        "creationTimestamp": time(identity),
    })
}

fn time(identity: &Identity) -> Option<String> {
    identity.created.map(|it| it.to_string())
}

fn each<T>(items: &[T], value: impl Fn(&T) -> Value) -> Value {
    items.iter().map(value).collect()
}
