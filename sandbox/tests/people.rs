//! What kubectl needs beyond what `kube` needs: tables, discovery in one piece, field ownership, Deployments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};
use serin_sandbox::ApiServer;
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use serin_sandbox::workload::{deployment, replica_set};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

async fn get(client: &Client, path: &str, accept: &str) -> Value {
    let request = http::Request::get(path)
        .header("accept", accept)
        .body(Body::empty())
        .unwrap();
    let response = client.send(request).await.unwrap();
    serde_json::from_slice(&response.into_body().collect_bytes().await.unwrap()).unwrap()
}

fn maps(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), "default")
}

async fn apply(client: &Client, manager: &str, data: Value, force: bool) -> kube::Result<ConfigMap> {
    let params = PatchParams {
        force,
        ..PatchParams::apply(manager)
    };
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": data });
    maps(client).patch("a", &params, &Patch::Apply(config)).await
}

#[tokio::test]
async fn tables_have_columns_and_rows() {
    let client = ApiServer::new().client();
    apply(&client, "me", json!({ "x": "1" }), false).await.unwrap();
    let path = "/api/v1/namespaces/default/configmaps";
    let table = get(
        &client,
        path,
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    )
    .await;
    assert_eq!(table["kind"], "Table");
    let names: Vec<&str> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Name", "Data", "Age"]);
    assert_eq!(table["rows"][0]["cells"][0], "a");
    assert_eq!(table["rows"][0]["cells"][1], "1");
    assert_eq!(table["rows"][0]["object"]["metadata"]["namespace"], "default");
}

