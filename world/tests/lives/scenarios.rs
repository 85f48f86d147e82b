//! Situations in which Argo Rollouts was seen to be unsafe or to spin (contract 11 B and C), built exactly; each test
//! says how it would fail with that behaviour.

use serde_json::{Value, json};
use serin_core::plan::Event;
use serin_world::World;

fn world(replicas: i32, strategy: &Value, image: &str) -> World {
    let mut world = World::new(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": 600,
            "rollbackWindow": { "revisions": 3 },
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": image }] },
            },
            "strategy": strategy,
        },
    }));
    world.create_services();
    world.wait(30);
    world
}

fn assert_whole(world: &World) {
    let trace = world.trace.join("\n");
    assert!(world.broken.is_empty(), "{:?}\n{trace}", world.broken);
}

/// Lets time pass second by second; the least number of available pods behind a Service at any of them.
fn least_behind(world: &mut World, service: &str, seconds: i64) -> i32 {
    let mut least = i32::MAX;
    for _ in 0..seconds {
        world.wait(1);
        least = least.min(world.behind(service));
    }
    least
}

fn sent(world: &World, reason: &str) -> usize {
    let is = |event: &&Event| event.news.reason() == reason;
    world.events.iter().filter(is).count()
}

/// Contract 11 B1. Upstream takes the last old pods away first and moves the stable Service at promotion: with pods
/// that need a minute it would lead to nothing for that minute, and the least here would be 0.
#[test]
fn b1_the_stable_service_of_a_basic_canary_is_never_empty() {
    for steps in [json!([]), json!([{ "setWeight": 50 }])] {
        let strategy = json!({ "canary": { "stableService": "stable", "steps": steps } });
        let mut world = world(4, &strategy, "web:good-0");
        let old = world.selected("stable").to_owned();
        assert_eq!(world.behind("stable"), 4, "the first deployment is served");
        world.ready_after = 60;
        world.set_image("web:good-1");
        let least = least_behind(&mut world, "stable", 600);
        assert!(least >= 1, "stable Service empty\n{}", world.trace.join("\n"));
        let status = world.current().status;
        assert_eq!((&*status.phase, world.behind("stable")), ("Healthy", 4));
        assert!(world.selected("stable") == status.stable_rs && old != status.stable_rs);
        assert_whole(&world);
    }
}

/// Contract 11 B2: v1 is applied again when its ReplicaSet has just been set to 0, its pods are gone, and its status
/// does not say so yet. Upstream believes those two available pods and switches the active Service at once: the least
/// here would be 0, and `RolloutCompleted` would come before the pods.
#[test]
fn b2_a_rollback_into_a_scale_down_waits_for_pods() {
    let strategy = json!({ "blueGreen": { "activeService": "active", "scaleDownDelaySeconds": 10 } });
    let mut world = world(2, &strategy, "web:good-0");
    let first = world.selected("active").to_owned();
    world.controller_late = 1;
    world.ready_after = 20;
    world.set_image("web:good-1");
    for _ in 0..600 {
        let going = world
            .sets
            .iter()
            .any(|set| set.object.hash() == first && set.object.replicas == 0);
        if going {
            break;
        }
        world.pass(jiff::SignedDuration::from_millis(100));
    }
    let index = world
        .sets
        .iter()
        .position(|set| set.object.hash() == first)
        .expect("the first");
    world.sets[index].silent_until = world.now.checked_add(jiff::SignedDuration::from_secs(6)).ok();
    world.wait(2);
    let set = &world.sets[index];
    assert_eq!(
        (set.object.replicas, set.pods.len(), set.object.available_replicas),
        (0, 0, 2),
        "a stale status"
    );
    let completed = sent(&world, "RolloutCompleted");
    world.set_image("web:good-0");
    let mut least = i32::MAX;
    for _ in 0..120 {
        world.wait(1);
        least = least.min(world.behind("active"));
        let early = sent(&world, "RolloutCompleted") > completed && world.sets[index].available(world.now) < 2;
        assert!(
            !early,
            "completed before its pods are there\n{}",
            world.trace.join("\n")
        );
    }
    assert!(least >= 2, "active Service at {least} of 2\n{}", world.trace.join("\n"));
    assert_eq!(world.selected("active"), first, "it went back in the end");
    assert_eq!(world.current().status.phase, "Healthy");
    assert_whole(&world);
}

/// Contract 11 B6: upstream takes the missing stable for a first deployment: the paused canary would become stable and
/// grow to four pods, `RolloutCompleted` would be sent a second time.
#[test]
fn b6_a_canary_is_not_promoted_because_stable_is_gone() {
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 60 }]);
    let mut world = world(4, &json!({ "canary": { "steps": steps } }), "web:good-0");
    world.set_image("web:good-1");
    world.wait(30);
    let before = world.current().status;
    assert_eq!((&*before.phase, before.current_step_index), ("Paused", Some(1)));
    let stable = world
        .sets
        .iter()
        .position(|set| set.object.hash() == before.stable_rs)
        .expect("stable");
    world.lose_set(stable);
    let writes = world.writes;
    world.wait(3_600);
    let after = world.current().status;
    assert_eq!(after.stable_rs, before.stable_rs, "what is stable is not forgotten");
    assert_eq!(
        after.current_step_index, before.current_step_index,
        "no step is skipped"
    );
    assert_eq!(after.phase, "Degraded");
    assert!(
        after.message.contains("promote --full"),
        "it says what to do: {}",
        after.message
    );
    assert_eq!(
        world.sets.iter().map(|set| set.object.replicas).sum::<i32>(),
        1,
        "the canary stays as it is"
    );
    assert_eq!(sent(&world, "RolloutCompleted"), 1, "only the first deployment");
    assert!(
        world.writes - writes <= 2,
        "said once: {} writes",
        world.writes - writes
    );
    world.promote_full();
    world.wait(60);
    assert_eq!(world.current().status.phase, "Healthy", "a person may accept it");
    assert_whole(&world);
}

