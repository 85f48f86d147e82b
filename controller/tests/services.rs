//! Services: seen, asked for live, switched, and released, against the in-memory API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::plan::{Action, After, News, Plan, ServicePatch, Target, Wake, WakeReason};
use serin_sandbox::ApiServer;
use std::cell::RefCell;
use std::time::Duration;
use support::{World, create, cut_watch, event, patch_at_once, rollout, rollouts};

const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";
const HASH: &str = "rollouts-pod-template-hash";

thread_local! {
    /// Which Services each look saw, and which it missed (in brackets).
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// The server on which somebody edits the Service during the next look.
    static EDIT: RefCell<Option<ApiServer>> = const { RefCell::new(None) };
}

/// Lets all Services of the rollout select the hash `1`.
fn switch(seen: &Observed, _: Timestamp) -> Plan {
    let names = seen.services.iter().map(|(name, service)| match service {
        Some(_) => name.clone(),
        None => format!("({name})"),
    });
    SEEN.with_borrow_mut(|all| all.push(names.collect::<Vec<_>>().join(" ")));
    if let Some(server) = EDIT.take() {
        let change = json!({"metadata": {"labels": {"by": "user"}}});
        patch_at_once(&server, "/api/v1/namespaces/default/services/active", &change);
    }
    let (mut actions, mut events) = (Vec::new(), Vec::new());
    for (name, service) in &seen.services {
        let Some(service) = service.as_ref().filter(|service| !service.selector.contains_key(HASH)) else {
            continue;
        };
        events.push(event(News::Resumed, After::Action(actions.len())));
        actions.push(Action::Service(ServicePatch {
            target: Target {
                name: name.clone(),
                uid: String::new(),
                resource_version: service.resource_version.clone(),
            },
            hash: Some("1".into()),
            managed_by: service
                .managed_by
                .is_none()
                .then(|| seen.rollout.metadata.name.clone().unwrap()),
            clear: false,
        }));
    }
    Plan {
        actions,
        events,
        ..Plan::default()
    }
}

fn seen() -> Vec<String> {
    SEEN.with_borrow(Clone::clone)
}

fn services(world: &World) -> Api<Service> {
    Api::namespaced(world.client.clone(), "default")
}

async fn create_service(world: &World, name: &str, annotations: &Value) {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": annotations},
        "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}});
    let service = serde_json::from_value(service).unwrap();
    services(world).create(&PostParams::default(), &service).await.unwrap();
}

/// Selector and managed-by annotation.
async fn of(world: &World, name: &str) -> (Value, Value) {
    let service = serde_json::to_value(services(world).get(name).await.unwrap()).unwrap();
    (
        service["spec"]["selector"].clone(),
        service["metadata"]["annotations"][MANAGED_BY].clone(),
    )
}

fn switched() -> (Value, Value) {
    (json!({"app": "a", HASH: "1"}), json!("a"))
}

fn blue_green() -> Value {
    rollout(
        "a",
        &json!({"strategy": {"blueGreen": {"activeService": "active", "previewService": "preview"}}}),
    )
}

