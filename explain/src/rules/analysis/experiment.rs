//! `analysis/experiment-endless`: an experiment that nothing ends.

use crate::rules::Rule;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::notation::duration::GoDuration;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "analysis/experiment-endless",
    severity: Severity::Error,
    title: "a rollout waits for an experiment that nothing ends",
    page: include_str!("../../../../docs/rules/analysis.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, _, rollout) in seen.rollouts() {
        let Some(canary) = &rollout.spec.strategy.canary else {
            continue;
        };
        for (step, experiment) in canary
            .steps
            .iter()
            .enumerate()
            .filter_map(|(step, it)| Some((step, it.experiment.as_ref()?)))
        {
            let path = at("spec.strategy.canary.steps").index(step).key("experiment");
            if let Err(error) = experiment.duration.parse::<GoDuration>()
                && !experiment.duration.is_empty()
            {
                let message = format!("the duration of the experiment cannot be read: {error}");
                found
                    .add(index, &path.key("duration"), message)
                    .fix(Fix::words("write it as 30s, 10m or 1h"));
            }
            let ends = experiment
                .analyses
                .iter()
                .any(|analysis| analysis.required_for_completion);
            if experiment.duration.is_empty() && !ends {
                let message = format!(
                    "step {} waits for an experiment that has neither a duration nor an analysis with requiredForCompletion: it \
                     ends when it fails, or when somebody terminates it",
                    step + 1
                );
                let words = "set duration, or requiredForCompletion on the analysis that decides";
                found
                    .add(index, &path, message)
                    .severity(Severity::Note)
                    .fix(Fix::words(words));
            }
        }
    }
}
