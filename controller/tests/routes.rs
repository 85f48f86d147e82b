//! Objects of traffic routers: followed, asked for live, created, patched and mended, against the in-memory API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};
use serin_controller::Options;
use serin_sandbox::{ApiError, FaultResponse};
use std::time::Duration;
use support::{World, create, cut_watch, serve, web};

/// The Ingress of the canary.
const CANARY: &str = "web-main-canary";

fn ingresses(world: &World) -> Api<Ingress> {
    Api::namespaced(world.client.clone(), "default")
}

/// Four pods, a quarter of the traffic for the canary, and a pause.
fn routed(image: &str) -> Value {
    let mut rollout = web(
        4,
        &json!({"canary": {
            "canaryService": "canary", "stableService": "stable",
            "trafficRouting": {"nginx": {"stableIngress": "main"}},
            "steps": [{"setWeight": 25}, {"pause": {}}],
        }}),
    );
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    rollout
}

/// A rollout without routers.
fn other() -> Value {
    let mut other = web(1, &json!({"canary": {}}));
    other["metadata"]["name"] = "other".into();
    other
}

async fn create_services(world: &World) {
    let services: Api<Service> = Api::namespaced(world.client.clone(), "default");
    for name in ["canary", "stable"] {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
        let service = serde_json::from_value(service).unwrap();
        services.create(&PostParams::default(), &service).await.unwrap();
    }
}

async fn create_ingress(world: &World) {
    let backend = json!({"service": {"name": "stable", "port": {"number": 80}}});
    let rule =
        json!({"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "main"},
        "spec": {"ingressClassName": "nginx", "rules": [rule]}});
    let ingress = serde_json::from_value(ingress).unwrap();
    ingresses(world).create(&PostParams::default(), &ingress).await.unwrap();
}

/// The annotation of the canary's Ingress; null where there is none.
async fn weight(world: &World) -> Value {
    let found = ingresses(world).get_opt(CANARY).await.unwrap();
    let found = serde_json::to_value(found).unwrap();
    found["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"].clone()
}

