//! Lives of a canary whose weight a compiled plugin carries, which answers late, fails, or does what it is told without
//! saying so; controllers die while it is called.
//!
//! What is looked at is the same as with an Ingress: no weight leads to pods that are not there, and rest at the end.

use crate::less::Less;
use crate::life::{act_out, check_rest, faults, recover, recover_pods, somebody_acts};
use crate::measured::measure;
use crate::routed::{check_traffic_at_rest, routed};
use serde_json::json;
use serin_core::observed::Verified;
use serin_world::World;
use serin_world::rng::Rng;
use serin_world::router_plugins::Reply;

/// Name of the one plugin.
const PLUGIN: &str = "example/router";

/// One thing that the plugin does from now on, or that somebody does.
fn something_happens(world: &mut World) {
    let does = |verified| Some(Reply::Does(verified));
    let reply = match world.rng.up_to(9) {
        0 => Some(Reply::Fails("no mesh".to_owned())),
        1 => Some(Reply::IsSilent),
        2 => does(Verified::No),
        3 => does(Verified::Failed("no access".to_owned())),
        4 => does(Verified::Yes),
        5 => does(Verified::NotImplemented),
        _ => None,
    };
    match reply {
        Some(reply) => _ = world.router_plugins.replies.insert(PLUGIN.to_owned(), reply),
        None => somebody_acts(world),
    }
}

/// A life: people act at random moments, faults strike, then all rest.
pub(crate) fn live(seed: u64, tracing: bool, less: &Less) -> World {
    let mut rng = Rng::new(seed);
    let (mut manifest, _) = routed(&mut rng);
    less.simplify(&mut manifest);
    let canary = &mut manifest["spec"]["strategy"]["canary"];
    canary["trafficRouting"] = json!({"plugins": {PLUGIN: {}}});
    let services = !rng.one_in(4);
    for (field, name) in [("stableService", "stable"), ("canaryService", "canary")] {
        if services {
            canary[field] = name.into();
        } else if let Some(fields) = canary.as_object_mut() {
            fields.remove(field);
        }
    }
    let mut world = World::new(manifest);
    world.tracing = tracing;
    world.router_plugins.configured.insert(PLUGIN.to_owned());
    world.faults = less.calm(faults(&mut rng));
    world.ready_after = rng.up_to(5);
    measure(&mut world, &mut rng);
    let acts = rng.up_to(6);
    world.rng = rng;
    world.another_clock();
    world.create_services();
    world.wait(3);
    act_out(&mut world, (seed, acts), less, something_happens);
    world.faults.lost_answers = 0;
    world.refusals.of.clear();
    world.router_plugins.replies.clear();
    world.create_services();
    recover_pods(&mut world);
    world.wait(2_000);
    check_rest(&mut world);
    check_traffic_at_rest(&mut world);
    if world.broken.is_empty() {
        recover(&mut world);
        world.wait(700);
        check_traffic_at_rest(&mut world);
    }
    world
}
