//! Restarts (contract 05 §4, §11, decision 9).

use crate::{RESTART, at, evicted, now, paused, restarted_at, set, set_patch, settled};
use jiff::Timestamp;
use serde_json::json;
use serin_core::observed::Pod;
use serin_core::plan::{Action, ReplicaSetAction, WakeReason};
use serin_core::rollout::pods;
use serin_core::{Observed, decide};
use std::collections::BTreeMap;

#[test]
fn as_many_pods_are_evicted_as_may_be_unavailable() {
    // R, Σ spec as stable and canary, available, maxUnavailable → evictions (contract 05 §11).
    let table = [
        (settled(4, 4, 4, &json!(1)), 1),
        (settled(4, 4, 3, &json!(1)), 0),
        (paused(10, (8, 8), (3, 3), &json!(2)), 2),
        (paused(10, (8, 8), (3, 2), &json!(2)), 1),
        (paused(4, (3, 3), (1, 1), &json!("75%")), 3),
        (paused(4, (3, 3), (1, 1), &json!(0)), 1),
    ];
    for (row, (seen, expected)) in table.into_iter().enumerate() {
        let plan = decide(&seen, now());
        assert_eq!(evicted(&plan).len(), expected, "row {row}");
        assert_eq!(restarted_at(&plan), None, "row {row}: old pods are still there");
        let wake = plan.wake.filter(|wake| wake.why == WakeReason::Restart);
        let seconds = wake.map(|wake| (wake.at - now()).get_seconds());
        // An eviction may be refused, and nothing tells when it no longer would be.
        assert_eq!(seconds, (expected > 0).then_some(30), "row {row}");
    }
}

#[test]
fn where_none_may_be_unavailable_one_pod_more_runs_meanwhile() {
    let mut seen = settled(1, 1, 1, &json!(0));
    let plan = decide(&seen, now());
    assert_eq!(set_patch(&plan).replicas, Some(2));
    assert_eq!(evicted(&plan), [""; 0]);

    // The new pod is not available yet: nothing happens.
    let hash = seen.identity.pod_hash.clone();
    seen.replica_sets.clear();
    set(&mut seen, &hash, 2, 2, 1);
    let name = format!("web-{hash}");
    seen.pods.get_mut(&name).unwrap()[1].created = at("2026-01-02T00:40:00Z");
    let plan = decide(&seen, now());
    assert_eq!(plan.actions, []);

    // Now it is: the old one goes, and no other.
    seen.replica_sets[0].available_replicas = 2;
    seen.pods.get_mut(&name).unwrap()[1].ready_since = Some(at("2026-01-02T00:41:00Z"));
    let plan = decide(&seen, now());
    assert_eq!(evicted(&plan), [format!("{name}-0")]);
    assert!(
        !plan
            .actions
            .iter()
            .any(|action| matches!(action, Action::ReplicaSet(ReplicaSetAction::Patch(_))))
    );

    // Done: back to one, and the status says so.
    seen.pods.get_mut(&name).unwrap()[0].created = at("2026-01-02T00:50:00Z");
    let plan = decide(&seen, now());
    assert_eq!(set_patch(&plan).replicas, Some(1));
    assert_eq!(restarted_at(&plan), Some(RESTART));
}

#[test]
fn the_pod_more_waits_for_superseded_revisions_to_go() {
    // The update has just ended, and pods of the revision before are still there: with every reconcile one more would be
    // asked for, beyond maxSurge.
    let mut seen = settled(4, 4, 3, &json!(0));
    set(&mut seen, "old", 1, 1, 1);
    let plan = decide(&seen, now());
    assert_eq!(plan.actions, []);

    // With the last of them gone, one pod more may run, however often it is asked for.
    let mut seen = settled(4, 4, 4, &json!(0));
    set(&mut seen, "old", 1, 0, 0);
    let plan = decide(&seen, now());
    assert_eq!(set_patch(&plan).replicas, Some(5));
    let hash = seen.identity.pod_hash.clone();
    seen.replica_sets.clear();
    set(&mut seen, &hash, 2, 5, 4);
    assert_eq!(decide(&seen, now()).actions, []);
}

