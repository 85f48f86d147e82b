//! Every moment of an update: after each of its writes in turn somebody supersedes it, goes back, or does one of the
//! other things that people do, or another controller takes over. Whatever it was, a good image ends Healthy.

use crate::life::{recover, switch_strategy};
use crate::world::{Deed, World};
use serde_json::{Value, json};

/// What may happen between any two writes.
const DEEDS: &[(&str, Deed)] = &[
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
    let mut world = World::new(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": 4,
            "progressDeadlineSeconds": 30,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:good-0" }] },
            },
            "strategy": strategy,
        },
    }));
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

#[test]
fn every_moment_of_an_update() {
    let mut moments = 0;
    for (name, strategy) in &strategies() {
        let calm = update(strategy, 0, usize::MAX / 2, Some(World::promote));
        let begun = calm
            .trace
            .iter()
            .position(|line| line.contains("web:good-1"))
            .expect("an update");
        let writes = calm.trace[begun..]
            .iter()
            .filter(|line| line.contains("s patch ") || line.contains("s create ") || line.contains("s status "))
            .count();
        assert!(writes > 6, "{name}: an update worth disturbing: {writes} writes");
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
