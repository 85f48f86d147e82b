//! The status of a rollout as written (contract 01 §3).

use super::analysis::AnalysisPhase;
use super::{Time, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Contract 01 §3. Readers treat `false` as absent everywhere (decision 4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStatus {
    /// The update is aborted.
    #[serde(skip_serializing_if = "is_default")]
    pub abort: bool,
    /// Why the controller waits for a person or a time.
    #[serde(skip_serializing_if = "is_default")]
    pub pause_conditions: Vec<PauseCondition>,
    /// A controller pause was added and not yet consumed.
    #[serde(skip_serializing_if = "is_default")]
    pub controller_pause: bool,
    /// When the abort was first seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted_at: Option<Time>,
    /// Hash of the newest revision.
    #[serde(skip_serializing_if = "is_default")]
    pub current_pod_hash: String,
    /// Hash of the steps.
    #[serde(skip_serializing_if = "is_default")]
    pub current_step_hash: String,
    /// Pods of all owned ReplicaSets.
    #[serde(skip_serializing_if = "is_default")]
    pub replicas: i32,
    /// Pods of the newest revision.
    #[serde(skip_serializing_if = "is_default")]
    pub updated_replicas: i32,
    /// Ready pods.
    #[serde(skip_serializing_if = "is_default")]
    pub ready_replicas: i32,
    /// Available pods.
    #[serde(skip_serializing_if = "is_default")]
    pub available_replicas: i32,
    /// Index of the step that is under way; the number of steps when all are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step_index: Option<i32>,
    /// Hash collisions met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,
    /// Generation that was last reconciled, as a decimal string.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: String,
    /// Conditions; the newest change stands last.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// Always written, even empty.
    pub canary: CanaryStatus,
    /// Always written, even empty.
    pub blue_green: BlueGreenStatus,
    /// Replicas for the scale subresource.
    #[serde(rename = "HPAReplicas", skip_serializing_if = "is_default")]
    pub hpa_replicas: i32,
    /// Selector for the scale subresource.
    #[serde(skip_serializing_if = "is_default")]
    pub selector: String,
    /// Hash of the stable revision.
    #[serde(rename = "stableRS", skip_serializing_if = "is_default")]
    pub stable_rs: String,
    /// `spec.restartAt` that was last carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<Time>,
    /// A full promotion is asked for.
    #[serde(skip_serializing_if = "is_default")]
    pub promote_full: bool,
    /// Healthy, Degraded, Progressing or Paused.
    #[serde(skip_serializing_if = "is_default")]
    pub phase: String,
    /// Why.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// Generation of the referenced workload, as a decimal string.
    #[serde(skip_serializing_if = "is_default")]
    pub workload_observed_generation: String,
    /// State of one ALB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alb: Option<Box<AlbStatus>>,
    /// State of several ALBs.
    #[serde(skip_serializing_if = "is_default")]
    pub albs: Vec<AlbStatus>,
    /// When the update began, paused and ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Box<DurationStatus>>,
}

/// Why the controller waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseCondition {
    /// See [`crate::wire::pause`].
    pub reason: String,
    /// Since when.
    pub start_time: Time,
}

/// Contract 01 §3; types and reasons are in [`crate::wire::condition`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Type.
    pub r#type: String,
    /// True, False or Unknown.
    pub status: String,
    /// When it was last set.
    pub last_update_time: Time,
    /// When its status last changed.
    pub last_transition_time: Time,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// Canary part of the status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryStatus {
    /// Run of the current step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step_analysis_run_status: Option<Box<AnalysisRunReference>>,
    /// Run beside the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_background_analysis_run_status: Option<Box<AnalysisRunReference>>,
    /// Experiment of the current step.
    #[serde(skip_serializing_if = "is_default")]
    pub current_experiment: String,
    /// Weights that were last sent to the routers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Box<TrafficWeights>>,
    /// Which of ping and pong is stable.
    #[serde(skip_serializing_if = "is_default")]
    pub stable_ping_pong: String,
    /// What step plugins answered.
    #[serde(skip_serializing_if = "is_default")]
    pub step_plugin_statuses: Vec<StepPluginStatus>,
}

/// Blue-green part of the status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStatus {
    /// Hash that the preview Service selects.
    #[serde(skip_serializing_if = "is_default")]
    pub preview_selector: String,
    /// Hash that the active Service selects.
    #[serde(skip_serializing_if = "is_default")]
    pub active_selector: String,
    /// The preview is being scaled to full size.
    #[serde(skip_serializing_if = "is_default")]
    pub scale_up_preview_check_point: bool,
    /// Run before the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_promotion_analysis_run_status: Option<Box<AnalysisRunReference>>,
    /// Run after the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_promotion_analysis_run_status: Option<Box<AnalysisRunReference>>,
}

/// A run by name and what it last said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRunReference {
    /// Name.
    pub name: String,
    /// Phase.
    pub status: AnalysisPhase,
    /// Message.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
}

/// Contract 03 §7 item 7.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficWeights {
    /// Weight of the canary.
    pub canary: WeightDestination,
    /// Weight of stable.
    pub stable: WeightDestination,
    /// Weights of experiments.
    #[serde(skip_serializing_if = "is_default")]
    pub additional: Vec<WeightDestination>,
    /// Whether the router confirmed them; absent where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// Where a weight leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WeightDestination {
    /// Weight.
    pub weight: i32,
    /// Service.
    #[serde(skip_serializing_if = "is_default")]
    pub service_name: String,
    /// Hash of the ReplicaSet.
    #[serde(skip_serializing_if = "is_default")]
    pub pod_template_hash: String,
}

/// Contract 03 §14.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StepPluginStatus {
    /// Step.
    pub index: i32,
    /// Plugin.
    pub name: String,
    /// Run, Terminate or Abort.
    pub operation: String,
    /// Running, Successful, Failed or Error.
    #[serde(skip_serializing_if = "is_default")]
    pub phase: String,
    /// Message.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// First call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// Last call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    /// End.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Go duration until the next call.
    #[serde(skip_serializing_if = "is_default")]
    pub backoff: String,
    /// Calls made.
    #[serde(skip_serializing_if = "is_default")]
    pub executions: i32,
    /// Disabled in the plugin configuration.
    #[serde(skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// Whatever the plugin wants to see again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
}

/// Contract 01 §3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AlbStatus {
    /// Load balancer.
    pub load_balancer: AwsResource,
    /// Target group of the canary.
    pub canary_target_group: AwsResource,
    /// Target group of stable.
    pub stable_target_group: AwsResource,
    /// Ingress.
    #[serde(skip_serializing_if = "is_default")]
    pub ingress: String,
}

/// An AWS resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AwsResource {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Full name, as CloudWatch has it.
    pub full_name: String,
}

/// Contract 02 §10, duration tracking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DurationStatus {
    /// When the update began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_started_at: Option<Time>,
    /// When the manual pause under way began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_pause_started_at: Option<Time>,
    /// Seconds of manual pauses that are over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_manual_pause_duration_seconds: Option<i64>,
    /// When the update ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How it ended: Promoted, FastPromoted, Aborted, Superseded, RolledBack or FastRolledBack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_status: Option<String>,
}
