//! People change by hand what the controller keeps: Services and ReplicaSets, in the middle of an update and at rest.

use crate::blue_green::{BLUE_GREEN, WITH_SERVICES, deployed, previewed};
use crate::canary::CANARY;
use anyhow::Result;
use serde_json::{Value, json};
use serin_e2e::{Story, World};
use std::time::Duration;

const MANAGED_BY: &str = "argo-rollouts.argoproj.io/managed-by-rollouts";
const HASH: &str = "rollouts-pod-template-hash";

fn managed_by(rollout: &Value) -> Value {
    json!({"metadata": {"annotations": {MANAGED_BY: rollout}}})
}

/// The hold of decision 8.
trait SaysWhatToDo {
    fn says_what_to_do(self) -> Self;
}

impl SaysWhatToDo for Story<'_> {
    fn says_what_to_do(self) -> Self {
        self.until("the message says what to do", |view| {
            let message = view.phase().1;
            let told = message.starts_with("StableReplicaSetMissing: ") && message.contains("'promote --full'");
            told.then_some(()).ok_or_else(|| message.to_owned())
        })
    }
}

fn selecting(hash: &Value) -> Value {
    json!({"spec": {"selector": {HASH: hash}}})
}

pub(crate) async fn a_service_of_another_rollout_is_left_alone(world: &mut World) -> Result<()> {
    deployed(world).await?;
    let second = BLUE_GREEN
        .replace("name: web}", "name: second}")
        .replace("previewService: preview", "previewService: its-own");
    world
        .given()
        .service("its-own")
        .rollout(&second)
        .then()
        .phase("Degraded")
        .message("InvalidSpec: The Rollout \"second\" is invalid: spec.strategy.blueGreen.activeService: Invalid value: \"active\": Service \"active\" is managed by another Rollout")
        .stays("Degraded", Duration::from_secs(3))
        .await?;
    // The first one goes on, and the Service is still its own.
    world.rollout_is("web");
    world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .when()
        .promote()
        .then()
        .healthy()
        .serves("active", 2)
        .await?;
    world.rollout_is("second");
    world
        .when()
        .service("second-active")
        .edit(json!({"spec": {"strategy": {"blueGreen": {"activeService": "second-active"}}}}))
        .then()
        .healthy()
        .no_condition("InvalidSpec")
        .serves("second-active", 1)
        .await
}

pub(crate) async fn services_edited_during_an_update_are_mended(world: &mut World) -> Result<()> {
    previewed(world)
        .remember_pods()
        .when()
        .release_service("active")
        .then()
        // Not a first deployment again: what nobody has looked at is not promoted (contract 11 B8).
        .serves("active", 1)
        .stays("Paused", Duration::from_secs(2))
        .serves("active", 1)
        .when()
        .edit_service("active", selecting(&json!("nonsense")))
        .then()
        .serves("active", 1)
        .stays("Paused", Duration::from_secs(2))
        .when()
        .release_service("preview")
        .then()
        .serves("preview", 2)
        .when()
        .edit_service("preview", selecting(&json!("nonsense")))
        .then()
        .serves("preview", 2)
        .when()
        .edit_service("preview", managed_by(&Value::Null))
        .then()
        .is_managed_by("preview", "web")
        .stays("Paused", Duration::from_secs(2))
        .keeps_remembered_pods()
        .when()
        .promote()
        .then()
        .healthy()
        .serves("active", 2)
        .serves("preview", 2)
        .when()
        .edit_service("active", selecting(&json!("nonsense")))
        .then()
        .serves("active", 2)
        .healthy()
        .await
}

pub(crate) async fn services_deleted_during_an_update_can_come_back(world: &mut World) -> Result<()> {
    previewed(world)
        .remember_pods()
        .when()
        .delete_service("active")
        .then()
        .phase("Degraded")
        .message("InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.blueGreen.activeService: Invalid value: \"active\": service \"active\" not found")
        .when()
        .service("active")
        .then()
        .serves("active", 1)
        .phase("Paused")
        .no_condition("InvalidSpec")
        .when()
        .delete_service("preview")
        .service("preview")
        .then()
        .serves("preview", 2)
        .phase("Paused")
        .keeps_remembered_pods()
        .when()
        // There is no such rollout. For 30 s it may be one that is being replaced; then the Service is free, and is taken when
        // it moves (decision 48).
        .edit_service("active", managed_by(&json!("none")))
        .then()
        .phase("Degraded")
        .phase("Paused")
        .serves("active", 1)
        .keeps_remembered_pods()
        .when()
        .promote()
        .then()
        .healthy()
        .serves("active", 2)
        .is_managed_by("active", "web")
        .await
}

