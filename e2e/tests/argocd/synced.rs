//! An application that is synced from Git, and what Argo CD shows of its rollout.

use crate::stage::{Health, ROLLOUT, Stage};
use anyhow::{Result, ensure};
use serde_json::json;

/// A second commit starts a canary; its pause is Suspended, with the controller's message; the last promotion is Healthy.
pub(crate) async fn a_pause_is_suspended(stage: &mut Stage<'_>) -> Result<()> {
    stage.commit_base(ROLLOUT, &[]).await?;
    stage.create_app(json!({"automated": {}}), json!({})).await?;
    stage.until_state("Synced/Healthy").await?;
    stage.until_health("Rollout", "web", Health::new("Healthy", "")).await?;
    let commit = stage.commit_tag(1, 2).await?;
    stage.refresh().await?;
    stage.until_state("Synced/Suspended").await?;
    let app = stage.application().await?;
    let revision = &app["status"]["sync"]["revision"];
    ensure!(revision == commit.as_str(), "the revision is {revision}");
    stage
        .until_health("Rollout", "web", Health::new("Suspended", "CanaryPauseStep"))
        .await?;
    stage.world.rollout_is("web");
    stage.world.then().phase("Paused").at_step(1).ready_pods(2, 1).await?;
    stage.world.when().promote_full().then().healthy().await?;
    stage.until_state("Synced/Healthy").await?;
    Ok(())
}
