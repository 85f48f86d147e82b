//! `strategy/pause-after-full`: a pause without an end after all traffic has moved.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::meaning::{PauseLength, max_weight, pause_duration};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "strategy/pause-after-full",
    severity: Severity::Warning,
    title: "a person must promote although the canary already has all traffic",
    page: include_str!("../../../../docs/rules/strategy.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, _, rollout) in seen.rollouts() {
        let Some(canary) = &rollout.spec.strategy.canary else {
            continue;
        };
        let most = max_weight(canary);
        let mut weight = 0;
        for (step, written) in canary.steps.iter().enumerate() {
            weight = written.set_weight.unwrap_or(weight);
            let endless = written.pause.as_ref().map(pause_duration) == Some(PauseLength::Indefinite);
            if endless && weight >= most {
                let path = at("spec.strategy.canary.steps").index(step).key("pause");
                let message = format!(
                    "step {} waits for a person after weight {weight}: all users have the new version already, and the old \
                     pods stay until somebody promotes",
                    step + 1
                );
                let words = "put the pause before the last weight, or give it a duration";
                found.add(index, &path, message).fix(Fix::words(words));
            }
        }
    }
}
