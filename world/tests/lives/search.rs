//! Every life of a small scope: all specs of few pods and few steps, and one fault after each of their writes (decision 32).
//!
//! The plain run plays the specs of at most two pods and one step. `SERIN_SCOPE=whole` plays those of at most three pods
//! and four steps, `SERIN_FAULTS=2` two faults: a deed and, after each write that follows it, another controller. The counts
//! are printed.

use crate::life::recover;
use crate::moments::DEEDS;
use serde_json::{Value, json};
use serin_world::{Deed, World};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far the search goes.
#[derive(Clone, Copy)]
struct Scope {
    replicas: i32,
    steps: usize,
    faults: usize,
}

/// Specs in a scope.
fn specs(scope: Scope) -> Vec<(i32, Value)> {
    let mut specs = Vec::new();
    for replicas in 1..=scope.replicas {
        for steps in step_lists(scope.steps) {
            for (surge, unavailable) in [(1, 0), (0, 1), (1, 1)] {
                let canary = json!({ "steps": steps, "maxSurge": surge, "maxUnavailable": unavailable });
                let mut with_services = canary.clone();
                with_services["stableService"] = "stable".into();
                with_services["canaryService"] = "canary".into();
                specs.push((replicas, json!({ "canary": canary })));
                specs.push((replicas, json!({ "canary": with_services })));
            }
        }
        for preview in [Value::Null, 1.into()] {
            for promotion in [
                json!({}),
                json!({ "autoPromotionSeconds": 3 }),
                json!({ "autoPromotionEnabled": false }),
            ] {
                let mut of =
                    json!({ "activeService": "active", "previewService": "preview", "scaleDownDelaySeconds": 4 });
                if !preview.is_null() {
                    of["previewReplicaCount"] = preview.clone();
                }
                serin_world::merge(&mut of, &promotion);
                specs.push((replicas, json!({ "blueGreen": of })));
            }
        }
    }
    specs
}

/// All lists of at most so many steps, of two weights, a pause that ends and one that does not.
fn step_lists(most: usize) -> Vec<Vec<Value>> {
    let kinds = [
        json!({ "setWeight": 34 }),
        json!({ "setWeight": 67 }),
        json!({ "pause": { "duration": 2 } }),
        json!({ "pause": {} }),
    ];
    let mut lists = vec![Vec::new()];
    let mut longest = lists.clone();
    for _ in 0..most {
        let longer = |list: &Vec<Value>| {
            kinds
                .iter()
                .map({
                    let list = list.clone();
                    move |kind| [list.as_slice(), std::slice::from_ref(kind)].concat()
                })
                .collect::<Vec<_>>()
        };
        longest = longest.iter().flat_map(longer).collect();
        lists.extend(longest.iter().cloned());
    }
    lists
}

/// A deployment and an update, and what happens after which of its writes.
fn update(spec: &(i32, Value), deed: Option<(usize, Deed)>, crash: Option<usize>, tracing: bool) -> World {
    let mut world = crate::start::four_pods(&spec.1, 30);
    world.tracing = tracing;
    world.edit(&json!({ "spec": { "replicas": spec.0 } }));
    world.create_services();
    world.wait(10);
    let from = world.writes;
    world.interruption = deed.map(|(after, deed)| (from + after, deed));
    world.faults.crash_after_writes = crash.map(|after| from + after);
    world.set_image("web:good-1");
    world.wait(40);
    world
}

/// One life of the scope.
struct Life<'a> {
    spec: &'a (i32, Value),
    deed: Option<(usize, &'static str, Deed)>,
    crash: Option<usize>,
}

impl Life<'_> {
    fn play(&self, tracing: bool) -> World {
        let deed = self.deed.map(|(after, _, deed)| (after, deed));
        let mut world = update(self.spec, deed, self.crash, tracing);
        world.interruption = None;
        recover(&mut world);
        world
    }

    fn name(&self) -> String {
        let (replicas, strategy) = self.spec;
        let deed = self
            .deed
            .map_or_else(String::new, |(after, what, _)| format!(", after write {after}: {what}"));
        let crash = self.crash.map_or_else(String::new, |after| {
            format!(", after write {after}: another controller")
        });
        format!("{replicas} pods, {strategy}{deed}{crash}")
    }
}

/// All lives of one spec.
fn lives_of(spec: &(i32, Value), scope: Scope) -> Vec<Life<'_>> {
    let calm = update(spec, None, None, true);
    let begun = calm.trace.iter().position(|line| line.contains("web:good-1"));
    let written = |line: &&String| {
        ["s patch ", "s create ", "s status "]
            .iter()
            .any(|write| line.contains(write))
    };
    let writes = calm.trace[begun.expect("an update")..].iter().filter(written).count();
    let mut lives = Vec::new();
    for after in 1..=writes {
        lives.push(Life {
            spec,
            deed: None,
            crash: Some(after),
        });
        for (what, deed) in DEEDS {
            let deed = Some((after, *what, *deed));
            lives.push(Life {
                spec,
                deed,
                crash: None,
            });
            if scope.faults > 1 {
                lives.extend((after + 1..=writes + 3).map(|crash| Life {
                    spec,
                    deed,
                    crash: Some(crash),
                }));
            }
        }
    }
    lives
}

#[test]
fn a_small_scope_is_searched() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|of| of == value);
    let (replicas, steps) = if is("SERIN_SCOPE", "whole") { (3, 4) } else { (2, 1) };
    let faults = if is("SERIN_FAULTS", "2") { 2 } else { 1 };
    let scope = Scope {
        replicas,
        steps,
        faults,
    };
    let specs = specs(scope);
    let (next, lives) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let broken = Mutex::new(None);
    let search = || {
        while let Some(spec) = specs.get(next.fetch_add(1, Ordering::Relaxed)) {
            for life in lives_of(spec, scope) {
                if broken.lock().unwrap().is_some() {
                    return;
                }
                lives.fetch_add(1, Ordering::Relaxed);
                if !life.play(false).broken.is_empty() {
                    let world = life.play(true);
                    let story = format!("{}\n{}\n{:?}", life.name(), world.trace.join("\n"), world.broken);
                    broken.lock().unwrap().get_or_insert(story);
                    return;
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(search);
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_none(), "{}", broken.unwrap_or_default());
    let lives = lives.into_inner();
    println!(
        "{} specs, {lives} lives: at most {replicas} pods, {steps} steps, {faults} faults",
        specs.len()
    );
    assert!(
        specs.len() > 70 && lives > 10 * specs.len(),
        "{} specs, {lives} lives",
        specs.len()
    );
}
