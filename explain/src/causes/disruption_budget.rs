//! `disruption-budget`: a PodDisruptionBudget keeps a restart from going on.

use super::shared::observed;
use super::{CauseKind, Scope};
use crate::case::{Case, Kind};
use crate::explanation::Cause;
use crate::sources::{Object, text};
use jiff::SignedDuration;

/// A restart that was asked for so recently is on its way.
const PATIENCE: SignedDuration = SignedDuration::from_secs(90);

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "disruption-budget",
    docs: "A restart does not go on, because a PodDisruptionBudget allows no eviction of the pods.",
    remedy: "Loosen the budget, or add a replica.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if case.kind != Kind::Rollout {
        return None;
    }
    let asked = case.object.time("/spec/restartAt").filter(|at| *at <= case.now)?;
    let done = case.object.text("/status/restartedAt") == case.object.text("/spec/restartAt");
    if done || case.now.duration_since(asked) < PATIENCE {
        return None;
    }
    let labels = case.object.at("/spec/template/metadata/labels");
    let budget = case
        .index
        .of_kind("PodDisruptionBudget", case.object.namespace())
        .find(|budget| budget.number("/status/disruptionsAllowed") == Some(0) && selects(budget, labels))?;
    let (healthy, desired) = (
        budget.number("/status/currentHealthy").unwrap_or(0),
        budget.number("/status/desiredHealthy").unwrap_or(0),
    );
    let told = format!("0 disruptions allowed: {healthy} healthy, {desired} must be");
    let evidence = vec![
        case.fact("budget", budget, "status.disruptionsAllowed", None, &told),
        case.fact(
            "spec",
            case.object,
            "spec.restartAt",
            Some(asked),
            "the restart is not done",
        ),
    ];
    let summary = format!(
        "PodDisruptionBudget {} allows no eviction, and the restart waits for one ({healthy} healthy, {desired} must be).",
        budget.name()
    );
    Some(observed(&CAUSE, summary, evidence))
}

fn selects(budget: &Object, labels: &serde_json::Value) -> bool {
    let wanted = budget.at("/spec/selector/matchLabels").as_object();
    wanted
        .is_some_and(|wanted| !wanted.is_empty() && wanted.iter().all(|(key, value)| text(&labels[key]) == text(value)))
}
