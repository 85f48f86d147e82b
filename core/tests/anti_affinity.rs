//! Anti-affinity between revisions (contract 03 §10; contract 11 A16: an undo makes no third ReplicaSet).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::Plan;
use serin_core::api::PodTemplate;
use serin_core::decide;
use serin_core::identity::anti_affinity::avoided;
use serin_core::identity::{Fingerprint, Identity};
use serin_core::observed::ReplicaSet;
use serin_core::plan::{Action, ReplicaSetAction, ReplicaSetPatch};
use std::collections::BTreeMap;

const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

fn now() -> Timestamp {
    "2026-01-02T01:00:00Z".parse().unwrap()
}

fn template(image: &str, affinity: &Value) -> Value {
    let mut template = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image}]}});
    if !affinity.is_null() {
        template["spec"]["affinity"] = affinity.clone();
    }
    template
}

/// A rollout that runs revision `old`, and whose template is given.
fn rollout(strategy: &Value, template: &Value, stable: &str) -> Observed {
    let whole = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "rollout", "generation": 3, "resourceVersion": "9",
            "annotations": {"rollout.argoproj.io/revision": "1"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template, "strategy": strategy},
        "status": {"observedGeneration": "2", "stableRS": stable, "currentPodHash": stable},
    });
    let rollout = serde_json::from_value(whole).unwrap();
    Observed {
        identity: Identity::of(&rollout),
        rollout,
        ..Observed::default()
    }
}

/// A ReplicaSet that was made from a template with pods that are all available.
fn set(seen: &mut Observed, hash: &str, revision: i64, template: &Value) {
    let template = PodTemplate::new(template);
    let name = format!("web-{hash}");
    let labels = [("rollouts-pod-template-hash", hash), ("app", "web")];
    let annotations = [
        ("rollout.argoproj.io/revision", revision.to_string()),
        ("rollout.argoproj.io/desired-replicas", "2".to_owned()),
    ];
    seen.replica_sets.push(ReplicaSet {
        uid: format!("uid-{name}"),
        resource_version: "5".into(),
        created: Timestamp::from_second(1_700_000_000 + revision).unwrap(),
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        annotations: annotations.map(|(key, value)| (key.to_owned(), value)).into(),
        template: Some(Fingerprint::of_replica_set(&template, &BTreeMap::new())),
        avoids: avoided(&template),
        replicas: 2,
        current_replicas: 2,
        ready_replicas: 2,
        available_replicas: 2,
        name,
        ..ReplicaSet::default()
    });
}

fn preferred() -> Value {
    json!({"antiAffinity": {PREFERRED: {"weight": 7}}, "steps": [{"setWeight": 50}, {"pause": {}}]})
}

fn required() -> Value {
    json!({"antiAffinity": {REQUIRED: {}}, "steps": [{"setWeight": 50}, {"pause": {}}]})
}

fn term(hash: &str) -> Value {
    json!({
        "labelSelector": {"matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In", "values": [hash]}]},
        "namespaces": ["shop"],
        "topologyKey": "kubernetes.io/hostname",
    })
}

/// The template of the ReplicaSet that a plan creates.
fn created(plan: &Plan) -> Value {
    let made = plan.actions.iter().find_map(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Create(new)) => Some(new.template.to_value()),
        _ => None,
    });
    made.unwrap_or_else(|| panic!("no ReplicaSet is created: {plan:#?}"))
}

/// The patch of a ReplicaSet.
fn patched<'p>(plan: &'p Plan, name: &str) -> &'p ReplicaSetPatch {
    let found = plan.actions.iter().find_map(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) if patch.target.name == name => Some(patch),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{name} is not changed: {plan:#?}"))
}

fn update(strategy: &Value, affinity: &Value) -> Value {
    let mut seen = rollout(strategy, &template("app:2", affinity), "old");
    set(&mut seen, "old", 1, &template("app:1", affinity));
    let plan = decide(&seen, now());
    created(&plan)["spec"]["affinity"].clone()
}

#[test]
fn a_new_revision_keeps_from_the_nodes_of_the_stable_one() {
    let weighed = json!({"weight": 7, "podAffinityTerm": term("old")});
    let none = Value::Null;
    assert_eq!(
        update(&json!({"canary": preferred()}), &none),
        json!({"podAntiAffinity": {PREFERRED: [weighed]}})
    );
    assert_eq!(
        update(&json!({"canary": required()}), &none),
        json!({"podAntiAffinity": {REQUIRED: [term("old")]}})
    );
    assert_eq!(update(&json!({"canary": {}}), &none), Value::Null);
}

