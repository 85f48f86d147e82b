//! The life of a canary.

use anyhow::Result;
use serde_json::json;
use serin_e2e::{View, World};
use std::time::Duration;

/// A quarter, a pause for people, half, a pause for a second.
pub(crate) const CANARY: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 4
  progressDeadlineSeconds: 30
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'app:1'}]}
  strategy:
    canary:
      maxSurge: 1
      maxUnavailable: 0
      steps: [{setWeight: 25}, {pause: {}}, {setWeight: 50}, {pause: {duration: 1s}}]
";

pub(crate) async fn first_deploy_goes_straight_to_healthy(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .then()
        .healthy()
        .ready_pods(1, 4)
        .condition("Progressing", "True", "NewReplicaSetAvailable")
        .condition("Available", "True", "AvailableReason")
        .condition("Healthy", "True", "RolloutHealthy")
        .condition("Completed", "True", "RolloutCompleted")
        .events(&[
            "RolloutAddedToInformer",
            "RolloutUpdated",
            "NewReplicaSetCreated",
            "RolloutNotCompleted",
            "ScalingReplicaSet",
            "RolloutCompleted",
        ])
        .await
}

pub(crate) async fn steps_pause_and_promotion_to_the_end(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .message("CanaryPauseStep")
        .at_step(1)
        .ready_pods(2, 1)
        .ready_pods(1, 3)
        .condition("Paused", "True", "RolloutPaused")
        .stays("Paused", Duration::from_secs(3))
        .when()
        .promote()
        .then()
        .healthy()
        .at_step(4)
        .ready_pods(2, 4)
        .pods(1, 0)
        .condition("Paused", "False", "RolloutPaused")
        // A pause that a person ended says so by its step alone (contract 11 A3).
        .events_in_order(&[
            "RolloutPaused",
            "RolloutStepCompleted",
            "ScalingReplicaSet",
            "RolloutPaused",
            "RolloutStepCompleted",
            "RolloutResumed",
            "RolloutCompleted",
        ])
        .await
}

pub(crate) async fn full_promotion_skips_the_rest(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .phase("Paused")
        .await?;
    world
        .when()
        .promote_full()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .pods(1, 0)
        .await
}

pub(crate) async fn abort_goes_back_and_retry_begins_anew(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().remember_pods().await?;
    world
        .when()
        .set_image("app:2")
        .phase("Paused")
        .abort()
        .then()
        .phase("Degraded")
        .message("RolloutAborted: Rollout aborted update to revision 2")
        .ready_pods(1, 4)
        .pods(2, 0)
        .condition("Progressing", "False", "RolloutAborted")
        .event("RolloutAborted", "Rollout aborted update to revision 2")
        .when()
        .retry()
        .then()
        .phase("Paused")
        .at_step(1)
        .ready_pods(2, 1)
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .await
}

pub(crate) async fn going_back_to_the_stable_template_ends_an_abort(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .phase("Paused")
        .await?;
    world
        .when()
        .abort()
        .phase("Degraded")
        .set_image("app:1")
        .then()
        .healthy()
        .await?;
    // The old ReplicaSet serves again under a new revision.
    world.then().ready_pods(3, 4).pods(2, 0).await
}

pub(crate) async fn scaling_while_paused_keeps_the_share(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .phase("Paused")
        .await?;
    world
        .when()
        .scale(8)
        .then()
        .ready_pods(2, 2)
        .ready_pods(1, 6)
        .phase("Paused")
        .when()
        .scale(4)
        .then()
        .ready_pods(2, 1)
        .ready_pods(1, 3)
        .phase("Paused")
        .at_step(1)
        .await
}

pub(crate) async fn scaling_during_an_update_reaches_both_sides(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().await?;
    world
        .when()
        .set_image("does-not-exist:2")
        .until("the canary exists", |view| {
            view.replica_set(2).map(|_| ()).ok_or_else(|| "it does not".to_owned())
        })
        .scale(8)
        .then()
        .pods(2, 2)
        .ready_pods(1, 6)
        .when()
        .set_image("app:3")
        .then()
        .phase("Paused")
        .ready_pods(3, 2)
        .ready_pods(1, 6)
        .pods(2, 0)
        .await
}

