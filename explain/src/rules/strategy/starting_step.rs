//! `strategy/starting-step`: background analysis begins after the last step.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "strategy/starting-step",
    severity: Severity::Error,
    title: "background analysis begins at a step that does not exist",
    page: include_str!("../../../../docs/rules/strategy.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, _, rollout) in seen.rollouts() {
        let Some(canary) = &rollout.spec.strategy.canary else {
            continue;
        };
        let Some(start) = canary.analysis.as_ref().and_then(|analysis| analysis.starting_step) else {
            continue;
        };
        let steps = canary.steps.len();
        if usize::try_from(start).is_ok_and(|start| start < steps) {
            continue;
        }
        let message = match steps {
            0 => format!("startingStep is {start}, but there are no steps"),
            _ => format!(
                "startingStep is {start}, but the steps go from 0 to {}: the analysis {}",
                steps - 1,
                if start < 0 { "begins at once" } else { "never runs" }
            ),
        };
        let path = at("spec.strategy.canary.analysis.startingStep");
        let finding = found.add(index, &path, message);
        if start < 0 {
            finding.severity(Severity::Warning);
        }
        finding.fix(Fix::words("count steps from 0, and name one that exists"));
    }
}
