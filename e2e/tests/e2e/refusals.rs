//! An API server that refuses, on the sandbox: each refusal has a named wait, and an event that says what to do.

use crate::canary::CANARY;
use anyhow::{Context, Result, ensure};
use serin_e2e::World;
use serin_sandbox::{ApiError, FaultResponse};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first `times` requests like this are answered by `fault`.
fn refuse(
    world: &World,
    times: usize,
    verb: &'static str,
    resource: &'static str,
    subresource: &'static str,
    fault: FaultResponse,
) -> Result<()> {
    let left = AtomicUsize::new(times);
    let sandbox = world.sandbox().context("faults need the sandbox")?;
    sandbox.intercept(Box::new(move |request| {
        let meant = request.verb == verb && request.resource == resource && request.subresource == subresource;
        let hit = meant
            && left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1))
                .is_ok();
        hit.then(|| fault.clone())
    }));
    Ok(())
}

/// The named wait was taken, the event says what to do, and the update comes to its pause once the fault is over.
async fn overcome(world: &mut World, wait: &str, event: &'static str) -> Result<()> {
    world
        .when()
        .set_image("app:2")
        .then()
        .event("ReconciliationError", event)
        .phase("Paused")
        .ready_pods(2, 1)
        .await?;
    named(world, wait).await
}

async fn named(world: &World, wait: &str) -> Result<()> {
    let metrics = world.metrics().await?;
    let line = format!("serin_waits_total{{why=\"{wait}\"}}");
    let waits: Vec<&str> = metrics
        .lines()
        .filter(|it| it.starts_with("serin_waits_total"))
        .collect();
    ensure!(
        waits.iter().any(|it| it.starts_with(&line)),
        "no wait is called {wait:?}; there are {waits:?}"
    );
    Ok(())
}

pub(crate) async fn forbidden(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let error = ApiError::new(
        403,
        "Forbidden",
        "replicasets.apps is forbidden: User \"x\" cannot create resource",
    );
    refuse(world, 3, "create", "replicasets", "", FaultResponse::Refuse(error))?;
    overcome(
        world,
        "Forbidden",
        "grant the controller's service account this permission",
    )
    .await
}

pub(crate) async fn conflict(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let error = ApiError::new(
        409,
        "Conflict",
        "Operation cannot be fulfilled: the object has been modified",
    );
    refuse(world, 3, "patch", "replicasets", "", FaultResponse::Refuse(error))?;
    overcome(world, "Conflict", "something else keeps changing this object").await
}

pub(crate) async fn too_many_requests(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let error = ApiError::new(429, "TooManyRequests", "the server has received too many requests");
    refuse(world, 3, "create", "replicasets", "", FaultResponse::Refuse(error))?;
    overcome(world, "TooManyRequests", "asks to wait").await
}

pub(crate) async fn server_error(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let error = ApiError::new(500, "InternalError", "failed calling webhook");
    refuse(world, 3, "create", "replicasets", "", FaultResponse::Refuse(error))?;
    overcome(world, "ServerError", "the API server or a webhook failed").await
}

pub(crate) async fn no_answer(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    refuse(world, 2, "create", "replicasets", "", FaultResponse::Hang)?;
    overcome(world, "Timeout", "the API server did not answer").await
}

pub(crate) async fn a_lost_answer_creates_nothing_twice(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let error = ApiError::new(504, "Timeout", "the request timed out");
    refuse(world, 1, "create", "replicasets", "", FaultResponse::Lose(error))?;
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 1)
        .await?;
    let view = world.view().await?;
    ensure!(
        view.replica_sets.len() == 2,
        "there are {} ReplicaSets",
        view.replica_sets.len()
    );
    ensure!(view.rollout.status.collision_count.is_none(), "a collision was counted");
    Ok(())
}

pub(crate) async fn refused_content_is_an_invalid_spec(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let error = ApiError::new(
        422,
        "Invalid",
        "ReplicaSet.apps \"web\" is invalid: spec.template.spec: Forbidden",
    );
    refuse(world, 3, "create", "replicasets", "", FaultResponse::Refuse(error))?;
    world
        .when()
        .set_image("app:2")
        .then()
        .condition("InvalidSpec", "True", "InvalidSpec")
        .phase("Degraded")
        .await?;
    world.sandbox().context("faults need the sandbox")?.clear_intercept();
    world.then().phase("Paused").no_condition("InvalidSpec").await
}

pub(crate) async fn status_conflicts_are_worked_off(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    let error = ApiError::new(
        409,
        "Conflict",
        "Operation cannot be fulfilled: the object has been modified",
    );
    refuse(world, 4, "patch", "rollouts", "status", FaultResponse::Refuse(error))?;
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 1)
        .await?;
    named(world, "Conflict").await
}
