//! Where an update stands: which step, paused or aborted, and what people asked for (contract 03 §9, contract 05 §1–3).

use crate::api::rollout::{Condition, PauseCondition};
use crate::meaning::{Canary, PauseLength, Step, describe, pause_duration};
use crate::plan::draft::{Draft, Group};
use crate::plan::{After, EventKind, Wake, WakeReason};
use crate::rollout::canary::scale::{self, MAX_WEIGHT};
use crate::rollout::conditions;
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::revision::Stable;
use crate::rollout::status::Counts;
use crate::rollout::update::Course;
use crate::wire::{condition, event, pause};

impl Course {
    /// What is recorded, what people asked for, and what an edit resets.
    pub(crate) fn of_canary(look: &Look<'_>, canary: &Canary, draft: &mut Draft) -> Self {
        let steps = canary.steps.len();
        let mut course = Self::recorded(look);
        course.index = (steps > 0).then(|| course.index.unwrap_or(0).min(steps));
        match look.change {
            Change::Nothing => {}
            Change::First | Change::Template | Change::Steps => course.reset_canary(look, steps, draft),
        }
        course.drop_pointless_abort(look);
        // A person may abort a rollback within the window as any other update (decision 40).
        let skips = course.promote_full || (course.abort.is_none() && look.is_rollback_within_window());
        if skips {
            course.resume();
            course.index = course.index.map(|_| steps);
        } else {
            let waiting = course.is_waiting(look, canary);
            course.abort_when_overdue(look, waiting, Counts::of_all(look));
        }
        course.skip_what_waits_for_nobody(look, canary, draft);
        course
    }

    /// An edit begins anew, at the first step unless it goes back (contract 03 §9).
    fn reset_canary(&mut self, look: &Look<'_>, steps: usize, draft: &mut Draft) {
        self.reset();
        self.index = (steps > 0).then_some(0);
        let skip = match look.revisions.stable {
            Stable::Newest if look.change != Change::First => Some("Rollback to stable ReplicaSets"),
            Stable::Other(_)
                if look.is_rollback_within_window() && look.revisions.new.is_some_and(|new| new.replicas > 0) =>
            {
                Some("Rollback to active ReplicaSets within RollbackWindow")
            }
            Stable::None | Stable::Newest | Stable::Other(_) | Stable::Missing => None,
        };
        if let Some(message) = skip.filter(|_| steps > 0) {
            self.index = Some(steps);
            draft.tell(
                Group::Skip,
                EventKind::Normal,
                event::SKIP_STEPS,
                message.to_owned(),
                After::Status,
            );
        }
    }

    /// Where stable never had an available pod, or where the update began with no replicas, weights and pauses protect
    /// nobody (decisions 11, 42).
    fn skip_what_waits_for_nobody(&mut self, look: &Look<'_>, canary: &Canary, draft: &mut Draft) {
        let message = if self.skips_without_pods(look) {
            "The update began with no replicas: weights and pauses are skipped"
        } else if never_served(look) {
            "The stable ReplicaSet never had an available pod: weights and pauses are skipped"
        } else {
            return;
        };
        let Some(first) = self.index.filter(|_| self.abort.is_none()) else {
            return;
        };
        let waits = |step: &Step| match step {
            Step::SetWeight(_) | Step::Pause(_) | Step::SetCanaryScale(_) => true,
            Step::Experiment(_)
            | Step::Analysis(_)
            | Step::SetHeaderRoute(_)
            | Step::SetMirrorRoute(_)
            | Step::Plugin(_) => false,
        };
        let skipped = canary.steps.iter().skip(first).take_while(|step| waits(step)).count();
        if skipped > 0 {
            self.resume();
            self.index = Some(first + skipped);
            draft.tell(
                Group::Skip,
                EventKind::Normal,
                event::SKIP_STEPS,
                message.to_owned(),
                After::Status,
            );
        }
    }

