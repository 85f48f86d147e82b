//! Waves, hooks, waiting and pruning around a rollout that takes its time (docs/argocd-sync.md, one claim after the other).

use crate::argo::ADMIN;
use crate::stage::{ROLLOUT, Stage};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use serin_core::hooks::{self, Pause};
use serin_lua::generate::{Options, argocd_cm};
use std::time::{Duration, Instant};

const LATER: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: later, annotations: {argocd.argoproj.io/sync-wave: \"1\"}}
data: {version: \"1\"}
";
/// What an operation says while a rollout takes its time.
const WAITING: &str = "waiting for healthy state of argoproj.io/Rollout/web";

/// Phase and message of the operation, without the end of the message that counts resources.
async fn operation(stage: &Stage<'_>) -> Result<(String, String)> {
    let app = stage.application().await?;
    let state = &app["status"]["operationState"];
    let text = |name: &str| state[name].as_str().unwrap_or_default().to_owned();
    Ok((text("phase"), text("message")))
}

/// Waits until the operation has this phase, and this in its message.
async fn until_operation(stage: &Stage<'_>, phase: &str, message: &str) -> Result<()> {
    let fits = |(now, said): &(String, String)| now == phase && said.contains(message);
    stage
        .until_so(&format!("{phase} {message:?}"), fits, || operation(stage))
        .await?;
    Ok(())
}

async fn begin_sync(stage: &Stage<'_>, more: &[&str]) -> Result<()> {
    let words = [&["app", "sync", stage.app.as_str(), "--async"], more].concat();
    stage.argo.cli(ADMIN, &words).await?;
    Ok(())
}

async fn act(stage: &Stage<'_>, action: &str) -> Result<()> {
    let words = ["app", "actions", "run", &stage.app, action, "--kind", "Rollout"];
    stage.argo.cli(ADMIN, &words).await?;
    Ok(())
}

async fn later(stage: &Stage<'_>) -> Result<Value> {
    let map = stage.objects("v1", "ConfigMap").get("later").await?;
    Ok(map.data["data"]["version"].clone())
}

/// Version 2 of the image and of what comes a wave later.
async fn with_a_later_wave(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(ROLLOUT, &[("later.yaml", LATER)]).await?;
    stage.create_app(json!({}), json!({})).await?;
    stage.sync().await?;
    stage.world.rollout_is("web");
    stage.world.then().healthy().await?;
    stage.git.replace("base/later.yaml", "\"1\"}\n", "\"2\"}\n")?;
    stage.commit_tag(1, 2).await?;
    begin_sync(stage, &[]).await?;
    stage.world.then().phase("Paused").at_step(1).await?;
    until_operation(stage, "Running", WAITING).await
}

/// The second wave is applied after the last pause; actions work while the operation waits.
pub(crate) async fn a_wave_waits_for_the_end_of_a_canary(stage: &mut Stage<'_>) -> Result<()> {
    with_a_later_wave(stage).await?;
    act(stage, "resume").await?;
    stage.world.then().phase("Paused").at_step(3).await?;
    until_operation(stage, "Running", WAITING).await?;
    ensure!(later(stage).await? == "1", "the later wave did not wait");
    act(stage, "resume").await?;
    until_operation(stage, "Succeeded", "").await?;
    ensure!(later(stage).await? == "2", "the later wave was not applied");
    Ok(())
}

/// An abort fails the operation that waits; the next commit can be synced, although the rollout is still Degraded.
pub(crate) async fn an_abort_fails_a_sync_with_waves(stage: &mut Stage<'_>) -> Result<()> {
    with_a_later_wave(stage).await?;
    act(stage, "abort").await?;
    until_operation(
        stage,
        "Failed",
        "one or more synchronization tasks completed unsuccessfully",
    )
    .await?;
    ensure!(later(stage).await? == "1", "the later wave was applied");
    stage.world.then().phase("Degraded").await?;
    stage.commit_tag(2, 3).await?;
    begin_sync(stage, &[]).await?;
    stage.world.then().phase("Paused").at_step(1).await?;
    until_operation(stage, "Running", WAITING).await?;
    act(stage, "promote-full").await?;
    until_operation(stage, "Succeeded", "").await?;
    ensure!(later(stage).await? == "2", "the later wave was not applied");
    Ok(())
}

/// Under automated sync a failed wave is tried again and again, and nothing else can be synced until somebody ends that.
pub(crate) async fn an_abort_is_retried_by_automated_sync(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(ROLLOUT, &[("later.yaml", LATER)]).await?;
    stage.create_app(json!({"automated": {}}), json!({})).await?;
    stage.until_state("Synced/Healthy").await?;
    until_operation(stage, "Succeeded", "").await?;
    stage.world.rollout_is("web");
    stage.git.replace("base/later.yaml", "\"1\"}\n", "\"2\"}\n")?;
    stage.commit_tag(1, 2).await?;
    stage.refresh().await?;
    stage.world.then().phase("Paused").at_step(1).await?;
    until_operation(stage, "Running", WAITING).await?;
    act(stage, "abort").await?;
    until_operation(stage, "Running", "Retrying attempt").await?;
    let (well, text) = stage
        .argo
        .try_cli(ADMIN, &["app", "sync", &stage.app, "--async"])
        .await?;
    ensure!(
        !well && text.contains("another operation is already in progress"),
        "a sync by hand: {text}"
    );
    stage.argo.cli(ADMIN, &["app", "terminate-op", &stage.app]).await?;
    until_operation(stage, "Failed", "").await?;
    stage.commit_tag(2, 1).await?;
    stage.refresh().await?;
    stage.until_state("Synced/Healthy").await?;
    Ok(())
}

/// With the option of our hooks that calls a pause Healthy, the next wave does not wait for it.
pub(crate) async fn a_pause_that_counts_as_healthy_lets_waves_go_on(stage: &mut Stage<'_>) -> Result<()> {
    let options = Options {
        rules: hooks::Options {
            healthy_pauses: vec![Pause::CanaryPauseStep],
            ..hooks::Options::default()
        },
        ..Options::default()
    };
    let settings = argocd_cm(&options);
    let settings = settings
        .into_iter()
        .map(|(key, value)| (key, Value::from(value)))
        .collect();
    stage.argo.set_settings(&settings).await?;
    stage.argo.refresh_all().await?;
    let passed = past_a_pause(stage).await;
    stage.argo.set_settings(&stage.argo.hooks.settings()).await?;
    stage.argo.refresh_all().await?;
    passed
}

async fn past_a_pause(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(ROLLOUT, &[("later.yaml", LATER)]).await?;
    stage.create_app(json!({}), json!({})).await?;
    stage.sync().await?;
    stage.world.rollout_is("web");
    stage.world.then().healthy().await?;
    stage.git.replace("base/later.yaml", "\"1\"}\n", "\"2\"}\n")?;
    stage.commit_tag(1, 2).await?;
    stage.sync().await?;
    ensure!(later(stage).await? == "2", "the later wave was not applied");
    stage.world.then().phase("Paused").at_step(1).await?;
    stage.until_state("Synced/Healthy").await?;
    let health = stage.health("Rollout", "web").await?.context("no health")?;
    ensure!(!health.message.is_empty(), "a pause without a word");
    Ok(())
}

const CHECK: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata:
  name: check
  annotations: {argocd.argoproj.io/hook: PHASE, argocd.argoproj.io/hook-delete-policy: BeforeHookCreation}
spec:
  metrics: [{name: errors, provider: {job: {spec: {template: {spec: {containers: []}}}}}}]
";

/// Writes what an AnalysisRun has come to.
async fn conclude(stage: &Stage<'_>, phase: &str) -> Result<()> {
    let there = || async { stage.object("AnalysisRun", "check").await.map(|_| ()) };
    stage.until("the hook is created", (), there).await?;
    stage.set_status("AnalysisRun", "check", json!({"phase": phase})).await
}

/// A PostSync hook is created after the last pause of a canary; Inconclusive fails the sync.
pub(crate) async fn a_hook_after_the_sync_waits_and_inconclusive_fails(stage: &mut Stage<'_>) -> Result<()> {
    stage
        .commit_base(ROLLOUT, &[("check.yaml", &CHECK.replace("PHASE", "PostSync"))])
        .await?;
    stage.create_app(json!({}), json!({})).await?;
    begin_sync(stage, &[]).await?;
    conclude(stage, "Running").await?;
    until_operation(stage, "Running", "argoproj.io/AnalysisRun/check").await?;
    conclude(stage, "Successful").await?;
    until_operation(stage, "Succeeded", "").await?;
    stage.world.rollout_is("web");
    let first = stage.object("AnalysisRun", "check").await?["metadata"]["uid"].clone();
    stage.commit_tag(1, 2).await?;
    begin_sync(stage, &[]).await?;
    stage.world.then().phase("Paused").at_step(1).await?;
    until_operation(stage, "Running", WAITING).await?;
    let now = stage.object("AnalysisRun", "check").await?["metadata"]["uid"].clone();
    ensure!(first == now, "the hook did not wait for the end of the canary");
    act(stage, "promote-full").await?;
    let fits = |it: &Value| it["metadata"]["uid"] != first;
    stage
        .until_so("a new hook", fits, || stage.object("AnalysisRun", "check"))
        .await?;
    conclude(stage, "Inconclusive").await?;
    until_operation(
        stage,
        "Failed",
        "one or more synchronization tasks completed unsuccessfully",
    )
    .await
}

/// A PreSync hook that fails keeps the new version out.
pub(crate) async fn a_hook_before_the_sync_keeps_a_version_out(stage: &mut Stage<'_>) -> Result<()> {
    stage.synced().await?;
    stage.git.write("base/check.yaml", &CHECK.replace("PHASE", "PreSync"))?;
    stage
        .git
        .replace("base/kustomization.yaml", "services.yaml", "services.yaml, check.yaml")?;
    stage.commit_tag(1, 2).await?;
    begin_sync(stage, &[]).await?;
    conclude(stage, "Failed").await?;
    until_operation(stage, "Failed", "").await?;
    let rollout = stage.object("Rollout", "web").await?;
    let image = &rollout["spec"]["template"]["spec"]["containers"][0]["image"];
    ensure!(image == "registry.example/web:1", "the image is {image}");
    stage.world.then().healthy().ready_pods(1, 2).await
}

/// Health alone is never reached at a pause; with `--suspended` the wait ends there.
pub(crate) async fn waiting_takes_suspended_beside_health(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    let wait = ["app", "wait", &stage.app, "--timeout", "4", "--health"];
    let (well, text) = stage.argo.try_cli(ADMIN, &wait).await?;
    ensure!(!well && text.contains("timed out"), "health alone: {text}");
    let began = Instant::now();
    stage.argo.cli(ADMIN, &[&wait[..], &["--suspended"]].concat()).await?;
    ensure!(began.elapsed() < Duration::from_secs(4), "it waited all the same");
    stage.world.when().promote_full().then().healthy().await?;
    stage.argo.cli(ADMIN, &[&wait[..], &["--suspended"]].concat()).await?;
    Ok(())
}

const TEMPLATES: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: last, annotations: {argocd.argoproj.io/sync-options: PruneLast=true}}
spec:
  metrics: [{name: errors, provider: {job: {spec: {template: {spec: {containers: []}}}}}}]
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: usual}
spec:
  metrics: [{name: errors, provider: {job: {spec: {template: {spec: {containers: []}}}}}}]
