//! What is done to pods themselves: restarts (contract 05 §4, §11, decision 9) and injected metadata (contract 03 §11,
//! contract 04 §10.12).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod metadata;
mod restart;
mod shrinking;

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::identity::Identity;
use serin_core::observed::{Pod, ReplicaSet};
use serin_core::plan::{Action, PodAction, PodPatch, ReplicaSetAction, ReplicaSetPatch};
use serin_core::{Observed, Plan};
use std::collections::BTreeMap;

const RESTART: &str = "2026-01-02T00:00:00Z";
const RECORD: &str = "rollout.argoproj.io/ephemeral-metadata";
const COVERED: &str = "rollout.serin.dev/covered-metadata";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-01-02T01:00:00Z")
}

fn rollout(spec: &Value, status: &Value) -> Observed {
    let mut whole = json!({
        "metadata": {"name": "web", "namespace": "n", "uid": "rollout", "generation": 3, "resourceVersion": "9",
            "annotations": {"rollout.argoproj.io/revision": "2"}},
        "spec": {"selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "app:2"}]}}},
        "status": {"observedGeneration": "3"},
    });
    merge(&mut whole["spec"], spec);
    merge(&mut whole["status"], status);
    let rollout: serin_core::api::Rollout = serde_json::from_value(whole).unwrap();
    let mut seen = Observed {
        identity: Identity::of(&rollout),
        rollout,
        ..Observed::default()
    };
    seen.rollout.status.current_pod_hash = seen.identity.pod_hash.clone();
    seen.rollout.status.current_step_hash = seen.identity.step_hash.clone();
    seen
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().unwrap() {
        into[key] = value.clone();
    }
}

/// A ReplicaSet whose pods are all there; `available` of them have been ready for an hour.
fn set(seen: &mut Observed, hash: &str, revision: i64, pods: i32, available: i32) {
    let name = format!("web-{hash}");
    seen.replica_sets.push(ReplicaSet {
        uid: format!("uid-{name}"),
        resource_version: "5".into(),
        created: at("2026-01-01T00:00:00Z"),
        labels: BTreeMap::from([
            ("rollouts-pod-template-hash".into(), hash.into()),
            ("app".into(), "web".into()),
        ]),
        annotations: BTreeMap::from([
            ("rollout.argoproj.io/revision".into(), revision.to_string()),
            (
                "rollout.argoproj.io/desired-replicas".into(),
                seen.rollout.spec.replicas.unwrap_or(1).to_string(),
            ),
        ]),
        replicas: pods,
        current_replicas: pods,
        ready_replicas: available,
        available_replicas: available,
        name: name.clone(),
        ..ReplicaSet::default()
    });
    let pod = |number: i32| Pod {
        name: format!("{name}-{number}"),
        uid: format!("uid-{name}-{number}"),
        created: at("2026-01-01T12:00:00Z"),
        ready_since: (number < available).then(|| at("2026-01-02T00:30:00Z")),
        labels: BTreeMap::from([("app".into(), "web".into())]),
        ..Pod::default()
    };
    let pods = (0..pods).map(pod).collect();
    seen.pods.insert(name, pods);
}

/// All pods run the newest revision.
fn settled(replicas: i32, pods: i32, available: i32, max_unavailable: &Value) -> Observed {
    let strategy = json!({"canary": {"maxSurge": 1, "maxUnavailable": max_unavailable}});
    let mut seen = rollout(
        &json!({"replicas": replicas, "restartAt": RESTART, "strategy": strategy}),
        &json!({}),
    );
    let hash = seen.identity.pod_hash.clone();
    seen.rollout.status.stable_rs = hash.clone();
    set(&mut seen, &hash, 2, pods, available);
    seen
}

/// Stable and canary, paused in a step.
fn paused(replicas: i32, stable: (i32, i32), canary: (i32, i32), max_unavailable: &Value) -> Observed {
    let canary_spec = json!({"maxUnavailable": max_unavailable, "steps": [{"setWeight": 25}, {"pause": {}}]});
    let status = json!({"stableRS": "old", "currentStepIndex": 1, "controllerPause": true,
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T13:00:00Z"}]});
    let spec = json!({"replicas": replicas, "restartAt": RESTART, "strategy": {"canary": canary_spec}});
    let mut seen = rollout(&spec, &status);
    let hash = seen.identity.pod_hash.clone();
    set(&mut seen, "old", 1, stable.0, stable.1);
    set(&mut seen, &hash, 2, canary.0, canary.1);
    seen
}

fn evicted(plan: &Plan) -> Vec<&str> {
    let evicted = plan.actions.iter().filter_map(|action| match action {
        Action::Pod(PodAction::Evict(target)) => Some(target.name.as_str()),
        _ => None,
    });
    evicted.collect()
}

fn set_patch(plan: &Plan) -> &ReplicaSetPatch {
    let mut patches = plan.actions.iter().filter_map(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => Some(patch),
        _ => None,
    });
    let patch = patches.next().expect("a ReplicaSet is patched");
    assert_eq!(patches.next(), None);
    patch
}

fn pod_patches(plan: &Plan) -> Vec<&PodPatch> {
    let patches = plan.actions.iter().filter_map(|action| match action {
        Action::Pod(PodAction::Patch(patch)) => Some(patch),
        _ => None,
    });
    patches.collect()
}

fn restarted_at(plan: &Plan) -> Option<&str> {
    plan.status.as_ref()?.patch["status"]["restartedAt"].as_str()
}
