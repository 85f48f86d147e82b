//! Which rollout is reconciled next, and why: one worker per key at a time, people's changes first, and ordinary
//! reconciles only while the budgets of calls are open for them.

mod lanes;
pub(crate) mod reason;

use crate::cluster::budget::Budgets;
use crate::queue::lanes::{Lanes, Place, Rank};
pub(crate) use crate::queue::reason::Reason;
use crate::queue::reason::Urgency;
use crate::store::key::Key;
use crate::sync::lock;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// First wait after a failure (contract 02 §5).
pub(crate) const FIRST_BACK_OFF: Duration = Duration::from_millis(1);
/// Longest wait after failures (contract 02 §5).
pub(crate) const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

/// When a reconcile is due although nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// How long from now.
    pub(crate) after: Duration,
    /// Why.
    pub(crate) why: Reason,
}

/// How a reconcile ended, as far as the queue must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing was to do; the next reconcile at a time, if any.
    Well(Option<Due>),
    /// Something was written, and all of it went through; the next reconcile at a time, if any.
    Wrote(Option<Due>),
    /// Nothing was decided: the stores lag; earlier failures still count.
    NotDecided(Due),
    /// Something failed: back off, at least for `at_least`; earlier if `wake` is.
    Failed {
        /// What the wait is called.
        why: Reason,
        /// How long the API server asked to be left alone.
        at_least: Duration,
        /// The wake of the plan.
        wake: Option<Due>,
    },
}

/// A key to reconcile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Which.
    pub(crate) key: Key,
    /// The most pressing reason.
    pub(crate) reason: Reason,
    /// A person waits for it: the reason says so, or what the person did has not had its effect yet.
    pub(crate) urgent: bool,
    /// How long it waited for a worker.
    pub(crate) waited: Duration,
    /// It waited for the budget, too.
    pub(crate) throttled: bool,
}

/// Which keys a worker takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Any, those that a person waits for first.
    All,
    /// Only those that a person waits for: one worker always serves them.
    Urgent,
}

#[derive(Default)]
struct Entry {
    /// A reconcile is asked for.
    queued: Option<Queued>,
    /// A worker reconciles it.
    running: Option<Running>,
    /// How much a person waits for the next reconcile.
    urgency: Urgency,
    /// Failures since the last success or edit.
    failures: u32,
    /// Its place among the delayed.
    due: Option<(Instant, u64)>,
}

struct Queued {
    since: Instant,
    reason: Reason,
    /// Its place in a lane; none while a worker reconciles it.
    place: Option<Place>,
}

#[derive(Clone, Copy)]
struct Running {
    since: Instant,
    urgency: Urgency,
}

#[derive(Default)]
struct State {
    lanes: Lanes,
    entries: HashMap<Key, Entry>,
    delayed: BTreeMap<(Instant, u64), (Key, Reason)>,
    sequence: u64,
    /// When an ordinary key last waited for the budget.
    throttled: Option<Instant>,
    adds: u64,
    retries: u64,
}

/// Counts for `workqueue_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueCounts {
    /// Keys that something is known of.
    pub(crate) known: usize,
    /// Keys that wait for a worker.
    pub(crate) depth: usize,
    /// Keys ever added.
    pub(crate) adds: u64,
    /// Reconciles that failed and are tried again.
    pub(crate) retries: u64,
    /// How long the reconciles under way have taken so far, together.
    pub(crate) unfinished: Duration,
    /// How long the longest of them has.
    pub(crate) longest: Duration,
}

/// A queue of keys with delayed entries and back-off.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// For workers that take all.
    changed: Notify,
    /// For those that take urgent keys only.
    urgent: Notify,
}

/// What a worker is to do.
enum Next {
    Take(Item),
    WaitUntil(Option<Instant>),
}

impl Queue {
    /// Asks for a reconcile. Asking again before it begins changes nothing, but for a more pressing reason; asking while it
    /// is under way gives one more reconcile afterwards.
    pub(crate) fn add(&self, key: &Key, reason: Reason) {
        let mut state = lock(&self.state);
        state.add(key, reason);
        self.wake_workers(&state);
    }

