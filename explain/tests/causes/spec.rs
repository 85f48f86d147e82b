//! What is wrong with the spec, or with what it names.

use crate::world::{World, ago, service};
use serde_json::json;

fn invalid(detail: &str) -> World {
    let told = format!("The Rollout \"web\" is invalid: {detail}");
    let mut world = World::canary();
    world.rollout(json!({"status": {"phase": "Degraded", "message": format!("InvalidSpec: {told}"), "conditions": [
        {"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec", "message": told, "lastUpdateTime": ago(50), "lastTransitionTime": ago(50)}]}}));
    world
}

#[test]
fn invalid_spec() {
    let plain =
        invalid("spec.strategy.steps[0].setWeight: Invalid value: 120: SetWeight needs to be between 0 and 100")
            .is(&["invalid-spec"]);
    assert!(
        plain
            .verdict
            .ends_with("the spec is invalid, and nothing changes until it is corrected."),
        "{}",
        plain.verdict
    );
    invalid("spec.strategy.canary.stableService: Invalid value: \"web\": service \"web\" not found")
        .is(&["reference-missing", "invalid-spec"]);
    // The condition speaks of the generation before; the spec was mended meanwhile.
    let mut mended = invalid("spec.replicas: x");
    mended.rollout(json!({"metadata": {"generation": 4}}));
    mended.is(&[]);
    // Nobody has looked at the spec yet: it is validated here.
    let mut unseen = World::canary();
    unseen.rollout(
        json!({"metadata": {"generation": 4}, "spec": {"strategy": {"canary": {"steps": [{"setWeight": 120}]}}}}),
    );
    let explained = unseen.is(&["invalid-spec"]);
    assert_eq!(
        explained.causes[0].confidence,
        serin_explain::explanation::Confidence::Inferred
    );
}

#[test]
fn reference_missing() {
    invalid("spec.strategy.canary.steps[1].analysis.templates: Invalid value: \"t\": AnalysisTemplate 't' not found")
        .is(&["reference-missing", "invalid-spec"]);
    // A hashed name that has changed.
    let mut hashed = World::canary();
    hashed.waiting(
        "CreateContainerConfigError",
        "configmap \"web-config-5dhb468ddh\" not found",
    );
    hashed.add(json!({"kind": "ConfigMap", "metadata": {"name": "web-config-mb4gh79kth", "namespace": "shop"}}));
    let explained = hashed.is(&["reference-missing", "cannot-start"]);
    assert!(
        explained.causes[0]
            .summary
            .contains("web-config-mb4gh79kth exists: the hash in the name has changed"),
        "{}",
        explained.causes[0].summary
    );
    // A mount of a Secret, told by an event.
    let mut mount = World::canary();
    mount.waiting("ContainerCreating", "").event(
        "Pod",
        "web-bbb-1",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"tls\" : secret \"web-tls\" not found",
        9,
    );
    mount.is(&["reference-missing", "cannot-start"]);
    // A service account.
    let mut account = World::canary();
    account.change("ReplicaSet", "web-bbb", json!({"status": {"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": "pods \"x\" is forbidden: error looking up service account shop/web: serviceaccount \"web\" not found"}]}}));
    account.is(&["reference-missing", "replicaset-refused"]);
    // The Service was created since: the condition alone stands.
    let mut created = invalid("spec.strategy.canary.stableService: Invalid value: \"web\": service \"web\" not found");
    created.add(service("web", json!({"app": "web"})));
    created.is(&["invalid-spec"]);
    // An image that is not found is no reference of ours.
    World::canary()
        .waiting("ErrImagePull", "docker.io/shop:2: not found")
        .is(&["image-pull"]);
}

#[test]
fn selector_mismatch() {
    invalid("spec.strategy.canary.stableService: Invalid value: \"web\": Service \"web\" has unmatch label \"tier\" in rollout").is(&["selector-mismatch", "invalid-spec"]);
    invalid(
        "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
    )
    .is(&["selector-mismatch", "invalid-spec"]);
    let mut live = World::canary();
    live.rollout(json!({"spec": {"strategy": {"canary": {"stableService": "web"}}}}));
    let mut fits = live.clone();
    live.add(service("web", json!({"app": "shop"}))).overdue();
    live.waiting("ErrImagePull", "")
        .is(&["selector-mismatch", "image-pull", "deadline"]);
    // The controller's own label is no mismatch.
    fits.add(service(
        "web",
        json!({"app": "web", "rollouts-pod-template-hash": "aaa"}),
    ))
    .is(&[]);
}

#[test]
fn stable_missing() {
    let mut world = World::canary();
    world.rollout(
        json!({"status": {"stableRS": "zzz", "phase": "Degraded", "message": "the stable ReplicaSet is missing"}}),
    );
    world.is(&["stable-missing"]);
    world
        .clone()
        .waiting("ErrImagePull", "")
        .is(&["stable-missing", "image-pull"]);
    // ReplicaSets could not be read: nothing is known.
    world
        .unread("ReplicaSet", "list replicasets.apps in namespace shop")
        .is(&["unknown"]);
    // A first deployment has no stable revision yet.
    World::canary().rollout(json!({"status": {"stableRS": ""}})).is(&[]);
}

#[test]
fn forbidden() {
    let told = "services \"web\" is forbidden: User \"system:serviceaccount:argo-rollouts:argo-rollouts\" cannot patch resource \"services\" in API group \"\" in the namespace \"shop\"";
    let refused = json!({"status": {"conditions": [{"type": "Refused", "status": "True", "reason": "Forbidden", "message": told, "lastTransitionTime": ago(40)}]}});
    let mut world = World::canary();
    world.rollout(refused);
    let plain = world.is(&["forbidden"]);
    assert!(
        plain.causes[0]
            .summary
            .starts_with("system:serviceaccount:argo-rollouts:argo-rollouts lacks a permission: it cannot patch"),
        "{}",
        plain.causes[0].summary
    );
    world
        .clone()
        .waiting("ErrImagePull", "")
        .is(&["forbidden", "image-pull"]);
    // A quota forbids as well, and is no permission.
    let mut quota = World::canary();
    quota.change("ReplicaSet", "web-bbb", json!({"status": {"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1"}]}}));
    quota.is(&["replicaset-refused"]);
    // It was refused an hour ago; the rollout has scaled since.
    let mut past = World::canary();
    past.event("Rollout", "web", "ReconciliationError", told, 3600).event(
        "Rollout",
        "web",
        "ScalingReplicaSet",
        "Scaled up",
        10,
    );
    past.is(&[]);
}

#[test]
fn write_refused() {
    let mut world = World::canary();
    world.rollout(json!({"status": {"conditions": [{"type": "Refused", "status": "True", "reason": "Invalid", "message": "patch Service web: admission webhook \"freeze\" denied the request: it is Friday", "lastTransitionTime": ago(40)}]}}));
    world.is(&["write-refused"]);
    world
        .clone()
        .waiting("ErrImagePull", "")
        .is(&["write-refused", "image-pull"]);
    let mut event = World::canary();
    event.event(
        "Rollout",
        "web",
        "ReconciliationError",
        "Reconciliation failed with error: admission webhook \"freeze\" denied the request: it is Friday",
        30,
    );
    event.is(&["write-refused"]);
    // A conflict mends itself.
    World::canary()
        .event(
            "Rollout",
            "web",
            "ReconciliationError",
            "Operation cannot be fulfilled on replicasets.apps \"web-bbb\": the object has been modified",
            30,
        )
        .is(&[]);
}
