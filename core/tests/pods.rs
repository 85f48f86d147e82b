//! What is done to pods themselves: restarts (contract 05 §4, §11, decision 9) and injected metadata (contract 03 §11,
//! contract 04 §10.12).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::Plan;
use serin_core::decide;
use serin_core::identity::Identity;
use serin_core::observed::{Pod, ReplicaSet};
use serin_core::plan::{Action, PodAction, PodPatch, ReplicaSetAction, ReplicaSetPatch, WakeReason};
use serin_core::rollout::pods;
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

#[test]
fn as_many_pods_are_evicted_as_may_be_unavailable() {
    // R, Σ spec as stable and canary, available, maxUnavailable → evictions (contract 05 §11).
    let table = [
        (settled(4, 4, 4, &json!(1)), 1),
        (settled(4, 4, 3, &json!(1)), 0),
        (paused(10, (8, 8), (3, 3), &json!(2)), 2),
        (paused(10, (8, 8), (3, 2), &json!(2)), 1),
        (paused(4, (3, 3), (1, 1), &json!("75%")), 3),
        (paused(4, (3, 3), (1, 1), &json!(0)), 1),
    ];
    for (row, (seen, expected)) in table.into_iter().enumerate() {
        let plan = decide(&seen, now());
        assert_eq!(evicted(&plan).len(), expected, "row {row}");
        assert_eq!(restarted_at(&plan), None, "row {row}: old pods are still there");
        let wake = plan.wake.filter(|wake| wake.why == WakeReason::Restart);
        let seconds = wake.map(|wake| (wake.at - now()).get_seconds());
        // An eviction may be refused, and nothing tells when it no longer would be.
        assert_eq!(seconds, (expected > 0).then_some(30), "row {row}");
    }
}

#[test]
fn where_none_may_be_unavailable_one_pod_more_runs_meanwhile() {
    let mut seen = settled(1, 1, 1, &json!(0));
    let plan = decide(&seen, now());
    assert_eq!(set_patch(&plan).replicas, Some(2));
    assert_eq!(evicted(&plan), [""; 0]);

    // The new pod is not available yet: nothing happens.
    let hash = seen.identity.pod_hash.clone();
    seen.replica_sets.clear();
    set(&mut seen, &hash, 2, 2, 1);
    let name = format!("web-{hash}");
    seen.pods.get_mut(&name).unwrap()[1].created = at("2026-01-02T00:40:00Z");
    let plan = decide(&seen, now());
    assert_eq!(plan.actions, []);

    // Now it is: the old one goes, and no other.
    seen.replica_sets[0].available_replicas = 2;
    seen.pods.get_mut(&name).unwrap()[1].ready_since = Some(at("2026-01-02T00:41:00Z"));
    let plan = decide(&seen, now());
    assert_eq!(evicted(&plan), [format!("{name}-0")]);
    assert!(
        !plan
            .actions
            .iter()
            .any(|action| matches!(action, Action::ReplicaSet(ReplicaSetAction::Patch(_))))
    );

    // Done: back to one, and the status says so.
    seen.pods.get_mut(&name).unwrap()[0].created = at("2026-01-02T00:50:00Z");
    let plan = decide(&seen, now());
    assert_eq!(set_patch(&plan).replicas, Some(1));
    assert_eq!(restarted_at(&plan), Some(RESTART));
}

#[test]
fn the_pod_more_waits_for_superseded_revisions_to_go() {
    // The update has just ended, and pods of the revision before are still there: with every reconcile one more would be
    // asked for, beyond maxSurge.
    let mut seen = settled(4, 4, 3, &json!(0));
    set(&mut seen, "old", 1, 1, 1);
    let plan = decide(&seen, now());
    assert_eq!(plan.actions, []);

    // With the last of them gone, one pod more may run, however often it is asked for.
    let mut seen = settled(4, 4, 4, &json!(0));
    set(&mut seen, "old", 1, 0, 0);
    let plan = decide(&seen, now());
    assert_eq!(set_patch(&plan).replicas, Some(5));
    let hash = seen.identity.pod_hash.clone();
    seen.replica_sets.clear();
    set(&mut seen, &hash, 2, 5, 4);
    assert_eq!(decide(&seen, now()).actions, []);
}

