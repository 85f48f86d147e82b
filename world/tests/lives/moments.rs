//! Every moment of an update: after each of its writes in turn somebody supersedes it, goes back, or does one of the
//! other things that people do, or another controller takes over. Whatever it was, a good image ends Healthy.

use crate::life::{recover, switch_strategy};
use crate::start::four_pods;
use serde_json::{Value, json};
use serin_world::{Deed, World};

/// What may happen between any two writes.
pub(crate) const DEEDS: &[(&str, Deed)] = &[
    ("superseded", |world| world.set_image("web:good-2")),
    ("superseded by what never gets ready", |world| {
        world.set_image("web:bad-2")
    }),
    ("back to the first image", |world| world.set_image("web:good-0")),
    ("aborted", |world| world.edit_status(&json!({ "abort": true }))),
    ("promoted in full", World::promote_full),
    ("scaled up", |world| world.edit(&json!({ "spec": { "replicas": 6 } }))),
    ("scaled down", |world| world.edit(&json!({ "spec": { "replicas": 2 } }))),
    ("another strategy", switch_strategy),
    ("a ReplicaSet scaled by hand", |world| world.scale_by_hand(0, 1)),
    ("the newest ReplicaSet deleted", |world| {
        let last = world.sets.len() - 1;
        world.lose_set(last);
    }),
    ("taken over from a version that hashes otherwise", World::hash_otherwise),
    ("a default written out", World::toggle_default),
    ("Services without hash", |world| {
        for name in world.named_services() {
            world.select_by_hand(&name, None);
        }
    }),
    ("Services deleted and created again", |world| {
        for name in world.named_services() {
            world.delete_service(&name);
        }
        world.create_services();
    }),
];

