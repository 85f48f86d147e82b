//! What may be relied on of the pods of a ReplicaSet (decision 45, contract 11 B2 and F).
//!
//! The status of a ReplicaSet is a moment old, in either direction. Its controller counts the pods that it sees, deletes
//! the surplus, and then writes the status from the count of before; until it sees its own deletions it goes on writing
//! that count, for any newer spec. So nobody but this file reads these counters for a decision:
//!
//! - A status that is older than its spec says nothing: its pods are neither available nor unhealthy.
//! - A ReplicaSet that was made smaller has no more pods than it was given, whatever its status says. While its size
//!   stays, the size itself says so. When it grows again, the annotation [`SHRUNK_TO`] keeps the smallest size; it rides
//!   in the patches that shrink and grow, costs no write, and outlives this process. It counts until a status shows no
//!   more pods than that, or a live list of the pods proves otherwise ([`crate::rollout::pods::needed`] asks for one).
//! - Of the pods that go when a ReplicaSet shrinks, those that are not ready go first; among the others it is not for us
//!   to say (contract 11 F2). A pod that is ready and not yet available may stay, and one that is available may go.
//! - Our clock may be ahead of the cluster's, or behind. Of a pod that has to be ready for some seconds a list does not say
//!   whether it is available: for some seconds around that instant it is not counted on, and not given away.
//! - A pod that we evicted may still count for its ReplicaSet controller, which then deletes another in its place; and
//!   one that it has just made may be ready by then, and stay in place of an available one.
//!
//! What users read in the status of the rollout are the counters as they are, except where they are known to be wrong.

use crate::observed::{Observed, Pod, ReplicaSet};
use crate::plan::draft::Draft;
use crate::plan::{ReplicaSetPatch, Wake, WakeReason};
use crate::rollout::look::{Look, after_seconds};
use crate::wire::SHRUNK_TO;
use jiff::Timestamp;

/// How long until pods are counted again that did not settle a doubt, in seconds. What they lack may be time alone, by a
/// clock that is not ours, so no change may follow.
const RECOUNT_SECONDS: i64 = 5;

/// How long a pod that is not ready counts as one that may become so any moment, in seconds.
const STARTING_SECONDS: i64 = 30;

/// How far our clock may be off, in seconds. Leader election tolerates as much: the lease lasts so much
/// longer than the time in which it must be renewed (contract 09 §2).
pub(crate) const CLOCK_SECONDS: i64 = 5;

/// What may be relied on of the pods of one ReplicaSet, in pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Availability {
    /// Pods that the ReplicaSet wants.
    wanted: i32,
    /// What is known of its pods; nothing while its status is older than its spec, and nobody has listed them.
    counted: Option<Counted>,
    /// At most so many are available.
    at_most: i32,
}

/// Pods that were counted, by the ReplicaSet controller or in a live list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    /// Pods that do not go first.
    ready: i32,
    available: i32,
    /// Those that are available, or may be by a clock other than ours.
    perhaps: i32,
    /// The smallest size that it may be shrinking to, or that it wants.
    size: i32,
    /// Pods that its controller may know of and that are not among these: gone a moment ago, or made.
    uncounted: i32,
}

impl Availability {
    fn of(seen: &Observed, set: &ReplicaSet, now: Timestamp) -> Self {
        let wanted = set.replicas;
        let shrunk_to = set.shrinking_to().map_or(wanted, |size| size.min(wanted));
        let list = seen.pods.get(&set.name).map(|pods| Live::of(pods, set, now));
        let counted = match list {
            Some(live) => Some(Counted {
                ready: live.ready,
                available: live.available,
                perhaps: live.perhaps,
                // What it was asked for before it has acted upon once its status speaks of the present spec.
                size: if set.is_up_to_date() {
                    wanted
                } else {
                    shrunk_to.saturating_sub(set.goes_on_to_count(live.pods, shrunk_to))
                },
                uncounted: set.uncounted(live.pods),
            }),
            None if set.is_up_to_date() => Some(Counted {
                ready: set.ready_replicas,
                available: set.available_replicas,
                perhaps: set.available_replicas,
                size: shrunk_to,
                // Where ready is available, it does not matter which of them go.
                uncounted: if set.min_ready_seconds > 0 {
                    set.uncounted(set.current_replicas)
                } else {
                    0
                },
            }),
            None => None,
        };
        let at_most = match (list, counted) {
            (Some(live), _) => live.perhaps,
            (None, Some(counted)) => counted.perhaps,
            (None, None) => set.available_replicas.max(wanted),
        };
        Self {
            wanted,
            counted,
            at_most,
        }
    }