/// The clock of the controller may be 5 s ahead: by its own, pods would be available so much too early.
#[test]
fn a_clock_that_is_ahead_makes_no_pod_available() {
    let mut seen = settled(4, 4, 4, &json!(1));
    for set in &mut seen.replica_sets {
        set.min_ready_seconds = 10;
    }
    let name = seen.replica_sets[0].name.clone();
    let ready = |seen: &mut Observed, at: Timestamp| seen.pods.get_mut(&name).unwrap()[3].ready_since = Some(at);
    ready(&mut seen, at("2026-01-02T00:59:48Z"));
    let plan = decide(&seen, now());
    assert_eq!(evicted(&plan), [""; 0]);
    assert_eq!(plan.wake.map(|wake| wake.at), Some(at("2026-01-02T01:00:03Z")));
    ready(&mut seen, at("2026-01-02T00:59:45Z"));
    assert_eq!(evicted(&decide(&seen, now())).len(), 1);
}

#[test]
fn a_pod_is_restarted_once_and_an_equal_time_counts_as_new() {
    let mut seen = settled(2, 2, 2, &json!(1));
    let hash = seen.identity.pod_hash.clone();
    let name = format!("web-{hash}");
    let pods = seen.pods.get_mut(&name).unwrap();
    pods[0].created = at(RESTART);
    pods[1].deleting = true;
    let plan = decide(&seen, now());
    assert_eq!(
        (evicted(&plan).len(), restarted_at(&plan)),
        (0, None),
        "it is not replaced yet"
    );
    let mut replacement = Pod {
        name: "replacement".into(),
        created: at(RESTART),
        ..Pod::default()
    };
    let with = |seen: &mut Observed, replacement: &Pod| {
        let pods = seen.pods.get_mut(&name).unwrap();
        pods.truncate(2);
        pods.push(replacement.clone());
        restarted_at(&decide(seen, now())).map(str::to_owned)
    };
    assert_eq!(with(&mut seen, &replacement), None, "it is not ready yet");
    replacement.ready_since = Some(at("2026-01-02T00:59:00Z"));
    assert_eq!(with(&mut seen, &replacement).as_deref(), Some(RESTART));
    seen.rollout.status.restarted_at = seen.rollout.spec.restart_at.clone();
    assert_eq!(pods::needed(&seen, now()), [""; 0]);
}

/// Found by a life: both pods of stable went at once, and its Service led to none.
#[test]
fn the_last_available_pod_behind_the_stable_service_stays() {
    let mut seen = paused(8, (2, 2), (6, 6), &json!("50%"));
    let hash = seen.replica_sets[0].hash().to_owned();
    let canary = seen.rollout.spec.strategy.canary.as_mut().unwrap();
    canary.stable_service = "stable".into();
    canary.steps[0].set_weight = Some(75);
    let selector = BTreeMap::from([("rollouts-pod-template-hash".to_owned(), hash)]);
    let service = serin_core::observed::Service {
        selector,
        managed_by: Some("web".into()),
        ..serin_core::observed::Service::default()
    };
    seen.services.insert("stable".into(), Some(service));
    let plan = decide(&seen, now());
    let stable = evicted(&plan).into_iter().filter(|pod| pod.contains("old")).count();
    assert_eq!((evicted(&plan).len() > 1, stable), (true, 1), "{:?}", evicted(&plan));
}

/// Found by a life: new steps counted as a restart, so the old pods stayed (contract 05 §4 names the template alone).
#[test]
fn new_steps_do_not_end_a_restart() {
    let mut seen = paused(4, (2, 2), (2, 2), &json!(1));
    seen.rollout.metadata.generation = Some(8);
    seen.rollout.status.observed_generation = "7".into();
    seen.rollout.status.current_step_hash = "of the steps before".into();
    let plan = decide(&seen, now());
    let status = &plan.status.as_ref().unwrap().patch["status"];
    assert!(
        status["currentStepHash"].is_string(),
        "the new steps were seen: {status}"
    );
    assert_eq!(restarted_at(&plan), None);
}

/// Found by a life: a ReplicaSet that wants no pod, and whose status is older than that, may have old pods.
#[test]
fn a_restart_waits_for_a_replica_set_that_nobody_knows_to_be_empty() {
    let mut seen = settled(0, 0, 0, &json!(1));
    seen.pods.clear();
    assert_eq!(restarted_at(&decide(&seen, now())), Some(RESTART));
    seen.replica_sets[0].generation = 1;
    assert_eq!(pods::needed(&seen, now()).len(), 1);
    assert_eq!(restarted_at(&decide(&seen, now())), None);
}

