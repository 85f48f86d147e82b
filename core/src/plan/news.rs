//! Everything that is told of a rollout as an event: its reason, its kind and its text (contract 09 §4). Nothing else makes
//! an event.

use crate::observed::Operation;
use crate::plan::ExperimentNews;
use crate::traffic::Told;
use crate::wire::analysis::{METRIC_REASONS, Phase, RUN_REASONS};
use crate::wire::event;
use crate::wire::step_plugin::StepPhase;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum News {
    /// A rollout is first seen (decision 3).
    AddedToInformer {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A rollout is deleted.
    Deleted {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The revision of the rollout changes.
    Updated {
        /// To this one.
        revision: String,
    },
    /// The newest ReplicaSet is created.
    ReplicaSetCreated {
        /// Its name.
        name: String,
        /// Its revision.
        revision: i64,
    },
    /// The newest ReplicaSet cannot be created.
    ReplicaSetCreateError {
        /// Which, and what the API server says.
        message: String,
    },
    /// Fields of the pod template cannot be decoded. They are left out of the ReplicaSet (decision 7).
    UndecodableTemplate {
        /// Name of the ReplicaSet.
        name: String,
        /// Paths below `spec.template`.
        fields: Vec<String>,
    },
    /// A ReplicaSet is scaled.
    Scaled {
        /// Its name.
        name: String,
        /// Its revision.
        revision: i64,
        /// Pods before.
        from: i32,
        /// Pods from now on.
        to: i32,
    },
    /// The Deployment that the rollout refers to is scaled: down, or up once the rollout has been deleted.
    WorkloadScaled {
        /// Its kind and name.
        what: String,
        /// Pods before.
        from: i32,
        /// Pods from now on.
        to: i32,
    },
    /// Somebody scales that Deployment up again and again.
    WorkloadScaleContested {
        /// Who, and what to do.
        message: String,
    },
    /// An object of a traffic router is written.
    Routed(Told),
    /// The weights that the status records change (contract 03 §7, contract 11 A11).
    WeightUpdated {
        /// The weight of the canary before; none where no weights were recorded.
        from: Option<i32>,
        /// The weight from now on.
        to: i32,
        /// The weights of further destinations, where they change.
        additional: Option<String>,
    },
    /// A traffic router cannot be written, and why.
    TrafficRoutingError {
        /// Which object, and why.
        message: String,
    },
    /// What carries the traffic confirms it (contract 07 §3).
    Verified(Told),
    /// It does not, or cannot be asked.
    Unverified(Told),
    /// A Service is switched to another pod template hash.
    ServiceSwitched {
        /// Its name.
        name: String,
        /// The hash before; empty for none.
        from: String,
        /// The hash from now on.
        to: String,
        /// It is the preview of blue-green.
        preview: bool,
    },
    /// A step is done.
    StepCompleted {
        /// Its number, from 1.
        step: usize,
        /// How many there are.
        of: usize,
        /// The step, `setWeight: 20`.
        words: String,
    },
    /// Steps are skipped.
    StepsSkipped(Skip),
    /// A run of an analysis has another phase.
    AnalysisRun {
        /// What it belongs to, in the word of its label `rollout-type`.
        of: String,
        /// Its name.
        name: String,
        /// Its phase.
        phase: Phase,
        /// The phase before, which may be empty; none where the status named no such run.
        before: Option<String>,
    },
    /// The rollout waits.
    Paused {
        /// Reason of the pause condition.
        reason: String,
    },
    /// The rollout goes on.
    Resumed,
    /// The update is aborted.
    Aborted {
        /// The message of the condition.
        message: String,
        /// By the controller, and not by a person.
        by_controller: bool,
    },
    /// The newest revision is stable.
    Completed {
        /// Its revision.
        revision: i64,
        /// Its pod template hash.
        hash: String,
        /// Why it is stable.
        why: String,
    },
    /// An update begins.
    NotCompleted {
        /// Its revision.
        revision: i64,
        /// Its pod template hash.
        hash: String,
    },
    /// A field of the status does not decode, and the rollout is held (invariant 6).
    StatusUnreadable {
        /// Which, why, and what to do.
        message: String,
    },
    /// Metadata of the rollout do not decode.
    UndecodableMetadata {
        /// Which field, and why.
        why: String,
    },
    /// Labels or annotations for pods, in a field that applies to no pod now, are invalid (decision 44).
    InvalidMetadata {
        /// What is wrong.
        error: String,
    },
    /// A change was tried and failed.
    ReconciliationError {
        /// What was tried, why it failed, and what to do.
        message: String,
    },
    /// A call of a step plugin has another phase, or its first.
    StepPlugin {
        /// Name of the plugin.
        name: String,
        /// Number of the step, from 1.
        step: i32,
        /// What was asked.
        operation: Operation,
        /// The phase now.
        phase: StepPhase,
    },
    /// A step asks for a plugin that is not in the configuration of the controller.
    StepPluginMissing {
        /// Name of the plugin.
        name: String,
        /// Index of the step, from 0.
        index: i32,
    },
    /// An experiment is created for a step.
    ExperimentCreated {
        /// Its name.
        name: String,
    },
    /// Something becomes of an experiment.
    Experiment(ExperimentNews),
    /// An analysis run has ended; told of the run.
    RunCompleted {
        /// How.
        phase: Phase,
    },
    /// A metric of an analysis run has ended; told of the run.
    MetricCompleted {
        /// Its name.
        metric: String,
        /// How.
        phase: Phase,
    },
}

/// Why steps are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Skip {
    /// The template is that of stable again.
    RollbackToStable,
    /// The revision is within `rollbackWindow`, and has pods.
    RollbackWithinWindow,
    /// The update began with no replicas (decision 42).
    NoReplicas,
    /// Stable never had an available pod (decision 11).
    NeverServed,
}

/// Kind of an event: the `type` of a core/v1 Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// As it should be.
    Normal,
    /// Something for a person to see.
    Warning,
}

