//! Routers of a canary as written (contract 01 §2, contract 07).

use super::is_default;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Name of the router plugin whose configuration Serin serves itself (decision 51).
pub const GATEWAY_PLUGIN: &str = "argoproj-labs/gatewayAPI";

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
    /// Gateway API, with the fields of the plugin's configuration (an addition of Serin: decision 51).
    #[serde(rename = "gatewayAPI", skip_serializing_if = "Option::is_none")]
    pub gateway_api: Option<GatewayApiRouting>,
    /// Whether a client stays with the version that it was given (an addition of Serin: decision 51).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stickiness: Option<Stickiness>,
}

/// Stickiness of clients, for routers that have it (decision 51).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Stickiness {
    /// By a cookie of the router.
    pub cookie: StickyCookie,
}

/// The cookie that keeps a client with a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StickyCookie {
    /// Name; the router chooses one where it is empty.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Seconds that it is kept; absent means as long as the session of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<i64>,
}

/// Routes of Gateway API (decision 51): the field names of the plugin's configuration. Fields that it does not know are
/// ignored, as the plugin does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayApiRouting {
    /// Namespace of the routes; empty means that of the rollout.
    #[serde(skip_serializing_if = "is_default")]
    pub namespace: String,
    /// One HTTPRoute.
    #[serde(skip_serializing_if = "is_default")]
    pub http_route: String,
    /// The only rule of it that is managed; empty means all that lead to both Services.
    #[serde(skip_serializing_if = "is_default")]
    pub http_route_rule_name: String,
    /// Several HTTPRoutes.
    #[serde(skip_serializing_if = "is_default")]
    pub http_routes: Vec<GatewayRoute>,
    /// HTTPRoutes by their labels: they are to be named instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_route_selector: Option<Value>,
    /// One GRPCRoute.
    #[serde(skip_serializing_if = "is_default")]
    pub grpc_route: String,
    /// The only rule of it that is managed; empty means all that lead to both Services.
    #[serde(skip_serializing_if = "is_default")]
    pub grpc_route_rule_name: String,
    /// Several GRPCRoutes.
    #[serde(skip_serializing_if = "is_default")]
    pub grpc_routes: Vec<GatewayRoute>,
    /// GRPCRoutes by their labels: they are to be named instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_route_selector: Option<Value>,
    /// One TCPRoute.
    #[serde(skip_serializing_if = "is_default")]
    pub tcp_route: String,
    /// The only rule of it that is managed; empty means all that lead to both Services.
    #[serde(skip_serializing_if = "is_default")]
    pub tcp_route_rule_name: String,
    /// Several TCPRoutes.
    #[serde(skip_serializing_if = "is_default")]
    pub tcp_routes: Vec<GatewayRoute>,
    /// TCPRoutes by their labels: they are to be named instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_route_selector: Option<Value>,
    /// One TLSRoute.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_route: String,
    /// The only rule of it that is managed; empty means all that lead to both Services.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_route_rule_name: String,
    /// Several TLSRoutes.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_routes: Vec<GatewayRoute>,
    /// TLSRoutes by their labels: they are to be named instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_route_selector: Option<Value>,
    /// Where the plugin records managed routes. Serin records them in an annotation of the route.
    #[serde(skip_serializing_if = "is_default")]
    pub config_map: String,
    /// A label marks a route while a canary is under way, unless this is set.
    #[serde(skip_serializing_if = "is_default")]
    pub disable_in_progress_label: bool,
    /// Its key; empty means `rollouts.argoproj.io/gatewayapi-canary`.
    #[serde(skip_serializing_if = "is_default")]
    pub in_progress_label_key: String,
    /// Its value; empty means `in-progress`.
    #[serde(skip_serializing_if = "is_default")]
    pub in_progress_label_value: String,
    /// Annotation that lists the rollouts under way; empty means `rollouts.argoproj.io/gatewayapi-active-rollouts`.
    #[serde(skip_serializing_if = "is_default")]
    pub active_rollouts_annotation_key: String,
    /// The plugin leaves the weights of managed routes alone where this is set. Serin always does.
    #[serde(skip_serializing_if = "is_default")]
    pub skip_managed_routes_on_set_weight: bool,
}

/// A route by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayRoute {
    /// Name.
    pub name: String,
    /// Whether routes by header are added to it.
    #[serde(skip_serializing_if = "is_default")]
    pub use_header_routes: bool,
    /// The only rule of it that is managed; empty means all that lead to both Services.
    #[serde(skip_serializing_if = "is_default")]
    pub rule_name: String,
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
