//! The ReplicaSet controller where it makes the work of other controllers hard: it is behind, as kube-controller-manager is.
//! `e2e/tests/e2e/replica_sets.rs` asks the real one the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::StreamExt;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use serin_sandbox::workload::kubelet::{self, KubeletOptions};
use serin_sandbox::workload::replica_set::{self, Options};
use serin_sandbox::{ApiServer, workload};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A cluster of one process, in virtual time.
struct Cluster {
    client: Client,
    _stop: DropGuard,
}

impl Cluster {
    /// With a kubelet, so that pods become ready; without one a test writes what it would say.
    fn start(options: Options, with_kubelet: bool) -> Self {
        let clock = workload::Clock::new();
        let api = ApiServer::with_clock(Arc::new(move || clock.now()));
        let client = api.client();
        let stop = CancellationToken::new();
        tokio::spawn(replica_set::run_with(client.clone(), options, stop.clone()));
        if with_kubelet {
            tokio::spawn(kubelet::run(client.clone(), KubeletOptions::sandbox(), stop.clone()));
        }
        Self {
            client,
            _stop: stop.drop_guard(),
        }
    }

    fn sets(&self) -> Api<ReplicaSet> {
        Api::namespaced(self.client.clone(), "default")
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), "default")
    }

    async fn create(&self, replicas: i32) {
        let set = json!({
            "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}},
            },
        });
        let set = serde_json::from_value(set).unwrap();
        self.sets().create(&PostParams::default(), &set).await.unwrap();
        sleep(Duration::from_secs(10)).await;
    }

    async fn scale(&self, replicas: i32) {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.sets().patch("web", &PatchParams::default(), &patch).await.unwrap();
    }

    /// The names of the pods that are there and stay.
    async fn staying(&self) -> BTreeSet<String> {
        let pods = self.pods().list(&ListParams::default()).await.unwrap().items;
        let stays = |pod: &&Pod| pod.metadata.deletion_timestamp.is_none();
        pods.iter().filter(stays).map(ResourceExt::name_any).collect()
    }

    async fn patch_pod(&self, name: &str, patch: Value) {
        let patch = Patch::Merge(patch);
        self.pods().patch(name, &PatchParams::default(), &patch).await.unwrap();
    }
}

/// Generation, observedGeneration, spec.replicas, replicas and availableReplicas.
fn figures(set: &ReplicaSet) -> [i64; 5] {
    let (spec, status) = (set.spec.clone(), set.status.clone().unwrap_or_default());
    [
        set.metadata.generation.unwrap_or(0),
        status.observed_generation.unwrap_or(0),
        spec.replicas.unwrap_or(0).into(),
        status.replicas.into(),
        status.available_replicas.unwrap_or(0).into(),
    ]
}

/// The figures after each change from now on, until there is none for a while.
async fn changes(cluster: &Cluster, change: impl Future<Output = ()>) -> Vec<[i64; 5]> {
    let from = cluster.sets().get("web").await.unwrap().resource_version().unwrap();
    change.await;
    sleep(Duration::from_secs(5)).await;
    let params = WatchParams::default().timeout(1);
    let mut events = cluster.sets().watch(&params, &from).await.unwrap().boxed();
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        if let WatchEvent::Modified(set) = event.unwrap() {
            seen.push(figures(&set));
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn a_status_counts_the_pods_of_before_the_deletion() {
    let cluster = Cluster::start(Options::kubernetes(), true);
    cluster.create(2).await;
    let seen = changes(&cluster, cluster.scale(1)).await;
    // The spec; a status that is current and counts both; the truth.
    assert_eq!(seen, [[2, 1, 1, 2, 2], [2, 2, 1, 2, 2], [2, 2, 1, 1, 1]]);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_written_while_deletions_are_unseen() {
    let cluster = Cluster::start(Options::kubernetes(), true);
    cluster.create(5).await;
    let seen = changes(&cluster, async {
        cluster.scale(3).await;
        sleep(Duration::from_millis(5)).await;
        // Two pods are terminating; the controller has not seen it, and calls five available and the spec observed.
        cluster.scale(5).await;
        sleep(Duration::from_millis(5)).await;
        assert_eq!(cluster.staying().await.len(), 3);
        assert_eq!(figures(&cluster.sets().get("web").await.unwrap()), [3, 3, 5, 5, 5]);
    })
    .await;
    assert_eq!(*seen.last().unwrap(), [3, 3, 5, 5, 5], "{seen:?}");
    assert!(seen.contains(&[3, 3, 5, 3, 3]), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_somebody_else_deleted_a_moment_ago_still_counts() {
    let cluster = Cluster::start(Options::kubernetes(), true);
    cluster.create(1).await;
    let old = cluster.staying().await.pop_first().unwrap();
    cluster.scale(2).await;
    sleep(Duration::from_secs(10)).await;
    // Somebody restarts: the old pod goes, and the size goes back. The controller does not know that the old one goes, and
    // deletes the younger one: nothing is left.
    cluster.pods().delete(&old, &DeleteParams::default()).await.unwrap();
    cluster.scale(1).await;
    sleep(Duration::from_millis(5)).await;
    assert_eq!(cluster.staying().await, BTreeSet::new());
    sleep(Duration::from_secs(10)).await;
    assert_eq!(cluster.staying().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_step_it_knows_what_it_did() {
    let cluster = Cluster::start(Options::in_step(), true);
    cluster.create(2).await;
    let mut seen = changes(&cluster, cluster.scale(1)).await;
    seen.dedup(); // the deleted pod is counted as terminating for a moment
    assert_eq!(seen, [[2, 1, 1, 2, 2], [2, 2, 1, 1, 1]]);
}

#[tokio::test(start_paused = true)]
async fn pods_are_released_and_adopted_by_their_labels() {
    for options in [Options::kubernetes(), Options::in_step()] {
        let cluster = Cluster::start(options, false);
        cluster.create(2).await;
        let mut first = cluster.staying().await;
        let stray = first.pop_first().unwrap();
        cluster
            .patch_pod(&stray, json!({"metadata": {"labels": {"app": "else"}}}))
            .await;
        sleep(Duration::from_secs(1)).await;
        let released = cluster.pods().get(&stray).await.unwrap();
        assert_eq!(released.owner_references(), [], "{options:?}");
        assert_eq!(cluster.staying().await.len(), 3, "one was made in its place");
        cluster
            .patch_pod(&stray, json!({"metadata": {"labels": {"app": "web"}}}))
            .await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(cluster.staying().await.len(), 2, "{options:?}");
        let owned = cluster.pods().list(&ListParams::default()).await.unwrap().items;
        assert!(owned.iter().all(|it| it.owner_references().len() == 1), "{options:?}");
    }
}