    /// The next key; it is not given out again until [`Self::ended`].
    pub(crate) async fn next(&self, takes: Takes, budgets: &Budgets) -> Item {
        let changed = match takes {
            Takes::All => &self.changed,
            Takes::Urgent => &self.urgent,
        };
        loop {
            let next = {
                let mut state = lock(&self.state);
                let next = state.next(takes, budgets);
                if let Next::Take(_) = &next {
                    self.wake_workers(&state); // One permit stands for many adds: pass it on.
                }
                next
            };
            match next {
                Next::Take(item) => return item,
                Next::WaitUntil(Some(at)) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = changed.notified() => {}
                },
                Next::WaitUntil(None) => changed.notified().await,
            }
        }
    }

    /// Wakes a worker of each kind that has something to take.
    fn wake_workers(&self, state: &State) {
        if state.lanes.urgent() > 0 {
            self.urgent.notify_one();
        }
        if state.lanes.all() > 0 {
            self.changed.notify_one();
        }
    }

    /// What was shown of the rollout while a worker reconciles it was what that wrote.
    pub(crate) fn was_own_write(&self, key: &Key) {
        let mut state = lock(&self.state);
        let Some(entry) = state.entries.get_mut(key).filter(|entry| entry.running.is_some()) else {
            return;
        };
        if let Some(queued) = &mut entry.queued
            && queued.reason.urgency().is_urgent()
        {
            queued.reason = Reason::OwnWriteSeen;
            entry.urgency = Urgency::Ordinary;
        }
    }

    /// Ends a reconcile; its waits replace those of the one before.
    pub(crate) fn ended(&self, key: &Key, ended: Ended) {
        let mut state = lock(&self.state);
        state.cancel_delay(key);
        let Some(entry) = state.entries.get_mut(key) else {
            return;
        };
        let urgency = entry
            .running
            .take()
            .map_or(Urgency::Ordinary, |running| running.urgency);
        let left = match ended {
            Ended::Well(_) => Urgency::Ordinary,
            Ended::Wrote(_) => urgency.after_a_write(),
            Ended::NotDecided(_) | Ended::Failed { .. } => urgency,
        };
        entry.urgency = entry.urgency.max(left);
        let due = match ended {
            Ended::Well(due) | Ended::Wrote(due) => {
                entry.failures = 0;
                due
            }
            Ended::NotDecided(due) => Some(due),
            Ended::Failed { why, at_least, wake } => {
                let after = back_off(entry.failures).max(at_least);
                entry.failures = entry.failures.saturating_add(1);
                state.retries += 1;
                let retry = Due { after, why };
                Some(wake.filter(|wake| wake.after < after).unwrap_or(retry))
            }
        };
        if let Some(due) = due {
            state.delay(key, due);
        }
        state.settle(key);
        drop(state);
        // Also for the delay: a sleeping worker may have to wake earlier.
        self.changed.notify_one();
        self.urgent.notify_one();
    }

    /// Takes a key out altogether; false if a worker reconciles it at this moment.
    pub(crate) fn remove(&self, key: &Key) -> bool {
        let mut state = lock(&self.state);
        let Some(entry) = state.entries.get(key) else {
            return true;
        };
        if entry.running.is_some() {
            return false;
        }
        if let Some(place) = entry.queued.as_ref().and_then(|queued| queued.place) {
            state.lanes.step_out(place);
        }
        state.cancel_delay(key);
        state.entries.remove(key);
        true
    }

    /// Forgets waits and failures of a key that is gone.
    pub(crate) fn forget(&self, key: &Key) {
        let mut state = lock(&self.state);
        state.cancel_delay(key);
        if let Some(entry) = state.entries.get_mut(key) {
            entry.failures = 0;
            entry.urgency = Urgency::Ordinary;
        }
    }

    /// Counts for metrics.
    #[must_use]
    pub(crate) fn counts(&self) -> QueueCounts {
        let state = lock(&self.state);
        let under_way = || {
            state
                .entries
                .values()
                .filter_map(|entry| entry.running)
                .map(|running| running.since.elapsed())
        };
        QueueCounts {
            known: state.entries.len(),
            depth: state.lanes.all(),
            adds: state.adds,
            retries: state.retries,
            unfinished: under_way().sum(),
            longest: under_way().max().unwrap_or_default(),
        }
    }
}

