//! Strings of experiments: annotations, states of templates, conditions, reasons of events, messages (contract 05 §8).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Annotation of ReplicaSets and Services of an experiment: its name.
pub const NAME: &str = "experiment.argoproj.io/name";
/// Annotation of ReplicaSets and Services of an experiment: the name of their template.
pub const TEMPLATE_NAME: &str = "experiment.argoproj.io/template-name";

/// Message of an experiment that ended because all analyses that it requires were successful.
pub const REQUIRED_RUNS_COMPLETED: &str = "Required AnalysisRuns completed";

/// Reason of the condition Progressing of an experiment that was successful.
pub const EXPERIMENT_COMPLETED: &str = "ExperimentCompleted";

/// Reason of an event: a run of an analysis is asked to end.
pub const ANALYSIS_RUN_TERMINATING: &str = "AnalysisRunTerminating";
/// Reason of an event: a ReplicaSet could not be scaled.
pub const REPLICA_SET_UPDATE_ERROR: &str = "ReplicaSetUpdateError";

/// State of one template of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TemplateState {
    /// Its pods are not available yet.
    Progressing,
    /// All its pods are available.
    Running,
    /// It ran for its time, or was ended before.
    Successful,
    /// Its pods did not become available in time.
    Failed,
    /// Something could not be created or changed.
    Error,
}

impl TemplateState {
    /// All states, the best first.
    pub const ALL: [Self; 5] = [
        Self::Successful,
        Self::Running,
        Self::Progressing,
        Self::Error,
        Self::Failed,
    ];

    /// The state that a status has, if it is one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Progressing => "Progressing",
            Self::Running => "Running",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Error => "Error",
        }
    }

    /// Reason of the event that tells of it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Progressing => "TemplateProgressing",
            Self::Running => "TemplateRunning",
            Self::Successful => "TemplateSuccessful",
            Self::Failed => "TemplateFailed",
            Self::Error => "TemplateError",
        }
    }

    /// It is final.
    #[must_use]
    pub const fn is_completed(self) -> bool {
        match self {
            Self::Progressing | Self::Running => false,
            Self::Successful | Self::Failed | Self::Error => true,
        }
    }

    /// It is final, and not good: the whole experiment ends.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        match self {
            Self::Progressing | Self::Running | Self::Successful => false,
            Self::Failed | Self::Error => true,
        }
    }
}

impl fmt::Display for TemplateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