impl EventKind {
    /// As the API has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Events come in groups; the groups are sent in this order whatever order they were found in (contract 03 §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// A rollout is first seen.
    Seen,
    /// Its revision changes.
    Updated,
    /// A ReplicaSet is created.
    Created,
    /// Steps are skipped.
    Skip,
    /// The Service of the preview is switched.
    Preview,
    /// A run of an analysis, or a call of a step plugin, has another phase.
    Analysis,
    /// An update began.
    Began,
    /// ReplicaSets are scaled.
    Scaling,
    /// Services of traffic are switched.
    Traffic,
    /// A step is done, the update is aborted, paused, resumed, completed.
    Course,
}

impl News {
    /// Reason of the event.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::AddedToInformer { .. } => event::ADDED_TO_INFORMER,
            Self::Deleted { .. } => event::DELETED,
            Self::Updated { .. } => event::ROLLOUT_UPDATED,
            Self::ReplicaSetCreated { .. } => event::NEW_REPLICA_SET_CREATED,
            Self::ReplicaSetCreateError { .. } => event::REPLICA_SET_CREATE_ERROR,
            Self::UndecodableTemplate { .. } => event::UNDECODABLE_TEMPLATE,
            Self::Scaled { .. } => event::SCALING_REPLICA_SET,
            Self::WorkloadScaled { .. } => event::SCALING_WORKLOAD,
            Self::WorkloadScaleContested { .. } => event::WORKLOAD_SCALE_CONTESTED,
            Self::ServiceSwitched { .. } => event::SWITCH_SERVICE,
            Self::Routed(told) | Self::Verified(told) | Self::Unverified(told) => &told.reason,
            Self::WeightUpdated { .. } => event::TRAFFIC_WEIGHT_UPDATED,
            Self::TrafficRoutingError { .. } => event::TRAFFIC_ROUTING_ERROR,
            Self::StepCompleted { .. } => event::STEP_COMPLETED,
            Self::StepsSkipped(_) => event::SKIP_STEPS,
            Self::AnalysisRun { phase, .. } => RUN_REASONS.of(*phase),
            Self::Paused { .. } => event::PAUSED,
            Self::Resumed => event::RESUMED,
            Self::Aborted { .. } => event::ABORTED,
            Self::Completed { .. } => event::COMPLETED,
            Self::NotCompleted { .. } => event::NOT_COMPLETED,
            Self::StatusUnreadable { .. } => event::STATUS_UNREADABLE,
            Self::UndecodableMetadata { .. } => event::UNDECODABLE_METADATA,
            Self::InvalidMetadata { .. } => event::INVALID_METADATA,
            Self::StepPlugin { .. } => event::STEP_PLUGIN_TRANSITION,
            Self::ReconciliationError { .. } | Self::StepPluginMissing { .. } => event::RECONCILIATION_ERROR,
            Self::ExperimentCreated { .. } => event::EXPERIMENT_CREATED,
            Self::Experiment(news) => news.reason(),
            Self::RunCompleted { phase } => RUN_REASONS.of(*phase),
            Self::MetricCompleted { phase, .. } => METRIC_REASONS.of(*phase),
        }
    }

    /// Kind of the event.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Experiment(news) => news.kind(),
            Self::StepPlugin { phase, .. } if phase.is_bad() => EventKind::Warning,
            Self::RunCompleted { phase } | Self::MetricCompleted { phase, .. } | Self::AnalysisRun { phase, .. } => {
                match phase {
                    Phase::Failed | Phase::Error => EventKind::Warning,
                    Phase::Unset | Phase::Pending | Phase::Running | Phase::Successful | Phase::Inconclusive => {
                        EventKind::Normal
                    }
                }
            }
            Self::ReplicaSetCreateError { .. }
            | Self::TrafficRoutingError { .. }
            | Self::Unverified(_)
            | Self::UndecodableTemplate { .. }
            | Self::Aborted { .. }
            | Self::StatusUnreadable { .. }
            | Self::UndecodableMetadata { .. }
            | Self::InvalidMetadata { .. }
            | Self::WorkloadScaleContested { .. }
            | Self::StepPluginMissing { .. }
            | Self::ReconciliationError { .. } => EventKind::Warning,
            Self::AddedToInformer { .. }
            | Self::Deleted { .. }
            | Self::StepPlugin { .. }
            | Self::Updated { .. }
            | Self::ReplicaSetCreated { .. }
            | Self::Scaled { .. }
            | Self::WorkloadScaled { .. }
            | Self::ServiceSwitched { .. }
            | Self::Routed(_)
            | Self::Verified(_)
            | Self::WeightUpdated { .. }
            | Self::StepCompleted { .. }
            | Self::StepsSkipped(_)
            | Self::Paused { .. }
            | Self::Resumed
            | Self::Completed { .. }
            | Self::ExperimentCreated { .. }
            | Self::NotCompleted { .. } => EventKind::Normal,
        }
    }

    /// Where it stands among the events of one plan.
    pub(crate) fn group(&self) -> Group {
        match self {
            Self::AddedToInformer { .. } => Group::Seen,
            Self::Updated { .. } => Group::Updated,
            Self::ReplicaSetCreated { .. } | Self::ReplicaSetCreateError { .. } | Self::UndecodableTemplate { .. } => {
                Group::Created
            }
            Self::StepsSkipped(_) => Group::Skip,
            Self::ServiceSwitched { preview: true, .. } => Group::Preview,
            Self::AnalysisRun { .. }
            | Self::ExperimentCreated { .. }
            | Self::StepPlugin { .. }
            | Self::StepPluginMissing { .. } => Group::Analysis,
            // The controller's own abort is told before the sizes follow it, a person's once they do.
            Self::NotCompleted { .. }
            | Self::Aborted {
                by_controller: true, ..
            } => Group::Began,
            Self::Scaled { .. } | Self::WorkloadScaled { .. } => Group::Scaling,
            Self::ServiceSwitched { preview: false, .. }
            | Self::Routed(_)
            | Self::Verified(_)
            | Self::Unverified(_)
            | Self::WeightUpdated { .. }
            | Self::TrafficRoutingError { .. } => Group::Traffic,
            Self::StepCompleted { .. }
            | Self::Paused { .. }
            | Self::Resumed
            | Self::Aborted {
                by_controller: false, ..
            }
            | Self::Completed { .. }
            | Self::StatusUnreadable { .. }
            | Self::UndecodableMetadata { .. }
            | Self::InvalidMetadata { .. }
            | Self::WorkloadScaleContested { .. }
            | Self::Deleted { .. }
            | Self::Experiment(_)
            | Self::RunCompleted { .. }
            | Self::MetricCompleted { .. }
            | Self::ReconciliationError { .. } => Group::Course,
        }
    }
}