/// Doubles from [`FIRST_BACK_OFF`] to [`LONGEST_BACK_OFF`].
fn back_off(failures: u32) -> Duration {
    FIRST_BACK_OFF
        .saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX))
        .min(LONGEST_BACK_OFF)
}

impl State {
    fn add(&mut self, key: &Key, reason: Reason) {
        let entry = self.entries.entry(key.clone()).or_default();
        entry.urgency = entry.urgency.max(reason.urgency());
        if reason == Reason::SpecEdited {
            entry.failures = 0; // What failed may be what was mended.
        }
        match &mut entry.queued {
            Some(queued) => queued.reason = reason.min(queued.reason),
            None => {
                entry.queued = Some(Queued {
                    since: Instant::now(),
                    reason,
                    place: None,
                });
                self.adds += 1;
            }
        }
        self.line_up(key);
    }

    /// Gives a key that is asked for its place, unless it has it already or a worker reconciles it.
    fn line_up(&mut self, key: &Key) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let rank = Rank::of(entry.urgency);
        let Some(queued) = entry.queued.as_mut().filter(|_| entry.running.is_none()) else {
            return;
        };
        match queued.place {
            Some(place) if place.rank == rank => return,
            Some(place) => self.lanes.step_out(place),
            None => {}
        }
        queued.place = Some(self.lanes.line_up(rank, key.clone()));
    }

    fn next(&mut self, takes: Takes, budgets: &Budgets) -> Next {
        let mut wake = None;
        if takes == Takes::All {
            self.promote_due();
            wake = self.delayed.keys().next().map(|(at, _)| *at);
        }
        if let Some(item) = self.pop(Rank::Request).or_else(|| self.pop(Rank::Edit)) {
            return Next::Take(item);
        }
        if takes == Takes::Urgent || self.lanes.all() == 0 {
            return Next::WaitUntil(wake);
        }
        if let Some(opens) = budgets.opens() {
            self.throttled = Some(Instant::now());
            return Next::WaitUntil(Some(wake.map_or(opens, |wake| wake.min(opens))));
        }
        self.pop(Rank::Ordinary).map_or(Next::WaitUntil(wake), Next::Take)
    }

    fn pop(&mut self, rank: Rank) -> Option<Item> {
        let key = self.lanes.pop(rank)?;
        let entry = self.entries.get_mut(&key)?;
        let Queued { since, reason, .. } = entry.queued.take()?;
        let (now, urgency) = (Instant::now(), std::mem::take(&mut entry.urgency));
        entry.running = Some(Running { since: now, urgency });
        Some(Item {
            key,
            reason,
            urgent: urgency.is_urgent(),
            waited: now.duration_since(since),
            throttled: !urgency.is_urgent() && self.throttled.is_some_and(|at| at >= since),
        })
    }

    fn promote_due(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            let (key, reason) = entry.remove();
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.due = None;
            }
            self.add(&key, reason);
        }
    }

    fn delay(&mut self, key: &Key, due: Due) {
        self.sequence += 1;
        let at = (Instant::now() + due.after, self.sequence);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.due = Some(at);
            self.delayed.insert(at, (key.clone(), due.why));
        }
    }

    fn cancel_delay(&mut self, key: &Key) {
        if let Some(at) = self.entries.get_mut(key).and_then(|entry| entry.due.take()) {
            self.delayed.remove(&at);
        }
    }

    /// After a reconcile: lines up what was asked for meanwhile, drops an entry that says nothing.
    fn settle(&mut self, key: &Key) {
        let Some(entry) = self.entries.get(key) else { return };
        if entry.queued.is_some() {
            self.line_up(key);
        } else if entry.due.is_none() && entry.failures == 0 && !entry.urgency.is_urgent() {
            self.entries.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
