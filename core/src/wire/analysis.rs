//! Phases of runs, metrics and measurements, and the texts that go with them (contract 01 §5, 06).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Phase of a run, a metric or a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Not looked at yet, or a word that nobody knows.
    #[default]
    Unset,
    /// Nothing was measured yet.
    Pending,
    /// Under way.
    Running,
    /// Good.
    Successful,
    /// Bad.
    Failed,
    /// It could not be measured.
    Error,
    /// Neither good nor bad.
    Inconclusive,
}

impl Phase {
    /// The phase of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Successful" => Self::Successful,
            "Failed" => Self::Failed,
            "Error" => Self::Error,
            "Inconclusive" => Self::Inconclusive,
            _ => Self::Unset,
        }
    }

    /// Its name; empty for none.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Inconclusive => "Inconclusive",
        }
    }

    /// Whether it is final.
    #[must_use]
    pub fn is_completed(self) -> bool {
        match self {
            Self::Successful | Self::Failed | Self::Error | Self::Inconclusive => true,
            Self::Unset | Self::Pending | Self::Running => false,
        }
    }

    /// Whether it ends a run before its time (contract 06 §1).
    #[must_use]
    pub fn is_bad(self) -> bool {
        match self {
            Self::Failed | Self::Error | Self::Inconclusive => true,
            Self::Unset | Self::Pending | Self::Running | Self::Successful => false,
        }
    }

    /// Whether it is worse than another: Successful, Running, Pending, Inconclusive, Error, Failed (contract 06 §5).
    #[must_use]
    pub fn is_worse_than(self, other: Self) -> bool {
        self.badness() > other.badness()
    }

    fn badness(self) -> u8 {
        match self {
            Self::Unset | Self::Successful => 0,
            Self::Running => 1,
            Self::Pending => 2,
            Self::Inconclusive => 3,
            Self::Error => 4,
            Self::Failed => 5,
        }
    }
}

/// Message of a measurement that was ended by the end of its run.
pub const METRIC_TERMINATED: &str = "Metric Terminated";
/// Message of a run that was asked to end.
pub const RUN_TERMINATED: &str = "Run Terminated";
/// Reasons of the events that tell how a run ended.
pub const RUN_REASONS: PerPhase = PerPhase {
    successful: "AnalysisRunSuccessful",
    failed: "AnalysisRunFailed",
    error: "AnalysisRunError",
    inconclusive: "AnalysisRunInconclusive",
    running: "AnalysisRunRunning",
    pending: "AnalysisRunPending",
};
/// Reasons of the events that tell how a metric ended.
pub const METRIC_REASONS: PerPhase = PerPhase {
    successful: "MetricSuccessful",
    failed: "MetricFailed",
    error: "MetricError",
    inconclusive: "MetricInconclusive",
    running: "MetricRunning",
    pending: "MetricPending",
};

/// A string for each phase.
#[derive(Clone, Copy, Debug)]
pub struct PerPhase {
    successful: &'static str,
    failed: &'static str,
    error: &'static str,
    inconclusive: &'static str,
    running: &'static str,
    pending: &'static str,
}

impl PerPhase {
    /// The one for this phase; for none, that of Pending.
    #[must_use]
    pub fn of(&self, phase: Phase) -> &'static str {
        match phase {
            Phase::Successful => self.successful,
            Phase::Failed => self.failed,
            Phase::Error => self.error,
            Phase::Inconclusive => self.inconclusive,
            Phase::Running => self.running,
            Phase::Pending | Phase::Unset => self.pending,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
