//! When an update began, how long people paused it, and how it ended (contract 02 §10, last item).

use crate::api::Time;
use crate::api::rollout::{DurationStatus, RolloutStatus};
use crate::meaning::{Promotion, Step, Strategy};
use crate::rollout::bluegreen;
use crate::rollout::conditions;
use crate::rollout::look::{Change, Look};
use crate::wire::{condition, pause};

/// How an update can end; `status.duration.completionStatus`.
mod ending {
    pub(super) const PROMOTED: &str = "Promoted";
    pub(super) const FAST_PROMOTED: &str = "FastPromoted";
    pub(super) const ABORTED: &str = "Aborted";
    pub(super) const SUPERSEDED: &str = "Superseded";
    pub(super) const ROLLED_BACK: &str = "RolledBack";
    pub(super) const FAST_ROLLED_BACK: &str = "FastRolledBack";
}

/// The duration that goes with `next`, whose other fields are final.
pub(crate) fn track(look: &Look<'_>, next: &RolloutStatus) -> Option<Box<DurationStatus>> {
    let old = &look.rollout.status;
    let now = look.stamp();
    let promoted = conditions::is_completed(next);
    let complete = promoted && look.revisions.new.is_some() && look.new_available() >= look.replicas;
    let mut tracked = old.duration.clone();
    if let Some(running) = tracked.as_mut().filter(|duration| is_running(duration)) {
        let ended = end(look, running, next, complete, &now);
        if ended && complete {
            return tracked;
        }
    }
    let may_begin = tracked.as_ref().is_none_or(|duration| duration.finished_at.is_some()) && !complete;
    let changed = look.change != Change::Nothing;
    let retried = !next.abort && conditions::has_reason(old, condition::PROGRESSING, condition::ROLLOUT_ABORTED);
    if may_begin && (changed || retried) {
        tracked = Some(Box::new(DurationStatus {
            rollout_started_at: Some(now.clone()),
            ..DurationStatus::default()
        }));
    }
    if let Some(running) = tracked.as_mut().filter(|duration| is_running(duration)) {
        track_pause(look, running, next, &now);
    }
    tracked
}

fn is_running(duration: &DurationStatus) -> bool {
    duration.rollout_started_at.is_some() && duration.finished_at.is_none()
}

/// Ends a running update where it has ended; tells whether it did.
fn end(look: &Look<'_>, running: &mut DurationStatus, next: &RolloutStatus, complete: bool, now: &Time) -> bool {
    let old = &look.rollout.status;
    let mut finished = false;
    if look.change != Change::Nothing {
        if look.is_rollback() {
            // Going back keeps the clock running: it ends when the old revision serves again.
            let fast = match &look.strategy {
                Strategy::Canary(_) => look.is_fast_rollback(),
                Strategy::BlueGreen(_) => bluegreen::is_fast(look),
            };
            let status = if fast {
                ending::FAST_ROLLED_BACK
            } else {
                ending::ROLLED_BACK
            };
            running.completion_status = Some(status.to_owned());
        } else {
            running.completion_status = Some(ending::SUPERSEDED.to_owned());
            finished = true;
        }
    }
    let newly_stable = next.stable_rs != old.stable_rs;
    if newly_stable && running.completion_status.is_none() {
        let status = if old.promote_full {
            ending::FAST_PROMOTED
        } else {
            ending::PROMOTED
        };
        running.completion_status = Some(status.to_owned());
    }
    if !finished && (complete || next.abort) {
        let default = if complete { ending::PROMOTED } else { ending::ABORTED };
        running.completion_status.get_or_insert_with(|| default.to_owned());
        finished = true;
    }
    if finished {
        end_pause(running, now);
        running.finished_at = Some(now.clone());
    }
    finished
}

fn track_pause(look: &Look<'_>, running: &mut DurationStatus, next: &RolloutStatus, now: &Time) {
    let manual = look.rollout.spec.paused
        || next
            .pause_conditions
            .iter()
            .any(|pause| needs_a_person(look, &pause.reason, next));
    if manual && running.manual_pause_started_at.is_none() {
        running.manual_pause_started_at = Some(now.clone());
    } else if !manual {
        end_pause(running, now);
    }
}

fn end_pause(running: &mut DurationStatus, now: &Time) {
    if let Some(begun) = running.manual_pause_started_at.take() {
        let seconds = now.0.as_second() - begun.0.as_second();
        let total = running.total_manual_pause_duration_seconds.unwrap_or(0);
        running.total_manual_pause_duration_seconds = Some(total + seconds.max(0));
    }
}

/// Pauses that end only when a person acts (contract 05 §1).
fn needs_a_person(look: &Look<'_>, reason: &str, next: &RolloutStatus) -> bool {
    if [pause::INCONCLUSIVE_ANALYSIS, pause::INCONCLUSIVE_EXPERIMENT].contains(&reason) {
        return true;
    }
    match &look.strategy {
        Strategy::Canary(canary) => {
            let index = next.current_step_index.unwrap_or(0);
            let step = usize::try_from(index).ok().and_then(|index| canary.steps.get(index));
            reason == pause::CANARY_PAUSE_STEP && step.is_some_and(Step::waits_for_a_person)
        }
        Strategy::BlueGreen(blue_green) => {
            reason == pause::BLUE_GREEN_PAUSE && blue_green.promotion == Promotion::ByHand
        }
    }
}
