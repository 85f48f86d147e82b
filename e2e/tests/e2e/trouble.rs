//! Bad input, crashes, and people who edit at the same time.

use crate::canary::CANARY;
use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use serin_e2e::World;
use std::time::Duration;

pub(crate) async fn an_invalid_spec_is_said_and_can_be_cured(world: &mut World) -> Result<()> {
    let invalid = CANARY.replace("maxSurge: 1", "maxSurge: 0");
    world
        .given()
        .rollout(&invalid)
        .then()
        .phase("Degraded")
        .condition("InvalidSpec", "True", "InvalidSpec")
        .until("the message names the field", |view| {
            let message = view.condition("InvalidSpec").map_or("", |it| &it.message);
            let named = message.starts_with("The Rollout \"web\" is invalid: spec.strategy.maxSurge: Invalid value: ");
            named.then_some(()).ok_or_else(|| message.to_owned())
        })
        .pods(1, 0)
        .when()
        .edit(json!({"spec": {"strategy": {"canary": {"maxSurge": 1}}}}))
        .then()
        .healthy()
        .no_condition("InvalidSpec")
        .ready_pods(1, 4)
        .await
}

pub(crate) async fn an_undecodable_rollout_stops_no_other(world: &mut World) -> Result<()> {
    let mut bad = serin_core::notation::yaml::parse_docs(CANARY)?
        .pop()
        .context("a document")?
        .value;
    bad["metadata"]["name"] = json!("bad");
    bad["spec"]["selector"]["matchLabels"]["app"] = json!("bad");
    bad["spec"]["template"]["metadata"]["labels"]["app"] = json!("bad");
    // The schema lets any text through as a quantity.
    bad["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "lots"}});
    world.create(bad).await?;
    world
        .given()
        .rollout(CANARY)
        .then()
        .healthy()
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .await?;
    // The unreadable leaf alone is left out (decision 7).
    world.rollout_is("bad");
    world.then().healthy().ready_pods(1, 4).await
}

pub(crate) async fn a_killed_controller_loses_nothing(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    world
        .when()
        .set_image("app:2")
        .until("the canary exists", |view| {
            view.replica_set(2).map(|_| ()).ok_or_else(|| "it does not".to_owned())
        })
        .kill_controller()
        .wait(Duration::from_secs(4))
        .remember_pods()
        .start_controller()
        .then()
        .phase("Paused")
        .ready_pods(2, 1)
        .when()
        .kill_controller()
        .remember_pods()
        .promote()
        .wait(Duration::from_secs(1))
        .start_controller()
        .then()
        .phase("Healthy")
        .ready_pods(2, 4)
        .pods(1, 0)
        .await?;
    // Nothing is created twice and nobody's pods are replaced by a restart at rest.
    world
        .when()
        .remember_pods()
        .kill_controller()
        .start_controller()
        .then()
        .stays("Healthy", Duration::from_secs(3))
        .keeps_remembered_pods()
        .await
}

pub(crate) async fn an_edit_beside_the_controller_is_never_lost(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .await?;
    // Edits while the controller writes annotations and status of the same object, by patch and by replacing the whole.
    for number in 0..20 {
        let patch = json!({"metadata": {"annotations": {format!("edit-{number}"): "x"}}});
        let rollouts = world.raw_rollouts();
        rollouts
            .patch("web", &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        if number % 5 == 0 {
            replace_with_retry(world, number).await?;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    world.then().phase("Paused").ready_pods(2, 1).await?;
    let rollout = world.raw_rollouts().get("web").await?;
    let annotations = rollout.metadata.annotations.context("annotations")?;
    for number in 0..20 {
        ensure!(
            annotations.contains_key(&format!("edit-{number}")),
            "edit {number} is lost"
        );
    }
    let labels = rollout.metadata.labels.context("labels")?;
    for number in [0, 5, 10, 15] {
        ensure!(
            labels.contains_key(&format!("put-{number}")),
            "replacement {number} is lost"
        );
    }
    ensure!(
        annotations.get("rollout.argoproj.io/revision").map(String::as_str) == Some("2"),
        "the revision is lost"
    );
    Ok(())
}

/// As an editor does: reads, changes, writes the whole; begins anew on a conflict.
async fn replace_with_retry(world: &World, number: i32) -> Result<()> {
    for _ in 0..20 {
        let mut rollout = world.raw_rollouts().get("web").await?;
        rollout
            .metadata
            .labels
            .get_or_insert_default()
            .insert(format!("put-{number}"), "x".to_owned());
        match world
            .raw_rollouts()
            .replace("web", &kube::api::PostParams::default(), &rollout)
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            answer => {
                answer?;
                return Ok(());
            }
        }
    }
    anyhow::bail!("twenty conflicts in a row")
}

pub(crate) async fn the_spec_stays_as_it_was_written(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .phase("Paused")
        .promote()
        .then()
        .healthy()
        .await?;
    let mut wanted = serin_core::notation::yaml::parse_docs(CANARY)?
        .pop()
        .context("a document")?
        .value;
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:2");
    let mut stored = world.raw_rollouts().get("web").await?.data;
    without_defaults(&mut stored["spec"]);
    ensure!(stored["spec"] == wanted["spec"], "it became {}", stored["spec"]);
    Ok(())
}

/// What the API server adds by the schema.
fn without_defaults(spec: &mut Value) {
    if let Some(container) = spec["template"]["spec"]["containers"][0].as_object_mut() {
        container.remove("resources");
    }
}
