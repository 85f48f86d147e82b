//! Updates of every kind: none of them loses a request, and the shares are the weights.

use crate::routes::Route;
use crate::stage::Stage;
use anyhow::Result;
use std::time::Duration;

const GATEWAY: &str = "{canary: {canaryService: canary, stableService: stable, \
    trafficRouting: {gatewayAPI: {httpRoute: web}}, abortScaleDownDelaySeconds: 5, \
    steps: [{setWeight: 20}, {pause: {}}, {setWeight: 50}, {pause: {}}]}}";
const TRAEFIK: &str = "{canary: {canaryService: canary, stableService: stable, \
    trafficRouting: {traefik: {weightedTraefikServiceName: web}}, scaleDownDelaySeconds: 10, \
    steps: [{setWeight: 50}, {pause: {}}]}}";
const DYNAMIC: &str = "{canary: {canaryService: canary, stableService: stable, dynamicStableScale: true, \
    trafficRouting: {gatewayAPI: {httpRoute: web}}, abortScaleDownDelaySeconds: 5, \
    steps: [{setWeight: 25}, {pause: {}}, {setWeight: 75}, {pause: {}}]}}";
const BLUE_GREEN: &str = "{blueGreen: {activeService: active, previewService: preview, autoPromotionEnabled: false}}";

/// After the last pod has gone its server answers for a while; losses come after that.
const AFTERWARDS: Duration = Duration::from_secs(10);

pub(crate) async fn a_whole_canary_by_gateway_api(stage: &mut Stage) -> Result<()> {
    stage.begin(Route::GatewayApi, GATEWAY).await?;
    stage.share(1, 100.0).await?;
    stage
        .world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .at_step(1)
        .await?;
    stage.share(2, 20.0).await?;
    stage.world.when().promote().then().at_step(3).phase("Paused").await?;
    stage.share(2, 50.0).await?;
    stage.world.when().promote().then().healthy().await?;
    stage.share(2, 100.0).await?;
    stage.world.then().pods(1, 0).wait(AFTERWARDS).await
}

pub(crate) async fn an_abort_and_a_retry(stage: &mut Stage) -> Result<()> {
    stage.begin(Route::GatewayApi, GATEWAY).await?;
    stage
        .world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .at_step(1)
        .await?;
    stage.world.when().promote().then().at_step(3).phase("Paused").await?;
    stage.share(2, 50.0).await?;
    stage.world.when().abort().then().phase("Degraded").await?;
    stage.share(2, 0.0).await?;
    stage.world.then().pods(2, 0).wait(AFTERWARDS).await?;
    stage.world.when().retry().then().phase("Paused").at_step(1).await?;
    stage.share(2, 20.0).await?;
    stage
        .world
        .when()
        .promote_full()
        .then()
        .healthy()
        .pods(1, 0)
        .wait(AFTERWARDS)
        .await
}

pub(crate) async fn a_rollback_in_mid_canary_by_traefik_service(stage: &mut Stage) -> Result<()> {
    stage.begin(Route::Traefik, TRAEFIK).await?;
    stage
        .world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .at_step(1)
        .await?;
    stage.share(2, 50.0).await?;
    stage.world.when().set_image("app:1").then().healthy().await?;
    stage.share(2, 0.0).await?;
    stage.world.then().pods(2, 0).wait(AFTERWARDS).await
}

pub(crate) async fn a_third_version_in_mid_canary(stage: &mut Stage) -> Result<()> {
    stage.begin(Route::Traefik, TRAEFIK).await?;
    stage
        .world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .at_step(1)
        .await?;
    stage.share(2, 50.0).await?;
    stage
        .world
        .when()
        .set_image("app:3")
        .then()
        .ready_pods(3, 2)
        .phase("Paused")
        .at_step(1)
        .await?;
    stage.share(3, 50.0).await?;
    stage
        .world
        .when()
        .promote()
        .then()
        .healthy()
        .pods(1, 0)
        .pods(2, 0)
        .wait(AFTERWARDS)
        .await
}

pub(crate) async fn stable_shrinks_as_the_weight_rises(stage: &mut Stage) -> Result<()> {
    stage.begin(Route::GatewayApi, DYNAMIC).await?;
    stage
        .world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .at_step(1)
        .pods(1, 3)
        .await?;
    stage.share(2, 25.0).await?;
    stage
        .world
        .when()
        .promote()
        .then()
        .at_step(3)
        .phase("Paused")
        .pods(1, 1)
        .await?;
    stage.share(2, 75.0).await?;
    stage
        .world
        .when()
        .abort()
        .then()
        .phase("Degraded")
        .ready_pods(1, 4)
        .pods(2, 0)
        .wait(AFTERWARDS)
        .await?;
    stage.world.when().retry().then().phase("Paused").at_step(1).await?;
    stage
        .world
        .when()
        .promote_full()
        .then()
        .healthy()
        .pods(1, 0)
        .wait(AFTERWARDS)
        .await
}

pub(crate) async fn a_blue_green_switch_by_ingress(stage: &mut Stage) -> Result<()> {
    stage.begin(Route::Ingress, BLUE_GREEN).await?;
    stage
        .world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .ready_pods(2, 4)
        .await?;
    stage.share(2, 0.0).await?;
    stage.world.when().promote().then().healthy().await?;
    stage.share(2, 100.0).await?;
    stage.world.then().pods(1, 0).wait(AFTERWARDS).await
}
