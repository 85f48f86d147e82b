//! Autoscalers that read `/scale`: argo-rollouts#2857, #3849, #4607, #4369, #4847, #1415, #33, kedacore/keda#6058.
//!
//! A load worth ten pods lasts. An autoscaler that is content with 10 % more or less may leave eleven pods, and no more: whatever
//! an update, a pause or an abort adds to the pods must not come back as a greater `spec.replicas`.

use serde_json::{Value, json};
use serin_world::World;
use serin_world::scalers::{Metric, POD, Scaler};

const METRICS: [Metric; 2] = [Metric::Utilization, Metric::ExternalAverage];

/// Most replicas with which a load worth ten pods is within the tolerance.
const MOST: i32 = 11;

/// A rollout of ten replicas, and an autoscaler that finds a load worth ten pods.
fn world(strategy: &Value, metric: Metric) -> World {
    let mut world = World::new(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": 10,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:good-0" }] },
            },
            "strategy": strategy,
        },
    }));
    world.create_services();
    world.wait(30);
    world.scaler = Some(Scaler::new(metric, 10 * POD, world.now));
    world.wait(60);
    world
}

/// Canaries of which one adds no pods, one the least, one the most; and blue-green.
fn strategies() -> Vec<Value> {
    let steps = json!([{ "setWeight": 30 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]);
    let canary = |surge: &str, unavailable: i32| json!({ "canary": { "maxSurge": surge, "maxUnavailable": unavailable, "steps": steps } });
    vec![
        canary("0%", 1),
        canary("10%", 0),
        canary("100%", 0),
        json!({ "blueGreen": { "activeService": "active", "previewService": "preview", "autoPromotionEnabled": false } }),
    ]
}

fn replicas(world: &World) -> i32 {
    world.current().spec.replicas.unwrap()
}

/// What the autoscaler wrote never exceeds what its tolerance permits, and stays within it.
fn assert_contained(world: &World, what: &str) {
    let trace = world.trace.join("\n");
    let wrote = &world.scaler.as_ref().unwrap().wrote;
    let most = wrote.iter().map(|(_, replicas)| *replicas).max().unwrap_or(10);
    assert!(most <= MOST, "{what}: scaled to {most} for a load of ten\n{trace}");
    let now = replicas(world);
    assert!((10..=MOST).contains(&now), "{what}: rests at {now}\n{trace}");
    assert!(world.broken.is_empty(), "{what}: {:?}\n{trace}", world.broken);
}

/// Neither side writes once all is quiet.
fn assert_at_rest(world: &mut World, what: &str) {
    let before = (world.writes, world.scaler.as_ref().unwrap().wrote.len());
    world.wait(3_600);
    let after = (world.writes, world.scaler.as_ref().unwrap().wrote.len());
    assert_eq!(before, after, "{what}: no rest\n{}", world.trace.join("\n"));
}

#[test]
fn issue_2857_a_pause_an_abort_and_updates_in_a_row_do_not_run_away() {
    for metric in METRICS {
        for strategy in strategies() {
            let what = format!("{metric:?} {strategy}");
            let mut world = world(&strategy, metric);
            world.ready_after = 20;
            world.set_image("web:good-1");
            world.wait(900);
            assert_eq!(world.current().status.phase, "Paused", "{what}");
            assert_contained(&world, &format!("{what} paused"));
            assert_at_rest(&mut world, &format!("{what} paused"));
            world.edit_status(&json!({ "abort": true }));
            world.wait(900);
            assert_eq!(world.current().status.phase, "Degraded", "{what}");
            assert_contained(&world, &format!("{what} aborted"));
            assert_at_rest(&mut world, &format!("{what} aborted"));
            for image in 2..5 {
                world.set_image(&format!("web:good-{image}"));
                world.wait(40);
            }
            world.wait(600);
            assert_contained(&world, &format!("{what} updated three times"));
            world.promote();
            world.wait(600);
            world.promote();
            world.wait(600);
            assert_eq!(
                world.current().status.phase,
                "Healthy",
                "{what}\n{}",
                world.trace.join("\n")
            );
            assert_contained(&world, &format!("{what} promoted"));
            assert_at_rest(&mut world, &format!("{what} promoted"));
        }
    }
}

/// `kubectl argo rollouts promote --full`, and pods that never become ready: both add pods without traffic.
#[test]
fn issue_3849_pods_that_serve_nobody_yet_do_not_count_twice() {
    for metric in METRICS {
        for strategy in strategies() {
            let what = format!("{metric:?} {strategy}");
            let mut world = world(&strategy, metric);
            world.set_image("web:bad-1");
            world.wait(1_800);
            assert_contained(&world, &format!("{what} with pods that never become ready"));
            world.set_image("web:good-2");
            world.wait(60);
            world.promote_full();
            world.wait(900);
            assert_eq!(
                world.current().status.phase,
                "Healthy",
                "{what}\n{}",
                world.trace.join("\n")
            );
            assert_contained(&world, &format!("{what} promoted in full"));
            assert_at_rest(&mut world, &format!("{what} promoted in full"));
        }
    }
}

/// argo-rollouts#4607, argo-rollouts#4369: the load doubles in a pause. Both revisions follow in the proportion of the step,
/// nobody is promoted, and the way back down is as orderly.
#[test]
fn issue_4607_a_load_that_doubles_in_a_pause_is_followed() {
    for metric in METRICS {
        for strategy in strategies() {
            let what = format!("{metric:?} {strategy}");
            let mut world = world(&strategy, metric);
            world.set_image("web:good-1");
            world.wait(300);
            let before = world.current().status;
            assert_eq!(before.phase, "Paused", "{what}");
            world.scaler.as_mut().unwrap().load = 20 * POD;
            world.wait(600);
            let trace = world.trace.join("\n");
            let now = replicas(&world);
            assert!(
                (19..=22).contains(&now),
                "{what}: {now} replicas for a load of twenty\n{trace}"
            );
            let status = world.current().status;
            assert_eq!(
                (status.phase.as_str(), status.current_step_index, &status.stable_rs),
                ("Paused", before.current_step_index, &before.stable_rs),
                "{what}\n{trace}"
            );
            let available: i32 = world.sets.iter().map(|set| set.available(world.now)).sum();
            assert!(available >= now, "{what}: {available} pods are available\n{trace}");
            world.scaler.as_mut().unwrap().load = 10 * POD;
            world.wait(900);
            let now = replicas(&world);
            assert!((10..=MOST).contains(&now), "{what}: {now} replicas afterwards\n{trace}");
            assert!(
                world.broken.is_empty(),
                "{what}: {:?}\n{}",
                world.broken,
                world.trace.join("\n")
            );
        }
    }
}

/// argo-rollouts#4847: a weight of which the pods round up (25 % of ten: three and eight) makes eleven pods for ten replicas.
/// KEDA's autoscaler adopts the eleven, finds twelve, and goes back after its five minutes: as often as that, and no further.
#[test]
fn issue_4847_a_weight_that_rounds_up_alternates_within_the_tolerance() {
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }]);
    let strategy = json!({ "canary": { "maxSurge": "10%", "maxUnavailable": 0, "steps": steps } });
    let mut world = world(&strategy, Metric::ExternalAverage);
    world.set_image("web:good-1");
    world.wait(3_600);
    assert_contained(&world, "a weight that rounds up");
    let wrote = world.scaler.as_ref().unwrap().wrote.len();
    assert!(
        wrote <= 2 * 3_600 / 300,
        "{wrote} changes in an hour\n{}",
        world.trace.join("\n")
    );
    assert_eq!(world.current().status.phase, "Paused");
}

