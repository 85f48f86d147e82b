//! ReplicaSets that nobody owns are taken back by the rollout that they were made for (contract 02 §3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, PropagationPolicy};
use serde_json::{Value, json};
use std::time::Duration;
use support::{World, create, cut_watch, rollouts};

fn web() -> Value {
    support::web(2, &json!({"canary": {}}))
}

async fn sets(world: &World) -> Vec<ReplicaSet> {
    let api: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    api.list(&ListParams::default()).await.unwrap().items
}

/// UID of a ReplicaSet, and the UIDs of its owners.
fn owned(set: &ReplicaSet) -> (String, Vec<String>) {
    let owners = set.metadata.owner_references.iter().flatten();
    (
        set.metadata.uid.clone().unwrap(),
        owners.map(|owner| owner.uid.clone()).collect(),
    )
}

/// `kubectl delete rollout web --cascade=orphan`.
async fn delete_orphaning(world: &World) {
    let orphan = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    rollouts(&world.client).delete("web", &orphan).await.unwrap();
}

/// Somebody's merge patch of the metadata of the only ReplicaSet.
async fn change(world: &World, metadata: Value) {
    let api: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    let name = world.replica_sets().await.remove(0);
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    api.patch(&name, &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_deleted_without_its_pods_and_applied_again_goes_on_with_them() {
    let world = World::start(serin_core::decide, &[]).await;
    create(&world.client, &web()).await;
    world.settle().await;
    let before = sets(&world).await;
    assert_eq!(before.len(), 1);
    let (uid, _) = owned(&before[0]);

    delete_orphaning(&world).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(owned(&sets(&world).await[0]), (uid.clone(), vec![]));

    create(&world.client, &web()).await;
    world.settle().await;
    let again = world.rollout("web").await["metadata"]["uid"]
        .as_str()
        .unwrap()
        .to_owned();
    let after = sets(&world).await;
    assert_eq!(
        after.iter().map(owned).collect::<Vec<_>>(),
        [(uid, vec![again.clone()])]
    );
    assert_eq!(
        serde_json::to_value(&after[0].metadata.owner_references).unwrap(),
        json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": again,
            "controller": true, "blockOwnerDeletion": true}]),
    );
    assert_eq!(after[0].spec.replicas, Some(2));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_gone_adopts_nothing_though_the_watch_does_not_say_so() {
    let world = World::start(serin_core::decide, &[]).await;
    create(&world.client, &web()).await;
    world.settle().await;
    let (uid, _) = owned(&sets(&world).await[0]);

    cut_watch(&world.api, "rollouts");
    delete_orphaning(&world).await;
    // Owned by what does not exist it would be deleted, pods and all.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let after = sets(&world).await;
    assert_eq!(after.iter().map(owned).collect::<Vec<_>>(), [(uid, vec![])]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_that_lost_its_hash_is_left_alone() {
    let world = World::start(serin_core::decide, &[]).await;
    create(&world.client, &web()).await;
    world.settle().await;
    let before = sets(&world).await.remove(0);
    world.available(before.metadata.name.as_ref().unwrap(), 2).await;
    world.settle().await;
    world.api.clear_requests();

    change(&world, json!({"labels": {"rollouts-pod-template-hash": null}})).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let all = sets(&world).await;
    let after = all.iter().find(|set| set.metadata.uid == before.metadata.uid).unwrap();
    assert_eq!((owned(after), after.spec.replicas), (owned(&before), Some(2)));
    // Nobody sees it any more, and its name is taken: the template is deployed anew under another.
    assert_eq!((all.len(), world.count("create", "replicasets", "")), (2, 2));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn labels_that_no_longer_match_release_a_replica_set_and_other_owners_stay() {
    let world = World::start(serin_core::decide, &[]).await;
    create(&world.client, &web()).await;
    world.settle().await;
    let first = sets(&world).await.remove(0);
    let (name, ours) = (first.metadata.name.clone().unwrap(), owned(&first).1[0].clone());
    world.available(&name, 2).await;
    world.settle().await;

    let other = another_owner(&world).await;
    let mut owners = serde_json::to_value(&first.metadata.owner_references).unwrap();
    owners.as_array_mut().unwrap().insert(0, other.clone());
    change(&world, json!({"ownerReferences": owners, "labels": {"app": "shop"}})).await;
    world.settle().await;
    let other = other["uid"].as_str().unwrap().to_owned();
    let set = sets(&world).await.remove(0);
    assert_eq!(owned(&set), (first.metadata.uid.clone().unwrap(), vec![other.clone()]));
    assert_eq!(set.spec.replicas, Some(2), "its pods are left alone");
    let stored = world.rollout("web").await;
    assert_eq!(stored["status"]["phase"], "Degraded");
    assert!(
        stored["status"]["message"].as_str().unwrap().contains(&name),
        "{stored}"
    );

    let api: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": "web"}}}));
    api.patch(&name, &PatchParams::default(), &patch).await.unwrap();
    world.settle().await;
    assert_eq!(owned(&sets(&world).await[0]).1, [other, ours]);
    assert_eq!(world.rollout("web").await["status"]["phase"], "Healthy");
    world.stop().await;
}

/// A reference to an owner that exists and controls nothing.
async fn another_owner(world: &World) -> Value {
    let map = serde_json::from_value(json!({"metadata": {"name": "other"}})).unwrap();
    let api: Api<ConfigMap> = Api::namespaced(world.client.clone(), "default");
    let made = api.create(&PostParams::default(), &map).await.unwrap();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": made.metadata.uid})
}
