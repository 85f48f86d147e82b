//! `strategy/background-never-runs`: background analysis that the steps leave no time for.

use crate::rules::Rule;
use crate::rules::analysis::templates::metrics_of;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::api::rollout::CanaryStrategy;
use serin_core::meaning::{PauseLength, pause_duration};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "strategy/background-never-runs",
    severity: Severity::Warning,
    title: "background analysis never measures anything",
    page: include_str!("../../../../docs/rules/strategy.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object, rollout) in seen.rollouts() {
        let Some(canary) = &rollout.spec.strategy.canary else {
            continue;
        };
        let Some(analysis) = &canary.analysis else { continue };
        let path = at("spec.strategy.canary.analysis");
        if analysis.analysis.templates.is_empty() {
            let message = "the background analysis names no template, so nothing is ever measured";
            found
                .add(index, &path, message)
                .fix(Fix::words("name a template, or remove the analysis"));
            continue;
        }
        let Some(seconds) = longest(canary, analysis.starting_step.unwrap_or(0)) else {
            continue;
        };
        let Some(metrics) = metrics_of(seen, object, &analysis.analysis.templates) else {
            continue;
        };
        let delay = metrics
            .iter()
            .filter_map(|metric| metric.delay)
            .min()
            .filter(|_| !metrics.is_empty());
        if let Some(delay) =
            delay.filter(|delay| metrics.iter().all(|metric| metric.delay.is_some()) && *delay > seconds)
        {
            let message = format!(
                "every metric waits {delay} s (initialDelay) before it is measured, but the steps beside it last {seconds} s: \
                 the update is over before anything is measured"
            );
            let words = "shorten initialDelay, or add a pause";
            found.add(index, &path, message).fix(Fix::words(words));
        }
    }
}

/// The seconds from a step to the end, as far as the steps say it; `None` where one waits for a person, an analysis, an
/// experiment or a plugin, or where there are none: pods take their time too.
fn longest(canary: &CanaryStrategy, start: i32) -> Option<i64> {
    let start = usize::try_from(start).unwrap_or(0);
    let mut seconds = 0;
    let mut pauses = false;
    for step in canary.steps.iter().skip(start) {
        if step.analysis.is_some() || step.experiment.is_some() || step.plugin.is_some() {
            return None;
        }
        if let Some(pause) = &step.pause {
            pauses = true;
            match pause_duration(pause) {
                PauseLength::Seconds(length) => seconds += length,
                PauseLength::Indefinite | PauseLength::Invalid => return None,
            }
        }
    }
    // What pods take is not written anywhere; a tenth of an hour is generous.
    pauses.then_some(seconds + 600)
}
