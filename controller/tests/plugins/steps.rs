//! Steps that a plugin carries out.

use crate::world::{World, config};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The record of a call.
fn call<'s>(status: &'s Value, operation: &str) -> &'s Value {
    let calls = status["canary"]["stepPluginStatuses"].as_array();
    let mut calls = calls.into_iter().flatten();
    calls
        .find(|call| call["operation"] == operation)
        .unwrap_or(&Value::Null)
}

pub(crate) async fn a_step_waits_for_its_plugin() {
    let world = World::compiled().await;
    world.rollout("web", &json!({"phase": "Successful"})).await;
    world.update("web", 2).await;
    let status = world
        .until("web", |status| {
            status["phase"] == "Healthy" && call(status, "Run")["executions"] == 1
        })
        .await;
    let run = call(&status, "Run");
    assert_eq!((&run["name"], &run["phase"]), (&json!("acme/go"), &json!("Successful")));
    let seen = &run["status"];
    assert_eq!(seen["rollout"]["metadata"]["name"], "web", "{seen}");
    assert_eq!(
        seen["rollout"]["spec"]["template"]["spec"]["containers"][0]["image"],
        "app:2"
    );
    assert_eq!(seen["context"]["PluginName"], "acme/go");
    assert!(run["finishedAt"].is_string() && run["startedAt"].is_string(), "{run}");
    world.stop().await;
}

pub(crate) async fn a_plugin_that_hangs_holds_its_own_rollout_only() {
    let world = World::compiled().await;
    world.rollout("slow", &json!({"do": "hang"})).await;
    world.rollout("quick", &json!({"phase": "Successful"})).await;
    world.update("slow", 2).await;
    world
        .until("slow", |status| call(status, "Run")["startedAt"].is_string())
        .await;
    let began = Instant::now();
    world.update("quick", 2).await;
    world
        .until("quick", |status| {
            status["phase"] == "Healthy" && call(status, "Run")["executions"] == 1
        })
        .await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    // The wait has an end and a name.
    let status = world
        .until("slow", |status| call(status, "Run")["phase"] == "Error")
        .await;
    assert_eq!(
        call(&status, "Run")["message"],
        "Run rpc call error: plugin acme/go gave no answer within 4s"
    );
    assert_eq!(status["phase"], "Progressing");
    world.stop().await;
}

pub(crate) async fn an_abort_takes_back_what_a_plugin_did() {
    let world = World::compiled().await;
    let config = json!({"only": "abort", "phase": "Successful"});
    world.rollout("web", &config).await;
    world.update("web", 2).await;
    world
        .until("web", |status| call(status, "Run")["executions"] == 1)
        .await;
    world.edit("web", "status", &json!({"status": {"abort": true}})).await;
    let status = world
        .until("web", |status| call(status, "Abort")["phase"] == "Successful")
        .await;
    assert_eq!(call(&status, "Abort")["message"], "abort");
    let events = world.events().await;
    let aborted = "StepPluginTransition Step plugin acme/go (step 1) aborted (Successful)";
    assert!(events.iter().any(|event| event == aborted), "{events:#?}");
    world.stop().await;
}

pub(crate) async fn a_step_that_fails_aborts() {
    let world = World::compiled().await;
    world.rollout("web", &json!({"phase": "Failed"})).await;
    world.update("web", 2).await;
    let status = world.until("web", |status| status["phase"] == "Degraded").await;
    let message = status["message"].as_str().unwrap();
    assert!(
        message.contains("Step Plugin 1 (acme/go) failed: run"),
        "{message}: {status:#}"
    );
    world.stop().await;
}

pub(crate) async fn a_disabled_plugin_is_passed_over() {
    let world = World::start(&config("/does/not/exist", ", disabled: true")).await;
    world.rollout("web", &json!({})).await;
    world.update("web", 2).await;
    let status = world
        .until("web", |status| {
            status["phase"] == "Healthy" && call(status, "Run")["disabled"] == true
        })
        .await;
    assert_eq!(call(&status, "Run")["executions"], Value::Null);
    world.stop().await;
}

pub(crate) async fn a_plugin_that_is_not_configured_is_told_once() {
    let world = World::start(&[].into()).await;
    world.rollout("web", &json!({})).await;
    world.update("web", 2).await;
    let told = async || {
        let events = world.events().await;
        events
            .iter()
            .filter(|event| event.starts_with("ReconciliationError"))
            .count()
    };
    let began = Instant::now();
    while told().await == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "{:#?}", world.events().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Any other reconcile does not tell it again.
    for round in 0..5 {
        let patch = json!({"metadata": {"annotations": {"round": round.to_string()}}});
        world.edit("web", "", &patch).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(told().await, 1, "{:#?}", world.events().await);
    world.stop().await;
}

pub(crate) async fn a_plugin_that_does_not_start_is_in_the_status() {
    let world = World::start(&config("/does/not/exist", "")).await;
    world.rollout("web", &json!({})).await;
    world.update("web", 2).await;
    let status = world
        .until("web", |status| call(status, "Run")["phase"] == "Error")
        .await;
    let message = call(&status, "Run")["message"].as_str().unwrap();
    assert!(
        message.starts_with("unable to start plugin system: unable to get plugin client (acme/go): /does/not/exist"),
        "{message}"
    );
    world.stop().await;
}
