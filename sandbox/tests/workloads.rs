//! Built-in types: defaults, strategic merge, owner deletion, grace periods, eviction.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Api;
use kube::api::PropagationPolicy;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use serin_sandbox::ApiServer;
use support::{code, config_map, pod, refusal, replica_set};

#[tokio::test]
async fn a_replica_set_is_defaulted_and_checked() {
    let api = ApiServer::new();
    let sets: Api<ReplicaSet> = Api::namespaced(api.client(), "default");
    let made = sets.create(&PostParams::default(), &replica_set("a")).await.unwrap();
    let spec = made.spec;
    assert_eq!(
        (spec.replicas, made.metadata.generation, made.status.unwrap().replicas),
        (Some(1), Some(1), 0)
    );
    let template = serde_json::to_value(spec.template.unwrap().spec.unwrap()).unwrap();
    assert_eq!(
        template,
        json!({
            "containers": [{
                "name": "main", "image": "app:1", "imagePullPolicy": "IfNotPresent", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }],
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
            "securityContext": {}, "terminationGracePeriodSeconds": 30,
        })
    );
    let mut other = replica_set("b");
    other.spec.selector.match_labels = Some([("app".to_owned(), "c".to_owned())].into());
    let status = refusal(sets.create(&PostParams::default(), &other).await);
    assert_eq!(
        status.message,
        "ReplicaSet.apps \"b\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"b\"}: `selector` does \
         not match template `labels`"
    );
    let scale = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
    let scaled = sets.patch_scale("a", &PatchParams::default(), &scale).await.unwrap();
    assert_eq!(scaled.status.unwrap().selector.as_deref(), Some("app=a"));
    assert_eq!(sets.get("a").await.unwrap().metadata.generation, Some(2));
    let selector = Patch::Merge(json!({ "spec": { "selector": { "matchLabels": { "x": "y" } } } }));
    assert_eq!(code(sets.patch("a", &PatchParams::default(), &selector).await), 422);
    let status = Patch::Merge(json!({ "spec": { "replicas": 9 }, "status": { "replicas": 3 } }));
    let written = sets.patch_status("a", &PatchParams::default(), &status).await.unwrap();
    assert_eq!((written.spec.replicas, written.metadata.generation), (Some(3), Some(2)));
}

#[tokio::test]
async fn strategic_merge_knows_list_keys() {
    let api = ApiServer::new();
    let sets: Api<ReplicaSet> = Api::namespaced(api.client(), "default");
    let mut set = replica_set("a");
    set.metadata.finalizers = Some(vec!["example.com/a".to_owned()]);
    sets.create(&PostParams::default(), &set).await.unwrap();
    let containers = |list: serde_json::Value| json!({ "spec": { "template": { "spec": { "containers": list } } } });
    let add = containers(
        json!([{ "name": "side", "image": "side:1" }, { "name": "main", "env": [{ "name": "A", "value": "1" }] }]),
    );
    let patched = sets
        .patch("a", &PatchParams::default(), &Patch::Strategic(add))
        .await
        .unwrap();
    let spec = serde_json::to_value(patched.spec.template.unwrap().spec.unwrap()).unwrap();
    assert_eq!(
        (&spec["containers"][0]["image"], &spec["containers"][1]["name"]),
        (&json!("app:1"), &json!("side"))
    );
    assert_eq!(spec["containers"][0]["env"], json!([{ "name": "A", "value": "1" }]));
    let remove = containers(json!([{ "name": "side", "$patch": "delete" }]));
    let patched = sets
        .patch("a", &PatchParams::default(), &Patch::Strategic(remove))
        .await
        .unwrap();
    assert_eq!(patched.spec.template.unwrap().spec.unwrap().containers.len(), 1);
    let finalizers = json!({ "metadata": { "finalizers": ["example.com/b"], "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } });
    let patched = sets
        .patch("a", &PatchParams::default(), &Patch::Strategic(finalizers))
        .await
        .unwrap();
    assert_eq!(patched.metadata.finalizers, Some(vec!["example.com/b".to_owned()]));
}

/// An owner with a dependent of its own.
async fn family(api: &ApiServer) -> (Api<ReplicaSet>, Api<Pod>) {
    let sets: Api<ReplicaSet> = Api::namespaced(api.client(), "default");
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    let owner = sets
        .create(&PostParams::default(), &replica_set("owner"))
        .await
        .unwrap();
    let mut child = pod("child");
    child.metadata.owner_references = Some(vec![
        serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "owner", "uid": owner.metadata.uid,
            "controller": true, "blockOwnerDeletion": true,
        }))
        .unwrap(),
    ]);
    pods.create(&PostParams::default(), &child).await.unwrap();
    (sets, pods)
}

#[tokio::test]
async fn dependents_go_with_their_owner() {
    let (sets, pods) = family(&ApiServer::new()).await;
    sets.delete("owner", &DeleteParams::background())
        .await
        .unwrap()
        .right()
        .expect("gone at once");
    assert!(pods.get_opt("child").await.unwrap().is_none());
}

#[tokio::test]
async fn orphans_stay_behind() {
    let (sets, pods) = family(&ApiServer::new()).await;
    let orphan = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    sets.delete("owner", &orphan).await.unwrap();
    assert!(sets.get_opt("owner").await.unwrap().is_none());
    assert_eq!(pods.get("child").await.unwrap().metadata.owner_references, None);
}

