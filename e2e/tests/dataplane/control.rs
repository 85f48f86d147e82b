//! The wrong order, without Serin: requests are lost, and are seen to be.

use crate::routes::Route;
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use std::time::{Duration, Instant};

const HALF: &str = "{canary: {canaryService: canary, stableService: stable, \
    trafficRouting: {gatewayAPI: {httpRoute: web}}, steps: [{setWeight: 50}, {pause: {}}]}}";

pub(crate) async fn pods_that_go_before_the_weight_lose_requests(stage: &mut Stage) -> Result<()> {
    stage.begin(Route::GatewayApi, HALF).await?;
    stage
        .world
        .when()
        .set_image("app:2")
        .then()
        .phase("Paused")
        .at_step(1)
        .await?;
    stage.share(2, 50.0).await?;
    let from = Instant::now();
    stage.world.when().kill_controller().await?;
    ensure!(stage.lost_since(from) == 0, "requests are lost already");
    let view = stage.world.view().await?;
    let name = view.replica_set(2).context("no revision 2")?.name_any();
    let sets: Api<ReplicaSet> = Api::namespaced(stage.world.client(), stage.world.namespace());
    let nobody = Patch::Merge(json!({"spec": {"replicas": 0}}));
    sets.patch(&name, &PatchParams::default(), &nobody).await?;
    stage.note(format!("{name} is scaled to 0"));
    tokio::time::sleep(Duration::from_secs(12)).await;
    ensure!(
        stage.lost_since(from) > 0,
        "no request was lost: the test proves nothing"
    );
    Ok(())
}
