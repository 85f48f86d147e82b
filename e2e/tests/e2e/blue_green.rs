//! The life of a blue-green rollout, seen by its Services.

use anyhow::Result;
use serde_json::json;
use serin_e2e::{Story, World};
use std::time::Duration;

/// Two pods, a preview, and a switch that waits for a person.
pub(crate) const BLUE_GREEN: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  progressDeadlineSeconds: 30
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'app:1'}]}
  strategy:
    blueGreen:
      activeService: active
      previewService: preview
      autoPromotionEnabled: false
      scaleDownDelaySeconds: 3
      abortScaleDownDelaySeconds: 3
";

/// The first version runs and is served.
pub(crate) fn deployed(world: &mut World) -> Story<'_> {
    world
        .given()
        .service("active")
        .service("preview")
        .rollout(BLUE_GREEN)
        .healthy()
        .ready_pods(1, 2)
        .serves("active", 1)
        .serves("preview", 1)
}

/// The second version waits beside it.
pub(crate) fn previewed(world: &mut World) -> Story<'_> {
    deployed(world)
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .message("BlueGreenPause")
        .ready_pods(2, 2)
        .ready_pods(1, 2)
        .serves("preview", 2)
        .serves("active", 1)
}

pub(crate) async fn first_deploy_is_served_when_ready(world: &mut World) -> Result<()> {
    deployed(world)
        .then()
        .condition("Progressing", "True", "NewReplicaSetAvailable")
        .condition("Available", "True", "AvailableReason")
        .condition("Healthy", "True", "RolloutHealthy")
        .condition("Completed", "True", "RolloutCompleted")
        .events_in_order(&[
            "RolloutAddedToInformer",
            "RolloutUpdated",
            "NewReplicaSetCreated",
            "ScalingReplicaSet",
            // Stable as soon as it is there; served when it is ready (contract 04 §8, §10.1).
            "RolloutCompleted",
            "SwitchService",
        ])
        .await
}

pub(crate) async fn a_preview_waits_for_promotion(world: &mut World) -> Result<()> {
    previewed(world)
        .then()
        .condition("Paused", "True", "RolloutPaused")
        .stays("Paused", Duration::from_secs(5))
        .serves("active", 1)
        .when()
        .promote()
        .then()
        .healthy()
        .serves("active", 2)
        // Who still has a connection, or an old list of endpoints, is served for scaleDownDelaySeconds.
        .ready_pods(2, 2)
        .pods(1, 0)
        .events_in_order(&[
            "RolloutPaused",
            "SwitchService",
            "RolloutCompleted",
            "ScalingReplicaSet",
        ])
        .await
}

pub(crate) async fn old_pods_stay_for_the_delay(world: &mut World) -> Result<()> {
    deployed(world)
        .when()
        .edit(json!({"spec": {"strategy": {"blueGreen": {"autoPromotionEnabled": true, "scaleDownDelaySeconds": 8}}}}))
        .remember_pods()
        .set_image("app:2")
        .then()
        .serves("active", 2)
        .healthy()
        .wait(Duration::from_secs(4))
        .keeps_remembered_pods()
        .pods(1, 0)
        .ready_pods(2, 2)
        .await
}

pub(crate) async fn abort_keeps_the_old_version_in_service(world: &mut World) -> Result<()> {
    previewed(world)
        .remember_pods()
        .when()
        .abort()
        .then()
        .phase("Degraded")
        .condition("Progressing", "False", "RolloutAborted")
        .serves("active", 1)
        .serves("preview", 2)
        .pods(2, 0)
        .ready_pods(1, 2)
        .when()
        .retry()
        .then()
        .phase("Paused")
        .ready_pods(2, 2)
        .when()
        .promote()
        .then()
        .healthy()
        .serves("active", 2)
        .await
}