    /// The step under way.
    pub(crate) fn step<'c>(&self, canary: &'c Canary) -> Option<&'c Step> {
        self.index.and_then(|index| canary.steps.get(index))
    }

    /// The weight that the canary should have (contract 03 §3, §4).
    pub(crate) fn weight(&self, look: &Look<'_>, canary: &Canary) -> i32 {
        if self.abort.is_some() {
            return 0;
        }
        let settled = matches!(look.revisions.stable, Stable::None | Stable::Newest);
        if self.promote_full || settled || self.step(canary).is_none() {
            return MAX_WEIGHT;
        }
        let done = self.index.map_or(0, |index| index + 1);
        let mut weights = canary.steps.iter().take(done).filter_map(|step| match step {
            Step::SetWeight(weight) => Some(*weight),
            Step::Pause(_)
            | Step::SetCanaryScale(_)
            | Step::Experiment(_)
            | Step::Analysis(_)
            | Step::SetHeaderRoute(_)
            | Step::SetMirrorRoute(_)
            | Step::Plugin(_) => None,
        });
        weights.next_back().unwrap_or(0)
    }

    /// The progress deadline does not count: a step without an end of its own, a pause, or a pending scale-down.
    pub(crate) fn is_waiting(&self, look: &Look<'_>, canary: &Canary) -> bool {
        let endless = self.step(canary).is_some_and(|step| match step {
            Step::Pause(_) | Step::Experiment(_) | Step::Analysis(_) => true,
            Step::SetWeight(_)
            | Step::SetCanaryScale(_)
            | Step::SetHeaderRoute(_)
            | Step::SetMirrorRoute(_)
            | Step::Plugin(_) => false,
        });
        endless || self.is_held_up(look)
    }

    /// Promotes, completes a step, pauses: at most one of them in a look.
    ///
    /// `targets` is where the sizes lead to, `resized` whether they have yet to be reached.
    pub(crate) fn advance(
        &mut self,
        look: &Look<'_>,
        canary: &Canary,
        targets: scale::Targets,
        resized: bool,
        draft: &mut Draft,
    ) {
        if let Some(reason) = self.promotion(look, canary) {
            self.promote_canary(look, canary, &reason, draft);
        } else if self.abort.is_some() {
            self.index = self.index.map(|_| 0);
        } else if look.change == Change::Nothing && !resized && !self.is_halted(look) {
            self.finish_step(look, canary, targets, draft);
        }
    }

    /// Why the newest revision becomes stable now, if it does (contract 02 §10, `shouldFullPromote`).
    fn promotion(&self, look: &Look<'_>, canary: &Canary) -> Option<String> {
        match look.revisions.stable {
            Stable::None => {
                return look
                    .seen
                    .refused_creation()
                    .is_none()
                    .then(|| "Initial deploy".to_owned());
            }
            Stable::Missing if !self.promote_full => return None,
            Stable::Missing | Stable::Newest | Stable::Other(_) => {}
        }
        // Without replicas it is complete as soon as its ReplicaSet is created, which this plan does.
        let exists = look.revisions.new.is_some() || self.skips_without_pods(look);
        let complete = exists && look.new_available() >= look.replicas;
        if self.abort.is_some() || self.is_halted(look) || self.sleeps(look) || !complete {
            return None;
        }
        if self.promote_full {
            return Some("Full promotion requested".to_owned());
        }
        if look.is_fast_rollback() {
            let within = look.is_rollback_within_window();
            return Some(
                if within {
                    "Rollback within window"
                } else {
                    "Fast rollback"
                }
                .to_owned(),
            );
        }
        let steps = canary.steps.len();
        self.index
            .is_none_or(|index| index == steps)
            .then(|| format!("Completed all {steps} canary steps"))
    }

    /// All steps are done with.
    fn promote_canary(&mut self, look: &Look<'_>, canary: &Canary, reason: &str, draft: &mut Draft) {
        self.index = self.index.map(|_| canary.steps.len());
        self.promote(look, reason, draft);
    }

    fn finish_step(&mut self, look: &Look<'_>, canary: &Canary, targets: scale::Targets, draft: &mut Draft) {
        let (Some(index), Some(step)) = (self.index, self.step(canary)) else {
            return;
        };
        let asleep = self.sleeps(look);
        let complete = match step {
            Step::SetWeight(_) | Step::SetCanaryScale(_) => !asleep && at_desired_counts(look, targets),
            // No time ends a pause while there are no pods; a person may.
            Step::Pause(_) if asleep => self.pause_is_over(look, PauseLength::Indefinite, draft),
            Step::Pause(written) => self.pause_is_over(look, pause_duration(written), draft),
            // Refused before a decision gets here: see `crate::rollout::invalid`.
            Step::Experiment(_)
            | Step::Analysis(_)
            | Step::SetHeaderRoute(_)
            | Step::SetMirrorRoute(_)
            | Step::Plugin(_) => false,
        };
        if !complete {
            return;
        }
        self.index = Some(index + 1);
        self.pauses.retain(|pause| pause.reason != pause::CANARY_PAUSE_STEP);
        self.controller_pause = !self.pauses.is_empty() && self.controller_pause;
        let strategy = look.rollout.spec.strategy.canary.as_ref();
        let written = strategy.and_then(|canary| canary.steps.get(index));
        let message = format!(
            "Rollout step {}/{} completed ({})",
            index + 1,
            canary.steps.len(),
            written.map(describe).unwrap_or_default()
        );
        draft.tell(
            Group::Course,
            EventKind::Normal,
            event::STEP_COMPLETED,
            message,
            After::Status,
        );
    }

    /// Begins a pause, waits for its end, or sees that a person or the time ended it (contract 03 §2, contract 05 §1).
    fn pause_is_over(&mut self, look: &Look<'_>, length: PauseLength, draft: &mut Draft) -> bool {
        let begun = self
            .pauses
            .iter()
            .find(|pause| pause.reason == pause::CANARY_PAUSE_STEP);
        let Some(begun) = begun.map(|pause| pause.start_time.0) else {
            if self.controller_pause {
                return true;
            }
            let start_time = look.stamp_rounded_up();
            self.wake_at_end(start_time.0, length, draft);
            self.pauses.push(PauseCondition {
                reason: pause::CANARY_PAUSE_STEP.to_owned(),
                start_time,
            });
            self.controller_pause = true;
            return false;
        };
        let over = match length {
            PauseLength::Seconds(seconds) => look.now >= after_seconds(begun, seconds),
            PauseLength::Indefinite | PauseLength::Invalid => false,
        };
        if !over {
            self.wake_at_end(begun, length, draft);
        }
        over
    }

    #[expect(clippy::unused_self, reason = "reads as part of the pause")]
    fn wake_at_end(&self, begun: jiff::Timestamp, length: PauseLength, draft: &mut Draft) {
        match length {
            PauseLength::Seconds(seconds) => {
                draft.wake(Wake {
                    at: after_seconds(begun, seconds),
                    why: WakeReason::PauseOver,
                });
            }
            PauseLength::Indefinite | PauseLength::Invalid => {}
        }
    }
}

/// Both sides have the pods that the weight needs (contract 03 §5, `AtDesiredReplicaCounts`).
fn at_desired_counts(look: &Look<'_>, targets: scale::Targets) -> bool {
    let new = look
        .revisions
        .new
        .is_some_and(|set| set.replicas == targets.canary && set.available() == targets.canary);
    let stable = look
        .revisions
        .other_stable()
        .is_none_or(|set| set.replicas == targets.stable && set.current_replicas == targets.stable);
    new && stable && look.revisions.others.iter().all(|set| set.available_replicas == 0)
}

/// Stable has no available pod, and the rollout has never been healthy (decision 11).
pub(crate) fn never_served(look: &Look<'_>) -> bool {
    let status = &look.rollout.status;
    let available = conditions::get(status, condition::AVAILABLE);
    let dead = match look.revisions.stable {
        Stable::Other(set) => set.available_replicas == 0,
        Stable::None | Stable::Newest | Stable::Missing => false,
    };
    dead && conditions::get(status, condition::HEALTHY).is_none()
        && available.is_some_and(|Condition { status, .. }| status == conditions::FALSE)
}
