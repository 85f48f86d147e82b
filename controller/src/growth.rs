//! The steps of the shell whose cost must not grow with the number of rollouts by more than its logarithm.
//!
//! `cargo bench -p serin-controller --features bench` measures each with 1,000, 4,000 and 16,000 rollouts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests and benchmarks compile it"
)]

use crate::cluster::budget::Budgets;
use crate::queue::{Due, Ended, Queue, Reason, Takes};
use crate::store::decode::{StoredReplicaSet, StoredRollout};
use crate::store::expectations::{Expectations, Expected, Subject};
use crate::store::service::StoredService;
use crate::store::{Key, Source, Stores};
use crate::telemetry::Telemetry;
use futures::FutureExt;
use serde_json::json;
use serin_core::wire;
use std::sync::Arc;
use std::time::Duration;

/// ReplicaSets of a rollout.
const REVISIONS: usize = 3;
/// A shell with many rollouts.
pub struct Full {
    stores: Arc<Stores>,
    queue: Queue,
    telemetry: Telemetry,
    expectations: Expectations,
}

fn key(number: usize) -> Key {
    Key::new("n", &format!("r{number}"))
}

fn rollout(number: usize, version: usize) -> StoredRollout {
    let strategy = json!({"canary": {"stableService": format!("s{number}")}});
    serde_json::from_value(json!({
        "metadata": {"name": format!("r{number}"), "namespace": "n", "uid": format!("u{number}"),
            "resourceVersion": version.to_string(), "generation": 1},
        "spec": {"strategy": strategy},
    }))
    .expect("a Rollout is read leniently")
}

fn replica_set(rollout: usize, revision: usize, version: usize) -> StoredReplicaSet {
    let owner = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": format!("r{rollout}"),
        "uid": format!("u{rollout}"), "controller": true});
    serde_json::from_value(
        json!({"metadata": {"name": format!("r{rollout}-{revision}"), "namespace": "n",
        "uid": uid(rollout, revision), "resourceVersion": version.to_string(), "ownerReferences": [owner]}}),
    )
    .expect("the JSON above is a ReplicaSet")
}

fn uid(rollout: usize, revision: usize) -> String {
    format!("{rollout}-{revision}")
}

fn service(number: usize, version: usize) -> StoredService {
    serde_json::from_value(json!({
        "metadata": {"name": format!("s{number}"), "namespace": "n", "resourceVersion": version.to_string(),
            "annotations": {wire::MANAGED_BY: format!("r{number}")}},
    }))
    .expect("the JSON above is a Service")
}

/// A shell with so many rollouts, all of them waiting for a worker, and as many deleted a moment ago.
#[must_use]
pub fn full(rollouts: usize) -> Full {
    let stores = Arc::new(Stores::default());
    let full = Full {
        telemetry: Telemetry::new(Arc::clone(&stores)).expect("a registry of its own has no name twice"),
        stores,
        queue: Queue::default(),
        expectations: Expectations::default(),
    };
    for number in 0..rollouts {
        full.stores.apply_rollout(rollout(number, 1), Source::List);
        for revision in 0..REVISIONS {
            full.stores
                .replica_sets
                .apply(replica_set(number, revision, 1), Source::List);
        }
        full.stores.services.apply(service(number, 1), Source::List);
        full.stores
            .services
            .is_absent(&Key::new("n", &format!("absent{number}")));
        full.queue.add(&key(number), Reason::Resync);
        full.telemetry.deleted(Key::new("n", &format!("deleted{number}")));
        let at_least = Expected::After {
            uid: format!("u{number}"),
            version: "1".into(),
        };
        full.expectations.add(&format!("u{number}"), Subject::Itself, at_least);
    }
    full
}

/// One step about the rollout with this number; a shell takes each number once.
pub type Step = fn(&Full, usize);

/// The steps, and what happens in each.
#[must_use]
pub fn steps() -> Vec<(&'static str, Step)> {
    vec![
        ("a rollout changes", |full, step| {
            full.stores.apply_rollout(rollout(step, 2), Source::Event);
        }),
        ("a ReplicaSet changes", |full, step| {
            full.stores.replica_sets.apply(replica_set(step, 0, 2), Source::Event);
        }),
        ("a ReplicaSet is new", |full, step| {
            full.stores.replica_sets.apply(replica_set(step, 99, 2), Source::Event);
        }),
        ("a ReplicaSet changes hands", |full, step| {
            let mut other = replica_set(step, 1, 3);
            other.owner.as_mut().expect("replica_set() gives it an owner").uid = format!("u{}", step + 1);
            full.stores.replica_sets.apply(other, Source::Event);
        }),
        ("a ReplicaSet goes", |full, step| {
            assert!(full.stores.replica_sets.delete(&uid(step, 2)).is_some());
        }),
        ("the ReplicaSets of a rollout are looked up", |full, step| {
            let orphans = full.stores.replica_sets.orphaned_by(&key(step)).len();
            assert!(orphans == 0 && full.stores.replica_sets.of(&format!("u{step}")).len() < REVISIONS + 2);
        }),
        ("a Service changes", |full, step| {
            full.stores.services.apply(service(step, 2), Source::Event);
        }),
        ("the Services of a rollout are looked up", |full, step| {
            assert_eq!(full.stores.services.managed_by(&key(step)).len(), 1);
        }),
        ("a Service is not there", |full, step| {
            full.stores
                .services
                .is_absent(&Key::new("n", &format!("missing{step}")));
        }),
        ("a Service goes", |full, step| {
            assert_eq!(
                full.stores.services.delete(&Key::new("n", &format!("s{step}"))).len(),
                1
            );
        }),
        (
            "a person's change passes those that wait, and is taken",
            |full, step| {
                full.queue.add(&key(step), Reason::SpecEdited);
                let item = full
                    .queue
                    .next(Takes::All, &Budgets::new(0.0, 1))
                    .now_or_never()
                    .expect("one was added just now");
                assert_eq!(item.key, key(step));
                let why = Reason::StoreLags;
                full.queue.ended(
                    &key(step),
                    Ended::NotDecided(Due {
                        after: Duration::from_secs(9),
                        why,
                    }),
                );
            },
        ),
        ("one that waits is forgotten", |full, step| {
            full.queue.forget(&key(step))
        }),
        ("our own write is expected, seen and forgotten", |full, step| {
            let uid = format!("u{step}");
            assert!(!full.expectations.is_own_write(&uid, "1"));
            full.expectations.forget(&uid);
        }),
        ("a call is counted", |full, step| {
            full.telemetry.event(&key(step), "Normal", "Any")
        }),
        ("a rollout goes", |full, step| {
            assert!(full.stores.delete_rollout(&rollout(step, 2)).is_some());
            full.telemetry.deleted(key(step));
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_step_can_be_measured() {
        for (_, step) in steps() {
            let full = full(8);
            (0..4).for_each(|number| step(&full, number));
        }
    }
}
