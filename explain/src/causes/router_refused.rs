//! `router-refused`: the router's object does not take the weight.

use super::shared::{clause, is_rbac, observed, short, standing, standing_event};
use super::{CauseKind, Scope, reference_missing, route_missing};
use crate::case::Case;
use crate::explanation::{Cause, State};
use jiff::SignedDuration;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "router-refused",
    docs: "The weight cannot be set at the router: its API refuses the change, its object does not take it, or its plugin fails \
           or is not configured. Seen in the condition TrafficNotRouted, which names the object or the plugin, or in the event \
           TrafficRoutingError and in the routers' own error events, while no weight was set since.",
    remedy: "Look at the router's object, or at the plugin, and at the controller's log.",
    detect,
    scope: Scope::Always,
};

const REASONS: [&str; 13] = [
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
    "TrafficSplitNotModified",
    "VirtualServiceUpdateError",
    "DestinationRuleUpdateError",
];

fn detect(case: &Case<'_>) -> Option<Cause> {
    if case.state() == State::Healthy {
        // The weights are where they rest, and the router cannot be told so once more: the next update will wait.
        let (told, fact) = standing(case, condition::TRAFFIC_NOT_ROUTED)?;
        let summary = format!(
            "The router cannot be written, and the next update will wait for it: {}.",
            short(clause(told), 200)
        );
        return Some(observed(&CAUSE, summary, vec![fact]));
    }
    let mended = ["TrafficWeightUpdated", "RolloutStepCompleted", "RolloutCompleted"];
    let (told, fact) = standing(case, condition::TRAFFIC_NOT_ROUTED).or_else(|| {
        let event = standing_event(case, &REASONS, &mended, SignedDuration::from_mins(30))?;
        Some((event.text("/message"), case.event_fact(event)))
    })?;
    let elsewhere = is_rbac(told)
        || route_missing::says_so(told)
        || route_missing::by_reason(case).is_some()
        || reference_missing::says_so(told);
    if elsewhere {
        return None;
    }
    let summary = format!("The router does not take the weight: {}.", short(clause(told), 200));
    Some(observed(&CAUSE, summary, vec![fact]))
}
