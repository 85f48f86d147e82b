//! Actions that upstream has on its command line only (contract 10 §3, §9): in Argo CD they are extras.

use super::expr::{Keys, Number, Place, Test};
use super::rollout::{PAUSES, SPEC_PAUSED, STEP, STEPS, is_promoted};
use super::{Action, Change, To, Unified};

const CONTROLLER_PAUSE: Keys = &["status", "controllerPause"];
const STEP_RUN: Keys = &["status", "canary", "currentStepAnalysisRunStatus", "status"];

pub(super) fn actions() -> Vec<Action> {
    vec![promote(), skip_all_steps()]
}

/// A person's pause ends.
pub(super) fn unpause() -> Change {
    Change::new(SPEC_PAUSED, To::Boolean(false), Test::is_true(SPEC_PAUSED))
}

fn has_steps() -> Test {
    Test::not_empty(STEPS)
}

/// Past the pause, else past the step under way; never both (the first rule that fits).
fn promote() -> Action {
    let waits = || Test::not_empty(PAUSES);
    // Clearing the pause alone would leave the rollout at the same inconclusive analysis.
    let inconclusive = || {
        Test::All(vec![
            waits(),
            Test::is_true(CONTROLLER_PAUSE),
            Test::is(STEP_RUN, "Inconclusive"),
            has_steps(),
        ])
    };
    let next = || {
        To::Number(Number::Next(
            Box::new(Number::or(STEP, 0)),
            Box::new(Number::Count(STEPS)),
        ))
    };
    let moves = Test::All(vec![!waits(), has_steps()]);
    let at_the_end = Test::Equal(Number::or(STEP, 0), Number::Count(STEPS));
    let nothing_to_do = || {
        Test::All(vec![
            !waits(),
            !Test::is_true(SPEC_PAUSED),
            Test::Either(vec![is_promoted(), !has_steps(), at_the_end.clone()]),
        ])
    };
    Action {
        name: "promote",
        display_name: "Promote to Next Step",
        icon_class: "fa fa-fw fa-angle-double-right",
        extra: true,
        note: "Past the pause, else past the step under way (contract 10 sections 3 and 9; argo-cd#19105).",
        disabled: nothing_to_do(),
        guard: !nothing_to_do(),
        changes: vec![
            Change::new(PAUSES, To::Absent, Test::Either(vec![waits(), has_steps()])).unified(Unified::Always),
            Change::new(CONTROLLER_PAUSE, To::Boolean(false), inconclusive()).unified(Unified::Never),
            Change::new(STEP, next(), inconclusive()).unified(Unified::Never),
            Change::new(STEP, next(), moves),
            unpause().unified(Unified::Always),
        ],
    }
}

fn skip_all_steps() -> Action {
    let remaining = || Test::Less(Number::or(STEP, 0), Number::Count(STEPS));
    Action {
        name: "skip-all-steps",
        display_name: "Skip All Steps",
        icon_class: "fa fa-fw fa-fast-forward",
        extra: true,
        note: "Past all steps; pods are still replaced no faster than the strategy allows (contract 10 section 9).",
        disabled: !remaining(),
        guard: remaining(),
        changes: vec![Change::new(
            STEP,
            To::Number(Number::Count(STEPS)),
            Test::Present(Place::at(STEPS)),
        )],
    }
}
