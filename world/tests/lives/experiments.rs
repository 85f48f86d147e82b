//! A person ends an experiment that has traffic, and the controller dies, between any two writes: its pods go at once when they
//! may, and no weight leads to pods that are gone (`World::check_led_to`).

use serde_json::{Value, json};
use serin_world::World;
use serin_world::experiments::Experiments;

/// Writes that the update of [`manifest`] takes, and some.
const WRITES: usize = 40;

fn manifest() -> Value {
    let experiment = json!({"scaleDownDelaySeconds": 0, "templates": [
        {"name": "base", "specRef": "stable", "weight": 5},
        {"name": "next", "specRef": "canary", "weight": 10},
    ]});
    let pod = json!({"containers": [{"name": "web", "image": "web:good-0", "ports": [{"containerPort": 80}]}]});
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
        "spec": {
            "replicas": 3, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod},
            "strategy": {"canary": {
                "canaryService": "canary", "stableService": "stable", "trafficRouting": {"smi": {}},
                "steps": [{"setWeight": 30}, {"experiment": experiment}, {"setWeight": 60}],
            }},
        },
    })
}

fn end(world: &mut World) {
    world.end_experiment();
}

#[test]
fn a_crash_and_an_end_between_any_two_writes() {
    let mut had_weight = 0;
    for writes in 1..=WRITES {
        let mut world = World::new(manifest());
        world.experiments = Some(Experiments::default());
        world.create_services();
        world.wait(30);
        assert_eq!(world.current().status.phase, "Healthy");
        let at = world.writes + writes;
        world.interruption = Some((at, end));
        world.faults.crash_after_writes = Some(at);
        world.edit(&json!({"spec": {"template": {"spec": {"containers": [{
            "name": "web", "image": "web:good-1", "ports": [{"containerPort": 80}],
        }]}}}}));
        world.wait(15);
        had_weight += usize::from(world.trace.iter().any(|line| line.contains("-2-1-base\",\"weight\":5")));
        // Where it ended before it was made it runs.
        world.end_experiment();
        world.wait(90);
        assert!(
            world.broken.is_empty(),
            "{writes}: {:?}\n{}",
            world.broken,
            world.trace.join("\n")
        );
        assert_eq!(
            world.current().status.phase,
            "Healthy",
            "{writes}: {}",
            world.trace.join("\n")
        );
        let trials = world.experiments.iter().flat_map(|of| &of.all);
        let pods: i32 = trials
            .flat_map(|trial| &trial.sets)
            .map(|(_, set, _)| set.replicas)
            .sum();
        assert_eq!(pods, 0, "{writes}: {}", world.trace.join("\n"));
    }
    assert!(had_weight > WRITES / 4, "{had_weight}");
}