#[tokio::test]
async fn in_the_foreground_the_owner_waits_for_its_dependents() {
    let (sets, pods) = family(&ApiServer::new()).await;
    let hold = Patch::Merge(json!({ "metadata": { "finalizers": ["example.com/hold"] } }));
    pods.patch("child", &PatchParams::default(), &hold).await.unwrap();
    let owner = sets
        .delete("owner", &DeleteParams::foreground())
        .await
        .unwrap()
        .left()
        .expect("still there");
    assert_eq!(owner.metadata.finalizers, Some(vec!["foregroundDeletion".to_owned()]));
    assert_eq!(owner.metadata.generation, Some(2), "being deleted counts");
    assert!(pods.get("child").await.unwrap().metadata.deletion_timestamp.is_some());
    let more = Patch::Merge(json!({ "metadata": { "finalizers": ["example.com/hold", "example.com/more"] } }));
    assert_eq!(code(pods.patch("child", &PatchParams::default(), &more).await), 422);
    let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    pods.patch("child", &PatchParams::default(), &release).await.unwrap();
    assert!(pods.get_opt("child").await.unwrap().is_none());
    assert!(sets.get_opt("owner").await.unwrap().is_none());
}

#[tokio::test]
async fn a_dependent_of_nobody_is_collected() {
    let api = ApiServer::new();
    let maps: Api<ConfigMap> = Api::namespaced(api.client(), "default");
    let mut map = config_map("a", "1");
    map.metadata.owner_references = Some(vec![
        serde_json::from_value(json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": "gone" }))
            .unwrap(),
    ]);
    maps.create(&PostParams::default(), &map).await.unwrap();
    assert!(maps.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn a_pod_on_a_node_gets_time_to_stop() {
    let api = ApiServer::new();
    api.set_clock(Arc::new(|| "2030-01-01T00:00:00Z".parse().unwrap()));
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    pods.create(&PostParams::default(), &pod("unbound")).await.unwrap();
    pods.delete("unbound", &DeleteParams::default()).await.unwrap();
    assert!(pods.get_opt("unbound").await.unwrap().is_none());

    pods.create(&PostParams::default(), &pod("bound")).await.unwrap();
    let binding = json!({ "metadata": { "name": "bound" }, "target": { "kind": "Node", "name": "node" } });
    let _: serde_json::Value = pods
        .create_subresource("binding", "bound", &PostParams::default(), &binding)
        .await
        .unwrap();
    pods.delete("bound", &DeleteParams::default()).await.unwrap();
    let metadata = pods.get("bound").await.unwrap().metadata;
    assert_eq!(
        metadata.creation_timestamp.unwrap().0.to_string(),
        "2030-01-01T00:00:00Z"
    );
    assert_eq!(
        metadata.deletion_timestamp.unwrap().0.to_string(),
        "2030-01-01T00:00:30Z"
    );
    assert_eq!(metadata.deletion_grace_period_seconds, Some(30));
    pods.delete("bound", &DeleteParams::default().grace_period(0))
        .await
        .unwrap();
    assert!(pods.get_opt("bound").await.unwrap().is_none());
}

#[tokio::test]
async fn preconditions_of_a_deletion() {
    let api = ApiServer::new();
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    let made = pods.create(&PostParams::default(), &pod("a")).await.unwrap();
    let with = |uid: &str| DeleteParams {
        preconditions: Some(kube::api::Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    };
    assert_eq!(code(pods.delete("a", &with("other")).await), 409);
    pods.delete("a", &with(&made.metadata.uid.unwrap())).await.unwrap();
}

#[tokio::test]
async fn an_eviction_respects_the_budget() {
    let api = ApiServer::new();
    let pods: Api<Pod> = Api::namespaced(api.client(), "default");
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(api.client(), "default");
    let budget = json!({ "metadata": { "name": "b" }, "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "x" } } } });
    budgets
        .create(&PostParams::default(), &serde_json::from_value(budget).unwrap())
        .await
        .unwrap();
    for name in ["a", "b"] {
        let mut one = pod(name);
        one.metadata.labels = Some([("app".to_owned(), "x".to_owned())].into());
        pods.create(&PostParams::default(), &one).await.unwrap();
        let ready = Patch::Merge(
            json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } }),
        );
        pods.patch_status(name, &PatchParams::default(), &ready).await.unwrap();
    }
    let evict = async |name: &str| {
        let body = json!({ "metadata": { "name": name } });
        pods.create_subresource::<_, serde_json::Value>("eviction", name, &PostParams::default(), &body)
            .await
    };
    evict("a").await.unwrap();
    let status = refusal(evict("b").await);
    assert_eq!((status.code, status.reason.as_str()), (429, "TooManyRequests"));
    assert_eq!(
        status.message,
        "Cannot evict pod as it would violate the pod's disruption budget."
    );
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn services_get_an_address_that_stays() {
    let api = ApiServer::new();
    let services: Api<Service> = Api::namespaced(api.client(), "default");
    let service =
        json!({ "metadata": { "name": "s" }, "spec": { "selector": { "app": "x" }, "ports": [{ "port": 80 }] } });
    let made = services
        .create(&PostParams::default(), &serde_json::from_value(service).unwrap())
        .await
        .unwrap()
        .spec
        .unwrap();
    assert_eq!(made.ports.unwrap()[0].protocol.as_deref(), Some("TCP"));
    let selector = Patch::Merge(json!({ "spec": { "selector": { "app": "y" } } }));
    let patched = services
        .patch("s", &PatchParams::default(), &selector)
        .await
        .unwrap()
        .spec
        .unwrap();
    assert!(made.cluster_ip.is_some());
    assert_eq!(patched.cluster_ip, made.cluster_ip);
}
