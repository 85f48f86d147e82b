//! What the shell does when the API server refuses, is silent, loses answers, or when others write at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use futures::FutureExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use serin_core::Observed;
use serin_core::plan::{After, News, Plan, StatusWrite, Urgency, Wake, WakeReason};
use serin_sandbox::{ApiError, ApiServer, FaultResponse};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{World, create, cut_watch, event, new, rollout, two};

thread_local! {
    /// Where [`edited`] plays the user, and how often it still does.
    static SERVER: RefCell<Option<ApiServer>> = const { RefCell::new(None) };
    static EDITS: Cell<i32> = const { Cell::new(0) };
    /// `spec.replicas` (or whatever a decision counts) at each look.
    static SEEN: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

fn seen() -> Vec<i32> {
    SEEN.with_borrow(Clone::clone)
}

/// A user's `kubectl patch` at this very moment: between the look and the write.
fn edit_now(patch: &Value) {
    let request = http::Request::patch("/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/a")
        .header("content-type", "application/merge-patch+json")
        .body(kube::client::Body::from(patch.to_string().into_bytes()))
        .unwrap();
    let server = SERVER.with_borrow(|server| server.clone().unwrap());
    let answer = server
        .handle(request)
        .now_or_never()
        .expect("the server answers at once");
    assert_eq!(answer.status(), 200);
}

fn status(patch: &Value, urgency: Urgency) -> Option<StatusWrite> {
    Some(StatusWrite {
        patch: json!({"status": patch}),
        urgency,
        message_only: false,
    })
}

/// Reports the replicas that the spec wants; the user edits them while it thinks.
fn edited(observed: &Observed, _: Timestamp) -> Plan {
    let replicas = observed.rollout.spec.replicas.unwrap();
    SEEN.with_borrow_mut(|all| all.push(replicas));
    if observed.rollout.status.replicas == replicas {
        return Plan::default();
    }
    if EDITS.get() > 0 {
        EDITS.set(EDITS.get() - 1);
        let by = json!({"by": format!("user {}", EDITS.get())});
        // The last edit is one of the spec.
        let replicas = if EDITS.get() == 0 { 4 } else { 3 };
        edit_now(&json!({"spec": {"replicas": replicas}, "metadata": {"annotations": by}}));
    }
    Plan {
        status: status(&json!({"replicas": replicas}), Urgency::Now),
        events: vec![event(News::Resumed, After::Status)],
        ..Plan::default()
    }
}

async fn users_edit(times: i32) -> World {
    let world = World::start(edited, &[]).await;
    SERVER.with_borrow_mut(|server| *server = Some(world.api.clone()));
    EDITS.set(times);
    create(&world.client, &rollout("a", &json!({"replicas": 3}))).await;
    world.settle().await;
    let stored = world.rollout("a").await;
    assert_eq!(stored["metadata"]["annotations"]["by"], "user 0");
    assert_eq!(stored["spec"]["replicas"], 4);
    assert_eq!(stored["status"]["replicas"], 4);
    world
}

#[tokio::test(start_paused = true)]
async fn a_users_edit_during_a_look_wins_and_one_conflict_is_nothing_to_tell() {
    let world = users_edit(1).await;
    assert_eq!(world.events().await, ["RolloutResumed"]);
    assert_eq!(seen(), [3, 4, 4]);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_conflicts_in_a_row_are_told_once() {
    let world = users_edit(3).await;
    assert_eq!(world.events().await, ["ReconciliationError", "RolloutResumed"]);
    assert_eq!(seen(), [3, 3, 3, 4, 4]);
    let waits = r#"serin_waits_total{why="Conflict"} 3"#;
    let metrics = world.scrape().await;
    assert!(metrics.contains(waits), "{metrics}");
    world.stop().await;
}

/// The first creation of `a-2` fails in this way.
async fn a_creation_fails(fault: FaultResponse) -> World {
    let world = World::start(two, &[]).await;
    let tries = AtomicUsize::new(0);
    world.api.intercept(Box::new(move |request| {
        let this = request.verb == "create" && request.resource == "replicasets" && request.name == "a-2";
        (this && tries.fetch_add(1, Ordering::Relaxed) == 0).then(|| fault.clone())
    }));
    create(&world.client, &rollout("a", &json!({}))).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.replica_sets().await, ["a-1", "a-2"]);
    assert_eq!(world.rollout("a").await["status"]["phase"], "Healthy");
    let metrics = world.scrape().await;
    let waits = r#"serin_waits_total{why="Timeout"} 1"#;
    assert!(metrics.contains(waits), "{metrics}");
    world
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_a_named_wait_and_one_event() {
    let world = a_creation_fails(FaultResponse::Hang).await;
    assert_eq!(
        world.events().await,
        [
            "NewReplicaSetCreated",
            "ReconciliationError",
            "NewReplicaSetCreated",
            "RolloutResumed"
        ]
    );
    assert_eq!(world.count("create", "replicasets", ""), 3);
    assert_eq!(world.count("patch", "rollouts", "status"), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_done_although_the_answer_was_lost_is_not_done_twice() {
    let lost = ApiError::new(504, "Timeout", "the answer was lost");
    let world = a_creation_fails(FaultResponse::Lose(lost)).await;
    assert_eq!(
        world.events().await,
        [
            "NewReplicaSetCreated",
            "ReconciliationError",
            "NewReplicaSetCreated",
            "RolloutResumed"
        ],
        "the event whose cause went through unnoticed is sent all the same, once"
    );
    assert_eq!(world.count("patch", "rollouts", "status"), 1);
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_unseen_creation_is_adopted_by_its_name() {
    // The answer is lost and the watch does not tell either: the next look creates it again, and finds it there.
    let world = World::start(two, &[]).await;
    world.settle().await;
    let tries = AtomicUsize::new(0);
    world.api.disconnect_watches();
    world.api.intercept(Box::new(move |request| {
        if request.resource != "replicasets" {
            return None;
        }
        match request.verb.as_str() {
            "watch" | "list" => Some(FaultResponse::Refuse(ApiError::new(503, "ServiceUnavailable", "cut"))),
            "create" if request.name == "a-2" && tries.fetch_add(1, Ordering::Relaxed) == 0 => Some(
                FaultResponse::Lose(ApiError::new(504, "Timeout", "the answer was lost")),
            ),
            _ => None,
        }
    }));
    tokio::time::sleep(Duration::from_secs(2)).await;
    create(&world.client, &rollout("a", &json!({}))).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.api.clear_intercept();
    assert_eq!(world.replica_sets().await, ["a-1", "a-2"]);
    let stored = world.rollout("a").await;
    assert_eq!(stored["status"]["phase"], "Healthy");
    // a-1 once (its expectation is met by a live read), a-2 twice.
    assert_eq!(world.count("create", "replicasets", ""), 3);
    world.stop().await;
}

/// Counts up to five, one status write a look; a decision upon an old snapshot would count a number twice.
fn counting(observed: &Observed, now: Timestamp) -> Plan {
    let count = observed.rollout.status.replicas;
    if seen().is_empty() {
        // The first event arrived, nothing after it will: only live reads can show what we wrote.
        SERVER.with_borrow(|server| cut_watch(server.as_ref().unwrap(), "rollouts"));
    }
    SEEN.with_borrow_mut(|all| all.push(count));
    if count == 5 {
        return Plan::default();
    }
    let wake = Wake {
        at: now + Duration::from_millis(50),
        why: WakeReason::PauseOver,
    };
    Plan {
        status: status(&json!({"replicas": count + 1}), Urgency::Now),
        wake: Some(wake),
        ..Plan::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_older_than_our_own_writes_is_not_decided_upon() {
    let world = World::start(counting, &[]).await;
    world.settle().await;
    SERVER.with_borrow_mut(|server| *server = Some(world.api.clone()));
    create(&world.client, &rollout("a", &json!({}))).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(seen(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(world.count("patch", "rollouts", "status"), 5);
    let reads = world.count("get", "rollouts", "");
    assert_eq!(reads, 5, "one live read after each write");
    assert_eq!(world.rollout("a").await["status"]["replicas"], 5);
    world.stop().await;
}

/// Reports available pods as a counter, and the phase once there are twenty.
fn counters(observed: &Observed, _: Timestamp) -> Plan {
    let Some(set) = observed.replica_sets.first() else {
        return Plan {
            actions: vec![new("a-1".into())],
            ..Plan::default()
        };
    };
    let reported = &observed.rollout.status;
    let available = set.available_replicas;
    if available == reported.available_replicas {
        return Plan::default();
    }
    let (patch, urgency) = if available == 20 {
        (
            json!({"availableReplicas": available, "phase": "Healthy"}),
            Urgency::Now,
        )
    } else {
        (json!({"availableReplicas": available}), Urgency::Counters)
    };
    Plan {
        status: status(&patch, urgency),
        ..Plan::default()
    }
}

#[tokio::test(start_paused = true)]
async fn counters_are_written_four_times_a_second_and_a_phase_at_once() {
    let world = World::start(counters, &[rollout("a", &json!({}))]).await;
    world.settle().await;
    for pods in 1..=19 {
        world.available("a-1", pods).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let writes = world.count("patch", "rollouts", "status");
    assert!((3..=4).contains(&writes), "{writes} status writes in 950 ms");
    world.available("a-1", 20).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let stored = world.rollout("a").await;
    assert_eq!(stored["status"]["phase"], "Healthy");
    assert_eq!(stored["status"]["availableReplicas"], 20);
    world.settle().await;
    assert_eq!(world.count("patch", "rollouts", "status"), writes + 1);
    world.stop().await;
}

/// Panics at its first look.
fn panics(seen: &Observed, now: Timestamp) -> Plan {
    SEEN.with_borrow_mut(|all| all.push(0));
    assert!(self::seen().len() > 1, "this is the panic of the test");
    two(seen, now)
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_wait_of_its_own_name_and_the_rollout_goes_on() {
    let world = World::start(panics, &[]).await;
    create(&world.client, &rollout("a", &json!({}))).await;
    world.settle().await;
    assert_eq!(world.rollout("a").await["status"]["phase"], "Healthy");
    let metrics = world.scrape().await;
    for line in [
        r#"serin_waits_total{why="Panicked"} 1"#,
        r#"serin_reconciles_total{reason="Panicked"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    world.stop().await;
}
