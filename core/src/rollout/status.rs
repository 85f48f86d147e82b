//! The status of a canary, built anew at each reconcile from what was seen and written (contract 02 §7).

use crate::api::lenient::Unread;
use crate::api::rollout::{Condition, RolloutStatus};
use crate::notation::{merge, selector};
use crate::observed::{Observed, ReplicaSet};
use crate::plan::{StatusWrite, Urgency};
use crate::rollout::look::{Change, Look};
use crate::rollout::update::Course;
use crate::wire::condition;
use serde_json::{Map, Value, json};

/// Pods counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Of all ReplicaSets.
    pub(crate) replicas: i32,
    /// Of the newest revision.
    pub(crate) updated: i32,
    /// Ready, of the ReplicaSets that count.
    pub(crate) ready: i32,
    /// Available, of the ReplicaSets that count.
    pub(crate) available: i32,
}

impl Counts {
    /// Over all ReplicaSets.
    pub(crate) fn of_all(look: &Look<'_>) -> Self {
        let sum = |count: fn(&ReplicaSet) -> i32| look.revisions.all().map(count).fold(0, i32::saturating_add);
        Self {
            replicas: sum(|set| set.current_replicas),
            updated: look.revisions.new.map_or(0, |set| set.current_replicas),
            ready: sum(|set| set.ready_replicas),
            available: look
                .revisions
                .all()
                .map(|set| look.told_available(set))
                .fold(0, i32::saturating_add),
        }
    }

    /// Something moved since the recorded status (contract 02 §8, `RolloutProgressing`, the part of every strategy).
    pub(crate) fn progressed(self, old: &RolloutStatus) -> bool {
        self.updated != old.updated_replicas
            || self.replicas.saturating_sub(self.updated) < old.replicas.saturating_sub(old.updated_replicas)
            || self.ready > old.ready_replicas
            || self.available > old.available_replicas
    }
}

/// The fields that come from counting and from the course; conditions, phase and duration come later.
pub(crate) fn base(look: &Look<'_>, course: &Course, counts: Counts) -> RolloutStatus {
    let old = &look.rollout.status;
    RolloutStatus {
        abort: course.abort.is_some(),
        aborted_at: course.abort.as_ref().map(|abort| abort.at.clone()),
        pause_conditions: course.pauses.clone(),
        controller_pause: course.controller_pause,
        current_pod_hash: look.revisions.new_hash.to_owned(),
        current_step_hash: look.seen.identity.step_hash.clone(),
        current_step_index: course.index.and_then(|index| i32::try_from(index).ok()),
        replicas: counts.replicas,
        updated_replicas: counts.updated,
        ready_replicas: counts.ready,
        available_replicas: counts.available,
        hpa_replicas: counts.replicas,
        selector: look
            .rollout
            .spec
            .selector
            .as_ref()
            .map(selector::format)
            .unwrap_or_default(),
        collision_count: old.collision_count,
        observed_generation: look.rollout.metadata.generation.unwrap_or(0).to_string(),
        workload_observed_generation: workload_generation(look.seen),
        conditions: old.conditions.clone(),
        stable_rs: course.stable.clone(),
        // A new template counts as restarted: its pods are new anyway (contract 05 §4).
        restarted_at: match look.change {
            Change::Nothing if look.restart.done => look.rollout.spec.restart_at.clone(),
            // New steps leave the pods as they are, so a restart under way goes on.
            Change::Nothing | Change::Steps => old.restarted_at.clone(),
            Change::First | Change::Template => look.rollout.spec.restart_at.clone(),
        },
        promote_full: course.promote_full,
        duration: old.duration.clone(),
        alb: old.alb.clone(),
        albs: old.albs.clone(),
        ..RolloutStatus::default()
    }
}

/// Generation of the workload whose template is used, as text; empty for a rollout with a template of its own.
pub(crate) fn workload_generation(seen: &Observed) -> String {
    let workload = seen.workload.as_ref();
    workload
        .map(|workload| workload.generation.to_string())
        .unwrap_or_default()
}

/// The merge patch from the recorded status to `next`; none where they are equal.
///
/// Typed status on both sides: a stored `false` equals absent and is left alone (contract 11 A1), and so are fields
/// that only another version knows.
pub(crate) fn write(old: &RolloutStatus, next: &RolloutStatus) -> Option<StatusWrite> {
    if old == next {
        return None;
    }
    let (before, after) = differences(old, next);
    let patch = merge::patch_of(&before, &after)?;
    let urgency = if only_counters(old, next, (before, after)) {
        Urgency::Counters
    } else {
        Urgency::Now
    };
    Some(StatusWrite {
        patch: Value::Object(Map::from_iter([("status".to_owned(), patch)])),
        urgency,
        message_only: old.phase == next.phase && old.message != next.message,
    })
}

