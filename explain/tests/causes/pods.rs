//! What happens to pods.

use crate::world::{World, ago};
use serde_json::json;

#[test]
fn image_pull() {
    let mut world = World::canary();
    world.waiting("ImagePullBackOff", "Back-off pulling image \"shop:2\"");
    let plain = world.clone().overdue().is(&["image-pull", "deadline"]);
    assert_eq!(
        plain.causes[0].summary,
        "The pod of revision 2 cannot pull image shop:2."
    );
    assert_eq!(plain.causes[0].evidence[0].object, "pod/web-bbb-1");
    // Disguised: the readiness of another pod fails as well, and a failed run of the revision before lies about.
    let mut disguised = world.clone();
    disguised.change(
        "ReplicaSet",
        "web-bbb",
        json!({"spec": {"replicas": 2}, "status": {"replicas": 2}}),
    );
    disguised.pod(
        "bbb",
        "web-bbb-2",
        json!({"phase": "Running", "containerStatuses": [{"name": "web", "ready": false,
        "state": {"running": {"startedAt": ago(400)}}}]}),
        json!({"readinessProbe": {"httpGet": {"port": 80}}}),
    );
    disguised.overdue().is(&["image-pull", "not-ready", "deadline"]);
    // An image that is being pulled for the first time is no fault.
    World::canary().waiting("ContainerCreating", "").is(&[]);
    // A surplus pod of an earlier revision is none either.
    let mut old = World::canary();
    old.set("ccc", 0, 1, 0, 90_000);
    old.pod("ccc", "web-ccc-1", json!({"phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ErrImagePull"}}}]}), json!({}));
    old.is(&[]);
}

#[test]
fn unschedulable() {
    let pending = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/3 nodes are available: 3 Insufficient memory.", "lastTransitionTime": ago(500)}]});
    let mut world = World::canary();
    world.pod("bbb", "web-bbb-1", pending.clone(), json!({}));
    let plain = world.is(&["unschedulable"]);
    assert_eq!(
        plain.causes[0].summary,
        "The pod of revision 2 cannot be scheduled: 0/3 nodes are available: 3 Insufficient memory."
    );
    assert_eq!(plain.causes[0].evidence[0].age, "8m20s");
    world.clone().overdue().is(&["unschedulable", "deadline"]);
    // Being scheduled is no fault, and a pod that is being deleted is gone.
    World::canary()
        .pod("bbb", "web-bbb-1", json!({"phase": "Pending"}), json!({}))
        .is(&[]);
    let mut gone = world.clone();
    gone.change("Pod", "web-bbb-1", json!({"metadata": {"deletionTimestamp": ago(5)}}));
    gone.is(&[]);
}

#[test]
fn cannot_start() {
    let mut world = World::canary();
    world.waiting("CreateContainerError", "container name is in use");
    world.clone().overdue().is(&["cannot-start", "deadline"]);
    // An init container that fails.
    let mut init = World::canary();
    init.pod("bbb", "web-bbb-1", json!({"phase": "Pending", "initContainerStatuses": [{"name": "migrate", "ready": false, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "finishedAt": ago(30)}}}],
        "containerStatuses": [{"name": "web", "ready": false, "state": {"waiting": {"reason": "PodInitializing"}}}]}), json!({}));
    let explained = init.is(&["cannot-start"]);
    assert!(
        explained.causes[0]
            .summary
            .contains("init container migrate ended with exit code 2"),
        "{}",
        explained.causes[0].summary
    );
    // A volume that cannot be mounted.
    let mut mount = World::canary();
    mount.waiting("ContainerCreating", "").event(
        "Pod",
        "web-bbb-1",
        "FailedMount",
        "MountVolume.SetUp failed for volume \"nfs\": timed out",
        20,
    );
    mount.is(&["cannot-start"]);
    // A missing ConfigMap is the root.
    let mut missing = World::canary();
    missing.waiting("CreateContainerConfigError", "configmap \"web-config\" not found");
    missing.overdue().is(&["reference-missing", "cannot-start", "deadline"]);
    // Creating takes a moment.
    World::canary().waiting("PodInitializing", "").is(&[]);
}

fn crashed(reason: &str, code: i64, ready: bool, restarts: i64) -> serde_json::Value {
    let state = if ready {
        json!({"running": {"startedAt": ago(200)}})
    } else {
        json!({"waiting": {"reason": "CrashLoopBackOff"}})
    };
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
        "containerStatuses": [{"name": "web", "ready": ready, "restartCount": restarts, "state": state,
            "lastState": {"terminated": {"reason": reason, "exitCode": code, "finishedAt": ago(210), "message": "panic: secret"}}}]})
}

