//! `invalid-spec`: the controller cannot carry the spec out.

use super::shared::{clause, inferred, invalid_message, observed};
use super::{CauseKind, Scope};
use crate::case::{Case, Kind};
use crate::explanation::Cause;
use serin_core::wire::condition;

pub(super) const CAUSE: CauseKind = CauseKind {
    id: "invalid-spec",
    docs: "The spec is invalid, and nothing happens until it is corrected. Seen in the condition InvalidSpec, which names the \
           field; where no controller has looked at the spec yet, Serin validates it by the same rules.",
    remedy: "Correct the field that the message names.",
    detect,
    scope: Scope::Trouble,
};

fn detect(case: &Case<'_>) -> Option<Cause> {
    if let Some(message) = invalid_message(case) {
        let told = message.split_once("is invalid: ").map_or(message, |(_, rest)| rest);
        let summary = format!("The spec is invalid: {}.", clause(told));
        let evidence = case.condition_fact(case.object, condition::INVALID_SPEC);
        return Some(observed(&CAUSE, summary, evidence.into_iter().collect()));
    }
    if case.kind != Kind::Rollout || case.generation_is_observed() || case.rollout.spec.workload_ref.is_some() {
        return None;
    }
    let identity = case.sources.templates.get(case.object.uid())?.identity.as_ref()?;
    let problem = identity.invalid.as_ref()?;
    let fact = case.fact(
        "spec",
        case.object,
        problem.split(':').next().unwrap_or_default(),
        None,
        problem,
    );
    let summary = format!(
        "The spec, which no controller has looked at yet, is invalid: {}.",
        clause(problem)
    );
    Some(inferred(&CAUSE, summary, vec![fact]))
}
