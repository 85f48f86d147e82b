//! What the shell does while the API server takes its time to answer; the watches show a write before its answer comes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};
use serin_controller::{Decide, Options};
use serin_core::Observed;
use serin_core::plan::{Plan, StatusWrite, Urgency, Wake, WakeReason};
use serin_sandbox::ApiServer;
use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;
use support::{World, create, rollout, server};
use tokio::time::Instant;

const ANSWER: Duration = Duration::from_millis(300);

thread_local! {
    static LOOKS: RefCell<Vec<Instant>> = const { RefCell::new(Vec::new()) };
}

/// Patches are carried out at once and answered after [`ANSWER`].
fn slow(api: &ApiServer) -> Client {
    let api = api.clone();
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let api = api.clone();
        async move {
            let waits = request.method() == http::Method::PATCH;
            let answer = api.handle(request).await;
            if waits {
                tokio::time::sleep(ANSWER).await;
            }
            Ok::<_, Infallible>(answer)
        }
    });
    Client::new(service, "default")
}

/// Reports the replicas that the spec wants.
fn reports(seen: &Observed, _: Timestamp) -> Plan {
    let replicas = seen.rollout.spec.replicas.unwrap();
    if seen.rollout.status.replicas == replicas {
        return Plan::default();
    }
    written(&json!({"replicas": replicas}), None)
}

fn written(status: &Value, wake: Option<Timestamp>) -> Plan {
    let patch = json!({"status": status});
    let why = WakeReason::PauseOver;
    Plan {
        status: Some(StatusWrite {
            patch,
            urgency: Urgency::Now,
            message_only: false,
        }),
        wake: wake.map(|at| Wake { at, why }),
        ..Plan::default()
    }
}

async fn started(decide: Decide) -> World {
    let api = server().await;
    let client = slow(&api);
    World::on(api, client, decide, Options::default()).await
}

#[tokio::test(start_paused = true)]
async fn our_own_write_that_is_seen_before_its_answer_is_not_taken_for_a_persons() {
    let world = started(reports).await;
    create(&world.client, &rollout("a", &json!({"replicas": 3}))).await;
    world.settle().await;
    let metrics = world.scrape().await;
    let looks: Vec<&str> = metrics
        .lines()
        .filter(|it| it.starts_with("serin_reconciles_total"))
        .collect();
    let expected = [
        r#"serin_reconciles_total{reason="FirstSeen"} 1"#,
        r#"serin_reconciles_total{reason="OwnWriteSeen"} 1"#,
    ];
    assert_eq!(looks, expected);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_persons_change_before_the_answer_to_ours_is_not_taken_for_ours() {
    let world = started(reports).await;
    create(&world.client, &rollout("a", &json!({"replicas": 3}))).await;
    tokio::time::sleep(ANSWER / 2).await;
    assert_eq!(world.rollout("a").await["status"]["replicas"], 3);
    world.edit("a", &json!({"spec": {"replicas": 4}})).await;
    world.settle().await;
    let metrics = world.scrape().await;
    assert!(
        metrics.contains(r#"serin_reconciles_total{reason="SpecEdited"} 1"#),
        "{metrics}"
    );
    assert_eq!(world.rollout("a").await["status"]["replicas"], 4);
    world.stop().await;
}

/// Writes what is there already, which nobody hears of, and asks for a look in two seconds.
fn waits(_: &Observed, now: Timestamp) -> Plan {
    LOOKS.with_borrow_mut(|looks| looks.push(Instant::now()));
    written(&json!({"phase": "Healthy"}), Some(now + Duration::from_secs(2)))
}

#[tokio::test(start_paused = true)]
async fn a_wake_counts_from_the_clock_reading_and_not_from_the_answers_to_what_was_written() {
    let world = started(waits).await;
    create(&world.client, &rollout("a", &json!({}))).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let looks = LOOKS.with_borrow(Clone::clone);
    world.stop().await;
    // The second look is for our own write, which was news.
    let between: Vec<Duration> = looks.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(between, [Duration::from_secs(2); 4]);
}