fn strategies() -> [(&'static str, Value); 4] {
    let steps = json!([{ "setWeight": 25 }, { "pause": { "duration": 5 } }, { "setWeight": 60 }]);
    [
        ("canary", json!({ "canary": { "steps": steps } })),
        (
            "canary with Services",
            json!({ "canary": { "steps": steps, "stableService": "stable", "canaryService": "canary" } }),
        ),
        (
            "blue-green",
            json!({ "blueGreen": { "activeService": "active", "scaleDownDelaySeconds": 5 } }),
        ),
        (
            "blue-green with a preview",
            json!({ "blueGreen": {
                "activeService": "active", "previewService": "preview", "previewReplicaCount": 1,
                "autoPromotionSeconds": 10, "scaleDownDelaySeconds": 5, "abortScaleDownDelaySeconds": 5,
            } }),
        ),
    ]
}

/// A deployment and an update; after `writes` writes of the update `deed` happens, or another controller takes over.
fn update(strategy: &Value, lag: i64, writes: usize, deed: Option<Deed>) -> World {
    let mut world = four_pods(strategy, 30);
    world.faults.store_lag = lag;
    world.faults.controller_lag = lag;
    world.create_services();
    world.wait(30);
    let after = world.writes + writes;
    match deed {
        Some(deed) => world.interruption = Some((after, deed)),
        None => world.faults.crash_after_writes = Some(after),
    }
    world.set_image("web:good-1");
    world.wait(100);
    world
}

/// Writes of an update that nobody disturbs.
fn writes_of(name: &str, strategy: &Value) -> usize {
    let calm = update(strategy, 0, usize::MAX / 2, Some(World::promote));
    let begun = calm.trace.iter().position(|line| line.contains("web:good-1"));
    let written =
        |line: &&String| line.contains("s patch ") || line.contains("s create ") || line.contains("s status ");
    let writes = calm.trace[begun.expect("an update")..].iter().filter(written).count();
    assert!(writes > 4, "{name}: an update worth disturbing: {writes} writes");
    writes
}

#[test]
fn every_moment_of_an_update() {
    let mut moments = 0;
    for (name, strategy) in &strategies() {
        let writes = writes_of(name, strategy);
        let others = std::iter::once(("another controller", None));
        for (what, deed) in DEEDS.iter().map(|(what, deed)| (*what, Some(*deed))).chain(others) {
            for (after, lag) in (1..=writes).flat_map(|after| [(after, 0), (after, 2)]) {
                let mut world = update(strategy, lag, after, deed);
                assert!(world.interruption.is_none() || lag > 0, "{name}, {what}: it happened");
                world.interruption = None;
                recover(&mut world);
                let trace = world.trace.join("\n");
                assert!(
                    world.broken.is_empty(),
                    "{name}, {what} after write {after}, stores {lag} s late: {:?}\n{trace}",
                    world.broken
                );
                moments += 1;
            }
        }
    }
    println!("{moments} moments");
}

/// What does not say that the new revision is good.
const NO_PROMOTION: &[(&str, Deed)] = &[
    ("superseded", |world| world.set_image("web:good-2")),
    ("superseded by what never gets ready", |world| {
        world.set_image("web:bad-2")
    }),
    ("aborted", |world| world.edit_status(&json!({ "abort": true }))),
    ("aborted and retried", |world| {
        world.edit_status(&json!({ "abort": true }));
        world.edit_status(&json!({ "abort": false }));
    }),
    ("paused and resumed by hand", |world| {
        world.edit(&json!({ "spec": { "paused": true } }));
        world.edit(&json!({ "spec": { "paused": false } }));
    }),
    ("scaled to none and back", |world| {
        world.edit(&json!({ "spec": { "replicas": 0 } }));
        world.edit(&json!({ "spec": { "replicas": 3 } }));
    }),
    ("sent to sleep", |world| {
        world.edit(&json!({ "spec": { "replicas": 0 } }));
    }),
    ("scaled up", |world| world.edit(&json!({ "spec": { "replicas": 6 } }))),
    ("the stable ReplicaSet scaled by hand", |world| {
        world.scale_by_hand(0, 0)
    }),
    ("the stable ReplicaSet deleted", |world| world.lose_set(0)),
    ("the newest ReplicaSet deleted", |world| {
        let last = world.sets.len() - 1;
        world.lose_set(last);
    }),
    ("annotations taken away", |world| {
        for index in 0..world.sets.len() {
            world.strip_annotations(index);
        }
    }),
    ("taken over from a version that hashes otherwise", World::hash_otherwise),
    ("a default written out", World::toggle_default),
    ("Services without hash", |world| {
        for name in world.named_services() {
            world.select_by_hand(&name, None);
        }
    }),
    ("Services that select nothing", |world| {
        for name in world.named_services() {
            world.select_by_hand(&name, Some("nobody"));
        }
    }),
    ("Services deleted and created again", |world| {
        for name in world.named_services() {
            world.delete_service(&name);
        }
        world.create_services();
    }),
];

/// Invariant 6: whatever happens, nothing but a person promotes what waits for one.
#[test]
fn nobody_promotes_but_a_person() {
    let strategies = [
        (
            "canary",
            json!({ "canary": { "steps": [{ "setWeight": 25 }, { "pause": {} }], "stableService": "stable" } }),
        ),
        (
            "blue-green",
            json!({ "blueGreen": { "activeService": "active", "autoPromotionEnabled": false } }),
        ),
        (
            "blue-green with a preview",
            json!({ "blueGreen": {
                "activeService": "active", "previewService": "preview", "previewReplicaCount": 1,
                "autoPromotionEnabled": false, "scaleDownDelaySeconds": 5, "abortScaleDownDelaySeconds": 5,
            } }),
        ),
    ];
    let mut moments = 0;
    for (name, strategy) in &strategies {
        let writes = writes_of(name, strategy);
        let others = std::iter::once(("another controller", None));
        for (what, deed) in NO_PROMOTION
            .iter()
            .map(|(what, deed)| (*what, Some(*deed)))
            .chain(others)
        {
            for (after, lag) in (1..=writes).flat_map(|after| [(after, 0), (after, 2)]) {
                let mut world = update(strategy, lag, after, deed);
                world.wait(300);
                let told = || format!("{name}, {what} after write {after}, stores {lag} s late");
                let stable = world.current().status.stable_rs;
                let serving = ["active", "stable"].map(|service| world.selected(service).to_owned());
                for hash in serving.iter().chain([&stable]) {
                    let set = world.sets.iter().find(|set| set.object.hash() == hash);
                    let first = set.is_none_or(|set| set.made.template.as_str().contains("web:good-0"));
                    assert!(first, "{}: {hash} was promoted\n{}", told(), world.trace.join("\n"));
                }
                assert!(
                    world.broken.is_empty(),
                    "{}: {:?}\n{}",
                    told(),
                    world.broken,
                    world.trace.join("\n")
                );
                moments += 1;
            }
        }
    }
    println!("{moments} moments in which nobody promotes");
}

/// Decision 42: a timed pause begins anew with the pods, whichever write the controller dies after while it makes them.
#[test]
fn a_pause_begins_anew_although_the_controller_dies() {
    let strategies = [
        json!({ "canary": { "steps": [{ "setWeight": 25 }, { "pause": { "duration": 60 } }, { "pause": {} }] } }),
        json!({ "blueGreen": { "activeService": "active", "autoPromotionSeconds": 60 } }),
    ];
    for strategy in &strategies {
        for (after, lag) in (1..=6).flat_map(|after| [(after, 0), (after, 2)]) {
            let mut world = four_pods(strategy, 600);
            world.faults.store_lag = lag;
            world.create_services();
            world.wait(30);
            world.set_image("web:good-1");
            world.wait(30);
            world.edit(&json!({ "spec": { "replicas": 0 } }));
            world.wait(300);
            let before = world.current().status;
            assert_eq!(before.pause_conditions.len(), 1, "{strategy}: it sleeps in its pause");
            world.faults.crash_after_writes = Some(world.writes + after);
            world.edit(&json!({ "spec": { "replicas": 4 } }));
            let told = |world: &World| format!("{strategy}, after write {after}: {}", world.trace.join("\n"));
            world.wait(50);
            let status = world.current().status;
            let waits = (
                status.current_step_index,
                &status.stable_rs,
                status.pause_conditions.len(),
            );
            let expected = (before.current_step_index, &before.stable_rs, 1);
            assert_eq!(waits, expected, "{}", told(&world));
            world.wait(60);
            let status = world.current().status;
            let went_on =
                status.current_step_index != before.current_step_index || status.stable_rs != before.stable_rs;
            assert!(went_on, "{}", told(&world));
            assert!(world.broken.is_empty(), "{:?} {}", world.broken, told(&world));
        }
    }
}