/// Nothing tells when a pod that was not ready in the list has become so (decision 45).
#[test]
fn a_doubt_that_a_count_does_not_settle_is_asked_again() {
    let mut seen = settled(3, 3, 3, &json!(1));
    seen.rollout.spec.restart_at = None;
    let set = &mut seen.replica_sets[0];
    set.annotations.insert("rollout.serin.dev/shrunk-to".into(), "1".into());
    let name = set.name.clone();
    assert_eq!(pods::needed(&seen, now()), std::slice::from_ref(&name));
    let proven = decide(&seen, now());
    assert_eq!((proven.actions.len(), proven.wake), (1, None), "the note goes");
    let last = seen.pods.get_mut(&name).unwrap().last_mut().unwrap();
    last.ready_since = None;
    let plan = decide(&seen, now());
    let wake = plan.wake.unwrap();
    assert_eq!(
        (wake.why, wake.at),
        (WakeReason::Recount, now() + jiff::SignedDuration::from_secs(5))
    );
}

#[test]
fn a_restart_waits_for_its_time_and_for_sight_of_the_pods() {
    let mut seen = settled(2, 2, 2, &json!(1));
    let early = at("2026-01-01T23:00:00Z");
    assert_eq!(pods::needed(&seen, early), [""; 0]);
    let plan = decide(&seen, early);
    assert_eq!(evicted(&plan), [""; 0]);
    assert_eq!(
        plan.wake.map(|wake| (wake.at, wake.why)),
        Some((at(RESTART), WakeReason::Restart))
    );

    assert_eq!(pods::needed(&seen, now()).len(), 1);
    seen.pods.clear();
    let plan = decide(&seen, now());
    assert_eq!((evicted(&plan).len(), restarted_at(&plan)), (0, None));
}

/// An update in its pause; both sides have metadata of their own.
fn with_metadata() -> Observed {
    let mut seen = paused(4, (3, 3), (1, 1), &json!(1));
    seen.rollout.spec.restart_at = None;
    let canary = seen.rollout.spec.strategy.canary.as_mut().unwrap();
    canary.stable_metadata = serde_json::from_value(json!({"labels": {"role": "stable"}})).unwrap();
    canary.canary_metadata =
        serde_json::from_value(json!({"labels": {"role": "canary"}, "annotations": {"a": "b"}})).unwrap();
    seen
}

/// What stands in the two records once all pods are in step.
fn records(plan: &Plan) -> (Value, Value) {
    let annotations = &set_patch(plan).secondary.annotations;
    let read = |name: &str| {
        let text = annotations.get(name).cloned().flatten();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    };
    (read(RECORD), read(COVERED))
}

/// The API server took the patch of a ReplicaSet.
fn apply(seen: &mut Observed, plan: &Plan) {
    let patch = set_patch(plan).clone();
    let set = seen
        .replica_sets
        .iter_mut()
        .find(|set| set.uid == patch.target.uid)
        .unwrap();
    let change = |of: &mut BTreeMap<String, String>, changes: BTreeMap<String, Option<String>>| {
        for (key, value) in changes {
            match value {
                Some(value) => of.insert(key, value),
                None => of.remove(&key),
            };
        }
    };
    change(&mut set.annotations, patch.secondary.annotations);
    change(&mut set.template_annotations, patch.secondary.template_annotations);
    let mut labels = set.template_labels().clone();
    change(&mut labels, patch.secondary.template_labels);
    set.template_labels = Some(labels);
}

