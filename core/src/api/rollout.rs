//! `Rollout` as written: the fields of contract 01 §2–3, none interpreted.
//!
//! What a field *means* (defaults, one meaning per step) is in [`crate::spec`].

pub use super::analysis::AnalysisTemplateRef;
use super::analysis::{AnalysisArgument, AnalysisPhase, DryRun, MeasurementRetention};
use super::template::PodTemplate;
use super::{IntOrString, LabelSelector, ObjectMeta, Time, is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

/// Routers and what they share (contract 07).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficRouting {
    /// Istio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub istio: Option<IstioRouting>,
    /// ingress-nginx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nginx: Option<NginxRouting>,
    /// AWS load balancer controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alb: Option<AlbRouting>,
    /// Service mesh interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smi: Option<SmiRouting>,
    /// Ambassador.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ambassador: Option<AmbassadorRouting>,
    /// AWS App Mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_mesh: Option<AppMeshRouting>,
    /// Traefik.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traefik: Option<TraefikRouting>,
    /// Names of the routes that steps may set, in order of precedence.
    #[serde(skip_serializing_if = "is_default")]
    pub managed_routes: Vec<ManagedRoute>,
    /// APISIX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apisix: Option<ApisixRouting>,
    /// Plugins by name.
    #[serde(skip_serializing_if = "is_default")]
    pub plugins: BTreeMap<String, Value>,
    /// What counts as all of the traffic; absent means 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_traffic_weight: Option<i32>,
}

/// A route that steps may set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ManagedRoute {
    /// Name.
    pub name: String,
}

/// Contract 07 §1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioRouting {
    /// One VirtualService.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<IstioVirtualService>,
    /// Subsets in place of hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_rule: Option<IstioDestinationRule>,
    /// Several VirtualServices.
    #[serde(skip_serializing_if = "is_default")]
    pub virtual_services: Vec<IstioVirtualService>,
}

/// A VirtualService and its routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioVirtualService {
    /// Name, or name and namespace with a dot between.
    pub name: String,
    /// HTTP routes by name.
    #[serde(skip_serializing_if = "is_default")]
    pub routes: Vec<String>,
    /// TLS routes.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_routes: Vec<TlsRoute>,
    /// TCP routes.
    #[serde(skip_serializing_if = "is_default")]
    pub tcp_routes: Vec<TcpRoute>,
}

/// A TLS route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsRoute {
    /// Port.
    #[serde(skip_serializing_if = "is_default")]
    pub port: i64,
    /// SNI hosts.
    #[serde(skip_serializing_if = "is_default")]
    pub sni_hosts: Vec<String>,
}

/// A TCP route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpRoute {
    /// Port.
    #[serde(skip_serializing_if = "is_default")]
    pub port: i64,
}

/// A DestinationRule and its subsets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IstioDestinationRule {
    /// Name.
    pub name: String,
    /// Subset of the canary.
    pub canary_subset_name: String,
    /// Subset of stable.
    pub stable_subset_name: String,
    /// Subsets for experiments.
    #[serde(skip_serializing_if = "is_default")]
    pub additional_subset_names: Vec<String>,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NginxRouting {
    /// Absent means `nginx.ingress.kubernetes.io`.
    #[serde(skip_serializing_if = "is_default")]
    pub annotation_prefix: String,
    /// One Ingress.
    #[serde(skip_serializing_if = "is_default")]
    pub stable_ingress: String,
    /// More annotations of the canary Ingress, without the prefix.
    #[serde(skip_serializing_if = "is_default")]
    pub additional_ingress_annotations: BTreeMap<String, String>,
    /// Several Ingresses.
    #[serde(skip_serializing_if = "is_default")]
    pub stable_ingresses: Vec<String>,
    /// More annotations of the canary Ingress, whole.
    #[serde(skip_serializing_if = "is_default")]
    pub canary_ingress_annotations: BTreeMap<String, String>,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AlbRouting {
    /// One Ingress.
    #[serde(skip_serializing_if = "is_default")]
    pub ingress: String,
    /// Port of the Services.
    pub service_port: i32,
    /// Service that the Ingress names.
    #[serde(skip_serializing_if = "is_default")]
    pub root_service: String,
    /// Absent means `alb.ingress.kubernetes.io`.
    #[serde(skip_serializing_if = "is_default")]
    pub annotation_prefix: String,
    /// Stickiness of the target groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stickiness_config: Option<StickinessConfig>,
    /// Several Ingresses.
    #[serde(skip_serializing_if = "is_default")]
    pub ingresses: Vec<String>,
}

/// Stickiness of ALB target groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StickinessConfig {
    /// On or off.
    pub enabled: bool,
    /// Seconds.
    pub duration_seconds: i64,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SmiRouting {
    /// Absent means the stable Service.
    #[serde(skip_serializing_if = "is_default")]
    pub root_service: String,
    /// Absent means the name of the rollout.
    #[serde(skip_serializing_if = "is_default")]
    pub traffic_split_name: String,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AmbassadorRouting {
    /// Mappings by name.
    pub mappings: Vec<String>,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppMeshRouting {
    /// Virtual service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_service: Option<AppMeshVirtualService>,
    /// Virtual nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_node_group: Option<AppMeshVirtualNodeGroup>,
}

/// A virtual service and its routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppMeshVirtualService {
    /// Name.
    pub name: String,
    /// Routes by name.
    #[serde(skip_serializing_if = "is_default")]
    pub routes: Vec<String>,
}

/// The two virtual nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppMeshVirtualNodeGroup {
    /// Node of the canary.
    pub canary_virtual_node_ref: AppMeshVirtualNodeRef,
    /// Node of stable.
    pub stable_virtual_node_ref: AppMeshVirtualNodeRef,
}

/// A virtual node by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppMeshVirtualNodeRef {
    /// Name.
    pub name: String,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TraefikRouting {
    /// A TraefikService by name.
    pub weighted_traefik_service_name: String,
}

/// Contract 07.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApisixRouting {
    /// Route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<ApisixRoute>,
}

/// An ApisixRoute and its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApisixRoute {
    /// Name.
    pub name: String,
    /// Rules by name.
    #[serde(skip_serializing_if = "is_default")]
    pub rules: Vec<String>,
}

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
    /// Generation that was last looked at, as a decimal string.
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
