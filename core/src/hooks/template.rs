//! Health of the templates of analyses; upstream has none for them.

use super::expr::{Keys, Test, Text};
use super::{HealthRule, HealthStatus, Rules};

const METRICS: Keys = &["spec", "metrics"];
const TEMPLATES: Keys = &["spec", "templates"];

/// The rules of both kinds of templates: a template is at rest, and either it can be used or it cannot.
pub(super) fn rules(kind: &'static str) -> Rules {
    Rules {
        kind,
        health: vec![
            HealthRule {
                note: "An AnalysisRun of it would end in an error: nothing is measured (contract 06 section 1).",
                when: !Test::Either(vec![Test::not_empty(METRICS), Test::not_empty(TEMPLATES)]),
                status: HealthStatus::Degraded,
                message: Text::words("spec.metrics: no metrics are given, and spec.templates names no other template"),
            },
            HealthRule {
                note: "Upstream gives no health.",
                when: Test::Always,
                status: HealthStatus::Healthy,
                message: Text::words(""),
            },
        ],
        actions: Vec::new(),
    }
}
