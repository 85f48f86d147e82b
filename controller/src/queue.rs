//! Which rollout is looked at next, and why: one worker per key at a time, people's changes first.

use crate::store::Key;
use crate::sync::lock;
use serin_core::plan::WakeReason;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// First wait after a failure (contract 02 §5).
pub(crate) const FIRST_BACK_OFF: Duration = Duration::from_millis(1);
/// Longest wait after failures (contract 02 §5).
pub(crate) const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

/// Everything that can start a look; stands in its log line and in the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    /// Somebody edited the spec.
    SpecEdited,
    /// Somebody changed metadata or status: promote, abort, retry.
    RolloutChanged,
    /// The rollout was not known before.
    FirstSeen,
    /// The rollout is gone.
    Deleted,
    /// A ReplicaSet of the rollout changed.
    ReplicaSetChanged,
    /// What we wrote ourselves has arrived.
    OwnWriteSeen,
    /// A wait that a decision asked for is over.
    Wake(WakeReason),
    /// The watch did not bring what was waited for in time.
    StoreLags,
    /// Everything is looked at from time to time.
    Resync,
}

impl Reason {
    /// Whether a person waits for the answer.
    fn goes_first(self) -> bool {
        match self {
            Self::SpecEdited | Self::RolloutChanged => true,
            Self::FirstSeen
            | Self::Deleted
            | Self::ReplicaSetChanged
            | Self::OwnWriteSeen
            | Self::Wake(_)
            | Self::StoreLags
            | Self::Resync => false,
        }
    }

    /// One word, for metrics and logs.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::SpecEdited => "SpecEdited",
            Self::RolloutChanged => "RolloutChanged",
            Self::FirstSeen => "FirstSeen",
            Self::Deleted => "Deleted",
            Self::ReplicaSetChanged => "ReplicaSetChanged",
            Self::OwnWriteSeen => "OwnWriteSeen",
            Self::Wake(WakeReason::Refused(_)) => "Refused",
            Self::Wake(WakeReason::CountersDue) => "CountersDue",
            Self::Wake(_) => "Wake",
            Self::StoreLags => "StoreLags",
            Self::Resync => "Resync",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpecEdited => f.write_str("the spec was edited"),
            Self::RolloutChanged => f.write_str("the rollout was changed"),
            Self::FirstSeen => f.write_str("the rollout was first seen"),
            Self::Deleted => f.write_str("the rollout was deleted"),
            Self::ReplicaSetChanged => f.write_str("a ReplicaSet changed"),
            Self::OwnWriteSeen => f.write_str("our own write arrived"),
            Self::Wake(why) => why.fmt(f),
            Self::StoreLags => f.write_str("the watch lags behind our own writes"),
            Self::Resync => f.write_str("resync"),
        }
    }
}

/// When a look is due although nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// How long from now.
    pub(crate) after: Duration,
    /// Why.
    pub(crate) why: Reason,
}

/// How a look ended, as far as the queue must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All went through (or nothing was to do); the next look at a time, if any.
    Well(Option<Due>),
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

/// A key that is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Which.
    pub(crate) key: Key,
    /// The most pressing reason.
    pub(crate) reason: Reason,
    /// How long it waited for a worker.
    pub(crate) waited: Duration,
}

#[derive(Default)]
struct Entry {
    /// It waits in a lane, since when and why.
    queued: Option<(Instant, Reason)>,
    /// A worker looks at it, since when.
    running: Option<Instant>,
    /// Failures since the last success or edit.
    failures: u32,
    /// Its place among the delayed.
    due: Option<(Instant, u64)>,
}

#[derive(Default)]
struct State {
    first: VecDeque<Key>,
    ordinary: VecDeque<Key>,
    entries: HashMap<Key, Entry>,
    delayed: BTreeMap<(Instant, u64), (Key, Reason)>,
    sequence: u64,
    adds: u64,
    retries: u64,
}

