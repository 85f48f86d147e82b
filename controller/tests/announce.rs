//! `--announce-messages`: a message that changes without the phase is followed by an annotation (decision 26).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_controller::{Decide, Options};
use serin_core::Observed;
use serin_core::plan::{After, News, Plan, StatusWrite, Urgency};
use serin_core::wire::MESSAGE_CHANGED_AT;
use serin_sandbox::{ApiError, FaultResponse, RequestInfo};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{World, create, event, rollout};

/// Writes a message, once.
fn tell(seen: &Observed, write: StatusWrite) -> Plan {
    if seen.rollout.status.message == "new" {
        return Plan::default();
    }
    Plan {
        status: Some(write),
        ..Plan::default()
    }
}

/// Held back for a while, as messages are that count pods.
fn message(seen: &Observed, _: Timestamp) -> Plan {
    let write = StatusWrite {
        patch: json!({"status": {"message": "new"}}),
        urgency: Urgency::Counters,
        message_only: true,
    };
    tell(seen, write)
}

fn message_and_phase(seen: &Observed, _: Timestamp) -> Plan {
    let write = StatusWrite {
        patch: json!({"status": {"message": "new", "phase": "Progressing"}}),
        urgency: Urgency::Now,
        message_only: false,
    };
    tell(seen, write)
}

fn message_and_event(seen: &Observed, at: Timestamp) -> Plan {
    let mut plan = message(seen, at);
    if plan.status.is_some() {
        plan.events.push(event(News::Resumed, After::Status));
    }
    plan
}

/// Writes of rollouts as they were sent: `status` or empty, and the body.
type Sent = Arc<Mutex<Vec<(String, Value)>>>;

/// A rollout under a controller; refused are the writes that `refuse` picks by their subresource.
async fn world(decide: Decide, announce_messages: bool, refuse: Option<&'static str>) -> (World, Sent) {
    let options = Options {
        announce_messages,
        ..Options::default()
    };
    let world = World::start_with(decide, &[], options).await;
    create(&world.client, &rollout("a", &json!({}))).await;
    let sent = Sent::default();
    let noted = sent.clone();
    world.api.intercept(Box::new(move |request: &RequestInfo| {
        let write = request.resource == "rollouts" && request.verb == "patch";
        if !write {
            return None;
        }
        let body = Value::clone(&request.body);
        noted.lock().unwrap().push((request.subresource.clone(), body));
        (refuse == Some(request.subresource.as_str()))
            .then(|| FaultResponse::Refuse(ApiError::new(403, "Forbidden", "no")))
    }));
    world.settle().await;
    (world, sent)
}

fn kinds(sent: &Sent) -> Vec<String> {
    sent.lock().unwrap().iter().map(|(kind, _)| kind.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_message_is_announced_once_upon_the_version_just_written() {
    let (world, sent) = world(message, true, None).await;
    // Looks that find nothing to write announce nothing.
    tokio::time::sleep(Duration::from_secs(2000)).await;
    assert_eq!(kinds(&sent), ["status", ""]);
    let [(_, status), (_, announced)] = <[_; 2]>::try_from(sent.lock().unwrap().clone()).unwrap();
    let version = |body: &Value| body["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    assert_ne!(version(&announced), version(&status));
    let at = &announced["metadata"]["annotations"][MESSAGE_CHANGED_AT];
    at.as_str().unwrap().parse::<Timestamp>().unwrap();
    let expected = json!({"metadata": {"uid": status["metadata"]["uid"], "resourceVersion": version(&announced),
        "annotations": {MESSAGE_CHANGED_AT: at}}});
    assert_eq!(announced, expected, "nothing else is changed");
    let stored = world.rollout("a").await;
    assert_eq!(stored["metadata"]["annotations"][MESSAGE_CHANGED_AT], *at);
    assert_eq!(stored["status"]["message"], "new");
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_announced_without_the_flag_or_with_a_new_phase() {
    for (name, decide, flag) in [
        ("no flag", message as Decide, false),
        ("a new phase", message_and_phase, true),
    ] {
        let (world, sent) = world(decide, flag, None).await;
        assert_eq!(kinds(&sent), ["status"], "{name}");
        assert_eq!(world.rollout("a").await["status"]["message"], "new", "{name}");
        world.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_refused_is_not_announced() {
    let (world, sent) = world(message, true, Some("status")).await;
    let kinds = kinds(&sent);
    assert!(
        !kinds.is_empty() && kinds.iter().all(|kind| kind == "status"),
        "{kinds:?}"
    );
    // Once it is written, it is.
    world.api.clear_intercept();
    tokio::time::sleep(Duration::from_secs(2000)).await;
    let stored = world.rollout("a").await;
    assert_eq!(stored["status"]["message"], "new");
    assert!(
        stored["metadata"]["annotations"][MESSAGE_CHANGED_AT].is_string(),
        "{stored}"
    );
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_announcement_that_is_refused_is_told_and_costs_no_event() {
    let (world, sent) = world(message_and_event, true, Some("")).await;
    assert_eq!(kinds(&sent), ["status", ""]);
    assert_eq!(world.events().await, ["RolloutResumed", "ReconciliationError"]);
    assert_eq!(world.rollout("a").await["status"]["message"], "new");
    world.stop().await;
}
