//! The sandbox's ReplicaSet controller does what kube-controller-manager does (contract 11 F1 and F2): each scenario holds on both.

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use serin_e2e::World;
use serin_e2e::view::is_ready;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);
const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// A ReplicaSet without a Rollout.
struct Set {
    sets: Api<ReplicaSet>,
    pods: Api<Pod>,
}

impl Set {
    async fn create(world: &World, replicas: i32) -> Result<Self> {
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "plain"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "plain"}},
                "template": {"metadata": {"labels": {"app": "plain"}}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}}}});
        let sets: Api<ReplicaSet> = Api::namespaced(world.client(), world.namespace());
        sets.create(&PostParams::default(), &serde_json::from_value(set)?)
            .await?;
        let pods = Api::namespaced(world.client(), world.namespace());
        let made = Self { sets, pods };
        made.names(usize::try_from(replicas)?, is_ready).await?;
        made.available(replicas).await?;
        Ok(made)
    }

    async fn patch(&self, spec: Value) -> Result<ReplicaSet> {
        let patch = Patch::Strategic(json!({"spec": spec}));
        Ok(self.sets.patch("plain", &PatchParams::default(), &patch).await?)
    }

    /// Sets the deletion cost of a pod.
    async fn cost(&self, pod: &str, cost: &str) -> Result<()> {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {COST: cost}}}));
        self.pods.patch(pod, &PatchParams::default(), &patch).await?;
        // The controller acts on a cache that is a little behind.
        sleep(Duration::from_millis(500)).await;
        Ok(())
    }

    /// Waits until so many pods live, all of them as wanted; their names.
    async fn names(&self, count: usize, is_wanted: impl Fn(&Pod) -> bool) -> Result<BTreeSet<String>> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut pods = self.pods.list(&ListParams::default()).await?.items;
            pods.retain(|it| it.metadata.deletion_timestamp.is_none());
            if pods.len() == count && pods.iter().all(&is_wanted) {
                return Ok(pods.iter().map(ResourceExt::name_any).collect());
            }
            ensure!(Instant::now() < end, "{} pods and not {count}", pods.len());
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn available(&self, count: i32) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.sets.get("plain").await?.status.unwrap_or_default();
            if status.available_replicas == Some(count) && status.replicas == count {
                return Ok(());
            }
            ensure!(Instant::now() < end, "{status:?} and not {count} available pods");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Scales it; the statuses that are written for the new size, until it has as many available pods.
    async fn statuses_of_scaling(&self, to: i32) -> Result<Vec<ReplicaSetStatus>> {
        let before = self.sets.get("plain").await?.resource_version().unwrap_or_default();
        let generation = self.patch(json!({"replicas": to})).await?.metadata.generation;
        let selected = WatchParams::default().fields("metadata.name=plain");
        let mut events = Box::pin(self.sets.watch(&selected, &before).await?);
        let mut seen = Vec::new();
        let all = async {
            while let Some(event) = events.try_next().await? {
                let WatchEvent::Modified(set) = event else { continue };
                let status = set.status.unwrap_or_default();
                if status.observed_generation != generation {
                    continue;
                }
                let is_last = (status.replicas, status.available_replicas) == (to, Some(to));
                seen.push(status);
                if is_last {
                    return Ok(());
                }
            }
            Err(anyhow::anyhow!("the watch ended"))
        };
        timeout(PATIENCE, all).await.context("the size is never reached")??;
        Ok(seen)
    }
}

fn claims(status: &ReplicaSetStatus) -> [Option<i32>; 3] {
    [Some(status.replicas), status.ready_replicas, status.available_replicas]
}

/// The first status of a new size is that of the pods before anything was created or deleted.
pub(crate) async fn a_status_is_that_of_the_pods_before(world: &mut World) -> Result<()> {
    let set = Set::create(world, 4).await?;
    for (from, to) in [(4, 1), (1, 3)] {
        let all = set.statuses_of_scaling(to).await?;
        let claimed: Vec<_> = all.iter().map(claims).collect();
        ensure!(
            claimed.first() == Some(&[Some(from); 3]),
            "from {from} to {to} the statuses were {claimed:?}"
        );
    }
    Ok(())
}

/// Pods that are not ready go first, then cheap ones, then the youngest.
pub(crate) async fn the_least_useful_pods_are_deleted(world: &mut World) -> Result<()> {
    let set = Set::create(world, 3).await?;
    let names = Vec::from_iter(set.names(3, is_ready).await?);
    let [cheap, dear, plain] = names.as_slice() else {
        anyhow::bail!("three pods are wanted: {names:?}")
    };
    set.cost(cheap, "-5").await?;
    set.cost(dear, "10").await?;
    set.patch(json!({"replicas": 2})).await?;
    let left = set.names(2, is_ready).await?;
    ensure!(
        left == BTreeSet::from([dear.clone(), plain.clone()]),
        "the cheap pod goes first: {left:?}"
    );
    set.patch(json!({"replicas": 1})).await?;
    let left = set.names(1, is_ready).await?;
    ensure!(left == BTreeSet::from([dear.clone()]), "the dear pod stays: {left:?}");

    // Pods that never become ready go before any ready one, whatever it costs.
    let image = |image: &str| json!({"spec": {"containers": [{"name": "main", "image": image}]}});
    set.cost(dear, "-100").await?;
    set.patch(json!({"replicas": 3, "template": image("does-not-exist:1")}))
        .await?;
    set.names(3, |_| true).await?;
    set.patch(json!({"replicas": 1, "template": image("app:1")})).await?;
    let left = set.names(1, |_| true).await?;
    ensure!(left == BTreeSet::from([dear.clone()]), "the ready pod stays: {left:?}");

    // Of ready pods that cost the same, the youngest goes.
    set.cost(dear, "0").await?;
    sleep(Duration::from_secs(10)).await;
    set.patch(json!({"replicas": 2})).await?;
    set.names(2, is_ready).await?;
    set.available(2).await?;
    set.patch(json!({"replicas": 1})).await?;
    let left = set.names(1, is_ready).await?;
    ensure!(left == BTreeSet::from([dear.clone()]), "the older pod stays: {left:?}");
    Ok(())
}