/// The clock of the controller may be 5 s ahead: by its own, pods would be available so much too early.
#[test]
fn a_clock_that_is_ahead_makes_no_pod_available() {
    let mut seen = settled(4, 4, 4, &json!(1));
    for set in &mut seen.replica_sets {
        set.min_ready_seconds = 10;
    }
    let name = seen.replica_sets[0].name.clone();
    let ready = |seen: &mut Observed, at: Timestamp| seen.pods.get_mut(&name).unwrap()[3].ready_since = Some(at);
    ready(&mut seen, at("2026-01-02T00:59:48Z"));
    let plan = decide(&seen, now());
    assert_eq!(evicted(&plan), [""; 0]);
    assert_eq!(plan.wake.map(|wake| wake.at), Some(at("2026-01-02T01:00:03Z")));
    ready(&mut seen, at("2026-01-02T00:59:45Z"));
    assert_eq!(evicted(&decide(&seen, now())).len(), 1);
}

/// Its controller has not acted on a smaller size yet, and still counts a pod that was evicted: it will take others.
#[test]
fn what_is_evicted_while_a_replica_set_shrinks_is_not_what_goes() {
    let mut seen = settled(4, 6, 6, &json!(1));
    let set = &mut seen.replica_sets[0];
    set.replicas = 4;
    (set.generation, set.observed_generation) = (2, 1);
    let name = set.name.clone();
    assert_eq!(evicted(&decide(&seen, now())).len(), 1, "4 of 6 stay, and one may go");
    seen.pods.get_mut(&name).unwrap().pop();
    assert_eq!(
        evicted(&decide(&seen, now())),
        [""; 0],
        "2 more may go of the 5 that are left"
    );
}

/// The controller before this one had a clock that was ahead: it restarted what is not due by ours.
#[test]
fn a_restart_of_the_controller_before_is_counted_in() {
    let mut seen = settled(4, 5, 5, &json!(0));
    seen.rollout.spec.restart_at = Some(serde_json::from_value(json!("2026-01-02T01:00:03Z")).unwrap());
    let name = seen.replica_sets[0].name.clone();
    assert_eq!(pods::needed(&seen, now()), std::slice::from_ref(&name));
    seen.pods.get_mut(&name).unwrap().pop();
    assert_eq!(
        decide(&seen, now()).actions,
        [],
        "it may shrink to 4, which are there, but its controller counts 5"
    );
    // A new template waits for what is evicted, and not for ever without a look.
    let recorded = std::mem::replace(&mut seen.rollout.status.current_pod_hash, "old".into());
    let plan = decide(&seen, now());
    assert_eq!(
        (plan.actions.len(), plan.wake.map(|wake| wake.why)),
        (0, Some(WakeReason::Restart))
    );
    seen.rollout.status.current_pod_hash = recorded;
    seen.rollout.spec.restart_at = Some(serde_json::from_value(json!("2026-01-02T01:00:06Z")).unwrap());
    assert_eq!(pods::needed(&seen, now()), [""; 0], "not due by any clock");
}

#[test]
fn a_pod_is_restarted_once_and_an_equal_time_counts_as_new() {
    let mut seen = settled(2, 2, 2, &json!(1));
    let hash = seen.identity.pod_hash.clone();
    let name = format!("web-{hash}");
    let pods = seen.pods.get_mut(&name).unwrap();
    pods[0].created = at(RESTART);
    pods[1].deleting = true;
    let plan = decide(&seen, now());
    assert_eq!(
        (evicted(&plan).len(), restarted_at(&plan)),
        (0, None),
        "it is not replaced yet"
    );
    let mut replacement = Pod {
        name: "replacement".into(),
        created: at(RESTART),
        ..Pod::default()
    };
    let with = |seen: &mut Observed, replacement: &Pod| {
        let pods = seen.pods.get_mut(&name).unwrap();
        pods.truncate(2);
        pods.push(replacement.clone());
        restarted_at(&decide(seen, now())).map(str::to_owned)
    };
    assert_eq!(with(&mut seen, &replacement), None, "it is not ready yet");
    replacement.ready_since = Some(at("2026-01-02T00:59:00Z"));
    assert_eq!(with(&mut seen, &replacement).as_deref(), Some(RESTART));
    seen.rollout.status.restarted_at = seen.rollout.spec.restart_at.clone();
    assert_eq!(pods::needed(&seen, now()), [""; 0]);
}

