//! Traffic that a compiled plugin routes.

use crate::world::World;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// A file that the plugin writes what it is told into.
struct Notes(tempfile::TempDir);

impl Notes {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> String {
        self.0.path().join("told").to_str().unwrap().to_owned()
    }

    /// Lines, such as `SetWeight [50,null]`; those of the same calls once.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// The message of a condition; empty where it is absent.
fn condition<'s>(status: &'s Value, kind: &str) -> &'s str {
    let mut all = status["conditions"].as_array().into_iter().flatten();
    let found = all.find(|condition| condition["type"] == kind && condition["status"] == "True");
    found
        .and_then(|condition| condition["message"].as_str())
        .unwrap_or_default()
}

fn weight(status: &Value) -> &Value {
    &status["canary"]["weights"]["canary"]["weight"]
}

fn configure(config: &Value) -> Value {
    json!({"spec": {"strategy": {"canary": {"trafficRouting": {"plugins": {"acme/go": config}}}}}})
}

pub(crate) async fn a_router_is_told_in_the_order_of_argo_rollouts() {
    let (world, notes) = (World::compiled().await, Notes::new());
    world.routed("web", &json!({"file": notes.file()})).await;
    let first = world.until("web", |status| *weight(status) == 0).await;
    let hash = |status: &Value| status["currentPodHash"].as_str().unwrap().to_owned();
    let stable = hash(&first);
    world.update("web", 2).await;
    let status = world.until("web", |status| status["phase"] == "Paused").await;
    assert_eq!(
        (weight(&status), &status["currentStepIndex"]),
        (&json!(50), &json!(2)),
        "{status:#}"
    );
    let canary = hash(&status);
    assert_eq!(status["canary"]["weights"]["canary"]["podTemplateHash"], canary);
    assert_eq!(status["canary"]["weights"]["verified"], Value::Null);
    world.edit("web", "status", &json!({"status": {"abort": true}})).await;
    world
        .until("web", |status| *weight(status) == 0 && status["phase"] == "Degraded")
        .await;
    world.stop().await;

    let hashes = |canary: &str| format!("UpdateHash [\"{canary}\",\"{stable}\",null]");
    let header = r#"{"name":"agents","match":[{"headerName":"agent","headerValue":{"exact":"chrome"}}]}"#;
    let removes = "RemoveManagedRoutes [\"web\"]".to_owned();
    let weighs = |weight: i32| format!("SetWeight [{weight},null]");
    let told = [
        // At first all is stable's.
        vec![removes.clone(), hashes(&stable), weighs(0)],
        // The hash moves before the weight does.
        vec![hashes(&canary), weighs(0)],
        vec![hashes(&canary), weighs(50), "VerifyWeight [50,null]".to_owned()],
        vec![format!("SetHeaderRoute [{header}]"), hashes(&canary), weighs(50)],
        vec![removes.clone(), hashes(&canary), weighs(0)],
    ];
    let lines = notes.lines();
    let mut rest = &lines[..];
    for calls in &told {
        let at = rest.windows(calls.len()).position(|window| window == calls);
        let at = at.unwrap_or_else(|| panic!("{calls:#?} is not in {rest:#?}, all of it: {lines:#?}"));
        rest = &rest[at + calls.len()..];
    }
}

pub(crate) async fn a_weight_that_is_not_confirmed_is_not_reached() {
    let world = World::compiled().await;
    world.routed("web", &json!({"phase": "NotVerified"})).await;
    world.until("web", |status| *weight(status) == 0).await;
    world.update("web", 2).await;
    let verified = |status: &Value| status["canary"]["weights"]["verified"].clone();
    let status = world.until("web", |status| verified(status) == false).await;
    assert_eq!(
        (weight(&status), &status["currentStepIndex"]),
        (&json!(50), &json!(0)),
        "{status:#}"
    );
    assert_eq!(
        condition(&status, "TrafficNotVerified"),
        "plugin acme/go: the weight 50 is not in force yet"
    );
    world.edit("web", "", &configure(&json!({"phase": "Verified"}))).await;
    let status = world.until("web", |status| status["phase"] == "Paused").await;
    assert_eq!(condition(&status, "TrafficNotVerified"), "");
    assert_eq!(verified(&status), true);
    world.stop().await;
}

pub(crate) async fn a_router_that_fails_is_named_and_called_again() {
    let world = World::compiled().await;
    let config = json!({"only": "SetWeight", "do": "fail"});
    world.routed("web", &config).await;
    let status = world
        .until("web", |status| !condition(status, "TrafficNotRouted").is_empty())
        .await;
    let message = "plugin acme/go: failed to set weight via plugin: told to fail";
    assert_eq!(condition(&status, "TrafficNotRouted"), message);
    assert_eq!(weight(&status), &Value::Null, "no weight was set");
    let events = world.events().await;
    let told = format!("TrafficRoutingError {message}");
    assert_eq!(events.iter().filter(|event| **event == told).count(), 1, "{events:#?}");
    // The process dies at a call, and another one carries out the next.
    world
        .edit("web", "", &configure(&json!({"only": "UpdateHash", "do": "die"})))
        .await;
    let died = |status: &Value| condition(status, "TrafficNotRouted").contains("failed to update hash via plugin: ");
    world.until("web", died).await;
    world
        .edit("web", "", &configure(&json!({"only": null, "do": null})))
        .await;
    world
        .until("web", |status| {
            *weight(status) == 0 && condition(status, "TrafficNotRouted").is_empty()
        })
        .await;
    world.stop().await;
}

pub(crate) async fn a_router_that_hangs_holds_its_own_rollout_only() {
    let world = World::compiled().await;
    world.routed("slow", &json!({"only": "SetWeight", "do": "hang"})).await;
    world.until("slow", |status| status["availableReplicas"] == 1).await;
    let began = Instant::now();
    world.routed("quick", &json!({})).await;
    world.until("quick", |status| *weight(status) == 0).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    // The wait has an end and a name.
    let status = world
        .until("slow", |status| !condition(status, "TrafficNotRouted").is_empty())
        .await;
    assert_eq!(
        condition(&status, "TrafficNotRouted"),
        "plugin acme/go: failed to set weight via plugin: SetWeight rpc call error: plugin acme/go gave no answer within 4s"
    );
    world.stop().await;
}

pub(crate) async fn a_router_that_is_not_configured_is_in_the_status() {
    let world = World::start(&[].into()).await;
    world.routed("web", &json!({})).await;
    let status = world
        .until("web", |status| !condition(status, "TrafficNotRouted").is_empty())
        .await;
    assert_eq!(
        condition(&status, "TrafficNotRouted"),
        "plugin acme/go: unable to start plugin system: unable to find plugin (acme/go): plugin acme/go not configured in \
         configmap"
    );
    world.stop().await;
}