#[tokio::test(start_paused = true)]
async fn named_services_are_seen_and_switched_once() {
    let world = World::start(switch, &[]).await;
    world.settle().await;
    create_service(&world, "active", &json!({"mine": "x"})).await;
    create_service(&world, "preview", &json!({})).await;
    create_service(&world, "other", &json!({})).await;
    create(&world.client, &blue_green()).await;
    world.settle().await;
    assert_eq!(of(&world, "active").await, switched());
    assert_eq!(of(&world, "preview").await, switched());
    assert_eq!(of(&world, "other").await, (json!({"app": "a"}), Value::Null));
    let active = services(&world).get("active").await.unwrap();
    assert_eq!(active.metadata.annotations.unwrap()["mine"], "x");
    assert_eq!(world.count("patch", "services", ""), 2);
    assert_eq!(world.events().await, ["RolloutResumed", "RolloutResumed"]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_late_service_is_missing_then_noticed_at_once_and_so_is_one_created_again() {
    let world = World::start(switch, &[blue_green()]).await;
    world.settle().await;
    assert_eq!(seen(), ["(active) (preview)"]);
    create_service(&world, "active", &json!({})).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(of(&world, "active").await, switched());
    services(&world)
        .delete("active", &DeleteParams::default())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(seen().last().unwrap(), "(active) (preview)");
    create_service(&world, "active", &json!({})).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(of(&world, "active").await, switched());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_the_watch_does_not_tell_of_is_asked_for_live() {
    let world = World::start(switch, &[]).await;
    world.settle().await;
    cut_watch(&world.api, "services");
    create_service(&world, "active", &json!({})).await;
    create(&world.client, &blue_green()).await;
    world.settle().await;
    assert_eq!(of(&world, "active").await, switched());
    assert_eq!(seen()[0], "active (preview)");
    // The absence of the other is believed for five seconds, however many looks there are.
    for _ in 0..10 {
        world.edit("a", &json!({"metadata": {"labels": {"n": "x"}}})).await;
        world.edit("a", &json!({"metadata": {"labels": {"n": "y"}}})).await;
    }
    let asked = world
        .api
        .requests()
        .iter()
        .filter(|one| one.request.verb == "get" && one.request.name == "preview")
        .count();
    assert_eq!(asked, 1);
    // Its own write is not forgotten although the watch is silent: it was read live instead.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.count("patch", "services", ""), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_edit_of_a_service_is_not_lost() {
    let world = World::start(switch, &[]).await;
    world.settle().await;
    create_service(&world, "active", &json!({})).await;
    EDIT.set(Some(world.api.clone()));
    create(&world.client, &blue_green()).await;
    world.settle().await;
    assert_eq!(of(&world, "active").await, switched());
    let active = services(&world).get("active").await.unwrap();
    assert_eq!(active.metadata.labels.unwrap()["by"], "user");
    assert_eq!(
        world.count("patch", "services", ""),
        3,
        "the user's, the refused one, and the second"
    );
    assert_eq!(world.events().await, ["RolloutResumed"]);
    world.stop().await;
}

/// Longer than a manager must be gone for its Services to be free (decision 48).
async fn a_while(world: &World) {
    tokio::time::sleep(Duration::from_secs(31)).await;
    world.settle().await;
}

async fn delete(world: &World, rollout: &str) {
    let gone = DeleteParams::default();
    rollouts(&world.client).delete(rollout, &gone).await.unwrap();
}

fn foreign(spec: &Value) -> Value {
    let mut foreign = rollout("foreign", spec);
    foreign["metadata"]["labels"] = json!({"argo-rollouts.argoproj.io/controller-instance-id": "other"});
    foreign
}

#[tokio::test(start_paused = true)]
async fn the_services_of_a_deleted_rollout_are_released_after_a_while_and_those_of_others_are_not() {
    let world = World::start_in_virtual_time(switch).await;
    create(&world.client, &foreign(&json!({}))).await;
    create_service(&world, "active", &json!({})).await;
    create_service(&world, "foreign", &json!({MANAGED_BY: "foreign"})).await;
    create_service(&world, "orphan", &json!({MANAGED_BY: "gone"})).await;
    create(&world.client, &blue_green()).await;
    world.settle().await;
    assert_eq!(of(&world, "active").await, switched());
    delete(&world, "a").await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(
        of(&world, "active").await,
        switched(),
        "it may be replaced at this moment"
    );
    a_while(&world).await;
    let released = (json!({"app": "a"}), Value::Null);
    assert_eq!(of(&world, "active").await, released);
    assert_eq!(
        of(&world, "orphan").await,
        released,
        "its rollout went while no controller ran"
    );
    assert_eq!(
        of(&world, "foreign").await.1,
        "foreign",
        "another instance serves that rollout"
    );
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_replaced_keeps_its_services() {
    let world = World::start_in_virtual_time(switch).await;
    create_service(&world, "active", &json!({})).await;
    create(&world.client, &blue_green()).await;
    world.settle().await;
    for _ in 0..3 {
        delete(&world, "a").await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        create(&world.client, &blue_green()).await;
        world.settle().await;
    }
    a_while(&world).await;
    assert_eq!(of(&world, "active").await, switched());
    assert_eq!(world.count("patch", "services", ""), 1, "the first switch");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_of_a_deleted_rollout_that_a_rollout_of_another_instance_names_is_left_to_that() {
    let world = World::start_in_virtual_time(switch).await;
    create(
        &world.client,
        &foreign(&json!({"strategy": {"blueGreen": {"activeService": "active"}}})),
    )
    .await;
    create_service(&world, "active", &json!({MANAGED_BY: "gone"})).await;
    a_while(&world).await;
    assert_eq!(of(&world, "active").await.1, "gone");
    world.stop().await;
}

thread_local! {
    /// What each look knew of the manager of `active`.
    static MANAGER: RefCell<Vec<(bool, bool)>> = const { RefCell::new(Vec::new()) };
}

/// Notes whether the manager of `active` is known to be gone, and whether others name it; looks again each 10 s.
fn note_manager(seen: &Observed, now: Timestamp) -> Plan {
    if let Some(Some(active)) = seen.services.get("active") {
        MANAGER.with_borrow_mut(|all| all.push((active.manager_gone_since.is_some(), active.named_elsewhere)));
    }
    Plan {
        wake: Some(Wake {
            at: now + jiff::SignedDuration::from_secs(10),
            why: WakeReason::InvalidSpecRetry,
        }),
        ..Plan::default()
    }
}

#[tokio::test(start_paused = true)]
async fn decisions_know_whether_the_manager_of_a_service_is_there_and_who_else_names_it() {
    let known = || MANAGER.with_borrow_mut(|all| all.pop()).unwrap();
    let world = World::start_in_virtual_time(note_manager).await;
    create(&world.client, &foreign(&json!({}))).await;
    create_service(&world, "active", &json!({MANAGED_BY: "foreign"})).await;
    create(&world.client, &blue_green()).await;
    a_while(&world).await;
    assert_eq!(known(), (false, false), "another instance serves it");
    delete(&world, "foreign").await;
    a_while(&world).await;
    a_while(&world).await;
    assert_eq!(known(), (true, false));
    create(
        &world.client,
        &foreign(&json!({"strategy": {"canary": {"stableService": "active"}}})),
    )
    .await;
    a_while(&world).await;
    assert_eq!(known(), (false, false), "it is there again");
    let mut third = foreign(&json!({"strategy": {"canary": {"stableService": "active"}}}));
    third["metadata"]["name"] = "third".into();
    create(&world.client, &third).await;
    delete(&world, "foreign").await;
    a_while(&world).await;
    a_while(&world).await;
    assert_eq!(known(), (true, true), "the third names it, too");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_no_longer_named_is_still_seen_while_it_carries_our_name() {
    let world = World::start(switch, &[]).await;
    create_service(&world, "active", &json!({})).await;
    create(&world.client, &blue_green()).await;
    world.settle().await;
    world
        .edit("a", &json!({"spec": {"strategy": {"blueGreen": null, "canary": {}}}}))
        .await;
    world.settle().await;
    assert_eq!(seen().last().unwrap(), "active");
    world.stop().await;
}

/// As [`switch`], and takes name and hash off those that the spec names no longer.
fn switch_and_release(seen: &Observed, now: Timestamp) -> Plan {
    let mut plan = switch(seen, now);
    let unnamed = seen.rollout.spec.strategy.blue_green.is_none();
    let released = seen.services.iter().filter(|(_, service)| unnamed && service.is_some());
    plan.actions = released
        .map(|(name, service)| {
            Action::Service(ServicePatch {
                target: Target {
                    name: name.clone(),
                    uid: String::new(),
                    resource_version: service.as_ref().unwrap().resource_version.clone(),
                },
                clear: true,
                ..ServicePatch::default()
            })
        })
        .chain(plan.actions)
        .collect();
    plan
}

#[tokio::test(start_paused = true)]
async fn the_release_of_a_service_stalls_nothing() {
    let world = World::start(switch_and_release, &[]).await;
    create_service(&world, "active", &json!({})).await;
    create(&world.client, &blue_green()).await;
    world.settle().await;
    let canary = json!({"spec": {"strategy": {"blueGreen": null, "canary": {}}}});
    world.edit("a", &canary).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(of(&world, "active").await, (json!({"app": "a"}), Value::Null));
    let looks = seen().len();
    world.edit("a", &json!({"metadata": {"labels": {"n": "x"}}})).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(seen().len(), looks + 1, "it is reconciled at once");
    world.stop().await;
}
