//! Lives of a canary whose weight a router carries: people edit the router's objects, delete them, and act on all else, while
//! faults strike as in other lives.
//!
//! What is looked at: that no weight leads to pods that are not there (`World::write_route` and what follows), and rest at
//! the end.

use crate::less::Less;
use crate::life::{act_out, check_rest, faults, recover, recover_pods, rollout, somebody_acts};
use crate::measured::measure;
use crate::routers::Choice;
use serde_json::{Value, json};
use serin_world::World;
use serin_world::rng::Rng;

/// A random spec with a router.
pub(crate) fn routed(rng: &mut Rng) -> (Value, Choice) {
    let mut manifest = rollout(rng);
    let strategy = &mut manifest["spec"]["strategy"];
    if strategy["canary"].is_null() {
        *strategy = json!({"canary": {"steps": [{"setWeight": 30}, {"pause": {"duration": 5}}]}});
    }
    let canary = &mut strategy["canary"];
    let choice = Choice::any(rng);
    choice.name_in(canary);
    if rng.one_in(3) {
        canary["dynamicStableScale"] = true.into();
    } else if rng.one_in(2) {
        canary["scaleDownDelaySeconds"] = (rng.up_to(3) * 7).into();
    }
    if rng.one_in(3) {
        canary["abortScaleDownDelaySeconds"] = (rng.up_to(2) * 7).into();
    }
    if rng.one_in(4) {
        canary["minPodsPerReplicaSet"] = (1 + rng.up_to(2)).into();
    }
    if rng.one_in(4) {
        let size = if rng.one_in(2) {
            json!({"replicas": rng.up_to(4)})
        } else {
            json!({"weight": rng.up_to(100)})
        };
        let steps = canary["steps"].as_array_mut().unwrap();
        steps.insert(0, json!({"setCanaryScale": size}));
        if rng.one_in(2) {
            steps.push(json!({"setCanaryScale": {"matchTrafficWeight": true}}));
        }
    }
    (manifest, choice)
}

/// One thing that somebody does to the router, or to all else.
fn somebody_acts_on_traffic(world: &mut World) {
    match (world.rng.up_to(9), Choice::of(world)) {
        (0 | 1, Some(choice)) => choice.somebody_edits(world),
        (2, Some(choice)) => choice.somebody_deletes(world),
        (3, Some(_)) => {
            let refused = world.objects.refused.take();
            world.objects.refused = refused.is_none().then(|| "forbidden".to_owned());
        }
        _ => somebody_acts(world),
    }
}

/// A life: people act at random moments, faults strike, then all rest.
pub(crate) fn live(seed: u64, tracing: bool, less: &Less) -> World {
    let mut rng = Rng::new(seed);
    let (mut manifest, choice) = routed(&mut rng);
    less.simplify(&mut manifest);
    // A router is nothing without its Services.
    choice.name_in(&mut manifest["spec"]["strategy"]["canary"]);
    let mut world = World::new(manifest);
    world.tracing = tracing;
    world.faults = less.calm(faults(&mut rng));
    world.ready_after = rng.up_to(5);
    measure(&mut world, &mut rng);
    let acts = rng.up_to(6);
    world.rng = rng;
    world.another_clock();
    world.create_services();
    choice.create(&mut world);
    world.wait(3);
    act_out(&mut world, (seed, acts), less, somebody_acts_on_traffic);
    world.faults.lost_answers = 0;
    world.refusals.of.clear();
    world.objects.refused = None;
    world.create_services();
    choice.create(&mut world);
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

/// A Healthy rollout with a router has all of its traffic on stable.
pub(crate) fn check_traffic_at_rest(world: &mut World) {
    let rollout = world.current();
    let healthy = rollout.status.phase == "Healthy" && rollout.spec.replicas != Some(0);
    if let Some(weight) = world.weight().filter(|weight| healthy && *weight != 0) {
        world.break_rule(format!("B10: Healthy with weight {weight} on the canary"));
    }
}
