//! How long pods stay that serve nobody any more: after an update is over, and after an abort (contract 03 §5, contract 04
//! §2, §7, decision 10).

use crate::meaning::AbortDelay;
use crate::observed::ReplicaSet;
use crate::rollout::look::{Look, after_seconds, whole_seconds};
use crate::rollout::want::{Deadline, Keeps, Of, Want};
use crate::wire;

/// How old revisions leave once an update is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delay<'a> {
    /// Seconds that they stay.
    pub(crate) seconds: i64,
    /// Revisions that may wait at a time; `None` for any number.
    pub(crate) limit: Option<usize>,
    /// The size of one that waits; `None` where it keeps its own.
    pub(crate) resize: Option<i32>,
    /// What it keeps while its size changes.
    pub(crate) keeps: Keeps<'a>,
}

impl<'a> Delay<'a> {
    /// What is wanted of an old revision that nothing leads to: it gets a deadline and goes when that has passed; beyond the
    /// limit, or without a delay, it goes at once. `waiting` counts those that wait, newest first.
    pub(crate) fn old(&self, look: &Look<'_>, set: &'a ReplicaSet, waiting: &mut usize, want: &mut Want<'_>) -> Of<'a> {
        let beyond = self.limit.is_some_and(|limit| *waiting >= limit);
        match set.scale_down_deadline() {
            Some(deadline) if deadline > look.now && !beyond => {
                *waiting += 1;
                want.wait_until(deadline, look.now);
                // It may be gone back to at once: it follows the number of replicas.
                self.resize
                    .map_or_else(|| Of::as_is(set), |size| Of::size(set, size, self.keeps))
            }
            None if self.seconds > 0 && !beyond && !set.annotations.contains_key(wire::SCALE_DOWN_DEADLINE) => {
                *waiting += 1;
                Of::as_is(set).deadline(begin(look, self.seconds, want))
            }
            Some(_) | None => Of::size(set, 0, self.keeps),
        }
    }
}

/// After an abort the new pods stay for a while, counted from when all is as it was before the update (`restored`): tells
/// whether that time is over.
pub(crate) fn after_abort(
    look: &Look<'_>,
    delay: AbortDelay,
    new: &ReplicaSet,
    restored: bool,
    want: &mut Want<'_>,
) -> (bool, Deadline) {
    match (delay, new.scale_down_deadline()) {
        (AbortDelay::Keep, _) => (false, Deadline::Stays),
        (AbortDelay::Seconds(_), Some(deadline)) => {
            want.wait_until(deadline, look.now);
            (deadline <= look.now, Deadline::Stays)
        }
        (AbortDelay::Seconds(seconds), None) if new.replicas > 0 && restored => {
            (false, begin(look, i64::from(seconds), want))
        }
        (AbortDelay::Seconds(_), None) => (false, Deadline::Stays),
    }
}

fn begin(look: &Look<'_>, seconds: i64, want: &mut Want<'_>) -> Deadline {
    let deadline = whole_seconds(after_seconds(look.now, seconds));
    want.wait_until(deadline, look.now);
    Deadline::At(deadline)
}
