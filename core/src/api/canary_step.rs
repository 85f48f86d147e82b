//! Canary steps and analyses of a rollout as written (contract 01 §2).

use super::analysis::{AnalysisArgument, AnalysisTemplateRef, DryRun, MeasurementRetention};
use super::rollout::PodTemplateMetadata;
use super::{IntOrString, LabelSelector, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One step as written: many optional fields, of which one is expected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CanaryStep {
    /// Share of the canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_weight: Option<i32>,
    /// Wait for a time or a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseStep>,
    /// Run an experiment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<Box<ExperimentStep>>,
    /// Run an analysis to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Box<RolloutAnalysis>>,
    /// Pods of the canary, apart from its weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_canary_scale: Option<SetCanaryScale>,
    /// Route by header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_header_route: Option<Box<SetHeaderRoute>>,
    /// Mirror traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_mirror_route: Option<Box<SetMirrorRoute>>,
    /// Run a plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Box<PluginStep>>,
}

/// `pause: {}` waits for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PauseStep {
    /// Seconds, or a Go duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<IntOrString>,
}

/// Contract 03 §4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SetCanaryScale {
    /// Percent of the wanted pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Follow the traffic weight again.
    #[serde(skip_serializing_if = "is_default")]
    pub match_traffic_weight: bool,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SetHeaderRoute {
    /// Name of a managed route.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Headers; none removes the route.
    #[serde(skip_serializing_if = "is_default")]
    pub r#match: Vec<HeaderMatch>,
}

/// One header of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HeaderMatch {
    /// Name of the header.
    pub header_name: String,
    /// Its value.
    pub header_value: StringMatch,
}

/// Exactly one is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StringMatch {
    /// Equal.
    #[serde(skip_serializing_if = "is_default")]
    pub exact: String,
    /// Begins with.
    #[serde(skip_serializing_if = "is_default")]
    pub prefix: String,
    /// Matches the regular expression.
    #[serde(skip_serializing_if = "is_default")]
    pub regex: String,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SetMirrorRoute {
    /// Name of a managed route.
    pub name: String,
    /// Requests to mirror; none removes the route.
    #[serde(skip_serializing_if = "is_default")]
    pub r#match: Vec<RouteMatch>,
    /// Percent mirrored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<i32>,
}

/// A request to mirror.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteMatch {
    /// HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<StringMatch>,
    /// Path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<StringMatch>,
    /// Headers.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: BTreeMap<String, StringMatch>,
}

/// Contract 03 §14.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginStep {
    /// Name in the plugin configuration.
    pub name: String,
    /// Passed on as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
}

/// Templates and arguments of an analysis (contract 01 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutAnalysis {
    /// Templates whose metrics are joined.
    #[serde(skip_serializing_if = "is_default")]
    pub templates: Vec<AnalysisTemplateRef>,
    /// Arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: Vec<AnalysisArgument>,
    /// Metrics that do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// Measurements kept.
    #[serde(skip_serializing_if = "is_default")]
    pub measurement_retention: Vec<MeasurementRetention>,
    /// Labels and annotations of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis_run_metadata: Option<PodTemplateMetadata>,
}

/// [`RolloutAnalysis`] and when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct BackgroundAnalysis {
    /// What runs.
    #[serde(flatten)]
    pub analysis: RolloutAnalysis,
    /// First step beside which it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_step: Option<i32>,
}

/// Contract 03 §12.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentStep {
    /// Pods to run.
    pub templates: Vec<ExperimentStepTemplate>,
    /// Go duration.
    #[serde(skip_serializing_if = "is_default")]
    pub duration: String,
    /// Analyses of the experiment.
    #[serde(skip_serializing_if = "is_default")]
    pub analyses: Vec<ExperimentStepAnalysis>,
    /// Metrics that do not count.
    #[serde(skip_serializing_if = "is_default")]
    pub dry_run: Vec<DryRun>,
    /// Labels and annotations of the runs. Always written, even empty.
    pub analysis_run_metadata: PodTemplateMetadata,
    /// Seconds the pods stay when it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_down_delay_seconds: Option<i32>,
}

/// One set of pods of an experiment step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentStepTemplate {
    /// Name.
    pub name: String,
    /// `canary` or `stable`.
    pub spec_ref: String,
    /// Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// More labels and annotations. Always written, even empty.
    pub metadata: PodTemplateMetadata,
    /// Selector in place of the ReplicaSet's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// Share of the traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// A Service of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<TemplateService>,
}

/// A Service of an experiment template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TemplateService {
    /// Name; absent means the name of the ReplicaSet.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
}

/// An analysis of an experiment step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentStepAnalysis {
    /// Name.
    pub name: String,
    /// Template.
    pub template_name: String,
    /// A ClusterAnalysisTemplate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_scope: Option<bool>,
    /// Arguments.
    #[serde(skip_serializing_if = "is_default")]
    pub args: Vec<AnalysisArgument>,
    /// The experiment ends when all required analyses are done.
    #[serde(skip_serializing_if = "is_default")]
    pub required_for_completion: bool,
}