/// Counts for `workqueue_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueCounts {
    /// Keys that wait for a worker.
    pub(crate) depth: usize,
    /// Keys ever added.
    pub(crate) adds: u64,
    /// Looks that failed and are tried again.
    pub(crate) retries: u64,
    /// How long the looks under way have taken so far, together.
    pub(crate) unfinished: Duration,
    /// How long the longest of them has.
    pub(crate) longest: Duration,
}

/// A queue of keys with delayed entries and back-off.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    /// Asks for a look. Asking again before it begins changes nothing, but for a more pressing reason; asking while it
    /// is under way gives one more look afterwards.
    pub(crate) fn add(&self, key: Key, reason: Reason) {
        lock(&self.state).add(key, reason);
        self.changed.notify_one();
    }

    /// The next key; it is not given out again until [`Self::ended`].
    pub(crate) async fn next(&self) -> Item {
        loop {
            let (item, next_due) = {
                let mut state = lock(&self.state);
                state.promote_due();
                let more = state.first.len() + state.ordinary.len() > 1;
                let item = state.pop();
                if item.is_some() && more {
                    self.changed.notify_one(); // One permit stands for many adds: pass it on.
                }
                (item, state.delayed.keys().next().map(|(at, _)| *at))
            };
            if let Some(item) = item {
                return item;
            }
            match next_due {
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    /// Ends a look; its waits replace those of the look before.
    pub(crate) fn ended(&self, key: &Key, ended: Ended) {
        let mut state = lock(&self.state);
        state.cancel_delay(key);
        let Some(entry) = state.entries.get_mut(key) else {
            return;
        };
        entry.running = None;
        let due = match ended {
            Ended::Well(due) => {
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
        self.changed.notify_one();
    }

    /// Forgets waits and failures of a key that is gone.
    pub(crate) fn forget(&self, key: &Key) {
        let mut state = lock(&self.state);
        state.cancel_delay(key);
        if let Some(entry) = state.entries.get_mut(key) {
            entry.failures = 0;
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
                .map(|since| since.elapsed())
        };
        QueueCounts {
            depth: state.first.len() + state.ordinary.len(),
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
    fn add(&mut self, key: Key, reason: Reason) {
        let entry = self.entries.entry(key.clone()).or_default();
        if reason == Reason::SpecEdited {
            entry.failures = 0; // What failed may be what was mended.
        }
        match &mut entry.queued {
            Some((_, queued)) => {
                let promoted = reason.goes_first() && !queued.goes_first();
                *queued = reason.min(*queued);
                if promoted && entry.running.is_none() {
                    self.ordinary.retain(|other| *other != key);
                    self.first.push_back(key);
                }
            }
            None => {
                entry.queued = Some((Instant::now(), reason));
                self.adds += 1;
                if entry.running.is_none() {
                    self.line_up(key, reason);
                }
            }
        }
    }

    fn line_up(&mut self, key: Key, reason: Reason) {
        if reason.goes_first() {
            self.first.push_back(key)
        } else {
            self.ordinary.push_back(key)
        }
    }

    fn pop(&mut self) -> Option<Item> {
        let key = self.first.pop_front().or_else(|| self.ordinary.pop_front())?;
        let entry = self.entries.get_mut(&key)?;
        entry.running = Some(Instant::now());
        let (since, reason) = entry.queued.take()?;
        Some(Item {
            key,
            reason,
            waited: since.elapsed(),
        })
    }

    fn promote_due(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            let (key, reason) = entry.remove();
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.due = None;
            }
            self.add(key, reason);
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

    /// After a look: lines up what was asked for meanwhile, drops an entry that says nothing.
    fn settle(&mut self, key: &Key) {
        let Some(entry) = self.entries.get(key) else { return };
        if let Some((_, reason)) = entry.queued {
            self.line_up(key.clone(), reason);
        } else if entry.due.is_none() && entry.failures == 0 {
            self.entries.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serin_core::observed::Refusal;

    fn key(name: &str) -> Key {
        Key::new("n", name)
    }

    async fn next(queue: &Queue) -> (String, Reason) {
        let item = queue.next().await;
        (item.key.name.to_string(), item.reason)
    }

    async fn nothing(queue: &Queue, within: Duration) -> bool {
        tokio::time::timeout(within, queue.next()).await.is_err()
    }

    const REFUSED: Reason = Reason::Wake(WakeReason::Refused(Refusal::ServerError));

    #[tokio::test(start_paused = true)]
    async fn people_go_first_and_events_are_coalesced() {
        let queue = Queue::default();
        queue.add(key("a"), Reason::ReplicaSetChanged);
        queue.add(key("a"), Reason::ReplicaSetChanged);
        queue.add(key("b"), Reason::Resync);
        queue.add(key("c"), Reason::RolloutChanged);
        queue.add(key("b"), Reason::SpecEdited);
        assert_eq!(next(&queue).await, ("c".into(), Reason::RolloutChanged));
        assert_eq!(next(&queue).await, ("b".into(), Reason::SpecEdited));
        assert_eq!(next(&queue).await, ("a".into(), Reason::ReplicaSetChanged));
        assert!(nothing(&queue, Duration::from_secs(60)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_given_to_one_worker_at_a_time() {
        let queue = Queue::default();
        queue.add(key("a"), Reason::FirstSeen);
        next(&queue).await;
        queue.add(key("a"), Reason::ReplicaSetChanged);
        queue.add(key("a"), Reason::SpecEdited);
        assert!(nothing(&queue, Duration::from_secs(60)).await);
        let minute = Duration::from_secs(60);
        assert_eq!((queue.counts().unfinished, queue.counts().longest), (minute, minute));
        queue.ended(&key("a"), Ended::Well(None));
        assert_eq!(next(&queue).await, ("a".into(), Reason::SpecEdited));
        queue.ended(&key("a"), Ended::Well(None));
        assert!(lock(&queue.state).entries.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn back_off_doubles_to_ten_seconds_and_an_edit_resets_it() {
        let queue = Queue::default();
        queue.add(key("a"), Reason::FirstSeen);
        next(&queue).await;
        let failed = Ended::Failed {
            why: REFUSED,
            at_least: Duration::ZERO,
            wake: None,
        };
        let mut waits = Vec::new();
        for _ in 0..16 {
            let before = Instant::now();
            queue.ended(&key("a"), failed);
            assert_eq!(next(&queue).await.1, REFUSED);
            waits.push(before.elapsed().as_millis());
        }
        assert_eq!(&waits[..4], [1, 2, 4, 8]);
        assert_eq!(waits[15], 10_000);
        queue.add(key("a"), Reason::SpecEdited);
        queue.ended(&key("a"), Ended::Well(None));
        next(&queue).await;
        let before = Instant::now();
        queue.ended(&key("a"), failed);
        next(&queue).await;
        assert_eq!(before.elapsed().as_millis(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wake_of_the_last_look_counts() {
        let queue = Queue::default();
        queue.add(key("a"), Reason::FirstSeen);
        next(&queue).await;
        let wake = |seconds, why| {
            Some(Due {
                after: Duration::from_secs(seconds),
                why: Reason::Wake(why),
            })
        };
        queue.ended(&key("a"), Ended::Well(wake(10, WakeReason::PauseOver)));
        queue.add(key("a"), Reason::ReplicaSetChanged);
        next(&queue).await;
        queue.ended(&key("a"), Ended::Well(wake(30, WakeReason::ProgressDeadline)));
        let before = Instant::now();
        assert_eq!(next(&queue).await.1, Reason::Wake(WakeReason::ProgressDeadline));
        assert_eq!(before.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn the_api_server_can_ask_for_patience() {
        let queue = Queue::default();
        queue.add(key("a"), Reason::FirstSeen);
        next(&queue).await;
        let before = Instant::now();
        queue.ended(
            &key("a"),
            Ended::Failed {
                why: REFUSED,
                at_least: Duration::from_secs(3),
                wake: None,
            },
        );
        next(&queue).await;
        assert_eq!(before.elapsed().as_secs(), 3);
    }
}
