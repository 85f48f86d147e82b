//! Rollouts as Argo Rollouts leaves them: nothing is created, deleted, scaled, switched or begun anew, and the status is
//! written once at most (invariant 9, decisions 15–17).
//!
//! `fixtures/takeover/*.yaml` are written from the contract; the end-to-end tests use them, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "fixtures are files")]

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::api::{PodTemplate, Rollout};
use serin_core::decide;
use serin_core::identity::{Fingerprint, Identity};
use serin_core::notation::yaml;
use serin_core::observed::{ReplicaSet, Service};
use serin_core::plan::{Action, PodAction, ReplicaSetAction, WakeReason};
use serin_core::rollout::adoption::{self, New, Reason, StableRevision};
use serin_core::wire;
use std::collections::BTreeMap;
use std::path::Path;

/// Half a minute after whatever happened last in the fixtures.
fn now() -> Timestamp {
    "2026-03-02T10:00:40Z".parse().unwrap()
}

fn fixtures() -> Vec<(String, Observed)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/takeover");
    let mut all: Vec<(String, Observed)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, observed(&std::fs::read_to_string(&path).unwrap()))
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// What the controller sees of the objects in a file.
fn observed(text: &str) -> Observed {
    let mut seen = Observed::default();
    for document in yaml::parse_docs(text).unwrap() {
        let object = document.value;
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        match object["kind"].as_str().unwrap() {
            "Rollout" => seen.rollout = serde_json::from_value::<Rollout>(object).unwrap(),
            "ReplicaSet" => seen.replica_sets.push(replica_set(&object)),
            "Service" => {
                seen.services.insert(name, Some(service(&object)));
            }
            kind => panic!("a {kind}"),
        }
    }
    seen.identity = Identity::of(&seen.rollout);
    seen
}

fn read<T: serde::de::DeserializeOwned + Default>(value: &Value) -> T {
    if value.is_null() {
        return T::default();
    }
    serde_json::from_value(value.clone()).unwrap()
}

fn replica_set(object: &Value) -> ReplicaSet {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let annotations: BTreeMap<String, String> = read(&metadata["annotations"]);
    let labels: BTreeMap<String, String> = read(&metadata["labels"]);
    assert_eq!(
        spec["template"]["metadata"]["labels"], metadata["labels"],
        "the pods carry the labels of the ReplicaSet"
    );
    ReplicaSet {
        name: read(&metadata["name"]),
        uid: read(&metadata["uid"]),
        resource_version: read(&metadata["resourceVersion"]),
        generation: read(&metadata["generation"]),
        observed_generation: read(&status["observedGeneration"]),
        created: metadata["creationTimestamp"].as_str().unwrap().parse().unwrap(),
        template: Some(Fingerprint::of_replica_set(
            &PodTemplate::new(&spec["template"]),
            &annotations,
        )),
        labels,
        annotations,
        replicas: read(&spec["replicas"]),
        current_replicas: read(&status["replicas"]),
        ready_replicas: read(&status["readyReplicas"]),
        available_replicas: read(&status["availableReplicas"]),
        ..ReplicaSet::default()
    }
}

