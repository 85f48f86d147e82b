//! `Experiment` as written (contract 01 §6).

use super::analysis::{AnalysisPhase, DryRun, MeasurementRetention};
use super::analysis_template::Argument;
use super::rollout::{Condition, PodTemplateMetadata, TemplateService};
use super::template::PodTemplate;
use super::{LabelSelector, ObjectMeta, Time, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sets of pods that run side by side for a while, and analyses of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Experiment {
    /// Name, namespace, labels, owner and so on.
    pub metadata: ObjectMeta,
    /// What runs.
    pub spec: ExperimentSpec,
    /// How it went.
    pub status: ExperimentStatus,
}

/// What runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentSpec {
    /// Sets of pods.
    pub templates: Vec<TemplateSpec>,
    /// Go duration from the moment that all pods are available; absent means until the required analyses end.
    #[serde(skip_serializing_if = "is_default")]
    pub duration: String,
    /// Seconds until pods must be available; absent means 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// Ends the experiment.
    #[serde(skip_serializing_if = "is_default")]
    pub terminate: bool,
    /// Analyses.
    #[serde(skip_serializing_if = "is_default")]
    pub analyses: Vec<ExperimentAnalysis>,
    /// Seconds the pods stay when it is over; absent means 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
    /// Metrics that do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// Measurements kept.
    #[serde(skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// Labels and annotations of the runs. Always written, even empty.
    pub analysis_run_metadata: PodTemplateMetadata,
}

/// One set of pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateSpec {
    /// Name.
    pub name: String,
    /// Pods; absent means 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Seconds a pod must be ready before it counts as available.
    #[serde(skip_serializing_if = "is_default")]
    pub min_ready_seconds: i32,
    /// Pods of this set.
    pub selector: Option<LabelSelector>,
    /// The pod template, as the JSON it came as.
    pub template: Option<PodTemplate>,
    /// A Service of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<TemplateService>,
}

/// An analysis of the pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentAnalysis {
    /// Name.
    pub name: String,
    /// Template.
    pub template_name: String,
    /// A ClusterAnalysisTemplate.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster_scope: bool,
    /// Arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: Vec<Argument>,
    /// The experiment ends when all required analyses are done.
    #[serde(skip_serializing_if = "is_default")]
    pub required_for_completion: bool,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentStatus {
    /// Phase.
    #[serde(skip_serializing_if = "is_default")]
    pub phase: AnalysisPhase,
    /// Why.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// State by set of pods.
    #[serde(skip_serializing_if = "is_default")]
    pub template_statuses: Vec<TemplateStatus>,
    /// When all pods were available for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Time>,
    /// Conditions; the newest change stands last.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// State by analysis.
    #[serde(skip_serializing_if = "is_default")]
    pub analysis_runs: Vec<ExperimentAnalysisRunStatus>,
}

/// State of one set of pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateStatus {
    /// Name.
    pub name: String,
    /// Pods.
    pub replicas: i32,
    /// Pods of this template.
    pub updated_replicas: i32,
    /// Ready pods.
    pub ready_replicas: i32,
    /// Available pods.
    pub available_replicas: i32,
    /// Hash collisions met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// Progressing, Running, Successful, Failed or Error.
    #[serde(skip_serializing_if = "is_default")]
    pub status: String,
    /// Why.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// When its status last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
    /// Service.
    #[serde(skip_serializing_if = "is_default")]
    pub service_name: String,
    /// Hash of the ReplicaSet.
    #[serde(skip_serializing_if = "is_default")]
    pub pod_template_hash: String,
}

/// State of one analysis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentAnalysisRunStatus {
    /// Analysis.
    pub name: String,
    /// Its AnalysisRun.
    pub analysis_run: String,
    /// Phase.
    pub phase: AnalysisPhase,
    /// Why.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
}
