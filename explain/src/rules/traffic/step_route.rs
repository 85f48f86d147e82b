//! `traffic/step-route`: a step sets a route that the routers refuse, or do not know.

use super::world::{self, Traffic, World};
use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::traffic::{Problem, Routes, Wanted};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "traffic/step-route",
    severity: Severity::Error,
    title: "a step sets a route that the router refuses, or that has no effect",
    page: include_str!("../../../../docs/rules/traffic.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for traffic in world::all(seen) {
        let world = World::of(seen, &[&traffic]);
        // Without an effect on a router that cannot write at all, or on a plugin, is not told here.
        let Ok(plain) = written(&traffic, &world, &traffic.under_way()) else {
            continue;
        };
        let headers = traffic
            .headers()
            .into_iter()
            .filter(|(_, route)| !route.r#match.is_empty());
        let headers = headers.map(|(step, route)| {
            let mut wanted = traffic.under_way();
            wanted.headers.push(route);
            (step, "setHeaderRoute", wanted)
        });
        let mirrors = traffic
            .mirrors()
            .into_iter()
            .filter(|(_, route)| !route.r#match.is_empty());
        let mirrors = mirrors.map(|(step, route)| {
            let mut wanted = traffic.under_way();
            wanted.mirrors.push(route);
            (step, "setMirrorRoute", wanted)
        });
        for (step, field, wanted) in headers.chain(mirrors) {
            let path = at("spec.strategy.canary.steps").index(step).key(field);
            match written(&traffic, &world, &wanted) {
                Err(problem) => {
                    let message = format!("{} {}: {}", problem.place.kind, problem.place.name, problem.message);
                    let words = "name another route, or one that the router can set";
                    found.add(traffic.index, &path, message).fix(Fix::words(words));
                }
                Ok(with) if with == plain && is_valid(&traffic, step, field) && !traffic.has_plugin() => {
                    let message = format!("{field} has no effect: no route that the rollout names takes it");
                    let words = "use a route that takes it (docs/traffic.md), or remove the step";
                    let finding = found.add(traffic.index, &path, message);
                    finding.severity(Severity::Warning).fix(Fix::words(words));
                }
                Ok(_) => {}
            }
        }
    }
}

/// The routes after all routers have written.
fn written(traffic: &Traffic<'_>, world: &World, wanted: &Wanted<'_>) -> Result<Routes, Problem> {
    let mut routes = world.routes.clone();
    for router in &traffic.routers {
        traffic.write(router, wanted, &mut routes)?;
    }
    // The order says nothing.
    routes.0.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(routes)
}

/// Whether validation lets a step pass: what it refuses is told there.
fn is_valid(traffic: &Traffic<'_>, step: usize, field: &str) -> bool {
    let path = format!("spec.strategy.steps[{step}].{field}");
    let errors = serin_core::validate::rollout(traffic.rollout);
    !errors.iter().any(|error| error.path.starts_with(&path))
}
