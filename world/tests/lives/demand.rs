//! Moments that stories cannot list one by one: what users of Argo Rollouts reported, at every second and between any two
//! writes. Each test names the issue or pull request; `docs/demand.md` lists them all.

use serde_json::{Value, json};
use serin_world::{Deed, World};

fn world(spec: &Value) -> World {
    let mut manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web" },
        "spec": {
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:good-0" }] },
            },
        },
    });
    serin_world::merge(&mut manifest["spec"], spec);
    let mut world = World::new(manifest);
    world.create_services();
    world.wait(30);
    world
}

/// A canary of four with three weights and timed pauses between them.
fn canary() -> Value {
    let steps = json!([
        { "setWeight": 25 }, { "pause": { "duration": 10 } },
        { "setWeight": 50 }, { "pause": { "duration": 10 } },
        { "setWeight": 75 }, { "pause": { "duration": 10 } },
    ]);
    json!({ "replicas": 4, "strategy": { "canary": { "maxSurge": 1, "maxUnavailable": 0, "steps": steps } } })
}

fn blue_green() -> Value {
    let blue_green = json!({ "activeService": "active", "previewService": "preview", "autoPromotionSeconds": 10, "scaleDownDelaySeconds": 5 });
    json!({ "replicas": 4, "strategy": { "blueGreen": blue_green } })
}

/// The image that was asked for last serves with all of its pods, and nothing else has any.
fn assert_arrived(world: &World, what: &str) {
    let trace = world.trace.join("\n");
    let status = world.current().status;
    assert_eq!(
        (status.phase.as_str(), &status.stable_rs),
        ("Healthy", &status.current_pod_hash),
        "{what}: {}\n{trace}",
        status.message
    );
    let pods: Vec<_> = world.sets.iter().filter(|set| !set.pods.is_empty()).collect();
    let shown = pods.first().map(|set| (set.object.hash(), set.available(world.now)));
    assert_eq!(
        (pods.len(), shown),
        (1, Some((status.stable_rs.as_str(), 4))),
        "{what}\n{trace}"
    );
    assert!(world.broken.is_empty(), "{what}: {:?}\n{trace}", world.broken);
}

/// How often the pods of a revision were added to.
fn grown(world: &World, revision: i64) -> usize {
    let told = format!("(revision {revision})");
    let texts = world.events.iter().map(|event| event.news.to_string());
    texts
        .filter(|text| text.starts_with("Scaled up") && text.contains(&told))
        .count()
}

/// argo-rollouts#3331, #3354, #1677, #1372: the third revision comes at any second of the second's update. It arrives, from the
/// first step on, and the one between goes; argo-rollouts#1852: that one is never given pods again.
#[test]
fn issue_3331_a_new_revision_at_any_second_of_an_update() {
    for (spec, image) in [
        (canary(), "web:good-1"),
        (canary(), "web:bad-1"),
        (blue_green(), "web:good-1"),
        (blue_green(), "web:bad-1"),
    ] {
        for second in 0..50 {
            let what = format!("{image} superseded after {second} s, {spec}");
            let mut world = world(&spec);
            world.set_image(image);
            world.wait(second);
            if world.current().status.phase == "Healthy" {
                continue;
            }
            let before = grown(&world, 2);
            world.set_image("web:good-2");
            world.wait(150);
            assert_arrived(&world, &what);
            assert_eq!(
                grown(&world, 2),
                before,
                "{what}: revision 2 gets pods again\n{}",
                world.trace.join("\n")
            );
        }
    }
}

/// argo-rollouts#2939: back to stable at any second of an update, no step on the way and no pause.
#[test]
fn issue_2939_back_to_stable_at_any_second_of_an_update() {
    for spec in [canary(), blue_green()] {
        for second in 0..50 {
            let what = format!("taken back after {second} s, {spec}");
            let mut world = world(&spec);
            world.set_image("web:good-1");
            world.wait(second);
            if world.current().status.phase == "Healthy" {
                continue;
            }
            world.set_image("web:good-0");
            for _ in 0..60 {
                world.wait(1);
                let phase = world.current().status.phase;
                assert_ne!(phase, "Paused", "{what}\n{}", world.trace.join("\n"));
            }
            assert_arrived(&world, &what);
        }
    }
}

