//! Where an update stands, whatever the strategy: paused or aborted, and what people asked for (contract 05 §1–3).

use crate::api::Time;
use crate::api::rollout::PauseCondition;
use crate::meaning::PauseLength;
use crate::plan::draft::Draft;
use crate::plan::{After, News, Wake, WakeReason};
use crate::rollout::asked;
use crate::rollout::conditions;
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::replica_set;
use crate::rollout::revision::Stable;
use crate::rollout::status::Counts;
use crate::wire::{condition, pause};

/// The state of an update, first as recorded and asked for, then as this reconcile leaves it.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// Index of the step under way; the number of steps when all are done; `None` without steps.
    pub(crate) index: Option<usize>,
    /// Aborted, since when, and why.
    pub(crate) abort: Option<Abort>,
    /// A full promotion is asked for.
    pub(crate) promote_full: bool,
    /// Why the controller waits.
    pub(crate) pauses: Vec<PauseCondition>,
    /// A controller pause was added and not yet consumed.
    pub(crate) controller_pause: bool,
    /// Hash that is recorded as stable.
    pub(crate) stable: String,
    /// The preview of a blue-green update is being scaled to full size (contract 04 §3).
    pub(crate) checkpoint: bool,
    /// The update began with no replicas, and there are still none: weights and pauses protect nobody (decision 42).
    pub(crate) empty: bool,
}

/// An abort.
#[derive(Clone, Debug)]
pub(crate) struct Abort {
    /// Since when.
    pub(crate) at: Time,
    /// The controller's own reason; none where a person aborted.
    pub(crate) message: Option<String>,
}

/// Whether an update is under way that began with no replicas and has none yet. What the update began with is told by a
/// condition where it does not end at once.
fn is_empty(look: &Look<'_>) -> bool {
    let began = match look.change {
        Change::First | Change::Template => look.is_empty(),
        Change::Nothing | Change::Steps => {
            conditions::get(&look.rollout.status, condition::BEGAN_WITHOUT_PODS).is_some()
        }
    };
    began && look.replicas == 0 && matches!(look.revisions.stable, Stable::Other(_))
}

impl Course {
    /// What the status says, what people wrote into it included.
    pub(crate) fn recorded(look: &Look<'_>) -> Self {
        let status = &look.rollout.status;
        let (abort, promote_full) = asked::abort_or_promotion(status);
        let mut course = Self {
            index: status.current_step_index.and_then(|index| usize::try_from(index).ok()),
            abort: abort.then(|| Abort {
                at: status.aborted_at.clone().unwrap_or_else(|| look.stamp()),
                message: None,
            }),
            promote_full,
            pauses: status.pause_conditions.clone(),
            controller_pause: status.controller_pause,
            stable: status.stable_rs.clone(),
            checkpoint: status.blue_green.scale_up_preview_check_point,
            empty: is_empty(look),
        };
        if abort || promote_full {
            course.resume();
        }
        course
    }

    /// An edit begins anew (contract 02 §10, `resetRolloutStatus`).
    pub(crate) fn reset(&mut self) {
        self.resume();
        self.abort = None;
        self.promote_full = false;
        self.checkpoint = false;
    }

    /// Where there is nothing to go back to, an abort is dropped (contract 02 §5).
    pub(crate) fn drop_abort_without_stable(&mut self, look: &Look<'_>) {
        if matches!(look.revisions.stable, Stable::None | Stable::Newest) {
            self.abort = None;
        }
    }

    /// Drops pauses.
    pub(crate) fn resume(&mut self) {
        self.pauses.clear();
        self.controller_pause = false;
    }

    /// `progressDeadlineAbort` (contract 02 §8). `clock_stopped`: the time does not count.
    pub(crate) fn abort_when_overdue(&mut self, look: &Look<'_>, clock_stopped: bool, counts: Counts) {
        let status = &look.rollout.status;
        let in_flight = look.change == Change::Nothing && !conditions::is_completed(status) && self.abort.is_none();
        if look.rollout.spec.progress_deadline_abort
            && in_flight
            && !clock_stopped
            // Where stable is gone there is nothing to go back to: what is told is that it is gone (decision 8).
            && look.revisions.stable != Stable::Missing
            && !counts.progressed(status)
            && conditions::timed_out(look, status)
        {
            let (kind, name) = look
                .revisions
                .new
                .map_or(("Rollout", look.name()), |set| ("ReplicaSet", &set.name));
            self.abort_for(look, format!("{kind} \"{name}\" has timed out progressing."));
        }
    }

    /// The controller aborts the update for a reason of its own.
    pub(crate) fn abort_for(&mut self, look: &Look<'_>, message: String) {
        self.resume();
        self.abort = Some(Abort {
            at: look.stamp(),
            message: Some(message),
        });
    }

