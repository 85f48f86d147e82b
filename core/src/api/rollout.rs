//! `Rollout` as written: the fields of contract 01 §2–3, none interpreted.
//!
//! What a field *means* (defaults, one meaning per step) is in [`crate::meaning`].

pub use super::analysis::AnalysisTemplateRef;
pub use super::canary_step::*;
pub use super::rollout_status::*;
use super::template::PodTemplate;
pub use super::traffic_routing::*;
use super::{IntOrString, LabelSelector, ObjectMeta, Time, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A progressive delivery of one pod template (contract 01 §1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollout {
    /// Name, namespace, labels, annotations, resourceVersion and so on.
    pub metadata: ObjectMeta,
    /// What the user asked for.
    pub spec: RolloutSpec,
    /// What the controller last reported, and what users ask of it by patching the status.
    pub status: RolloutStatus,
}

/// Contract 01 §2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutSpec {
    /// Pods wanted; absent means 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Pods of this rollout; required unless `workloadRef` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// The pod template, as the JSON it came as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<PodTemplate>,
    /// A workload that carries the template instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_ref: Option<WorkloadRef>,
    /// Seconds a pod must be ready before it counts as available.
    #[serde(skip_serializing_if = "is_default")]
    pub min_ready_seconds: i32,
    /// How far back an update counts as a rollback that skips steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_window: Option<RollbackWindow>,
    /// Canary or blue-green.
    pub strategy: RolloutStrategy,
    /// Old ReplicaSets kept; absent means 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// Manual pause.
    #[serde(skip_serializing_if = "is_default")]
    pub paused: bool,
    /// Seconds without progress until Degraded; absent means 600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_deadline_seconds: Option<i32>,
    /// Abort the update when the progress deadline passes.
    #[serde(skip_serializing_if = "is_default")]
    pub progress_deadline_abort: bool,
    /// Pods created before this instant are to be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_at: Option<Time>,
    /// How many finished AnalysisRuns and Experiments are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<AnalysisHistory>,
}

/// A workload whose pod template is used (contract 05 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadRef {
    /// API group and version, such as `apps/v1`.
    #[serde(skip_serializing_if = "is_default")]
    pub api_version: String,
    /// Deployment, ReplicaSet or PodTemplate.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: String,
    /// Name in the namespace of the rollout.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// `never`, `onsuccess` or `progressively`.
    #[serde(skip_serializing_if = "is_default")]
    pub scale_down: String,
}

/// Contract 02 §10, `isRollbackWithinWindow`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RollbackWindow {
    /// Revisions strictly between that still count as within the window.
    #[serde(skip_serializing_if = "is_default")]
    pub revisions: i32,
}

/// Exactly one is expected (contract 01 §8 item 6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStrategy {
    /// Two full sets of pods and a switch of Services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<Box<BlueGreenStrategy>>,
    /// Steps of weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Box<CanaryStrategy>>,
}

/// Limits of finished runs kept; absent means 5 each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisHistory {
    /// Successful runs kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_run_history_limit: Option<i32>,
    /// Failed, errored and inconclusive runs kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsuccessful_run_history_limit: Option<i32>,
}

/// Contract 01 §2, contract 04.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BlueGreenStrategy {
    /// Service that carries production traffic.
    pub active_service: String,
    /// Service that shows the new revision before the switch.
    #[serde(skip_serializing_if = "is_default")]
    pub preview_service: String,
    /// Pods of the new revision until it is promoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_replica_count: Option<i32>,
    /// Absent means true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_promotion_enabled: Option<bool>,
    /// Seconds from ready to the switch.
    #[serde(skip_serializing_if = "is_default")]
    pub auto_promotion_seconds: i32,
    /// Pods that a restart may take at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
    /// Seconds the old pods stay; absent means 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
    /// Old revisions that may wait for their scale-down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_revision_limit: Option<i32>,
    /// Analysis before the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_promotion_analysis: Option<Box<RolloutAnalysis>>,
    /// Anti-affinity between revisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anti_affinity: Option<AntiAffinity>,
    /// Analysis after the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_promotion_analysis: Option<Box<RolloutAnalysis>>,
    /// Labels and annotations of preview pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_metadata: Option<PodTemplateMetadata>,
    /// Labels and annotations of active pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_metadata: Option<PodTemplateMetadata>,
    /// Seconds the new pods stay after an abort; absent means 30, 0 means for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_scale_down_delay_seconds: Option<i32>,
}

/// Contract 03 §10.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AntiAffinity {
    /// A preference with a weight of 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_during_scheduling_ignored_during_execution: Option<PreferredAntiAffinity>,
    /// A demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_during_scheduling_ignored_during_execution: Option<RequiredAntiAffinity>,
}

/// The weight of a preferred anti-affinity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PreferredAntiAffinity {
    /// 1 to 100.
    pub weight: i32,
}

/// Has no fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RequiredAntiAffinity {}

/// Labels and annotations put on pods without a new revision (contract 03 §11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PodTemplateMetadata {
    /// Labels.
    #[serde(skip_serializing_if = "is_default")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "is_default")]
    pub annotations: BTreeMap<String, String>,
}

/// When a ReplicaSet counts as scaled (contract 03 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaProgressThreshold {
    /// `Percent` or `Pods`.
    pub r#type: String,
    /// Percent of the wanted pods, or pods.
    pub value: i32,
}

/// Contract 01 §2, contract 03.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryStrategy {
    /// Service of the canary pods.
    #[serde(skip_serializing_if = "is_default")]
    pub canary_service: String,
    /// Service of the stable pods.
    #[serde(skip_serializing_if = "is_default")]
    pub stable_service: String,
    /// Steps, in order.
    #[serde(skip_serializing_if = "is_default")]
    pub steps: Vec<CanaryStep>,
    /// Routers that carry the weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_routing: Option<Box<TrafficRouting>>,
    /// Pods that may be missing; absent means 25 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
    /// Pods above the wanted number; absent means 25 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<IntOrString>,
    /// Analysis that runs beside the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Box<BackgroundAnalysis>>,
    /// Anti-affinity between revisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anti_affinity: Option<AntiAffinity>,
    /// Labels and annotations of canary pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_metadata: Option<PodTemplateMetadata>,
    /// Labels and annotations of stable pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_metadata: Option<PodTemplateMetadata>,
    /// Seconds the old pods stay; absent means 30 with traffic routing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
    /// Old revisions that may wait for their scale-down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_revision_limit: Option<i32>,
    /// Seconds the canary pods stay after an abort; absent means 30 with traffic routing, 0 means for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_scale_down_delay_seconds: Option<i32>,
    /// Shrink stable as weight moves to the canary.
    #[serde(skip_serializing_if = "is_default")]
    pub dynamic_stable_scale: bool,
    /// Two Services that change roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_pong: Option<PingPong>,
    /// Fewest pods of a ReplicaSet that gets traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pods_per_replica_set: Option<i32>,
    /// When a ReplicaSet counts as scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_progress_threshold: Option<ReplicaProgressThreshold>,
}

/// Two Services whose roles flip at each promotion (contract 03 §6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PingPong {
    /// First Service.
    pub ping_service: String,
    /// Second Service.
    pub pong_service: String,
}
