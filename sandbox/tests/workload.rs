//! The ReplicaSet controller and the fake kubelet together on the in-memory API, as a client of it sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use serin_sandbox::workload::replica_set;
use serin_sandbox::{ApiError, ApiServer, FaultResponse};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A cluster of one process; its workers end with it.
struct Cluster {
    api: ApiServer,
    client: Client,
    _stop: DropGuard,
}

impl Cluster {
    fn start(options: KubeletOptions) -> Self {
        let api = ApiServer::new();
        let client = api.client();
        let stop = CancellationToken::new();
        tokio::spawn(replica_set::run(client.clone(), stop.clone()));
        tokio::spawn(kubelet::run(client.clone(), options, stop.clone()));
        Self {
            api,
            client,
            _stop: stop.drop_guard(),
        }
    }

    fn sets(&self) -> Api<ReplicaSet> {
        Api::namespaced(self.client.clone(), "default")
    }

    async fn create(&self, replicas: i32, container: Value) {
        let set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
            },
        });
        self.sets()
            .create(&PostParams::default(), &serde_json::from_value(set).unwrap())
            .await
            .unwrap();
    }

    async fn scale(&self, replicas: i32) {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.sets().patch("web", &PatchParams::default(), &patch).await.unwrap();
    }

    async fn pods(&self) -> Vec<Pod> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), "default");
        pods.list(&ListParams::default()).await.unwrap().items
    }

    /// Waits until the set's status has `wanted` in it.
    async fn reach(&self, wanted: &Value) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let status = serde_json::to_value(self.sets().get("web").await.unwrap().status).unwrap();
            if wanted
                .as_object()
                .unwrap()
                .iter()
                .all(|(key, value)| &status[key] == value)
            {
                return;
            }
            assert!(Instant::now() < until, "wanted {wanted}, got {status}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn plain() -> Value {
    json!({"name": "c", "image": "nginx"})
}

fn quick() -> KubeletOptions {
    KubeletOptions {
        ready_after: Duration::from_millis(300),
        ..KubeletOptions::sandbox()
    }
}

#[tokio::test]
async fn pods_come_get_ready_after_their_delay_and_go() {
    let cluster = Cluster::start(quick());
    let began = Instant::now();
    cluster.create(3, plain()).await;
    cluster.reach(&json!({"replicas": 3, "readyReplicas": null})).await;
    cluster
        .reach(&json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "fullyLabeledReplicas": 3}))
        .await;
    assert!(
        began.elapsed() >= Duration::from_millis(300),
        "ready after {:?}",
        began.elapsed()
    );
    let names: Vec<_> = cluster
        .pods()
        .await
        .into_iter()
        .filter_map(|it| it.metadata.name)
        .collect();
    assert!(names.iter().all(|it| it.starts_with("web-")), "{names:?}");

    cluster.scale(1).await;
    cluster
        .reach(&json!({"replicas": 1, "readyReplicas": 1, "observedGeneration": 2}))
        .await;
    assert_eq!(
        cluster
            .pods()
            .await
            .iter()
            .filter(|it| it.metadata.deletion_timestamp.is_none())
            .count(),
        1
    );
}

#[tokio::test]
async fn a_lost_pod_is_replaced() {
    let cluster = Cluster::start(KubeletOptions {
        ready_after: Duration::ZERO,
        ..quick()
    });
    cluster.create(2, plain()).await;
    cluster.reach(&json!({"readyReplicas": 2})).await;
    let lost = cluster.pods().await[0].metadata.clone();
    let pods = Api::<Pod>::namespaced(cluster.client.clone(), "default");
    pods.delete(lost.name.as_deref().unwrap(), &DeleteParams::default())
        .await
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while cluster
        .pods()
        .await
        .iter()
        .filter(|it| it.metadata.uid != lost.uid)
        .count()
        < 2
    {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cluster.reach(&json!({"replicas": 2, "readyReplicas": 2})).await;
}

#[tokio::test]
async fn a_pod_that_never_gets_ready_goes_first() {
    let cluster = Cluster::start(KubeletOptions {
        ready_after: Duration::ZERO,
        ..quick()
    });
    cluster.create(1, plain()).await;
    cluster.reach(&json!({"readyReplicas": 1})).await;
    let kept = cluster.pods().await[0].metadata.uid.clone();
    let broken = json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "image": "does-not-exist"}]}}}});
    cluster
        .sets()
        .patch("web", &PatchParams::default(), &Patch::Merge(broken))
        .await
        .unwrap();
    cluster.reach(&json!({"replicas": 2, "readyReplicas": 1})).await;
    cluster.scale(1).await;
    cluster.reach(&json!({"replicas": 1, "readyReplicas": 1})).await;
    assert_eq!(
        cluster
            .pods()
            .await
            .iter()
            .find(|it| it.metadata.deletion_timestamp.is_none())
            .unwrap()
            .metadata
            .uid,
        kept
    );
}

#[tokio::test]
async fn a_refused_pod_shows_as_a_condition_and_is_tried_again() {
    let cluster = Cluster::start(quick());
    let refuse = |verb: &str, resource: &str| verb == "create" && resource == "pods";
    let refusal = || FaultResponse::Refuse(ApiError::new(403, "Forbidden", "exceeded quota"));
    cluster
        .api
        .intercept(Box::new(move |it| refuse(&it.verb, &it.resource).then(refusal)));
    cluster.create(1, plain()).await;
    let until = Instant::now() + Duration::from_secs(10);
    let condition = loop {
        let status = cluster.sets().get("web").await.unwrap().status.unwrap_or_default();
        if let Some(condition) = status.conditions.into_iter().flatten().next() {
            break condition;
        }
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(
        (condition.type_.as_deref(), condition.reason.as_deref()),
        (Some("ReplicaFailure"), Some("FailedCreate"))
    );
    assert_eq!(condition.message.as_deref(), Some("exceeded quota"));
    cluster.api.clear_intercept();
    cluster.reach(&json!({"readyReplicas": 1})).await;
}

#[tokio::test]
async fn nothing_is_written_at_rest_and_a_watch_that_breaks_is_no_event() {
    let cluster = Cluster::start(KubeletOptions {
        ready_after: Duration::ZERO,
        ..quick()
    });
    cluster.create(3, plain()).await;
    cluster
        .reach(&json!({"readyReplicas": 3, "availableReplicas": 3}))
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let writes = || cluster.api.requests().iter().filter(|it| it.is_write()).count();
    let before = writes();
    cluster.api.compact();
    cluster.api.disconnect_watches();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(writes(), before);
    cluster.scale(5).await;
    cluster.reach(&json!({"readyReplicas": 5})).await;
}
