//! The life of a canary.

use anyhow::Result;
use serde_json::json;
use serin_e2e::World;
use std::time::Duration;

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
        .events_in_order(&["RolloutPaused", "RolloutResumed", "RolloutStepCompleted", "RolloutPaused", "RolloutCompleted"])
        .await?;
    world.when().edit(json!({"spec": {"replicas": 2}})).then().healthy().ready_pods(2, 2).await
}
