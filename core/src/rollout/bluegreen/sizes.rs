//! Sizes of the ReplicaSets of a blue-green rollout, and when old ones go (contract 04 §2, §7).

use super::update::{is_alone, is_fast};
use crate::api::rollout::BlueGreenStrategy;
use crate::meaning::{AbortDelay, BlueGreen};
use crate::observed::ReplicaSet;
use crate::plan::draft::{Draft, patch_of};
use crate::plan::{Action, Wake, WakeReason};
use crate::rollout::look::{Change, Look, after_seconds, whole_seconds};
use crate::rollout::replica_set::{Creation, resize};
use crate::rollout::revision::Stable;
use crate::rollout::service;
use crate::rollout::update::Course;
use crate::wire;
use jiff::Timestamp;

/// All pods are there, and were asked for with the present number of replicas (contract 04 §5).
pub(super) fn is_saturated(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let all = look.replicas;
    set.replicas == all && set.desired_replicas() == Some(all) && set.available() == all
}

/// The size that the newest ReplicaSet should have now.
pub(super) fn of_new(
    look: &Look<'_>,
    meant: &BlueGreen,
    written: &BlueGreenStrategy,
    course: &Course,
    active: &str,
) -> i32 {
    let size = look.revisions.new.map_or(0, |set| set.replicas);
    if look.revisions.stable == Stable::Missing && !course.promote_full {
        return size;
    }
    if course.abort.is_some() {
        return match meant.abort_delay {
            AbortDelay::Keep => size,
            AbortDelay::Seconds(_) if delay_is_over(look) => 0,
            AbortDelay::Seconds(_) => size,
        };
    }
    let Some(preview) = written.preview_replica_count.filter(|_| look.replicas > 0) else {
        return look.replicas;
    };
    let paused = look.rollout.spec.paused || !course.pauses.is_empty();
    let fresh = look.change != Change::Nothing;
    let full = is_alone(look, active) || course.promote_full || (!fresh && !paused && course.checkpoint);
    if full { look.replicas } else { preview }
}

fn delay_is_over(look: &Look<'_>) -> bool {
    let deadline = look.revisions.new.and_then(ReplicaSet::scale_down_deadline);
    deadline.is_some_and(|deadline| deadline <= look.now)
}

/// Capacity up: the newest ReplicaSet is created or grown, stable is kept at full size.
pub(super) fn grow<'a>(look: &Look<'a>, size: i32, course: &Course, draft: &mut Draft) -> Creation<'a> {
    let creation = Creation::plan(look, size, draft);
    if look.revisions.new.is_some_and(|set| set.replicas <= size) {
        creation.sync(look, Some(size), keeps_deadline(look, course), draft);
    }
    let kept = look.revisions.stable != Stable::Missing;
    if let Some(stable) = look.revisions.other_stable().filter(|_| kept) {
        // What is stable is no longer to be scaled down.
        let mut patch = patch_of(stable);
        crate::rollout::replica_set::scale(look, stable, look.replicas, &mut patch);
        if stable.annotations.contains_key(wire::SCALE_DOWN_DEADLINE) {
            patch.annotations.insert(wire::SCALE_DOWN_DEADLINE.to_owned(), None);
        }
        crate::rollout::replica_set::push(look, stable, patch, draft);
    }
    creation
}

/// The deadline of the newest ReplicaSet stays while it marks a fast rollback, or runs after an abort.
fn keeps_deadline(look: &Look<'_>, course: &Course) -> bool {
    course.abort.is_some() || (is_fast(look) && look.revisions.stable != Stable::Newest)
}

