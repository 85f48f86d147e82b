//! `AnalysisTemplate` and `ClusterAnalysisTemplate` as written (contract 01 §4).

use super::analysis::{AnalysisTemplateRef, DryRun, FieldRef, MeasurementRetention};
use super::providers::MetricProvider;
use super::{IntOrString, ObjectMeta, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Metrics that rollouts of one namespace can measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisTemplate {
    /// Name, namespace, labels and so on.
    pub metadata: ObjectMeta,
    /// What is measured.
    pub spec: AnalysisTemplateSpec,
}

/// Metrics that rollouts of all namespaces can measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterAnalysisTemplate {
    /// Name, labels and so on.
    pub metadata: ObjectMeta,
    /// What is measured.
    pub spec: AnalysisTemplateSpec,
}

/// Metrics, the arguments they need and further templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisTemplateSpec {
    /// Metrics.
    #[serde(skip_serializing_if = "is_default")]
    pub metrics: Vec<Metric>,
    /// Arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: Vec<Argument>,
    /// Metrics that do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// Measurements kept.
    #[serde(skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// Templates whose metrics are added.
    #[serde(skip_serializing_if = "is_default")]
    pub templates: Vec<AnalysisTemplateRef>,
}

/// One metric: how often it is measured and what counts as good. The limits may hold `{{args.x}}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Metric {
    /// Name, unique in the run.
    pub name: String,
    /// Go duration between measurements; absent means one measurement.
    #[serde(skip_serializing_if = "is_default")]
    pub interval: String,
    /// Go duration before the first measurement.
    #[serde(skip_serializing_if = "is_default")]
    pub initial_delay: String,
    /// Measurements; absent or 0 means one without an interval, unlimited with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<IntOrString>,
    /// Expression that makes a measurement successful.
    #[serde(skip_serializing_if = "is_default")]
    pub success_condition: String,
    /// Expression that makes a measurement failed.
    #[serde(skip_serializing_if = "is_default")]
    pub failure_condition: String,
    /// Failed measurements that are tolerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_limit: Option<IntOrString>,
    /// Inconclusive measurements that are tolerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inconclusive_limit: Option<IntOrString>,
    /// Errors in a row that are tolerated; absent means 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_error_limit: Option<IntOrString>,
    /// Where the value comes from.
    pub provider: MetricProvider,
    /// Successes in a row that end the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_success_limit: Option<IntOrString>,
    /// What a measurement without data counts as: `Inconclusive`, `Failed`, `Successful` or `Error`. Absent: as in Argo
    /// Rollouts, what the conditions make of it (decision 50).
    #[serde(skip_serializing_if = "is_default")]
    pub no_data: String,
    /// Expression over `result` that gives the number of samples behind an answer (decision 50).
    #[serde(skip_serializing_if = "is_default")]
    pub samples: String,
    /// Samples below which an answer counts as no data (decision 50).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_samples: Option<IntOrString>,
    /// Judges the canary against the stable, in place of conditions (decision 50).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compare>,
}

/// A comparison of canary and stable: the metric is measured once for each, and a sequential test judges (decision 50).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Compare {
    /// Argument that is set to the pod template hash of the canary for one request, and to that of the stable for the other.
    pub arg: String,
    /// Which values are worse: `higher` or `lower`.
    pub worse: String,
    /// How much worse the canary may be, as a decimal number: a difference of rates, or of values in their own unit.
    pub margin: String,
    /// Confidence of a decision, as a decimal number between 0.5 and 1: `0.95` errs in at most 5 of 100 runs.
    pub confidence: String,
    /// What is compared.
    pub result: CompareResult,
}

/// What is compared: rates, which `successes` and `trials` give, or values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CompareResult {
    /// Expression over `result`: how many of the trials since the last measurement had what is counted.
    #[serde(skip_serializing_if = "is_default")]
    pub successes: String,
    /// Expression over `result`: the trials since the last measurement, such as requests.
    #[serde(skip_serializing_if = "is_default")]
    pub trials: String,
    /// Expression over `result`: one value for each measurement, such as a latency.
    #[serde(skip_serializing_if = "is_default")]
    pub value: String,
}

/// An argument of a template or a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Argument {
    /// Name.
    pub name: String,
    /// Value; absent is not the same as empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

/// Where the value of an argument comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueFrom {
    /// A key of a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyRef>,
    /// A field of the rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<FieldRef>,
}

/// A key of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretKeyRef {
    /// Secret.
    pub name: String,
    /// Key.
    pub key: String,
}
