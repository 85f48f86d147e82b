//! Where an update stands, whatever the strategy: paused or aborted, and what people asked for (contract 05 §1–3).

use crate::api::Time;
use crate::api::rollout::PauseCondition;
use crate::plan::draft::{Draft, Group};
use crate::plan::{After, EventKind};
use crate::rollout::asked;
use crate::rollout::conditions;
use crate::rollout::look::{Change, Look};
use crate::rollout::revision::Stable;
use crate::rollout::status::Counts;
use crate::wire::{condition, event, pause};

/// The state of an update, first as recorded and asked for, then as this look leaves it.
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
        if look.wakes() {
            // The time without pods says nothing of the new revision.
            let start_time = look.stamp_rounded_up();
            course
                .pauses
                .iter_mut()
                .for_each(|pause| pause.start_time = start_time.clone());
        }
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
    pub(crate) fn drop_pointless_abort(&mut self, look: &Look<'_>) {
        if matches!(look.revisions.stable, Stable::None | Stable::Newest) {
            self.abort = None;
        }
    }

    /// Drops pauses.
    pub(crate) fn resume(&mut self) {
        self.pauses.clear();
        self.controller_pause = false;
    }

    /// `progressDeadlineAbort` (contract 02 §8). `waiting`: the time does not count.
    pub(crate) fn abort_when_overdue(&mut self, look: &Look<'_>, waiting: bool, counts: Counts) {
        let status = &look.rollout.status;
        let in_flight = look.change == Change::Nothing && !conditions::is_completed(status) && self.abort.is_none();
        if look.rollout.spec.progress_deadline_abort
            && in_flight
            && !waiting
            // Where stable is gone there is nothing to go back to: what is told is that it is gone (decision 8).
            && look.revisions.stable != Stable::Missing
            && !counts.progressed(status)
            && conditions::timed_out(look, status)
        {
            let (kind, name) = look
                .revisions
                .new
                .map_or(("Rollout", look.name()), |set| ("ReplicaSet", &set.name));
            self.resume();
            self.abort = Some(Abort {
                at: look.stamp(),
                message: Some(format!("{kind} \"{name}\" has timed out progressing.")),
            });
        }
    }

    /// A person, or an inconclusive analysis, holds everything (contract 03 §1 item 11).
    pub(crate) fn is_halted(&self, look: &Look<'_>) -> bool {
        let inconclusive = |pause: &PauseCondition| pause.reason == pause::INCONCLUSIVE_ANALYSIS;
        look.rollout.spec.paused || self.pauses.iter().any(inconclusive)
    }

    /// An update that began with pods has none now, as none is wanted. Nothing is approved meanwhile: no weight is
    /// reached, no time passes, nothing is promoted unless a person asks for it (decision 42).
    pub(crate) fn sleeps(&self, look: &Look<'_>) -> bool {
        let updating = matches!(look.revisions.stable, Stable::Other(_));
        look.replicas == 0 && updating && !self.empty && !self.promote_full
    }

    /// Weights and pauses are passed now, because the update began with no replicas (decision 42).
    pub(crate) fn skips_without_pods(&self, look: &Look<'_>) -> bool {
        self.empty && self.abort.is_none() && !self.is_halted(look) && look.seen.refused_creation().is_none()
    }

    /// A pause, no replicas, or a pending scale-down: the progress deadline does not count.
    pub(crate) fn is_held_up(&self, look: &Look<'_>) -> bool {
        let delayed = look
            .revisions
            .others
            .iter()
            .any(|set| set.scale_down_deadline().is_some_and(|deadline| deadline > look.now));
        delayed || look.rollout.spec.paused || !self.pauses.is_empty() || self.sleeps(look)
    }

    /// The newest revision becomes stable (contract 02 §10, `promoteStable`).
    pub(crate) fn promote(&mut self, look: &Look<'_>, reason: &str, draft: &mut Draft) {
        self.reset();
        if self.stable != look.revisions.new_hash {
            look.revisions.new_hash.clone_into(&mut self.stable);
            let message = format!(
                "Rollout completed update to revision {} ({}): {reason}",
                crate::rollout::replica_set::newest_revision(look),
                self.stable
            );
            draft.tell(
                Group::Course,
                EventKind::Normal,
                event::COMPLETED,
                message,
                After::Status,
            );
        }
    }
}
