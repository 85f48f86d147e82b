//! Rules of a canary, apart from its steps.

use super::{FieldError, anti_affinity, steps};
use crate::api::IntOrString;
use crate::api::rollout::{AlbRouting, CanaryStrategy, PingPong, TrafficRouting};

pub(super) fn canary(errors: &mut Vec<FieldError>, canary: &CanaryStrategy) {
    surge(errors, canary);
    if !canary.canary_service.is_empty() && canary.canary_service == canary.stable_service {
        let detail = "This rollout uses the same service for the stable and canary services, but two different \
                      services are required.";
        errors.push(FieldError::invalid(
            "spec.strategy.stableService",
            &canary.stable_service,
            detail,
        ));
    }
    let routing = canary.traffic_routing.as_deref();
    if let Some(services) = &canary.ping_pong {
        ping_pong(errors, services, routing);
    }
    if routing.is_some_and(|routing| needs_services(routing, canary.ping_pong.is_some())) {
        let detail = "Canary service and Stable service must to be set to use Traffic Routing";
        for (field, service) in [
            ("stableService", &canary.stable_service),
            ("canaryService", &canary.canary_service),
        ] {
            if service.is_empty() {
                errors.push(FieldError::invalid(format!("spec.strategy.{field}"), service, detail));
            }
        }
    }
    delays(errors, canary, routing);
    for (index, step) in canary.steps.iter().enumerate() {
        steps::step(errors, canary, index, step);
    }
    anti_affinity(errors, canary.anti_affinity.as_ref());
}

/// Something must be able to move.
fn surge(errors: &mut Vec<FieldError>, canary: &CanaryStrategy) {
    let (Some(surge), Some(unavailable)) = (&canary.max_surge, &canary.max_unavailable) else {
        return; // An absent value means 25 %.
    };
    if written_amount(surge) == 0 && written_amount(unavailable) == 0 {
        let detail = "MaxSurge and MaxUnavailable both can not be zero";
        errors.push(FieldError::invalid("spec.strategy.maxSurge", surge, detail));
    }
}

/// The number that is written: a percentage of digits only, or a whole number; 0 for what is neither
/// (contract 11 §E, "maxSurge/maxUnavailable").
fn written_amount(written: &IntOrString) -> i64 {
    match written {
        IntOrString::Int(pods) => i64::from(*pods),
        IntOrString::String(text) => {
            let percent = text
                .strip_suffix('%')
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
            percent.unwrap_or(text).parse().unwrap_or(0)
        }
    }
}

fn ping_pong(errors: &mut Vec<FieldError>, services: &PingPong, routing: Option<&TrafficRouting>) {
    if routing.is_some_and(|r| r.alb.is_none() && r.istio.is_none() && !by_plugin(r)) {
        let detail = "Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only";
        errors.push(FieldError::invalid(
            "spec.strategy.trafficRouting.alb",
            &None::<AlbRouting>,
            detail,
        ));
    }
    let (ping, pong) = (&services.ping_service, &services.pong_service);
    for (field, service) in [("pingService", ping), ("pongService", pong)] {
        if service.is_empty() {
            let detail = "Ping service and Pong service must to be set to use Ping-Pong feature";
            errors.push(FieldError::invalid(
                format!("spec.strategy.pingPong.{field}"),
                service,
                detail,
            ));
        }
    }
    if ping == pong {
        let detail = "This rollout uses the same service for the ping and pong services, but two different services \
                      are required.";
        errors.push(FieldError::invalid("spec.strategy.pingPong.pingService", ping, detail));
    }
    if let Some(alb) = routing
        .and_then(|routing| routing.alb.as_ref())
        .filter(|alb| alb.root_service.is_empty())
    {
        let detail = "Root service field is required for the configuration with ALB and ping-pong feature enabled";
        errors.push(FieldError::invalid(
            "spec.strategy.trafficRouting.alb.rootService",
            &alb.root_service,
            detail,
        ));
    }
}

/// Whether a plugin routes. Gateway API, which is one of Argo Rollouts, may have a field of its own (decision 51).
pub(super) fn by_plugin(routing: &TrafficRouting) -> bool {
    !routing.plugins.is_empty() || routing.gateway_api.is_some()
}

/// Whether a router needs `canaryService` and `stableService`; plugins never do.
fn needs_services(routing: &TrafficRouting, ping_pong: bool) -> bool {
    let istio_by_host = routing
        .istio
        .as_ref()
        .is_some_and(|istio| istio.destination_rule.is_none());
    (!ping_pong && (routing.alb.is_some() || istio_by_host))
        || routing.smi.is_some()
        || routing.apisix.is_some()
        || routing.ambassador.is_some()
        || routing.nginx.is_some()
        || routing.app_mesh.is_some()
        || routing.traefik.is_some()
}

fn delays(errors: &mut Vec<FieldError>, canary: &CanaryStrategy, routing: Option<&TrafficRouting>) {
    let dynamic_path = "spec.strategy.dynamicStableScale";
    match (routing, canary.scale_down_delay_seconds, canary.dynamic_stable_scale) {
        (None, delay, dynamic) => {
            if let Some(delay) = delay {
                let detail = "Canary scaleDownDelaySeconds can only be used with traffic routing";
                errors.push(FieldError::invalid(
                    "spec.strategy.scaleDownDelaySeconds",
                    &delay,
                    detail,
                ));
            }
            if dynamic {
                let detail = "Canary dynamicStableScale can only be used with traffic routing";
                errors.push(FieldError::invalid(dynamic_path, &true, detail));
            }
        }
        (Some(_), Some(_), true) => {
            let detail = "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds";
            errors.push(FieldError::invalid(dynamic_path, &true, detail));
        }
        (Some(_), _, _) => {}
    }
    let unsupported = routing.filter(|routing| routing.nginx.is_none() && !by_plugin(routing));
    if let Some(weight) = unsupported.and_then(|routing| routing.max_traffic_weight) {
        let detail = "Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins";
        errors.push(FieldError::invalid(
            "spec.strategy.trafficRouting.maxTrafficWeight",
            &weight,
            detail,
        ));
    }
}
