//! The workload that a rollout refers to: read only where one does, scaled by its subresource (contract 05 §5).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_sandbox::{ApiError, FaultResponse};
use std::time::Duration;
use support::{World, create, rollout};

fn deployments(world: &World) -> Api<Deployment> {
    Api::namespaced(world.client.clone(), "default")
}

/// A Deployment whose pods have run for long, as its controller says.
async fn deploy(world: &World, replicas: i32) {
    let labels = json!({"app": "web"});
    let template =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}});
    let object = json!({"metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}});
    let object = serde_json::from_value(object).unwrap();
    deployments(world)
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
    report(world, replicas).await;
}

/// What the Deployment controller would say.
async fn report(world: &World, pods: i32) {
    let generation = deployments(world).get("web").await.unwrap().metadata.generation;
    let status = json!({"status": {"observedGeneration": generation, "replicas": pods, "updatedReplicas": pods,
        "readyReplicas": pods, "availableReplicas": pods}});
    deployments(world)
        .patch_status("web", &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
}

/// What the ReplicaSet controller would say, of the present spec.
async fn available(world: &World, set: &str, pods: i32) {
    let sets: Api<ReplicaSet> = Api::namespaced(world.client.clone(), "default");
    let generation = sets.get(set).await.unwrap().metadata.generation;
    let status = json!({"status": {"observedGeneration": generation, "replicas": 2, "readyReplicas": pods,
        "availableReplicas": pods}});
    sets.patch_status(set, &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
}

async fn edit(world: &World, change: Value) {
    deployments(world)
        .patch("web", &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
}

async fn wanted(world: &World) -> i32 {
    deployments(world).get("web").await.unwrap().spec.replicas.unwrap()
}

fn web(scale_down: &str) -> Value {
    let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": scale_down});
    rollout(
        "web",
        &json!({"replicas": 2, "workloadRef": reference, "strategy": {"canary": {}}}),
    )
}

async fn only_set(world: &World) -> String {
    let mut sets = world.replica_sets().await;
    assert_eq!(sets.len(), 1, "{sets:?}");
    sets.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_kind_is_read_once_a_rollout_refers_to_it() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create(&world.client, &support::web(1, &json!({"canary": {}}))).await;
    world.settle().await;
    let read = |resource: &str| {
        let verbs = ["list", "watch", "get"];
        let counts = verbs.map(|verb| world.count(verb, resource, ""));
        counts.iter().sum::<usize>()
    };
    assert_eq!((read("deployments"), read("podtemplates")), (0, 0));
    let mut other = web("never");
    other["metadata"]["name"] = "other".into();
    create(&world.client, &other).await;
    world.settle().await;
    assert!(read("deployments") > 0);
    assert_eq!(read("podtemplates"), 0);
    let message = world.rollout("other").await["status"]["message"].clone();
    assert_eq!(
        message,
        "InvalidSpec: The Rollout \"other\" is invalid: deployments.apps \"default/web\" not found"
    );
    deploy(&world, 2).await;
    world.settle().await;
    assert_eq!(world.replica_sets().await.len(), 2, "it is noticed at once");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_deployment_is_scaled_by_its_subresource_and_by_nothing_else() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    deploy(&world, 2).await;
    create(&world.client, &web("progressively")).await;
    world.settle().await;
    let set = only_set(&world).await;
    available(&world, &set, 1).await;
    world.settle().await;
    assert_eq!(wanted(&world).await, 1);
    report(&world, 1).await;
    available(&world, &set, 2).await;
    world.settle().await;
    assert_eq!(wanted(&world).await, 0);
    report(&world, 0).await;
    world.settle().await;
    let seen = world.rollout("web").await;
    assert_eq!(seen["status"]["phase"], "Healthy");
    assert_eq!(seen["status"]["workloadObservedGeneration"], "3");
    assert_eq!(
        seen["metadata"]["annotations"]["rollout.argoproj.io/workload-generation"],
        "3"
    );
    assert_eq!(
        (seen["spec"].get("template"), seen["spec"].get("selector")),
        (None, None),
        "nothing is written back"
    );
    assert_eq!(world.count("patch", "deployments", "scale"), 2);
    assert_eq!(world.count("patch", "deployments", ""), 0);
    world.api.clear_requests();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let writes = world.count("patch", "deployments", "scale") + world.count("patch", "rollouts", "status");
    assert_eq!(writes, 0, "at rest nothing is written");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn replicas_that_somebody_applies_again_are_scaled_down_again_and_told() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    deploy(&world, 2).await;
    create(&world.client, &web("onsuccess")).await;
    world.settle().await;
    available(&world, &only_set(&world).await, 2).await;
    world.settle().await;
    assert_eq!(wanted(&world).await, 0);
    for _ in 0..3 {
        let again = json!({"spec": {"replicas": 2}});
        edit(&world, again).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(wanted(&world).await, 0);
    }
    let seen = world.rollout("web").await;
    let conditions = seen["status"]["conditions"].as_array().unwrap();
    assert!(
        conditions.iter().any(|one| one["type"] == "WorkloadScaleContested"),
        "{conditions:?}"
    );
    assert!(world.events().await.contains(&"WorkloadScaleContested".to_owned()));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_is_forbidden_holds_nothing_back() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    world.api.intercept(Box::new(|request| {
        (request.resource == "deployments" && request.subresource == "scale")
            .then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "no")))
    }));
    deploy(&world, 2).await;
    create(&world.client, &web("progressively")).await;
    world.settle().await;
    available(&world, &only_set(&world).await, 2).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let tries = world.count("patch", "deployments", "scale");
    assert!(
        (4..=7).contains(&tries),
        "it has a back-off of its own: {tries} tries in 30 s"
    );
    assert_eq!(wanted(&world).await, 2);
    let status = &world.rollout("web").await["status"];
    assert_eq!(status["phase"], "Healthy");
    let types: Vec<&str> = status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["type"].as_str())
        .collect();
    assert!(
        types.contains(&"Refused") && types.contains(&"DoubleCapacity"),
        "{types:?}"
    );
    world.api.clear_intercept();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(wanted(&world).await, 0);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_the_deployment_is_an_update_and_its_deletion_leaves_the_pods() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    deploy(&world, 0).await;
    create(&world.client, &web("never")).await;
    world.settle().await;
    available(&world, &only_set(&world).await, 2).await;
    world.settle().await;
    edit(
        &world,
        json!({"spec": {"template": {"metadata": {"annotations": {"new": "yes"}}}}}),
    )
    .await;
    world.settle().await;
    assert_eq!(world.replica_sets().await.len(), 2);
    deployments(&world)
        .delete("web", &DeleteParams::default())
        .await
        .unwrap();
    world.settle().await;
    assert_eq!(world.rollout("web").await["status"]["phase"], "Degraded");
    assert_eq!(world.replica_sets().await.len(), 2);
    world.stop().await;
}

