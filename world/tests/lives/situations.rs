//! Situations in which somebody asks a rollout for something: the same world each time.

use crate::start::four_pods;
use serde_json::{Value, json};
use serin_world::World;
use std::fmt;

/// A strategy, and what happened to a rollout with it.
pub(crate) struct Situation {
    strategy: &'static str,
    spec: Value,
    name: &'static str,
    happened: fn(&mut World),
    /// What must hold there, so that the situation is the one of the name.
    holds: fn(&World) -> bool,
}

impl fmt::Display for Situation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {}", self.strategy, self.name)
    }
}

impl Situation {
    /// Builds it.
    pub(crate) fn world(&self) -> World {
        let mut world = four_pods(&self.spec, 60);
        world.ready_after = 5;
        world.create_services();
        (self.happened)(&mut world);
        assert!(
            (self.holds)(&world),
            "{self}: the situation is another\n{}\n{:#}",
            world.trace.join("\n"),
            world.rollout["status"]
        );
        world
    }
}

type Story = (&'static str, fn(&mut World), fn(&World) -> bool);

/// Those of every strategy.
const COMMON: [Story; 14] = [
    ("never looked at", |_| {}, |world| world.rollout.get("status").is_none()),
    (
        "first deployment under way",
        |world| world.wait(2),
        |world| is(world, "Progressing"),
    ),
    ("first deployment never gets ready", first_is_bad, |world| {
        is(world, "Degraded")
    }),
    ("healthy", healthy, |world| is(world, "Healthy")),
    (
        "healthy, paused by a person",
        |world| {
            healthy(world);
            pause(world);
            world.wait(30);
        },
        |world| world.current().spec.paused,
    ),
    (
        "healthy, scaled to none",
        |world| {
            healthy(world);
            world.edit(&json!({ "spec": { "replicas": 0 } }));
            world.wait(30);
        },
        |world| is(world, "Healthy"),
    ),
    (
        "update not looked at",
        |world| {
            healthy(world);
            world.set_image("web:good-1");
        },
        |world| is(world, "Healthy") && !updating(world),
    ),
    ("moving pods", moving, |world| {
        is(world, "Progressing") && updating(world)
    }),
    (
        "moving pods, paused by a person",
        |world| {
            moving(world);
            pause(world);
            world.wait(1);
        },
        |world| updating(world) && world.current().spec.paused,
    ),
    (
        "moving pods, aborted",
        |world| {
            moving(world);
            world.edit_status(&json!({ "abort": true }));
            world.wait(1);
        },
        aborted,
    ),
    (
        "pods being restarted",
        |world| {
            healthy(world);
            let at = world.now.to_string();
            world.edit(&json!({ "spec": { "restartAt": at } }));
            world.wait(2);
        },
        |world| world.current().spec.restart_at != world.current().status.restarted_at,
    ),
    (
        "update never gets ready",
        |world| {
            healthy(world);
            world.set_image("web:bad-1");
            world.wait(200);
        },
        |world| is(world, "Degraded") && updating(world),
    ),
    (
        "promotion in full under way",
        |world| {
            moving(world);
            world.promote_full();
            world.wait(1);
        },
        |world| world.current().status.promote_full && updating(world),
    ),
    (
        "promoted in full",
        |world| {
            moving(world);
            world.promote_full();
            world.wait(300);
        },
        |world| is(world, "Healthy") && !updating(world),
    ),
];

/// Those of strategies that pause.
const PAUSED: [Story; 5] = [
    ("paused", paused, at_pause),
    (
        "paused, and by a person",
        |world| {
            paused(world);
            pause(world);
            world.wait(3);
        },
        |world| at_pause(world) && world.current().spec.paused,
    ),
    (
        "paused, aborted",
        |world| {
            paused(world);
            world.edit_status(&json!({ "abort": true }));
            world.wait(100);
        },
        aborted,
    ),
    (
        "aborted, and paused by a person",
        |world| {
            paused(world);
            world.edit_status(&json!({ "abort": true }));
            world.wait(100);
            pause(world);
            world.wait(3);
        },
        |world| aborted(world) && world.current().spec.paused,
    ),
    (
        "paused, superseded",
        |world| {
            paused(world);
            world.set_image("web:good-2");
            world.wait(2);
        },
        updating,
    ),
];

/// Those of a canary with steps.
const STEPS: [Story; 4] = [
    (
        "at the second setWeight",
        |world| {
            paused(world);
            world.promote();
            world.wait(2);
        },
        |world| step(world) == Some(2),
    ),
    (
        "in a pause with an end",
        |world| {
            paused(world);
            world.promote();
            world.wait(12);
        },
        |world| step(world) == Some(3) && at_pause(world),
    ),
    (
        "at the last step",
        |world| {
            paused(world);
            world.promote();
            world.wait(60);
        },
        |world| step(world) == Some(4) && at_pause(world),
    ),
    (
        "past the last step",
        |world| {
            paused(world);
            world.promote();
            world.wait(60);
            world.promote();
            world.wait(1);
        },
        |world| step(world) == Some(5) && updating(world),
    ),
];

/// All situations.
pub(crate) fn situations() -> Vec<Situation> {
    let steps = json!([
        { "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": { "duration": 20 } }, { "pause": {} },
    ]);
    let canary = json!({ "canary": { "steps": steps, "stableService": "stable", "canaryService": "canary" } });
    let manual = json!({ "blueGreen": {
        "activeService": "active", "previewService": "preview", "previewReplicaCount": 1,
        "autoPromotionEnabled": false, "scaleDownDelaySeconds": 15, "abortScaleDownDelaySeconds": 5,
    } });
    let strategies: [(&str, Value, &[&[Story]]); 4] = [
        ("canary with steps", canary, &[&COMMON, &PAUSED, &STEPS]),
        (
            "canary without steps",
            json!({ "canary": { "maxSurge": 1 } }),
            &[&COMMON],
        ),
        ("blue-green promoted by hand", manual, &[&COMMON, &PAUSED]),
        (
            "blue-green",
            json!({ "blueGreen": { "activeService": "active", "scaleDownDelaySeconds": 15 } }),
            &[&COMMON],
        ),
    ];
    let mut situations = Vec::new();
    for (strategy, spec, groups) in strategies {
        for (name, happened, holds) in groups.iter().copied().flatten().copied() {
            situations.push(Situation {
                strategy,
                spec: spec.clone(),
                name,
                happened,
                holds,
            });
        }
    }
    situations
}

fn healthy(world: &mut World) {
    world.wait(100);
}

fn first_is_bad(world: &mut World) {
    world.set_image("web:bad-0");
    world.wait(200);
}

/// The pods of an update are made and not yet ready.
fn moving(world: &mut World) {
    healthy(world);
    world.set_image("web:good-1");
    world.wait(2);
}

/// The update waits for a person.
fn paused(world: &mut World) {
    healthy(world);
    world.set_image("web:good-1");
    world.wait(40);
}

fn pause(world: &mut World) {
    world.edit(&json!({ "spec": { "paused": true } }));
}

fn is(world: &World, phase: &str) -> bool {
    world.current().status.phase == phase
}

fn updating(world: &World) -> bool {
    let status = world.current().status;
    status.current_pod_hash != status.stable_rs
}

fn at_pause(world: &World) -> bool {
    !world.current().status.pause_conditions.is_empty()
}

fn aborted(world: &World) -> bool {
    world.current().status.abort && updating(world)
}

fn step(world: &World) -> Option<i32> {
    world.current().status.current_step_index
}
