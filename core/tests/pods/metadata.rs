//! Injected metadata (contract 03 §11, contract 04 §10.12).

use crate::{COVERED, RECORD, now, paused, pod_patches, rollout, set_patch};
use serde_json::{Value, json};
use serin_core::plan::{Action, ReplicaSetAction};
use serin_core::rollout::pods;
use serin_core::{Observed, Plan, decide};
use std::collections::BTreeMap;

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
