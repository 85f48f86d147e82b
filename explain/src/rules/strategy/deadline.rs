//! `strategy/deadline`: something takes longer than the progress deadline, so that every update becomes Degraded.
//!
//! Pauses, analysis steps and experiments stop the clock (contract 02 §8). The analyses of a blue-green do not.

use crate::rules::Rule;
use crate::rules::analysis::templates::metrics_of;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::{at, find as reach};
use crate::rules::seen::{Found, Seen};
use serde_json::Value;
use serin_gitops::yaml::FieldPath;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "strategy/deadline",
    severity: Severity::Warning,
    title: "something takes longer than the progress deadline, so that every update becomes Degraded",
    page: include_str!("../../../../docs/rules/strategy.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object, rollout) in seen.rollouts() {
        let deadline = i64::from(rollout.spec.progress_deadline_seconds_or_default());
        let then = if rollout.spec.progress_deadline_abort {
            "aborted"
        } else {
            "Degraded"
        };
        for (path, container) in reach(&object.value, "spec.template.spec.containers[*]") {
            let (probe, seconds) = before_ready(container);
            let seconds = seconds + i64::from(rollout.spec.min_ready_seconds);
            if seconds >= deadline && i64::from(rollout.spec.min_ready_seconds) < deadline {
                let message = format!(
                    "a pod is available after {seconds} s at the earliest (probe and minReadySeconds), and the progress \
                     deadline is {deadline} s: every update is {then}"
                );
                let words = format!("set spec.progressDeadlineSeconds to more than {seconds}");
                found.add(index, &below(&path, probe), message).fix(Fix::words(words));
            }
        }
        let Some(blue_green) = &rollout.spec.strategy.blue_green else {
            continue;
        };
        for (field, analysis) in [
            ("prePromotionAnalysis", &blue_green.pre_promotion_analysis),
            ("postPromotionAnalysis", &blue_green.post_promotion_analysis),
        ] {
            let Some(analysis) = analysis else { continue };
            let Some(metrics) = metrics_of(seen, object, &analysis.templates) else {
                continue;
            };
            let Some(seconds) = metrics.iter().filter_map(|metric| metric.least_seconds).max() else {
                continue;
            };
            if seconds > deadline {
                let message = format!(
                    "{field} takes at least {seconds} s, and the progress deadline, which does not stop for it, is {deadline} s: \
                     the update is {then} while the analysis runs"
                );
                let words = format!("set spec.progressDeadlineSeconds to more than {seconds}");
                found
                    .add(index, &at("spec.strategy.blueGreen").key(field), message)
                    .fix(Fix::words(words));
            }
        }
    }
}

fn below(path: &FieldPath, probe: &str) -> FieldPath {
    if probe.is_empty() {
        path.clone()
    } else {
        path.key(probe).key("initialDelaySeconds")
    }
}

/// The seconds before a container can be ready, and the probe that asks for most of them.
fn before_ready(container: &Value) -> (&'static str, i64) {
    let delay = |probe: &'static str| {
        let seconds = container[probe]["initialDelaySeconds"].as_i64().unwrap_or(0);
        (probe, seconds)
    };
    let longest = [delay("readinessProbe"), delay("startupProbe")]
        .into_iter()
        .max_by_key(|(_, seconds)| *seconds);
    longest.filter(|(_, seconds)| *seconds > 0).unwrap_or(("", 0))
}