#[test]
fn crash() {
    let mut world = World::canary();
    world.pod("bbb", "web-bbb-1", crashed("Error", 1, false, 5), json!({}));
    let plain = world.is(&["crash"]);
    assert_eq!(
        plain.causes[0].summary,
        "The pod of revision 2 crashes: container web ended with exit code 1."
    );
    assert!(
        plain.commands[0].run.contains("logs web-bbb-1 -c web --previous"),
        "{:?}",
        plain.commands
    );
    assert!(!format!("{plain:?}").contains("panic"));
    // A planned pause never outranks a crash.
    let mut paused = World::canary();
    paused.paused().change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 0, "availableReplicas": 0}}),
    );
    paused.pod("bbb", "web-bbb-1", crashed("Error", 137, false, 5), json!({}));
    let explained = paused.is(&["crash"]);
    assert!(explained.causes[0].summary.contains("signal 9"));
    // One restart long ago, and ready since: no fault.
    let mut past = World::canary();
    past.paused()
        .pod("bbb", "web-bbb-1", crashed("Error", 1, true, 1), json!({}));
    past.is(&[]);
    // Ended well: no fault.
    World::canary()
        .pod("bbb", "web-bbb-1", crashed("Completed", 0, true, 1), json!({}))
        .is(&[]);
}

#[test]
fn out_of_memory() {
    let mut world = World::canary();
    world.pod(
        "bbb",
        "web-bbb-1",
        crashed("OOMKilled", 137, false, 3),
        json!({"resources": {"limits": {"memory": "64Mi"}}}),
    );
    let plain = world.clone().overdue().is(&["out-of-memory", "deadline"]);
    assert_eq!(
        plain.causes[0].summary,
        "The pod of revision 2 runs out of memory: container web (limit 64Mi)."
    );
    // It came back, and the analysis failed meanwhile: the root is the memory.
    let mut analysis = World::canary();
    analysis.change(
        "ReplicaSet",
        "web-bbb",
        json!({"status": {"readyReplicas": 1, "availableReplicas": 1}}),
    );
    analysis.pod("bbb", "web-bbb-1", crashed("OOMKilled", 137, true, 2), json!({}));
    analysis.aborted("Step-based analysis phase error/failed: Metric \"errors\" assessed Failed due to failed (1) > failureLimit (0)");
    analysis.is(&["out-of-memory", "analysis-failed"]);
    // Killed once, ready since, and the update waits as planned.
    let mut past = World::canary();
    past.paused()
        .pod("bbb", "web-bbb-1", crashed("OOMKilled", 137, true, 1), json!({}));
    past.is(&[]);
}

#[test]
fn not_ready() {
    let running = |since| {
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
        {"name": "web", "ready": false, "state": {"running": {"startedAt": ago(since)}}}]})
    };
    let probe = json!({"readinessProbe": {"httpGet": {"port": 80}, "initialDelaySeconds": 5}});
    let mut world = World::canary();
    world.pod("bbb", "web-bbb-1", running(400), probe.clone());
    world.event(
        "Pod",
        "web-bbb-1",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        5,
    );
    let plain = world.clone().overdue().is(&["not-ready", "deadline"]);
    assert!(
        plain.causes[0]
            .summary
            .ends_with("HTTP probe failed with statuscode: 503."),
        "{}",
        plain.causes[0].summary
    );
    // What a probe's command prints is not shown.
    let mut secret = World::canary();
    secret.pod("bbb", "web-bbb-1", running(400), probe.clone());
    secret.event(
        "Pod",
        "web-bbb-1",
        "Unhealthy",
        "Readiness probe failed: token s3cr3t is expired",
        5,
    );
    assert!(!format!("{:?}", secret.is(&["not-ready"])).contains("s3cr3t"));
    // It has just begun, and warned once: not yet a fault.
    let mut young = World::canary();
    young.pod("bbb", "web-bbb-1", running(20), probe);
    young.event(
        "Pod",
        "web-bbb-1",
        "Unhealthy",
        "Readiness probe failed: connect: connection refused",
        5,
    );
    young.is(&[]);
    // A gate that stays closed.
    let mut gate = World::canary();
    gate.pod(
        "bbb",
        "web-bbb-1",
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
        {"name": "web", "ready": true, "state": {"running": {"startedAt": ago(400)}}}]}),
        json!({}),
    );
    gate.change(
        "Pod",
        "web-bbb-1",
        json!({"spec": {"readinessGates": [{"conditionType": "shop.example/warm"}]}}),
    );
    gate.is(&["not-ready"]);
}