#[test]
fn of_blue_green_too() {
    let strategy = json!({"blueGreen": {"activeService": "active", "antiAffinity": {REQUIRED: {}}}});
    let mut seen = rollout(&strategy, &template("app:2", &Value::Null), "old");
    let selector = BTreeMap::from([("rollouts-pod-template-hash".to_owned(), "old".to_owned())]);
    let service = serin_core::observed::Service {
        resource_version: "1".into(),
        selector,
        managed_by: Some("web".into()),
        ..serin_core::observed::Service::default()
    };
    seen.services.insert("active".into(), Some(service));
    set(&mut seen, "old", 1, &template("app:1", &Value::Null));
    let affinity = &created(&decide(&seen, now()))["spec"]["affinity"];
    assert_eq!(*affinity, json!({"podAntiAffinity": {REQUIRED: [term("old")]}}));
}

#[test]
fn it_comes_after_what_the_user_wrote() {
    let node =
        json!({REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "Exists"}]}]}});
    let own = json!({"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone"});
    let affinity = json!({"nodeAffinity": node, "podAntiAffinity": {REQUIRED: [own]}});
    let expected = json!({"nodeAffinity": node, "podAntiAffinity": {REQUIRED: [own, term("old")]}});
    assert_eq!(update(&json!({"canary": required()}), &affinity), expected);
}

#[test]
fn the_first_revision_keeps_from_nobody() {
    let seen = rollout(&json!({"canary": required()}), &template("app:1", &Value::Null), "");
    assert!(created(&decide(&seen, now()))["spec"].get("affinity").is_none());
}

#[test]
fn the_hash_is_that_of_the_template_without_it() {
    let with = rollout(&json!({"canary": required()}), &template("app:2", &Value::Null), "old");
    let without = rollout(&json!({"canary": {}}), &template("app:2", &Value::Null), "old");
    assert_eq!(with.identity.pod_hash, without.identity.pod_hash);
}

#[test]
fn once_another_revision_is_stable_the_term_is_renewed() {
    let own = json!({"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone"});
    let affinity = json!({"podAntiAffinity": {REQUIRED: [own]}});
    let mut seen = rollout(&json!({"canary": required()}), &template("app:3", &affinity), "second");
    set(&mut seen, "second", 2, &template("app:2", &affinity));
    let made = json!({"podAntiAffinity": {REQUIRED: [own, term("old")]}});
    let hash = seen.identity.pod_hash.clone();
    set(&mut seen, &hash, 3, &template("app:3", &made));
    let plan = decide(&seen, now());
    let patch = patched(&plan, &format!("web-{hash}"));
    let expected = json!({PREFERRED: null, REQUIRED: [own, term("second")]});
    assert_eq!(patch.anti_affinity.as_ref(), Some(&expected));

    // Renewed, it is left alone.
    seen.replica_sets[1].avoids = Some("second".into());
    let again = decide(&seen, now());
    let touched = again.actions.iter().any(|action| match action {
        Action::ReplicaSet(ReplicaSetAction::Patch(patch)) => patch.anti_affinity.is_some(),
        _ => false,
    });
    assert!(!touched, "{again:#?}");
}

/// Argo Rollouts makes a third ReplicaSet here (contract 11 A16).
#[test]
fn an_undo_uses_the_old_replica_set_again() {
    // Known by what its template says alone: hashes of another version.
    let mut seen = rollout(&json!({"canary": required()}), &template("app:1", &Value::Null), "bbb");
    set(&mut seen, "aaa", 1, &template("app:1", &Value::Null));
    let made = json!({"podAntiAffinity": {REQUIRED: [term("aaa")]}});
    set(&mut seen, "bbb", 2, &template("app:2", &made));
    let plan = decide(&seen, now());
    let patch = patched(&plan, "web-aaa");
    assert_eq!(patch.annotations["rollout.argoproj.io/revision"].as_deref(), Some("3"));
    assert_eq!(
        patch.anti_affinity,
        Some(json!({PREFERRED: null, REQUIRED: [term("bbb")]}))
    );

    // What was added does not count: it is still the same revision.
    let mut renewed = seen.clone();
    renewed.replica_sets.clear();
    let made_again = json!({"podAntiAffinity": {REQUIRED: [term("bbb")]}});
    set(&mut renewed, "aaa", 3, &template("app:1", &made_again));
    set(&mut renewed, "bbb", 2, &template("app:2", &made));
    let plan = decide(&renewed, now());
    let creates = plan
        .actions
        .iter()
        .any(|action| matches!(action, Action::ReplicaSet(ReplicaSetAction::Create(_))));
    assert!(!creates, "{plan:#?}");
}

/// Else the term would be renewed at every look.
#[test]
fn a_term_of_the_user_that_speaks_of_hashes_is_not_ours() {
    let own = json!({
        "labelSelector": {"matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "Exists"}]},
        "topologyKey": "kubernetes.io/hostname",
    });
    let affinity = json!({"podAntiAffinity": {REQUIRED: [own]}});
    let made = json!({"podAntiAffinity": {REQUIRED: [own, term("old")]}});
    assert_eq!(update(&json!({"canary": required()}), &affinity), made);
    assert_eq!(
        avoided(&PodTemplate::new(&template("app:2", &made))).as_deref(),
        Some("old")
    );
    assert_eq!(avoided(&PodTemplate::new(&template("app:2", &affinity))), None);
}