/// The text of the event.
impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddedToInformer { namespace, name } => {
                write!(f, "Rollout resource added to informer: {namespace}/{name}")
            }
            Self::Deleted { namespace, name } => write!(f, "Rollout {name}/{namespace} is deleted."),
            Self::Updated { revision } => write!(f, "Rollout updated to revision {revision}"),
            Self::ReplicaSetCreated { name, revision } => write!(f, "Created ReplicaSet {name} (revision {revision})"),
            Self::ReplicaSetCreateError { message }
            | Self::Aborted { message, .. }
            | Self::WorkloadScaleContested { message }
            | Self::TrafficRoutingError { message }
            | Self::StatusUnreadable { message }
            | Self::ReconciliationError { message } => f.write_str(message),
            Self::UndecodableTemplate { name, fields } => undecodable(f, name, fields),
            Self::Scaled {
                name,
                revision,
                from,
                to,
            } => f.write_str(&scaled(name, *revision, (*from, *to))),
            Self::WorkloadScaled { what, from, to } => {
                write!(f, "Scaled {} {what} from {from} to {to}", direction(*from, *to))
            }
            Self::ServiceSwitched { name, from, to, .. } => {
                write!(f, "Switched selector for service '{name}' from '{from}' to '{to}'")
            }
            Self::Routed(told) | Self::Verified(told) | Self::Unverified(told) => f.write_str(&told.message),
            Self::WeightUpdated { from, to, additional } => weight(f, *from, *to, additional.as_deref()),
            Self::StepCompleted { step, of, words } => write!(f, "Rollout step {step}/{of} completed ({words})"),
            Self::StepsSkipped(why) => f.write_str(why.words()),
            Self::AnalysisRun {
                of,
                name,
                phase,
                before,
            } => write!(
                f,
                "{of} Analysis Run '{name}' Status New: '{}' Previous: '{}'",
                phase.as_str(),
                before.as_deref().unwrap_or("NoPreviousStatus")
            ),
            Self::Paused { reason } => write!(f, "Rollout is paused ({reason})"),
            Self::Resumed => f.write_str("Rollout is resumed"),
            Self::Completed { revision, hash, why } => {
                write!(f, "Rollout completed update to revision {revision} ({hash}): {why}")
            }
            Self::NotCompleted { revision, hash } => {
                write!(
                    f,
                    "Rollout not completed, started update to revision {revision} ({hash})"
                )
            }
            Self::UndecodableMetadata { why } => write!(f, "{why}{STAYS}"),
            Self::StepPlugin {
                name,
                step,
                operation,
                phase,
            } => f.write_str(&called(name, *step, &transition(*operation, *phase))),
            Self::StepPluginMissing { name, index } => f.write_str(&missing_plugin(name, *index)),
            Self::ExperimentCreated { name } => write!(f, "Created Experiment '{name}'"),
            Self::Experiment(news) => news.fmt(f),
            Self::RunCompleted { phase } => write!(f, "Analysis Completed. Result: {phase}"),
            Self::MetricCompleted { metric, phase } => write!(f, "Metric '{metric}' Completed. Result: {phase}"),
            Self::InvalidMetadata { error } => write!(f, "An update will be invalid: {error}"),
        }
    }
}