pub(crate) async fn promotion_by_itself_after_a_time(world: &mut World) -> Result<()> {
    deployed(world)
        .when()
        .edit(json!({"spec": {"strategy": {"blueGreen": {"autoPromotionEnabled": true, "autoPromotionSeconds": 4}}}}))
        .set_image("app:2")
        .then()
        .phase("Paused")
        .serves("preview", 2)
        .serves("active", 1)
        .healthy()
        .serves("active", 2)
        .pods(1, 0)
        .await
}

pub(crate) async fn a_small_preview_grows_before_the_switch(world: &mut World) -> Result<()> {
    deployed(world)
        .when()
        .edit(json!({"spec": {"strategy": {"blueGreen": {"previewReplicaCount": 1}}}}))
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 1)
        .ready_pods(1, 2)
        .serves("active", 1)
        .when()
        .promote()
        .then()
        .healthy()
        .ready_pods(2, 2)
        .serves("active", 2)
        .await
}

pub(crate) async fn going_back_within_the_delay_waits_for_nobody(world: &mut World) -> Result<()> {
    deployed(world)
        .when()
        .edit(json!({"spec": {"strategy": {"blueGreen": {"scaleDownDelaySeconds": 300}}}}))
        .set_image("app:2")
        .then()
        .phase("Paused")
        .when()
        .promote()
        .then()
        .healthy()
        .serves("active", 2)
        .remember_pods()
        .when()
        .set_image("app:1")
        .then()
        // The first ReplicaSet is now revision 3.
        .serves("active", 3)
        .serves("preview", 3)
        .healthy()
        .keeps_remembered_pods()
        .await
}

pub(crate) async fn a_missing_service_is_said_and_can_be_created(world: &mut World) -> Result<()> {
    world
        .given()
        .service("preview")
        .rollout(BLUE_GREEN)
        .then()
        .phase("Degraded")
        .condition("InvalidSpec", "True", "InvalidSpec")
        .message("InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.blueGreen.activeService: Invalid value: \"active\": service \"active\" not found")
        .when()
        .service("active")
        .then()
        .healthy()
        .serves("active", 1)
        .no_condition("InvalidSpec")
        .await
}

pub(crate) async fn an_edited_service_is_mended(world: &mut World) -> Result<()> {
    deployed(world)
        .when()
        .release_service("active")
        .then()
        .serves("active", 1)
        .healthy()
        .when()
        .delete_service("active")
        .service("active")
        .then()
        .serves("active", 1)
        .healthy()
        .await
}

pub(crate) async fn a_service_that_is_no_longer_named_is_released(world: &mut World) -> Result<()> {
    deployed(world)
        .when()
        .edit(json!({"spec": {"strategy": {"blueGreen": {"previewService": null}}}}))
        .then()
        .is_released("preview")
        .serves("active", 1)
        .healthy()
        .await
}

/// A canary whose users are told apart by two Services.
pub(crate) const WITH_SERVICES: &str = "
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
      stableService: stable
      canaryService: canary
      maxSurge: 1
      maxUnavailable: 0
      steps: [{setWeight: 25}, {pause: {}}]
";

pub(crate) async fn a_canary_moves_its_services(world: &mut World) -> Result<()> {
    world
        .given()
        .service("stable")
        .service("canary")
        .rollout(WITH_SERVICES)
        .healthy()
        .serves("stable", 1)
        .serves("canary", 1)
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .serves("stable", 1)
        .serves("canary", 2)
        .when()
        .promote()
        .then()
        .healthy()
        .serves("stable", 2)
        .serves("canary", 2)
        .pods(1, 0)
        .await
}

pub(crate) async fn an_aborted_canary_gives_its_service_back(world: &mut World) -> Result<()> {
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
        .serves("canary", 2)
        .when()
        .abort()
        .then()
        .phase("Degraded")
        .serves("stable", 1)
        .serves("canary", 1)
        .pods(2, 0)
        .ready_pods(1, 4)
        .await
}
