//! What a reconcile tells: conditions, phase, duration, events, and when it reconciles again; the same for every strategy.

use crate::api::rollout::RolloutStatus;
use crate::observed::{Observed, Refused};
use crate::plan::draft::Draft;
use crate::plan::{After, News, Plan, Wake, WakeReason};
use crate::rollout::availability;
use crate::rollout::conditions::{self, Facts, Outcome};
use crate::rollout::duration;
use crate::rollout::ephemeral;
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::order::Actions;
use crate::rollout::phase;
use crate::rollout::refused;
use crate::rollout::replica_set;
use crate::rollout::revision::Stable;
use crate::rollout::status;
use crate::rollout::update::Course;
use crate::rollout::workload;
use crate::wire::{HASH_LABEL, condition};

/// The facts that do not depend on the strategy; the others are false.
pub(crate) fn facts<'c>(look: &Look<'_>, course: &'c Course) -> Facts<'c> {
    Facts {
        healthy: false,
        progressed: false,
        available: false,
        clock_stopped: false,
        takes_back: false,
        abort_message: course.abort.as_ref().and_then(|abort| abort.message.as_deref()),
        create_error: create_error(look),
        stable_missing: stable_missing(look, course),
        empty: course.empty,
        asleep: course.sleeps(look),
        revision: replica_set::newest_revision(look),
    }
}

/// Completes the status, tells what there is to tell, and gives the plan.
pub(crate) fn finish(
    look: &Look<'_>,
    mut next: RolloutStatus,
    facts: &Facts<'_>,
    actions: Actions,
    mut draft: Draft,
) -> Plan {
    let old = &look.rollout.status;
    if look.seen.refused_creation().is_some_and(Refused::is_collision) {
        // Another owner has the name: the next reconcile hashes with a higher count (contract 02 §4).
        next.collision_count = Some(old.collision_count.unwrap_or(0).saturating_add(1));
    }
    let outcome = conditions::settle(look, &mut next, facts);
    workload::settle(look, &mut next, facts.healthy, &workload::scale(look), &mut draft);
    refused::settle(look, &mut next, &actions, &mut draft);
    ephemeral::warn(look, &mut draft);
    look.restart.wake(&mut draft);
    availability::recount(look, &mut draft);
    let (phase, message) = phase::of(&look.rollout.spec, &next, &look.strategy);
    phase.clone_into(&mut next.phase);
    next.message = message;
    next.duration = duration::track(look, &next);
    tell(look, &next, outcome, facts, &mut draft);
    wake_at_deadline(look, &next, facts, &mut draft);
    draft.finish(actions.into_vec(), status::write_over(old, &next, &look.seen.unread))
}

/// What to say where the ReplicaSet could not be created (contract 02 §4).
fn create_error(look: &Look<'_>) -> Option<String> {
    let refused = look.seen.refused_creation().filter(|refused| !refused.is_collision())?;
    Some(format!("{}{}", replica_set::creation_failed(look), refused.message))
}

/// What to say where the recorded stable ReplicaSet is gone (decision 8).
fn stable_missing(look: &Look<'_>, course: &Course) -> Option<String> {
    let recorded = &look.rollout.status.stable_rs;
    if look.revisions.stable != Stable::Missing || course.stable != *recorded {
        return None;
    }
    let released = look
        .seen
        .replica_sets
        .iter()
        .find(|set| set.orphan && set.hash() == recorded);
    let what = match released {
        Some(set) => format!(
            "the stable ReplicaSet {} is not owned any more, because spec.selector does not match its labels",
            set.name
        ),
        None => format!("the stable ReplicaSet with {HASH_LABEL} {recorded} does not exist"),
    };
    let cure = match released {
        // There is no other revision that could be promoted.
        Some(_) if look.revisions.new_hash == recorded => "Mend its labels, or deploy another pod template",
        Some(_) => "Mend its labels, or accept the new revision with 'promote --full'",
        None => "Go back to its pod template, or accept the new revision with 'promote --full'",
    };
    Some(format!("{what}: nothing is scaled or promoted. {cure}"))
}

/// A rollout is seen for the first time, be it valid or not, while its status is empty (decision 3).
pub(crate) fn tell_first_seen(seen: &Observed, draft: &mut Draft) {
    let (metadata, status) = (&seen.rollout.metadata, &seen.rollout.status);
    if status.current_pod_hash.is_empty() && status.observed_generation.is_empty() {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (namespace, name) = (part(&metadata.namespace), part(&metadata.name));
        draft.tell(News::AddedToInformer { namespace, name }, After::Status);
    }
}

/// Events of what the status says.
fn tell(look: &Look<'_>, next: &RolloutStatus, outcome: Outcome, facts: &Facts<'_>, draft: &mut Draft) {
    let old = &look.rollout.status;
    let first = look.change == Change::First;
    let after = After::Status;
    tell_first_seen(look.seen, draft);
    // The first deployment is complete at once, and upstream says it is not before it says it is (contract 03 §15).
    // Of a blue-green rollout it does not (contract 11 A4).
    let canary = !look.strategy.is_blue_green();
    if outcome.not_completed || (first && canary) {
        let (revision, hash) = (facts.revision, next.current_pod_hash.clone());
        draft.tell(News::NotCompleted { revision, hash }, after);
    }
    if let Some(message) = outcome.aborted {
        let by_controller = facts.abort_message.is_some();
        draft.tell(News::Aborted { message, by_controller }, after);
    }
    // Each further attempt fails in silence.
    let told = replica_set::failure_is_told(look);
    if let Some(message) = facts.create_error.clone().filter(|_| !told) {
        draft.tell(News::ReplicaSetCreateError { message }, after);
    }
    match (old.pause_conditions.first(), next.pause_conditions.first()) {
        (None, Some(pause)) => {
            let reason = pause.reason.clone();
            draft.tell(News::Paused { reason }, after);
        }
        (Some(_), None) if next.aborted_at.is_none() => draft.tell(News::Resumed, after),
        (Some(_), None | Some(_)) | (None, None) => {}
    }
}

/// Looks again when the time for progress is up (contract 02 §8, last item).
fn wake_at_deadline(look: &Look<'_>, next: &RolloutStatus, facts: &Facts<'_>, draft: &mut Draft) {
    let overdue = conditions::has_reason(next, condition::PROGRESSING, condition::PROGRESS_DEADLINE_EXCEEDED);
    if facts.healthy || facts.clock_stopped || overdue || next.abort {
        return;
    }
    if let Some(deadline) = conditions::progress_deadline(look, next) {
        // The deadline must have passed, and times are stored in whole seconds.
        let at = after_seconds(deadline, 1);
        // Where it has passed and is not what is told, something graver is: to wake for it would be a busy loop.
        if at > look.now {
            draft.wake(Wake {
                at,
                why: WakeReason::ProgressDeadline,
            });
        }
    }
}
