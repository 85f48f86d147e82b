//! Rights: who may resume, and no more.

use crate::stage::Stage;
use anyhow::{Result, ensure};

/// With `get` and `action/argoproj.io/Rollout/resume` one can look and resume, and nothing else; with `get` alone not even that.
pub(crate) async fn a_resumer_can_resume_and_nothing_else(stage: &mut Stage<'_>) -> Result<()> {
    stage.paused().await?;
    let before = stage.object("Rollout", "web").await?;
    let run = ["app", "actions", "run", &stage.app];
    let rollout = ["--kind", "Rollout"];
    for action in [
        "abort",
        "retry",
        "restart",
        "pause",
        "promote-full",
        "skip-current-step",
    ] {
        denied(stage, "resumer", &[&run[..], &[action], &rollout[..]].concat()).await?;
    }
    denied(stage, "reader", &[&run[..], &["resume"], &rollout[..]].concat()).await?;
    for words in [
        &["app", "sync"][..],
        &["app", "terminate-op"],
        &["app", "delete", "--yes"],
    ] {
        denied(stage, "resumer", &[words, &[stage.app.as_str()][..]].concat()).await?;
    }
    let after = stage.object("Rollout", "web").await?;
    let same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"];
    ensure!(same, "somebody without the right to it wrote");
    let list = ["app", "actions", "list", &stage.app, "--kind", "Rollout"];
    for user in ["resumer", "reader"] {
        let table = stage.argo.cli(user, &list).await?;
        ensure!(table.contains("resume"), "{user} sees {table}");
    }
    stage
        .argo
        .cli("resumer", &[&run[..], &["resume"], &rollout[..]].concat())
        .await?;
    stage.world.then().phase("Paused").at_step(3).await
}

async fn denied(stage: &Stage<'_>, user: &str, words: &[&str]) -> Result<()> {
    let (well, text) = stage.argo.try_cli(user, words).await?;
    let denied = !well && text.contains("PermissionDenied");
    ensure!(denied, "{user}: argocd {} was not denied: {text}", words.join(" "));
    Ok(())
}
