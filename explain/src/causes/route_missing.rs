//! `route-missing`: the router's object, or the route in it, does not exist.

use super::shared::{clause, complaints, is_rbac, observed, short, standing, standing_event};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::{Cause, Evidence};
use crate::sources::text;
use jiff::SignedDuration;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "route-missing",
    docs: "The object of the router that the Rollout names (VirtualService, DestinationRule, HTTPRoute, GRPCRoute, TCPRoute, \
           TLSRoute, TrafficSplit, Mapping, TraefikService, ApisixRoute, VirtualRouter, VirtualNode) does not exist, or has no \
           route for its Services. Seen in the conditions InvalidSpec and TrafficNotRouted, and in the routers' events.",
    remedy: "Create the route, or correct its name or its backends.",
    detect,
    scope: Scope::Trouble,
};

/// Parts of what controllers say.
const SAYINGS: [&str; 36] = [
    "is not found in the defined Virtual Service",
    "No matching TLS routes found",
    "No matching TCP routes found",
    "should be set in VirtualService",
    "Unable to get any of the HTTP, TCP or TLS routes",
    "not found in route",
    "has no rules using service",
    "ingress does not have service",
    "does not have service `",
    "Virtual-service is missing",
    "Virtual-router is missing",
    "Virtual-node is missing",
    "is not associated with virtual-router",
    "No routes defined for AppMesh virtual-router",
    "Error getting route details for AppMesh virtual-router",
    "Invalid route action found for AppMesh virtual-router",
    "Invalid number of weightedTargets(",
    "backendRef was not found in",
    "` has no rule `",
    "` has no backend `",
    "DestinationRule `",
    "VirtualService `",
    "canary service was not found",
    "stable service was not found",
    "spec.weighted.services was not found",
    "virtualservices.networking.istio.io",
    "destinationrules.networking.istio.io",
    "httproutes.gateway.networking.k8s.io",
    "grpcroutes.gateway.networking.k8s.io",
    "tcproutes.gateway.networking.k8s.io",
    "tlsroutes.gateway.networking.k8s.io",
    "virtualservices.appmesh.k8s.aws",
    "virtualrouters.appmesh.k8s.aws",
    "traefikservices.traefik",
    "apisixroutes.apisix.apache.org",
    "mappings.getambassador.io",
];

/// Events whose reason alone says it.
const REASONS: [&str; 7] = [
    "VirtualServiceNotFound",
    "DestinationRuleNotFound",
    "AmbassadorMappingNotFound",
    "VirtualRouterNotFound",
    "VirtualNodeNotFound",
    "HTTPRouteNotFound",
    "TraefikServiceNotFound",
];

/// Whether a text says that a route is missing.
pub(super) fn says_so(told: &str) -> bool {
    let by_kind = [
        "virtualservices.",
        "virtualrouters.",
        "destinationrules.",
        "httproutes.",
        "grpcroutes.",
        "tcproutes.",
        "tlsroutes.",
        "traefikservices.",
        "apisixroutes.",
        "mappings.",
        "DestinationRule `",
        "VirtualService `",
    ];
    let named = SAYINGS.iter().any(|saying| told.contains(saying));
    // The kind alone says nothing: it must be what is not found.
    let kind_only = by_kind.iter().any(|kind| told.contains(kind)) && !told.contains("not found");
    named && !kind_only
}

/// What the condition says whose reason alone says it.
pub(super) fn by_reason(case: &Case<'_>) -> Option<(String, Evidence)> {
    let (told, fact) = standing(case, condition::TRAFFIC_NOT_ROUTED)?;
    let reason = text(&case.object.condition(condition::TRAFFIC_NOT_ROUTED)["reason"]);
    REASONS.contains(&reason).then(|| (told.to_owned(), fact))
}

fn detect(case: &Case<'_>) -> Option<Cause> {
    let said = complaints(case)
        .into_iter()
        .find(|(told, _)| says_so(told) && !is_rbac(told));
    let complaint = said.or_else(|| by_reason(case));
    let (told, fact) = complaint.or_else(|| {
        let event = standing_event(case, &REASONS, &["TrafficWeightUpdated"], SignedDuration::from_mins(30))?;
        Some((event.text("/message").to_owned(), case.event_fact(event)))
    })?;
    let told = told.split_once("is invalid: ").map_or(told.as_str(), |(_, rest)| rest);
    let summary = format!(
        "The router has no route for this Rollout: {}.",
        short(clause(told), 200)
    );
    Some(observed(&CAUSE, summary, vec![fact]))
}