/// Contract 11 C2: upstream reconciles about a thousand times a second, and leaves the old pods up for ever: the reconciles of
/// the hour at rest would be in the millions, and the pods eight.
#[test]
fn c2_no_delay_is_no_busy_loop() {
    let strategy = json!({ "blueGreen": { "activeService": "active", "scaleDownDelaySeconds": 0 } });
    let mut world = world(4, &strategy, "web:good-0");
    let looks = world.looks;
    world.set_image("web:good-1");
    let least = least_behind(&mut world, "active", 60);
    assert!(least >= 4, "the active Service at {least} of 4");
    assert!(
        world.looks - looks < 200,
        "{} looks for one update",
        world.looks - looks
    );
    let pods: usize = world.sets.iter().map(|set| set.pods.len()).sum();
    assert_eq!(pods, 4, "old pods go once the traffic has moved");
    assert_eq!(world.current().status.phase, "Healthy");
    let (looks, writes) = (world.looks, world.writes);
    world.wait(3_600);
    assert!(world.looks - looks <= 2, "{} looks at rest", world.looks - looks);
    assert_eq!(world.writes, writes, "no writes at rest");
    assert!(world.wake.is_none(), "nothing to wait for: {:?}", world.wake);
    assert_whole(&world);
}

/// Contract 11 C4: upstream makes the mending image a canary against the broken one, at a quarter of the pods, and
/// waits in the first pause without a word: the phase here would be Paused, with one available pod.
#[test]
fn c4_what_mends_a_broken_first_deployment_waits_for_nobody() {
    let steps = json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 60 }]);
    let strategy = json!({ "canary": { "stableService": "stable", "steps": steps } });
    let mut world = world(4, &strategy, "web:bad-0");
    assert_ne!(
        world.current().status.phase,
        "Healthy",
        "the first image never gets ready"
    );
    world.set_image("web:good-1");
    world.wait(60);
    let status = world.current().status;
    assert_eq!(
        (&*status.phase, status.available_replicas),
        ("Healthy", 4),
        "{}",
        world.trace.join("\n")
    );
    assert_eq!(world.behind("stable"), 4, "its pods serve");
    let skipped = world.events.iter().find(|event| event.news.reason() == "SkipSteps");
    let told = skipped.is_some_and(|event| event.news.to_string().contains("never had an available pod"));
    assert!(told, "it says so: {:?}", world.events);
    assert_whole(&world);
}

/// Invariant 9: a version that hashes otherwise did the first two deployments. What is scaled, spelled otherwise, gone
/// back to or made again runs in the ReplicaSets there are, and no pod is replaced.
#[test]
fn what_another_version_made_is_known_by_what_it_says() {
    let steps = json!([{ "setWeight": 25 }, { "pause": { "duration": 5 } }]);
    for strategy in [
        json!({ "canary": { "stableService": "stable", "steps": steps } }),
        json!({ "blueGreen": { "activeService": "active", "scaleDownDelaySeconds": 0 } }),
    ] {
        let mut world = world(4, &strategy, "web:good-0");
        world.set_image("web:good-1");
        world.wait(60);
        world.hash_otherwise();
        let pods = |world: &World| {
            let ids = world.sets.iter().flat_map(|set| set.pods.iter().map(|pod| pod.id));
            ids.collect::<Vec<_>>()
        };
        let before = pods(&world);
        assert_eq!((before.len(), world.sets.len()), (4, 2));
        world.toggle_default();
        world.wait(60);
        world.edit(&json!({ "spec": { "minReadySeconds": 1 } }));
        world.wait(60);
        assert_eq!(pods(&world), before, "no pod is replaced\n{}", world.trace.join("\n"));
        world.set_image("web:good-0");
        world.wait(60);
        assert_eq!(
            world.sets.len(),
            2,
            "gone back to, not made again\n{}",
            world.trace.join("\n")
        );
        let status = world.current().status;
        assert!(
            status.phase == "Healthy" && status.stable_rs.ends_with('x'),
            "{status:?}"
        );
        // The only one that runs is deleted: it is made again, and serves at once.
        let stable = world.sets.iter().position(|set| set.object.hash() == status.stable_rs);
        world.lose_set(stable.expect("stable"));
        world.wait(60);
        let status = world.current().status;
        assert_eq!(
            (&*status.phase, status.available_replicas),
            ("Healthy", 4),
            "{}",
            world.trace.join("\n")
        );
        for service in world.named_services() {
            assert_eq!(
                (world.behind(&service), world.selected(&service)),
                (4, &*status.stable_rs)
            );
        }
        assert_whole(&world);
    }
}
