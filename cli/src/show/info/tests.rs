#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(clippy::needless_pass_by_value, reason = "json!() values read best at the call")]

use super::*;
use serde_json::{Value, json};

fn pod(status: Value) -> PodInfo {
    let object = json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}],
            "initContainers": [{"name": "i"}, {"name": "side", "restartPolicy": "Always"}]},
        "status": status});
    PodInfo::new(&serde_json::from_value(object).unwrap())
}

fn around(sets: &[ReplicaSet]) -> Around<'_> {
    Around {
        replica_sets: sets.iter().collect(),
        ..Around::default()
    }
}

#[test]
fn pod_states_are_those_of_kubectl() {
    let running = json!({"name": "a", "ready": true, "restartCount": 1, "state": {"running": {}}});
    let ended = |code: i32, signal: i32, reason: &str| {
        json!({"name": "b", "restartCount": 2,
            "state": {"terminated": {"exitCode": code, "signal": signal, "reason": reason}}})
    };
    let waiting = |reason: &str| json!({"name": "a", "restartCount": 0, "state": {"waiting": {"reason": reason}}});
    let init = |state: Value| json!({"name": "i", "restartCount": 3, "state": state});
    let sidecar = |ready: bool| json!({"name": "side", "restartCount": 0, "started": true, "ready": ready, "state": {"running": {}}});
    let done = init(json!({"terminated": {"exitCode": 0}}));
    let table = [
        (json!({"phase": "Pending"}), "Pending", "◌", 0, 0),
        (
            json!({"phase": "Running", "containerStatuses": [running, running]}),
            "Running",
            "✔",
            2,
            2,
        ),
        (
            json!({"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff"), running]}),
            "CrashLoopBackOff",
            "✖",
            1,
            1,
        ),
        (
            json!({"phase": "Running", "containerStatuses": [running, ended(0, 0, "Completed")]}),
            "Running",
            "✔",
            1,
            3,
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [ended(3, 0, "")]}),
            "ExitCode:3",
            "✖",
            0,
            2,
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [ended(3, 9, "")]}),
            "Signal:9",
            "✖",
            0,
            2,
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [ended(1, 0, "OOMKilled")]}),
            "OOMKilled",
            " ",
            0,
            2,
        ),
        (json!({"phase": "Failed", "reason": "Evicted"}), "Evicted", " ", 0, 0),
        (
            json!({"phase": "Pending", "containerStatuses": [waiting("ErrImagePull")]}),
            "ErrImagePull",
            "⚠",
            0,
            0,
        ),
        (
            json!({"phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff")]}),
            "ImagePullBackOff",
            "⚠",
            0,
            0,
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [init(json!({"waiting": {"reason": "PodInitializing"}}))]}),
            "Init:0/2",
            "◌",
            0,
            3,
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [init(json!({"waiting": {"reason": "CrashLoopBackOff"}}))]}),
            "Init:CrashLoopBackOff",
            "◌",
            0,
            3,
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [init(json!({"terminated": {"exitCode": 2}}))]}),
            "Init:ExitCode:2",
            "◌",
            0,
            3,
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [init(json!({"terminated": {"exitCode": 2, "reason": "Error"}}))]}),
            "Init:Error",
            "◌",
            0,
            3,
        ),
        (
            json!({"phase": "Running", "initContainerStatuses": [done, sidecar(true)], "containerStatuses": [running, running]}),
            "Running",
            "✔",
            2,
            2,
        ),
        (
            json!({"phase": "Running", "initContainerStatuses": [done, sidecar(false)], "containerStatuses": [running, running]}),
            "Running",
            "✔",
            2,
            2,
        ),
    ];
    for (status, expected, icon, ready, restarts) in table {
        let info = pod(status.clone());
        let seen = (info.status.as_str(), info.icon, info.ready, info.restarts);
        assert_eq!(seen, (expected, icon, ready, restarts), "{status}");
    }
}

#[test]
fn deleted_pods_terminate_or_are_lost() {
    for (reason, expected, icon) in [("", "Terminating", "◌"), ("NodeLost", "Unknown", "?")] {
        let object = json!({"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"phase": "Running", "reason": reason}});
        let info = PodInfo::new(&serde_json::from_value(object).unwrap());
        assert_eq!((info.status.as_str(), info.icon), (expected, icon));
    }
}

fn replica_set(hash: &str, spec: i32, status: Value) -> ReplicaSet {
    serde_json::from_value(json!({
        "metadata": {"name": hash, "uid": hash, "generation": 2, "labels": {"rollouts-pod-template-hash": hash},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "r", "uid": "r"}]},
        "spec": {"replicas": spec, "selector": {}, "template": {"spec": {"containers": [{"name": "a", "image": hash}]}}},
        "status": status}))
    .unwrap()
}

fn rollout(spec: Value, status: Value) -> Rollout {
    serde_json::from_value(json!({"metadata": {"name": "r", "uid": "r"}, "spec": spec, "status": status})).unwrap()
}

