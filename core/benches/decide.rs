//! How long a decision and the hash of a template take: `cargo bench -p serin-core`.
//!
//! Aim: [`decide()`] for a rollout with three ReplicaSets in under 20 µs. Hashes are computed once per generation
//! (decision 18) and so may take longer.

#![allow(clippy::expect_used, clippy::panic, reason = "a benchmark")]

use divan::{Bencher, black_box};
use jiff::Timestamp;
use serde_json::json;
use serin_core::Observed;
use serin_core::api::Rollout;
use serin_core::decide;
use serin_core::identity::Identity;
use serin_core::observed::ReplicaSet;
use serin_core::plan::Plan;

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a time")
}

/// A rollout of ten replicas and four steps that runs `image`.
fn rollout(image: &str, containers: usize) -> Rollout {
    let container = |index: usize| {
        json!({
            "name": format!("container-{index}"),
            "image": image,
            "ports": [{ "name": "http", "containerPort": 8080 }],
            "env": (0..10).map(|n| json!({ "name": format!("VARIABLE_{n}"), "value": format!("value {n}") })).collect::<Vec<_>>(),
            "resources": { "requests": { "cpu": "250m", "memory": "64Mi" }, "limits": { "memory": "128Mi" } },
            "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" }, "periodSeconds": 5 },
            "volumeMounts": [{ "name": "config", "mountPath": "/etc/config", "readOnly": true }],
        })
    };
    let manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": "checkout", "namespace": "shop", "generation": 2, "uid": "6f0d9d3c-0000-4000-8000-000000000001",
            "annotations": { "rollout.argoproj.io/revision": "3" },
        },
        "spec": {
            "replicas": 10,
            "selector": { "matchLabels": { "app": "checkout" } },
            "template": {
                "metadata": { "labels": { "app": "checkout", "team": "shop" } },
                "spec": {
                    "containers": (0..containers).map(container).collect::<Vec<_>>(),
                    "volumes": [{ "name": "config", "configMap": { "name": "checkout" } }],
                    "affinity": { "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [{
                        "weight": 100,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": { "matchLabels": { "app": "checkout" } },
                        },
                    }] } },
                },
            },
            "strategy": { "canary": { "maxSurge": "25%", "maxUnavailable": 0, "steps": [
                { "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": { "duration": "10m" } },
            ] } },
        },
    });
    serde_json::from_value(manifest).expect("a rollout")
}

/// A ReplicaSet of revision `revision` with all of its pods available.
fn replica_set(rollout: &Rollout, revision: i32, hash: &str, replicas: i32) -> ReplicaSet {
    let labels = [
        ("app", "checkout"),
        ("team", "shop"),
        ("rollouts-pod-template-hash", hash),
    ];
    let annotations = [
        ("rollout.argoproj.io/revision", revision.to_string()),
        ("rollout.argoproj.io/desired-replicas", "10".to_owned()),
    ];
    ReplicaSet {
        name: format!("checkout-{hash}"),
        uid: format!("6f0d9d3c-0000-4000-8000-00000000010{revision}"),
        resource_version: format!("10{revision}"),
        generation: 3,
        observed_generation: 3,
        created: rollout_time(revision),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        annotations: annotations.map(|(key, value)| (key.to_owned(), value)).into(),
        replicas,
        min_ready_seconds: rollout.spec.min_ready_seconds,
        current_replicas: replicas,
        ready_replicas: replicas,
        available_replicas: replicas,
        ..ReplicaSet::default()
    }
}

fn rollout_time(revision: i32) -> Timestamp {
    Timestamp::from_second(1_690_000_000 + i64::from(revision)).expect("a time")
}