/// argo-rollouts#4221: a restart and a scale-down in one reconcile took a pod each, where one may be unavailable.
#[test]
fn issue_4221_a_restart_at_any_second_of_an_update_shares_its_budget() {
    for second in 0..50 {
        let mut spec = canary();
        spec["strategy"]["canary"]["maxUnavailable"] = 1.into();
        let mut world = world(&spec);
        world.ready_after = 5;
        world.set_image("web:good-1");
        world.wait(second);
        world.restart();
        for _ in 0..200 {
            world.wait(1);
            let available: i32 = world.sets.iter().map(|set| set.available(world.now)).sum();
            assert!(
                available >= 3,
                "after {second} s: {available} of 4\n{}",
                world.trace.join("\n")
            );
        }
        assert_arrived(&world, &format!("restarted after {second} s"));
    }
}

/// Somebody acts after each single write of an update, and the stores lag: returns how many writes there were.
fn between_any_two_writes(spec: &Value, deed: Deed) {
    let writes = {
        let mut world = world(spec);
        let before = world.writes;
        world.set_image("web:good-1");
        world.wait(150);
        world.writes - before
    };
    assert!(writes > 8, "an update worth disturbing: {writes} writes");
    for lag in [0, 2] {
        for after in 1..=writes {
            let what = format!("after write {after} of {writes}, with stores up to {lag} s late, {spec}");
            let mut world = world(spec);
            world.faults.store_lag = lag;
            world.interruption = Some((world.writes + after, deed));
            world.set_image("web:good-1");
            world.wait(300);
            assert_arrived(&world, &what);
            assert!(!world.current().status.abort, "{what}");
        }
    }
}

/// argo-rollouts#1904, #3080, #2522, #5052: somebody else writes the Rollout while it is reconciled, so that the next write
/// is refused with 409. The update goes on, and is not aborted.
#[test]
fn issue_3080_another_writer_of_the_rollout_between_any_two_writes() {
    for spec in [canary(), blue_green()] {
        between_any_two_writes(&spec, |world| {
            world.edit(&json!({ "metadata": { "annotations": { "team": "shop" } } }));
        });
    }
}

/// argo-rollouts#3200, #3091, #3321, #3559, #4044: somebody else writes a ReplicaSet while the rollout is reconciled.
#[test]
fn issue_3200_another_writer_of_replica_sets_between_any_two_writes() {
    for spec in [canary(), blue_green()] {
        between_any_two_writes(&spec, |world| {
            for index in 0..world.sets.len() {
                world.annotate_by_hand(index, "team", Some("shop"));
            }
        });
    }
}

/// argo-rollouts#4784, #4786: what a person does while a reconcile is under way is not overwritten by what it knew before.
#[test]
fn issue_4786_a_person_who_resumes_between_any_two_writes_is_heard() {
    for spec in [canary(), blue_green()] {
        for after in 1..6 {
            for lag in [0, 2] {
                let mut world = world(&spec);
                world.faults.store_lag = lag;
                world.set_image("web:good-1");
                world.wait(4);
                world.interruption = Some((world.writes + after, |world| {
                    world.edit(&json!({ "spec": { "paused": false } }));
                }));
                world.edit(&json!({ "spec": { "paused": true } }));
                world.wait(300);
                let what = format!("resumed after write {after}, with stores up to {lag} s late, {spec}");
                if world.interruption.is_some() {
                    // There were not so many writes: it is paused, as it was asked to be.
                    assert_eq!(
                        world.current().status.phase,
                        "Paused",
                        "{what}\n{}",
                        world.trace.join("\n")
                    );
                    world.edit(&json!({ "spec": { "paused": false } }));
                    world.wait(150);
                }
                assert_arrived(&world, &what);
            }
        }
    }
}
