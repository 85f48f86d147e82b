//! `AnalysisRun` as written (contract 01 §5).

use super::analysis::{AnalysisPhase, DryRun, MeasurementRetention};
use super::analysis_template::{Argument, Metric};
use super::{ObjectMeta, Time, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run of metrics, with its arguments resolved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRun {
    /// Name, namespace, labels, owner and so on.
    pub metadata: ObjectMeta,
    /// What is measured.
    pub spec: AnalysisRunSpec,
    /// What was measured.
    pub status: AnalysisRunStatus,
}

/// What is measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRunSpec {
    /// Metrics.
    pub metrics: Vec<Metric>,
    /// Arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: Vec<Argument>,
    /// Ends the run.
    #[serde(skip_serializing_if = "is_default")]
    pub terminate: bool,
    /// Metrics that do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// Measurements kept.
    #[serde(skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// When the finished run is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_strategy: Option<TtlStrategy>,
}

/// Seconds from the end of a run to its deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TtlStrategy {
    /// However it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_completion: Option<i32>,
    /// If it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_failure: Option<i32>,
    /// If it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_success: Option<i32>,
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisRunStatus {
    /// Phase of the run.
    pub phase: AnalysisPhase,
    /// Why.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// Results by metric.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_results: Vec<MetricResult>,
    /// When the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// Metrics by phase. Always written, even empty.
    pub run_summary: RunSummary,
    /// Metrics by phase, of those that do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run_summary: Option<RunSummary>,
    /// When the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
}

/// Metrics by phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RunSummary {
    /// Metrics.
    #[serde(skip_serializing_if = "is_default")]
    pub count: i32,
    /// Successful ones.
    #[serde(skip_serializing_if = "is_default")]
    pub successful: i32,
    /// Failed ones.
    #[serde(skip_serializing_if = "is_default")]
    pub failed: i32,
    /// Inconclusive ones.
    #[serde(skip_serializing_if = "is_default")]
    pub inconclusive: i32,
    /// Those in error.
    #[serde(skip_serializing_if = "is_default")]
    pub error: i32,
}

/// Result of one metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricResult {
    /// Metric.
    pub name: String,
    /// Phase.
    pub phase: AnalysisPhase,
    /// The newest measurements, oldest first.
    #[serde(skip_serializing_if = "is_default")]
    pub measurements: Vec<Measurement>,
    /// Why.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// Measurements that count: neither running nor in error.
    #[serde(skip_serializing_if = "is_default")]
    pub count: i32,
    /// Successful measurements.
    #[serde(skip_serializing_if = "is_default")]
    pub successful: i32,
    /// Failed measurements.
    #[serde(skip_serializing_if = "is_default")]
    pub failed: i32,
    /// Inconclusive measurements.
    #[serde(skip_serializing_if = "is_default")]
    pub inconclusive: i32,
    /// Measurements in error.
    #[serde(skip_serializing_if = "is_default")]
    pub error: i32,
    /// Errors in a row.
    #[serde(skip_serializing_if = "is_default")]
    pub consecutive_error: i32,
    /// Successes in a row.
    #[serde(skip_serializing_if = "is_default")]
    pub consecutive_success: i32,
    /// Does not count.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: bool,
    /// What the provider tells of itself.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: BTreeMap<String, String>,
}

/// One measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Measurement {
    /// Phase.
    pub phase: AnalysisPhase,
    /// Why.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// Begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// End.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What the provider answered.
    #[serde(skip_serializing_if = "is_default")]
    pub value: String,
    /// What the provider wants to see again.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata: BTreeMap<String, String>,
    /// When an asynchronous measurement is looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<Time>,
}
