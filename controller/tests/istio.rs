//! Istio in another cluster than the rollouts: one in-memory API server for each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use k8s_openapi::api::core::v1::{Secret, Service};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};
use serin_controller::{IstioCluster, install_tls, istio_cluster};
use serin_sandbox::{ApiError, ApiServer, FaultResponse};
use support::{World, create, define, serve, server, web};

fn virtual_services(client: &Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("networking.istio.io", "v1alpha3", "VirtualService");
    Api::namespaced_with(client.clone(), "default", &ApiResource::from_gvk(&kind))
}

fn destination(service: &str, weight: i32) -> Value {
    json!({"destination": {"host": service}, "weight": weight})
}

/// An API server with a VirtualService, and nothing else.
async fn primary() -> ApiServer {
    let api = ApiServer::new();
    let client = api.client();
    define(
        &client,
        "networking.istio.io",
        "v1alpha3",
        "VirtualService",
        "virtualservices",
    )
    .await;
    let route = json!({"name": "main", "route": [destination("stable", 100), destination("canary", 0)]});
    let mesh = json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "VirtualService",
        "metadata": {"name": "mesh"}, "spec": {"hosts": ["a.example"], "http": [route]}});
    let mesh = serde_json::from_value(mesh).unwrap();
    virtual_services(&client)
        .create(&PostParams::default(), &mesh)
        .await
        .unwrap();
    api
}

fn meshed(image: &str) -> Value {
    let mut rollout = web(
        4,
        &json!({"canary": {"canaryService": "canary", "stableService": "stable",
            "trafficRouting": {"istio": {"virtualService": {"name": "mesh"}}},
            "steps": [{"setWeight": 25}, {"pause": {}}]}}),
    );
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    rollout
}

async fn services(client: &Client) {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    for name in ["canary", "stable"] {
        let service =
            json!({"metadata": {"name": name}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
        let service = serde_json::from_value(service).unwrap();
        services.create(&PostParams::default(), &service).await.unwrap();
    }
}

async fn route(client: &Client) -> Value {
    let mesh = virtual_services(client).get("mesh").await.unwrap();
    mesh.data["spec"]["http"][0]["route"].clone()
}

/// Contract 07 §1, "Multi-primary".
#[tokio::test(start_paused = true)]
async fn weights_are_written_and_mended_in_the_primary_cluster() {
    let mesh = primary().await;
    let world = World::start_with_istio(IstioCluster::Primary(mesh.client())).await;
    services(&world.client).await;
    create(&world.client, &meshed("app:1")).await;
    serve(&world, 8).await;
    world.edit("web", &meshed("app:2")).await;
    serve(&world, 8).await;
    assert_eq!(world.rollout("web").await["status"]["phase"], "Paused");
    let expected = json!([destination("stable", 75), destination("canary", 25)]);
    assert_eq!(route(&mesh.client()).await, expected);
    // The watch of that cluster tells of an edit.
    let edit =
        json!({"spec": {"http": [{"name": "main", "route": [destination("stable", 40), destination("canary", 60)]}]}});
    virtual_services(&mesh.client())
        .patch("mesh", &PatchParams::default(), &Patch::Merge(&edit))
        .await
        .unwrap();
    serve(&world, 8).await;
    assert_eq!(route(&mesh.client()).await, expected);
    let asked = world.api.requests();
    let here = asked.iter().filter(|one| one.request.resource == "virtualservices");
    assert_eq!(here.count(), 0, "nobody asks for them in the cluster of the rollouts");
    world.stop().await;
}

/// Nothing is written to the wrong cluster, and a rollout without Istio goes on.
#[tokio::test(start_paused = true)]
async fn a_secret_that_leads_nowhere_holds_rollouts_with_istio_only() {
    let why = "Secret argo-rollouts/mesh: data.mesh: this is not a kubeconfig";
    let world = World::start_with_istio(IstioCluster::Unusable(why.to_owned())).await;
    services(&world.client).await;
    create(&world.client, &meshed("app:1")).await;
    let mut other = web(1, &json!({"canary": {}}));
    other["metadata"]["name"] = "other".into();
    create(&world.client, &other).await;
    serve(&world, 20).await;
    let status = world.rollout("web").await["status"].clone();
    let conditions = status["conditions"].as_array().unwrap().clone();
    let found = conditions.iter().find(|one| one["type"] == "TrafficNotRouted").unwrap();
    assert_eq!(found["message"], format!("VirtualService default/mesh: {why}"));
    assert_eq!(world.rollout("other").await["status"]["phase"], "Healthy");
    world.stop().await;
}

async fn secret(client: &Client, name: &str, text: &str) {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "argo-rollouts");
    let labels = json!({"istio.argoproj.io/primary-cluster": "true"});
    let secret = json!({"metadata": {"name": name, "labels": labels}, "stringData": {"mesh": text}});
    let secret = serde_json::from_value(secret).unwrap();
    secrets.create(&PostParams::default(), &secret).await.unwrap();
}

fn says(found: &IstioCluster) -> String {
    match found {
        IstioCluster::Own => "own".to_owned(),
        IstioCluster::Primary(_) => "primary".to_owned(),
        IstioCluster::Unusable(why) => why.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_found_by_its_label_in_the_namespace_of_the_controller() {
    install_tls();
    let api = server().await;
    let client = api.client();
    let find = async || says(&istio_cluster(&client, "argo-rollouts").await.unwrap());
    assert_eq!(find().await, "own");
    let kubeconfig = "{current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], \
        clusters: [{name: c, cluster: {server: 'https://mesh.example'}}], users: [{name: u, user: {token: t}}]}";
    secret(&client, "b", kubeconfig).await;
    assert_eq!(find().await, "primary");
    secret(&client, "a", "what?").await;
    assert_eq!(
        find().await,
        "Secret argo-rollouts/a and Secret argo-rollouts/b have the label istio.argoproj.io/primary-cluster, and there can be \
         one primary cluster: delete one of them, and restart the controller"
    );
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "argo-rollouts");
    secrets.delete("b", &Default::default()).await.unwrap();
    assert_eq!(
        find().await,
        "Secret argo-rollouts/a, label istio.argoproj.io/primary-cluster: data.mesh: this is not a kubeconfig; mend it, and \
         restart the controller"
    );
    // Without the Role it is the own cluster, as in Argo Rollouts.
    api.intercept(Box::new(|request| {
        let secrets = request.resource == "secrets";
        secrets.then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "no")))
    }));
    assert_eq!(find().await, "own");
    // One that does not answer is asked again, and at last the start fails by name.
    api.intercept(Box::new(|request| {
        let secrets = request.resource == "secrets";
        secrets.then(|| FaultResponse::Refuse(ApiError::new(503, "ServiceUnavailable", "starting")))
    }));
    let error = istio_cluster(&client, "argo-rollouts").await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot list the Secrets of namespace argo-rollouts: starting"
    );
}
