//! The conditions of a rollout (contract 02 §8, corrected by contract 11 A2).

use crate::api::Time;
use crate::api::rollout::{Condition, RolloutStatus};
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::replica_set;
use crate::wire::condition as wire;
use jiff::Timestamp;

/// `True`, `False`, `Unknown`.
pub(crate) const TRUE: &str = "True";
pub(crate) const FALSE: &str = "False";
pub(crate) const UNKNOWN: &str = "Unknown";

/// Reason of Progressing where the recorded stable ReplicaSet is gone (decision 8).
pub(crate) const STABLE_MISSING: &str = "StableReplicaSetMissing";

/// The condition of a type.
pub(crate) fn get<'a>(status: &'a RolloutStatus, kind: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.r#type == kind)
}

/// Whether the condition of a type has this reason.
pub(crate) fn has_reason(status: &RolloutStatus, kind: &str, reason: &str) -> bool {
    get(status, kind).is_some_and(|condition| condition.reason == reason)
}

/// A condition set at `now`.
pub(crate) fn new(kind: &str, status: &str, reason: &str, message: impl Into<String>, now: &Time) -> Condition {
    Condition {
        r#type: kind.to_owned(),
        status: status.to_owned(),
        last_update_time: now.clone(),
        last_transition_time: now.clone(),
        reason: reason.to_owned(),
        message: message.into(),
    }
}

/// Sets a condition; tells whether anything changed.
///
/// Equal status and reason change nothing, not even the message: users watch transitions, not words. A changed
/// condition moves to the end of the list.
pub(crate) fn set(status: &mut RolloutStatus, condition: Condition) -> bool {
    set_in(&mut status.conditions, condition)
}

