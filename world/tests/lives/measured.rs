//! Analyses of random lives: runs that end with any verdict, late, or never.

use serde_json::{Value, json};
use serin_core::wire::analysis::Phase;
use serin_world::World;
use serin_world::rng::Rng;
use serin_world::runs::Verdicts;

/// Name of the one template.
const TEMPLATE: &str = "load";

/// Gives a strategy analyses of any kind.
pub(crate) fn give_analyses(rng: &mut Rng, strategy: &mut Value) {
    let analysis = || {
        json!({
            "templates": [{ "templateName": TEMPLATE }],
            "args": [{ "name": "hash", "valueFrom": { "podTemplateHashValue": "Latest" } }],
        })
    };
    if strategy["blueGreen"].is_object() {
        for field in ["prePromotionAnalysis", "postPromotionAnalysis"] {
            if rng.one_in(2) {
                strategy["blueGreen"][field] = analysis();
            }
        }
        return;
    }
    if rng.one_in(2) {
        let mut background = analysis();
        if rng.one_in(2) {
            background["startingStep"] = rng.up_to(2).into();
        }
        strategy["canary"]["analysis"] = background;
    }
    let inline = rng.one_in(2);
    if let Some(steps) = strategy["canary"]["steps"].as_array_mut().filter(|_| inline) {
        let last = i64::try_from(steps.len()).unwrap();
        let place = usize::try_from(rng.up_to(last)).unwrap();
        steps.insert(place, json!({ "analysis": analysis() }));
    }
}

/// The template is there, and runs end as chance has it.
pub(crate) fn measure(world: &mut World, rng: &mut Rng) {
    world
        .create_template(
            TEMPLATE,
            false,
            &json!({ "metrics": [{ "name": TEMPLATE, "provider": {} }], "args": [{ "name": "hash" }] }),
        )
        .unwrap();
    let good = Some(Phase::Successful);
    let ends = [
        vec![good],
        vec![good, None],
        vec![good, Some(Phase::Failed)],
        vec![good, Some(Phase::Inconclusive)],
        vec![
            good,
            Some(Phase::Failed),
            Some(Phase::Error),
            Some(Phase::Inconclusive),
            None,
        ],
    ];
    world.verdicts = Verdicts {
        within: rng.up_to(40),
        phases: rng.pick(&ends).clone(),
    };
}

/// From now on all runs end well, those too that would never end.
pub(crate) fn measure_well(world: &mut World) {
    world.verdicts = Verdicts {
        within: 3,
        phases: vec![Some(Phase::Successful)],
    };
    for index in 0..world.runs.len() {
        if !world.runs[index].object.is_completed() {
            world.end_run(index, Phase::Successful, "");
        }
    }
}

/// Whether a run measures: an update may wait for it for as long as it likes.
pub(crate) fn is_measuring(world: &World) -> bool {
    world.runs.iter().any(|run| !run.object.is_completed())
}
