//! Why a rollout is reconciled.

use serin_core::plan::WakeReason;
use std::fmt;

/// What can start a reconcile; its log line and the metric name it.
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
    /// An object of a traffic router of the rollout changed.
    RouteChanged,
    /// The workload that the rollout refers to changed.
    WorkloadChanged,
    /// The experiment, or an Experiment of the rollout, changed.
    ExperimentChanged,
    /// A template that the rollout may lack has come.
    TemplateChanged,
    /// A step plugin or a router plugin answered.
    PluginAnswered,
    /// AWS answered what a decision wanted to know.
    AwsAnswered,
    /// A measurement of the analysis run was answered.
    Measured,
    /// A Job of the analysis run is complete, or has failed.
    JobEnded,
    /// Metadata or status of the analysis run changed.
    RunChanged,
    /// What we wrote ourselves has arrived.
    OwnWriteSeen,
    /// A wait that a decision asked for is over.
    Wake(WakeReason),
    /// The watch did not bring what was waited for in time.
    StoreLags,
    /// The reconcile before panicked.
    Panicked,
    /// Every rollout is reconciled from time to time.
    Resync,
}

/// How much a person waits for a reconcile: a request (promote, retry) is noted by the first reconcile and followed by
/// the second, an edit is followed at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Nobody does.
    #[default]
    Ordinary,
    /// The reconcile follows an edit.
    Edit,
    /// The request is noted, and the reconcile follows it.
    NotedRequest,
    /// The reconcile notes a request.
    Request,
}

impl Urgency {
    /// What is left of it after a reconcile that wrote.
    pub(crate) fn after_a_write(self) -> Self {
        match self {
            Self::Request => Self::NotedRequest,
            Self::NotedRequest | Self::Edit | Self::Ordinary => Self::Ordinary,
        }
    }

    /// Whether a person waits.
    pub(crate) fn is_urgent(self) -> bool {
        self != Self::Ordinary
    }
}

impl Reason {
    /// How much a person waits for the reconcile.
    pub(crate) fn urgency(self) -> Urgency {
        match self {
            Self::RolloutChanged => Urgency::Request,
            Self::SpecEdited => Urgency::Edit,
            Self::FirstSeen
            | Self::Deleted
            | Self::ReplicaSetChanged
            | Self::ServiceChanged
            | Self::RouteChanged
            | Self::WorkloadChanged
            | Self::ExperimentChanged
            | Self::TemplateChanged
            | Self::PluginAnswered
            | Self::AwsAnswered
            | Self::Measured
            | Self::JobEnded
            | Self::RunChanged
            | Self::OwnWriteSeen
            | Self::Wake(_)
            | Self::StoreLags
            | Self::Panicked
            | Self::Resync => Urgency::Ordinary,
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
            Self::RouteChanged => "RouteChanged",
            Self::WorkloadChanged => "WorkloadChanged",
            Self::ExperimentChanged => "ExperimentChanged",
            Self::TemplateChanged => "TemplateChanged",
            Self::PluginAnswered => "PluginAnswered",
            Self::AwsAnswered => "AwsAnswered",
            Self::Measured => "Measured",
            Self::JobEnded => "JobEnded",
            Self::RunChanged => "RunChanged",
            Self::OwnWriteSeen => "OwnWriteSeen",
            Self::Wake(why) => why.word(),
            Self::StoreLags => "StoreLags",
            Self::Panicked => "Panicked",
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
            Self::RouteChanged => f.write_str("an object of a traffic router changed"),
            Self::WorkloadChanged => f.write_str("the workload changed"),
            Self::ExperimentChanged => f.write_str("an Experiment changed"),
            Self::TemplateChanged => f.write_str("a template of analyses changed"),
            Self::PluginAnswered => f.write_str("a plugin answered"),
            Self::AwsAnswered => f.write_str("AWS answered"),
            Self::JobEnded => f.write_str("a Job of a measurement ended"),
            Self::Measured => f.write_str("a measurement was answered"),
            Self::RunChanged => f.write_str("the analysis run was changed"),
            Self::OwnWriteSeen => f.write_str("our own write arrived"),
            Self::Wake(why) => why.fmt(f),
            Self::StoreLags => f.write_str("the watch lags behind our own writes"),
            Self::Panicked => f.write_str("the reconcile before panicked"),
            Self::Resync => f.write_str("resync"),
        }
    }
}

/// Everything that makes a rollout wait, as `serin_waits_total` counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A decision, or a refusal, asks for a later reconcile.
    Wake(WakeReason),
    /// The stores do not show our own last write in time.
    StoreLags,
    /// The budget of calls (`--qps`, `--burst`) was used up.
    Throttled,
    /// A reconcile panicked.
    Panicked,
}

impl Wait {
    /// One word, for metrics.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Wake(why) => why.word(),
            Self::StoreLags => "StoreLags",
            Self::Throttled => "Throttled",
            Self::Panicked => "Panicked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serin_core::observed::Refusal;

    #[test]
    fn what_metrics_name_is_the_name_in_the_code() {
        for why in [
            WakeReason::PauseOver,
            WakeReason::ProgressDeadline,
            WakeReason::ScaleDownDelay,
            WakeReason::InvalidSpecRetry,
            WakeReason::CountersDue,
            WakeReason::ManagerStaysAway,
            WakeReason::PodsWanted,
            WakeReason::Recount,
            WakeReason::WorkloadBackOff,
            WakeReason::WorkloadAtRest,
            WakeReason::Restart,
            WakeReason::InitialDelay,
            WakeReason::MeasurementDue,
            WakeReason::MeasurementResumed,
            WakeReason::MeasurementLate,
            WakeReason::RunExpires,
        ] {
            assert_eq!(Wait::Wake(why).word(), format!("{why:?}"));
        }
        for why in [
            Refusal::Forbidden,
            Refusal::AlreadyExists,
            Refusal::Conflict,
            Refusal::NotFound,
            Refusal::Invalid,
            Refusal::TooManyRequests,
            Refusal::ServerError,
            Refusal::Timeout,
        ] {
            assert_eq!(Reason::Wake(WakeReason::Refused(why)).word(), format!("{why:?}"));
        }
        for wait in [Wait::StoreLags, Wait::Throttled, Wait::Panicked] {
            assert_eq!(wait.word(), format!("{wait:?}"));
        }
    }
}