#[test]
fn evicted() {
    let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."});
    let mut world = World::canary();
    world.pod("bbb", "web-bbb-1", evicted.clone(), json!({}));
    let plain = world.is(&["evicted"]);
    assert_eq!(
        plain.causes[0].summary,
        "A pod of revision 2 was evicted: The node was low on resource: memory."
    );
    // The one that takes its place cannot be scheduled: the node is the root of neither, both are told.
    let mut both = world.clone();
    both.pod("bbb", "web-bbb-2", json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}), json!({}));
    both.is(&["unschedulable", "evicted"]);
    // It was replaced long ago.
    let mut past = World::canary();
    past.paused().pod("bbb", "web-bbb-0", evicted, json!({}));
    past.ready_pod("bbb", "web-bbb-1").is(&[]);
}

#[test]
fn node_lost() {
    let node = |status: &str| {
        json!({"kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [
        {"type": "Ready", "status": status, "message": "Kubelet stopped posting node status.", "lastTransitionTime": ago(300)}]}})
    };
    let unready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
        {"name": "web", "ready": true, "state": {"running": {"startedAt": ago(80_000)}}}]});
    let mut world = World::canary();
    world.change(
        "ReplicaSet",
        "web-aaa",
        json!({"status": {"readyReplicas": 3, "availableReplicas": 3}}),
    );
    world.pod("aaa", "web-aaa-1", unready, json!({}));
    let plain = world.clone().add(node("Unknown")).is(&["node-lost"]);
    assert_eq!(plain.causes[0].evidence[0].object, "node/n1");
    let mut both = world.clone();
    both.waiting("ErrImagePull", "manifest unknown").add(node("Unknown"));
    both.is(&["node-lost", "image-pull"]);
    // The node is well; the pod has its own reasons.
    world.clone().add(node("True")).is(&[]);
}

#[test]
fn replicaset_refused() {
    let quota =
        "pods \"web-bbb-x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=4, limited: pods=4";
    let failure = |told: &str| {
        json!({"status": {"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True",
        "reason": "FailedCreate", "message": told, "lastTransitionTime": ago(100)}]}})
    };
    let mut world = World::canary();
    world.change("ReplicaSet", "web-bbb", failure(quota));
    world.add(json!({"kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "shop"}, "status": {"hard": {"pods": "4"}, "used": {"pods": "4"}}}));
    let plain = world.clone().overdue().is(&["replicaset-refused", "deadline"]);
    assert!(
        plain.causes[0]
            .summary
            .starts_with("A quota refuses 1 pod of revision 2: exceeded quota: small"),
        "{}",
        plain.causes[0].summary
    );
    assert_eq!(plain.causes[0].evidence[1].text, "used: pods 4 of 4");
    let mut security = World::canary();
    security.change(
        "ReplicaSet",
        "web-bbb",
        failure(
            "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false",
        ),
    );
    assert!(
        security.is(&["replicaset-refused"]).causes[0]
            .summary
            .starts_with("Pod Security refuses")
    );
    // The ReplicaSet itself is refused.
    let mut set = World::canary();
    set.rollout(json!({"status": {"currentPodHash": "ccc", "conditions": [{"type": "Progressing", "status": "False", "reason": "ReplicaSetCreateError",
        "message": "Failed to create new replica set \"web-ccc\": admission webhook \"policy\" denied the request: no", "lastUpdateTime": ago(9)}]}}));
    assert!(
        set.is(&["replicaset-refused"]).causes[0]
            .summary
            .starts_with("An admission webhook refuses the new ReplicaSet")
    );
    // A quota that was overcome: the condition is still there, the pods are, too.
    let mut past = World::canary();
    past.paused().change("ReplicaSet", "web-bbb", failure(quota));
    past.change("ReplicaSet", "web-bbb", json!({"status": {"replicas": 1}}));
    past.is(&[]);
    // A permission is another matter.
    let mut rbac = World::canary();
    rbac.change("ReplicaSet", "web-bbb", failure("pods is forbidden: User \"system:serviceaccount:kube-system:replicaset-controller\" cannot create resource \"pods\" in API group \"\""));
    rbac.is(&["forbidden"]);
}
