//! Canary without traffic routing: steps, weight, sizes (contract 03).

mod course;
pub mod scale;
mod sizes;

use crate::api::rollout::{CanaryStrategy, RolloutStatus};
use crate::conditions::{self, Facts, Outcome};
use crate::course::Course;
use crate::draft::{Draft, Group};
use crate::look::Look;
use crate::plan::{After, EventKind, Plan, Wake, WakeReason};
use crate::revision::Stable;
use crate::spec::{Canary, Strategy};
use crate::wire::event;
use crate::{duration, phase, replica_set, status};

/// What happens next to a canary.
pub(crate) fn decide(look: &Look<'_>, strategy: &Strategy, canary: &Canary, written: &CanaryStrategy) -> Plan {
    let mut draft = Draft::default();
    let mut course = Course::of_canary(look, canary, &mut draft);
    let input = sizes::input(look, canary, written, &course);
    sizes::plan(look, &input, &course, &mut draft);
    replica_set::clean_up(look, &mut draft);
    let resized = draft.resizes();
    course.advance(look, canary, scale::wanted(&input), resized, &mut draft);
    let next = report(look, strategy, canary, &course, &mut draft);
    draft.finish(status::write(&look.rollout.status, &next))
}

/// The status, and the events that follow from it.
fn report(look: &Look<'_>, strategy: &Strategy, canary: &Canary, course: &Course, draft: &mut Draft) -> RolloutStatus {
    let old = &look.rollout.status;
    let mut next = status::base(look, course);
    if look
        .seen
        .refused_creation()
        .is_some_and(crate::observed::Refused::is_collision)
    {
        // Another owner has the name: the next look hashes with a higher count (contract 02 §4).
        next.collision_count = Some(old.collision_count.unwrap_or(0) + 1);
    }
    let moved = next.stable_rs != old.stable_rs || status::progressed(look, next.current_step_index);
    let clock_stopped = course.is_waiting(look, canary);
    let facts = Facts {
        healthy: is_healthy(look, canary, &next),
        progressed: moved || look.change != crate::look::Change::Nothing,
        available: next.available_replicas >= look.replicas,
        clock_stopped,
        abort_message: course.abort.as_ref().and_then(|abort| abort.message.as_deref()),
        create_error: create_error(look),
        stable_missing: stable_missing(look, course),
        revision: replica_set::newest_revision(look),
    };
    let outcome = conditions::settle(look, &mut next, &facts);
    let (phase, message) = phase::of(&look.rollout.spec, &next, strategy);
    phase.clone_into(&mut next.phase);
    next.message = message;
    next.duration = duration::track(look, &next, strategy);
    tell(look, &next, outcome, &facts, draft);
    wake_at_deadline(look, &next, &facts, draft);
    next
}

/// Contract 02 §8, `RolloutHealthy`; the generation counts as observed because this look observes it.
fn is_healthy(look: &Look<'_>, canary: &Canary, next: &RolloutStatus) -> bool {
    let steps_done = next
        .current_step_index
        .is_none_or(|index| usize::try_from(index) == Ok(canary.steps.len()));
    let all = look.replicas;
    next.updated_replicas == all
        && next.available_replicas == all
        && next.replicas == all
        && steps_done
        && conditions::is_completed(next)
        && look.revisions.new.is_some_and(|set| set.replicas == all)
}

/// What to say where the ReplicaSet could not be created (contract 02 §4).
fn create_error(look: &Look<'_>) -> Option<String> {
    let refused = look.seen.refused_creation().filter(|refused| !refused.is_collision())?;
    let name = replica_set::name_of_new(look);
    Some(format!(
        "Failed to create new replica set \"{name}\": {}",
        refused.message
    ))
}

/// What to say where the recorded stable ReplicaSet is gone (decision 8).
fn stable_missing(look: &Look<'_>, course: &Course) -> Option<String> {
    (look.revisions.stable == Stable::Missing && course.stable == look.rollout.status.stable_rs).then(|| {
        format!(
            "the stable ReplicaSet with {} {} does not exist: nothing is scaled or promoted. \
             Go back to its pod template, or accept the new revision with 'promote --full'",
            crate::wire::HASH_LABEL,
            look.rollout.status.stable_rs
        )
    })
}

/// Events of what the status says.
fn tell(look: &Look<'_>, next: &RolloutStatus, outcome: Outcome, facts: &Facts<'_>, draft: &mut Draft) {
    let old = &look.rollout.status;
    let first = look.change == crate::look::Change::First;
    let after = After::Status;
    if first && old.observed_generation.is_empty() {
        let namespace = look.rollout.metadata.namespace.as_deref().unwrap_or_default();
        let message = format!("Rollout resource added to informer: {namespace}/{}", look.name());
        draft.tell(Group::Seen, EventKind::Normal, event::ADDED_TO_INFORMER, message, after);
    }
    // The first deployment is complete at once, and upstream says it is not before it says it is (contract 03 §15).
    if outcome.not_completed || first {
        let message = format!(
            "Rollout not completed, started update to revision {} ({})",
            facts.revision, next.current_pod_hash
        );
        draft.tell(Group::Began, EventKind::Normal, event::NOT_COMPLETED, message, after);
    }
    if let Some(message) = outcome.aborted {
        draft.tell(Group::Course, EventKind::Warning, event::ABORTED, message, after);
    }
    match (old.pause_conditions.first(), next.pause_conditions.first()) {
        (None, Some(pause)) => {
            let message = format!("Rollout is paused ({})", pause.reason);
            draft.tell(Group::Course, EventKind::Normal, event::PAUSED, message, after);
        }
        (Some(_), None) if next.aborted_at.is_none() => {
            draft.tell(
                Group::Course,
                EventKind::Normal,
                event::RESUMED,
                "Rollout is resumed".to_owned(),
                after,
            );
        }
        (Some(_), None | Some(_)) | (None, None) => {}
    }
}

/// Looks again when the time for progress is up (contract 02 §8, last item).
fn wake_at_deadline(look: &Look<'_>, next: &RolloutStatus, facts: &Facts<'_>, draft: &mut Draft) {
    let overdue = conditions::has_reason(
        next,
        crate::wire::condition::PROGRESSING,
        crate::wire::condition::PROGRESS_DEADLINE_EXCEEDED,
    );
    if facts.healthy || facts.clock_stopped || overdue || next.abort {
        return;
    }
    if let Some(deadline) = conditions::progress_deadline(look, next) {
        // The deadline must have passed, and times are stored in whole seconds.
        let at = crate::look::after_seconds(deadline, 1).max(look.now);
        draft.wake(Wake {
            at,
            why: WakeReason::ProgressDeadline,
        });
    }
}
