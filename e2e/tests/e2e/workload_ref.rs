//! Contract 05 §5: a Deployment moves over to a rollout, and back, and at no moment are fewer pods available than it has
//! replicas. The pods themselves are counted at every change.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use serin_core::api::Rollout;
use serin_e2e::World;
use serin_e2e::availability::Availability;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FOUR: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 4
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web, scaleDown: progressively}
  strategy:
    canary: {maxSurge: 1, maxUnavailable: 0, steps: [{setWeight: 25}, {pause: {}}]}
";

/// How long a part of the way may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn deployments(world: &World) -> Api<Deployment> {
    Api::namespaced(world.client(), world.namespace())
}

async fn deploy(world: &World) -> Result<()> {
    let labels = json!({"app": "web"});
    let template =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "app:1"}]}});
    let object = json!({"metadata": {"name": "web"},
        "spec": {"replicas": 4, "selector": {"matchLabels": labels}, "template": template}});
    let object = serde_json::from_value(object)?;
    deployments(world).create(&PostParams::default(), &object).await?;
    counts(world, 4).await
}

/// The Deployment has, and wants, so many available pods.
async fn counts(world: &World, pods: i32) -> Result<()> {
    let began = Instant::now();
    loop {
        let seen = deployments(world).get("web").await?;
        let status = seen
            .status
            .as_ref()
            .map(|status| (status.replicas, status.available_replicas));
        let (current, available) = status.unwrap_or_default();
        let counted = (seen.spec.replicas, current.unwrap_or(0), available.unwrap_or(0));
        if counted == (Some(pods), pods, pods) {
            return Ok(());
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "the Deployment has {counted:?}, and not {pods}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

async fn edit_deployment(world: &World, change: Value) -> Result<()> {
    let (params, change) = (PatchParams::default(), Patch::Merge(change));
    deployments(world)
        .patch("web", &params, &change)
        .await
        .context("patch the Deployment")?;
    Ok(())
}

async fn at_least_four(seen: &Availability) -> Result<()> {
    let least = seen.least().await?;
    ensure!(
        least.count >= 4,
        "{} pods were available, and not 4:{}",
        least.count,
        least.pods
    );
    Ok(())
}

pub(crate) async fn a_deployment_moves_over_and_back_without_losing_a_pod(world: &mut World) -> Result<()> {
    deploy(world).await?;
    let seen = Availability::watch(world).await?;
    world.given().rollout(FOUR).then().healthy().ready_pods(1, 4).await?;
    counts(world, 0).await?;
    at_least_four(&seen).await?;
    // An edit of the Deployment is the update; the Deployment stays at 0.
    let template = json!({"spec": {"template": {"metadata": {"annotations": {"version": "2"}}}}});
    edit_deployment(world, template).await?;
    world
        .then()
        .phase("Paused")
        .ready_pods(2, 1)
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .await?;
    counts(world, 0).await?;
    // The way back.
    let released = json!({"spec": {"workloadRef": {"scaleDown": "never"}}});
    world.when().edit(released).then().healthy().await?;
    edit_deployment(world, json!({"spec": {"replicas": 4}})).await?;
    counts(world, 4).await?;
    world
        .then()
        .condition("DoubleCapacity", "True", "DoubleCapacity")
        .await?;
    let rollouts: Api<Rollout> = Api::namespaced(world.client(), world.namespace());
    rollouts.delete("web", &DeleteParams::default()).await?;
    sleep(Duration::from_secs(5)).await;
    counts(world, 4).await?;
    at_least_four(&seen).await
}

/// Who deletes the rollout first has an outage, and then the pods of the Deployment.
pub(crate) async fn a_deleted_rollout_gives_the_deployment_its_pods_back(world: &mut World) -> Result<()> {
    deploy(world).await?;
    world.given().rollout(FOUR).then().healthy().ready_pods(1, 4).await?;
    counts(world, 0).await?;
    let rollouts: Api<Rollout> = Api::namespaced(world.client(), world.namespace());
    rollouts.delete("web", &DeleteParams::default()).await?;
    counts(world, 4).await
}
