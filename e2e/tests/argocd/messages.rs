//! A message that changes while the health stays the same (argocd.md's "Messages that arrive").

use crate::stage::{Health, Stage};
use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use kube::api::PostParams;
use serde_json::json;
use serin_core::wire;
use serin_e2e::world::Wishes;
use std::time::Duration;

/// A rollout whose Services are nobody's: they come by hand, and only its status tells of it.
const ROLLOUT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web}]}
  strategy:
    canary: {stableService: first, canaryService: second, steps: [{setWeight: 50}]}
";

async fn message(stage: &Stage<'_>) -> Result<String> {
    let rollout = stage.object("Rollout", "web").await?;
    Ok(rollout["status"]["message"].as_str().unwrap_or_default().to_owned())
}

/// Degraded for want of one Service, and then, with the same health, for want of the other: both messages.
async fn another_message(stage: &Stage<'_>) -> Result<[String; 2]> {
    stage.git.write("overlays/prod/rollout.yaml", ROLLOUT)?;
    let overlay = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [rollout.yaml]\n";
    stage.git.write("overlays/prod/kustomization.yaml", overlay)?;
    stage.git.commit("a rollout without its Services").await?;
    stage.create_app(json!({}), json!({})).await?;
    stage.sync().await?;
    stage
        .until_so("a message", |it: &String| !it.is_empty(), || message(stage))
        .await?;
    let first = message(stage).await?;
    stage
        .until_health("Rollout", "web", Health::new("Degraded", &first))
        .await?;
    let missing = ["first", "second"]
        .into_iter()
        .find(|it| first.contains(&format!("\"{it}\"")));
    let missing = missing.with_context(|| format!("no Service is missed: {first}"))?;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": missing},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    let services = stage.objects("v1", "Service");
    services
        .create(&PostParams::default(), &serde_json::from_value(service)?)
        .await?;
    stage
        .until_so("another message", |it: &String| *it != first, || message(stage))
        .await?;
    let second = message(stage).await?;
    let phase = stage.object("Rollout", "web").await?["status"]["phase"].clone();
    ensure!(phase == "Degraded", "not the same health: {phase} {second}");
    Ok([first, second])
}

/// As Argo CD ships: a change of the status alone is no news, so the tree keeps the old text.
pub(crate) async fn a_changed_message_is_not_seen(stage: &mut Stage<'_>) -> Result<()> {
    let [first, _] = another_message(stage).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let seen = stage.health("Rollout", "web").await?;
    ensure!(seen == Some(Health::new("Degraded", &first)), "it is seen: {seen:?}");
    Ok(())
}

/// With `--announce-messages`.
pub(crate) fn announced() -> Wishes {
    let mut wishes = Wishes::default();
    wishes.controller.announce_messages = true;
    wishes
}

/// With the controller's flag an annotation changes, too, and the text arrives.
pub(crate) async fn with_the_flag_a_changed_message_arrives(stage: &mut Stage<'_>) -> Result<()> {
    let [_, second] = another_message(stage).await?;
    stage
        .until_health("Rollout", "web", Health::new("Degraded", &second))
        .await?;
    let rollout = stage.objects("argoproj.io/v1alpha1", "Rollout").get("web").await?;
    let annotation = rollout.annotations().get(wire::MESSAGE_CHANGED_AT);
    ensure!(annotation.is_some(), "no annotation");
    stage.until_state("Synced/Degraded").await?;
    Ok(())
}
