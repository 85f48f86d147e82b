//! `analysis/endless`: an analysis that a rollout waits for never ends.

use crate::rules::Rule;
use crate::rules::analysis::templates::metrics_of;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::api::rollout::{Rollout, RolloutAnalysis};
use serin_gitops::yaml::FieldPath;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "analysis/endless",
    severity: Severity::Error,
    title: "a rollout waits for an analysis that never ends",
    page: include_str!("../../../../docs/rules/analysis.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object, rollout) in seen.rollouts() {
        for (path, analysis) in waited_for(rollout) {
            let Some(metrics) = metrics_of(seen, object, &analysis.templates) else {
                continue;
            };
            for metric in metrics.iter().filter(|metric| metric.endless) {
                let template = seen
                    .objects()
                    .position(|(_, other)| std::ptr::eq(other, metric.template));
                let metrics = metric.template.value["spec"]["metrics"].as_array();
                let position = metrics.and_then(|metrics| metrics.iter().position(|it| it["name"] == metric.name));
                let message = format!(
                    "AnalysisTemplate {} has metric {} which runs indefinitely, and {} waits for it in {path}: the controller \
                     refuses it. Invalid value for count: <nil>",
                    metric.template.name(),
                    metric.name,
                    object.title(),
                );
                let words = "set count, so that the metric ends; without it a metric is for background analysis";
                match template.zip(position) {
                    Some((template, position)) => {
                        let place = at("spec.metrics").index(position);
                        found.add(template, &place, message).fix(Fix::words(words));
                    }
                    None => {
                        found.add(index, &path, message).fix(Fix::words(words));
                    }
                }
            }
        }
    }
}

/// The analyses whose end a rollout waits for, with their paths.
pub(in crate::rules) fn waited_for(rollout: &Rollout) -> Vec<(FieldPath, &RolloutAnalysis)> {
    let mut found = Vec::new();
    if let Some(canary) = &rollout.spec.strategy.canary {
        let steps = canary.steps.iter().enumerate();
        found.extend(steps.filter_map(|(step, written)| {
            let path = at("spec.strategy.canary.steps").index(step).key("analysis");
            Some((path, written.analysis.as_deref()?))
        }));
    }
    if let Some(blue_green) = &rollout.spec.strategy.blue_green {
        for (field, analysis) in [
            ("prePromotionAnalysis", &blue_green.pre_promotion_analysis),
            ("postPromotionAnalysis", &blue_green.post_promotion_analysis),
        ] {
            found.extend(
                analysis
                    .as_deref()
                    .map(|analysis| (at("spec.strategy.blueGreen").key(field), analysis)),
            );
        }
    }
    found
}
