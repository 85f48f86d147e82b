//! `traffic/stickiness`: sticky sessions at a router that has none (decision 51).

use super::world;
use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::api::rollout::GATEWAY_PLUGIN;
use serin_core::traffic::{PluginRouter, Router};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "traffic/stickiness",
    severity: Severity::Warning,
    title: "the router does not keep clients with their version, as stickiness asks",
    page: include_str!("../../../../docs/rules/traffic.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for traffic in world::all(seen) {
        if traffic.routing.stickiness.is_none() {
            continue;
        }
        let plugins = traffic.routing.plugins.iter();
        let plugins = plugins
            .filter(|(name, _)| *name != GATEWAY_PLUGIN)
            .map(|(name, config)| {
                Router::Plugin(PluginRouter {
                    name,
                    config,
                    is_configured: true,
                    told: None,
                    recorded: None,
                })
            });
        let routers = traffic.routers.iter().cloned().chain(plugins);
        let without: Vec<&str> = routers
            .filter(|router| !router.sticks())
            .map(|router| router.name())
            .collect();
        if without.is_empty() {
            continue;
        }
        let message = format!(
            "stickiness has no effect on {}: clients may change between the versions",
            without.join(", ")
        );
        let path = at("spec.strategy.canary.trafficRouting.stickiness");
        let words = "set up sticky sessions at the router itself, or remove the field";
        found.add(traffic.index, &path, message).fix(Fix::words(words));
    }
}