async fn moved(scale_down: &str) -> World {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    deploy(&world, 2).await;
    create(&world.client, &web(scale_down)).await;
    world.settle().await;
    available(&world, &only_set(&world).await, 2).await;
    world.settle().await;
    world
}

async fn delete_rollout(world: &World) {
    let rollouts = support::rollouts(&world.client);
    rollouts.delete("web", &DeleteParams::default()).await.unwrap();
    world.settle().await;
}

/// The issue of `workloadRef`: who deletes the rollout first has an outage, but no Deployment without pods.
#[tokio::test(start_paused = true)]
async fn a_deleted_rollout_gives_the_deployment_its_pods_back() {
    let world = moved("progressively").await;
    assert_eq!(wanted(&world).await, 0);
    world.edit("web", &json!({"spec": {"replicas": 3}})).await;
    world.settle().await;
    delete_rollout(&world).await;
    assert_eq!(wanted(&world).await, 3, "the last count");
    let events: Api<Event> = Api::namespaced(world.client.clone(), "default");
    let events = events.list(&ListParams::default()).await.unwrap();
    let messages: Vec<_> = events
        .items
        .iter()
        .filter_map(|event| event.message.as_deref())
        .collect();
    let scaled = "Scaled up Deployment web from 0 to 3";
    assert!(messages.contains(&scaled), "{messages:?}");
    let entries = world.scrape().await;
    let kept = entries.lines().find(|line| line.contains("leaving_rollouts")).unwrap();
    assert!(kept.ends_with(" 0"), "{kept}");
    // From now on it is nobody's but its owner's.
    edit(&world, json!({"spec": {"replicas": 0}})).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(wanted(&world).await, 0);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_waits_for_its_finalizers_gives_the_pods_back_once() {
    let world = moved("onsuccess").await;
    assert_eq!(wanted(&world).await, 0);
    world
        .edit("web", &json!({"metadata": {"finalizers": ["example.com/hold"]}}))
        .await;
    delete_rollout(&world).await;
    assert_eq!(wanted(&world).await, 2);
    edit(&world, json!({"spec": {"replicas": 1}})).await;
    world
        .edit("web", &json!({"metadata": {"finalizers": null, "labels": {"a": "b"}}}))
        .await;
    world.settle().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(wanted(&world).await, 1);
    world.stop().await;
}

/// One that was released, one that another rollout refers to, and one that a refusal protects.
#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_not_owed_its_pods_stays_as_it_is() {
    let world = moved("never").await;
    edit(&world, json!({"spec": {"replicas": 0}})).await;
    delete_rollout(&world).await;
    assert_eq!(wanted(&world).await, 0, "its scale was never ours");
    world.stop().await;

    let world = moved("progressively").await;
    let mut other = web("progressively");
    other["metadata"]["name"] = "other".into();
    create(&world.client, &other).await;
    world.settle().await;
    delete_rollout(&world).await;
    assert_eq!(wanted(&world).await, 0, "another rollout refers to it");
    world.stop().await;

    let world = moved("progressively").await;
    world.api.intercept(Box::new(|request| {
        (request.resource == "deployments" && request.subresource == "scale")
            .then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "no")))
    }));
    let before = world.count("patch", "deployments", "scale");
    delete_rollout(&world).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(wanted(&world).await, 0);
    let tries = world.count("patch", "deployments", "scale") - before;
    assert_eq!(tries, 1, "a refusal that stands is told, and not tried again");
    world.stop().await;
}