/// Three revisions; the newest gets `canary` pods, the stable one the rest of ten.
fn three(canary: i32) -> Observed {
    let rollout = rollout("shop/checkout:3", 2);
    let identity = Identity::of(&rollout);
    let stable = "6d4f7c9b8d";
    let replica_sets = vec![
        replica_set(&rollout, 1, "7c5ddbdf54", 0),
        replica_set(&rollout, 2, stable, 10 - canary),
        replica_set(&rollout, 3, &identity.pod_hash, canary),
    ];
    let mut seen = Observed {
        rollout,
        identity,
        replica_sets,
        ..Observed::default()
    };
    seen.rollout.status.stable_rs = stable.to_owned();
    seen.rollout.status.current_step_index = Some(0);
    seen.rollout.status.current_pod_hash.clone_from(&seen.identity.pod_hash);
    seen.rollout
        .status
        .current_step_hash
        .clone_from(&seen.identity.step_hash);
    seen.rollout.status.observed_generation = "2".to_owned();
    seen
}

/// Looks, and takes the statuses that the plans write as they are, until nothing is written any more.
fn rested(mut seen: Observed) -> Observed {
    for _ in 0..10 {
        let plan = decide(&seen, now());
        let Some(write) = plan.status else {
            assert!(plan.is_empty(), "at rest there is nothing to do: {plan:?}");
            return seen;
        };
        assert!(
            plan.actions.is_empty(),
            "the ReplicaSets are as they should be: {:?}",
            plan.actions
        );
        let mut status = serde_json::to_value(&seen.rollout.status).expect("JSON");
        json_patch::merge(&mut status, &write.patch["status"]);
        seen.rollout.status = serde_json::from_value(status).expect("a status");
    }
    panic!("no rest after ten looks");
}

/// The canary has its two pods of step 1 of 4; the step is done, and that is to be recorded.
#[divan::bench(sample_size = 100)]
fn decide_mid_update(bencher: Bencher<'_, '_>) {
    let seen = three(2);
    let plan: Plan = decide(&seen, now());
    assert!(plan.status.is_some(), "a step was done, so something is to be written");
    bencher.bench_local(|| decide(black_box(&seen), black_box(now())));
}

/// Halfway to step 1 of 4: a pod of each side is to be moved.
#[divan::bench(sample_size = 100)]
fn decide_scaling(bencher: Bencher<'_, '_>) {
    let mut seen = three(2);
    seen.replica_sets[1] = replica_set(&seen.rollout, 2, "6d4f7c9b8d", 10);
    assert!(!decide(&seen, now()).actions.is_empty(), "a pod too many");
    bencher.bench_local(|| decide(black_box(&seen), black_box(now())));
}

/// Waiting in the pause of step 2 of 4, nothing to do.
#[divan::bench(sample_size = 100)]
fn decide_paused_at_rest(bencher: Bencher<'_, '_>) {
    let seen = rested(three(2));
    bencher.bench_local(|| decide(black_box(&seen), black_box(now())));
}

/// All steps done, all pods of one revision, nothing to do.
#[divan::bench(sample_size = 100)]
fn decide_healthy_at_rest(bencher: Bencher<'_, '_>) {
    let mut seen = three(10);
    seen.rollout.status.stable_rs.clone_from(&seen.identity.pod_hash);
    seen.rollout.status.current_step_index = Some(4);
    let seen = rested(seen);
    bencher.bench_local(|| decide(black_box(&seen), black_box(now())));
}

/// Nothing there yet but the rollout.
#[divan::bench(sample_size = 100)]
fn decide_first_deploy(bencher: Bencher<'_, '_>) {
    let rollout = rollout("shop/checkout:1", 2);
    let identity = Identity::of(&rollout);
    let seen = Observed {
        rollout,
        identity,
        ..Observed::default()
    };
    bencher.bench_local(|| decide(black_box(&seen), black_box(now())));
}

/// A template of one container.
#[divan::bench(sample_size = 100)]
fn identity_small(bencher: Bencher<'_, '_>) {
    let rollout = rollout("shop/checkout:1", 1);
    bencher.bench_local(|| Identity::of(black_box(&rollout)));
}

/// A template of twenty containers.
#[divan::bench(sample_size = 100)]
fn identity_large(bencher: Bencher<'_, '_>) {
    let rollout = rollout("shop/checkout:1", 20);
    bencher.bench_local(|| Identity::of(black_box(&rollout)));
}
