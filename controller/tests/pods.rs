//! Pods that somebody else changes while we decide about them (decision 13), against the in-memory API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::plan::{Action, Plan, PodAction};
use serin_sandbox::ApiServer;
use std::cell::RefCell;
use std::time::Duration;
use support::{World, create, patch_at_once, web};

thread_local! {
    /// The server on which somebody edits the pod `one` during the next look that writes to pods, and what they change.
    static EDIT: RefCell<Option<(ApiServer, Value)>> = const { RefCell::new(None) };
    /// How many looks wanted to write to pods.
    static WANTED: RefCell<usize> = const { RefCell::new(0) };
}

/// Decides, and lets somebody edit the pod before the write.
fn meddled(seen: &Observed, now: Timestamp) -> Plan {
    let plan = serin_core::decide(seen, now);
    let to_pods = |action: &Action| {
        matches!(
            action,
            Action::Pod(PodAction::Patch(_)) | Action::Pod(PodAction::Evict(_))
        )
    };
    if plan.actions.iter().any(to_pods) {
        WANTED.with_borrow_mut(|wanted| *wanted += 1);
        if let Some((server, change)) = EDIT.take() {
            patch_at_once(&server, "/api/v1/namespaces/default/pods/one", &change);
        }
    }
    plan
}

fn pods(world: &World) -> Api<Pod> {
    Api::namespaced(world.client.clone(), "default")
}

/// A rollout whose only pod is `one`, ready.
async fn deployed(strategy: &Value) -> World {
    let world = World::start(meddled, &[]).await;
    create(&world.client, &web(1, strategy)).await;
    world.settle().await;
    let sets: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    let set = sets.list(&ListParams::default()).await.unwrap().items.remove(0);
    let template = serde_json::to_value(set.spec.template.unwrap()).unwrap();
    let pod = json!({
        "metadata": {"name": "one", "labels": template["metadata"]["labels"], "ownerReferences": [{"apiVersion": "apps/v1",
            "kind": "ReplicaSet", "name": set.metadata.name, "uid": set.metadata.uid, "controller": true}]},
        "spec": template["spec"],
    });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    pods(&world).create(&PostParams::default(), &pod).await.unwrap();
    let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True",
        "lastTransitionTime": "2020-01-01T00:00:00Z"}]}});
    let params = PatchParams::default();
    pods(&world)
        .patch_status("one", &params, &Patch::Merge(ready))
        .await
        .unwrap();
    world.available(set.metadata.name.as_ref().unwrap(), 1).await;
    world.settle().await;
    assert_eq!(world.rollout("web").await["status"]["phase"], "Healthy");
    world.api.clear_requests();
    world
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_changed_since_it_was_listed_is_listed_again_before_it_is_patched() {
    let world = deployed(&json!({"canary": {"stableMetadata": {"labels": {"role": "a"}}}})).await;
    let change = json!({"metadata": {"labels": {"theirs": "x"}}});
    EDIT.set(Some((world.api.clone(), change)));
    world
        .edit(
            "web",
            &json!({"spec": {"strategy": {"canary": {"stableMetadata": {"labels": {"role": "b"}}}}}}),
        )
        .await;
    world.settle().await;
    let labels = pods(&world).get("one").await.unwrap().metadata.labels.unwrap();
    assert_eq!((labels["role"].as_str(), labels["theirs"].as_str()), ("b", "x"));
    assert_eq!(
        WANTED.take(),
        2,
        "the first was decided upon a pod that is no longer so"
    );
    assert_eq!(
        world.count("patch", "pods", ""),
        3,
        "somebody's, the refused one, and the second"
    );
    assert_eq!(world.events().await.last().unwrap(), "RolloutCompleted");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_changed_since_it_was_counted_is_not_evicted_upon_that_count() {
    let world = deployed(&json!({"canary": {"maxSurge": 0, "maxUnavailable": 1}})).await;
    let change = json!({"metadata": {"labels": {"theirs": "x"}}});
    EDIT.set(Some((world.api.clone(), change)));
    // The clock of the API server and of decisions is the real one, and shows whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    world.edit("web", &json!({"spec": {"restartAt": now}})).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(WANTED.take(), 2, "counted again at once, not after half a minute");
    assert_eq!(world.count("create", "pods", "eviction"), 2);
    assert!(pods(&world).get_opt("one").await.unwrap().is_none());
    world.stop().await;
}