#[test]
fn replica_set_states() {
    let table = [
        (
            2,
            json!({"observedGeneration": 1, "replicas": 2, "availableReplicas": 2}),
            "Progressing",
            "◌",
        ),
        (
            2,
            json!({"observedGeneration": 2, "replicas": 2, "availableReplicas": 1}),
            "Progressing",
            "◌",
        ),
        (
            2,
            json!({"observedGeneration": 2, "replicas": 2, "availableReplicas": 2}),
            "Healthy",
            "✔",
        ),
        (0, json!({"observedGeneration": 2, "replicas": 0}), "ScaledDown", "•"),
        (
            2,
            json!({"observedGeneration": 2, "replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True"}]}),
            "ReplicaFailure",
            "✖",
        ),
    ];
    for (spec, status, expected, icon) in table {
        let set = replica_set("h", spec, status.clone());
        let info = RolloutInfo::new(&rollout(json!({}), json!({})), &around(std::slice::from_ref(&set)));
        let seen = &info.replica_sets[0];
        assert_eq!((seen.status.as_str(), seen.icon), (expected, icon), "{status}");
    }
}

#[test]
fn roles_follow_the_strategy() {
    let sets = ["new", "old", "older"].map(|hash| replica_set(hash, 1, json!({"replicas": 1})));
    let roles_of = |spec: Value, status: Value| {
        let info = RolloutInfo::new(&rollout(spec, status), &around(&sets));
        let tags = |hash: &str| {
            let set = info.replica_sets.iter().find(|set| set.identity.name == hash).unwrap();
            set.roles.iter().map(|role| role.tag()).collect::<Vec<_>>().join(",")
        };
        [tags("new"), tags("old"), tags("older")]
    };
    let hashes = json!({"currentPodHash": "new", "stableRS": "old"});
    let canary = json!({"strategy": {"canary": {}}});
    assert_eq!(roles_of(canary.clone(), hashes.clone()), ["canary", "stable", ""]);
    assert_eq!(
        roles_of(canary, json!({"currentPodHash": "new", "stableRS": "new"})),
        ["stable", "", ""]
    );
    let ping_pong = json!({"strategy": {"canary": {"pingPong": {"pingService": "a", "pongService": "b"}}}});
    assert_eq!(
        roles_of(ping_pong.clone(), hashes.clone()),
        ["canary,ping", "stable,pong", ""]
    );
    let flipped = json!({"currentPodHash": "new", "stableRS": "old", "canary": {"stablePingPong": "ping"}});
    assert_eq!(roles_of(ping_pong, flipped), ["canary,pong", "stable,ping", ""]);
    let blue_green = json!({"strategy": {"blueGreen": {"activeService": "a"}}});
    let selectors = json!({"stableRS": "old", "blueGreen": {"activeSelector": "old", "previewSelector": "new"}});
    assert_eq!(roles_of(blue_green, selectors), ["preview", "stable,active", ""]);
}

#[test]
fn weights_and_steps() {
    let steps = json!([{"setWeight": 30}, {"pause": {}}]);
    let sets = [
        replica_set("new", 1, json!({"replicas": 2, "availableReplicas": 2})),
        replica_set("old", 1, json!({"replicas": 5, "availableReplicas": 5})),
    ];
    let head = |canary: Value, mut status: Value| {
        status["currentPodHash"] = json!("new");
        status["stableRS"] = json!("old");
        let info = RolloutInfo::new(
            &rollout(json!({"strategy": {"canary": canary}}), status),
            &around(&sets),
        );
        match info.strategy {
            StrategyInfo::Canary {
                step,
                set_weight,
                actual_weight,
            } => (step, set_weight, actual_weight),
            StrategyInfo::BlueGreen | StrategyInfo::Missing => panic!("no canary"),
        }
    };
    let stepped = json!({"steps": steps});
    let routed = json!({"steps": steps, "trafficRouting": {}});
    let expect = |step: &str, set, actual| (step.to_owned(), set, actual);
    assert_eq!(
        head(stepped.clone(), json!({"currentStepIndex": 1, "availableReplicas": 7})),
        expect("1/2", 30, 28)
    );
    assert_eq!(
        head(stepped.clone(), json!({"currentStepIndex": 1, "availableReplicas": 0})),
        expect("1/2", 30, 0)
    );
    assert_eq!(
        head(stepped.clone(), json!({"currentStepIndex": 2, "availableReplicas": 7})),
        expect("2/2", 100, 100)
    );
    assert_eq!(
        head(stepped.clone(), json!({"currentStepIndex": 4, "availableReplicas": 7})),
        expect("4/2", 100, 100)
    );
    assert_eq!(head(stepped, json!({"availableReplicas": 7})), expect("", 30, 28));
    assert_eq!(head(json!({}), json!({"availableReplicas": 7})), expect("", 100, 100));
    assert_eq!(
        head(routed.clone(), json!({"currentStepIndex": 1, "availableReplicas": 7})),
        expect("1/2", 30, 30)
    );
    let weights =
        json!({"currentStepIndex": 1, "availableReplicas": 7, "canary": {"weights": {"canary": {"weight": 10}}}});
    assert_eq!(head(routed, weights), expect("1/2", 30, 10));
}
