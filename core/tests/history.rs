//! Which old ReplicaSets are deleted (contract 02 §6, `revisionHistoryLimit`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::decide;
use serin_core::identity::Identity;
use serin_core::observed::ReplicaSet;
use serin_core::plan::{Action, ReplicaSetAction};
use serin_core::wire::{DESIRED_REPLICAS, HASH_LABEL, REVISION};

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn set(hash: &str, revision: i64, pods: i32) -> ReplicaSet {
    let text = |pairs: [(&str, String); 2]| pairs.map(|(key, value)| (key.to_owned(), value)).into();
    ReplicaSet {
        name: format!("web-{hash}"),
        uid: hash.to_owned(),
        created: now() - SignedDuration::from_hours(100 - revision),
        labels: text([("app", "web".to_owned()), (HASH_LABEL, hash.to_owned())]),
        annotations: text([(REVISION, revision.to_string()), (DESIRED_REPLICAS, "1".to_owned())]),
        replicas: pods,
        current_replicas: pods,
        ready_replicas: pods,
        available_replicas: pods,
        ..ReplicaSet::default()
    }
}

/// A settled rollout with old ReplicaSets `old1` (the oldest) to `old<count>`, each changed by its name.
fn deleted(limit: &Value, count: i64, change: impl Fn(&mut ReplicaSet)) -> Vec<String> {
    let rollout = json!({
        "metadata": {"name": "web", "uid": "u", "generation": 4, "annotations": {REVISION: "99"}},
        "spec": {
            "replicas": 1, "revisionHistoryLimit": limit, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
            "strategy": {"canary": {}}},
        "status": {"currentPodHash": "new", "stableRS": "new", "observedGeneration": "4"},
    });
    let rollout = serde_json::from_value(rollout).unwrap();
    let mut replica_sets: Vec<ReplicaSet> = (1..=count)
        .map(|number| set(&format!("old{number}"), number, 0))
        .collect();
    replica_sets.iter_mut().for_each(change);
    replica_sets.reverse();
    replica_sets.push(set("new", 99, 1));
    let seen = Observed {
        identity: Identity::of(&rollout),
        rollout,
        replica_sets,
        ..Observed::default()
    };
    let plan = decide(&seen, now());
    let gone = plan.actions.iter().filter_map(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Delete(target)) => Some(target.uid.clone()),
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => {
            assert!(patch.replicas.is_none_or(|size| size == 0), "{patch:?}");
            None
        }
        other => panic!("{other:?}"),
    });
    gone.collect()
}

fn nothing(_: &mut ReplicaSet) {}

#[test]
fn the_oldest_beyond_the_limit_go() {
    assert_eq!(deleted(&json!(2), 4, nothing), ["old1", "old2"]);
    assert_eq!(deleted(&json!(4), 4, nothing), Vec::<String>::new());
    assert_eq!(
        deleted(&json!(0), 2, nothing),
        ["old1", "old2"],
        "the new one is no history"
    );
}

/// Contract 01 §2.
#[test]
fn ten_are_kept_by_default() {
    assert_eq!(deleted(&Value::Null, 10, nothing), Vec::<String>::new());
    assert_eq!(deleted(&Value::Null, 12, nothing), ["old1", "old2"]);
}

/// One that may not go yet is passed over; none that is younger goes in its place.
#[test]
fn one_that_is_not_empty_is_passed_over_and_not_replaced() {
    let oldest = |change: fn(&mut ReplicaSet)| {
        move |set: &mut ReplicaSet| {
            if set.uid == "old1" {
                change(set)
            }
        }
    };
    let pods = oldest(|set| set.current_replicas = 1);
    assert_eq!(deleted(&json!(2), 4, pods), ["old2"], "pods are left");
    let wanted = oldest(|set| set.replicas = 1);
    assert_eq!(deleted(&json!(2), 4, wanted), ["old2"], "pods are wanted");
    let unobserved = oldest(|set| set.generation = 2);
    assert_eq!(
        deleted(&json!(2), 4, unobserved),
        ["old2"],
        "its status speaks of an older spec"
    );
}

/// One whose deletion is under way does not count.
#[test]
fn one_that_is_going_does_not_count() {
    let going = |set: &mut ReplicaSet| set.deleting = set.uid == "old3";
    assert_eq!(deleted(&json!(2), 4, going), ["old1"]);
}

/// Age is that of the object, not of the revision: one that was taken back is as old as it was. Names break ties.
#[test]
fn age_is_the_time_of_creation_then_the_name() {
    let young = |set: &mut ReplicaSet| {
        if set.uid == "old1" {
            set.created = now();
        }
    };
    assert_eq!(deleted(&json!(3), 4, young), ["old2"]);
    let same = |set: &mut ReplicaSet| set.created = now();
    assert_eq!(deleted(&json!(1), 3, same), ["old1", "old2"]);
}