    /// Pods that are available, and stay so if its size stays. None while nothing is known.
    pub(crate) fn available(&self) -> i32 {
        self.counted.map_or(0, |of| of.left_at(of.available, of.size))
    }

    /// Pods that may be available: no decision takes them for granted.
    pub(crate) fn at_most(&self) -> i32 {
        self.at_most
    }

    /// Pods that are available for sure once it has shrunk to `size`.
    pub(crate) fn left_at(&self, size: i32) -> i32 {
        if size >= self.wanted {
            return self.available();
        }
        self.counted
            .map_or(0, |of| of.left_at(of.available, of.shrunk_to(size)))
    }

    /// Pods that go once it has shrunk to `size` and that are available, or may be: at most, since those that are yet to go
    /// for an earlier size may be others.
    fn loss_at(&self, size: i32) -> i32 {
        let Some(of) = self.counted.filter(|_| size < self.wanted) else {
            return 0;
        };
        let go = of.taken_at(of.shrunk_to(size)).saturating_sub(of.taken_at(of.size));
        of.at_best().min(go).max(0)
    }

    /// The size nearest to `size` that leaves one pod, and one that is available if any is.
    pub(crate) fn floor(&self, size: i32) -> i32 {
        let (needed, perhaps) = (self.available().min(1), self.counted.map_or(0, Counted::at_best));
        let keeps = |size: i32| self.left_at(size) >= needed && self.loss_at(size) <= perhaps.saturating_sub(1).max(0);
        least(size.max(1), self.wanted, keeps)
    }

    /// Its controller may know of pods that were not counted.
    pub(crate) fn may_be_more(&self) -> bool {
        self.counted.is_some_and(|of| of.uncounted > 0)
    }
}

impl Counted {
    /// How many of `pods` are left at this size. Pods that are not ready go first; of those that are ready, these in the
    /// worst case.
    fn left_at(self, pods: i32, size: i32) -> i32 {
        pods.saturating_sub(self.taken_at(size)).max(0)
    }

    /// How many pods that are ready are gone at this size.
    fn taken_at(self, size: i32) -> i32 {
        self.ready.saturating_sub(size.max(0)).max(0)
    }

    /// Pods that may be available once it has the size that it was given: the others have gone first.
    fn at_best(self) -> i32 {
        self.perhaps.min(self.size.max(0))
    }

    /// To so many of the pods counted it may shrink when its size becomes `size`.
    fn shrunk_to(self, size: i32) -> i32 {
        size.min(self.size).saturating_sub(self.uncounted)
    }
}

/// A live list of pods, counted.
#[derive(Clone, Copy)]
struct Live {
    pods: i32,
    ready: i32,
    available: i32,
    perhaps: i32,
}

impl Live {
    fn of(pods: &[Pod], set: &ReplicaSet, now: Timestamp) -> Self {
        let count = |counts: &dyn Fn(&Pod) -> bool| {
            let counted = pods.iter().filter(|pod| pod.is_active() && counts(pod)).count();
            i32::try_from(counted).unwrap_or(i32::MAX)
        };
        Self {
            pods: count(&|_| true),
            ready: count(&|pod| pod.ready_since.is_some() || may_become_ready(pod, set, now)),
            available: count(&|pod| available_at(pod, set).is_some_and(|(_, at)| at <= now)),
            perhaps: count(&|pod| available_at(pod, set).is_some_and(|(at, _)| at <= now)),
        }
    }
}