async fn condition(world: &World, name: &str, kind: &str) -> Option<Value> {
    let rollout = world.rollout(name).await;
    let mut conditions = rollout["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|found| found["type"] == kind).cloned()
}

fn message(condition: Option<&Value>) -> String {
    condition.map_or(String::new(), |found| found["message"].as_str().unwrap().to_owned())
}

async fn phase(world: &World, name: &str) -> Value {
    world.rollout(name).await["status"]["phase"].clone()
}

/// A rollout of two revisions, paused at a quarter of the traffic.
async fn paused_at_a_quarter(options: Options) -> World {
    let world = World::start_in_virtual_time_with(serin_core::decide, options).await;
    create_services(&world).await;
    create_ingress(&world).await;
    create(&world.client, &routed("app:1")).await;
    serve(&world, 8).await;
    assert_eq!(phase(&world, "web").await, "Healthy");
    assert_eq!(weight(&world).await, "0");
    world.edit("web", &routed("app:2")).await;
    serve(&world, 8).await;
    assert_eq!(
        phase(&world, "web").await,
        "Paused",
        "{:#}",
        world.rollout("web").await["status"]
    );
    assert_eq!(weight(&world).await, "25");
    world
}

#[tokio::test(start_paused = true)]
async fn a_canary_ingress_is_created_owned_and_patched_at_the_weight() {
    let world = paused_at_a_quarter(Options::default()).await;
    let ingress = ingresses(&world).get(CANARY).await.unwrap();
    let owner = &ingress.metadata.owner_references.unwrap()[0];
    assert_eq!((owner.kind.as_str(), owner.name.as_str()), ("Rollout", "web"));
    assert_eq!(owner.controller, Some(true));
    assert_eq!(ingress.spec.unwrap().ingress_class_name.unwrap(), "nginx");
    assert_eq!(world.count("create", "ingresses", ""), 2, "the user's, and ours");
    assert_eq!(world.count("patch", "ingresses", ""), 1);
    assert_eq!(world.count("watch", "ingresses", ""), 1);
    let weights = &world.rollout("web").await["status"]["canary"]["weights"];
    assert_eq!(weights["canary"]["weight"], 25);
    assert_eq!(weights["stable"]["weight"], 75);
    // At rest nothing is written, and nothing asked.
    let before = world.api.requests().len();
    tokio::time::sleep(Duration::from_secs(120)).await;
    let asked: Vec<_> = world.api.requests().split_off(before);
    let about_routes = asked
        .iter()
        .filter(|one| one.request.resource == "ingresses" && one.request.verb != "watch");
    assert_eq!(about_routes.count(), 0, "{asked:?}");
    world.stop().await;
}

/// Contract 11 B9.
#[tokio::test(start_paused = true)]
async fn a_deleted_canary_ingress_is_made_again_and_an_edited_weight_is_mended() {
    let world = paused_at_a_quarter(Options::default()).await;
    ingresses(&world)
        .delete(CANARY, &DeleteParams::default())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(weight(&world).await, "25");
    assert_eq!(world.count("create", "ingresses", ""), 3);
    for by_hand in ["80", "3", "many"] {
        let annotations = json!({"nginx.ingress.kubernetes.io/canary-weight": by_hand, "mine": by_hand});
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        ingresses(&world)
            .patch(CANARY, &PatchParams::default(), &patch)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert_eq!(weight(&world).await, "25", "{by_hand}");
        let ingress = ingresses(&world).get(CANARY).await.unwrap();
        assert_eq!(ingress.metadata.annotations.unwrap()["mine"], by_hand);
    }
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_late_ingress_is_missing_and_then_noticed_at_once() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create_services(&world).await;
    create(&world.client, &routed("app:1")).await;
    world.settle().await;
    let invalid = condition(&world, "web", "InvalidSpec").await;
    let text = message(invalid.as_ref());
    assert!(text.contains("ingress.networking.k8s.io \"main\" not found"), "{text}");
    create_ingress(&world).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(condition(&world, "web", "InvalidSpec").await, None);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_watch_objects_are_asked_for_live() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create_services(&world).await;
    create_ingress(&world).await;
    cut_watch(&world.api, "ingresses");
    create(&world.client, &routed("app:1")).await;
    // Its own writes are read live, too, after a wait for the watch.
    for _ in 0..4 {
        serve(&world, 8).await;
    }
    assert_eq!(phase(&world, "web").await, "Healthy");
    assert_eq!(weight(&world).await, "0");
    world.stop().await;
}

/// A rollout whose kind is not served waits; the others go on; the kind is looked for again.
#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_is_a_missing_object() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create_services(&world).await;
    create_ingress(&world).await;
    world.api.intercept(Box::new(|request| {
        let text = "404 page not found";
        (request.resource == "ingresses").then(|| FaultResponse::Refuse(ApiError::new(404, "", text)))
    }));
    create(&world.client, &routed("app:1")).await;
    create(&world.client, &other()).await;
    serve(&world, 8).await;
    let text = message(condition(&world, "web", "InvalidSpec").await.as_ref());
    assert!(text.contains("ingress.networking.k8s.io \"main\" not found"), "{text}");
    assert_eq!(phase(&world, "other").await, "Healthy");
    let lists = world.count("list", "ingresses", "");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let more = world.count("list", "ingresses", "") - lists;
    assert!((1..=3).contains(&more), "{more}");
    world.api.clear_intercept();
    for _ in 0..5 {
        serve(&world, 8).await;
    }
    assert_eq!(condition(&world, "web", "InvalidSpec").await, None);
    assert_eq!(weight(&world).await, "0");
    world.stop().await;
}

