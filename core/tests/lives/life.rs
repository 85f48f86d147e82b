//! One random life: its spec, what people do, and what must hold during it and at its end.

use crate::world::rng::Rng;
use crate::world::{Faults, World};
use serde_json::{Value, json};

/// A random spec.
pub(crate) fn rollout(rng: &mut Rng) -> Value {
    let mut steps = Vec::new();
    let mut weight = 0;
    for _ in 0..rng.up_to(4) {
        if rng.one_in(3) {
            let pause = if rng.one_in(2) {
                json!({})
            } else {
                json!({ "duration": rng.up_to(40) })
            };
            steps.push(json!({ "pause": pause }));
        } else {
            weight = (weight + rng.up_to(50)).min(100);
            steps.push(json!({ "setWeight": weight }));
        }
    }
    let amounts = [json!(0), json!(1), json!(2), json!("25%"), json!("50%"), json!("100%")];
    let surge = rng.pick(&amounts).clone();
    let unavailable = rng.pick(&amounts).clone();
    let surge = if surge == 0 && unavailable == 0 {
        json!(1)
    } else {
        surge
    };
    let mut manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": rng.up_to(8),
            "progressDeadlineSeconds": 30,
            "revisionHistoryLimit": rng.up_to(3),
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:good-0" }] },
            },
            "strategy": { "canary": { "steps": steps, "maxSurge": surge, "maxUnavailable": unavailable } },
        },
    });
    match rng.up_to(3) {
        0 => {
            manifest["spec"]["strategy"] = blue_green(rng);
            manifest["spec"]["revisionHistoryLimit"] = 20.into();
        }
        1 => {
            manifest["spec"]["strategy"]["canary"]["stableService"] = "stable".into();
            manifest["spec"]["strategy"]["canary"]["canaryService"] = "canary".into();
        }
        _ => {}
    }
    if rng.one_in(6) {
        manifest["spec"]["progressDeadlineAbort"] = true.into();
    }
    if rng.one_in(5) {
        manifest["spec"]["rollbackWindow"] = json!({ "revisions": 1 + rng.up_to(2) });
    }
    if rng.one_in(8) {
        manifest["spec"].as_object_mut().unwrap().remove("replicas");
    }
    manifest
}

fn blue_green(rng: &mut Rng) -> Value {
    let mut blue_green = json!({ "activeService": "active" });
    if rng.one_in(2) {
        blue_green["previewService"] = "preview".into();
    }
    match rng.up_to(2) {
        0 => blue_green["autoPromotionEnabled"] = false.into(),
        1 => blue_green["autoPromotionSeconds"] = rng.up_to(20).into(),
        _ => {}
    }
    if rng.one_in(3) {
        blue_green["previewReplicaCount"] = (1 + rng.up_to(2)).into();
    }
    for field in [
        "scaleDownDelaySeconds",
        "abortScaleDownDelaySeconds",
        "scaleDownDelayRevisionLimit",
    ] {
        if rng.one_in(2) {
            blue_green[field] = (rng.up_to(2) * 7).into();
        }
    }
    json!({ "blueGreen": blue_green })
}

/// One thing that a person does.
fn somebody_acts(world: &mut World) {
    let image = world.rng.up_to(4);
    match world.rng.up_to(11) {
        0..=2 => world.set_image(&format!("web:good-{image}")),
        3 => world.set_image(&format!("web:bad-{image}")),
        4 => {
            let replicas = world.rng.up_to(9);
            world.edit(&json!({ "spec": { "replicas": replicas } }));
        }
        5 => world.promote(),
        6 => world.promote_full(),
        7 => world.edit_status(&json!({ "abort": true })),
        8 => world.edit_status(&json!({ "abort": false })),
        9 => world.edit(&json!({ "spec": { "paused": true } })),
        10 => world.edit(&json!({ "spec": { "paused": false } })),
        _ if world.rollout["spec"]["strategy"]["blueGreen"].is_object() => {
            world.note("somebody deletes the active Service and creates it again");
            world.create_service("active");
        }
        _ => {
            let weight = world.rng.up_to(100);
            world.edit(&json!({ "spec": { "strategy": { "canary": { "steps": [{ "setWeight": weight }] } } } }));
        }
    }
}

/// A life: people act at random moments, faults strike, then all rest.
pub(crate) fn live(seed: u64, tracing: bool) -> World {
    let mut rng = Rng::new(seed);
    let manifest = rollout(&mut rng);
    let mut world = World::new(manifest);
    world.tracing = tracing;
    world.faults = Faults {
        crash_after_writes: rng.one_in(2).then(|| usize::try_from(1 + rng.up_to(25)).unwrap()),
        store_lag: rng.up_to(2),
        controller_lag: rng.up_to(2),
    };
    world.ready_after = rng.up_to(5);
    let acts = rng.up_to(6);
    world.rng = rng;
    world.create_services();
    world.wait(3);
    for _ in 0..acts {
        somebody_acts(&mut world);
        let seconds = world.rng.up_to(45);
        world.wait(seconds);
        check_status(&mut world);
    }
    world.wait(2_000);
    check_rest(&mut world);
    if world.broken.is_empty() {
        recover(&mut world);
    }
    world
}

/// What must hold of every status that users can read.
fn check_status(world: &mut World) {
    let status = world.current().status;
    let steps = world.rollout["spec"]["strategy"]["canary"]["steps"]
        .as_array()
        .map_or(0, Vec::len);
    let index = status
        .current_step_index
        .map_or(0, |index| usize::try_from(index).unwrap_or(usize::MAX));
    let generation = world.rollout["metadata"]["generation"].to_string();
    if index > steps && status.observed_generation == generation {
        world.break_rule(format!("step {index} of {steps}"));
    }
    if status.phase == "Healthy" && status.stable_rs != status.current_pod_hash {
        world.break_rule("6: Healthy before the newest revision is stable".to_owned());
    }
}

/// Invariant 7: the spec rests and the world rests, so the plan is empty and no wake repeats for ever.
fn check_rest(world: &mut World) {
    let writes = world.writes;
    let plan = world.look();
    if !plan.is_empty() || world.writes != writes {
        world.break_rule(format!("7: not at rest: {plan:?}"));
    }
    if let Some(wake) = plan.wake {
        world.break_rule(format!("7: a wake is left after all came to rest: {wake:?}"));
    }
    let phase = world.current().status.phase;
    if !["Healthy", "Paused", "Degraded"].contains(&phase.as_str()) {
        world.break_rule(format!("7: rests in phase {phase}: {}", world.current().status.message));
    }
}

/// Whatever happened: a good image, resumed, retried and promoted, ends Healthy with nothing left over (invariant 8).
fn recover(world: &mut World) {
    world.edit(&json!({ "spec": { "paused": false } }));
    world.set_image("web:good-9");
    world.wait(100);
    for _ in 0..12 {
        if world.current().status.phase == "Healthy" {
            break;
        }
        world.edit_status(&json!({ "abort": false }));
        world.promote();
        world.wait(100);
    }
    let status = world.current().status;
    let replicas = world.rollout["spec"]["replicas"].as_i64().unwrap_or(1);
    let pods: usize = world.sets.iter().map(|set| set.pods.len()).sum();
    if status.phase != "Healthy" || i64::try_from(pods).unwrap() != replicas {
        let (phase, message) = (&status.phase, &status.message);
        world.break_rule(format!(
            "8: a good image does not end Healthy: {phase} {message}, {pods} pods"
        ));
    }
    check_rest(world);
}
