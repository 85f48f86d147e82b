//! Lives of a rollout that takes its pods from a Deployment: the Deployment moves over while people edit and scale it, Git
//! applies its replicas again, and faults strike as in other lives.
//!
//! What is looked at: invariant 5 over the pods of both (`World::check_move`), a Deployment that never comes back by our
//! doing, none that is scaled after it was released, and rest at the end (decision 2, contract 11 A6).

use crate::less::Less;
use crate::life::{act_out, check_rest, faults, recover, recover_pods, rollout, somebody_acts};
use crate::measured::measure;
use serde_json::{Value, json};
use serin_core::observed::{Refusal, WorkloadKind};
use serin_world::World;
use serin_world::refusals::Change;
use serin_world::rng::Rng;

/// A random spec that refers to a Deployment.
fn refers(rng: &mut Rng) -> Value {
    let mut manifest = rollout(rng);
    let kinds = ["never", "onsuccess", "progressively", "progressively"];
    let spec = manifest["spec"].as_object_mut().unwrap();
    spec.remove("template");
    if rng.one_in(2) {
        spec.remove("selector");
    }
    let scale_down = *rng.pick(&kinds);
    let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": scale_down});
    spec.insert("workloadRef".to_owned(), reference);
    manifest
}

/// Somebody creates the Deployment where there is none.
fn create(world: &mut World) {
    if world.workload.is_none() {
        let pods = i32::try_from(world.rng.up_to(8)).unwrap();
        world.create_workload(WorkloadKind::Deployment, "web", pods, "web:good-0");
    }
}

/// One thing that somebody does to the Deployment, or to all else.
fn somebody_acts_on_both(world: &mut World) {
    match world.rng.up_to(11) {
        0 | 1 => {
            let pods = i32::try_from(1 + world.rng.up_to(7)).unwrap();
            world.scale_workload_by_hand(pods, "argocd-controller");
        }
        2 => world.scale_workload_by_hand(0, "kubectl"),
        3 => {
            world.delete_workload();
            if world.rng.one_in(2) {
                create(world);
            }
        }
        4 => {
            let kinds = ["never", "onsuccess", "progressively"];
            let scale_down = *world.rng.pick(&kinds);
            world.edit(&json!({"spec": {"workloadRef": {"scaleDown": scale_down}}}));
        }
        5 if world.rng.one_in(2) => {
            let refusal = (Refusal::Forbidden, "deployments.apps is forbidden".to_owned());
            world.refusals.of.insert(Change::Workloads, refusal);
        }
        5 => _ = world.refusals.of.remove(&Change::Workloads),
        _ => somebody_acts(world),
    }
}

/// A life: the Deployment moves, people act at random moments, faults strike, then all rest.
pub(crate) fn live(seed: u64, tracing: bool, less: &Less) -> World {
    let mut rng = Rng::new(seed);
    let mut manifest = refers(&mut rng);
    less.simplify(&mut manifest);
    let mut world = World::new(manifest);
    world.tracing = tracing;
    world.faults = less.calm(faults(&mut rng));
    world.ready_after = rng.up_to(5);
    measure(&mut world, &mut rng);
    world.deployment_late = rng.up_to(3);
    let acts = rng.up_to(6);
    world.rng = rng;
    world.another_clock();
    create(&mut world);
    world.create_services();
    world.wait(3);
    act_out(&mut world, (seed, acts), less, somebody_acts_on_both);
    world.faults.lost_answers = 0;
    world.refusals.of.clear();
    create(&mut world);
    recover_pods(&mut world);
    world.wait(2_000);
    check_rest(&mut world);
    check_workload_at_rest(&mut world);
    if world.broken.is_empty() {
        recover(&mut world);
        world.wait(700);
        check_workload_at_rest(&mut world);
    }
    world
}

/// A Healthy rollout with pods has taken those of a Deployment that is to give them up, and tells of one that is not.
fn check_workload_at_rest(world: &mut World) {
    let rollout = world.current();
    let scale_down = rollout.spec.workload_ref.as_ref().map(|of| of.scale_down.clone());
    let gives_up = scale_down.is_some_and(|of| of != "never");
    let pods = world.workload.as_ref().map_or(0, |workload| workload.replicas());
    let healthy = rollout.status.phase == "Healthy" && rollout.spec.replicas != Some(0) && !rollout.spec.paused;
    let told = rollout.status.conditions.iter().any(|of| of.r#type == "DoubleCapacity");
    if healthy && gives_up && pods > 0 {
        world.break_rule(format!(
            "A6: the Deployment rests at {pods} pods beside a Healthy rollout"
        ));
    }
    if healthy && told != (pods > 0) {
        world.break_rule(format!(
            "the Deployment rests at {pods} pods, and DoubleCapacity is told: {told}"
        ));
    }
    if let Some(told) = rollout
        .status
        .conditions
        .iter()
        .find(|of| of.r#type == "WorkloadScaleContested")
    {
        world.break_rule(format!("a contest is told for ever: {}", told.message));
    }
}