#[test]
fn pods_carry_the_metadata_of_their_part() {
    let mut seen = with_metadata();
    let hash = seen.identity.pod_hash.clone();
    // Stable has its own already.
    seen.replica_sets[0]
        .annotations
        .insert(RECORD.into(), r#"{"labels":{"role":"stable"}}"#.into());
    // The template first, with the record of what it covers; its pods need not be seen yet.
    assert_eq!(pods::needed(&seen, now()), [""; 0]);
    let plan = decide(&seen, now());
    let patch = &set_patch(&plan).secondary;
    assert_eq!(
        patch.template_labels,
        BTreeMap::from([("role".into(), Some("canary".into()))])
    );
    assert_eq!(
        patch.template_annotations,
        BTreeMap::from([("a".into(), Some("b".into()))])
    );
    let nothing = json!({"labels": {"role": null}, "annotations": {"a": null}, "pending": true});
    assert_eq!(records(&plan), (Value::Null, nothing), "not before the pods carry it");
    assert_eq!(pod_patches(&plan).len(), 0);

    // The template is seen to carry it: now the pods.
    apply(&mut seen, &plan);
    assert_eq!(pods::needed(&seen, now()), [format!("web-{hash}")]);
    let plan = decide(&seen, now());
    assert_eq!((pod_patches(&plan).len(), plan.actions.len()), (1, 1));

    // The pods carry it: the record closes the matter.
    let pod = &mut seen.pods.get_mut(&format!("web-{hash}")).unwrap()[0];
    pod.labels.insert("role".into(), "canary".into());
    pod.annotations.insert("a".into(), "b".into());
    let plan = decide(&seen, now());
    assert_eq!(pod_patches(&plan).len(), 0);
    let given = json!({"labels": {"role": "canary"}, "annotations": {"a": "b"}});
    let nothing = json!({"labels": {"role": null}, "annotations": {"a": null}});
    assert_eq!(records(&plan), (given, nothing));
    apply(&mut seen, &plan);
    assert_eq!(pods::needed(&seen, now()), [""; 0]);
    assert_eq!(decide(&seen, now()).actions, []);
}

/// The sibling of a fault of restarts: a ReplicaSet that was scaled to zero a moment ago, and whose status is older than
/// that, may still have pods that lack the metadata.
#[test]
fn metadata_is_not_settled_while_nobody_knows_the_replica_set_to_be_empty() {
    let mut seen = with_metadata();
    let hash = seen.identity.pod_hash.clone();
    seen.replica_sets[0]
        .annotations
        .insert(RECORD.into(), r#"{"labels":{"role":"stable"}}"#.into());
    seen.rollout.spec.replicas = Some(0);
    let canary = seen
        .replica_sets
        .iter_mut()
        .find(|set| set.name.ends_with(&hash))
        .unwrap();
    (canary.replicas, canary.current_replicas, canary.generation) = (0, 0, canary.observed_generation + 1);
    // Stable is scaled down as well; that is not of interest here.
    let decided = |seen: &Observed| {
        let mut plan = decide(seen, now());
        plan.actions.retain(|action| match action {
            Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => patch.target.name.ends_with(&hash),
            _ => true,
        });
        plan
    };
    let plan = decided(&seen);
    let (given, covered) = records(&plan);
    assert_eq!((given, &covered["pending"]), (Value::Null, &json!(true)));
    apply(&mut seen, &plan);
    assert_eq!(pods::needed(&seen, now()), [format!("web-{hash}")]);
    assert_eq!(pod_patches(&decided(&seen)).len(), 1);

    // Its status has seen the change of size: there is no pod, and the matter is closed.
    let canary = seen
        .replica_sets
        .iter_mut()
        .find(|set| set.name.ends_with(&hash))
        .unwrap();
    canary.observed_generation = canary.generation;
    seen.pods.remove(&format!("web-{hash}"));
    let (given, covered) = records(&decided(&seen));
    assert_eq!(given, json!({"labels": {"role": "canary"}, "annotations": {"a": "b"}}));
    assert_eq!(covered["pending"], Value::Null);
}

/// As an earlier controller, or Argo Rollouts, leaves it: nothing says what was covered.
#[test]
fn keys_that_are_no_longer_given_are_taken_away_others_stay() {
    let mut seen = with_metadata();
    seen.replica_sets[0]
        .annotations
        .insert(RECORD.into(), r#"{"labels":{"role":"stable"}}"#.into());
    let hash = seen.identity.pod_hash.clone();
    let record = r#"{"labels":{"role":"canary","gone":"x"},"annotations":{"a":"b"}}"#;
    let set = &mut seen.replica_sets[1];
    set.annotations.insert(RECORD.into(), record.into());
    set.template_annotations.insert("a".into(), "b".into());
    let mut labels = set.labels.clone();
    labels.extend([("role".into(), "canary".into()), ("gone".into(), "x".into())]);
    set.template_labels = Some(labels);
    let pod = &mut seen.pods.get_mut(&format!("web-{hash}")).unwrap()[0];
    for (key, value) in [("role", "canary"), ("gone", "x"), ("theirs", "y")] {
        pod.labels.insert(key.into(), value.into());
    }
    pod.annotations.insert("a".into(), "b".into());
    let plan = decide(&seen, now());
    assert_eq!(set_patch(&plan).secondary.template_labels["gone"], None);
    apply(&mut seen, &plan);
    let plan = decide(&seen, now());
    assert_eq!(pod_patches(&plan)[0].labels, BTreeMap::from([("gone".into(), None)]));

    // Without any metadata in the spec, what was given stays.
    let canary = seen.rollout.spec.strategy.canary.as_mut().unwrap();
    (canary.stable_metadata, canary.canary_metadata) = (None, None);
    assert_eq!(decide(&seen, now()).actions, []);
}

/// Lets the API server take what is planned, pods included, until nothing is left.
fn settle(seen: &mut Observed) {
    for _ in 0..5 {
        let plan = decide(seen, now());
        if plan.actions.is_empty() {
            return;
        }
        for patch in pod_patches(&plan) {
            let mut pods = seen.pods.values_mut().flatten();
            let pod = pods.find(|pod| pod.uid == patch.target.uid).unwrap();
            for (key, value) in &patch.labels {
                match value {
                    Some(value) => pod.labels.insert(key.clone(), value.clone()),
                    None => pod.labels.remove(key),
                };
            }
        }
        if plan
            .actions
            .iter()
            .any(|action| matches!(action, Action::ReplicaSet(ReplicaSetAction::Patch(_))))
        {
            apply(seen, &plan);
        }
    }
    panic!("no rest");
}

/// Decision 44, argo-rollouts#3351, #2048: labels of the template, and of the selector, come back.
#[test]
fn what_an_overlay_covers_comes_back_on_template_and_pods() {
    let mut seen = with_metadata();
    seen.replica_sets[0]
        .annotations
        .insert(RECORD.into(), r#"{"labels":{"role":"stable"}}"#.into());
    let name = format!("web-{}", seen.identity.pod_hash);
    let canary = |seen: &mut Observed, labels: Value| {
        let canary = seen.rollout.spec.strategy.canary.as_mut().unwrap();
        canary.canary_metadata = serde_json::from_value(json!({ "labels": labels })).unwrap();
    };
    seen.replica_sets[1].labels.insert("team".into(), "own".into());
    seen.pods.get_mut(&name).unwrap()[0]
        .labels
        .insert("team".into(), "own".into());
    let labels = |seen: &Observed| {
        let set = seen.replica_sets[1].template_labels();
        let pod = &seen.pods[&name][0].labels;
        let read = |of: &BTreeMap<String, String>| [of.get("app").cloned(), of.get("team").cloned()];
        assert_eq!(read(set), read(pod));
        read(pod).map(Option::unwrap_or_default)
    };
    canary(&mut seen, json!({"app": "web", "team": "canary"}));
    settle(&mut seen);
    assert_eq!(labels(&seen), ["web", "canary"]);
    // Another value over the same label: what was covered first is remembered.
    canary(&mut seen, json!({"app": "web", "team": "other"}));
    settle(&mut seen);
    assert_eq!(labels(&seen), ["web", "other"]);
    canary(&mut seen, json!({}));
    settle(&mut seen);
    assert_eq!(labels(&seen), ["web", "own"]);
    assert!(!seen.replica_sets[1].annotations.contains_key(COVERED));
}

/// The spec goes back to what is recorded while the pods are still on their way to something else.
#[test]
fn an_overlay_that_is_taken_back_half_way_leaves_no_pod_behind() {
    let mut seen = with_metadata();
    seen.replica_sets[0]
        .annotations
        .insert(RECORD.into(), r#"{"labels":{"role":"stable"}}"#.into());
    let name = format!("web-{}", seen.identity.pod_hash);
    let canary = |seen: &mut Observed, role: &str| {
        let canary = seen.rollout.spec.strategy.canary.as_mut().unwrap();
        canary.canary_metadata = serde_json::from_value(json!({"labels": {"role": role}})).unwrap();
    };
    canary(&mut seen, "a");
    settle(&mut seen);
    canary(&mut seen, "b");
    let plan = decide(&seen, now());
    apply(&mut seen, &plan);
    seen.pods.get_mut(&name).unwrap()[0]
        .labels
        .insert("role".into(), "b".into());
    canary(&mut seen, "a");
    settle(&mut seen);
    assert_eq!(seen.pods[&name][0].labels["role"], "a");
    assert_eq!(seen.replica_sets[1].template_labels()["role"], "a");
}

#[test]
fn the_first_pods_already_carry_the_metadata_of_the_revision_in_service() {
    let strategy = json!({"blueGreen": {"activeService": "web", "activeMetadata": {"labels": {"role": "active"}}}});
    let mut seen = rollout(&json!({"replicas": 1, "strategy": strategy}), &json!({}));
    (seen.rollout.status.current_pod_hash, seen.rollout.status.stable_rs) = (String::new(), String::new());
    seen.services
        .insert("web".into(), Some(serin_core::observed::Service::default()));
    let plan = decide(&seen, now());
    let created = plan.actions.iter().find_map(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Create(new)) => Some(new),
        _ => None,
    });
    let created = created.expect("a ReplicaSet is created");
    assert_eq!(created.template.to_value()["metadata"]["labels"]["role"], "active");
    assert_eq!(created.annotations[RECORD], r#"{"labels":{"role":"active"}}"#);
    assert!(!created.labels.contains_key("role"), "the ReplicaSet itself does not");
    assert_eq!(
        created.name,
        format!("web-{}", seen.identity.pod_hash),
        "the hash does not count it"
    );
}
