//! `analysis/cycle`: a template that names itself, directly or by way of others.

use crate::rules::Rule;
use crate::rules::analysis::templates::{CLUSTER, NAMESPACED, reachable};
use crate::rules::finding::{Fix, Severity};
use crate::rules::path::at;
use crate::rules::seen::{Found, Seen};
use serin_core::analysis::template::{GatherError, gather};
use serin_core::api::rollout::AnalysisTemplateRef;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "analysis/cycle",
    severity: Severity::Error,
    title: "a template names itself, directly or by way of others",
    page: include_str!("../../../../docs/rules/analysis.md"),
    find,
};

fn find(seen: &Seen<'_>, found: &mut Found<'_, '_>) {
    for kind in [NAMESPACED, CLUSTER] {
        for (index, object) in seen.ours(kind) {
            let reference = AnalysisTemplateRef {
                template_name: object.name().to_owned(),
                cluster_scope: (kind == CLUSTER).then_some(true),
            };
            let templates = reachable(seen, object);
            let Err(error) = gather(&[reference], &templates) else {
                continue;
            };
            // Who leads into a circle of others is not told.
            if let GatherError::Cycle { name, .. } = &error
                && name == object.name()
            {
                let words = "leave one of these references out";
                found
                    .add(index, &at("spec.templates"), error.to_string())
                    .fix(Fix::words(words));
            }
        }
    }
}
