//! Who acts on the rollout, and who else.

use crate::world::{World, ago, service};
use serde_json::{Value, json};

fn lease(name: &str, renewed: i64) -> Value {
    json!({"kind": "Lease", "metadata": {"name": name, "namespace": "argo-rollouts"},
        "spec": {"holderIdentity": "pod_1", "leaseDurationSeconds": 15, "renewTime": ago(renewed)}})
}

const LEASE: &str = "argo-rollouts-controller-lock";

/// A rollout whose status was written long ago.
fn quiet() -> World {
    let mut world = World::canary();
    world.listed("Lease").rollout(
        json!({"metadata": {"generation": 4}, "status": {"conditions": [{"type": "Progressing", "status": "True",
        "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(900)}]}}),
    );
    world
}

#[test]
fn controller_absent() {
    let plain = quiet().is(&["controller-absent"]);
    assert!(
        plain.next.starts_with("Nothing, until a controller runs."),
        "{}",
        plain.next
    );
    assert!(
        quiet().add(lease(LEASE, 4000)).is(&["controller-absent"]).causes[0]
            .summary
            .contains("was last renewed 66m ago")
    );
    // It stands before what an absent controller cannot mend.
    quiet().add(lease(LEASE, 4000)).overdue().rollout(json!({"status": {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out", "lastUpdateTime": ago(900)}]},
        "metadata": {"generation": 3}})).is(&["controller-absent", "deadline"]);
    // The label asks for a controller that does not run.
    let mut foreign = quiet();
    foreign
        .add(lease(LEASE, 2))
        .rollout(json!({"metadata": {"labels": {"argo-rollouts.argoproj.io/controller-instance-id": "blue"}}}));
    assert!(
        foreign.is(&["controller-absent"]).causes[0]
            .summary
            .contains("--instance-id blue")
    );
    foreign.add(lease(&format!("{LEASE}-blue"), 2));
    foreign.rollout(json!({"metadata": {"generation": 3}}));
    foreign.is(&[]);
    // One leads.
    quiet()
        .add(lease(LEASE, 2))
        .rollout(json!({"metadata": {"generation": 3}}))
        .is(&[]);
    // Leases may not be read: it is not guessed.
    let mut unread = World::canary();
    unread
        .rollout(json!({"metadata": {"generation": 4}}))
        .unread("Lease", "list leases");
    unread.is(&[]);
    // A controller that leads without a Lease.
    quiet().add(json!({"kind": "Deployment", "metadata": {"name": "argo-rollouts", "namespace": "argo-rollouts", "labels": {"app.kubernetes.io/name": "argo-rollouts"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"args": ["--leader-elect=false", "--other=secret"]}]}}}, "status": {"readyReplicas": 1}})).is(&[]);
    // A Healthy rollout needs none now.
    let mut healthy = quiet();
    healthy.healthy().rollout(json!({"metadata": {"generation": 3}}));
    healthy.is(&[]);
}

#[test]
fn controller_stale() {
    let changed = |seconds: i64| {
        json!({"metadata": {"generation": 4, "managedFields": [
        {"manager": "argocd-controller", "operation": "Apply", "time": ago(seconds), "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}})
    };
    let mut world = World::canary();
    world.listed("Lease").add(lease(LEASE, 2)).rollout(changed(400));
    let plain = world.is(&["controller-stale"]);
    assert!(
        plain.causes[0].summary.contains("generation 4 for 6m40s"),
        "{}",
        plain.causes[0].summary
    );
    world
        .clone()
        .waiting("ErrImagePull", "")
        .is(&["controller-stale", "image-pull"]);
    // A change of ten seconds ago is on its way.
    let mut young = World::canary();
    young.listed("Lease").add(lease(LEASE, 2)).rollout(changed(10));
    young.is(&[]);
    // The generation is observed.
    let mut seen = World::canary();
    seen.listed("Lease")
        .add(lease(LEASE, 2))
        .rollout(changed(400))
        .rollout(json!({"status": {"observedGeneration": "4"}}));
    seen.is(&[]);
    // The template of the workload is not.
    let mut workload = World::canary();
    let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    workload
        .listed("Lease")
        .add(lease(LEASE, 2))
        .add(json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "generation": 7, "managedFields": [
            {"manager": "helm", "operation": "Update", "time": ago(90), "fieldsV1": {"f:spec": {"f:template": {}}}}]}}))
        .rollout(json!({"spec": {"workloadRef": reference}, "status": {"workloadObservedGeneration": "6"}}));
    let behind = workload.is(&["controller-stale"]);
    assert!(
        behind.causes[0]
            .summary
            .contains("generation 7 of Deployment web for 90s; the status speaks of generation 6"),
        "{}",
        behind.causes[0].summary
    );
    workload.rollout(json!({"status": {"workloadObservedGeneration": "7"}}));
    workload.is(&[]);
    // No permission is the root.
    let mut forbidden = world.clone();
    forbidden.event("Rollout", "web", "ReconciliationError", "rollouts.argoproj.io \"web\" is forbidden: User \"u\" cannot update resource \"rollouts\" in API group \"argoproj.io\"", 20);
    forbidden.is(&["forbidden", "controller-stale"]);
}

fn manager(name: &str, seconds: i64, fields: Value) -> Value {
    json!({"manager": name, "operation": "Update", "time": ago(seconds), "fieldsV1": fields})
}

#[test]
fn field_fight() {
    let selector = |own: Value| json!({"f:spec": {"f:selector": own}});
    let service = |hash: Option<&str>, managers: Value| {
        let mut all = json!({"app": "web"});
        if let Some(hash) = hash {
            all["rollouts-pod-template-hash"] = hash.into();
        }
        let mut service = service("web", all);
        service["metadata"]["managedFields"] = managers;
        service
    };
    let mut world = World::canary();
    world.rollout(json!({"spec": {"strategy": {"canary": {"stableService": "web"}}}}));
    // Argo CD has taken the hash away, and the controller wrote a moment before.
    let mut plain = world.clone();
    plain.add(service(
        None,
        json!([
            manager("argocd-controller", 10, selector(json!({".": {}, "f:app": {}}))),
            manager("rollouts-controller", 40, json!({"f:metadata": {"f:annotations": {}}}))
        ]),
    ));
    let explained = plain.is(&["field-fight"]);
    assert!(
        explained.causes[0].summary.contains(
            "rollouts-controller and argocd-controller both write the selector of Service web (40s and 10s ago)"
        ),
        "{}",
        explained.causes[0].summary
    );
    plain.waiting("ErrImagePull", "").is(&["image-pull", "field-fight"]);
    // Git owns the labels, the controller owns the hash: as it should be.
    let mut fits = world.clone();
    fits.add(service(
        Some("aaa"),
        json!([
            manager("argocd-controller", 10, selector(json!({"f:app": {}}))),
            manager(
                "rollouts-controller",
                40,
                selector(json!({"f:rollouts-pod-template-hash": {}}))
            )
        ]),
    ));
    fits.is(&[]);
    // Replicas: an autoscaler and Git.
    let mut replicas = World::canary();
    replicas.rollout(json!({"metadata": {"managedFields": [manager("argocd-controller", 20, json!({"f:spec": {"f:replicas": {}}})), manager("kube-controller-manager", 50, json!({"f:spec": {"f:replicas": {}}}))]}}));
    replicas.is(&["field-fight"]);
    // The autoscaler wrote last year.
    replicas.rollout(json!({"metadata": {"managedFields": [manager("argocd-controller", 20, json!({"f:spec": {"f:replicas": {}}})), manager("kube-controller-manager", 90_000, json!({"f:spec": {"f:replicas": {}}}))]}}));
    replicas.is(&[]);
}

fn scaler(change: Value) -> Value {
    let mut scaler = json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}, "maxReplicas": 9},
        "status": {"currentReplicas": 4, "desiredReplicas": 4, "conditions": [{"type": "AbleToScale", "status": "True"}]}});
    crate::world::merge(&mut scaler, &change);
    scaler
}

#[test]
fn autoscaler() {
    let unable = json!({"status": {"conditions": [{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": "the server could not find the requested resource"}]}});
    let mut world = World::canary();
    world.add(scaler(unable.clone()));
    world.is(&["autoscaler"]);
    world
        .clone()
        .waiting("ErrImagePull", "")
        .overdue()
        .is(&["image-pull", "autoscaler", "deadline"]);
    let mut wide = World::canary();
    let mut aimed = scaler(unable);
    aimed["spec"]["scaleTargetRef"]["kind"] = "Deployment".into();
    assert!(
        wide.add(aimed).is(&["autoscaler"]).causes[0]
            .summary
            .contains("aims at Deployment/web and not at this Rollout")
    );
    let mut meanwhile = World::canary();
    meanwhile.add(scaler(
        json!({"status": {"desiredReplicas": 8, "lastScaleTime": ago(30)}}),
    ));
    meanwhile.is(&["autoscaler"]);
    // It works, at its maximum, and the update is on its way.
    World::canary().add(scaler(json!({"status": {"conditions": [{"type": "AbleToScale", "status": "True"}, {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}]}}))).is(&[]);
}

#[test]
fn disruption_budget() {
    let budget = |allowed: i64| {
        json!({"kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": {"disruptionsAllowed": allowed, "currentHealthy": 4, "desiredHealthy": 4}})
    };
    let restart =
        |seconds: i64| json!({"spec": {"restartAt": ago(seconds)}, "status": {"message": "rollout is restarting"}});
    let mut world = World::canary();
    world.rollout(restart(600)).add(budget(0));
    world.is(&["disruption-budget"]);
    world
        .clone()
        .waiting("ErrImagePull", "")
        .is(&["image-pull", "disruption-budget"]);
    // Evictions are allowed; or the restart has just begun; or none was asked for.
    World::canary().rollout(restart(600)).add(budget(1)).is(&[]);
    World::canary().rollout(restart(20)).add(budget(0)).is(&[]);
    World::canary().add(budget(0)).is(&[]);
}

#[test]
fn deletion_stuck() {
    let mut world = World::canary();
    world.rollout(json!({"metadata": {"deletionTimestamp": ago(700), "finalizers": ["shop.example/keep"]}}));
    assert!(
        world.is(&["deletion-stuck"]).causes[0]
            .summary
            .contains("held by finalizer shop.example/keep")
    );
    let mut pod = World::canary();
    pod.ready_pod("aaa", "web-aaa-9")
        .change("Pod", "web-aaa-9", json!({"metadata": {"deletionTimestamp": ago(300)}}));
    pod.is(&["deletion-stuck"]);
    pod.clone()
        .waiting("ErrImagePull", "")
        .is(&["image-pull", "deletion-stuck"]);
    // It ends within its grace period.
    let mut soon = World::canary();
    soon.ready_pod("aaa", "web-aaa-9")
        .change("Pod", "web-aaa-9", json!({"metadata": {"deletionTimestamp": ago(5)}}));
    soon.is(&[]);
}