/// argo-rollouts#1415: each size that the autoscaler asks for in an update keeps R − maxUnavailable pods available. The World
/// checks that at every instant; here the load goes up and down while pods take long to become ready.
#[test]
fn issue_1415_scaling_in_an_update_leaves_stable_its_pods() {
    let strategy = json!({ "canary": {
        "maxSurge": "100%", "maxUnavailable": 1, "stableService": "stable", "canaryService": "canary",
        "steps": [{ "setWeight": 50 }],
    } });
    for load in [5, 8, 13, 20] {
        let mut world = world(&strategy, Metric::ExternalAverage);
        world.ready_after = 200;
        world.set_image("web:good-1");
        world.wait(5);
        world.scaler.as_mut().unwrap().load = load * POD;
        let stable = world.behind("stable");
        assert!(stable >= 9, "{stable} pods behind stable");
        for _ in 0..400 {
            world.wait(5);
            let (serving, wanted) = (world.behind("stable"), replicas(&world));
            assert!(
                serving >= 4.min(wanted - 1),
                "{serving} of {wanted} behind stable\n{}",
                world.trace.join("\n")
            );
        }
        assert_eq!(world.current().status.phase, "Healthy", "{}", world.trace.join("\n"));
        assert!(
            world.broken.is_empty(),
            "{:?}\n{}",
            world.broken,
            world.trace.join("\n")
        );
    }
}

/// The mechanism of argo-rollouts#2857 and #4847 is in the model: within its tolerance KEDA's autoscaler adopts what `/scale` says
/// that there is, so a `/scale` that told of more pods than are wanted would be followed.
#[test]
fn the_model_adopts_what_scale_tells_within_the_tolerance() {
    let strategy = json!({ "canary": { "maxSurge": "10%", "maxUnavailable": 0, "steps": [{ "setWeight": 25 }, { "pause": {} }] } });
    let mut world = world(&strategy, Metric::ExternalAverage);
    world.stopped = true;
    for told in [11, 12] {
        world.edit_status(&json!({ "HPAReplicas": told }));
        world.scaler.as_mut().unwrap().load = i64::from(told) * POD * 95 / 100;
        world.wait(15);
        assert_eq!(replicas(&world), told, "within the tolerance it adopts what it is told");
    }
}
