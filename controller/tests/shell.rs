//! The shell against the in-memory API server, with scripted decisions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::json;
use serin_sandbox::{ApiError, FaultResponse};
use std::time::Duration;
use support::{World, create, rollout, two};

#[tokio::test(start_paused = true)]
async fn a_plan_is_carried_out_in_order_and_nothing_is_written_at_rest() {
    let world = World::start(two, &[rollout("a", &json!({}))]).await;
    world.settle().await;
    assert_eq!(world.replica_sets().await, ["a-1", "a-2"]);
    assert_eq!(
        world.events().await,
        ["NewReplicaSetCreated", "NewReplicaSetCreated", "RolloutResumed"]
    );
    world.api.clear_requests();
    tokio::time::sleep(Duration::from_secs(2000)).await;
    assert!(!world.api.requests().iter().any(serin_sandbox::RequestRecord::is_write));
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_stops_the_rest_is_told_once_and_tried_again() {
    for (code, reason) in [
        (403, "Forbidden"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (504, "Timeout"),
    ] {
        let world = World::start(two, &[]).await;
        world.api.intercept(Box::new(move |request| {
            let second = request.resource == "replicasets"
                && request.verb == "create"
                && request.body["metadata"]["name"] == "a-2";
            second.then(|| FaultResponse::Refuse(ApiError::new(code, reason, "no")))
        }));
        create(&world.client, &rollout("a", &json!({}))).await;
        world.settle().await;
        assert_eq!(world.replica_sets().await, ["a-1"], "{reason}");
        assert_eq!(
            world.events().await,
            ["NewReplicaSetCreated", "ReconciliationError"],
            "{reason}"
        );
        world.api.clear_intercept();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(
            world.events().await,
            [
                "NewReplicaSetCreated",
                "ReconciliationError",
                "NewReplicaSetCreated",
                "RolloutResumed"
            ],
            "{reason}"
        );
        world.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_undecodable_rollout_does_not_stop_the_others() {
    let bad = rollout("bad", &json!({"replicas": "three"}));
    let world = World::start(two, &[bad, rollout("good", &json!({}))]).await;
    world.settle().await;
    assert_eq!(world.replica_sets().await, ["good-1", "good-2"]);
    world.stop().await;
}
