//! One reconcile of one rollout: what is seen, the clock, and what follows from both before anything is decided.

use crate::api::{Rollout, Time};
use crate::meaning::Strategy;
use crate::observed::{Observed, ReplicaSet};
use crate::rollout::restart::Restart;
use crate::rollout::revision::{Revisions, Stable, is_observed, speaks_of_generations};
use jiff::{SignedDuration, Timestamp};

/// What every part of a decision reads.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    /// All that is known.
    pub(crate) seen: &'a Observed,
    /// The one clock reading of this reconcile.
    pub(crate) now: Timestamp,
    /// The rollout.
    pub(crate) rollout: &'a Rollout,
    /// `spec.replicas`, or its default.
    pub(crate) replicas: i32,
    /// What the spec means.
    pub(crate) strategy: Strategy<'a>,
    /// Which ReplicaSet is what.
    pub(crate) revisions: Revisions<'a>,
    /// What the user changed since the last reconcile.
    pub(crate) change: Change,
    /// How far a restart is; [`decide`](crate::decide()) fills it in once the strategy is known.
    pub(crate) restart: Restart,
}

/// What the user changed since the last reconcile (contract 02 §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that begins an update.
    Nothing,
    /// The rollout is reconciled for the first time.
    First,
    /// Another pod template.
    Template,
    /// Other steps.
    Steps,
}

impl<'a> Look<'a> {
    /// A reconcile of `seen` at `now`, where the spec means `strategy`.
    pub(crate) fn of(seen: &'a Observed, strategy: Strategy<'a>, now: Timestamp) -> Self {
        let revisions = Revisions::of(seen);
        let change = Change::of(seen, &revisions);
        Self {
            seen,
            now,
            rollout: &seen.rollout,
            replicas: seen.rollout.spec.replicas_or_default(),
            strategy,
            revisions,
            change,
            restart: Restart::default(),
        }
    }

    /// `spec.replicas` is absent as stored: it is written at the next occasion (decision 22).
    pub(crate) fn is_unsized(&self) -> bool {
        self.rollout.spec.replicas.is_none() || self.seen.replicas_from_workload
    }

    /// Name of the rollout.
    pub(crate) fn name(&self) -> &'a str {
        self.rollout.metadata.name.as_deref().unwrap_or_default()
    }

    /// The clock reading in whole seconds, as the API stores times.
    pub(crate) fn stamp(&self) -> Time {
        stamp(self.now)
    }

    /// The clock reading, rounded up: a wait that begins here is never short (contract 11 A12).
    pub(crate) fn stamp_rounded_up(&self) -> Time {
        let floor = whole_seconds(self.now);
        Time(if floor == self.now {
            floor
        } else {
            after_seconds(floor, 1)
        })
    }

    /// No pod is wanted, and every ReplicaSet says that it has none (decision 42).
    pub(crate) fn is_empty(&self) -> bool {
        let empty = |set: &ReplicaSet| {
            // One that was made without pods and never scaled has none, whether its controller has seen it or not.
            let known = set.observed_generation >= set.generation || set.generation == 1;
            set.replicas == 0 && set.current_replicas == 0 && known
        };
        self.replicas == 0 && self.revisions.all().all(empty)
    }

    /// Pods are wanted again after `spec.replicas` was 0, and none has been asked for yet.
    pub(crate) fn wakes(&self) -> bool {
        let none = self.revisions.all().all(|set| set.replicas == 0);
        let sent_to_sleep = self.revisions.all().any(|set| set.desired_replicas() == Some(0));
        self.replicas > 0 && none && sent_to_sleep
    }

    /// Available pods of the newest revision that a decision may rely on.
    pub(crate) fn new_available(&self) -> i32 {
        self.revisions.new.map_or(0, |set| self.available(set))
    }

    /// The newest revision is older than stable, and few enough revisions lie between (contract 02 §10).
    pub(crate) fn is_rollback_within_window(&self) -> bool {
        let Some(window) = self
            .rollout
            .spec
            .rollback_window
            .as_ref()
            .filter(|window| window.revisions > 0)
        else {
            return false;
        };
        let (Some(new), Stable::Other(stable)) = (self.revisions.new, self.revisions.stable) else {
            return false;
        };
        let between = self
            .revisions
            .others
            .iter()
            .filter(|set| new.created < set.created && set.created < stable.created);
        new.created < stable.created && between.count() < usize::try_from(window.revisions).unwrap_or(usize::MAX)
    }

    /// The newest revision is stable, or older than stable (contract 02 §10).
    pub(crate) fn is_rollback(&self) -> bool {
        match (self.revisions.new, self.revisions.stable) {
            (Some(new), Stable::Other(stable)) => new.created < stable.created,
            (_, Stable::Newest) => true,
            (None, Stable::Other(_)) | (_, Stable::None | Stable::Missing) => false,
        }
    }

    /// A rollback that skips steps and analysis (contract 02 §10).
    pub(crate) fn is_fast_rollback(&self) -> bool {
        self.is_rollback() && (self.is_rollback_within_window() || self.revisions.stable == Stable::Newest)
    }
}

impl Change {
    fn of(seen: &Observed, revisions: &Revisions<'_>) -> Self {
        let status = &seen.rollout.status;
        if status.current_pod_hash.is_empty() {
            Self::First
        } else if status.current_pod_hash != revisions.new_hash {
            Self::Template
        } else if status.current_step_hash != seen.identity.step_hash
            && !is_observed(seen)
            && speaks_of_generations(seen)
        {
            // Decision 17: while the generation is observed, only the way of hashing can have changed.
            Self::Steps
        } else {
            Self::Nothing
        }
    }
}

/// An instant as the API stores times: in whole seconds.
pub(crate) fn stamp(at: Timestamp) -> Time {
    Time(whole_seconds(at))
}

/// An instant without its fraction of a second.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// `seconds` after an instant, or the last instant there is.
pub(crate) fn after_seconds(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
