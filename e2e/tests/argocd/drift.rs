//! What differs from Git, and what Argo CD makes of it (docs/argocd-sync.md).

use crate::argo::ADMIN;
use crate::stage::{ROLLOUT, Stage};
use anyhow::{Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use std::time::Duration;

/// After an abort Git and the spec are equal: self-heal leaves the rollout alone, and a sync by hand, too.
pub(crate) async fn self_heal_leaves_an_abort_alone(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(ROLLOUT, &[]).await?;
    stage
        .create_app(json!({"automated": {"selfHeal": true, "prune": true}}), json!({}))
        .await?;
    stage.until_state("Synced/Healthy").await?;
    stage.world.rollout_is("web");
    stage.commit_tag(1, 2).await?;
    stage.refresh().await?;
    stage.until_state("Synced/Suspended").await?;
    let words = ["app", "actions", "run", &stage.app, "abort", "--kind", "Rollout"];
    stage.argo.cli(ADMIN, &words).await?;
    stage.until_state("Synced/Degraded").await?;
    let before = stage.application().await?["status"]["operationState"]["startedAt"].clone();
    // Longer than the first two tries of self-heal (2 s, 6 s).
    stage.world.then().stays("Degraded", Duration::from_secs(10)).await?;
    stage.refresh().await?;
    stage.world.then().stays("Degraded", Duration::from_secs(2)).await?;
    let after = stage.application().await?["status"]["operationState"]["startedAt"].clone();
    ensure!(before == after, "there was an operation at {after}");
    stage.sync().await?;
    stage.world.then().stays("Degraded", Duration::from_secs(2)).await?;
    // What ends it is another commit.
    stage.commit_tag(2, 1).await?;
    stage.refresh().await?;
    stage.until_state("Synced/Healthy").await?;
    Ok(())
}

/// An image that somebody sets in the cluster is taken back.
pub(crate) async fn self_heal_undoes_an_image_set_by_hand(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(ROLLOUT, &[]).await?;
    stage
        .create_app(json!({"automated": {"selfHeal": true}}), json!({}))
        .await?;
    stage.until_state("Synced/Healthy").await?;
    stage.world.rollout_is("web");
    stage.world.when().set_image("registry.example/web:9").await?;
    let image = || async {
        let rollout = stage.object("Rollout", "web").await?;
        Ok(rollout["spec"]["template"]["spec"]["containers"][0]["image"].clone())
    };
    stage
        .until("the image of Git", json!("registry.example/web:1"), image)
        .await?;
    // The first template again, as the third revision.
    stage.world.then().healthy().ready_pods(3, 2).await?;
    stage.until_state("Synced/Healthy").await?;
    Ok(())
}

/// What ignores the replicas that an autoscaler chooses.
fn ignore_replicas() -> Value {
    json!({"ignoreDifferences": [{"group": "argoproj.io", "kind": "Rollout", "jsonPointers": ["/spec/replicas"]}]})
}

/// An application whose rollout is scaled in the cluster, and then gets another image by Git; replicas and image after the sync.
async fn scaled_and_synced_again(stage: &mut Stage<'_>, rollout: &str, options: Value) -> Result<(Value, Value)> {
    stage.commit_base(rollout, &[]).await?;
    stage
        .create_app(json!({"syncOptions": options}), ignore_replicas())
        .await?;
    stage.sync().await?;
    stage.world.rollout_is("web");
    stage.world.then().healthy().await?;
    stage.world.when().scale(3).then().healthy().ready_pods(1, 3).await?;
    stage.until_state("Synced/Healthy").await?;
    stage.commit_tag(1, 2).await?;
    stage.sync().await?;
    let mut rollout = stage.object("Rollout", "web").await?;
    let image = rollout["spec"]["template"]["spec"]["containers"][0]["image"].take();
    Ok((rollout["spec"]["replicas"].take(), image))
}

/// A rule that hides the replicas does not keep a sync from writing them.
pub(crate) async fn ignored_replicas_are_written_by_a_sync(stage: &mut Stage<'_>) -> Result<()> {
    let seen = scaled_and_synced_again(stage, ROLLOUT, json!([])).await?;
    ensure!(seen == (json!(2), json!("registry.example/web:2")), "{seen:?}");
    Ok(())
}

/// Argo CD's way to keep what is ignored.
fn respecting() -> Value {
    json!(["RespectIgnoreDifferences=true"])
}

/// `RespectIgnoreDifferences` keeps the replicas, and freezes the containers of every Rollout: Argo CD compares a pod template as
/// a typed one, in which each container has `resources`; where the live object has none, the whole array counts as "ignored".
pub(crate) async fn respected_differences_freeze_containers(stage: &mut Stage<'_>) -> Result<()> {
    let seen = scaled_and_synced_again(stage, ROLLOUT, respecting()).await?;
    ensure!(seen == (json!(3), json!("registry.example/web:1")), "{seen:?}");
    let state = stage.state().await?;
    ensure!(state == "OutOfSync/Healthy", "the application is {state}");
    Ok(())
}

/// With the empty `resources` in Git nothing is frozen.
pub(crate) async fn respected_replicas_stay(stage: &mut Stage<'_>) -> Result<()> {
    let rollout = ROLLOUT.replace("registry.example/web}", "registry.example/web, resources: {}}");
    let seen = scaled_and_synced_again(stage, &rollout, respecting()).await?;
    ensure!(seen == (json!(3), json!("registry.example/web:2")), "{seen:?}");
    Ok(())
}

/// Without the typed comparison (our controller writes no template, so it is not needed) nothing is frozen either.
pub(crate) async fn untyped_templates_are_not_frozen(stage: &mut Stage<'_>) -> Result<()> {
    let mut settings = stage.argo.hooks.settings();
    let key = "resource.customizations.knownTypeFields.argoproj.io_Rollout";
    settings.insert(key.to_owned(), "- {field: spec.none, type: core/v1/PodSpec}\n".into());
    stage.argo.set_settings(&settings).await?;
    let seen = scaled_and_synced_again(stage, ROLLOUT, respecting()).await;
    stage.argo.set_settings(&stage.argo.hooks.settings()).await?;
    let seen = seen?;
    ensure!(seen == (json!(3), json!("registry.example/web:2")), "{seen:?}");
    Ok(())
}

const ROUTES: &str = "\
apiVersion: example.serin.dev/v1
kind: Route
metadata: {name: web}
spec:
  hosts: [web.example]
  http:
  - {name: primary, timeout: 1s, route: [{host: web-stable, weight: 100}, {host: web-canary, weight: 0}]}
";

/// A sync after the controller has moved weights and Git another field beside them; the fields of Git that arrived.
async fn weights_moved_and_git_edited(stage: &Stage<'_>, options: Value) -> Result<(Value, Value)> {
    stage.commit_base(ROLLOUT, &[("routes.yaml", ROUTES)]).await?;
    let ignore = json!({"ignoreDifferences": [{"group": "example.serin.dev", "kind": "Route",
        "jqPathExpressions": [".spec.http[].route[].weight"]}]});
    stage.create_app(json!({"syncOptions": options}), ignore).await?;
    stage.sync().await?;
    let routes = stage.objects("example.serin.dev/v1", "Route");
    let mut http = routes.get("web").await?.data["spec"]["http"].clone();
    http[0]["route"][0]["weight"] = json!(80);
    http[0]["route"][1]["weight"] = json!(20);
    let patch = Patch::Merge(json!({"spec": {"http": http}}));
    routes.patch("web", &PatchParams::default(), &patch).await?;
    stage
        .until("ignored", "Synced".to_owned(), || async {
            Ok(stage.state().await?.split('/').next().unwrap_or_default().to_owned())
        })
        .await?;
    stage.git.replace("base/routes.yaml", "timeout: 1s", "timeout: 2s")?;
    stage
        .git
        .replace("base/routes.yaml", "[web.example]", "[web.example, www.example]")?;
    stage.git.commit("another timeout, another host").await?;
    stage.sync().await?;
    let spec = routes.get("web").await?.data["spec"].clone();
    Ok((spec["hosts"].clone(), spec["http"][0].clone()))
}

/// With an ignored weight and `RespectIgnoreDifferences` a whole array of routes is frozen: Git's edit in it never arrives.
pub(crate) async fn respected_weights_freeze_their_array(stage: &mut Stage<'_>) -> Result<()> {
    let (hosts, route) = weights_moved_and_git_edited(stage, respecting()).await?;
    ensure!(
        hosts == json!(["web.example", "www.example"]),
        "outside the array: {hosts}"
    );
    ensure!(route["timeout"] == "1s", "the array is not frozen: {route}");
    stage
        .until_so(
            "still OutOfSync",
            |it: &String| it.starts_with("OutOfSync"),
            || stage.state(),
        )
        .await?;
    let phase = stage.application().await?["status"]["operationState"]["phase"].clone();
    ensure!(phase == "Succeeded", "the operation: {phase}");
    Ok(())
}

/// Without it Git's edit arrives, and Git's weights with it: the controller has to set its own again.
pub(crate) async fn ignored_weights_are_written_with_their_array(stage: &mut Stage<'_>) -> Result<()> {
    let (_, route) = weights_moved_and_git_edited(stage, json!([])).await?;
    ensure!(route["timeout"] == "2s", "Git's edit did not arrive: {route}");
    ensure!(route["route"][0]["weight"] == 100, "the weights: {route}");
    Ok(())
}