/// Found by a life: both pods of stable went at once, and its Service led to none.
#[test]
fn the_last_available_pod_behind_the_stable_service_stays() {
    let mut seen = paused(8, (2, 2), (6, 6), &json!("50%"));
    let hash = seen.replica_sets[0].hash().to_owned();
    let canary = seen.rollout.spec.strategy.canary.as_mut().unwrap();
    canary.stable_service = "stable".into();
    canary.steps[0].set_weight = Some(75);
    let selector = BTreeMap::from([("rollouts-pod-template-hash".to_owned(), hash)]);
    let service = serin_core::observed::Service {
        selector,
        managed_by: Some("web".into()),
        ..serin_core::observed::Service::default()
    };
    seen.services.insert("stable".into(), Some(service));
    let plan = decide(&seen, now());
    let stable = evicted(&plan).into_iter().filter(|pod| pod.contains("old")).count();
    assert_eq!((evicted(&plan).len() > 1, stable), (true, 1), "{:?}", evicted(&plan));
}

/// Found by a life: new steps counted as a restart, so the old pods stayed (contract 05 §4 names the template alone).
#[test]
fn new_steps_do_not_end_a_restart() {
    let mut seen = paused(4, (2, 2), (2, 2), &json!(1));
    seen.rollout.metadata.generation = Some(8);
    seen.rollout.status.observed_generation = "7".into();
    seen.rollout.status.current_step_hash = "of the steps before".into();
    let plan = decide(&seen, now());
    let status = &plan.status.as_ref().unwrap().patch["status"];
    assert!(
        status["currentStepHash"].is_string(),
        "the new steps were seen: {status}"
    );
    assert_eq!(restarted_at(&plan), None);
}

/// Found by a life: a ReplicaSet that wants no pod, and whose status is older than that, may have old pods.
#[test]
fn a_restart_waits_for_a_replica_set_that_nobody_knows_to_be_empty() {
    let mut seen = settled(0, 0, 0, &json!(1));
    seen.pods.clear();
    assert_eq!(restarted_at(&decide(&seen, now())), Some(RESTART));
    seen.replica_sets[0].generation = 1;
    assert_eq!(pods::needed(&seen, now()).len(), 1);
    assert_eq!(restarted_at(&decide(&seen, now())), None);
}

/// Nothing tells when a pod that was not ready in the list has become so (decision 45).
#[test]
fn a_doubt_that_a_count_does_not_settle_is_asked_again() {
    let mut seen = settled(3, 3, 3, &json!(1));
    seen.rollout.spec.restart_at = None;
    let set = &mut seen.replica_sets[0];
    set.annotations.insert("rollout.serin.dev/shrunk-to".into(), "1".into());
    let name = set.name.clone();
    assert_eq!(pods::needed(&seen, now()), std::slice::from_ref(&name));
    let proven = decide(&seen, now());
    assert_eq!((proven.actions.len(), proven.wake), (1, None), "the note goes");
    let last = seen.pods.get_mut(&name).unwrap().last_mut().unwrap();
    last.ready_since = None;
    let plan = decide(&seen, now());
    let wake = plan.wake.unwrap();
    assert_eq!(
        (wake.why, wake.at),
        (WakeReason::Recount, now() + jiff::SignedDuration::from_secs(5))
    );
}

#[test]
fn a_restart_waits_for_its_time_and_for_sight_of_the_pods() {
    let mut seen = settled(2, 2, 2, &json!(1));
    let early = at("2026-01-01T23:00:00Z");
    assert_eq!(pods::needed(&seen, early), [""; 0]);
    let plan = decide(&seen, early);
    assert_eq!(evicted(&plan), [""; 0]);
    assert_eq!(
        plan.wake.map(|wake| (wake.at, wake.why)),
        Some((at(RESTART), WakeReason::Restart))
    );

    assert_eq!(pods::needed(&seen, now()).len(), 1);
    seen.pods.clear();
    let plan = decide(&seen, now());
    assert_eq!((evicted(&plan).len(), restarted_at(&plan)), (0, None));
}