    /// A person, or an inconclusive analysis, holds everything (contract 03 §1 item 11).
    pub(crate) fn is_halted(&self, look: &Look<'_>) -> bool {
        let inconclusive = |pause: &PauseCondition| pause.reason == pause::INCONCLUSIVE_ANALYSIS;
        look.rollout.spec.paused || self.pauses.iter().any(inconclusive)
    }

    /// Stable is gone: nothing moves until a person decides (decision 8).
    pub(crate) fn is_held(&self, look: &Look<'_>) -> bool {
        look.revisions.stable == Stable::Missing && !self.promote_full
    }

    /// An update that began with pods has none now, as none is wanted. Nothing is approved meanwhile: no weight is
    /// reached, no time passes, nothing is promoted unless a person asks for it (decision 42).
    pub(crate) fn sleeps(&self, look: &Look<'_>) -> bool {
        let updating = matches!(look.revisions.stable, Stable::Other(_) | Stable::Missing);
        look.replicas == 0 && updating && !self.empty && !self.promote_full
    }

    /// Weights and pauses are passed now, because the update began with no replicas (decision 42).
    pub(crate) fn skips_without_pods(&self, look: &Look<'_>) -> bool {
        self.empty && self.abort.is_none() && !self.is_halted(look) && look.seen.refused_creation().is_none()
    }

    /// The progress deadline does not count: a pause, no replicas, or a pending scale-down.
    pub(crate) fn stops_clock(&self, look: &Look<'_>) -> bool {
        let delayed = look
            .revisions
            .others
            .iter()
            .any(|set| set.scale_down_deadline().is_some_and(|deadline| deadline > look.now));
        delayed || look.rollout.spec.paused || !self.pauses.is_empty() || self.sleeps(look)
    }

    /// Why the newest revision becomes stable now, if it does (contract 02 §10, `shouldFullPromote`).
    ///
    /// `deploys`: what a first deployment needs is there. `complete`: so is what an update needs. `fast`: it skips what is
    /// left of the update. `done`: nothing is left, and this is said.
    pub(crate) fn promotion(
        &self,
        look: &Look<'_>,
        deploys: bool,
        complete: bool,
        fast: bool,
        done: impl FnOnce() -> Option<String>,
    ) -> Option<String> {
        if look.revisions.stable == Stable::None {
            let deploys = deploys && look.seen.refused_creation().is_none();
            return deploys.then(|| "Initial deploy".to_owned());
        }
        if self.is_held(look) || self.is_halted(look) || self.sleeps(look) || !complete {
            return None;
        }
        if self.promote_full {
            Some("Full promotion requested".to_owned())
        } else if fast && look.is_rollback_within_window() {
            Some("Rollback within window".to_owned())
        } else if fast {
            Some("Fast rollback".to_owned())
        } else {
            done()
        }
    }

    /// Begins a pause, waits for its end, or sees that a person or the time ended it (contract 03 §2, contract 04 §4,
    /// contract 05 §1). Tells whether it is over; its record stays until the caller drops it.
    pub(crate) fn pause_is_over(
        &mut self,
        look: &Look<'_>,
        reason: &str,
        length: PauseLength,
        draft: &mut Draft,
    ) -> bool {
        let begun = self.pauses.iter().find(|pause| pause.reason == reason);
        let begun = begun.map(|pause| pause.start_time.clone());
        if begun.is_none() && self.controller_pause {
            return true;
        }
        // The status must say that it began before it can end.
        let begins = begun.is_none();
        let start_time = begun.unwrap_or_else(|| look.stamp_rounded_up());
        let end = length.seconds().map(|seconds| after_seconds(start_time.0, seconds));
        let over = !begins && end.is_some_and(|end| end <= look.now);
        if let Some(at) = end.filter(|_| !over) {
            let why = WakeReason::PauseOver;
            draft.wake(Wake { at, why });
        }
        if begins {
            self.pauses.push(PauseCondition {
                reason: reason.to_owned(),
                start_time,
            });
            self.controller_pause = true;
        }
        over
    }

    /// The newest revision becomes stable (contract 02 §10, `promoteStable`).
    pub(crate) fn promote(&mut self, look: &Look<'_>, why: String, draft: &mut Draft) {
        self.reset();
        if self.stable != look.revisions.new_hash {
            look.revisions.new_hash.clone_into(&mut self.stable);
            let news = News::Completed {
                revision: replica_set::newest_revision(look),
                hash: self.stable.clone(),
                why,
            };
            draft.tell(news, After::Status);
        }
    }
}
