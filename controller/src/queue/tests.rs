#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use serin_core::observed::{Kind, Refusal};
use serin_core::plan::WakeReason;

fn key(name: &str) -> Key {
    Key::new("n", name)
}

async fn next(queue: &Queue) -> (String, Reason) {
    let item = queue.next(Takes::All, &Budgets::new(0.0, 1)).await;
    (item.key.name.to_string(), item.reason)
}

async fn nothing(queue: &Queue, within: Duration) -> bool {
    let budget = Budgets::new(0.0, 1);
    tokio::time::timeout(within, queue.next(Takes::All, &budget))
        .await
        .is_err()
}

const REFUSED: Reason = Reason::Wake(WakeReason::Refused(Refusal::ServerError));

#[tokio::test(start_paused = true)]
async fn people_go_first_requests_before_edits_and_events_are_coalesced() {
    let queue = Queue::default();
    queue.add(&key("a"), Reason::ReplicaSetChanged);
    queue.add(&key("a"), Reason::ReplicaSetChanged);
    queue.add(&key("b"), Reason::Resync);
    queue.add(&key("b"), Reason::SpecEdited);
    queue.add(&key("c"), Reason::RolloutChanged);
    assert_eq!(next(&queue).await, ("c".into(), Reason::RolloutChanged));
    assert_eq!(next(&queue).await, ("b".into(), Reason::SpecEdited));
    assert_eq!(next(&queue).await, ("a".into(), Reason::ReplicaSetChanged));
    assert!(nothing(&queue, Duration::from_secs(60)).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_given_to_one_worker_at_a_time() {
    let queue = Queue::default();
    queue.add(&key("a"), Reason::FirstSeen);
    next(&queue).await;
    queue.add(&key("a"), Reason::ReplicaSetChanged);
    queue.add(&key("a"), Reason::SpecEdited);
    assert!(nothing(&queue, Duration::from_secs(60)).await);
    let minute = Duration::from_secs(60);
    assert_eq!((queue.counts().unfinished, queue.counts().longest), (minute, minute));
    queue.ended(&key("a"), Ended::Well(None));
    assert_eq!(next(&queue).await, ("a".into(), Reason::SpecEdited));
    queue.ended(&key("a"), Ended::Well(None));
    assert!(lock(&queue.state).entries.is_empty());
}

#[tokio::test(start_paused = true)]
async fn back_off_doubles_to_ten_seconds_and_an_edit_resets_it() {
    let queue = Queue::default();
    queue.add(&key("a"), Reason::FirstSeen);
    next(&queue).await;
    let failed = Ended::Failed {
        why: REFUSED,
        at_least: Duration::ZERO,
        wake: None,
    };
    let mut waits = Vec::new();
    for _ in 0..16 {
        let before = Instant::now();
        queue.ended(&key("a"), failed);
        assert_eq!(next(&queue).await.1, REFUSED);
        waits.push(before.elapsed().as_millis());
    }
    assert_eq!(&waits[..4], [1, 2, 4, 8]);
    assert_eq!(waits[15], 10_000);
    queue.add(&key("a"), Reason::SpecEdited);
    queue.ended(&key("a"), Ended::Well(None));
    next(&queue).await;
    let before = Instant::now();
    queue.ended(&key("a"), failed);
    next(&queue).await;
    assert_eq!(before.elapsed().as_millis(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_wake_of_the_last_reconcile_counts() {
    let queue = Queue::default();
    queue.add(&key("a"), Reason::FirstSeen);
    next(&queue).await;
    let wake = |seconds, why| {
        Some(Due {
            after: Duration::from_secs(seconds),
            why: Reason::Wake(why),
        })
    };
    queue.ended(&key("a"), Ended::Well(wake(10, WakeReason::PauseOver)));
    queue.add(&key("a"), Reason::ReplicaSetChanged);
    next(&queue).await;
    queue.ended(&key("a"), Ended::Well(wake(30, WakeReason::ProgressDeadline)));
    let before = Instant::now();
    assert_eq!(next(&queue).await.1, Reason::Wake(WakeReason::ProgressDeadline));
    assert_eq!(before.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn the_api_server_can_ask_for_patience() {
    let queue = Queue::default();
    queue.add(&key("a"), Reason::FirstSeen);
    next(&queue).await;
    let before = Instant::now();
    queue.ended(
        &key("a"),
        Ended::Failed {
            why: REFUSED,
            at_least: Duration::from_secs(3),
            wake: None,
        },
    );
    next(&queue).await;
    assert_eq!(before.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn while_the_budget_is_used_up_only_people_are_served() {
    let (queue, budget) = (Queue::default(), Budgets::new(10.0, 1));
    budget.of(Kind::Rollout).take().await;
    let start = Instant::now();
    queue.add(&key("a"), Reason::ReplicaSetChanged);
    queue.add(&key("b"), Reason::Resync);
    queue.add(&key("b"), Reason::RolloutChanged);
    let item = queue.next(Takes::All, &budget).await;
    assert_eq!((&*item.key.name, item.urgent, item.throttled), ("b", true, false));
    assert_eq!(start.elapsed(), Duration::ZERO);
    let item = queue.next(Takes::All, &budget).await;
    assert_eq!((&*item.key.name, item.urgent, item.throttled), ("a", false, true));
    assert_eq!(start.elapsed().as_millis(), 100);
}

#[tokio::test(start_paused = true)]
async fn one_worker_is_kept_for_people_and_hears_of_them() {
    let (queue, budget) = (
        std::sync::Arc::new(Queue::default()),
        std::sync::Arc::new(Budgets::new(0.0, 1)),
    );
    let kept = tokio::spawn({
        let (queue, budget) = (std::sync::Arc::clone(&queue), std::sync::Arc::clone(&budget));
        async move { queue.next(Takes::Urgent, &budget).await }
    });
    queue.add(&key("a"), Reason::Resync);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        &*queue.next(Takes::All, &budget).await.key.name,
        "a",
        "left to the others"
    );
    queue.add(&key("b"), Reason::SpecEdited);
    assert_eq!(&*kept.await.unwrap().key.name, "b");
}

#[tokio::test(start_paused = true)]
async fn what_a_person_did_is_urgent_until_it_has_its_effect() {
    let (queue, budget) = (Queue::default(), Budgets::new(0.0, 1));
    let (after, why) = (Duration::from_secs(5), Reason::StoreLags);
    let not_decided = Ended::NotDecided(Due { after, why });
    let refused = Ended::Failed {
        why: REFUSED,
        at_least: Duration::ZERO,
        wake: None,
    };
    let (wrote, well) = (Ended::Wrote(None), Ended::Well(None));
    let rows = [
        (
            Reason::RolloutChanged,
            vec![not_decided, refused, wrote, refused, wrote],
        ),
        (Reason::RolloutChanged, vec![wrote, well]),
        (Reason::SpecEdited, vec![not_decided, refused, wrote]),
        (Reason::SpecEdited, vec![well]),
    ];
    for (reason, urgent_reconciles) in rows {
        queue.add(&key("a"), reason);
        for ended in urgent_reconciles {
            assert!(
                queue.next(Takes::All, &budget).await.urgent,
                "{reason:?}, then {ended:?}"
            );
            queue.ended(&key("a"), ended);
            queue.add(&key("a"), Reason::ReplicaSetChanged);
        }
        assert!(!queue.next(Takes::All, &budget).await.urgent, "{reason:?}");
        queue.ended(&key("a"), Ended::Well(None));
    }
    assert!(lock(&queue.state).entries.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_stays_before_hundreds_of_edits_until_it_has_its_effect() {
    let (queue, budget) = (Queue::default(), Budgets::new(0.0, 1));
    for number in 0..500 {
        queue.add(&key(&format!("edited-{number}")), Reason::SpecEdited);
    }
    queue.add(&key("promoted"), Reason::RolloutChanged);
    for (ended, seen) in [
        (Ended::Wrote(None), Reason::OwnWriteSeen),
        (Ended::Wrote(None), Reason::ReplicaSetChanged),
    ] {
        assert_eq!(&*queue.next(Takes::All, &budget).await.key.name, "promoted");
        queue.ended(&key("promoted"), ended);
        queue.add(&key("promoted"), seen);
    }
    assert_eq!(&*queue.next(Takes::All, &budget).await.key.name, "edited-0");
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_is_nowhere_any_more_but_not_while_it_is_reconciled() {
    let queue = Queue::default();
    for (name, reason) in [("a", Reason::FirstSeen), ("b", Reason::SpecEdited)] {
        queue.add(&key(name), reason);
        assert!(queue.remove(&key(name)));
    }
    queue.add(&key("c"), Reason::FirstSeen);
    next(&queue).await;
    assert!(!queue.remove(&key("c")));
    let (after, why) = (Duration::from_secs(5), Reason::StoreLags);
    queue.ended(&key("c"), Ended::NotDecided(Due { after, why }));
    assert!(queue.remove(&key("c")));
    assert!(nothing(&queue, Duration::from_secs(60)).await);
    let state = lock(&queue.state);
    assert!(state.entries.is_empty() && state.delayed.is_empty() && state.lanes.all() == 0);
}