/// Capacity down: the newest after an abort, old revisions when their time has come.
pub(super) fn shrink(
    look: &Look<'_>,
    creation: &Creation<'_>,
    meant: &BlueGreen,
    written: &BlueGreenStrategy,
    course: &Course,
    size: i32,
    draft: &mut Draft,
) {
    if let Some(new) = look.revisions.new.filter(|set| set.replicas > size) {
        // The active Service must have left it first, unless no pods are wanted at all.
        let selected = service::hash_of(look, &written.active_service) == new.hash();
        let size = if selected && size == 0 && look.replicas > 0 {
            new.replicas
        } else {
            size
        };
        creation.sync(look, Some(size), true, draft);
    }
    if course.abort.is_some() {
        delay_aborted(look, meant, draft);
    }
    // A recorded stable that is gone: nothing is scaled until a person decides (decision 8).
    let held = look.revisions.stable == Stable::Missing && !course.promote_full;
    // An active Service without a hash selects the pods of every revision: they stay until it has one.
    let serves_all = service::hash_of(look, &written.active_service).is_empty();
    if serves_all {
        // Their time still stops the progress deadline, and no longer when it has passed.
        let deadlines = look.revisions.others.iter().filter_map(|set| set.scale_down_deadline());
        deadlines.for_each(|deadline| wake_at(look, deadline, draft));
    } else if !held && (!course.is_halted(look) || look.rollout.spec.paused) {
        scale_down_others(look, meant, written, draft);
    }
}

/// After an abort the new pods stay for a while, counted from when stable is whole again (contract 04 §2).
fn delay_aborted(look: &Look<'_>, meant: &BlueGreen, draft: &mut Draft) {
    let (Some(new), Some(stable)) = (look.revisions.new, look.revisions.other_stable()) else {
        return;
    };
    match (meant.abort_delay, new.scale_down_deadline()) {
        (AbortDelay::Keep, _) => {}
        (AbortDelay::Seconds(_), Some(deadline)) => wake_at(look, deadline, draft),
        (AbortDelay::Seconds(seconds), None) => {
            if new.replicas > 0 && stable.available() >= look.replicas {
                add_deadline(look, new, i64::from(seconds), draft);
            }
        }
    }
}

fn wake_at(look: &Look<'_>, deadline: Timestamp, draft: &mut Draft) {
    if deadline > look.now {
        draft.wake(Wake {
            at: deadline,
            why: WakeReason::ScaleDownDelay,
        });
    }
}

fn add_deadline(look: &Look<'_>, set: &ReplicaSet, seconds: i64, draft: &mut Draft) {
    let deadline = whole_seconds(after_seconds(look.now, seconds));
    let mut patch = patch_of(set);
    patch
        .annotations
        .insert(wire::SCALE_DOWN_DEADLINE.to_owned(), Some(deadline.to_string()));
    draft.act(Action::PatchReplicaSet(patch));
    wake_at(look, deadline, draft);
}

/// Old revisions, newest first: each gets a deadline and goes when it has passed; beyond the limit, or without a
/// delay, it goes at once (contract 04 §7, decision 10).
fn scale_down_others(look: &Look<'_>, meant: &BlueGreen, written: &BlueGreenStrategy, draft: &mut Draft) {
    let limit = written
        .scale_down_delay_revision_limit
        .and_then(|limit| usize::try_from(limit).ok());
    let seconds = i64::from(meant.scale_down_delay_seconds);
    let mut waiting = 0;
    for set in look
        .revisions
        .others
        .iter()
        .copied()
        .filter(|set| set.replicas > 0 && !service::selects(look, set))
    {
        let beyond = limit.is_some_and(|limit| waiting >= limit);
        match set.scale_down_deadline() {
            Some(deadline) if deadline > look.now && !beyond => {
                waiting += 1;
                // It may be gone back to at once: it follows the number of replicas.
                resize(look, set, look.replicas, draft);
                wake_at(look, deadline, draft);
            }
            None if seconds > 0 && !beyond && !set.annotations.contains_key(wire::SCALE_DOWN_DEADLINE) => {
                waiting += 1;
                add_deadline(look, set, seconds, draft);
            }
            Some(_) | None => resize(look, set, 0, draft),
        }
    }
}
