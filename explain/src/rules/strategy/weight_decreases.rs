//! `strategy/weight-decreases`: a later step has less weight.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "strategy/weight-decreases",
    severity: Severity::Warning,
    title: "a later step gives the canary less traffic",
    page: include_str!("../../../../docs/rules/strategy.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, _, rollout) in seen.rollouts() {
        let Some(canary) = &rollout.spec.strategy.canary else {
            continue;
        };
        let mut before: Option<i32> = None;
        for (step, weight) in canary
            .steps
            .iter()
            .enumerate()
            .filter_map(|(step, written)| Some((step, written.set_weight?)))
        {
            // Weight 0 closes the canary again on purpose, such as for a route by header.
            if let Some(more) = before.filter(|more| weight < *more && weight != 0) {
                let path = at("spec.strategy.canary.steps").index(step).key("setWeight");
                let message = format!(
                    "step {} sets weight {weight} after {more}: traffic goes back to stable",
                    step + 1
                );
                found
                    .add(index, &path, message)
                    .fix(Fix::words("let the weights rise, or remove the step"));
            }
            before = Some(weight);
        }
    }
}
