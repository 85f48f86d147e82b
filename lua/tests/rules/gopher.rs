//! All generated scripts in gopher-lua, as the versions of Argo CD from 2.8 to 3.6 have it, and in the host: over the
//! fixtures, and over objects made at random.

use crate::compare::{Kind, kinds, now};
use crate::objects::{Rng, random_object};
use crate::support::{Mode, Script, disagreements};
use serde_json::Value;
use std::thread;

fn script(kind: &Kind, name: &str, mode: Mode, text: &str) -> Script {
    Script {
        name: format!("{} {name}", kind.rules.kind),
        mode,
        text: text.to_owned(),
    }
}

fn judging(kind: &Kind) -> Vec<Script> {
    let mut scripts = vec![script(
        kind,
        "health",
        Mode::Health,
        kind.scripts.health.as_ref().unwrap(),
    )];
    if let Some(actions) = &kind.scripts.actions {
        scripts.push(script(kind, "discovery", Mode::Discovery, &actions.discovery));
    }
    scripts
}

fn acting(kind: &Kind) -> Vec<Script> {
    let definitions = kind.scripts.actions.iter().flat_map(|actions| &actions.definitions);
    definitions
        .map(|(name, text)| script(kind, name, Mode::Action, text))
        .collect()
}

#[track_caller]
fn agree(scripts: &[Script], objects: impl IntoIterator<Item = Value>) -> usize {
    let (found, compared) = disagreements(scripts, objects, now());
    assert!(found.is_empty(), "{}", found.join("\n"));
    compared
}

pub(crate) fn fixtures_are_judged_alike() {
    for kind in kinds() {
        let scripts = [judging(&kind), acting(&kind)].concat();
        let compared = agree(&scripts, crate::files::objects(kind.rules.kind).into_values());
        println!("{}: {compared} answers compared", kind.rules.kind);
    }
}

pub(crate) fn generated_objects_are_judged_alike() {
    thread::scope(|scope| {
        for kind in kinds() {
            scope.spawn(move || {
                let compared = generated_objects(&kind, crate::objects::count());
                println!("{}: {compared} answers compared", kind.rules.kind);
            });
        }
    });
}

fn generated_objects(kind: &Kind, count: u64) -> usize {
    let name = kind.rules.kind;
    let object = move |seed| random_object(name, &mut Rng::new(seed));
    let mut compared = agree(&judging(kind), (0..count).map(object));
    let actions = acting(kind);
    for (turn, action) in actions.iter().enumerate() {
        // One action each: they take turns.
        let seeds = (turn as u64..count).step_by(actions.len());
        compared += agree(std::slice::from_ref(action), seeds.map(object));
    }
    compared
}