/// The CRD of Istio's VirtualService.
fn virtual_services() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "virtualservices.networking.istio.io"},
        "spec": {"group": "networking.istio.io", "scope": "Namespaced",
            "names": {"kind": "VirtualService", "listKind": "VirtualServiceList", "plural": "virtualservices",
                "singular": "virtualservice"},
            "versions": [{"name": "v1alpha3", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

async fn create_any(world: &World, group: &str, version: &str, object: Value) {
    let kind = object["kind"].as_str().unwrap();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let api: Api<DynamicObject> = if kind == "CustomResourceDefinition" {
        Api::all_with(world.client.clone(), &resource)
    } else {
        Api::namespaced_with(world.client.clone(), "default", &resource)
    };
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

/// Without its CRD a VirtualService is one that is missing; with it the rollout goes on by itself.
#[tokio::test(start_paused = true)]
async fn a_custom_kind_is_followed_once_its_crd_is_there() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create_services(&world).await;
    let mut meshed = routed("app:1");
    meshed["metadata"]["name"] = "meshed".into();
    let istio = json!({"istio": {"virtualService": {"name": "mesh", "routes": ["main"]}}});
    meshed["spec"]["strategy"]["canary"]["trafficRouting"] = istio;
    create(&world.client, &meshed).await;
    create(&world.client, &other()).await;
    serve(&world, 8).await;
    let text = message(condition(&world, "meshed", "InvalidSpec").await.as_ref());
    assert!(
        text.contains("virtualservices.networking.istio.io \"mesh\" not found"),
        "{text}"
    );
    assert_eq!(phase(&world, "other").await, "Healthy");
    create_any(&world, "apiextensions.k8s.io", "v1", virtual_services()).await;
    let destination = |service: &str, weight: i32| json!({"destination": {"host": service}, "weight": weight});
    let route = json!({"name": "main", "route": [destination("stable", 60), destination("canary", 40)]});
    let mesh = json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "VirtualService",
        "metadata": {"name": "mesh"}, "spec": {"hosts": ["a.example"], "http": [route]}});
    create_any(&world, "networking.istio.io", "v1alpha3", mesh).await;
    for _ in 0..6 {
        serve(&world, 8).await;
    }
    assert_eq!(condition(&world, "meshed", "InvalidSpec").await, None);
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
        "networking.istio.io",
        "v1alpha3",
        "VirtualService",
    ));
    let api: Api<DynamicObject> = Api::namespaced_with(world.client.clone(), "default", &resource);
    let mesh = api.get("mesh").await.unwrap();
    let expected = json!([destination("stable", 100), destination("canary", 0)]);
    assert_eq!(mesh.data["spec"]["http"][0]["route"], expected);
    world.stop().await;
}

/// Nothing moves, the condition names the permission, and the rest goes on.
#[tokio::test(start_paused = true)]
async fn a_kind_that_may_not_be_read_is_told_by_a_condition() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create_services(&world).await;
    create_ingress(&world).await;
    world.api.intercept(Box::new(|request| {
        let text = "ingresses.networking.k8s.io is forbidden: User \"x\" may not";
        let of_controller = request.resource == "ingresses" && request.verb != "create";
        of_controller.then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", text)))
    }));
    create(&world.client, &routed("app:1")).await;
    create(&world.client, &other()).await;
    serve(&world, 8).await;
    let found = condition(&world, "web", "TrafficNotRouted").await;
    let text = message(found.as_ref());
    let expected = "Ingress default/main: the controller may not list ingresses.networking.k8s.io: ingresses.";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(phase(&world, "other").await, "Healthy");
    world.api.clear_intercept();
    for _ in 0..5 {
        serve(&world, 8).await;
    }
    assert_eq!(condition(&world, "web", "TrafficNotRouted").await, None);
    assert_eq!(phase(&world, "web").await, "Healthy");
    world.stop().await;
}

/// A refused write names the object.
#[tokio::test(start_paused = true)]
async fn a_refused_write_names_the_object() {
    let world = World::start_in_virtual_time(serin_core::decide).await;
    create_services(&world).await;
    create_ingress(&world).await;
    world.api.intercept(Box::new(|request| {
        let ours = request.resource == "ingresses" && request.verb == "create";
        ours.then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "you may not")))
    }));
    create(&world.client, &routed("app:1")).await;
    for _ in 0..4 {
        serve(&world, 8).await;
    }
    let text = message(condition(&world, "web", "Refused").await.as_ref());
    assert!(
        text.starts_with("Could not create router object Ingress/web-main-canary: you may not"),
        "{text}"
    );
    world.api.clear_intercept();
    for _ in 0..8 {
        serve(&world, 8).await;
    }
    assert_eq!(weight(&world).await, "0");
    world.stop().await;
}

/// What nobody reads is not kept.
#[tokio::test(start_paused = true)]
async fn only_what_a_rollout_reads_is_kept() {
    let world = paused_at_a_quarter(Options::default()).await;
    let held = |text: &str, what: &str| {
        let start = format!("serin_entries{{of=\"{what}\"}} ");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(start.as_str()).map(str::to_owned));
        line.unwrap()
    };
    let text = world.scrape().await;
    assert_eq!([held(&text, "routes"), held(&text, "route_indexes")], ["2", "3"]);
    support::rollouts(&world.client)
        .delete("web", &DeleteParams::default())
        .await
        .unwrap();
    world.settle().await;
    let text = world.scrape().await;
    assert_eq!([held(&text, "routes"), held(&text, "route_indexes")], ["0", "0"]);
    world.stop().await;
}
