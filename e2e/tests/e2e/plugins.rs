//! Compiled plugins, as the ConfigMap names them.

use crate::canary::CANARY;
use anyhow::{Context, Result};
use serde_json::json;
use serin_e2e::{Story, World};
use std::path::PathBuf;

/// Whether the compiled plugin of the tests is there.
pub(crate) fn goplugin() -> Result<(), &'static str> {
    folder()
        .map(|_| ())
        .ok_or("needs SERIN_GOPLUGIN, the folder that e2e/goplugin/build fills")
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("SERIN_GOPLUGIN").map(PathBuf::from)
}

/// The first version of a canary with these steps runs, and the controller knows the plugin `acme/go`.
async fn given<'w>(world: &'w mut World, steps: &serde_json::Value) -> Result<Story<'w>> {
    world.in_real_time();
    let file = folder().context("SERIN_GOPLUGIN")?.join("goplugin");
    let item = format!("- {{name: acme/go, location: {:?}}}", file.display().to_string());
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argo-rollouts-config"},
        "data": {"stepPlugins": item, "metricProviderPlugins": item}});
    Ok(world
        .given()
        .objects(&map.to_string())
        .kill_controller()
        .start_controller()
        .rollout(CANARY)
        .healthy()
        .when()
        .edit(json!({"spec": {"strategy": {"canary": {"steps": steps}}}})))
}

pub(crate) async fn a_step_plugin_leads_on(world: &mut World) -> Result<()> {
    let steps = json!([
        {"setWeight": 25},
        {"plugin": {"name": "acme/go", "config": {"phase": "Successful"}}},
        {"setWeight": 50},
        {"plugin": {"name": "acme/go", "config": {"phase": "Failed", "only": "run"}}},
    ]);
    given(world, &steps)
        .await?
        .set_image("app:2")
        .then()
        .phase("Degraded")
        .condition("Progressing", "False", "RolloutAborted")
        .event("RolloutAborted", "Step Plugin 4 (acme/go) failed: run")
        .event(
            "StepPluginTransition",
            "Step plugin acme/go (step 4) transitioned to Failed",
        )
        // What the first of them did is taken back.
        .event(
            "StepPluginTransition",
            "Step plugin acme/go (step 2) aborted (Successful)",
        )
        .ready_pods(1, 4)
        .await
}

pub(crate) async fn a_metric_plugin_judges(world: &mut World) -> Result<()> {
    let template = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
        "metadata": {"name": "plugged"},
        "spec": {"metrics": [{"name": "m", "provider": {"plugin": {"acme/go": {"phase": "Failed"}}}}]}});
    let steps = json!([{"setWeight": 25}, {"analysis": {"templates": [{"templateName": "plugged"}]}}]);
    given(world, &steps)
        .await?
        .objects(&template.to_string())
        .set_image("app:2")
        .then()
        .phase("Degraded")
        .run("-2-1", "Failed")
        .ready_pods(1, 4)
        .await
}