/// As [`set`], of the conditions of any kind of object.
pub(crate) fn set_in(conditions: &mut Vec<Condition>, mut condition: Condition) -> bool {
    let old = conditions.iter().find(|old| old.r#type == condition.r#type);
    if let Some(old) = old {
        if old.status == condition.status && old.reason == condition.reason {
            return false;
        }
        if old.status == condition.status {
            condition.last_transition_time = old.last_transition_time.clone();
        }
    }
    conditions.retain(|old| old.r#type != condition.r#type);
    conditions.push(condition);
    true
}

/// Removes the condition of a type.
pub(crate) fn remove(status: &mut RolloutStatus, kind: &str) {
    status.conditions.retain(|condition| condition.r#type != kind);
}

/// What the conditions depend on beside the status itself.
pub(crate) struct Facts<'a> {
    /// The newest revision is healthy: contract 02 §8, `RolloutHealthy`.
    pub(crate) healthy: bool,
    /// A counter, a step or the stable revision moved: contract 02 §8, `RolloutProgressing`.
    pub(crate) progressed: bool,
    /// Enough pods are available.
    pub(crate) available: bool,
    /// The time does not count: a step without an end of its own, or a pending scale-down.
    pub(crate) clock_stopped: bool,
    /// The update is aborted, and step plugins are yet to take back what they did.
    pub(crate) takes_back: bool,
    /// Why the update was aborted, in the controller's words.
    pub(crate) abort_message: Option<&'a str>,
    /// The ReplicaSet could not be created, and what was said.
    pub(crate) create_error: Option<String>,
    /// The recorded stable ReplicaSet is gone, and what to do.
    pub(crate) stable_missing: Option<String>,
    /// The update began with no replicas, and there are still none (decision 42).
    pub(crate) empty: bool,
    /// The update began with pods, and has none now, as none is wanted (decision 42).
    pub(crate) asleep: bool,
    /// Revision of the newest ReplicaSet.
    pub(crate) revision: i64,
}

/// What became of the conditions: what the events need to know.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Completed turned False.
    pub(crate) not_completed: bool,
    /// Progressing turned to RolloutAborted, with this message.
    pub(crate) aborted: Option<String>,
}

/// Sets all conditions of `next`, whose other fields are final.
pub(crate) fn settle(look: &Look<'_>, next: &mut RolloutStatus, facts: &Facts<'_>) -> Outcome {
    let now = look.stamp();
    let mut outcome = Outcome::default();
    remove(next, wire::INVALID_SPEC);
    remove(next, wire::STATUS_UNREADABLE);
    let paused = look.rollout.spec.paused || !next.pause_conditions.is_empty();
    let became_unhealthy = set_healthy(next, facts.healthy && !paused, &now);
    if next.abort {
        if !facts.takes_back {
            outcome.aborted = set_aborted(next, facts, &now);
        }
    } else {
        set_progressing(look, next, facts, paused, became_unhealthy);
    }
    set_paused(next, paused, &now);
    let (status, message) = if facts.available {
        (TRUE, "Rollout has minimum availability")
    } else {
        (FALSE, NOT_AVAILABLE)
    };
    set(
        next,
        new(wire::AVAILABLE, status, wire::AVAILABLE_REASON, message, &now),
    );
    set_replica_failure(look, next, &now);
    let completed = is_completed(next);
    let status = if completed { TRUE } else { FALSE };
    let changed = set(
        next,
        new(
            wire::COMPLETED,
            status,
            wire::ROLLOUT_COMPLETED,
            wire::ROLLOUT_COMPLETED,
            &now,
        ),
    );
    outcome.not_completed = changed && !completed;
    if facts.empty && !completed {
        let (kind, reason) = (wire::BEGAN_WITHOUT_PODS, wire::NO_REPLICAS);
        set(next, new(kind, TRUE, reason, BEGAN_EMPTY, &now));
    } else {
        remove(next, wire::BEGAN_WITHOUT_PODS);
    }
    outcome
}

const ASLEEP: &str = "spec.replicas is 0: the update waits for pods";
const BEGAN_EMPTY: &str = "The update began with no replicas. While there are none, it skips weights and pauses";

const NOT_AVAILABLE: &str = "Rollout does not have minimum availability";

/// The newest revision is stable (contract 02 §8, Completed).
pub(crate) fn is_completed(status: &RolloutStatus) -> bool {
    !status.stable_rs.is_empty() && status.stable_rs == status.current_pod_hash
}

/// False is only written where the condition exists; tells whether it turned False.
fn set_healthy(next: &mut RolloutStatus, healthy: bool, now: &Time) -> bool {
    if healthy {
        set(
            next,
            new(wire::HEALTHY, TRUE, wire::ROLLOUT_HEALTHY, "Rollout is healthy", now),
        );
        return false;
    }
    get(next, wire::HEALTHY).is_some()
        && set(
            next,
            new(
                wire::HEALTHY,
                FALSE,
                wire::ROLLOUT_HEALTHY,
                "Rollout is not healthy",
                now,
            ),
        )
}

fn set_aborted(next: &mut RolloutStatus, facts: &Facts<'_>, now: &Time) -> Option<String> {
    let mut message = format!("Rollout aborted update to revision {}", facts.revision);
    if let Some(why) = facts.abort_message {
        message = format!("{message}: {why}");
    }
    set(
        next,
        new(wire::PROGRESSING, FALSE, wire::ROLLOUT_ABORTED, message.clone(), now),
    )
    .then_some(message)
}

fn set_progressing(look: &Look<'_>, next: &mut RolloutStatus, facts: &Facts<'_>, paused: bool, became_unhealthy: bool) {
    let now = look.stamp();
    let (subject, name) = look
        .revisions
        .new
        .map_or(("Rollout", look.name()), |set| ("ReplicaSet", &*set.name));
    let progressing = |status, reason, message: String| new(wire::PROGRESSING, status, reason, message, &now);
    if let Some(message) = &facts.create_error {
        let told = replica_set::failure_is_told(look);
        let condition = progressing(FALSE, wire::REPLICA_SET_CREATE_ERROR, message.clone());
        set_of(next, condition, told);
    } else if let Some(message) = &facts.stable_missing {
        set(next, progressing(FALSE, STABLE_MISSING, message.clone()));
    } else if paused && !is_completed(next) {
        set(
            next,
            progressing(UNKNOWN, wire::ROLLOUT_PAUSED, "Rollout is paused".to_owned()),
        );
    } else if facts.asleep {
        // The time for progress counts anew when there are pods again.
        set(next, progressing(UNKNOWN, wire::NO_REPLICAS, ASLEEP.to_owned()));
    } else if facts.healthy {
        // Named for the ReplicaSet even where it has no pods.
        let name = look.revisions.new.map_or("", |set| &*set.name);
        let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
        // A rollback may be over in one reconcile: what was said before is of the revision that it leaves.
        let told = look.change == Change::Nothing;
        set_of(next, progressing(TRUE, wire::NEW_REPLICA_SET_AVAILABLE, message), told);
    } else if facts.progressed || became_unhealthy {
        let (reason, message) = if is_completed(next) && became_unhealthy {
            (wire::REPLICA_SET_NOT_AVAILABLE, NOT_AVAILABLE.to_owned())
        } else {
            (
                wire::REPLICA_SET_UPDATED,
                format!("{subject} \"{name}\" is progressing."),
            )
        };
        refresh(next, progressing(TRUE, reason, message));
    } else if has_reason(next, wire::PROGRESSING, wire::ROLLOUT_ABORTED) {
        set(
            next,
            progressing(UNKNOWN, wire::ROLLOUT_RETRY, "Retrying Rollout after abort".to_owned()),
        );
    } else if [wire::ROLLOUT_PAUSED, wire::NO_REPLICAS]
        .iter()
        .any(|held| has_reason(next, wire::PROGRESSING, held))
    {
        set(
            next,
            progressing(UNKNOWN, wire::ROLLOUT_RESUMED, "Rollout is resumed".to_owned()),
        );
    } else if !facts.clock_stopped && timed_out(look, next) {
        let message = format!("{subject} \"{name}\" has timed out progressing.");
        set(next, progressing(FALSE, wire::PROGRESS_DEADLINE_EXCEEDED, message));
    } else if get(next, wire::PROGRESSING).is_none() {
        let message = format!("Found new replica set \"{name}\"");
        set(next, progressing(TRUE, wire::FOUND_NEW_REPLICA_SET, message));
    }
}

/// Sets a condition that names a ReplicaSet: a message about `same` stays as it is, one about another is replaced.
fn set_of(next: &mut RolloutStatus, condition: Condition, same: bool) {
    let told = get(next, &condition.r#type).is_some_and(|old| old.message == condition.message);
    if same || told {
        set(next, condition);
    } else {
        refresh(next, condition);
    }
}

/// Progress restarts the clock even under the same reason.
fn refresh(next: &mut RolloutStatus, mut condition: Condition) {
    if let Some(old) = get(next, wire::PROGRESSING).filter(|old| old.status == condition.status) {
        condition.last_transition_time = old.last_transition_time.clone();
    }
    remove(next, wire::PROGRESSING);
    next.conditions.push(condition);
}

/// An absent Paused condition is not added as False.
fn set_paused(next: &mut RolloutStatus, paused: bool, now: &Time) {
    if paused || get(next, wire::PAUSED).is_some() {
        let status = if paused { TRUE } else { FALSE };
        set(
            next,
            new(wire::PAUSED, status, wire::ROLLOUT_PAUSED, "Rollout is paused", now),
        );
    }
}

fn set_replica_failure(look: &Look<'_>, next: &mut RolloutStatus, now: &Time) {
    let failure = look.revisions.all().find_map(|set| set.failure.as_ref());
    match failure {
        Some(failure) => {
            set(
                next,
                new(
                    wire::REPLICA_FAILURE,
                    &failure.status,
                    &failure.reason,
                    &failure.message,
                    now,
                ),
            );
        }
        None => remove(next, wire::REPLICA_FAILURE),
    }
}

/// When the time for progress is up, counted from the last progress; `None` where it does not count (contract 02 §8).
pub(crate) fn progress_deadline(look: &Look<'_>, status: &RolloutStatus) -> Option<Timestamp> {
    let condition = get(status, wire::PROGRESSING)?;
    let stands = [wire::ROLLOUT_ABORTED, wire::ROLLOUT_PAUSED, wire::NO_REPLICAS];
    if stands.contains(&condition.reason.as_str()) {
        return None;
    }
    let seconds = look.rollout.spec.progress_deadline_seconds_or_default();
    Some(after_seconds(condition.last_update_time.0, i64::from(seconds)))
}

/// Contract 02 §8, `RolloutTimedOut`.
pub(crate) fn timed_out(look: &Look<'_>, status: &RolloutStatus) -> bool {
    has_reason(status, wire::PROGRESSING, wire::PROGRESS_DEADLINE_EXCEEDED)
        || progress_deadline(look, status).is_some_and(|deadline| deadline < look.now)
}
