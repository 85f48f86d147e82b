//! `router-refused`: the router's object does not take the weight.

use super::route_missing;
use super::shared::{clause, is_rbac, observed, short, standing, standing_event};
use super::{CauseKind, Scope};
use crate::case::Case;
use crate::explanation::Cause;
use jiff::SignedDuration;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "router-refused",
    docs: "The weight cannot be set at the router: its API refuses the change, or its plugin fails. Seen in the condition \
           TrafficNotRouted, or in the event TrafficRoutingError and in the routers' own error events, while no weight was set \
           since.",
    remedy: "Look at the router's object and at the controller's log.",
    detect,
    scope: Scope::Trouble,
};

const REASONS: [&str; 12] = [
    "TrafficRoutingError",
    "TraefikServiceUpdateError",
    "ApisixRouteUpdateError",
    "ApisixRouteCreateError",
    "ApisixRouteDeleteError",
    "AmbassadorMappingConfigError",
    "CanaryMappingCreationError",
    "CanaryMappingUpdateError",
    "CanaryMappingCleanupError",
    "TrafficSplitNotCreated",
    "VirtualServiceUpdateError",
    "DestinationRuleUpdateError",
];

fn detect(case: &Case<'_>) -> Option<Cause> {
    let mended = ["TrafficWeightUpdated", "RolloutStepCompleted", "RolloutCompleted"];
    let (told, fact) = standing(case, condition::TRAFFIC_NOT_ROUTED).or_else(|| {
        let event = standing_event(case, &REASONS, &mended, SignedDuration::from_mins(30))?;
        Some((event.text("/message"), case.event_fact(event)))
    })?;
    if is_rbac(told) || route_missing::says_so(told) {
        return None;
    }
    let summary = format!("The router does not take the weight: {}.", short(clause(told), 200));
    Some(observed(&CAUSE, summary, vec![fact]))
}
