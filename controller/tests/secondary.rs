//! Changes that rollouts work without: refused, they hold nothing else back (decisions 46, 47).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use serin_sandbox::{ApiError, FaultResponse};
use std::time::Duration;
use support::{World, create};

fn web() -> Value {
    support::web(1, &json!({"canary": {}}))
}

async fn set(world: &World) -> ReplicaSet {
    let sets: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    sets.list(&ListParams::default()).await.unwrap().items.remove(0)
}

/// A policy denies every patch of a ReplicaSet that carries this text.
fn deny(world: &World, text: &'static str) {
    world.api.intercept(Box::new(move |request| {
        let patch = request.verb == "patch" && request.resource == "replicasets" && request.subresource.is_empty();
        (patch && request.body.to_string().contains(text))
            .then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "denied by policy")))
    }));
}

async fn deployed() -> World {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create(&world.client, &web()).await;
    world.settle().await;
    let name = set(&world).await.metadata.name.unwrap();
    world.available(&name, 1).await;
    world.settle().await;
    assert_eq!(world.rollout("web").await["status"]["phase"], "Healthy");
    world.api.clear_requests();
    world
}

#[tokio::test(start_paused = true)]
async fn a_size_goes_through_although_what_is_sent_with_it_is_refused() {
    let world = deployed().await;
    deny(&world, "owner");
    let change = json!({"metadata": {"annotations": {"owner": "shop"}}, "spec": {"replicas": 3}});
    world.edit("web", &change).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = set(&world).await;
    assert_eq!(after.spec.replicas, Some(3));
    assert!(!after.metadata.annotations.unwrap().contains_key("owner"));
    assert_eq!(
        world.count("patch", "replicasets", ""),
        2,
        "the whole, and then what matters: the rest is left alone for a while"
    );
    let events = world.events().await;
    assert_eq!(
        events.iter().filter(|event| *event == "ReconciliationError").count(),
        1,
        "{events:?}"
    );

    world.api.clear_intercept();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(set(&world).await.metadata.annotations.unwrap()["owner"], "shop");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_pod_is_touched_whose_template_was_refused() {
    let world = deployed().await;
    deny(&world, "covered-metadata");
    let metadata = json!({"spec": {"strategy": {"canary": {"stableMetadata": {"labels": {"role": "a"}}}}}});
    world.edit("web", &metadata).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.count("list", "pods", ""), 0);
    assert_eq!(world.count("patch", "pods", ""), 0);
    let tries = world.count("patch", "replicasets", "");
    assert!(
        (2..=7).contains(&tries),
        "it has a back-off of its own: {tries} tries in 30 s"
    );
    world.stop().await;
}