";

/// A template that leaves Git with an update stays until the end of it, if it is to be pruned last; others go at once.
pub(crate) async fn templates_are_pruned_last(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(ROLLOUT, &[("templates.yaml", TEMPLATES)]).await?;
    stage.create_app(json!({}), json!({})).await?;
    stage.sync().await?;
    stage.world.rollout_is("web");
    stage.world.then().healthy().await?;
    stage.git.replace("base/kustomization.yaml", ", templates.yaml", "")?;
    stage.commit_tag(1, 2).await?;
    begin_sync(stage, &["--prune"]).await?;
    stage.world.then().phase("Paused").at_step(1).await?;
    until_operation(stage, "Running", WAITING).await?;
    // An object is gone a moment after it was pruned: the garbage collector looks for what it owns.
    stage
        .until("during the update", vec!["last".to_owned()], || templates(stage))
        .await?;
    act(stage, "promote-full").await?;
    until_operation(stage, "Succeeded", "").await?;
    stage.until("afterwards", Vec::new(), || templates(stage)).await?;
    Ok(())
}

async fn templates(stage: &Stage<'_>) -> Result<Vec<String>> {
    let all = stage.objects("argoproj.io/v1alpha1", "AnalysisTemplate");
    let all = all.list(&kube::api::ListParams::default()).await.context("templates")?;
    Ok(crate::stage::names(&all.items))
}
