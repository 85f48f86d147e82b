//! Every action from the command line of Argo CD, in every state that disables some of them.

use crate::argo::ADMIN;
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a kind offers, in the words of `argocd app actions list`: those that are enabled, those that are not.
async fn list(stage: &Stage<'_>, kind: &str) -> Result<(Vec<String>, Vec<String>)> {
    let table = stage
        .argo
        .cli(ADMIN, &["app", "actions", "list", &stage.app, "--kind", kind])
        .await?;
    let mut actions = BTreeMap::new();
    for line in table.lines().skip(1) {
        let [_, _, _, action, disabled] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            anyhow::bail!("not a line of five columns: {line}");
        };
        actions.insert(action.to_owned(), disabled == "true");
    }
    let some = |wanted: bool| {
        let those = actions.iter().filter(|(_, disabled)| **disabled == wanted);
        those.map(|(name, _)| name.clone()).collect()
    };
    Ok((some(false), some(true)))
}

async fn expect_enabled(stage: &Stage<'_>, state: &str, enabled: &[&str], disabled: &[&str]) -> Result<()> {
    let (on, off) = list(stage, "Rollout").await?;
    ensure!(
        on == enabled && off == disabled,
        "{state}: enabled {on:?}, disabled {off:?}"
    );
    Ok(())
}

/// Runs an action on the rollout.
async fn run(stage: &Stage<'_>, action: &str) -> Result<()> {
    let words = [
        "app",
        "actions",
        "run",
        &stage.app,
        action,
        "--kind",
        "Rollout",
        "--resource-name",
        "web",
    ];
    stage.argo.cli(ADMIN, &words).await?;
    Ok(())
}

/// Argo CD offers what makes sense: of a Healthy rollout, a paused one, an aborted one.
pub(crate) async fn the_list_follows_the_state(stage: &mut Stage<'_>) -> Result<()> {
    stage.synced().await?;
    let idle = ["abort", "pause", "promote-full", "resume", "retry", "skip-current-step"];
    expect_enabled(stage, "Healthy", &["restart"], &idle).await?;
    stage.commit_tag(1, 2).await?;
    stage.sync().await?;
    stage.world.then().phase("Paused").at_step(1).await?;
    let paused = [
        "abort",
        "pause",
        "promote-full",
        "restart",
        "resume",
        "skip-current-step",
    ];
    expect_enabled(stage, "paused", &paused, &["retry"]).await?;
    run(stage, "pause").await?;
    stage
        .world
        .then()
        .condition("Progressing", "Unknown", "RolloutPaused")
        .await?;
    let by_a_person = ["abort", "promote-full", "restart", "resume", "skip-current-step"];
    expect_enabled(stage, "paused by a person, too", &by_a_person, &["pause", "retry"]).await?;
    run(stage, "resume").await?;
    stage.world.then().phase("Paused").at_step(3).await?;
    run(stage, "abort").await?;
    stage.world.then().phase("Degraded").await?;
    let aborted = ["promote-full", "restart", "retry", "skip-current-step"];
    expect_enabled(stage, "aborted", &aborted, &["abort", "pause", "resume"]).await
}

/// `resume` goes past one pause at a time, and the last one leads to the end.
pub(crate) async fn resume(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    run(stage, "resume").await?;
    stage.world.then().phase("Paused").at_step(3).await?;
    run(stage, "resume").await?;
    stage.world.then().healthy().ready_pods(2, 2).await?;
    stage.until_state("Synced/Healthy").await?;
    Ok(())
}

/// `skip-current-step` leaves the pause behind, `promote-full` all the rest.
pub(crate) async fn skip_current_step_and_promote_full(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    run(stage, "skip-current-step").await?;
    stage.world.then().phase("Paused").at_step(3).await?;
    run(stage, "promote-full").await?;
    stage.world.then().healthy().ready_pods(2, 2).await?;
    stage.until_state("Synced/Healthy").await?;
    Ok(())
}