pub(crate) async fn services_of_a_canary_deleted_during_an_update_can_come_back(world: &mut World) -> Result<()> {
    world
        .given()
        .service("stable")
        .service("canary")
        .rollout(WITH_SERVICES)
        .healthy()
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .remember_pods()
        .when()
        .delete_service("stable")
        .then()
        .message("InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.canary.stableService: Invalid value: \"stable\": service \"stable\" not found")
        .when()
        .service("stable")
        .then()
        .serves("stable", 1)
        .phase("Paused")
        .when()
        .delete_service("canary")
        .service("canary")
        .release_service("stable")
        .then()
        .serves("canary", 2)
        .serves("stable", 1)
        .phase("Paused")
        .at_step(1)
        .keeps_remembered_pods()
        .when()
        .promote()
        .then()
        .healthy()
        .serves("stable", 2)
        .serves("canary", 2)
        .await
}

pub(crate) async fn replica_sets_scaled_by_hand_are_scaled_back(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .scale_replica_set(1, 1)
        .then()
        .ready_pods(1, 4)
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(1, 3)
        .when()
        .scale_replica_set(1, 1)
        .then()
        .ready_pods(1, 3)
        .when()
        .scale_replica_set(2, 4)
        .then()
        .ready_pods(2, 1)
        .when()
        .scale_replica_set(2, 0)
        .then()
        .ready_pods(2, 1)
        .ready_pods(1, 3)
        .phase("Paused")
        .at_step(1)
        .when()
        .promote()
        .then()
        .healthy()
        .pods(1, 0)
        .when()
        .scale_replica_set(1, 2)
        .then()
        .pods(1, 0)
        .ready_pods(2, 4)
        .healthy()
        .await
}

pub(crate) async fn replica_sets_of_a_blue_green_scaled_by_hand_are_scaled_back(world: &mut World) -> Result<()> {
    previewed(world)
        .when()
        .scale_replica_set(1, 0)
        .then()
        .ready_pods(1, 2)
        .when()
        .scale_replica_set(2, 1)
        .then()
        .ready_pods(2, 2)
        .phase("Paused")
        .serves("active", 1)
        .serves("preview", 2)
        .when()
        .promote()
        .then()
        .healthy()
        .serves("active", 2)
        .pods(1, 0)
        .when()
        .scale_replica_set(1, 1)
        .then()
        .pods(1, 0)
        .ready_pods(2, 2)
        .await
}

pub(crate) async fn a_deleted_new_replica_set_is_made_again(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .delete_replica_set(1)
        .then()
        .ready_pods(1, 4)
        .healthy()
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .when()
        .delete_replica_set(2)
        .then()
        .ready_pods(2, 1)
        .ready_pods(1, 3)
        .phase("Paused")
        .at_step(1)
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .await
}

pub(crate) async fn a_deleted_stable_replica_set_holds_the_update(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .when()
        .delete_replica_set(1)
        .then()
        .phase("Degraded")
        .says_what_to_do()
        .stays("Degraded", Duration::from_secs(3))
        .ready_pods(2, 1)
        .when()
        .promote_full()
        .then()
        .healthy()
        .ready_pods(2, 4)
        .await
}

pub(crate) async fn a_deleted_stable_replica_set_of_a_blue_green_holds_the_update(world: &mut World) -> Result<()> {
    previewed(world)
        .when()
        .delete_replica_set(1)
        .then()
        .phase("Degraded")
        .says_what_to_do()
        .stays("Degraded", Duration::from_secs(3))
        .ready_pods(2, 2)
        .serves("preview", 2)
        .when()
        .set_image("app:1")
        .then()
        .healthy()
        .ready_pods(3, 2)
        .serves("active", 3)
        .await
}

pub(crate) async fn a_deleted_old_replica_set_is_made_anew_when_it_is_wanted(world: &mut World) -> Result<()> {
    world
        .given()
        .rollout(CANARY)
        .healthy()
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .when()
        .promote()
        .then()
        .healthy()
        .pods(1, 0)
        .remember_pods()
        .when()
        .delete_replica_set(1)
        .then()
        .stays("Healthy", Duration::from_secs(3))
        .keeps_remembered_pods()
        .when()
        .set_image("app:1")
        .then()
        .phase("Paused")
        .ready_pods(3, 1)
        .ready_pods(2, 3)
        .await
}