pub(crate) async fn a_bad_image_is_degraded_by_the_deadline_and_replaced(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .edit(json!({"spec": {"progressDeadlineSeconds": 8}}))
        .remember_pods()
        .await?;
    world
        .when()
        .set_image("does-not-exist:2")
        .then()
        .phase("Degraded")
        .condition("Progressing", "False", "ProgressDeadlineExceeded")
        .ready_pods(1, 4)
        .pods(2, 1)
        .keeps_remembered_pods()
        .when()
        .set_image("app:3")
        .then()
        .phase("Paused")
        .ready_pods(3, 1)
        .pods(2, 0)
        .ready_pods(1, 3)
        .await
}

pub(crate) async fn a_newer_update_supersedes_the_one_under_way(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .phase("Paused")
        .await?;
    world
        .when()
        .set_image("app:3")
        .then()
        .until("revision 3 is paused", |view| {
            let paused = view.phase().0 == "Paused" && view.replica_set(3).is_some();
            paused.then_some(()).ok_or_else(|| view.phase().0.to_owned())
        })
        .at_step(1)
        .ready_pods(3, 1)
        .pods(2, 0)
        .ready_pods(1, 3)
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(3, 4)
        .await
}

pub(crate) async fn spec_paused_holds_and_releases(world: &mut World) -> Result<()> {
    world.given().rollout(CANARY).healthy().remember_pods().await?;
    world
        .when()
        .edit(json!({"spec": {"paused": true}}))
        .then()
        .phase("Paused")
        .message("manually paused")
        .when()
        .set_image("app:2")
        .then()
        // Progressing until the edit is observed, for whoever looks (contract 02 §9).
        .phase("Paused")
        .stays("Paused", Duration::from_secs(4))
        .keeps_remembered_pods()
        .when()
        .edit(json!({"spec": {"paused": false}}))
        .then()
        .at_step(1)
        .ready_pods(2, 1)
        .await
}

/// Contract 03 §10, contract 11 A16.
pub(crate) async fn anti_affinity_is_renewed_by_an_undo(world: &mut World) -> Result<()> {
    let asked =
        json!({"antiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}, "steps": [{"pause": {}}]});
    world
        .given()
        .rollout(CANARY)
        .edit(json!({"spec": {"strategy": {"canary": asked}}}))
        .healthy()
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .until("revision 2 keeps from revision 1", |view| keeps_from(view, 2, 1))
        .when()
        .promote_full()
        .then()
        .healthy()
        .when()
        .set_image("app:1")
        .then()
        .phase("Paused")
        .until("the former revision 1 keeps from revision 2", |view| {
            keeps_from(view, 3, 2)
        })
        .until("there are two ReplicaSets", |view| {
            let count = view.replica_sets.len();
            (count == 2).then_some(()).ok_or_else(|| format!("there are {count}"))
        })
        .await
}

/// Whether the pods of a revision are kept from those of another.
fn keeps_from(view: &View, revision: i64, other: i64) -> Result<(), String> {
    let set = view.replica_set(revision).ok_or("it does not exist")?;
    let pod = set.spec.template.as_ref().and_then(|it| it.spec.as_ref());
    let affinity = pod.and_then(|it| it.affinity.as_ref()?.pod_anti_affinity.as_ref());
    let terms = affinity.and_then(|it| it.required_during_scheduling_ignored_during_execution.as_ref());
    let requirements = terms
        .into_iter()
        .flatten()
        .filter_map(|it| it.label_selector.as_ref()?.match_expressions.as_ref());
    let avoided: Vec<&String> = requirements
        .flatten()
        .filter_map(|it| it.values.as_ref())
        .flatten()
        .collect();
    let hash = view.hash(other).ok_or("the other does not exist")?;
    let only = avoided.len() == 1 && avoided.iter().all(|it| *it == hash);
    only.then_some(())
        .ok_or_else(|| format!("it keeps from {avoided:?}, not {hash}"))
}