fn service(object: &Value) -> Service {
    let annotations: BTreeMap<String, String> = read(&object["metadata"]["annotations"]);
    Service {
        resource_version: read(&object["metadata"]["resourceVersion"]),
        selector: read(&object["spec"]["selector"]),
        managed_by: annotations.get(wire::MANAGED_BY).cloned(),
        ..Service::default()
    }
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let members = target.as_object_mut().unwrap();
    for (key, value) in changes {
        if value.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Looks until nothing is left to do; what was written, in words.
fn take_over(name: &str, seen: &mut Observed) -> Vec<String> {
    let mut writes = Vec::new();
    for _ in 0..5 {
        let plan = decide(seen, now());
        assert!(plan.events.is_empty(), "{name}: {:?}", plan.events);
        for action in &plan.actions {
            match action {
                Action::ReplicaSet(ReplicaSetAction::Patch(patch)) if patch.replicas.is_none() => {
                    let mut sets = seen.replica_sets.iter_mut();
                    let set = sets.find(|set| set.uid == patch.target.uid).unwrap();
                    for (key, value) in &patch.annotations {
                        let value = value.clone().expect("nothing is taken away");
                        writes.push(format!("{} {key}={value}", patch.target.name));
                        set.annotations.insert(key.clone(), value);
                    }
                }
                Action::ReplicaSet(ReplicaSetAction::Patch(_))
                | Action::ReplicaSet(ReplicaSetAction::Create(_))
                | Action::ReplicaSet(ReplicaSetAction::Delete(_))
                | Action::Service(_)
                | Action::Route(_)
                | Action::Workload(_)
                | Action::AnalysisRun(_)
                | Action::Experiment(_)
                | Action::OwnService(_)
                | Action::Pod(PodAction::Patch(_))
                | Action::Pod(PodAction::Evict(_))
                | Action::Rollout(_) => panic!("{name}: {action:?}"),
            }
        }
        if let Some(status) = &plan.status {
            let mut rollout = serde_json::to_value(&seen.rollout).unwrap();
            merge(&mut rollout, &status.patch);
            seen.rollout = serde_json::from_value(rollout).unwrap();
            writes.push(format!("status {}", status.patch["status"]));
        }
        if plan.is_empty() {
            return writes;
        }
    }
    panic!("{name}: no rest: {writes:#?}");
}

#[test]
fn nothing_moves_and_no_step_is_repeated() {
    let all = fixtures();
    assert!(all.len() >= 18, "fixtures are missing");
    for (name, mut seen) in all {
        let before = seen.rollout.status.clone();
        let writes = take_over(&name, &mut seen);
        assert!(writes.len() <= 1, "{name}: {writes:#?}");
        let after = &seen.rollout.status;
        assert_eq!(after.current_step_index, before.current_step_index, "{name}");
        assert_eq!(after.stable_rs, before.stable_rs, "{name}");
        assert_eq!(after.current_pod_hash, before.current_pod_hash, "{name}");
        assert_eq!(after.pause_conditions, before.pause_conditions, "{name}");
        assert_eq!(after.blue_green, before.blue_green, "{name}");
        assert_eq!(
            (&after.phase, &after.message),
            (&before.phase, &before.message),
            "{name}"
        );
        assert_eq!(after.abort, before.abort, "{name}");
    }
}

/// Which ones cost a status write, and what is in it.
#[test]
fn what_the_present_version_leaves_is_not_written_at_all() {
    let written: Vec<String> = fixtures()
        .into_iter()
        .filter_map(|(name, mut seen)| (!take_over(&name, &mut seen).is_empty()).then_some(name))
        .collect();
    assert_eq!(
        written,
        [
            // Paused becomes False with the abort (contract 11 A2).
            "canary-aborted-in-pause",
            // The condition Healthy is not known there, nor our hash of the steps.
            "canary-healthy-1.0",
            "canary-healthy-unobserved",
            "canary-paused-1.0",
        ]
    );
}

#[test]
fn each_part_is_adopted_for_a_reason() {
    let reason = |seen: &Observed| match adoption::report(seen).new {
        New::Adopted(set) => set.why,
        New::Created(name) => panic!("{name} would be created"),
    };
    for (name, mut seen) in fixtures() {
        let stable = adoption::report(&seen).stable;
        assert!(matches!(stable, StableRevision::Adopted(_)), "{name}: {stable:?}");
        let recorded = reason(&seen);
        // An edit while no controller ran, of the number of replicas, say: the recorded hash is not believed then.
        seen.rollout.metadata.generation = Some(9);
        let found = reason(&seen);
        let expected = if name.ends_with("unobserved") || name.ends_with("1.0") {
            Reason::SemanticEquality
        } else if seen.rollout.status.current_pod_hash == seen.identity.pod_hash {
            Reason::HashDialectOmitted
        } else {
            Reason::HashDialectNull
        };
        assert_eq!(found, expected, "{name}");
        let believed = if name.ends_with("unobserved") {
            Reason::SemanticEquality
        } else {
            Reason::RecordedHash
        };
        assert_eq!(recorded, believed, "{name}");
    }
}

/// What was waited for is waited for still.
#[test]
fn waits_go_on() {
    let wakes: BTreeMap<String, Option<(String, WakeReason)>> = fixtures()
        .into_iter()
        .map(|(name, seen)| {
            let wake = decide(&seen, now()).wake;
            (name, wake.map(|wake| (wake.at.to_string(), wake.why)))
        })
        .collect();
    let at = |time: &str, why| Some((format!("2026-03-02T{time}Z"), why));
    let delay = WakeReason::ScaleDownDelay;
    assert_eq!(wakes["canary-paused-timed"], at("10:10:10", WakeReason::PauseOver));
    assert_eq!(wakes["bluegreen-scale-down-delay"], at("10:01:30", delay));
    assert_eq!(wakes["bluegreen-aborted"], at("10:01:30", delay));
    assert_eq!(
        wakes["canary-progressing"],
        at("10:10:11", WakeReason::ProgressDeadline)
    );
    assert_eq!(wakes["canary-paused"], None);
    assert_eq!(wakes["bluegreen-paused"], None);
    assert_eq!(wakes["canary-healthy"], None);
}

/// The user, or another version of the API server, writes out a default: the same template (invariant 9).
#[test]
fn a_template_that_says_the_same_makes_no_new_replica_set() {
    // Where steps are hashed in another way, an edit in the gap between two controllers begins them anew.
    let same_steps = |(name, _): &(String, Observed)| !name.ends_with("1.0");
    for (name, mut seen) in fixtures().into_iter().filter(same_steps) {
        change_template(&mut seen, |template| {
            template["spec"]["dnsPolicy"] = json!("ClusterFirst")
        });
        let before = seen.rollout.status.clone();
        let writes = take_over(&name, &mut seen);
        // The generation is new, which the status says.
        assert_eq!(writes.len(), 1, "{name}: {writes:#?}");
        let after = &seen.rollout.status;
        assert_eq!(after.current_pod_hash, before.current_pod_hash, "{name}");
        assert_eq!(after.phase, before.phase, "{name}");
        let legacy = name.ends_with("1.0");
        assert!(
            legacy || after.current_step_index == before.current_step_index,
            "{name}"
        );
    }
}

/// A field that is newer than we are is not ignored (decision 20).
#[test]
fn a_template_with_a_field_of_a_newer_kubernetes_makes_one() {
    for (name, mut seen) in fixtures() {
        change_template(&mut seen, |template| template["spec"]["newerThanUs"] = json!({"a": 1}));
        let created = decide(&seen, now())
            .actions
            .into_iter()
            .find_map(|action| match action {
                Action::ReplicaSet(ReplicaSetAction::Create(new)) => Some(new),
                Action::ReplicaSet(ReplicaSetAction::Patch(_))
                | Action::ReplicaSet(ReplicaSetAction::Delete(_))
                | Action::Service(_)
                | Action::Route(_)
                | Action::Workload(_)
                | Action::AnalysisRun(_)
                | Action::Experiment(_)
                | Action::OwnService(_)
                | Action::Pod(PodAction::Patch(_))
                | Action::Pod(PodAction::Evict(_))
                | Action::Rollout(_) => None,
            });
        let template = created.unwrap_or_else(|| panic!("{name}")).template.to_value();
        assert_eq!(template["spec"]["newerThanUs"], json!({"a": 1}), "{name}");
    }
}

fn change_template(seen: &mut Observed, change: impl FnOnce(&mut Value)) {
    let mut template = seen.rollout.spec.template.as_ref().unwrap().to_value();
    change(&mut template);
    seen.rollout.spec.template = Some(PodTemplate::new(&template));
    seen.rollout.metadata.generation = seen.rollout.metadata.generation.map(|generation| generation + 1);
    seen.identity = Identity::of(&seen.rollout);
}
