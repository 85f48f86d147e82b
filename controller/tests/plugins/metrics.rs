//! Metrics that a plugin measures.

use crate::world::World;
use serde_json::{Value, json};

fn first(status: &Value) -> &Value {
    &status["metricResults"][0]["measurements"][0]
}

pub(crate) async fn a_plugin_measures() {
    let world = World::compiled().await;
    world.measure("run", "acme/go", &json!({"a": 1}), &json!({})).await;
    let status = world.run("run", |status| status["phase"] == "Successful").await;
    let value: Value = serde_json::from_str(first(&status)["value"].as_str().unwrap()).unwrap();
    assert_eq!(value["run"]["metadata"]["name"], "run", "{value}");
    assert_eq!(value["metric"]["provider"]["plugin"]["acme/go"], json!({"a": 1}));
    assert_eq!(first(&status)["metadata"], json!({"kind": "echo"}));
    assert_eq!(status["metricResults"][0]["metadata"]["name"], "m", "{status:#}");
    world.stop().await;
}

pub(crate) async fn a_measurement_goes_on_until_the_plugin_ends_it() {
    let world = World::compiled().await;
    let config = json!({"only": "run", "phase": "Running"});
    world.measure("run", "acme/go", &config, &json!({})).await;
    let status = world.run("run", |status| first(status)["phase"] == "Running").await;
    assert!(first(&status)["resumeAt"].is_string(), "{status:#}");
    let status = world.run("run", |status| status["phase"] == "Successful").await;
    let value: Value = serde_json::from_str(first(&status)["value"].as_str().unwrap()).unwrap();
    assert_eq!(value["phase"], "Running", "what was resumed: {value}");
    world.stop().await;
}

pub(crate) async fn what_goes_wrong_is_a_named_error() {
    let world = World::compiled().await;
    let limit = json!({"consecutiveErrorLimit": 0});
    world.measure("fails", "acme/go", &json!({"do": "fail"}), &limit).await;
    world.measure("hangs", "acme/go", &json!({"do": "hang"}), &limit).await;
    world.measure("absent", "acme/other", &json!({}), &limit).await;
    for (name, message) in [
        ("fails", "failed to run via plugin: told to fail"),
        (
            "absent",
            "failed to create plugin: unable to get metric plugin: unable to start plugin system: unable to find plugin \
             (acme/other): plugin acme/other not configured in configmap",
        ),
        ("hangs", "Run rpc call error: plugin acme/go gave no answer within 4s"),
    ] {
        let status = world.run(name, |status| status["phase"] == "Error").await;
        assert_eq!(first(&status)["message"], message);
    }
    world.stop().await;
}

pub(crate) async fn a_run_that_ends_ends_its_measurement() {
    let world = World::compiled().await;
    let config = json!({"only": "run", "phase": "Running"});
    world.measure("run", "acme/go", &config, &json!({})).await;
    world.run("run", |status| first(status)["phase"] == "Running").await;
    world.terminate("run").await;
    let status = world.run("run", |status| status["phase"] == "Successful").await;
    assert!(first(&status)["finishedAt"].is_string(), "{status:#}");
    world.stop().await;
}
