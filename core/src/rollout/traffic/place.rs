//! Where a rollout routes its traffic, and by which Services; ping and pong take turns (contract 03 §6).

use crate::api::Rollout;
use crate::api::rollout::{GATEWAY_PLUGIN, PingPong};
use crate::meaning::{DEFAULT_MAX_WEIGHT, max_weight};
use crate::observed::Observed;
use crate::traffic::{PluginRouter, Router, Site};

/// The value of `status.canary.stablePingPong` where ping is stable.
const PING: &str = "ping";

/// The value where pong is.
const PONG: &str = "pong";

/// The site of a rollout, and its routers; `None` where it names none, or where none are served here.
pub(super) fn of(seen: &Observed) -> Option<(Site<'_>, Vec<Router<'_>>)> {
    let canary = seen.rollout.spec.strategy.canary.as_deref()?;
    let routing = canary.traffic_routing.as_deref()?;
    let served = seen.routers.as_ref()?;
    let mut routers = Router::all(routing);
    let plugins = routing.plugins.iter().filter(|(name, _)| *name != GATEWAY_PLUGIN);
    routers.extend(plugins.map(|(name, config)| {
        Router::Plugin(PluginRouter {
            name,
            config,
            is_configured: served.plugins.configured.contains(name),
            told: served.plugins.told.get(name),
            recorded: seen.rollout.status.canary.weights.as_deref(),
        })
    }));
    let named = (canary.canary_service.as_str(), canary.stable_service.as_str());
    let (canary_service, stable_service) = canary
        .ping_pong
        .as_ref()
        .map_or(named, |both| roles(both, &seen.rollout));
    let metadata = &seen.rollout.metadata;
    let site = Site {
        rollout: metadata.name.as_deref().unwrap_or_default(),
        uid: metadata.uid.as_deref().unwrap_or_default(),
        namespace: metadata.namespace.as_deref().unwrap_or_default(),
        canary_service,
        stable_service,
        named,
        max_weight: match max_weight(canary) {
            weight if weight > 0 => weight,
            // Accepted as written (contract 11 §E, "Steps"), though nothing can be shared out of it.
            _ => DEFAULT_MAX_WEIGHT,
        },
        routing,
        settings: &served.settings,
    };
    Some((site, routers))
}

/// The Services of the canary and of stable: without a record pong is stable.
fn roles<'a>(both: &'a PingPong, rollout: &Rollout) -> (&'a str, &'a str) {
    let (ping, pong) = (both.ping_service.as_str(), both.pong_service.as_str());
    if rollout.status.canary.stable_ping_pong == PING {
        (pong, ping)
    } else {
        (ping, pong)
    }
}

/// Which of the two is stable once the canary is (contract 03 §6).
pub(super) fn toggled(recorded: &str) -> &'static str {
    if recorded == PING { PONG } else { PING }
}
