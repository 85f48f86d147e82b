//! Decisions are total: the largest and the smallest numbers that the API server lets through make no panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::decide;
use serin_core::identity::Identity;
use serin_core::observed::ReplicaSet;
use serin_core::plan::{Action, Plan, PodAction, ReplicaSetAction};
use serin_core::wire::{DESIRED_REPLICAS, HASH_LABEL, REVISION};

const MOST: i32 = i32::MAX;

fn set(hash: &str, revision: i64, pods: i32, available: i32) -> ReplicaSet {
    let text = |key: &str, value: String| (key.to_owned(), value);
    ReplicaSet {
        name: format!("web-{hash}"),
        uid: hash.to_owned(),
        created: Timestamp::UNIX_EPOCH,
        labels: [text("app", "web".to_owned()), text(HASH_LABEL, hash.to_owned())].into(),
        annotations: [
            text(REVISION, revision.to_string()),
            text(DESIRED_REPLICAS, MOST.to_string()),
        ]
        .into(),
        replicas: pods,
        current_replicas: pods,
        ready_replicas: available,
        available_replicas: available,
        ..ReplicaSet::default()
    }
}

fn strategies() -> Vec<Value> {
    let mut all = Vec::new();
    for amount in [
        json!(MOST),
        json!("2147483647%"),
        json!("100%"),
        json!(i32::MIN),
        json!(1),
    ] {
        for weight in [0, 1, 50, 99, 100] {
            let steps = json!([{"setWeight": weight}, {"pause": {"duration": MOST}}]);
            all.push(json!({"canary": {"maxSurge": amount, "maxUnavailable": amount, "steps": steps}}));
        }
        all.push(
            json!({"blueGreen": {"activeService": "a", "maxUnavailable": amount, "previewReplicaCount": MOST,
            "autoPromotionSeconds": MOST, "scaleDownDelaySeconds": MOST, "abortScaleDownDelaySeconds": MOST}}),
        );
        all.push(
            json!({"blueGreen": {"activeService": "a", "maxUnavailable": amount, "previewReplicaCount": i32::MIN,
            "autoPromotionSeconds": i32::MIN, "scaleDownDelaySeconds": i32::MIN}}),
        );
    }
    all
}

fn observed(strategy: &Value, replicas: i32, revision: i64, status: &Value) -> Observed {
    let rollout = json!({
        "metadata": {"name": "web", "uid": "u", "generation": 4},
        "spec": {
            "replicas": replicas, "progressDeadlineSeconds": MOST, "minReadySeconds": MOST - 1,
            "revisionHistoryLimit": MOST, "rollbackWindow": {"revisions": MOST},
            "restartAt": "9999-01-01T00:00:00Z",
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
            "strategy": strategy},
        "status": status,
    });
    let rollout = serde_json::from_value(rollout).unwrap();
    Observed {
        identity: Identity::of(&rollout),
        rollout,
        replica_sets: vec![
            set("new", revision, MOST, MOST),
            set("old", 2, MOST, MOST),
            set("older", 1, MOST, 0),
        ],
        services: [("a".to_owned(), Some(serin_core::observed::Service::default()))].into(),
        ..Observed::default()
    }
}

/// Sizes that the API server is asked for: it knows no negative ones.
fn sizes(plan: &Plan) -> impl Iterator<Item = i32> {
    plan.actions.iter().filter_map(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Create(new)) => Some(new.replicas),
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => patch.replicas,
        Action::ReplicaSet(ReplicaSetAction::Delete(_))
        | Action::Workload(_)
        | Action::AnalysisRun(_)
        | Action::Experiment(_)
        | Action::OwnService(_)
        | Action::Service(_)
        | Action::Route(_)
        | Action::Pod(PodAction::Patch(_))
        | Action::Pod(PodAction::Evict(_))
        | Action::Rollout(_) => None,
    })
}

#[test]
fn the_largest_numbers_make_no_panic() {
    let paused = json!([{"reason": "CanaryPauseStep", "startTime": "9999-12-30T00:00:00Z"}]);
    let statuses = [
        json!({"currentPodHash": "new", "stableRS": "old", "observedGeneration": "4", "currentStepIndex": 0}),
        json!({"currentPodHash": "new", "stableRS": "old", "observedGeneration": "4", "currentStepIndex": MOST,
            "replicas": MOST, "updatedReplicas": i32::MIN, "collisionCount": MOST}),
        json!({"currentPodHash": "new", "stableRS": "old", "observedGeneration": "4", "currentStepIndex": i32::MIN,
            "abort": true}),
        json!({"currentPodHash": "new", "stableRS": "old", "observedGeneration": "4", "currentStepIndex": 1,
            "pauseConditions": paused, "controllerPause": true}),
        json!({"currentPodHash": "new", "stableRS": "new", "observedGeneration": "4"}),
        json!({}),
    ];
    let mut plans = 0;
    for strategy in strategies() {
        for replicas in [0, 1, MOST - 1, MOST] {
            for revision in [3, i64::MAX] {
                for status in &statuses {
                    let seen = observed(&strategy, replicas, revision, status);
                    for now in [Timestamp::UNIX_EPOCH, Timestamp::MAX, Timestamp::MIN] {
                        let plan = decide(&seen, now);
                        assert_eq!(plan, decide(&seen, now));
                        assert!(sizes(&plan).all(|size| size >= 0), "{plan:?}");
                        plans += 1;
                    }
                }
            }
        }
    }
    assert_eq!(plans, 5 * 7 * 4 * 2 * 6 * 3);
}
