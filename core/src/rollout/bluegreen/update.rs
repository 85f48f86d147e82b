//! The pause before the switch, and promotion (contract 04 §3, §4, §8).

use super::sizes;
use crate::api::rollout::{BlueGreenStrategy, PauseCondition};
use crate::meaning::BlueGreen;
use crate::plan::draft::Draft;
use crate::plan::{Wake, WakeReason};
use crate::rollout::canary::never_served;
use crate::rollout::look::{Change, Look, after_seconds};
use crate::rollout::revision::Stable;
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
        course.drop_pointless_abort(look);
        if !course.promote_full {
            let waiting = course.is_held_up(look);
            course.abort_when_overdue(look, waiting, counts);
        }
        course
    }

    /// Begins, waits for, or sees the end of the pause; opens the gate where nothing is left to wait for.
    ///
    /// `size` is what the newest ReplicaSet should have now, `active` the hash that the active Service selects.
    pub(super) fn pass_pause(
        &mut self,
        look: &Look<'_>,
        meant: &BlueGreen,
        written: &BlueGreenStrategy,
        size: i32,
        active: &str,
        draft: &mut Draft,
    ) -> Gate {
        if self.is_halted(look) {
            return Gate::Closed;
        }
        if self.abort.is_some() {
            return Gate::Back;
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
            .filter(|set| set.replicas == size && set.available() == size)
        else {
            return Gate::Closed;
        };
        let held = look.revisions.stable == Stable::Missing && !self.promote_full;
        if held || !self.may_pass(look, meant, written, active, draft) {
            return Gate::Closed;
        }
        if sizes::is_saturated(look, new) {
            return Gate::Open;
        }
        // A preview of reduced size grows to full size first.
        if written.preview_replica_count == Some(new.available()) {
            self.checkpoint = true;
            self.resume();
        }
        Gate::Closed
    }

    fn may_pass(
        &mut self,
        look: &Look<'_>,
        meant: &BlueGreen,
        written: &BlueGreenStrategy,
        active: &str,
        draft: &mut Draft,
    ) -> bool {
        let seconds = i64::from(written.auto_promotion_seconds);
        let needed = !meant.auto_promotion || seconds > 0;
        let fast = is_fast(look) || self.promote_full || is_alone(look, active);
        if fast || self.checkpoint || !needed {
            self.pauses.retain(|found| found.reason != pause::BLUE_GREEN_PAUSE);
            return true;
        }
        let Some(begun) = self.pauses.iter().find(|found| found.reason == pause::BLUE_GREEN_PAUSE) else {
            if self.controller_pause {
                return true;
            }
            let start_time = look.stamp_rounded_up();
            if meant.auto_promotion {
                let at = after_seconds(start_time.0, seconds);
                draft.wake(Wake {
                    at,
                    why: WakeReason::PauseOver,
                });
            }
            self.pauses.push(PauseCondition {
                reason: pause::BLUE_GREEN_PAUSE.to_owned(),
                start_time,
            });
            self.controller_pause = true;
            return false;
        };
        if !meant.auto_promotion {
            return false;
        }
        let end = after_seconds(begun.start_time.0, seconds);
        if look.now < end {
            draft.wake(Wake {
                at: end,
                why: WakeReason::PauseOver,
            });
            return false;
        }
        self.pauses.retain(|found| found.reason != pause::BLUE_GREEN_PAUSE);
        true
    }

    /// Why the newest revision becomes stable now, if it does; `active` is what the active Service selects after this
    /// look (contract 02 §10, `shouldFullPromote`).
    pub(super) fn blue_green_promotion(&self, look: &Look<'_>, active: &str) -> Option<String> {
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
        if active != look.revisions.new_hash || self.is_halted(look) || self.sleeps(look) {
            return None;
        }
        if self.promote_full {
            return Some("Full promotion requested".to_owned());
        }
        if is_fast(look) {
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
        self.abort.is_none().then(|| "Completed blue-green update".to_owned())
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
