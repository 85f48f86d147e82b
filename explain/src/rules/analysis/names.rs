//! `analysis/metric-names`: two templates of one analysis have a metric of one name (contract 06 §8).

use crate::rules::Rule;
use crate::rules::analysis::endless::waited_for;
use crate::rules::analysis::templates::metrics_of;
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use std::collections::BTreeMap;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "analysis/metric-names",
    severity: Severity::Error,
    title: "two templates of one analysis have a metric of the same name",
    page: include_str!("../../../../docs/rules/analysis.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for (index, object, rollout) in seen.rollouts() {
        let mut analyses = waited_for(rollout);
        let canary = rollout.spec.strategy.canary.as_ref();
        if let Some(background) = canary.and_then(|canary| canary.analysis.as_ref()) {
            analyses.push((at("spec.strategy.canary.analysis"), &background.analysis));
        }
        for (path, analysis) in analyses {
            let Some(metrics) = metrics_of(seen, object, &analysis.templates) else {
                continue;
            };
            let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
            for metric in metrics {
                let other = owners.insert(metric.name, metric.template.name());
                if let Some(other) = other.filter(|other| *other != metric.template.name()) {
                    let message = format!(
                        "two metrics have the same name '{}': in the templates {other:?} and {:?}",
                        metric.name,
                        metric.template.name()
                    );
                    let words = "rename one of the two metrics";
                    found.add(index, &path.key("templates"), message).fix(Fix::words(words));
                }
            }
        }
    }
}
