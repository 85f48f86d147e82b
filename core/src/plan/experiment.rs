//! What decisions about experiments change and tell beside ReplicaSets and AnalysisRuns (contract 05 §8).

use super::news::direction;
use super::{EventKind, Target};
use crate::api::experiment::ExperimentSpec;
use crate::wire::analysis::{Phase, RUN_REASONS};
use crate::wire::event;
use crate::wire::experiment::{self, TemplateState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What is done to an Experiment of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExperimentAction {
    /// Create it. Where the name is taken the store is behind, or it is somebody else's: the next reconcile, which sees it,
    /// takes another name.
    Create(Box<NewExperiment>),
    /// Ask it to end, by `spec.terminate`. One that is gone needs none.
    Terminate(Target),
    /// Delete one that has had its time. One that is gone needs none.
    Delete(Target),
}

/// An Experiment to create (contract 03 §12); the owner reference is the rollout, which the shell adds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewExperiment {
    /// `<rollout>-<hash>-<revision>-<step>`: cannot differ between leaders (decision 13).
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// What runs.
    pub spec: ExperimentSpec,
}

/// What is done to a Service of an experiment, which lives and dies with its template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OwnServiceAction {
    /// Create it. Where the name is taken the store is behind, or the Service is somebody else's: the next reconcile sees
    /// which.
    Create(Box<NewService>),
    /// Delete it. One that is gone needs none.
    Delete(Target),
}

/// A Service to create; the owner reference is the experiment, which the shell adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewService {
    /// Name: as the template says, else that of the ReplicaSet.
    pub name: String,
    /// Annotations that name the experiment and the template.
    pub annotations: BTreeMap<String, String>,
    /// Selector: the labels of the ReplicaSet.
    pub selector: BTreeMap<String, String>,
    /// Ports: one for each port of a container.
    pub ports: Vec<NewPort>,
}

/// A port of a Service; its target port is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewPort {
    /// Name, if the port of the container has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// TCP, UDP or SCTP.
    pub protocol: String,
    /// Number.
    pub port: i32,
}

/// One thing to tell of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExperimentNews {
    /// A template has another state.
    Template {
        /// Its name.
        name: String,
        /// The state before; empty for none.
        from: String,
        /// The state now.
        to: TemplateState,
        /// Why; may be empty.
        message: String,
    },
    /// A run of an analysis has another phase.
    AnalysisRun {
        /// Name of the analysis.
        analysis: String,
        /// The phase before; empty for none.
        from: String,
        /// The phase now.
        to: Phase,
        /// Why; may be empty.
        message: String,
        /// Told of the rollout that owns the experiment, always as a warning.
        of_rollout: bool,
    },
    /// A run of an analysis is asked to end.
    Terminating {
        /// Name of the analysis.
        analysis: String,
        /// Name of the run.
        run: String,
    },
    /// The experiment has another phase.
    Phase {
        /// The phase before; empty for none.
        from: String,
        /// The phase now.
        to: Phase,
    },
    /// A ReplicaSet is scaled.
    Scaled {
        /// Its name.
        name: String,
        /// Pods before.
        from: i32,
        /// Pods from now on.
        to: i32,
    },
    /// A ReplicaSet could not be scaled.
    ScaleError {
        /// Its name.
        name: String,
        /// Pods before.
        from: i32,
        /// Pods that it should have.
        to: i32,
        /// What the API server says.
        why: String,
    },
    /// Fields of a pod template cannot be decoded. They are left out of the ReplicaSet (decision 7).
    Undecodable {
        /// Name of the ReplicaSet.
        name: String,
        /// Paths below the template.
        fields: Vec<String>,
    },
}

fn warning(is_bad: bool) -> EventKind {
    if is_bad { EventKind::Warning } else { EventKind::Normal }
}

impl ExperimentNews {
    /// Reason of the event.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Template { to, .. } => to.reason(),
            Self::AnalysisRun { to, .. } => RUN_REASONS.of(*to),
            Self::Terminating { .. } => experiment::ANALYSIS_RUN_TERMINATING,
            Self::Phase { to, .. } => match to {
                Phase::Unset | Phase::Pending => "ExperimentPending",
                Phase::Running => "ExperimentRunning",
                Phase::Successful => "ExperimentSuccessful",
                Phase::Failed => "ExperimentFailed",
                Phase::Error => "ExperimentError",
                Phase::Inconclusive => "ExperimentInconclusive",
            },
            Self::Scaled { .. } => event::SCALING_REPLICA_SET,
            Self::ScaleError { .. } => experiment::REPLICA_SET_UPDATE_ERROR,
            Self::Undecodable { .. } => event::UNDECODABLE_TEMPLATE,
        }
    }

    /// Kind of the event.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Template { to, .. } => warning(to.is_bad()),
            Self::AnalysisRun { to, of_rollout, .. } => warning(*of_rollout || to.is_bad()),
            Self::Phase { to, .. } => warning(to.is_bad()),
            Self::ScaleError { .. } | Self::Undecodable { .. } => EventKind::Warning,
            Self::Terminating { .. } | Self::Scaled { .. } => EventKind::Normal,
        }
    }

    /// It is told of the rollout that owns the experiment, and not of the experiment.
    #[must_use]
    pub fn is_of_rollout(&self) -> bool {
        matches!(self, Self::AnalysisRun { of_rollout: true, .. })
    }
}

/// The text of the event.
impl fmt::Display for ExperimentNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template {
                name,
                from,
                to,
                message,
            } => {
                write!(f, "Template '{name}' transitioned from {from} -> {to}")?;
                reason_after(f, message)
            }
            Self::AnalysisRun {
                analysis,
                from,
                to,
                message,
                ..
            } => {
                let to = to.as_str();
                write!(f, "AnalysisRun '{analysis}' transitioned from {from} -> {to}")?;
                reason_after(f, message)
            }
            Self::Terminating { analysis, run } => write!(f, "Terminating {analysis} ({run})"),
            Self::Phase { from, to } => write!(f, "Experiment transitioned from {from} -> {}", to.as_str()),
            Self::Scaled { name, from, to } => {
                let direction = direction(*from, *to);
                write!(f, "Scaled {direction} ReplicaSet {name} from {from} to {to}")
            }
            Self::ScaleError { name, from, to, why } => {
                write!(f, "Failed to scale {name} {}: {why}", direction(*from, *to))
            }
            Self::Undecodable { name, fields } => {
                let fields = fields.join(", ");
                write!(f, "Not decodable, and left out of ReplicaSet {name}: {fields}")
            }
        }
    }
}

fn reason_after(f: &mut fmt::Formatter<'_>, message: &str) -> fmt::Result {
    if message.is_empty() {
        Ok(())
    } else {
        write!(f, ": {message}")
    }
}