/// It is new, and may be ready, though not yet available, when its controller chooses the pods that go.
fn may_become_ready(pod: &Pod, set: &ReplicaSet, now: Timestamp) -> bool {
    set.min_ready_seconds > 0 && now < after_seconds(pod.created, STARTING_SECONDS)
}

/// When a pod may be available at the earliest, and when it is for sure, if it stays ready. One that need not be ready for
/// any time is available whatever our clock says.
fn available_at(pod: &Pod, set: &ReplicaSet) -> Option<(Timestamp, Timestamp)> {
    let at = pod.available_at(set)?;
    if set.min_ready_seconds <= 0 {
        return Some((Timestamp::MIN, Timestamp::MIN));
    }
    Some((after_seconds(at, -CLOCK_SECONDS), after_seconds(at, CLOCK_SECONDS)))
}

/// When time alone changes what may be relied on of these pods.
pub(crate) fn changes_at(pods: &[Pod], set: &ReplicaSet, now: Timestamp) -> Option<Timestamp> {
    let active = pods.iter().filter(|pod| pod.is_active());
    let starts = |pod: &Pod| may_become_ready(pod, set, now).then(|| after_seconds(pod.created, STARTING_SECONDS));
    let changes = active.flat_map(|pod| match available_at(pod, set) {
        Some((perhaps, surely)) => [Some(perhaps), Some(surely)],
        None => [starts(pod), None],
    });
    changes.flatten().filter(|at| *at > now).min()
}

impl ReplicaSet {
    /// Its status speaks of its present spec.
    fn is_up_to_date(&self) -> bool {
        self.observed_generation >= self.generation
    }

    /// The smallest size since it was made smaller, until its status shows no more pods than that.
    fn shrinking_to(&self) -> Option<i32> {
        // What cannot be read is the worst.
        let size = self.annotations.get(SHRUNK_TO)?.parse().unwrap_or(0);
        let seen = self.is_up_to_date() && self.current_replicas <= size;
        (!seen).then_some(size)
    }

    /// Whether only a live list says what its status is worth.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_up_to_date() && self.shrinking_to().is_some_and(|size| size < self.replicas)
    }

    /// It has no pods and wants none. In a status that is older than its spec nobody can see that.
    pub(crate) fn is_empty(&self) -> bool {
        self.replicas == 0 && self.current_replicas == 0 && self.is_up_to_date()
    }

    /// It has as many pods as it is to have, and no other size is under way.
    pub(crate) fn has_settled_at(&self, size: i32) -> bool {
        self.replicas == size && self.current_replicas == size && self.is_up_to_date()
    }

    /// Pods that are gone, and that its controller may count among those that it is to take away: it then takes as many
    /// others. None where it is not to take any.
    fn goes_on_to_count(&self, pods: i32, size: i32) -> i32 {
        if size < self.current_replicas {
            self.current_replicas.saturating_sub(pods).max(0)
        } else {
            0
        }
    }

    /// Pods that its controller may know of beyond those that were counted: they were evicted a moment ago, and it has not
    /// seen that; or it has just made them. In either case a pod is made until there are as many as it wants, unless it
    /// says that it cannot: then its status tells how many it knows.
    fn uncounted(&self, pods: i32) -> i32 {
        let fails = self.failure.as_ref().is_some_and(|failure| failure.status == "True");
        let counts = if fails && self.is_up_to_date() {
            self.current_replicas
        } else {
            self.replicas
        };
        counts.saturating_sub(pods).max(0)
    }
}

impl Look<'_> {
    /// What may be relied on of the pods of a ReplicaSet.
    pub(crate) fn availability(&self, set: &ReplicaSet) -> Availability {
        Availability::of(self.seen, set, self.now)
    }

    /// What users read of it: what its status says, unless that is known to tell of pods that go away. Then the rollout is
    /// not Healthy yet.
    pub(crate) fn told_available(&self, set: &ReplicaSet) -> i32 {
        let told = set.available_replicas;
        if set.is_doubtful() {
            told.min(self.available(set))
        } else {
            told
        }
    }

    /// Pods of a ReplicaSet that are available, and stay so if its size stays.
    pub(crate) fn available(&self, set: &ReplicaSet) -> i32 {
        self.availability(set).available()
    }
}

