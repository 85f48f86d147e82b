//! One random life: its spec, what people do, and what must hold during it and at its end.

use crate::ends::{abort_at_rest, leads_to_superseded_pods};
use crate::less::Less;
use crate::measured::{give_analyses, is_measuring, measure, measure_well};
use crate::plugged::{answer_well, give_plugins, plug};
use serde_json::{Value, json};
use serin_core::identity::Fingerprint;
use serin_core::observed::Refusal;
use serin_core::plan::WakeReason;
use serin_world::cluster::Set;
use serin_world::refusals::Change;
use serin_world::rng::Rng;
use serin_world::scalers::{Metric, POD, Scaler};
use serin_world::{Deed, Faults, World};

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
    if rng.one_in(4) {
        give_analyses(rng, &mut manifest["spec"]["strategy"]);
    }
    if rng.one_in(4) {
        give_metadata(rng, &mut manifest["spec"]["strategy"]);
    }
    if rng.one_in(4) {
        manifest["spec"]["minReadySeconds"] = (1 + rng.up_to(2)).into();
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

/// Labels and annotations that pods carry for as long as their revision plays a part (contract 03 §11).
fn give_metadata(rng: &mut Rng, strategy: &mut Value) {
    let fields = if strategy["blueGreen"].is_object() {
        ["/blueGreen/activeMetadata", "/blueGreen/previewMetadata"]
    } else {
        ["/canary/stableMetadata", "/canary/canaryMetadata"]
    };
    for (field, role) in fields.into_iter().zip(["serves", "tested"]) {
        if rng.one_in(4) {
            continue;
        }
        let (parent, name) = field.rsplit_once('/').unwrap();
        strategy.pointer_mut(parent).unwrap()[name] =
            json!({ "labels": { "role": role }, "annotations": { "of": role } });
    }
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
    if rng.one_in(2) {
        let amounts = [json!(0), json!(1), json!("50%")];
        blue_green["maxUnavailable"] = rng.pick(&amounts).clone();
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
pub(crate) fn somebody_acts(world: &mut World) {
    let image = world.rng.up_to(4);
    match world.rng.up_to(29) {
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
        11 => switch_strategy(world),
        12 => touch_replica_set(world, |world, index| {
            let replicas = i32::try_from(world.rng.up_to(9)).unwrap();
            world.scale_by_hand(index, replicas);
        }),
        13 => touch_replica_set(world, World::lose_set),
        14 | 15 => touch_service(world),
        16 => world.hash_otherwise(),
        17 => world.toggle_default(),
        18 => touch_replica_set(world, World::strip_annotations),
        19 => touch_replica_set(world, |world, index| {
            let pods = usize::try_from(1 + world.rng.up_to(8)).unwrap();
            world.fail_pods(index, pods);
        }),
        20 => recover_pods(world),
        21 => world.edit(&json!({ "spec": { "replicas": 0 } })),
        22 => {
            let replicas = 1 + world.rng.up_to(7);
            world.edit(&json!({ "spec": { "replicas": replicas } }));
        }
        23 => contradict(world),
        24 | 25 => world.restart(),
        26 | 27 => refuse(world),
        28 => lose_node(world),
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

/// A promotion and an abort, both before the controller reconciles (decision 40).
fn contradict(world: &mut World) {
    if world.rng.one_in(2) {
        world.promote_full();
        world.edit_status(&json!({ "abort": true }));
    } else {
        world.edit_status(&json!({ "abort": true }));
        world.promote_full();
    }
}

/// A node goes, and its pods with it.
fn lose_node(world: &mut World) {
    let node = world.rng.up_to(2);
    world.lose_node(node);
}

/// Pods that failed are ready again; those of a bad image stay as they are.
pub(crate) fn recover_pods(world: &mut World) {
    for index in 0..world.sets.len() {
        if world.sets[index].good {
            world.heal_pods(index);
        }
    }
}

/// The other strategy, with the Services that it names.
pub(crate) fn switch_strategy(world: &mut World) {
    let mut strategy = if world.rollout["spec"]["strategy"]["canary"].is_object() {
        blue_green(&mut world.rng)
    } else {
        json!({ "canary": { "steps": [{ "setWeight": 50 }], "stableService": "stable", "canaryService": "canary" } })
    };
    for other in ["canary", "blueGreen"] {
        if strategy.get(other).is_none() {
            strategy[other] = Value::Null;
        }
    }
    // As many as the random delays of scale-downs may ask for.
    world.edit(&json!({ "spec": { "strategy": strategy, "revisionHistoryLimit": 20 } }));
    world.create_services();
}

fn touch_replica_set(world: &mut World, touch: fn(&mut World, usize)) {
    let last = i64::try_from(world.sets.len()).unwrap() - 1;
    if last >= 0 {
        let index = world.rng.up_to(last);
        touch(world, usize::try_from(index).unwrap());
    }
}

/// Another program's hand on a Service.
fn touch_service(world: &mut World) {
    let names: Vec<String> = world.services.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    let name = world.rng.pick(&names).clone();
    match world.rng.up_to(3) {
        0 => world.select_by_hand(&name, None),
        1 => world.select_by_hand(&name, Some("nobody")),
        2 if !world.sets.is_empty() => {
            let hashes: Vec<String> = world.sets.iter().map(|set| set.object.hash().to_owned()).collect();
            let hash = world.rng.pick(&hashes).clone();
            world.select_by_hand(&name, Some(&hash));
        }
        _ => world.delete_service(&name),
    }
}

/// The API server refuses changes that rollouts work without, or takes them again (decision 46).
fn refuse(world: &mut World) {
    let changes = [Change::Copies, Change::Pods];
    let change = *world.rng.pick(&changes);
    let whys = [Refusal::Forbidden, Refusal::Invalid];
    let why = *world.rng.pick(&whys);
    if world.rng.one_in(2) {
        world.note(&format!("the API server refuses {change:?}: {why:?}"));
        world.refusals.of.insert(change, (why, "a policy".to_owned()));
    } else {
        world.note(&format!("the API server takes {change:?} again"));
        world.refusals.of.remove(&change);
    }
}

/// A life: people act at random moments, faults strike, then all rest.
pub(crate) fn live(seed: u64, tracing: bool) -> World {
    live_with(seed, tracing, &Less::default())
}

/// What goes wrong in a life.
pub(crate) fn faults(rng: &mut Rng) -> Faults {
    Faults {
        crash_after_writes: rng.one_in(2).then(|| usize::try_from(1 + rng.up_to(25)).unwrap()),
        crash_again_after: rng.one_in(2).then(|| usize::try_from(1 + rng.up_to(9)).unwrap()),
        store_lag: rng.up_to(2),
        controller_lag: rng.up_to(2),
        clock_off: if rng.one_in(3) { 1 + rng.up_to(4) } else { 0 },
        two_leaders: rng.one_in(2),
        lost_answers: if rng.one_in(3) { 2 + rng.up_to(10) } else { 0 },
    }
}

/// The acts of a life, at random moments. Each has chance of its own: what is left out leaves the others as they are.
pub(crate) fn act_out(world: &mut World, (seed, acts): (u64, i64), less: &Less, act: Deed) {
    for number in 0..acts {
        world.rng = Rng::new(seed ^ (u64::try_from(number).unwrap() + 1).wrapping_mul(0xD1B5_4A32_D192_ED03));
        if less.leaves_out(number) {
            continue;
        }
        if world.rng.one_in(3) {
            let writes = usize::try_from(1 + world.rng.up_to(8)).unwrap();
            world.interruption = Some((world.writes + writes, act));
        }
        act(world);
        let seconds = world.rng.up_to(45);
        world.wait(seconds);
        check_status(world);
        world.create_services();
    }
    world.interruption = None;
}

/// A life with less in it than its seed says.
pub(crate) fn live_with(seed: u64, tracing: bool, less: &Less) -> World {
    let mut rng = Rng::new(seed);
    let mut manifest = rollout(&mut rng);
    // Chance of their own: the other lives stay what they were.
    let mut plugs = Rng::new(!seed);
    let plugged = plugs.one_in(4);
    if plugged {
        give_plugins(&mut plugs, &mut manifest["spec"]["strategy"]);
    }
    less.simplify(&mut manifest);
    let mut world = World::new(manifest);
    world.tracing = tracing;
    world.faults = less.calm(faults(&mut rng));
    world.ready_after = rng.up_to(5);
    measure(&mut world, &mut rng);
    if plugged {
        plug(&mut world, &mut plugs);
    }
    if rng.one_in(5) {
        let metric = *rng.pick(&[Metric::Utilization, Metric::ExternalAverage]);
        world.scaler = Some(Scaler::new(metric, (1 + rng.up_to(9)) * POD, world.now));
    }
    let acts = rng.up_to(6);
    world.rng = rng;
    world.another_clock();
    world.create_services();
    world.wait(3);
    act_out(&mut world, (seed, acts), less, somebody_acts);
    world.scaler = None;
    world.faults.lost_answers = 0;
    world.refusals.of.clear();
    recover_pods(&mut world);
    answer_well(&mut world);
    world.wait(2_000);
    check_rest(&mut world);
    if world.broken.is_empty() && world.rng.one_in(3) {
        abort_at_rest(&mut world);
    }
    if world.broken.is_empty() {
        recover(&mut world);
    }
    world
}

/// What must hold of every status that users can read.
pub(crate) fn check_status(world: &mut World) {
    let status = world.current().status;
    let steps = world.rollout["spec"]["strategy"]["canary"]["steps"]
        .as_array()
        .map_or(0, Vec::len);
    let index = status
        .current_step_index
        .map_or(0, |index| usize::try_from(index).unwrap_or(usize::MAX));
    let generation = world.rollout["metadata"]["generation"].to_string();
    // Of an invalid spec, such as one whose Service is gone, nothing is made.
    let valid = !status.message.starts_with("InvalidSpec");
    if index > steps && valid && status.observed_generation == generation {
        world.break_rule(format!("step {index} of {steps}"));
    }
    if status.phase == "Healthy" && status.stable_rs != status.current_pod_hash {
        world.break_rule("6: Healthy before the newest revision is stable".to_owned());
    }
}

/// Invariant 7: the spec rests and the world rests, so the plan is empty and no wake repeats for ever.
pub(crate) fn check_rest(world: &mut World) {
    let writes = world.writes;
    let plan = world.look();
    if !plan.is_empty() || world.writes != writes {
        world.break_rule(format!("7: not at rest: {plan:?}"));
    }
    // A router plugin is told again from time to time.
    if let Some(wake) = plan.wake.filter(|wake| wake.why != WakeReason::RouterPlugin) {
        world.break_rule(format!("7: a wake is left after all came to rest: {wake:?}"));
    }
    check_stable_at_rest(world);
    check_metadata_at_rest(world);
    world.check_runs_at_rest();
    let phase = world.current().status.phase;
    // An update that was sent to sleep waits for pods (decision 42).
    let status = world.current().status;
    let asleep = world.rollout["spec"]["replicas"] == 0 && status.stable_rs != status.current_pod_hash;
    // Where old pods may not go because others are not available, a restart is never over.
    let restarts = restarts(world)
        && world
            .sets
            .iter()
            .any(|set| set.available(world.now) < set.object.replicas);
    if !asleep && !is_measuring(world) && !["Healthy", "Paused", "Degraded"].contains(&phase.as_str()) && !restarts {
        world.break_rule(format!("7: rests in phase {phase}: {}", world.current().status.message));
    }
}

/// The pods of what serves carry its metadata, and none of what is tested (contract 03 §11).
fn check_metadata_at_rest(world: &mut World) {
    let rollout = world.current();
    let strategy = &world.rollout["spec"]["strategy"];
    let serves = [
        &strategy["canary"]["stableMetadata"],
        &strategy["blueGreen"]["activeMetadata"],
    ];
    let tested = [
        &strategy["canary"]["canaryMetadata"],
        &strategy["blueGreen"]["previewMetadata"],
    ];
    let given = |fields: [&Value; 2]| {
        let role = fields.iter().find_map(|field| field["labels"]["role"].as_str());
        role.map(str::to_owned)
    };
    let (serves, tested) = (given(serves), given(tested));
    if (serves.is_none() && tested.is_none()) || rollout.status.message.starts_with("InvalidSpec") {
        return;
    }
    let stable = world
        .sets
        .iter()
        .find(|set| set.object.hash() == rollout.status.stable_rs);
    let wrong = stable
        .into_iter()
        .flat_map(|set| &set.pods)
        .find(|pod| pod.injected.labels.get("role") != serves.as_ref());
    if let Some(pod) = wrong {
        let carries = pod.injected.labels.clone();
        world.break_rule(format!(
            "pods of stable rest with {carries:?}, and not with role {serves:?}"
        ));
    }
}

/// A restart is under way, or waits for its pods.
fn restarts(world: &World) -> bool {
    let rollout = world.current();
    rollout.spec.restart_at != rollout.status.restarted_at
}

/// Stable of blue-green has all its pods, and where stable is well, what people use leads to one revision alone. Nothing
/// is mended of a spec that is invalid, and no Service of what is paused by hand (contract 04 §5).
fn check_stable_at_rest(world: &mut World) {
    let rollout = world.current();
    let stable = world
        .sets
        .iter()
        .find(|set| set.object.hash() == rollout.status.stable_rs);
    let Some(stable) = stable.filter(|_| !rollout.status.message.starts_with("InvalidSpec")) else {
        return;
    };
    let (size, available) = (stable.object.replicas, stable.available(world.now));
    let wanted = rollout.spec.replicas.unwrap_or(1);
    if rollout.spec.strategy.blue_green.is_some() && size != wanted && !restarts(world) {
        world.break_rule(format!("5: stable rests at {size} of {wanted} pods"));
    }
    let named = world.named_services();
    for name in ["active", "stable"] {
        let lost = named.iter().any(|named| named == name) && world.selected(name).is_empty();
        if lost && available >= size.max(1) && !rollout.spec.paused {
            world.break_rule(format!("4: Service {name} leads to every revision at rest"));
        }
    }
}

/// A canary that cannot begin, by contract 03 §3: while superseded revisions have pods stable is not drained, whose pods
/// are all dead; theirs may not go, because they are what is left available; and together they are as many as maxSurge
/// allows.
fn stable_takes_all_room(world: &World) -> bool {
    let rollout = world.current();
    let Some(canary) = &rollout.spec.strategy.canary else {
        return false;
    };
    let replicas = rollout.spec.replicas.unwrap_or(1);
    let limits = serin_core::meaning::fenceposts(canary, replicas);
    let has_part = |hash: &str| hash == rollout.status.stable_rs || hash == rollout.status.current_pod_hash;
    let dead = |set: &Set| set.object.replicas > 0 && set.available(world.now) == 0;
    let mut sets = world.sets.iter();
    let stable = sets.find(|set| set.object.hash() == rollout.status.stable_rs);
    let mut sets = world.sets.iter();
    let superseded = sets.any(|set| set.object.replicas > 0 && !has_part(set.object.hash()));
    let pods: i32 = world.sets.iter().map(|set| set.object.replicas).sum();
    let available: i32 = world.sets.iter().map(|set| set.available(world.now)).sum();
    stable.is_some_and(dead)
        && superseded
        && pods >= replicas + limits.surge
        && available <= replicas - limits.unavailable
}

/// Whatever happened: a good image, resumed, retried and promoted, ends Healthy with nothing left over (invariant 8).
pub(crate) fn recover(world: &mut World) {
    world.edit(&json!({ "spec": { "paused": false } }));
    measure_well(world);
    world.set_image("web:good-9");
    world.wait(100);
    for _ in 0..12 {
        if world.current().status.phase == "Healthy" {
            break;
        }
        world.edit_status(&json!({ "abort": false }));
        // An update that began with pods sleeps while there are none (decision 42).
        let asleep = world.rollout["spec"]["replicas"] == 0;
        if asleep || world.current().status.message.contains("StableReplicaSetMissing") {
            world.promote_full();
        } else {
            world.promote();
        }
        world.wait(100);
    }
    if stable_takes_all_room(world) {
        // Pods of a stable revision that never gets ready are not taken away for others: a person makes room.
        world.edit(&json!({ "spec": { "strategy": { "canary": { "maxSurge": "300%" } } } }));
        for _ in 0..6 {
            world.edit_status(&json!({ "abort": false }));
            world.promote();
            world.wait(100);
        }
    }
    if leads_to_superseded_pods(world) {
        // The Service leads to a revision that somebody chose by hand, and stable has nothing to offer it: a person decides.
        world.promote_full();
        world.wait(200);
    }
    if world.rollout["spec"]["strategy"]["canary"]["trafficRouting"].is_object() {
        // Old pods stay for a while after the traffic has left them.
        world.wait(60);
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
    check_services_at_the_end(world);
    check_replica_sets_at_the_end(world);
    check_rest(world);
}

/// All Services of the strategy lead to what is stable, and others are let go.
fn check_services_at_the_end(world: &mut World) {
    let rollout = world.current();
    let named = world.named_services();
    // Without pods no Service of a canary is moved: there is nothing better to lead to (contract 03 §6).
    let none_wanted = rollout.spec.replicas == Some(0) && rollout.spec.strategy.canary.is_some();
    // Of ping and pong the one that plays no part stays where it is.
    let canary = rollout.spec.strategy.canary.as_ref();
    let turns = canary.and_then(|canary| canary.ping_pong.clone()).unwrap_or_default();
    let idle = if rollout.status.canary.stable_ping_pong == "ping" {
        turns.pong_service
    } else {
        turns.ping_service
    };
    let names: Vec<String> = world.services.keys().cloned().collect();
    for name in names.into_iter().filter(|name| *name != idle) {
        let selected = world.selected(&name).to_owned();
        let managed = world.services[&name].managed_by.is_some();
        let wrong = if named.contains(&name) {
            !none_wanted && (selected != rollout.status.stable_rs || !managed)
        } else {
            managed
        };
        if wrong {
            world.break_rule(format!(
                "4: Service {name} selects '{selected}' at the end, managed: {managed}"
            ));
        }
    }
}

/// What is stable runs the template of the spec, and no more old revisions are kept than asked for.
fn check_replica_sets_at_the_end(world: &mut World) {
    let rollout = world.current();
    let template = world.template().as_ref().map(Fingerprint::of);
    let stable = |set: &&Set| set.object.hash() == rollout.status.stable_rs;
    if world
        .sets
        .iter()
        .find(stable)
        .is_none_or(|set| set.object.template != template)
    {
        world.break_rule("8: what is stable at the end runs another template".to_owned());
    }
    let limit = rollout.spec.revision_history_limit_or_default();
    let old = world.sets.iter().filter(|set| !stable(set)).count();
    if i32::try_from(old).unwrap() > limit {
        world.break_rule(format!(
            "7: {old} old ReplicaSets are kept at the end, at most {limit} are wanted"
        ));
    }
}