/// `abort` goes back to the stable version and is Degraded, `retry` begins anew.
pub(crate) async fn abort_and_retry(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    run(stage, "abort").await?;
    stage.world.then().phase("Degraded").ready_pods(1, 2).pods(2, 0).await?;
    // Git and the spec say the same, so there is nothing to sync: Argo CD and an abort do not fight.
    stage.until_state("Synced/Degraded").await?;
    run(stage, "retry").await?;
    stage.world.then().phase("Paused").at_step(1).ready_pods(2, 1).await?;
    stage.until_state("Synced/Suspended").await?;
    Ok(())
}

/// `pause` holds a rollout by its spec, `resume` lets go of it, and of the pause of a step.
pub(crate) async fn pause_and_resume(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    run(stage, "pause").await?;
    let rollout = stage.object("Rollout", "web").await?;
    ensure!(
        rollout["spec"]["paused"] == true,
        "paused: {}",
        rollout["spec"]["paused"]
    );
    // A field that Git does not name is no drift.
    stage.until_state("Synced/Suspended").await?;
    run(stage, "resume").await?;
    let rollout = stage.object("Rollout", "web").await?;
    ensure!(rollout["spec"]["paused"] != true, "still paused by the spec");
    stage.world.then().phase("Paused").at_step(3).await
}

/// `restart` replaces all pods.
pub(crate) async fn restart(stage: &mut Stage<'_>) -> Result<()> {
    stage.synced().await?;
    let old = pods(stage).await?;
    run(stage, "restart").await?;
    let rollout = stage.object("Rollout", "web").await?;
    let at = rollout["spec"]["restartAt"].as_str().context("no restartAt")?;
    let _: jiff::Timestamp = at.parse().with_context(|| format!("restartAt {at}"))?;
    stage.world.then().healthy().ready_pods(1, 2).await?;
    let fits = |now: &Vec<String>| now.len() == 2 && now.iter().all(|it| !old.contains(it));
    stage.until_so("new pods", fits, || pods(stage)).await?;
    stage.world.then().healthy().ready_pods(1, 2).await
}

async fn pods(stage: &Stage<'_>) -> Result<Vec<String>> {
    let pods = stage.objects("v1", "Pod").list(&ListParams::default()).await?;
    let alive = pods.items.iter().filter(|it| it.metadata.deletion_timestamp.is_none());
    Ok(alive.filter_map(ResourceExt::uid).collect())
}

/// The server runs a disabled action all the same: nothing may come of it.
pub(crate) async fn a_disabled_action_leads_nowhere(stage: &mut Stage<'_>) -> Result<()> {
    stage.synced().await?;
    stage.world.when().remember_pods().await?;
    let before = settled(stage).await?;
    for action in ["abort", "promote-full", "resume", "retry", "skip-current-step"] {
        run(stage, action).await?;
        let what = format!("as before {action}");
        stage.until(&what, before.clone(), || settled(stage)).await?;
        stage
            .world
            .then()
            .stays("Healthy", Duration::from_secs(1))
            .keeps_remembered_pods()
            .await?;
        let after = settled(stage).await?;
        ensure!(after == before, "{action}: {after}");
    }
    Ok(())
}

/// What a person can have asked for, and where the rollout stands.
async fn settled(stage: &Stage<'_>) -> Result<Value> {
    let rollout = stage.object("Rollout", "web").await?;
    let status = &rollout["status"];
    let asked = [&status["abort"], &status["promoteFull"]].map(|it| it == true);
    let stands = [
        "phase",
        "currentStepIndex",
        "stableRS",
        "currentPodHash",
        "pauseConditions",
    ]
    .map(|it| &status[it]);
    Ok(json!([rollout["spec"], asked, stands]))
}