#[tokio::test]
async fn discovery_and_schemas_in_one_piece() {
    let client = ApiServer::new().client();
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let groups = get(&client, "/apis", accept).await;
    assert_eq!(groups["kind"], "APIGroupDiscoveryList");
    let apps = groups["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["metadata"]["name"] == "apps")
        .unwrap();
    assert_eq!(apps["versions"][0]["resources"][0]["resource"], "deployments");
    assert_eq!(
        apps["versions"][0]["resources"][0]["subresources"][1]["subresource"],
        "scale"
    );
    let index = get(&client, "/openapi/v3", "application/json").await;
    let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    let document = get(&client, url, "application/json").await;
    assert!(document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"].is_object());
}

#[tokio::test]
async fn fields_have_owners_and_leave_with_the_last() {
    let client = ApiServer::new().client();
    apply(&client, "one", json!({ "x": "1", "y": "1" }), false)
        .await
        .unwrap();
    let Err(kube::Error::Api(status)) = apply(&client, "two", json!({ "x": "2" }), false).await else {
        panic!("two must not have it");
    };
    assert_eq!(
        (status.code, status.message.as_str()),
        (409, "Apply failed with 1 conflict: conflict with \"one\": .data.x")
    );
    // The same value is no conflict: it belongs to both.
    apply(&client, "three", json!({ "y": "1" }), false).await.unwrap();
    apply(&client, "two", json!({ "x": "2" }), true).await.unwrap();
    let left = apply(&client, "one", json!({}), false).await.unwrap();
    assert_eq!(json!(left.data), json!({ "x": "2", "y": "1" }));
    let left = apply(&client, "three", json!({}), false).await.unwrap();
    assert_eq!(json!(left.data), json!({ "x": "2" }));
    // A write that is no apply takes what it changes.
    let params = PatchParams {
        field_manager: Some("hand".to_owned()),
        ..PatchParams::default()
    };
    maps(&client)
        .patch("a", &params, &Patch::Merge(json!({ "data": { "x": "3" } })))
        .await
        .unwrap();
    let Err(kube::Error::Api(status)) = apply(&client, "two", json!({ "x": "2" }), false).await else {
        panic!("the hand's value must stay");
    };
    assert_eq!(
        status.message,
        "Apply failed with 1 conflict: conflict with \"hand\" using v1: .data.x"
    );
    let before = maps(&client).get("a").await.unwrap().metadata.resource_version;
    let same = apply(&client, "two", json!({ "x": "3" }), false).await.unwrap();
    assert_ne!(same.metadata.resource_version, before);
    let again = apply(&client, "two", json!({ "x": "3" }), false).await.unwrap();
    assert_eq!(again.metadata.resource_version, same.metadata.resource_version);
}

#[tokio::test]
async fn objects_are_tracked_only_when_told_to() {
    let api = ApiServer::new();
    let client = api.client();
    let plain: ConfigMap =
        serde_json::from_value(json!({ "metadata": { "name": "a" }, "data": { "x": "1" } })).unwrap();
    let made = maps(&client).create(&PostParams::default(), &plain).await.unwrap();
    assert!(made.metadata.managed_fields.is_none());
    let Err(kube::Error::Api(status)) = apply(&client, "me", json!({ "x": "2" }), false).await else {
        panic!("somebody had it before");
    };
    assert!(status.message.contains("before-first-apply"), "{}", status.message);
    maps(&client)
        .delete("a", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    api.track_fields(true);
    let made = maps(&client).create(&PostParams::default(), &plain).await.unwrap();
    let entries = json!(made.metadata.managed_fields);
    assert_eq!(entries[0]["fieldsV1"], json!({ "f:data": { ".": {}, "f:x": {} } }));
}

/// Pods wanted by all ReplicaSets, and pods available.
async fn available(sets: &Api<ReplicaSet>) -> (i32, i32) {
    let all = sets.list(&ListParams::default()).await.unwrap().items;
    let wanted = all.iter().filter_map(|set| set.spec.replicas).sum();
    (
        wanted,
        all.iter()
            .filter_map(|set| set.status.as_ref()?.available_replicas)
            .sum(),
    )
}

#[tokio::test]
async fn a_deployment_rolls_out_within_its_bounds() {
    let api = ApiServer::new();
    let (client, stop) = (api.client(), CancellationToken::new());
    tokio::spawn(deployment::run(client.clone(), stop.clone()));
    tokio::spawn(replica_set::run(client.clone(), stop.clone()));
    let options = KubeletOptions {
        ready_after: Duration::from_millis(300),
        ..KubeletOptions::sandbox()
    };
    tokio::spawn(kubelet::run(client.clone(), options, stop.clone()));
    let deployments = Api::<Deployment>::namespaced(client.clone(), "default");
    let sets = Api::<ReplicaSet>::namespaced(client.clone(), "default");
    let shop = serde_json::from_value(json!({
        "metadata": { "name": "shop" },
        "spec": {
            "replicas": 4, "selector": { "matchLabels": { "app": "shop" } },
            "strategy": { "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
            "template": { "metadata": { "labels": { "app": "shop" } }, "spec": { "containers": [{ "name": "m", "image": "a:1" }] } },
        },
    }))
    .unwrap();
    deployments.create(&PostParams::default(), &shop).await.unwrap();
    while available(&sets).await.1 < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let image = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "m", "image": "a:2" }] } } } });
    deployments
        .patch("shop", &PatchParams::default(), &Patch::Strategic(image))
        .await
        .unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let (wanted, ready) = available(&sets).await;
        assert!(wanted <= 5 && ready >= 4, "{wanted} wanted, {ready} available");
        let now = deployments.get("shop").await.unwrap();
        let status = now.status.unwrap_or_default();
        if status.observed_generation == Some(2) && status.updated_replicas == Some(4) && status.replicas == Some(4) {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "not rolled out: {status:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let done = deployments.get("shop").await.unwrap();
    let status = done.status.unwrap();
    assert_eq!(
        (
            status.updated_replicas,
            status.available_replicas,
            status.unavailable_replicas
        ),
        (Some(4), Some(4), None)
    );
    assert_eq!(
        done.metadata.annotations.unwrap()["deployment.kubernetes.io/revision"],
        "2"
    );
    assert_eq!(done.metadata.generation, Some(2));
    stop.cancel();
}
