//! Rules in Rust, their Lua in the host, and the fixtures: all say the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod compare;
mod files;
mod fixtures;
mod lint;
mod objects;
mod one_source;

use compare::{Kind, kinds};
use objects::{Rng, random_object};
use std::thread;

/// The differences over the objects of some seeds.
fn differences(kind: &Kind, seeds: impl Iterator<Item = u64>) -> Vec<String> {
    let host = crate::compare::host();
    let mut found = Vec::new();
    for seed in seeds {
        let object = random_object(kind.rules.kind, &mut Rng::new(seed));
        let mut one = kind.differences(&host, &object);
        // One action each: the actions take turns.
        let actions = &kind.rules.actions;
        let turn = usize::try_from(seed).unwrap().checked_rem(actions.len());
        one.extend(turn.and_then(|turn| kind.action_differs(&host, &actions[turn], &object)));
        found.extend(one.into_iter().map(|text| format!("seed {seed}: {text}\n{object:#}")));
        if found.len() > 3 {
            break;
        }
    }
    found
}

#[test]
fn generated_objects_are_judged_alike() {
    for kind in kinds() {
        let (count, workers) = (objects::count(), 2);
        let found: Vec<String> = thread::scope(|scope| {
            let work = |worker| {
                let kind = &kind;
                scope.spawn(move || differences(kind, (worker..count).step_by(workers)))
            };
            let running: Vec<_> = (0..workers as u64).map(work).collect();
            running.into_iter().flat_map(|one| one.join().unwrap()).collect()
        });
        assert!(found.is_empty(), "{}: {}", kind.rules.kind, found.join("\n"));
    }
}