/// Whoever presses a button twice changes nothing by the second time.
pub(crate) async fn the_second_time_writes_nothing(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    for (action, then) in [("pause", "Paused"), ("abort", "Degraded")] {
        run(stage, action).await?;
        stage
            .world
            .then()
            .phase(then)
            .stays(then, Duration::from_secs(2))
            .await?;
        let before = stage.object("Rollout", "web").await?;
        run(stage, action).await?;
        let after = stage.object("Rollout", "web").await?;
        let same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"];
        ensure!(same, "{action}: {} {}", after["spec"], after["status"]);
    }
    Ok(())
}

const RUN: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisRun
metadata: {name: check}
spec:
  metrics: [{name: errors, provider: {job: {spec: {template: {spec: {containers: []}}}}}}]
";

/// `terminate` of an AnalysisRun that lies in Git, from the command line.
pub(crate) async fn terminate_an_analysis_run_in_git(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(crate::stage::ROLLOUT, &[("check.yaml", RUN)]).await?;
    stage.create_app(json!({}), json!({})).await?;
    stage.sync().await?;
    stage
        .set_status("AnalysisRun", "check", json!({"phase": "Running"}))
        .await?;
    stage
        .until("terminate is offered", (vec!["terminate".to_owned()], vec![]), || {
            list(stage, "AnalysisRun")
        })
        .await?;
    let words = [
        "app",
        "actions",
        "run",
        &stage.app,
        "terminate",
        "--kind",
        "AnalysisRun",
    ];
    stage.argo.cli(ADMIN, &words).await?;
    let run = stage.object("AnalysisRun", "check").await?;
    ensure!(
        run["spec"]["terminate"] == true,
        "terminate: {}",
        run["spec"]["terminate"]
    );
    let (on, off) = list(stage, "AnalysisRun").await?;
    ensure!(
        on.is_empty() && off == ["terminate"],
        "afterwards {on:?} is enabled, {off:?} disabled"
    );
    Ok(())
}

/// `terminate` of what a rollout has made: it is not in Git, so the API alone reaches it.
pub(crate) async fn terminate_a_child(stage: &mut Stage<'_>) -> Result<()> {
    stage.synced().await?;
    let rollout = stage.object("Rollout", "web").await?;
    let owner = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web",
        "uid": rollout["metadata"]["uid"], "controller": true}]);
    let metric = json!({"name": "errors", "provider": {"job": {"spec": {"template": {"spec": {"containers": []}}}}}});
    let template = json!({"name": "a", "selector": {"matchLabels": {"app": "a"}}, "template":
        {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}});
    let kinds = [
        ("AnalysisRun", json!({"metrics": [metric]})),
        ("Experiment", json!({"templates": [template]})),
    ];
    // Argo CD itself has no action for Experiments.
    let kinds = &kinds[..if stage.argo.hooks.are_ours() { 2 } else { 1 }];
    for (kind, spec) in kinds {
        let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "spec": spec,
            "metadata": {"name": "child", "ownerReferences": owner}});
        let objects = stage.objects("argoproj.io/v1alpha1", kind);
        objects
            .create(&PostParams::default(), &serde_json::from_value(object)?)
            .await?;
        stage.set_status(kind, "child", json!({"phase": "Running"})).await?;
        stage
            .until_so("in the tree", |_| true, || stage.health(kind, "child"))
            .await?;
        let (code, answer) = terminate(stage, kind).await?;
        ensure!(code == 200, "{kind}: {code} {answer}");
        let child = stage.object(kind, "child").await?;
        ensure!(
            child["spec"]["terminate"] == true,
            "{kind}: {}",
            child["spec"]["terminate"]
        );
    }
    Ok(())
}

async fn terminate(stage: &Stage<'_>, kind: &str) -> Result<(u16, Value)> {
    let path = format!("/api/v1/applications/{}/resource/actions/v2", stage.app);
    let body = json!({"namespace": stage.world.namespace(), "resourceName": "child", "version": "v1alpha1",
        "group": "argoproj.io", "kind": kind, "action": "terminate", "project": "default"});
    stage.argo.call(ADMIN, "POST", &path, &body).await
}