/// Available pods that a plan may still give away, of all ReplicaSets together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// More than are needed; negative where there are fewer.
    room: i32,
}

impl Budget {
    /// Of these ReplicaSets, where so many pods are needed.
    pub(crate) fn of<'a>(look: &Look<'_>, sets: impl Iterator<Item = &'a ReplicaSet>, needed: i32) -> Self {
        let available = sets.map(|set| look.available(set)).fold(0, i32::saturating_add);
        Self {
            room: available.saturating_sub(needed),
        }
    }

    /// The size nearest to `size` that a ReplicaSet may shrink to; what that gives away is gone from the budget.
    ///
    /// Pods that are not available cost nothing. Those of which nothing is known were not counted on: they may go where
    /// there are enough others, and else stay, since they may be what is left.
    pub(crate) fn shrink(&mut self, look: &Look<'_>, set: &ReplicaSet, size: i32) -> i32 {
        if size >= set.replicas {
            return size;
        }
        let of = look.availability(set);
        if of.counted.is_none() {
            return if self.room >= 0 { size } else { set.replicas };
        }
        // Its controller may have made pods for a size that nobody remembers: one step after the other would give away each time
        // what the one before gave away, too.
        if of.may_be_more() && !set.is_up_to_date() {
            return set.replicas;
        }
        let loss = |size: i32| of.loss_at(size);
        let size = least(size, set.replicas, |size| loss(size) <= self.room.max(0));
        self.room = self.room.saturating_sub(loss(size));
        size
    }
}

/// The least of `from..to` for which a condition holds that holds for all larger ones; `to` where none is.
fn least(from: i32, to: i32, holds: impl Fn(i32) -> bool) -> i32 {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Notes in a patch to `size` how small the ReplicaSet once was, as long as its status may not have seen it.
pub(crate) fn remember(set: &ReplicaSet, size: i32, patch: &mut ReplicaSetPatch) {
    let before = set.shrinking_to();
    let note = if size < set.replicas {
        // All of its pods are there: its status shows more than none until they have gone.
        let shows = set.is_up_to_date() && set.current_replicas >= set.replicas;
        let needless = size <= 0 && shows && before.is_none();
        (!needless).then(|| before.map_or(size, |before| before.min(size)))
    } else {
        // Its status shows pods that somebody takes away at this moment.
        let shrinks = set.current_replicas > set.replicas;
        before.or_else(|| shrinks.then_some(set.replicas))
    };
    let note = note.map(|size| size.to_string());
    if set.annotations.get(SHRUNK_TO) != note.as_ref() {
        patch.annotations.insert(SHRUNK_TO.to_owned(), note);
    }
}

/// A live list proves the status right that the note contradicts: as many pods exist, and are available, as it says. New
/// ones are made only once the deletions are seen.
pub(crate) fn is_proven(look: &Look<'_>, set: &ReplicaSet) -> bool {
    let Some(pods) = look.seen.pods.get(&set.name).filter(|_| set.is_doubtful()) else {
        return false;
    };
    let live = Live::of(pods, set, look.now);
    live.pods >= set.current_replicas && live.available >= set.available_replicas.min(set.replicas)
}

/// Asks for another count where the pods that were listed did not settle what a ReplicaSet has.
pub(crate) fn recount(look: &Look<'_>, draft: &mut Draft) {
    let unsettled = |set: &ReplicaSet| set.is_doubtful() && !is_proven(look, set);
    if look.revisions.all().any(unsettled) {
        draft.wake(Wake {
            at: after_seconds(look.now, RECOUNT_SECONDS),
            why: WakeReason::Recount,
        });
    }
}
