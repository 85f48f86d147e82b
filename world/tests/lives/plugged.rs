//! Step plugins of random lives: they answer anything, or not at all.

use serde_json::{Value, json};
use serin_core::observed::{Configured, Says, StepResult};
use serin_world::World;
use serin_world::plugins::{Plugins, Reply};
use serin_world::rng::Rng;

/// Name of the one plugin.
const PLUGIN: &str = "example/step";

/// Gives a canary up to two steps of a plugin.
pub(crate) fn give_plugins(rng: &mut Rng, strategy: &mut Value) {
    let Some(steps) = strategy.pointer_mut("/canary/steps").and_then(Value::as_array_mut) else {
        return;
    };
    for _ in 0..=rng.up_to(1) {
        let last = i64::try_from(steps.len()).unwrap();
        let place = usize::try_from(rng.up_to(last)).unwrap();
        steps.insert(place, json!({ "plugin": { "name": PLUGIN } }));
    }
}

fn phase(phase: &str) -> Reply {
    Reply::Says(Says::Result(StepResult {
        phase: phase.to_owned(),
        ..StepResult::default()
    }))
}

fn answer(world: &mut World, reply: Reply) {
    if let Some(plugins) = &mut world.plugins {
        plugins.replies.insert(PLUGIN.to_owned(), reply);
    }
}

/// The plugin is there, and answers as chance has it.
pub(crate) fn plug(world: &mut World, rng: &mut Rng) {
    world.plugins = Some(Plugins::of([(PLUGIN.to_owned(), Configured::Enabled)].into()));
    let replies = [
        phase("Successful"),
        phase("Running"),
        phase("Failed"),
        phase("odd"),
        Reply::Says(Says::Failure("it does not start".to_owned())),
        Reply::Nothing,
    ];
    answer(world, rng.pick(&replies).clone());
}

/// From now on the plugin answers well, also what it has not answered yet: another controller asks again.
pub(crate) fn answer_well(world: &mut World) {
    answer(world, phase("Successful"));
    world.forget_calls();
}
