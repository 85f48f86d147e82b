//! ReplicaSets that nobody owns are taken back by the rollout that they were made for (contract 02 §3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PropagationPolicy};
use serde_json::{Value, json};
use std::time::Duration;
use support::{World, create, rollout, rollouts};

fn web() -> Value {
    rollout(
        "web",
        &json!({"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "strategy": {"canary": {}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}}}),
    )
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

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_deleted_without_its_pods_and_applied_again_goes_on_with_them() {
    let world = World::start(serin_core::decide, &[]).await;
    create(&world.client, &web()).await;
    world.settle().await;
    let before = sets(&world).await;
    assert_eq!(before.len(), 1);
    let (uid, _) = owned(&before[0]);

    let orphan = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    rollouts(&world.client).delete("web", &orphan).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(owned(&sets(&world).await[0]), (uid.clone(), vec![]));

    create(&world.client, &web()).await;
    world.settle().await;
    let again = world.rollout("web").await["metadata"]["uid"]
        .as_str()
        .unwrap()
        .to_owned();
    let after = sets(&world).await;
    assert_eq!(after.iter().map(owned).collect::<Vec<_>>(), [(uid, vec![again])]);
    assert_eq!(after[0].spec.replicas, Some(2));
    world.stop().await;
}
