//! The pause before the switch, and promotion (contract 04 §3, §4, §8).

use super::sizes;
use crate::meaning::BlueGreen;
use crate::plan::draft::Draft;
use crate::rollout::analysis::is_measuring;
use crate::rollout::canary::never_served;
use crate::rollout::look::{Change, Look};
use crate::rollout::status::Counts;
use crate::rollout::update::Course;
use crate::wire::pause;

/// Where the active Service may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// It stays.
    Closed,
    /// To the newest revision.
    Open,
    /// Back to stable: the update is aborted.
    Back,
}

impl Course {
    /// What is recorded, what people asked for, and what an edit resets.
    pub(super) fn of_blue_green(look: &Look<'_>, counts: Counts) -> Self {
        let mut course = Self::recorded(look);
        course.index = None;
        match look.change {
            Change::Nothing => {}
            // Steps that are there no longer, after a canary: its pauses go, a person's abort stays (contract 04 §10.6).
            Change::Steps => course.resume(),
            Change::First | Change::Template => course.reset(),
        }
        course.drop_abort_without_stable(look);
        if !course.promote_full {
            let clock_stopped = course.stops_clock(look) || is_measuring(look);
            course.abort_when_overdue(look, clock_stopped, counts);
        }
        course
    }

    /// Begins, waits for, or sees the end of the pause; opens the gate where nothing is left to wait for.
    ///
    /// `size` is what the newest ReplicaSet should have now, `active` the hash that the active Service selects. `approved`:
    /// the analysis before the switch was successful, or there is none.
    pub(super) fn pass_pause(
        &mut self,
        look: &Look<'_>,
        meant: &BlueGreen<'_>,
        (size, active): (i32, &str),
        approved: bool,
        draft: &mut Draft,
    ) -> Gate {
        if self.is_halted(look) {
            return Gate::Closed;
        }
        if self.abort.is_some() {
            return Gate::Back;
        }
        // Analysis protects even where there are no pods (decision 42), but not where nothing could be lost.
        let passes = is_fast(look) || self.promote_full || is_alone(look, active);
        if !approved && !passes {
            return Gate::Closed;
        }
        if self.skips_without_pods(look) {
            self.resume();
            return Gate::Open;
        }
        if self.sleeps(look) {
            return Gate::Closed;
        }
        let Some(new) = look
            .revisions
            .new
            .filter(|set| set.replicas == size && look.available(set) == size)
        else {
            return Gate::Closed;
        };
        if self.is_held(look) || !self.may_pass(look, meant, active, draft) {
            return Gate::Closed;
        }
        if sizes::is_saturated(look, new) {
            return Gate::Open;
        }
        // A preview of reduced size grows to full size first.
        if meant.preview_replicas == Some(look.available(new)) {
            self.checkpoint = true;
            self.resume();
        }
        Gate::Closed
    }

    fn may_pass(&mut self, look: &Look<'_>, meant: &BlueGreen<'_>, active: &str, draft: &mut Draft) -> bool {
        let passes = is_fast(look) || self.promote_full || is_alone(look, active) || self.checkpoint;
        let pause = meant.promotion.pause().filter(|_| !passes);
        let over = pause.is_none_or(|length| self.pause_is_over(look, pause::BLUE_GREEN_PAUSE, length, draft));
        if over {
            self.pauses.retain(|found| found.reason != pause::BLUE_GREEN_PAUSE);
        }
        over
    }

    /// Why the newest revision becomes stable now, if it does; `active` is what the active Service selects after this
    /// reconcile.
    ///
    /// `verified`: the analysis after the switch was successful, or there is none.
    pub(super) fn blue_green_promotion(&self, look: &Look<'_>, active: &str, verified: bool) -> Option<String> {
        let switched = active == look.revisions.new_hash;
        // What is created paused waits for its ReplicaSet (decision 41).
        let made = look.revisions.new.is_some() || !look.rollout.spec.paused;
        self.promotion(look, made, switched, is_fast(look), || {
            let done = self.abort.is_none() && verified;
            done.then(|| "Completed blue-green update".to_owned())
        })
    }
}

/// Nothing else is to be protected: the first deployment, or the one that mends a first one that never worked (decision
/// 11), or the newest revision is stable or active already. A Service that merely lost its hash is no first deployment
/// (contract 11 B8).
pub(super) fn is_alone(look: &Look<'_>, active: &str) -> bool {
    let first =
        look.revisions.other_stable().is_none() || (super::active_set(look, active).is_none() && never_served(look));
    first || active == look.revisions.new_hash
}

/// A rollback that needs no pause: within the window, to stable, or to a revision whose pods still wait for their
/// scale-down (contract 02 §10, contract 04 §8).
pub(crate) fn is_fast(look: &Look<'_>) -> bool {
    let waiting = look
        .revisions
        .new
        .and_then(crate::observed::ReplicaSet::scale_down_deadline);
    look.is_fast_rollback() || (look.is_rollback() && waiting.is_some_and(|deadline| deadline > look.now))
}
