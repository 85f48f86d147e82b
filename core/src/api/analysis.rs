//! What rollouts, templates, runs and experiments say of analyses alike (contract 01 §2, §4–6).

use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Phase of a run, a metric, a measurement or an experiment: `Pending`, `Running`, `Successful`, `Failed`, `Error`,
/// `Inconclusive`, or empty before the first look.
pub type AnalysisPhase = String;

/// An argument given by a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisArgument {
    /// Name.
    pub name: String,
    /// Value.
    #[serde(skip_serializing_if = "is_default")]
    pub value: String,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ArgumentSource>,
}

/// Where the value of an argument comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArgumentSource {
    /// `Stable` or `Latest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_template_hash_value: Option<String>,
    /// A field of the rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<FieldRef>,
}

/// A field by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FieldRef {
    /// Path.
    pub field_path: String,
}

/// A metric that does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DryRun {
    /// Name, or a regular expression.
    pub metric_name: String,
}

/// How many measurements of a metric are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MeasurementRetention {
    /// Name, or a regular expression.
    pub metric_name: String,
    /// Measurements.
    pub limit: i32,
}

/// A template by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisTemplateRef {
    /// Name.
    pub template_name: String,
    /// A ClusterAnalysisTemplate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_scope: Option<bool>,
}
