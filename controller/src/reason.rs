//! Why a rollout is looked at.

use serin_core::plan::WakeReason;
use std::fmt;

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
    /// A Service that the rollout names, or that names it, changed.
    ServiceChanged,
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
    /// How many looks it takes until what a person did has its effect: a request (promote, retry) is noted by the
    /// first and followed by the second, an edit is followed at once.
    pub(crate) fn urgent_looks(self) -> u8 {
        match self {
            Self::RolloutChanged => 2,
            Self::SpecEdited => 1,
            Self::FirstSeen
            | Self::Deleted
            | Self::ReplicaSetChanged
            | Self::ServiceChanged
            | Self::OwnWriteSeen
            | Self::Wake(_)
            | Self::StoreLags
            | Self::Resync => 0,
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
            Self::ServiceChanged => "ServiceChanged",
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
            Self::ServiceChanged => f.write_str("a Service changed"),
            Self::OwnWriteSeen => f.write_str("our own write arrived"),
            Self::Wake(why) => why.fmt(f),
            Self::StoreLags => f.write_str("the watch lags behind our own writes"),
            Self::Resync => f.write_str("resync"),
        }
    }
}
