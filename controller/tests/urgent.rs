//! What a person does is followed at once, however many other rollouts wait for the budget of calls (`--qps`, `--burst`).
//!
//! In virtual time the API server answers at once, so what passes between a change and our answer to it is our own
//! waiting alone: for a worker, and for the budget.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use serin_controller::Options;
use serin_core::Observed;
use serin_core::plan::{Plan, StatusWrite, Urgency};
use std::time::Duration;
use support::{World, rollout, rollouts};
use tokio::time::Instant;

const IN_FLIGHT: i32 = 500;
const PEOPLE: i32 = 20;
/// Writes of an update, one a look.
const STAGES: i64 = 4;

/// An update of the spec (to 2 replicas or more) takes [`STAGES`] looks, each with a write of the status. A request (`status.abort`) is noted
/// by one look and carried out by the next.
fn staged(seen: &Observed, _: Timestamp) -> Plan {
    let (spec, status) = (&seen.rollout.spec, &seen.rollout.status);
    let version = i64::from(spec.replicas.unwrap_or_default());
    let done = if status.observed_generation == version.to_string() {
        i64::from(status.replicas)
    } else {
        0
    };
    if status.abort && status.message != "carried out" {
        let message = if status.message == "noted" {
            "carried out"
        } else {
            "noted"
        };
        return written(&json!({"message": message}));
    }
    if done == STAGES || version == 1 {
        return Plan::default();
    }
    written(&json!({"observedGeneration": version.to_string(), "replicas": done + 1}))
}

fn written(status: &Value) -> Plan {
    let patch = json!({"status": status});
    Plan {
        status: Some(StatusWrite {
            patch,
            urgency: Urgency::Now,
            message_only: false,
        }),
        ..Plan::default()
    }
}

async fn abort(world: &World, name: &str) {
    let patch = Patch::Merge(json!({"status": {"abort": true}}));
    let api = rollouts(&world.client);
    api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
}

/// Waits until the status of a rollout has this value, and says how long.
async fn until(world: &World, name: &str, member: &str, wanted: &str) -> Duration {
    let began = Instant::now();
    while world.rollout(name).await["status"][member] != wanted {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(began.elapsed() < Duration::from_secs(120), "{name} is not looked at");
    }
    began.elapsed()
}

async fn settled(world: &World) -> usize {
    let all = rollouts(&world.client).list(&Default::default()).await.unwrap().items;
    all.iter()
        .filter(|it| it.data["spec"]["replicas"] == 1 || it.data["status"]["replicas"] == STAGES)
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_person_is_answered_within_100_ms_at_stock_limits_with_500_rollouts_in_flight() {
    let options = Options::default();
    assert_eq!((options.qps, options.burst, options.rollout_threads), (40.0, 80, 10));
    let all: Vec<String> = (0..IN_FLIGHT + 2 * PEOPLE).map(|number| format!("r{number}")).collect();
    let (in_flight, people) = all.split_at(usize::try_from(IN_FLIGHT).unwrap());
    let present: Vec<Value> = all.iter().map(|name| rollout(name, &json!({"replicas": 1}))).collect();
    let world = World::start_with(staged, &present, options).await;
    tokio::time::sleep(Duration::from_secs(10)).await;

    let began = Instant::now();
    let before = world.count("patch", "rollouts", "status");
    for name in in_flight {
        world.edit(name, &json!({"spec": {"replicas": 2}})).await;
    }
    let mut waits = Vec::new();
    for pair in people.chunks(2) {
        abort(&world, &pair[0]).await;
        waits.push(until(&world, &pair[0], "message", "carried out").await);
        world.edit(&pair[1], &json!({"spec": {"replicas": 2}})).await;
        waits.push(until(&world, &pair[1], "observedGeneration", "2").await);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let longest = waits.iter().max().unwrap();
    assert!(*longest <= Duration::from_millis(100), "{waits:?}");
    assert!(
        settled(&world).await < all.len(),
        "nothing waited any more: the test says nothing"
    );

    // The others have their turn, at the rate that is allowed.
    while settled(&world).await < all.len() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(120));
    }
    let for_people = IN_FLIGHT + 3 * PEOPLE;
    let writes = i32::try_from(world.count("patch", "rollouts", "status") - before).unwrap();
    let ordinary = f64::from(writes - for_people);
    let allowed = 80.0 + 40.0 * began.elapsed().as_secs_f64();
    assert!(
        ordinary <= allowed,
        "{ordinary} ordinary writes in {:?}",
        began.elapsed()
    );
    world.stop().await;
}