impl Skip {
    fn words(self) -> &'static str {
        match self {
            Self::RollbackToStable => "Rollback to stable ReplicaSets",
            Self::RollbackWithinWindow => "Rollback to active ReplicaSets within RollbackWindow",
            Self::NoReplicas => "The update began with no replicas: weights and pauses are skipped",
            Self::NeverServed => "The stable ReplicaSet never had an available pod: weights and pauses are skipped",
        }
    }
}

/// The text is empty after its first words where only a hash changes (contract 11 A11).
fn weight(f: &mut fmt::Formatter<'_>, from: Option<i32>, to: i32, additional: Option<&str>) -> fmt::Result {
    let canary = match from {
        None => Some(format!("to {to}")),
        Some(from) => (from != to).then(|| format!("from {from} to {to}")),
    };
    let additional = additional.map(|of| format!("additional: {of}"));
    let all: Vec<String> = canary.into_iter().chain(additional).collect();
    write!(f, "Traffic weight updated {}", all.join(", "))
}

/// Whether a size grows.
pub(super) fn direction(from: i32, to: i32) -> &'static str {
    if to > from { "up" } else { "down" }
}

fn undecodable(f: &mut fmt::Formatter<'_>, name: &str, fields: &[String]) -> fmt::Result {
    const NAMED: usize = 5;
    write!(f, "Not decodable, and left out of ReplicaSet {name}: ")?;
    for (index, field) in fields.iter().take(NAMED).enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        write!(f, "{comma}spec.template.{field}")?;
    }
    match fields.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// The end of what is said of metadata that do not decode.
const STAYS: &str = ": the rollout stays as it is until this is mended";

/// A step plugin, and what came of its call.
fn called(name: &str, step: i32, what: &str) -> String {
    format!("Step plugin {name} (step {step}) {what}")
}

/// What came of a call of a step plugin.
fn transition(operation: Operation, phase: StepPhase) -> String {
    match operation {
        Operation::Run => format!("transitioned to {phase}"),
        Operation::Terminate => format!("terminated ({phase})"),
        Operation::Abort => format!("aborted ({phase})"),
    }
}

fn missing_plugin(name: &str, index: i32) -> String {
    format!(
        "Reconciliation failed with error: could not create step plugin at index {index} : failed to get step plugin {name}: \
         unable to find plugin ({name}): plugin {name} not configured in configmap"
    )
}

fn scaled(name: &str, revision: i64, (from, to): (i32, i32)) -> String {
    let direction = direction(from, to);
    format!("Scaled {direction} ReplicaSet {name} (revision {revision}) from {from} to {to}")
}