/// As [`write`], and writes over what does not decode in the recorded status: it is rebuilt, or goes.
pub(crate) fn write_over(old: &RolloutStatus, next: &RolloutStatus, unread: &[Unread]) -> Option<StatusWrite> {
    let write = write(old, next);
    if unread.is_empty() {
        return write;
    }
    let mut write = write.unwrap_or_else(|| StatusWrite {
        patch: json!({"status": {}}),
        urgency: Urgency::Now,
        message_only: false,
    });
    let rebuilt = merge::object(next);
    for Unread { path, .. } in unread {
        let value = path.iter().try_fold(&rebuilt, |value, key| value.get(key));
        let place = path
            .iter()
            .fold(&mut write.patch["status"], |place, key| &mut place[key]);
        *place = value.cloned().unwrap_or_default();
    }
    Some(StatusWrite {
        urgency: Urgency::Now,
        message_only: false,
        ..write
    })
}

/// Both statuses without what they have in common, so that only what differs is turned into JSON: most of what a
/// decision costs.
fn differences(old: &RolloutStatus, next: &RolloutStatus) -> (RolloutStatus, RolloutStatus) {
    let (mut before, mut after) = (RolloutStatus::default(), RolloutStatus::default());
    macro_rules! compare {
        ($($field:ident),* $(,)?) => {
            // Names every field: one that is added and not compared does not compile.
            let RolloutStatus { $($field: _,)* conditions: _ } = old;
            $(if old.$field != next.$field {
                before.$field.clone_from(&old.$field);
                after.$field.clone_from(&next.$field);
            })*
        };
    }
    compare!(
        abort,
        pause_conditions,
        controller_pause,
        aborted_at,
        current_pod_hash,
        current_step_hash,
        replicas,
        updated_replicas,
        ready_replicas,
        available_replicas,
        current_step_index,
        collision_count,
        observed_generation,
        canary,
        blue_green,
        hpa_replicas,
        selector,
        stable_rs,
        restarted_at,
        promote_full,
        phase,
        message,
        workload_observed_generation,
        alb,
        albs,
        duration,
    );
    if old.conditions != next.conditions {
        // A list is replaced whole: what it was matters only where it goes.
        if next.conditions.is_empty() {
            before.conditions.clone_from(&old.conditions);
        }
        after.conditions.clone_from(&next.conditions);
    }
    (before, after)
}

/// Nothing but counters differs, and the time of the last progress that goes with them (decision 28).
///
/// `different`: both without what they have in common.
fn only_counters(old: &RolloutStatus, next: &RolloutStatus, different: (RolloutStatus, RolloutStatus)) -> bool {
    fn others(status: &RolloutStatus) -> impl Iterator<Item = &Condition> {
        status
            .conditions
            .iter()
            .filter(|found| found.r#type != condition::PROGRESSING)
    }
    fn progressing(status: &RolloutStatus) -> Option<(&str, &str)> {
        let found = crate::rollout::conditions::get(status, condition::PROGRESSING);
        found.map(|found| (found.status.as_str(), found.reason.as_str()))
    }
    if progressing(old) != progressing(next) || !others(old).eq(others(next)) {
        return false;
    }
    let (mut before, mut after) = different;
    for status in [&mut before, &mut after] {
        status.replicas = 0;
        status.updated_replicas = 0;
        status.ready_replicas = 0;
        status.available_replicas = 0;
        status.hpa_replicas = 0;
        status.message.clear();
        status.conditions.clear();
    }
    before == after
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn status(phase: &str, message: &str, replicas: i32) -> RolloutStatus {
        RolloutStatus {
            phase: phase.to_owned(),
            message: message.to_owned(),
            replicas,
            ..RolloutStatus::default()
        }
    }

    #[test]
    fn a_write_of_a_message_without_a_phase_is_marked() {
        let old = status("Progressing", "1 old replica", 1);
        for (next, marked) in [
            (status("Progressing", "2 old replicas", 1), true),
            (status("Progressing", "2 old replicas", 2), true),
            (status("Progressing", "", 1), true),
            (status("Progressing", "1 old replica", 2), false),
            (status("Paused", "1 old replica", 1), false),
            (status("Paused", "CanaryPauseStep", 1), false),
            (status("Healthy", "", 2), false),
        ] {
            let write = write(&old, &next).unwrap();
            assert_eq!(write.message_only, marked, "{next:?}");
        }
        assert_eq!(write(&old, &old.clone()), None);
    }
}
