//! Sizes of the ReplicaSets of a blue-green rollout, and when old ones go (contract 04 §2, §7).

use super::update::{is_alone, is_fast};
use crate::meaning::{AbortDelay, BlueGreen};
use crate::observed::ReplicaSet;
use crate::rollout::delay::{self, Delay};
use crate::rollout::look::{Change, Look};
use crate::rollout::revision::Stable;
use crate::rollout::service;
use crate::rollout::update::Course;
use crate::rollout::want::{Deadline, Keeps, Of, Want};

/// All pods are there, and were asked for with the present number of replicas (contract 04 §5).
pub(super) fn is_saturated(look: &Look<'_>, set: &ReplicaSet) -> bool {
    is_asked_for(look, set) && look.available(set) == look.replicas
}

/// All pods were asked for, with the present number of replicas.
pub(super) fn is_asked_for(look: &Look<'_>, set: &ReplicaSet) -> bool {
    set.replicas == look.replicas && set.desired_replicas() == Some(look.replicas)
}

/// Whether the newest revision has the pods that an analysis before the switch begins with, and one after it (contract 04
/// §6).
pub(super) fn ready_for_analysis(look: &Look<'_>, meant: &BlueGreen<'_>) -> (bool, bool) {
    let Some(new) = look.revisions.new else {
        return (false, false);
    };
    let full = is_saturated(look, new);
    let previewed = |size: i32| new.replicas == size && look.available(new) == size;
    (meant.preview_replicas.map_or(full, previewed), full)
}

/// The size that the newest ReplicaSet should have now.
pub(super) fn of_new(look: &Look<'_>, meant: &BlueGreen<'_>, course: &Course, active: &str) -> i32 {
    let size = look.revisions.new.map_or(0, |set| set.replicas);
    if course.is_held(look) {
        return size;
    }
    if course.abort.is_some() {
        return match meant.abort_delay {
            AbortDelay::Keep => size,
            AbortDelay::Seconds(_) if delay_is_over(look) => 0,
            AbortDelay::Seconds(_) => size,
        };
    }
    let Some(preview) = meant.preview_replicas else {
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

/// What is wanted of the ReplicaSets, where the newest should have `size` pods. `verified`: no analysis after the switch is
/// to be waited for.
pub(super) fn want<'a>(look: &Look<'a>, meant: &BlueGreen<'_>, course: &Course, size: i32, verified: bool) -> Want<'a> {
    let mut want = Want {
        // Nothing is made while paused by hand (decision 41).
        create: (!look.rollout.spec.paused).then_some(size),
        ..Want::default()
    };
    // The first gives up pods first: what serves now, or will again, is the last of those that grow.
    let stable = look.revisions.other_stable().map(|set| of_stable(look, set));
    let new = look
        .revisions
        .new
        .map(|set| of_new_set(look, meant, course, set, size, &mut want));
    want.replica_sets.extend(stable.into_iter().chain(new));
    let settled = look.revisions.stable == Stable::Newest;
    if verified || settled || !meant.keeps_old_until_verified {
        old(look, meant, course, &mut want);
    }
    want
}

/// What is stable keeps all of its pods, and is no longer to be scaled down.
fn of_stable<'a>(look: &Look<'a>, set: &'a ReplicaSet) -> Of<'a> {
    let size = with_surge(look, set, look.replicas);
    Of::size(set, size, Keeps::Own(look.replicas)).deadline(Deadline::None)
}

/// The newest grows at once. It shrinks once the active Service has left it, unless no pods are wanted at all.
fn of_new_set<'a>(
    look: &Look<'a>,
    meant: &BlueGreen<'_>,
    course: &Course,
    set: &'a ReplicaSet,
    size: i32,
    want: &mut Want<'_>,
) -> Of<'a> {
    let selected = service::hash_of(look, meant.active_service) == set.hash();
    let keeps = if selected || look.revisions.stable == Stable::Newest {
        Keeps::Own(look.replicas)
    } else {
        Keeps::Nothing
    };
    // Nothing is started from 0 while paused by hand, unless it is what serves (decision 41).
    let stays_at_zero = look.rollout.spec.paused && set.replicas == 0 && look.revisions.other_stable().is_some();
    let size = if (selected && size == 0 && look.replicas > 0) || stays_at_zero {
        set.replicas
    } else {
        with_surge(look, set, size)
    };
    // It marks a fast rollback, or runs after an abort.
    let marks = is_fast(look) && look.revisions.stable != Stable::Newest;
    let deadline = if course.abort.is_some() {
        after_abort(look, meant, set, want)
    } else if marks || size < set.replicas {
        Deadline::Stays
    } else {
        Deadline::None
    };
    Of::size(set, size, keeps).deadline(deadline)
}

/// A restart may run one pod more meanwhile (decision 9).
fn with_surge(look: &Look<'_>, set: &ReplicaSet, size: i32) -> i32 {
    size.saturating_add(look.restart.surge_of(set))
}

/// After an abort the new pods stay for a while, counted from when stable is whole again (contract 04 §2).
fn after_abort(look: &Look<'_>, meant: &BlueGreen<'_>, new: &ReplicaSet, want: &mut Want<'_>) -> Deadline {
    let Some(stable) = look.revisions.other_stable() else {
        return Deadline::Stays;
    };
    let restored = look.available(stable) >= look.replicas;
    delay::after_abort(look, meant.abort_delay, new, restored, want).1
}

/// Old revisions, newest first: each gets a deadline and goes when it has passed; beyond the limit, or without a
/// delay, it goes at once (contract 04 §7, decision 10).
fn old<'a>(look: &Look<'a>, meant: &BlueGreen<'_>, course: &Course, want: &mut Want<'a>) {
    // An active Service without a hash selects the pods of every revision: they stay until it has one.
    if service::hash_of(look, meant.active_service).is_empty() {
        // Their time still stops the progress deadline, and no longer when it has passed.
        let deadlines = look.revisions.others.iter().filter_map(|set| set.scale_down_deadline());
        deadlines.for_each(|deadline| want.wait_until(deadline, look.now));
        return;
    }
    if course.is_held(look) || (course.is_halted(look) && !look.rollout.spec.paused) {
        return;
    }
    let delay = Delay {
        seconds: i64::from(meant.scale_down_delay_seconds),
        limit: meant.scale_down_delay_revision_limit,
        resize: Some(look.replicas),
        keeps: Keeps::Nothing,
    };
    let sets = look.revisions.others.iter().copied();
    let mut waiting = 0;
    for set in sets.filter(|set| set.replicas > 0 && !service::selects(look, set)) {
        let of = delay.old(look, set, &mut waiting, want);
        want.replica_sets.push(of);
    }
}
